/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose screen is in front, and whether it is locked, from logind. I/O: the system bus. */
#pragma once

#include <gio/gio.h>

typedef enum {
	TIDY_KEYS_SCREEN_OPEN, /* also where there is no logind to ask */
	TIDY_KEYS_SCREEN_LOCKED,
	TIDY_KEYS_SCREEN_FOREIGN, /* another user's session is in front */
} TidyKeysScreen;

/* What it is now. @bus: the system bus, or NULL. Waits for logind. */
TidyKeysScreen tidy_keys_screen_look(GDBusConnection *bus);

/* Calls @changed whenever it may be something else; from the main loop, for the rest of the process' life. */
void tidy_keys_screen_watch(GDBusConnection *bus, void (*changed)(gpointer data), gpointer data);
