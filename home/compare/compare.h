/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Are two files equal, byte for byte, now? Nothing else counts as equal: no time stamp, no hash, no earlier answer. I/O.
 *
 *	TidyCompareOptions options = { .expected_a = &a, .expected_b = &b, .read_bytes = &count };
 *	r = tidy_compare_files(fs, dir_a, "x", dir_b, "x", &options);
 *	if (r == TIDY_COMPARE_EQUAL) ...
 *
 * Only an answer of EQUAL allows anything to be folded. Reads blocks that grow from 4 KiB to 1 MiB, the end of the file
 * early, and no holes; at most 2 MiB of buffers. What was equal may change the moment after: who acts on the answer
 * keeps the descriptors open, and asks TidyFs.no_writer first (tidy_compare_fds).
 */
#pragma once

#include "home/fs/fs.h"

/* Answers; negative ones are -errno. */
typedef enum {
	TIDY_COMPARE_EQUAL = 0,
	TIDY_COMPARE_DIFFERENT = 1,
	TIDY_COMPARE_SAME_INODE = 2, /* one file under two names: nothing was read */
	TIDY_COMPARE_CHANGED = 3,    /* not (or no longer) the file that was expected */
} TidyCompareAnswer;

typedef struct {
	const TidyStat *expected_a; /* what the caller saw before; NULL: nothing is expected */
	const TidyStat *expected_b;
	/* One is a copy of the other: they are read to their end, in as few pieces as can be. */
	gboolean is_copy;
	guint64 *read_bytes; /* NULL, or content bytes read are added to it, also when it fails */
	gboolean (*is_cancelled)(gpointer data); /* NULL, or asked between blocks */
	gpointer data;				 /* for is_cancelled */
} TidyCompareOptions;

/**
 * tidy_compare_files - compares two regular files by name
 * @dir_a, @name_a: the one, a single path component
 * @dir_b, @name_b: the other
 * @options: NULL for none
 *
 * Links are not followed; access times stay where the caller may forbid them (O_NOATIME).
 * Returns: a TidyCompareAnswer; -ELOOP for a symbolic link, -EINVAL for another thing that is no regular file, -ECANCELED,
 * or what the file system said.
 */
int tidy_compare_files(TidyFs *fs, int dir_a, const char *name_a, int dir_b, const char *name_b,
		       const TidyCompareOptions *options);

/* The same for two files that are open for reading; the file positions may move. */
int tidy_compare_fds(TidyFs *fs, int fd_a, int fd_b, const TidyCompareOptions *options);

/* Opens a file for comparing: for reading, without leaving an access time where that is allowed. fd or -errno. */
int tidy_compare_open(TidyFs *fs, int dir, const char *name);

/* TRUE when both say the same file with the same content: device, inode, size, modification and change time. */
gboolean tidy_compare_is_same_state(const TidyStat *a, const TidyStat *b);

/* The size of the next block after @equal_blocks equal ones: 4, 4, 4, 4, 8, 16 ... KiB, then 1 MiB. */
gsize tidy_compare_block_size(guint equal_blocks);

#define TIDY_COMPARE_BLOCK_MIN 4096
#define TIDY_COMPARE_BLOCK_MAX (1024 * 1024)

/**
 * tidy_compare_next_data - where the next data at or after @offset is
 * @st: of @fd; a file that has all its blocks has no holes worth a system call
 *
 * Returns: @offset itself when there is data or the file system cannot tell; @st->size when only a hole is left.
 */
gint64 tidy_compare_next_data(TidyFs *fs, int fd, const TidyStat *st, gint64 offset);

/* Reads exactly @size bytes. 0, -errno, or -EPIPE when the file ended early. */
int tidy_compare_read(TidyFs *fs, int fd, guint8 *buffer, gsize size, gint64 offset,
		      guint64 *read_bytes);
