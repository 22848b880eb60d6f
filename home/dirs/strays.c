/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds strays among the names in $HOME. Pure.
 *
 * For each name, the first of these that hits makes the candidate:
 *  1. a configured alias: the user said so, automatic;
 *  2. a default name (same bytes after NFC, or but for blanks at the end): automatic when it is
 *     English or of the user's present locale, proposed when the user had its locale once, or
 *     never;
 *  3. another spelling or case of a configured directory's own name: proposed;
 *  4. a default name in other case, or of another system: proposed; a numbered copy of a name:
 *     reported.
 * A key that is disabled or unset has no target, so its strays are only reported; with an unset key
 * the directory of the default name is what programs fall back to, and no stray.
 */
#include "home/dirs/strays.h"

#include <string.h>

typedef enum { RANK_FOREIGN, RANK_HAD, RANK_ENGLISH, RANK_PRESENT } Rank;

typedef struct {
	const TidyStraysInput *input;
	char *home;	     /* normalised */
	char **present;	     /* catalogs of the present locale */
	GPtrArray *had;	     /* of char **: catalogs of each earlier locale */
	GHashTable *aliases; /* name -> key, borrowed values */
} Search;

/* The name in $HOME that a configured item means, or NULL when it is not directly there. */
static char *
item_name(const Search *search, const char *item)
{
	g_autofree char *clean = tidy_dirs_normalise(item);
	const char *name = clean;

	if (g_str_has_prefix(clean, "~/"))
		name += 2;
	else if (g_str_has_prefix(clean, "$HOME/"))
		name += 6;
	else if (*clean == '/' && tidy_dirs_is_within(clean, search->home) &&
		 strcmp(clean, search->home) != 0)
		name += strlen(search->home) + 1;
	return *name && !strchr(name, '/') ? g_strdup(name) : NULL;
}

static void
collect_aliases(Search *search)
{
	for (gsize i = 0; i < search->input->n_rules; i++) {
		const TidyStrayRule *rule = &search->input->rules[i];

		for (gsize j = 0; rule->key && rule->aliases && rule->aliases[j]; j++) {
			char *name = item_name(search, rule->aliases[j]);

			if (name)
				g_hash_table_replace(search->aliases, name, (gpointer)rule->key);
		}
	}
}

static gboolean
is_ignored(const Search *search, const char *key, const char *name)
{
	for (gsize i = 0; i < search->input->n_rules; i++) {
		const TidyStrayRule *rule = &search->input->rules[i];

		if (rule->key && strcmp(rule->key, key) != 0)
			continue;
		for (gsize j = 0; rule->ignore && rule->ignore[j]; j++) {
			g_autofree char *item = item_name(search, rule->ignore[j]);

			if (item && strcmp(item, name) == 0)
				return TRUE;
		}
	}
	return FALSE;
}

static Rank
rank_locale(const Search *search, const char *locale)
{
	if (search->present && g_strv_contains((const char *const *)search->present, locale))
		return RANK_PRESENT;
	if (strcmp(locale, "C") == 0)
		return RANK_ENGLISH;
	for (guint i = 0; i < search->had->len; i++)
		if (g_strv_contains(g_ptr_array_index(search->had, i), locale))
			return RANK_HAD;
	return RANK_FOREIGN;
}

/* The row nearest to the user: by locale, then today's defaults before earlier ones. */
static const TidyDefaultName *
best_row(const Search *search, const GPtrArray *rows)
{
	const TidyDefaultName *best = g_ptr_array_index(rows, 0);

	for (guint i = 1; i < rows->len; i++) {
		const TidyDefaultName *row = g_ptr_array_index(rows, i);
		Rank rank = rank_locale(search, row->locale);
		Rank best_rank = rank_locale(search, best->locale);

		if (rank > best_rank ||
		    (rank == best_rank && row->is_canonical && !best->is_canonical))
			best = row;
	}
	return best;
}

static gboolean
has_several_keys(const GPtrArray *rows)
{
	const TidyDefaultName *first = g_ptr_array_index(rows, 0);

	for (guint i = 1; i < rows->len; i++) {
		const TidyDefaultName *row = g_ptr_array_index(rows, i);

		if (strcmp(row->key, first->key) != 0)
			return TRUE;
	}
	return FALSE;
}

static TidyStray *
stray_new(const char *name, const char *key, TidyStrayClass klass, TidyStrayPolicy policy)
{
	TidyStray *stray = g_new0(TidyStray, 1);

	stray->name = g_strdup(name);
	stray->key = g_strdup(key);
	stray->klass = klass;
	stray->policy = policy;
	stray->locale = g_strdup("");
	stray->is_user_locale = TRUE;
	return stray;
}

void
tidy_stray_free(TidyStray *stray)
{
	if (!stray)
		return;
	g_free(stray->name);
	g_free(stray->key);
	g_free(stray->target);
	g_free(stray->locale);
	g_free(stray);
}

static void
classify(TidyStray *stray, const TidyDefaultName *row, TidyNameMatch match, Rank rank)
{
	switch (match) {
	case TIDY_NAME_NONE:
	case TIDY_NAME_EXACT:
	case TIDY_NAME_TRIMMED:
		stray->klass = row->is_canonical ? TIDY_STRAY_LOCALIZED : TIDY_STRAY_XDG_HISTORIC;
		stray->policy = rank >= RANK_ENGLISH ? TIDY_STRAY_AUTO : TIDY_STRAY_PROPOSE;
		if (strcmp(stray->name, row->name) != 0) {
			stray->klass = TIDY_STRAY_SPELLING;
			stray->policy = TIDY_STRAY_PROPOSE;
		}
		break;
	case TIDY_NAME_CASE:
		stray->klass = TIDY_STRAY_CASE;
		stray->policy = TIDY_STRAY_PROPOSE;
		break;
	case TIDY_NAME_FOREIGN:
		stray->klass = TIDY_STRAY_FOREIGN;
		stray->policy = TIDY_STRAY_PROPOSE;
		break;
	case TIDY_NAME_NUMBERED:
		stray->klass = TIDY_STRAY_NUMBERED;
		stray->policy = TIDY_STRAY_REPORT;
		break;
	}
}

/* A candidate out of the default names that @name met. */
static TidyStray *
from_rows(const Search *search, const char *name, const GPtrArray *rows, TidyNameMatch match)
{
	const TidyDefaultName *row = best_row(search, rows);
	Rank rank = rank_locale(search, row->locale);
	TidyStray *stray = stray_new(name, row->key, TIDY_STRAY_LOCALIZED, TIDY_STRAY_REPORT);

	classify(stray, row, match, rank);
	g_free(stray->locale);
	stray->locale = g_strdup(match == TIDY_NAME_FOREIGN ? "" : row->locale);
	stray->is_user_locale = match == TIDY_NAME_FOREIGN || rank != RANK_FOREIGN;
	stray->is_ambiguous = has_several_keys(rows);
	return stray;
}

/* The last component of a directory that lies directly in the home, or NULL. */
static const char *
name_in_home(const Search *search, const char *path)
{
	gsize len = strlen(search->home);

	if (!path || !tidy_dirs_is_within(path, search->home) || strlen(path) <= len + 1)
		return NULL;
	path += len + (path[len] == '/');
	return strchr(path, '/') ? NULL : path;
}

static gboolean
is_same_spelling(const char *a, const char *b)
{
	g_autofree char *nfc_a = tidy_names_nfc(a);
	g_autofree char *nfc_b = tidy_names_nfc(b);

	return nfc_a && nfc_b && strcmp(g_strchomp(nfc_a), g_strchomp(nfc_b)) == 0;
}

/* Step 3, and copies of configured names: @name against the own names of all configured
 * directories. */
static TidyStray *
from_targets(const Search *search, const char *name, gboolean want_copies)
{
	g_autofree char *original = tidy_names_copy_of(name);

	for (guint i = 0; i < search->input->dirs->entries->len; i++) {
		const TidyUserDir *dir = g_ptr_array_index(search->input->dirs->entries, i);
		const char *own = name_in_home(search, dir->path);

		if (!own || strcmp(own, name) == 0)
			continue;
		if (!want_copies && is_same_spelling(own, name))
			return stray_new(name, dir->key, TIDY_STRAY_SPELLING, TIDY_STRAY_PROPOSE);
		if (!want_copies && g_str_is_ascii(own) && g_ascii_strcasecmp(own, name) == 0)
			return stray_new(name, dir->key, TIDY_STRAY_CASE, TIDY_STRAY_PROPOSE);
		if (want_copies && original && strcmp(own, original) == 0)
			return stray_new(name, dir->key, TIDY_STRAY_NUMBERED, TIDY_STRAY_REPORT);
	}
	return NULL;
}

static TidyStray *
match_name(const Search *search, const char *name)
{
	const char *alias = g_hash_table_lookup(search->aliases, name);
	g_autoptr(GPtrArray) rows = NULL;
	TidyStray *stray = NULL;
	TidyNameMatch match;

	if (alias)
		return stray_new(name, alias, TIDY_STRAY_ALIAS, TIDY_STRAY_AUTO);
	rows = tidy_names_lookup(search->input->more_names, name, &match);
	if (match != TIDY_NAME_EXACT && match != TIDY_NAME_TRIMMED)
		stray = from_targets(search, name, FALSE);
	if (!stray && match != TIDY_NAME_NONE)
		stray = from_rows(search, name, rows, match);
	return stray ? stray : from_targets(search, name, TRUE);
}

/* Gives the candidate its target; FALSE when it turns out to be no stray. */
static gboolean
settle_target(const Search *search, TidyStray *stray)
{
	const TidyUserDir *dir = tidy_user_dirs_get(search->input->dirs, stray->key);
	g_autofree char *path = g_build_filename(search->home, stray->name, NULL);

	stray->key_state = dir ? dir->state : TIDY_DIR_UNSET;
	if (stray->key_state == TIDY_DIR_SET) {
		if (strcmp(dir->path, path) == 0)
			return FALSE;
		stray->target = g_strdup(dir->path);
	} else {
		if (stray->key_state == TIDY_DIR_UNSET && stray->klass == TIDY_STRAY_LOCALIZED &&
		    rank_locale(search, stray->locale) >= RANK_ENGLISH)
			return FALSE;
		stray->policy = TIDY_STRAY_REPORT;
	}
	stray->is_ignored = is_ignored(search, stray->key, stray->name);
	if (stray->is_ignored || stray->is_ambiguous)
		stray->policy = TIDY_STRAY_REPORT;
	return TRUE;
}

static void
search_init(Search *search, const TidyStraysInput *input)
{
	const char *const *locales = input->locales;

	*search = (Search){ .input = input, .home = tidy_dirs_normalise(input->home) };
	search->had = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
	search->aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (gsize i = 0; locales && locales[i]; i++) {
		char **variants = tidy_locale_variants(locales[i]);

		if (i == 0)
			search->present = variants;
		else
			g_ptr_array_add(search->had, variants);
	}
	collect_aliases(search);
}

static void
search_clear(Search *search)
{
	g_free(search->home);
	g_strfreev(search->present);
	g_ptr_array_unref(search->had);
	g_hash_table_unref(search->aliases);
}

GPtrArray *
tidy_strays_find(const TidyStraysInput *input)
{
	GPtrArray *strays = g_ptr_array_new_with_free_func((GDestroyNotify)tidy_stray_free);
	Search search;

	search_init(&search, input);
	for (gsize i = 0; input->names && input->names[i]; i++) {
		g_autoptr(TidyStray) stray = match_name(&search, input->names[i]);

		if (stray && settle_target(&search, stray))
			g_ptr_array_add(strays, g_steal_pointer(&stray));
	}
	search_clear(&search);
	return strays;
}

const char *
tidy_stray_class_name(TidyStrayClass klass)
{
	switch (klass) {
	case TIDY_STRAY_XDG_HISTORIC:
		return "xdg-historic";
	case TIDY_STRAY_LOCALIZED:
		return "localized";
	case TIDY_STRAY_SPELLING:
		return "spelling";
	case TIDY_STRAY_CASE:
		return "case";
	case TIDY_STRAY_ALIAS:
		return "alias";
	case TIDY_STRAY_FOREIGN:
		return "foreign";
	case TIDY_STRAY_NUMBERED:
		return "numbered";
	}
	g_return_val_if_reached("");
}

const char *
tidy_stray_policy_name(TidyStrayPolicy policy)
{
	switch (policy) {
	case TIDY_STRAY_REPORT:
		return "report";
	case TIDY_STRAY_PROPOSE:
		return "propose";
	case TIDY_STRAY_AUTO:
		return "auto";
	}
	g_return_val_if_reached("");
}
