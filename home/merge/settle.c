/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When the entries of one directory are finished. Pure. */
#include "home/merge/settle.h"

#include <string.h>

#define BACKOFF_MAX_USEC (G_TIME_SPAN_MINUTE * 15)
/* Also with a quiet time of zero a busy name must not keep the processor busy. */
#define BACKOFF_MIN_USEC (G_TIME_SPAN_MILLISECOND * 250)

/*
 * The life of a name. The cases are named in the tests.
 *
 *  1. ARRIVED or CHANGED at t            -> due at t + quiet
 *  2. again before that                  -> due moves
 *  3. GONE                               -> forgotten
 *  4. take() at or after due             -> taken, no deadline
 *  5. back() of a taken name             -> due at now + quiet * 2^n, n from 1, at most backoff_max
 *  6. any event on a name that backed off-> as 1
 *  7. a partial name                     -> no deadline: only its rename (GONE + ARRIVED of the new name) helps
 *  8. "x" while "x.<anything>" is partial-> no deadline: browsers put an empty "x" beside "x.part"
 *  9. missing in a listing               -> forgotten
 */
typedef struct {
	gint64 changed_usec;
	gint64 due_usec;
	guint n_back;
	gboolean is_partial;
	gboolean is_taken;
	gboolean is_seen; /* by the listing under way */
} Entry;

struct TidySettle {
	TidySettleOptions options;
	GHashTable *entries;  /* name -> Entry */
	GHashTable *partials; /* the partial names among them; borrowed */
	guint n_taken;
	gint64 deadline; /* as last found out; G_MININT64: to be found out */
};

TidySettle *
tidy_settle_new(const TidySettleOptions *options)
{
	TidySettle *settle = g_new0(TidySettle, 1);

	settle->options = *options;
	if (settle->options.backoff_max_usec <= 0)
		settle->options.backoff_max_usec = BACKOFF_MAX_USEC;
	settle->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	settle->partials = g_hash_table_new(g_str_hash, g_str_equal);
	settle->deadline = G_MININT64;
	return settle;
}

void
tidy_settle_free(TidySettle *settle)
{
	g_hash_table_unref(settle->partials);
	g_hash_table_unref(settle->entries);
	g_free(settle);
}

static gint64
add_saturated(gint64 time, gint64 span)
{
	return time > G_MAXINT64 - 1 - span ? G_MAXINT64 - 1 : time + span;
}

/* A burst of many names must not look through all of them at each: the deadline stays known until the entry that it is of
 * changes, or one comes before it. */
static void
entry_set_due(TidySettle *settle, Entry *entry, gint64 due)
{
	if (entry->due_usec == settle->deadline || due < settle->deadline)
		settle->deadline = G_MININT64;
	entry->due_usec = due;
}

static void
entry_set_taken(TidySettle *settle, Entry *entry, gboolean is_taken)
{
	settle->n_taken += (guint)is_taken - (guint)entry->is_taken;
	entry->is_taken = is_taken;
	settle->deadline = G_MININT64;
}

static Entry *
entry_add(TidySettle *settle, const char *name)
{
	const TidySettleOptions *options = &settle->options;
	Entry *entry = g_new0(Entry, 1);
	char *key = g_strdup(name);

	entry->changed_usec = G_MININT64;
	entry->due_usec = G_MAXINT64;
	entry->is_partial =
		options->is_partial != NULL && options->is_partial(name, options->is_partial_data);
	g_hash_table_insert(settle->entries, key, entry);
	if (entry->is_partial) {
		g_hash_table_add(settle->partials, key);
		settle->deadline = G_MININT64;
	}
	return entry;
}

static void
entry_touch(TidySettle *settle, Entry *entry, gint64 when)
{
	entry->changed_usec = when;
	entry->n_back = 0;
	if (entry->is_taken)
		entry_set_taken(settle, entry, FALSE);
	entry_set_due(settle, entry, add_saturated(when, settle->options.quiet_usec));
}

/* The caller takes it out of the table. */
static void
entry_forget(TidySettle *settle, const char *name, const Entry *entry)
{
	if (entry->is_partial)
		g_hash_table_remove(settle->partials, name);
	if (entry->is_partial || entry->due_usec == settle->deadline)
		settle->deadline = G_MININT64;
	settle->n_taken -= (guint)entry->is_taken;
}

static void
entry_remove(TidySettle *settle, const char *name)
{
	Entry *entry = g_hash_table_lookup(settle->entries, name);

	if (entry == NULL)
		return;
	entry_forget(settle, name, entry);
	g_hash_table_remove(settle->entries, name);
}

void
tidy_settle_event(TidySettle *settle, TidySettleEvent event, const char *name, gint64 when)
{
	Entry *entry = g_hash_table_lookup(settle->entries, name);

	switch (event) {
	case TIDY_SETTLE_GONE:
		entry_remove(settle, name);
		return;
	case TIDY_SETTLE_ARRIVED:
	case TIDY_SETTLE_CHANGED:
		if (entry == NULL)
			entry = entry_add(settle, name);
		entry->is_seen = TRUE;
		if (when > entry->changed_usec)
			entry_touch(settle, entry, when);
		return;
	}
}

void
tidy_settle_rescan_begin(TidySettle *settle)
{
	GHashTableIter iter;
	Entry *entry;

	g_hash_table_iter_init(&iter, settle->entries);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&entry))
		entry->is_seen = FALSE;
}

void
tidy_settle_rescan_end(TidySettle *settle)
{
	GHashTableIter iter;
	const char *name;
	Entry *entry;

	g_hash_table_iter_init(&iter, settle->entries);
	while (g_hash_table_iter_next(&iter, (gpointer *)&name, (gpointer *)&entry)) {
		if (entry->is_seen)
			continue;
		entry_forget(settle, name, entry);
		g_hash_table_iter_remove(&iter);
	}
}

/* Case 8. Of partial names a directory has a handful. */
static gboolean
has_partial_sibling(const TidySettle *settle, const char *name)
{
	size_t length = strlen(name);
	GHashTableIter iter;
	const char *other;

	g_hash_table_iter_init(&iter, settle->partials);
	while (g_hash_table_iter_next(&iter, (gpointer *)&other, NULL)) {
		if (strncmp(other, name, length) == 0 && other[length] == '.')
			return TRUE;
	}
	return FALSE;
}

static gboolean
is_waiting_for_time(const TidySettle *settle, const char *name, const Entry *entry)
{
	return !entry->is_taken && !entry->is_partial && !has_partial_sibling(settle, name);
}

gint64
tidy_settle_deadline(TidySettle *settle)
{
	gint64 deadline = G_MAXINT64;
	GHashTableIter iter;
	const char *name;
	Entry *entry;

	if (settle->deadline != G_MININT64)
		return settle->deadline;
	g_hash_table_iter_init(&iter, settle->entries);
	while (g_hash_table_iter_next(&iter, (gpointer *)&name, (gpointer *)&entry)) {
		if (entry->due_usec < deadline && is_waiting_for_time(settle, name, entry))
			deadline = entry->due_usec;
	}
	settle->deadline = deadline;
	return deadline;
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **
tidy_settle_take(TidySettle *settle, gint64 now)
{
	g_autoptr(GPtrArray) names = NULL;
	GHashTableIter iter;
	const char *name;
	Entry *entry;

	names = g_ptr_array_new_with_free_func(g_free);
	g_hash_table_iter_init(&iter, settle->entries);
	while (g_hash_table_iter_next(&iter, (gpointer *)&name, (gpointer *)&entry)) {
		if (entry->due_usec > now || !is_waiting_for_time(settle, name, entry))
			continue;
		entry_set_taken(settle, entry, TRUE);
		g_ptr_array_add(names, g_strdup(name));
	}
	if (names->len == 0)
		return NULL;
	g_ptr_array_sort(names, compare_names);
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

void
tidy_settle_back(TidySettle *settle, const char *name, gint64 now)
{
	Entry *entry = g_hash_table_lookup(settle->entries, name);
	gint64 wait = MAX(settle->options.quiet_usec, BACKOFF_MIN_USEC);

	if (entry == NULL || !entry->is_taken)
		return;
	entry_set_taken(settle, entry, FALSE);
	entry->n_back++;
	for (guint i = 0; i < entry->n_back && wait < settle->options.backoff_max_usec; i++)
		wait *= 2;
	entry_set_due(settle, entry,
		      add_saturated(now, MIN(wait, settle->options.backoff_max_usec)));
}

guint
tidy_settle_n_waiting(const TidySettle *settle)
{
	return g_hash_table_size(settle->entries) - settle->n_taken;
}
