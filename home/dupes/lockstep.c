/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading sets of files side by side. I/O.
 *
 * Two passes. The first reads the first 4 KiB of every file of many classes at once, in the order of the walk, which is
 * about the order on the device; most classes fall apart here. The second takes what is left class by class, depth
 * first, so that the blocks of one class at a time are in memory. In both the device is asked ahead: while one file is
 * compared, those that follow are open already and their first range is on its way. Without that, few bytes are read
 * but each of them is waited for, which is slower than reading everything.
 *
 * On a disk that turns, blocks grow to 8 MiB instead of 1 MiB: a jump between two files (10 ms) is then small beside the
 * 50 ms that such a block takes. Hashing whole files one after the other would jump less but prove nothing.
 */
#include "home/dupes/lockstep-private.h"

#include <errno.h>
#include <fcntl.h>

#include "home/compare/compare.h"

#define BLOCK		     TIDY_COMPARE_BLOCK_MIN
#define DEFAULT_BLOCK_BYTES  (32 * 1024 * 1024)
#define ROTATIONAL_MAX_BLOCK (8 * 1024 * 1024)
/* Files asked ahead for: a queue that a disk of either kind can sort, and few enough to be still in the cache. */
#define ASK_AHEAD 64
/* What is asked ahead for of a file whose first block was equal: such files mostly are equal. */
#define ASK_AHEAD_BYTES	 (64 * 1024)
#define LONG_CLASS_BYTES (64 * 1024 * 1024)

/* ---- progress ---- */

static guint64
unread_bytes(const TidyClass *cls)
{
	return cls->count * (guint64)(cls->end - cls->offset);
}

gboolean
tidy_lockstep_tick(TidyLockstep *ls)
{
	TidyCatalog *catalog = ls->catalog;

	catalog->progress.settled_bytes = catalog->progress.total_bytes - ls->open_bytes;
	if (!catalog->dupes->is_partial && tidy_catalog_tick(catalog))
		catalog->dupes->is_partial = TRUE;
	return catalog->dupes->is_partial;
}

/* ---- ends of classes ---- */

/* A twin has the blocks of the file that was read, as long as neither changes. */
static void
check_twins(TidyLockstep *ls, guint32 file)
{
	guint32 *link = &tidy_catalog_file(ls->catalog, file)->next_twin;

	while (*link != TIDY_NO_INDEX) {
		guint32 twin = *link;
		TidyFileRecord *record = tidy_catalog_file(ls->catalog, twin);
		int r = tidy_catalog_check_file(ls->catalog, twin);

		if (r < 0) {
			*link = record->next_twin;
			record->next_twin = TIDY_NO_INDEX;
			tidy_sets_drop(ls->catalog, twin, r);
		} else {
			link = &record->next_twin;
		}
	}
}

/* Other names, or other files with the same blocks. */
static gboolean
has_others(const TidyLockstep *ls, guint32 file)
{
	const TidyFileRecord *record = tidy_catalog_file(ls->catalog, file);

	return record->next_link != TIDY_NO_INDEX || record->next_twin != TIDY_NO_INDEX;
}

/* All members were found equal: those that still are what they were when they were scanned are a content. */
static void
end_equal(TidyLockstep *ls, const TidyClass *cls)
{
	guint32 *members = &g_array_index(ls->sets->members, guint32, cls->start);
	guint count = 0;

	if (cls->count == 1 && !has_others(ls, members[0])) {
		tidy_catalog_close_file(ls->catalog, members[0]);
		return;
	}
	for (guint i = 0; i < cls->count; i++) {
		guint32 file = members[i];
		int r = tidy_catalog_check_file(ls->catalog, file);

		tidy_catalog_close_file(ls->catalog, file);
		if (r < 0) {
			tidy_sets_drop(ls->catalog, file, r);
			continue;
		}
		check_twins(ls, file);
		members[i] = members[count];
		members[count++] = file;
	}
	if (count > 1 || (count == 1 && has_others(ls, members[0])))
		tidy_sets_add_content(ls->catalog, ls->sets, cls->start, count);
}

static guint
count_dropped(const guint32 *parts, guint count)
{
	guint n = 0;

	for (guint i = 0; i < count; i++)
		n += parts[i] == TIDY_PART_NONE ? 1 : 0;
	return n;
}

/*
 * The members of @cls that did not make it into the classes of @after from @from on: those that equal no other are
 * done with, though they may have links and twins. The last @n_dropped of the slice dropped out.
 */
static void
end_parted(TidyLockstep *ls, const TidyClass *cls, GArray *after, guint from, guint n_dropped)
{
	guint end = cls->start + cls->count;

	for (guint at = cls->start; at < end; at++) {
		TidyClass single = tidy_class_new(at, 1, cls->size);

		if (from < after->len && at >= g_array_index(after, TidyClass, from).start)
			at += g_array_index(after, TidyClass, from++).count - 1;
		else if (at < end - n_dropped)
			end_equal(ls, &single);
	}
}

void
tidy_lockstep_split(TidyLockstep *ls, const TidyClass *cls, const TidyRange *range, GArray *out)
{
	guint32 *members = &g_array_index(ls->sets->members, guint32, 0);
	guint from = out->len;
	guint kept = from;
	guint n_dropped = count_dropped(&g_array_index(ls->parts, guint32, 0), cls->count);

	ls->open_bytes -= unread_bytes(cls);
	tidy_class_split(cls, range, ls->splitter, members, &g_array_index(ls->parts, guint32, 0),
			 out);
	end_parted(ls, cls, out, from, n_dropped);
	for (guint i = from; i < out->len; i++) {
		TidyClass part = g_array_index(out, TidyClass, i);

		ls->open_bytes += unread_bytes(&part);
		if (part.offset >= part.end)
			end_equal(ls, &part);
		else
			g_array_index(out, TidyClass, kept++) = part;
	}
	g_array_set_size(out, kept);
}

/* ---- reading ---- */

static gint64
next_data(TidyLockstep *ls, guint32 file, int fd, gint64 offset)
{
	TidyStat st = tidy_catalog_file_stat(ls->catalog, file);

	return tidy_compare_next_data(ls->catalog->fs, fd, &st, offset);
}

int
tidy_lockstep_read(TidyLockstep *ls, guint32 file, const TidyRange *range, guint8 *buffer)
{
	TidyCatalog *catalog = ls->catalog;
	TidyDupesStats *stats = &catalog->dupes->stats;
	int fd = tidy_catalog_open_file(catalog, file);

	if (fd < 0)
		return fd;
	if (tidy_lockstep_is_sparse(tidy_catalog_file(catalog, file)) &&
	    next_data(ls, file, fd, range->offset) >= range->offset + (gint64)range->size)
		return 1;
	stats->read_calls++;
	return tidy_compare_read(catalog->fs, fd, buffer, range->size, range->offset,
				 &stats->read_bytes);
}

static void
ask_ahead(TidyLockstep *ls, guint32 file, gint64 offset, gint64 size)
{
	TidyCatalog *catalog = ls->catalog;
	int fd = tidy_catalog_open_file(catalog, file);

	/* An error is met again, and handled, when the file is read. */
	if (fd >= 0)
		catalog->fs->advise(catalog->fs, fd, offset, size, POSIX_FADV_WILLNEED);
}

guint
tidy_lockstep_ahead_files(const TidyLockstep *ls)
{
	return MIN(ASK_AHEAD, tidy_catalog_max_files(ls->catalog) / 4);
}

/* ---- second pass: one class after the other ---- */

/* Asks for the first range of a class that will be read soon. */
static void
ask_ahead_class(TidyLockstep *ls, const TidyClass *cls)
{
	gint64 rest = cls->end - cls->offset;
	TidyRange range;

	if (cls->count > tidy_lockstep_ahead_files(ls) || !tidy_class_next(cls, BLOCK, &range))
		return;
	for (guint i = 0; i < cls->count; i++) {
		guint32 file = tidy_lockstep_file(ls, cls->start + i);

		if (range.offset == cls->offset)
			ask_ahead(ls, file, cls->offset, MIN(rest, ASK_AHEAD_BYTES));
		else
			ask_ahead(ls, file, range.offset, (gint64)range.size);
	}
}

/* Once files share more than a header, the range after @range as well. */
static void
ask_for_next(TidyLockstep *ls, const TidyClass *cls, const TidyRange *range)
{
	gint64 next = range->offset + (gint64)range->size;
	gint64 size = MIN(cls->end - next, 2 * (gint64)range->size);

	if (cls->end == cls->size || size <= 0 ||
	    cls->count > tidy_catalog_max_files(ls->catalog) / 2)
		return;
	for (guint i = 0; i < cls->count; i++)
		ask_ahead(ls, tidy_lockstep_file(ls, cls->start + i), next, size);
}

static gsize
max_block(TidyLockstep *ls, const TidyClass *cls)
{
	gsize share = ls->block_bytes / (cls->count + 1) / BLOCK * BLOCK;

	if (tidy_device_is_rotational(ls->devices, tidy_lockstep_file(ls, cls->start)))
		return MIN(ROTATIONAL_MAX_BLOCK, MAX(ls->block_bytes / 4, BLOCK));
	return CLAMP(share, BLOCK, TIDY_COMPARE_BLOCK_MAX);
}

static void
reserve(guint8 **buffer, gsize *size, gsize wanted)
{
	if (wanted <= *size)
		return;
	g_free(*buffer);
	*buffer = g_malloc0(wanted);
	*size = wanted;
}

/* Reads @range of every member and notes its part. */
static void
read_class(TidyLockstep *ls, const TidyClass *cls, const TidyRange *range)
{
	guint max_kept = (guint)MIN(cls->count, MAX(ls->block_bytes / range->size, 2) - 1);
	guint8 *block;

	reserve(&ls->blocks, &ls->blocks_size, (max_kept + 1) * range->size);
	ls->catalog->dupes->stats.max_block_bytes =
		MAX(ls->catalog->dupes->stats.max_block_bytes, ls->blocks_size);
	block = ls->blocks;
	tidy_splitter_begin(ls->splitter, range->size, max_kept);
	g_array_set_size(ls->parts, cls->count);
	for (guint i = 0; i < cls->count; i++) {
		guint32 file = tidy_lockstep_file(ls, cls->start + i);
		guint32 part = TIDY_PART_NONE;
		gboolean is_kept = FALSE;
		int r = tidy_lockstep_read(ls, file, range, block);

		if (r == 1)
			reserve(&ls->zeros, &ls->zeros_size,
				MAX(range->size, TIDY_COMPARE_BLOCK_MAX));
		if (r < 0)
			tidy_sets_drop(ls->catalog, file, r);
		else
			part = tidy_splitter_add(ls->splitter, r == 1 ? ls->zeros : block,
						 &is_kept);
		if (is_kept && r == 0)
			block += range->size;
		g_array_index(ls->parts, guint32, i) = part;
	}
}

/* Passes over a hole that all members have at the same place. */
static void
skip_common_hole(TidyLockstep *ls, TidyClass *cls)
{
	gint64 data = cls->end;

	for (guint i = 0; i < cls->count && data > cls->offset; i++) {
		guint32 file = tidy_lockstep_file(ls, cls->start + i);
		int fd;

		if (!tidy_lockstep_is_sparse(tidy_catalog_file(ls->catalog, file)))
			return;
		fd = tidy_catalog_open_file(ls->catalog, file);
		if (fd < 0)
			return;
		data = MIN(data, next_data(ls, file, fd, cls->offset));
	}
	if (data > cls->offset) {
		ls->open_bytes -= unread_bytes(cls);
		tidy_class_skip(cls, data);
		ls->open_bytes += unread_bytes(cls);
	}
}

static void
count_open_class(TidyLockstep *ls, const TidyClass *cls)
{
	if (cls->offset > 0) {
		ls->catalog->dupes->open_files += cls->count;
		ls->catalog->dupes->open_bytes += cls->count * (guint64)cls->size;
	}
}

/* Takes @cls apart to the end. */
static void
settle_class(TidyLockstep *ls, const TidyClass *first)
{
	g_autoptr(GArray) stack = g_array_new(FALSE, FALSE, sizeof(TidyClass));
	TidyRange range;

	g_array_append_val(stack, *first);
	while (stack->len > 0) {
		TidyClass cls = g_array_index(stack, TidyClass, stack->len - 1);

		g_array_set_size(stack, stack->len - 1);
		if (tidy_lockstep_tick(ls)) {
			count_open_class(ls, &cls);
			continue;
		}
		skip_common_hole(ls, &cls);
		if (!tidy_class_next(&cls, max_block(ls, &cls), &range)) {
			end_equal(ls, &cls);
			continue;
		}
		ask_for_next(ls, &cls, &range);
		read_class(ls, &cls, &range);
		tidy_lockstep_split(ls, &cls, &range, stack);
	}
}

/* In the order of the device; but what takes long comes last, so that who stops the search sees the rest. */
static gint
by_first_file(gconstpointer a, gconstpointer b, gpointer data)
{
	const TidyClass *x = a, *y = b;
	guint32 first = tidy_lockstep_file(data, x->start);
	guint32 second = tidy_lockstep_file(data, y->start);
	gboolean is_x_long = unread_bytes(x) > LONG_CLASS_BYTES;
	gboolean is_y_long = unread_bytes(y) > LONG_CLASS_BYTES;

	if (is_x_long != is_y_long)
		return is_x_long ? 1 : -1;
	return first < second ? -1 : first > second;
}

static void
second_pass(TidyLockstep *ls)
{
	guint ahead = 0;
	guint ahead_files = 0;

	g_array_sort_with_data(ls->rest, by_first_file, ls);
	for (guint i = 0; i < ls->rest->len; i++) {
		TidyClass cls = g_array_index(ls->rest, TidyClass, i);

		ahead = MAX(ahead, i);
		while (!ls->catalog->dupes->is_partial && ahead < ls->rest->len &&
		       ahead_files < tidy_lockstep_ahead_files(ls)) {
			const TidyClass *next = &g_array_index(ls->rest, TidyClass, ahead++);

			ask_ahead_class(ls, next);
			ahead_files += next->count;
		}
		settle_class(ls, &cls);
		ahead_files -= MIN(ahead_files, cls.count);
	}
}

void
tidy_lockstep(TidyCatalog *catalog, TidySets *sets)
{
	TidyLockstep ls = {
		.catalog = catalog,
		.sets = sets,
		.devices = tidy_devices_new(catalog),
		.splitter = tidy_splitter_new(),
		.rest = g_array_new(FALSE, FALSE, sizeof(TidyClass)),
		.parts = g_array_new(FALSE, FALSE, sizeof(guint32)),
		.block_bytes = catalog->options->block_bytes,
	};

	if (ls.block_bytes == 0)
		ls.block_bytes = DEFAULT_BLOCK_BYTES;
	for (guint i = 0; i < sets->classes->len; i++)
		ls.open_bytes += unread_bytes(&g_array_index(sets->classes, TidyClass, i));
	catalog->progress.stage = TIDY_DUPES_COMPARING;
	catalog->progress.total_bytes = ls.open_bytes;
	tidy_lockstep_probe(&ls);
	second_pass(&ls);
	tidy_devices_free(ls.devices);
	tidy_splitter_free(ls.splitter);
	g_array_unref(ls.rest);
	g_array_unref(ls.parts);
	g_free(ls.blocks);
	g_free(ls.zeros);
}
