// SPDX-License-Identifier: GPL-3.0-or-later
/* What the helper says, as the tests write it.
 * Pure. */
#ifndef FAKE_KEYS_TEXT_H
#define FAKE_KEYS_TEXT_H

#include <glib.h>

#include "keys/link/link.h"

/* Appends one line: "device event3 grabbed", "state keymap ungrabbed". Only of what a helper sends. */
void fake_describe_message(GString *out, const RemapLinkMessage *message);

#endif
