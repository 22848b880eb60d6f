// SPDX-License-Identifier: GPL-3.0-or-later
/* The keymap's memory: lists that grow while loading, the index that the machine reads, device ids.
 * Pure. */
#include "keys/remap/keymap.h"

#include "keys/remap/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct Block {
	struct Block *next;
	size_t used, size;
	char bytes[];
} Block;

struct RemapArena {
	Block *blocks;
};

enum { BLOCK_SIZE = 4096, ALIGN = 8 };

void *
remap_arena_alloc(RemapKeymap *keymap, size_t size)
{
	RemapArena *arena = keymap->arena;
	Block *block = arena->blocks;
	size_t need = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);

	if (!block || block->size - block->used < need) {
		size_t room = need > BLOCK_SIZE ? need : BLOCK_SIZE;

		block = malloc(sizeof(*block) + room);
		if (!block)
			return NULL;
		*block = (Block){ .next = arena->blocks, .size = room };
		arena->blocks = block;
	}
	block->used += need;
	return block->bytes + block->used - need;
}

char *
remap_arena_text(RemapKeymap *keymap, const char *text, size_t length)
{
	char *copy = remap_arena_alloc(keymap, length + 1);

	if (!copy)
		return NULL;
	if (length)
		memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

bool
remap_grow(void **list, size_t size, size_t count, size_t *capacity)
{
	size_t wanted = *capacity ? *capacity * 2 : 8;
	void *grown;

	if (count == *capacity) {
		grown = reallocarray(*list, wanted, size);
		if (!grown)
			return false;
		*list = grown;
		*capacity = wanted;
	}
	memset((char *)*list + count * size, 0, size);
	return true;
}

RemapKeymap *
remap_keymap_new(void)
{
	RemapKeymap *keymap = calloc(1, sizeof(*keymap));
	RemapAction *none;

	if (!keymap)
		return NULL;
	keymap->arena = calloc(1, sizeof(*keymap->arena));
	none = REMAP_APPEND(keymap, actions, action_count, action_capacity);
	if (!keymap->arena || !none) {
		remap_keymap_free(keymap);
		return NULL;
	}
	keymap->global = (RemapGlobal){
		.macro_timeout = 600,
		.macro_repeat_timeout = 50,
		.chord_timeout = 50,
		.capsword_timeout = 5000,
		.leader_timeout = 1000,
	};
	return keymap;
}

void
remap_keymap_free(RemapKeymap *keymap)
{
	if (!keymap)
		return;
	for (Block *block = keymap->arena ? keymap->arena->blocks : NULL; block;) {
		Block *next = block->next;

		free(block);
		block = next;
	}
	free(keymap->arena);
	free(keymap->layers);
	free(keymap->actions);
	free(keymap->variants);
	free(keymap->entries);
	free(keymap->macros);
	free(keymap->commands);
	free(keymap->bindings);
	free(keymap->chords);
	free(keymap->sequences);
	free(keymap->ids);
	free(keymap->rows);
	free(keymap->chord_rows);
	free(keymap->original);
	free(keymap->original_chords);
	free(keymap);
}

uint32_t
remap_keymap_add_action(RemapKeymap *keymap, RemapAction action)
{
	RemapAction *slot = REMAP_APPEND(keymap, actions, action_count, action_capacity);

	if (!slot)
		return 0;
	*slot = action;
	return (uint32_t)(keymap->action_count - 1);
}

int
remap_keymap_set(RemapKeymap *keymap, RemapBinding binding)
{
	RemapBinding *slot;

	for (uint32_t at = keymap->first[binding.code]; at; at = slot->next) {
		slot = &keymap->bindings[at - 1];
		if (slot->layer != binding.layer)
			continue;
		binding.next = slot->next;
		*slot = binding;
		return 0;
	}
	slot = REMAP_APPEND(keymap, bindings, binding_count, binding_capacity);
	if (!slot)
		return -ENOMEM;
	*slot = binding;
	slot->next = keymap->first[binding.code];
	keymap->first[binding.code] = (uint32_t)keymap->binding_count;
	return 0;
}

/* Insertion sort by layer: a key has few bindings, and they mostly come in order. */
static void
sort_rows(RemapRow *rows, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		RemapRow row = rows[i];
		size_t j = i;

		for (; j > 0 && rows[j - 1].layer > row.layer; j--)
			rows[j] = rows[j - 1];
		rows[j] = row;
	}
}

static int
index_rows(RemapKeymap *keymap)
{
	RemapRow *rows = calloc(keymap->binding_count + 1, sizeof(*rows));
	size_t count = 0;

	if (!rows)
		return -ENOMEM;
	for (unsigned code = 0; code < REMAP_KEYS; code++) {
		size_t start = count;

		keymap->row_of[code] = (uint32_t)start;
		for (uint32_t at = keymap->first[code]; at; at = keymap->bindings[at - 1].next) {
			const RemapBinding *binding = &keymap->bindings[at - 1];
			const RemapLayer *layer = &keymap->layers[binding->layer];

			if (binding->action)
				rows[count++] = (RemapRow){
					.layer = binding->layer,
					.composite = (uint8_t)layer->part_count,
					.action = binding->action,
				};
		}
		sort_rows(rows + start, count - start);
	}
	keymap->row_of[REMAP_KEYS] = (uint32_t)count;
	free(keymap->rows);
	keymap->rows = rows;
	return 0;
}

static bool
chord_has(const RemapChord *chord, unsigned code)
{
	for (unsigned i = 0; i < chord->count; i++)
		if (chord->keys[i] == code)
			return true;
	return false;
}

static int
index_chords(RemapKeymap *keymap)
{
	uint32_t *row_of = keymap->chord_row_of;
	size_t total = 0, at = 0;
	uint16_t *rows;

	for (size_t i = 0; i < keymap->chord_count; i++)
		total += keymap->chords[i].count;
	rows = calloc(total + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	memset(row_of, 0, sizeof(keymap->chord_row_of));
	for (unsigned code = 0; total && code < REMAP_KEYS; code++) {
		row_of[code] = (uint32_t)at;
		for (size_t i = 0; i < keymap->chord_count; i++)
			if (keymap->chords[i].action && chord_has(&keymap->chords[i], code))
				rows[at++] = (uint16_t)i;
	}
	row_of[REMAP_KEYS] = (uint32_t)at;
	free(keymap->chord_rows);
	keymap->chord_rows = rows;
	return 0;
}

int
remap_keymap_index(RemapKeymap *keymap)
{
	int result = index_rows(keymap);

	return result < 0 ? result : index_chords(keymap);
}

int
remap_keymap_find_layer(const RemapKeymap *keymap, const char *name, size_t length)
{
	for (size_t i = 0; i < keymap->layer_count; i++) {
		const char *other = keymap->layers[i].name;

		if (strncmp(other, name, length) == 0 && other[length] == '\0')
			return (int)i;
	}
	return -1;
}

const RemapBinding *
remap_keymap_binding(const RemapKeymap *keymap, unsigned layer, uint16_t code)
{
	for (uint32_t at = keymap->first[code]; at; at = keymap->bindings[at - 1].next)
		if (keymap->bindings[at - 1].layer == layer)
			return keymap->bindings[at - 1].action ? &keymap->bindings[at - 1] : NULL;
	return NULL;
}

int
remap_keymap_match(const RemapKeymap *keymap, const char *id, unsigned kind)
{
	bool is_named = false;

	for (size_t i = 0; i < keymap->id_count; i++) {
		const RemapId *entry = &keymap->ids[i];

		if (strncmp(id, entry->text, strlen(entry->text)) != 0)
			continue;
		if (entry->flags & REMAP_ID_EXCLUDE)
			return 0;
		if (entry->flags & kind)
			is_named = true;
	}
	if (is_named)
		return 2;
	return keymap->wildcard && (kind & REMAP_ID_KEYBOARD) ? 1 : 0;
}

static int
keep_original(RemapKeymap *keymap)
{
	if (keymap->original)
		return 0;
	keymap->original = calloc(keymap->binding_count + 1, sizeof(*keymap->original));
	keymap->original_chords = calloc(keymap->chord_count + 1, sizeof(*keymap->original_chords));
	if (!keymap->original || !keymap->original_chords) {
		free(keymap->original);
		free(keymap->original_chords);
		keymap->original = NULL;
		keymap->original_chords = NULL;
		return -ENOMEM;
	}
	if (keymap->binding_count)
		memcpy(keymap->original, keymap->bindings,
		       keymap->binding_count * sizeof(*keymap->original));
	if (keymap->chord_count)
		memcpy(keymap->original_chords, keymap->chords,
		       keymap->chord_count * sizeof(*keymap->chords));
	keymap->original_count = keymap->binding_count;
	keymap->original_chord_count = keymap->chord_count;
	return 0;
}

/* Chords stay in their slots, so that one that is held keeps its number; later ones only lose their action. */
static int
reset(RemapKeymap *keymap)
{
	if (!keymap->original)
		return 0;
	for (size_t i = 0; i < keymap->binding_count; i++)
		keymap->bindings[i].action =
			i < keymap->original_count ? keymap->original[i].action : 0;
	for (size_t i = 0; i < keymap->chord_count; i++) {
		if (i < keymap->original_chord_count)
			keymap->chords[i] = keymap->original_chords[i];
		else
			keymap->chords[i].action = 0;
	}
	return remap_keymap_index(keymap);
}

/* "[layer.]key = value": the first '.' before any '(' ends the layer's name, unless it comes first. */
static int
split_layer(RemapBuild *build, RemapSlice *text)
{
	const char *dot = memchr(text->text, '.', text->length);
	const char *paren = memchr(text->text, '(', text->length);
	size_t at = dot ? (size_t)(dot - text->text) : 0;
	int layer = 0;

	if (!dot || at == 0 || (paren && paren < dot))
		return 0;
	layer = remap_keymap_find_layer(build->keymap, text->text, at);
	if (layer < 0)
		remap_diag_add(build->diags, REMAP_ERROR, &text->place, "no layer \"%.*s\"",
			       (int)at, text->text);
	*text = remap_slice_cut(*text, at + 1, text->length);
	return layer;
}

static int
bind_line(RemapBuild *build, RemapSlice line)
{
	RemapKeymap *keymap = build->keymap;
	int layer = split_layer(build, &line);
	const char *equals;
	size_t at;

	if (layer < 0)
		return -EINVAL;
	equals = line.length > 1 ? memchr(line.text + 1, '=', line.length - 1) : NULL;
	if (!equals) {
		remap_diag_add(build->diags, REMAP_ERROR, &line.place,
			       "expected [layer.]key = action");
		return -EINVAL;
	}
	at = (size_t)(equals - line.text);
	if (!remap_build_entry(build, (unsigned)layer,
			       remap_slice_trim(remap_slice_cut(line, 0, at)),
			       remap_slice_trim(remap_slice_cut(line, at + 1, line.length))))
		return build->out_of_memory ? -ENOMEM : -EINVAL;
	return remap_keymap_index(keymap);
}

int
remap_keymap_bind(RemapKeymap *keymap, const char *text, RemapDiags *diags)
{
	RemapSource source = { .name = "bind" };
	RemapDiags own = { 0 };
	RemapBuild build = { .keymap = keymap, .diags = diags ? diags : &own, .source = &source };
	RemapSlice line = { .text = text, .length = strlen(text), .place = { "bind", 1, 1 } };
	int result;

	line = remap_slice_trim(line);
	if (line.length == 5 && memcmp(line.text, "reset", 5) == 0)
		return reset(keymap);
	if (keep_original(keymap) < 0)
		return -ENOMEM;
	result = bind_line(&build, line);
	remap_diags_clear(&own);
	return result;
}
