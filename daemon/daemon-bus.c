/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's side of the bus: what status and scan answer, and the name. I/O: the session bus. */
#include "daemon/daemon-private.h"

#include <unistd.h>

#include "daemon/log.h"
#include "home/service/dbus-errors.h"
#include "home/service/report.h"

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
			      g_variant_new_string(
				      tidy_daemon_survey_text(daemon, "config-error")));
	return g_variant_builder_end(&builder);
}

static GVariant *
bus_status(gpointer data)
{
	TidyDaemon *daemon = data;
	g_autoptr(GVariant) keys = tidy_keyboard_summary(daemon->keyboard);
	g_autoptr(GVariant) strays = NULL;
	GVariantDict dict;

	if (daemon->survey == NULL)
		return NULL;
	strays = tidy_daemon_survey_strays(daemon);
	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert(&dict, "version", "u", TIDY_REPORT_VERSION);
	g_variant_dict_insert(&dict, "running", "b", TRUE);
	g_variant_dict_insert(&dict, "daemon-version", "s", TIDY_VERSION);
	g_variant_dict_insert(&dict, "pid", "u", (guint32)getpid());
	g_variant_dict_insert(&dict, "paused", "b", tidy_daemon_survey_flag(daemon, "paused"));
	g_variant_dict_insert_value(&dict, "config", config_dict(daemon));
	g_variant_dict_insert(&dict, "watches", "u",
			      daemon->watcher != NULL ? tidy_watcher_n_watches(daemon->watcher)
						      : 0);
	g_variant_dict_insert(&dict, "degraded", "s", daemon->degraded);
	g_variant_dict_insert(&dict, "working", "s", tidy_worker_doing(daemon->worker));
	g_variant_dict_insert_value(&dict, "strays", strays);
	if (daemon->last != NULL)
		g_variant_dict_insert_value(&dict, "last", daemon->last);
	g_variant_dict_insert_value(&dict, "keys", keys);
	return g_variant_ref_sink(g_variant_dict_end(&dict));
}

static void
bus_surveyed(GVariant *survey, gpointer data)
{
	TidyDaemon *daemon = data;

	if (!daemon->is_stopping)
		tidy_daemon_apply_survey(daemon, survey);
}

static void
bus_finished(GVariant *report, gpointer data)
{
	tidy_daemon_finish_report(data, report);
}

static void
bus_changed(const GError *error, gpointer data)
{
	tidy_daemon_want_survey(data, 0, FALSE);
}

gboolean
tidy_daemon_start_bus(TidyDaemon *daemon, GError **error)
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
	daemon->bus =
		tidy_bus_new(daemon->connection, daemon->worker, daemon->keyboard, &funcs, error);
	return daemon->bus != NULL;
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

void
tidy_daemon_on_progress(const char *what, const guint64 numbers[4], gpointer data)
{
	TidyDaemon *daemon = data;

	if (daemon->bus != NULL)
		tidy_bus_emit_progress(daemon->bus, what, numbers);
}

void
tidy_daemon_own_name(TidyDaemon *daemon)
{
	daemon->name_id =
		g_bus_own_name_on_connection(daemon->connection, TIDY_DBUS_NAME,
					     G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE, on_name_acquired,
					     on_name_lost, daemon, NULL);
}
