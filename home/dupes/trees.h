/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whole directories that are equal: the same names, of the same types, with the same bytes, link texts and directories
 * below. Sets of contents alone would call two directories equal whose files have swapped names. I/O.
 */
#pragma once

#include "home/dupes/catalog.h"

/* What a directory amounts to, with all that is below. */
typedef struct {
	gboolean is_possible; /* nothing in it is unknown or without an equal */
	guint32 unit;	      /* directories with the same number are equal; 0: equal to none */
	guint height;	      /* 0: no directories below */
	gint64 size;	      /* of all files, bytes */
	guint64 device_bytes; /* that would be free without it */
	guint32 first_child;
	guint32 next_sibling;
} TidyTree;

/* Looks at the directories again whose files all have equals. One TidyTree for each directory. (transfer full) */
GArray *tidy_trees_find(TidyCatalog *catalog);
