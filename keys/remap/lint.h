// SPDX-License-Identifier: GPL-3.0-or-later
/* Looks for what is allowed in a keymap but cannot be meant.
 * Pure. */
#ifndef REMAP_LINT_H
#define REMAP_LINT_H

#include "keys/remap/keymap.h"

/**
 * remap_keymap_lint - adds warnings and notes
 *
 * A layer that nothing reaches, one that nothing leaves, a layout without a way back, a binding that can
 * never fire, a chord that another one hides, a tap-hold key that a macro types.
 */
void remap_keymap_lint(const RemapKeymap *keymap, RemapDiags *diags);

#endif
