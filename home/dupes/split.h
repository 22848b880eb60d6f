/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The core of the duplicate finder: sets of files that are equal so far, which range of them to read next, and how a set
 * falls apart by what was read. Pure: no file, no clock.
 *
 *	while (tidy_class_next(&class, limit, &range)) {
 *		tidy_splitter_begin(splitter, range.size, max_blocks);
 *		for each member: parts[i] = tidy_splitter_add(splitter, its bytes of the range, &is_kept);
 *		tidy_class_split(&class, &range, splitter, members, parts, out);    continue with each class in out
 *	}
 *	no more range: all members of the class are equal
 *
 * Bytes alone decide. A set is never called equal by a fingerprint: where memory is short, fingerprints only tell
 * which files are surely different, and the rest is read again.
 */
#pragma once

#include <glib.h>

/* Files of one size that are equal as far as they were read. Its members stand in a slice of one big array. */
typedef struct {
	guint start; /* first place in the array of members */
	guint count;
	gint64 size;	    /* of each file */
	gint64 offset;	    /* [0, offset) is equal in all members, */
	gint64 end;	    /* and so is [end, size) */
	guint equal_blocks; /* blocks from the start that were read and equal */
} TidyClass;

typedef struct {
	gint64 offset;
	gsize size;
} TidyRange;

/* The part of a member that dropped out: unreadable, changed. */
#define TIDY_PART_NONE G_MAXUINT32

/* A class of @count files of @size bytes that nothing is known about. */
TidyClass tidy_class_new(guint start, guint count, gint64 size);

/**
 * tidy_class_next - which range of every member to read next
 * @max_block: upper bound of a block in bytes, at least 4096
 *
 * The first 4 KiB; the last 4 KiB early (after 1 equal block when more than four files are left, else after 4);
 * what is left in one piece when that is at most 64 KiB; else blocks that grow to @max_block.
 * Returns: FALSE when everything was compared.
 */
gboolean tidy_class_next(const TidyClass *cls, gsize max_block, TidyRange *range);

/* Notes that all members are equal up to @offset without having been read (holes). */
void tidy_class_skip(TidyClass *cls, gint64 offset);

/* Tells blocks apart: equal bytes get the same part number. */
typedef struct TidySplitter TidySplitter;

TidySplitter *tidy_splitter_new(void);
void tidy_splitter_free(TidySplitter *splitter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidySplitter, tidy_splitter_free)

/* Forgets everything; blocks of @size bytes follow, of which it may keep @max_blocks (at least 1). */
void tidy_splitter_begin(TidySplitter *splitter, gsize size, guint max_blocks);

/**
 * tidy_splitter_add - the part number of @block, from 0
 * @is_kept: (out): TRUE when the splitter goes on using @block until the next begin; the caller must keep it
 *
 * Once @max_blocks different blocks are kept, a further one gets the number of its fingerprint, see
 * tidy_splitter_is_sure(). O(log kept) comparisons.
 */
guint tidy_splitter_add(TidySplitter *splitter, const guint8 *block, gboolean *is_kept);

guint tidy_splitter_n_parts(const TidySplitter *splitter);
/* FALSE: members of this part only have equal fingerprints, and have to be read again. */
gboolean tidy_splitter_is_sure(const TidySplitter *splitter, guint part);

/**
 * tidy_class_split - what @cls falls into after @range of each member was read
 * @members: the big array; the slice of @cls is put in the order of the parts, stable within each
 * @parts: the part of each member, in the order of the slice before the call, or TIDY_PART_NONE
 * @out: (element-type TidyClass): appended to; parts of a single member are not: they equal nothing
 */
void tidy_class_split(const TidyClass *cls, const TidyRange *range, const TidySplitter *splitter,
		      guint32 *members, const guint32 *parts, GArray *out);
