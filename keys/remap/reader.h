// SPDX-License-Identifier: GPL-3.0-or-later
/* The physical side of a configuration: lines, comments, includes, sections; and the bridge to inih.
 * Pure.
 *
 * inih reads "name = value" files, but no set of its options reads this language: "; = a" and ": = b" are
 * bindings here, lines have no length limit, a section may be empty, "[" is a key. So the reader does the
 * line work, keeps every item aside, and feeds inih one short canonical line for each: "[s7]" for a section,
 * "@=7" to announce it even when it is empty, "L=123" for the entry with that number. Whatever inih was
 * compiled with, those lines mean the same to it, and its handler gets the items back in order. */
#ifndef REMAP_READER_H
#define REMAP_READER_H

#include "keys/remap/build.h"

typedef struct RemapItem {
	bool is_section;
	bool has_value;
	RemapSlice key; /* or the section's name, without brackets */
	RemapSlice value;
	unsigned section; /* its number, from 1; 0 before the first */
} RemapItem;

typedef struct RemapReader {
	RemapItem *items;
	size_t count, capacity;
	unsigned sections;
} RemapReader;

/**
 * remap_reader_run - reads the source with its includes and calls @handler for each item, in order
 *
 * Slices point into the keymap's arena. Errors of the physical level (NUL, UTF-8, sizes, includes) become
 * diagnostics. Returns: 0, or -ENOMEM.
 */
int remap_reader_run(RemapBuild *build, void (*handler)(RemapBuild *, const RemapItem *, void *),
		     void *data);

#endif
