/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is done about duplicates, cut at every operation and refused at every operation: a crash (killed, or with the power
 * gone) in the work, in its recovery and in the undo, and each errno at each call. Pure (on the file system in memory).
 *
 * After each: no content is lost, no file is left under a temporary name, and undo brings back "before".
 */
#include <errno.h>
#include <string.h>

#include "home/base/error.h"
#include "tests/support/crash-walk.h"
#include "tests/support/home-run.h"

static const char before_text[] =
	"Downloads/ mtime=5\n"
	"Downloads/a.iso = random:7 size=30000 mtime=1\n"
	"Downloads/a (2).iso = random:7 size=30000 mtime=2.5\n"
	"Downloads/sub/ mtime=6 mode=0700\n"
	"Downloads/sub/a copy.iso = random:7 size=30000 mtime=3\n"
	"Downloads/note.txt = \"one\\n\" mtime=4\n"
	"Downloads/note (2).txt = \"one\\n\" mtime=4 xattr:user.origin=\"here\"\n"
	"Downloads/other.txt = \"two\\n\" mtime=4\n"
	"Downloads/album/1 = \"first\"\n"
	"Downloads/album/cover -> ../note.txt\n"
	"Downloads/album (2)/1 = \"first\"\n"
	"Downloads/album (2)/cover -> ../note.txt\n";

#define HOME_PATH(name) SCENARIO_HOME "/Downloads/" name

/* The last two are not equal: they have to stay, whatever they were taken for. */
static const TidyDedupePair pairs[] = {
	{ HOME_PATH("a.iso"), HOME_PATH("a (2).iso") },
	{ HOME_PATH("a.iso"), HOME_PATH("sub/a copy.iso") },
	{ HOME_PATH("note.txt"), HOME_PATH("note (2).txt") },
	{ HOME_PATH("note.txt"), HOME_PATH("other.txt") },
	{ HOME_PATH("album"), HOME_PATH("album (2)") },
};

typedef struct {
	TidyDedupeHow how;
	Scenario scenario; /* for recovery: only its tree is used */
	Tree *before;
	gboolean is_undo;
	const char *first;
} Case;

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
assert_nothing_lost(const Case *test, FakeFs *fake, const char *when)
{
	g_autoptr(Tree) actual = snapshot(fake);
	g_autofree char *lost = tree_lost(test->before, actual, TREE_LOST_SET);

	if (lost != NULL)
		g_error("%s; %s: lost:\n%s", test->first, when, lost);
}

/* A file that becomes a link, or a file of its own again, is at no moment without its name. */
static void
assert_names(const Case *test, FakeFs *fake, const char *when)
{
	g_autoptr(Tree) actual = snapshot(fake);

	if (test->how == TIDY_DEDUPE_TRASH)
		return;
	for (guint i = 0; i < tree_size(test->before); i++) {
		const char *path = tree_node(test->before, i)->path;

		if (tree_lookup(actual, path) == NULL)
			g_error("%s; %s: %s is not there", test->first, when, path);
	}
}

static void
assert_before(const Case *test, FakeFs *fake, guint options, const char *when)
{
	g_autoptr(Tree) actual = snapshot(fake);
	g_autofree char *diff = tree_diff(test->before, actual, options);

	if (diff != NULL)
		g_error("%s; %s: after the undo:\n%s", test->first, when, diff);
}

static gboolean
dedupe(const Case *test, FakeFs *fake, TidyResult *result, GError **error)
{
	g_autoptr(TidyEngine) engine = home_run_engine(fake_fs_table(fake), SCENARIO_HOME);

	return tidy_engine_dedupe(engine, test->how, pairs, G_N_ELEMENTS(pairs), FALSE, NULL, NULL,
				  result, error);
}

static void
run_dedupe(FakeFs *fake, gpointer data)
{
	TidyResult result;

	dedupe(data, fake, &result, NULL);
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
	Case *test = data;
	HomeRun run;

	home_run_recover(&test->scenario, fake_fs_table(fake), SCENARIO_HOME, &run);
	home_run_clear(&run);
}

static void
recover(Case *test, FakeFs *fake, const char *when)
{
	HomeRun run;

	home_run_recover(&test->scenario, fake_fs_table(fake), SCENARIO_HOME, &run);
	if (run.error != NULL)
		g_error("%s; %s: recovery: %s", test->first, when, run.error->message);
	home_run_clear(&run);
}

static void
undo_all(Case *test, FakeFs *fake, guint options, const char *when)
{
	gboolean is_done = FALSE;

	for (guint tries = 0; tries < 8 && !is_done; tries++) {
		HomeRun run;

		home_run_undo(fake_fs_table(fake), SCENARIO_HOME, 0, &run);
		for (guint i = 0; i < run.left->len; i++)
			g_test_message("undo %u left %s", (guint)run.result.id,
				       (char *)g_ptr_array_index(run.left, i));
		is_done = run.error != NULL || run.result.id == 0;
		if (run.error != NULL &&
		    !g_error_matches(run.error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND))
			g_error("%s; %s: undo: %s", test->first, when, run.error->message);
		home_run_clear(&run);
	}
	if (!is_done)
		g_error("%s; %s: the undo has no end", test->first, when);
	assert_before(test, fake, options, when);
}

static void
check(FakeFs *fake, const CrashPoint *point, gpointer data)
{
	Case *test = data;
	TidyResult result;

	assert_nothing_lost(test, fake, point->text);
	if (point->mode != FAKE_CUT_BTRFS)
		assert_names(test, fake, point->text);
	recover(test, fake, point->text);
	assert_nothing_lost(test, fake, point->text);
	assert_names(test, fake, point->text);
	if (!test->is_undo)
		g_assert_true(dedupe(test, fake, &result, NULL));
	assert_nothing_lost(test, fake, point->text);
	assert_names(test, fake, point->text);
	undo_all(test, fake, 0, point->text);
}

static void
check_twice(FakeFs *fake, const CrashPoint *point, gpointer data)
{
	CrashWalkOptions options = { .is_sparse = TRUE };

	if (g_getenv("CRASH_FULL") == NULL) {
		options.max_points = 12;
		options.max_states = 2;
		options.offset = point->op;
	}
	((Case *)data)->first = point->text;
	crash_walk(fake, &options, run_recover, check, data);
	((Case *)data)->first = "";
}

static FakeFs *
case_init(Case *test, gconstpointer data)
{
	FakeFs *fake;

	*test = (Case){ .how = GPOINTER_TO_INT(data), .first = "" };
	test->scenario.before = tree_parse(before_text, 1, NULL);
	fake = scenario_new_fake(&test->scenario, NULL);
	test->before = snapshot(fake);
	return fake;
}

static void
case_clear(Case *test)
{
	tree_free(test->scenario.before);
	tree_free(test->before);
}

static void
test_done_and_undone(gconstpointer data)
{
	Case test;
	g_autoptr(FakeFs) fake = case_init(&test, data);
	g_autoptr(GError) error = NULL;
	TidyResult result;
	HomeRun run;

	g_assert_true(dedupe(&test, fake, &result, &error));
	g_assert_no_error(error);
	g_assert_cmpint(result.outcome, ==, TIDY_OUTCOME_PARTIAL);
	/* To the Trash: three files and a directory; a link has one set of attributes; blocks are of files. */
	g_assert_cmpuint(result.counts.folded, ==,
			 test.how == TIDY_DEDUPE_TRASH	    ? 4
			 : test.how == TIDY_DEDUPE_HARDLINK ? 2
							    : 3);
	assert_nothing_lost(&test, fake, "done");
	home_run_undo(fake_fs_table(fake), SCENARIO_HOME, 0, &run);
	g_assert_no_error(run.error);
	g_assert_cmpint(run.result.outcome, ==, TIDY_OUTCOME_DONE);
	home_run_clear(&run);
	assert_before(&test, fake, 0, "undone");
	/* The undo is an operation like others: with it undone, all is shared again, and then not. */
	home_run_undo(fake_fs_table(fake), SCENARIO_HOME, 2, &run);
	g_assert_no_error(run.error);
	home_run_clear(&run);
	assert_nothing_lost(&test, fake, "undo undone");
	undo_all(&test, fake, 0, "undone again");
	case_clear(&test);
}

static void
test_crash(gconstpointer data)
{
	Case test;
	g_autoptr(FakeFs) fake = case_init(&test, data);
	CrashWalkOptions options = { .max_states = g_getenv("CRASH_SAMPLED") != NULL ? 4 : 0 };
	CrashWalkStats stats = crash_walk(fake, &options, run_dedupe, check, &test);

	g_test_message("%u operations, %u crashes, %u states", stats.ops, stats.points,
		       stats.states);
	run_dedupe(fake, &test);
	test.is_undo = TRUE;
	stats = crash_walk(fake, &options, run_undo, check, &test);
	g_test_message("undo: %u operations, %u crashes, %u states", stats.ops, stats.points,
		       stats.states);
	case_clear(&test);
}

static void
test_crash_twice(gconstpointer data)
{
	Case test;
	g_autoptr(FakeFs) fake = case_init(&test, data);
	CrashWalkOptions options = { .is_sparse = TRUE };

	if (g_getenv("CRASH_FULL") == NULL) {
		options.max_points = 12;
		options.max_states = 2;
	}
	crash_walk(fake, &options, run_dedupe, check_twice, &test);
	case_clear(&test);
}

static void
refuse(Case *test, FakeFs *start, guint nth, int errno_code, FsFailMode mode)
{
	g_autoptr(FakeFs) fake = fake_fs_clone(start);
	g_autofree char *when = g_strdup_printf("call %u, errno %d, %s", nth, errno_code,
						mode == FS_FAIL_ONCE ? "once" : "for good");

	fake_fs_fail(fake, FS_OP_ANY, nth, errno_code, mode);
	if (test->is_undo)
		run_undo(fake, test);
	else
		run_dedupe(fake, test);
	fake_fs_clear_faults(fake);
	assert_nothing_lost(test, fake, when);
	recover(test, fake, when);
	assert_nothing_lost(test, fake, when);
	/* A stamp that cannot be set is no fault of the undo. */
	undo_all(test, fake, TREE_NO_DIR_MTIMES, when);
}

static guint
count_calls(Case *test, FakeFs *start)
{
	g_autoptr(FakeFs) fake = fake_fs_clone(start);

	fake_fs_clear_faults(fake);
	if (test->is_undo)
		run_undo(fake, test);
	else
		run_dedupe(fake, test);
	return fake_fs_seen(fake, FS_OP_ANY);
}

static void
refuse_all(Case *test, FakeFs *fake)
{
	static const int errnos[] = { EIO, ENOSPC, EACCES, EROFS, EINTR, EDQUOT, EXDEV };
	guint n_calls = count_calls(test, fake);
	gboolean is_full = g_getenv("FAULT_FULL") != NULL;

	for (guint nth = 1; nth <= n_calls; nth++) {
		for (guint i = 0; i < G_N_ELEMENTS(errnos); i++) {
			if (!is_full && i != nth % G_N_ELEMENTS(errnos))
				continue;
			refuse(test, fake, nth, errnos[i], FS_FAIL_ONCE);
			refuse(test, fake, nth, errnos[i], FS_FAIL_PERSISTENT);
		}
	}
	g_test_message("%u calls", n_calls);
}

static void
test_refused(gconstpointer data)
{
	Case test;
	g_autoptr(FakeFs) fake = case_init(&test, data);

	refuse_all(&test, fake);
	run_dedupe(fake, &test);
	test.is_undo = TRUE;
	refuse_all(&test, fake);
	case_clear(&test);
}

int
main(int argc, char *argv[])
{
	static const char *const names[] = { "trash", "hardlink", "reflink" };
	static const struct {
		const char *name;
		void (*test)(gconstpointer data);
	} tests[] = {
		{ "done-and-undone", test_done_and_undone },
		{ "crash", test_crash },
		{ "crash-twice", test_crash_twice },
		{ "refused", test_refused },
	};

	g_test_init(&argc, &argv, NULL);
	for (guint t = 0; t < G_N_ELEMENTS(tests); t++) {
		for (int how = 0; how < (int)G_N_ELEMENTS(names); how++) {
			g_autofree char *path =
				g_strdup_printf("/dupes/%s/%s", tests[t].name, names[how]);

			g_test_add_data_func(path, GINT_TO_POINTER(how), tests[t].test);
		}
	}
	return g_test_run();
}
