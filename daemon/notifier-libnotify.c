/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notes by libnotify: which server there is, and what should be on the screen. I/O: the session bus, and a small file in the
 * runtime directory. */
#include <string.h>

#include "daemon/notes-thread.h"
#include "daemon/notifier.h"

#define SERVER_NAME "org.freedesktop.Notifications"
#define SERVER_PATH "/org/freedesktop/Notifications"

/* A summary that no server wanted within this time is old news; history and journal have it. */
#define WAIT_USEC G_TIME_SPAN_MINUTE
/* A server that restarts shows a note with buttons again when it is not older than this. */
#define AGAIN_USEC (10 * G_TIME_SPAN_MINUTE)
/* A server that is started on demand (dunst, mako) comes only when it is asked for. Not before there is a display:
 * it would fail, and dbus-daemon then holds back everybody's notes for two minutes (service_start_timeout). Looked at
 * at once, then after 15 s, 30 s, ... up to 2 min, as long as there is something to show. */
#define START_FIRST_SEC 15
#define START_LAST_SEC	120

/*
 * This is the main thread: it follows the server (NameOwnerChanged), keeps what should be on the screen (topics) and hears
 * the buttons of notes of an earlier run. Whatever may wait for the server is in daemon/notes-thread.c.
 *
 * Ids belong to one server: each (unique bus name) is a generation; an object of an older one is dropped. The stack
 * tag replaces a note also where the id is lost (dunst, mako).
 */

typedef struct {
	TidyNotesWish *wish; /* what should be shown, NULL: nothing */
	guint32 id;	     /* on the screen; 0: not (yet) */
	gboolean
		is_adopted; /* @id is of an earlier run: its buttons come by our own subscription */
	gint64 since_usec;
} Topic;

typedef struct {
	TidyNotifier parent;
	GDBusConnection *bus;
	GMainContext *context;
	TidyNotesThread *thread;
	GHashTable *topics; /* char* -> Topic */
	char *state_file;
	char *owner; /* unique name of the server, or NULL */
	guint generation;
	guint name_watch;
	guint subscription; /* signals of adopted notes */
	GCancellable *cancellable;
	GSource *start_timer; /* exists while something waits for a server */
	guint start_sec;
} Notifier;

static void
topic_free(Topic *topic)
{
	g_clear_pointer(&topic->wish, tidy_notes_wish_free);
	g_free(topic);
}

/* ---- what is remembered for the next run ---- */

static void
save_state(Notifier *self)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autofree char *dir = NULL;
	GHashTableIter iter;
	const char *name;
	Topic *topic;

	if (self->state_file == NULL || self->owner == NULL)
		return;
	g_key_file_set_string(file, "server", "bus", g_dbus_connection_get_guid(self->bus));
	g_key_file_set_string(file, "server", "owner", self->owner);
	g_hash_table_iter_init(&iter, self->topics);
	while (g_hash_table_iter_next(&iter, (gpointer *)&name, (gpointer *)&topic)) {
		if (topic->id != 0)
			g_key_file_set_uint64(file, "ids", name, topic->id);
	}
	dir = g_path_get_dirname(self->state_file);
	g_mkdir_with_parents(dir, 0700);
	/* Without it only the buttons of this run's notes are lost for the next one. */
	g_key_file_save_to_file(file, self->state_file, NULL);
}

static Topic *
topic_for(Notifier *self, const char *name)
{
	Topic *topic = g_hash_table_lookup(self->topics, name);

	if (topic == NULL) {
		topic = g_new0(Topic, 1);
		g_hash_table_insert(self->topics, g_strdup(name), topic);
	}
	return topic;
}

static void
on_server_signal(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
		 const char *member, GVariant *arguments, gpointer data)
{
	Notifier *self = data;
	GHashTableIter iter;
	const char *name, *key = NULL;
	Topic *topic;
	guint32 id = 0, why = 0;

	if (g_strcmp0(member, "ActionInvoked") == 0 &&
	    g_variant_is_of_type(arguments, G_VARIANT_TYPE("(us)")))
		g_variant_get(arguments, "(u&s)", &id, &key);
	else if (g_strcmp0(member, "NotificationClosed") == 0 &&
		 g_variant_is_of_type(arguments, G_VARIANT_TYPE("(uu)")))
		g_variant_get(arguments, "(uu)", &id, &why);
	if (id == 0)
		return;
	g_hash_table_iter_init(&iter, self->topics);
	while (g_hash_table_iter_next(&iter, (gpointer *)&name, (gpointer *)&topic)) {
		if (!topic->is_adopted || topic->id != id)
			continue;
		if (key == NULL) {
			topic->id = 0;
			topic->is_adopted = FALSE;
		}
		if (key != NULL && self->parent.funcs.action != NULL)
			self->parent.funcs.action(name, key, self->parent.funcs.data);
		else if (key == NULL && self->parent.funcs.ended != NULL)
			self->parent.funcs.ended(name, (TidyNoteEnd)why, self->parent.funcs.data);
		return;
	}
}

/* Only the same server on the same bus knows these ids. */
static void
adopt_state(Notifier *self)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autofree char *guid = NULL, *owner = NULL;
	g_auto(GStrv) names = NULL;

	if (self->state_file == NULL ||
	    !g_key_file_load_from_file(file, self->state_file, G_KEY_FILE_NONE, NULL))
		return;
	guid = g_key_file_get_string(file, "server", "bus", NULL);
	owner = g_key_file_get_string(file, "server", "owner", NULL);
	names = g_key_file_get_keys(file, "ids", NULL, NULL);
	if (names == NULL || g_strcmp0(owner, self->owner) != 0 ||
	    g_strcmp0(guid, g_dbus_connection_get_guid(self->bus)) != 0)
		return;
	for (char **name = names; *name != NULL; name++) {
		Topic *topic = topic_for(self, *name);

		topic->id = (guint32)g_key_file_get_uint64(file, "ids", *name, NULL);
		topic->is_adopted = TRUE;
	}
	self->subscription =
		g_dbus_connection_signal_subscribe(self->bus, self->owner, SERVER_NAME, NULL,
						   SERVER_PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
						   on_server_signal, self, NULL);
}

/* ---- wishes ---- */

static void
send_wish(Notifier *self, const Topic *topic, const TidyNotesWish *wish)
{
	TidyNotesWish *copy = tidy_notes_wish_copy(wish);

	copy->generation = self->generation;
	copy->replaces = topic->is_adopted ? topic->id : 0;
	tidy_notes_thread_send(self->thread, copy);
}

/* ---- a server on demand ---- */

static gboolean
is_worth_showing(const Topic *topic)
{
	gint64 age = g_get_monotonic_time() - topic->since_usec;

	if (topic->wish == NULL)
		return FALSE;
	if (topic->wish->stays || age < WAIT_USEC)
		return TRUE;
	return topic->id != 0 && topic->wish->actions != NULL && age < AGAIN_USEC;
}

static void want_server(Notifier *self);

static void
stop_waiting(Notifier *self)
{
	if (self->start_timer == NULL)
		return;
	g_source_destroy(self->start_timer);
	g_clear_pointer(&self->start_timer, g_source_unref);
}

static gboolean
on_no_server(gpointer data)
{
	Notifier *self = data;
	GHashTableIter iter;
	Topic *topic;

	stop_waiting(self);
	self->start_sec = MIN(self->start_sec * 2, START_LAST_SEC);
	g_hash_table_iter_init(&iter, self->topics);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&topic)) {
		if (is_worth_showing(topic)) {
			want_server(self);
			break;
		}
	}
	return G_SOURCE_REMOVE;
}

/* Whether it starts is seen by its name; the answer does not matter. */
static void
start_server(Notifier *self)
{
	g_dbus_connection_call(self->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			       "org.freedesktop.DBus", "StartServiceByName",
			       g_variant_new("(su)", SERVER_NAME, 0), NULL, G_DBUS_CALL_FLAGS_NONE,
			       -1, NULL, NULL, NULL);
}

static gboolean
has_display(const char *const *environment)
{
	for (; *environment != NULL; environment++) {
		if (g_str_has_prefix(*environment, "DISPLAY=") ||
		    g_str_has_prefix(*environment, "WAYLAND_DISPLAY="))
			return TRUE;
	}
	return FALSE;
}

/* @data may be gone when the call was cancelled. */
static void
on_environment(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GVariant) reply =
		g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, NULL);
	g_autoptr(GVariant) value = NULL;
	g_autofree const char **environment = NULL;

	if (reply == NULL)
		return;
	g_variant_get(reply, "(v)", &value);
	if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING_ARRAY))
		return;
	environment = g_variant_get_strv(value, NULL);
	if (has_display(environment))
		start_server(data);
}

/* The desktop tells systemd of its display; our own environment is older than that at login. */
static void
want_server(Notifier *self)
{
	if (self->bus == NULL || self->start_timer != NULL)
		return;
	if (g_getenv("DISPLAY") != NULL || g_getenv("WAYLAND_DISPLAY") != NULL)
		start_server(self);
	else
		g_dbus_connection_call(self->bus, "org.freedesktop.systemd1",
				       "/org/freedesktop/systemd1",
				       "org.freedesktop.DBus.Properties", "Get",
				       g_variant_new("(ss)", "org.freedesktop.systemd1.Manager",
						     "Environment"),
				       G_VARIANT_TYPE("(v)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, -1,
				       self->cancellable, on_environment, self);
	self->start_timer = g_timeout_source_new_seconds(self->start_sec);
	g_source_set_callback(self->start_timer, on_no_server, self, NULL);
	g_source_attach(self->start_timer, self->context);
}

static void
notifier_show(TidyNotifier *notifier, const TidyNote *note)
{
	Notifier *self = (Notifier *)notifier;
	Topic *topic = topic_for(self, note->topic);

	g_clear_pointer(&topic->wish, tidy_notes_wish_free);
	topic->wish = tidy_notes_wish_new(note);
	topic->since_usec = g_get_monotonic_time();
	if (self->owner != NULL)
		send_wish(self, topic, topic->wish);
	else
		want_server(self);
}

static void
notifier_close(TidyNotifier *notifier, const char *name)
{
	Notifier *self = (Notifier *)notifier;
	Topic *topic = g_hash_table_lookup(self->topics, name);

	if (topic == NULL || (topic->wish == NULL && topic->id == 0))
		return;
	if (self->owner != NULL && topic->is_adopted)
		g_dbus_connection_call(self->bus, self->owner, SERVER_PATH, SERVER_NAME,
				       "CloseNotification", g_variant_new("(u)", topic->id), NULL,
				       G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
	else if (self->owner != NULL)
		send_wish(self, topic, &(TidyNotesWish){ .topic = (char *)name, .is_close = TRUE });
	g_hash_table_remove(self->topics, name);
	save_state(self);
}

static void
on_ended(Notifier *self, Topic *topic, const TidyNotesTold *told)
{
	g_autofree char *name = g_strdup(told->topic);

	topic->id = 0;
	g_clear_pointer(&topic->wish, tidy_notes_wish_free);
	save_state(self);
	if (self->parent.funcs.ended != NULL)
		self->parent.funcs.ended(name, (TidyNoteEnd)told->why, self->parent.funcs.data);
}

static void
on_told(const TidyNotesTold *told, gpointer data)
{
	Notifier *self = data;
	Topic *topic;

	if (told->generation != self->generation)
		return;
	topic = g_hash_table_lookup(self->topics, told->topic);
	if (topic == NULL)
		return;
	switch (told->kind) {
	case TIDY_NOTES_SHOWN:
		topic->id = told->id;
		topic->is_adopted = FALSE;
		save_state(self);
		if (self->parent.funcs.shown != NULL)
			self->parent.funcs.shown(told->topic, told->has_buttons,
						 self->parent.funcs.data);
		break;
	case TIDY_NOTES_FAILED:
		g_debug("note %s: %s", told->topic, told->key);
		break;
	case TIDY_NOTES_ACTION:
		if (self->parent.funcs.action != NULL)
			self->parent.funcs.action(told->topic, told->key, self->parent.funcs.data);
		break;
	case TIDY_NOTES_ENDED:
		on_ended(self, topic, told);
		break;
	}
}

/* ---- servers come and go ---- */

static void
on_server_appeared(GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
	Notifier *self = data;
	gboolean is_first = self->generation == 0;
	GHashTableIter iter;
	Topic *topic;

	g_free(self->owner);
	self->owner = g_strdup(owner);
	self->generation++;
	self->start_sec = START_FIRST_SEC;
	stop_waiting(self);
	if (is_first)
		adopt_state(self);
	g_hash_table_iter_init(&iter, self->topics);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&topic)) {
		gboolean is_shown = is_worth_showing(topic);

		if (!topic->is_adopted)
			topic->id = 0;
		if (is_shown)
			send_wish(self, topic, topic->wish);
		else if (!topic->is_adopted)
			g_hash_table_iter_remove(&iter);
	}
}

static void
on_server_vanished(GDBusConnection *bus, const char *name, gpointer data)
{
	Notifier *self = data;
	GHashTableIter iter;
	Topic *topic;

	g_clear_pointer(&self->owner, g_free);
	g_hash_table_iter_init(&iter, self->topics);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&topic)) {
		if (topic->is_adopted)
			g_hash_table_iter_remove(&iter);
	}
	if (self->subscription != 0)
		g_dbus_connection_signal_unsubscribe(self->bus, self->subscription);
	self->subscription = 0;
}

/* The thread may hang in a call: it is told to end and left to itself. */
static void
notifier_free(TidyNotifier *notifier)
{
	Notifier *self = (Notifier *)notifier;

	if (self->name_watch != 0)
		g_bus_unwatch_name(self->name_watch);
	stop_waiting(self);
	g_cancellable_cancel(self->cancellable);
	g_object_unref(self->cancellable);
	if (self->subscription != 0)
		g_dbus_connection_signal_unsubscribe(self->bus, self->subscription);
	g_clear_pointer(&self->thread, tidy_notes_thread_end);
	g_hash_table_unref(self->topics);
	g_main_context_unref(self->context);
	g_clear_object(&self->bus);
	g_free(self->state_file);
	g_free(self->owner);
	g_free(self);
}

static const TidyNotifierClass notifier_class = {
	.show = notifier_show,
	.close = notifier_close,
	.free = notifier_free,
};

TidyNotifier *
tidy_notifier_libnotify_new(GDBusConnection *bus, const char *state_file)
{
	Notifier *self = g_new0(Notifier, 1);

	self->parent.klass = &notifier_class;
	self->topics =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)topic_free);
	self->context = g_main_context_ref_thread_default();
	self->state_file = g_strdup(state_file);
	self->start_sec = START_FIRST_SEC;
	self->cancellable = g_cancellable_new();
	if (bus == NULL)
		return &self->parent;
	self->bus = g_object_ref(bus);
	self->thread = tidy_notes_thread_new(self->context, on_told, self);
	self->name_watch =
		g_bus_watch_name_on_connection(bus, SERVER_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
					       on_server_appeared, on_server_vanished, self, NULL);
	return &self->parent;
}
