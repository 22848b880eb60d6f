/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The survey: what there is, and what follows from it for watches, questions and automatic merges. I/O: timers, log. */
#include "daemon/daemon-private.h"

#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/log.h"
#include "home/service/report.h"

/* ---- what the survey says ---- */

gboolean
tidy_daemon_survey_flag(TidyDaemon *daemon, const char *key)
{
	gboolean flag = FALSE;

	if (daemon->survey != NULL)
		g_variant_lookup(daemon->survey, key, "b", &flag);
	return flag;
}

const char *
tidy_daemon_survey_text(TidyDaemon *daemon, const char *key)
{
	return daemon->survey != NULL ? tidy_report_text(daemon->survey, key) : "";
}

GVariant *
tidy_daemon_survey_strays(TidyDaemon *daemon)
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

void
tidy_daemon_apply_active(TidyDaemon *daemon)
{
	static const char *const none[] = { NULL };
	gboolean is_open = daemon->gate_timer == NULL &&
			   !tidy_daemon_survey_flag(daemon, "paused") && !daemon->is_recovering;

	if (daemon->watcher == NULL)
		return;
	tidy_watcher_set_active(daemon->watcher,
				is_open ? (const char *const *)daemon->active->pdata : none);
}

static gboolean
on_gate_open(gpointer data)
{
	TidyDaemon *daemon = data;

	tidy_timer_set(&daemon->gate_timer, 0, NULL, NULL);
	tidy_daemon_apply_active(daemon);
	return G_SOURCE_REMOVE;
}

void
tidy_daemon_close_gate(TidyDaemon *daemon, gint64 span_usec)
{
	gint64 now = g_get_monotonic_time();

	daemon->gate_usec = MAX(daemon->gate_usec, now + span_usec);
	tidy_timer_set(&daemon->gate_timer, daemon->gate_usec - now, on_gate_open, daemon);
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
	if (tidy_daemon_survey_flag(daemon, "paused") || daemon->is_recovering)
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
	const char *config_error = tidy_daemon_survey_text(daemon, "config-error");
	gint64 settle_usec = 0;
	guint32 level = TIDY_CONFIG_NOTIFY_SUMMARY;

	g_variant_lookup(daemon->survey, "level", "u", &level);
	g_variant_lookup(daemon->survey, "settle", "x", &settle_usec);
	tidy_offers_set_level(daemon->offers, (TidyConfigNotify)level);
	tidy_offers_set_home(daemon->offers, daemon->home);
	tidy_daemon_apply_keys(daemon);
	tidy_daemon_apply_dupes(daemon);
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
	const char *now = tidy_daemon_survey_text(daemon, "config-error");
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
	g_autoptr(GVariant) strays = tidy_daemon_survey_strays(daemon);
	gsize count = g_variant_n_children(strays);
	gboolean is_wrong = *tidy_daemon_survey_text(daemon, "config-error") != '\0';
	g_autofree char *status =
		g_strdup_printf("STATUS=%s%s; %zu strays",
				tidy_daemon_survey_flag(daemon, "paused") ? "paused, " : "",
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

void
tidy_daemon_apply_survey(TidyDaemon *daemon, GVariant *survey)
{
	g_autoptr(GVariant) previous = g_steal_pointer(&daemon->survey);
	g_autoptr(GVariant) last = g_variant_lookup_value(survey, "last", G_VARIANT_TYPE_VARDICT);
	g_autoptr(GVariant) strays = NULL;

	daemon->survey = g_variant_ref(survey);
	if (last != NULL) {
		g_clear_pointer(&daemon->last, g_variant_unref);
		daemon->last = g_steal_pointer(&last);
	}
	strays = tidy_daemon_survey_strays(daemon);
	log_config_error(daemon, previous);
	apply_settings(daemon);
	apply_watches(daemon);
	find_active(daemon, strays);
	tidy_daemon_apply_active(daemon);
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
	tidy_daemon_apply_survey(daemon, survey);
	if (daemon->is_dirty)
		tidy_daemon_want_survey(daemon, daemon->times.look_usec, FALSE);
}

gboolean
tidy_daemon_start_survey(gpointer data)
{
	TidyDaemon *daemon = data;
	TidyJobRequest *request = tidy_job_request_new(NULL, NULL);

	tidy_timer_set(&daemon->look_timer, 0, NULL, NULL);
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
void
tidy_daemon_want_survey(TidyDaemon *daemon, gint64 delay_usec, gboolean with_last)
{
	daemon->wants_last |= with_last;
	if (daemon->is_surveying) {
		daemon->is_dirty = TRUE;
		return;
	}
	if (daemon->is_stopping || daemon->look_timer != NULL)
		return;
	tidy_timer_set(&daemon->look_timer, delay_usec, tidy_daemon_start_survey, daemon);
}
