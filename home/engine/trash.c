/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Trash, by the freedesktop.org Trash specification 1.0. I/O. */
#include "home/engine/trash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "home/merge/naming.h"

#define INFO_SUFFIX ".trashinfo"

/* Opens, and makes when missing, the chain of directories down to @dir. */
static int
make_chain(TidyDir *dir)
{
	TidyFs *fs = tidy_dir_pool_fs(dir->pool);
	int fd = tidy_dir_fd(dir);
	int parent;
	int r;

	if (fd != -ENOENT || dir->parent == NULL)
		return fd;
	parent = make_chain(dir->parent);
	if (parent < 0)
		return parent;
	r = fs->mkdir(fs, parent, dir->name, 0700);
	return r < 0 && r != -EEXIST ? r : tidy_dir_fd(dir);
}

/* Opens @name in the Trash @fd with a descriptor of the caller's own. */
static int
open_part(TidyFs *fs, int fd, const char *name)
{
	int part = fs->openat(fs, fd, name, O_RDONLY | O_DIRECTORY, 0);
	int r;

	if (part != -ENOENT)
		return part;
	r = fs->mkdir(fs, fd, name, 0700);
	if (r < 0 && r != -EEXIST)
		return r;
	return fs->openat(fs, fd, name, O_RDONLY | O_DIRECTORY, 0);
}

int
tidy_trash_open(TidyDir *trash, TidyTrashFds *fds)
{
	TidyFs *fs = tidy_dir_pool_fs(trash->pool);
	int fd = make_chain(trash);

	if (fd < 0)
		return fd;
	*fds = (TidyTrashFds){ .files = open_part(fs, fd, "files") };
	if (fds->files < 0)
		return fds->files;
	fds->info = open_part(fs, fd, "info");
	if (fds->info < 0) {
		fs->close(fs, fds->files);
		return fds->info;
	}
	return 0;
}

void
tidy_trash_close(TidyFs *fs, TidyTrashFds *fds)
{
	fs->close(fs, fds->files);
	fs->close(fs, fds->info);
}

static char *
info_name(const char *name)
{
	return g_strconcat(name, INFO_SUFFIX, NULL);
}

typedef struct {
	TidyFs *fs;
	const TidyTrashFds *fds;
	GHashTable *reserved;
} Taken;

static gboolean
is_taken(const char *name, gpointer data)
{
	const Taken *taken = data;
	g_autofree char *info = info_name(name);
	TidyStat st;

	return strlen(info) > NAME_MAX || g_hash_table_contains(taken->reserved, name) ||
	       taken->fs->stat(taken->fs, taken->fds->files, name, &st) != -ENOENT ||
	       taken->fs->stat(taken->fs, taken->fds->info, info, &st) != -ENOENT;
}

char *
tidy_trash_free_name(TidyDir *trash, const char *name, GHashTable *reserved)
{
	TidyFs *fs = tidy_dir_pool_fs(trash->pool);
	TidyTrashFds fds;
	Taken taken = { fs, &fds, reserved };
	g_autofree char *shorter = NULL;
	char *answer;

	if (tidy_trash_open(trash, &fds) < 0)
		return NULL;
	/* Room for ".trashinfo", and never inside a UTF-8 character. */
	if (strlen(name) + strlen(INFO_SUFFIX) > NAME_MAX) {
		size_t bytes = NAME_MAX - strlen(INFO_SUFFIX) - strlen(" (9999)");

		while (bytes > 0 && ((guchar)name[bytes] & 0xc0) == 0x80)
			bytes--;
		name = shorter = g_strndup(name, bytes);
	}
	answer = is_taken(name, &taken) ? tidy_naming_next(name, FALSE, is_taken, &taken)
					: g_strdup(name);
	if (answer != NULL)
		g_hash_table_add(reserved, g_strdup(answer));
	tidy_trash_close(fs, &fds);
	return answer;
}

static char *
info_text(TidyFs *fs, const char *path)
{
	g_autofree char *escaped =
		g_uri_escape_bytes((const guint8 *)path, strlen(path), "/!*'()~");
	g_autoptr(GDateTime) now = g_date_time_new_from_unix_local(fs->now(fs) / 1000000000);
	g_autofree char *date = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");

	return g_strdup_printf("[Trash Info]\nPath=%s\nDeletionDate=%s\n", escaped, date);
}

int
tidy_trash_write_info(TidyFs *fs, const TidyTrashFds *fds, const char *name, const char *path,
		      gboolean may_exist)
{
	g_autofree char *info = info_name(name);
	g_autofree char *text = info_text(fs, path);
	int flags = O_WRONLY | O_CREAT | (may_exist ? O_TRUNC : O_EXCL);
	int fd = fs->openat(fs, fds->info, info, flags, 0600);
	int r;

	if (fd < 0)
		return fd;
	r = tidy_fs_write_all(fs, fd, text, strlen(text), 0);
	fs->close(fs, fd);
	if (r < 0)
		fs->unlink(fs, fds->info, info, 0);
	return r;
}

void
tidy_trash_remove_info(TidyFs *fs, const TidyTrashFds *fds, const char *name)
{
	g_autofree char *info = info_name(name);

	fs->unlink(fs, fds->info, info, 0);
}
