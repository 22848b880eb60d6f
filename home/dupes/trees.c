/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole directories that are equal. I/O. */
#include "home/dupes/trees.h"

#include <limits.h>
#include <string.h>

typedef struct {
	TidyCatalog *catalog;
	GArray *trees;
	GHashTable *units; /* signature (GBytes) -> number */
	guint dir;	   /* at hand */
	int fd;
	GHashTable *
		known; /* name -> file number, or directory number | IS_DIR, in the directory at hand */
	GPtrArray *entries; /* names of the directory at hand, each after a byte that is its type */
	GString *signature;
	guint n_found;
} Trees;

#define IS_DIR (1u << 31)

static TidyTree *
tree_of(Trees *trees, guint dir)
{
	return &g_array_index(trees->trees, TidyTree, dir);
}

/* ---- what is out of the question, without looking at the disk ---- */

static void
weigh_files(Trees *trees, guint dir)
{
	const TidyDirRecord *record = tidy_catalog_dir(trees->catalog, dir);
	TidyTree *tree = tree_of(trees, dir);

	for (guint i = record->first_file; i < record->first_file + record->n_files; i++) {
		const TidyFileRecord *file = tidy_catalog_file(trees->catalog, i);

		tree->size += file->size;
		if (file->nlink == 1 && !file->is_shared)
			tree->device_bytes += file->blocks * 512;
		if (file->content == 0)
			tree->is_possible = FALSE;
	}
}

/* Children have higher numbers than their parents, so going down the numbers goes up the trees. */
static void
weigh(Trees *trees)
{
	for (guint i = trees->catalog->dirs->len; i > 0; i--) {
		const TidyDirRecord *record = tidy_catalog_dir(trees->catalog, i - 1);
		TidyTree *tree = tree_of(trees, i - 1);
		TidyTree *above;

		if (record->flags & TIDY_DIR_INCOMPLETE)
			tree->is_possible = FALSE;
		weigh_files(trees, i - 1);
		if (record->parent == TIDY_NO_INDEX)
			continue;
		above = tree_of(trees, record->parent);
		above->is_possible = above->is_possible && tree->is_possible;
		above->size += tree->size;
		above->device_bytes += tree->device_bytes;
		above->height = MAX(above->height, tree->height + 1);
		tree->next_sibling = above->first_child;
		above->first_child = i - 1;
	}
}

/* ---- signatures ---- */

static gboolean
note_entry(const TidyDirent *entry, gpointer data)
{
	Trees *trees = data;
	gsize length = strlen(entry->name);
	char *noted = g_malloc(length + 2);

	noted[0] = (char)entry->type;
	memcpy(noted + 1, entry->name, length + 1);
	g_ptr_array_add(trees->entries, noted);
	return TRUE;
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x + 1, *y + 1);
}

static void
note_known(Trees *trees)
{
	TidyCatalog *catalog = trees->catalog;
	const TidyDirRecord *record = tidy_catalog_dir(catalog, trees->dir);
	guint child = tree_of(trees, trees->dir)->first_child;

	g_hash_table_remove_all(trees->known);
	for (guint i = record->first_file; i < record->first_file + record->n_files; i++)
		g_hash_table_insert(
			trees->known,
			(gpointer)tidy_catalog_name(catalog, tidy_catalog_file(catalog, i)->name),
			GUINT_TO_POINTER(i));
	for (; child != TIDY_NO_INDEX; child = tree_of(trees, child)->next_sibling)
		g_hash_table_insert(trees->known,
				    (gpointer)tidy_catalog_name(
					    catalog, tidy_catalog_dir(catalog, child)->name),
				    GUINT_TO_POINTER(child | IS_DIR));
}

static void
sign(Trees *trees, char kind, const char *name, gconstpointer what, gsize size)
{
	guint32 length = (guint32)size;

	g_string_append_c(trees->signature, kind);
	g_string_append_len(trees->signature, name, (gssize)strlen(name) + 1);
	g_string_append_len(trees->signature, (const char *)&length, sizeof length);
	g_string_append_len(trees->signature, what, (gssize)size);
}

static gboolean
sign_link(Trees *trees, const char *name)
{
	TidyFs *fs = trees->catalog->fs;
	char text[PATH_MAX];
	ssize_t length = fs->readlink(fs, trees->fd, name, text, sizeof text);

	if (length < 0 || (gsize)length >= sizeof text)
		return FALSE;
	sign(trees, 'l', name, text, (gsize)length);
	return TRUE;
}

/* Something that the scan did not keep: empty files and links are as good as any, all else is news. */
static gboolean
sign_unknown(Trees *trees, const char *name, TidyType type)
{
	TidyFs *fs = trees->catalog->fs;
	TidyStat st;

	if (type == TIDY_TYPE_LINK)
		return sign_link(trees, name);
	if (fs->stat(fs, trees->fd, name, &st) < 0)
		return FALSE;
	if (tidy_stat_type(&st) == TIDY_TYPE_LINK)
		return sign_link(trees, name);
	if (tidy_stat_type(&st) != TIDY_TYPE_FILE || st.size != 0)
		return FALSE;
	sign(trees, 'e', name, "", 0);
	return TRUE;
}

static gboolean
sign_entry(Trees *trees, const char *name, TidyType type)
{
	gpointer value;
	guint number;

	if (!g_hash_table_lookup_extended(trees->known, name, NULL, &value))
		return sign_unknown(trees, name, type);
	trees->n_found++;
	number = GPOINTER_TO_UINT(value);
	if (number & IS_DIR) {
		guint32 unit = tree_of(trees, number & ~IS_DIR)->unit;

		sign(trees, 'd', name, &unit, sizeof unit);
		return unit != 0 && (type == TIDY_TYPE_DIR || type == TIDY_TYPE_UNKNOWN);
	}
	sign(trees, 'f', name, &tidy_catalog_file(trees->catalog, number)->content,
	     sizeof(guint32));
	return type == TIDY_TYPE_FILE || type == TIDY_TYPE_UNKNOWN;
}

/* FALSE when the directory cannot be read, or is no longer what the scan saw. */
static gboolean
sign_dir(Trees *trees)
{
	TidyCatalog *catalog = trees->catalog;

	trees->fd = tidy_catalog_open_dir(catalog, trees->dir);
	if (trees->fd < 0)
		return FALSE;
	g_ptr_array_set_size(trees->entries, 0);
	if (tidy_fs_list(catalog->fs, trees->fd, note_entry, trees) < 0)
		return FALSE;
	g_ptr_array_sort(trees->entries, by_name);
	note_known(trees);
	g_string_truncate(trees->signature, 0);
	trees->n_found = 0;
	for (guint i = 0; i < trees->entries->len; i++) {
		const char *entry = trees->entries->pdata[i];

		if (!sign_entry(trees, entry + 1, (TidyType)entry[0]))
			return FALSE;
	}
	return trees->n_found == g_hash_table_size(trees->known);
}

static guint32
unit_number(Trees *trees)
{
	GBytes *key = g_bytes_new(trees->signature->str, trees->signature->len);
	guint32 number = GPOINTER_TO_UINT(g_hash_table_lookup(trees->units, key));

	if (number != 0) {
		g_bytes_unref(key);
		return number;
	}
	number = g_hash_table_size(trees->units) + 1;
	g_hash_table_insert(trees->units, key, GUINT_TO_POINTER(number));
	return number;
}

/* Directories without any content matter only as part of one that has some. */
static gboolean
is_worth_it(Trees *trees, guint dir)
{
	const TidyDirRecord *record = tidy_catalog_dir(trees->catalog, dir);
	const TidyTree *tree = tree_of(trees, dir);

	if (!tree->is_possible || record->parent == TIDY_NO_INDEX)
		return FALSE;
	return tree->size > 0 || tree_of(trees, record->parent)->is_possible;
}

GArray *
tidy_trees_find(TidyCatalog *catalog)
{
	TidyTree unknown = { .is_possible = TRUE,
			     .first_child = TIDY_NO_INDEX,
			     .next_sibling = TIDY_NO_INDEX };
	Trees trees = {
		.catalog = catalog,
		.trees = g_array_new(FALSE, FALSE, sizeof(TidyTree)),
		.units = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
					       (GDestroyNotify)g_bytes_unref, NULL),
		.known = g_hash_table_new(g_str_hash, g_str_equal),
		.entries = g_ptr_array_new_with_free_func(g_free),
		.signature = g_string_new(NULL),
	};

	for (guint i = 0; i < catalog->dirs->len; i++)
		g_array_append_val(trees.trees, unknown);
	weigh(&trees);
	for (guint i = catalog->dirs->len; i > 0; i--) {
		trees.dir = i - 1;
		if (is_worth_it(&trees, i - 1) && sign_dir(&trees))
			tree_of(&trees, i - 1)->unit = unit_number(&trees);
	}
	g_hash_table_unref(trees.units);
	g_hash_table_unref(trees.known);
	g_ptr_array_unref(trees.entries);
	g_string_free(trees.signature, TRUE);
	return trees.trees;
}
