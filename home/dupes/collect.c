/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first answers: sizes, hard links, shared blocks. I/O. */
#include "home/dupes/collect.h"

#include <errno.h>
#include <linux/fiemap.h>

#include "home/dupes/device.h"

/* Below this a read costs about as much as asking for the extents. */
#define SHARED_MIN_BYTES (128 * 1024)
#define EXTENTS_A_CALL	 256
/* A file in more pieces than this is read instead. */
#define MAX_EXTENTS 8192

/* An extent with one of these does not say where its bytes are: not written yet, packed with others, compressed
 * (two files may use different parts of one compressed extent under one address). */
#define UNCLEAR                                                                            \
	(FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_ENCODED |          \
	 FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL | FIEMAP_EXTENT_NOT_ALIGNED | \
	 FIEMAP_EXTENT_UNWRITTEN)

typedef struct {
	gint64 size;
	guint64 dev;
	guint64 ino;
	guint32 file;
} Key;

void
tidy_sets_init(TidySets *sets)
{
	sets->members = g_array_new(FALSE, FALSE, sizeof(guint32));
	sets->classes = g_array_new(FALSE, FALSE, sizeof(TidyClass));
	sets->contents = g_array_new(FALSE, FALSE, sizeof(TidyContent));
}

void
tidy_sets_deinit(TidySets *sets)
{
	g_array_unref(sets->members);
	g_array_unref(sets->classes);
	g_array_unref(sets->contents);
}

static void
number_names(TidyCatalog *catalog, guint file, guint32 content)
{
	for (guint twin = file; twin != TIDY_NO_INDEX;
	     twin = tidy_catalog_file(catalog, twin)->next_twin) {
		for (guint name = twin; name != TIDY_NO_INDEX;
		     name = tidy_catalog_file(catalog, name)->next_link)
			tidy_catalog_file(catalog, name)->content = content;
	}
}

void
tidy_sets_add_content(TidyCatalog *catalog, TidySets *sets, guint start, guint count)
{
	TidyContent content = { start, count };

	g_array_append_val(sets->contents, content);
	for (guint i = start; i < start + count; i++)
		number_names(catalog, g_array_index(sets->members, guint32, i),
			     sets->contents->len);
}

void
tidy_sets_drop(TidyCatalog *catalog, guint file, int error)
{
	gboolean is_changed = error == -ESTALE || error == -ENOENT || error == -ENOTDIR ||
			      error == -ELOOP || error == -EPIPE;

	tidy_catalog_close_file(catalog, file);
	tidy_catalog_skip_file(catalog, file,
			       is_changed ? TIDY_DUPES_SKIP_CHANGED : TIDY_DUPES_SKIP_UNREADABLE,
			       error == -ESTALE || error == -EPIPE ? 0 : -error);
}

/* ---- by size ---- */

static gint
by_size_and_inode(gconstpointer a, gconstpointer b)
{
	const Key *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->file < y->file ? -1 : x->file > y->file;
}

static GArray *
sorted_keys(TidyCatalog *catalog)
{
	GArray *keys = g_array_sized_new(FALSE, FALSE, sizeof(Key), catalog->files->len);

	for (guint i = 0; i < catalog->files->len; i++) {
		const TidyFileRecord *file = tidy_catalog_file(catalog, i);
		Key key = { file->size, tidy_catalog_dir(catalog, file->dir)->dev, file->ino, i };

		g_array_append_val(keys, key);
	}
	g_array_sort(keys, by_size_and_inode);
	return keys;
}

/* Chains the names of one inode from keys[at] on; the place after them. */
static guint
chain_links(TidyCatalog *catalog, GArray *keys, guint at)
{
	const Key *first = &g_array_index(keys, Key, at);
	guint32 last = first->file;

	for (at++; at < keys->len; at++) {
		const Key *key = &g_array_index(keys, Key, at);

		if (key->ino != first->ino || key->dev != first->dev || key->size != first->size)
			break;
		tidy_catalog_file(catalog, last)->next_link = key->file;
		last = key->file;
	}
	return at;
}

/* ---- by shared blocks ---- */

static gboolean
add_extents(GByteArray *key, const TidyExtent *extents, guint count, gboolean *is_last)
{
	for (guint i = 0; i < count; i++) {
		const TidyExtent *extent = &extents[i];
		guint64 values[3] = { extent->logical, extent->physical, extent->length };

		if ((extent->flags & UNCLEAR) != 0 || (extent->flags & FIEMAP_EXTENT_SHARED) == 0)
			return FALSE;
		g_byte_array_append(key, (const guint8 *)values, sizeof values);
		*is_last = (extent->flags & FIEMAP_EXTENT_LAST) != 0;
	}
	return TRUE;
}

/* Where all of the file's blocks are; NULL when some of them are its own, or when that is not clear. */
static GBytes *
shared_blocks(TidyCatalog *catalog, guint file)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	TidyFs *fs = catalog->fs;
	TidyExtent extents[EXTENTS_A_CALL];
	guint64 dev = tidy_catalog_dir(catalog, tidy_catalog_file(catalog, file)->dir)->dev;
	gboolean is_last = FALSE;
	gint64 offset = 0;
	int fd = tidy_catalog_open_file(catalog, file);

	if (fd < 0)
		return NULL;
	g_byte_array_append(key, (const guint8 *)&dev, sizeof dev);
	while (!is_last && key->len < MAX_EXTENTS * 3 * sizeof(guint64)) {
		int count = fs->extents(fs, fd, offset, extents, EXTENTS_A_CALL);

		if (count <= 0 || !add_extents(key, extents, (guint)count, &is_last))
			break;
		offset = (gint64)(extents[count - 1].logical + extents[count - 1].length);
	}
	tidy_catalog_close_file(catalog, file);
	return is_last ? g_byte_array_free_to_bytes(g_steal_pointer(&key)) : NULL;
}

/* Makes twins of the members from @start on that share all their blocks, and takes all but one of each out. */
static void
join_twins(TidyCatalog *catalog, GArray *members, guint start)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
							   (GDestroyNotify)g_bytes_unref, NULL);
	guint kept = start;

	for (guint i = start; i < members->len; i++) {
		guint32 file = g_array_index(members, guint32, i);
		TidyFileRecord *record = tidy_catalog_file(catalog, file);
		GBytes *key = shared_blocks(catalog, file);
		gpointer first = NULL;

		if (key != NULL && g_hash_table_lookup_extended(seen, key, NULL, &first)) {
			TidyFileRecord *twin = tidy_catalog_file(catalog, GPOINTER_TO_UINT(first));

			record->is_shared = twin->is_shared = TRUE;
			record->next_twin = twin->next_twin;
			twin->next_twin = file;
			catalog->dupes->stats.shared_files++;
			g_bytes_unref(key);
			continue;
		}
		if (key != NULL)
			g_hash_table_insert(seen, key, GUINT_TO_POINTER(file));
		g_array_index(members, guint32, kept++) = file;
	}
	g_array_set_size(members, kept);
}

/* ---- classes ---- */

/* The members from @start on, all of @size, become a class, or a content when there is but one. */
static void
end_class(TidyCatalog *catalog, TidySets *sets, TidyDevices *devices, guint start, gint64 size)
{
	GArray *members = sets->members;
	guint32 first = g_array_index(members, guint32, start);
	guint count = members->len - start;
	TidyClass cls;

	if (count > 1) {
		catalog->dupes->stats.candidates += count;
		catalog->dupes->stats.candidate_bytes += count * (guint64)size;
		if (size >= SHARED_MIN_BYTES && tidy_device_can_share(devices, first))
			join_twins(catalog, members, start);
	}
	cls = tidy_class_new(start, members->len - start, size);
	if (cls.count > 1)
		g_array_append_val(sets->classes, cls);
	else if (tidy_catalog_file(catalog, first)->next_link != TIDY_NO_INDEX ||
		 tidy_catalog_file(catalog, first)->next_twin != TIDY_NO_INDEX)
		tidy_sets_add_content(catalog, sets, start, 1);
	else
		g_array_set_size(members, start);
}

void
tidy_collect(TidyCatalog *catalog, TidySets *sets)
{
	g_autoptr(GArray) keys = sorted_keys(catalog);
	g_autoptr(TidyDevices) devices = tidy_devices_new(catalog);
	guint at = 0;

	while (at < keys->len) {
		gint64 size = g_array_index(keys, Key, at).size;
		guint start = sets->members->len;

		while (at < keys->len && g_array_index(keys, Key, at).size == size) {
			g_array_append_val(sets->members, g_array_index(keys, Key, at).file);
			at = chain_links(catalog, keys, at);
		}
		end_class(catalog, sets, devices, start, size);
	}
}
