/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notes by libnotify, in a thread of its own. I/O: the session bus, and a small file in the runtime directory. */
#include <libnotify/notify.h>
#include <pthread.h>
#include <string.h>

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
 * Two threads. Main: which server there is (NameOwnerChanged), what should be on the screen (topics), the buttons
 * of notes of an earlier run. Notes: everything that calls libnotify, which waits for the server. Main puts the latest
 * wish of each topic into the mailbox and never waits; Notes empties it.
 *
 * Ids belong to one server: each (unique bus name) is a generation; an object of an older one is dropped. The stack
 * tag replaces a note also where the id is lost (dunst, mako).
 */

/* A TidyNote that owns its strings. */
typedef struct {
	char *topic;
	char *summary;
	char *body;
	char **actions;
	TidyNoteUrgency urgency;
	gboolean stays;
	gboolean is_close; /* not a note: take the topic off the screen */
	guint generation;
	guint32 replaces; /* id from an earlier run, or 0 */
} Wish;

/* Main's view of a topic. */
typedef struct {
	Wish *wish; /* what should be shown, NULL: nothing */
	guint32 id; /* on the screen; 0: not (yet) */
	gboolean
		is_adopted; /* @id is of an earlier run: its buttons come by our own subscription */
	gint64 since_usec;
} Topic;

typedef struct Thread Thread;

typedef struct {
	TidyNotifier parent;
	GDBusConnection *bus;
	GMainContext *context;
	Thread *thread;
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

/* Shared with the thread, which may outlive the notifier while a server hangs; counted. */
struct Thread {
	int refs; /* atomic */
	GMainContext *context;
	GMainContext *main_context;
	GMainLoop *loop;
	pthread_mutex_t mutex; /* POSIX's, so that a thread checker sees the hand-over */
	GHashTable *mailbox;   /* topic -> Wish; guarded */
	GQueue outbox;	       /* Told; guarded */
	Notifier *notifier;    /* NULL once freed; read and written on main only */

	/* of the thread alone */
	GHashTable *shown; /* topic -> NotifyNotification */
	guint generation;
	gboolean has_actions;
	gboolean has_markup;
};

/* What the thread tells main. */
typedef struct {
	enum { TOLD_SHOWN, TOLD_FAILED, TOLD_ACTION, TOLD_ENDED } kind;
	char *topic;
	char *key;
	guint32 id;
	guint generation;
	int why;
	gboolean has_buttons;
} Told;

static void
wish_free(Wish *wish)
{
	g_free(wish->topic);
	g_free(wish->summary);
	g_free(wish->body);
	g_strfreev(wish->actions);
	g_free(wish);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Wish, wish_free)

static Wish *
wish_new(const TidyNote *note)
{
	Wish *wish = g_new0(Wish, 1);

	wish->topic = g_strdup(note->topic);
	wish->summary = g_strdup(note->summary);
	wish->body = g_strdup(note->body);
	wish->actions = g_strdupv((char **)note->actions);
	wish->urgency = note->urgency;
	wish->stays = note->stays;
	return wish;
}

static Wish *
wish_copy(const Wish *wish)
{
	Wish *copy = wish_new(&(TidyNote){ .topic = wish->topic,
					   .summary = wish->summary,
					   .body = wish->body,
					   .actions = (const char *const *)wish->actions,
					   .urgency = wish->urgency,
					   .stays = wish->stays });

	copy->is_close = wish->is_close;
	return copy;
}

static void
topic_free(Topic *topic)
{
	g_clear_pointer(&topic->wish, wish_free);
	g_free(topic);
}

static void
told_free(gpointer data)
{
	Told *told = data;

	g_free(told->topic);
	g_free(told->key);
	g_free(told);
}

/* ---- the thread ---- */

static Thread *
thread_ref(Thread *thread)
{
	__atomic_add_fetch(&thread->refs, 1, __ATOMIC_RELAXED);
	return thread;
}

static void
thread_unref(Thread *thread)
{
	if (__atomic_sub_fetch(&thread->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	g_queue_clear_full(&thread->outbox, told_free);
	g_hash_table_unref(thread->mailbox);
	g_main_loop_unref(thread->loop);
	g_main_context_unref(thread->context);
	g_main_context_unref(thread->main_context);
	pthread_mutex_destroy(&thread->mutex);
	g_free(thread);
}

static gboolean empty_outbox(gpointer data);

static void
tell(Thread *thread, const Told *told)
{
	Told *copy = g_new(Told, 1);

	*copy = *told;
	copy->topic = g_strdup(told->topic);
	copy->key = g_strdup(told->key);
	copy->generation = thread->generation;
	pthread_mutex_lock(&thread->mutex);
	g_queue_push_tail(&thread->outbox, copy);
	pthread_mutex_unlock(&thread->mutex);
	g_main_context_invoke_full(thread->main_context, G_PRIORITY_DEFAULT, empty_outbox,
				   thread_ref(thread), (GDestroyNotify)thread_unref);
}

static const char *
topic_of(NotifyNotification *note)
{
	return g_object_get_data(G_OBJECT(note), "xdgtidy-topic");
}

static void
on_notify_action(NotifyNotification *note, char *key, gpointer data)
{
	tell(data, &(Told){ .kind = TOLD_ACTION, .topic = (char *)topic_of(note), .key = key });
}

static void
on_notify_closed(NotifyNotification *note, gpointer data)
{
	Thread *thread = data;
	const char *topic = topic_of(note);

	tell(thread, &(Told){ .kind = TOLD_ENDED,
			      .topic = (char *)topic,
			      .why = notify_notification_get_closed_reason(note) });
	if (g_hash_table_lookup(thread->shown, topic) == note)
		g_hash_table_remove(thread->shown, topic);
}

/* A new server: old ids mean nothing to it, and it may be able to do other things. */
static void
enter_generation(Thread *thread, guint generation)
{
	GList *caps;

	if (thread->generation == generation)
		return;
	thread->generation = generation;
	g_hash_table_remove_all(thread->shown);
	if (!notify_is_initted())
		notify_init("xdgtidy");
	caps = notify_get_server_caps();
	thread->has_actions = g_list_find_custom(caps, "actions", (GCompareFunc)strcmp) != NULL;
	thread->has_markup = g_list_find_custom(caps, "body-markup", (GCompareFunc)strcmp) != NULL;
	g_list_free_full(caps, g_free);
}

static NotifyNotification *
note_for(Thread *thread, const Wish *wish, const char *body)
{
	NotifyNotification *note = g_hash_table_lookup(thread->shown, wish->topic);

	if (note != NULL) {
		notify_notification_update(note, wish->summary, body, "folder");
		notify_notification_clear_actions(note);
		notify_notification_clear_hints(note);
		return note;
	}
	note = g_object_new(NOTIFY_TYPE_NOTIFICATION, "summary", wish->summary, "body", body,
			    "icon-name", "folder", "id", (int)wish->replaces, NULL);
	g_object_set_data_full(G_OBJECT(note), "xdgtidy-topic", g_strdup(wish->topic), g_free);
	g_signal_connect(note, "closed", G_CALLBACK(on_notify_closed), thread);
	g_hash_table_insert(thread->shown, g_strdup(wish->topic), note);
	return note;
}

static void
dress(Thread *thread, NotifyNotification *note, const Wish *wish)
{
	g_autofree char *tag = g_strconcat("xdgtidy-", wish->topic, NULL);

	notify_notification_set_urgency(note, (NotifyUrgency)wish->urgency);
	notify_notification_set_category(note, wish->urgency == TIDY_NOTE_CRITICAL
						       ? "transfer.error"
						       : "transfer.complete");
	notify_notification_set_timeout(note, wish->stays ? NOTIFY_EXPIRES_NEVER
							  : NOTIFY_EXPIRES_DEFAULT);
	notify_notification_set_hint(note, "desktop-entry",
				     g_variant_new_string("io.github.xdgtidy.XdgTidy1"));
	notify_notification_set_hint(note, "x-dunst-stack-tag", g_variant_new_string(tag));
	if (!thread->has_actions || wish->actions == NULL)
		return;
	for (char **action = wish->actions; action[0] != NULL && action[1] != NULL; action += 2)
		notify_notification_add_action(note, action[0], action[1], on_notify_action, thread,
					       NULL);
}

static void
show_wish(Thread *thread, const Wish *wish)
{
	g_autofree char *escaped = thread->has_markup ? g_markup_escape_text(wish->body, -1) : NULL;
	NotifyNotification *note = note_for(thread, wish, escaped != NULL ? escaped : wish->body);
	g_autoptr(GError) error = NULL;
	int id = 0;

	dress(thread, note, wish);
	if (!notify_notification_show(note, &error)) {
		tell(thread,
		     &(Told){ .kind = TOLD_FAILED, .topic = wish->topic, .key = error->message });
		g_hash_table_remove(thread->shown, wish->topic);
		return;
	}
	g_object_get(note, "id", &id, NULL);
	tell(thread, &(Told){ .kind = TOLD_SHOWN,
			      .topic = wish->topic,
			      .id = (guint32)id,
			      .has_buttons = thread->has_actions });
}

static void
close_wish(Thread *thread, const Wish *wish)
{
	NotifyNotification *note = g_hash_table_lookup(thread->shown, wish->topic);

	if (note == NULL)
		return;
	g_object_ref(note);
	notify_notification_close(note, NULL);
	g_hash_table_remove(thread->shown, wish->topic);
	g_object_unref(note);
}

static Wish *
take_wish(Thread *thread)
{
	GHashTableIter iter;
	Wish *wish = NULL;

	pthread_mutex_lock(&thread->mutex);
	g_hash_table_iter_init(&iter, thread->mailbox);
	if (g_hash_table_iter_next(&iter, NULL, (gpointer *)&wish))
		g_hash_table_iter_steal(&iter);
	pthread_mutex_unlock(&thread->mutex);
	return wish;
}

static gboolean
empty_mailbox(gpointer data)
{
	Thread *thread = data;

	for (;;) {
		g_autoptr(Wish) wish = take_wish(thread);

		if (wish == NULL)
			return G_SOURCE_REMOVE;
		enter_generation(thread, wish->generation);
		if (wish->is_close)
			close_wish(thread, wish);
		else
			show_wish(thread, wish);
	}
}

static void
remove_note(gpointer note)
{
	g_signal_handlers_disconnect_matched(note, G_SIGNAL_MATCH_FUNC, 0, 0, NULL,
					     (gpointer)(gsize)on_notify_closed, NULL);
	g_object_unref(note);
}

static gpointer
thread_main(gpointer data)
{
	Thread *thread = data;

	g_main_context_push_thread_default(thread->context);
	thread->shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, remove_note);
	g_main_loop_run(thread->loop);
	g_hash_table_unref(thread->shown);
	g_main_context_pop_thread_default(thread->context);
	thread_unref(thread);
	return NULL;
}

static Thread *
thread_new(Notifier *notifier)
{
	Thread *thread = g_new0(Thread, 1);

	thread->refs = 1;
	g_queue_init(&thread->outbox);
	thread->context = g_main_context_new();
	thread->main_context = g_main_context_ref(notifier->context);
	thread->loop = g_main_loop_new(thread->context, FALSE);
	pthread_mutex_init(&thread->mutex, NULL);
	thread->mailbox =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)wish_free);
	thread->notifier = notifier;
	g_thread_unref(g_thread_new("xdgtidy-notes", thread_main, thread_ref(thread)));
	return thread;
}

/* ---- main: what is remembered for the next run ---- */

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

/* ---- main: wishes ---- */

static void
send_wish(Notifier *self, const Topic *topic, const Wish *wish)
{
	Thread *thread = self->thread;
	Wish *copy = wish_copy(wish);

	copy->generation = self->generation;
	copy->replaces = topic->is_adopted ? topic->id : 0;
	pthread_mutex_lock(&thread->mutex);
	g_hash_table_replace(thread->mailbox, copy->topic, copy);
	pthread_mutex_unlock(&thread->mutex);
	g_main_context_invoke_full(thread->context, G_PRIORITY_DEFAULT, empty_mailbox,
				   thread_ref(thread), (GDestroyNotify)thread_unref);
}

/* ---- main: a server on demand ---- */

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

	g_clear_pointer(&topic->wish, wish_free);
	topic->wish = wish_new(note);
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
		send_wish(self, topic, &(Wish){ .topic = (char *)name, .is_close = TRUE });
	g_hash_table_remove(self->topics, name);
	save_state(self);
}

static void
on_ended(Notifier *self, Topic *topic, const Told *told)
{
	g_autofree char *name = g_strdup(told->topic);

	topic->id = 0;
	g_clear_pointer(&topic->wish, wish_free);
	save_state(self);
	if (self->parent.funcs.ended != NULL)
		self->parent.funcs.ended(name, (TidyNoteEnd)told->why, self->parent.funcs.data);
}

static void
on_told(Notifier *self, const Told *told)
{
	Topic *topic;

	if (told->generation != self->generation)
		return;
	topic = g_hash_table_lookup(self->topics, told->topic);
	if (topic == NULL)
		return;
	switch (told->kind) {
	case TOLD_SHOWN:
		topic->id = told->id;
		topic->is_adopted = FALSE;
		save_state(self);
		if (self->parent.funcs.shown != NULL)
			self->parent.funcs.shown(told->topic, told->has_buttons,
						 self->parent.funcs.data);
		break;
	case TOLD_FAILED:
		g_debug("note %s: %s", told->topic, told->key);
		break;
	case TOLD_ACTION:
		if (self->parent.funcs.action != NULL)
			self->parent.funcs.action(told->topic, told->key, self->parent.funcs.data);
		break;
	case TOLD_ENDED:
		on_ended(self, topic, told);
		break;
	}
}

static gboolean
empty_outbox(gpointer data)
{
	Thread *thread = data;
	Told *told;

	/* One a turn: each was announced by a source of its own. */
	pthread_mutex_lock(&thread->mutex);
	told = g_queue_pop_head(&thread->outbox);
	pthread_mutex_unlock(&thread->mutex);
	if (told != NULL && thread->notifier != NULL)
		on_told(thread->notifier, told);
	g_clear_pointer(&told, told_free);
	return G_SOURCE_REMOVE;
}

/* ---- main: servers come and go ---- */

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
	if (self->thread != NULL) {
		self->thread->notifier = NULL;
		g_main_loop_quit(self->thread->loop);
		thread_unref(self->thread);
	}
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
	self->thread = thread_new(self);
	self->name_watch =
		g_bus_watch_name_on_connection(bus, SERVER_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
					       on_server_appeared, on_server_vanished, self, NULL);
	return &self->parent;
}
