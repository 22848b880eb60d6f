/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every file-system operation of every scenario's merge and undo fails, once and for good, with each plausible
 * errno. Pure (on the file system in memory).
 *
 * Then: nothing is lost or overwritten, what is said names a path, no descriptor stays open; when the disk works
 * again, recovery and another merge end in "after", and undo brings back "before". FAULT_FULL=1 tries each errno at
 * each call; else they take turns, over some calls of each operation. SCENARIO picks by name.
 */
#include <errno.h>
#include <string.h>

#include "home/base/error.h"
#include "tests/support/home-run.h"

/* About so many calls of each operation are made to fail when not all are. */
#define CALLS_SAMPLED 3

static const int errnos[] = { ENOSPC, EIO, EACCES, EXDEV, EDQUOT, EROFS, EMFILE };

typedef struct {
	const Scenario *scenario;
	FakeFs *start;
	Tree *before;
	Tree *after;
	guint runs;
	char *what; /* the fault at hand */
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

/* Whether @diff is about more than names in the Trash, where one that could not be asked about counts as taken, and the
 * link for old programs, which is reported when it could not be made. */
static gboolean
is_outside_trash(const char *diff)
{
	g_auto(GStrv) lines = g_strsplit(diff, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		if (*lines[i] != '\0' && strstr(lines[i], " Trash/") == NULL &&
		    strstr(lines[i], "missing    Download -> Downloads") == NULL)
			return TRUE;
	}
	return FALSE;
}

static void
assert_same(const Case *test, const Tree *expected, FakeFs *fake, guint options, const char *when)
{
	g_autoptr(Tree) actual = snapshot(fake);
	g_autofree char *diff = tree_diff(expected, actual, options);

	if (diff != NULL && is_outside_trash(diff))
		g_error("%s: %s:\n%s", test->what, when, diff);
}

static void
assert_nothing_lost(const Case *test, FakeFs *fake)
{
	g_autoptr(Tree) actual = snapshot(fake);
	g_autofree char *lost = tree_lost(test->before, actual, TRUE);
	gboolean has_relinks = strstr(test->scenario->file, "relative-link") != NULL;

	if (lost != NULL && !(has_relinks && strstr(lost, "(link -> ") != NULL))
		g_error("%s: lost:\n%s", test->what, lost);
}

/* An error, or an entry that is reported, must say where. */
static void
assert_clear(const Case *test, const HomeRun *run)
{
	if (run->error != NULL && strchr(run->error->message, '/') == NULL &&
	    !g_error_matches(run->error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND))
		g_error("%s: names no path: %s", test->what, run->error->message);
}

static void
merge(const Case *test, FakeFs *fake)
{
	HomeRun run;

	home_run_merge(test->scenario, fake_fs_table(fake), SCENARIO_HOME, FALSE, &run);
	assert_clear(test, &run);
	home_run_clear(&run);
}

static void
undo(const Case *test, FakeFs *fake)
{
	HomeRun run;

	home_run_undo(fake_fs_table(fake), SCENARIO_HOME, 0, &run);
	assert_clear(test, &run);
	home_run_clear(&run);
}

static void
recover(const Case *test, FakeFs *fake)
{
	HomeRun run;

	home_run_recover(test->scenario, fake_fs_table(fake), SCENARIO_HOME, &run);
	if (run.error != NULL)
		g_error("%s: recovery: %s", test->what, run.error->message);
	home_run_clear(&run);
}

static void
undo_all(const Case *test, FakeFs *fake)
{
	HomeRun run;

	/* Bounded: an undo that again and again leaves something would be a finding, not an endless test. */
	for (guint tries = 0; tries < 8; tries++) {
		home_run_undo(fake_fs_table(fake), SCENARIO_HOME, 0, &run);
		for (guint i = 0; i < run.left->len; i++)
			g_test_message("undo %u left %s", (guint)run.result.id,
				       (char *)g_ptr_array_index(run.left, i));
		if (run.error != NULL || run.result.id == 0)
			break;
		home_run_clear(&run);
	}
	if (!g_error_matches(run.error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND))
		g_error("%s: undo: %s", test->what,
			run.error != NULL ? run.error->message : "nothing more can be undone");
	home_run_clear(&run);
}

/* The disk works again: all ends as if nothing had happened, but that a stamp which could not be set is not. */
static void
check_healed(Case *test, FakeFs *fake, gboolean has_stamps, gboolean ends_the_same)
{
	guint options = has_stamps ? 0 : TREE_NO_MTIMES;

	/* Of names of one file that go to another disk in two merges no one knows that they were. */
	if (strcmp(test->scenario->file, "across-disks-hard-links") == 0)
		options |= TREE_NO_LINK_GROUPS;
	recover(test, fake);
	merge(test, fake);
	/* What could not be looked up in time leaves new links and directories with stamps of now. */
	if (ends_the_same && strcmp(test->scenario->again, "same") == 0)
		assert_same(test, test->after, fake, options | TREE_NO_MTIMES,
			    "after another merge");
	else
		assert_nothing_lost(test, fake);
	undo_all(test, fake);
	assert_same(test, test->before, fake, options, "after the undo");
}

typedef void (*Job)(const Case *test, FakeFs *fake);

static void
fail_one(Case *test, Job job, FakeFs *start, FsOp op, guint nth, int errno_code, FsFailMode mode)
{
	g_autoptr(FakeFs) fake = fake_fs_clone(start);

	g_free(test->what);
	test->what =
		g_strdup_printf("%s %u: %s %s in the %s", fs_op_name(op), nth,
				g_strerror(errno_code), mode == FS_FAIL_ONCE ? "once" : "for good",
				job == merge ? "merge" : "undo");
	fake_fs_fail(fake, op, nth, errno_code, mode);
	job(test, fake);
	fake_fs_clear_faults(fake);
	g_assert_cmpuint(fake_fs_open_count(fake), ==, 0);
	assert_nothing_lost(test, fake);
	if (job == undo)
		undo(test, fake);
	/* What no rename takes over is copied, piece by piece: what was half done then has the name when it is tried again. */
	check_healed(test, fake, op != FS_OP_UTIMENS,
		     errno_code != EXDEV &&
			     strcmp(test->scenario->file, "across-disks-hard-links") != 0);
	test->runs++;
}

static guint
count_calls(Case *test, Job job, FakeFs *start, FsOp op)
{
	g_autoptr(FakeFs) fake = fake_fs_clone(start);

	fake_fs_clear_faults(fake);
	job(test, fake);
	return fake_fs_seen(fake, op);
}

/* What answers EXDEV on a real system; from others it means nothing. */
static gboolean
may_cross(FsOp op)
{
	return op == FS_OP_OPENAT || op == FS_OP_RENAME || op == FS_OP_REPLACE ||
	       op == FS_OP_EXCHANGE || op == FS_OP_LINK || op == FS_OP_LINKFD ||
	       op == FS_OP_CLONE || op == FS_OP_COPY_RANGE || op == FS_OP_DEDUPE;
}

static void
fail_all(Case *test, Job job, FakeFs *start)
{
	gboolean is_full = g_getenv("FAULT_FULL") != NULL;

	for (FsOp op = 0; op < FS_OP_N; op++) {
		guint calls = count_calls(test, job, start, op);

		guint stride = is_full ? 1 : 1 + calls / CALLS_SAMPLED;

		/* The offset differs from one operation to the next, so that not always the same calls are left out. */
		for (guint nth = 1 + op % stride; nth <= calls; nth += stride) {
			for (guint e = 0; e < (is_full ? G_N_ELEMENTS(errnos) : 1); e++) {
				int code = errnos[(nth + op + e) % G_N_ELEMENTS(errnos)];

				if (code == EXDEV && !may_cross(op))
					continue;
				if (is_full || (nth + op) % 2 == 0)
					fail_one(test, job, start, op, nth, code, FS_FAIL_ONCE);
				if (is_full || (nth + op) % 2 == 1)
					fail_one(test, job, start, op, nth, code,
						 FS_FAIL_PERSISTENT);
			}
		}
	}
}

static void
test_fault(gconstpointer data)
{
	g_autoptr(FakeFs) start = scenario_new_fake(data, NULL);
	g_autoptr(FakeFs) merged = fake_fs_clone(start);
	Case test = { .scenario = data, .start = start, .what = g_strdup("no fault") };

	test.before = snapshot(start);
	merge(&test, merged);
	test.after = snapshot(merged);
	fail_all(&test, merge, start);
	fail_all(&test, undo, merged);
	g_test_message("%u faults", test.runs);
	tree_free(test.before);
	tree_free(test.after);
	g_free(test.what);
}

int
main(int argc, char *argv[])
{
	g_autoptr(GPtrArray) scenarios = scenario_load_all(SCENARIO_DIR);
	const char *only = g_getenv("SCENARIO");

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < scenarios->len; i++) {
		const Scenario *scenario = g_ptr_array_index(scenarios, i);
		g_autofree char *path = g_strdup_printf("/fault/%s", scenario->file);

		if ((only == NULL || strstr(scenario->file, only) != NULL) &&
		    strcmp(scenario->undo, "exact") == 0)
			g_test_add_data_func(path, scenario, test_fault);
	}
	return g_test_run();
}
