/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy keys import: configurations of xmodmap and keyd. I/O: reads them, writes standard output. */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd-keys.h"
#include "keys/layout/xmodmap.h"

static void
print_text(void *data, const char *text)
{
	fputs(text, data);
}

/* ---- xmodmap ---- */

static int
import_xmodmap(const TidyKeysLayout *wanted, const char *path, gboolean is_map)
{
	g_autofree char *standard = g_build_filename(g_get_home_dir(), ".Xmodmap", NULL);
	g_auto(TidyKeys) keys = { 0 };
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	gsize length;
	int refused;

	if (!tidy_keys_open_layout(&keys, wanted))
		return 2;
	if (!g_file_get_contents(path ? path : standard, &text, &length, &error)) {
		fprintf(stderr, "%s\n", error->message);
		return 1;
	}
	refused = is_map ? remap_xmodmap_dump(keys.layout, text, length, print_text, stdout)
			 : remap_xmodmap_import(keys.layout, text, length, print_text, stdout);
	if (refused < 0) {
		fprintf(stderr, "%s: %s\n", path ? path : standard, g_strerror(-refused));
		return 1;
	}
	if (refused > 0)
		fprintf(stderr, "%d line%s could not be carried over; see the comments\n", refused,
			refused == 1 ? "" : "s");
	return 0;
}

/* ---- keyd ---- */

/* The text of the file with its includes in their place; lines as they are. */
static gboolean
expand(const char *path, guint depth, GHashTable *open)
{
	RemapFiles files = { 0 };
	RemapSource source;
	g_auto(GStrv) lines = NULL;
	g_autofree char *text = NULL;
	int result = remap_files_read(&files, path, &source);

	if (result < 0) {
		printf("# include %s: %s\n", path, g_strerror(-result));
		return FALSE;
	}
	text = g_strndup(source.text, source.length);
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i]; i++) {
		g_autofree char *wanted = g_str_has_prefix(lines[i], "include ")
						  ? g_strstrip(g_strdup(lines[i] + 8))
						  : NULL;
		char *included = NULL, *name = NULL;
		size_t length;

		if (!wanted || !*wanted || *wanted == '=') {
			if (lines[i + 1] || *lines[i])
				puts(lines[i]);
			continue;
		}
		result = source.include(source.data, path, wanted, &included, &length, &name);
		if (result < 0) {
			printf("# %s\n# not found: %s\n", lines[i], g_strerror(-result));
		} else if (depth == REMAP_INCLUDE_DEPTH_MAX || g_hash_table_contains(open, name)) {
			printf("# %s\n# includes itself\n", lines[i]);
		} else {
			printf("# from %s\n", name);
			g_hash_table_add(open, g_strdup(name));
			expand(name, depth + 1, open);
			g_hash_table_remove(open, name);
		}
		free(included);
		free(name);
	}
	remap_files_clear(&files);
	return TRUE;
}

/* What we would say about the file goes to standard error. */
static gboolean
import_keyd_file(const char *path)
{
	g_autoptr(GHashTable) open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	printf("# from %s\n", path);
	return expand(path, 0, open);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Several files are several configurations; one file is one. Only the first is printed as such. */
static int
import_keyd(const char *path)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = NULL;
	const char *name;

	path = path ? path : "/etc/keyd";
	if (!g_file_test(path, G_FILE_TEST_IS_DIR))
		return import_keyd_file(path) ? 0 : 1;
	dir = g_dir_open(path, 0, NULL);
	while (dir && (name = g_dir_read_name(dir)))
		if (g_str_has_suffix(name, ".conf"))
			g_ptr_array_add(names, g_build_filename(path, name, NULL));
	g_ptr_array_sort(names, compare_names);
	if (names->len == 0) {
		fprintf(stderr, "%s: no *.conf\n", path);
		return 1;
	}
	if (names->len > 1) {
		fprintf(stderr, "%s has several configurations; name one:\n", path);
		for (guint i = 0; i < names->len; i++)
			fprintf(stderr, "  xdgtidy keys import keyd %s\n",
				(char *)g_ptr_array_index(names, i));
		return 2;
	}
	return import_keyd_file(g_ptr_array_index(names, 0)) ? 0 : 1;
}

int
tidy_keys_import(int argc, char **argv, const char *synopsis)
{
	g_auto(TidyKeysLayout) wanted = { 0 };
	gboolean is_map = FALSE;
	const GOptionEntry options[] = {
		{ "map", 0, 0, G_OPTION_ARG_NONE, &is_map,
		  "xmodmap: print the resulting map as xmodmap -pke and -pm do", NULL },
		G_OPTION_ENTRY_NULL,
	};

	if (!tidy_keys_parse(&argc, &argv, synopsis, options, &wanted))
		return 2;
	if (argc >= 2 && argc <= 3 && g_str_equal(argv[1], "xmodmap"))
		return import_xmodmap(&wanted, argc > 2 ? argv[2] : NULL, is_map);
	if (argc >= 2 && argc <= 3 && g_str_equal(argv[1], "keyd"))
		return import_keyd(argc > 2 ? argv[2] : NULL);
	fprintf(stderr, "usage: xdgtidy keys import xmodmap|keyd [FILE]\n");
	return 2;
}
