/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon without its main(): ties watcher, worker, offers and bus together. I/O. */
/*
 *	look (inotify, start, a caller) -> survey (worker) -> what to watch, what to ask, what is active
 *	ready (settle) -> automatic merge (worker) -> signal, log, summary -> survey
 *	keyremap.conf -> keyboard.h, which has nothing to do with the rest
 *
 * Everything here runs on the main context and never waits; the worker waits.
 */
#pragma once

#include <gio/gio.h>

#include "daemon/keyboard.h"
#include "daemon/notifier.h"
#include "home/service/service.h"

typedef struct TidyDaemon TidyDaemon;

typedef struct {
	gint64 start_usec; /* no automatic merge sooner after the start: the session is still being set up */
	gint64 dirs_usec; /* nor after a change of user-dirs.*: xdg-user-dirs-update may be at work */
	gint64 dupes_usec; /* no search for duplicates sooner after the start */
	gint64 look_usec;  /* events within this time make one scan */
	gint64 burst_usec; /* see TidyOffersTimes */
	gint64 gap_usec;
	gint64 poll_usec; /* how often to look when the kernel refuses watches */
} TidyDaemonTimes;

extern const TidyDaemonTimes tidy_daemon_times_default;

typedef struct {
	const TidyServiceOptions *service; /* copied */
	GDBusConnection *bus;		   /* NULL: no bus; merges go on, nobody can call */
	TidyNotifier *notifier;		   /* taken */
	TidyDaemonTimes times;
	const TidyKeysAccess *keys_access; /* borrowed for the daemon's life */
	TidyKeyboardTimes keys_times;
} TidyDaemonOptions;

/* Exit codes of run. */
#define TIDY_EXIT_OK	 0
#define TIDY_EXIT_FAILED 1
#define TIDY_EXIT_LOCKED 6 /* another xdgtidyd has this home or this bus name */

/* NULL with TIDY_ERROR_LOCKED when another daemon has this home, TIDY_ERROR_IO. */
TidyDaemon *tidy_daemon_new(const TidyDaemonOptions *options, GError **error);
void tidy_daemon_free(TidyDaemon *daemon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyDaemon, tidy_daemon_free)

/* Runs until tidy_daemon_stop() or the loss of the bus name. Answers the exit code. */
int tidy_daemon_run(TidyDaemon *daemon);

/* What SIGTERM does: the job under way ends at its next step, then run returns @code. */
void tidy_daemon_stop(TidyDaemon *daemon, int code);
/* What SIGHUP does. */
void tidy_daemon_reload(TidyDaemon *daemon);
