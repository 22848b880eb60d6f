/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first answers, which cost no reading: sizes, hard links, shared blocks. I/O. */
#pragma once

#include "home/dupes/catalog.h"
#include "home/dupes/split.h"

/* What the comparison works on, and what it finds. */
typedef struct {
	GArray *members; /* of guint32, file numbers: one for each inode whose size another one has too */
	GArray *classes;  /* of TidyClass over them: files of one size, nothing else known */
	GArray *contents; /* of TidyContent: what was found to be equal */
} TidySets;

/* Files (inodes, with their links and twins) that are equal to the last byte. */
typedef struct {
	guint start;
	guint count;
} TidyContent;

void tidy_sets_init(TidySets *sets);
void tidy_sets_deinit(TidySets *sets);

/**
 * tidy_collect - groups the files of @catalog by size
 *
 * Names of one inode become one member (next_link), files with the very same blocks as well (next_twin, see
 * tidy_device_can_share()). What has only its own links or twins for equals is a content at once.
 */
void tidy_collect(TidyCatalog *catalog, TidySets *sets);

/* Adds the content of members [start, start + count); numbers all their links and twins. */
void tidy_sets_add_content(TidyCatalog *catalog, TidySets *sets, guint start, guint count);

/* Notes that a file dropped out: CHANGED or UNREADABLE by @error (-errno). Its links and twins share its fate. */
void tidy_sets_drop(TidyCatalog *catalog, guint file, int error);
