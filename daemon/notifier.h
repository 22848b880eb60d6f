/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Desktop notifications behind one interface: libnotify's (notifier-libnotify.c) and a fake one in the tests. Pure. */
/*
 * A note belongs to a topic; a new note of the same topic takes the place of the old one on the screen. Nothing here
 * ever waits for the notification server: show and close return at once, answers come on the main context.
 */
#pragma once

#include <gio/gio.h>

typedef enum { TIDY_NOTE_LOW, TIDY_NOTE_NORMAL, TIDY_NOTE_CRITICAL } TidyNoteUrgency;

/* All borrowed for the call. Texts are plain: escaping for servers with markup is the implementation's. */
typedef struct {
	const char *topic; /* "merge"; a word */
	const char *summary;
	const char *body;
	const char *const
		*actions; /* key, label, key, label, NULL; or NULL. The key "default" is a click */
	TidyNoteUrgency urgency;
	gboolean stays; /* until answered; also shown again by a server that comes late */
} TidyNote;

/* Why a note went; numbers of NotificationClosed in the Desktop Notifications Specification 1.2. */
typedef enum {
	TIDY_NOTE_EXPIRED = 1,
	TIDY_NOTE_DISMISSED = 2, /* by the user */
	TIDY_NOTE_CLOSED = 3,	 /* by us */
	TIDY_NOTE_UNKNOWN = 4,
} TidyNoteEnd;

typedef struct TidyNotifier TidyNotifier;

typedef struct {
	void (*show)(TidyNotifier *notifier, const TidyNote *note);
	void (*close)(TidyNotifier *notifier, const char *topic);
	void (*free)(TidyNotifier *notifier);
} TidyNotifierClass;

typedef struct {
	/* A button was pressed. The note may be of an earlier run of the daemon. */
	void (*action)(const char *topic, const char *key, gpointer data);
	void (*ended)(const char *topic, TidyNoteEnd why, gpointer data);
	/* The note is on the screen; @has_buttons: the server can show actions. */
	void (*shown)(const char *topic, gboolean has_buttons, gpointer data);
	gpointer data;
} TidyNotifierFuncs;

/* What implementations begin with. */
struct TidyNotifier {
	const TidyNotifierClass *klass;
	TidyNotifierFuncs funcs; /* zero until set */
};

static inline void
tidy_notifier_set_funcs(TidyNotifier *notifier, const TidyNotifierFuncs *funcs)
{
	notifier->funcs = *funcs;
}

static inline void
tidy_notifier_show(TidyNotifier *notifier, const TidyNote *note)
{
	notifier->klass->show(notifier, note);
}

static inline void
tidy_notifier_close(TidyNotifier *notifier, const char *topic)
{
	notifier->klass->close(notifier, topic);
}

static inline void
tidy_notifier_free(TidyNotifier *notifier)
{
	notifier->klass->free(notifier);
}

/**
 * tidy_notifier_libnotify_new - notes for whatever server owns org.freedesktop.Notifications
 * @bus: the session bus, or NULL: notes are dropped
 * @state_file: where to remember the ids of what is on the screen, so that its buttons work for the next run of the
 *              daemon too; below $XDG_RUNTIME_DIR. NULL: not remembered
 *
 * Never starts a server. Without one the latest note of each topic waits: one that stays for as long as it takes,
 * others for a minute. libnotify's calls block for up to 25 s when the server hangs, so they have a thread of
 * their own, in which at most the latest note of each topic waits.
 */
TidyNotifier *tidy_notifier_libnotify_new(GDBusConnection *bus, const char *state_file);
