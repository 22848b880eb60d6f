/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Watches the home, the user directories, the strays and the configuration; says what to look at and what is ready.
 * I/O: inotify and listings of strays; never changes anything.
 *
 * What is watched comes from tidy_service_watches(). Each role has its own event mask, so that what cannot matter
 * wakes nobody: a download into ~/Downloads is no event here. A stray that may be merged without asking is
 * "active": its entries go through home/merge/settle and are reported when they are finished. With nothing pending there
 * is no timer.
 */
#pragma once

#include <glib.h>

typedef struct TidyWatcher TidyWatcher;

typedef enum {
	TIDY_LOOK_HOME,	     /* a directory that matters came or went: scan again */
	TIDY_LOOK_USER_DIRS, /* user-dirs.*: reload, scan again, and let it settle */
	TIDY_LOOK_CONFIG,    /* xdgtidy.conf: reload */
	TIDY_LOOK_STRAY, /* the content of a stray that is not active changed and has been quiet since */
	TIDY_LOOK_ALL, /* events were lost, a disk was unmounted, or the time for a look has come */
} TidyLook;

typedef struct {
	/* Look again. May be called for the same reason many times in a row. */
	void (*look)(TidyLook look, gpointer data);
	/* In the active stray @path these are finished. @is_all: nothing else is in it. Until tidy_watcher_done()
	 * nothing else in it is told. FALSE: work in it is under way already, and this is told again when that is done. */
	gboolean (*ready)(const char *path, const char *const *names, gboolean is_all,
			  gpointer data);
	/* Whether a directory of that name in the home can be a stray; NULL: any can. */
	gboolean (*matters)(const char *name, gpointer data);
	/* What home/dirs/partial.h says about a name; NULL: no name is partial. */
	gboolean (*is_partial)(const char *name, gpointer data);
	gpointer data;
} TidyWatcherFuncs;

/* NULL only with TIDY_ERROR_IO: no inotify at all. */
TidyWatcher *tidy_watcher_new(const TidyWatcherFuncs *funcs, GError **error);
void tidy_watcher_free(TidyWatcher *watcher);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyWatcher, tidy_watcher_free)

/* How long an entry must have been quiet; and how often to look when the kernel refuses watches (0: 15 minutes). */
void tidy_watcher_set_times(TidyWatcher *watcher, gint64 quiet_usec, gint64 poll_usec);

/* Watches exactly these: an array of (path, role) as from tidy_service_watches(). Those that stay keep their state. */
void tidy_watcher_set(TidyWatcher *watcher, GVariant *watches);

/* Which strays are active: NULL-terminated paths. One that becomes active is listed first. */
void tidy_watcher_set_active(TidyWatcher *watcher, const char *const *paths);

/* The work on what ready() named is over: what is still there waits longer, everything else is forgotten. */
void tidy_watcher_done(TidyWatcher *watcher, const char *path);

guint tidy_watcher_n_watches(TidyWatcher *watcher);
/* Why watching is not complete, for status and log; "" when it is. Borrowed. */
const char *tidy_watcher_degraded(TidyWatcher *watcher);
