/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user is told about the keyboard. I/O: a timer, notifications, a small file in the runtime directory. */
/*
 * Two topics: "keyboard" says what is remapped, once for each device and day; "keys" what is wrong, once for each
 * text, and it goes when that is no longer so.
 */
#pragma once

#include "daemon/keys-client.h"
#include "daemon/notifier.h"
#include "home/config/config.h"

typedef struct TidyKeysNotes TidyKeysNotes;

/**
 * tidy_keys_notes_new - tells nothing yet
 * @notifier: borrowed; its functions are left alone
 * @file: remembers which keyboards were told about today, so that a restart does not repeat it; NULL: not remembered
 * @burst_usec: keyboards that come within this time are one note
 */
TidyKeysNotes *tidy_keys_notes_new(TidyNotifier *notifier, const char *file, gint64 burst_usec);
void tidy_keys_notes_free(TidyKeysNotes *notes);

void tidy_keys_notes_set_level(TidyKeysNotes *notes, TidyConfigNotify level);

/* A device is remapped from now on. */
void tidy_keys_notes_remapped(TidyKeysNotes *notes, const TidyKeysDevice *device);

/* The configuration is wrong; @where: "file:line:column: text"; @is_running: an earlier one holds. */
void tidy_keys_notes_rejected(TidyKeysNotes *notes, const char *where, gboolean is_running);
void tidy_keys_notes_no_access(TidyKeysNotes *notes, const char *missing, const char *remedy);
void tidy_keys_notes_gave_up(TidyKeysNotes *notes, const char *why);
/* Nothing is wrong any more. */
void tidy_keys_notes_fine(TidyKeysNotes *notes);
