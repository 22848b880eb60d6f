/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fake file system's operations that open, close and list. Pure. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "tests/support/fake-internal.h"

/* Entries that one getdents gives at most, or a sixteenth of a big directory: callers have to loop. */
#define DIRENTS_AT_ONCE 7

static FakeFs *
fake_of(TidyFs *fs)
{
	return (FakeFs *)fs;
}

static gboolean
wants_write(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

/* ---- open ---- */

static void
truncate_node(FakeFs *fake, const FakeAt *at)
{
	FakeNode *node = fake_disk_edit(at->mount->disk, at->id, FAKE_CHANGE_ALL);

	fake_data_truncate(fake_data_edit(&node->data), 0);
	fake_data_unref(
		node->durable); /* a truncation is metadata: it reaches the disk with the log */
	node->durable = fake_data_ref(node->data);
	node->mtime = node->ctime = fake->clock;
	fake_changed(fake, at->mount->disk);
}

static int
may_open(FakeFs *fake, const FakeAt *at, int flags)
{
	const FakeNode *node = fake_node_at(at);
	int mask = 0, answer;

	if ((flags & O_ACCMODE) != O_WRONLY)
		mask |= FAKE_MAY_READ;
	if (wants_write(flags) || (flags & O_TRUNC))
		mask |= FAKE_MAY_WRITE;
	answer = fake_may(fake, at, mask);
	if (answer < 0)
		return answer;
	if ((node->flags & FAKE_APPEND) && (mask & FAKE_MAY_WRITE) &&
	    (!(flags & O_APPEND) || (flags & O_TRUNC)))
		return -EPERM;
	if ((flags & O_NOATIME) && fake->is_enforcing && fake->uid != 0 && fake->uid != node->uid)
		return -EPERM;
	return 0;
}

/* Some description has the FIFO open for reading. */
static gboolean
has_reader(FakeFs *fake, const FakeAt *at)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, fake->opens);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const FakeOpen *file = value;

		if (file->at.mount->disk == at->mount->disk && file->at.id == at->id &&
		    !(file->flags & O_PATH) && (file->flags & O_ACCMODE) != O_WRONLY)
			return TRUE;
	}
	return FALSE;
}

static int
open_existing(FakeFs *fake, const FakeAt *at, int flags, const char *name)
{
	const FakeNode *node = fake_node_at(at);
	int answer;

	if (S_ISDIR(node->mode) && (flags & O_CREAT))
		return -EISDIR;
	if (!S_ISDIR(node->mode) && (flags & O_DIRECTORY))
		return -ENOTDIR;
	if (flags & O_PATH)
		return fake_open_new(fake, at, O_PATH, name);
	if (S_ISLNK(node->mode))
		return -ELOOP;
	if (S_ISDIR(node->mode) && wants_write(flags))
		return -EISDIR;
	answer = may_open(fake, at, flags);
	if (answer < 0)
		return answer;
	if (S_ISSOCK(node->mode) ||
	    (S_ISFIFO(node->mode) && (flags & O_ACCMODE) == O_WRONLY && !has_reader(fake, at)))
		return -ENXIO;
	if ((flags & O_TRUNC) && S_ISREG(node->mode))
		truncate_node(fake, at);
	return fake_open_new(fake, at, flags, name);
}

static int
open_create(FakeFs *fake, const FakeAt *dir, const char *name, int flags, mode_t mode)
{
	FakeAt at;
	int answer = fake_lookup(fake, dir, name, &at);

	if (answer == 0 && (flags & O_EXCL))
		return -EEXIST;
	if (answer == 0)
		return open_existing(fake, &at, flags, name);
	if (answer != -ENOENT || *name == '\0')
		return answer;
	answer = fake_may_add(fake, dir);
	if (answer < 0)
		return answer;
	at.mount = dir->mount;
	at.id = fake_new_entry(fake, dir, name, S_IFREG | fake_masked(mode))->id;
	fake_changed(fake, dir->mount->disk);
	return fake_open_new(fake, &at, flags, name);
}

static int
open_absolute(FakeFs *fake, const char *path, int flags, mode_t mode)
{
	g_autofree char *parent = NULL, *name = NULL;
	FakeAt at;
	int answer;

	if (*path != '/')
		g_error("\"%s\" with AT_FDCWD: only an absolute path may be", path);
	parent = g_path_get_dirname(path);
	name = g_path_get_basename(path);
	answer = fake_walk(fake, flags & O_CREAT ? parent : path, (flags & O_CREAT) != 0, &at);
	if (answer < 0)
		return answer;
	if (flags & O_CREAT)
		return fake_node_is_dir(fake_node_at(&at))
			       ? open_create(fake, &at, name, flags, mode)
			       : -ENOTDIR;
	return open_existing(fake, &at, flags, path);
}

static int
do_open(FakeFs *fake, int dir, const char *name, int flags, mode_t mode)
{
	FakeAt from, at;
	int answer;

	if (dir == AT_FDCWD)
		return open_absolute(fake, name, flags, mode);
	answer = fake_dir(fake, dir, &from);
	if (answer < 0)
		return answer;
	if (strcmp(name, ".") == 0)
		return open_existing(fake, &from, flags, fake_fd_text(fake, dir));
	if (flags & O_CREAT)
		return open_create(fake, &from, name, flags, mode);
	answer = fake_lookup(fake, &from, name, &at);
	return answer < 0 ? answer : open_existing(fake, &at, flags, name);
}

static int
fake_openat(TidyFs *fs, int dir, const char *name, int flags, mode_t mode)
{
	FakeFs *fake = fake_of(fs);
	gboolean is_mutating = (flags & (O_CREAT | O_TRUNC)) != 0;
	int answer = fake_enter(fake, FS_OP_OPENAT, is_mutating, name, NULL);

	g_assert_false((flags & O_TMPFILE) == O_TMPFILE); /* there is tmpfile for it */
	if (answer < 0)
		return (int)fake_leave(fake, answer);
	return (int)fake_leave(fake, do_open(fake, dir, name, flags, mode));
}

static int
do_tmpfile(FakeFs *fake, int dir, mode_t mode)
{
	FakeAt at;
	FakeNode *node;
	int answer = fake_dir(fake, dir, &at);

	if (answer < 0)
		return answer;
	if (fake_node_at(&at)->nlink == 0)
		return -EPERM; /* what ext4 answers; others let it be */
	answer = fake_may_add(fake, &at);
	if (answer < 0)
		return answer;
	if (at.mount->disk->lacks & FAKE_NO_TMPFILE)
		return -EOPNOTSUPP;
	node = fake_new_node(fake, &at, S_IFREG | fake_masked(mode));
	node->is_tmpfile = TRUE;
	at.id = node->id;
	return fake_open_new(fake, &at, O_RDWR, "(unnamed)");
}

static int
fake_tmpfile(TidyFs *fs, int dir, mode_t mode)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_TMPFILE, TRUE, NULL, NULL);

	return (int)fake_leave(fake, answer < 0 ? answer : do_tmpfile(fake, dir, mode));
}

static int
fake_close(TidyFs *fs, int fd)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_CLOSE, FALSE, NULL, NULL);
	FakeOpen *file = fake_open_of(fake, fd);
	FakeAt at;

	if (answer == -ESHUTDOWN)
		return answer;
	if (!file)
		return -EBADF;
	at = file->at;
	g_hash_table_remove(fake->opens, GINT_TO_POINTER(fd));
	fake_release(fake, at.mount->disk, at.id);
	return answer;
}

/* ---- list ---- */

typedef struct {
	guint32 hash;
	const FakeEntry *entry;
} Listed;

static guint32
listing_hash(FakeFs *fake, const char *name)
{
	guint32 hash = 2166136261u ^ fake->salt; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (guint8)*name) * 16777619u;
	return hash;
}

static int
compare_listed(gconstpointer a, gconstpointer b)
{
	const Listed *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return strcmp(x->entry->name, y->entry->name);
}

/* The entries behind file->last, in listing order. */
static GArray *
rest_of_listing(FakeFs *fake, const FakeOpen *file, const FakeNode *dir)
{
	GArray *rest = g_array_new(FALSE, FALSE, sizeof(Listed));
	FakeEntry last_entry = { .name = file->last };
	Listed last = { .entry = &last_entry };

	if (file->last)
		last.hash = listing_hash(fake, file->last);
	for (guint i = 0; i < dir->entries->len; i++) {
		const FakeEntry *entry = &g_array_index(dir->entries, FakeEntry, i);
		Listed listed = { .hash = listing_hash(fake, entry->name), .entry = entry };

		if (!file->last || compare_listed(&listed, &last) > 0)
			g_array_append_val(rest, listed);
	}
	g_array_sort(rest, compare_listed);
	return rest;
}

/* Appends one struct dirent64; FALSE when it does not fit. */
static gboolean
put_dirent(char **cursor, const char *end, guint64 ino, guint8 type, const char *name)
{
	gsize head = offsetof(struct dirent64, d_name);
	gsize length = (head + strlen(name) + 1 + 7) & ~(gsize)7;
	struct dirent64 dirent = { .d_ino = ino, .d_type = type };

	if ((gsize)(end - *cursor) < length)
		return FALSE;
	dirent.d_reclen = (unsigned short)length;
	memset(*cursor, 0, length);
	memcpy(*cursor, &dirent, head);
	memcpy(*cursor + head, name, strlen(name));
	*cursor += length;
	return TRUE;
}

static ssize_t
do_getdents(FakeFs *fake, FakeOpen *file, char *buffer, size_t size)
{
	const FakeNode *dir = fake_node_at(&file->at);
	const FakeDisk *disk = file->at.mount->disk;
	g_autoptr(GArray) rest = rest_of_listing(fake, file, dir);
	char *cursor = buffer;
	guint limit = MAX(DIRENTS_AT_ONCE, dir->entries->len / 16), given = 0;

	for (; file->dots < 2; file->dots++, given++) {
		if (!put_dirent(&cursor, buffer + size, dir->ino, DT_DIR,
				file->dots == 0 ? "." : ".."))
			break;
	}
	for (guint i = 0; file->dots == 2 && i < rest->len && given < limit; i++, given++) {
		const FakeEntry *entry = g_array_index(rest, Listed, i).entry;
		const FakeNode *node = fake_disk_node(disk, entry->id);
		guint8 type = (guint8)((node->mode & S_IFMT) >> 12);

		if (disk->lacks & FAKE_NO_DTYPE)
			type = DT_UNKNOWN;
		if (!put_dirent(&cursor, buffer + size, node->ino, type, entry->name))
			break;
		g_free(file->last);
		file->last = g_strdup(entry->name);
	}
	if (cursor == buffer && (file->dots < 2 || rest->len > 0))
		return -EINVAL;
	return cursor - buffer;
}

static ssize_t
fake_getdents(TidyFs *fs, int dir, void *buffer, size_t size)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_GETDENTS, FALSE, NULL, NULL);
	FakeOpen *file = fake_open_of(fake, dir);

	if (answer < 0)
		return answer;
	if (!file || (file->flags & O_PATH))
		return -EBADF;
	if (!fake_node_is_dir(fake_node_at(&file->at)))
		return -ENOTDIR;
	if (fake_node_at(&file->at)->nlink == 0)
		return -ENOENT;
	return do_getdents(fake, file, buffer, size);
}

static int
fake_rewind(TidyFs *fs, int dir)
{
	FakeFs *fake = fake_of(fs);
	int answer = fake_enter(fake, FS_OP_REWIND, FALSE, NULL, NULL);
	FakeOpen *file = fake_open_of(fake, dir);

	if (answer < 0)
		return answer;
	if (!file || (file->flags & O_PATH))
		return -EBADF;
	g_clear_pointer(&file->last, g_free);
	file->dots = 0;
	return 0;
}

void
fake_open_init(TidyFs *table)
{
	table->openat = fake_openat;
	table->tmpfile = fake_tmpfile;
	table->close = fake_close;
	table->getdents = fake_getdents;
	table->rewind = fake_rewind;
}
