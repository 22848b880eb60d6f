/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies of files that count only when they are whole, durable and named; metadata. I/O. */
#pragma once

#include "home/fs/fs.h"
#include "home/merge/step.h"

/* All extended attributes of @fd, packed; NULL in @packed when there are none. 0, or -errno when one cannot be read:
 * then nothing that needs them back may be removed. */
int tidy_xattrs_pack(TidyFs *fs, int fd, GBytes **packed);

/* Owner, mode, extended attributes and (unless OMIT) mtime of @step onto @fd. What the caller has no right to
 * restore, an owner above all, is left. 0 or -errno. */
int tidy_copy_metadata(TidyFs *fs, int fd, const TidyStep *step);

/* Mode, owner (where it may be given), attributes, access list, capabilities and stamps for a copy: what @step says, the
 * rest from the open file @from. -EOPNOTSUPP when the file system of @to cannot hold one that matters. 0 or -errno. */
typedef struct {
	const TidyStat *made;	  /* the copy as it was made */
	gint64 atime_ns;	  /* of the source */
	gboolean may_inherit_acl; /* its directory has a default access list */
} TidyCopyFacts;

int tidy_copy_carry_metadata(TidyFs *fs, int from, int to, const TidyStep *step,
			     const TidyCopyFacts *facts);
/* The directory gives what is made in it an access list. */
gboolean tidy_copy_has_default_acl(TidyFs *fs, int dir);

#define TIDY_COPY_BUFFER_BYTES (1024 * 1024)

/* Short cuts that have not failed yet between these two file systems. */
typedef struct {
	gboolean can_clone;	 /* FICLONE */
	gboolean can_copy_range; /* copy_file_range(2) */
} TidyCopyWays;

/* One copy of bytes. Everything is borrowed. */
typedef struct {
	TidyFs *fs;
	int from;
	int to;			/* open for reading and writing */
	const TidyStat *source; /* of @from */
	guint8 *buffer;
	gsize buffer_bytes;
	TidyCopyWays *ways;
	int (*between)(gint64 bytes, gpointer data); /* NULL, or told each piece; -errno stops */
	gpointer data;
} TidyCopy;

/* Everything from @start on: cloned, else copied by the kernel, else read and written; holes stay holes. @copy->to has
 * exactly @start bytes. 0 or -errno; -ESTALE when the source became shorter. */
int tidy_copy_bytes(TidyCopy *copy, gint64 start);
/* Of the @size bytes that @copy->to has, how many from the start are those of the source. Reads both. */
gint64 tidy_copy_verified_prefix(TidyCopy *copy, gint64 size);

/**
 * tidy_copy_file - @from/step->name as @to/step->to_name, with the step's metadata
 *
 * Written without a name (or, where there is no O_TMPFILE, under a temporary one), synced, then linked: the name
 * appears with whole, durable content or not at all. -EEXIST when the name is taken.
 */
int tidy_copy_file(TidyFs *fs, int from, int to, const TidyStep *step);
