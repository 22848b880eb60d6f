/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files keyboard*.c share. Pure. */
#pragma once

#include "daemon/keyboard.h"
#include "daemon/keys-client.h"
#include "daemon/keys-compile.h"
#include "daemon/keys-files.h"
#include "daemon/keys-notes.h"
#include "daemon/keys-session.h"

/* Why there is no helper although one is wanted. */
typedef enum {
	HALT_NONE,
	HALT_BACK_OFF,	/* the timer starts the next */
	HALT_REFUSED,	/* no session on a seat: until there is one */
	HALT_NO_ACCESS, /* until something changes */
	HALT_GAVE_UP,	/* until the user asks */
} TidyKeyboardHalt;

/* A keymap: what was made of a file, and the number by which the helper knows it. */
typedef struct {
	TidyKeysMade *made; /* NULL: none */
	guint32 id;
} TidyKeyboardKeymap;

struct TidyKeyboard {
	TidyKeyboardTimes times;
	TidyKeyboardFuncs funcs;
	const TidyKeysAccess *access;
	GDBusConnection *bus;
	char *path;

	TidyConfigKeys config;
	TidyKeysFiles *files;
	TidyKeysNotes *notes;
	TidyKeysSession *session; /* while a keymap is wanted */

	GCancellable *compiling; /* NULL: keyremap.conf is not being compiled */
	TidyKeysMade *bad;	 /* the file as it is now, when that is wrong */
	TidyKeyboardKeymap good; /* what should run */
	TidyKeyboardKeymap trial;
	guint32 trial_ms;
	guint32 last_id;

	TidyKeysClient *client;
	TidyKeyboardHalt halt;
	TidyKeysObstacle obstacle;
	GSource *timer;
	guint n_deaths; /* in a row */
	gint64 ready_usec;
	char *last_words; /* why the last helper ended */

	gboolean is_suspended;
	gboolean is_asleep;
	gboolean is_lock_sent;
	GSource *news;	   /* the caller is told when it fires */
	GPtrArray *wishes; /* TidyKeyboardWish; owned */
};

/* ---- keyboard.c: the file ---- */

/* The caller hears of it, once for all that happens together. */
void tidy_keyboard_tell_changed(TidyKeyboard *keyboard);
void tidy_keyboard_compile(TidyKeyboard *keyboard);
/* Watches what the present state asks for. */
void tidy_keyboard_watch(TidyKeyboard *keyboard);

/* ---- keyboard-helper.c: the helper ---- */

gboolean tidy_keyboard_is_ready(const TidyKeyboard *keyboard);
gboolean tidy_keyboard_is_locked(const TidyKeyboard *keyboard);
/* Begins or ends what the present state asks for. */
void tidy_keyboard_advance(TidyKeyboard *keyboard);
/* What was given up may be tried again. */
void tidy_keyboard_forgive(TidyKeyboard *keyboard);
void tidy_keyboard_drop_helper(TidyKeyboard *keyboard);
/* The policy, or whether the screen is locked, is not what it was. */
void tidy_keyboard_send_lock(TidyKeyboard *keyboard);
/* Takes @made over, with a new number. */
void tidy_keyboard_set_keymap(TidyKeyboard *keyboard, TidyKeyboardKeymap *keymap,
			      TidyKeysMade *made);
void tidy_keyboard_clear_keymap(TidyKeyboardKeymap *keymap);
/* When there is one, and a helper that is ready. */
void tidy_keyboard_send_keymap(TidyKeyboard *keyboard, const TidyKeyboardKeymap *keymap,
			       guint32 trial_ms);
void tidy_keyboard_send_trial(TidyKeyboard *keyboard);

/* ---- keyboard-report.c ---- */

GVariant *tidy_keyboard_report(const TidyKeyboard *keyboard);
/* What stands in the way of a helper, as an error; FALSE: nothing does. */
gboolean tidy_keyboard_set_obstacle_error(const TidyKeyboard *keyboard, GError **error);

/* ---- keyboard-wishes.c: requests that wait for an event ---- */

typedef enum {
	WISH_STATUS,  /* for the helper's answer */
	WISH_COMPILE, /* for keyremap.conf to be compiled, then for its keymap */
	WISH_KEYMAP,  /* for the helper's answer to that keymap */
} TidyKeyboardWishKind;

void tidy_keyboard_on_told(TidyKeyboard *keyboard);
/* keyremap.conf is compiled; @made is what came of it. NULL: it will not be, the key half is off. */
void tidy_keyboard_on_compiled(TidyKeyboard *keyboard, const TidyKeysMade *made);
/* @problem NULL: the helper accepted it. */
void tidy_keyboard_on_answer(TidyKeyboard *keyboard, guint32 id, const char *problem);
/* The helper is gone. */
void tidy_keyboard_on_halt(TidyKeyboard *keyboard);
void tidy_keyboard_wish_free(gpointer wish);
