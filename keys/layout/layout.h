// SPDX-License-Identifier: GPL-3.0-or-later
/* The user's keyboard layout: which key types a character or a keysym, and what a key types.
 * I/O: reads XKB_DEFAULT_*, /etc/default/keyboard, /etc/vconsole.conf and the XKB data. */
#ifndef REMAP_LAYOUT_H
#define REMAP_LAYOUT_H

#include "keys/remap/keymap.h"

typedef struct RemapLayoutNames {
	const char *rules, *model, *layout, *variant,
		*options; /* NULL: found, see remap_layout_new() */
} RemapLayoutNames;

typedef struct RemapLayout RemapLayout;

/**
 * remap_layout_new - compiles a layout
 * @names: NULL or NULL members are taken, all together, from the first source that names a layout:
 *	XKB_DEFAULT_*, /etc/default/keyboard (XKBLAYOUT), /etc/vconsole.conf (XKBLAYOUT); else "us"
 *
 * Returns: the layout, or NULL when XKB knows no such layout.
 */
RemapLayout *remap_layout_new(const RemapLayoutNames *names);

void remap_layout_free(RemapLayout *layout);

/** remap_layout_describe - "de (nodeadkeys)", and where the names came from. */
const char *remap_layout_describe(const RemapLayout *layout);

/**
 * remap_layout_find - the key that types a keysym, with the modifiers that it needs
 *
 * Only Shift and AltGr count as modifiers. The lowest level wins, then the lower code; the keypad comes last.
 */
bool remap_layout_find(const RemapLayout *layout, uint32_t keysym, RemapStroke *stroke);

typedef enum RemapTyping {
	REMAP_TYPING_NONE,   /* cannot be typed */
	REMAP_TYPING_KEY,    /* one key of the layout */
	REMAP_TYPING_DEAD,   /* a dead key of the layout, then another */
	REMAP_TYPING_UNICODE /* the entry method that the option unicode names */
} RemapTyping;

/**
 * remap_layout_type - the strokes that type a character
 * @strokes: room for REMAP_STROKES_MAX; @count gets their number
 */
RemapTyping remap_layout_type(const RemapLayout *layout, uint32_t character, RemapUnicode unicode,
			      RemapStroke *strokes, int *count);

/** remap_layout_label - what a key types with these modifiers, in UTF-8, or "" (room for 16 bytes). */
void remap_layout_label(const RemapLayout *layout, uint16_t code, uint8_t mods, char *label);

/** remap_layout_keysym - the keysym of a key at a level (from 0), 0 when there is none. */
uint32_t remap_layout_keysym(const RemapLayout *layout, uint16_t code, unsigned level);

/** remap_layout_levels - how many levels a key has in the first group. */
unsigned remap_layout_levels(const RemapLayout *layout, uint16_t code);

/** remap_layout_modifier_map - the real modifiers of a key in the X modifier map: bit 0 Shift, 1 Lock ... 7 Mod5. */
uint8_t remap_layout_modifier_map(const RemapLayout *layout, uint16_t code);

/**
 * remap_files_read - a source that reads files for remap_keymap_load()
 *
 * Fills text, length, name and the hooks. Included files are looked up beside the including one, then in the
 * shared directories, and must lie below the directory where they were found (after following links).
 * @layout: types text, or NULL for a US keyboard without other characters; borrowed
 * Returns: 0, or -errno. Free @files with remap_files_clear() after the load.
 */
typedef struct RemapFiles {
	const RemapLayout *layout;
	RemapDiags *diags; /* gets a note for each character that is not on the layout, or NULL */
	char *text;	   /* of the first file */
	char *composed;	   /* UTF-8 of the characters that need a Compose entry, each once */
	size_t composed_length;
	char **paths; /* where included files were, or were expected beside the including one */
	size_t path_count;
} RemapFiles;

int remap_files_read(RemapFiles *files, const char *path, RemapSource *source);
void remap_files_hook(RemapFiles *files, RemapSource *source);
void remap_files_clear(RemapFiles *files);

/**
 * remap_compose_line - the line of a Compose file for unicode = compose
 * @line: room for 128 bytes
 */
void remap_compose_line(uint32_t character, char *line, size_t size);

#endif
