/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files daemon*.c share. Pure. */
#pragma once

#include "daemon/bus.h"
#include "daemon/daemon.h"
#include "daemon/keyboard.h"
#include "daemon/offers.h"
#include "daemon/reading.h"
#include "daemon/timer.h"
#include "daemon/watcher.h"

struct TidyDaemon {
	TidyDaemonTimes times;
	GMainLoop *loop;
	GDBusConnection *connection;
	TidyWorker *worker;
	TidyWatcher *watcher;
	TidyNotifier *notifier;
	TidyOffers *offers;
	TidyBus *bus;
	TidyKeyboard *keyboard;
	guint name_id;
	gboolean has_name;
	int lock_fd;

	GVariant *survey; /* the latest; NULL before the first */
	GVariant *last;	  /* the latest operation, or NULL */
	char *home;	  /* without links, as the engine sees it */
	char *config_path;
	char *degraded; /* as last logged */
	char *status;	/* as last told to systemd */
	GPtrArray *
		active; /* strays that may be merged without asking, whether or not the gate is open */
	GHashTable *merging; /* strays with an automatic merge under way */

	GSource *look_timer;
	gboolean is_surveying;
	gboolean is_dirty; /* something happened since the survey under way began */
	gboolean wants_last;

	GSource *gate_timer; /* exists while automatic merges wait */
	gint64 gate_usec;

	GSource *dupes_timer;  /* exists while a report of duplicates is to come */
	gint64 dupes_next_sec; /* what it was set for; 0: never */

	gboolean is_recovering; /* what a crash left is not finished yet: nothing else is begun */
	gboolean is_ready;
	gboolean is_reloading; /* systemd waits for READY=1 */
	gboolean is_stopping;
	int exit_code;
};

/* ---- daemon-survey.c: what there is, and what follows from it ---- */

gboolean tidy_daemon_survey_flag(TidyDaemon *daemon, const char *key);
/* "" when it is missing. Borrowed from the survey. */
const char *tidy_daemon_survey_text(TidyDaemon *daemon, const char *key);
GVariant *tidy_daemon_survey_strays(TidyDaemon *daemon);

/* Looks after @delay_usec; @with_last: also at the latest operation, which reads the journals. */
void tidy_daemon_want_survey(TidyDaemon *daemon, gint64 delay_usec, gboolean with_last);
/* Looks now; a GSourceFunc. */
gboolean tidy_daemon_start_survey(gpointer daemon);
void tidy_daemon_apply_survey(TidyDaemon *daemon, GVariant *survey);

/* No automatic merges for @span_usec. */
void tidy_daemon_close_gate(TidyDaemon *daemon, gint64 span_usec);
void tidy_daemon_apply_active(TidyDaemon *daemon);

/* ---- daemon-work.c: what is done, by itself or by a button ---- */

void tidy_daemon_finish_report(TidyDaemon *daemon, GVariant *report);
void tidy_daemon_finish_failure(TidyDaemon *daemon, const GError *error, gboolean by_button);
void tidy_daemon_push_reload(TidyDaemon *daemon);
/* Functions of the watcher. */
void tidy_daemon_on_look(TidyLook look, gpointer daemon);
gboolean tidy_daemon_on_ready(const char *path, const char *const *names, gboolean is_all,
			      gpointer daemon);
/* Takes @notifier. */
void tidy_daemon_start_offers(TidyDaemon *daemon, TidyNotifier *notifier);

/* ---- daemon-bus.c: what the bus wants ---- */

gboolean tidy_daemon_start_bus(TidyDaemon *daemon, GError **error);
void tidy_daemon_own_name(TidyDaemon *daemon);
/* A function of the worker. */
void tidy_daemon_on_progress(const char *what, const guint64 numbers[4], gpointer daemon);

/* ---- daemon-dupes.c: the report of duplicates ---- */

/* When the next one is due is in the survey. */
void tidy_daemon_apply_dupes(TidyDaemon *daemon);

/* ---- daemon-keys.c: the key half ---- */

void tidy_daemon_start_keys(TidyDaemon *daemon, const TidyDaemonOptions *options);
/* The settings are in the survey. */
void tidy_daemon_apply_keys(TidyDaemon *daemon);
