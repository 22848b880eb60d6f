/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Trash, by the freedesktop.org Trash specification 1.0. I/O. */
#include "home/engine/trash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "home/merge/naming.h"

#define INFO_SUFFIX ".trashinfo"
#define TOP_TRASH   ".Trash"

/* --- which Trash --- */

/* The file system that @dir is on, or will be: that of the nearest directory above it that exists. */
static gboolean
device_of(TidyDir *dir, guint64 *dev)
{
	for (TidyDir *at = dir; at != NULL; at = at->parent) {
		if (tidy_dir_fd(at) >= 0) {
			*dev = at->dev;
			return TRUE;
		}
	}
	return FALSE;
}

static gboolean
stat_directory(TidyFs *fs, const char *path, TidyStat *st)
{
	int fd = fs->openat(fs, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	int r = fd < 0 ? fd : fs->stat(fs, fd, "", st);

	if (fd >= 0)
		fs->close(fs, fd);
	return r == 0;
}

/* The highest directory above @path that is in the same mount. (transfer full) */
static char *
top_directory(TidyFs *fs, const char *path)
{
	char *top = g_strdup(path);
	TidyStat here;

	if (!stat_directory(fs, top, &here))
		return top;
	while (strcmp(top, "/") != 0) {
		char *above = g_path_get_dirname(top);
		TidyStat st;

		if (!stat_directory(fs, above, &st) || st.dev != here.dev ||
		    st.mnt_id != here.mnt_id) {
			g_free(above);
			break;
		}
		g_free(top);
		top = above;
	}
	return top;
}

/* The specification: a directory and no link, with the sticky bit. */
static gboolean
is_fit(TidyFs *fs, TidyDir *top)
{
	int fd = tidy_dir_fd(top);
	TidyStat st;

	return fd >= 0 && fs->stat(fs, fd, TOP_TRASH, &st) == 0 &&
	       tidy_stat_type(&st) == TIDY_TYPE_DIR && (st.mode & S_ISVTX) != 0;
}

TidyDir *
tidy_trash_for(TidyDir *home_trash, TidyDir *dir)
{
	TidyFs *fs = tidy_dir_pool_fs(dir->pool);
	g_autofree char *path = NULL;
	g_autofree char *top_path = NULL;
	g_autofree char *uid = g_strdup_printf("%u", (guint)getuid());
	g_autofree char *own = g_strconcat(TOP_TRASH "-", uid, NULL);
	g_autoptr(TidyDir) top = NULL;
	g_autoptr(TidyDir) shared = NULL;
	guint64 home_dev, dev;

	if (!device_of(home_trash, &home_dev) || !device_of(dir, &dev) || dev == home_dev)
		return tidy_dir_ref(home_trash);
	path = tidy_dir_path(dir);
	top_path = top_directory(fs, path);
	top = tidy_dir_root(dir->pool, top_path);
	if (!is_fit(fs, top))
		return tidy_dir_child(top, own);
	shared = tidy_dir_child(top, TOP_TRASH);
	return tidy_dir_child(shared, uid);
}

char *
tidy_trash_path_for_info(TidyDir *trash, const char *path)
{
	TidyDir *top = NULL;
	g_autofree char *top_path = NULL;

	if (g_str_has_prefix(trash->name, TOP_TRASH "-"))
		top = trash->parent;
	else if (trash->parent != NULL && strcmp(trash->parent->name, TOP_TRASH) == 0)
		top = trash->parent->parent;
	if (top == NULL)
		return g_strdup(path);
	top_path = tidy_dir_entry_path(top, "");
	return g_strdup(g_str_has_prefix(path, top_path) ? path + strlen(top_path) : path);
}

/* --- one Trash --- */

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
