/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inotify as a GSource: every event as the kernel gave it, overflow included. I/O. */
/*
 * GFileMonitor hides IN_Q_OVERFLOW, guesses when a file is finished and polls for what does not exist; a program
 * that moves files needs the truth. Nothing here keeps a timer: without events the main loop sleeps.
 */
#pragma once

#include <glib.h>
#include <sys/inotify.h>

/* One event. With IN_Q_OVERFLOW in @mask events were lost: @watch is -1 and everything must be looked at again. */
typedef struct {
	int watch;
	guint32 mask;	  /* IN_* */
	const char *name; /* raw bytes, or NULL: the directory itself; borrowed for the call */
} TidyInotifyEvent;

/* Called for each event, then once with NULL when all that were read are through. */
typedef void (*TidyInotifyFunc)(const TidyInotifyEvent *event, gpointer data);

/* An inotify instance (IN_CLOEXEC, IN_NONBLOCK). NULL with TIDY_ERROR_IO when the user has too many. The source is
 * not attached yet; g_source_destroy() ends all of its watches. */
GSource *tidy_inotify_source_new(TidyInotifyFunc func, gpointer data, GError **error);

/**
 * tidy_inotify_source_add - inotify_add_watch(2)
 * @path: absolute
 *
 * Returns: the watch, or -errno: -ENOSPC (the user's limit of watches), -ENOENT, -ENOTDIR, -EACCES. The same
 * directory by another path answers the same watch.
 */
int tidy_inotify_source_add(GSource *source, const char *path, guint32 mask);

/* Ends a watch. Its last event is IN_IGNORED. */
void tidy_inotify_source_remove(GSource *source, int watch);
