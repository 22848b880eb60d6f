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
#include "home/dupes/lockstep.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "home/compare/compare.h"
#include "home/dupes/device.h"

#define BLOCK		     TIDY_COMPARE_BLOCK_MIN
#define DEFAULT_BLOCK_BYTES  (32 * 1024 * 1024)
#define ROTATIONAL_MAX_BLOCK (8 * 1024 * 1024)
/* Files asked ahead for: a queue that a disk of either kind can sort, and few enough to be still in the cache. */
#define ASK_AHEAD 64
/* What is asked ahead for of a file whose first block was equal: such files mostly are equal. */
#define ASK_AHEAD_BYTES (64 * 1024)
#define PROBED_BYTES	(8 * 1024 * 1024)
#define HUGE_PAGE	(2 * 1024 * 1024)

typedef struct {
	TidyCatalog *catalog;
	TidySets *sets;
	TidyDevices *devices;
	TidySplitter *splitter;
	GArray *rest;	   /* of TidyClass: for the second pass */
	GArray *parts;	   /* of guint32, for one class */
	gsize block_bytes; /* that all blocks together may take */
	guint8 *probed;	   /* first pass: the first blocks */
	gsize probed_size;
	guint8 *blocks; /* second pass: room for the blocks that are kept, and one more */
	gsize blocks_size;
	guint8 *zeros; /* what a hole reads as */
	gsize zeros_size;
	guint64 open_bytes; /* in files that may still equal another */
} Lockstep;

/* One file of the first pass. */
typedef struct {
	guint64 place; /* on the device, or in the walk */
	guint member;
	guint8 *block;
	gsize size;
	gboolean is_read;
} Probe;

static guint32
member_file(const Lockstep *ls, guint member)
{
	return g_array_index(ls->sets->members, guint32, member);
}

/* ---- progress ---- */

static guint64
unread_bytes(const TidyClass *cls)
{
	return cls->count * (guint64)(cls->end - cls->offset);
}

static gboolean
tick(Lockstep *ls)
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
check_twins(Lockstep *ls, guint32 file)
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
has_others(const Lockstep *ls, guint32 file)
{
	const TidyFileRecord *record = tidy_catalog_file(ls->catalog, file);

	return record->next_link != TIDY_NO_INDEX || record->next_twin != TIDY_NO_INDEX;
}

/* All members were found equal: those that still are what they were when they were scanned are a content. */
static void
end_equal(Lockstep *ls, const TidyClass *cls)
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
end_parted(Lockstep *ls, const TidyClass *cls, GArray *after, guint from, guint n_dropped)
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

/* Splits @cls by the parts; what is equal to the end is done with, the rest is added to @out. */
static void
split(Lockstep *ls, const TidyClass *cls, const TidyRange *range, GArray *out)
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

static gboolean
is_sparse(const TidyFileRecord *file)
{
	return file->blocks < ((guint64)file->size + 511) / 512;
}

static gint64
next_data(Lockstep *ls, guint32 file, int fd, gint64 offset)
{
	TidyStat st = tidy_catalog_file_stat(ls->catalog, file);

	return tidy_compare_next_data(ls->catalog->fs, fd, &st, offset);
}

/* Reads @range of a file. 0; 1: it is a hole, nothing was read; or -errno. */
static int
read_range(Lockstep *ls, guint32 file, const TidyRange *range, guint8 *buffer)
{
	TidyCatalog *catalog = ls->catalog;
	TidyDupesStats *stats = &catalog->dupes->stats;
	int fd = tidy_catalog_open_file(catalog, file);

	if (fd < 0)
		return fd;
	if (is_sparse(tidy_catalog_file(catalog, file)) &&
	    next_data(ls, file, fd, range->offset) >= range->offset + (gint64)range->size)
		return 1;
	stats->read_calls++;
	return tidy_compare_read(catalog->fs, fd, buffer, range->size, range->offset,
				 &stats->read_bytes);
}

static void
ask_ahead(Lockstep *ls, guint32 file, gint64 offset, gint64 size)
{
	TidyCatalog *catalog = ls->catalog;
	int fd = tidy_catalog_open_file(catalog, file);

	/* An error is met again, and handled, when the file is read. */
	if (fd >= 0)
		catalog->fs->advise(catalog->fs, fd, offset, size, POSIX_FADV_WILLNEED);
}

static guint
ask_ahead_files(const Lockstep *ls)
{
	return MIN(ASK_AHEAD, tidy_catalog_max_files(ls->catalog) / 4);
}

/* ---- first pass: block 0 of many classes ---- */

static void
add_probes(Lockstep *ls, const TidyClass *cls, GArray *probes, guint8 *blocks)
{
	gsize size = (gsize)MIN(cls->size, BLOCK);

	for (guint i = 0; i < cls->count; i++) {
		Probe probe = { .member = cls->start + i,
				.block = blocks + i * size,
				.size = size };
		guint32 file = member_file(ls, probe.member);

		probe.place = file;
		if (tidy_device_is_rotational(ls->devices, file))
			probe.place = tidy_device_place(ls->devices, file);
		g_array_append_val(probes, probe);
	}
}

static gint
by_place(gconstpointer a, gconstpointer b)
{
	const Probe *x = a, *y = b;

	return x->place < y->place ? -1 : x->place > y->place;
}

/*
 * Reads the block at once when it is in memory, else asks for it. Opened without a check: a file that is not the one
 * that was scanned is found out when its set turns out equal, or is opened for the second pass.
 */
static void
begin_probe(Lockstep *ls, Probe *probe)
{
	TidyCatalog *catalog = ls->catalog;
	TidyDupesStats *stats = &catalog->dupes->stats;
	TidyFs *fs = catalog->fs;
	guint32 file = member_file(ls, probe->member);
	int fd = tidy_catalog_open_unchecked(catalog, file);
	ssize_t got = -EAGAIN;

	if (fd < 0)
		return; /* met again, and handled, when the file is read */
	if (fs->pread_cached != NULL && !is_sparse(tidy_catalog_file(catalog, file)))
		got = fs->pread_cached(fs, fd, probe->block, probe->size, 0);
	if (got > 0) {
		stats->read_calls++;
		stats->read_bytes += (guint64)got;
	}
	probe->is_read = got == (ssize_t)probe->size;
	if (probe->is_read)
		tidy_catalog_close_file(catalog, file);
	else
		fs->advise(fs, fd, 0, (gint64)probe->size, POSIX_FADV_WILLNEED);
}

static void
end_probe(Lockstep *ls, const Probe *probe, guint32 *parts)
{
	guint32 file = member_file(ls, probe->member);
	TidyRange range = { 0, probe->size };
	int r;

	if (probe->is_read)
		return;
	r = read_range(ls, file, &range, probe->block);
	tidy_catalog_close_file(ls->catalog, file);
	if (r == 1) {
		memset(probe->block, 0, probe->size);
	} else if (r < 0) {
		tidy_sets_drop(ls->catalog, file, r);
		parts[probe->member] = TIDY_PART_NONE;
	}
}

/* FALSE when it was cancelled. */
static gboolean
read_probes(Lockstep *ls, GArray *probes, guint32 *parts)
{
	guint ahead = 0;
	guint window = ask_ahead_files(ls);

	g_array_sort(probes, by_place);
	for (guint i = 0; i < probes->len; i++) {
		for (; ahead < probes->len && ahead <= i + window; ahead++)
			begin_probe(ls, &g_array_index(probes, Probe, ahead));
		end_probe(ls, &g_array_index(probes, Probe, i), parts);
		if (i % 64 == 63 && tick(ls))
			return FALSE;
	}
	return TRUE;
}

static void
split_probed(Lockstep *ls, const TidyClass *cls, const guint8 *blocks, const guint32 *parts)
{
	TidyRange range = { 0, (gsize)MIN(cls->size, BLOCK) };
	gboolean is_kept;

	tidy_splitter_begin(ls->splitter, range.size, cls->count);
	g_array_set_size(ls->parts, cls->count);
	for (guint i = 0; i < cls->count; i++) {
		guint32 part = parts[cls->start + i];

		if (part != TIDY_PART_NONE)
			part = tidy_splitter_add(ls->splitter, blocks + i * range.size, &is_kept);
		g_array_index(ls->parts, guint32, i) = part;
	}
	split(ls, cls, &range, ls->rest);
}

static gsize
probe_bytes(const TidyClass *cls)
{
	return cls->count * (gsize)MIN(cls->size, BLOCK);
}

/* Room for @bytes. In huge pages where that pays: a fault for each 4 KiB costs as much as reading a cached block. */
static guint8 *
allocate_blocks(gsize bytes)
{
	guint8 *blocks = g_aligned_alloc(1, bytes, HUGE_PAGE);

	if (bytes >= HUGE_PAGE)
		madvise(blocks, bytes, MADV_HUGEPAGE);
	return blocks;
}

/* Classes [from, to), whose first blocks take @bytes. */
static void
probe_batch(Lockstep *ls, guint from, guint to, gsize bytes)
{
	g_autoptr(GArray) probes = g_array_new(FALSE, FALSE, sizeof(Probe));
	g_autofree guint32 *parts = g_new0(guint32, ls->sets->members->len);
	guint8 *at;

	if (bytes > ls->probed_size) {
		g_aligned_free(ls->probed);
		ls->probed = allocate_blocks(bytes);
		ls->probed_size = bytes;
	}
	at = ls->probed;
	for (guint i = from; i < to; i++) {
		const TidyClass *cls = &g_array_index(ls->sets->classes, TidyClass, i);

		add_probes(ls, cls, probes, at);
		at += probe_bytes(cls);
	}
	at = ls->probed;
	to = read_probes(ls, probes, parts) ? to : from;
	for (guint i = from; i < to; i++) {
		TidyClass cls = g_array_index(ls->sets->classes, TidyClass, i);

		split_probed(ls, &cls, at, parts);
		at += probe_bytes(&cls);
	}
}

/* Sorting on the device wants many; but memory that is used again is in the cache, and need not be cleared. */
static gsize
max_batch_bytes(Lockstep *ls, const TidyClass *cls)
{
	if (tidy_device_is_rotational(ls->devices, member_file(ls, cls->start)))
		return ls->block_bytes;
	return MIN(ls->block_bytes, PROBED_BYTES);
}

/* A class whose first blocks do not fit the memory goes to the second pass as it is. */
static void
first_pass(Lockstep *ls)
{
	GArray *classes = ls->sets->classes;
	guint from = 0;

	while (from < classes->len && !ls->catalog->dupes->is_partial) {
		gsize bytes = probe_bytes(&g_array_index(classes, TidyClass, from));
		gsize max_bytes = max_batch_bytes(ls, &g_array_index(classes, TidyClass, from));
		guint to = from + 1;

		if (bytes > ls->block_bytes) {
			g_array_append_val(ls->rest, g_array_index(classes, TidyClass, from));
			from++;
			continue;
		}
		for (; to < classes->len; to++) {
			gsize more = probe_bytes(&g_array_index(classes, TidyClass, to));

			if (bytes + more > max_bytes)
				break;
			bytes += more;
		}
		ls->catalog->dupes->stats.max_block_bytes =
			MAX(ls->catalog->dupes->stats.max_block_bytes, bytes);
		probe_batch(ls, from, to, bytes);
		from = to;
	}
	g_aligned_free(g_steal_pointer(&ls->probed));
}

/* ---- second pass: one class after the other ---- */

/* Asks for the first range of a class that will be read soon. */
static void
ask_ahead_class(Lockstep *ls, const TidyClass *cls)
{
	gint64 rest = cls->end - cls->offset;
	TidyRange range;

	if (cls->count > ask_ahead_files(ls) || !tidy_class_next(cls, BLOCK, &range))
		return;
	for (guint i = 0; i < cls->count; i++) {
		guint32 file = member_file(ls, cls->start + i);

		if (range.offset == cls->offset)
			ask_ahead(ls, file, cls->offset, MIN(rest, ASK_AHEAD_BYTES));
		else
			ask_ahead(ls, file, range.offset, (gint64)range.size);
	}
}

/* Once files share more than a header, the range after @range as well. */
static void
ask_for_next(Lockstep *ls, const TidyClass *cls, const TidyRange *range)
{
	gint64 next = range->offset + (gint64)range->size;
	gint64 size = MIN(cls->end - next, 2 * (gint64)range->size);

	if (cls->end == cls->size || size <= 0 ||
	    cls->count > tidy_catalog_max_files(ls->catalog) / 2)
		return;
	for (guint i = 0; i < cls->count; i++)
		ask_ahead(ls, member_file(ls, cls->start + i), next, size);
}

static gsize
max_block(Lockstep *ls, const TidyClass *cls)
{
	gsize share = ls->block_bytes / (cls->count + 1) / BLOCK * BLOCK;

	if (tidy_device_is_rotational(ls->devices, member_file(ls, cls->start)))
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
read_class(Lockstep *ls, const TidyClass *cls, const TidyRange *range)
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
		guint32 file = member_file(ls, cls->start + i);
		guint32 part = TIDY_PART_NONE;
		gboolean is_kept = FALSE;
		int r = read_range(ls, file, range, block);

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
skip_common_hole(Lockstep *ls, TidyClass *cls)
{
	gint64 data = cls->end;

	for (guint i = 0; i < cls->count && data > cls->offset; i++) {
		guint32 file = member_file(ls, cls->start + i);
		int fd;

		if (!is_sparse(tidy_catalog_file(ls->catalog, file)))
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
count_open_class(Lockstep *ls, const TidyClass *cls)
{
	if (cls->offset > 0) {
		ls->catalog->dupes->open_files += cls->count;
		ls->catalog->dupes->open_bytes += cls->count * (guint64)cls->size;
	}
}

/* Takes @cls apart to the end. */
static void
settle_class(Lockstep *ls, const TidyClass *first)
{
	g_autoptr(GArray) stack = g_array_new(FALSE, FALSE, sizeof(TidyClass));
	TidyRange range;

	g_array_append_val(stack, *first);
	while (stack->len > 0) {
		TidyClass cls = g_array_index(stack, TidyClass, stack->len - 1);

		g_array_set_size(stack, stack->len - 1);
		if (tick(ls)) {
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
		split(ls, &cls, &range, stack);
	}
}

static gint
by_first_file(gconstpointer a, gconstpointer b, gpointer data)
{
	const TidyClass *x = a, *y = b;
	guint32 first = member_file(data, x->start);
	guint32 second = member_file(data, y->start);

	return first < second ? -1 : first > second;
}

static void
second_pass(Lockstep *ls)
{
	guint ahead = 0;
	guint ahead_files = 0;

	g_array_sort_with_data(ls->rest, by_first_file, ls);
	for (guint i = 0; i < ls->rest->len; i++) {
		TidyClass cls = g_array_index(ls->rest, TidyClass, i);

		ahead = MAX(ahead, i);
		while (!ls->catalog->dupes->is_partial && ahead < ls->rest->len &&
		       ahead_files < ask_ahead_files(ls)) {
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
	Lockstep ls = {
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
	first_pass(&ls);
	second_pass(&ls);
	tidy_devices_free(ls.devices);
	tidy_splitter_free(ls.splitter);
	g_array_unref(ls.rest);
	g_array_unref(ls.parts);
	g_free(ls.blocks);
	g_free(ls.zeros);
}
