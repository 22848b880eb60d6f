/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Getting a key helper: from the system's socket, or started here. I/O: sockets, a child process. */
#pragma once

#include <glib.h>

/* Where things are; all borrowed. tidy_keys_access_default unless a test says otherwise. */
typedef struct {
	const char *socket; /* of the system's service */
	const char *helper; /* the program xdgtidy-keys */
	const char *input;  /* the folder of device nodes */
	const char *uinput;
} TidyKeysAccess;

extern const TidyKeysAccess tidy_keys_access_default;

typedef enum {
	TIDY_KEYS_ACCESS_GIVEN,
	TIDY_KEYS_ACCESS_LATER, /* it may work in a moment */
	TIDY_KEYS_ACCESS_NONE,
} TidyKeysAccessResult;

/* What is missing, and what to do about it: sentences. Owned. */
typedef struct {
	char *missing;
	char *remedy;
} TidyKeysObstacle;

void tidy_keys_obstacle_clear(TidyKeysObstacle *obstacle);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TidyKeysObstacle, tidy_keys_obstacle_clear)

/**
 * tidy_keys_access_get - a connected socket to a helper
 * @fd: gets it, for TIDY_KEYS_ACCESS_GIVEN
 * @obstacle: filled in otherwise; cleared before
 *
 * The system's service first. Without one, the same program is started as the user when the user may open the
 * keyboards and /dev/uinput. It ends by itself when the socket is closed.
 */
TidyKeysAccessResult tidy_keys_access_get(const TidyKeysAccess *access, int *fd,
					  TidyKeysObstacle *obstacle);
