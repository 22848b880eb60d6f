/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests do to the fake file system past its table: make entries, mount, set flags and limits. Pure. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/fake-internal.h"

static void
must_walk(FakeFs *fake, const char *path, FakeAt *at)
{
	gboolean was = fake->is_enforcing;
	int answer;

	fake->is_enforcing = FALSE;
	answer = fake_walk(fake, path, FALSE, at);
	fake->is_enforcing = was;
	if (answer < 0)
		g_error("fake file system: %s: %s", path, g_strerror(-answer));
}

/* The directory above @path, and the last name; FALSE when there is no such directory. */
static gboolean
walk_parent(FakeFs *fake, const char *path, FakeAt *dir, char **name)
{
	g_autofree char *parent = g_path_get_dirname(path);
	gboolean was = fake->is_enforcing;
	int answer;

	fake->is_enforcing = FALSE;
	answer = fake_walk(fake, parent, TRUE, dir);
	fake->is_enforcing = was;
	*name = g_path_get_basename(path);
	return answer == 0;
}

/* A new node at @path; what is there already is answered instead. */
static FakeNode *
make_node(FakeFs *fake, const char *path, guint32 mode)
{
	g_autofree char *name = NULL;
	FakeAt dir;
	FakeNode *node, *above;
	guint old;

	if (!walk_parent(fake, path, &dir, &name))
		g_error("fake file system: no directory for %s", path);
	old = fake_node_lookup(fake_node_at(&dir), name);
	if (old)
		return fake_disk_edit(dir.mount->disk, old, FAKE_CHANGE_ALL);
	node = fake_disk_add(dir.mount->disk, mode, fake->clock);
	node->uid = fake->uid;
	node->gid = fake->gid;
	node->nlink = S_ISDIR(mode) ? 2 : 1;
	node->parent = S_ISDIR(mode) ? dir.id : 0;
	above = fake_disk_edit(dir.mount->disk, dir.id, FAKE_CHANGE_ALL);
	above->nlink += S_ISDIR(mode) ? 1 : 0;
	above->mtime = above->ctime = fake->clock;
	fake_node_insert(above, name, node->id);
	return node;
}

/* The test changed something: durable at once when a log is kept, as if done long ago. */
static void
made(FakeFs *fake, const char *path)
{
	FakeDisk *disk = fake_fs_disk(fake, path);

	fake->clock += fake->tick;
	fake->text = NULL;
	fake_changed(fake, disk);
}

void
fake_fs_mkdirs(FakeFs *fake, const char *path, mode_t mode)
{
	g_autofree char *parent = g_path_get_dirname(path);

	if (strcmp(path, "/") == 0 || fake_fs_exists(fake, path))
		return;
	fake_fs_mkdirs(fake, parent, 0755);
	make_node(fake, path, S_IFDIR | mode);
	made(fake, path);
}

void
fake_fs_write(FakeFs *fake, const char *path, const char *bytes, gssize size)
{
	FakeNode *node = make_node(fake, path, S_IFREG | 0644);

	g_assert_true(S_ISREG(node->mode));
	fake_data_truncate(fake_data_edit(&node->data), 0);
	fake_data_write(fake_data_edit(&node->data), bytes, size < 0 ? strlen(bytes) : (gsize)size,
			0);
	node->mtime = node->ctime = fake->clock;
	made(fake, path);
}

GBytes *
fake_fs_read(FakeFs *fake, const char *path)
{
	FakeAt at;
	const FakeNode *node;
	char *bytes;

	if (!fake_fs_exists(fake, path))
		return NULL;
	must_walk(fake, path, &at);
	node = fake_node_at(&at);
	if (!node->data)
		return NULL;
	bytes = g_malloc((gsize)node->data->size + 1);
	fake_data_read(node->data, bytes, (gsize)node->data->size, 0);
	return g_bytes_new_take(bytes, (gsize)node->data->size);
}

void
fake_fs_mknod(FakeFs *fake, const char *path, mode_t mode)
{
	g_assert_false(fake_fs_exists(fake, path));
	make_node(fake, path, mode);
	made(fake, path);
}

gboolean
fake_fs_exists(FakeFs *fake, const char *path)
{
	TidyStat st;

	return fake_fs_stat(fake, path, &st);
}

gboolean
fake_fs_stat(FakeFs *fake, const char *path, TidyStat *st)
{
	gboolean was = fake->is_enforcing;
	FakeAt at;
	int answer;

	fake->is_enforcing = FALSE;
	answer = fake_walk(fake, path, FALSE, &at);
	fake->is_enforcing = was;
	if (answer < 0)
		return FALSE;
	fake_stat_at(fake, &at, st);
	return TRUE;
}

void
fake_fs_set_flags(FakeFs *fake, const char *path, guint flags)
{
	FakeAt at;
	FakeNode *node;

	must_walk(fake, path, &at);
	node = fake_disk_edit(at.mount->disk, at.id, FAKE_CHANGE_ALL);
	if ((node->flags ^ flags) & FAKE_CASEFOLD)
		g_assert_true(node->entries && node->entries->len == 0);
	node->flags = flags;
	made(fake, path);
}

guint
fake_fs_flags(FakeFs *fake, const char *path)
{
	FakeAt at;

	must_walk(fake, path, &at);
	return fake_node_at(&at)->flags;
}

FakeDisk *
fake_fs_mount(FakeFs *fake, const char *path, const char *name)
{
	FakeDisk *disk =
		fake_disk_new(name, 0x801 + fake->disks->len, fake->clock, fake->uid, fake->gid);
	FakeDisk *first = fake->disks->pdata[0];
	FakeAt at;

	must_walk(fake, path, &at);
	g_assert_true(fake_node_is_dir(fake_node_at(&at)));
	g_ptr_array_add(fake->disks, disk);
	fake_add_mount(fake, disk, disk->root, at.mount, at.id);
	if (first->is_recording)
		fake_disk_record(disk);
	return disk;
}

void
fake_fs_bind(FakeFs *fake, const char *source, const char *path)
{
	FakeAt from, at;

	must_walk(fake, source, &from);
	must_walk(fake, path, &at);
	g_assert_true(fake_node_is_dir(fake_node_at(&from)));
	g_assert_true(fake_node_is_dir(fake_node_at(&at)));
	fake_add_mount(fake, from.mount->disk, from.id, at.mount, at.id);
}

void
fake_fs_unmount(FakeFs *fake, const char *path)
{
	FakeAt at;

	must_walk(fake, path, &at);
	g_assert_cmpuint(at.id, ==, at.mount->root);
	g_assert_nonnull(at.mount->parent);
	g_assert_true(g_ptr_array_remove(fake->mounts, at.mount));
}

FakeDisk *
fake_fs_disk(FakeFs *fake, const char *path)
{
	FakeAt at;

	must_walk(fake, path, &at);
	return at.mount->disk;
}

void
fake_disk_set_read_only(FakeDisk *disk, gboolean is_read_only)
{
	disk->is_read_only = is_read_only;
}

void
fake_disk_set_free(FakeDisk *disk, gint64 free_bytes)
{
	disk->free_limit = free_bytes < 0 ? -1 : (gint64)fake_disk_used(disk) + free_bytes;
}

void
fake_disk_set_magic(FakeDisk *disk, guint64 magic)
{
	disk->magic = magic;
}

void
fake_disk_set_lacks(FakeDisk *disk, guint lacks)
{
	disk->lacks = lacks;
}

void
fake_fs_enforce(FakeFs *fake, uid_t uid, gid_t gid)
{
	fake->is_enforcing = TRUE;
	fake->uid = uid;
	fake->gid = gid;
}

void
fake_fs_set_clock(FakeFs *fake, gint64 now_ns, gint64 tick_ns)
{
	fake->clock = now_ns;
	fake->tick = tick_ns;
}

void
fake_fs_set_short_io(FakeFs *fake, gsize max_bytes)
{
	fake->short_io = max_bytes;
}

void
fake_fs_set_order(FakeFs *fake, guint32 salt)
{
	fake->salt = salt;
}

guint
fake_fs_open_count(FakeFs *fake)
{
	return g_hash_table_size(fake->opens);
}

void
fake_fs_quiet_begin(FakeFs *fake)
{
	fake->quiet++;
}

void
fake_fs_quiet_end(FakeFs *fake)
{
	g_assert_cmpuint(fake->quiet, >, 0);
	fake->quiet--;
}

gboolean
fake_fs_has(FakeFs *fake, const char *path, const char *content)
{
	g_autoptr(GBytes) bytes = fake_fs_read(fake, path);

	return bytes && g_bytes_get_size(bytes) == strlen(content) &&
	       memcmp(g_bytes_get_data(bytes, NULL), content, strlen(content)) == 0;
}

int
fake_fs_open_dir(FakeFs *fake, const char *path)
{
	TidyFs *fs = fake_fs_table(fake);

	return fs->openat(fs, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
}

FakeFs *
fake_fs_two_dirs(int *from, int *to)
{
	FakeFs *fake = fake_fs_new();

	fake_fs_mkdirs(fake, "/from", 0755);
	fake_fs_mkdirs(fake, "/to", 0755);
	fake_fs_write(fake, "/from/a", "content", -1);
	*from = fake_fs_open_dir(fake, "/from");
	*to = fake_fs_open_dir(fake, "/to");
	g_assert_cmpint(MIN(*from, *to), >=, 0);
	return fake;
}
