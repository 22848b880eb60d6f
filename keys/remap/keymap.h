// SPDX-License-Identifier: GPL-3.0-or-later
/* A keymap: what one configuration means, ready for the machine. Text goes in, tables come out.
 * Pure (allocates while loading and binding; the event path only reads).
 *
 * Calling sequence:
 *	RemapDiags diags = { 0 };
 *	RemapKeymap *keymap = remap_keymap_load(&(RemapSource){ .name = path, .text = text, ... }, &diags);
 *	if (!keymap) show diags;                  a keymap with an error does not exist
 *	remap_keymap_lint(keymap, &diags);        optional, see lint.h
 *	machine = remap_machine_new(keymap, ...)  see machine.h; the keymap outlives it
 *	remap_keymap_free(keymap); remap_diags_clear(&diags); */
#ifndef REMAP_KEYMAP_H
#define REMAP_KEYMAP_H

#include "keys/remap/diag.h"
#include "keys/remap/keynames.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bounds that only a hostile or generated file meets. Each gives a diagnostic. */
enum {
	REMAP_TEXT_MAX = 1024 * 1024, /* bytes, includes and all */
	REMAP_LAYERS_MAX = 4096,
	REMAP_CHORDS_MAX = 4096,
	REMAP_CHORD_KEYS_MAX = 32,
	REMAP_PARTS_MAX = 64, /* layers in a composite */
	REMAP_DEPTH_MAX = 16, /* actions inside actions */
	REMAP_INCLUDE_DEPTH_MAX = 8,
	REMAP_INCLUDES_MAX = 256,
	REMAP_TIMEOUT_MAX = 3600000, /* ms: an hour */
	REMAP_DELAY_MAX = 60000,     /* ms, one delay in a macro */
	REMAP_MACRO_MAX = 16384,     /* entries in one macro */
};

/* An optional timeout that the user left out. */
#define REMAP_UNSET UINT32_MAX

typedef enum RemapOp {
	REMAP_OP_NONE, /* no binding */
	REMAP_OP_KEY,
	REMAP_OP_LAYER,
	REMAP_OP_LAYERM,
	REMAP_OP_ONESHOT,
	REMAP_OP_ONESHOTM,
	REMAP_OP_ONESHOTK,
	REMAP_OP_TOGGLE,
	REMAP_OP_TOGGLEM,
	REMAP_OP_SWAP,
	REMAP_OP_SWAPM,
	REMAP_OP_SETLAYOUT,
	REMAP_OP_CLEAR,
	REMAP_OP_CLEARM,
	REMAP_OP_OVERLOAD,
	REMAP_OP_OVERLOADT,
	REMAP_OP_OVERLOADT2,
	REMAP_OP_OVERLOADH,
	REMAP_OP_OVERLOADI,
	REMAP_OP_TIMEOUT,
	REMAP_OP_MACRO,
	REMAP_OP_MACRO2,
	REMAP_OP_REPEAT,
	REMAP_OP_COMMAND,
	REMAP_OP_SCROLL,
	REMAP_OP_SCROLLT,
	REMAP_OP_SCROLLON,
	REMAP_OP_SCROLLOFF,
	REMAP_OP_TAPDANCE,
	REMAP_OP_CAPSWORD,
	REMAP_OP_LEADER,
	REMAP_OP_CHORD, /* only while parsing: the timeouts of one chord */
	REMAP_OPS,
} RemapOp;

/* What a binding does. @code is the output key or the layer; the other arguments fill a, b, c in the
 * order in which they are written (an action or a macro as its index, a time in ms, a count). */
typedef struct RemapAction {
	uint8_t op; /* RemapOp */
	uint8_t mods; /* KEY: modifiers. LAYER: the right-hand modifier that a built-in binding stands for */
	uint16_t code;
	uint32_t a, b, c;
} RemapAction;

typedef enum RemapMacroType {
	REMAP_MACRO_TAP,  /* modifiers down, key down and up, modifiers up */
	REMAP_MACRO_HOLD, /* key down until the next RELEASE */
	REMAP_MACRO_RELEASE,
	REMAP_MACRO_DELAY,
} RemapMacroType;

typedef struct RemapMacroEntry {
	uint8_t type; /* RemapMacroType */
	uint8_t mods;
	uint16_t code;
	uint32_t ms;
} RemapMacroEntry;

typedef struct RemapMacro {
	uint32_t first, count; /* in keymap->entries */
} RemapMacro;

typedef enum RemapLayerKind {
	REMAP_LAYER_NORMAL,
	REMAP_LAYER_LAYOUT,
	REMAP_LAYER_COMPOSITE,
	REMAP_LAYER_LEADER, /* holds sequences */
} RemapLayerKind;

typedef struct RemapLayer {
	const char *name;
	RemapLayerKind kind;
	uint8_t mods;
	bool builtin;
	uint16_t *parts; /* COMPOSITE: layer indices, each once */
	uint16_t part_count;
	uint16_t *wholes; /* the composites that this layer is part of */
	uint16_t whole_count;
	RemapPlace place;
} RemapLayer;

typedef struct RemapBinding {
	uint16_t layer, code;
	uint32_t action; /* 0: cleared by an empty value */
	uint32_t next;	 /* of the same key, plus 1; 0 ends */
	bool builtin;	 /* from the built-in defaults */
	RemapPlace place;
} RemapBinding;

typedef struct RemapChord {
	uint16_t layer;
	uint16_t count;
	uint16_t *keys; /* each once, as written */
	uint32_t action;
	uint32_t timeout, hold; /* ms or REMAP_UNSET: the global one */
	RemapPlace place;
} RemapChord;

typedef struct RemapSequence {
	uint16_t layer;
	uint16_t count;
	uint16_t *keys; /* in order */
	uint32_t action;
	RemapPlace place;
} RemapSequence;

typedef enum RemapUnicode {
	REMAP_UNICODE_IBUS,    /* Ctrl+Shift+U, hexadecimal digits, space */
	REMAP_UNICODE_COMPOSE, /* the Cancel key and 4 base-36 digits, for a Compose file */
	REMAP_UNICODE_NONE,    /* an error at its place */
} RemapUnicode;

/* [global], in ms unless the name says otherwise. */
typedef struct RemapGlobal {
	uint32_t macro_timeout;
	uint32_t macro_repeat_timeout;
	uint32_t macro_sequence_timeout_us;
	uint32_t chord_timeout;
	uint32_t chord_hold_timeout;
	uint32_t oneshot_timeout;
	uint32_t overload_tap_timeout;
	uint32_t layer_indicator;
	uint32_t disable_modifier_guard;
	uint32_t tap_repeat_timeout;
	uint32_t oneshot_lock_timeout;
	uint32_t capsword_timeout;
	uint32_t leader_timeout;
	uint32_t unicode;	 /* RemapUnicode */
	uint32_t default_layout; /* layer index; 0 is none */
} RemapGlobal;

enum {
	REMAP_ID_KEYBOARD = 1,
	REMAP_ID_MOUSE = 2,
	REMAP_ID_OTHER = 4, /* a device with keys that is neither: a power button */
	REMAP_ID_EXCLUDE = 8,
};

typedef struct RemapId {
	unsigned flags;
	const char *text; /* "vvvv:pppp" or "vvvv:pppp:hash", lower case */
} RemapId;

/* One (layer, action) of a key; the entries of a key lie side by side, by rising layer. */
typedef struct RemapRow {
	uint16_t layer;
	uint8_t composite; /* number of parts, 0 for other layers */
	uint32_t action;
} RemapRow;

enum { REMAP_HAND_NONE, REMAP_HAND_LEFT, REMAP_HAND_RIGHT };

typedef struct RemapArena RemapArena;

typedef struct RemapKeymap {
	RemapArena *arena; /* every string and key list */
	RemapLayer *layers;
	size_t layer_count, layer_capacity;
	RemapAction *actions; /* [0] is NONE, [1 + layer] is layer(layer) */
	size_t action_count, action_capacity;
	uint32_t *variants; /* actions of tapdance(), a run each */
	size_t variant_count, variant_capacity;
	RemapMacroEntry *entries;
	size_t entry_count, entry_capacity;
	RemapMacro *macros;
	size_t macro_count, macro_capacity;
	const char **commands;
	size_t command_count, command_capacity;
	RemapBinding *bindings;
	size_t binding_count, binding_capacity;
	RemapChord *chords;
	size_t chord_count, chord_capacity;
	RemapSequence *sequences;
	size_t sequence_count, sequence_capacity;
	RemapId *ids;
	size_t id_count, id_capacity;
	bool wildcard;
	RemapGlobal global;
	const char *aliases[REMAP_KEYS];
	uint8_t hands[REMAP_KEYS];

	/* Made from the lists above by remap_keymap_index(). */
	uint32_t first[REMAP_KEYS]; /* the newest binding of a key, plus 1 */
	RemapRow *rows;
	uint32_t row_of[REMAP_KEYS + 1];
	uint16_t *chord_rows; /* the chords of a key */
	uint32_t chord_row_of[REMAP_KEYS + 1];

	/* What a runtime reset goes back to. */
	RemapBinding *original;
	size_t original_count;
	RemapChord *original_chords;
	size_t original_chord_count;
} RemapKeymap;

typedef struct RemapStroke {
	uint16_t code;
	uint8_t mods;
} RemapStroke;

enum { REMAP_STROKES_MAX = 12 };

/* Where the text comes from and how what lies outside of it is found. Hooks may be NULL. */
typedef struct RemapSource {
	const char *name; /* for diagnostics */
	const char *text; /* not necessarily terminated */
	size_t length;
	/* Reads an included file. @from is the name of the including one. Returns 0 with a malloc'ed text
	 * and a malloc'ed name (its identity, for diagnostics and the cycle check), or -errno. */
	int (*include)(void *data, const char *from, const char *path, char **text, size_t *length,
		       char **name);
	/* The key strokes that type a character, at most REMAP_STROKES_MAX. Returns their number, or 0 when
	 * it cannot be typed. Without this hook ASCII is typed as on a US keyboard. */
	int (*type)(void *data, uint32_t character, RemapUnicode unicode, RemapStroke *strokes);
	void *data;
} RemapSource;

/**
 * remap_keymap_load - text to keymap
 * @diags: gets every finding; zeroed or used before by the caller
 *
 * Returns: a keymap for remap_keymap_free(), or NULL when there is at least one error.
 */
RemapKeymap *remap_keymap_load(const RemapSource *source, RemapDiags *diags);

void remap_keymap_free(RemapKeymap *keymap);

/**
 * remap_keymap_bind - changes a binding at run time: "[layer.]key = value", or "reset"
 *
 * Only through remap_machine_bind() when a machine uses the keymap. On an error nothing changes.
 * Returns: 0, or -EINVAL with a diagnostic, or -ENOMEM.
 */
int remap_keymap_bind(RemapKeymap *keymap, const char *text, RemapDiags *diags);

/**
 * remap_keymap_match - does this configuration want a device?
 * @id: "vvvv:pppp:hash", lower case; @kind: the REMAP_ID_ flags that the device has
 *
 * An entry is a prefix of the id. The first entry that fits decides; an exclusion before the rest.
 * Returns: 2 named, 1 by the wildcard (keyboards only), 0 not.
 */
int remap_keymap_match(const RemapKeymap *keymap, const char *id, unsigned kind);

/** remap_keymap_find_layer - the index of a layer, or -1. */
int remap_keymap_find_layer(const RemapKeymap *keymap, const char *name, size_t length);

/**
 * remap_keymap_binding - what a key does in one layer, without looking at others
 * Returns: the binding, or NULL when there is none or it was cleared.
 */
const RemapBinding *remap_keymap_binding(const RemapKeymap *keymap, unsigned layer, uint16_t code);

#endif
