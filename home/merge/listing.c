/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listings of directories, sorted, and the names that two of them share. Pure. */
#include <string.h>

#include "home/merge/plan.h"

/* Names are kept in blocks: one allocation for hundreds. */
#define NAMES_BLOCK_BYTES 4096

/* The width of TidyEntry.link. */
#define LINKS_MAX 0xffffff

static void
link_texts_free(gpointer data)
{
	TidyLinkTexts *link = data;

	g_free(link->old_text);
	g_free(link->new_text);
	g_free(link);
}

TidyListing *
tidy_listing_new(void)
{
	TidyListing *listing = g_new0(TidyListing, 1);

	listing->entries = g_array_new(FALSE, TRUE, sizeof(TidyEntry));
	listing->names = g_string_chunk_new(NAMES_BLOCK_BYTES);
	return listing;
}

void
tidy_listing_free(TidyListing *listing)
{
	g_array_unref(listing->entries);
	g_string_chunk_free(listing->names);
	g_clear_pointer(&listing->links, g_ptr_array_unref);
	g_free(listing);
}

TidyEntry *
tidy_listing_add(TidyListing *listing, const char *name, guint64 ino, TidyType type)
{
	TidyEntry entry = {
		.name = g_string_chunk_insert(listing->names, name),
		.ino = ino,
		.type = type,
	};

	g_array_append_val(listing->entries, entry);
	return &g_array_index(listing->entries, TidyEntry, listing->entries->len - 1);
}

gboolean
tidy_listing_set_link(TidyListing *listing, TidyEntry *entry, char *old_text, char *new_text)
{
	TidyLinkTexts *link = g_new(TidyLinkTexts, 1);

	g_assert(entry->link == 0);
	*link = (TidyLinkTexts){ old_text, new_text };
	if (listing->links == NULL)
		listing->links = g_ptr_array_new_with_free_func(link_texts_free);
	if (listing->links->len == LINKS_MAX) {
		link_texts_free(link);
		return FALSE;
	}
	g_ptr_array_add(listing->links, link);
	entry->link = listing->links->len & LINKS_MAX;
	return TRUE;
}

const TidyLinkTexts *
tidy_listing_link(const TidyListing *listing, const TidyEntry *entry)
{
	return entry->link != 0 ? g_ptr_array_index(listing->links, entry->link - 1) : NULL;
}

gsize
tidy_listing_disk_order(const TidyEntry *entry)
{
	/* Names are put into their blocks as they come. */
	return GPOINTER_TO_SIZE(entry->name);
}

static int
compare_entries(gconstpointer a, gconstpointer b)
{
	return strcmp(((const TidyEntry *)a)->name, ((const TidyEntry *)b)->name);
}

static void
swap_entries(TidyEntry *a, TidyEntry *b)
{
	TidyEntry other = *a;

	*a = *b;
	*b = other;
}

static guchar
middle(guchar a, guchar b, guchar c)
{
	return MAX(MIN(a, b), MIN(MAX(a, b), c));
}

/* Entries whose names agree in their first @depth bytes. */
typedef struct {
	TidyEntry *entries;
	gsize n;
	gsize depth;
} Part;

/* Into those whose next byte is below that of a pivot, the same, and above. */
static void
split_part(const Part *part, Part parts[3])
{
	TidyEntry *entries = part->entries;
	gsize depth = part->depth;
	guchar pivot =
		middle((guchar)entries[0].name[depth], (guchar)entries[part->n / 2].name[depth],
		       (guchar)entries[part->n - 1].name[depth]);
	gsize below = 0;
	gsize above = part->n;

	for (gsize i = 0; i < above;) {
		guchar byte = (guchar)entries[i].name[depth];

		if (byte < pivot)
			swap_entries(&entries[below++], &entries[i++]);
		else if (byte > pivot)
			swap_entries(&entries[i], &entries[--above]);
		else
			i++;
	}
	parts[0] = (Part){ entries, below, depth };
	/* Equal up to the end: one name given twice. */
	parts[1] = (Part){ entries + below, pivot == '\0' ? 0 : above - below, depth + 1 };
	parts[2] = (Part){ entries + above, part->n - above, depth };
}

/*
 * Multikey quicksort (Bentley and Sedgewick, SODA 1997): in place, because a merge sort of a million names wants as
 * much memory again, and no byte is looked at much more than once. The loop goes on with the largest part, so that the
 * stack is at most log2(n) deep.
 */
static void
sort_part(Part part)
{
	while (part.n > 1) {
		Part parts[3];
		gsize largest = 0;

		split_part(&part, parts);
		for (gsize i = 1; i < 3; i++) {
			if (parts[i].n > parts[largest].n)
				largest = i;
		}
		for (gsize i = 0; i < 3; i++) {
			if (i != largest)
				sort_part(parts[i]);
		}
		part = parts[largest];
	}
}

void
tidy_listing_sort(TidyListing *listing)
{
	sort_part((Part){ (TidyEntry *)(void *)listing->entries->data, listing->entries->len, 0 });
}

TidyEntry *
tidy_listing_find(const TidyListing *listing, const char *name)
{
	TidyEntry key = { .name = name };
	guint at;

	if (!g_array_binary_search(listing->entries, &key, compare_entries, &at))
		return NULL;
	return &g_array_index(listing->entries, TidyEntry, at);
}

static const TidyEntry *
entry_at(const TidyListing *listing, guint index)
{
	return &g_array_index(listing->entries, TidyEntry, index);
}

GArray *
tidy_plan_twins(const TidyListing *source, const TidyListing *target)
{
	GArray *twins = g_array_new(FALSE, TRUE, sizeof(TidyTwin));
	guint s = 0;
	guint t = 0;

	while (s < source->entries->len && t < target->entries->len) {
		int order = strcmp(entry_at(source, s)->name, entry_at(target, t)->name);

		if (order == 0) {
			TidyTwin twin = { .source_index = s, .target_index = t };

			g_array_append_val(twins, twin);
		}
		s += order <= 0;
		t += order >= 0;
	}
	return twins;
}
