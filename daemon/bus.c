/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The D-Bus face of the daemon. I/O. */
#include "daemon/bus.h"

#include <string.h>

#include "daemon/bus-keys.h"
#include "dbus-generated.h"
#include "home/base/text.h"
#include "home/service/dbus-errors.h"

struct TidyBus {
	GDBusConnection *connection;
	TidyDBusService *skeleton;
	TidyWorker *worker;
	TidyBusFuncs funcs;
	GPtrArray *calls; /* under way; owns them */
};

typedef enum { REPLY_SCAN, REPLY_REPORT, REPLY_MERGED, REPLY_STATUS, REPLY_CHANGED } ReplyKind;

/* One method call. Its caller is watched: who leaves the bus does not want the answer any more. */
typedef struct {
	TidyBus *bus;
	GDBusMethodInvocation *invocation; /* owned until answered */
	ReplyKind kind;
	GCancellable *cancellable;
	guint caller_watch;
} Call;

static void
call_free(Call *call)
{
	if (call->caller_watch != 0)
		g_bus_unwatch_name(call->caller_watch);
	g_object_unref(call->cancellable);
	g_free(call);
}

static void
on_caller_left(GDBusConnection *connection, const char *name, gpointer data)
{
	Call *call = data;

	g_cancellable_cancel(call->cancellable);
}

static Call *
call_new(TidyBus *bus, GDBusMethodInvocation *invocation, ReplyKind kind)
{
	GDBusMessage *message = g_dbus_method_invocation_get_message(invocation);
	GDBusMessageFlags flags = g_dbus_message_get_flags(message);
	Call *call = g_new0(Call, 1);

	call->bus = bus;
	call->invocation = invocation;
	call->kind = kind;
	call->cancellable = g_cancellable_new();
	if (!(flags & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED))
		call->caller_watch = g_bus_watch_name_on_connection(
			bus->connection, g_dbus_method_invocation_get_sender(invocation),
			G_BUS_NAME_WATCHER_FLAGS_NONE, NULL, on_caller_left, call, NULL);
	g_ptr_array_add(bus->calls, call);
	return call;
}

static GVariant *
wrap(GVariant *report)
{
	return g_variant_new("(@a{sv})", report);
}

static GVariant *
reply_for(Call *call, GVariant *answer)
{
	TidyBus *bus = call->bus;

	switch (call->kind) {
	case REPLY_SCAN:
	case REPLY_REPORT:
		return wrap(answer);
	case REPLY_MERGED:
		bus->funcs.finished(answer, bus->funcs.data);
		return wrap(answer);
	case REPLY_STATUS: {
		g_autoptr(GVariant) status = NULL;

		bus->funcs.surveyed(answer, bus->funcs.data);
		status = bus->funcs.status(bus->funcs.data);
		return wrap(status);
	}
	case REPLY_CHANGED:
		bus->funcs.changed(NULL, bus->funcs.data);
		return NULL;
	}
	g_assert_not_reached();
}

static void
on_job_done(GVariant *answer, const GError *error, gpointer data)
{
	Call *call = data;
	GDBusMethodInvocation *invocation = g_steal_pointer(&call->invocation);

	if (error != NULL) {
		if (call->kind == REPLY_CHANGED)
			call->bus->funcs.changed(error, call->bus->funcs.data);
		g_dbus_method_invocation_return_gerror(invocation, error);
	} else {
		g_dbus_method_invocation_return_value(invocation, reply_for(call, answer));
	}
	g_ptr_array_remove_fast(call->bus->calls, call);
}

static void
push(Call *call, TidyJobFunc run, TidyJobRequest *request, const char *what)
{
	tidy_worker_push(call->bus->worker, &(TidyJob){ .run = run,
							.argument = request,
							.argument_free = tidy_job_request_free,
							.done = on_job_done,
							.data = call,
							.cancellable = call->cancellable,
							.what = what,
							.is_long = call->kind == REPLY_MERGED });
}

/* ---- arguments ---- */

static gboolean
is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return strncmp(path, dir, length) == 0 && path[length] == '/' && path[length + 1] != '\0';
}

gboolean
tidy_bus_decode_path(GVariant *bytes, char **path, GError **error)
{
	gsize size = 0;
	const char *data = g_variant_get_fixed_array(bytes, &size, 1);

	if (size > 0 && data[size - 1] == '\0')
		size--;
	if (size > 0 && memchr(data, '\0', size) != NULL) {
		g_set_error_literal(error, TIDY_ERROR, TIDY_ERROR_USAGE,
				    "reading the call: a path has a zero byte inside");
		return FALSE;
	}
	*path = size > 0 ? g_strndup(data, size) : NULL;
	return TRUE;
}

static void
set_refused(GError **error, const char *path, const char *home)
{
	g_autofree char *shown = tidy_text_display(path);
	g_autofree char *shown_home = tidy_text_display(home);

	g_set_error(error, TIDY_ERROR, TIDY_ERROR_REFUSED,
		    "reading the call: %s is not in the home %s; name a directory in it", shown,
		    shown_home);
}

char *
tidy_bus_path(GVariant *bytes, const char *home, GError **error)
{
	g_autofree char *given = NULL;
	g_autofree char *path = NULL;

	if (!tidy_bus_decode_path(bytes, &given, error) || given == NULL)
		return NULL;
	path = g_canonicalize_filename(given, home);
	if (!is_below(path, home)) {
		set_refused(error, path, home);
		return NULL;
	}
	return g_steal_pointer(&path);
}

/* As tidy_bus_path(), but a configured user directory elsewhere will do. */
static char *
target_path(TidyBus *bus, GVariant *bytes, GError **error)
{
	const char *home = bus->funcs.home(bus->funcs.data);
	g_autofree char *given = NULL;
	g_autofree char *path = NULL;

	if (!tidy_bus_decode_path(bytes, &given, error) || given == NULL)
		return NULL;
	path = g_canonicalize_filename(given, home);
	if (!is_below(path, home) && !bus->funcs.is_user_dir(path, bus->funcs.data)) {
		set_refused(error, path, home);
		return NULL;
	}
	return g_steal_pointer(&path);
}

static TidyJobRequest *
merge_request(TidyBus *bus, GVariant *stray, GVariant *target, GError **error)
{
	g_autoptr(GError) failed = NULL;
	g_autofree char *from = tidy_bus_path(stray, bus->funcs.home(bus->funcs.data), &failed);
	g_autofree char *to = failed == NULL ? target_path(bus, target, &failed) : NULL;

	if (failed == NULL && from == NULL && to != NULL)
		g_set_error_literal(&failed, TIDY_ERROR, TIDY_ERROR_USAGE,
				    "reading the call: a target needs a stray");
	if (failed != NULL) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return NULL;
	}
	return tidy_job_request_new(from, to);
}

/* ---- methods ---- */

/* A look must not wait behind a merge that takes minutes: then what was last seen has to do. */
static gboolean
is_busy(TidyBus *bus)
{
	return tidy_worker_is_long(bus->worker);
}

static gboolean
on_scan(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
	TidyBus *bus = data;
	g_autoptr(GVariant) cached = is_busy(bus) ? bus->funcs.scan(bus->funcs.data) : NULL;

	if (cached != NULL)
		tidy_dbus_service_complete_scan(skeleton, invocation, cached);
	else
		push(call_new(bus, invocation, REPLY_SCAN), tidy_job_scan,
		     tidy_job_request_new(NULL, NULL), "scanning");
	return TRUE;
}

static gboolean
on_status(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
	TidyBus *bus = data;
	g_autoptr(GVariant) cached = is_busy(bus) ? bus->funcs.status(bus->funcs.data) : NULL;
	TidyJobRequest *request;

	if (cached != NULL) {
		tidy_dbus_service_complete_status(skeleton, invocation, cached);
		return TRUE;
	}
	request = tidy_job_request_new(NULL, NULL);
	request->with_last = TRUE;
	push(call_new(bus, invocation, REPLY_STATUS), tidy_job_survey, request, "scanning");
	return TRUE;
}

static gboolean
start_merge(TidyBus *bus, GDBusMethodInvocation *invocation, TidyJobRequest *request, GError *error)
{
	if (request == NULL) {
		g_dbus_method_invocation_take_error(invocation, error);
		return TRUE;
	}
	push(call_new(bus, invocation, request->is_dry_run ? REPLY_REPORT : REPLY_MERGED),
	     tidy_job_merge, request, request->is_dry_run ? "planning" : "merging");
	return TRUE;
}

static gboolean
on_plan(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, GVariant *stray,
	GVariant *target, GVariant *options, gpointer data)
{
	GError *error = NULL;
	TidyJobRequest *request = merge_request(data, stray, target, &error);

	if (request != NULL)
		request->is_dry_run = TRUE;
	return start_merge(data, invocation, request, error);
}

static gboolean
on_merge(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, GVariant *stray,
	 GVariant *target, GVariant *options, gpointer data)
{
	GError *error = NULL;
	TidyJobRequest *request = merge_request(data, stray, target, &error);
	gboolean is_consented = TRUE;

	g_variant_lookup(options, "consented", "b", &is_consented);
	if (request != NULL)
		request->is_consented = is_consented;
	return start_merge(data, invocation, request, error);
}

static TidyJobRequest *
id_request(guint64 id)
{
	TidyJobRequest *request = tidy_job_request_new(NULL, NULL);

	request->ids = g_array_new(FALSE, FALSE, sizeof(guint64));
	g_array_append_val(request->ids, id);
	return request;
}

static gboolean
on_undo(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, guint64 id, gpointer data)
{
	push(call_new(data, invocation, REPLY_MERGED), tidy_job_undo, id_request(id), "undoing");
	return TRUE;
}

static gboolean
on_dedupe(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, const char *action,
	  GVariant *pairs, gpointer data)
{
	TidyBus *bus = data;
	const char *home = bus->funcs.home(bus->funcs.data);
	TidyJobRequest *request;
	const char *paths[2];
	GVariantIter iter;

	g_variant_iter_init(&iter, pairs);
	while (g_variant_iter_next(&iter, "(^&ay^&ay)", &paths[0], &paths[1])) {
		for (guint i = 0; i < 2; i++) {
			g_autofree char *path = g_canonicalize_filename(paths[i], "/");
			GError *error = NULL;

			if (g_strcmp0(path, paths[i]) == 0 && is_below(path, home))
				continue;
			set_refused(&error, paths[i], home);
			g_dbus_method_invocation_take_error(invocation, error);
			return TRUE;
		}
	}
	request = tidy_job_request_new(NULL, NULL);
	request->action = g_strdup(action);
	request->pairs = g_variant_ref(pairs);
	push(call_new(bus, invocation, REPLY_MERGED), tidy_job_dedupe, request, "folding");
	return TRUE;
}

static gboolean
on_dupes(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, GVariant *options,
	 gpointer data)
{
	TidyJobRequest *request = tidy_job_request_new(NULL, NULL);
	guint64 min_size = 0;

	if (g_variant_lookup(options, "min-size", "t", &min_size))
		request->min_size = (gint64)MIN(min_size, (guint64)G_MAXINT64);
	g_variant_lookup(options, "directories", "^aay", &request->roots);
	push(call_new(data, invocation, REPLY_REPORT), tidy_job_dupes, request,
	     "looking for duplicates");
	return TRUE;
}

static gboolean
on_history(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, guint64 id, gpointer data)
{
	push(call_new(data, invocation, REPLY_REPORT), tidy_job_history, id_request(id),
	     "reading the history");
	return TRUE;
}

static gboolean
on_reload(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
	push(call_new(data, invocation, REPLY_CHANGED), tidy_job_reload,
	     tidy_job_request_new(NULL, NULL), "reading the settings");
	return TRUE;
}

static gboolean
set_paused(TidyBus *bus, GDBusMethodInvocation *invocation, gboolean is_paused)
{
	TidyJobRequest *request = tidy_job_request_new(NULL, NULL);

	request->is_paused = is_paused;
	push(call_new(bus, invocation, REPLY_CHANGED), tidy_job_pause, request,
	     is_paused ? "pausing" : "resuming");
	return TRUE;
}

static gboolean
on_pause(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
	return set_paused(data, invocation, TRUE);
}

static gboolean
on_resume(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
	return set_paused(data, invocation, FALSE);
}

/* The caller's own jobs only: others asked for theirs. */
static gboolean
on_cancel(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
	TidyBus *bus = data;
	const char *sender = g_dbus_method_invocation_get_sender(invocation);

	for (guint i = 0; i < bus->calls->len; i++) {
		Call *call = g_ptr_array_index(bus->calls, i);

		if (call->invocation != NULL &&
		    g_strcmp0(g_dbus_method_invocation_get_sender(call->invocation), sender) == 0)
			g_cancellable_cancel(call->cancellable);
	}
	tidy_dbus_service_complete_cancel(skeleton, invocation);
	return TRUE;
}

/* ---- signals ---- */

void
tidy_bus_emit_changed(TidyBus *bus)
{
	tidy_dbus_service_emit_changed(bus->skeleton);
}

void
tidy_bus_emit_progress(TidyBus *bus, const char *what, const guint64 numbers[4])
{
	tidy_dbus_service_emit_progress(bus->skeleton, numbers[0], numbers[1], numbers[2],
					numbers[3], what);
}

void
tidy_bus_emit_merged(TidyBus *bus, GVariant *report)
{
	tidy_dbus_service_emit_merged(bus->skeleton, report);
}

void
tidy_bus_emit_failed(TidyBus *bus, const GError *error)
{
	const char *word = error->domain == TIDY_ERROR
				   ? tidy_dbus_error_word((TidyError)error->code)
				   : tidy_dbus_error_word(TIDY_ERROR_IO);

	tidy_dbus_service_emit_failed(bus->skeleton, word, error->message);
}

void
tidy_bus_emit_layer(TidyBus *bus, const char *layer, gboolean is_on)
{
	tidy_dbus_service_emit_keys_layer(bus->skeleton, layer, is_on);
}

/* ---- life ---- */

static const struct {
	const char *signal;
	GCallback handler;
} handlers[] = {
	{ "handle-scan", G_CALLBACK(on_scan) },	    { "handle-status", G_CALLBACK(on_status) },
	{ "handle-plan", G_CALLBACK(on_plan) },	    { "handle-merge", G_CALLBACK(on_merge) },
	{ "handle-undo", G_CALLBACK(on_undo) },	    { "handle-history", G_CALLBACK(on_history) },
	{ "handle-reload", G_CALLBACK(on_reload) }, { "handle-pause", G_CALLBACK(on_pause) },
	{ "handle-resume", G_CALLBACK(on_resume) }, { "handle-cancel", G_CALLBACK(on_cancel) },
	{ "handle-dedupe", G_CALLBACK(on_dedupe) }, { "handle-dupes", G_CALLBACK(on_dupes) },
};

TidyBus *
tidy_bus_new(GDBusConnection *connection, TidyWorker *worker, TidyKeyboard *keyboard,
	     const TidyBusFuncs *funcs, GError **error)
{
	g_autoptr(TidyBus) bus = g_new0(TidyBus, 1);

	tidy_dbus_errors_register();
	bus->connection = g_object_ref(connection);
	bus->worker = worker;
	bus->funcs = *funcs;
	bus->calls = g_ptr_array_new_with_free_func((GDestroyNotify)call_free);
	bus->skeleton = tidy_dbus_service_skeleton_new();
	for (guint i = 0; i < G_N_ELEMENTS(handlers); i++)
		g_signal_connect(bus->skeleton, handlers[i].signal, handlers[i].handler, bus);
	tidy_bus_keys_connect(bus->skeleton, keyboard);
	if (!g_dbus_interface_skeleton_export(G_DBUS_INTERFACE_SKELETON(bus->skeleton), connection,
					      TIDY_DBUS_PATH, error))
		return NULL;
	return g_steal_pointer(&bus);
}

void
tidy_bus_free(TidyBus *bus)
{
	if (g_dbus_interface_skeleton_get_connection(G_DBUS_INTERFACE_SKELETON(bus->skeleton)) !=
	    NULL)
		g_dbus_interface_skeleton_unexport(G_DBUS_INTERFACE_SKELETON(bus->skeleton));
	g_object_unref(bus->skeleton);
	for (guint i = 0; i < bus->calls->len; i++) {
		Call *call = g_ptr_array_index(bus->calls, i);

		if (call->invocation != NULL)
			g_dbus_method_invocation_return_error_literal(
				call->invocation, TIDY_ERROR, TIDY_ERROR_CANCELLED,
				"the daemon ends; what was done is in the journal");
	}
	g_ptr_array_unref(bus->calls);
	g_object_unref(bus->connection);
	g_free(bus);
}
