/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fake file system: disks, mounts, descriptors, permissions, crash counting. Pure. */
#include "tests/support/fake-fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/fake-internal.h"

#define START_NS (G_GINT64_CONSTANT(1600000000) * 1000000000)

/* ---- life ---- */

static void
open_free(gpointer pointer)
{
	FakeOpen *file = pointer;

	g_free(file->last);
	g_free(file->name);
	g_free(file);
}

static FakeFs *
fake_alloc(void)
{
	FakeFs *fake = g_new0(FakeFs, 1);

	fake_names_init(&fake->table);
	fake_open_init(&fake->table);
	fake_files_init(&fake->table);
	fake_attrs_init(&fake->table);
	fake->disks = g_ptr_array_new_with_free_func((GDestroyNotify)fake_disk_free);
	fake->mounts = g_ptr_array_new_with_free_func(g_free);
	fake->opens = g_hash_table_new_full(NULL, NULL, NULL, open_free);
	fake->faults = fs_faults_new();
	fake->texts = g_ptr_array_new_with_free_func((GDestroyNotify)g_ref_string_release);
	return fake;
}

FakeMount *
fake_add_mount(FakeFs *fake, FakeDisk *disk, guint root, FakeMount *parent, guint point)
{
	FakeMount *mount = g_new0(FakeMount, 1);

	*mount = (FakeMount){
		.mnt_id = fake->next_mnt_id++,
		.disk = disk,
		.root = root,
		.parent = parent,
		.point = point,
	};
	g_ptr_array_add(fake->mounts, mount);
	return mount;
}

FakeFs *
fake_fs_new(void)
{
	FakeFs *fake = fake_alloc();
	FakeDisk *disk;

	fake->next_fd = 1000; /* far from the real ones: a mix-up shows */
	fake->next_mnt_id = 20;
	fake->clock = START_NS;
	fake->tick = 1000000;
	disk = fake_disk_new("/", 0x801, fake->clock, 0, 0);
	g_ptr_array_add(fake->disks, disk);
	fake_add_mount(fake, disk, disk->root, NULL, 0);
	return fake;
}

void
fake_fs_free(FakeFs *fake)
{
	g_hash_table_unref(fake->opens);
	g_ptr_array_unref(fake->mounts);
	g_ptr_array_unref(fake->disks);
	g_ptr_array_unref(fake->texts);
	fs_faults_free(fake->faults);
	g_free(fake);
}

static gpointer
same_index(GPtrArray *from, gpointer item, GPtrArray *to)
{
	guint index;

	if (!item)
		return NULL;
	g_assert_true(g_ptr_array_find(from, item, &index));
	return to->pdata[index];
}

FakeFs *
fake_fs_clone(FakeFs *fake)
{
	FakeFs *copy = fake_alloc();

	copy->next_fd = fake->next_fd;
	copy->next_mnt_id = fake->next_mnt_id;
	copy->clock = fake->clock;
	copy->tick = fake->tick;
	copy->salt = fake->salt;
	copy->short_io = fake->short_io;
	copy->is_enforcing = fake->is_enforcing;
	copy->uid = fake->uid;
	copy->gid = fake->gid;
	copy->is_crashed = fake->is_crashed;
	copy->is_counting = fake->is_counting;
	for (guint i = 0; i < fake->texts->len; i++)
		g_ptr_array_add(copy->texts, g_ref_string_acquire(fake->texts->pdata[i]));
	for (guint i = 0; i < fake->disks->len; i++)
		g_ptr_array_add(copy->disks, fake_disk_clone(fake->disks->pdata[i]));
	for (guint i = 0; i < fake->mounts->len; i++) {
		FakeMount *mount = g_memdup2(fake->mounts->pdata[i], sizeof *mount);

		mount->disk = same_index(fake->disks, mount->disk, copy->disks);
		mount->parent = same_index(fake->mounts, mount->parent, copy->mounts);
		g_ptr_array_add(copy->mounts, mount);
	}
	return copy;
}

TidyFs *
fake_fs_table(FakeFs *fake)
{
	return &fake->table;
}

/* ---- each call ---- */

static void
note_text(FakeFs *fake, FsOp op, const char *a, const char *b)
{
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_printf(text, "%u %s", fake->texts->len + 1, fs_op_name(op));
	if (a)
		g_string_append_printf(text, " %s", a);
	if (b)
		g_string_append_printf(text, " -> %s", b);
	fake->text = g_ref_string_new(text->str);
	g_ptr_array_add(fake->texts, fake->text);
}

int
fake_enter(FakeFs *fake, FsOp op, gboolean is_mutating, const char *a, const char *b)
{
	fake->clock += fake->tick;
	fake->text = NULL;
	fake->is_half = FALSE;
	if (fake->quiet > 0)
		return 0;
	if (fake->is_crashed)
		return -ESHUTDOWN;
	if (is_mutating && fake->is_counting) {
		note_text(fake, op, a, b);
		if (fake->texts->len == fake->crash_n) {
			if (fake->when == FAKE_BEFORE) {
				fake->is_crashed = TRUE;
				return -ESHUTDOWN;
			}
			fake->is_crashing = TRUE;
			fake->is_half = fake->when == FAKE_HALF;
		}
	}
	return fs_faults_check(fake->faults, op, is_mutating);
}

gint64
fake_leave(FakeFs *fake, gint64 answer)
{
	if (!fake->is_crashing)
		return answer;
	fake->is_crashing = FALSE;
	fake->is_crashed = TRUE;
	return -ESHUTDOWN;
}

void
fake_changed(FakeFs *fake, FakeDisk *disk)
{
	fake_disk_commit(disk, fake->text);
}

FakeOpen *
fake_open_of(FakeFs *fake, int fd)
{
	return g_hash_table_lookup(fake->opens, GINT_TO_POINTER(fd));
}

const FakeNode *
fake_node_at(const FakeAt *at)
{
	return fake_disk_node(at->mount->disk, at->id);
}

int
fake_open_new(FakeFs *fake, const FakeAt *at, int flags, const char *name)
{
	FakeOpen *file = g_new0(FakeOpen, 1);

	file->at = *at;
	file->flags = flags;
	file->lock = -1;
	file->name = g_strdup(name);
	g_hash_table_insert(fake->opens, GINT_TO_POINTER(fake->next_fd), file);
	return fake->next_fd++;
}

const char *
fake_fd_text(FakeFs *fake, int fd)
{
	const FakeOpen *file = fake_open_of(fake, fd);

	return file ? file->name : "(closed)";
}

static gboolean
is_open(FakeFs *fake, FakeDisk *disk, guint id)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, fake->opens);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const FakeOpen *file = value;

		if (file->at.mount->disk == disk && file->at.id == id)
			return TRUE;
	}
	return FALSE;
}

void
fake_release(FakeFs *fake, FakeDisk *disk, guint id)
{
	const FakeNode *node = fake_disk_node(disk, id);

	if (node && node->nlink == 0 && !is_open(fake, disk, id))
		fake_disk_drop(disk, id);
}

/* ---- permissions ---- */

int
fake_may(FakeFs *fake, const FakeAt *at, int mask)
{
	const FakeNode *node = fake_node_at(at);
	guint32 bits = node->mode & 7;

	if (mask & FAKE_MAY_WRITE) {
		if (at->mount->disk->is_read_only)
			return -EROFS;
		if (node->flags & FAKE_IMMUTABLE)
			return -EPERM;
	}
	if (!fake->is_enforcing || fake->uid == 0)
		return 0;
	if (node->uid == fake->uid)
		bits = node->mode >> 6 & 7;
	else if (node->gid == fake->gid)
		bits = node->mode >> 3 & 7;
	return (int)(bits & (guint32)mask) == mask ? 0 : -EACCES;
}

int
fake_may_change(FakeFs *fake, const FakeAt *at)
{
	const FakeNode *node = fake_node_at(at);

	if (at->mount->disk->is_read_only)
		return -EROFS;
	if (node->flags & (FAKE_IMMUTABLE | FAKE_APPEND))
		return -EPERM;
	if (fake->is_enforcing && fake->uid != 0 && fake->uid != node->uid)
		return -EPERM;
	return 0;
}

/* ---- names ---- */

int
fake_dir(FakeFs *fake, int fd, FakeAt *at)
{
	const FakeOpen *file = fake_open_of(fake, fd);

	if (!file)
		return -EBADF;
	if (!fake_node_is_dir(fake_node_at(&file->at)))
		return -ENOTDIR;
	*at = file->at;
	return 0;
}

int
fake_lookup_name(FakeFs *fake, const FakeAt *dir, const char *name, FakeAt *at)
{
	const FakeNode *node = fake_node_at(dir);
	int answer;

	if (strchr(name, '/') || strcmp(name, "..") == 0 || strcmp(name, ".") == 0)
		g_error("\"%s\" is a path: only one name relative to a descriptor may be used",
			name);
	if (*name == '\0')
		return -ENOENT;
	answer = fake_may(fake, dir, FAKE_MAY_EXEC);
	if (answer < 0)
		return answer;
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	at->mount = dir->mount;
	at->id = fake_node_lookup(node, name);
	return at->id == 0 ? -ENOENT : 0;
}

static FakeMount *
mounted_on(FakeFs *fake, const FakeAt *at)
{
	for (guint i = fake->mounts->len; i-- > 0;) {
		FakeMount *mount = fake->mounts->pdata[i];

		if (mount->parent == at->mount && mount->point == at->id)
			return mount;
	}
	return NULL;
}

static void
cross_mounts(FakeFs *fake, FakeAt *at)
{
	FakeMount *mount;

	while ((mount = mounted_on(fake, at)))
		*at = (FakeAt){ .mount = mount, .id = mount->root };
}

gboolean
fake_is_mount_point(FakeFs *fake, const FakeAt *at)
{
	return mounted_on(fake, at) != NULL;
}

int
fake_lookup(FakeFs *fake, const FakeAt *dir, const char *name, FakeAt *at)
{
	int answer = fake_lookup_name(fake, dir, name, at);

	if (answer == 0)
		cross_mounts(fake, at);
	return answer;
}

static void
root_at(FakeFs *fake, FakeAt *at)
{
	at->mount = fake->mounts->pdata[0];
	at->id = at->mount->root;
	cross_mounts(fake, at);
}

/* The directory above; over the edge of a mount too. */
static void
step_up(FakeAt *at)
{
	while (at->id == at->mount->root && at->mount->parent)
		*at = (FakeAt){ .mount = at->mount->parent, .id = at->mount->point };
	if (at->id != at->mount->root)
		at->id = fake_node_at(at)->parent;
}

/* Walks @path from *at; -ELOOP after 40 links, as Linux. */
static int
walk_from(FakeFs *fake, const char *path, gboolean follow, guint *links, FakeAt *at)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);

	if (*path == '/')
		root_at(fake, at);
	for (guint i = 0; names[i]; i++) {
		FakeAt dir = *at;
		gboolean is_last = !names[i + 1] || *names[i + 1] == '\0';
		int answer;

		if (*names[i] == '\0' || strcmp(names[i], ".") == 0)
			continue;
		if (!fake_node_is_dir(fake_node_at(&dir)))
			return -ENOTDIR;
		if (strcmp(names[i], "..") == 0) {
			step_up(at);
			continue;
		}
		answer = fake_lookup(fake, &dir, names[i], at);
		if (answer < 0)
			return answer;
		if (S_ISLNK(fake_node_at(at)->mode) && (follow || !is_last)) {
			g_autofree char *target = g_strdup(fake_node_at(at)->target);

			if (++*links > 40)
				return -ELOOP;
			*at = dir;
			answer = walk_from(fake, target, TRUE, links, at);
			if (answer < 0)
				return answer;
		}
	}
	return 0;
}

int
fake_walk(FakeFs *fake, const char *path, gboolean follow, FakeAt *at)
{
	guint links = 0;

	g_assert_cmpint(*path, ==, '/');
	return walk_from(fake, path, follow, &links, at);
}

int
fake_stat_at(FakeFs *fake, const FakeAt *at, TidyStat *st)
{
	const FakeNode *node = fake_node_at(at);
	const FakeDisk *disk = at->mount->disk;
	gboolean is_btrfs = disk->magic == 0x9123683E;

	*st = (TidyStat){
		.dev = disk->dev,
		.ino = node->ino,
		.mnt_id = at->mount->mnt_id,
		.mtime_ns = node->mtime,
		.ctime_ns = node->ctime,
		.atime_ns = node->atime,
		.btime_ns = disk->lacks & FAKE_NO_BTIME ? 0 : node->btime,
		.mode = node->mode,
		.nlink = is_btrfs && fake_node_is_dir(node) ? 1 : node->nlink,
		.uid = node->uid,
		.gid = node->gid,
	};
	if (node->data) {
		st->size = node->data->size;
		st->blocks = (guint64)node->data->pages->len * (FAKE_PAGE / 512);
	} else if (node->target) {
		st->size = (gint64)strlen(node->target);
	} else if (node->entries) {
		st->size = FAKE_PAGE;
		st->blocks = FAKE_PAGE / 512;
	}
	if (node->flags & FAKE_IMMUTABLE)
		st->attributes |= STATX_ATTR_IMMUTABLE;
	if (node->flags & FAKE_APPEND)
		st->attributes |= STATX_ATTR_APPEND;
	if (at->id == at->mount->root)
		st->attributes |= STATX_ATTR_MOUNT_ROOT;
	return 0;
}

/* ---- errors and crashes ---- */

void
fake_fs_fail(FakeFs *fake, FsOp op, guint nth, int errno_code, FsFailMode mode)
{
	fs_faults_add(fake->faults, op, nth, errno_code, mode);
}

void
fake_fs_clear_faults(FakeFs *fake)
{
	fs_faults_clear(fake->faults);
}

guint
fake_fs_seen(FakeFs *fake, FsOp op)
{
	return fs_faults_seen(fake->faults, op);
}

guint
fake_fs_fired(FakeFs *fake)
{
	return fs_faults_fired(fake->faults);
}

void
fake_fs_crash_at(FakeFs *fake, guint n, FakeWhen when)
{
	g_assert_false(fake->is_crashed);
	fake->is_counting = TRUE;
	fake->crash_n = n;
	fake->when = when;
	g_ptr_array_set_size(fake->texts, 0);
	for (guint i = 0; i < fake->disks->len; i++) {
		FakeDisk *disk = fake->disks->pdata[i];

		if (!disk->is_recording)
			fake_disk_record(disk);
	}
}

void
fake_fs_settle(FakeFs *fake)
{
	for (guint i = 0; i < fake->disks->len; i++)
		fake_disk_record(fake->disks->pdata[i]);
}

guint
fake_fs_op_count(FakeFs *fake)
{
	return fake->texts->len;
}

const char *
fake_fs_op_text(FakeFs *fake, guint n)
{
	return n >= 1 && n <= fake->texts->len ? fake->texts->pdata[n - 1] : NULL;
}

gboolean
fake_fs_is_crashed(FakeFs *fake)
{
	return fake->is_crashed;
}

guint
fake_fs_states(FakeFs *fake, FakeReboot mode)
{
	guint product = 1;

	for (guint i = 0; i < fake->disks->len; i++)
		product *= fake_disk_states(fake->disks->pdata[i], mode);
	return product;
}

char *
fake_fs_state_text(FakeFs *fake, FakeReboot mode, guint state)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < fake->disks->len; i++) {
		FakeDisk *disk = fake->disks->pdata[i];
		guint n = fake_disk_states(disk, mode);
		g_autofree char *part = fake_disk_state_text(disk, mode, state % n);

		g_string_append_printf(text, "%s%s", i > 0 ? "; " : "", part);
		state /= n;
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

void
fake_fs_reboot(FakeFs *fake, FakeReboot mode, guint state)
{
	g_hash_table_remove_all(fake->opens);
	for (guint i = 0; i < fake->disks->len; i++) {
		FakeDisk *disk = fake->disks->pdata[i];
		guint n = fake_disk_states(disk, mode);

		fake_disk_reboot(disk, mode, state % n);
		state /= n;
	}
	fake->is_crashed = FALSE;
	fake->is_crashing = FALSE;
	fake->is_counting = FALSE;
	fake->crash_n = 0;
	g_ptr_array_set_size(fake->texts, 0);
	fs_faults_clear(fake->faults);
}
