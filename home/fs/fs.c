/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is the same over every table of file-system operations: listing, writing all. I/O. */
#include "home/fs/fs.h"

#include <errno.h>
#include <string.h>

/* One system call for about 1,000 names; on the stack of a worker thread that has 8 MiB. */
#define LIST_BUFFER_BYTES (32 * 1024)
/* The longest name fits, and so do "." and "..". */
#define LIST_BUFFER_MIN_BYTES 512
/* With a name of some 20 bytes. */
#define LIST_ENTRY_BYTES 40

static gboolean
is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int
tidy_fs_list_first(TidyFs *fs, int dir, guint n_max, TidyDirentFunc func, gpointer data)
{
	_Alignas(struct dirent64) char buffer[LIST_BUFFER_BYTES];
	/* No more than is wanted: the file system has to find each. */
	gsize size = MIN(sizeof buffer, LIST_BUFFER_MIN_BYTES + (gsize)n_max * LIST_ENTRY_BYTES);
	ssize_t length;
	int r = fs->rewind(fs, dir);

	if (r < 0)
		return r;
	while ((length = fs->getdents(fs, dir, buffer, size)) > 0) {
		for (char *at = buffer; at < buffer + length;) {
			const struct dirent64 *raw = (const struct dirent64 *)(const void *)at;
			TidyDirent entry = { raw->d_ino, (TidyType)raw->d_type, raw->d_name };

			at += raw->d_reclen;
			if (is_dot(raw->d_name))
				continue;
			if (n_max-- == 0 || !func(&entry, data))
				return 0;
		}
	}
	return (int)length;
}

int
tidy_fs_list(TidyFs *fs, int dir, TidyDirentFunc func, gpointer data)
{
	return tidy_fs_list_first(fs, dir, G_MAXUINT, func, data);
}

int
tidy_fs_write_all(TidyFs *fs, int fd, const void *buffer, size_t size, gint64 offset)
{
	const char *at = buffer;

	while (size > 0) {
		ssize_t written = fs->pwrite(fs, fd, at, size, offset);

		if (written <= 0)
			return written < 0 ? (int)written : -EIO;
		at += written;
		offset += written;
		size -= (size_t)written;
	}
	return 0;
}
