/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories as the engine holds them. I/O. */
#include "home/engine/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>

/* Far below the usual limit of 1,024 descriptors, far above the two or three that one step needs. */
#define OPEN_MAX 128
/*
 * In a tree that is deeper than that, what was closed on the way down is opened again on the way up, each from the nearest
 * directory above it that is open. So that this one is near: one in so many stays open longer, in a list of its own; and
 * when many are opened in one go, the last of them stay open too. Without both, a tree of 20,000 levels takes 400,000,000
 * calls; with them some 500,000.
 */
#define ANCHOR_EVERY 512
#define ANCHORS_MAX  96
#define KEEP_LAST    48

struct TidyDirPool {
	TidyFs *fs;
	GQueue open;	/* of TidyDir, last used first; links are theirs */
	GQueue anchors; /* likewise */
	guint n_dirs;
};

TidyDirPool *
tidy_dir_pool_new(TidyFs *fs)
{
	TidyDirPool *pool = g_new0(TidyDirPool, 1);

	pool->fs = fs;
	g_queue_init(&pool->open);
	g_queue_init(&pool->anchors);
	return pool;
}

TidyFs *
tidy_dir_pool_fs(TidyDirPool *pool)
{
	return pool->fs;
}

static gboolean
is_anchor(const TidyDir *dir)
{
	return dir->depth > 0 && dir->depth % ANCHOR_EVERY == 0;
}

static GQueue *
queue_of(TidyDir *dir)
{
	return is_anchor(dir) ? &dir->pool->anchors : &dir->pool->open;
}

static void
close_fd(TidyDir *dir)
{
	if (dir->fd < 0)
		return;
	g_queue_unlink(queue_of(dir), &dir->link);
	dir->pool->fs->close(dir->pool->fs, dir->fd);
	dir->fd = -1;
}

void
tidy_dir_pool_close_all(TidyDirPool *pool)
{
	while (!g_queue_is_empty(&pool->open))
		close_fd(g_queue_peek_tail(&pool->open));
	while (!g_queue_is_empty(&pool->anchors))
		close_fd(g_queue_peek_tail(&pool->anchors));
}

void
tidy_dir_pool_free(TidyDirPool *pool)
{
	g_warn_if_fail(pool->n_dirs == 0);
	tidy_dir_pool_close_all(pool);
	g_free(pool);
}

static TidyDir *
dir_new(TidyDirPool *pool, TidyDir *parent, const char *name)
{
	TidyDir *dir = g_new0(TidyDir, 1);

	dir->pool = pool;
	dir->parent = parent != NULL ? tidy_dir_ref(parent) : NULL;
	dir->name = g_strdup(name);
	dir->depth = parent != NULL ? parent->depth + 1 : 0;
	dir->refs = 1;
	dir->fd = -1;
	dir->link.data = dir;
	dir->mtime_ns = TIDY_TIME_OMIT;
	dir->original_ns = TIDY_TIME_OMIT;
	pool->n_dirs++;
	return dir;
}

TidyDir *
tidy_dir_root(TidyDirPool *pool, const char *path)
{
	return dir_new(pool, NULL, path);
}

TidyDir *
tidy_dir_child(TidyDir *parent, const char *name)
{
	return dir_new(parent->pool, parent, name);
}

TidyDir *
tidy_dir_ref(TidyDir *dir)
{
	dir->refs++;
	return dir;
}

void
tidy_dir_unref(TidyDir *dir)
{
	while (dir != NULL && --dir->refs == 0) { /* not recursive: trees may be very deep */
		TidyDir *parent = dir->parent;

		close_fd(dir);
		dir->pool->n_dirs--;
		g_free(dir->name);
		g_free(dir);
		dir = parent;
	}
}

static void
remember(TidyDir *dir, const TidyStat *st)
{
	dir->is_known = TRUE;
	dir->dev = st->dev;
	dir->ino = st->ino;
	dir->mnt_id = st->mnt_id;
	dir->mtime_ns = st->mtime_ns;
	dir->atime_ns = st->atime_ns;
	dir->mode = st->mode;
	dir->uid = st->uid;
	dir->gid = st->gid;
	dir->is_mount = (st->attributes & STATX_ATTR_MOUNT_ROOT) != 0;
	if (dir->original_ns == TIDY_TIME_OMIT)
		dir->original_ns = st->mtime_ns;
}

static void
push_open(TidyDir *dir, int fd)
{
	TidyDirPool *pool = dir->pool;

	dir->fd = fd;
	g_queue_push_head_link(queue_of(dir), &dir->link);
	if (g_queue_get_length(&pool->open) > OPEN_MAX)
		close_fd(g_queue_peek_tail(&pool->open));
	if (g_queue_get_length(&pool->anchors) > ANCHORS_MAX)
		close_fd(g_queue_peek_tail(&pool->anchors));
}

/* The open @fd is that directory, as far as is known. 0 or -errno. */
static int
check(const TidyDir *dir, int fd, TidyStat *st)
{
	int r = dir->pool->fs->stat(dir->pool->fs, fd, "", st);

	/* What a journal expects is known by its inode alone: device numbers change from boot to
	 * boot, on btrfs with each mount. */
	if (r == 0 && (dir->is_known || dir->is_expected) &&
	    (st->ino != dir->ino || (dir->is_known && st->dev != dir->dev)))
		r = -ESTALE;
	return r;
}

/* A directory on the way to one below it will be asked for soon, or was a moment ago. */
static gboolean
keep_open(TidyDir *dir, int fd, guint n_below)
{
	TidyStat st;

	if ((n_below > KEEP_LAST && !is_anchor(dir)) || check(dir, fd, &st) < 0)
		return FALSE;
	if (!dir->is_known)
		remember(dir, &st);
	push_open(dir, fd);
	return TRUE;
}

/* Opens @dir from the nearest directory above it that is open. */
static int
open_from_above(TidyDir *dir)
{
	TidyFs *fs = dir->pool->fs;
	g_autoptr(GPtrArray) chain = g_ptr_array_new();
	int flags = O_RDONLY | O_DIRECTORY;
	int fd = AT_FDCWD;
	gboolean is_ours = FALSE;

	for (TidyDir *at = dir; at != NULL; at = at->parent) {
		if (at != dir && at->fd >= 0) {
			fd = at->fd;
			break;
		}
		g_ptr_array_add(chain, at);
	}
	for (guint i = chain->len; i > 0; i--) {
		TidyDir *at = g_ptr_array_index(chain, i - 1);
		int next = fs->openat(fs, fd, at->name, flags, 0);

		if (is_ours)
			fs->close(fs, fd);
		if (next < 0)
			return next;
		fd = next;
		is_ours = at == dir || !keep_open(at, fd, i - 1);
	}
	return fd;
}

int
tidy_dir_fd(TidyDir *dir)
{
	TidyDirPool *pool = dir->pool;
	TidyStat st;
	int fd;
	int r;

	if (dir->fd >= 0) {
		g_queue_unlink(queue_of(dir), &dir->link);
		g_queue_push_head_link(queue_of(dir), &dir->link);
		return dir->fd;
	}
	fd = open_from_above(dir);
	if (fd < 0)
		return fd;
	r = check(dir, fd, &st);
	if (r < 0) {
		pool->fs->close(pool->fs, fd);
		return r;
	}
	if (!dir->is_known)
		remember(dir, &st);
	push_open(dir, fd);
	return fd;
}

static TidyDir *
find_child(const GQueue *queue, const TidyDir *parent, const char *name)
{
	for (const GList *at = queue->head; at != NULL; at = at->next) {
		TidyDir *dir = at->data;

		if (dir->parent == parent && strcmp(dir->name, name) == 0)
			return dir;
	}
	return NULL;
}

void
tidy_dir_close_child(TidyDir *dir, const char *name)
{
	TidyDir *child = find_child(&dir->pool->open, dir, name);

	if (child == NULL)
		child = find_child(&dir->pool->anchors, dir, name);
	if (child != NULL)
		close_fd(child);
}

void
tidy_dir_forget(TidyDir *dir)
{
	close_fd(dir);
	dir->is_known = FALSE;
	dir->is_expected = FALSE;
}

char *
tidy_dir_path(const TidyDir *dir)
{
	g_autoptr(GPtrArray) parts = g_ptr_array_new();
	GString *path = g_string_new(NULL);

	for (const TidyDir *at = dir; at != NULL; at = at->parent)
		g_ptr_array_add(parts, at->name);
	for (guint i = parts->len; i > 0; i--) {
		const char *part = g_ptr_array_index(parts, i - 1);

		if (path->len > 0 && path->str[path->len - 1] != '/')
			g_string_append_c(path, '/');
		g_string_append(path, part);
	}
	return g_string_free(path, FALSE);
}

char *
tidy_dir_entry_path(const TidyDir *dir, const char *name)
{
	g_autofree char *path = tidy_dir_path(dir);

	return g_strconcat(path, g_str_has_suffix(path, "/") ? "" : "/", name, NULL);
}
