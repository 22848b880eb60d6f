/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies of files, and metadata. I/O. */
#include "home/engine/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "home/compare/compare.h"
#include "home/engine/keep.h"

/* After so much the copy may be stopped, and its writing to the disk begins. */
#define COPY_PIECE_BYTES G_GINT64_CONSTANT(8388608)
#define COPY_BLOCK_BYTES 4096
/* The kernel's own limits: xattr(7). */
#define XATTR_LIST_BYTES  (64 * 1024)
#define XATTR_VALUE_BYTES (64 * 1024)
#define ACL_NAME	  "system.posix_acl_access"

/* --- extended attributes: name, zero byte, u32 length (little endian), value; one after the other --- */

static int
pack_one(TidyFs *fs, int fd, const char *name, GByteArray *packed, char *value)
{
	ssize_t size = fs->getxattr(fs, fd, name, value, XATTR_VALUE_BYTES);
	guint32 length = GUINT32_TO_LE((guint32)size);

	/* Gone since it was listed. */
	if (size == -ENODATA)
		return 0;
	if (size < 0)
		return (int)size;
	g_byte_array_append(packed, (const guint8 *)name, (guint)strlen(name) + 1);
	g_byte_array_append(packed, (const guint8 *)&length, sizeof length);
	g_byte_array_append(packed, (const guint8 *)value, (guint)size);
	return 0;
}

int
tidy_xattrs_pack(TidyFs *fs, int fd, GBytes **packed)
{
	g_autoptr(GByteArray) bytes = NULL;
	g_autofree char *names = NULL;
	g_autofree char *value = NULL;
	ssize_t size = fs->listxattr(fs, fd, NULL, 0);
	int r = 0;

	*packed = NULL;
	if (size == 0 || size == -EOPNOTSUPP)
		return 0;
	if (size > 0) {
		names = g_malloc(XATTR_LIST_BYTES);
		size = fs->listxattr(fs, fd, names, XATTR_LIST_BYTES);
	}
	if (size < 0)
		return (int)size;
	bytes = g_byte_array_new();
	value = g_malloc(XATTR_VALUE_BYTES);
	for (const char *name = names; r == 0 && name < names + size; name += strlen(name) + 1)
		r = pack_one(fs, fd, name, bytes, value);
	if (r == 0 && bytes->len > 0)
		*packed = g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
	return r;
}

static int
unpack_xattrs(TidyFs *fs, int fd, GBytes *packed)
{
	gsize left;
	const char *at = g_bytes_get_data(packed, &left);

	while (left > 0) {
		size_t name_bytes = strnlen(at, left) + 1;
		guint32 length;
		int r;

		if (name_bytes + sizeof length > left)
			return -EINVAL;
		memcpy(&length, at + name_bytes, sizeof length);
		length = GUINT32_FROM_LE(length);
		if (length > left - name_bytes - sizeof length)
			return -EINVAL;
		r = fs->setxattr(fs, fd, at, at + name_bytes + sizeof length, length);
		/* security.* and trusted.* are root's, and come back by themselves where they matter. */
		if (r < 0 && strncmp(at, "user.", 5) == 0)
			return r;
		left -= name_bytes + sizeof length + length;
		at += name_bytes + sizeof length + length;
	}
	return 0;
}

/* Takes the access list away that a new file got from its directory's default: one that says what the mode says.
 * posix_acl_xattr.h: a version, then tag, permissions and id of each entry, little endian. */
static int
drop_acl(TidyFs *fs, int fd, guint32 mode)
{
	static const guint16 tags[] = { 0x01, 0x04, 0x20 }; /* owner, group, others */
	guint8 value[4 + 3 * 8];

	memset(value, 0xff, sizeof value);
	memcpy(value, "\2\0\0", 4);
	for (guint i = 0; i < G_N_ELEMENTS(tags); i++) {
		guint16 pair[2] = { GUINT16_TO_LE(tags[i]),
				    GUINT16_TO_LE((guint16)(mode >> (6 - 3 * i) & 7)) };

		memcpy(value + 4 + 8 * i, pair, sizeof pair);
	}
	return fs->setxattr(fs, fd, ACL_NAME, value, sizeof value);
}

static gboolean
has_acl(TidyFs *fs, int fd)
{
	return fs->getxattr(fs, fd, ACL_NAME, NULL, 0) > 0;
}

static int
carry_one(TidyFs *fs, int from, int to, const char *name, char *value)
{
	ssize_t size = fs->getxattr(fs, from, name, value, XATTR_VALUE_BYTES);
	int r = (int)size;

	if (size == -ENODATA)
		return 0;
	if (size >= 0)
		r = fs->setxattr(fs, to, name, value, (size_t)size);
	if (r >= 0 || tidy_keep_kind(name) == 0)
		return 0;
	/* What went wrong with the disk is no matter of what it can hold. */
	return r == -EIO || r == -ENOSPC || r == -EDQUOT || size < 0 ? r : -EOPNOTSUPP;
}

static int
carry_xattrs(TidyFs *fs, int from, int to)
{
	ssize_t size = fs->listxattr(fs, from, NULL, 0);
	g_autofree char *names = NULL;
	g_autofree char *value = NULL;
	int r = 0;

	if (size == 0 || size == -EOPNOTSUPP)
		return 0;
	if (size > 0) {
		names = g_malloc(XATTR_LIST_BYTES);
		size = fs->listxattr(fs, from, names, XATTR_LIST_BYTES);
	}
	if (size < 0)
		return (int)size;
	value = g_malloc(XATTR_VALUE_BYTES);
	for (const char *name = names; r == 0 && name < names + size; name += strlen(name) + 1)
		r = carry_one(fs, from, to, name, value);
	return r;
}

gboolean
tidy_copy_has_default_acl(TidyFs *fs, int dir)
{
	return fs->getxattr(fs, dir, "system.posix_acl_default", NULL, 0) > 0;
}

int
tidy_copy_carry_metadata(TidyFs *fs, int from, int to, const TidyStep *step,
			 const TidyCopyFacts *facts)
{
	int r = 0;

	/* A change of owner takes capabilities and set-id bits away: first. Who may not give a file away keeps it. */
	if (facts->made->uid != step->uid || facts->made->gid != step->gid)
		fs->chown(fs, to, "", step->uid, step->gid);
	if (facts->may_inherit_acl && has_acl(fs, to) && !has_acl(fs, from))
		r = drop_acl(fs, to, step->mode);
	if (r == 0)
		r = carry_xattrs(fs, from, to);
	if (r == 0)
		r = fs->chmod(fs, to, "", step->mode & 07777);
	/* vfat: an owner or a mode that the mount gives. */
	if (r == -EPERM)
		r = 0;
	return r == 0 ? fs->utimens(fs, to, "", facts->atime_ns, step->mtime_ns) : r;
}

int
tidy_copy_metadata(TidyFs *fs, int fd, const TidyStep *step)
{
	int r;

	fs->chown(fs, fd, "", step->uid, step->gid);
	r = fs->chmod(fs, fd, "", step->mode & 07777);
	if (r == 0 && step->xattrs != NULL)
		r = unpack_xattrs(fs, fd, step->xattrs);
	if (r == 0 && step->mtime_ns != TIDY_TIME_OMIT)
		r = fs->utimens(fs, fd, "", TIDY_TIME_OMIT, step->mtime_ns);
	return r;
}

/* --- bytes --- */

/* Bytes [@offset, @end) by reading and writing, a buffer at a time. */
static int
copy_by_reading(TidyCopy *copy, gint64 offset, gint64 end)
{
	TidyFs *fs = copy->fs;

	while (offset < end) {
		ssize_t size = fs->pread(fs, copy->from, copy->buffer,
					 MIN(copy->buffer_bytes, (gsize)(end - offset)), offset);
		int r = (int)size;

		if (size > 0)
			r = tidy_fs_write_all(fs, copy->to, copy->buffer, (size_t)size, offset);
		/* It became shorter while it was copied. */
		if (size == 0)
			r = -ESTALE;
		if (r < 0)
			return r;
		offset += size;
	}
	return 0;
}

static int
copy_piece(TidyCopy *copy, gint64 offset, gint64 end)
{
	TidyFs *fs = copy->fs;

	while (offset < end && copy->ways->can_copy_range) {
		ssize_t size = fs->copy_range(fs, copy->from, offset, copy->to, offset,
					      (size_t)(end - offset));

		/* EXDEV, EINVAL, ENOSYS...: whatever the short cut cannot do, reading and writing can. */
		if (size < 0)
			copy->ways->can_copy_range = FALSE;
		if (size <= 0)
			break;
		offset += size;
	}
	return copy_by_reading(copy, offset, end);
}

/* After each piece. Who hears of it has the disk begin to write (carry-stage.c); else that is asked for here, so that the
 * sync at the end finds little to do. It costs the copy time: POSIX_FADV_DONTNEED on dirty pages fills the disk's queue. */
static int
end_piece(TidyCopy *copy, gint64 offset, gint64 end)
{
	if (copy->between != NULL)
		return copy->between(end - offset, copy->data);
	if (end - offset >= COPY_PIECE_BYTES)
		copy->fs->advise(copy->fs, copy->to, offset, end - offset, POSIX_FADV_DONTNEED);
	return 0;
}

int
tidy_copy_bytes(TidyCopy *copy, gint64 start)
{
	TidyFs *fs = copy->fs;
	const TidyStat *st = copy->source;
	gboolean has_holes = st->blocks < ((guint64)st->size + 511) / 512;
	gint64 offset = start;
	int r = 0;

	if (start == 0 && st->size > 0 && copy->ways->can_clone) {
		if (fs->clone(fs, copy->from, copy->to) == 0)
			return copy->between != NULL ? copy->between(st->size, copy->data) : 0;
		copy->ways->can_clone = FALSE;
	}
	while (r == 0 && offset < st->size) {
		gint64 data = tidy_compare_next_data(fs, copy->from, st, offset);
		gint64 end = MIN(st->size, data + COPY_PIECE_BYTES);
		gint64 hole =
			has_holes && data < end ? fs->seek(fs, copy->from, data, SEEK_HOLE) : end;

		if (hole > data)
			end = MIN(end, hole);
		r = copy_piece(copy, data, end);
		if (r == 0)
			r = end_piece(copy, data, end);
		offset = end;
	}
	/* A hole at the end is not written. */
	return r == 0 && has_holes ? fs->truncate(fs, copy->to, st->size) : r;
}

/* How many of the first @size bytes of the two buffers are equal. */
static gsize
equal_bytes(const guint8 *a, const guint8 *b, gsize size)
{
	gsize n = 0;

	if (memcmp(a, b, size) == 0)
		return size;
	while (n < size && a[n] == b[n])
		n++;
	return n;
}

gint64
tidy_copy_verified_prefix(TidyCopy *copy, gint64 size)
{
	TidyFs *fs = copy->fs;
	gsize half = copy->buffer_bytes / 2;
	guint8 *other = copy->buffer + half;
	gint64 offset = 0;

	size = MIN(size, copy->source->size);
	/* From the disk, not from memory: pages whose writing failed look clean. */
	fs->advise(fs, copy->to, 0, 0, POSIX_FADV_DONTNEED);
	while (offset < size) {
		gsize block = MIN(half, (gsize)(size - offset));
		gsize equal;

		if (tidy_compare_read(fs, copy->from, copy->buffer, block, offset, NULL) < 0 ||
		    tidy_compare_read(fs, copy->to, other, block, offset, NULL) < 0)
			break;
		equal = equal_bytes(copy->buffer, other, block);
		offset += (gint64)equal;
		if (equal < block || (copy->between != NULL && copy->between(0, copy->data) < 0))
			break;
	}
	/* Whole blocks, so that the rest is copied in whole blocks too. */
	return offset == copy->source->size ? offset : offset - offset % COPY_BLOCK_BYTES;
}

static int
fill_and_sync(TidyFs *fs, int from, int to, const TidyStep *step)
{
	g_autofree guint8 *buffer = g_malloc(TIDY_COPY_BUFFER_BYTES);
	TidyCopyWays ways = { TRUE, TRUE };
	TidyStat st;
	TidyCopy copy = {
		.fs = fs,
		.from = from,
		.to = to,
		.source = &st,
		.buffer = buffer,
		.buffer_bytes = TIDY_COPY_BUFFER_BYTES,
		.ways = &ways,
	};
	int r = fs->stat(fs, from, "", &st);

	if (r == 0)
		r = tidy_copy_bytes(&copy, 0);
	if (r == 0)
		r = tidy_copy_metadata(fs, to, step);
	return r == 0 ? fs->fsync(fs, to) : r;
}

/* For file systems without O_TMPFILE. */
static int
copy_through_name(TidyFs *fs, int from, int to_dir, const TidyStep *step)
{
	g_autofree char *name = g_strdup_printf(".xdgtidy-%08x", g_random_int());
	int to = fs->openat(fs, to_dir, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	int r;

	if (to < 0)
		return to;
	r = fill_and_sync(fs, from, to, step);
	fs->close(fs, to);
	if (r == 0)
		r = fs->rename(fs, to_dir, name, to_dir, step->to_name);
	if (r < 0)
		fs->unlink(fs, to_dir, name, 0);
	return r;
}

int
tidy_copy_file(TidyFs *fs, int from_dir, int to_dir, const TidyStep *step)
{
	int from = fs->openat(fs, from_dir, step->name, O_RDONLY, 0);
	int to;
	int r;

	if (from < 0)
		return from;
	to = fs->tmpfile(fs, to_dir, 0600);
	if (to == -EOPNOTSUPP) {
		r = copy_through_name(fs, from, to_dir, step);
	} else if (to < 0) {
		r = to;
	} else {
		r = fill_and_sync(fs, from, to, step);
		if (r == 0)
			r = fs->linkfd(fs, to, to_dir, step->to_name);
		fs->close(fs, to);
	}
	fs->close(fs, from);
	return r;
}
