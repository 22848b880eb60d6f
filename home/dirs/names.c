/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The names of user directories: the compiled-in table, the foreign spellings and copies, lookup.
 * Pure.
 *
 * A name is looked up in this order; the first step that finds a row decides:
 *  1. the same bytes after NFC (homes copied from macOS hold decomposed names);
 *  2. the same without spaces at the end (one default of xdg-user-dirs 0.9 had one);
 *  3. the same but for the case of ASCII letters, both names ASCII ("downloads" is often a choice,
 *     so callers only propose it), never Turkish or Azeri rows, where "I" and "i" are different
 *     letters;
 *  4. the name that another system gives the directory;
 *  5. a copy of a name that 1 or 2 finds.
 */
#include "home/dirs/names.h"

#include <string.h>

#include "home/base/error.h"
#include "home/dirs/mo.h"
#include "home/dirs/names-table.h"

/* The catalogs of all locales together hold about 700 names; no catalog makes lookups slow. */
#define MAX_ADDED 4096

struct TidyNames {
	GPtrArray *rows; /* of TidyDefaultName, owned, in the order of adding */
};

/* Names that no catalog of xdg-user-dirs has. Callers propose them, never more. Windows' are those
 * of its English, German, French, Spanish and Italian editions up to XP, which Wine and virtual
 * machines still make; "Library", "Sites" and "Applications" of macOS are no user directory and are
 * not here. */
static const TidyDefaultName foreign_rows[] = {
	{ "DOCUMENTS", "windows", "My Documents", "", FALSE },
	{ "MUSIC", "windows", "My Music", "", FALSE },
	{ "PICTURES", "windows", "My Pictures", "", FALSE },
	{ "VIDEOS", "windows", "My Videos", "", FALSE },
	{ "DOWNLOAD", "windows", "My Downloads", "", FALSE },
	{ "DOCUMENTS", "windows", "Eigene Dateien", "", FALSE },
	{ "DOCUMENTS", "windows", "Meine Dokumente", "", FALSE },
	{ "MUSIC", "windows", "Eigene Musik", "", FALSE },
	{ "PICTURES", "windows", "Eigene Bilder", "", FALSE },
	{ "VIDEOS", "windows", "Eigene Videos", "", FALSE },
	{ "DOCUMENTS", "windows", "Mes documents", "", FALSE },
	{ "MUSIC", "windows", "Ma musique", "", FALSE },
	{ "PICTURES", "windows", "Mes images", "", FALSE },
	{ "VIDEOS", "windows", "Mes vidéos", "", FALSE },
	{ "DOCUMENTS", "windows", "Mis documentos", "", FALSE },
	{ "MUSIC", "windows", "Mi música", "", FALSE },
	{ "PICTURES", "windows", "Mis imágenes", "", FALSE },
	{ "VIDEOS", "windows", "Mis vídeos", "", FALSE },
	{ "DOCUMENTS", "windows", "Documenti personali", "", FALSE },
	{ "VIDEOS", "macos", "Movies", "", FALSE },
	{ "PICTURES", "other", "Photos", "", FALSE },
	{ "MUSIC", "other", "Audio", "", FALSE },
	{ "VIDEOS", "other", "Video", "", FALSE },
	{ "PUBLICSHARE", "other", "Share", "", FALSE },
	{ "PUBLICSHARE", "other", "Publicshare", "", FALSE },
	{ "PUBLICSHARE", "other", "Shared", "", FALSE },
};

const TidyDefaultName *
tidy_names_table(gsize *n)
{
	*n = tidy_names_n_rows;
	return tidy_names_rows;
}

static void
row_free(gpointer data)
{
	TidyDefaultName *row = data;

	g_free((char *)row->locale);
	g_free((char *)row->name);
	g_free(row);
}

TidyNames *
tidy_names_new(void)
{
	TidyNames *names = g_new0(TidyNames, 1);

	names->rows = g_ptr_array_new_with_free_func(row_free);
	return names;
}

void
tidy_names_free(TidyNames *names)
{
	if (!names)
		return;
	g_ptr_array_unref(names->rows);
	g_free(names);
}

gsize
tidy_names_n_added(const TidyNames *names)
{
	return names->rows->len;
}

char *
tidy_names_nfc(const char *name)
{
	/* GLib 2.74 answers NULL for bytes that are not UTF-8, but reads beyond its tables for some of them. */
	if (!g_utf8_validate(name, -1, NULL))
		return NULL;
	return g_utf8_normalize(name, -1, G_NORMALIZE_DEFAULT_COMPOSE);
}

/* The first row of the table whose name is not before @name. */
static gsize
lower_bound(const char *name)
{
	gsize low = 0, high = tidy_names_n_rows;

	while (low < high) {
		gsize middle = low + (high - low) / 2;

		if (strcmp(tidy_names_rows[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
find_exact(const TidyNames *names, const char *name, GPtrArray *rows)
{
	for (gsize i = lower_bound(name);
	     i < tidy_names_n_rows && strcmp(tidy_names_rows[i].name, name) == 0; i++)
		g_ptr_array_add(rows, (gpointer)&tidy_names_rows[i]);
	for (guint i = 0; names && i < names->rows->len; i++) {
		TidyDefaultName *row = g_ptr_array_index(names->rows, i);

		if (strcmp(row->name, name) == 0)
			g_ptr_array_add(rows, row);
	}
}

static gboolean
is_turkish(const TidyDefaultName *row)
{
	return strncmp(row->locale, "tr", 2) == 0 || strncmp(row->locale, "az", 2) == 0;
}

static void
find_case(const TidyNames *names, const char *name, GPtrArray *rows)
{
	if (!g_str_is_ascii(name))
		return;
	/* A non-ASCII name never compares equal to an ASCII one. */
	for (gsize i = 0; i < tidy_names_n_rows; i++)
		if (g_ascii_strcasecmp(tidy_names_rows[i].name, name) == 0 &&
		    !is_turkish(&tidy_names_rows[i]))
			g_ptr_array_add(rows, (gpointer)&tidy_names_rows[i]);
	for (guint i = 0; names && i < names->rows->len; i++) {
		TidyDefaultName *row = g_ptr_array_index(names->rows, i);

		if (g_ascii_strcasecmp(row->name, name) == 0 && !is_turkish(row))
			g_ptr_array_add(rows, row);
	}
}

static void
find_foreign(const char *name, GPtrArray *rows)
{
	for (gsize i = 0; i < G_N_ELEMENTS(foreign_rows); i++)
		if (strcmp(foreign_rows[i].name, name) == 0)
			g_ptr_array_add(rows, (gpointer)&foreign_rows[i]);
}

/* @name without spaces at the end. */
static char *
trimmed(const char *name)
{
	gsize len = strlen(name);

	while (len > 0 && name[len - 1] == ' ')
		len--;
	return g_strndup(name, len);
}

/* Steps 1 and 2. */
static TidyNameMatch
find_whole(const TidyNames *names, const char *name, GPtrArray *rows)
{
	g_autofree char *bare = trimmed(name);

	find_exact(names, name, rows);
	if (rows->len > 0)
		return TIDY_NAME_EXACT;
	if (strcmp(bare, name) != 0 && *bare)
		find_exact(names, bare, rows);
	return rows->len > 0 ? TIDY_NAME_TRIMMED : TIDY_NAME_NONE;
}

static TidyNameMatch
find_any(const TidyNames *names, const char *name, GPtrArray *rows)
{
	g_autofree char *original = NULL;
	TidyNameMatch match = find_whole(names, name, rows);

	if (match != TIDY_NAME_NONE)
		return match;
	find_case(names, name, rows);
	if (rows->len > 0)
		return TIDY_NAME_CASE;
	find_foreign(name, rows);
	if (rows->len > 0)
		return TIDY_NAME_FOREIGN;
	original = tidy_names_copy_of(name);
	if (original)
		find_whole(names, original, rows);
	return rows->len > 0 ? TIDY_NAME_NUMBERED : TIDY_NAME_NONE;
}

GPtrArray *
tidy_names_lookup(const TidyNames *names, const char *name, TidyNameMatch *match)
{
	GPtrArray *rows = g_ptr_array_new();
	g_autofree char *nfc = tidy_names_nfc(name);
	TidyNameMatch found = nfc ? find_any(names, nfc, rows) : TIDY_NAME_NONE;

	if (match)
		*match = found;
	return rows;
}

/* The length of @name without the digits at its end; its whole length when there are none. */
static gsize
without_digits(const char *name, gsize len)
{
	while (len > 0 && g_ascii_isdigit(name[len - 1]))
		len--;
	return len;
}

/* "X (2)", "X-2", "X_2", "X 2", "X.2": the length of X, or 0. */
static gsize
numbered_stem(const char *name)
{
	gsize len = strlen(name), stem;

	if (len > 3 && name[len - 1] == ')') {
		stem = without_digits(name, len - 1);
		if (stem < len - 1 && stem >= 2 && name[stem - 1] == '(' && name[stem - 2] == ' ')
			return stem - 2;
		return 0;
	}
	stem = without_digits(name, len);
	if (stem < len && stem > 1 && strchr("-_ .", name[stem - 1]))
		return stem - 1;
	return 0;
}

char *
tidy_names_copy_of(const char *name)
{
	static const char *const suffixes[] = { ".bak",	   ".old",    "_old",  "-old",	  " old",
						"_bak",	   "-bak",    ".orig", ".backup", "_backup",
						"-backup", " backup", " copy", "_copy",	  "-copy",
						" (copy)", " (old)",  "~" };
	static const char *const prefixes[] = { "Copy of ", "Old ", "old-", "old_" };
	gsize stem = numbered_stem(name);

	if (stem > 0)
		return g_strndup(name, stem);
	for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++)
		if (g_str_has_suffix(name, suffixes[i]) && strlen(name) > strlen(suffixes[i]))
			return g_strndup(name, strlen(name) - strlen(suffixes[i]));
	for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++)
		if (g_str_has_prefix(name, prefixes[i]) && name[strlen(prefixes[i])])
			return g_strdup(name + strlen(prefixes[i]));
	return NULL;
}

/* The key that an msgid of the catalog is a default of today, or NULL. Catalogs still translate
 * "Download", which is no default since 0.11: what they say now never named a directory. */
static const char *
key_of_msgid(const char *msgid)
{
	for (gsize i = lower_bound(msgid);
	     i < tidy_names_n_rows && strcmp(tidy_names_rows[i].name, msgid) == 0; i++)
		if (strcmp(tidy_names_rows[i].locale, "C") == 0 && tidy_names_rows[i].is_canonical)
			return tidy_names_rows[i].key;
	return NULL;
}

/* A translation as the name of one directory after NFC, or NULL. */
static char *
directory_name(const char *text)
{
	if (!*text || strcmp(text, ".") == 0 || strcmp(text, "..") == 0 || strlen(text) > 255 ||
	    !g_utf8_validate(text, -1, NULL))
		return NULL;
	for (const char *p = text; *p; p++)
		if (*p == '/' || g_ascii_iscntrl(*p))
			return NULL;
	return tidy_names_nfc(text);
}

static gboolean
has_row(const TidyNames *names, const char *key, const char *locale, const char *name)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new();

	find_exact(names, name, rows);
	for (guint i = 0; i < rows->len; i++) {
		const TidyDefaultName *row = g_ptr_array_index(rows, i);

		if (strcmp(row->key, key) == 0 && strcmp(row->locale, locale) == 0)
			return TRUE;
	}
	return FALSE;
}

typedef struct {
	TidyNames *names;
	const char *locale;
} AddMo;

static void
add_message(const char *msgid, const char *msgstr, gpointer data)
{
	AddMo *add = data;
	const char *key = key_of_msgid(msgid);
	g_autofree char *name = key ? directory_name(msgstr) : NULL;
	TidyDefaultName *row;

	if (!name || add->names->rows->len >= MAX_ADDED ||
	    has_row(add->names, key, add->locale, name))
		return;
	row = g_new0(TidyDefaultName, 1);
	row->key = key;
	row->locale = g_strdup(add->locale);
	row->name = g_steal_pointer(&name);
	row->versions = "mo";
	row->is_canonical = TRUE;
	g_ptr_array_add(add->names->rows, row);
}

int
tidy_names_add_mo(TidyNames *names, const char *locale, const char *bytes, gsize size,
		  GError **error)
{
	AddMo add = { names, locale };
	guint before = names->rows->len;

	if (!tidy_mo_foreach(bytes, size, add_message, &add, error))
		return -1;
	return (int)(names->rows->len - before);
}
