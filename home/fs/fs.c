/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is the same over every table of file-system operations: listing, writing all. I/O. */
#include "home/fs/fs.h"

#include <errno.h>
#include <string.h>

/* One system call for about 1,000 names; on the stack of a worker thread that has 8 MiB. */
#define LIST_BUFFER_BYTES (32 * 1024)

static gboolean
is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int
tidy_fs_list(TidyFs *fs, int dir, TidyDirentFunc func, gpointer data)
{
	_Alignas(struct dirent64) char buffer[LIST_BUFFER_BYTES];
	ssize_t length;
	int r = fs->rewind(fs, dir);

	if (r < 0)
		return r;
	while ((length = fs->getdents(fs, dir, buffer, sizeof buffer)) > 0) {
		for (char *at = buffer; at < buffer + length;) {
			const struct dirent64 *raw = (const struct dirent64 *)(const void *)at;
			TidyDirent entry = { raw->d_ino, (TidyType)raw->d_type, raw->d_name };

			at += raw->d_reclen;
			if (!is_dot(raw->d_name) && !func(&entry, data))
				return 0;
		}
	}
	return (int)length;
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
