/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From keyremap.conf to what the helper gets, in a thread of its own. I/O: reads files and the XKB data. */
#pragma once

#include <gio/gio.h>

typedef struct {
	char *file; /* "" when there is no place */
	guint line, column;
	char *severity; /* "error", "warning" or "note" */
	char *text;
} TidyKeysProblem;

/* "file:line:column: text"; (transfer full) */
char *tidy_keys_problem_text(const TidyKeysProblem *problem);

typedef struct {
	char *path;
	gboolean is_missing; /* there is no such file: no problem, nothing to do */
	char *text;	     /* flat; NULL: there is an error among the problems */
	gsize length;
	char **commands; /* of command(), in the order of the text */
	guint n_layers;
	GPtrArray *problems; /* TidyKeysProblem, errors first */
	char **paths;	     /* the file and all that it includes or would include; to be watched */
} TidyKeysMade;

void tidy_keys_made_free(TidyKeysMade *made);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyKeysMade, tidy_keys_made_free)

/* The same in the caller's thread. (transfer full) */
TidyKeysMade *tidy_keys_compile(const char *path);

/* @func is not called when @cancellable is cancelled before. */
typedef void (*TidyKeysMadeFunc)(TidyKeysMade *made /* taken */, gpointer data);
void tidy_keys_compile_start(const char *path, GCancellable *cancellable, TidyKeysMadeFunc func,
			     gpointer data);
