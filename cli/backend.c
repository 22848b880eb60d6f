/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon, or the engine in this process. I/O. */
#include "cli/backend.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/report-read.h"
#include "home/base/error.h"
#include "home/service/dbus-errors.h"
#include "home/service/report.h"
#include "home/service/service.h"

/* Looking is quick; a daemon that does not answer within this time hangs, and the user should hear so. */
#define LOOK_TIMEOUT_MSEC (25 * 1000)

struct TidyBackend {
	GDBusConnection *bus; /* NULL: the engine in this process */
	TidyService *service; /* made when first needed */
};

/* One call under way. */
typedef struct {
	TidyBackend *backend;
	const TidyRequest *request;
	GCancellable *cancellable;
	TidyProgress *progress;
	guint n_signals;
	gboolean is_done;
	GThread *thread; /* or NULL; all it does is seen once it was joined */
	GVariant *report;
	GError *error;
} Job;

/* GIO would start a bus of its own (dbus-launch) when there is none; a command must not. */
static gboolean
has_session_bus(void)
{
	g_autofree char *socket = g_build_filename(g_get_user_runtime_dir(), "bus", NULL);
	const char *address = g_getenv("DBUS_SESSION_BUS_ADDRESS");

	return (address != NULL && *address != '\0') || g_file_test(socket, G_FILE_TEST_EXISTS);
}

static gboolean
daemon_has_name(GDBusConnection *bus)
{
	g_autoptr(GVariant) reply =
		g_dbus_connection_call_sync(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
					    "org.freedesktop.DBus", "NameHasOwner",
					    g_variant_new("(s)", TIDY_DBUS_NAME),
					    G_VARIANT_TYPE("(b)"), G_DBUS_CALL_FLAGS_NONE,
					    LOOK_TIMEOUT_MSEC, NULL, NULL);
	gboolean has_owner = FALSE;

	if (reply != NULL)
		g_variant_get(reply, "(b)", &has_owner);
	return has_owner;
}

TidyBackend *
tidy_backend_open(TidyBackendKind kind)
{
	TidyBackend *backend = g_new0(TidyBackend, 1);
	g_autoptr(GDBusConnection) bus = NULL;

	if (kind == TIDY_BACKEND_DIRECT || !has_session_bus())
		return backend;
	tidy_dbus_errors_register();
	bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL);
	if (bus != NULL)
		g_dbus_connection_set_exit_on_close(bus, FALSE);
	if (bus != NULL && daemon_has_name(bus))
		backend->bus = g_steal_pointer(&bus);
	return backend;
}

void
tidy_backend_free(TidyBackend *backend)
{
	g_clear_object(&backend->bus);
	/* The user has the answer by now. */
	if (backend->service != NULL)
		tidy_service_tend(backend->service, NULL);
	g_clear_pointer(&backend->service, tidy_service_free);
	g_free(backend);
}

gboolean
tidy_backend_is_daemon(const TidyBackend *backend)
{
	return backend->bus != NULL;
}

/* ---- in this process ---- */

static void
on_engine_progress(guint64 done_entries, guint64 total_entries, guint64 done_bytes,
		   guint64 total_bytes, gpointer data)
{
	TidyProgressState state = { done_entries, total_entries, done_bytes, total_bytes };

	tidy_progress_update(data, &state);
}

static GVariant *
nothing(void)
{
	return g_variant_ref_sink(g_variant_new("a{sv}", NULL));
}

static void
insert_config(GVariantDict *status, TidyService *service)
{
	g_autofree char *path =
		g_build_filename(g_get_user_config_dir(), "xdgtidy", "xdgtidy.conf", NULL);
	g_autofree char *shown = g_filename_display_name(path);
	const char *problem = tidy_service_config_error(service);
	GVariantBuilder config;

	g_variant_builder_init(&config, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&config, "{sv}", "path", g_variant_new_string(shown));
	g_variant_builder_add(&config, "{sv}", "error",
			      g_variant_new_string(problem != NULL ? problem : ""));
	g_variant_dict_insert_value(status, "config", g_variant_builder_end(&config));
}

/* What can be said without a daemon. */
static GVariant *
direct_status(TidyService *service, GError **error)
{
	g_autoptr(GVariant) scan = tidy_service_scan(service, FALSE, error);
	g_autoptr(GVariant) history = NULL;
	g_autoptr(GVariant) strays = NULL;
	GVariantDict status;

	if (scan == NULL)
		return NULL;
	g_variant_dict_init(&status, NULL);
	g_variant_dict_insert(&status, "version", "u", TIDY_REPORT_VERSION);
	g_variant_dict_insert(&status, "running", "b", FALSE);
	g_variant_dict_insert(&status, "paused", "b", tidy_service_is_paused(service));
	insert_config(&status, service);
	strays = g_variant_lookup_value(scan, "strays", NULL);
	if (strays != NULL)
		g_variant_dict_insert_value(&status, "strays", strays);
	history = tidy_service_history(service, 0, NULL);
	if (tidy_report_list_length(history, "operations") > 0) {
		g_autoptr(GVariant) last = tidy_report_list_item(history, "operations", 0);

		g_variant_dict_insert_value(&status, "last", last);
	}
	return g_variant_ref_sink(g_variant_dict_end(&status));
}

/* A merge by defaults that the user wrote settings against would be a surprise. */
static gboolean
needs_settings(TidyRequestKind kind)
{
	return kind == TIDY_REQUEST_SCAN || kind == TIDY_REQUEST_PLAN || kind == TIDY_REQUEST_MERGE;
}

static GVariant *
ask_service(TidyService *service, Job *job, GError **error)
{
	const TidyRequest *request = job->request;
	TidyMergeOptions options = {
		.is_dry_run = request->kind == TIDY_REQUEST_PLAN ||
			      request->kind == TIDY_REQUEST_UNDO_PLAN,
		.is_consented = request->kind == TIDY_REQUEST_MERGE,
		.progress = on_engine_progress,
		.progress_data = job->progress,
	};

	if (needs_settings(request->kind) && tidy_service_config_error(service) != NULL) {
		g_set_error_literal(error, TIDY_ERROR, TIDY_ERROR_CONFIG,
				    tidy_service_config_error(service));
		return NULL;
	}
	switch (request->kind) {
	case TIDY_REQUEST_SCAN:
		return tidy_service_scan(service, TRUE, error);
	case TIDY_REQUEST_PLAN:
	case TIDY_REQUEST_MERGE:
		return tidy_service_merge(service, request->stray, request->target, &options,
					  job->cancellable, error);
	case TIDY_REQUEST_UNDO_PLAN:
	case TIDY_REQUEST_UNDO:
		return tidy_service_undo(service, request->id, &options, job->cancellable, error);
	case TIDY_REQUEST_DEDUPE:
		return tidy_service_dedupe(service, request->action, request->pairs, &options,
					   job->cancellable, error);
	case TIDY_REQUEST_HISTORY:
		return tidy_service_history(service, request->id, error);
	case TIDY_REQUEST_STATUS:
		return direct_status(service, error);
	case TIDY_REQUEST_PAUSE:
	case TIDY_REQUEST_RESUME:
		return tidy_service_set_paused(service, request->kind == TIDY_REQUEST_PAUSE, error)
			       ? nothing()
			       : NULL;
	}
	g_assert_not_reached();
}

static gboolean
on_work_done(gpointer data)
{
	Job *job = data;

	job->is_done = TRUE;
	return G_SOURCE_REMOVE;
}

/* In a thread of its own, so that signals and the progress line are served meanwhile. */
static gpointer
work(gpointer data)
{
	Job *job = data;
	TidyBackend *backend = job->backend;

	if (backend->service == NULL)
		backend->service = tidy_service_new(&(TidyServiceOptions){ 0 }, &job->error);
	if (backend->service != NULL)
		job->report = ask_service(backend->service, job, &job->error);
	g_idle_add_full(G_PRIORITY_DEFAULT, on_work_done, job, NULL);
	return NULL;
}

static void
start_direct(Job *job)
{
	job->thread = g_thread_new("xdgtidy-work", work, job);
}

/* ---- over D-Bus ---- */

static GVariant *
path_argument(const char *path)
{
	return g_variant_new_bytestring(path != NULL ? path : "");
}

static GVariant *
merge_arguments(const TidyRequest *request)
{
	GVariantBuilder options;

	g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&options, "{sv}", "consented",
			      g_variant_new_boolean(request->kind == TIDY_REQUEST_MERGE));
	return g_variant_new("(@ay@aya{sv})", path_argument(request->stray),
			     path_argument(request->target), &options);
}

static const char *
method_call(const TidyRequest *request, GVariant **arguments)
{
	*arguments = NULL;
	switch (request->kind) {
	case TIDY_REQUEST_SCAN:
		return "Scan";
	case TIDY_REQUEST_PLAN:
		*arguments = merge_arguments(request);
		return "Plan";
	case TIDY_REQUEST_MERGE:
		*arguments = merge_arguments(request);
		return "Merge";
	case TIDY_REQUEST_UNDO:
		*arguments = g_variant_new("(t)", request->id);
		return "Undo";
	case TIDY_REQUEST_HISTORY:
		*arguments = g_variant_new("(t)", request->id);
		return "History";
	case TIDY_REQUEST_STATUS:
		return "Status";
	case TIDY_REQUEST_PAUSE:
		return "Pause";
	case TIDY_REQUEST_RESUME:
		return "Resume";
	case TIDY_REQUEST_DEDUPE:
		*arguments = g_variant_new("(s@a(ayay))", request->action, request->pairs);
		return "Dedupe";
	case TIDY_REQUEST_UNDO_PLAN:
		break;
	}
	g_assert_not_reached();
}

/* The daemon stops the job of a caller that left the bus, at the next step, and goes on serving others. */
static void
leave_bus(Job *job)
{
	g_dbus_connection_close_sync(job->backend->bus, NULL, NULL);
	g_clear_error(&job->error);
	job->error = g_error_new_literal(TIDY_ERROR, TIDY_ERROR_CANCELLED,
					 _("stopped; the daemon finishes the step it is at"));
}

static void
on_reply(GObject *source, GAsyncResult *result, gpointer data)
{
	Job *job = data;
	g_autoptr(GVariant) reply =
		g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &job->error);

	if (reply == NULL && job->n_signals > 0)
		leave_bus(job);
	else if (reply == NULL)
		g_dbus_error_strip_remote_error(job->error);
	else if (g_variant_is_of_type(reply, G_VARIANT_TYPE("(a{sv})")))
		job->report = g_variant_get_child_value(reply, 0);
	else
		job->report = nothing();
	job->is_done = TRUE;
}

static gboolean
is_long(TidyRequestKind kind)
{
	return kind == TIDY_REQUEST_MERGE || kind == TIDY_REQUEST_UNDO ||
	       kind == TIDY_REQUEST_PLAN || kind == TIDY_REQUEST_DEDUPE;
}

static void
start_remote(Job *job)
{
	GVariant *arguments;
	const char *method = method_call(job->request, &arguments);

	g_dbus_connection_call(job->backend->bus, TIDY_DBUS_NAME, TIDY_DBUS_PATH, TIDY_DBUS_NAME,
			       method, arguments, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START,
			       is_long(job->request->kind) ? G_MAXINT : LOOK_TIMEOUT_MSEC,
			       job->cancellable, on_reply, job);
}

static void
on_progress_signal(GDBusConnection *bus, const char *sender, const char *path,
		   const char *interface, const char *member, GVariant *arguments, gpointer data)
{
	Job *job = data;
	TidyProgressState state;

	if (!g_variant_is_of_type(arguments, G_VARIANT_TYPE("(tttts)")))
		return;
	g_variant_get(arguments, "(tttt&s)", &state.done_entries, &state.total_entries,
		      &state.done_bytes, &state.total_bytes, NULL);
	tidy_progress_update(job->progress, &state);
}

/* ---- waiting ---- */

static gboolean
on_stop_signal(gpointer data)
{
	Job *job = data;

	if (++job->n_signals > 1) {
		if (isatty(STDERR_FILENO) == 1)
			fputs("\r\033[K", stderr);
		_exit(TIDY_EXIT_INTERRUPTED);
	}
	g_cancellable_cancel(job->cancellable);
	return G_SOURCE_CONTINUE;
}

static GVariant *
run_job(Job *job, GError **error)
{
	guint on_int = g_unix_signal_add(SIGINT, on_stop_signal, job);
	guint on_term = g_unix_signal_add(SIGTERM, on_stop_signal, job);
	gboolean is_remote =
		job->backend->bus != NULL && job->request->kind != TIDY_REQUEST_UNDO_PLAN;
	guint subscription = 0;

	if (is_remote) {
		subscription = g_dbus_connection_signal_subscribe(job->backend->bus, TIDY_DBUS_NAME,
								  TIDY_DBUS_NAME, "Progress",
								  TIDY_DBUS_PATH, NULL,
								  G_DBUS_SIGNAL_FLAGS_NONE,
								  on_progress_signal, job, NULL);
		start_remote(job);
	} else {
		start_direct(job);
	}
	while (!job->is_done)
		g_main_context_iteration(NULL, TRUE);
	if (job->thread != NULL)
		g_thread_join(g_steal_pointer(&job->thread));
	if (subscription != 0)
		g_dbus_connection_signal_unsubscribe(job->backend->bus, subscription);
	g_source_remove(on_int);
	g_source_remove(on_term);
	if (job->report == NULL)
		g_propagate_error(error, g_steal_pointer(&job->error));
	return g_steal_pointer(&job->report);
}

GVariant *
tidy_backend_call(TidyBackend *backend, const TidyRequest *request, GError **error)
{
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(TidyProgress) progress =
		tidy_progress_new(request->has_progress, request->expected_entries,
				  request->expected_bytes);
	Job job = {
		.backend = backend,
		.request = request,
		.cancellable = cancellable,
		.progress = progress,
	};
	GVariant *report = run_job(&job, error);

	/* In one piece of memory: strings borrowed from it stay where they are. */
	if (report != NULL)
		g_variant_get_data(report);
	return report;
}
