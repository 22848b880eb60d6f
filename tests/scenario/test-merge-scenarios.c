/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every file below tests/scenario/merge on the file system in memory: plan, merge, undo, and the undo undone. A name
 * or part of one in $SCENARIO picks some.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/home-run.h"

/* Goes on, so that one run shows all that is wrong with a scenario. */
#define fail(...)                            \
	do {                                 \
		g_test_message(__VA_ARGS__); \
		g_test_fail();               \
	} while (0)

static void
assert_tree(const Tree *expected, FakeFs *fake, guint options, const char *what)
{
	g_autoptr(Tree) actual = home_run_snapshot(fake_fs_table(fake), SCENARIO_HOME);
	g_autofree char *diff = tree_diff(expected, actual, options);

	if (diff != NULL)
		fail("%s:\n%s", what, diff);
}

static char *
joined(GPtrArray *lines)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < lines->len; i++)
		g_string_append_printf(text, "%s\n", (char *)g_ptr_array_index(lines, i));
	return g_string_free(text, FALSE);
}

static int
compare_lines(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
check_count(const Scenario *scenario, const char *key, guint64 actual)
{
	const char *expected = scenario_get(scenario->report, key, NULL);

	if (expected != NULL && g_ascii_strtoull(expected, NULL, 10) != actual)
		fail("%s is %" G_GUINT64_FORMAT ", not %s", key, actual, expected);
}

static void
check_report(const Scenario *scenario, const HomeRun *run)
{
	const TidyCounts *counts = &run->result.counts;
	const char *outcome = scenario_get(scenario->report, "outcome", NULL);

	check_count(scenario, "moved", counts->moved);
	check_count(scenario, "folded", counts->folded);
	check_count(scenario, "kept-both", counts->kept_both);
	check_count(scenario, "removed", counts->removed);
	check_count(scenario, "skipped", counts->left);
	check_count(scenario, "failed", counts->failed);
	if (outcome != NULL)
		if (strcmp(run->result.outcome == TIDY_OUTCOME_DONE ? "done" : "partial",
			   outcome) != 0)
			fail("the outcome is not %s", outcome);
	for (guint i = 0; i < scenario->left->len; i++) {
		const ScenarioLeft *left = g_ptr_array_index(scenario->left, i);
		g_autofree char *line = g_strdup_printf("%s %s", left->path, left->reason);

		if (!g_ptr_array_find_with_equal_func(run->left, line, g_str_equal, NULL)) {
			g_autofree char *all = joined(run->left);

			fail("not reported: %s\nreported:\n%s", line, all);
		}
	}
}

/* A dry run says what the run does, if not always in the same order (copies end in groups); only names in the Trash, and what a case-insensitive
 * directory takes for the same name, are not known before. */
static void
check_plan(const Scenario *scenario, const HomeRun *plan, const HomeRun *run)
{
	g_autofree char *planned = NULL;
	g_autofree char *made = NULL;

	if (g_str_has_prefix(scenario->file, "across-")) {
		g_ptr_array_sort(plan->steps, compare_lines);
		g_ptr_array_sort(run->steps, compare_lines);
	}
	planned = joined(plan->steps);
	made = joined(run->steps);

	if (plan->result.counts.failed == run->result.counts.failed &&
	    strstr(made, "Trash") == NULL && strcmp(scenario->file, "casefold-target") != 0)
		if (strcmp(planned, made) != 0)
			fail("planned:\n%s\nmade:\n%s", planned, made);
}

static void
check_nothing_left(const HomeRun *undo)
{
	g_autofree char *left = joined(undo->left);

	if (undo->left->len > 0)
		fail("the undo left:\n%s", left);
}

static void
test_scenario(gconstpointer data)
{
	const Scenario *scenario = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(FakeFs) fake = scenario_new_fake(scenario, &error);
	g_autoptr(Tree) before = NULL;
	HomeRun plan;
	HomeRun merge;
	HomeRun undo;
	HomeRun redo;

	g_assert_no_error(error);
	before = home_run_snapshot(fake_fs_table(fake), SCENARIO_HOME);
	home_run_merge(scenario, fake_fs_table(fake), SCENARIO_HOME, TRUE, &plan);
	assert_tree(before, fake, 0, "a dry run changed the disk");
	home_run_merge(scenario, fake_fs_table(fake), SCENARIO_HOME, FALSE, &merge);
	g_assert_no_error(merge.error);
	assert_tree(scenario->after, fake, 0, "after the merge");
	check_report(scenario, &merge);
	check_plan(scenario, &plan, &merge);
	if (strcmp(scenario->undo, "exact") == 0 && merge.result.id != 0) {
		home_run_undo(fake_fs_table(fake), SCENARIO_HOME, merge.result.id, &undo);
		g_assert_no_error(undo.error);
		check_nothing_left(&undo);
		assert_tree(before, fake, 0, "after the undo");
		home_run_undo(fake_fs_table(fake), SCENARIO_HOME, undo.result.id, &redo);
		g_assert_no_error(redo.error);
		check_nothing_left(&redo);
		assert_tree(scenario->after, fake, 0, "after the undo was undone");
		home_run_clear(&undo);
		home_run_clear(&redo);
	}
	g_assert_cmpuint(fake_fs_open_count(fake), ==, 0);
	home_run_clear(&plan);
	home_run_clear(&merge);
}

int
main(int argc, char *argv[])
{
	g_autoptr(GPtrArray) scenarios = scenario_load_all(SCENARIO_DIR);
	const char *only = g_getenv("SCENARIO");

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < scenarios->len; i++) {
		const Scenario *scenario = g_ptr_array_index(scenarios, i);
		g_autofree char *path = g_strdup_printf("/merge/%s", scenario->file);

		if (only == NULL || strstr(scenario->file, only) != NULL)
			g_test_add_data_func(path, scenario, test_scenario);
	}
	return g_test_run();
}
