/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TIDY_ERROR on the bus: io.github.xdgtidy.XdgTidy1.Error.*, for the daemon and for its clients. Pure. */
#pragma once

#include <gio/gio.h>

#include "home/base/error.h"

#define TIDY_DBUS_NAME	       "io.github.xdgtidy.XdgTidy1"
#define TIDY_DBUS_PATH	       "/io/github/xdgtidy/XdgTidy1"
#define TIDY_DBUS_ERROR_PREFIX "io.github.xdgtidy.XdgTidy1.Error."

/* Makes GDBus turn TIDY_ERROR into these names and back. Call it once, before the first call or answer; a client then
 * tests with g_error_matches(error, TIDY_ERROR, ...) after g_dbus_error_strip_remote_error(). */
void tidy_dbus_errors_register(void);

/* The last part of the name, "NoSpace". Static. */
const char *tidy_dbus_error_word(TidyError code);
