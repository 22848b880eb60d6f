/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files to another file system. I/O.
 *
 * The order, for a group: every copy is written under its temporary name, with all its metadata; one sync of the file
 * system; each copy is read again from the disk and compared with its source; it gets its name, if that is free; one sync
 * makes the names durable; each source goes whose size, stamps and inode are what they were before it was read, and that
 * nobody has open for writing. Two syncs for a group instead of two for each file. While files are copied the disk writes
 * those before them (carry-stage.c); what is relied on is the group's sync alone.
 *
 * Found by a later try, because a crash came between:
 *   1 a temporary file          compared from its start, and gone on with behind the last equal block
 *   2 both names                compared as a fresh copy is, then the source goes
 *   3 the new name alone        made
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>

#include "home/compare/compare.h"
#include "home/engine/carry-private.h"

/* A group: as much as is lost at worst to a crash (it is copied again or compared again), and as is waited for when
 * somebody stops the work. A sync costs as much as the copying of a thousand small files. */
#define GROUP_BYTES (G_GINT64_CONSTANT(256) << 20)
#define GROUP_FILES 4096
#define MAGIC_F2FS  0xf2f52010U
/* So many copies are on their way from the disk at once, and so much of each; behind that the kernel reads ahead itself. */
#define AHEAD_FILES 32
#define AHEAD_BYTES (G_GINT64_CONSTANT(1) << 20)

/* --- life --- */

static void
close_places(TidyCarrier *carrier)
{
	for (guint i = 0; i < carrier->places->len; i++)
		carrier->options.fs->close(carrier->options.fs,
					   g_array_index(carrier->places, Place, i).fd);
	g_array_set_size(carrier->places, 0);
}

TidyCarrier *
tidy_carrier_new(const TidyCarrierOptions *options)
{
	TidyCarrier *carrier = g_new0(TidyCarrier, 1);

	carrier->options = *options;
	carrier->items = g_array_new(FALSE, FALSE, sizeof(Item));
	carrier->places = g_array_new(FALSE, FALSE, sizeof(Place));
	carrier->ways = (TidyCopyWays){ TRUE, TRUE };
	return carrier;
}

void
tidy_carrier_free(TidyCarrier *carrier)
{
	close_places(carrier);
	carrier->options.fs->end_sync(carrier->options.fs);
	g_array_unref(carrier->places);
	g_array_unref(carrier->items);
	g_free(carrier->buffer);
	g_free(carrier);
}

void
tidy_carrier_clear(TidyCarrier *carrier)
{
	g_array_set_size(carrier->items, 0);
	/* A group may go elsewhere than the last; and after an error a new descriptor begins with a clean slate. */
	close_places(carrier);
	carrier->unsynced_bytes = 0;
	carrier->ways = (TidyCopyWays){ TRUE, TRUE };
	carrier->bytes = 0;
	carrier->acl_dir = NULL;
}

gboolean
tidy_carrier_is_full(const TidyCarrier *carrier)
{
	return carrier->bytes >= GROUP_BYTES || carrier->items->len >= GROUP_FILES;
}

/* --- the file systems that are copied to --- */

static gboolean
is_synced_as_a_whole(guint64 type)
{
	return type == EXT4_SUPER_MAGIC || type == XFS_SUPER_MAGIC || type == BTRFS_SUPER_MAGIC ||
	       type == TMPFS_MAGIC || type == MAGIC_F2FS;
}

/* The place of the directory @to, which is open as @fd. NULL and -errno in @r. */
Place *
tidy_carrier_place_of(TidyCarrier *carrier, const TidyDir *to, int fd, int *r)
{
	TidyFs *fs = carrier->options.fs;
	Place place = { .dev = to->dev, .room = -1 };
	TidyFsInfo info;

	for (guint i = 0; i < carrier->places->len; i++) {
		Place *known = &g_array_index(carrier->places, Place, i);

		if (known->dev == to->dev)
			return known;
	}
	place.fd = fs->openat(fs, fd, ".", O_RDONLY | O_DIRECTORY, 0);
	*r = place.fd;
	if (place.fd < 0)
		return NULL;
	*r = fs->fsinfo(fs, place.fd, &info);
	if (*r < 0) {
		fs->close(fs, place.fd);
		return NULL;
	}
	place.syncs_each = !is_synced_as_a_whole(info.type);
	/* A twentieth is left to others. Some network file systems say 0: there the disk itself has to say when it is full. */
	if (info.free_bytes > 0)
		place.room = (gint64)MIN(info.free_bytes - info.free_bytes / 20, G_MAXINT64);
	g_array_append_val(carrier->places, place);
	return &g_array_index(carrier->places, Place, carrier->places->len - 1);
}

int
tidy_carrier_await(TidyCarrier *carrier, TidyDir *dir)
{
	int fd = tidy_dir_fd(dir);
	int r = MIN(fd, 0);

	if (r == 0)
		tidy_carrier_place_of(carrier, dir, fd, &r);
	return MIN(r, 0);
}

int
tidy_carrier_is_durable(const TidyCarrier *carrier, const TidyDir *dir)
{
	for (guint i = 0; i < carrier->places->len; i++) {
		const Place *place = &g_array_index(carrier->places, Place, i);

		if (place->dev == dir->dev)
			return place->r;
	}
	return -EIO;
}

/* --- placing --- */

static gboolean
is_cancelled(gpointer data)
{
	return tidy_carrier_check_cancelled(data) < 0;
}

/* What memory says was written before; what counts is what the disk gives back. */
static int
open_copy(TidyCarrier *carrier, int dir, const char *name)
{
	TidyFs *fs = carrier->options.fs;
	int fd = tidy_compare_open(fs, dir, name);

	if (fd >= 0)
		fs->advise(fs, fd, 0, 0, POSIX_FADV_DONTNEED);
	return fd;
}

/* While one copy is compared the next ones are on their way from the disk: one at a time each would be waited for. */
static void
look_ahead(TidyCarrier *carrier, guint index)
{
	TidyFs *fs = carrier->options.fs;
	g_autofree char *temp = NULL;
	Item *item;
	int to;

	if (index >= carrier->items->len)
		return;
	item = &g_array_index(carrier->items, Item, index);
	if (item->r < 0 || item->kind != ITEM_TEMP || item->step->type != TIDY_TYPE_FILE ||
	    item->source.size == 0)
		return;
	to = tidy_dir_fd(item->to_dir);
	temp = tidy_carrier_temp_name(carrier, item->step);
	item->ahead = to >= 0 ? open_copy(carrier, to, temp) : -1;
	if (item->ahead >= 0)
		fs->advise(fs, item->ahead, 0, MIN(item->source.size, AHEAD_BYTES),
			   POSIX_FADV_WILLNEED);
}

static void
close_ahead(TidyCarrier *carrier)
{
	for (guint i = 0; i < carrier->items->len; i++) {
		Item *item = &g_array_index(carrier->items, Item, i);

		if (item->ahead >= 0)
			carrier->options.fs->close(carrier->options.fs, item->ahead);
		item->ahead = -1;
	}
}

static int
compare_copy(TidyCarrier *carrier, Item *item, int from_dir, int dir, const char *name)
{
	TidyFs *fs = carrier->options.fs;
	TidyCompareOptions options = {
		/* The removal of another of its names has changed its stamps. */
		.expected_a = item->step->is_shared ? NULL : &item->source,
		.is_copy = TRUE,
		.is_cancelled = is_cancelled,
		.data = carrier,
	};
	int from = tidy_compare_open(fs, from_dir, item->step->name);
	int to = item->ahead;
	int r;

	item->ahead = -1;
	if (from >= 0 && to < 0)
		to = open_copy(carrier, dir, name);
	r = MIN(from, to);
	if (r >= 0)
		r = tidy_compare_fds(fs, from, to, &options);
	if (from >= 0)
		fs->close(fs, from);
	if (to >= 0)
		fs->close(fs, to);
	if (r == TIDY_COMPARE_DIFFERENT && item->kind == ITEM_TEMP)
		return -EIO;
	return r > 0 ? -ESTALE : r;
}

/* A new name for the copy that another name of the file has already. */
static int
place_link(TidyCarrier *carrier, Item *item, int from, int to)
{
	TidyFs *fs = carrier->options.fs;
	SetMember *member = tidy_carry_find_member(carrier, item->step, item->dir, item->to_dir);
	int dir = member != NULL ? tidy_dir_fd(member->dir) : -ESTALE;
	/* Asked before: once the name is there, nothing may keep us from knowing whose it is. */
	int r = dir < 0 ? dir : fs->stat(fs, dir, member->name, &item->copy);

	if (r == 0)
		r = compare_copy(carrier, item, from, dir, member->name);
	if (r == 0)
		r = fs->link(fs, dir, member->name, to, item->step->to_name);
	if (r == -EPERM || r == -EMLINK || r == -EOPNOTSUPP || r == -EXDEV) {
		member->is_refused = TRUE;
		r = -ESTALE;
	}
	return r == -ENOENT ? -ESTALE : r;
}

static int
place_item(TidyCarrier *carrier, Item *item)
{
	TidyFs *fs = carrier->options.fs;
	const TidyStep *step = item->step;
	g_autofree char *temp = NULL;
	const char *name = step->to_name;
	int to = tidy_dir_fd(item->to_dir);
	int from = tidy_dir_fd(item->dir);
	int r = 0;

	if (from < 0 || to < 0)
		return MIN(from, to);
	if (item->kind == ITEM_LINK)
		return place_link(carrier, item, from, to);
	if (item->kind == ITEM_TEMP)
		name = temp = tidy_carrier_temp_name(carrier, step);
	if (step->type == TIDY_TYPE_FILE)
		r = compare_copy(carrier, item, from, to, name);
	if (r == 0 && item->kind == ITEM_TEMP)
		r = fs->rename(fs, to, temp, to, step->to_name);
	return r;
}

/* A copy whose sync failed is not trusted, nor tried again: its pages count as clean now, whatever the disk has. */
static int
discard(TidyCarrier *carrier, Item *item, const char *name)
{
	TidyFs *fs = carrier->options.fs;
	int to = tidy_dir_fd(item->to_dir);
	TidyStat st;
	int r = to < 0 ? to : fs->stat(fs, to, name, &st);

	tidy_carry_forget_member(carrier, item);
	if (r == 0 && st.ino == item->copy.ino)
		r = fs->unlink(fs, to, name, 0);
	return r == -ENOENT ? 0 : r;
}

/* The file stays where it is, once: the copy, which this very group made or compared, goes again. @r: what went wrong. */
static int
take_back(TidyCarrier *carrier, Item *item, int r)
{
	return discard(carrier, item, item->step->to_name) == 0 ? r : -ENOTRECOVERABLE;
}

static int
sync_name(TidyFs *fs, int dir, const char *name)
{
	int fd = fs->openat(fs, dir, name, O_RDONLY, 0);
	int r = fd < 0 ? fd : fs->fsync(fs, fd);

	if (fd >= 0)
		fs->close(fs, fd);
	return r;
}

/* For file systems where syncfs(2) may do less than it says: file by file, then directory by directory. */
static int
sync_each(TidyCarrier *carrier, const Place *place, gboolean has_names)
{
	TidyFs *fs = carrier->options.fs;
	int r = 0;

	for (guint i = 0; i < carrier->items->len && r == 0; i++) {
		const Item *item = &g_array_index(carrier->items, Item, i);
		g_autofree char *temp = tidy_carrier_temp_name(carrier, item->step);
		int to = tidy_dir_fd(item->to_dir);

		if (item->r < 0 || item->to_dir->dev != place->dev)
			continue;
		if (to < 0)
			r = to;
		else if (has_names)
			r = fs->fsync(fs, to);
		else if (item->kind != ITEM_LINK && item->step->type == TIDY_TYPE_FILE)
			r = sync_name(fs, to, item->kind == ITEM_TEMP ? temp : item->step->to_name);
		/* A directory that cannot be synced. */
		if (r == -EINVAL && has_names)
			r = 0;
	}
	return r;
}

/* Makes what was staged (then: named) durable; what is not has failed. */
static void
sync_places(TidyCarrier *carrier, gboolean has_names)
{
	TidyFs *fs = carrier->options.fs;

	for (guint p = 0; p < carrier->places->len; p++) {
		Place *place = &g_array_index(carrier->places, Place, p);
		int r = place->syncs_each ? sync_each(carrier, place, has_names) : 0;

		if (r == 0)
			r = fs->syncfs(fs, place->fd);
		place->r = MIN(place->r, r);
		for (guint i = 0; r < 0 && i < carrier->items->len; i++) {
			Item *item = &g_array_index(carrier->items, Item, i);
			g_autofree char *temp = tidy_carrier_temp_name(carrier, item->step);

			if (item->r < 0 || item->to_dir->dev != place->dev)
				continue;
			item->r = r;
			if (has_names)
				item->r = take_back(carrier, item, r);
			else if (item->kind == ITEM_TEMP)
				discard(carrier, item, temp);
		}
	}
}

static int
place_items(TidyCarrier *carrier)
{
	for (guint i = 0; i < AHEAD_FILES; i++)
		look_ahead(carrier, i);
	for (guint i = 0; i < carrier->items->len; i++) {
		Item *item = &g_array_index(carrier->items, Item, i);

		look_ahead(carrier, i + AHEAD_FILES);
		if (item->r == 0)
			item->r = place_item(carrier, item);
		/* Those that have their names keep them: the next try finds both, and compares again. */
		if (item->r == -ECANCELED)
			return -ECANCELED;
		if (item->r < 0 && item->kind != ITEM_FOUND)
			tidy_carry_forget_member(carrier, item);
		if (item->r < 0 && item->kind == ITEM_TEMP)
			tidy_carrier_drop_temp(carrier, item->step, item->to_dir);
	}
	return 0;
}

int
tidy_carrier_place(TidyCarrier *carrier)
{
	int r;

	if (carrier->items->len > 0)
		sync_places(carrier, FALSE);
	r = place_items(carrier);
	close_ahead(carrier);
	if (r == 0)
		sync_places(carrier, TRUE);
	return r;
}

/* --- the source --- */

static gboolean
is_unchanged(const Item *item, const TidyStat *now)
{
	const TidyStat *then = &item->source;

	if (!item->step->is_shared)
		return tidy_compare_is_same_state(then, now);
	/* The removal of another of its names changes the change time. */
	return then->dev == now->dev && then->ino == now->ino && then->size == now->size &&
	       then->mtime_ns == now->mtime_ns;
}

/* Only what is still the file that was read goes, and only if nobody can write to it any more. */
static int
remove_source(TidyCarrier *carrier, const Item *item)
{
	TidyFs *fs = carrier->options.fs;
	int dir = tidy_dir_fd(item->dir);
	TidyStat now;
	int fd = -1;
	int r;

	if (dir < 0)
		return dir;
	if (item->step->type == TIDY_TYPE_FILE) {
		fd = tidy_compare_open(fs, dir, item->step->name);
		if (fd < 0)
			return fd;
		if (fs->no_writer(fs, fd) == -EAGAIN) {
			fs->close(fs, fd);
			return -ETXTBSY;
		}
	}
	r = fs->stat(fs, dir, item->step->name, &now);
	if (r == 0 && !is_unchanged(item, &now))
		r = -ESTALE;
	if (r == 0)
		r = fs->unlink(fs, dir, item->step->name, 0);
	if (fd >= 0)
		fs->close(fs, fd);
	return r;
}

int
tidy_carrier_finish(TidyCarrier *carrier, guint index)
{
	Item *item = &g_array_index(carrier->items, Item, index);
	int r = item->r == 0 ? remove_source(carrier, item) : item->r;

	/* Not when the source is gone by another hand. */
	return item->r == 0 && r < 0 && r != -ENOENT ? take_back(carrier, item, r) : r;
}
