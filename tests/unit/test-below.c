/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far a merge looks below directories that would move whole. On the file system in memory, which lists in an order of its own. */
#include <fcntl.h>

#include "tests/support/home-run.h"

#define HOME SCENARIO_HOME

/* Directories d00, d01, ... with @n_files files each, of which one is an unfinished download. */
static char *
directories(guint n_dirs, guint n_files)
{
	GString *text = g_string_new("# below\nbefore:\n  Downloads/there = \"\"\n");

	for (guint dir = 0; dir < n_dirs; dir++)
		for (guint i = 1; i <= n_files; i++)
			g_string_append_printf(text, "  Download/d%02u/f%u-%u%s = \"\"\n", dir, dir,
					       i, i == n_files ? ".part" : "");
	g_string_append(text, "after:\n");
	return g_string_free(text, FALSE);
}

static gboolean
is_before_unfinished(const TidyDirent *dirent, gpointer data)
{
	++*(guint *)data;
	return !g_str_has_suffix(dirent->name, ".part");
}

/* Which one it is in the order of the disk, from 1. */
static guint
place_of_unfinished(TidyFs *fs, guint dir)
{
	g_autofree char *path = g_strdup_printf(HOME "/Download/d%02u", dir);
	int fd = fs->openat(fs, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	guint place = 0;

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(tidy_fs_list(fs, fd, is_before_unfinished, &place), ==, 0);
	fs->close(fs, fd);
	return place;
}

static gboolean
is_held(const HomeRun *run, guint dir)
{
	g_autofree char *start = g_strdup_printf("Download/d%02u/", dir);

	for (guint i = 0; i < run->left->len; i++) {
		if (g_str_has_prefix(g_ptr_array_index(run->left, i), start))
			return TRUE;
	}
	return FALSE;
}

/* Of the first @n_first directories 256 entries are looked at, of the others 64. */
static void
check(guint n_dirs, guint n_files, guint n_first)
{
	g_autofree char *text = directories(n_dirs, n_files);
	g_autofree guint *places = g_new(guint, n_dirs);
	g_autoptr(GError) error = NULL;
	Scenario *scenario = scenario_parse("below", text, &error);
	FakeFs *fake;
	HomeRun run = { 0 };
	guint n_held = 0;

	g_assert_no_error(error);
	fake = scenario_new_fake(scenario, &error);
	g_assert_no_error(error);
	for (guint i = 0; i < n_dirs; i++)
		places[i] = place_of_unfinished(fake_fs_table(fake), i);
	home_run_merge(scenario, fake_fs_table(fake), HOME, FALSE, &run);
	g_assert_no_error(run.error);
	for (guint i = 0; i < n_dirs; i++) {
		g_assert_cmpint(is_held(&run, i), ==, places[i] <= (i < n_first ? 256 : 64));
		n_held += is_held(&run, i);
	}
	/* Else it shows nothing. */
	g_assert_cmpuint(n_held, >, 0);
	g_assert_cmpuint(n_held, <, n_dirs);
	home_run_clear(&run);
	fake_fs_free(fake);
	scenario_free(scenario);
}

static void
test_few_directories(void)
{
	check(12, 340, 12);
}

/* 16 x 256 entries are many: then fewer are looked at. */
static void
test_many_directories(void)
{
	check(24, 256, 16);
}

int
main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/engine/below/few-directories", test_few_directories);
	g_test_add_func("/engine/below/many-directories", test_many_directories);
	return g_test_run();
}
