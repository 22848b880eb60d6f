/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A temporary directory for the duplicate finder, and what it finds there as text. I/O. */
#pragma once

#include <glib.h>

#include "home/dupes/dupes.h"

typedef struct {
	char *old_dir;
	char *path;
	TidyDupesOptions options;
	GError *error;
} DupesHome;

/* For g_test_add(): in a new directory, with the root "r". */
void dupes_home_set_up(DupesHome *f, gconstpointer data);
void dupes_home_tear_down(DupesHome *f, gconstpointer data);

/* A file, with the directories above it. */
void dupes_put_bytes(const char *path, const void *bytes, gsize size);
void dupes_put(const char *path, const char *text);
void dupes_set_mtime(const char *path, time_t seconds);

/* Must not fail. */
TidyDupes *dupes_find(DupesHome *f);

/* "dir: r/a r/b" or "file: ..." of each group, covered names in brackets, the kept one first; sorted lines. */
char *dupes_text(const TidyDupes *dupes);

/* "name > the one that is kept", sorted lines; the plan is checked. */
char *dupes_plan_text(const TidyDupes *dupes, TidyDupesAction action);

void dupes_assert_groups(DupesHome *f, const char *expected);
void dupes_assert_plan(DupesHome *f, TidyDupesAction action, const char *expected);
