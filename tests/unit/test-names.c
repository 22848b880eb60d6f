/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of default names, its lookup, and the reader of .mo catalogs. */
#include <string.h>

#include "home/base/error.h"
#include "home/dirs/names.h"

/* Every name of the table, as it stands and decomposed, leads back to its key. */
static void
test_whole_table(void)
{
	gsize n;
	const TidyDefaultName *rows = tidy_names_table(&n);

	g_assert_cmpuint(n, >=, 824);
	for (gsize i = 0; i < n; i++) {
		g_autofree char *nfd = g_utf8_normalize(rows[i].name, -1, G_NORMALIZE_DEFAULT);
		g_autofree char *nfc = tidy_names_nfc(rows[i].name);
		const char *const spellings[] = { rows[i].name, nfd };

		g_assert_cmpstr(nfc, ==, rows[i].name);
		g_assert_true(i == 0 || strcmp(rows[i - 1].name, rows[i].name) <= 0);
		for (gsize j = 0; j < G_N_ELEMENTS(spellings); j++) {
			TidyNameMatch match;
			g_autoptr(GPtrArray) hits = tidy_names_lookup(NULL, spellings[j], &match);

			g_assert_cmpint(match, ==, TIDY_NAME_EXACT);
			g_assert_true(g_ptr_array_find(hits, &rows[i], NULL));
		}
	}
}

/* No name is a default of two keys: a candidate is never ambiguous by the table alone. */
static void
test_one_key(void)
{
	gsize n;
	const TidyDefaultName *rows = tidy_names_table(&n);

	for (gsize i = 1; i < n; i++)
		if (strcmp(rows[i - 1].name, rows[i].name) == 0)
			g_assert_cmpstr(rows[i - 1].key, ==, rows[i].key);
}

static const struct {
	const char *name;
	TidyNameMatch match;
	const char *key;
} lookups[] = {
	{ "Download", TIDY_NAME_EXACT, "DOWNLOAD" },
	{ "Téléchargements", TIDY_NAME_EXACT, "DOWNLOAD" },
	{ "Te\314\201le\314\201chargements", TIDY_NAME_EXACT, "DOWNLOAD" },
	{ "ดาวน์โหลด ", TIDY_NAME_EXACT, "DOWNLOAD" },
	{ "Downloads ", TIDY_NAME_TRIMMED, "DOWNLOAD" },
	{ "downloads", TIDY_NAME_CASE, "DOWNLOAD" },
	{ "DOWNLOAD", TIDY_NAME_CASE, "DOWNLOAD" },
	{ "My Documents", TIDY_NAME_FOREIGN, "DOCUMENTS" },
	{ "Movies", TIDY_NAME_FOREIGN, "VIDEOS" },
	{ "Mes vidéos", TIDY_NAME_FOREIGN, "VIDEOS" },
	{ "Downloads (1)", TIDY_NAME_NUMBERED, "DOWNLOAD" },
	{ "Downloads-1", TIDY_NAME_NUMBERED, "DOWNLOAD" },
	{ "Downloads.bak", TIDY_NAME_NUMBERED, "DOWNLOAD" },
	{ "Downloads_old", TIDY_NAME_NUMBERED, "DOWNLOAD" },
	{ "Download~", TIDY_NAME_NUMBERED, "DOWNLOAD" },
	{ "Desktop.old", TIDY_NAME_NUMBERED, "DESKTOP" },
	{ "Copy of Music", TIDY_NAME_NUMBERED, "MUSIC" },
	{ "Download\xff", TIDY_NAME_NONE, NULL },
	{ "TÉLÉCHARGEMENTS", TIDY_NAME_NONE, NULL },
	{ "Library", TIDY_NAME_NONE, NULL },
	{ "Sites", TIDY_NAME_NONE, NULL },
	{ "src", TIDY_NAME_NONE, NULL },
	{ "", TIDY_NAME_NONE, NULL },
	{ " ", TIDY_NAME_NONE, NULL },
	{ "(1)", TIDY_NAME_NONE, NULL },
	{ "2024", TIDY_NAME_NONE, NULL },
	/* Turkish "Müzik", "Genel": an ASCII name in other case is no match */
	{ "GENEL", TIDY_NAME_NONE, NULL },
};

static void
test_lookup(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(lookups); i++) {
		TidyNameMatch match;
		g_autoptr(GPtrArray) rows = tidy_names_lookup(NULL, lookups[i].name, &match);

		g_autofree char *shown = g_strescape(lookups[i].name, NULL);

		g_test_message("%s", shown);
		g_assert_cmpint(match, ==, lookups[i].match);
		g_assert_cmpint(rows->len > 0, ==, lookups[i].key != NULL);
		for (guint j = 0; j < rows->len; j++) {
			const TidyDefaultName *row = g_ptr_array_index(rows, j);

			g_assert_cmpstr(row->key, ==, lookups[i].key);
		}
	}
}

static void
put_u32(GString *out, guint32 value, gboolean is_swapped)
{
	if (is_swapped)
		value = GUINT32_SWAP_LE_BE(value);
	g_string_append_len(out, (const char *)&value, sizeof value);
}

/* A catalog of the pairs msgid, msgstr in @pairs. */
static GString *
make_mo(const char *const *pairs, guint32 n, gboolean is_swapped)
{
	GString *out = g_string_new(NULL);
	guint32 strings = 28 + n * 16;

	put_u32(out, 0x950412de, is_swapped);
	put_u32(out, 0, is_swapped);
	put_u32(out, n, is_swapped);
	put_u32(out, 28, is_swapped);
	put_u32(out, 28 + n * 8, is_swapped);
	put_u32(out, 0, is_swapped);
	put_u32(out, 0, is_swapped);
	for (guint table = 0; table < 2; table++)
		for (guint32 i = 0; i < n; i++) {
			put_u32(out, (guint32)strlen(pairs[i * 2 + table]), is_swapped);
			put_u32(out, strings, is_swapped);
			strings += (guint32)strlen(pairs[i * 2 + table]) + 1;
		}
	for (guint table = 0; table < 2; table++)
		for (guint32 i = 0; i < n; i++)
			g_string_append_len(out, pairs[i * 2 + table],
					    (gssize)strlen(pairs[i * 2 + table]) + 1);
	return out;
}

static const char *const catalog[] = { "",	   "Content-Type: text/plain; charset=UTF-8\n",
				       "Desktop",  "Schreibtafel",
				       "Download", "Herunterladung",
				       "Music",	   "a/b",
				       "Pictures", "..",
				       "Videos",   "\xff",
				       "Public",   "",
				       "Moving",   "Umzug" };

static void
test_mo(gconstpointer data)
{
	g_autoptr(TidyNames) names = tidy_names_new();
	g_autoptr(GError) error = NULL;
	GString *mo = make_mo(catalog, 8, GPOINTER_TO_INT(data));
	g_autoptr(GPtrArray) desktop = NULL;
	g_autoptr(GPtrArray) download = NULL;
	const TidyDefaultName *row;

	g_assert_cmpint(tidy_names_add_mo(names, "xx", mo->str, mo->len, &error), ==, 1);
	g_assert_no_error(error);
	/* again: nothing new */
	g_assert_cmpint(tidy_names_add_mo(names, "xx", mo->str, mo->len, &error), ==, 0);
	g_assert_cmpuint(tidy_names_n_added(names), ==, 1);
	desktop = tidy_names_lookup(names, "Schreibtafel", NULL);
	download = tidy_names_lookup(names, "Herunterladung", NULL);
	row = g_ptr_array_index(desktop, 0);
	g_assert_cmpstr(row->key, ==, "DESKTOP");
	g_assert_cmpstr(row->locale, ==, "xx");
	g_assert_true(row->is_canonical);
	/* "Download" is no default any more */
	g_assert_cmpuint(download->len, ==, 0);
	g_string_free(mo, TRUE);
}

/* Every cut and every changed byte of the header and tables: an error or an answer, nothing read
 * outside. */
static void
test_mo_damaged(void)
{
	GString *mo = make_mo(catalog, 8, FALSE);

	for (gsize cut = 0; cut < mo->len; cut++) {
		g_autoptr(TidyNames) names = tidy_names_new();
		g_autoptr(GError) error = NULL;
		g_autofree char *copy = g_malloc(cut + 1);

		memcpy(copy + 1, mo->str, cut);
		g_assert_cmpint(tidy_names_add_mo(names, "xx", copy + 1, cut, &error), ==, -1);
		g_assert_error(error, TIDY_ERROR, TIDY_ERROR_CONFIG);
		g_assert_cmpuint(tidy_names_n_added(names), ==, 0);
	}
	for (gsize at = 0; at < 28 + 8 * 16; at++) {
		g_autoptr(TidyNames) names = tidy_names_new();
		g_autofree char *copy = g_malloc(mo->len);

		memcpy(copy, mo->str, mo->len);
		copy[at] = (char)~copy[at];
		g_assert_cmpint(tidy_names_add_mo(names, "xx", copy, mo->len, NULL), <=, 1);
	}
	g_string_free(mo, TRUE);
}

/* GLib's own normalising reads beyond its tables for some bytes that are not UTF-8. */
static void
test_not_utf8(void)
{
	static const char *const names[] = { "\xff", "\xfdU", "A\xea\xac\x96\xfdU",
					     "\xf7\xbf\xbf\xbf", "D\xbc" };

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GPtrArray) rows = NULL;
		TidyNameMatch match = TIDY_NAME_EXACT;

		g_assert_null(tidy_names_nfc(names[i]));
		rows = tidy_names_lookup(NULL, names[i], &match);
		g_assert_cmpint(match, ==, TIDY_NAME_NONE);
		g_assert_cmpuint(rows->len, ==, 0);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/names/not-utf8", test_not_utf8);
	g_test_add_func("/names/whole-table", test_whole_table);
	g_test_add_func("/names/one-key", test_one_key);
	g_test_add_func("/names/lookup", test_lookup);
	g_test_add_data_func("/names/mo", GINT_TO_POINTER(FALSE), test_mo);
	g_test_add_data_func("/names/mo-swapped", GINT_TO_POINTER(TRUE), test_mo);
	g_test_add_func("/names/mo-damaged", test_mo_damaged);
	return g_test_run();
}
