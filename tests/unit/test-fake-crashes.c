/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The crashes of the fake file system have teeth: careless code loses data under each mode that should catch it, careful
 * code never does. Pure.
 */
#include <errno.h>
#include <fcntl.h>

#include "tests/support/crash-walk.h"

typedef struct {
	guint losses;  /* states where the content is gone or torn */
	guint doubles; /* states where it has both names */
	guint lies;    /* states where the log says done and the rename is not */
	guint states;
	gboolean syncs_file, syncs_all, fails_once, syncs_source, is_fresh_dir;
} Crash;

#define DO(call)                \
	do {                    \
		if ((call) < 0) \
			return; \
	} while (0)

/* Moves /from/a to /to/a by copying, with or without care. */
static void
copy_and_unlink(FakeFs *fake, gpointer data)
{
	const Crash *crash = data;
	TidyFs *fs = fake_fs_table(fake);
	int from = fake_fs_open_dir(fake, "/from"), to = fake_fs_open_dir(fake, "/to"), fd;

	if (crash->is_fresh_dir) {
		DO(fs->mkdir(fs, to, "new", 0755));
		DO(to = fs->openat(fs, to, "new", O_RDONLY | O_DIRECTORY, 0));
	}
	DO(fd = fs->openat(fs, to, "a", O_RDWR | O_CREAT | O_EXCL, 0644));
	DO(fs->pwrite(fs, fd, "content", 7, 0));
	if (crash->fails_once && fake_fs_op_count(fake) > 0) {
		fake_fs_fail(fake, FS_OP_FSYNC, 1, EIO, FS_FAIL_ONCE);
		(void)fs->fsync(fs, fd);
	}
	if (crash->syncs_file)
		DO(fs->fsync(fs, fd));
	if (crash->syncs_all)
		DO(fs->syncfs(fs, fd));
	DO(fs->unlink(fs, from, "a", 0));
}

static void
count_losses(FakeFs *fake, const CrashPoint *point, gpointer data)
{
	Crash *crash = data;
	gboolean old = fake_fs_has(fake, "/from/a", "content");
	gboolean new =
		fake_fs_has(fake, "/to/a", "content") || fake_fs_has(fake, "/to/new/a", "content");

	crash->states++;
	crash->losses += !old && !new;
	crash->doubles += old && new;
	g_assert_cmpuint(fake_fs_open_count(fake), ==, 0);
}

static Crash
walk(Crash crash, guint mode, CrashRunFunc run, CrashCheckFunc check)
{
	int from, to;
	g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);

	crash_walk(fake, &(CrashWalkOptions){ .modes = 1u << mode }, run, check, &crash);
	return crash;
}

static void
test_careless_copy_loses(void)
{
	static const struct {
		const char *what;
		FakeReboot mode;
		Crash crash;
		gboolean loses;
	} rows[] = {
		{ "no sync, kill", FAKE_KILL, { 0 }, FALSE },
		{ "no sync", FAKE_CUT_ORDERED, { 0 }, TRUE },
		{ "no sync, btrfs", FAKE_CUT_BTRFS, { 0 }, TRUE },
		{ "fsync", FAKE_CUT_ORDERED, { .syncs_file = TRUE }, FALSE },
		{ "fsync, btrfs", FAKE_CUT_BTRFS, { .syncs_file = TRUE }, FALSE },
		{ "syncfs", FAKE_CUT_ORDERED, { .syncs_all = TRUE }, FALSE },
		{ "syncfs, btrfs", FAKE_CUT_BTRFS, { .syncs_all = TRUE }, FALSE },
		{ "fsync in a new directory, btrfs",
		  FAKE_CUT_BTRFS,
		  { .syncs_file = TRUE, .is_fresh_dir = TRUE },
		  FALSE },
		{ "fsync failed, tried again",
		  FAKE_CUT_ORDERED,
		  { .syncs_file = TRUE, .fails_once = TRUE },
		  TRUE },
		{ "fsync failed, syncfs",
		  FAKE_CUT_ORDERED,
		  { .syncs_all = TRUE, .fails_once = TRUE },
		  TRUE },
		{ "fsync failed, tried again, btrfs",
		  FAKE_CUT_BTRFS,
		  { .syncs_file = TRUE, .fails_once = TRUE },
		  TRUE },
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		Crash crash = walk(rows[i].crash, rows[i].mode, copy_and_unlink, count_losses);

		g_test_message("%s: %u of %u states lose", rows[i].what, crash.losses,
			       crash.states);
		g_assert_true((crash.losses > 0) == rows[i].loses);
		g_assert_cmpuint(crash.doubles, >, 0);
	}
}

/* A rename, and a log that says so afterwards and is synced. */
static void
rename_then_log(FakeFs *fake, gpointer data)
{
	TidyFs *fs = fake_fs_table(fake);
	int from = fake_fs_open_dir(fake, "/from"), to = fake_fs_open_dir(fake, "/to"), fd;

	DO(fs->rename(fs, from, "a", to, "a"));
	DO(fd = fs->openat(fs, to, "log", O_RDWR | O_CREAT, 0644));
	DO(fs->pwrite(fs, fd, "done", 4, 0));
	DO(fs->fdatasync(fs, fd));
}

static void
count_lies(FakeFs *fake, const CrashPoint *point, gpointer data)
{
	Crash *crash = data;
	gboolean old = fake_fs_has(fake, "/from/a", "content"),
		 new = fake_fs_has(fake, "/to/a", "content");

	crash->states++;
	crash->losses += !old && !new;
	crash->doubles += old && new;
	crash->lies += fake_fs_has(fake, "/to/log", "done") && old;
}

static void
test_rename_is_atomic_but_may_roll_back(void)
{
	Crash ordered = walk((Crash){ 0 }, FAKE_CUT_ORDERED, rename_then_log, count_lies);
	Crash btrfs = walk((Crash){ 0 }, FAKE_CUT_BTRFS, rename_then_log, count_lies);

	g_assert_cmpuint(ordered.losses + ordered.doubles + btrfs.losses + btrfs.doubles, ==, 0);
	g_assert_cmpuint(ordered.lies, ==, 0);
	g_assert_cmpuint(btrfs.lies, >, 0); /* so a "done" record proves nothing */
}

/* An fsync of what did not change since persists nothing else. */
static void
rename_then_sync_another(FakeFs *fake, gpointer data)
{
	TidyFs *fs = fake_fs_table(fake);
	int from = fake_fs_open_dir(fake, "/from"), to = fake_fs_open_dir(fake, "/to"), fd;

	DO(fd = fs->openat(fs, to, "log", O_RDWR | O_CREAT, 0644));
	DO(fs->pwrite(fs, fd, "done", 4, 0));
	DO(fs->rename(fs, from, "a", to, "a"));
	DO(fs->fsync(fs, ((Crash *)data)->syncs_source ? from : fd));
}

static void
count_at_end(FakeFs *fake, const CrashPoint *point, gpointer data)
{
	Crash *crash = data;

	if (point->op == 0)
		crash->lies += fake_fs_has(fake, "/from/a", "content");
}

static void
test_fsync_reaches_to_the_last_change(void)
{
	Crash idle = walk((Crash){ 0 }, FAKE_CUT_ORDERED, rename_then_sync_another, count_at_end);
	Crash source = walk((Crash){ .syncs_source = TRUE }, FAKE_CUT_ORDERED,
			    rename_then_sync_another, count_at_end);
	Crash btrfs = walk((Crash){ .syncs_source = TRUE }, FAKE_CUT_BTRFS,
			   rename_then_sync_another, count_at_end);

	g_assert_cmpuint(idle.lies, >, 0);
	g_assert_cmpuint(source.lies, ==, 0);
	g_assert_cmpuint(btrfs.lies, >, 0); /* a directory's fsync does not bring its entries */
}

/* A file is replaced by a new one: with fsync always one or the other, whole. */
static void
replace_file(FakeFs *fake, gpointer data)
{
	TidyFs *fs = fake_fs_table(fake);
	int from = fake_fs_open_dir(fake, "/from"), fd;

	DO(fd = fs->openat(fs, from, "tmp", O_RDWR | O_CREAT | O_EXCL, 0644));
	DO(fs->pwrite(fs, fd, "new", 3, 0));
	if (((Crash *)data)->syncs_file)
		DO(fs->fsync(fs, fd));
	DO(fs->replace(fs, from, "tmp", from, "a"));
}

static void
count_neither(FakeFs *fake, const CrashPoint *point, gpointer data)
{
	((Crash *)data)->losses +=
		!fake_fs_has(fake, "/from/a", "content") && !fake_fs_has(fake, "/from/a", "new");
}

static void
test_replace_needs_fsync(void)
{
	for (guint mode = FAKE_CUT_ORDERED; mode <= FAKE_CUT_BTRFS; mode++) {
		Crash careless = walk((Crash){ 0 }, mode, replace_file, count_neither);
		Crash careful =
			walk((Crash){ .syncs_file = TRUE }, mode, replace_file, count_neither);

		g_assert_cmpuint(careless.losses, >, 0);
		g_assert_cmpuint(careful.losses, ==, 0);
	}
}

/* Names are handed on: a to b, a new a, synced. btrfs logs what the new one displaces too. */
static void
hand_names_on(FakeFs *fake, gpointer data)
{
	TidyFs *fs = fake_fs_table(fake);
	int from = fake_fs_open_dir(fake, "/from"), to = fake_fs_open_dir(fake, "/to"), fd;

	DO(fs->mkdir(fs, to, "deep", 0755));
	DO(to = fs->openat(fs, to, "deep", O_RDONLY | O_DIRECTORY, 0));
	DO(fs->rename(fs, from, "a", to, "b"));
	DO(fd = fs->openat(fs, from, "a", O_RDWR | O_CREAT | O_EXCL, 0644));
	DO(fs->pwrite(fs, fd, "second", 6, 0));
	DO(fs->fsync(fs, fd));
	DO(fs->rename(fs, from, "a", to, "c"));
	DO(fs->mkdir(fs, from, "a", 0755));
}

static void
check_both_there(FakeFs *fake, const CrashPoint *point, gpointer data)
{
	Crash *crash = data;

	crash->states++;
	if (!fake_fs_has(fake, "/from/a", "content") && !fake_fs_has(fake, "/to/deep/b", "content"))
		g_error("the first content is lost: %s", point->text);
	/* operation 5 is the fsync: from then on the second content is there too */
	if (point->op > 5 || point->op == 0)
		crash->losses += !fake_fs_has(fake, "/from/a", "second") &&
				 !fake_fs_has(fake, "/to/deep/c", "second");
}

static void
test_btrfs_logs_what_is_displaced(void)
{
	Crash crash = walk((Crash){ 0 }, FAKE_CUT_BTRFS, hand_names_on, check_both_there);

	g_assert_cmpuint(crash.losses, ==, 0);
	g_assert_cmpuint(crash.states, >, 30);
}

static void
test_before_after_half(void)
{
	static const struct {
		guint n;
		FakeWhen when;
		gboolean is_crashed;
		const char *content;
	} rows[] = {
		{ 1, FAKE_BEFORE, TRUE, NULL },	      { 1, FAKE_AFTER, TRUE, "" },
		{ 2, FAKE_BEFORE, TRUE, "" },	      { 2, FAKE_HALF, TRUE, "cont" },
		{ 2, FAKE_AFTER, TRUE, "content" },   { 3, FAKE_AFTER, TRUE, "content" },
		{ 99, FAKE_AFTER, FALSE, "content" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		int from, to;
		g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);

		fake_fs_crash_at(fake, rows[i].n, rows[i].when);
		copy_and_unlink(fake, &(Crash){ 0 });
		g_assert_cmpint(fake_fs_is_crashed(fake), ==, rows[i].is_crashed);
		if (rows[i].is_crashed)
			g_assert_cmpint(fake_fs_open_dir(fake, "/from"), ==, -ESHUTDOWN);
		fake_fs_reboot(fake, FAKE_KILL, 0);
		g_assert_cmpint(fake_fs_exists(fake, "/to/a"), ==, rows[i].content != NULL);
		if (rows[i].content)
			g_assert_true(fake_fs_has(fake, "/to/a", rows[i].content));
		g_assert_cmpint(fake_fs_open_dir(fake, "/from"), >=, 0);
	}
}

/* After a kill, what was not synced can still be lost by a later cut. */
static void
test_cut_after_kill(void)
{
	int from, to;
	g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);
	gboolean lost = FALSE;

	fake_fs_crash_at(fake, 3, FAKE_AFTER);
	copy_and_unlink(fake, &(Crash){ 0 });
	fake_fs_reboot(fake, FAKE_KILL, 0);
	fake_fs_crash_at(fake, 0, FAKE_AFTER);
	for (guint s = 0; s < fake_fs_states(fake, FAKE_CUT_ORDERED); s++) {
		g_autoptr(FakeFs) copy = fake_fs_clone(fake);

		fake_fs_reboot(copy, FAKE_CUT_ORDERED, s);
		lost |= !fake_fs_has(copy, "/from/a", "content") &&
			!fake_fs_has(copy, "/to/a", "content");
	}
	g_assert_true(lost);
	fake_fs_settle(fake);
	g_assert_cmpuint(fake_fs_states(fake, FAKE_CUT_ORDERED), ==, 1);
}

static void
test_disks_are_cut_apart(void)
{
	int from, to, usb, fd;
	g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);
	TidyFs *fs = fake_fs_table(fake);
	guint lost = 0, states;

	fake_fs_mkdirs(fake, "/to/usb", 0755);
	fake_fs_mount(fake, "/to/usb", "usb");
	fake_fs_crash_at(fake, 0, FAKE_AFTER);
	usb = fs->openat(fs, to, "usb", O_RDONLY | O_DIRECTORY, 0);
	fd = fs->openat(fs, usb, "a", O_RDWR | O_CREAT, 0644);
	g_assert_cmpint(fs->pwrite(fs, fd, "content", 7, 0), ==, 7);
	g_assert_cmpint(fs->unlink(fs, from, "a", 0), ==, 0);
	g_assert_cmpint(fs->syncfs(fs, from), ==, 0); /* the wrong disk */
	states = fake_fs_states(fake, FAKE_CUT_ORDERED);
	for (guint s = 0; s < states; s++) {
		g_autoptr(FakeFs) copy = fake_fs_clone(fake);

		fake_fs_reboot(copy, FAKE_CUT_ORDERED, s);
		g_assert_false(fake_fs_exists(copy, "/from/a"));
		lost += !fake_fs_has(copy, "/to/usb/a", "content");
	}
	g_assert_cmpuint(states, >, 1);
	g_assert_cmpuint(lost, >, 0);
	g_assert_cmpuint(lost, <, states);
}

static void
test_clones_are_apart(void)
{
	int from, to, fd;
	g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);
	g_autoptr(FakeFs) copy = fake_fs_clone(fake);
	TidyFs *fs = fake_fs_table(copy);

	g_assert_cmpuint(fake_fs_open_count(copy), ==, 0);
	fd = fake_fs_open_dir(copy, "/from");
	g_assert_cmpint(fs->unlink(fs, fd, "a", 0), ==, 0);
	g_assert_true(fake_fs_exists(fake, "/from/a"));
	g_assert_false(fake_fs_exists(copy, "/from/a"));
	fake_fs_write(fake, "/from/a", "other", -1);
	g_assert_false(fake_fs_exists(copy, "/from/a"));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fake/crash/careless-copy-loses", test_careless_copy_loses);
	g_test_add_func("/fake/crash/rename-may-roll-back",
			test_rename_is_atomic_but_may_roll_back);
	g_test_add_func("/fake/crash/fsync-reaches-to-the-last-change",
			test_fsync_reaches_to_the_last_change);
	g_test_add_func("/fake/crash/replace-needs-fsync", test_replace_needs_fsync);
	g_test_add_func("/fake/crash/btrfs-logs-what-is-displaced",
			test_btrfs_logs_what_is_displaced);
	g_test_add_func("/fake/crash/before-after-half", test_before_after_half);
	g_test_add_func("/fake/crash/cut-after-kill", test_cut_after_kill);
	g_test_add_func("/fake/crash/disks-are-cut-apart", test_disks_are_cut_apart);
	g_test_add_func("/fake/crash/clones-are-apart", test_clones_are_apart);
	return g_test_run();
}
