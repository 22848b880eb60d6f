/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of a fake disk survives: the log of images, syncs, and the states that a power cut may leave. Pure.
 *
 * The log holds the image after each operation since the last syncfs. An ordered cut leaves one of the images from
 * ordered_min on. A btrfs cut leaves any of them with an overlay: what fsync wrote into the log tree after it.
 * Then data that is not durable is torn. States are numbered from the latest image, whole data first.
 */
#include "tests/support/fake-image.h"

static FakeLogEntry *
log_entry(FakeDisk *disk, guint64 position)
{
	return &g_array_index(disk->log, FakeLogEntry, (guint)(position - disk->log_base));
}

static guint64
log_last(const FakeDisk *disk)
{
	return disk->log_base + disk->log->len - 1;
}

/* What states there are has changed. */
static void
forget_counts(FakeDisk *disk)
{
	for (guint i = 0; i < FAKE_REBOOT_N; i++)
		g_clear_pointer(&disk->torn_counts[i], g_array_unref);
}

/* Makes all data of @image durable that can be. */
static void
settle_data(FakeImage *image, gboolean with_failed)
{
	for (guint id = 1; id < image->nodes->len; id++) {
		FakeNode *node = fake_image_node(image, id);

		if (!node || node->data == node->durable)
			continue;
		if (node->failed == node->data && !with_failed)
			continue;
		node = fake_image_edit(image, id);
		fake_data_unref(node->durable);
		node->durable = fake_data_ref(node->data);
		g_clear_pointer(&node->failed, fake_data_unref);
	}
}

/* The live image becomes the only one that a cut can leave, but for data that is not durable. */
static void
restart_log(FakeDisk *disk)
{
	guint64 last = disk->log->len > 0 ? log_last(disk) : disk->log_base;
	FakeLogEntry entry = { .image = fake_image_clone(disk->live) };

	forget_counts(disk);
	g_array_set_size(disk->log, 0);
	g_array_set_size(disk->synced, 0);
	disk->log_base = last;
	disk->ordered_min = last;
	g_array_append_val(disk->log, entry);
}

void
fake_disk_record(FakeDisk *disk)
{
	disk->is_recording = TRUE;
	settle_data(disk->live, TRUE);
	restart_log(disk);
}

void
fake_disk_commit(FakeDisk *disk, char *text)
{
	FakeLogEntry entry = { 0 };

	if (!disk->is_recording)
		return;
	forget_counts(disk);
	entry.image = fake_image_clone(disk->live);
	entry.text = text ? g_ref_string_acquire(text) : NULL;
	g_array_append_val(disk->log, entry);
}

/* An image of the log, unshared: clones of the disk share them. */
static FakeImage *
edit_log_image(FakeDisk *disk, guint64 position)
{
	FakeLogEntry *entry = log_entry(disk, position);

	if (entry->image->ref > 1) {
		FakeImage *copy = fake_image_clone(entry->image);

		fake_image_unref(entry->image);
		entry->image = copy;
	}
	return entry->image;
}

static void
set_durable(FakeImage *image, guint id, FakeData *data)
{
	FakeNode *node = fake_image_node(image, id);

	if (!node || (node->data == data && node->durable == data))
		return;
	node = fake_image_edit(image, id);
	fake_data_ref(data);
	fake_data_ref(data);
	fake_data_unref(node->data);
	fake_data_unref(node->durable);
	node->data = data;
	node->durable = data;
}

void
fake_disk_sync_node(FakeDisk *disk, guint id, gboolean is_data)
{
	const FakeNode *node = fake_disk_node(disk, id);
	guint64 position = is_data ? node->changed_data : node->changed;
	FakeSynced synced = { .id = id };

	if (node->data && node->data != node->failed)
		set_durable(disk->live, id, node->data);
	if (!disk->is_recording)
		return;
	forget_counts(disk);
	disk->ordered_min = MAX(disk->ordered_min, MIN(position, log_last(disk)));
	node = fake_disk_node(disk, id);
	for (guint64 i = disk->ordered_min;
	     node->data && node->data == node->durable && i <= log_last(disk); i++)
		set_durable(edit_log_image(disk, i), id, node->data);
	synced.position = log_last(disk);
	g_array_append_val(disk->synced, synced);
}

void
fake_disk_sync_all(FakeDisk *disk)
{
	settle_data(disk->live, FALSE);
	if (disk->is_recording)
		restart_log(disk);
}

void
fake_disk_fail_node(FakeDisk *disk, guint id)
{
	FakeNode *node = fake_disk_edit(disk, id, FAKE_CHANGE_NONE);

	if (node->data == node->durable)
		return;
	fake_data_unref(node->failed);
	node->failed = fake_data_ref(node->data);
}

/* ---- the overlay of a btrfs log tree ---- */

/* Puts the node at @id where @from has it, in @to. FALSE: too entangled, a full commit is due. */
static gboolean overlay_node(FakeImage *to, const FakeImage *from, guint id, GHashTable *done);

/* Takes all names of @id out of the image. */
static void
detach(FakeImage *image, guint id)
{
	for (guint d = 1; d < image->nodes->len; d++) {
		FakeNode *dir = fake_image_node(image, d);

		for (guint i = 0; dir && dir->entries && i < dir->entries->len;) {
			if (g_array_index(dir->entries, FakeEntry, i).id != id) {
				i++;
				continue;
			}
			dir = fake_image_edit(image, d);
			g_array_remove_index(dir->entries, i);
		}
	}
}

/* @id is @dir or above it. */
static gboolean
is_above(const FakeImage *image, guint id, guint dir)
{
	for (;;) {
		const FakeNode *node = fake_image_node(image, dir);

		if (dir == id)
			return TRUE;
		if (!node || node->parent == dir)
			return FALSE;
		dir = node->parent;
	}
}

static gboolean
overlay_name(FakeImage *to, const FakeImage *from, guint dir, const FakeEntry *entry,
	     GHashTable *done)
{
	guint taken;

	if (!fake_image_node(to, dir) && !overlay_node(to, from, dir, done))
		return FALSE;
	taken = fake_node_lookup(fake_image_node(to, dir), entry->name);
	if (taken && taken != entry->id && !overlay_node(to, from, taken, done))
		return FALSE;
	if (fake_node_lookup(fake_image_node(to, dir), entry->name) != 0)
		return FALSE;
	if (fake_node_is_dir(fake_image_node(to, entry->id))) {
		if (is_above(to, entry->id, dir))
			return FALSE;
		fake_image_edit(to, entry->id)->parent = dir;
	}
	fake_node_insert(fake_image_edit(to, dir), entry->name, entry->id);
	return TRUE;
}

/* The node as @from has it; a directory with the entries that @to has. */
static void
overlay_inode(FakeImage *to, const FakeImage *from, guint id)
{
	FakeNode *node = fake_node_copy(fake_image_node(from, id));
	FakeNode *old = fake_image_node(to, id);

	if (node->entries) {
		g_array_set_size(node->entries, 0);
		for (guint i = 0; old && i < old->entries->len; i++) {
			FakeEntry entry = g_array_index(old->entries, FakeEntry, i);

			g_ref_string_acquire(entry.name);
			g_array_append_val(node->entries, entry);
		}
	}
	fake_image_put(to, id, node);
}

static gboolean
overlay_node(FakeImage *to, const FakeImage *from, guint id, GHashTable *done)
{
	const FakeNode *node = fake_image_node(from, id), *old;

	if (!g_hash_table_add(done, GUINT_TO_POINTER(id)))
		return FALSE;
	detach(to, id);
	old = fake_image_node(to, id);
	if (!node || node->nlink == 0) {
		if (old && old->entries && old->entries->len > 0)
			return FALSE;
		fake_image_put(to, id, NULL);
		return TRUE;
	}
	overlay_inode(to, from, id);
	for (guint d = 1; d < from->nodes->len; d++) {
		const FakeNode *dir = fake_image_node(from, d);

		for (guint i = 0; dir && dir->entries && i < dir->entries->len; i++) {
			const FakeEntry *entry = &g_array_index(dir->entries, FakeEntry, i);

			if (entry->id == id && !overlay_name(to, from, d, entry, done))
				return FALSE;
		}
	}
	return TRUE;
}

/* The image at @position with what fsync wrote later. (transfer full) */
static FakeImage *
overlay_all(FakeDisk *disk, guint64 position)
{
	FakeImage *image = fake_image_clone(log_entry(disk, position)->image);

	/* ids that came later have no slot yet */
	while (image->nodes->len < disk->live->nodes->len)
		g_ptr_array_add(image->nodes, NULL);
	for (guint i = 0; i < disk->synced->len; i++) {
		const FakeSynced *synced = &g_array_index(disk->synced, FakeSynced, i);
		g_autoptr(GHashTable) done = g_hash_table_new(NULL, NULL);
		FakeImage *from;

		if (synced->position <= position || synced->id == disk->root)
			continue;
		from = log_entry(disk, synced->position)->image;
		if (!overlay_node(image, from, synced->id, done)) {
			fake_image_unref(image);
			image = fake_image_clone(from);
			while (image->nodes->len < disk->live->nodes->len)
				g_ptr_array_add(image->nodes, NULL);
		}
	}
	return image;
}

/* ---- states ---- */

/* The names of state @position in @mode. (transfer full) */
static FakeImage *
state_image(FakeDisk *disk, FakeReboot mode, guint64 position)
{
	FakeImage *image;

	if (mode == FAKE_CUT_BTRFS)
		image = overlay_all(disk, position);
	else
		image = fake_image_clone(log_entry(disk, position)->image);
	fake_image_fix(image, disk->root);
	return image;
}

static gboolean
is_dirty(const FakeImage *image)
{
	for (guint id = 1; id < image->nodes->len; id++) {
		const FakeNode *node = fake_image_node(image, id);

		if (node && node->data != node->durable)
			return TRUE;
	}
	return FALSE;
}

static guint
torn_count(FakeReboot mode, const FakeImage *image)
{
	if (!is_dirty(image))
		return 1;
	return mode == FAKE_CUT_BTRFS ? (guint)FAKE_TORN_ZEROS : (guint)FAKE_TORN_N;
}

/* Copies pages of @from that lie in [start, end) and pass the step. */
static void
copy_pages(FakeData *to, const FakeData *from, gint64 start, gint64 end, guint step)
{
	char page[FAKE_PAGE];

	for (guint i = 0; i < from->pages->len; i++) {
		guint64 index = g_array_index(from->pages, FakePage, i).index;
		gint64 low = MAX(start, (gint64)index * FAKE_PAGE);
		gint64 high = MIN(end, (gint64)(index + 1) * FAKE_PAGE);

		if (low >= high || index % step != 0)
			continue;
		fake_data_read(from, page, (gsize)(high - low), low);
		fake_data_write(to, page, (gsize)(high - low), low);
	}
}

static FakeData *
torn_data(FakeNode *node, FakeTorn torn)
{
	FakeData *data = fake_data_ref(torn == FAKE_TORN_FULL ? node->data : node->durable);
	gint64 old = node->durable->size, now = node->data->size;
	gint64 half = now > old ? old + (now - old) / 2 : now / 2;

	switch (torn) {
	case FAKE_TORN_FULL:
	case FAKE_TORN_EMPTY:
		break;
	case FAKE_TORN_SHORT:
		fake_data_edit(&data);
		copy_pages(data, node->data, now > old ? old : 0, half, 1);
		if (now > old)
			fake_data_truncate(data, half);
		break;
	case FAKE_TORN_ZEROS:
		fake_data_edit(&data);
		if (now <= old) /* overwritten in place: every second page is the new one */
			copy_pages(data, node->data, 0, now, 2);
		else
			fake_data_truncate(data, now);
		break;
	case FAKE_TORN_N:
		g_assert_not_reached();
	}
	return data;
}

static void
tear(FakeImage *image, FakeTorn torn)
{
	for (guint id = 1; id < image->nodes->len; id++) {
		FakeNode *node = fake_image_node(image, id);
		FakeData *data;

		if (!node || node->data == node->durable)
			continue;
		node = fake_image_edit(image, id);
		data = torn_data(node, torn);
		fake_data_unref(node->data);
		fake_data_unref(node->durable);
		g_clear_pointer(&node->failed, fake_data_unref);
		node->data = data;
		node->durable = fake_data_ref(data);
	}
}

/* How many ways to tear each image of the log has; filled once per state of the log. */
static GArray *
torn_counts(FakeDisk *disk, FakeReboot mode)
{
	GArray *counts = disk->torn_counts[mode];

	if (counts)
		return counts;
	counts = g_array_new(FALSE, FALSE, sizeof(guint));
	for (guint64 i = disk->log_base; i <= log_last(disk); i++) {
		FakeImage *image = state_image(disk, mode, i);
		guint n = torn_count(mode, image);

		if (mode == FAKE_CUT_ORDERED && i < disk->ordered_min)
			n = 0;
		g_array_append_val(counts, n);
		fake_image_unref(image);
	}
	disk->torn_counts[mode] = counts;
	return counts;
}

static void
find_state(FakeDisk *disk, FakeReboot mode, guint state, guint64 *position, FakeTorn *torn)
{
	GArray *counts = torn_counts(disk, mode);

	for (guint i = counts->len; i-- > 0;) {
		guint n = g_array_index(counts, guint, i);

		if (state < n) {
			*position = disk->log_base + i;
			*torn = (FakeTorn)state;
			return;
		}
		state -= n;
	}
	g_error("there is no such state of disk %s", disk->name);
}

guint
fake_disk_states(FakeDisk *disk, FakeReboot mode)
{
	GArray *counts;
	guint sum = 0;

	if (mode == FAKE_KILL || !disk->is_recording)
		return 1;
	counts = torn_counts(disk, mode);
	for (guint i = 0; i < counts->len; i++)
		sum += g_array_index(counts, guint, i);
	return sum;
}

char *
fake_disk_state_text(FakeDisk *disk, FakeReboot mode, guint state)
{
	static const char *const torn_names[] = { "whole", "empty", "short", "zeros" };
	guint64 position;
	FakeTorn torn;
	const char *text;

	if (mode == FAKE_KILL || !disk->is_recording)
		return g_strdup_printf("%s: all persisted", disk->name);
	find_state(disk, mode, state, &position, &torn);
	text = log_entry(disk, position)->text;
	return g_strdup_printf("%s: names as after %s, data %s", disk->name,
			       text ? text : "the last full sync", torn_names[torn]);
}

/* The inode numbers that no node has. */
static void
rebuild_inos(FakeDisk *disk)
{
	g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);

	for (guint id = 1; id < disk->live->nodes->len; id++) {
		const FakeNode *node = fake_disk_node(disk, id);

		if (node)
			g_hash_table_add(used, GUINT_TO_POINTER((guint)node->ino));
	}
	g_array_set_size(disk->free_inos, 0);
	for (guint64 ino = disk->next_ino - 1; ino >= 2; ino--) {
		if (!g_hash_table_contains(used, GUINT_TO_POINTER((guint)ino)))
			g_array_append_val(disk->free_inos, ino);
	}
}

void
fake_disk_reboot(FakeDisk *disk, FakeReboot mode, guint state)
{
	FakeImage *image;
	guint64 position;
	FakeTorn torn;

	if (mode == FAKE_KILL || !disk->is_recording) {
		fake_image_fix(disk->live, disk->root);
	} else {
		find_state(disk, mode, state, &position, &torn);
		image = state_image(disk, mode, position);
		tear(image, torn);
		fake_image_unref(disk->live);
		disk->live = image;
		restart_log(disk);
	}
	rebuild_inos(disk);
}
