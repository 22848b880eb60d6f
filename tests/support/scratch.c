/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/scratch.h"

#include <errno.h>
#include <glib/gstdio.h>

guint
scratch_remove(const char *path)
{
	g_autoptr(GDir) dir = NULL;
	const char *name;
	GStatBuf st;
	guint n = 1;

	if (g_lstat(path, &st) < 0) {
		g_assert_cmpint(errno, ==, ENOENT);
		return 0;
	}
	if (S_ISDIR(st.st_mode)) {
		g_chmod(path, 0700);
		dir = g_dir_open(path, 0, NULL);
	}
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *child = g_build_filename(path, name, NULL);

		n += scratch_remove(child);
	}
	g_assert_cmpint(g_remove(path), ==, 0);
	return n;
}
