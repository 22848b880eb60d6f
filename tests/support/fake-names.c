/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fake file system's operations on names: rename, link, unlink, make. Pure. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tests/support/fake-internal.h"

static FakeFs *
fake_of(TidyFs *fs)
{
	return (FakeFs *)fs;
}

/* A directory's entries changed. */
static FakeNode *
touch_dir(FakeFs *fake, const FakeAt *dir)
{
	FakeNode *node = fake_disk_edit(dir->mount->disk, dir->id, FAKE_CHANGE_ALL);

	node->mtime = node->ctime = fake->clock;
	return node;
}

/* May a name be added to @dir? */
int
fake_may_add(FakeFs *fake, const FakeAt *dir)
{
	if (dir->mount->disk->is_read_only)
		return -EROFS;
	if (fake_node_at(dir)->nlink == 0)
		return -ENOENT;
	return fake_may(fake, dir, FAKE_MAY_WRITE | FAKE_MAY_EXEC);
}

/* May the name of @at be taken out of @dir? As may_delete() of the kernel. */
static int
may_remove(FakeFs *fake, const FakeAt *dir, const FakeAt *at, gboolean as_dir)
{
	const FakeNode *node = fake_node_at(at), *above = fake_node_at(dir);
	int answer = fake_may(fake, dir, FAKE_MAY_WRITE | FAKE_MAY_EXEC);

	if (answer < 0)
		return answer;
	if ((above->flags & FAKE_APPEND) || (node->flags & (FAKE_APPEND | FAKE_IMMUTABLE)))
		return -EPERM;
	if (fake->is_enforcing && fake->uid != 0 && (above->mode & S_ISVTX) &&
	    node->uid != fake->uid && above->uid != fake->uid)
		return -EPERM;
	if (as_dir != fake_node_is_dir(node))
		return as_dir ? -ENOTDIR : -EISDIR;
	return 0;
}

/* A new node without a name; owner and group as Linux gives them. */
FakeNode *
fake_new_node(FakeFs *fake, const FakeAt *dir, guint32 mode)
{
	const FakeNode *above = fake_node_at(dir);
	FakeNode *node;

	if ((above->mode & S_ISGID) && S_ISDIR(mode))
		mode |= S_ISGID;
	node = fake_disk_add(dir->mount->disk, mode, fake->clock);
	node->uid = fake->uid;
	node->gid = above->mode & S_ISGID ? above->gid : fake->gid;
	return node;
}

FakeNode *
fake_new_entry(FakeFs *fake, const FakeAt *dir, const char *name, guint32 mode)
{
	FakeNode *node = fake_new_node(fake, dir, mode);
	FakeNode *above = touch_dir(fake, dir);

	node->nlink = S_ISDIR(mode) ? 2 : 1;
	if (S_ISDIR(mode)) {
		node->parent = dir->id;
		above->nlink++;
	}
	fake_node_insert(above, name, node->id);
	return node;
}

/* umask(2) of 022 counts. */
guint32
fake_masked(mode_t mode)
{
	return mode & 07777 & ~(mode_t)022;
}

/* ---- rename, link, unlink ---- */

static gboolean
is_above(const FakeDisk *disk, guint id, guint dir)
{
	for (;; dir = fake_disk_node(disk, dir)->parent) {
		if (dir == id)
			return TRUE;
		if (fake_disk_node(disk, dir)->parent == dir)
			return FALSE;
	}
}

/* One name of the node less. */
static void
drop_name(FakeFs *fake, FakeDisk *disk, guint id)
{
	FakeNode *node = fake_disk_edit(disk, id, FAKE_CHANGE_ALL);

	node->nlink = fake_node_is_dir(node) ? 0 : node->nlink - 1;
	node->ctime = fake->clock;
}

static void
move_entry(FakeFs *fake, const FakeAt *from, const char *name, const FakeAt *to,
	   const char *new_name, guint id)
{
	FakeDisk *disk = from->mount->disk;
	FakeNode *node = fake_disk_edit(disk, id, FAKE_CHANGE_ALL);

	node->ctime = fake->clock;
	fake_node_remove(touch_dir(fake, from), name);
	fake_node_insert(touch_dir(fake, to), new_name, id);
	if (fake_node_is_dir(node)) {
		touch_dir(fake, from)->nlink--;
		touch_dir(fake, to)->nlink++;
		node->parent = to->id;
	}
}

/* The name that gives way. */
static int
check_victim(FakeFs *fake, const FakeAt *to, const FakeAt *victim, gboolean as_dir)
{
	int answer = may_remove(fake, to, victim, as_dir);

	if (answer < 0)
		return answer;
	if (fake_is_mount_point(fake, victim))
		return -EBUSY;
	if (as_dir && fake_node_at(victim)->entries->len > 0)
		return -ENOTEMPTY;
	return 0;
}

static int
check_rename(FakeFs *fake, const FakeAt *from, const FakeAt *at, const FakeAt *to,
	     const FakeAt *victim)
{
	FakeDisk *disk = from->mount->disk;
	gboolean is_dir = fake_node_is_dir(fake_node_at(at));
	int answer;

	if (is_dir && is_above(disk, at->id, to->id))
		return -EINVAL;
	if (victim->id && fake_node_is_dir(fake_node_at(victim)) &&
	    is_above(disk, victim->id, from->id))
		return -ENOTEMPTY;
	answer = may_remove(fake, from, at, is_dir);
	if (answer < 0)
		return answer;
	answer = victim->id ? check_victim(fake, to, victim, is_dir) : fake_may_add(fake, to);
	if (answer < 0)
		return answer;
	if (is_dir && from->id != to->id) /* its ".." changes */
		answer = fake_may(fake, at, FAKE_MAY_WRITE);
	if (answer < 0)
		return answer;
	return fake_is_mount_point(fake, at) ? -EBUSY : 0;
}

static int
do_rename(FakeFs *fake, int from_dir, const char *from_name, int to_dir, const char *to_name,
	  gboolean may_replace)
{
	FakeAt from, to, at, victim = { 0 };
	int answer = fake_dir(fake, from_dir, &from);

	if (answer == 0)
		answer = fake_dir(fake, to_dir, &to);
	if (answer < 0)
		return answer;
	if (from.mount != to.mount)
		return -EXDEV;
	if (from.mount->disk->is_read_only)
		return -EROFS;
	answer = fake_lookup_name(fake, &from, from_name, &at);
	if (answer < 0)
		return answer;
	answer = fake_lookup_name(fake, &to, to_name, &victim);
	if (answer < 0 && (answer != -ENOENT || *to_name == '\0'))
		return answer;
	if (answer == 0 && !may_replace)
		return -EEXIST;
	if (at.id == victim.id)
		return 0;
	answer = check_rename(fake, &from, &at, &to, &victim);
	if (answer < 0)
		return answer;
	if (victim.id) {
		if (fake_node_is_dir(fake_node_at(&victim)))
			touch_dir(fake, &to)->nlink--;
		fake_node_remove(touch_dir(fake, &to), to_name);
		drop_name(fake, to.mount->disk, victim.id);
	}
	move_entry(fake, &from, from_name, &to, to_name, at.id);
	if (victim.id)
		fake_release(fake, to.mount->disk, victim.id);
	fake_changed(fake, from.mount->disk);
	return 0;
}

/* Where the file system does not know RENAME_NOREPLACE: two steps for files. */
static int
rename_by_link(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to)
{
	TidyStat st;
	int answer = fs->stat(fs, from_dir, from, &st);

	if (answer < 0)
		return answer;
	if (S_ISDIR(st.mode))
		return -EINVAL;
	answer = fs->link(fs, from_dir, from, to_dir, to);
	return answer < 0 ? answer : fs->unlink(fs, from_dir, from, 0);
}

static int
fake_rename(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to)
{
	FakeFs *fake = fake_of(fs);
	const FakeOpen *dir = fake_open_of(fake, from_dir);
	int answer;

	if (dir && !fake->is_crashed && dir->at.mount->disk->lacks & FAKE_NO_NOREPLACE)
		return rename_by_link(fs, from_dir, from, to_dir, to);
	answer = fake_enter(fake, FS_OP_RENAME, TRUE, from, to);
	if (answer == 0)
		answer = do_rename(fake, from_dir, from, to_dir, to, FALSE);
	return (int)fake_leave(fake, answer);
}

static int
fake_replace(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_REPLACE, TRUE, from, to);

	if (answer == 0)
		answer = do_rename(fake, from_dir, from, to_dir, to, TRUE);
	return (int)fake_leave(fake, answer);
}

static int
do_exchange(FakeFs *fake, int dir_fd, const char *a, const char *b)
{
	FakeAt dir, at, other;
	int answer = fake_dir(fake, dir_fd, &dir);
	guint id;

	if (answer == 0)
		answer = fake_lookup_name(fake, &dir, a, &at);
	if (answer == 0)
		answer = fake_lookup_name(fake, &dir, b, &other);
	if (answer < 0)
		return answer;
	if (dir.mount->disk->is_read_only)
		return -EROFS;
	if (dir.mount->disk->lacks & FAKE_NO_NOREPLACE)
		return -EINVAL;
	if (at.id == other.id)
		return 0;
	answer = check_rename(fake, &dir, &at, &dir, &other);
	if (answer < 0)
		return answer;
	id = at.id;
	fake_node_remove(touch_dir(fake, &dir), a);
	fake_node_remove(touch_dir(fake, &dir), b);
	fake_node_insert(touch_dir(fake, &dir), a, other.id);
	fake_node_insert(touch_dir(fake, &dir), b, id);
	fake_disk_edit(dir.mount->disk, id, FAKE_CHANGE_ALL)->ctime = fake->clock;
	fake_disk_edit(dir.mount->disk, other.id, FAKE_CHANGE_ALL)->ctime = fake->clock;
	fake_changed(fake, dir.mount->disk);
	return 0;
}

static int
fake_exchange(TidyFs *fs, int dir, const char *a, const char *b)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_EXCHANGE, TRUE, a, b);

	if (answer == 0)
		answer = do_exchange(fake, dir, a, b);
	return (int)fake_leave(fake, answer);
}

/* One name more for @at. */
static int
add_link(FakeFs *fake, const FakeAt *at, int to_dir, const char *to_name)
{
	const FakeNode *node = fake_node_at(at);
	FakeDisk *disk = at->mount->disk;
	FakeAt to, taken;
	FakeNode *edit;
	int answer = fake_dir(fake, to_dir, &to);

	if (answer < 0)
		return answer;
	answer = fake_lookup_name(fake, &to, to_name, &taken);
	if (answer != -ENOENT || *to_name == '\0')
		return answer == 0 ? -EEXIST : answer;
	if (at->mount != to.mount)
		return -EXDEV;
	answer = fake_may_add(fake, &to);
	if (answer < 0)
		return answer;
	if ((node->flags & (FAKE_APPEND | FAKE_IMMUTABLE)) || (disk->lacks & FAKE_NO_LINK) ||
	    fake_node_is_dir(node))
		return -EPERM;
	if (node->nlink == 0 && !node->is_tmpfile)
		return -ENOENT;
	edit = fake_disk_edit(disk, at->id, FAKE_CHANGE_ALL);
	edit->nlink++;
	edit->is_tmpfile = FALSE;
	edit->ctime = fake->clock;
	fake_node_insert(touch_dir(fake, &to), to_name, at->id);
	fake_changed(fake, disk);
	return 0;
}

static int
fake_link(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to)
{
	FakeFs *fake = fake_of(fs);
	FakeAt dir, at;
	int answer = fake_enter(fake, FS_OP_LINK, TRUE, from, to);

	if (answer == 0)
		answer = fake_dir(fake, from_dir, &dir);
	if (answer == 0)
		answer = fake_lookup(fake, &dir, from, &at);
	if (answer == 0)
		answer = add_link(fake, &at, to_dir, to);
	return (int)fake_leave(fake, answer);
}

static int
fake_linkfd(TidyFs *fs, int fd, int to_dir, const char *to)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_LINKFD, TRUE, fake_fd_text(fake, fd), to);
	const FakeOpen *file = fake_open_of(fake, fd);

	if (answer == 0)
		answer = file ? add_link(fake, &file->at, to_dir, to)
			      : -ENOENT; /* as /proc/self/fd */
	return (int)fake_leave(fake, answer);
}

static int
do_unlink(FakeFs *fake, int dir, const char *name, int flags)
{
	gboolean as_dir = (flags & AT_REMOVEDIR) != 0;
	FakeAt from, at;
	FakeNode *above;
	int answer = fake_dir(fake, dir, &from);

	if (answer < 0)
		return answer;
	if (from.mount->disk->is_read_only)
		return -EROFS;
	answer = fake_lookup_name(fake, &from, name, &at);
	if (answer == 0)
		answer = check_victim(fake, &from, &at, as_dir);
	if (answer < 0)
		return answer;
	above = touch_dir(fake, &from);
	fake_node_remove(above, name);
	above->nlink -= as_dir ? 1 : 0;
	drop_name(fake, from.mount->disk, at.id);
	fake_release(fake, from.mount->disk, at.id);
	fake_changed(fake, from.mount->disk);
	return 0;
}

static int
fake_unlink(TidyFs *fs, int dir, const char *name, int flags)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_UNLINK, TRUE, name, NULL);

	return (int)fake_leave(fake, answer < 0 ? answer : do_unlink(fake, dir, name, flags));
}

/* ---- make ---- */

/* Is @name free in @dir, and may it be made? */
static int
check_new(FakeFs *fake, int dir, const char *name, FakeAt *at)
{
	FakeAt taken;
	int answer = fake_dir(fake, dir, at);

	if (answer < 0)
		return answer;
	answer = fake_lookup_name(fake, at, name, &taken);
	if (answer == 0)
		return -EEXIST;
	return answer == -ENOENT && *name != '\0' ? fake_may_add(fake, at) : answer;
}

static int
do_mkdir(FakeFs *fake, int dir, const char *name, mode_t mode)
{
	FakeAt at;
	FakeDisk *disk;
	int answer = check_new(fake, dir, name, &at);

	if (answer < 0)
		return answer;
	disk = at.mount->disk;
	if (disk->free_limit >= 0 && fake_disk_used(disk) + FAKE_PAGE > (guint64)disk->free_limit)
		return -ENOSPC;
	fake_new_entry(fake, &at, name, S_IFDIR | (fake_masked(mode) & 01777));
	fake_changed(fake, disk);
	return 0;
}

static int
fake_mkdir(TidyFs *fs, int dir, const char *name, mode_t mode)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_MKDIR, TRUE, name, NULL);

	return (int)fake_leave(fake, answer < 0 ? answer : do_mkdir(fake, dir, name, mode));
}

static int
do_symlink(FakeFs *fake, const char *target, int dir, const char *name)
{
	FakeAt at;
	int answer = check_new(fake, dir, name, &at);

	if (*target == '\0')
		return -ENOENT;
	if (strlen(target) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (answer < 0)
		return answer;
	fake_new_entry(fake, &at, name, S_IFLNK | 0777)->target = g_strdup(target);
	fake_changed(fake, at.mount->disk);
	return 0;
}

static int
fake_symlink(TidyFs *fs, const char *target, int dir, const char *name)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_SYMLINK, TRUE, name, NULL);

	return (int)fake_leave(fake, answer < 0 ? answer : do_symlink(fake, target, dir, name));
}

static int
do_mkfifo(FakeFs *fake, int dir, const char *name, mode_t mode)
{
	FakeAt at;
	int answer = check_new(fake, dir, name, &at);

	if (answer < 0)
		return answer;
	fake_new_entry(fake, &at, name, S_IFIFO | fake_masked(mode));
	fake_changed(fake, at.mount->disk);
	return 0;
}

static int
fake_mkfifo(TidyFs *fs, int dir, const char *name, mode_t mode)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_MKFIFO, TRUE, name, NULL);

	return (int)fake_leave(fake, answer < 0 ? answer : do_mkfifo(fake, dir, name, mode));
}

static ssize_t
fake_readlink(TidyFs *fs, int dir, const char *name, char *buffer, size_t size)
{
	FakeFs *fake = fake_of(fs);
	FakeAt from, at;
	const char *target;
	int answer = fake_enter(fake, FS_OP_READLINK, FALSE, NULL, NULL);

	if (answer == 0)
		answer = fake_dir(fake, dir, &from);
	if (answer == 0)
		answer = fake_lookup(fake, &from, name, &at);
	if (answer < 0)
		return answer;
	target = fake_node_at(&at)->target;
	if (!target || size == 0)
		return -EINVAL;
	size = MIN(size, strlen(target));
	memcpy(buffer, target, size);
	return (ssize_t)size;
}

void
fake_names_init(TidyFs *table)
{
	table->rename = fake_rename;
	table->replace = fake_replace;
	table->exchange = fake_exchange;
	table->link = fake_link;
	table->linkfd = fake_linkfd;
	table->unlink = fake_unlink;
	table->mkdir = fake_mkdir;
	table->symlink = fake_symlink;
	table->mkfifo = fake_mkfifo;
	table->readlink = fake_readlink;
}
