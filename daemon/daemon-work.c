/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Work: automatic merges, the wishes of buttons, and what becomes of each. I/O: through the worker; log. */
#include "daemon/daemon-private.h"

#include <string.h>

#include "daemon/log.h"
#include "home/base/error.h"
#include "home/service/dbus-errors.h"

#define SHOW_TIMEOUT_MSEC 5000

/* ---- what has been done ---- */

static gboolean
did_something(GVariant *operation)
{
	g_autoptr(GVariant) counts = tidy_report_dict(operation, "counts");

	return tidy_report_number(operation, "id") != 0 &&
	       tidy_report_number(counts, "moved") + tidy_report_number(counts, "folded") +
			       tidy_report_number(counts, "kept-both") +
			       tidy_report_number(counts, "removed") >
		       0;
}

/* No names: the log may be read by others than the user. */
static void
log_report(GVariant *report)
{
	g_autoptr(GVariant) operations = tidy_report_list(report, "operations");
	gboolean is_undo = strcmp(tidy_report_text(report, "kind"), "undo") == 0;

	for (gsize i = 0; i < g_variant_n_children(operations); i++) {
		g_autoptr(GVariant) operation = g_variant_get_child_value(operations, i);
		g_autoptr(GVariant) counts = tidy_report_dict(operation, "counts");
		guint64 id = tidy_report_number(operation, "id");

		if (!did_something(operation))
			continue;
		tidy_log(G_LOG_LEVEL_MESSAGE, is_undo ? TIDY_LOG_UNDONE : TIDY_LOG_MERGED, id,
			 tidy_report_text(operation, "outcome"),
			 "%s %s, operation %" G_GUINT64_FORMAT ": %" G_GUINT64_FORMAT
			 " moved, %" G_GUINT64_FORMAT " already there, %" G_GUINT64_FORMAT
			 " renamed, %" G_GUINT64_FORMAT " left",
			 is_undo ? "undid" : "merged", tidy_report_text(operation, "key"), id,
			 tidy_report_number(counts, "moved"), tidy_report_number(counts, "folded"),
			 tidy_report_number(counts, "kept-both"),
			 tidy_report_number(counts, "skipped") +
				 tidy_report_number(counts, "failed"));
	}
}

static gboolean
has_operation(GVariant *report)
{
	g_autoptr(GVariant) operations = tidy_report_list(report, "operations");

	for (gsize i = 0; i < g_variant_n_children(operations); i++) {
		g_autoptr(GVariant) operation = g_variant_get_child_value(operations, i);

		if (did_something(operation))
			return TRUE;
	}
	return FALSE;
}

void
tidy_daemon_finish_report(TidyDaemon *daemon, GVariant *report)
{
	if (has_operation(report)) {
		log_report(report);
		if (daemon->bus != NULL)
			tidy_bus_emit_merged(daemon->bus, report);
	}
	tidy_daemon_want_survey(daemon, 0, TRUE);
}

static gboolean
is_worth_telling(const GError *error)
{
	return !g_error_matches(error, TIDY_ERROR, TIDY_ERROR_CANCELLED) &&
	       !g_error_matches(error, TIDY_ERROR, TIDY_ERROR_LOCKED) &&
	       !g_error_matches(error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND) &&
	       !g_error_matches(error, TIDY_ERROR, TIDY_ERROR_REFUSED);
}

static const char *
error_word(const GError *error)
{
	return error->domain == TIDY_ERROR ? tidy_dbus_error_word((TidyError)error->code) : "IO";
}

void
tidy_daemon_finish_failure(TidyDaemon *daemon, const GError *error, gboolean by_button)
{
	if (daemon->is_stopping)
		return;
	tidy_log(is_worth_telling(error) ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_INFO, TIDY_LOG_FAILED,
		 0, error_word(error), "a job failed: %s", error_word(error));
	g_debug("%s", error->message);
	if (daemon->bus != NULL)
		tidy_bus_emit_failed(daemon->bus, error);
	if (by_button || is_worth_telling(error))
		tidy_offers_failed(daemon->offers, error->message);
	tidy_daemon_want_survey(daemon, 0, TRUE);
}

/* ---- automatic merges ---- */

typedef struct {
	TidyDaemon *daemon;
	char *stray;
} AutoMerge;

static void
auto_merge_free(AutoMerge *merge)
{
	g_free(merge->stray);
	g_free(merge);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AutoMerge, auto_merge_free)

static void
on_auto_merged(GVariant *report, const GError *error, gpointer data)
{
	g_autoptr(AutoMerge) merge = data;
	TidyDaemon *daemon = merge->daemon;

	g_hash_table_remove(daemon->merging, merge->stray);
	if (report != NULL) {
		tidy_offers_report(daemon->offers, report, FALSE);
		tidy_daemon_finish_report(daemon, report);
	} else {
		tidy_daemon_finish_failure(daemon, error, FALSE);
	}
	if (daemon->watcher != NULL)
		tidy_watcher_done(daemon->watcher, merge->stray);
}

gboolean
tidy_daemon_on_ready(const char *path, const char *const *names, gboolean is_all, gpointer data)
{
	TidyDaemon *daemon = data;
	TidyJobRequest *request;
	AutoMerge *merge;

	if (!g_hash_table_add(daemon->merging, g_strdup(path)))
		return FALSE;
	merge = g_new(AutoMerge, 1);
	merge->daemon = daemon;
	merge->stray = g_strdup(path);
	request = tidy_job_request_new(path, NULL);
	request->is_automatic = TRUE;
	if (!is_all)
		request->only_names = g_strdupv((char **)names);
	tidy_worker_push(daemon->worker, &(TidyJob){ .run = tidy_job_merge,
						     .argument = request,
						     .argument_free = tidy_job_request_free,
						     .done = on_auto_merged,
						     .data = merge,
						     .what = "merging",
						     .is_long = TRUE });
	return TRUE;
}

/* ---- what the watcher sees ---- */

static void
on_reloaded(GVariant *answer, const GError *error, gpointer data)
{
	/* A bad file is not lost: the survey carries it to log, status and note. */
	tidy_daemon_want_survey(data, 0, FALSE);
}

void
tidy_daemon_push_reload(TidyDaemon *daemon)
{
	tidy_worker_push(daemon->worker, &(TidyJob){ .run = tidy_job_reload,
						     .done = on_reloaded,
						     .data = daemon,
						     .what = "reading the settings" });
}

void
tidy_daemon_on_look(TidyLook look, gpointer data)
{
	TidyDaemon *daemon = data;

	switch (look) {
	case TIDY_LOOK_USER_DIRS:
		tidy_daemon_close_gate(daemon, daemon->times.dirs_usec);
		tidy_daemon_apply_active(daemon);
		tidy_daemon_push_reload(daemon);
		break;
	case TIDY_LOOK_CONFIG:
		tidy_daemon_push_reload(daemon);
		break;
	case TIDY_LOOK_ALL:
		tidy_daemon_push_reload(daemon);
		break;
	case TIDY_LOOK_HOME:
	case TIDY_LOOK_STRAY:
		tidy_daemon_want_survey(daemon, daemon->times.look_usec, FALSE);
		break;
	}
}

/* ---- what the offers want ---- */

typedef struct {
	TidyDaemon *daemon;
	char *stray;
} Plan;

static void
on_planned(GVariant *report, const GError *error, gpointer data)
{
	Plan *plan = data;

	tidy_offers_planned(plan->daemon->offers, plan->stray, report);
	g_free(plan->stray);
	g_free(plan);
}

static void
offer_plan(const char *stray, gpointer data)
{
	TidyDaemon *daemon = data;
	TidyJobRequest *request = tidy_job_request_new(stray, NULL);
	Plan *plan = g_new(Plan, 1);

	plan->daemon = daemon;
	plan->stray = g_strdup(stray);
	request->is_dry_run = TRUE;
	tidy_worker_push(daemon->worker, &(TidyJob){ .run = tidy_job_merge,
						     .argument = request,
						     .argument_free = tidy_job_request_free,
						     .done = on_planned,
						     .data = plan,
						     .what = "planning" });
}

static void
on_answered(GVariant *answer, const GError *error, gpointer data)
{
	if (error != NULL)
		tidy_daemon_finish_failure(data, error, TRUE);
	else
		tidy_daemon_want_survey(data, 0, FALSE);
}

static void
offer_answer(const char *stray, const char *answer, gpointer data)
{
	TidyDaemon *daemon = data;
	TidyJobRequest *request = tidy_job_request_new(stray, NULL);

	request->answer = g_strdup(answer);
	tidy_worker_push(daemon->worker, &(TidyJob){ .run = tidy_job_answer,
						     .argument = request,
						     .argument_free = tidy_job_request_free,
						     .done = on_answered,
						     .data = daemon,
						     .what = "writing down an answer" });
}

static void
on_button_done(GVariant *report, const GError *error, gpointer data)
{
	TidyDaemon *daemon = data;

	if (report != NULL) {
		tidy_offers_report(daemon->offers, report, TRUE);
		tidy_daemon_finish_report(daemon, report);
	} else {
		tidy_daemon_finish_failure(daemon, error, TRUE);
	}
}

/* The yes is also one to automatic merges of this key later: the job writes it down. */
static void
offer_merge(const char *stray, gpointer data)
{
	TidyDaemon *daemon = data;
	TidyJobRequest *request = tidy_job_request_new(stray, NULL);

	request->is_consented = TRUE;
	tidy_worker_push(daemon->worker, &(TidyJob){ .run = tidy_job_merge,
						     .argument = request,
						     .argument_free = tidy_job_request_free,
						     .done = on_button_done,
						     .data = daemon,
						     .what = "merging",
						     .is_long = TRUE });
}

static void
offer_undo(GArray *ids, gpointer data)
{
	TidyDaemon *daemon = data;
	TidyJobRequest *request = tidy_job_request_new(NULL, NULL);

	request->ids = g_array_ref(ids);
	tidy_worker_push(daemon->worker, &(TidyJob){ .run = tidy_job_undo,
						     .argument = request,
						     .argument_free = tidy_job_request_free,
						     .done = on_button_done,
						     .data = daemon,
						     .what = "undoing",
						     .is_long = TRUE });
}

static void
on_folder_shown(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autofree char *uri = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply =
		g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

	if (reply != NULL)
		return;
	g_debug("FileManager1: %s", error->message);
	g_app_info_launch_default_for_uri_async(uri, NULL, NULL, NULL, NULL);
}

static void
offer_show(const char *path, gpointer data)
{
	TidyDaemon *daemon = data;
	g_autofree char *uri = g_filename_to_uri(path, NULL, NULL);
	const char *uris[] = { uri, NULL };

	if (uri == NULL || daemon->connection == NULL)
		return;
	g_dbus_connection_call(daemon->connection, "org.freedesktop.FileManager1",
			       "/org/freedesktop/FileManager1", "org.freedesktop.FileManager1",
			       "ShowFolders", g_variant_new("(^ass)", uris, ""), NULL,
			       G_DBUS_CALL_FLAGS_NONE, SHOW_TIMEOUT_MSEC, NULL, on_folder_shown,
			       g_strdup(uri));
}

void
tidy_daemon_start_offers(TidyDaemon *daemon, TidyNotifier *notifier)
{
	daemon->notifier = notifier;
	daemon->offers = tidy_offers_new(notifier,
					 &(TidyOffersFuncs){ .plan = offer_plan,
							     .merge = offer_merge,
							     .undo = offer_undo,
							     .show = offer_show,
							     .answer = offer_answer,
							     .data = daemon },
					 &(TidyOffersTimes){ .burst_usec = daemon->times.burst_usec,
							     .gap_usec = daemon->times.gap_usec });
}
