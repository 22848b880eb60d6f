/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The methods of io.github.xdgtidy.XdgTidy1 that are about keys. I/O: the session bus. */
#pragma once

#include "daemon/keyboard.h"
#include "dbus-generated.h"

/* From now on the methods Keys... of @skeleton are answered by @keyboard, which is borrowed. */
void tidy_bus_keys_connect(TidyDBusService *skeleton, TidyKeyboard *keyboard);
