// SPDX-License-Identifier: GPL-3.0-or-later
/* The folder of device nodes: what is in it, and what comes and goes. No polling: a node that cannot be opened yet gets
 * its rights from udev, and the kernel tells of that (IN_ATTRIB).
 * I/O. */
#include "keys/helper/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static bool
is_event_node(const char *name)
{
	return strncmp(name, "event", 5) == 0 && name[5] != '\0' &&
	       strspn(name + 5, "0123456789") == strlen(name + 5) && strlen(name) < 16;
}

int
remap_hotplug_watch(const char *folder)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	int result;

	if (fd < 0)
		return -errno;
	if (inotify_add_watch(fd, folder,
			      IN_CREATE | IN_ATTRIB | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM |
				      IN_ONLYDIR) >= 0)
		return fd;
	result = -errno;
	close(fd);
	return result;
}

int
remap_hotplug_list(int folder, RemapNodeFunction found, void *user)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -errno;
	}
	while ((entry = readdir(dir)) != NULL)
		if (is_event_node(entry->d_name))
			found(user, entry->d_name, false);
	closedir(dir);
	return 0;
}

int
remap_hotplug_changes(int watch, RemapNodeFunction found, void *user)
{
	_Alignas(struct inotify_event) char buffer[4096];
	ssize_t length = read(watch, buffer, sizeof(buffer));
	int is_missed = 0;

	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (const char *at = buffer; at < buffer + length;) {
		const struct inotify_event *event =
			__builtin_assume_aligned(at, _Alignof(struct inotify_event));

		if (event->mask & IN_Q_OVERFLOW)
			is_missed = 1;
		else if (event->len && is_event_node(event->name))
			found(user, event->name, event->mask & (IN_DELETE | IN_MOVED_FROM));
		at += sizeof(*event) + event->len;
	}
	return is_missed;
}
