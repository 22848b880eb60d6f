/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A crash at every operation of every scenario's merge and undo, as a killed process and as a power cut on an ordered
 * and on a btrfs-like file system, and a second crash at every operation of the recovery. Pure (on the file system in
 * memory).
 *
 * After each: nothing is lost, recovery and another merge end in the scenario's "after", and undo brings back
 * "before". CRASH_FULL=1 makes the second crash exhaustive too, CRASH_SAMPLED=1 takes a sample of all; SCENARIO picks by name.
 */
#include <string.h>

#include "home/base/error.h"
#include "tests/support/crash-walk.h"
#include "tests/support/home-run.h"

/* At each point, of the thousands that two disks may be in. */
#define STATES_OF_TWO_DISKS 24

typedef struct {
	const Scenario *scenario;
	Tree *before; /* as the fake has it: with what is behind mounts */
	Tree *after;
	gboolean is_undo; /* the run under test is the undo */
	guint states;
	const char *first; /* the first of two crashes, or "" */
} Case;

static gboolean
is_full(void)
{
	return g_getenv("CRASH_FULL") != NULL;
}

static Tree *
snapshot(FakeFs *fake)
{
	Tree *tree;

	fake_fs_quiet_begin(fake);
	tree = home_run_snapshot(fake_fs_table(fake), SCENARIO_HOME);
	fake_fs_quiet_end(fake);
	return tree;
}

static void
assert_same(const Case *test, const Tree *expected, FakeFs *fake, const CrashPoint *point,
	    const char *what)
{
	g_autoptr(Tree) actual = snapshot(fake);
	g_autofree char *diff = tree_diff(expected, actual, 0);

	if (diff != NULL)
		g_error("%s; %s: %s:\n%s", test->first, point->text, what, diff);
}

static void
assert_nothing_lost(const Case *test, FakeFs *fake, const CrashPoint *point)
{
	g_autoptr(Tree) actual = snapshot(fake);
	g_autofree char *lost = tree_lost(test->before, actual, TRUE);
	/* A link that was rewritten says something else, and the same in effect. */
	gboolean has_relinks = strstr(test->scenario->file, "relative-link") != NULL;

	if (lost != NULL && !(has_relinks && strstr(lost, "(link -> ") != NULL))
		g_error("%s: lost:\n%s", point->text, lost);
}

static void
run_merge(FakeFs *fake, gpointer data)
{
	const Case *test = data;
	HomeRun run;

	home_run_merge(test->scenario, fake_fs_table(fake), SCENARIO_HOME, FALSE, &run);
	home_run_clear(&run);
}

static void
run_undo(FakeFs *fake, gpointer data)
{
	HomeRun run;

	home_run_undo(fake_fs_table(fake), SCENARIO_HOME, 0, &run);
	home_run_clear(&run);
}

static void
run_recover(FakeFs *fake, gpointer data)
{
	const Case *test = data;
	HomeRun run;

	home_run_recover(test->scenario, fake_fs_table(fake), SCENARIO_HOME, &run);
	home_run_clear(&run);
}

static void
recover(const Case *test, FakeFs *fake, const CrashPoint *point)
{
	HomeRun run;

	home_run_recover(test->scenario, fake_fs_table(fake), SCENARIO_HOME, &run);
	if (run.error != NULL)
		g_error("%s: recovery: %s", point->text, run.error->message);
	home_run_clear(&run);
}

static void
merge_and_undo(const Case *test, FakeFs *fake, const CrashPoint *point)
{
	HomeRun run;

	home_run_merge(test->scenario, fake_fs_table(fake), SCENARIO_HOME, FALSE, &run);
	/* The stray may be gone already: then there is no such directory, and nothing to merge. */
	home_run_clear(&run);
	if (strcmp(test->scenario->again, "same") == 0)
		assert_same(test, test->after, fake, point, "after another merge");
	else
		assert_nothing_lost(test, fake, point);
	for (;;) {
		home_run_undo(fake_fs_table(fake), SCENARIO_HOME, 0, &run);
		if (run.error != NULL || run.result.id == 0)
			break;
		home_run_clear(&run);
	}
	g_assert_error(run.error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND);
	home_run_clear(&run);
	assert_same(test, test->before, fake, point, "after the undo");
}

/* The undo was cut: it ends in "before", whether it had begun or not. */
static void
finish_undo(const Case *test, FakeFs *fake, const CrashPoint *point)
{
	HomeRun run;

	home_run_undo(fake_fs_table(fake), SCENARIO_HOME, 0, &run);
	if (run.error != NULL)
		g_assert_error(run.error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND);
	home_run_clear(&run);
	assert_same(test, test->before, fake, point, "after the undo went on");
}

static void
check_all(FakeFs *fake, const CrashPoint *point, gpointer data)
{
	Case *test = data;

	test->states++;
	assert_nothing_lost(test, fake, point);
	recover(test, fake, point);
	assert_nothing_lost(test, fake, point);
	if (test->is_undo)
		finish_undo(test, fake, point);
	else
		merge_and_undo(test, fake, point);
}

/* The recovery itself is cut, everywhere. */
static void
check_twice(FakeFs *fake, const CrashPoint *point, gpointer data)
{
	CrashWalkOptions options = { .is_sparse = TRUE };

	if (!is_full()) {
		options.max_points = 12;
		options.max_states = 2;
		options.offset = point->op;
	}
	/* What many small steps may leave has too many states to look at all of them each time. */
	if (!is_full() && strcmp(((Case *)data)->scenario->again, "same") != 0)
		options.max_points = 3;
	((Case *)data)->first = point->text;
	crash_walk(fake, &options, run_recover, check_all, data);
}

static void
case_init(Case *test, FakeFs *fake, const Scenario *scenario)
{
	g_autoptr(FakeFs) clone = fake_fs_clone(fake);

	*test = (Case){ .scenario = scenario, .before = snapshot(fake), .first = "" };
	run_merge(clone, test);
	test->after = snapshot(clone);
}

static void
case_clear(Case *test)
{
	tree_free(test->before);
	tree_free(test->after);
}

/* Two disks lose power together: each in any of its states. */
/* With the sanitizers, ten times as slow: what they look for does not hide in one state of a thousand. */
static gboolean
is_sampled(void)
{
	return g_getenv("CRASH_SAMPLED") != NULL;
}

static CrashWalkOptions
options_for(const Scenario *scenario, gboolean is_sparse)
{
	CrashWalkOptions options = { .is_sparse = is_sparse };

	if (g_str_has_prefix(scenario->file, "across-") && !is_full())
		options.max_states = STATES_OF_TWO_DISKS;
	if (is_sampled()) {
		options.max_points = 24;
		options.max_states = 4;
	}
	return options;
}

static void
test_crash_once(gconstpointer data)
{
	g_autoptr(FakeFs) fake = scenario_new_fake(data, NULL);
	CrashWalkOptions options = options_for(data, FALSE);
	Case test;
	CrashWalkStats stats;

	case_init(&test, fake, data);
	stats = crash_walk(fake, &options, run_merge, check_all, &test);
	g_test_message("merge: %u operations, %u crashes, %u states", stats.ops, stats.points,
		       stats.states);
	run_merge(fake, &test);
	test.is_undo = TRUE;
	options = options_for(data, !is_full());
	stats = crash_walk(fake, &options, run_undo, check_all, &test);
	g_test_message("undo: %u operations, %u crashes, %u states", stats.ops, stats.points,
		       stats.states);
	case_clear(&test);
}

static void
test_crash_twice(gconstpointer data)
{
	g_autoptr(FakeFs) fake = scenario_new_fake(data, NULL);
	CrashWalkOptions options = { .is_sparse = TRUE };
	Case test;

	if (!is_full()) {
		options.max_points = is_sampled() ? 3 : 12;
		options.max_states = 2;
	}
	case_init(&test, fake, data);
	crash_walk(fake, &options, run_merge, check_twice, &test);
	g_test_message("%u states after two crashes", test.states);
	case_clear(&test);
}

int
main(int argc, char *argv[])
{
	g_autoptr(GPtrArray) scenarios = scenario_load_all(SCENARIO_DIR);
	const char *only = g_getenv("SCENARIO");

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < scenarios->len; i++) {
		const Scenario *scenario = g_ptr_array_index(scenarios, i);
		g_autofree char *once = g_strdup_printf("/crash/once/%s", scenario->file);
		g_autofree char *twice = g_strdup_printf("/crash/twice/%s", scenario->file);

		if (only != NULL && strstr(scenario->file, only) == NULL)
			continue;
		if (strcmp(scenario->undo, "exact") != 0)
			continue;
		g_test_add_data_func(once, scenario, test_crash_once);
		g_test_add_data_func(twice, scenario, test_crash_twice);
	}
	return g_test_run();
}
