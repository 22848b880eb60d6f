/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trees and scenarios as text: each scenario parses, builds on the fake, and reads back as it was written. Pure. */
#include <fcntl.h>
#include <string.h>

#include "tests/support/scenario.h"

static Tree *
parse(const char *text)
{
	g_autoptr(GError) error = NULL;
	Tree *tree = tree_parse(text, 1, &error);

	g_assert_no_error(error);
	return tree;
}

static Tree *
snapshot(FakeFs *fake)
{
	TidyFs *fs = fake_fs_table(fake);
	g_autoptr(GError) error = NULL;
	int home = fs->openat(fs, AT_FDCWD, SCENARIO_HOME, O_RDONLY | O_DIRECTORY, 0);
	Tree *tree = scenario_snapshot(fs, home, &error);

	g_assert_no_error(error);
	fs->close(fs, home);
	g_assert_cmpuint(fake_fs_open_count(fake), ==, 0);
	return tree;
}

static void
test_text_is_canonical(void)
{
	g_autoptr(Tree) tree = parse("  b/ mode=0700 mtime=7.5\n"
				     "a = \"one\\n\\x01\" mtime=-1.25 xattr:user.x=\"v\\\"\"\n"
				     "# comment\n"
				     "b/l\\x20 -> ../x y\n"
				     "c/f : fifo\n"
				     "c/a b = link:a\n");
	g_autofree char *text = tree_dump(tree, 0);

	g_assert_cmpstr(text, ==,
			"a = \"one\\n\\x01\" mode=0644 mtime=-1.25 xattr:user.x=\"v\\\"\"\n"
			"b/ mode=0700 mtime=7.5\n"
			"b/l\\x20 -> ../x y mtime=1000000000\n"
			"c/ mode=0755\n"
			"c/a b = link:a\n"
			"c/f : fifo mode=0644 mtime=1000000000\n");
}

static void
test_bad_text_is_refused(void)
{
	static const char *const bad[] = {
		"nothing",
		"a = one",
		"a = \"x",
		"a = \"\\q\"",
		"a = \"x\" mode=9",
		"a = link:b",
		"/a = \"x\"",
		"a//b = \"x\"",
		"a : pipe",
		"a = \"x\" what=1",
		"a = \"xx\" size=1",
		"a = \"x\"\na = \"y\"",
		"a = \"x\"\na/b = \"y\"",
	};

	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(tree_parse(bad[i], 1, &error));
		g_assert_true(g_str_has_prefix(error->message, "line "));
	}
}

static void
test_diff_tells_each_kind(void)
{
	static const struct {
		const char *expected, *actual, *line;
	} rows[] = {
		{ "a = \"x\"", "b = \"x\"", "missing    a = \"x\"" },
		{ "a = \"x\"", "a = \"y\"", "differs" },
		{ "a = \"x\"", "a = \"x\" mtime=3", "differs" },
		{ "a = \"x\"", "a = \"x\" mode=0600", "differs" },
		{ "a = \"x\"", "a = \"x\" xattr:user.a=\"b\"", "differs" },
		{ "a = \"x\"", "a -> x", "differs" },
		{ "a -> y", "a -> x", "differs" },
		{ "a/ mtime=3", "a/ mtime=4", "differs" },
		{ "a/", "a/ mode=0700", "differs" },
		{ "a = \"x\"\nb = link:a", "a = \"x\"\nb = \"x\"", "differs" },
		{ "a = random:1 size=9000", "a = random:2 size=9000", "differs" },
		{ "a = \"x\" size=9000", "a = \"x\" size=9001", "differs" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Tree) expected = parse(rows[i].expected), actual = parse(rows[i].actual);
		g_autofree char *same = tree_diff(expected, expected, 0);
		g_autofree char *diff = tree_diff(expected, actual, 0);

		g_assert_null(same);
		g_assert_nonnull(diff);
		g_assert_nonnull(strstr(diff, rows[i].line));
	}
}

static void
test_lost_counts_inodes(void)
{
	g_autoptr(Tree) before = parse("a = \"x\"\nb = \"x\"\nc = link:a\nl -> q\n");
	g_autoptr(Tree) folded = parse("b = \"x\"\nl -> ../q\n");
	g_autoptr(Tree) gone = parse("b = \"y\"\nl -> q\n");
	g_autofree char *same = tree_lost(before, before, 0);
	g_autofree char *count = tree_lost(before, folded, TREE_LOST_ANY_TARGET);
	g_autofree char *set = tree_lost(before, folded, TREE_LOST_ANY_TARGET | TREE_LOST_SET);
	g_autofree char *target = tree_lost(before, folded, TREE_LOST_SET);
	g_autofree char *bytes = tree_lost(before, gone, TREE_LOST_SET);

	g_assert_null(same);
	g_assert_nonnull(count);
	g_assert_null(set);
	g_assert_nonnull(target);
	g_assert_nonnull(bytes);
}

/* What the text says is what the fake holds: types, modes, times, xattrs, links. */
static void
test_scenario(gconstpointer data)
{
	const Scenario *scenario = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(FakeFs) fake = scenario_new_fake(scenario, &error);
	g_autoptr(Tree) tree = NULL;
	g_autofree char *diff = NULL;
	g_autofree char *lost = NULL;
	gboolean may_fold = TRUE;

	g_assert_no_error(error);
	tree = snapshot(fake);
	if (strcmp(scenario->file, "bind-mount-stays") !=
	    0) { /* the text has no line for what is seen twice */
		diff = tree_diff(scenario->before, tree, 0);
		g_assert_cmpstr(diff, ==, NULL);
	}
	/* the expectation itself loses nothing */
	may_fold = strcmp(scenario_get(scenario->policy, "identical", "trash"), "delete") == 0 ||
		   strcmp(scenario->file, "bind-mount-stays") == 0;
	lost = tree_lost(scenario->before, scenario->after,
			 TREE_LOST_ANY_TARGET | (may_fold ? TREE_LOST_SET : 0));
	g_assert_cmpstr(lost, ==, NULL);
}

int
main(int argc, char **argv)
{
	g_autoptr(GPtrArray) scenarios = NULL;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tree/text-is-canonical", test_text_is_canonical);
	g_test_add_func("/tree/bad-text-is-refused", test_bad_text_is_refused);
	g_test_add_func("/tree/diff-tells-each-kind", test_diff_tells_each_kind);
	g_test_add_func("/tree/lost-counts-inodes", test_lost_counts_inodes);
	scenarios = scenario_load_all(SCENARIO_DIR);
	g_assert_cmpuint(scenarios->len, >=, 25);
	for (guint i = 0; i < scenarios->len; i++) {
		const Scenario *scenario = scenarios->pdata[i];
		g_autofree char *name = g_strdup_printf("/tree/scenario/%s", scenario->file);

		g_test_add_data_func(name, scenario, test_scenario);
	}
	return g_test_run();
}
