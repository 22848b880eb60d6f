/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thread that calls libnotify. I/O: the session bus. */
#include "daemon/notes-thread.h"

#include <libnotify/notify.h>
#include <pthread.h>
#include <string.h>

struct TidyNotesThread {
	int refs; /* atomic; the thread may outlive its user while a server hangs */
	GMainContext *context;
	GMainContext *main_context;
	GMainLoop *loop;
	pthread_mutex_t mutex;	/* POSIX's, so that a thread checker sees the hand-over */
	GHashTable *mailbox;	/* topic -> TidyNotesWish; guarded */
	GQueue outbox;		/* TidyNotesTold; guarded */
	TidyNotesToldFunc func; /* NULL at the end; read and written on main only */
	gpointer data;

	/* of the thread alone */
	GHashTable *shown; /* topic -> NotifyNotification */
	guint generation;
	gboolean has_actions;
	gboolean has_markup;
};

/* ---- what is handed over ---- */

void
tidy_notes_wish_free(TidyNotesWish *wish)
{
	g_free(wish->topic);
	g_free(wish->summary);
	g_free(wish->body);
	g_strfreev(wish->actions);
	g_free(wish);
}

TidyNotesWish *
tidy_notes_wish_new(const TidyNote *note)
{
	TidyNotesWish *wish = g_new0(TidyNotesWish, 1);

	wish->topic = g_strdup(note->topic);
	wish->summary = g_strdup(note->summary);
	wish->body = g_strdup(note->body);
	wish->actions = g_strdupv((char **)note->actions);
	wish->urgency = note->urgency;
	wish->stays = note->stays;
	return wish;
}

TidyNotesWish *
tidy_notes_wish_copy(const TidyNotesWish *wish)
{
	TidyNotesWish *copy =
		tidy_notes_wish_new(&(TidyNote){ .topic = wish->topic,
						 .summary = wish->summary,
						 .body = wish->body,
						 .actions = (const char *const *)wish->actions,
						 .urgency = wish->urgency,
						 .stays = wish->stays });

	copy->is_close = wish->is_close;
	return copy;
}

static void
told_free(gpointer data)
{
	TidyNotesTold *told = data;

	g_free(told->topic);
	g_free(told->key);
	g_free(told);
}

/* ---- to and from the main thread ---- */

static TidyNotesThread *
thread_ref(TidyNotesThread *thread)
{
	__atomic_add_fetch(&thread->refs, 1, __ATOMIC_RELAXED);
	return thread;
}

static void
thread_unref(TidyNotesThread *thread)
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

static gboolean
empty_outbox(gpointer data)
{
	TidyNotesThread *thread = data;
	TidyNotesTold *told;

	/* One a turn: each was announced by a source of its own. */
	pthread_mutex_lock(&thread->mutex);
	told = g_queue_pop_head(&thread->outbox);
	pthread_mutex_unlock(&thread->mutex);
	if (told != NULL && thread->func != NULL)
		thread->func(told, thread->data);
	g_clear_pointer(&told, told_free);
	return G_SOURCE_REMOVE;
}

static void
tell(TidyNotesThread *thread, const TidyNotesTold *told)
{
	TidyNotesTold *copy = g_new(TidyNotesTold, 1);

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
	tell(data, &(TidyNotesTold){ .kind = TIDY_NOTES_ACTION,
				     .topic = (char *)topic_of(note),
				     .key = key });
}

static void
on_notify_closed(NotifyNotification *note, gpointer data)
{
	TidyNotesThread *thread = data;
	const char *topic = topic_of(note);

	tell(thread, &(TidyNotesTold){ .kind = TIDY_NOTES_ENDED,
				       .topic = (char *)topic,
				       .why = notify_notification_get_closed_reason(note) });
	if (g_hash_table_lookup(thread->shown, topic) == note)
		g_hash_table_remove(thread->shown, topic);
}

/* A new server: old ids mean nothing to it, and it may be able to do other things. */
static void
enter_generation(TidyNotesThread *thread, guint generation)
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
note_for(TidyNotesThread *thread, const TidyNotesWish *wish, const char *body)
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
dress(TidyNotesThread *thread, NotifyNotification *note, const TidyNotesWish *wish)
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
show_wish(TidyNotesThread *thread, const TidyNotesWish *wish)
{
	g_autofree char *escaped = thread->has_markup ? g_markup_escape_text(wish->body, -1) : NULL;
	NotifyNotification *note = note_for(thread, wish, escaped != NULL ? escaped : wish->body);
	g_autoptr(GError) error = NULL;
	int id = 0;

	dress(thread, note, wish);
	if (!notify_notification_show(note, &error)) {
		tell(thread, &(TidyNotesTold){ .kind = TIDY_NOTES_FAILED,
					       .topic = wish->topic,
					       .key = error->message });
		g_hash_table_remove(thread->shown, wish->topic);
		return;
	}
	g_object_get(note, "id", &id, NULL);
	tell(thread, &(TidyNotesTold){ .kind = TIDY_NOTES_SHOWN,
				       .topic = wish->topic,
				       .id = (guint32)id,
				       .has_buttons = thread->has_actions });
}

static void
close_wish(TidyNotesThread *thread, const TidyNotesWish *wish)
{
	NotifyNotification *note = g_hash_table_lookup(thread->shown, wish->topic);

	if (note == NULL)
		return;
	g_object_ref(note);
	notify_notification_close(note, NULL);
	g_hash_table_remove(thread->shown, wish->topic);
	g_object_unref(note);
}

static TidyNotesWish *
take_wish(TidyNotesThread *thread)
{
	GHashTableIter iter;
	TidyNotesWish *wish = NULL;

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
	TidyNotesThread *thread = data;

	for (;;) {
		g_autoptr(TidyNotesWish) wish = take_wish(thread);

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
	TidyNotesThread *thread = data;

	g_main_context_push_thread_default(thread->context);
	thread->shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, remove_note);
	g_main_loop_run(thread->loop);
	g_hash_table_unref(thread->shown);
	g_main_context_pop_thread_default(thread->context);
	thread_unref(thread);
	return NULL;
}

TidyNotesThread *
tidy_notes_thread_new(GMainContext *main_context, TidyNotesToldFunc func, gpointer data)
{
	TidyNotesThread *thread = g_new0(TidyNotesThread, 1);

	thread->refs = 1;
	thread->func = func;
	thread->data = data;
	g_queue_init(&thread->outbox);
	thread->context = g_main_context_new();
	thread->main_context = g_main_context_ref(main_context);
	thread->loop = g_main_loop_new(thread->context, FALSE);
	pthread_mutex_init(&thread->mutex, NULL);
	thread->mailbox = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
						(GDestroyNotify)tidy_notes_wish_free);
	g_thread_unref(g_thread_new("xdgtidy-notes", thread_main, thread_ref(thread)));
	return thread;
}

void
tidy_notes_thread_send(TidyNotesThread *thread, TidyNotesWish *wish)
{
	pthread_mutex_lock(&thread->mutex);
	g_hash_table_replace(thread->mailbox, wish->topic, wish);
	pthread_mutex_unlock(&thread->mutex);
	g_main_context_invoke_full(thread->context, G_PRIORITY_DEFAULT, empty_mailbox,
				   thread_ref(thread), (GDestroyNotify)thread_unref);
}

void
tidy_notes_thread_end(TidyNotesThread *thread)
{
	thread->func = NULL;
	g_main_loop_quit(thread->loop);
	thread_unref(thread);
}
