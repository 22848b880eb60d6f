/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first half of a carry: the copy, without its name. I/O. Cases: see carry.c. */
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>

#include "home/compare/compare.h"
#include "home/engine/carry-private.h"

/* Below this a file is copied faster than it is asked whether somebody writes to it. */
#define BIG_BYTES (G_GINT64_CONSTANT(1) << 20)

/* After so much the disk begins to write, while the next files are copied: what the sync at the end of a group then finds
 * is the last of it. Small files cost the disk as much as bigger ones. */
#define EARLY_BYTES	 (G_GINT64_CONSTANT(32) << 20)
#define EARLY_FILE_BYTES (G_GINT64_CONSTANT(64) << 10)

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
tidy_carrier_check_cancelled(const TidyCarrier *carrier)
{
	return g_cancellable_is_cancelled(carrier->options.cancellable) ? -ECANCELED : 0;
}

static void
begin_early(TidyCarrier *carrier, gint64 bytes)
{
	TidyFs *fs = carrier->options.fs;

	/* Blocks that are shared were written by somebody else. */
	if (carrier->ways.can_clone)
		return;
	carrier->unsynced_bytes += MAX(bytes, EARLY_FILE_BYTES);
	if (carrier->unsynced_bytes >= EARLY_BYTES && fs->begin_sync(fs, carrier->written_dir) == 0)
		carrier->unsynced_bytes = 0;
}

static int
on_piece(gint64 bytes, gpointer data)
{
	TidyCarrier *carrier = data;

	if (bytes > 0)
		begin_early(carrier, bytes);
	if (carrier->options.copied != NULL && bytes > 0)
		carrier->options.copied(bytes, carrier->options.copied_data);
	return tidy_carrier_check_cancelled(carrier);
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
	r = tidy_carrier_check_cancelled(carrier);
	if (r == 0 && *start != st.size)
		r = fs->truncate(fs, copy->to, *start);
	if (r < 0)
		fs->close(fs, copy->to);
	return r < 0 ? r : copy->to;
}

/* Asked once for the files of one directory. */
static gboolean
has_default_acl(TidyCarrier *carrier, const TidyDir *to_dir, int to)
{
	if (carrier->acl_dir != to_dir)
		carrier->has_default_acl = tidy_copy_has_default_acl(carrier->options.fs, to);
	carrier->acl_dir = to_dir;
	return carrier->has_default_acl;
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
	int r;

	carrier->written_dir = to;
	r = open_temp(carrier, &copy, to, temp, &start);
	if (r < 0)
		return r;
	r = fs->stat(fs, copy.to, "", &item->copy);
	if (r == 0)
		r = tidy_copy_bytes(&copy, start);
	if (r == 0)
		r = tidy_copy_carry_metadata(
			fs, from, copy.to, item->step,
			&(TidyCopyFacts){ .made = &item->copy,
					  .atime_ns = item->source.atime_ns,
					  .may_inherit_acl =
						  has_default_acl(carrier, item->to_dir, to) });
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
	g_autofree char *temp = tidy_carrier_temp_name(carrier, step);
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
	/* It could not be removed. */
	if (r == 0 && (item->source.attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0)
		r = -EPERM;
	if (r == 0 && item->source.size >= BIG_BYTES && fs->no_writer(fs, from) == -EAGAIN)
		r = -ETXTBSY;
	place = r == 0 ? tidy_carrier_place_of(carrier, item->to_dir, to, &r) : NULL;
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
	g_autofree char *temp = tidy_carrier_temp_name(carrier, step);
	int r = fs->stat(fs, dir, step->name, &item->source);

	if (r == 0 && tidy_carrier_place_of(carrier, item->to_dir, to, &r) != NULL)
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
		tidy_carrier_place_of(carrier, item->to_dir, to, &r);
	return MIN(r, 0);
}

static int
stage_item(TidyCarrier *carrier, Item *item, int dir, int to)
{
	TidyFs *fs = carrier->options.fs;
	const TidyStep *step = item->step;
	const SetMember *member;
	int there;
	int r;

	/* Of a plain file that was looked at a moment ago the descriptor tells the same; and should its new name be taken,
	 * it does not get it. */
	if (step->type == TIDY_TYPE_FILE && !step->is_shared && !carrier->options.has_checks &&
	    step->size < BIG_BYTES)
		return stage_file(carrier, item, dir, to);
	there = fs->stat(fs, to, step->to_name, &item->copy);
	r = fs->stat(fs, dir, step->name, &item->source);
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
	member = tidy_carry_find_member(carrier, step, item->dir, item->to_dir);
	if (member != NULL && !member->is_refused) {
		item->kind = ITEM_LINK;
		tidy_carrier_place_of(carrier, item->to_dir, to, &r);
		return MIN(r, 0);
	}
	return step->type == TIDY_TYPE_FIFO ? stage_fifo(carrier, item, dir, to)
					    : stage_file(carrier, item, dir, to);
}

int
tidy_carrier_stage(TidyCarrier *carrier, const TidyStep *step, TidyDir *dir, TidyDir *to_dir)
{
	Item item = { .step = step, .dir = dir, .to_dir = to_dir, .ahead = -1 };
	int to = tidy_dir_fd(to_dir);
	int from = tidy_dir_fd(dir);
	int r;

	if (from < 0 || to < 0)
		return MIN(from, to);
	r = stage_item(carrier, &item, from, to);
	/* What was under way is to be gone on with after a stop, but not after an error. */
	if (r < 0 && r != -ECANCELED)
		tidy_carrier_drop_temp(carrier, step, to_dir);
	if (r >= 0)
		tidy_carry_remember_member(carrier, step, dir, to_dir);
	if (r == 0) {
		carrier->bytes += item.kind == ITEM_TEMP ? item.source.size : 0;
		g_array_append_val(carrier->items, item);
	}
	return r;
}
