/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon without its main(). I/O. */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <systemd/sd-daemon.h>

#include "daemon/bus.h"
#include "daemon/log.h"
#include "daemon/offers.h"
#include "daemon/reading.h"
#include "daemon/watcher.h"
#include "home/base/error.h"
#include "home/dirs/names.h"
#include "home/dirs/partial.h"
#include "home/service/dbus-errors.h"
#include "home/service/report.h"

#define SHOW_TIMEOUT_MSEC 5000

const TidyDaemonTimes tidy_daemon_times_default = {
	.start_usec = 10 * G_TIME_SPAN_SECOND,
	.dirs_usec = 2 * G_TIME_SPAN_SECOND,
	.look_usec = 100 * G_TIME_SPAN_MILLISECOND,
	.burst_usec = 3 * G_TIME_SPAN_SECOND,
	.gap_usec = 10 * G_TIME_SPAN_MINUTE,
	.poll_usec = 15 * G_TIME_SPAN_MINUTE,
};

struct TidyDaemon {
	TidyDaemonTimes times;
	GMainLoop *loop;
	GDBusConnection *connection;
	TidyWorker *worker;
	TidyWatcher *watcher;
	TidyNotifier *notifier;
	TidyOffers *offers;
	TidyBus *bus;
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

	gboolean is_recovering; /* what a crash left is not finished yet: nothing else is begun */
	gboolean is_ready;
	gboolean is_reloading; /* systemd waits for READY=1 */
	gboolean is_stopping;
	int exit_code;
};

static void want_survey(TidyDaemon *daemon, gint64 delay_usec, gboolean with_last);

/* A timer that runs once; *slot is NULL while there is none. */
static void
set_timer(GSource **slot, gint64 delay_usec, GSourceFunc func, gpointer data)
{
	if (*slot != NULL) {
		g_source_destroy(*slot);
		g_clear_pointer(slot, g_source_unref);
	}
	if (func == NULL)
		return;
	*slot = g_timeout_source_new((guint)(MAX(delay_usec, 0) / 1000));
	g_source_set_callback(*slot, func, data, NULL);
	g_source_attach(*slot, g_main_context_get_thread_default());
}

/* ---- what the survey says ---- */

static gboolean
survey_flag(TidyDaemon *daemon, const char *key)
{
	gboolean flag = FALSE;

	if (daemon->survey != NULL)
		g_variant_lookup(daemon->survey, key, "b", &flag);
	return flag;
}

static const char *
survey_text(TidyDaemon *daemon, const char *key)
{
	return daemon->survey != NULL ? tidy_report_text(daemon->survey, key) : "";
}

static GVariant *
survey_strays(TidyDaemon *daemon)
{
	g_autoptr(GVariant) scan = tidy_report_dict(daemon->survey, "scan");

	return tidy_report_list(scan, "strays");
}

static TidyOffer
decide(TidyDaemon *daemon, GVariant *stray)
{
	g_autoptr(GVariant) answers =
		g_variant_lookup_value(daemon->survey, "answers", G_VARIANT_TYPE("a{s(sx)}"));
	const char *answer = NULL;
	gint64 answered_at = 0;

	if (answers != NULL)
		g_variant_lookup(answers, tidy_report_text(stray, "stray"), "(&sx)", &answer,
				 &answered_at);
	return tidy_offers_decide(tidy_report_text(stray, "mode"),
				  tidy_report_text(stray, "verdict"), answer, answered_at,
				  g_get_real_time() / G_USEC_PER_SEC);
}

/* ---- the gate: when automatic work may begin ---- */

static void
apply_active(TidyDaemon *daemon)
{
	static const char *const none[] = { NULL };
	gboolean is_open = daemon->gate_timer == NULL && !survey_flag(daemon, "paused") &&
			   !daemon->is_recovering;

	if (daemon->watcher == NULL)
		return;
	tidy_watcher_set_active(daemon->watcher,
				is_open ? (const char *const *)daemon->active->pdata : none);
}

static gboolean
on_gate_open(gpointer data)
{
	TidyDaemon *daemon = data;

	set_timer(&daemon->gate_timer, 0, NULL, NULL);
	apply_active(daemon);
	return G_SOURCE_REMOVE;
}

static void
close_gate(TidyDaemon *daemon, gint64 span_usec)
{
	gint64 now = g_get_monotonic_time();

	daemon->gate_usec = MAX(daemon->gate_usec, now + span_usec);
	set_timer(&daemon->gate_timer, daemon->gate_usec - now, on_gate_open, daemon);
}

/* ---- taking over a survey ---- */

static void
apply_questions(TidyDaemon *daemon, GVariant *strays)
{
	g_autoptr(GArray) questions = g_array_new(FALSE, FALSE, sizeof(TidyOfferStray));
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

	for (gsize i = 0; i < g_variant_n_children(strays); i++) {
		g_autoptr(GVariant) stray = g_variant_get_child_value(strays, i);
		TidyOfferStray question;

		if (decide(daemon, stray) != TIDY_OFFER_ASK)
			continue;
		question.stray = tidy_report_path(stray, "stray");
		question.target = tidy_report_path(stray, "target");
		g_ptr_array_add(paths, (char *)question.stray);
		g_ptr_array_add(paths, (char *)question.target);
		if (question.stray != NULL && question.target != NULL)
			g_array_append_val(questions, question);
	}
	if (survey_flag(daemon, "paused") || daemon->is_recovering)
		g_array_set_size(questions, 0);
	tidy_offers_ask(daemon->offers, (const TidyOfferStray *)(gpointer)questions->data,
			questions->len);
}

static void
find_active(TidyDaemon *daemon, GVariant *strays)
{
	g_ptr_array_set_size(daemon->active, 0);
	for (gsize i = 0; i < g_variant_n_children(strays); i++) {
		g_autoptr(GVariant) stray = g_variant_get_child_value(strays, i);
		char *path = tidy_report_path(stray, "stray");

		if (path != NULL && decide(daemon, stray) == TIDY_OFFER_AUTO)
			g_ptr_array_add(daemon->active, path);
		else
			g_free(path);
	}
	g_ptr_array_add(daemon->active, NULL);
}

static void
apply_settings(TidyDaemon *daemon)
{
	const char *config_error = survey_text(daemon, "config-error");
	gint64 settle_usec = 0;
	guint32 level = TIDY_CONFIG_NOTIFY_SUMMARY;

	g_variant_lookup(daemon->survey, "level", "u", &level);
	g_variant_lookup(daemon->survey, "settle", "x", &settle_usec);
	tidy_offers_set_level(daemon->offers, (TidyConfigNotify)level);
	tidy_offers_set_home(daemon->offers, daemon->home);
	tidy_offers_config_error(daemon->offers, *config_error != '\0' ? config_error : NULL);
	if (daemon->watcher != NULL)
		tidy_watcher_set_times(daemon->watcher, settle_usec, daemon->times.poll_usec);
}

static void
apply_watches(TidyDaemon *daemon)
{
	g_autoptr(GVariant) watches =
		g_variant_lookup_value(daemon->survey, "watches", G_VARIANT_TYPE("a(ss)"));
	const char *degraded;

	if (daemon->watcher == NULL || watches == NULL)
		return;
	tidy_watcher_set(daemon->watcher, watches);
	degraded = tidy_watcher_degraded(daemon->watcher);
	if (*degraded != '\0' && g_strcmp0(degraded, daemon->degraded) != 0)
		tidy_log(G_LOG_LEVEL_WARNING, TIDY_LOG_DEGRADED, 0, "watches",
			 "kernel: not everything can be watched; looking every %d minutes instead",
			 (int)(daemon->times.poll_usec / G_TIME_SPAN_MINUTE));
	g_free(daemon->degraded);
	daemon->degraded = g_strdup(degraded);
}

static void
log_config_error(TidyDaemon *daemon, GVariant *previous)
{
	const char *now = survey_text(daemon, "config-error");
	const char *before = previous != NULL ? tidy_report_text(previous, "config-error") : "";

	if (strcmp(now, before) == 0)
		return;
	if (*now != '\0')
		tidy_log(G_LOG_LEVEL_WARNING, TIDY_LOG_CONFIG, 0, "config",
			 "config: %s; the last good settings stay in force", now);
	else
		tidy_log(G_LOG_LEVEL_MESSAGE, NULL, 0, NULL, "config: the settings are good again");
}

/* Only what is new: sd_notify(3) waits when the receiver does not read. */
static void
say_status(TidyDaemon *daemon)
{
	g_autoptr(GVariant) strays = survey_strays(daemon);
	gsize count = g_variant_n_children(strays);
	gboolean is_wrong = *survey_text(daemon, "config-error") != '\0';
	g_autofree char *status =
		g_strdup_printf("STATUS=%s%s; %zu strays",
				survey_flag(daemon, "paused") ? "paused, " : "",
				is_wrong ? "settings are wrong" : "watching", count);

	if (g_strcmp0(status, daemon->status) != 0)
		sd_notify(0, status);
	g_free(daemon->status);
	daemon->status = g_steal_pointer(&status);
	if (daemon->is_ready && !daemon->is_reloading)
		return;
	if (!daemon->is_ready)
		tidy_log(G_LOG_LEVEL_MESSAGE, TIDY_LOG_STARTED, 0, NULL,
			 "watching the home, %zu strays", count);
	daemon->is_ready = TRUE;
	daemon->is_reloading = FALSE;
	sd_notify(0, "READY=1");
}

static gboolean
is_same_view(GVariant *a, GVariant *b)
{
	static const char *const keys[] = { "scan", "paused", "config-error", "last" };

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
		g_autoptr(GVariant) one = g_variant_lookup_value(a, keys[i], NULL);
		g_autoptr(GVariant) other = g_variant_lookup_value(b, keys[i], NULL);

		if ((one == NULL) != (other == NULL) ||
		    (one != NULL && !g_variant_equal(one, other)))
			return FALSE;
	}
	return TRUE;
}

static void
apply_survey(TidyDaemon *daemon, GVariant *survey)
{
	g_autoptr(GVariant) previous = g_steal_pointer(&daemon->survey);
	g_autoptr(GVariant) last = g_variant_lookup_value(survey, "last", G_VARIANT_TYPE_VARDICT);
	g_autoptr(GVariant) strays = NULL;

	daemon->survey = g_variant_ref(survey);
	if (last != NULL) {
		g_clear_pointer(&daemon->last, g_variant_unref);
		daemon->last = g_steal_pointer(&last);
	}
	strays = survey_strays(daemon);
	log_config_error(daemon, previous);
	apply_settings(daemon);
	apply_watches(daemon);
	find_active(daemon, strays);
	apply_active(daemon);
	apply_questions(daemon, strays);
	say_status(daemon);
	if (daemon->bus != NULL && (previous == NULL || !is_same_view(previous, survey)))
		tidy_bus_emit_changed(daemon->bus);
}

static void
on_surveyed(GVariant *survey, const GError *error, gpointer data)
{
	TidyDaemon *daemon = data;

	daemon->is_surveying = FALSE;
	if (daemon->is_stopping)
		return;
	if (error != NULL) {
		/* Only when there is no usable home at all. */
		tidy_log(G_LOG_LEVEL_WARNING, TIDY_LOG_FAILED, 0, "survey", "%s", error->message);
		tidy_daemon_stop(daemon, TIDY_EXIT_FAILED);
		return;
	}
	apply_survey(daemon, survey);
	if (daemon->is_dirty)
		want_survey(daemon, daemon->times.look_usec, FALSE);
}

static gboolean
start_survey(gpointer data)
{
	TidyDaemon *daemon = data;
	TidyJobRequest *request = tidy_job_request_new(NULL, NULL);

	set_timer(&daemon->look_timer, 0, NULL, NULL);
	request->with_last = daemon->wants_last;
	daemon->wants_last = FALSE;
	daemon->is_dirty = FALSE;
	daemon->is_surveying = TRUE;
	tidy_worker_push(daemon->worker, &(TidyJob){ .run = tidy_job_survey,
						     .argument = request,
						     .argument_free = tidy_job_request_free,
						     .done = on_surveyed,
						     .data = daemon,
						     .what = "scanning" });
	return G_SOURCE_REMOVE;
}

/* At most one survey is under way and one is waiting, however many events come. */
static void
want_survey(TidyDaemon *daemon, gint64 delay_usec, gboolean with_last)
{
	daemon->wants_last |= with_last;
	if (daemon->is_surveying) {
		daemon->is_dirty = TRUE;
		return;
	}
	if (daemon->is_stopping || daemon->look_timer != NULL)
		return;
	set_timer(&daemon->look_timer, delay_usec, start_survey, daemon);
}

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

static void
finish_report(TidyDaemon *daemon, GVariant *report)
{
	if (has_operation(report)) {
		log_report(report);
		if (daemon->bus != NULL)
			tidy_bus_emit_merged(daemon->bus, report);
	}
	want_survey(daemon, 0, TRUE);
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

static void
finish_failure(TidyDaemon *daemon, const GError *error, gboolean by_button)
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
	want_survey(daemon, 0, TRUE);
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
		finish_report(daemon, report);
	} else {
		finish_failure(daemon, error, FALSE);
	}
	if (daemon->watcher != NULL)
		tidy_watcher_done(daemon->watcher, merge->stray);
}

static void
on_ready(const char *path, const char *const *names, gboolean is_all, gpointer data)
{
	TidyDaemon *daemon = data;
	TidyJobRequest *request;
	AutoMerge *merge;

	/* What comes during a merge of the same stray is asked for when that one is done. */
	if (!g_hash_table_add(daemon->merging, g_strdup(path)))
		return;
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
}

/* ---- what the watcher sees ---- */

static void
on_reloaded(GVariant *answer, const GError *error, gpointer data)
{
	/* A bad file is not lost: the survey carries it to log, status and note. */
	want_survey(data, 0, FALSE);
}

static void
push_reload(TidyDaemon *daemon)
{
	tidy_worker_push(daemon->worker, &(TidyJob){ .run = tidy_job_reload,
						     .done = on_reloaded,
						     .data = daemon,
						     .what = "reading the settings" });
}

static void
on_look(TidyLook look, gpointer data)
{
	TidyDaemon *daemon = data;

	switch (look) {
	case TIDY_LOOK_USER_DIRS:
		close_gate(daemon, daemon->times.dirs_usec);
		apply_active(daemon);
		push_reload(daemon);
		break;
	case TIDY_LOOK_CONFIG:
		push_reload(daemon);
		break;
	case TIDY_LOOK_ALL:
		push_reload(daemon);
		break;
	case TIDY_LOOK_HOME:
	case TIDY_LOOK_STRAY:
		want_survey(daemon, daemon->times.look_usec, FALSE);
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
		finish_failure(data, error, TRUE);
	else
		want_survey(data, 0, FALSE);
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
		finish_report(daemon, report);
	} else {
		finish_failure(daemon, error, TRUE);
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

/* ---- what the bus wants ---- */

static const char *
bus_home(gpointer data)
{
	TidyDaemon *daemon = data;

	return daemon->home;
}

static GVariant *
bus_scan(gpointer data)
{
	TidyDaemon *daemon = data;

	return daemon->survey != NULL ? tidy_report_dict(daemon->survey, "scan") : NULL;
}

static gboolean
bus_is_user_dir(const char *path, gpointer data)
{
	TidyDaemon *daemon = data;
	g_autoptr(GVariant) scan = bus_scan(daemon);
	g_autoptr(GVariant) dirs = scan != NULL ? tidy_report_list(scan, "dirs") : NULL;

	for (gsize i = 0; dirs != NULL && i < g_variant_n_children(dirs); i++) {
		g_autoptr(GVariant) dir = g_variant_get_child_value(dirs, i);
		g_autofree char *other = tidy_report_path(dir, "path");

		if (g_strcmp0(path, other) == 0)
			return TRUE;
	}
	return FALSE;
}

static GVariant *
config_dict(TidyDaemon *daemon)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&builder, "{sv}", "path", g_variant_new_string(daemon->config_path));
	g_variant_builder_add(&builder, "{sv}", "error",
			      g_variant_new_string(survey_text(daemon, "config-error")));
	return g_variant_builder_end(&builder);
}

static GVariant *
bus_status(gpointer data)
{
	TidyDaemon *daemon = data;
	g_autoptr(GVariant) strays = NULL;
	GVariantDict dict;

	if (daemon->survey == NULL)
		return NULL;
	strays = survey_strays(daemon);
	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert(&dict, "version", "u", TIDY_REPORT_VERSION);
	g_variant_dict_insert(&dict, "running", "b", TRUE);
	g_variant_dict_insert(&dict, "daemon-version", "s", TIDY_VERSION);
	g_variant_dict_insert(&dict, "pid", "u", (guint32)getpid());
	g_variant_dict_insert(&dict, "paused", "b", survey_flag(daemon, "paused"));
	g_variant_dict_insert_value(&dict, "config", config_dict(daemon));
	g_variant_dict_insert(&dict, "watches", "u",
			      daemon->watcher != NULL ? tidy_watcher_n_watches(daemon->watcher)
						      : 0);
	g_variant_dict_insert(&dict, "degraded", "s", daemon->degraded);
	g_variant_dict_insert(&dict, "working", "s", tidy_worker_doing(daemon->worker));
	g_variant_dict_insert_value(&dict, "strays", strays);
	if (daemon->last != NULL)
		g_variant_dict_insert_value(&dict, "last", daemon->last);
	return g_variant_ref_sink(g_variant_dict_end(&dict));
}

static void
bus_surveyed(GVariant *survey, gpointer data)
{
	TidyDaemon *daemon = data;

	if (!daemon->is_stopping)
		apply_survey(daemon, survey);
}

static void
bus_finished(GVariant *report, gpointer data)
{
	finish_report(data, report);
}

static void
bus_changed(const GError *error, gpointer data)
{
	want_survey(data, 0, FALSE);
}

/* ---- the name on the bus ---- */

static void
on_name_acquired(GDBusConnection *connection, const char *name, gpointer data)
{
	TidyDaemon *daemon = data;

	daemon->has_name = TRUE;
}

static void
on_name_lost(GDBusConnection *connection, const char *name, gpointer data)
{
	TidyDaemon *daemon = data;

	if (!daemon->has_name) {
		tidy_log(G_LOG_LEVEL_WARNING, TIDY_LOG_FAILED, 0, "locked",
			 "another xdgtidyd owns %s; this one ends", TIDY_DBUS_NAME);
		tidy_daemon_stop(daemon, TIDY_EXIT_LOCKED);
		return;
	}
	tidy_log(G_LOG_LEVEL_MESSAGE, NULL, 0, NULL,
		 g_dbus_connection_is_closed(daemon->connection) ? "the session bus is gone"
								 : "another process took the name");
	tidy_daemon_stop(daemon, TIDY_EXIT_OK);
}

static void
on_progress(const char *what, const guint64 numbers[4], gpointer data)
{
	TidyDaemon *daemon = data;

	if (daemon->bus != NULL)
		tidy_bus_emit_progress(daemon->bus, what, numbers);
}

/* ---- life ---- */

/* One daemon a home, also when there are two buses or none. */
static gboolean
lock_home(TidyDaemon *daemon, const char *state_dir, GError **error)
{
	g_autofree char *dir = state_dir != NULL
				       ? g_strdup(state_dir)
				       : g_build_filename(g_get_user_state_dir(), "xdgtidy", NULL);
	g_autofree char *path = g_build_filename(dir, "daemon.lock", NULL);

	if (g_mkdir_with_parents(dir, 0700) < 0)
		return tidy_error_set_errno(error, errno, "making the state directory %s", dir);
	daemon->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (daemon->lock_fd < 0)
		return tidy_error_set_errno(error, errno, "opening %s", path);
	if (flock(daemon->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return TRUE;
	if (errno != EWOULDBLOCK)
		return tidy_error_set_errno(error, errno, "locking %s", path);
	g_set_error_literal(error, TIDY_ERROR, TIDY_ERROR_LOCKED,
			    "another xdgtidyd looks after this home");
	return FALSE;
}

static void
on_recovered(GVariant *report, const GError *error, gpointer data)
{
	TidyDaemon *daemon = data;

	daemon->is_recovering = FALSE;
	if (error != NULL)
		finish_failure(daemon, error, FALSE);
	else
		finish_report(daemon, report);
}

static gboolean
name_matters(const char *name, gpointer data)
{
	TidyDaemon *daemon = data;
	g_autoptr(GPtrArray) meant = tidy_names_lookup(NULL, name, NULL);
	g_autofree const char **aliases = NULL;

	if (meant->len > 0)
		return TRUE;
	return daemon->survey != NULL &&
	       g_variant_lookup(daemon->survey, "aliases", "^a&s", &aliases) &&
	       g_strv_contains(aliases, name);
}

static gboolean
name_is_partial(const char *name, gpointer data)
{
	return tidy_partial_rule(name) != NULL;
}

static void
start_watching(TidyDaemon *daemon)
{
	g_autoptr(GError) error = NULL;

	daemon->watcher = tidy_watcher_new(&(TidyWatcherFuncs){ .look = on_look,
								.ready = on_ready,
								.matters = name_matters,
								.is_partial = name_is_partial,
								.data = daemon },
					   &error);
	if (daemon->watcher != NULL)
		return;
	daemon->degraded = g_strdup(error->message);
	tidy_log(G_LOG_LEVEL_WARNING, TIDY_LOG_DEGRADED, 0, "watches",
		 "kernel: %s; only merging on request", error->message);
}

static gboolean
start_bus(TidyDaemon *daemon, GError **error)
{
	const TidyBusFuncs funcs = {
		.home = bus_home,
		.is_user_dir = bus_is_user_dir,
		.status = bus_status,
		.scan = bus_scan,
		.surveyed = bus_surveyed,
		.finished = bus_finished,
		.changed = bus_changed,
		.data = daemon,
	};

	if (daemon->connection == NULL) {
		tidy_log(G_LOG_LEVEL_MESSAGE, NULL, 0, NULL,
			 "no session bus: working without calls and notifications");
		return TRUE;
	}
	daemon->bus = tidy_bus_new(daemon->connection, daemon->worker, &funcs, error);
	return daemon->bus != NULL;
}

/* The survey first: finishing a large merge may take longer than systemd waits for READY=1. */
static void
start_jobs(TidyDaemon *daemon)
{
	start_survey(daemon);
	daemon->is_recovering = TRUE;
	tidy_worker_push(daemon->worker, &(TidyJob){ .run = tidy_job_recover,
						     .done = on_recovered,
						     .data = daemon,
						     .what = "finishing what was interrupted",
						     .is_long = TRUE });
}

static void
start_offers(TidyDaemon *daemon, TidyNotifier *notifier)
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

/* As tidy_service_new() finds it; whether it is usable is found out there. */
static char *
find_home(const char *given)
{
	const char *home = given != NULL ? given : g_get_home_dir();
	char *real = realpath(home, NULL);
	char *copy = g_strdup(real != NULL ? real : home);

	free(real);
	return copy;
}

TidyDaemon *
tidy_daemon_new(const TidyDaemonOptions *options, GError **error)
{
	g_autoptr(TidyDaemon) daemon = g_new0(TidyDaemon, 1);
	const TidyServiceOptions *service = options->service;

	daemon->times = options->times;
	daemon->lock_fd = -1;
	daemon->loop = g_main_loop_new(g_main_context_get_thread_default(), FALSE);
	daemon->active = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(daemon->active, NULL);
	daemon->merging = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	daemon->degraded = NULL;
	daemon->config_path =
		g_build_filename(service->config_dir != NULL ? service->config_dir
							     : g_get_user_config_dir(),
				 "xdgtidy", "xdgtidy.conf", NULL);
	daemon->home = find_home(service->home);
	g_set_object(&daemon->connection, options->bus);
	start_offers(daemon, options->notifier);
	if (!lock_home(daemon, service->state_dir, error))
		return NULL;
	daemon->worker = tidy_worker_new(service);
	tidy_worker_set_progress(daemon->worker, on_progress, daemon);
	start_watching(daemon);
	if (daemon->degraded == NULL)
		daemon->degraded = g_strdup("");
	if (!start_bus(daemon, error))
		return NULL;
	return g_steal_pointer(&daemon);
}

static gboolean
ping_watchdog(gpointer data)
{
	sd_notify(0, "WATCHDOG=1");
	return G_SOURCE_CONTINUE;
}

/* Only when systemd asks for it: without, nothing wakes an idle daemon. */
static GSource *
start_watchdog(void)
{
	guint64 usec = 0;
	GSource *source;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return NULL;
	source = g_timeout_source_new((guint)(usec / 2000));
	g_source_set_callback(source, ping_watchdog, NULL, NULL);
	g_source_attach(source, g_main_context_get_thread_default());
	return source;
}

int
tidy_daemon_run(TidyDaemon *daemon)
{
	g_autoptr(GSource) watchdog = start_watchdog();

	close_gate(daemon, daemon->times.start_usec);
	start_jobs(daemon);
	if (daemon->connection != NULL)
		daemon->name_id =
			g_bus_own_name_on_connection(daemon->connection, TIDY_DBUS_NAME,
						     G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
						     on_name_acquired, on_name_lost, daemon, NULL);
	else
		want_survey(daemon, 0, TRUE);
	g_main_loop_run(daemon->loop);
	/* The job under way ends at its next step; its caller still gets an answer. */
	while (tidy_worker_n_jobs(daemon->worker) > 0)
		g_main_context_iteration(g_main_context_get_thread_default(), TRUE);
	if (daemon->connection != NULL && !g_dbus_connection_is_closed(daemon->connection))
		g_dbus_connection_flush_sync(daemon->connection, NULL, NULL);
	if (watchdog != NULL)
		g_source_destroy(watchdog);
	tidy_log(G_LOG_LEVEL_MESSAGE, TIDY_LOG_STOPPED, 0, NULL, "ends");
	return daemon->exit_code;
}

void
tidy_daemon_stop(TidyDaemon *daemon, int code)
{
	if (daemon->is_stopping)
		return;
	daemon->is_stopping = TRUE;
	daemon->exit_code = code;
	sd_notify(0, "STOPPING=1");
	set_timer(&daemon->look_timer, 0, NULL, NULL);
	set_timer(&daemon->gate_timer, 0, NULL, NULL);
	g_clear_pointer(&daemon->watcher, tidy_watcher_free);
	tidy_worker_stop(daemon->worker);
	g_main_loop_quit(daemon->loop);
}

void
tidy_daemon_reload(TidyDaemon *daemon)
{
	if (daemon->is_stopping)
		return;
	/* systemd 253's notify-reload waits for both lines; 252 ignores the second. */
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time());
	daemon->is_reloading = TRUE;
	push_reload(daemon);
}

void
tidy_daemon_free(TidyDaemon *daemon)
{
	if (daemon->name_id != 0)
		g_bus_unown_name(daemon->name_id);
	set_timer(&daemon->look_timer, 0, NULL, NULL);
	set_timer(&daemon->gate_timer, 0, NULL, NULL);
	g_clear_pointer(&daemon->watcher, tidy_watcher_free);
	g_clear_pointer(&daemon->worker, tidy_worker_free);
	g_clear_pointer(&daemon->bus, tidy_bus_free);
	g_clear_pointer(&daemon->offers, tidy_offers_free);
	if (daemon->notifier != NULL)
		tidy_notifier_free(daemon->notifier);
	g_clear_object(&daemon->connection);
	g_clear_pointer(&daemon->survey, g_variant_unref);
	g_clear_pointer(&daemon->last, g_variant_unref);
	g_ptr_array_unref(daemon->active);
	g_hash_table_unref(daemon->merging);
	g_main_loop_unref(daemon->loop);
	g_free(daemon->home);
	g_free(daemon->config_path);
	g_free(daemon->degraded);
	g_free(daemon->status);
	if (daemon->lock_fd >= 0)
		close(daemon->lock_fd);
	g_free(daemon);
}
