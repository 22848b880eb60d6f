/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the daemon asks of the engine: functions for the worker's thread, and reading their answers. I/O. */
#pragma once

#include "daemon/worker.h"
#include "home/config/config.h"

/* What a job is about. Members that a job does not name in its comment are ignored. */
typedef struct {
	char *stray;	   /* path or NULL */
	char *target;	   /* path or NULL */
	char **only_names; /* or NULL */
	char *answer;
	GArray *ids;	 /* guint64; or NULL */
	char *action;	 /* "trash", "hardlink", "reflink" */
	GVariant *pairs; /* a(ayay), or NULL */
	char **roots;	 /* absolute paths, or NULL for the user directories */
	gint64 min_size; /* bytes; 0: as configured */
	gboolean is_automatic;
	gboolean is_consented;
	gboolean is_dry_run;
	gboolean is_paused;
	gboolean
		with_last; /* tidy_job_survey: also the latest operation, which reads the journals */
} TidyJobRequest;

TidyJobRequest *tidy_job_request_new(const char *stray, const char *target);
void tidy_job_request_free(gpointer request);

/* TidyJobFunc, @argument is a TidyJobRequest. The answer is a report of home/service/report.h, or {} when a comment
 * names none. */

/* Finishes what a crash or a stop left. Report: merge, or {}. */
GVariant *tidy_job_recover(TidyService *service, TidyJobContext *context, gpointer argument,
			   GError **error);
/* xdgtidy.conf and user-dirs.* again. */
GVariant *tidy_job_reload(TidyService *service, TidyJobContext *context, gpointer argument,
			  GError **error);
/* Report: scan. */
GVariant *tidy_job_scan(TidyService *service, TidyJobContext *context, gpointer argument,
			GError **error);
/* stray, target, only_names, is_*. Report: merge. */
GVariant *tidy_job_merge(TidyService *service, TidyJobContext *context, gpointer argument,
			 GError **error);
/* ids, newest first; none or 0: the latest. Each stray is then left alone ("later"). Report: merge of the last. */
GVariant *tidy_job_undo(TidyService *service, TidyJobContext *context, gpointer argument,
			GError **error);
/* ids: one, or 0 for all. Report: history. */
GVariant *tidy_job_history(TidyService *service, TidyJobContext *context, gpointer argument,
			   GError **error);
/* action, pairs. Report: merge, with kind "dupes". */
GVariant *tidy_job_dedupe(TidyService *service, TidyJobContext *context, gpointer argument,
			  GError **error);
/* roots, min_size. Report: dupes. */
GVariant *tidy_job_dupes(TidyService *service, TidyJobContext *context, gpointer argument,
			 GError **error);
/* The report that is due: of the user directories, and written down as made. Report: dupes. */
GVariant *tidy_job_dupes_report(TidyService *service, TidyJobContext *context, gpointer argument,
				GError **error);
/* stray, answer: remembers what the user said. */
GVariant *tidy_job_answer(TidyService *service, TidyJobContext *context, gpointer argument,
			  GError **error);
/* is_paused */
GVariant *tidy_job_pause(TidyService *service, TidyJobContext *context, gpointer argument,
			 GError **error);

/*
 * All that the main context needs to know, in one look: {scan a{sv}, scan-error s, watches a(ss), paused b,
 * config-error s, state-dir s, home s, level u (TidyConfigNotify), settle x (microseconds), keys-enabled b,
 * keys-on-lock u (TidyConfigOnLock), dupes-next x (seconds since the epoch; 0: never), aliases as,
 * answers a{s(sx)} (stray -> answer, seconds), last a{sv} (with_last)}.
 */
GVariant *tidy_job_survey(TidyService *service, TidyJobContext *context, gpointer argument,
			  GError **error);
