/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The report of duplicates, when [dupes] report wants one: a search when it is due, one note when there is something to
 * say. I/O: a timer, the worker, notifications.
 */
#include "daemon/daemon-private.h"

#include "daemon/wording.h"

#define TOPIC "dupes"

static void
tell(TidyDaemon *daemon, GVariant *report)
{
	g_autoptr(GVariant) groups = tidy_report_list(report, "groups");
	guint64 n_groups = g_variant_n_children(groups) + tidy_report_number(report, "groups-cut");
	guint64 bytes = tidy_report_number(report, "reclaimable");
	guint32 level = TIDY_CONFIG_NOTIFY_SUMMARY;
	g_auto(TidyWording) wording = { 0 };

	g_variant_lookup(daemon->survey, "level", "u", &level);
	if (bytes == 0 || level > TIDY_CONFIG_NOTIFY_SUMMARY)
		return;
	tidy_wording_dupes(&wording, bytes, n_groups);
	tidy_notifier_show(daemon->notifier, &(TidyNote){ .topic = TOPIC,
							  .summary = wording.summary,
							  .body = wording.body,
							  .urgency = TIDY_NOTE_LOW });
}

static void
on_reported(GVariant *report, const GError *error, gpointer data)
{
	TidyDaemon *daemon = data;

	if (daemon->is_stopping)
		return;
	if (report != NULL)
		tell(daemon, report);
	else
		g_debug("dupes: %s", error->message);
	/* Which also tells when the next one is due. */
	tidy_daemon_want_survey(daemon, 0, FALSE);
}

static gboolean
start_report(gpointer data)
{
	TidyDaemon *daemon = data;

	tidy_timer_set(&daemon->dupes_timer, 0, NULL, NULL);
	tidy_worker_push(daemon->worker, &(TidyJob){ .run = tidy_job_dupes_report,
						     .done = on_reported,
						     .data = daemon,
						     .what = "looking for duplicates",
						     .is_long = TRUE });
	return G_SOURCE_REMOVE;
}

void
tidy_daemon_apply_dupes(TidyDaemon *daemon)
{
	gint64 next_sec = 0;
	gint64 wait_usec;

	g_variant_lookup(daemon->survey, "dupes-next", "x", &next_sec);
	if (next_sec == daemon->dupes_next_sec)
		return;
	daemon->dupes_next_sec = next_sec;
	wait_usec = next_sec * G_USEC_PER_SEC - g_get_real_time();
	/* Not in the bustle of a login. */
	tidy_timer_set(&daemon->dupes_timer, MAX(wait_usec, daemon->times.dupes_usec),
		       next_sec > 0 ? start_report : NULL, daemon);
}
