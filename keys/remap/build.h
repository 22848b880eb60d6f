// SPDX-License-Identifier: GPL-3.0-or-later
/* Inside the loader: how the parts of a keymap are put together. Not for users of the library.
 * Pure. */
#ifndef REMAP_BUILD_H
#define REMAP_BUILD_H

#include "keys/remap/keymap.h"

/* Errors that still get a "did you mean": looking through all names takes time. */
enum { HINTS_MAX = 20 };

/* A slice of the text with its place. */
typedef struct RemapSlice {
	const char *text;
	size_t length;
	RemapPlace place; /* of the first byte */
} RemapSlice;

/* One load or bind under way. */
typedef struct RemapBuild {
	RemapKeymap *keymap;
	RemapDiags *diags;
	const RemapSource *source;
	unsigned depth;
	bool out_of_memory;
} RemapBuild;

void *remap_arena_alloc(RemapKeymap *keymap, size_t size);
char *remap_arena_text(RemapKeymap *keymap, const char *text, size_t length);

/* Grows one of the keymap's lists by a zeroed element; NULL when out of memory. */
#define REMAP_APPEND(keymap, list, count, capacity)                                              \
	((void *)(remap_grow((void **)&(keymap)->list, sizeof(*(keymap)->list), (keymap)->count, \
			     &(keymap)->capacity)                                                \
			  ? &(keymap)->list[(keymap)->count++]                                   \
			  : NULL))
bool remap_grow(void **list, size_t size, size_t count, size_t *capacity);

/* keymap.c */
RemapKeymap *remap_keymap_new(void);
int remap_keymap_index(RemapKeymap *keymap);
int remap_keymap_set(RemapKeymap *keymap, RemapBinding binding);
uint32_t remap_keymap_add_action(RemapKeymap *keymap, RemapAction action); /* 0: out of memory */

/* action-expr.c: an action from its text. Returns false after a diagnostic. */
bool remap_build_action(RemapBuild *build, RemapSlice text, RemapAction *action);
bool remap_build_timeout(RemapBuild *build, RemapSlice text, uint32_t max, uint32_t *value);
RemapPlace remap_slice_place(RemapSlice slice, size_t offset);
RemapSlice remap_slice_cut(RemapSlice slice, size_t from, size_t to);
RemapSlice remap_slice_trim(RemapSlice slice);
bool remap_slice_is(RemapSlice slice, const char *word);

/* macro-text.c: "macro(...)", a single character or "[mods-]key" as a macro. */
bool remap_is_macro(RemapSlice text);
bool remap_build_macro(RemapBuild *build, RemapSlice text, uint32_t *macro);
char *remap_unescape(RemapKeymap *keymap, RemapSlice text);
size_t remap_utf8_next(const char *text, size_t length, uint32_t *character); /* 0: not UTF-8 */

/* keymap-layers.c */
void remap_build_builtin_layers(RemapBuild *build);
/* The layer of a section's header, "name" or "name:type". */
void remap_build_layer(RemapBuild *build, RemapSlice header);
void remap_split_header(RemapSlice header, RemapSlice *name, RemapSlice *type);
/* When all layers are there: what composites are made of. */
void remap_build_composites(RemapBuild *build);
/* The number of an action that activates a layer is the layer's, plus 1: see keymap.h. */
void remap_build_layer_actions(RemapBuild *build);

/* keymap-binding.c; false after a diagnostic. */
bool remap_build_find_key(RemapBuild *build, RemapSlice name, uint16_t *code);
bool remap_build_entry(RemapBuild *build, unsigned layer, RemapSlice key, RemapSlice value);

#endif
