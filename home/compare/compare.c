/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two files, block by block, side by side. I/O.
 *
 * Files of equal size that differ mostly differ in the first 4 KiB, and those that share a header mostly differ in the
 * last 4 KiB; so these are read first, and a pair that passes both is read to its end in growing blocks, each byte once.
 * Holes in both files are equal without reading; a hole against data is zeros against that data.
 */
#include "home/compare/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The end is looked at after this many equal blocks; earlier costs a seek for pairs that would part anyway. */
#define BLOCKS_BEFORE_TAIL 4

/* One of the two sides. */
typedef struct {
	int fd;
	TidyStat st;
	guint8 *buffer;
	gint64 next_data; /* data starts at or before here; below the offset: not known */
} Side;

typedef struct {
	TidyFs *fs;
	const TidyCompareOptions *options;
	Side a;
	Side b;
	gsize buffer_bytes; /* of each side */
	guint64 read_bytes;
} Pair;

gboolean
tidy_compare_is_same_state(const TidyStat *a, const TidyStat *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

gsize
tidy_compare_block_size(guint equal_blocks)
{
	if (equal_blocks < BLOCKS_BEFORE_TAIL)
		return TIDY_COMPARE_BLOCK_MIN;
	if (equal_blocks >= BLOCKS_BEFORE_TAIL + 7) /* 4 KiB << 8 is the maximum */
		return TIDY_COMPARE_BLOCK_MAX;
	return (gsize)TIDY_COMPARE_BLOCK_MIN << (equal_blocks - BLOCKS_BEFORE_TAIL + 1);
}

int
tidy_compare_open(TidyFs *fs, int dir, const char *name)
{
	int fd = fs->openat(fs, dir, name, O_RDONLY | O_NOATIME, 0);

	/* O_NOATIME is for owners only (open(2)). */
	return fd == -EPERM ? fs->openat(fs, dir, name, O_RDONLY, 0) : fd;
}

int
tidy_compare_read(TidyFs *fs, int fd, guint8 *buffer, gsize size, gint64 offset,
		  guint64 *read_bytes)
{
	while (size > 0) {
		ssize_t got = fs->pread(fs, fd, buffer, size, offset);

		if (got < 0)
			return (int)got;
		if (got == 0)
			return -EPIPE;
		if (read_bytes != NULL)
			*read_bytes += (guint64)got;
		buffer += got;
		offset += got;
		size -= (gsize)got;
	}
	return 0;
}

gint64
tidy_compare_next_data(TidyFs *fs, int fd, const TidyStat *st, gint64 offset)
{
	gint64 data;

	if (st->blocks >= ((guint64)st->size + 511) / 512)
		return offset;
	data = fs->seek(fs, fd, offset, SEEK_DATA);
	if (data == -ENXIO)
		return st->size;
	return data < offset ? offset : MIN(data, st->size);
}

/* TRUE when [offset, offset + size) of this side is one hole. */
static gboolean
is_hole(Pair *pair, Side *side, gint64 offset, gint64 size)
{
	if (side->next_data <= offset)
		side->next_data = tidy_compare_next_data(pair->fs, side->fd, &side->st, offset);
	return side->next_data >= offset + size;
}

static gboolean
is_zero(const guint8 *bytes, gsize size)
{
	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static gboolean
grow_buffers(Pair *pair, gsize size)
{
	if (size <= pair->buffer_bytes)
		return TRUE;
	g_free(pair->a.buffer);
	g_free(pair->b.buffer);
	pair->a.buffer = g_try_malloc(size);
	pair->b.buffer = g_try_malloc(size);
	pair->buffer_bytes = size;
	return pair->a.buffer != NULL && pair->b.buffer != NULL;
}

static int
read_side(Pair *pair, Side *side, gint64 offset, gsize size)
{
	int r = tidy_compare_read(pair->fs, side->fd, side->buffer, size, offset,
				  &pair->read_bytes);

	return r == -EPIPE ? TIDY_COMPARE_CHANGED : r;
}

/* Compares [offset, offset + size), which fits the buffers. */
static int
compare_block(Pair *pair, gint64 offset, gsize size)
{
	gboolean is_hole_a = is_hole(pair, &pair->a, offset, (gint64)size);
	gboolean is_hole_b = is_hole(pair, &pair->b, offset, (gint64)size);
	gboolean is_equal = TRUE;
	int r = 0;

	if (!grow_buffers(pair, size))
		return -ENOMEM;
	if (!is_hole_a)
		r = read_side(pair, &pair->a, offset, size);
	if (r == 0 && !is_hole_b)
		r = read_side(pair, &pair->b, offset, size);
	if (r != 0)
		return r;
	if (!is_hole_a && !is_hole_b)
		is_equal = memcmp(pair->a.buffer, pair->b.buffer, size) == 0;
	else if (is_hole_a != is_hole_b)
		is_equal = is_zero(is_hole_a ? pair->b.buffer : pair->a.buffer, size);
	return is_equal ? TIDY_COMPARE_EQUAL : TIDY_COMPARE_DIFFERENT;
}

/* The first offset at or after @offset where at least one side has data. */
static gint64
skip_holes(Pair *pair, gint64 offset)
{
	gint64 next = offset;

	if (is_hole(pair, &pair->a, offset, 1) && is_hole(pair, &pair->b, offset, 1))
		next = MIN(pair->a.next_data, pair->b.next_data);
	return next;
}

static gboolean
is_cancelled(const TidyCompareOptions *options)
{
	return options->is_cancelled != NULL && options->is_cancelled(options->data);
}

/* The last part of a big file, from a block border. */
static int
compare_tail(Pair *pair, gint64 *end)
{
	gint64 start = (pair->a.st.size - 1) / TIDY_COMPARE_BLOCK_MIN * TIDY_COMPARE_BLOCK_MIN;
	int r = compare_block(pair, start, (gsize)(pair->a.st.size - start));

	*end = start;
	/* What is known about holes lies behind the place where reading goes on. */
	pair->a.next_data = pair->b.next_data = -1;
	return r;
}

static int
compare_content(Pair *pair)
{
	gint64 end = pair->a.st.size;
	gint64 offset = 0;
	guint equal_blocks = 0;
	int r = 0;

	while (r == 0 && (offset = skip_holes(pair, offset)) < end) {
		gsize block = pair->options->is_copy ? TIDY_COMPARE_BLOCK_MAX
						     : tidy_compare_block_size(equal_blocks);
		gint64 size = MIN(end - offset, (gint64)block);

		if (is_cancelled(pair->options))
			return -ECANCELED;
		r = compare_block(pair, offset, (gsize)size);
		offset += size;
		equal_blocks++;
		if (r == 0 && equal_blocks == BLOCKS_BEFORE_TAIL && offset < end &&
		    !pair->options->is_copy)
			r = compare_tail(pair, &end);
	}
	return r;
}

static int
stat_side(TidyFs *fs, Side *side, const TidyStat *expected)
{
	int r = fs->stat(fs, side->fd, "", &side->st);

	if (r < 0)
		return r;
	if (expected != NULL && !tidy_compare_is_same_state(expected, &side->st))
		return TIDY_COMPARE_CHANGED;
	return tidy_stat_type(&side->st) == TIDY_TYPE_FILE ? 0 : -EINVAL;
}

/* What was read counts only if both files are what they were before the first read. */
static int
check_unchanged(Pair *pair)
{
	Side after_a = { .fd = pair->a.fd };
	Side after_b = { .fd = pair->b.fd };
	int r = stat_side(pair->fs, &after_a, &pair->a.st);

	return r != 0 ? r : stat_side(pair->fs, &after_b, &pair->b.st);
}

static int
compare_sides(Pair *pair)
{
	int r;
	int unchanged;

	if ((r = stat_side(pair->fs, &pair->a, pair->options->expected_a)) != 0 ||
	    (r = stat_side(pair->fs, &pair->b, pair->options->expected_b)) != 0)
		return r;
	if (pair->a.st.dev == pair->b.st.dev && pair->a.st.ino == pair->b.st.ino)
		return TIDY_COMPARE_SAME_INODE;
	if (pair->a.st.size != pair->b.st.size)
		return TIDY_COMPARE_DIFFERENT;
	r = compare_content(pair);
	if (r < 0)
		return r;
	unchanged = check_unchanged(pair);
	return unchanged != 0 ? unchanged : r;
}

int
tidy_compare_fds(TidyFs *fs, int fd_a, int fd_b, const TidyCompareOptions *options)
{
	static const TidyCompareOptions none;
	Pair pair = {
		.fs = fs,
		.options = options != NULL ? options : &none,
		.a = { .fd = fd_a, .next_data = -1 },
		.b = { .fd = fd_b, .next_data = -1 },
	};
	int r = compare_sides(&pair);

	if (pair.options->read_bytes != NULL)
		*pair.options->read_bytes += pair.read_bytes;
	g_free(pair.a.buffer);
	g_free(pair.b.buffer);
	return r;
}

/* Asks before it opens: opening a device can have effects, and a FIFO's writer would notice. */
static int
open_regular(TidyFs *fs, int dir, const char *name)
{
	TidyStat st;
	int r = fs->stat(fs, dir, name, &st);

	if (r < 0)
		return r;
	if (tidy_stat_type(&st) == TIDY_TYPE_LINK)
		return -ELOOP;
	return tidy_stat_type(&st) == TIDY_TYPE_FILE ? tidy_compare_open(fs, dir, name) : -EINVAL;
}

int
tidy_compare_files(TidyFs *fs, int dir_a, const char *name_a, int dir_b, const char *name_b,
		   const TidyCompareOptions *options)
{
	int fd_a = open_regular(fs, dir_a, name_a);
	int fd_b;
	int r;

	if (fd_a < 0)
		return fd_a;
	fd_b = open_regular(fs, dir_b, name_b);
	if (fd_b < 0) {
		fs->close(fs, fd_a);
		return fd_b;
	}
	r = tidy_compare_fds(fs, fd_a, fd_b, options);
	fs->close(fs, fd_a);
	fs->close(fs, fd_b);
	return r;
}
