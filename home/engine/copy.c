/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies of files, and metadata. I/O. */
#include "home/engine/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define COPY_BUFFER_BYTES (256 * 1024)
/* The kernel's own limits: xattr(7). */
#define XATTR_LIST_BYTES  (64 * 1024)
#define XATTR_VALUE_BYTES (64 * 1024)

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

static int
copy_by_reading(TidyFs *fs, int from, int to, gint64 offset)
{
	g_autofree char *buffer = g_malloc(COPY_BUFFER_BYTES);
	ssize_t size;

	while ((size = fs->pread(fs, from, buffer, COPY_BUFFER_BYTES, offset)) > 0) {
		int r = tidy_fs_write_all(fs, to, buffer, (size_t)size, offset);

		if (r < 0)
			return r;
		offset += size;
	}
	return (int)size;
}

static int
copy_bytes(TidyFs *fs, int from, int to)
{
	gint64 offset = 0;
	ssize_t size;

	if (fs->clone(fs, from, to) == 0)
		return 0;
	while ((size = fs->copy_range(fs, from, offset, to, offset, 1u << 30)) > 0)
		offset += size;
	/* EXDEV, EINVAL, ENOSYS...: whatever the short cut cannot do, reading and writing can. */
	return size == 0 && offset > 0 ? 0 : copy_by_reading(fs, from, to, offset);
}

static int
fill_and_sync(TidyFs *fs, int from, int to, const TidyStep *step)
{
	int r = copy_bytes(fs, from, to);

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
