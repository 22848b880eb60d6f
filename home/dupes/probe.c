/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first pass of the comparison: the first 4 KiB of every file that shares its size, many classes at a time. I/O.
 *
 * A block that is in memory already is read when the file is opened; for the others the device is asked, and they are
 * read 64 files later.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "home/compare/compare.h"
#include "home/dupes/lockstep-private.h"

#define BLOCK	     TIDY_COMPARE_BLOCK_MIN
#define PROBED_BYTES (8 * 1024 * 1024)
#define HUGE_PAGE    (2 * 1024 * 1024)

/* One file. */
typedef struct {
	guint64 place; /* on the device, or in the walk */
	guint member;
	guint8 *block;
	gsize size;
	gboolean is_read;
} Probe;

static void
add_probes(TidyLockstep *ls, const TidyClass *cls, GArray *probes, guint8 *blocks)
{
	gsize size = (gsize)MIN(cls->size, BLOCK);

	for (guint i = 0; i < cls->count; i++) {
		Probe probe = { .member = cls->start + i,
				.block = blocks + i * size,
				.size = size };
		guint32 file = tidy_lockstep_file(ls, probe.member);

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
begin_probe(TidyLockstep *ls, Probe *probe)
{
	TidyCatalog *catalog = ls->catalog;
	TidyDupesStats *stats = &catalog->dupes->stats;
	TidyFs *fs = catalog->fs;
	guint32 file = tidy_lockstep_file(ls, probe->member);
	int fd = tidy_catalog_open_unchecked(catalog, file);
	ssize_t got = -EAGAIN;

	if (fd < 0)
		return; /* met again, and handled, when the file is read */
	if (fs->pread_cached != NULL && !tidy_lockstep_is_sparse(tidy_catalog_file(catalog, file)))
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
end_probe(TidyLockstep *ls, const Probe *probe, guint32 *parts)
{
	guint32 file = tidy_lockstep_file(ls, probe->member);
	TidyRange range = { 0, probe->size };
	int r;

	if (probe->is_read)
		return;
	r = tidy_lockstep_read(ls, file, &range, probe->block);
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
read_probes(TidyLockstep *ls, GArray *probes, guint32 *parts)
{
	guint ahead = 0;
	guint window = tidy_lockstep_ahead_files(ls);

	g_array_sort(probes, by_place);
	for (guint i = 0; i < probes->len; i++) {
		for (; ahead < probes->len && ahead <= i + window; ahead++)
			begin_probe(ls, &g_array_index(probes, Probe, ahead));
		end_probe(ls, &g_array_index(probes, Probe, i), parts);
		if (i % 64 == 63 && tidy_lockstep_tick(ls))
			return FALSE;
	}
	return TRUE;
}

static void
split_probed(TidyLockstep *ls, const TidyClass *cls, const guint8 *blocks, const guint32 *parts)
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
	tidy_lockstep_split(ls, cls, &range, ls->rest);
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
probe_batch(TidyLockstep *ls, guint from, guint to, gsize bytes)
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
max_batch_bytes(TidyLockstep *ls, const TidyClass *cls)
{
	if (tidy_device_is_rotational(ls->devices, tidy_lockstep_file(ls, cls->start)))
		return ls->block_bytes;
	return MIN(ls->block_bytes, PROBED_BYTES);
}

/* A class whose first blocks do not fit the memory goes to the second pass as it is. */
void
tidy_lockstep_probe(TidyLockstep *ls)
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
