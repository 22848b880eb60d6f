// SPDX-License-Identifier: GPL-3.0-or-later
/* Key names and codes: what a key is called in a configuration and which evdev code it has.
 * Pure. */
#ifndef REMAP_KEYNAMES_H
#define REMAP_KEYNAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Codes below REMAP_PSEUDO are evdev codes (KEY_MAX is 0x2ff). The rest have a name in the language but
 * are no evdev keys: one wheel tick for each press, and a key that emits nothing. */
enum {
	REMAP_KEY_PSEUDO = 0x300,
	REMAP_KEY_SCROLLUP = 0x300,
	REMAP_KEY_SCROLLDOWN,
	REMAP_KEY_SCROLLLEFT,
	REMAP_KEY_SCROLLRIGHT,
	REMAP_KEY_NOOP,
	REMAP_KEYS, /* one above the highest code */
};

/* Modifiers as the language writes them: C- M- A- S- G-. */
enum {
	REMAP_MOD_ALT = 1,
	REMAP_MOD_ALTGR = 2,
	REMAP_MOD_SHIFT = 4,
	REMAP_MOD_META = 8,
	REMAP_MOD_CTRL = 16,
	REMAP_MODS = 5,
};

typedef struct RemapKeyName {
	uint16_t code;
	const char *name;
	const char *other; /* a second name, or NULL */
	const char *
		shifted; /* what it types with Shift on a US layout when that has a name, or NULL */
	const char *kernel; /* KEY_x or BTN_x, or NULL */
} RemapKeyName;

typedef struct RemapKeyIndex {
	const char *name;
	uint16_t code;
	uint8_t shifted;
} RemapKeyIndex;

extern const RemapKeyName remap_key_names[];
extern const size_t remap_key_names_count;
extern const RemapKeyIndex remap_key_index[];
extern const size_t remap_key_index_count;

/**
 * remap_key_find - the key with this name, or NULL
 * @name: @length bytes; a name, a second name, a kernel name (KEY_A) or a shifted name ("!", "A")
 */
const RemapKeyIndex *remap_key_find(const char *name, size_t length);

/** remap_key_name - the name of a code, or NULL when it has none. */
const char *remap_key_name(uint16_t code);

/** remap_key_row - the whole row of a code, or NULL. */
const RemapKeyName *remap_key_row(uint16_t code);

/**
 * remap_key_parse - a key as people write it to a tool: a name, or "#" and a decimal code
 * Returns: the code, or -1. Shifted names are no keys here.
 */
int remap_key_parse(const char *text, size_t length);

/**
 * remap_keyseq_parse - "[mods-]key": a key with its modifiers; a shifted name adds Shift
 * Returns: true and both results, or false with the results untouched.
 */
bool remap_keyseq_parse(const char *text, size_t length, uint16_t *code, uint8_t *mods);

/** remap_mods_parse - "C-S": letters joined by '-'. Returns false when it is something else. */
bool remap_mods_parse(const char *text, size_t length, uint8_t *mods);

/** remap_mods_print - the opposite: "C-S", without a trailing '-'. @out has at least 10 bytes. */
void remap_mods_print(uint8_t mods, char *out);

#endif
