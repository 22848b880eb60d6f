/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fake file system: its traps (mounts, flags, limits) and its errors. Its crashes: test-fake-crash.c. Pure. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tests/support/fake-fs.h"
#include "tests/support/fault-fs.h"

/* ---- traps ---- */

static void
test_mounts_are_borders(void)
{
	int from, to, usb, bind;
	g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);
	TidyFs *fs = fake_fs_table(fake);
	TidyStat x, y;

	fake_fs_mkdirs(fake, "/to/usb", 0755);
	fake_fs_mkdirs(fake, "/to/bind", 0755);
	fake_fs_mount(fake, "/to/usb", "usb");
	fake_fs_bind(fake, "/from", "/to/bind");
	usb = fs->openat(fs, to, "usb", O_RDONLY | O_DIRECTORY, 0);
	bind = fs->openat(fs, to, "bind", O_RDONLY | O_DIRECTORY, 0);
	g_assert_cmpint(fs->rename(fs, from, "a", usb, "a"), ==, -EXDEV);
	g_assert_cmpint(fs->link(fs, from, "a", usb, "a"), ==, -EXDEV);
	g_assert_cmpint(fs->rename(fs, bind, "a", to, "a"), ==, -EXDEV);
	g_assert_cmpint(fs->rename(fs, to, "usb", from, "usb"), ==, -EBUSY);
	g_assert_cmpint(fs->unlink(fs, to, "usb", AT_REMOVEDIR), ==, -EBUSY);
	g_assert_cmpint(fs->stat(fs, from, "a", &x), ==, 0);
	g_assert_cmpint(fs->stat(fs, bind, "a", &y), ==, 0);
	g_assert_true(x.dev == y.dev && x.ino == y.ino && x.mnt_id != y.mnt_id);
	g_assert_cmpint(fs->stat(fs, to, "usb", &y), ==, 0);
	g_assert_true(y.dev != x.dev && (y.attributes & STATX_ATTR_MOUNT_ROOT));
	fake_fs_unmount(fake, "/to/usb");
	g_assert_cmpint(fs->stat(fs, to, "usb", &y), ==, 0);
	g_assert_true(y.dev == x.dev);
}

static void
test_flags_refuse(void)
{
	int from, to;
	g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);
	TidyFs *fs = fake_fs_table(fake);

	fake_fs_set_flags(fake, "/from/a", FAKE_IMMUTABLE);
	g_assert_cmpint(fs->rename(fs, from, "a", to, "a"), ==, -EPERM);
	g_assert_cmpint(fs->unlink(fs, from, "a", 0), ==, -EPERM);
	g_assert_cmpint(fs->link(fs, from, "a", to, "a"), ==, -EPERM);
	g_assert_cmpint(fs->utimens(fs, from, "a", 0, 0), ==, -EPERM);
	g_assert_cmpint(fs->openat(fs, from, "a", O_RDWR, 0), ==, -EPERM);
	fake_fs_set_flags(fake, "/from/a", 0);
	fake_fs_set_flags(fake, "/to", FAKE_IMMUTABLE);
	g_assert_cmpint(fs->rename(fs, from, "a", to, "a"), ==, -EPERM);
	fake_fs_set_flags(fake, "/to", FAKE_APPEND);
	g_assert_cmpint(fs->rename(fs, from, "a", to, "a"), ==, 0);
	g_assert_cmpint(fs->unlink(fs, to, "a", 0), ==, -EPERM);
	fake_fs_set_flags(fake, "/to", 0);
	fake_disk_set_read_only(fake_fs_disk(fake, "/"), TRUE);
	g_assert_cmpint(fs->rename(fs, to, "a", from, "a"), ==, -EROFS);
	g_assert_cmpint(fs->mkdir(fs, to, "b", 0755), ==, -EROFS);
}

static void
test_enforced_modes(void)
{
	g_autoptr(FakeFs) fake = fake_fs_new();
	TidyFs *fs = fake_fs_table(fake);
	int home;

	fake_fs_enforce(fake, 1000, 1000);
	fake_fs_mkdirs(fake, "/home/closed", 0);
	fake_fs_mkdirs(fake, "/home/no-write", 0555);
	fake_fs_write(fake, "/home/no-write/f", "x", -1);
	home = fake_fs_open_dir(fake, "/home");
	g_assert_cmpint(fs->openat(fs, home, "closed", O_RDONLY | O_DIRECTORY, 0), ==, -EACCES);
	home = fake_fs_open_dir(fake, "/home/no-write");
	g_assert_cmpint(fs->unlink(fs, home, "f", 0), ==, -EACCES);
	g_assert_cmpint(fs->mkdir(fs, home, "d", 0755), ==, -EACCES);
	g_assert_cmpint(fs->chown(fs, home, "f", 0, 0), ==, -EPERM);
	fake_fs_enforce(fake, 1001, 1001);
	g_assert_cmpint(fs->chmod(fs, home, "f", 0600), ==, -EPERM);
	fake_fs_enforce(fake, 0, 0);
	g_assert_cmpint(fs->unlink(fs, home, "f", 0), ==, 0);
}

static void
test_space_runs_out(void)
{
	int from, to, fd;
	g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);
	TidyFs *fs = fake_fs_table(fake);
	char bytes[3 * 4096] = { 0 };
	TidyFsInfo info;

	fake_disk_set_free(fake_fs_disk(fake, "/"), 2 * 4096);
	fd = fs->openat(fs, to, "big", O_RDWR | O_CREAT, 0644);
	g_assert_cmpint(fs->pwrite(fs, fd, bytes, sizeof bytes, 0), ==, 2 * 4096);
	g_assert_cmpint(fs->pwrite(fs, fd, bytes, 10, 2 * 4096), ==, -ENOSPC);
	g_assert_cmpint(fs->mkdir(fs, to, "d", 0755), ==, -ENOSPC);
	g_assert_cmpint(fs->fsinfo(fs, fd, &info), ==, 0);
	g_assert_cmpuint(info.free_bytes, ==, 0);
	g_assert_cmpint(fs->unlink(fs, to, "big", 0), ==, 0);
	g_assert_cmpint(fs->mkdir(fs, to, "d", 0755), ==, -ENOSPC); /* still open */
	fs->close(fs, fd);
	g_assert_cmpint(fs->mkdir(fs, to, "d", 0755), ==, 0);
}

static gboolean
add_name(const TidyDirent *entry, gpointer names)
{
	g_string_append_printf(names, "%s ", entry->name);
	return TRUE;
}

static void
test_listing_order(void)
{
	g_autoptr(FakeFs) fake = fake_fs_new();
	TidyFs *fs = fake_fs_table(fake);
	g_autoptr(GString) first = g_string_new(NULL), again = g_string_new(NULL),
			   other = g_string_new(NULL);
	int dir;

	for (guint i = 0; i < 40; i++) {
		g_autofree char *path = g_strdup_printf("/d/%02u", i);

		fake_fs_mkdirs(fake, path, 0755);
	}
	dir = fake_fs_open_dir(fake, "/d");
	g_assert_cmpint(tidy_fs_list(fs, dir, add_name, first), ==, 0);
	g_assert_cmpint(tidy_fs_list(fs, dir, add_name, again), ==, 0);
	fake_fs_set_order(fake, 99);
	g_assert_cmpint(tidy_fs_list(fs, dir, add_name, other), ==, 0);
	g_assert_cmpuint(first->len, ==, 40 * 3);
	g_assert_cmpstr(first->str, ==, again->str);
	g_assert_cmpuint(other->len, ==, first->len);
	g_assert_cmpstr(first->str, !=, other->str);
	g_assert_false(g_str_has_prefix(first->str, "00 01 02"));
}

/* Taking entries out while listing must neither skip nor repeat others. */
static void
test_listing_while_removing(void)
{
	g_autoptr(FakeFs) fake = fake_fs_new();
	TidyFs *fs = fake_fs_table(fake);
	char buffer[512] __attribute__((aligned(8)));
	ssize_t n;
	int dir;
	guint seen = 0;

	for (guint i = 0; i < 30; i++) {
		g_autofree char *path = g_strdup_printf("/d/%02u", i);

		fake_fs_mkdirs(fake, path, 0755);
	}
	dir = fake_fs_open_dir(fake, "/d");
	while ((n = fs->getdents(fs, dir, buffer, 96)) > 0) {
		for (ssize_t at = 0; at < n;) {
			struct dirent64 *entry = (struct dirent64 *)(void *)(buffer + at);

			at += entry->d_reclen;
			if (*entry->d_name == '.')
				continue;
			g_assert_cmpint(fs->unlink(fs, dir, entry->d_name, AT_REMOVEDIR), ==, 0);
			seen++;
		}
	}
	g_assert_cmpint((int)n, ==, 0);
	g_assert_cmpuint(seen, ==, 30);
	g_assert_cmpint((int)fs->getdents(fs, dir, buffer, 8), ==, 0);
}

static void
test_inode_numbers_come_again(void)
{
	int from, to;
	g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);
	TidyFs *fs = fake_fs_table(fake);
	TidyStat old, new;

	g_assert_cmpint(fs->stat(fs, from, "a", &old), ==, 0);
	g_assert_cmpint(fs->unlink(fs, from, "a", 0), ==, 0);
	g_assert_cmpint(fs->symlink(fs, "x", to, "b"), ==, 0);
	g_assert_cmpint(fs->stat(fs, to, "b", &new), ==, 0);
	g_assert_true(old.ino == new.ino &&old.btime_ns != new.btime_ns);
}

static void
test_unnamed_and_unlinked(void)
{
	int from, to, fd, other;
	g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);
	TidyFs *fs = fake_fs_table(fake);
	char bytes[8] = { 0 };

	fd = fs->tmpfile(fs, to, 0600);
	g_assert_cmpint(fs->pwrite(fs, fd, "new", 3, 0), ==, 3);
	g_assert_cmpint(fs->linkfd(fs, fd, from, "a"), ==, -EEXIST);
	g_assert_cmpint(fs->linkfd(fs, fd, to, "b"), ==, 0);
	g_assert_true(fake_fs_has(fake, "/to/b", "new"));
	other = fs->openat(fs, from, "a", O_RDONLY, 0);
	g_assert_cmpint(fs->unlink(fs, from, "a", 0), ==, 0);
	g_assert_cmpint(fs->pread(fs, other, bytes, sizeof bytes, 0), ==, 7);
	g_assert_cmpint(fs->linkfd(fs, other, to, "back"), ==, -ENOENT);
	g_assert_cmpint(fs->no_writer(fs, other), ==, 0);
	fs->close(fs, fd);
	g_assert_cmpint(fs->pwrite(fs, fd, "x", 1, 0), ==, -EBADF);
	fake_disk_set_lacks(fake_fs_disk(fake, "/"), FAKE_NO_TMPFILE);
	g_assert_cmpint(fs->tmpfile(fs, to, 0600), ==, -EOPNOTSUPP);
}

static void
test_writers_and_locks(void)
{
	int from, to, reader, writer;
	g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);
	TidyFs *fs = fake_fs_table(fake);

	reader = fs->openat(fs, from, "a", O_RDONLY, 0);
	g_assert_cmpint(fs->no_writer(fs, reader), ==, 0);
	writer = fs->openat(fs, from, "a", O_WRONLY, 0);
	g_assert_cmpint(fs->no_writer(fs, reader), ==, -EAGAIN);
	g_assert_cmpint(fs->flock(fs, writer, TIDY_LOCK_EXCLUSIVE), ==, 0);
	g_assert_cmpint(fs->flock(fs, writer, TIDY_LOCK_EXCLUSIVE), ==, 0);
	g_assert_cmpint(fs->flock(fs, reader, TIDY_LOCK_SHARED), ==, -EWOULDBLOCK);
	fs->close(fs, writer);
	g_assert_cmpint(fs->flock(fs, reader, TIDY_LOCK_SHARED), ==, 0);
	g_assert_cmpint(fs->no_writer(fs, reader), ==, 0);
	fake_fs_set_flags(fake, "/from/a", FAKE_HAS_WRITER);
	g_assert_cmpint(fs->no_writer(fs, reader), ==, -EAGAIN);
}

static void
test_casefold(void)
{
	int from, to;
	g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);
	TidyFs *fs = fake_fs_table(fake);
	TidyStat st;

	fake_fs_set_flags(fake, "/to", FAKE_CASEFOLD);
	g_assert_cmpint(fs->mkdir(fs, to, "README", 0755), ==, 0);
	g_assert_cmpint(fs->rename(fs, from, "a", to, "readme"), ==, -EEXIST);
	g_assert_cmpint(fs->stat(fs, to, "ReadMe", &st), ==, 0);
	g_assert_cmpint(fs->rename(fs, from, "a", to, "A"), ==, 0);
}

static void
test_clones_share(void)
{
	int from, to, a, b;
	g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);
	TidyFs *fs = fake_fs_table(fake);
	TidyExtent x, y;

	a = fs->openat(fs, from, "a", O_RDWR, 0);
	b = fs->openat(fs, to, "b", O_RDWR | O_CREAT, 0644);
	g_assert_cmpint(fs->clone(fs, a, b), ==, 0);
	g_assert_true(fake_fs_has(fake, "/to/b", "content"));
	fs->fsync(fs, a);
	g_assert_cmpint(fs->extents(fs, a, 0, &x, 1), ==, 1);
	g_assert_cmpint(fs->extents(fs, b, 0, &y, 1), ==, 1);
	g_assert_true(x.physical == y.physical);
	g_assert_cmpint(fs->pwrite(fs, a, "C", 1, 0), ==, 1);
	g_assert_true(fake_fs_has(fake, "/to/b", "content"));
	g_assert_true(fake_fs_has(fake, "/from/a", "Content"));
	fake_disk_set_lacks(fake_fs_disk(fake, "/"), FAKE_NO_CLONE | FAKE_NO_COPY_RANGE);
	g_assert_cmpint(fs->clone(fs, a, b), ==, -EOPNOTSUPP);
	g_assert_cmpint((int)fs->copy_range(fs, a, 0, b, 0, 9), ==, -EOPNOTSUPP);
}

static void
test_paths_abort(void)
{
	static const char *const bad[] = { "from/a", "..", "/from/a" };
	int from, to;
	g_autoptr(FakeFs) fake = NULL;
	TidyFs *fs;
	TidyStat st;

	for (guint i = 0; !g_test_subprocess() && i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *name = g_strdup_printf("/fake/trap/paths-abort/subprocess/%u", i);

		g_test_trap_subprocess(name, 0, 0);
		g_test_trap_assert_failed();
		g_test_trap_assert_stderr("*is a path*");
	}
	if (!g_test_subprocess())
		return;
	fake = fake_fs_two_dirs(&from, &to);
	fs = fake_fs_table(fake);
	fs->stat(fs, from, bad[g_ascii_strtoull(strrchr(g_test_get_path(), '/') + 1, NULL, 10)],
		 &st);
}

/* ---- errors ---- */

static void
test_errors_on_command(void)
{
	int from, to;
	g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);
	TidyFs *fs = fake_fs_table(fake);

	fake_fs_fail(fake, FS_OP_MKDIR, 2, ENOSPC, FS_FAIL_ONCE);
	g_assert_cmpint(fs->mkdir(fs, to, "1", 0755), ==, 0);
	g_assert_cmpint(fs->mkdir(fs, to, "2", 0755), ==, -ENOSPC);
	g_assert_cmpint(fs->mkdir(fs, to, "2", 0755), ==, 0);
	fake_fs_fail(fake, FS_OP_ANY_MUTATING, 1, EIO, FS_FAIL_PERSISTENT);
	g_assert_cmpint(fs->rewind(fs, to), ==, 0);
	g_assert_cmpint(fs->mkdir(fs, to, "3", 0755), ==, -EIO);
	g_assert_cmpint(fs->rename(fs, from, "a", to, "a"), ==, -EIO);
	g_assert_cmpuint(fake_fs_fired(fake), ==, 3);
	fake_fs_quiet_begin(fake);
	g_assert_cmpint(fs->mkdir(fs, to, "3", 0755), ==, 0);
	fake_fs_quiet_end(fake);
	fake_fs_clear_faults(fake);
	g_assert_cmpint(fs->mkdir(fs, to, "4", 0755), ==, 0);
}

/* A neighbour takes the name just before the rename. */
static int
neighbour(FaultFs *fault, FsOp op, int dir, const char *name, guint nth, gpointer data)
{
	TidyFs *fs = fault_fs_table(fault); /* does not come back here */

	if (op == FS_OP_RENAME)
		g_assert_cmpint(fs->mkdir(fs, *(int *)data, "a", 0755), ==, 0);
	return op == FS_OP_UNLINK ? -EINTR : 0;
}

static void
test_wrapper(void)
{
	int from, to, fd;
	g_autoptr(FakeFs) fake = fake_fs_two_dirs(&from, &to);
	g_autoptr(FaultFs) fault = fault_fs_new(fake_fs_table(fake));
	TidyFs *fs = fault_fs_table(fault);

	fault_fs_set_hook(fault, neighbour, &to);
	g_assert_cmpint(fs->rename(fs, from, "a", to, "a"), ==, -EEXIST);
	g_assert_cmpint(fs->unlink(fs, from, "a", 0), ==, -EINTR);
	g_assert_true(fake_fs_exists(fake, "/from/a"));
	fault_fs_fail(fault, FS_OP_CLOSE, 1, EIO, FS_FAIL_ONCE);
	fd = fs->openat(fs, from, "a", O_RDONLY, 0);
	g_assert_cmpint(fs->close(fs, fd), ==, -EIO);
	g_assert_cmpuint(fake_fs_open_count(fake), ==, 2);
	g_assert_cmpuint(fault_fs_fired(fault), ==, 1);
}

/* Every member is there, in the fake and in the wrapper. */
static void
test_tables_are_full(void)
{
	g_autoptr(FakeFs) fake = fake_fs_new();
	g_autoptr(FaultFs) fault = fault_fs_new(fake_fs_table(fake));
	TidyFs *tables[] = { fake_fs_table(fake), fault_fs_table(fault) };

	for (guint t = 0; t < G_N_ELEMENTS(tables); t++) {
		for (gsize at = 0; at < sizeof(TidyFs); at += sizeof(gpointer)) {
			gpointer member;

			memcpy(&member, (char *)tables[t] + at, sizeof member);
			/* Optional: without it a caller reads in the ordinary way. */
			if (at != G_STRUCT_OFFSET(TidyFs, pread_cached))
				g_assert_nonnull(member);
		}
	}
	g_assert_cmpuint(sizeof(TidyFs) / sizeof(gpointer), ==,
			 FS_OP_N + 2); /* now(), pread_cached() */
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fake/trap/mounts-are-borders", test_mounts_are_borders);
	g_test_add_func("/fake/trap/flags-refuse", test_flags_refuse);
	g_test_add_func("/fake/trap/enforced-modes", test_enforced_modes);
	g_test_add_func("/fake/trap/space-runs-out", test_space_runs_out);
	g_test_add_func("/fake/trap/listing-order", test_listing_order);
	g_test_add_func("/fake/trap/listing-while-removing", test_listing_while_removing);
	g_test_add_func("/fake/trap/inode-numbers-come-again", test_inode_numbers_come_again);
	g_test_add_func("/fake/trap/unnamed-and-unlinked", test_unnamed_and_unlinked);
	g_test_add_func("/fake/trap/writers-and-locks", test_writers_and_locks);
	g_test_add_func("/fake/trap/casefold", test_casefold);
	g_test_add_func("/fake/trap/clones-share", test_clones_share);
	g_test_add_func("/fake/trap/paths-abort", test_paths_abort);
	for (guint i = 0; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("/fake/trap/paths-abort/subprocess/%u", i);

		g_test_add_func(name, test_paths_abort);
	}
	g_test_add_func("/fake/error/on-command", test_errors_on_command);
	g_test_add_func("/fake/error/wrapper", test_wrapper);
	g_test_add_func("/fake/error/tables-are-full", test_tables_are_full);
	return g_test_run();
}
