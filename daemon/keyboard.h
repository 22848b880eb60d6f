/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key half in the daemon: keyremap.conf to a key helper, and what comes back. I/O. */
/*
 *	keyremap.conf (inotify) -> compiled in a thread -> helper (socket) -> layer signals, commands, notes
 *	logind: locked, asleep -> helper
 *
 * The helper is got, in this order, from the system's socket, or started as the user; neither: the obstacle is told.
 * While there is no keyremap.conf only its directory is watched. A file with an error leaves the last good keymap
 * running. A helper that dies is replaced after 1, 4 and 16 s; then it is said once that it was given up.
 *
 * Runs on the main context and never waits.
 */
#pragma once

#include <gio/gio.h>

#include "daemon/keys-access.h"
#include "daemon/notifier.h"
#include "home/config/config.h"

typedef struct TidyKeyboard TidyKeyboard;

typedef struct {
	gint64 quiet_usec;    /* changes of files within this time are one */
	gint64 patience_usec; /* a helper answers within this, or is dead */
	gint64 back_off_usec; /* before the first new helper; four times that before each further one */
	gint64 steady_usec; /* a helper that lived so long did not die at once */
	gint64 burst_usec;  /* keyboards that come within this are one note */
} TidyKeyboardTimes;

extern const TidyKeyboardTimes tidy_keyboard_times_default;

typedef struct {
	/* What status and summary answer is not what it was. */
	void (*changed)(gpointer data);
	void (*layer)(const char *name, gboolean is_on, gpointer data);
	gpointer data;
} TidyKeyboardFuncs;

typedef struct {
	const char *path;	      /* keyremap.conf, absolute */
	GDBusConnection *bus;	      /* for commands; or NULL */
	TidyNotifier *notifier;	      /* borrowed */
	const char *notes_file;	      /* see tidy_keys_notes_new() */
	const TidyKeysAccess *access; /* borrowed */
	TidyKeyboardTimes times;
} TidyKeyboardOptions;

/* Does nothing before the first tidy_keyboard_configure(). */
TidyKeyboard *tidy_keyboard_new(const TidyKeyboardOptions *options, const TidyKeyboardFuncs *funcs);
void tidy_keyboard_free(TidyKeyboard *keyboard);

void tidy_keyboard_configure(TidyKeyboard *keyboard, const TidyConfigKeys *config,
			     TidyConfigNotify level);

/* {state s, text s} for the report "status"; see tidy_keyboard_status(). (transfer full) */
GVariant *tidy_keyboard_summary(const TidyKeyboard *keyboard);

/*
 * Requests. @done is called once, perhaps before the function returns: @answer is a report or {}, or NULL with @error.
 */
typedef void (*TidyKeyboardDone)(GVariant *answer, const GError *error, gpointer data);

/* Report "keys" of home/service/report.h, with what the helper says now. */
void tidy_keyboard_status(TidyKeyboard *keyboard, TidyKeyboardDone done, gpointer data);
/* Reads keyremap.conf again, and tries again what was given up. TIDY_ERROR_CONFIG with the place; TIDY_ERROR_REFUSED
 * when there is no helper; TIDY_ERROR_NOT_FOUND without a file. */
void tidy_keyboard_reload(TidyKeyboard *keyboard, TidyKeyboardDone done, gpointer data);
/* Keys as without us, also for the helpers to come; and the end of that, and of what the panic chord did. */
void tidy_keyboard_suspend(TidyKeyboard *keyboard, gboolean is_on, TidyKeyboardDone done,
			   gpointer data);
/* Uses another file for @seconds (1 to 3600), unless confirmed. Errors as of reload. Report "keys". */
void tidy_keyboard_try(TidyKeyboard *keyboard, const char *path, guint seconds,
		       TidyKeyboardDone done, gpointer data);
/* The file on trial stays until keyremap.conf changes (TRUE), or goes now. TIDY_ERROR_NOT_FOUND: none is on trial. */
void tidy_keyboard_settle_trial(TidyKeyboard *keyboard, gboolean stays, TidyKeyboardDone done,
				gpointer data);
