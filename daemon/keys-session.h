/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The user's sessions and the machine's sleep, from logind. I/O: the system bus, asynchronously. */
/*
 * All sessions of the user that have a seat count: one of them is active, or none. Whether the screen is locked is that
 * of the active one; when none is active, that of any. Where there is no logind nothing is known, and nothing is held
 * back for it.
 *
 * A session is locked by its LockedHint. The signal Lock only asks a locker to lock; it counts at once, because macros
 * must not type into a prompt that is just coming up, until Unlock, a new LockedHint, or the user's word that the
 * screen is open.
 */
#pragma once

#include <glib.h>

typedef struct TidyKeysSession TidyKeysSession;

typedef enum {
	TIDY_KEYS_SESSION_UNKNOWN,
	TIDY_KEYS_SESSION_INACTIVE,
	TIDY_KEYS_SESSION_ACTIVE
} TidyKeysSeat;

typedef struct {
	/* Active or locked is not what it was, or a session came or went. */
	void (*changed)(gpointer data);
	/* The machine is about to sleep (TRUE), and waits until tidy_keys_session_may_sleep() or 5 s (logind's
	 * InhibitDelayMaxSec); or it is awake (FALSE). */
	void (*sleep)(gboolean is_on, gpointer data);
	gpointer data;
} TidyKeysSessionFuncs;

/* Returns at once; what is known comes by changed(). */
TidyKeysSession *tidy_keys_session_new(const TidyKeysSessionFuncs *funcs);
void tidy_keys_session_free(TidyKeysSession *session);

TidyKeysSeat tidy_keys_session_seat(const TidyKeysSession *session);
gboolean tidy_keys_session_is_locked(const TidyKeysSession *session);

void tidy_keys_session_may_sleep(TidyKeysSession *session);
/* The user says so: forgets what only the signal Lock said. */
void tidy_keys_session_is_open(TidyKeysSession *session);
