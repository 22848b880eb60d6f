/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files to another file system. I/O.
 *
 * The order, for a group: every copy is written under its temporary name, with all its metadata; one sync of the file
 * system; each copy is read again from the disk and compared with its source; it gets its name, if that is free; one sync
 * makes the names durable; each source goes whose size, stamps and inode are what they were before it was read, and that
 * nobody has open for writing. Two syncs for a group instead of two for each file.
 *
 * Found by a later try, because a crash came between:
 *   1 a temporary file          compared from its start, and gone on with behind the last equal block
 *   2 both names                compared as a fresh copy is, then the source goes
 *   3 the new name alone        made
 */
#include "home/engine/carry.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>

#include "home/compare/compare.h"
#include "home/engine/copy.h"

/* A group: as much as is lost at worst to a crash (it is copied again or compared again), and as is waited for when
 * somebody stops the work. A sync costs as much as the copying of a thousand small files. */
#define GROUP_BYTES (G_GINT64_CONSTANT(256) << 20)
#define GROUP_FILES 4096
/* Below this a file is copied faster than it is asked whether somebody writes to it. */
#define BIG_BYTES   (G_GINT64_CONSTANT(1) << 20)
#define TEMP_PREFIX ".xdgtidy-"
#define MAGIC_F2FS  0xf2f52010U
#define FNV_OFFSET  G_GUINT64_CONSTANT(0xcbf29ce484222325)
#define FNV_PRIME   G_GUINT64_CONSTANT(0x100000001b3)

typedef enum {
	ITEM_TEMP,  /* a copy under its temporary name */
	ITEM_FOUND, /* the target has the name: of a try before this one (case 2) */
	ITEM_LINK,  /* the target has the file, under another name */
} ItemKind;

typedef struct {
	const TidyStep *step;
	TidyDir *dir;
	TidyDir *to_dir;
	ItemKind kind;
	TidyStat source; /* before it was read */
	TidyStat copy;
	int r; /* 0: so far all went well */
} Item;

/* A file system that is copied to. */
typedef struct {
	guint64 dev;
	int fd; /* opened before anything was written, so that syncfs(2) tells of all errors since */
	gboolean syncs_each; /* where nobody says that syncfs(2) reaches the disk */
	gint64 room;	     /* bytes that may still be written; -1: nobody knows */
	int r;		     /* of its syncs so far */
} Place;

/* The name of a copy, for the other names of its source. */
typedef struct {
	TidyDir *dir;
	char *name;
	gboolean is_refused; /* this file system has no links, or no more for this file */
} SetMember;

struct TidyCarrier {
	TidyCarrierOptions options;
	GArray *items;	/* of Item */
	GArray *places; /* of Place */
	gint64 bytes;
	guint8 *buffer;
	TidyCopyWays ways;
};

/* --- sets of hard links --- */

static void
set_member_free(gpointer data)
{
	SetMember *member = data;

	tidy_dir_unref(member->dir);
	g_free(member->name);
	g_free(member);
}

TidyCarrySets *
tidy_carry_sets_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, set_member_free);
}

static char *
key_of(guint64 dev, guint64 ino)
{
	return g_strdup_printf("%" G_GINT64_MODIFIER "x:%" G_GINT64_MODIFIER "x", dev, ino);
}

/* What is common to all names of one file: its inode, before anything was done to it. An undo knows that by to_ino. */
static char *
set_key(const TidyStep *step, const TidyDir *dir, const TidyDir *to_dir)
{
	return step->origin != 0 ? key_of(to_dir->dev, step->to_ino) : key_of(dir->dev, step->ino);
}

gboolean
tidy_carry_sets_has(TidyCarrySets *sets, guint64 dev, guint64 ino)
{
	g_autofree char *key = g_hash_table_size(sets) > 0 ? key_of(dev, ino) : NULL;

	return key != NULL && g_hash_table_contains(sets, key);
}

static void
remember_member(TidyCarrier *carrier, const TidyStep *step, TidyDir *dir, TidyDir *to_dir)
{
	g_autofree char *key = NULL;
	SetMember *member;

	if (!step->is_shared)
		return;
	key = set_key(step, dir, to_dir);
	if (g_hash_table_contains(carrier->options.sets, key))
		return;
	member = g_new0(SetMember, 1);
	member->dir = tidy_dir_ref(to_dir);
	member->name = g_strdup(step->to_name);
	g_hash_table_insert(carrier->options.sets, g_steal_pointer(&key), member);
}

static SetMember *
find_member(TidyCarrier *carrier, const TidyStep *step, const TidyDir *dir, const TidyDir *to_dir)
{
	g_autofree char *key = NULL;

	if (!step->is_shared)
		return NULL;
	key = set_key(step, dir, to_dir);
	return g_hash_table_lookup(carrier->options.sets, key);
}

/* The item came to nothing: who would have been linked to it is copied. */
static void
forget_member(TidyCarrier *carrier, const Item *item)
{
	const SetMember *member = find_member(carrier, item->step, item->dir, item->to_dir);

	if (member != NULL && !member->is_refused && member->dir == item->to_dir &&
	    g_str_equal(member->name, item->step->to_name)) {
		g_autofree char *key = set_key(item->step, item->dir, item->to_dir);

		g_hash_table_remove(carrier->options.sets, key);
	}
}

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
	carrier->ways = (TidyCopyWays){ TRUE, TRUE };
	carrier->bytes = 0;
}

gboolean
tidy_carrier_is_full(const TidyCarrier *carrier)
{
	return carrier->bytes >= GROUP_BYTES || carrier->items->len >= GROUP_FILES;
}

/* --- temporary names --- */

char *
tidy_carry_temp_name(guint64 salt, const char *to_name)
{
	guint64 hash = FNV_OFFSET ^ salt; /* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */

	for (const guchar *at = (const guchar *)to_name; *at != '\0'; at++)
		hash = (hash ^ *at) * FNV_PRIME;
	return g_strdup_printf(TEMP_PREFIX "%016" G_GINT64_MODIFIER "x", hash);
}

void
tidy_carry_drop_temp(TidyFs *fs, guint64 salt, int to_dir, const char *to_name)
{
	g_autofree char *temp = tidy_carry_temp_name(salt, to_name);

	fs->unlink(fs, to_dir, temp, 0);
}

static char *
temp_of(const TidyCarrier *carrier, const TidyStep *step)
{
	return tidy_carry_temp_name(carrier->options.salt, step->to_name);
}

static void
drop_temp(const TidyCarrier *carrier, const TidyStep *step, TidyDir *to_dir)
{
	int to = tidy_dir_fd(to_dir);

	if (to >= 0)
		tidy_carry_drop_temp(carrier->options.fs, carrier->options.salt, to, step->to_name);
}

/* --- the file systems that are copied to --- */

static gboolean
is_synced_as_a_whole(guint64 type)
{
	return type == EXT4_SUPER_MAGIC || type == XFS_SUPER_MAGIC || type == BTRFS_SUPER_MAGIC ||
	       type == TMPFS_MAGIC || type == MAGIC_F2FS;
}

/* The place of the directory @to, which is open as @fd. NULL and -errno in @r. */
static Place *
find_place(TidyCarrier *carrier, TidyDir *to, int fd, int *r)
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

/* Asked before a byte is copied: a disk that is filled to the brim harms more than this merge. */
static int
take_room(Place *place, const TidyStat *source)
{
	gint64 bytes = MIN(source->size, (gint64)source->blocks * 512);

	if (place->room < 0)
		return 0;
	if (bytes > place->room)
		return -ENOSPC;
	place->room -= bytes;
	return 0;
}

int
tidy_carrier_await(TidyCarrier *carrier, TidyDir *dir)
{
	int fd = tidy_dir_fd(dir);
	int r = MIN(fd, 0);

	if (r == 0)
		find_place(carrier, dir, fd, &r);
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

/* --- staging --- */

static int
check_cancelled(const TidyCarrier *carrier)
{
	return g_cancellable_is_cancelled(carrier->options.cancellable) ? -ECANCELED : 0;
}

static int
on_piece(gint64 bytes, gpointer data)
{
	const TidyCarrier *carrier = data;

	if (carrier->options.copied != NULL && bytes > 0)
		carrier->options.copied(bytes, carrier->options.copied_data);
	return check_cancelled(carrier);
}

/* Opens the temporary file; -EISDIR for a thing under that name that is not ours. @start: so many bytes of it are good. */
static int
open_temp(TidyCarrier *carrier, TidyCopy *copy, int to, const char *temp, gint64 *start)
{
	TidyFs *fs = carrier->options.fs;
	TidyStat st;
	int r;

	*start = 0;
	copy->to = fs->openat(fs, to, temp, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (copy->to != -EEXIST)
		return copy->to;
	r = fs->stat(fs, to, temp, &st);
	if (r == 0 && (tidy_stat_type(&st) != TIDY_TYPE_FILE || st.nlink != 1))
		r = -EISDIR;
	if (r < 0)
		return r;
	/* A crash may have come after its mode was set. */
	copy->to = fs->openat(fs, to, temp, O_RDWR, 0);
	if (copy->to == -EACCES) {
		fs->unlink(fs, to, temp, 0);
		copy->to = fs->openat(fs, to, temp, O_RDWR | O_CREAT | O_EXCL, 0600);
		return copy->to;
	}
	if (copy->to < 0)
		return copy->to;
	*start = tidy_copy_verified_prefix(copy, st.size);
	r = check_cancelled(carrier);
	if (r == 0 && *start != st.size)
		r = fs->truncate(fs, copy->to, *start);
	if (r < 0)
		fs->close(fs, copy->to);
	return r < 0 ? r : copy->to;
}

static int
fill_temp(TidyCarrier *carrier, Item *item, int from, int to, const char *temp)
{
	TidyFs *fs = carrier->options.fs;
	TidyCopy copy = {
		.fs = fs,
		.from = from,
		.source = &item->source,
		.buffer = carrier->buffer,
		.buffer_bytes = TIDY_COPY_BUFFER_BYTES,
		.ways = &carrier->ways,
		.between = on_piece,
		.data = carrier,
	};
	gint64 start;
	int r = open_temp(carrier, &copy, to, temp, &start);

	if (r < 0)
		return r;
	r = tidy_copy_bytes(&copy, start);
	if (r == 0)
		r = tidy_copy_carry_metadata(fs, from, copy.to, item->step, item->source.atime_ns);
	if (r == 0)
		r = fs->stat(fs, copy.to, "", &item->copy);
	fs->close(fs, copy.to);
	return r;
}

/* The file behind the descriptor is the one that the step means. An undo's step says what the file was, and what it is to
 * be again: the copy may have had to be content with coarser stamps. */
static int
check_source(const TidyStep *step, const TidyStat *st)
{
	if (tidy_stat_type(st) != step->type || (step->ino != 0 && st->ino != step->ino) ||
	    st->size != step->size)
		return -ESTALE;
	return step->origin == 0 && st->mtime_ns != step->mtime_ns ? -ESTALE : 0;
}

static int
stage_file(TidyCarrier *carrier, Item *item, int dir, int to)
{
	TidyFs *fs = carrier->options.fs;
	const TidyStep *step = item->step;
	g_autofree char *temp = temp_of(carrier, step);
	int from = tidy_compare_open(fs, dir, step->name);
	Place *place;
	int r;

	if (from < 0)
		return from;
	if (carrier->buffer == NULL)
		carrier->buffer = g_malloc(TIDY_COPY_BUFFER_BYTES);
	r = fs->stat(fs, from, "", &item->source);
	if (r == 0)
		r = check_source(step, &item->source);
	if (r == 0 && item->source.size >= BIG_BYTES && fs->no_writer(fs, from) == -EAGAIN)
		r = -ETXTBSY;
	place = r == 0 ? find_place(carrier, item->to_dir, to, &r) : NULL;
	if (place != NULL)
		r = take_room(place, &item->source);
	if (place != NULL && r == 0)
		r = fill_temp(carrier, item, from, to, temp);
	fs->close(fs, from);
	return r;
}

static int
stage_fifo(TidyCarrier *carrier, Item *item, int dir, int to)
{
	TidyFs *fs = carrier->options.fs;
	const TidyStep *step = item->step;
	g_autofree char *temp = temp_of(carrier, step);
	int r = fs->stat(fs, dir, step->name, &item->source);

	if (r == 0 && find_place(carrier, item->to_dir, to, &r) != NULL)
		r = fs->mkfifo(fs, to, temp, 0600);
	if (r == -EEXIST) {
		fs->unlink(fs, to, temp, 0);
		r = fs->mkfifo(fs, to, temp, 0600);
	}
	if (r < 0)
		return r;
	fs->chown(fs, to, temp, step->uid, step->gid);
	r = fs->chmod(fs, to, temp, step->mode & 07777);
	if (r == 0)
		r = fs->utimens(fs, to, temp, item->source.atime_ns, step->mtime_ns);
	return r == 0 ? fs->stat(fs, to, temp, &item->copy) : r;
}

/* What the target has under the new name may be the copy of an earlier try: bytes are compared later. */
static int
stage_found(TidyCarrier *carrier, Item *item, int dir, int to)
{
	TidyFs *fs = carrier->options.fs;
	const TidyStep *step = item->step;
	int r = fs->stat(fs, dir, step->name, &item->source);

	item->kind = ITEM_FOUND;
	if (r == 0 &&
	    (item->copy.size != item->source.size ||
	     tidy_stat_type(&item->copy) != tidy_stat_type(&item->source) ||
	     item->copy.mode != item->source.mode || item->copy.mtime_ns != item->source.mtime_ns))
		r = -EEXIST;
	if (r == 0)
		find_place(carrier, item->to_dir, to, &r);
	return MIN(r, 0);
}

static int
stage_item(TidyCarrier *carrier, Item *item, int dir, int to)
{
	TidyFs *fs = carrier->options.fs;
	const TidyStep *step = item->step;
	const SetMember *member;
	int there = fs->stat(fs, to, step->to_name, &item->copy);
	int r = fs->stat(fs, dir, step->name, &item->source);

	/* Case 3. */
	if (r == -ENOENT && there == 0 && carrier->options.is_replay &&
	    tidy_stat_type(&item->copy) == step->type)
		return 1;
	if (r == 0)
		r = check_source(step, &item->source);
	if (r < 0)
		return r;
	if (there == 0)
		return carrier->options.has_checks ? stage_found(carrier, item, dir, to) : -EEXIST;
	if (there != -ENOENT)
		return there;
	/* It could not be removed. */
	if ((item->source.attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0)
		return -EPERM;
	member = find_member(carrier, step, item->dir, item->to_dir);
	if (member != NULL && !member->is_refused) {
		item->kind = ITEM_LINK;
		find_place(carrier, item->to_dir, to, &r);
		return MIN(r, 0);
	}
	return step->type == TIDY_TYPE_FIFO ? stage_fifo(carrier, item, dir, to)
					    : stage_file(carrier, item, dir, to);
}

int
tidy_carrier_stage(TidyCarrier *carrier, const TidyStep *step, TidyDir *dir, TidyDir *to_dir)
{
	Item item = { .step = step, .dir = dir, .to_dir = to_dir };
	int to = tidy_dir_fd(to_dir);
	int from = tidy_dir_fd(dir);
	int r;

	if (from < 0 || to < 0)
		return MIN(from, to);
	r = stage_item(carrier, &item, from, to);
	/* What was under way is to be gone on with after a stop, but not after an error. */
	if (r < 0 && r != -ECANCELED)
		drop_temp(carrier, step, to_dir);
	if (r >= 0)
		remember_member(carrier, step, dir, to_dir);
	if (r == 0) {
		carrier->bytes += item.kind == ITEM_TEMP ? item.source.size : 0;
		g_array_append_val(carrier->items, item);
	}
	return r;
}

/* --- placing --- */

static gboolean
is_cancelled(gpointer data)
{
	return check_cancelled(data) < 0;
}

static int
compare_copy(TidyCarrier *carrier, const Item *item, int from_dir, int dir, const char *name)
{
	TidyFs *fs = carrier->options.fs;
	TidyCompareOptions options = {
		/* The removal of another of its names has changed its stamps. */
		.expected_a = item->step->is_shared ? NULL : &item->source,
		.is_cancelled = is_cancelled,
		.data = carrier,
	};
	int from = tidy_compare_open(fs, from_dir, item->step->name);
	int to;
	int r;

	if (from < 0)
		return from;
	to = tidy_compare_open(fs, dir, name);
	if (to < 0) {
		fs->close(fs, from);
		return to;
	}
	/* What memory says was written before; what counts is what the disk gives back. */
	fs->advise(fs, to, 0, 0, POSIX_FADV_DONTNEED);
	r = tidy_compare_fds(fs, from, to, &options);
	fs->close(fs, from);
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
	SetMember *member = find_member(carrier, item->step, item->dir, item->to_dir);
	int dir = member != NULL ? tidy_dir_fd(member->dir) : -ESTALE;
	int r = dir < 0 ? dir : compare_copy(carrier, item, from, dir, member->name);

	if (r == 0)
		r = fs->link(fs, dir, member->name, to, item->step->to_name);
	if (r == -EPERM || r == -EMLINK || r == -EOPNOTSUPP || r == -EXDEV) {
		member->is_refused = TRUE;
		r = -ESTALE;
	}
	if (r == -ENOENT)
		r = -ESTALE;
	return r == 0 ? fs->stat(fs, to, item->step->to_name, &item->copy) : r;
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
		name = temp = temp_of(carrier, step);
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

	forget_member(carrier, item);
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
		g_autofree char *temp = temp_of(carrier, item->step);
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
			g_autofree char *temp = temp_of(carrier, item->step);

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

int
tidy_carrier_place(TidyCarrier *carrier)
{
	if (carrier->items->len > 0)
		sync_places(carrier, FALSE);
	for (guint i = 0; i < carrier->items->len; i++) {
		Item *item = &g_array_index(carrier->items, Item, i);

		if (item->r == 0)
			item->r = place_item(carrier, item);
		/* Those that have their names keep them: the next try finds both, and compares again. */
		if (item->r == -ECANCELED)
			return -ECANCELED;
		if (item->r < 0 && item->kind != ITEM_FOUND)
			forget_member(carrier, item);
		if (item->r < 0 && item->kind == ITEM_TEMP)
			drop_temp(carrier, item->step, item->to_dir);
	}
	sync_places(carrier, TRUE);
	return 0;
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
