/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fake file system's operations on open files and on what stat shows: bytes, syncs, modes, times, xattrs. Pure. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <string.h>
#include <unistd.h>

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

/* ---- bytes ---- */

/* The regular file behind @fd, open for reading or writing. */
static int
regular(FakeFs *fake, int fd, gboolean for_writing, FakeOpen **file)
{
	const FakeNode *node;

	*file = fake_open_of(fake, fd);
	if (!*file || ((*file)->flags & O_PATH))
		return -EBADF;
	node = fake_node_at(&(*file)->at);
	if (S_ISFIFO(node->mode))
		return -ESPIPE;
	if (((*file)->flags & O_ACCMODE) == (for_writing ? O_RDONLY : O_WRONLY))
		return -EBADF;
	if (fake_node_is_dir(node))
		return -EISDIR;
	return node->data ? 0 : -ESPIPE;
}

static size_t
short_size(FakeFs *fake, size_t size)
{
	if (fake->is_half)
		size = (size + 1) / 2;
	return fake->short_io > 0 ? MIN(size, fake->short_io) : size;
}

static ssize_t
fake_pread(TidyFs *fs, int fd, void *buffer, size_t size, gint64 offset)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_PREAD, FALSE, NULL, NULL);
	FakeOpen *file;

	if (answer == 0)
		answer = regular(fake, fd, FALSE, &file);
	if (answer < 0)
		return answer;
	if (offset < 0)
		return -EINVAL;
	return (ssize_t)fake_data_read(fake_node_at(&file->at)->data, buffer,
				       short_size(fake, size), offset);
}

/* How much of a write the free space takes. */
static size_t
fit(const FakeDisk *disk, const FakeData *data, size_t size, gint64 offset)
{
	guint64 used, room;

	if (disk->free_limit < 0)
		return size;
	used = fake_disk_used(disk);
	room = (guint64)disk->free_limit > used ? ((guint64)disk->free_limit - used) / FAKE_PAGE
						: 0;
	while (size > 0 && fake_data_new_pages(data, size, offset) > room) {
		size_t over = (size_t)((guint64)offset + size) % FAKE_PAGE;

		size -= MIN(size, over > 0 ? over : FAKE_PAGE);
	}
	return size;
}

/* Linux takes a file's capabilities away when it changes (file_remove_privs). */
static void
drop_privileges(FakeNode *node)
{
	if (node->xattrs)
		g_tree_remove(node->xattrs, "security.capability");
}

static ssize_t
write_node(FakeFs *fake, const FakeAt *at, const void *buffer, size_t size, gint64 offset)
{
	FakeDisk *disk = at->mount->disk;
	const FakeNode *node = fake_node_at(at);
	size_t wanted = size;
	gboolean grows;
	FakeNode *edit;

	if (size == 0)
		return 0;
	size = fit(disk, node->data, size, offset);
	if (size == 0 && wanted > 0)
		return -ENOSPC;
	grows = offset + (gint64)size > node->data->size ||
		fake_data_new_pages(node->data, size, offset) > 0;
	edit = fake_disk_edit(disk, at->id, grows ? FAKE_CHANGE_ALL : FAKE_CHANGE_TIMES);
	fake_data_write(fake_data_edit(&edit->data), buffer, size, offset);
	edit->mtime = edit->ctime = fake->clock;
	drop_privileges(edit);
	fake_changed(fake, disk);
	return (ssize_t)size;
}

static ssize_t
do_pwrite(FakeFs *fake, int fd, const void *buffer, size_t size, gint64 offset)
{
	FakeOpen *file;
	int answer = regular(fake, fd, TRUE, &file);

	if (answer < 0)
		return answer;
	if (offset < 0)
		return -EINVAL;
	if (file->flags & O_APPEND)
		offset = fake_node_at(&file->at)->data->size;
	return write_node(fake, &file->at, buffer, short_size(fake, size), offset);
}

static ssize_t
fake_pwrite(TidyFs *fs, int fd, const void *buffer, size_t size, gint64 offset)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_PWRITE, TRUE, fake_fd_text(fake, fd), NULL);

	return (ssize_t)fake_leave(fake,
				   answer < 0 ? answer : do_pwrite(fake, fd, buffer, size, offset));
}

static int
do_truncate(FakeFs *fake, int fd, gint64 size)
{
	FakeOpen *file;
	FakeNode *node;
	int answer = regular(fake, fd, TRUE, &file);

	if (answer == -EBADF && file && !(file->flags & O_PATH))
		return -EINVAL;
	if (answer < 0 || size < 0)
		return answer == -EBADF ? -EBADF : -EINVAL;
	if (fake_node_at(&file->at)->flags & FAKE_APPEND)
		return -EPERM;
	node = fake_disk_edit(file->at.mount->disk, file->at.id, FAKE_CHANGE_ALL);
	if (node->data == node->durable) { /* stays clean: a truncation is metadata */
		fake_data_truncate(fake_data_edit(&node->data), size);
		fake_data_unref(node->durable);
		node->durable = fake_data_ref(node->data);
	} else {
		fake_data_truncate(fake_data_edit(&node->data), size);
		if (size < node->durable->size)
			fake_data_truncate(fake_data_edit(&node->durable), size);
	}
	node->mtime = node->ctime = fake->clock;
	drop_privileges(node);
	fake_changed(fake, file->at.mount->disk);
	return 0;
}

static int
fake_truncate(TidyFs *fs, int fd, gint64 size)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_TRUNCATE, TRUE, fake_fd_text(fake, fd), NULL);

	return (int)fake_leave(fake, answer < 0 ? answer : do_truncate(fake, fd, size));
}

/* ---- syncs ---- */

static int
sync_file(FakeFs *fake, FsOp op, int fd, gboolean is_data)
{
	int answer = fake_enter(fake, op, TRUE, fake_fd_text(fake, fd), NULL);
	FakeOpen *file = fake_open_of(fake, fd);
	const FakeNode *node;

	if (answer == -ESHUTDOWN)
		return answer;
	if (!file || (file->flags & O_PATH))
		return (int)fake_leave(fake, -EBADF);
	node = fake_node_at(&file->at);
	if (answer < 0) {
		if (node->data)
			fake_disk_fail_node(file->at.mount->disk, file->at.id);
		return (int)fake_leave(fake, answer);
	}
	if (!node->data && !node->entries)
		return (int)fake_leave(fake, -EINVAL);
	fake_disk_sync_node(file->at.mount->disk, file->at.id, is_data);
	return (int)fake_leave(fake, 0);
}

static int
fake_fsync(TidyFs *fs, int fd)
{
	return sync_file(fake_of(fs), FS_OP_FSYNC, fd, FALSE);
}

static int
fake_fdatasync(TidyFs *fs, int fd)
{
	return sync_file(fake_of(fs), FS_OP_FDATASYNC, fd, TRUE);
}

static int
fake_syncfs(TidyFs *fs, int fd)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_SYNCFS, TRUE, fake_fd_text(fake, fd), NULL);
	FakeOpen *file = fake_open_of(fake, fd);
	FakeDisk *disk;

	if (answer == -ESHUTDOWN)
		return answer;
	if (!file || (file->flags & O_PATH))
		return (int)fake_leave(fake, -EBADF);
	disk = file->at.mount->disk;
	for (guint id = 1; answer < 0 && id < disk->live->nodes->len; id++) {
		const FakeNode *node = fake_disk_node(disk, id);

		if (node && node->data)
			fake_disk_fail_node(disk, id);
	}
	if (answer == 0)
		fake_disk_sync_all(disk);
	return (int)fake_leave(fake, answer);
}

static int
fake_advise(TidyFs *fs, int fd, gint64 offset, gint64 size, int advice)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_ADVISE, FALSE, NULL, NULL);

	if (answer < 0)
		return answer;
	return fake_open_of(fake, fd) ? 0 : -EBADF;
}

static gint64
fake_seek(TidyFs *fs, int fd, gint64 offset, int whence)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_SEEK, FALSE, NULL, NULL);
	const FakeOpen *file = fake_open_of(fake, fd);
	const FakeNode *node;

	if (answer < 0)
		return answer;
	if (!file || (file->flags & O_PATH))
		return -EBADF;
	node = fake_node_at(&file->at);
	if (!node->data || (whence != SEEK_DATA && whence != SEEK_HOLE))
		return node->data || node->entries ? -EINVAL : -ESPIPE;
	if (file->at.mount->disk->lacks & FAKE_NO_SEEK_HOLE) {
		if (offset < 0 || offset >= node->data->size)
			return -ENXIO;
		return whence == SEEK_DATA ? offset : node->data->size;
	}
	return fake_data_seek(node->data, offset, whence);
}

/* The page also belongs to another file: a clone. */
static gboolean
is_shared(const FakeDisk *disk, guint id, const FakePage *page)
{
	for (guint other = 1; other < disk->live->nodes->len; other++) {
		const FakeNode *node = fake_disk_node(disk, other);

		for (guint i = 0; node && node->data && other != id && i < node->data->pages->len;
		     i++) {
			if (g_array_index(node->data->pages, FakePage, i).bytes == page->bytes)
				return TRUE;
		}
	}
	return FALSE;
}

/* One extent a page; "physical" is where the page is in memory, so clones have it in common. */
static int
do_extents(const FakeDisk *disk, const FakeNode *node, gint64 offset, TidyExtent *extents,
	   guint max)
{
	GArray *pages = node->data->pages;
	guint n = 0;

	for (guint i = 0; i < pages->len && n < max; i++) {
		const FakePage *page = &g_array_index(pages, FakePage, i);

		if ((gint64)(page->index + 1) * FAKE_PAGE <= offset)
			continue;
		extents[n] = (TidyExtent){
			.logical = page->index * FAKE_PAGE,
			.physical = (guint64)(guintptr)page->bytes,
			.length = FAKE_PAGE,
			.flags = i + 1 == pages->len ? FIEMAP_EXTENT_LAST : 0,
		};
		if (node->data != node->durable)
			extents[n].flags |= FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_UNKNOWN;
		else if (is_shared(disk, node->id, page))
			extents[n].flags |= FIEMAP_EXTENT_SHARED;
		n++;
	}
	return (int)n;
}

static int
fake_extents(TidyFs *fs, int fd, gint64 offset, TidyExtent *extents, guint max)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_EXTENTS, FALSE, NULL, NULL);
	const FakeOpen *file = fake_open_of(fake, fd);
	const FakeNode *node;

	if (answer < 0)
		return answer;
	if (!file || (file->flags & O_PATH))
		return -EBADF;
	node = fake_node_at(&file->at);
	if (!node->data || (file->at.mount->disk->lacks & FAKE_NO_EXTENTS))
		return -EOPNOTSUPP;
	return do_extents(file->at.mount->disk, node, offset, extents, max);
}

/* ---- copies inside the kernel ---- */

/* 0, or the answer to an end of a copy that is no regular file. */
static int
check_end(const FakeOpen *file)
{
	const FakeNode *node;

	if (!file || (file->flags & O_PATH))
		return -EBADF;
	node = fake_node_at(&file->at);
	if (fake_node_is_dir(node))
		return -EISDIR;
	return node->data ? 0 : -EINVAL;
}

static int
copy_ends(FakeFs *fake, int from, int to, FakeOpen **source, FakeOpen **sink)
{
	int answer, other;

	*source = fake_open_of(fake, from);
	*sink = fake_open_of(fake, to);
	answer = check_end(*source);
	other = check_end(*sink);
	if (answer == -EBADF || other == -EBADF)
		return -EBADF;
	if (answer == -EISDIR || other == -EISDIR)
		return -EISDIR;
	if (answer < 0 || other < 0)
		return -EINVAL;
	if (((*source)->flags & O_ACCMODE) == O_WRONLY ||
	    ((*sink)->flags & O_ACCMODE) == O_RDONLY || ((*sink)->flags & O_APPEND))
		return -EBADF;
	return 0;
}

static int
do_clone(FakeFs *fake, int from, int to)
{
	FakeOpen *source, *sink;
	FakeDisk *disk;
	FakeData *data;
	FakeNode *node;
	int answer = copy_ends(fake, from, to, &source, &sink);

	if (answer < 0)
		return answer;
	disk = sink->at.mount->disk;
	if (source->at.mount->disk != disk)
		return -EXDEV;
	if (disk->lacks & FAKE_NO_CLONE)
		return -EOPNOTSUPP;
	data = fake_data_ref(fake_node_at(&source->at)->data);
	if (fake->is_half)
		fake_data_truncate(fake_data_edit(&data), data->size / 2);
	node = fake_disk_edit(disk, sink->at.id, FAKE_CHANGE_ALL);
	g_assert_cmpint(node->data->size, <=, data->size); /* all that anyone does here */
	fake_data_unref(node->data);
	fake_data_unref(node->durable); /* shared extents are metadata of the one that shares */
	node->data = data;
	node->durable = fake_data_ref(data);
	node->mtime = node->ctime = fake->clock;
	fake_changed(fake, disk);
	return 0;
}

static int
fake_clone(TidyFs *fs, int from, int to)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_CLONE, TRUE, fake_fd_text(fake, from),
				fake_fd_text(fake, to));

	return (int)fake_leave(fake, answer < 0 ? answer : do_clone(fake, from, to));
}

static ssize_t
do_copy_range(FakeFs *fake, int from, gint64 from_offset, int to, gint64 to_offset, size_t size)
{
	FakeOpen *source, *sink;
	const FakeData *data;
	g_autofree char *buffer = NULL;
	int answer = copy_ends(fake, from, to, &source, &sink);

	if (answer < 0)
		return answer;
	if (from_offset < 0 || to_offset < 0)
		return -EINVAL;
	if (source->at.mount->disk != sink->at.mount->disk)
		return -EXDEV;
	if (sink->at.mount->disk->lacks & FAKE_NO_COPY_RANGE)
		return -EOPNOTSUPP;
	data = fake_node_at(&source->at)->data;
	size = MIN(short_size(fake, size), 1024 * 1024);
	size = (size_t)CLAMP(data->size - from_offset, 0, (gint64)size);
	if (source->at.id == sink->at.id && ABS(from_offset - to_offset) < (gint64)size)
		return -EINVAL;
	buffer = g_malloc(size);
	size = fake_data_read(data, buffer, size, from_offset);
	return write_node(fake, &sink->at, buffer, size, to_offset);
}

static ssize_t
fake_copy_range(TidyFs *fs, int from, gint64 from_offset, int to, gint64 to_offset, size_t size)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_COPY_RANGE, TRUE, fake_fd_text(fake, from),
				fake_fd_text(fake, to));

	if (answer < 0)
		return (ssize_t)fake_leave(fake, answer);
	return (ssize_t)fake_leave(fake,
				   do_copy_range(fake, from, from_offset, to, to_offset, size));
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
		drop_privileges(node);
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
fake_files_init(TidyFs *table)
{
	table->stat = fake_stat;
	table->fsinfo = fake_fsinfo;
	table->pread = fake_pread;
	table->pwrite = fake_pwrite;
	table->truncate = fake_truncate;
	table->fsync = fake_fsync;
	table->fdatasync = fake_fdatasync;
	table->syncfs = fake_syncfs;
	table->advise = fake_advise;
	table->seek = fake_seek;
	table->extents = fake_extents;
	table->clone = fake_clone;
	table->copy_range = fake_copy_range;
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
