/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The thread that calls libnotify, which waits for the notification server: a server that hangs keeps nobody else waiting.
 * The main thread puts the latest wish of each topic into a mailbox and never waits; what became of it is told on the
 * main thread. I/O: the session bus.
 */
#pragma once

#include "daemon/notifier.h"

/* A TidyNote that owns its strings. */
typedef struct {
	char *topic;
	char *summary;
	char *body;
	char **actions;
	TidyNoteUrgency urgency;
	gboolean stays;
	gboolean is_close; /* not a note: take the topic off the screen */
	guint generation;  /* of the server; its objects are dropped when it changes */
	guint32 replaces;  /* id from an earlier run, or 0 */
} TidyNotesWish;

TidyNotesWish *tidy_notes_wish_new(const TidyNote *note);
TidyNotesWish *tidy_notes_wish_copy(const TidyNotesWish *wish);
void tidy_notes_wish_free(TidyNotesWish *wish);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyNotesWish, tidy_notes_wish_free)

typedef struct {
	enum { TIDY_NOTES_SHOWN, TIDY_NOTES_FAILED, TIDY_NOTES_ACTION, TIDY_NOTES_ENDED } kind;
	char *topic;
	char *key; /* of the button; or why it failed */
	guint32 id;
	guint generation; /* of the wish */
	int why;	  /* TidyNoteEnd */
	gboolean has_buttons;
} TidyNotesTold;

typedef void (*TidyNotesToldFunc)(const TidyNotesTold *told, gpointer data);

typedef struct TidyNotesThread TidyNotesThread;

/* @func is called on @main_context. */
TidyNotesThread *tidy_notes_thread_new(GMainContext *main_context, TidyNotesToldFunc func,
				       gpointer data);

/* @wish (transfer full) takes the place of one of the same topic that the thread has not seen yet. */
void tidy_notes_thread_send(TidyNotesThread *thread, TidyNotesWish *wish);

/* The thread may hang in a call: it is told to end and left to itself. @func is not called any more. */
void tidy_notes_thread_end(TidyNotesThread *thread);
