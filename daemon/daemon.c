/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon without its main(): its life. I/O. */
#include "daemon/daemon-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <systemd/sd-daemon.h>

#include "daemon/log.h"
#include "home/base/error.h"
#include "home/dirs/names.h"
#include "home/dirs/partial.h"

const TidyDaemonTimes tidy_daemon_times_default = {
	.start_usec = 10 * G_TIME_SPAN_SECOND,
	.dirs_usec = 2 * G_TIME_SPAN_SECOND,
	.dupes_usec = 10 * G_TIME_SPAN_MINUTE,
	.look_usec = 100 * G_TIME_SPAN_MILLISECOND,
	.burst_usec = 3 * G_TIME_SPAN_SECOND,
	.gap_usec = 10 * G_TIME_SPAN_MINUTE,
	.poll_usec = 15 * G_TIME_SPAN_MINUTE,
};

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
		tidy_daemon_finish_failure(daemon, error, FALSE);
	else
		tidy_daemon_finish_report(daemon, report);
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

	daemon->watcher = tidy_watcher_new(&(TidyWatcherFuncs){ .look = tidy_daemon_on_look,
								.ready = tidy_daemon_on_ready,
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

/* The survey first: finishing a large merge may take longer than systemd waits for READY=1. */
static void
start_jobs(TidyDaemon *daemon)
{
	tidy_daemon_start_survey(daemon);
	daemon->is_recovering = TRUE;
	tidy_worker_push(daemon->worker, &(TidyJob){ .run = tidy_job_recover,
						     .done = on_recovered,
						     .data = daemon,
						     .what = "finishing what was interrupted",
						     .is_long = TRUE });
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
	tidy_daemon_start_offers(daemon, options->notifier);
	tidy_daemon_start_keys(daemon, options);
	if (!lock_home(daemon, service->state_dir, error))
		return NULL;
	daemon->worker = tidy_worker_new(service);
	tidy_worker_set_progress(daemon->worker, tidy_daemon_on_progress, daemon);
	start_watching(daemon);
	if (daemon->degraded == NULL)
		daemon->degraded = g_strdup("");
	if (!tidy_daemon_start_bus(daemon, error))
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

	tidy_daemon_close_gate(daemon, daemon->times.start_usec);
	start_jobs(daemon);
	if (daemon->connection != NULL)
		tidy_daemon_own_name(daemon);
	else
		tidy_daemon_want_survey(daemon, 0, TRUE);
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
	tidy_timer_set(&daemon->look_timer, 0, NULL, NULL);
	tidy_timer_set(&daemon->gate_timer, 0, NULL, NULL);
	tidy_timer_set(&daemon->dupes_timer, 0, NULL, NULL);
	g_clear_pointer(&daemon->watcher, tidy_watcher_free);
	tidy_worker_stop(daemon->worker);
	/* No key waits for the job under way. Calls are still answered. */
	tidy_keyboard_configure(daemon->keyboard, &(TidyConfigKeys){ 0 }, TIDY_CONFIG_NOTIFY_NEVER);
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
	tidy_daemon_push_reload(daemon);
}

void
tidy_daemon_free(TidyDaemon *daemon)
{
	if (daemon->name_id != 0)
		g_bus_unown_name(daemon->name_id);
	tidy_timer_set(&daemon->look_timer, 0, NULL, NULL);
	tidy_timer_set(&daemon->gate_timer, 0, NULL, NULL);
	tidy_timer_set(&daemon->dupes_timer, 0, NULL, NULL);
	g_clear_pointer(&daemon->watcher, tidy_watcher_free);
	g_clear_pointer(&daemon->worker, tidy_worker_free);
	g_clear_pointer(&daemon->bus, tidy_bus_free);
	g_clear_pointer(&daemon->keyboard, tidy_keyboard_free);
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
