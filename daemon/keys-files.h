/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Watches files by their names: keyremap.conf and what it includes. I/O: inotify; reads nothing. */
/*
 * A file is watched through its directory, so that an editor's rename and a file that is not there yet are seen too; a
 * directory that is missing through the nearest one above it that exists; a link also where it leads.
 */
#pragma once

#include <glib.h>

typedef struct TidyKeysFiles TidyKeysFiles;

/**
 * tidy_keys_files_new - watches nothing yet
 * @quiet_usec: changes within this time are told once
 * @changed: some file may have come, gone or changed; the watches are in place again by then
 */
TidyKeysFiles *tidy_keys_files_new(gint64 quiet_usec, void (*changed)(gpointer data),
				   gpointer data);
void tidy_keys_files_free(TidyKeysFiles *files);

/**
 * tidy_keys_files_set - watches exactly these
 * @paths: absolute, NULL-terminated
 *
 * Returns: TRUE when some path was not watched before: what was read of it may be old by now.
 */
gboolean tidy_keys_files_set(TidyKeysFiles *files, const char *const *paths);

/* Why watching is not complete, "" when it is. Borrowed. */
const char *tidy_keys_files_problem(const TidyKeysFiles *files);
