// SPDX-License-Identifier: GPL-3.0-or-later
/* Builds one binding of a keymap: what is left of the = names a key, a chord or a sequence.
 * Pure. */
#include "keys/remap/action-table.h"
#include "keys/remap/build.h"

#include <string.h>

static void
refuse_key(RemapBuild *build, RemapSlice name)
{
	RemapNearest nearest = { .name = name.text, .length = name.length };
	const RemapKeyIndex *found = remap_key_find(name.text, name.length);

	if (found && found->shifted) {
		remap_diag_add(build->diags, REMAP_ERROR, &name.place,
			       "\"%.*s\" is %s with Shift and no key; bind %s in [shift]",
			       (int)name.length, name.text, remap_key_name(found->code),
			       remap_key_name(found->code));
		return;
	}
	for (size_t i = 0; i < remap_key_index_count && build->diags->errors < HINTS_MAX; i++)
		remap_nearest_offer(&nearest, remap_key_index[i].name);
	for (size_t i = 0; i < REMAP_KEYS; i++)
		if (build->keymap->aliases[i])
			remap_nearest_offer(&nearest, build->keymap->aliases[i]);
	remap_diag_add(build->diags, REMAP_ERROR, &name.place, "no key or alias \"%.*s\"%s%s%s",
		       (int)name.length, name.text, nearest.best ? "; did you mean \"" : "",
		       nearest.best ? nearest.best : "", nearest.best ? "\"?" : "");
}

bool
remap_build_find_key(RemapBuild *build, RemapSlice name, uint16_t *code)
{
	const RemapKeyIndex *found = remap_key_find(name.text, name.length);

	for (size_t i = 0; !found && i < REMAP_KEYS; i++) {
		if (build->keymap->aliases[i] && remap_slice_is(name, build->keymap->aliases[i])) {
			remap_diag_add(build->diags, REMAP_ERROR, &name.place,
				       "\"%.*s\" is an alias; a key is needed here",
				       (int)name.length, name.text);
			return false;
		}
	}
	if (!found || found->shifted) {
		refuse_key(build, name);
		return false;
	}
	*code = found->code;
	return true;
}

/* "a+b" or, for sequences, "a b": the keys, each found. Returns their number, 0 after a diagnostic. */
static unsigned
parse_keys(RemapBuild *build, RemapSlice text, char separator, uint16_t *keys)
{
	unsigned count = 0;
	size_t start = 0;

	for (size_t at = 0; at <= text.length; at++) {
		if (at < text.length && text.text[at] != separator)
			continue;
		if (at > start) {
			if (count == REMAP_CHORD_KEYS_MAX) {
				remap_diag_add(build->diags, REMAP_ERROR, &text.place,
					       "more than %d keys", REMAP_CHORD_KEYS_MAX);
				return 0;
			}
			if (!remap_build_find_key(build, remap_slice_cut(text, start, at),
						  &keys[count]))
				return 0;
			count++;
		}
		start = at + 1;
	}
	return count;
}

static bool
is_same_set(const RemapChord *chord, const uint16_t *keys, unsigned count)
{
	unsigned shared = 0;

	for (unsigned i = 0; i < count; i++)
		for (unsigned j = 0; j < chord->count; j++)
			shared += chord->keys[j] == keys[i];
	return shared == count && chord->count == count;
}

static bool
check_chord_keys(RemapBuild *build, RemapSlice text, const uint16_t *keys, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (keys[i] != keys[j])
				continue;
			remap_diag_add(build->diags, REMAP_ERROR, &text.place,
				       "%s twice in one chord", remap_key_name(keys[i]));
			return false;
		}
	}
	if (count < 2)
		remap_diag_add(
			build->diags, REMAP_ERROR, &text.place,
			"a chord needs two keys; the key that types + is written =, in [shift]");
	return count >= 2;
}

static RemapChord *
find_chord(RemapBuild *build, unsigned layer, const uint16_t *keys, unsigned count, RemapSlice text)
{
	RemapKeymap *keymap = build->keymap;
	RemapChord *chord;

	for (size_t i = 0; i < keymap->chord_count; i++) {
		chord = &keymap->chords[i];
		if (chord->layer != layer || !is_same_set(chord, keys, count))
			continue;
		if (chord->action && chord->place.line)
			remap_diag_add(build->diags, REMAP_WARNING, &text.place,
				       "this chord replaces the one in line %u", chord->place.line);
		return chord;
	}
	if (keymap->chord_count == REMAP_CHORDS_MAX) {
		remap_diag_add(build->diags, REMAP_ERROR, &text.place, "more than %d chords",
			       REMAP_CHORDS_MAX);
		return NULL;
	}
	chord = REMAP_APPEND(keymap, chords, chord_count, chord_capacity);
	if (!chord) {
		build->out_of_memory = true;
		return NULL;
	}
	chord->keys = remap_arena_alloc(keymap, count * sizeof(*keys));
	if (!chord->keys) {
		keymap->chord_count--;
		build->out_of_memory = true;
		return NULL;
	}
	memcpy(chord->keys, keys, count * sizeof(*keys));
	chord->count = (uint16_t)count;
	chord->layer = (uint16_t)layer;
	return chord;
}

/* chord(action, timeout[, hold]) gives the chord its own times and is gone after that. */
static bool
set_chord(RemapBuild *build, unsigned layer, RemapSlice text, RemapAction action)
{
	uint16_t keys[REMAP_CHORD_KEYS_MAX];
	unsigned count = parse_keys(build, text, '+', keys);
	uint32_t index = action.op == REMAP_OP_CHORD ? action.a : 0;
	RemapChord *chord;

	if (count == 0 && text.length != strspn(text.text, "+"))
		return false;
	if (!check_chord_keys(build, text, keys, count))
		return false;
	chord = find_chord(build, layer, keys, count, text);
	if (!chord)
		return false;
	if (!index && action.op != REMAP_OP_NONE)
		index = remap_keymap_add_action(build->keymap, action);
	chord->timeout = action.op == REMAP_OP_CHORD ? action.b : REMAP_UNSET;
	chord->hold = action.op == REMAP_OP_CHORD ? action.c : REMAP_UNSET;
	chord->action = index;
	chord->place = text.place;
	build->out_of_memory |= !index && action.op != REMAP_OP_NONE;
	return !build->out_of_memory;
}

static bool
set_sequence(RemapBuild *build, unsigned layer, RemapSlice text, RemapAction action)
{
	RemapKeymap *keymap = build->keymap;
	uint16_t keys[REMAP_CHORD_KEYS_MAX];
	unsigned count = parse_keys(build, text, ' ', keys);
	RemapSequence *sequence;

	if (count == 0 || action.op == REMAP_OP_NONE) {
		if (count)
			remap_diag_add(build->diags, REMAP_ERROR, &text.place,
				       "a sequence without an action");
		return false;
	}
	sequence = REMAP_APPEND(keymap, sequences, sequence_count, sequence_capacity);
	if (sequence)
		*sequence = (RemapSequence){
			.layer = (uint16_t)layer,
			.count = (uint16_t)count,
			.keys = remap_arena_alloc(keymap, count * sizeof(*keys)),
			.action = remap_keymap_add_action(keymap, action),
			.place = text.place,
		};
	if (!sequence || !sequence->keys || !sequence->action) {
		keymap->sequence_count -= sequence != NULL;
		build->out_of_memory = true;
		return false;
	}
	memcpy(sequence->keys, keys, count * sizeof(*keys));
	return true;
}

static bool
set_key(RemapBuild *build, unsigned layer, RemapSlice name, RemapAction action)
{
	RemapKeymap *keymap = build->keymap;
	RemapBinding binding = { .layer = (uint16_t)layer, .place = name.place };
	bool is_alias = false;

	if (action.op != REMAP_OP_NONE) {
		binding.action = remap_keymap_add_action(keymap, action);
		if (!binding.action) {
			build->out_of_memory = true;
			return false;
		}
	}
	for (unsigned code = 0; code < REMAP_KEYS; code++) {
		if (!keymap->aliases[code] || !remap_slice_is(name, keymap->aliases[code]))
			continue;
		is_alias = true;
		binding.code = (uint16_t)code;
		build->out_of_memory |= remap_keymap_set(keymap, binding) < 0;
	}
	if (is_alias)
		return !build->out_of_memory;
	if (!remap_build_find_key(build, name, &binding.code))
		return false;
	build->out_of_memory |= remap_keymap_set(keymap, binding) < 0;
	return !build->out_of_memory;
}

bool
remap_build_entry(RemapBuild *build, unsigned layer, RemapSlice key, RemapSlice value)
{
	bool is_chord = key.length && memchr(key.text, '+', key.length);
	RemapAction action;

	if (!remap_build_action(build, value, &action))
		return false;
	if (build->keymap->layers[layer].kind == REMAP_LAYER_LEADER && action.op != REMAP_OP_CHORD)
		return set_sequence(build, layer, key, action);
	if (is_chord)
		return set_chord(build, layer, key, action);
	if (action.op == REMAP_OP_CHORD) {
		remap_diag_add(build->diags, REMAP_ERROR, &value.place,
			       "chord() is for chords: a+b = chord(...)");
		return false;
	}
	return set_key(build, layer, key, action);
}
