// SPDX-License-Identifier: GPL-3.0-or-later
/* A configuration of the user's: layout, files, findings and the keymap that comes out, together.
 * I/O: reads files and the XKB data.
 *
 *	RemapCompiled compiled = { 0 };
 *	if (remap_compiled_open(&compiled, NULL) && remap_compiled_load(&compiled, path) == 0 && compiled.keymap)
 *		text = remap_keymap_text(compiled.keymap, &length);
 *	remap_compiled_clear(&compiled); */
#ifndef REMAP_COMPILE_H
#define REMAP_COMPILE_H

#include "keys/layout/layout.h"

typedef struct RemapCompiled {
	RemapLayout *layout;
	RemapFiles files;
	RemapDiags diags;
	RemapKeymap *keymap; /* NULL: not loaded, or there is an error among the findings */
} RemapCompiled;

/** remap_compiled_open - finds the layout, see remap_layout_new(). False: XKB knows no such layout. */
bool remap_compiled_open(RemapCompiled *compiled, const RemapLayoutNames *names);

/**
 * remap_compiled_load - reads and loads a file
 *
 * Returns: 0, also when the configuration is wrong: then keymap is NULL and diags say why; -errno when the
 * file cannot be read.
 */
int remap_compiled_load(RemapCompiled *compiled, const char *path);

void remap_compiled_clear(RemapCompiled *compiled);

/**
 * remap_keymap_text - what remap_keymap_print() makes, in one piece: what the helper gets
 *
 * Returns: malloc'ed and terminated, or NULL when there is no memory.
 */
char *remap_keymap_text(const RemapKeymap *keymap, size_t *length);

#endif
