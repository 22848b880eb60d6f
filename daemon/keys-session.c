/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The user's sessions and the machine's sleep, from logind. I/O: the system bus. */
#include "daemon/keys-session.h"

#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <string.h>
#include <unistd.h>

#define LOGIND	       "org.freedesktop.login1"
#define LOGIND_PATH    "/org/freedesktop/login1"
#define LOGIND_MANAGER "org.freedesktop.login1.Manager"
#define LOGIND_SESSION "org.freedesktop.login1.Session"
#define PROPERTIES     "org.freedesktop.DBus.Properties"

/* What counts is the user's and on a seat. Of others only a Lock is kept, until the next list: it may be heard before logind has
 * said whose session it is of. */
typedef struct {
	gboolean is_listed; /* as the user's */
	gboolean is_on_seat;
	gboolean is_active;
	gboolean is_locked;  /* LockedHint */
	gboolean is_to_lock; /* Lock was the last signal */
} Session;

struct TidyKeysSession {
	TidyKeysSessionFuncs funcs;
	GCancellable *cancellable;
	GDBusConnection *bus;
	guint watch;
	GArray *subscriptions; /* guint */
	GHashTable *sessions;  /* object path -> Session */
	gboolean is_known;     /* logind has answered */
	int inhibitor;
};

static void
drop_inhibitor(TidyKeysSession *self)
{
	if (self->inhibitor >= 0)
		close(self->inhibitor);
	self->inhibitor = -1;
}

static void
call_logind(TidyKeysSession *self, const char *path, const char *interface, const char *method,
	    GVariant *arguments, GAsyncReadyCallback done, gpointer data)
{
	g_dbus_connection_call(self->bus, LOGIND, path, interface, method, arguments, NULL,
			       G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, self->cancellable, done, data);
}

/* NULL also when @data is not to be touched any more: the caller was freed. */
static GVariant *
finish(GObject *source, GAsyncResult *result)
{
	g_autoptr(GError) error = NULL;
	GVariant *reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

	if (reply == NULL && !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		g_debug("logind: %s", error->message);
	return reply;
}

/* ---- sessions ---- */

typedef struct {
	TidyKeysSession *self;
	char *path;
} Question;

static GHashTable *
new_sessions(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static Session *
find_or_add(TidyKeysSession *self, const char *path)
{
	Session *session = g_hash_table_lookup(self->sessions, path);

	if (session == NULL) {
		session = g_new0(Session, 1);
		g_hash_table_replace(self->sessions, g_strdup(path), session);
	}
	return session;
}

static gboolean
is_on_seat(GVariant *properties)
{
	const char *seat = "";

	g_variant_lookup(properties, "Seat", "(&so)", &seat, NULL);
	return *seat != '\0';
}

static void
on_session_properties(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autofree Question *question = data;
	g_autofree char *path = question->path;
	g_autoptr(GVariant) reply = finish(source, result);
	g_autoptr(GVariant) properties = NULL;
	Session *session;

	if (reply == NULL || !g_variant_is_of_type(reply, G_VARIANT_TYPE("(a{sv})")))
		return;
	session = g_hash_table_lookup(question->self->sessions, path);
	if (session == NULL) /* it ended meanwhile */
		return;
	properties = g_variant_get_child_value(reply, 0);
	session->is_on_seat = is_on_seat(properties);
	g_variant_lookup(properties, "Active", "b", &session->is_active);
	g_variant_lookup(properties, "LockedHint", "b", &session->is_locked);
	question->self->funcs.changed(question->self->funcs.data);
}

static void
ask_session(TidyKeysSession *self, const char *path)
{
	Question *question = g_new(Question, 1);

	*question = (Question){ self, g_strdup(path) };
	call_logind(self, path, PROPERTIES, "GetAll", g_variant_new("(s)", LOGIND_SESSION),
		    on_session_properties, question);
}

static void
on_sessions(GObject *source, GAsyncResult *result, gpointer data)
{
	TidyKeysSession *self = data;
	g_autoptr(GVariant) reply = finish(source, result);
	g_autoptr(GHashTable) before = NULL;
	g_autoptr(GVariantIter) sessions = NULL;
	Session *session;
	const char *path;
	guint32 uid;

	if (reply == NULL || !g_variant_is_of_type(reply, G_VARIANT_TYPE("(a(susso))")))
		return;
	self->is_known = TRUE;
	before = g_steal_pointer(&self->sessions);
	self->sessions = new_sessions();
	g_variant_get(reply, "(a(susso))", &sessions);
	while (g_variant_iter_next(sessions, "(su&ss&o)", NULL, &uid, NULL, NULL, &path)) {
		const Session *known = g_hash_table_lookup(before, path);

		if (uid != (guint32)getuid())
			continue;
		session = find_or_add(self, path);
		if (known != NULL)
			*session = *known;
		session->is_listed = TRUE;
		ask_session(self, path);
	}
	self->funcs.changed(self->funcs.data);
}

static void
list_sessions(TidyKeysSession *self)
{
	call_logind(self, LOGIND_PATH, LOGIND_MANAGER, "ListSessions", NULL, on_sessions, self);
}

/* ---- sleep ---- */

static void
on_inhibited(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GUnixFDList) fds = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply =
		g_dbus_connection_call_with_unix_fd_list_finish(G_DBUS_CONNECTION(source), &fds,
								result, &error);
	TidyKeysSession *self = data;

	if (reply == NULL) {
		g_debug("logind: %s", error->message);
		return;
	}
	drop_inhibitor(self);
	if (fds != NULL && g_unix_fd_list_get_length(fds) == 1)
		self->inhibitor = g_unix_fd_list_get(fds, 0, NULL);
}

static void
inhibit(TidyKeysSession *self)
{
	g_dbus_connection_call_with_unix_fd_list(
		self->bus, LOGIND, LOGIND_PATH, LOGIND_MANAGER, "Inhibit",
		g_variant_new("(ssss)", "sleep", "xdgtidy", "No key must stay down", "delay"),
		G_VARIANT_TYPE("(h)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, self->cancellable,
		on_inhibited, self);
}

void
tidy_keys_session_may_sleep(TidyKeysSession *self)
{
	drop_inhibitor(self);
}

/* ---- signals ---- */

static void
on_manager_signal(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
		  const char *member, GVariant *arguments, gpointer data)
{
	TidyKeysSession *self = data;
	gboolean is_on;

	if (strcmp(member, "SessionNew") == 0 || strcmp(member, "SessionRemoved") == 0) {
		list_sessions(self);
		return;
	}
	if (strcmp(member, "PrepareForSleep") != 0 ||
	    !g_variant_is_of_type(arguments, G_VARIANT_TYPE("(b)")))
		return;
	g_variant_get(arguments, "(b)", &is_on);
	if (!is_on)
		inhibit(self);
	self->funcs.sleep(is_on, self->funcs.data);
}

static void
on_session_signal(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
		  const char *member, GVariant *arguments, gpointer data)
{
	TidyKeysSession *self = data;
	gboolean is_to_lock = strcmp(member, "Lock") == 0;
	Session *session;

	if (!is_to_lock && strcmp(member, "Unlock") != 0)
		return;
	session = find_or_add(self, path);
	session->is_to_lock = is_to_lock;
	if (!is_to_lock)
		session->is_locked = FALSE;
	self->funcs.changed(self->funcs.data);
}

static void
on_properties_changed(GDBusConnection *bus, const char *sender, const char *path,
		      const char *interface, const char *member, GVariant *arguments, gpointer data)
{
	TidyKeysSession *self = data;
	Session *session = g_hash_table_lookup(self->sessions, path);
	g_autoptr(GVariant) properties = NULL;
	g_autofree const char **invalidated = NULL;
	Session before;

	if (session == NULL || !session->is_listed ||
	    !g_variant_is_of_type(arguments, G_VARIANT_TYPE("(sa{sv}as)")))
		return;
	g_variant_get(arguments, "(&s@a{sv}^a&s)", NULL, &properties, &invalidated);
	if (invalidated[0] != NULL)
		ask_session(self, path);
	before = *session;
	g_variant_lookup(properties, "Active", "b", &session->is_active);
	/* From now on the hint tells, whatever the last signal was. */
	if (g_variant_lookup(properties, "LockedHint", "b", &session->is_locked))
		session->is_to_lock = FALSE;
	if (memcmp(&before, session, sizeof before) != 0)
		self->funcs.changed(self->funcs.data);
}

static void
subscribe(TidyKeysSession *self, const char *interface, const char *member, const char *argument,
	  GDBusSignalCallback func)
{
	guint id = g_dbus_connection_signal_subscribe(self->bus, LOGIND, interface, member, NULL,
						      argument, G_DBUS_SIGNAL_FLAGS_NONE, func,
						      self, NULL);

	g_array_append_val(self->subscriptions, id);
}

/* ---- life ---- */

static void
on_appeared(GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
	TidyKeysSession *self = data;

	list_sessions(self);
	inhibit(self);
}

static void
on_vanished(GDBusConnection *bus, const char *name, gpointer data)
{
	TidyKeysSession *self = data;

	/* logind restarts without ending sessions: what was known holds until it says otherwise. */
	drop_inhibitor(self);
}

static void
on_bus(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GError) error = NULL;
	GDBusConnection *bus = g_bus_get_finish(result, &error);
	TidyKeysSession *self = data;

	if (bus == NULL) {
		g_debug("the system bus: %s", error->message);
		return;
	}
	self->bus = bus;
	g_dbus_connection_set_exit_on_close(bus, FALSE);
	subscribe(self, LOGIND_MANAGER, NULL, NULL, on_manager_signal);
	subscribe(self, LOGIND_SESSION, NULL, NULL, on_session_signal);
	subscribe(self, PROPERTIES, "PropertiesChanged", LOGIND_SESSION, on_properties_changed);
	self->watch = g_bus_watch_name_on_connection(bus, LOGIND, G_BUS_NAME_WATCHER_FLAGS_NONE,
						     on_appeared, on_vanished, self, NULL);
}

TidyKeysSession *
tidy_keys_session_new(const TidyKeysSessionFuncs *funcs)
{
	TidyKeysSession *self = g_new0(TidyKeysSession, 1);

	self->funcs = *funcs;
	self->inhibitor = -1;
	self->cancellable = g_cancellable_new();
	self->subscriptions = g_array_new(FALSE, FALSE, sizeof(guint));
	self->sessions = new_sessions();
	g_bus_get(G_BUS_TYPE_SYSTEM, self->cancellable, on_bus, self);
	return self;
}

void
tidy_keys_session_free(TidyKeysSession *self)
{
	g_cancellable_cancel(self->cancellable);
	if (self->watch != 0)
		g_bus_unwatch_name(self->watch);
	for (guint i = 0; i < self->subscriptions->len; i++)
		g_dbus_connection_signal_unsubscribe(self->bus,
						     g_array_index(self->subscriptions, guint, i));
	drop_inhibitor(self);
	g_array_unref(self->subscriptions);
	g_hash_table_unref(self->sessions);
	g_clear_object(&self->bus);
	g_object_unref(self->cancellable);
	g_free(self);
}

TidyKeysSeat
tidy_keys_session_seat(const TidyKeysSession *self)
{
	GHashTableIter iter;
	gpointer value;

	if (!self->is_known)
		return TIDY_KEYS_SESSION_UNKNOWN;
	g_hash_table_iter_init(&iter, self->sessions);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Session *session = value;

		if (session->is_on_seat && session->is_active)
			return TIDY_KEYS_SESSION_ACTIVE;
	}
	return TIDY_KEYS_SESSION_INACTIVE;
}

gboolean
tidy_keys_session_is_locked(const TidyKeysSession *self)
{
	gboolean has_active = tidy_keys_session_seat(self) == TIDY_KEYS_SESSION_ACTIVE;
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, self->sessions);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Session *session = value;

		if (session->is_on_seat && (session->is_locked || session->is_to_lock) &&
		    (session->is_active || !has_active))
			return TRUE;
	}
	return FALSE;
}

void
tidy_keys_session_is_open(TidyKeysSession *self)
{
	GHashTableIter iter;
	gpointer session;

	g_hash_table_iter_init(&iter, self->sessions);
	while (g_hash_table_iter_next(&iter, NULL, &session))
		((Session *)session)->is_to_lock = FALSE;
	self->funcs.changed(self->funcs.data);
}
