// SPDX-License-Identifier: GPL-3.0-or-later
/* Prints a keymap in its own language: one flat document without includes, aliases or text.
 * Pure. */
#ifndef REMAP_PRINT_H
#define REMAP_PRINT_H

#include "keys/remap/keymap.h"

/**
 * remap_keymap_print - the keymap as text; loading that text gives the same keymap
 * @write: gets the text in pieces
 */
void remap_keymap_print(const RemapKeymap *keymap, void (*write)(void *data, const char *text),
			void *data);

/** remap_action_print - one action, as it stands on the right of '='. */
void remap_action_print(const RemapKeymap *keymap, const RemapAction *action,
			void (*write)(void *data, const char *text), void *data);

#endif
