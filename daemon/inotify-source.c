/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inotify as a GSource. I/O. */
#include "daemon/inotify-source.h"

#include <errno.h>
#include <string.h>

#include "home/base/error.h"

/* Room for a few hundred events with short names; one read(2) a dispatch keeps the loop fair. */
#define BUFFER_BYTES 16384

typedef struct {
	GSource parent;
	TidyInotifyFunc func;
	gpointer data;
	gpointer tag;
	int fd;
} InotifySource;

static gboolean
inotify_check(GSource *base)
{
	InotifySource *source = (InotifySource *)base;

	return g_source_query_unix_fd(base, source->tag) != 0;
}

/* A callback may destroy the source; what was read is ours, so the rest is only dropped. */
static void
dispatch_events(InotifySource *source, const char *buffer, size_t size)
{
	size_t offset = 0;

	while (offset + sizeof(struct inotify_event) <= size &&
	       !g_source_is_destroyed(&source->parent)) {
		struct inotify_event event;
		const char *name = buffer + offset + sizeof event;

		memcpy(&event, buffer + offset, sizeof event);
		if (event.len > size - offset - sizeof event)
			break;
		source->func(&(TidyInotifyEvent){ .watch = event.wd,
						  .mask = event.mask,
						  .name = event.len > 0 ? name : NULL },
			     source->data);
		offset += sizeof event + event.len;
	}
	if (!g_source_is_destroyed(&source->parent))
		source->func(NULL, source->data);
}

static gboolean
inotify_dispatch(GSource *base, GSourceFunc unused, gpointer unused_data)
{
	InotifySource *source = (InotifySource *)base;
	char buffer[BUFFER_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t size = read(source->fd, buffer, sizeof buffer);

	if (size > 0)
		dispatch_events(source, buffer, (size_t)size);
	return G_SOURCE_CONTINUE;
}

static void
inotify_finalize(GSource *base)
{
	InotifySource *source = (InotifySource *)base;

	if (source->fd >= 0)
		close(source->fd);
}

static GSourceFuncs inotify_funcs = {
	.check = inotify_check,
	.dispatch = inotify_dispatch,
	.finalize = inotify_finalize,
};

GSource *
tidy_inotify_source_new(TidyInotifyFunc func, gpointer data, GError **error)
{
	tidy_autofd fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	InotifySource *source;

	if (fd < 0) {
		tidy_error_set_errno(error, errno, "starting to watch directories (inotify)");
		return NULL;
	}
	source = (InotifySource *)g_source_new(&inotify_funcs, sizeof *source);
	g_source_set_static_name(&source->parent, "xdgtidy-inotify");
	source->func = func;
	source->data = data;
	source->fd = fd;
	source->tag = g_source_add_unix_fd(&source->parent, fd, G_IO_IN);
	fd = -1;
	return &source->parent;
}

int
tidy_inotify_source_add(GSource *base, const char *path, guint32 mask)
{
	InotifySource *source = (InotifySource *)base;
	int watch = inotify_add_watch(source->fd, path, mask);

	return watch < 0 ? -errno : watch;
}

void
tidy_inotify_source_remove(GSource *base, int watch)
{
	InotifySource *source = (InotifySource *)base;

	/* Fails only for a watch that the kernel has already ended. */
	(void)inotify_rm_watch(source->fd, watch);
}
