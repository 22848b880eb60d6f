/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A free name for an entry whose own name is taken: "name (2).ext". Pure. */
#pragma once

#include <glib.h>

/* TRUE when @name is taken in the directory. */
typedef gboolean (*TidyNameTakenFunc)(const char *name, gpointer data);

/**
 * tidy_naming_next - the lowest free name of the form "stem (n).ext", n from 2
 * @name: the name that is taken; raw bytes, not necessarily UTF-8
 * @is_directory: a directory has no extension
 *
 * "a.tar.gz" keeps its double extension together, ".bashrc" has none, and "a (3).txt" goes on with "a (4).txt".
 * The stem is cut at a UTF-8 border so that the result fits NAME_MAX (255 bytes). At most 9,998 questions.
 * Returns: (transfer full): the name, or NULL when 2..9999 are all taken.
 */
char *tidy_naming_next(const char *name, gboolean is_directory, TidyNameTakenFunc is_taken,
		       gpointer data);
