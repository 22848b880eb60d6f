/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entries that are more than a file or a directory: view files, saved pages, bundles. Pure. */
#include <string.h>

#include "home/merge/plan.h"

/* Of file managers and of no use elsewhere; they are made again when somebody looks at the directory. */
static const char *const caches[] = { ".DS_Store", "Thumbs.db", "ehthumbs.db", ".localized" };

/* How a directory is shown: the user's choice, worth keeping unless the target made its own. */
static const char *const view_files[] = { ".directory", ".hidden", "desktop.ini", "Desktop.ini" };

/* What browsers put behind the name of a saved page, for the directory with its pictures; by language
 * (Internet Explorer's "connected files", which others took over). */
static const char *const page_suffixes[] = {
	"_files",     ".files",	      "-Dateien",   "_Dateien", "_fichiers", "_bestanden",
	"_archivos",  "_arquivos",    "_ficheiros", "_file",	"-filer",    "_filer",
	"_tiedostot", "_pliki",	      "_soubory",   "_elemei",	"_dosyalar", "_datoteke",
	"_fitxers",   "_fitxategiak", "_failid",    "_fails",	"_bylos",    "_fajlovi",
};
static const char *const page_extensions[] = { ".html", ".htm", ".xhtml", ".xht", ".shtml" };

/* ".hidden" lists one name a line, for file managers to leave out. */
#define HIDDEN_FILE ".hidden"

static gboolean
is_one_of(const char *name, const char *const *names, gsize n)
{
	for (gsize i = 0; i < n; i++) {
		if (strcmp(name, names[i]) == 0)
			return TRUE;
	}
	return FALSE;
}

gboolean
tidy_plan_is_cache_file(const char *name)
{
	return is_one_of(name, caches, G_N_ELEMENTS(caches));
}

gboolean
tidy_plan_is_view_file(const char *name)
{
	return tidy_plan_is_cache_file(name) ||
	       is_one_of(name, view_files, G_N_ELEMENTS(view_files));
}

gboolean
tidy_plan_is_union_file(const char *name)
{
	return strcmp(name, HIDDEN_FILE) == 0;
}

char *
tidy_plan_union_lines(const char *target, const char *source)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(GStrv) had = g_strsplit(target, "\n", -1);
	g_auto(GStrv) more = g_strsplit(source, "\n", -1);
	GString *all = g_string_new(target);

	for (guint i = 0; had[i] != NULL; i++)
		g_hash_table_add(seen, g_strdup(had[i]));
	if (all->len > 0 && all->str[all->len - 1] != '\n')
		g_string_append_c(all, '\n');
	for (guint i = 0; more[i] != NULL; i++) {
		if (*more[i] != '\0' && g_hash_table_add(seen, g_strdup(more[i])))
			g_string_append_printf(all, "%s\n", more[i]);
	}
	return g_string_free(all, FALSE);
}

/* --- saved pages --- */

/* The length of the page's name without its extension, when @name is that of the page's directory. */
static gsize
page_stem(const char *name)
{
	gsize length = strlen(name);

	for (gsize i = 0; i < G_N_ELEMENTS(page_suffixes); i++) {
		gsize tail = strlen(page_suffixes[i]);

		if (length > tail && strcmp(name + length - tail, page_suffixes[i]) == 0)
			return length - tail;
	}
	return 0;
}

static const TidyEntry *
page_of(const TidyListing *listing, const char *directory)
{
	gsize stem = page_stem(directory);

	for (gsize i = 0; stem > 0 && i < G_N_ELEMENTS(page_extensions); i++) {
		g_autofree char *name =
			g_strdup_printf("%.*s%s", (int)stem, directory, page_extensions[i]);
		const TidyEntry *page = tidy_listing_find(listing, name);

		if (page != NULL && page->type == TIDY_TYPE_FILE)
			return page;
	}
	return NULL;
}

GHashTable *
tidy_plan_pages(const TidyListing *listing)
{
	const TidyEntry *entries = (const TidyEntry *)(const void *)listing->entries->data;
	GHashTable *pages = NULL;

	for (guint i = 0; i < listing->entries->len; i++) {
		const TidyEntry *page =
			entries[i].type == TIDY_TYPE_DIR ? page_of(listing, entries[i].name) : NULL;
		guint at;

		if (page == NULL)
			continue;
		if (pages == NULL)
			pages = g_hash_table_new(NULL, NULL);
		at = (guint)(page - entries);
		/* Of two directories for one page ("_files" and "-Dateien") the first is its own. */
		if (g_hash_table_contains(pages, GUINT_TO_POINTER(at + 1)))
			continue;
		g_hash_table_insert(pages, GUINT_TO_POINTER(at + 1), GUINT_TO_POINTER(i + 1));
		g_hash_table_insert(pages, GUINT_TO_POINTER(i + 1), GUINT_TO_POINTER(at + 1));
	}
	return pages;
}

char *
tidy_plan_page_directory(const char *page, const char *directory, const char *new_page)
{
	gsize stem = page_stem(directory);
	gsize extension = strlen(page) - stem;

	g_return_val_if_fail(strncmp(page, directory, stem) == 0, NULL);
	return g_strdup_printf("%.*s%s", (int)(strlen(new_page) - extension), new_page,
			       directory + stem);
}

/* --- bundles --- */

/* "Contents" alone: an application or a library of a Mac, which its system shows as one file. */
static gboolean
is_mac_bundle(const TidyListing *listing)
{
	const TidyEntry *contents = tidy_listing_find(listing, "Contents");

	return contents != NULL && contents->type == TIDY_TYPE_DIR && listing->entries->len == 1;
}

/* Two repositories of the same name are two repositories: mixing their files would ruin both. */
gboolean
tidy_plan_is_unit(const TidyListing *listing)
{
	static const char *const marks[] = { ".git", ".hg",    ".svn",	 ".bzr",      ".jj",
					     "CVS",  "_darcs", ".pijul", ".fslckout", "_FOSSIL_" };

	for (gsize i = 0; i < G_N_ELEMENTS(marks); i++) {
		if (tidy_listing_find(listing, marks[i]) != NULL)
			return TRUE;
	}
	return is_mac_bundle(listing);
}
