/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sets of files that are equal so far, and how they fall apart. Pure. */
#include "home/dupes/split.h"

#include <string.h>

#include "home/compare/compare.h"

/* So little is read in one call: the reads that it saves cost more than the bytes that it may waste. */
#define REST_BYTES (64 * 1024)
/* More files than this: the tail is likely to part some of them, and each one parted saves its whole rest. */
#define MANY_MEMBERS 4
/* Few files: four equal blocks mean that they share more than a header. */
#define BLOCKS_BEFORE_TAIL 4

TidyClass
tidy_class_new(guint start, guint count, gint64 size)
{
	return (TidyClass){ .start = start, .count = count, .size = size, .end = size };
}

static gboolean
wants_tail(const TidyClass *cls)
{
	return cls->end == cls->size &&
	       (cls->count > MANY_MEMBERS || cls->equal_blocks >= BLOCKS_BEFORE_TAIL);
}

gboolean
tidy_class_next(const TidyClass *cls, gsize max_block, TidyRange *range)
{
	gint64 rest = cls->end - cls->offset;
	gint64 block = (gint64)MIN(tidy_compare_block_size(cls->equal_blocks), max_block);

	if (rest <= 0)
		return FALSE;
	range->offset = cls->offset;
	if (cls->equal_blocks > 0 && rest > TIDY_COMPARE_BLOCK_MIN && wants_tail(cls)) {
		range->offset = (cls->size - 1) / TIDY_COMPARE_BLOCK_MIN * TIDY_COMPARE_BLOCK_MIN;
		block = cls->size - range->offset;
	} else if (cls->equal_blocks > 0 && rest <= REST_BYTES) {
		block = MIN(rest, (gint64)max_block);
	} else if (block == TIDY_COMPARE_BLOCK_MAX) {
		block = (gint64)max_block; /* a rotating disk: more than the usual megabyte */
	}
	range->size = (gsize)MIN(rest, block);
	return TRUE;
}

void
tidy_class_skip(TidyClass *cls, gint64 offset)
{
	cls->offset = CLAMP(offset, cls->offset, cls->end);
}

/* ---- telling blocks apart ---- */

typedef struct {
	const guint8 *block;
	guint32 part;
} Kept;

struct TidySplitter {
	gsize size;
	guint max_blocks;
	GArray *kept;		  /* of Kept, sorted by bytes */
	GHashTable *fingerprints; /* guint64 -> part; what found no place in kept */
	guint n_parts;
};

TidySplitter *
tidy_splitter_new(void)
{
	TidySplitter *splitter = g_new0(TidySplitter, 1);

	splitter->kept = g_array_new(FALSE, FALSE, sizeof(Kept));
	splitter->fingerprints = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	return splitter;
}

void
tidy_splitter_free(TidySplitter *splitter)
{
	g_array_unref(splitter->kept);
	g_hash_table_unref(splitter->fingerprints);
	g_free(splitter);
}

void
tidy_splitter_begin(TidySplitter *splitter, gsize size, guint max_blocks)
{
	splitter->size = size;
	splitter->max_blocks = MAX(max_blocks, 1);
	splitter->n_parts = 0;
	g_array_set_size(splitter->kept, 0);
	if (g_hash_table_size(splitter->fingerprints) > 0)
		g_hash_table_remove_all(splitter->fingerprints);
}

/* Where @block is in kept, or belongs. */
static gboolean
find_kept(const TidySplitter *splitter, const guint8 *block, guint *place)
{
	guint low = 0;
	guint high = splitter->kept->len;

	while (low < high) {
		guint middle = low + (high - low) / 2;
		const Kept *kept = &g_array_index(splitter->kept, Kept, middle);
		int order = memcmp(block, kept->block, splitter->size);

		if (order == 0) {
			*place = middle;
			return TRUE;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	*place = low;
	return FALSE;
}

/* Equal bytes give equal numbers; nothing is concluded from equal numbers, so it need not be a good hash. */
static guint64
fingerprint_of(const guint8 *bytes, gsize size)
{
	guint64 hash = size;
	guint64 word;

	for (; size >= sizeof word; bytes += sizeof word, size -= sizeof word) {
		memcpy(&word, bytes, sizeof word);
		hash = (hash ^ word) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	for (; size > 0; bytes++, size--)
		hash = (hash ^ *bytes) * G_GUINT64_CONSTANT(0x100000001b3);
	return hash;
}

static guint
part_by_fingerprint(TidySplitter *splitter, const guint8 *block)
{
	guint64 fingerprint = fingerprint_of(block, splitter->size);
	gpointer part;

	if (g_hash_table_lookup_extended(splitter->fingerprints, &fingerprint, NULL, &part))
		return GPOINTER_TO_UINT(part);
	g_hash_table_insert(splitter->fingerprints, g_memdup2(&fingerprint, sizeof fingerprint),
			    GUINT_TO_POINTER(splitter->n_parts));
	return splitter->n_parts++;
}

guint
tidy_splitter_add(TidySplitter *splitter, const guint8 *block, gboolean *is_kept)
{
	Kept kept = { block, splitter->n_parts };
	guint place;

	*is_kept = FALSE;
	if (find_kept(splitter, block, &place))
		return g_array_index(splitter->kept, Kept, place).part;
	if (splitter->kept->len >= splitter->max_blocks)
		return part_by_fingerprint(splitter, block);
	g_array_insert_val(splitter->kept, place, kept);
	*is_kept = TRUE;
	return splitter->n_parts++;
}

guint
tidy_splitter_n_parts(const TidySplitter *splitter)
{
	return splitter->n_parts;
}

/* Blocks are kept until there is no more room, and only then fingerprints begin. */
gboolean
tidy_splitter_is_sure(const TidySplitter *splitter, guint part)
{
	return part < splitter->kept->len;
}

/* ---- falling apart ---- */

/* @cls after @range was found equal in its members. */
static TidyClass
advanced(const TidyClass *cls, const TidyRange *range)
{
	TidyClass next = *cls;

	if (range->offset == cls->offset) {
		next.offset += (gint64)range->size;
		next.equal_blocks++;
	} else {
		next.end = range->offset;
	}
	return next;
}

static gboolean
is_one_part(const guint32 *parts, guint count)
{
	for (guint i = 0; i < count; i++) {
		if (parts[i] != 0)
			return FALSE;
	}
	return TRUE;
}

/* Puts the slice into the order of the parts (counting sort); @ends[p] is where part p ends. */
static void
order_by_part(guint32 *slice, const guint32 *parts, guint count, guint32 *ends, guint n_parts)
{
	g_autofree guint32 *old = g_memdup2(slice, count * sizeof *slice);
	guint32 sum = 0;

	for (guint i = 0; i < count; i++) {
		if (parts[i] != TIDY_PART_NONE)
			ends[parts[i]]++;
	}
	for (guint p = 0; p < n_parts; p++) {
		guint32 size = ends[p];

		ends[p] = sum; /* its begin, which moves on to its end below */
		sum += size;
	}
	for (guint i = 0; i < count; i++) {
		if (parts[i] != TIDY_PART_NONE)
			slice[ends[parts[i]]++] = old[i];
		else
			slice[sum++] = old[i];
	}
}

void
tidy_class_split(const TidyClass *cls, const TidyRange *range, const TidySplitter *splitter,
		 guint32 *members, const guint32 *parts, GArray *out)
{
	TidyClass next = advanced(cls, range);
	guint n_parts = splitter->n_parts;
	g_autofree guint32 *ends = NULL;
	guint begin = 0;

	if (n_parts <= 1 && is_one_part(parts, cls->count)) {
		g_array_append_val(out, next);
		return;
	}
	ends = g_new0(guint32, n_parts + 1);
	order_by_part(members + cls->start, parts, cls->count, ends, n_parts);
	for (guint p = 0; p < n_parts; p++) {
		TidyClass part = tidy_splitter_is_sure(splitter, p) ? next : *cls;

		part.start = cls->start + begin;
		part.count = ends[p] - begin;
		begin = ends[p];
		if (part.count >= 2)
			g_array_append_val(out, part);
	}
}
