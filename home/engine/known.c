/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The directories that a journal knows. I/O. */
#include "home/engine/known.h"

typedef struct {
	guint32 parent; /* number of its first record; 0: @name is an absolute path */
	const char *name;
} Key;

struct TidyKnown {
	const GPtrArray *dirs;
	guint32 *first;
	Key *keys;
	GHashTable *by_key;  /* Key -> TidyDir, of its last record */
	GHashTable *changed; /* numbers of records */
};

static guint
key_hash(gconstpointer data)
{
	const Key *key = data;

	return g_str_hash(key->name) ^ key->parent * 0x9e3779b1U;
}

static gboolean
key_equal(gconstpointer a, gconstpointer b)
{
	const Key *x = a;
	const Key *y = b;

	return x->parent == y->parent && g_str_equal(x->name, y->name);
}

/* Parents come before their children. */
static guint32 *
number(const TidyJournal *journal, Key *keys)
{
	g_autoptr(GHashTable) numbers = g_hash_table_new(key_hash, key_equal);
	guint32 *first = g_new0(guint32, journal->dirs->len + 1);

	for (guint i = 0; i < journal->dirs->len; i++) {
		const TidyDirInfo *info = g_ptr_array_index(journal->dirs, i);

		keys[i] = (Key){ info->parent != 0 ? first[info->parent - 1] : 0, info->name };
		first[i] = GPOINTER_TO_UINT(g_hash_table_lookup(numbers, &keys[i]));
		if (first[i] != 0)
			continue;
		first[i] = i + 1;
		g_hash_table_insert(numbers, &keys[i], GUINT_TO_POINTER(i + 1));
	}
	return first;
}

guint32 *
tidy_known_first_records(const TidyJournal *journal)
{
	g_autofree Key *keys = g_new(Key, journal->dirs->len + 1);

	return number(journal, keys);
}

static GHashTable *
index_changed(const TidyJournal *journal)
{
	GHashTable *changed = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < journal->steps->len; i++) {
		const TidyStep *step = g_ptr_array_index(journal->steps, i);

		if (step->op == TIDY_OP_TIMES)
			continue;
		g_hash_table_add(changed, GUINT_TO_POINTER(step->dir));
		g_hash_table_add(changed, GUINT_TO_POINTER(step->to_dir));
	}
	g_hash_table_remove(changed, GUINT_TO_POINTER(0)); /* no directory */
	return changed;
}

TidyKnown *
tidy_known_new(const TidyJournal *journal, const GPtrArray *dirs)
{
	TidyKnown *known = g_new0(TidyKnown, 1);

	known->dirs = dirs;
	known->keys = g_new(Key, dirs->len + 1);
	known->first = number(journal, known->keys);
	known->by_key = g_hash_table_new(key_hash, key_equal);
	for (guint i = 0; i < dirs->len; i++)
		g_hash_table_insert(known->by_key, &known->keys[i], g_ptr_array_index(dirs, i));
	known->changed = index_changed(journal);
	return known;
}

void
tidy_known_free(TidyKnown *known)
{
	g_hash_table_unref(known->by_key);
	g_hash_table_unref(known->changed);
	g_free(known->keys);
	g_free(known->first);
	g_free(known);
}

TidyDir *
tidy_known_find(const TidyKnown *known, const TidyDir *parent, const char *name)
{
	Key key = { 0, name };
	TidyDir *dir;

	/* Numbers above those of the journal are of directories that it does not know. */
	if (parent != NULL && (parent->id == 0 || parent->id > known->dirs->len))
		return NULL;
	if (parent != NULL)
		key.parent = known->first[parent->id - 1];
	dir = g_hash_table_lookup(known->by_key, &key);
	/* It may have been removed and made again since. */
	return dir != NULL && tidy_dir_fd(dir) >= 0 ? dir : NULL;
}

gboolean
tidy_known_was_changed(const TidyKnown *known, const TidyDir *dir)
{
	return g_hash_table_contains(known->changed, GUINT_TO_POINTER(dir->id));
}
