/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which computer this is, and which one wrote last in a home that several may share: a small file in the state directory
 * says so. The lock beside it need not be seen by another computer; this file tells at least that there is one. I/O.
 */
#pragma once

#include <glib.h>

typedef struct {
	char *machine; /* hash of the machine's id in hex; "": it has none */
	char *boot;    /* of this run of its kernel, as boot_id in random(4); "": not known */
	char *name;    /* for people */
} TidyHost;

/* This computer; its etc/machine-id is looked for below @system_root. (transfer full), never NULL. */
TidyHost *tidy_host_here(const char *system_root);
void tidy_host_free(TidyHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyHost, tidy_host_free)

/* As the file has it: one line. (transfer full) */
char *tidy_host_format(const TidyHost *host);
/* The line back, or NULL when it is none of ours. (transfer full) */
TidyHost *tidy_host_parse(const char *text);
/* One kernel that runs, or one machine; by name only where neither has a machine's id. */
gboolean tidy_host_is_same(const TidyHost *a, const TidyHost *b);
