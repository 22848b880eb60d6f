/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Undo in a world that moved on: edited files, names that are taken again, later operations, another home in the same
 * state directory, a home from a backup, clocks that jump, a state directory that cannot be written. On the file
 * system in memory. The cases of undo.c are named where a test is about one.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "home/base/error.h"
#include "tests/support/home-run.h"

#define HOME  SCENARIO_HOME
#define STATE HOME "/.local/state"
#define HOUR  (G_GINT64_CONSTANT(3600) * 1000000000)

static const char text[] = "# for undo\n"
			   "before:\n"
			   "  Download/ mtime=5\n"
			   "  Download/a = \"one\"\n"
			   "  Download/b = \"bee\"\n"
			   "  Download/dup = \"same\"\n"
			   "  Download/sub/ mtime=6 mode=0700 xattr:user.tag=\"t\"\n"
			   "  Download/sub/x = \"x\"\n"
			   "  Downloads/ mtime=7\n"
			   "  Downloads/a = \"two\"\n"
			   "  Downloads/dup = \"same\"\n"
			   "  Downloads/sub/y = \"y\"\n"
			   "after:\n"
			   "  Downloads/a = \"two\"\n";

typedef struct {
	Scenario *scenario;
	FakeFs *fake;
	Tree *before;
	Tree *after;
	HomeRun run; /* the last one */
} Fixture;

static Tree *
snapshot(Fixture *f)
{
	return home_run_snapshot(fake_fs_table(f->fake), HOME);
}

static void
assert_tree(Fixture *f, const Tree *expected)
{
	g_autoptr(Tree) actual = snapshot(f);
	g_autofree char *diff = tree_diff(expected, actual, 0);

	g_assert_cmpstr(diff, ==, NULL);
}

static void
merge(Fixture *f)
{
	home_run_clear(&f->run);
	home_run_merge(f->scenario, fake_fs_table(f->fake), HOME, FALSE, &f->run);
}

static void
undo(Fixture *f, guint64 id)
{
	home_run_clear(&f->run);
	home_run_undo(fake_fs_table(f->fake), HOME, id, &f->run);
}

static void
assert_left(Fixture *f, const char *line)
{
	for (guint i = 0; i < f->run.left->len; i++) {
		if (strcmp(f->run.left->pdata[i], line) == 0)
			return;
	}
	g_error("not told: %s (of %u)", line, f->run.left->len);
}

static void
assert_content(Fixture *f, const char *path, const char *content)
{
	g_autoptr(GBytes) bytes = fake_fs_read(f->fake, path);
	g_autofree char *actual = NULL;

	g_assert_nonnull(bytes);
	actual = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	g_assert_cmpstr(actual, ==, content);
}

static void
set_up(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	*f = (Fixture){ .scenario = scenario_parse("undo", text, &error) };
	g_assert_no_error(error);
	f->fake = scenario_new_fake(f->scenario, &error);
	g_assert_no_error(error);
	f->before = snapshot(f);
	home_run_merge(f->scenario, fake_fs_table(f->fake), HOME, FALSE, &f->run);
	g_assert_no_error(f->run.error);
	g_assert_cmpint(f->run.result.outcome, ==, TIDY_OUTCOME_DONE);
	f->after = snapshot(f);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
	g_assert_cmpuint(fake_fs_open_count(f->fake), ==, 0);
	home_run_clear(&f->run);
	tree_free(f->before);
	tree_free(f->after);
	fake_fs_free(f->fake);
	scenario_free(f->scenario);
}

/* --- what changed since --- */

/* case 1 */
static void
test_exact(Fixture *f, gconstpointer data)
{
	undo(f, 0);
	g_assert_no_error(f->run.error);
	assert_tree(f, f->before);
}

/* case 2: it stays with what was written, the others go back */
static void
test_edited(Fixture *f, gconstpointer data)
{
	TidyFs *fs = fake_fs_table(f->fake);
	int dir = fs->openat(fs, AT_FDCWD, HOME "/Downloads", O_RDONLY | O_DIRECTORY, 0);
	int fd = fs->openat(fs, dir, "b", O_RDWR, 0);

	g_assert_cmpint(tidy_fs_write_all(fs, fd, "edited", 6, 0), ==, 0);
	fs->close(fs, fd);
	fs->close(fs, dir);
	undo(f, 0);
	g_assert_no_error(f->run.error);
	g_assert_cmpint(f->run.result.outcome, ==, TIDY_OUTCOME_PARTIAL);
	assert_left(f, "Downloads/b changed-since");
	assert_content(f, HOME "/Downloads/b", "edited");
	assert_content(f, HOME "/Download/a", "one");
	assert_content(f, HOME "/Download/sub/x", "x");
	assert_content(f, HOME "/Download/dup", "same");
}

/* case 2: another file of that name */
static void
test_replaced(Fixture *f, gconstpointer data)
{
	TidyFs *fs = fake_fs_table(f->fake);
	int dir = fs->openat(fs, AT_FDCWD, HOME "/Downloads", O_RDONLY | O_DIRECTORY, 0);

	g_assert_cmpint(fs->rename(fs, dir, "b", dir, "kept elsewhere"), ==, 0);
	fs->close(fs, dir);
	fake_fs_write(f->fake, HOME "/Downloads/b", "new", -1);
	undo(f, 0);
	assert_left(f, "Downloads/b changed-since");
	assert_content(f, HOME "/Downloads/b", "new");
	assert_content(f, HOME "/Downloads/kept elsewhere", "bee");
}

/* case 4 */
static void
test_gone(Fixture *f, gconstpointer data)
{
	TidyFs *fs = fake_fs_table(f->fake);
	int dir = fs->openat(fs, AT_FDCWD, HOME "/Downloads", O_RDONLY | O_DIRECTORY, 0);

	g_assert_cmpint(fs->unlink(fs, dir, "b", 0), ==, 0);
	fs->close(fs, dir);
	undo(f, 0);
	g_assert_cmpint(f->run.result.outcome, ==, TIDY_OUTCOME_PARTIAL);
	assert_left(f, "Downloads/b gone");
	assert_content(f, HOME "/Download/a", "one");
}

static void
test_name_taken_again(Fixture *f, gconstpointer data)
{
	fake_fs_mkdirs(f->fake, HOME "/Download", 0755);
	fake_fs_write(f->fake, HOME "/Download/b", "a new one", -1);
	fake_fs_write(f->fake, HOME "/Download/dup", "also new", -1);
	undo(f, 0);
	g_assert_no_error(f->run.error);
	g_assert_cmpint(f->run.result.outcome, ==, TIDY_OUTCOME_PARTIAL);
	assert_content(f, HOME "/Download/b", "a new one");
	assert_content(f, HOME "/Downloads/b", "bee");
	assert_content(f, HOME "/Download/dup", "also new");
	assert_content(f, HOME "/.local/share/Trash/files/dup", "same");
	assert_content(f, HOME "/Download/a", "one");
}

/* A file where the stray was: nothing can come back, and nothing is touched. */
static void
test_stray_is_a_file(Fixture *f, gconstpointer data)
{
	fake_fs_write(f->fake, HOME "/Download", "a file", -1);
	undo(f, 0);
	g_assert_no_error(f->run.error);
	g_assert_cmpint(f->run.result.outcome, ==, TIDY_OUTCOME_PARTIAL);
	assert_content(f, HOME "/Download", "a file");
	assert_content(f, HOME "/Downloads/b", "bee");
}

/* --- several operations --- */

static void
test_undo_of_undo(Fixture *f, gconstpointer data)
{
	undo(f, 0);
	undo(f, f->run.result.id);
	g_assert_no_error(f->run.error);
	assert_tree(f, f->after);
	undo(f, 0);
	g_assert_no_error(f->run.error);
	assert_tree(f, f->before);
	undo(f, 0);
	g_assert_true(g_error_matches(f->run.error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND));
}

static void
test_undone_already(Fixture *f, gconstpointer data)
{
	undo(f, 1);
	undo(f, 1);
	g_assert_true(g_error_matches(f->run.error, TIDY_ERROR, TIDY_ERROR_REFUSED));
	g_assert_nonnull(strstr(f->run.error->message, "undone already, by operation 2"));
	undo(f, 77);
	g_assert_true(g_error_matches(f->run.error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND));
	assert_tree(f, f->before);
}

static void
second_merge(Fixture *f)
{
	fake_fs_mkdirs(f->fake, HOME "/Download", 0755);
	fake_fs_write(f->fake, HOME "/Download/later", "later", -1);
	fake_fs_write(f->fake, HOME "/Download/b", "a second b", -1);
	merge(f);
	g_assert_no_error(f->run.error);
	g_assert_cmpuint(f->run.result.id, ==, 2);
}

static void
test_newest_first(Fixture *f, gconstpointer data)
{
	second_merge(f);
	assert_content(f, HOME "/Downloads/b (2)", "a second b");
	undo(f, 0);
	assert_content(f, HOME "/Download/later", "later");
	assert_content(f, HOME "/Download/b", "a second b");
	g_assert_false(fake_fs_exists(f->fake, HOME "/Downloads/later"));
	undo(f, 1);
	g_assert_no_error(f->run.error);
	/* The second b is in the way of the first. */
	assert_content(f, HOME "/Download/b", "a second b");
	assert_content(f, HOME "/Downloads/b", "bee");
	assert_content(f, HOME "/Download/a", "one");
}

/* The older one alone: what the newer one brought stays. */
static void
test_older_first(Fixture *f, gconstpointer data)
{
	second_merge(f);
	undo(f, 1);
	g_assert_no_error(f->run.error);
	g_assert_cmpint(f->run.result.outcome, ==, TIDY_OUTCOME_DONE);
	assert_content(f, HOME "/Download/b", "bee");
	assert_content(f, HOME "/Downloads/later", "later");
	assert_content(f, HOME "/Downloads/b (2)", "a second b");
	undo(f, 2);
	assert_content(f, HOME "/Download/later", "later");
	assert_content(f, HOME "/Download/b", "bee");
	assert_content(f, HOME "/Downloads/b (2)", "a second b");
}

static void
test_dry_run_changes_nothing(Fixture *f, gconstpointer data)
{
	g_autoptr(TidyEngine) engine = home_run_engine(fake_fs_table(f->fake), HOME);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) history = NULL;
	TidyUndoTarget undone = { 0 };
	TidyResult result;

	g_assert_true(tidy_engine_undo(engine, 0, NULL, TRUE, NULL, &result, &undone, &error));
	g_assert_cmpuint(result.counts.moved, >, 0);
	g_assert_cmpuint(result.id, ==, 0);
	g_assert_cmpstr(undone.stray, ==, HOME "/Download");
	g_assert_cmpstr(undone.key, ==, "DOWNLOAD");
	tidy_undo_target_clear(&undone);
	assert_tree(f, f->after);
	history = tidy_engine_history(engine, &error);
	g_assert_cmpuint(history->len, ==, 1);
}

/* A history of months must not weigh what all its steps weigh; what was left out can be had. */
static void
test_history_is_light(Fixture *f, gconstpointer data)
{
	g_autoptr(TidyEngine) engine = home_run_engine(fake_fs_table(f->fake), HOME);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) history = tidy_engine_history(engine, &error);
	TidyOperation *operation;

	g_assert_cmpuint(history->len, ==, 1);
	operation = g_ptr_array_index(history, 0);
	g_assert_cmpuint(operation->journal->steps->len, ==, 0);
	g_assert_cmpuint(operation->journal->dirs->len, ==, 0);
	g_assert_cmpuint(operation->journal->commit.counts.moved, >, 0);
	g_assert_true(tidy_engine_read_steps(engine, operation, &error));
	g_assert_cmpuint(operation->journal->steps->len, >, 0);
	g_assert_cmpstr(operation->journal->header.stray, ==, HOME "/Download");
}

/* Operations that ended long ago are forgotten; those that can still be gone on with are not. */
static void
test_prune(Fixture *f, gconstpointer data)
{
	g_autoptr(TidyEngine) engine = home_run_engine(fake_fs_table(f->fake), HOME);
	gint64 now = fake_fs_table(f->fake)->now(fake_fs_table(f->fake));

	g_assert_cmpuint(tidy_engine_prune(engine, now - HOUR), ==, 0);
	g_assert_cmpuint(tidy_engine_prune(engine, now + HOUR), ==, 1);
	undo(f, 0);
	g_assert_true(g_error_matches(f->run.error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND));
	assert_tree(f, f->after);
}

/* --- other homes --- */

/* Two homes, one state directory: each sees and undoes its own. */
static void
test_shared_state(Fixture *f, gconstpointer data)
{
	TidyPlaces places = { "/home/other", STATE "/xdgtidy", "/home/other/Trash" };
	g_autoptr(TidyEngine) other = tidy_engine_new(fake_fs_table(f->fake), &places, NULL);
	TidyMergeJob job = { .stray = "/home/other/Download", .target = "/home/other/Downloads" };
	g_autoptr(GPtrArray) history = NULL;
	g_autoptr(GError) error = NULL;
	TidyResult result;

	fake_fs_mkdirs(f->fake, "/home/other/Downloads", 0755);
	fake_fs_mkdirs(f->fake, "/home/other/Download", 0755);
	fake_fs_write(f->fake, "/home/other/Download/o", "other", -1);
	g_assert_false(tidy_engine_undo(other, 0, NULL, FALSE, NULL, &result, NULL, &error));
	g_assert_true(g_error_matches(error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND));
	g_clear_error(&error);
	g_assert_true(tidy_engine_merge(other, &job, NULL, &result, &error));
	g_assert_cmpuint(result.id, ==, 2);
	history = tidy_engine_history(other, &error);
	g_assert_cmpuint(history->len, ==, 1);
	undo(f, 2);
	g_assert_true(g_error_matches(f->run.error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND));
	undo(f, 0);
	g_assert_no_error(f->run.error);
	assert_tree(f, f->before);
	assert_content(f, "/home/other/Downloads/o", "other");
	g_assert_true(tidy_engine_undo(other, 0, NULL, FALSE, NULL, &result, NULL, &error));
	assert_content(f, "/home/other/Download/o", "other");
}

static void
copy_file(FakeFs *from, FakeFs *to, const char *path)
{
	g_autoptr(GBytes) bytes = fake_fs_read(from, path);

	fake_fs_write(to, path, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes));
}

/* The merged home from a backup: all names and bytes are there, no inode is. Nothing is guessed. */
static void
test_restored_home(Fixture *f, gconstpointer data)
{
	FakeFs *restored = fake_fs_new();
	g_autoptr(Tree) tree = NULL;

	/* Inodes that are all others: some are used up before. */
	for (guint i = 0; i < 50; i++) {
		g_autofree char *path = g_strdup_printf("/elsewhere/%u", i);

		fake_fs_mkdirs(restored, path, 0755);
	}
	fake_fs_mkdirs(restored, STATE "/xdgtidy", 0700);
	fake_fs_mkdirs(restored, HOME "/Downloads/sub", 0755);
	fake_fs_mkdirs(restored, HOME "/.local/share/Trash/files", 0700);
	fake_fs_mkdirs(restored, HOME "/.local/share/Trash/info", 0700);
	copy_file(f->fake, restored, HOME "/Downloads/a");
	copy_file(f->fake, restored, HOME "/Downloads/a (2)");
	copy_file(f->fake, restored, HOME "/Downloads/b");
	copy_file(f->fake, restored, HOME "/Downloads/sub/x");
	copy_file(f->fake, restored, HOME "/.local/share/Trash/files/dup");
	copy_file(f->fake, restored, STATE "/xdgtidy/00000001.journal");
	fake_fs_free(f->fake);
	f->fake = restored;
	tree = snapshot(f);
	undo(f, 0);
	g_assert_error(f->run.error, TIDY_ERROR, TIDY_ERROR_REFUSED);
	g_assert_nonnull(strstr(f->run.error->message, "xdgtidy history 1"));
	assert_tree(f, tree);
	assert_content(f, HOME "/.local/share/Trash/files/dup", "same");
}

/* --- the clock --- */

static void
test_clock_jumps_back(Fixture *f, gconstpointer data)
{
	TidyFs *fs = fake_fs_table(f->fake);

	fake_fs_set_clock(f->fake, fs->now(fs) - 48 * HOUR, 1000000);
	undo(f, 0);
	g_assert_no_error(f->run.error);
	assert_tree(f, f->before);
	fake_fs_set_clock(f->fake, fs->now(fs) - 48 * HOUR, 1000000);
	merge(f);
	g_assert_no_error(f->run.error);
	g_assert_cmpuint(f->run.result.id, ==, 3);
	undo(f, 0);
	g_assert_no_error(f->run.error);
	assert_tree(f, f->before);
}

/* --- a state directory that cannot be written --- */

typedef struct {
	gboolean is_full;
	int code;
	const char *message;
} StateRow;

static const StateRow state_rows[] = {
	{ FALSE, TIDY_ERROR_IO, STATE },
	{ TRUE, TIDY_ERROR_NO_SPACE, STATE },
};

static void
test_state_unwritable(gconstpointer data)
{
	const StateRow *row = data;
	g_autoptr(GError) error = NULL;
	Fixture f = { .scenario = scenario_parse("undo", text, &error) };
	FakeDisk *disk;

	f.fake = scenario_new_fake(f.scenario, &error);
	fake_fs_mkdirs(f.fake, STATE, 0700);
	disk = fake_fs_mount(f.fake, STATE, "state");
	fake_fs_mkdirs(f.fake, STATE "/xdgtidy", 0700);
	fake_fs_write(f.fake, STATE "/xdgtidy/lock", "", 0);
	f.before = snapshot(&f);
	if (row->is_full)
		fake_disk_set_free(disk, 0);
	else
		fake_disk_set_read_only(disk, TRUE);
	home_run_merge(f.scenario, fake_fs_table(f.fake), HOME, FALSE, &f.run);
	g_assert_nonnull(f.run.error);
	g_assert_cmpint(f.run.error->code, ==, row->code);
	g_assert_nonnull(strstr(f.run.error->message, row->message));
	assert_tree(&f, f.before);
	home_run_clear(&f.run);
	/* With space again the same merge is made. */
	fake_disk_set_free(disk, -1);
	fake_disk_set_read_only(disk, FALSE);
	home_run_merge(f.scenario, fake_fs_table(f.fake), HOME, FALSE, &f.run);
	g_assert_no_error(f.run.error);
	f.after = snapshot(&f);
	if (row->is_full)
		fake_disk_set_free(disk, 0);
	else
		fake_disk_set_read_only(disk, TRUE);
	undo(&f, 0);
	g_assert_nonnull(f.run.error);
	assert_tree(&f, f.after);
	tear_down(&f, NULL);
}

/* The disk fills up between two batches: what was made stays made, what was not is not, and both can be undone. */
static void
test_state_fills_up(void)
{
	g_autoptr(GError) error = NULL;
	Fixture f = { .scenario = scenario_parse("undo", text, &error) };
	FakeDisk *disk;

	f.fake = scenario_new_fake(f.scenario, &error);
	for (guint i = 0; i < 3000; i++) {
		g_autofree char *path = g_strdup_printf(HOME "/Download/many-%u", i);

		fake_fs_write(f.fake, path, "m", 1);
	}
	fake_fs_mkdirs(f.fake, STATE, 0700);
	disk = fake_fs_mount(f.fake, STATE, "state");
	f.before = snapshot(&f);
	fake_disk_set_free(disk, 250000);
	home_run_merge(f.scenario, fake_fs_table(f.fake), HOME, FALSE, &f.run);
	g_assert_true(g_error_matches(f.run.error, TIDY_ERROR, TIDY_ERROR_NO_SPACE));
	g_assert_cmpuint(f.run.result.counts.moved, >, 0);
	g_assert_cmpuint(f.run.result.counts.moved, <, 3000);
	fake_disk_set_free(disk, -1);
	undo(&f, 0);
	g_assert_no_error(f.run.error);
	assert_tree(&f, f.before);
	f.after = tree_new();
	tear_down(&f, NULL);
}

/* What is taken back of one name changes the change time that its other name has, and that comes batches later. On one
 * disk, and from another. */
static void
test_links_batches_apart(gconstpointer data)
{
	const char *target = data;
	g_autoptr(GError) error = NULL;
	Fixture f = { 0 };
	g_autofree char *links = g_strconcat("# for undo\nbefore:\n"
					     "  Download/a = \"linked\"\n"
					     "  Download/z = link:Download/a\n",
					     target, "after:\n  Downloads/a = \"linked\"\n", NULL);

	f.scenario = scenario_parse("undo", links, &error);
	g_assert_no_error(error);
	f.fake = scenario_new_fake(f.scenario, &error);
	g_assert_no_error(error);
	for (guint i = 0; i < 3000; i++) {
		g_autofree char *path = g_strdup_printf(HOME "/Download/many-%u", i);

		fake_fs_write(f.fake, path, "m", 1);
	}
	f.before = snapshot(&f);
	home_run_merge(f.scenario, fake_fs_table(f.fake), HOME, FALSE, &f.run);
	g_assert_no_error(f.run.error);
	g_assert_cmpint(f.run.result.outcome, ==, TIDY_OUTCOME_DONE);
	undo(&f, 0);
	g_assert_no_error(f.run.error);
	g_assert_cmpuint(f.run.left->len, ==, 0);
	assert_tree(&f, f.before);
	f.after = tree_new();
	tear_down(&f, NULL);
}

int
main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
#define ADD(path, func) g_test_add("/engine/undo/" path, Fixture, NULL, set_up, func, tear_down)
	ADD("exact", test_exact);
	ADD("edited-file-stays", test_edited);
	ADD("replaced-file-stays", test_replaced);
	ADD("gone", test_gone);
	ADD("name-taken-again", test_name_taken_again);
	ADD("stray-is-a-file-now", test_stray_is_a_file);
	ADD("undo-of-undo", test_undo_of_undo);
	ADD("undone-already", test_undone_already);
	ADD("newest-first", test_newest_first);
	ADD("older-first", test_older_first);
	ADD("dry-run-changes-nothing", test_dry_run_changes_nothing);
	ADD("history-is-light", test_history_is_light);
	ADD("prune", test_prune);
	ADD("two-homes-one-state-directory", test_shared_state);
	ADD("home-from-a-backup", test_restored_home);
	ADD("clock-jumps-back", test_clock_jumps_back);
	g_test_add_data_func("/engine/undo/state-read-only", &state_rows[0], test_state_unwritable);
	g_test_add_data_func("/engine/undo/state-full", &state_rows[1], test_state_unwritable);
	g_test_add_func("/engine/undo/state-fills-up", test_state_fills_up);
	g_test_add_data_func("/engine/undo/links-batches-apart/one-disk", "  Downloads/\n",
			     test_links_batches_apart);
	g_test_add_data_func("/engine/undo/links-batches-apart/two-disks", "  Downloads : mount\n",
			     test_links_batches_apart);
	return g_test_run();
}
