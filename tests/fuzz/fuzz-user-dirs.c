/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as user-dirs.dirs: parsing answers, and setting a key changes that key alone. Pure. */
#include <stdint.h>
#include <string.h>

#include "home/dirs/strays.h"
#include "home/dirs/user-dirs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOME "/home/ann"

static void
check_entries(const TidyUserDirs *dirs)
{
	for (guint i = 0; i < dirs->entries->len; i++) {
		const TidyUserDir *dir = g_ptr_array_index(dirs->entries, i);

		g_assert_cmpint(dir->path != NULL, ==, dir->state != TIDY_DIR_UNSET);
		g_assert_true(!dir->path || *dir->path == '/');
		g_assert_true(tidy_user_dirs_get(dirs, dir->key) == dir);
	}
	g_assert_cmpuint(dirs->warnings->len, <=, 200);
	for (guint i = 0; i < dirs->warnings->len; i++) {
		const TidyDirsWarning *warning = g_ptr_array_index(dirs->warnings, i);

		g_assert_true(g_utf8_validate(warning->text, -1, NULL));
	}
}

static void
check_set(const TidyUserDirs *before, GBytes *bytes)
{
	g_autoptr(GBytes) once = tidy_user_dirs_set(bytes, "DOWNLOAD", HOME "/D", HOME, NULL);
	g_autoptr(GBytes) twice = tidy_user_dirs_set(once, "DOWNLOAD", HOME "/D", HOME, NULL);
	gsize size;
	const char *text = g_bytes_get_data(once, &size);
	g_autoptr(TidyUserDirs) after = tidy_user_dirs_parse(text, size, HOME);

	g_assert_true(g_bytes_equal(once, twice));
	g_assert_cmpstr(tidy_user_dirs_get(after, "DOWNLOAD")->path, ==, HOME "/D");
	for (guint i = 0; i < before->entries->len; i++) {
		const TidyUserDir *dir = g_ptr_array_index(before->entries, i);

		if (strcmp(dir->key, "DOWNLOAD") != 0)
			g_assert_cmpstr(dir->path, ==, tidy_user_dirs_get(after, dir->key)->path);
	}
}

/* The input also as the other files, and each of its lines as a name in the home. */
static void
check_others(const char *text, gsize size, const TidyUserDirs *dirs)
{
	g_autofree char *locale = tidy_user_dirs_parse_locale(text, size);
	g_autoptr(GPtrArray) defaults = tidy_user_dirs_parse_defaults(text, size);
	g_autofree char *copy = g_strndup(text, size);
	g_auto(GStrv) names = g_strsplit(copy, "\n", 50);
	const char *const locales[] = { locale, NULL };
	g_auto(TidyUserDirsConf) conf = { -1, NULL };
	g_autoptr(GPtrArray) strays = tidy_strays_find(&(TidyStraysInput){
		.home = HOME,
		.names = (const char *const *)names,
		.dirs = dirs,
		.locales = locales,
	});

	tidy_user_dirs_parse_conf(text, size, &conf);
	g_assert_cmpuint(strays->len, <=, g_strv_length(names));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
	g_autoptr(TidyUserDirs) dirs = tidy_user_dirs_parse(text, size, HOME);

	check_entries(dirs);
	check_set(dirs, bytes);
	check_others(text, size, dirs);
	return 0;
}
