/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs the text of command() as the user, apart from the daemon. I/O: systemd over the session bus, or a child process. */
#pragma once

#include <gio/gio.h>

/**
 * tidy_keys_command_run - /bin/sh -c TEXT in a transient service of the user's systemd
 * @bus: the session bus, or NULL
 *
 * A service of its own has the session's environment, is not in the daemon's sandbox and outlives it. Where there is
 * no systemd: a child process with a session of its own. Returns at once; a failure is logged without the text.
 */
void tidy_keys_command_run(GDBusConnection *bus, const char *text);
