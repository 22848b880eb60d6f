// SPDX-License-Identifier: GPL-3.0-or-later
/* Calls of the helper that libumockdev-preload lets pass: the linker sends them here (--wrap).
 * I/O: files of the test bed. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int __real_openat64(int folder, const char *path, int flags, ...);
int __real_fstat64(int fd, struct stat *st);
int __wrap_openat64(int folder, const char *path, int flags, ...);
int __wrap_fstat64(int fd, struct stat *st);

/* "/dev/input" when that is where @fd is in the test bed, else NULL. */
static char *
mocked_path(int fd)
{
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
	g_autofree char *path = g_file_read_link(link, NULL);
	const char *root = g_getenv("UMOCKDEV_DIR");

	if (!path || !root || !g_str_has_prefix(path, root))
		return NULL;
	return g_strdup(path + strlen(root));
}

/* A device node relative to a folder is opened by its whole name, so that its ioctls are answered. */
int
__wrap_openat64(int folder, const char *path, int flags, ...)
{
	g_autofree char *within = mocked_path(folder);
	g_autofree char *whole = NULL;

	g_assert_cmpint(flags & O_CREAT, ==, 0);
	if (!within || !g_str_has_prefix(path, "event"))
		return __real_openat64(folder, path, flags);
	/* umockdev would go on to the real device. */
	if (faccessat(folder, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	whole = g_build_filename(within, path, NULL);
	return open(whole, flags);
}

/* umockdev says of a path in /dev that it is a device, and which: so does this of a descriptor. */
int
__wrap_fstat64(int fd, struct stat *st)
{
	g_autofree char *within = mocked_path(fd);

	if (!within || !g_str_has_prefix(within, "/dev/input/event"))
		return __real_fstat64(fd, st);
	return stat(within, st);
}
