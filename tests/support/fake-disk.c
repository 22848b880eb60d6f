/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images and nodes of a fake disk: copy on write, inode numbers, the log of images. Pure. */
#include <string.h>
#include <sys/stat.h>

#include "tests/support/fake-image.h"

/* ---- nodes ---- */

static int
compare_names(gconstpointer a, gconstpointer b, gpointer unused)
{
	return strcmp(a, b);
}

static gboolean
copy_xattr(gpointer key, gpointer value, gpointer tree)
{
	g_tree_insert(tree, g_strdup(key), g_bytes_ref(value));
	return FALSE;
}

GTree *
fake_xattrs_copy(GTree *from)
{
	GTree *tree = g_tree_new_full(compare_names, NULL, g_free, (GDestroyNotify)g_bytes_unref);

	if (from)
		g_tree_foreach(from, copy_xattr, tree);
	return tree;
}

static void
clear_entry(gpointer entry)
{
	g_ref_string_release(((FakeEntry *)entry)->name);
}

GArray *
fake_entries_new(void)
{
	GArray *entries = g_array_new(FALSE, FALSE, sizeof(FakeEntry));

	g_array_set_clear_func(entries, clear_entry);
	return entries;
}

static GArray *
copy_entries(GArray *from)
{
	GArray *entries = fake_entries_new();

	g_array_append_vals(entries, from->data, from->len);
	for (guint i = 0; i < entries->len; i++)
		g_ref_string_acquire(g_array_index(entries, FakeEntry, i).name);
	return entries;
}

FakeNode *
fake_node_copy(const FakeNode *node)
{
	FakeNode *copy = g_memdup2(node, sizeof *node);

	copy->ref = 1;
	fake_data_ref(copy->data);
	fake_data_ref(copy->durable);
	fake_data_ref(copy->failed);
	copy->target = g_strdup(node->target);
	if (node->entries)
		copy->entries = copy_entries(node->entries);
	if (node->xattrs)
		copy->xattrs = fake_xattrs_copy(node->xattrs);
	return copy;
}

static FakeNode *
node_ref(FakeNode *node)
{
	if (node)
		node->ref++;
	return node;
}

static void
node_unref(gpointer pointer)
{
	FakeNode *node = pointer;

	if (!node || --node->ref > 0)
		return;
	fake_data_unref(node->data);
	fake_data_unref(node->durable);
	fake_data_unref(node->failed);
	g_free(node->target);
	g_clear_pointer(&node->entries, g_array_unref);
	g_clear_pointer(&node->xattrs, g_tree_unref);
	g_free(node);
}

gboolean
fake_node_is_dir(const FakeNode *node)
{
	return S_ISDIR(node->mode);
}

static int
compare_in(const FakeNode *dir, const char *a, const char *b)
{
	return dir->flags & FAKE_CASEFOLD ? g_ascii_strcasecmp(a, b) : strcmp(a, b);
}

static guint
find_entry(const FakeNode *dir, const char *name, gboolean *found)
{
	guint low = 0, high = dir->entries->len;

	while (low < high) {
		guint middle = (low + high) / 2;
		int order =
			compare_in(dir, g_array_index(dir->entries, FakeEntry, middle).name, name);

		if (order == 0) {
			*found = TRUE;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = FALSE;
	return low;
}

guint
fake_node_lookup(const FakeNode *dir, const char *name)
{
	gboolean found;
	guint i = find_entry(dir, name, &found);

	return found ? g_array_index(dir->entries, FakeEntry, i).id : 0;
}

void
fake_node_insert(FakeNode *dir, const char *name, guint id)
{
	gboolean found;
	guint i = find_entry(dir, name, &found);
	FakeEntry entry = { .name = g_ref_string_new(name), .id = id };

	g_assert_false(found);
	g_array_insert_val(dir->entries, i, entry);
}

void
fake_node_remove(FakeNode *dir, const char *name)
{
	gboolean found;
	guint i = find_entry(dir, name, &found);

	g_assert_true(found);
	g_array_remove_index(dir->entries, i);
}

/* ---- images ---- */

FakeImage *
fake_image_clone(const FakeImage *image)
{
	FakeImage *copy = g_new0(FakeImage, 1);

	copy->ref = 1;
	copy->nodes = g_ptr_array_new_full(image ? image->nodes->len : 16, node_unref);
	for (guint i = 0; image && i < image->nodes->len; i++)
		g_ptr_array_add(copy->nodes, node_ref(image->nodes->pdata[i]));
	return copy;
}

FakeImage *
fake_image_ref(FakeImage *image)
{
	image->ref++;
	return image;
}

void
fake_image_unref(FakeImage *image)
{
	if (--image->ref > 0)
		return;
	g_ptr_array_unref(image->nodes);
	g_free(image);
}

FakeNode *
fake_image_node(const FakeImage *image, guint id)
{
	return id < image->nodes->len ? image->nodes->pdata[id] : NULL;
}

/* The node that an entry or the root names: there is one, or the fake itself is wrong. */
static FakeNode *
existing(const FakeImage *image, guint id)
{
	FakeNode *node = fake_image_node(image, id);

	g_assert(node != NULL);
	return node;
}

FakeNode *
fake_image_edit(FakeImage *image, guint id)
{
	FakeNode *node = existing(image, id);

	if (node->ref > 1) {
		image->nodes->pdata[id] = fake_node_copy(node);
		node_unref(node);
	}
	return image->nodes->pdata[id];
}

void
fake_image_put(FakeImage *image, guint id, FakeNode *node)
{
	node_unref(image->nodes->pdata[id]);
	image->nodes->pdata[id] = node;
}

static void
reach(const FakeImage *image, guint id, guint parent, GArray *names)
{
	FakeNode *node = existing(image, id);

	g_array_index(names, guint, id)++;
	if (!fake_node_is_dir(node))
		return;
	g_assert_cmpuint(node->parent, ==, parent);
	for (guint i = 0; i < node->entries->len; i++)
		reach(image, g_array_index(node->entries, FakeEntry, i).id, id, names);
}

static guint
count_subdirs(const FakeImage *image, const FakeNode *dir)
{
	guint n = 0;

	for (guint i = 0; i < dir->entries->len; i++) {
		guint id = g_array_index(dir->entries, FakeEntry, i).id;

		n += fake_node_is_dir(existing(image, id)) ? 1 : 0;
	}
	return n;
}

void
fake_image_fix(FakeImage *image, guint root)
{
	g_autoptr(GArray) names = g_array_sized_new(FALSE, TRUE, sizeof(guint), image->nodes->len);

	g_array_set_size(names, image->nodes->len);
	reach(image, root, root, names);
	for (guint id = 0; id < image->nodes->len; id++) {
		FakeNode *node = fake_image_node(image, id);
		guint links = g_array_index(names, guint, id);

		if (!node)
			continue;
		if (links == 0) {
			fake_image_put(image, id, NULL);
			continue;
		}
		if (fake_node_is_dir(node))
			links = 2 + count_subdirs(image, node);
		if (node->nlink != links)
			fake_image_edit(image, id)->nlink = links;
	}
}

/* ---- disks ---- */

static void
clear_log_entry(gpointer pointer)
{
	FakeLogEntry *entry = pointer;

	fake_image_unref(entry->image);
	g_clear_pointer(&entry->text, g_ref_string_release);
}

static FakeDisk *
disk_alloc(void)
{
	FakeDisk *disk = g_new0(FakeDisk, 1);

	disk->free_inos = g_array_new(FALSE, FALSE, sizeof(guint64));
	disk->log = g_array_new(FALSE, FALSE, sizeof(FakeLogEntry));
	g_array_set_clear_func(disk->log, clear_log_entry);
	disk->synced = g_array_new(FALSE, FALSE, sizeof(FakeSynced));
	return disk;
}

FakeDisk *
fake_disk_new(const char *name, guint64 dev, gint64 now, guint32 uid, guint32 gid)
{
	FakeDisk *disk = disk_alloc();
	FakeNode *root;

	disk->name = g_strdup(name);
	disk->dev = dev;
	disk->next_ino = 2;
	disk->free_limit = -1;
	disk->magic = 0xEF53; /* ext4, statfs(2) */
	disk->live = fake_image_clone(NULL);
	g_ptr_array_add(disk->live->nodes, NULL); /* id 0: no node */
	root = fake_disk_add(disk, S_IFDIR | 0755, now);
	root->uid = uid;
	root->gid = gid;
	root->nlink = 2;
	root->parent = root->id;
	disk->root = root->id;
	return disk;
}

FakeDisk *
fake_disk_clone(FakeDisk *disk)
{
	FakeDisk *copy = disk_alloc();
	GArray *free_inos = copy->free_inos, *log = copy->log, *synced = copy->synced;

	*copy = *disk;
	copy->name = g_strdup(disk->name);
	copy->live = fake_image_clone(disk->live);
	copy->free_inos = free_inos;
	copy->log = log;
	copy->synced = synced;
	g_array_append_vals(free_inos, disk->free_inos->data, disk->free_inos->len);
	g_array_append_vals(synced, disk->synced->data, disk->synced->len);
	g_array_append_vals(log, disk->log->data, disk->log->len);
	for (guint i = 0; i < FAKE_REBOOT_N; i++) {
		if (copy->torn_counts[i])
			g_array_ref(copy->torn_counts[i]);
	}
	for (guint i = 0; i < log->len; i++) {
		FakeLogEntry *entry = &g_array_index(log, FakeLogEntry, i);

		fake_image_ref(entry->image);
		if (entry->text)
			g_ref_string_acquire(entry->text);
	}
	return copy;
}

void
fake_disk_free(FakeDisk *disk)
{
	fake_image_unref(disk->live);
	for (guint i = 0; i < FAKE_REBOOT_N; i++)
		g_clear_pointer(&disk->torn_counts[i], g_array_unref);
	g_array_unref(disk->free_inos);
	g_array_unref(disk->log);
	g_array_unref(disk->synced);
	g_free(disk->name);
	g_free(disk);
}

const FakeNode *
fake_disk_node(const FakeDisk *disk, guint id)
{
	return fake_image_node(disk->live, id);
}

FakeNode *
fake_disk_edit(FakeDisk *disk, guint id, FakeChange change)
{
	FakeNode *node = fake_image_edit(disk->live, id);
	guint64 next = disk->log_base + disk->log->len;

	if (change != FAKE_CHANGE_NONE)
		node->changed = next;
	if (change == FAKE_CHANGE_ALL)
		node->changed_data = next;
	return node;
}

static guint64
take_ino(FakeDisk *disk)
{
	guint64 ino;

	if (disk->free_inos->len == 0)
		return disk->next_ino++;
	ino = g_array_index(disk->free_inos, guint64, disk->free_inos->len - 1);
	g_array_set_size(disk->free_inos, disk->free_inos->len - 1);
	return ino;
}

FakeNode *
fake_disk_add(FakeDisk *disk, guint32 mode, gint64 now)
{
	FakeNode *node = g_new0(FakeNode, 1);

	node->ref = 1;
	node->id = disk->live->nodes->len;
	node->ino = take_ino(disk);
	node->mode = mode;
	node->mtime = node->ctime = node->atime = node->btime = now;
	node->changed = node->changed_data = disk->log_base + disk->log->len;
	if (S_ISDIR(mode)) {
		node->entries = fake_entries_new();
	} else if (S_ISREG(mode)) {
		node->data = fake_data_new();
		node->durable = fake_data_ref(node->data);
	}
	g_ptr_array_add(disk->live->nodes, node);
	return node;
}

void
fake_disk_drop(FakeDisk *disk, guint id)
{
	guint64 ino = existing(disk->live, id)->ino;

	g_array_append_val(disk->free_inos, ino);
	fake_image_put(disk->live, id, NULL);
}

guint64
fake_disk_used(const FakeDisk *disk)
{
	g_autoptr(GHashTable) pages = g_hash_table_new(NULL, NULL);
	guint64 used = 0;

	for (guint id = 1; id < disk->live->nodes->len; id++) {
		const FakeNode *node = fake_disk_node(disk, id);

		if (node && fake_node_is_dir(node))
			used += FAKE_PAGE;
		for (guint i = 0; node && node->data && i < node->data->pages->len; i++)
			g_hash_table_add(pages,
					 g_array_index(node->data->pages, FakePage, i).bytes);
	}
	return used + (guint64)g_hash_table_size(pages) * FAKE_PAGE;
}
