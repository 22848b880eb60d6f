/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Merges to another file system when something is in the way: no room, a source that changes, a file system that holds
 * less, a stop between two pieces, renames that are refused for another reason. On the file system in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "home/base/error.h"
#include "home/engine/carry.h"
#include "tests/support/fault-fs.h"
#include "tests/support/home-run.h"

#define HOME   SCENARIO_HOME
#define SALT   G_GUINT64_CONSTANT(0x1234567812345678)
#define MIB(n) ((gint64)(n) << 20)

typedef struct {
	Scenario *scenario;
	FakeFs *fake;
	Tree *before;
	HomeRun run; /* the last one */
} Fixture;

static Tree *
snapshot(Fixture *f)
{
	return home_run_snapshot(fake_fs_table(f->fake), HOME);
}

static void
set_up(Fixture *f, const char *before, const char *after)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = g_strconcat("# carry\nbefore:\n", before, "after:\n", after, NULL);

	f->scenario = scenario_parse("carry", text, &error);
	g_assert_no_error(error);
	f->fake = scenario_new_fake(f->scenario, &error);
	g_assert_no_error(error);
	f->before = snapshot(f);
}

static void
tear_down(Fixture *f)
{
	g_assert_cmpuint(fake_fs_open_count(f->fake), ==, 0);
	home_run_clear(&f->run);
	scenario_free(f->scenario);
	fake_fs_free(f->fake);
	tree_free(f->before);
}

static void
assert_tree(Fixture *f, const Tree *expected)
{
	g_autoptr(Tree) actual = snapshot(f);
	g_autofree char *diff = tree_diff(expected, actual, 0);

	g_assert_cmpstr(diff, ==, NULL);
}

static void
merge_with(Fixture *f, TidyFs *fs)
{
	if (f->run.left != NULL)
		home_run_clear(&f->run);
	home_run_merge(f->scenario, fs, HOME, FALSE, &f->run);
}

static void
merge(Fixture *f)
{
	merge_with(f, fake_fs_table(f->fake));
}

static void
undo_operation(Fixture *f, guint64 id)
{
	home_run_clear(&f->run);
	home_run_undo(fake_fs_table(f->fake), HOME, id, &f->run);
	g_assert_no_error(f->run.error);
	g_assert_cmpuint(f->run.left->len, ==, 0);
}

static void
undo(Fixture *f)
{
	undo_operation(f, 0);
}

static void
assert_left(Fixture *f, const char *line)
{
	if (!g_ptr_array_find_with_equal_func(f->run.left, line, g_str_equal, NULL))
		g_error("not reported: %s", line);
}

/* --- names of copies --- */

static void
test_temp_name(void)
{
	g_autofree char *a = tidy_carry_temp_name(SALT, "a");
	g_autofree char *again = tidy_carry_temp_name(SALT, "a");
	g_autofree char *b = tidy_carry_temp_name(SALT, "b");
	g_autofree char *other_home = tidy_carry_temp_name(SALT + 1, "a");

	g_assert_true(g_str_has_prefix(a, ".xdgtidy-"));
	g_assert_cmpstr(a, ==, again);
	g_assert_cmpstr(a, !=, b);
	g_assert_cmpstr(a, !=, other_home);
}

/* --- room --- */

static void
test_no_room(void)
{
	Fixture f = { 0 };

	set_up(&f,
	       "  Download/big = random:1 size=1000000\n"
	       "  Download/small = \"s\"\n"
	       "  Downloads : mount\n",
	       "  Download/big = random:1 size=1000000\n"
	       "  Downloads/small = \"s\"\n");
	fake_disk_set_free(fake_fs_disk(f.fake, HOME "/Downloads"), 1010000);
	fake_fs_crash_at(f.fake, 0, FAKE_AFTER);
	merge(&f);
	g_assert_no_error(f.run.error);
	/* A twentieth stays free, so it does not fit, and is not tried. */
	assert_left(&f, "Download/big failed");
	assert_tree(&f, f.scenario->after);
	for (guint i = 1; i <= fake_fs_op_count(f.fake); i++)
		g_assert_null(strstr(fake_fs_op_text(f.fake, i), "copy_range big"));
	undo(&f);
	assert_tree(&f, f.before);
	tear_down(&f);
}

/* Another program takes the room while the copy is under way. */
static int
fill_disk(FaultFs *fault, FsOp op, int dir, const char *name, guint nth, gpointer data)
{
	Fixture *f = data;

	if (op == FS_OP_COPY_RANGE)
		fake_disk_set_free(fake_fs_disk(f->fake, HOME "/Downloads"), 300000);
	return 0;
}

static void
test_room_runs_out(void)
{
	Fixture f = { 0 };
	g_autoptr(FaultFs) fault = NULL;

	set_up(&f,
	       "  Download/big = random:1 size=3000000\n"
	       "  Download/small = \"s\"\n"
	       "  Downloads : mount\n",
	       "  Download/big = random:1 size=3000000\n"
	       "  Downloads/small = \"s\"\n");
	fault = fault_fs_new(fake_fs_table(f.fake));
	fault_fs_set_hook(fault, fill_disk, &f);
	merge_with(&f, fault_fs_table(fault));
	g_assert_no_error(f.run.error);
	assert_left(&f, "Download/big failed");
	assert_tree(&f, f.scenario->after); /* no temporary file either */
	tear_down(&f);
}

/* --- a source that changes --- */

/* Writes to the source at the moment when the copies get their names. */
static int
edit_source(FaultFs *fault, FsOp op, int dir, const char *name, guint nth, gpointer data)
{
	Fixture *f = data;

	if (op == FS_OP_RENAME && g_strcmp0(name, "a") != 0 &&
	    !fake_fs_exists(f->fake, HOME "/edited")) {
		fake_fs_write(f->fake, HOME "/edited", "", -1);
		fake_fs_write(f->fake, HOME "/Download/a", "edited", -1);
	}
	return 0;
}

static void
test_changes_under_way(void)
{
	Fixture f = { 0 };
	g_autoptr(FaultFs) fault = NULL;
	g_autoptr(GBytes) bytes = NULL;

	set_up(&f, "  Download/a = \"before\"\n  Downloads : mount\n", "  x = \"\"\n");
	fault = fault_fs_new(fake_fs_table(f.fake));
	fault_fs_set_hook(fault, edit_source, &f);
	merge_with(&f, fault_fs_table(fault));
	g_assert_no_error(f.run.error);
	g_assert_true(fake_fs_exists(f.fake, HOME "/edited"));
	/* The copy of what it was is gone again; another pass took what it is. */
	g_assert_false(fake_fs_exists(f.fake, HOME "/Download"));
	bytes = fake_fs_read(f.fake, HOME "/Downloads/a");
	g_assert_cmpmem(g_bytes_get_data(bytes, NULL), (int)g_bytes_get_size(bytes), "edited", 6);
	tear_down(&f);
}

/* --- file systems that hold less --- */

static void
test_no_xattrs(void)
{
	Fixture f = { 0 };

	set_up(&f,
	       "  Download/plain = \"p\" mtime=3\n"
	       "  Download/tagged = \"t\" xattr:user.tag=\"x\"\n"
	       "  Downloads : mount\n",
	       "  Download/tagged = \"t\" xattr:user.tag=\"x\"\n"
	       "  Downloads/plain = \"p\" mtime=3\n");
	fake_disk_set_lacks(fake_fs_disk(f.fake, HOME "/Downloads"), FAKE_NO_XATTR);
	merge(&f);
	g_assert_no_error(f.run.error);
	assert_left(&f, "Download/tagged unkeepable-attributes");
	assert_tree(&f, f.scenario->after);
	undo(&f);
	assert_tree(&f, f.before);
	tear_down(&f);
}

static void
test_no_links(void)
{
	Fixture f = { 0 };

	set_up(&f,
	       "  Download/a = \"linked\" mtime=5\n"
	       "  Download/b = link:Download/a\n"
	       "  Downloads : mount\n",
	       "  Downloads/a = \"linked\" mtime=5\n"
	       "  Downloads/b = \"linked\" mtime=5\n");
	fake_disk_set_lacks(fake_fs_disk(f.fake, HOME "/Downloads"), FAKE_NO_LINK);
	merge(&f);
	g_assert_no_error(f.run.error);
	g_assert_cmpint(f.run.result.outcome, ==, TIDY_OUTCOME_DONE);
	assert_tree(&f, f.scenario->after);
	/* And where links can be they are links again. */
	undo(&f);
	assert_tree(&f, f.before);
	tear_down(&f);
}

/* Where it is not known that syncfs(2) reaches the disk each file is synced. */
static void
test_unknown_file_system(void)
{
	Fixture f = { 0 };
	g_autoptr(FaultFs) fault = NULL;

	set_up(&f, "  Download/a = \"a\"\n  Download/b = \"b\"\n  Downloads : mount\n",
	       "  Downloads/a = \"a\"\n  Downloads/b = \"b\"\n");
	fake_disk_set_magic(fake_fs_disk(f.fake, HOME "/Downloads"), 0x65735546); /* FUSE */
	fault = fault_fs_new(fake_fs_table(f.fake));
	merge_with(&f, fault_fs_table(fault));
	assert_tree(&f, f.scenario->after);
	g_assert_cmpuint(fault_fs_seen(fault, FS_OP_FSYNC), >=, 4);
	tear_down(&f);
}

/* --- the disk begins to write before the group is full --- */

typedef struct {
	guint begun;	/* asked to begin */
	guint syncs;	/* waited for */
	guint too_late; /* asked to begin after a sync of the copies */
	int answer;	/* to the first time */
} Early;

static int
note_early(FaultFs *fault, FsOp op, int dir, const char *name, guint nth, gpointer data)
{
	Early *early = data;

	if (op == FS_OP_SYNCFS)
		early->syncs++;
	if (op != FS_OP_BEGIN_SYNC)
		return 0;
	early->too_late += early->syncs > 0;
	return early->begun++ == 0 ? early->answer : 0;
}

static void
begin_early(const char *before, const char *after, Early *early)
{
	Fixture f = { 0 };
	g_autoptr(FaultFs) fault = NULL;

	set_up(&f, before, after);
	fault = fault_fs_new(fake_fs_table(f.fake));
	fault_fs_set_hook(fault, note_early, early);
	merge_with(&f, fault_fs_table(fault));
	g_assert_no_error(f.run.error);
	assert_tree(&f, f.scenario->after);
	g_assert_cmpuint(early->syncs, >, 0);
	g_assert_cmpuint(early->too_late, ==, 0);
	tear_down(&f);
}

/* 32 MiB are four pieces of a big file. A hint that is not taken is given again. */
static void
test_begins_early(void)
{
	static const char before[] =
		"  Download/big = random:1 size=40000000\n  Downloads : mount\n";
	static const char after[] = "  Downloads/big = random:1 size=40000000\n";
	Early taken = { 0 };
	Early busy = { .answer = -EBUSY };

	begin_early(before, after, &taken);
	g_assert_cmpuint(taken.begun, ==, 1);
	begin_early(before, after, &busy);
	g_assert_cmpuint(busy.begun, ==, 2);
}

/* 512 small files are as much to do for the disk; one less is not worth it. */
static void
test_begins_early_for_small_files(void)
{
	g_autoptr(GString) before = g_string_new("  Downloads : mount\n");
	g_autoptr(GString) after = g_string_new("");

	for (guint i = 1; i <= 512; i++) {
		Early early = { 0 };

		g_string_append_printf(before, "  Download/%u = \"%u\"\n", i, i);
		g_string_append_printf(after, "  Downloads/%u = \"%u\"\n", i, i);
		if (i < 511)
			continue;
		begin_early(before->str, after->str, &early);
		g_assert_cmpuint(early.begun, ==, i == 512);
	}
}

/* --- renames that are refused for other reasons --- */

static void
test_no_noreplace(void)
{
	Fixture f = { 0 };

	set_up(&f,
	       "  Download/ mtime=9\n"
	       "  Download/sub/ mode=0700 mtime=5\n"
	       "  Download/sub/deep/a = \"a\"\n"
	       "  Download/name/b = \"b\"\n"
	       "  Downloads/name = \"a file\"\n",
	       "  Downloads/ mtime=1000000000\n"
	       "  Downloads/sub/ mode=0700 mtime=5\n"
	       "  Downloads/sub/deep/a = \"a\"\n"
	       "  Downloads/name = \"a file\"\n"
	       "  Downloads/name (2)/b = \"b\"\n");
	fake_disk_set_lacks(fake_fs_disk(f.fake, HOME), FAKE_NO_NOREPLACE);
	merge(&f);
	g_assert_no_error(f.run.error);
	g_assert_cmpint(f.run.result.outcome, ==, TIDY_OUTCOME_DONE);
	assert_tree(&f, f.scenario->after);
	undo(&f);
	assert_tree(&f, f.before);
	tear_down(&f);
}

static void
test_no_noreplace_whole_stray(void)
{
	Fixture f = { 0 };

	set_up(&f, "  Download/ mtime=9\n  Download/sub/a = \"a\"\n",
	       "  Downloads/ mtime=9\n  Downloads/sub/a = \"a\"\n");
	fake_disk_set_lacks(fake_fs_disk(f.fake, HOME), FAKE_NO_NOREPLACE);
	merge(&f);
	g_assert_no_error(f.run.error);
	assert_tree(&f, f.scenario->after);
	undo(&f);
	assert_tree(&f, f.before);
	tear_down(&f);
}

/* The device number is the same, and rename says EXDEV: another project quota. */
static int
refuse_rename(FaultFs *fault, FsOp op, int dir, const char *name, guint nth, gpointer data)
{
	return op == FS_OP_RENAME && !g_str_has_prefix(name, ".xdgtidy-") ? -EXDEV : 0;
}

static void
test_same_device(void)
{
	Fixture f = { 0 };
	g_autoptr(FaultFs) fault = NULL;

	set_up(&f,
	       "  Download/a = \"a\" mtime=3\n  Download/sub/deep/b = \"b\"\n  Downloads/c = "
	       "\"c\"\n",
	       "  Downloads/a = \"a\" mtime=3\n  Downloads/sub/deep/b = \"b\"\n  Downloads/c = "
	       "\"c\"\n");
	fault = fault_fs_new(fake_fs_table(f.fake));
	fault_fs_set_hook(fault, refuse_rename, NULL);
	merge_with(&f, fault_fs_table(fault));
	g_assert_no_error(f.run.error);
	g_assert_cmpint(f.run.result.outcome, ==, TIDY_OUTCOME_DONE);
	assert_tree(&f, f.scenario->after);
	undo(&f);
	assert_tree(&f, f.before);
	tear_down(&f);
}

/* One name of a file is renamed, another has to be copied: a directory of the target is a bind mount, or has another
 * project. */
static int
refuse_one_name(FaultFs *fault, FsOp op, int dir, const char *name, guint nth, gpointer data)
{
	return op == FS_OP_RENAME && g_str_equal(name, data) ? -EXDEV : 0;
}

static void
split_set(gconstpointer data)
{
	const char *refused = data;
	Fixture f = { 0 };
	g_autoptr(FaultFs) fault = NULL;

	set_up(&f,
	       "  Download/a = \"linked\" mtime=5\n  Download/b = link:Download/a\n"
	       "  Download/sub/c = link:Download/a\n  Downloads/sub/d = \"d\"\n",
	       "  Downloads/a = \"linked\" mtime=5\n  Downloads/b = \"linked\" mtime=5\n"
	       "  Downloads/sub/c = \"linked\" mtime=5\n  Downloads/sub/d = \"d\"\n");
	fault = fault_fs_new(fake_fs_table(f.fake));
	fault_fs_set_hook(fault, refuse_one_name, (gpointer)refused);
	merge_with(&f, fault_fs_table(fault));
	g_assert_no_error(f.run.error);
	g_assert_cmpint(f.run.result.outcome, ==, TIDY_OUTCOME_DONE);
	undo(&f);
	assert_tree(&f, f.before);
	/* And forth, and back again. */
	undo_operation(&f, f.run.result.id);
	undo_operation(&f, f.run.result.id);
	assert_tree(&f, f.before);
	tear_down(&f);
}

/* --- a power cut before the intents were durable --- */

#define JOURNAL HOME "/.local/state/xdgtidy/00000001.journal"

typedef struct {
	FakeFs *fake;
	GBytes *bytes; /* of the journal when the first intents were to become durable */
	guint syncs;
} Torn;

static int
tear_journal(FaultFs *fault, FsOp op, int dir, const char *name, guint nth, gpointer data)
{
	Torn *torn = data;

	/* The first is the header's. */
	if (op != FS_OP_FDATASYNC || ++torn->syncs != 2)
		return 0;
	torn->bytes = fake_fs_read(torn->fake, JOURNAL);
	return -EIO;
}

/* Whatever is left of the first batch, which was not begun: it ends as if nothing had happened. */
static void
test_torn_batch(void)
{
	Fixture f = { 0 };
	Torn tear = { 0 };
	g_autoptr(FaultFs) fault = NULL;
	gsize size;

	set_up(&f,
	       "  Download/a -> one\n  Download/b -> two\n  Download/x = \"x\"\n"
	       "  Downloads : mount\n  Downloads/b -> other\n",
	       "  Downloads/a -> one\n  Downloads/b -> other\n  Downloads/b (2) -> two\n"
	       "  Downloads/x = \"x\"\n");
	tear.fake = f.fake;
	fault = fault_fs_new(fake_fs_table(f.fake));
	fault_fs_set_hook(fault, tear_journal, &tear);
	merge_with(&f, fault_fs_table(fault));
	g_assert_nonnull(f.run.error);
	size = g_bytes_get_size(tear.bytes);
	for (gsize cut = 200; cut <= size; cut += 8) {
		Fixture torn = { .scenario = f.scenario, .fake = fake_fs_clone(f.fake) };
		g_autoptr(Tree) actual = NULL;
		g_autofree char *diff = NULL;

		fake_fs_write(torn.fake, JOURNAL, g_bytes_get_data(tear.bytes, NULL), (gssize)cut);
		merge(&torn);
		actual = snapshot(&torn);
		diff = tree_diff(f.scenario->after, actual, TREE_NO_MTIMES);
		if (diff != NULL)
			g_error("cut at %u of %u:\n%s", (guint)cut, (guint)size, diff);
		home_run_clear(&torn.run);
		fake_fs_free(torn.fake);
	}
	g_bytes_unref(tear.bytes);
	tear_down(&f);
}

/* --- stopped between two pieces --- */

typedef struct {
	GCancellable *cancellable;
	gint64 copied;
	gint64 stop_after;
} Stop;

static void
on_copied(gint64 bytes, gpointer data)
{
	Stop *stop = data;

	stop->copied += bytes;
	if (stop->copied >= stop->stop_after)
		g_cancellable_cancel(stop->cancellable);
}

static int
carry_once(Fixture *f, Stop *stop, gboolean is_replay)
{
	TidyFs *fs = fake_fs_table(f->fake);
	g_autoptr(TidyDirPool) pool = tidy_dir_pool_new(fs);
	g_autoptr(TidyDir) from = tidy_dir_root(pool, HOME "/Download");
	g_autoptr(TidyDir) to = tidy_dir_root(pool, HOME "/Downloads");
	g_autoptr(GHashTable) sets = tidy_carry_sets_new();
	TidyCarrierOptions options = {
		.fs = fs,
		.sets = sets,
		.salt = SALT,
		.is_replay = is_replay,
		.has_checks = is_replay,
		.cancellable = stop->cancellable,
		.copied = on_copied,
		.copied_data = stop,
	};
	TidyCarrier *carrier = tidy_carrier_new(&options);
	TidyStat st;
	int r;

	g_assert_true(fake_fs_stat(f->fake, HOME "/Download/big", &st));
	{
		TidyStep step = {
			.op = TIDY_OP_CARRY,
			.type = TIDY_TYPE_FILE,
			.name = (char *)"big",
			.to_name = (char *)"big",
			.ino = st.ino,
			.size = st.size,
			.mtime_ns = st.mtime_ns,
			.mode = st.mode,
		};

		r = tidy_carrier_stage(carrier, &step, from, to);
		if (r == 0)
			r = tidy_carrier_place(carrier);
		if (r == 0)
			r = tidy_carrier_finish(carrier, 0);
	}
	tidy_carrier_free(carrier);
	return r;
}

static void
test_stopped(void)
{
	g_autofree char *temp = tidy_carry_temp_name(SALT, "big");
	g_autofree char *temp_path = g_build_filename(HOME, "Downloads", temp, NULL);
	Fixture f = { 0 };
	Stop stop = { .stop_after = MIB(16) };

	set_up(&f, "  Download/big = random:3 size=40000000\n  Downloads : mount\n",
	       "  Download/\n  Downloads/big = random:3 size=40000000\n");
	stop.cancellable = g_cancellable_new();
	g_assert_cmpint(carry_once(&f, &stop, FALSE), ==, -ECANCELED);
	g_assert_cmpint(stop.copied, ==, MIB(16));
	g_assert_true(fake_fs_exists(f.fake, temp_path));
	g_assert_false(fake_fs_exists(f.fake, HOME "/Downloads/big"));
	g_object_unref(stop.cancellable);
	/* Only the rest is copied. */
	stop = (Stop){ .stop_after = G_MAXINT64 };
	g_assert_cmpint(carry_once(&f, &stop, TRUE), ==, 0);
	g_assert_cmpint(stop.copied, ==, 40000000 - MIB(16));
	assert_tree(&f, f.scenario->after);
	merge(&f);
	tear_down(&f);
}

/* A power cut left zeros where bytes were: behind them nothing counts. */
static void
test_damaged_rest(void)
{
	g_autofree char *temp = tidy_carry_temp_name(SALT, "big");
	g_autofree char *temp_path = g_build_filename(HOME, "Downloads", temp, NULL);
	g_autoptr(GBytes) bytes = NULL;
	g_autofree char *damaged = NULL;
	Fixture f = { 0 };
	Stop stop = { .stop_after = G_MAXINT64 };

	set_up(&f, "  Download/big = random:3 size=4000000\n  Downloads : mount\n",
	       "  Download/\n  Downloads/big = random:3 size=4000000\n");
	bytes = fake_fs_read(f.fake, HOME "/Download/big");
	damaged = g_memdup2(g_bytes_get_data(bytes, NULL), 3000000);
	memset(damaged + 1000000, 0, 1000);
	fake_fs_write(f.fake, temp_path, damaged, 3000000);
	g_assert_cmpint(carry_once(&f, &stop, TRUE), ==, 0);
	g_assert_cmpint(stop.copied, ==, 4000000 - 1000000 / 4096 * 4096);
	assert_tree(&f, f.scenario->after);
	merge(&f);
	tear_down(&f);
}

int
main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/carry/begins-early/big", test_begins_early);
	g_test_add_func("/carry/begins-early/small", test_begins_early_for_small_files);
	g_test_add_func("/carry/temporary-name", test_temp_name);
	g_test_add_func("/carry/room/none", test_no_room);
	g_test_add_func("/carry/room/runs-out", test_room_runs_out);
	g_test_add_func("/carry/source/changes-under-way", test_changes_under_way);
	g_test_add_func("/carry/target/no-xattrs", test_no_xattrs);
	g_test_add_func("/carry/target/no-links", test_no_links);
	g_test_add_func("/carry/target/unknown-file-system", test_unknown_file_system);
	g_test_add_func("/carry/rename/no-noreplace", test_no_noreplace);
	g_test_add_func("/carry/rename/no-noreplace-whole-stray", test_no_noreplace_whole_stray);
	g_test_add_func("/carry/rename/same-device", test_same_device);
	g_test_add_data_func("/carry/rename/one-name-of-a-set/first", "a", split_set);
	g_test_add_data_func("/carry/rename/one-name-of-a-set/second", "b", split_set);
	g_test_add_data_func("/carry/rename/one-name-of-a-set/below", "c", split_set);
	g_test_add_func("/carry/stop/torn-batch", test_torn_batch);
	g_test_add_func("/carry/stop/between-pieces", test_stopped);
	g_test_add_func("/carry/stop/damaged-rest", test_damaged_rest);
	return g_test_run();
}
