/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Trash: its directories, free names, info files. On the file system in memory. */
#include "home/engine/trash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fake-fs.h"

typedef struct {
	FakeFs *fake;
	TidyFs *fs;
	TidyDirPool *pool;
	TidyDir *home;
	TidyDir *trash;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
	f->fake = fake_fs_new();
	fake_fs_mkdirs(f->fake, "/home", 0755);
	f->fs = fake_fs_table(f->fake);
	f->pool = tidy_dir_pool_new(f->fs);
	f->home = tidy_dir_root(f->pool, "/home");
	f->trash = tidy_dir_child(f->home, "Trash");
}

static void
tear_down(Fixture *f, gconstpointer data)
{
	tidy_dir_unref(f->trash);
	tidy_dir_unref(f->home);
	tidy_dir_pool_free(f->pool);
	g_assert_cmpuint(fake_fs_open_count(f->fake), ==, 0);
	fake_fs_free(f->fake);
}

static void
test_made_when_missing(Fixture *f, gconstpointer data)
{
	TidyTrashFds fds;
	TidyStat st;

	for (guint i = 0; i < 2; i++) {
		g_assert_cmpint(tidy_trash_open(f->trash, &fds), ==, 0);
		tidy_trash_close(f->fs, &fds);
	}
	g_assert_true(fake_fs_stat(f->fake, "/home/Trash/info", &st));
	g_assert_cmpuint(st.mode & 07777, ==, 0700);
	g_assert_true(fake_fs_exists(f->fake, "/home/Trash/files"));
}

/* Each of the two parts, and the Trash itself, may be what it should not be. */
static void
test_open_fails(Fixture *f, gconstpointer data)
{
	const char *path = data;
	g_autoptr(GHashTable) reserved =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	TidyTrashFds fds;

	if (strcmp(path, "/home/Trash") != 0)
		fake_fs_mkdirs(f->fake, "/home/Trash", 0700);
	fake_fs_write(f->fake, path, "a file", -1);
	g_assert_cmpint(tidy_trash_open(f->trash, &fds), ==, -ENOTDIR);
	g_assert_null(tidy_trash_free_name(f->trash, "a", reserved));
}

/* What lies on another disk goes to the Trash of that disk, and the info file's path starts there. */
static void
test_of_another_disk(Fixture *f, gconstpointer data)
{
	gboolean has_shared = strcmp(data, "shared") == 0;
	gboolean is_sticky = has_shared || strcmp(data, "not-sticky") != 0;
	g_autofree char *uid = g_strdup_printf("%u", (guint)getuid());
	g_autofree char *expected = has_shared ? g_strdup_printf("/media/disk/.Trash/%s", uid)
					       : g_strdup_printf("/media/disk/.Trash-%s", uid);
	g_autoptr(TidyDir) root = NULL;
	g_autoptr(TidyDir) dir = NULL;
	g_autoptr(TidyDir) trash = NULL;
	g_autoptr(TidyDir) of_home = tidy_trash_for(f->trash, f->home);
	g_autofree char *path = NULL;
	g_autofree char *info = NULL;
	TidyTrashFds fds;

	fake_fs_mkdirs(f->fake, "/media/disk", 0755);
	fake_fs_mount(f->fake, "/media/disk", "disk");
	fake_fs_mkdirs(f->fake, "/media/disk/a/Download", 0755);
	if (strcmp(data, "link") == 0)
		f->fs->symlink(f->fs, "/home", AT_FDCWD, "/media/disk/.Trash");
	else if (strcmp(data, "none") != 0)
		fake_fs_mkdirs(f->fake, "/media/disk/.Trash", is_sticky ? 01777 : 0777);
	root = tidy_dir_root(f->pool, "/media/disk/a");
	dir = tidy_dir_child(root, "Download");
	trash = tidy_trash_for(f->trash, dir);
	path = tidy_dir_path(trash);
	info = tidy_trash_path_for_info(trash, "/media/disk/a/Download/x");
	g_assert_cmpstr(path, ==, expected);
	g_assert_cmpstr(info, ==, "a/Download/x");
	g_assert_true(of_home == f->trash);
	g_assert_cmpint(tidy_trash_open(trash, &fds), ==, 0);
	tidy_trash_close(f->fs, &fds);
}

static void
test_read_only(Fixture *f, gconstpointer data)
{
	TidyTrashFds fds;

	fake_disk_set_read_only(fake_fs_disk(f->fake, "/"), TRUE);
	g_assert_cmpint(tidy_trash_open(f->trash, &fds), ==, -EROFS);
	fake_disk_set_read_only(fake_fs_disk(f->fake, "/"), FALSE);
	fake_fs_mkdirs(f->fake, "/home/Trash", 0700);
	fake_disk_set_read_only(fake_fs_disk(f->fake, "/"), TRUE);
	g_assert_cmpint(tidy_trash_open(f->trash, &fds), ==, -EROFS);
}

static void
test_free_names(Fixture *f, gconstpointer data)
{
	g_autoptr(GHashTable) reserved =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	static const char *const expected[] = { "a (3).txt", "a (4).txt", "b.txt", "b (2).txt" };

	fake_fs_mkdirs(f->fake, "/home/Trash/files", 0700);
	fake_fs_mkdirs(f->fake, "/home/Trash/info", 0700);
	fake_fs_write(f->fake, "/home/Trash/files/a.txt", "x", -1);
	fake_fs_write(f->fake, "/home/Trash/info/a (2).txt.trashinfo", "x", -1);
	for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
		g_autofree char *name =
			tidy_trash_free_name(f->trash, i < 2 ? "a.txt" : "b.txt", reserved);

		g_assert_cmpstr(name, ==, expected[i]);
	}
}

/* The info file's name is longer by ".trashinfo"; the cut is never inside a character. */
static void
test_long_names(Fixture *f, gconstpointer data)
{
	g_autoptr(GHashTable) reserved =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GString *name = g_string_new(NULL);

	while (name->len + 2 <= NAME_MAX)
		g_string_append(name, "\303\251");
	for (guint i = 0; i < 3; i++) {
		g_autofree char *free_name = tidy_trash_free_name(f->trash, name->str, reserved);

		g_assert_nonnull(free_name);
		g_assert_cmpuint(strlen(free_name) + strlen(".trashinfo"), <=, NAME_MAX);
		g_assert_true(g_utf8_validate(free_name, -1, NULL));
		g_assert_cmpuint(g_hash_table_size(reserved), ==, i + 1);
	}
	g_string_free(name, TRUE);
}

static void
test_info(Fixture *f, gconstpointer data)
{
	TidyTrashFds fds;
	g_autoptr(GBytes) bytes = NULL;
	g_autofree char *text = NULL;

	g_assert_cmpint(tidy_trash_open(f->trash, &fds), ==, 0);
	g_assert_cmpint(tidy_trash_write_info(f->fs, &fds, "a", "/home/x y\n%\377", FALSE), ==, 0);
	g_assert_cmpint(tidy_trash_write_info(f->fs, &fds, "a", "/other", FALSE), ==, -EEXIST);
	bytes = fake_fs_read(f->fake, "/home/Trash/info/a.trashinfo");
	text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	g_assert_true(g_str_has_prefix(
		text, "[Trash Info]\nPath=/home/x%20y%0A%25%FF\nDeletionDate=2020-09-1"));
	tidy_trash_remove_info(f->fs, &fds, "a");
	g_assert_false(fake_fs_exists(f->fake, "/home/Trash/info/a.trashinfo"));
	tidy_trash_close(f->fs, &fds);
}

/* A longer text was there, from a run that crashed: nothing of it stays behind the new one. */
static void
test_info_again(Fixture *f, gconstpointer data)
{
	TidyTrashFds fds;
	g_autoptr(GBytes) bytes = NULL;
	g_autofree char *text = NULL;

	g_assert_cmpint(tidy_trash_open(f->trash, &fds), ==, 0);
	g_assert_cmpint(tidy_trash_write_info(f->fs, &fds, "a", "/home/a/long/path/of/old", FALSE),
			==, 0);
	g_assert_cmpint(tidy_trash_write_info(f->fs, &fds, "a", "/home/a", TRUE), ==, 0);
	bytes = fake_fs_read(f->fake, "/home/Trash/info/a.trashinfo");
	text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	g_assert_nonnull(strstr(text, "Path=/home/a\n"));
	g_assert_cmpuint(strlen(text), ==,
			 strlen("[Trash Info]\nPath=/home/a\nDeletionDate=2020-09-13T12:26:40\n"));
	tidy_trash_close(f->fs, &fds);
}

static void
test_info_without_space(Fixture *f, gconstpointer data)
{
	TidyTrashFds fds;

	g_assert_cmpint(tidy_trash_open(f->trash, &fds), ==, 0);
	fake_fs_fail(f->fake, FS_OP_PWRITE, 1, ENOSPC, FS_FAIL_ONCE);
	g_assert_cmpint(tidy_trash_write_info(f->fs, &fds, "a", "/home/a", FALSE), ==, -ENOSPC);
	g_assert_false(fake_fs_exists(f->fake, "/home/Trash/info/a.trashinfo"));
	tidy_trash_close(f->fs, &fds);
}

int
main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
#define ADD(path, data, func) \
	g_test_add("/engine/trash/" path, Fixture, data, set_up, func, tear_down)
	ADD("made-when-missing", NULL, test_made_when_missing);
	ADD("trash-is-a-file", "/home/Trash", test_open_fails);
	ADD("files-is-a-file", "/home/Trash/files", test_open_fails);
	ADD("info-is-a-file", "/home/Trash/info", test_open_fails);
	ADD("read-only", NULL, test_read_only);
	ADD("of-another-disk", "none", test_of_another_disk);
	ADD("of-another-disk/shared", "shared", test_of_another_disk);
	ADD("of-another-disk/not-sticky", "not-sticky", test_of_another_disk);
	ADD("of-another-disk/link", "link", test_of_another_disk);
	ADD("free-names", NULL, test_free_names);
	ADD("long-names", NULL, test_long_names);
	ADD("info", NULL, test_info);
	ADD("info-written-again", NULL, test_info_again);
	ADD("info-without-space", NULL, test_info_without_space);
	return g_test_run();
}
