/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fake file system's operations on what stat shows, on extended attributes, leases and locks. Pure. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tests/support/fake-internal.h"

/* As Linux: XATTR_NAME_MAX and XATTR_SIZE_MAX, xattr(7). */
#define XATTR_NAME_LIMIT 255
#define XATTR_SIZE_LIMIT 65536

static FakeFs *
fake_of(TidyFs *fs)
{
	return (FakeFs *)fs;
}

/* fchmod(2) and futimens(2) do not take a descriptor from O_PATH. */
static gboolean
is_bare_path(FakeFs *fake, int dir, const char *name)
{
	const FakeOpen *file = fake_open_of(fake, dir);

	return *name == '\0' && file && (file->flags & O_PATH);
}

/* The node that @dir and @name mean; "" is @dir itself. */
static int
named(FakeFs *fake, int dir, const char *name, FakeAt *at)
{
	const FakeOpen *file = fake_open_of(fake, dir);
	FakeAt from;
	int answer;

	if (!file)
		return -EBADF;
	if (*name == '\0') {
		*at = file->at;
		return 0;
	}
	answer = fake_dir(fake, dir, &from);
	return answer < 0 ? answer : fake_lookup(fake, &from, name, at);
}

static int
fake_stat(TidyFs *fs, int dir, const char *name, TidyStat *st)
{
	FakeFs *fake = fake_of(fs);
	FakeAt at;
	int answer = fake_enter(fake, FS_OP_STAT, FALSE, NULL, NULL);

	if (answer == 0)
		answer = named(fake, dir, name, &at);
	return answer < 0 ? answer : fake_stat_at(fake, &at, st);
}

static int
fake_fsinfo(TidyFs *fs, int fd, TidyFsInfo *info)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_FSINFO, FALSE, NULL, NULL);
	const FakeOpen *file = fake_open_of(fake, fd);
	const FakeDisk *disk;
	guint64 used;

	if (answer < 0 || !file)
		return answer < 0 ? answer : -EBADF;
	disk = file->at.mount->disk;
	info->type = disk->magic;
	info->is_read_only = disk->is_read_only;
	info->free_bytes = G_GUINT64_CONSTANT(1) << 40;
	if (disk->free_limit >= 0) {
		used = fake_disk_used(disk);
		info->free_bytes =
			(guint64)disk->free_limit > used ? (guint64)disk->free_limit - used : 0;
	}
	return 0;
}

/* Linux takes a file's capabilities away when it changes (file_remove_privs). */
void
fake_drop_privileges(FakeNode *node)
{
	if (node->xattrs)
		g_tree_remove(node->xattrs, "security.capability");
}

/* ---- modes, owners, times ---- */

static int
do_chmod(FakeFs *fake, int dir, const char *name, mode_t mode)
{
	FakeAt at;
	FakeNode *node;
	int answer = is_bare_path(fake, dir, name) ? -EBADF : named(fake, dir, name, &at);

	if (answer == 0 && S_ISLNK(fake_node_at(&at)->mode))
		return -EOPNOTSUPP;
	if (answer == 0)
		answer = fake_may_change(fake, &at);
	if (answer < 0)
		return answer;
	node = fake_disk_edit(at.mount->disk, at.id, FAKE_CHANGE_ALL);
	node->mode = (node->mode & S_IFMT) | (mode & 07777);
	node->ctime = fake->clock;
	fake_changed(fake, at.mount->disk);
	return 0;
}

static int
fake_chmod(TidyFs *fs, int dir, const char *name, mode_t mode)
{
	FakeFs *fake = fake_of(fs);
	int answer =
		fake_enter(fake, FS_OP_CHMOD, TRUE, *name ? name : fake_fd_text(fake, dir), NULL);

	return (int)fake_leave(fake, answer < 0 ? answer : do_chmod(fake, dir, name, mode));
}

static int
do_chown(FakeFs *fake, int dir, const char *name, uid_t uid, gid_t gid)
{
	FakeAt at;
	FakeNode *node;
	int answer = named(fake, dir, name, &at);

	if (answer == 0)
		answer = fake_may_change(fake, &at);
	if (answer < 0)
		return answer;
	if (fake->is_enforcing && fake->uid != 0 &&
	    ((uid != (uid_t)-1 && uid != fake->uid) || (gid != (gid_t)-1 && gid != fake->gid)))
		return -EPERM;
	node = fake_disk_edit(at.mount->disk, at.id, FAKE_CHANGE_ALL);
	if (uid != (uid_t)-1)
		node->uid = uid;
	if (gid != (gid_t)-1)
		node->gid = gid;
	if (node->data) { /* chown(2): the set-id bits of a file go, by root's hand too */
		node->mode &= ~(guint32)S_ISUID;
		if (node->mode & S_IXGRP)
			node->mode &= ~(guint32)S_ISGID;
		fake_drop_privileges(node);
	}
	node->ctime = fake->clock;
	fake_changed(fake, at.mount->disk);
	return 0;
}

static int
fake_chown(TidyFs *fs, int dir, const char *name, uid_t uid, gid_t gid)
{
	FakeFs *fake = fake_of(fs);
	int answer =
		fake_enter(fake, FS_OP_CHOWN, TRUE, *name ? name : fake_fd_text(fake, dir), NULL);

	return (int)fake_leave(fake, answer < 0 ? answer : do_chown(fake, dir, name, uid, gid));
}

static int
do_utimens(FakeFs *fake, int dir, const char *name, gint64 atime_ns, gint64 mtime_ns)
{
	FakeAt at;
	FakeNode *node;
	int answer = is_bare_path(fake, dir, name) ? -EBADF : named(fake, dir, name, &at);

	if (answer == 0)
		answer = fake_may_change(fake, &at);
	if (answer < 0)
		return answer;
	node = fake_disk_edit(at.mount->disk, at.id, FAKE_CHANGE_TIMES);
	if (atime_ns != TIDY_TIME_OMIT)
		node->atime = atime_ns;
	if (mtime_ns != TIDY_TIME_OMIT)
		node->mtime = mtime_ns;
	node->ctime = fake->clock;
	fake_changed(fake, at.mount->disk);
	return 0;
}

static int
fake_utimens(TidyFs *fs, int dir, const char *name, gint64 atime_ns, gint64 mtime_ns)
{
	FakeFs *fake = fake_of(fs);
	int answer =
		fake_enter(fake, FS_OP_UTIMENS, TRUE, *name ? name : fake_fd_text(fake, dir), NULL);

	if (answer < 0)
		return (int)fake_leave(fake, answer);
	return (int)fake_leave(fake, do_utimens(fake, dir, name, atime_ns, mtime_ns));
}

/* ---- extended attributes ---- */

static int
xattr_node(FakeFs *fake, int fd, FakeAt *at)
{
	const FakeOpen *file = fake_open_of(fake, fd);

	if (!file || (file->flags & O_PATH))
		return -EBADF;
	*at = file->at;
	return file->at.mount->disk->lacks & FAKE_NO_XATTR ? -EOPNOTSUPP : 0;
}

static gboolean
append_name(gpointer key, gpointer value, gpointer names)
{
	g_string_append_len(names, key, (gssize)strlen(key) + 1);
	return FALSE;
}

static ssize_t
copy_out(void *buffer, size_t size, const void *bytes, size_t length)
{
	if (size == 0)
		return (ssize_t)length;
	if (length > size)
		return -ERANGE;
	if (length > 0)
		memcpy(buffer, bytes, length);
	return (ssize_t)length;
}

static ssize_t
fake_listxattr(TidyFs *fs, int fd, char *buffer, size_t size)
{
	FakeFs *fake = fake_of(fs);
	FakeAt at;
	g_autoptr(GString) names = g_string_new(NULL);
	int answer = fake_enter(fake, FS_OP_LISTXATTR, FALSE, NULL, NULL);

	if (answer == 0)
		answer = xattr_node(fake, fd, &at);
	if (answer < 0)
		return answer == -EOPNOTSUPP ? 0 : answer; /* listxattr(2) answers nothing there */
	if (fake_node_at(&at)->xattrs)
		g_tree_foreach(fake_node_at(&at)->xattrs, append_name, names);
	return copy_out(buffer, size, names->str, names->len);
}

static ssize_t
fake_getxattr(TidyFs *fs, int fd, const char *name, void *buffer, size_t size)
{
	FakeFs *fake = fake_of(fs);
	FakeAt at;
	GBytes *value;
	int answer = fake_enter(fake, FS_OP_GETXATTR, FALSE, NULL, NULL);

	if (answer == 0)
		answer = xattr_node(fake, fd, &at);
	if (answer < 0)
		return answer;
	value = fake_node_at(&at)->xattrs ? g_tree_lookup(fake_node_at(&at)->xattrs, name) : NULL;
	if (!value)
		return -ENODATA;
	return copy_out(buffer, size, g_bytes_get_data(value, NULL), g_bytes_get_size(value));
}

static int
may_set_xattr(FakeFs *fake, const FakeAt *at, const char *name, size_t size)
{
	const FakeNode *node = fake_node_at(at);

	if (at->mount->disk->is_read_only)
		return -EROFS;
	if (node->flags & (FAKE_IMMUTABLE | FAKE_APPEND))
		return -EPERM;
	if (!strchr(name, '.') || size > XATTR_SIZE_LIMIT || strlen(name) > XATTR_NAME_LIMIT)
		return !strchr(name, '.') ? -EOPNOTSUPP
					  : (size > XATTR_SIZE_LIMIT ? -E2BIG : -ERANGE);
	if (g_str_has_prefix(name, "user."))
		return node->data || node->entries ? fake_may(fake, at, FAKE_MAY_WRITE) : -EPERM;
	if (!g_str_has_prefix(name, "security.") && !g_str_has_prefix(name, "trusted.") &&
	    !g_str_has_prefix(name, "system."))
		return -EOPNOTSUPP;
	return fake->is_enforcing && fake->uid != 0 && !g_str_has_prefix(name, "system.") ? -EPERM
											  : 0;
}

static int
do_setxattr(FakeFs *fake, int fd, const char *name, const void *value, size_t size)
{
	FakeAt at;
	FakeNode *node;
	int answer = xattr_node(fake, fd, &at);

	if (answer == 0)
		answer = may_set_xattr(fake, &at, name, size);
	if (answer < 0)
		return answer;
	node = fake_disk_edit(at.mount->disk, at.id, FAKE_CHANGE_ALL);
	if (!node->xattrs)
		node->xattrs = fake_xattrs_copy(NULL);
	g_tree_insert(node->xattrs, g_strdup(name), g_bytes_new(value, size));
	node->ctime = fake->clock;
	fake_changed(fake, at.mount->disk);
	return 0;
}

static int
fake_setxattr(TidyFs *fs, int fd, const char *name, const void *value, size_t size)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_SETXATTR, TRUE, fake_fd_text(fake, fd), name);

	return (int)fake_leave(fake,
			       answer < 0 ? answer : do_setxattr(fake, fd, name, value, size));
}

/* ---- writers and locks ---- */

/* Another description has it open for writing. */
static gboolean
has_writer(FakeFs *fake, const FakeAt *at)
{
	GHashTableIter iter;
	gpointer value;

	if (fake_node_at(at)->flags & FAKE_HAS_WRITER)
		return TRUE;
	g_hash_table_iter_init(&iter, fake->opens);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const FakeOpen *file = value;

		if (file->at.mount->disk == at->mount->disk && file->at.id == at->id &&
		    !(file->flags & O_PATH) && (file->flags & O_ACCMODE) != O_RDONLY)
			return TRUE;
	}
	return FALSE;
}

static int
fake_no_writer(TidyFs *fs, int fd)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_NO_WRITER, FALSE, NULL, NULL);
	const FakeOpen *file = fake_open_of(fake, fd);
	const FakeNode *node;

	if (answer < 0)
		return answer;
	if (!file || (file->flags & O_PATH))
		return -EBADF;
	node = fake_node_at(&file->at);
	if (!node->data || (file->at.mount->disk->lacks & FAKE_NO_LEASE))
		return -EINVAL;
	if (fake->is_enforcing && fake->uid != 0 && node->uid != fake->uid)
		return -EACCES;
	return has_writer(fake, &file->at) ? -EAGAIN : 0;
}

static int
fake_flock(TidyFs *fs, int fd, TidyLock lock)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_FLOCK, FALSE, NULL, NULL);
	FakeOpen *file = fake_open_of(fake, fd);
	GHashTableIter iter;
	gpointer value;

	if (answer < 0)
		return answer;
	if (!file || (file->flags & O_PATH))
		return -EBADF;
	if (file->lock == (int)lock)
		return 0;
	file->lock =
		-1; /* flock(2): a conversion gives the old lock up first, and for good when it fails */
	g_hash_table_iter_init(&iter, fake->opens);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const FakeOpen *other = value;

		if (other == file || other->lock < 0 || other->at.id != file->at.id ||
		    other->at.mount->disk != file->at.mount->disk)
			continue;
		if (lock == TIDY_LOCK_EXCLUSIVE || other->lock == TIDY_LOCK_EXCLUSIVE)
			return -EWOULDBLOCK;
	}
	file->lock = (int)lock;
	return 0;
}

static gint64
fake_now(TidyFs *fs)
{
	return fake_of(fs)->clock;
}

void
fake_attrs_init(TidyFs *table)
{
	table->stat = fake_stat;
	table->fsinfo = fake_fsinfo;
	table->chmod = fake_chmod;
	table->chown = fake_chown;
	table->utimens = fake_utimens;
	table->listxattr = fake_listxattr;
	table->getxattr = fake_getxattr;
	table->setxattr = fake_setxattr;
	table->no_writer = fake_no_writer;
	table->flock = fake_flock;
	table->now = fake_now;
}
