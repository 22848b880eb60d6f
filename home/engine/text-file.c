/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small files made of a text. I/O. */
#include "home/engine/text-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define MODE 0644

int
tidy_text_file_read(TidyFs *fs, int dir, const char *name, char **answer)
{
	g_autofree char *text = g_malloc(TIDY_TEXT_FILE_BYTES_MAX + 1);
	int fd = fs->openat(fs, dir, name, O_RDONLY, 0);
	gint64 length = 0;
	ssize_t size = 1;
	TidyStat st;
	int r;

	*answer = NULL;
	if (fd < 0)
		return fd;
	r = fs->stat(fs, fd, "", &st);
	if (r < 0)
		size = r;
	else if (tidy_stat_type(&st) != TIDY_TYPE_FILE)
		size = -EINVAL;
	while (size > 0 && length <= TIDY_TEXT_FILE_BYTES_MAX) {
		size = fs->pread(fs, fd, text + length,
				 (size_t)(TIDY_TEXT_FILE_BYTES_MAX + 1 - length), length);
		length += MAX(size, 0);
	}
	fs->close(fs, fd);
	if (size < 0)
		return (int)size;
	if (length > TIDY_TEXT_FILE_BYTES_MAX)
		return -EINVAL;
	text[length] = '\0';
	if (strlen(text) != (size_t)length)
		return -EINVAL;
	*answer = g_steal_pointer(&text);
	return 0;
}

static int
fill(TidyFs *fs, int fd, const char *text)
{
	int r = tidy_fs_write_all(fs, fd, text, strlen(text), 0);

	return r < 0 ? r : fs->fsync(fs, fd);
}

/* For file systems without O_TMPFILE: under a name of its own first. */
static int
make_through_name(TidyFs *fs, int dir, const char *name, const char *text)
{
	g_autofree char *other = g_strdup_printf(".xdgtidy-%08x", g_random_int());
	int fd = fs->openat(fs, dir, other, O_RDWR | O_CREAT | O_EXCL, MODE);
	int r;

	if (fd < 0)
		return fd;
	r = fill(fs, fd, text);
	fs->close(fs, fd);
	if (r == 0)
		r = fs->rename(fs, dir, other, dir, name);
	if (r < 0)
		fs->unlink(fs, dir, other, 0);
	return r;
}

int
tidy_text_file_make(TidyFs *fs, int dir, const char *name, const char *text)
{
	int fd = fs->tmpfile(fs, dir, MODE);
	int r;

	if (fd == -EOPNOTSUPP)
		return make_through_name(fs, dir, name, text);
	if (fd < 0)
		return fd;
	r = fill(fs, fd, text);
	if (r == 0)
		r = fs->linkfd(fs, fd, dir, name);
	fs->close(fs, fd);
	return r;
}
