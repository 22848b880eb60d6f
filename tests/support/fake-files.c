/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fake file system's operations on open files: bytes, holes, syncs, copies. Pure. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fake-internal.h"

static FakeFs *
fake_of(TidyFs *fs)
{
	return (FakeFs *)fs;
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
	fake_drop_privileges(edit);
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
	fake_drop_privileges(node);
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

/* Nothing is durable for it: a power cut may leave what was written with or without it. */
static int
fake_begin_sync(TidyFs *fs, int dir)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_BEGIN_SYNC, FALSE, NULL, NULL);

	if (answer < 0)
		return answer;
	return fake_open_of(fake, dir) ? 0 : -EBADF;
}

static void
fake_end_sync(TidyFs *fs)
{
	fake_enter(fake_of(fs), FS_OP_END_SYNC, FALSE, NULL, NULL);
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

static gboolean
is_same_range(const FakeData *a, const FakeData *b, gint64 offset, gint64 size)
{
	g_autofree char *one = g_malloc((gsize)size + 1);
	g_autofree char *other = g_malloc((gsize)size + 1);

	return fake_data_read(a, one, (gsize)size, offset) == (gsize)size &&
	       fake_data_read(b, other, (gsize)size, offset) == (gsize)size &&
	       memcmp(one, other, (gsize)size) == 0;
}

/* Whole files only share; of a part it is only checked that it is equal. */
static gint64
do_dedupe(FakeFs *fake, int from, int to, gint64 offset, gint64 size)
{
	FakeOpen *source = fake_open_of(fake, from), *sink = fake_open_of(fake, to);
	FakeNode *node;
	FakeData *data;

	if (!source || !sink)
		return -EBADF;
	if (source->at.mount->disk != sink->at.mount->disk)
		return -EXDEV;
	if (sink->at.mount->disk->lacks & FAKE_NO_CLONE)
		return -EOPNOTSUPP;
	data = fake_node_at(&source->at)->data;
	if (!is_same_range(data, fake_node_at(&sink->at)->data, offset, size))
		return -ESTALE;
	if (offset > 0 || size != data->size || data->size != fake_node_at(&sink->at)->data->size)
		return size;
	fake_data_ref(data);
	node = fake_disk_edit(sink->at.mount->disk, sink->at.id, FAKE_CHANGE_ALL);
	fake_data_unref(node->data);
	node->data = data;
	fake_changed(fake, sink->at.mount->disk);
	return size;
}

static gint64
fake_dedupe(TidyFs *fs, int from, int to, gint64 offset, gint64 size)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_DEDUPE, TRUE, fake_fd_text(fake, from),
				fake_fd_text(fake, to));

	return fake_leave(fake, answer < 0 ? answer : do_dedupe(fake, from, to, offset, size));
}

void
fake_files_init(TidyFs *table)
{
	table->pread = fake_pread;
	table->pwrite = fake_pwrite;
	table->truncate = fake_truncate;
	table->fsync = fake_fsync;
	table->fdatasync = fake_fdatasync;
	table->syncfs = fake_syncfs;
	table->begin_sync = fake_begin_sync;
	table->end_sync = fake_end_sync;
	table->advise = fake_advise;
	table->seek = fake_seek;
	table->extents = fake_extents;
	table->clone = fake_clone;
	table->copy_range = fake_copy_range;
	table->dedupe = fake_dedupe;
}
