/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of daemon/wording: plurals, and names that want to do harm. Pure. */
#include "daemon/wording.h"

#include <string.h>

static void
test_plurals(void)
{
	g_auto(TidyWording) wording = { 0 };
	TidyWordingCounts counts = { .moved = 1,
				     .n_dirs = 1,
				     .stray = "/h/Download",
				     .target = "/h/Downloads",
				     .home = "/h" };

	tidy_wording_merged(&wording, &counts);
	g_assert_cmpstr(wording.summary, ==, "1 entry merged into Downloads");
	counts.folded = 2;
	counts.kept_both = 1;
	counts.left = 4;
	tidy_wording_merged(&wording, &counts);
	g_assert_cmpstr(wording.summary, ==, "4 entries merged into Downloads");
	g_assert_cmpstr(
		wording.body, ==,
		"From ~/Download\n1 moved\n2 were already there\n1 got a new name\n4 stayed");
	counts.n_dirs = 3;
	tidy_wording_merged(&wording, &counts);
	g_assert_cmpstr(wording.summary, ==, "3 directories tidied");
}

static void
test_empty_directory(void)
{
	g_auto(TidyWording) wording = { 0 };
	TidyWordingCounts counts = { .n_dirs = 1,
				     .stray = "/h/Download",
				     .target = "/h/Downloads" };

	tidy_wording_merged(&wording, &counts);
	g_assert_cmpstr(wording.summary, ==, "An empty directory was removed");
}

static void
test_names_are_harmless(void)
{
	g_auto(TidyWording) wording = { 0 };
	TidyWordingCounts counts = { .stray = "/h/Down\nload\x1b[31m\xff\xe2\x80\xae",
				     .target = "/h/%s%n<b>",
				     .home = "/h" };

	tidy_wording_question(&wording, &counts, TRUE);
	g_assert_true(g_utf8_validate(wording.summary, -1, NULL));
	g_assert_cmpstr(wording.summary, ==,
			"Merge Down\\x0aload\\x1b[31m\\xff\\xe2\\x80\\xae into %s%n<b>?");
	g_assert_null(strpbrk(wording.summary, "\n\x1b"));
}

static void
test_long_names_are_cut(void)
{
	g_autofree char *name = g_strnfill(250, 'x');
	g_autofree char *path = g_strconcat("/h/", name, "\303\244", NULL);
	g_auto(TidyWording) wording = { 0 };

	tidy_wording_question(&wording,
			      &(TidyWordingCounts){ .stray = path, .target = "/h/D", .home = "/h" },
			      TRUE);
	g_assert_cmpint(g_utf8_strlen(wording.summary, -1), <, 90);
	g_assert_nonnull(strstr(wording.summary, "x… into D?"));
}

static void
test_config_error(void)
{
	g_auto(TidyWording) wording = { 0 };

	tidy_wording_config_error(&wording, "/h/xdgtidy.conf:3:1: unknown key \x1b");
	g_assert_nonnull(strstr(wording.body, "xdgtidy.conf:3:1: unknown key \\x1b"));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/wording/plurals", test_plurals);
	g_test_add_func("/wording/empty-directory", test_empty_directory);
	g_test_add_func("/wording/names-are-harmless", test_names_are_harmless);
	g_test_add_func("/wording/long-names-are-cut", test_long_names_are_cut);
	g_test_add_func("/wording/config-error", test_config_error);
	return g_test_run();
}
