/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sync beside the caller, on the real file system. I/O. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "home/fs/fs.h"

static guint
count_open(void)
{
	g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
	guint n = 0;

	while (g_dir_read_name(dir) != NULL)
		n++;
	return n;
}

/* When the wait is over, nothing of it holds the file system. */
static void
test_leaves_nothing(void)
{
	g_autofree char *path = g_dir_make_tmp("sync-ahead-XXXXXX", NULL);
	TidyFs *fs = tidy_fs_linux();
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	guint before = count_open();

	g_assert_cmpint(dir, >=, 0);
	for (guint i = 0; i < 20; i++) {
		int again;

		g_assert_cmpint(fs->begin_sync(fs, dir), ==, 0);
		again = fs->begin_sync(fs, dir);
		/* It was quick, or there is one at a time. */
		g_assert_true(again == 0 || again == -EBUSY);
		fs->end_sync(fs);
		g_assert_cmpuint(count_open(), ==, before);
	}
	close(dir);
	g_rmdir(path);
}

/* One that could not begin keeps nobody from the next. */
static void
test_cannot_begin(void)
{
	TidyFs *fs = tidy_fs_linux();
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	g_assert_cmpint(fs->begin_sync(fs, -1), ==, -EBADF);
	fs->end_sync(fs);
	g_assert_cmpint(fs->begin_sync(fs, root), ==, 0);
	fs->end_sync(fs);
	close(root);
}

int
main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sync-ahead/leaves-nothing", test_leaves_nothing);
	g_test_add_func("/sync-ahead/cannot-begin", test_cannot_begin);
	return g_test_run();
}
