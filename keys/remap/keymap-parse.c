// SPDX-License-Identifier: GPL-3.0-or-later
/* Builds a keymap from the items of a configuration: first every layer, then options and names, then the
 * bindings in the order of the file, so that layers may be named before they are described.
 * Pure. */
#include "keys/remap/action-table.h"
#include "keys/remap/build.h"
#include "keys/remap/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct Items {
	RemapItem *list;
	size_t count, capacity;
} Items;

/* The built-in layers, in this order from index 1, and the keys that hold them in main. */
static const struct {
	const char *name;
	uint8_t mods;
	uint16_t left, right; /* 0: the modifier has one side only */
} builtins[] = {
	{ "control", REMAP_MOD_CTRL, 29, 97 }, { "shift", REMAP_MOD_SHIFT, 42, 54 },
	{ "meta", REMAP_MOD_META, 125, 126 },  { "alt", REMAP_MOD_ALT, 56, 0 },
	{ "altgr", REMAP_MOD_ALTGR, 100, 0 },
};

static const char left_hand[] = "` 1 2 3 4 5 q w e r t a s d f g z x c v b tab capslock esc 102nd";
static const char right_hand[] =
	"6 7 8 9 0 - = y u i o p [ ] h j k l ; ' \\ n m , . / enter backspace";

static bool
is_word(RemapSlice text, const char *word)
{
	return text.length == strlen(word) && memcmp(text.text, word, text.length) == 0;
}

static RemapLayer *
add_layer(RemapBuild *build, RemapSlice name)
{
	RemapKeymap *keymap = build->keymap;
	RemapLayer *layer;

	if (keymap->layer_count == REMAP_LAYERS_MAX) {
		remap_diag_add(build->diags, REMAP_ERROR, &name.place, "more than %d layers",
			       REMAP_LAYERS_MAX);
		return NULL;
	}
	layer = REMAP_APPEND(keymap, layers, layer_count, layer_capacity);
	if (layer)
		layer->name = remap_arena_text(keymap, name.text, name.length);
	if (layer && layer->name) {
		layer->place = name.place;
		return layer;
	}
	build->out_of_memory = true;
	return NULL;
}

static void
add_builtin_layers(RemapBuild *build)
{
	RemapLayer *layer = add_layer(build, (RemapSlice){ .text = "main", .length = 4 });

	if (!layer)
		return;
	layer->builtin = true;
	layer->kind = REMAP_LAYER_LAYOUT;
	for (size_t i = 0; i < sizeof(builtins) / sizeof(*builtins); i++) {
		const char *name = builtins[i].name;

		layer = add_layer(build, (RemapSlice){ .text = name, .length = strlen(name) });
		if (!layer)
			return;
		layer->builtin = true;
		layer->mods = builtins[i].mods;
	}
}

static void
bind_builtin(RemapBuild *build, uint16_t code, unsigned layer, uint8_t right)
{
	RemapKeymap *keymap = build->keymap;
	RemapAction action = { .op = REMAP_OP_LAYER, .code = (uint16_t)layer, .mods = right };
	uint32_t index = remap_keymap_add_action(keymap, action);

	keymap->aliases[code] = keymap->layers[layer].name;
	if (!index ||
	    remap_keymap_set(keymap,
			     (RemapBinding){ .code = code, .action = index, .builtin = true }) < 0)
		build->out_of_memory = true;
}

/* The number of an action that activates a layer is the layer's, plus 1: see keymap.h. */
static void
add_layer_actions(RemapBuild *build)
{
	RemapKeymap *keymap = build->keymap;

	for (size_t i = 0; i < keymap->layer_count; i++) {
		RemapAction action = { .op = REMAP_OP_LAYER, .code = (uint16_t)i };

		build->out_of_memory |= remap_keymap_add_action(keymap, action) == 0;
	}
	if (build->out_of_memory)
		return;
	for (unsigned i = 0; i < sizeof(builtins) / sizeof(*builtins); i++) {
		bind_builtin(build, builtins[i].left, i + 1, 0);
		if (builtins[i].right)
			bind_builtin(build, builtins[i].right, i + 1, builtins[i].mods);
	}
	/* Right Alt is AltGr: its layer has the modifier of its own. */
}

static bool
is_special(RemapSlice section)
{
	return is_word(section, "ids") || is_word(section, "aliases") || is_word(section, "global");
}

static void
split_header(RemapSlice header, RemapSlice *name, RemapSlice *type)
{
	const char *colon = memchr(header.text, ':', header.length);
	size_t at = colon ? (size_t)(colon - header.text) : header.length;

	*name = remap_slice_cut(header, 0, at);
	*type = remap_slice_cut(header, colon ? at + 1 : at, header.length);
}

static bool
parse_type(RemapBuild *build, RemapSlice type, RemapLayerKind *kind, uint8_t *mods)
{
	RemapNearest nearest = { .name = type.text, .length = type.length };

	*kind = REMAP_LAYER_NORMAL;
	*mods = 0;
	if (type.length == 0)
		return true;
	if (is_word(type, "layout")) {
		*kind = REMAP_LAYER_LAYOUT;
		return true;
	}
	if (is_word(type, "leader")) {
		*kind = REMAP_LAYER_LEADER;
		return true;
	}
	if (remap_mods_parse(type.text, type.length, mods))
		return true;
	remap_nearest_offer(&nearest, "layout");
	remap_nearest_offer(&nearest, "leader");
	remap_diag_add(
		build->diags, REMAP_ERROR, &type.place,
		"\"%.*s\" is no layer type; expected modifiers (C-M-A-S-G), layout or leader%s%s%s",
		(int)type.length, type.text, nearest.best ? "; did you mean \"" : "",
		nearest.best ? nearest.best : "", nearest.best ? "\"?" : "");
	return false;
}

static void
declare_layer(RemapBuild *build, RemapSlice header)
{
	RemapKeymap *keymap = build->keymap;
	RemapSlice name, type;
	RemapLayerKind kind;
	RemapLayer *layer;
	uint8_t mods;
	int known;

	split_header(header, &name, &type);
	if (name.length == 0) {
		remap_diag_add(build->diags, REMAP_ERROR, &header.place,
			       "a section without a name");
		return;
	}
	if (!parse_type(build, type, &kind, &mods))
		return;
	known = remap_keymap_find_layer(keymap, name.text, name.length);
	if (known >= 0) {
		layer = &keymap->layers[known];
		if (type.length && (layer->kind != kind || layer->mods != mods))
			remap_diag_add(build->diags, REMAP_WARNING, &type.place,
				       "the layer \"%s\" has a type already; \"%.*s\" is ignored",
				       layer->name, (int)type.length, type.text);
		return;
	}
	if (memchr(name.text, '+', name.length)) {
		if (type.length) {
			remap_diag_add(build->diags, REMAP_ERROR, &type.place,
				       "a composite layer has no type");
			return;
		}
		kind = REMAP_LAYER_COMPOSITE;
	}
	layer = add_layer(build, name);
	if (!layer)
		return;
	layer->kind = kind;
	layer->mods = mods;
}

static bool
add_part(RemapBuild *build, RemapLayer *whole, RemapSlice name)
{
	RemapKeymap *keymap = build->keymap;
	RemapNearest nearest = { .name = name.text, .length = name.length };
	int part = remap_keymap_find_layer(keymap, name.text, name.length);

	for (size_t i = 0; part < 0 && i < keymap->layer_count; i++)
		remap_nearest_offer(&nearest, keymap->layers[i].name);
	if (part < 0) {
		remap_diag_add(build->diags, REMAP_ERROR, &name.place, "no layer \"%.*s\"%s%s%s",
			       (int)name.length, name.text, nearest.best ? "; did you mean \"" : "",
			       nearest.best ? nearest.best : "", nearest.best ? "\"?" : "");
		return false;
	}
	for (unsigned i = 0; i < whole->part_count; i++)
		if (whole->parts[i] == part)
			return true;
	if (whole->part_count == REMAP_PARTS_MAX) {
		remap_diag_add(build->diags, REMAP_ERROR, &name.place, "more than %d parts",
			       REMAP_PARTS_MAX);
		return false;
	}
	whole->parts[whole->part_count++] = (uint16_t)part;
	return true;
}

static void
find_parts(RemapBuild *build, RemapLayer *whole)
{
	RemapSlice name = { whole->name, strlen(whole->name), whole->place };
	size_t start = 0;

	whole->parts = remap_arena_alloc(build->keymap, REMAP_PARTS_MAX * sizeof(*whole->parts));
	if (!whole->parts) {
		build->out_of_memory = true;
		return;
	}
	for (size_t at = 0; at <= name.length; at++) {
		if (at < name.length && name.text[at] != '+')
			continue;
		if (at > start && !add_part(build, whole, remap_slice_cut(name, start, at)))
			return;
		start = at + 1;
	}
	if (whole->part_count < 2)
		remap_diag_add(build->diags, REMAP_ERROR, &name.place,
			       "a composite layer needs two layers");
}

static void
find_wholes(RemapBuild *build)
{
	RemapKeymap *keymap = build->keymap;

	for (size_t i = 0; i < keymap->layer_count; i++)
		for (unsigned p = 0; p < keymap->layers[i].part_count; p++)
			keymap->layers[keymap->layers[i].parts[p]].whole_count++;
	for (size_t i = 0; i < keymap->layer_count; i++) {
		RemapLayer *layer = &keymap->layers[i];

		layer->wholes =
			remap_arena_alloc(keymap, layer->whole_count * sizeof(*layer->wholes));
		build->out_of_memory |= !layer->wholes;
		layer->whole_count = 0;
	}
	if (build->out_of_memory)
		return;
	for (size_t i = 0; i < keymap->layer_count; i++) {
		for (unsigned p = 0; p < keymap->layers[i].part_count; p++) {
			RemapLayer *part = &keymap->layers[keymap->layers[i].parts[p]];

			part->wholes[part->whole_count++] = (uint16_t)i;
		}
	}
}

static void
parse_id(RemapBuild *build, const RemapItem *item)
{
	RemapKeymap *keymap = build->keymap;
	RemapSlice text = item->key;
	unsigned flags = REMAP_ID_KEYBOARD | REMAP_ID_MOUSE | REMAP_ID_OTHER;
	unsigned colons = 0;
	RemapId *id;
	char *copy;

	if (is_word(text, "*") && !item->has_value) {
		keymap->wildcard = true;
		return;
	}
	if (text.length > 2 && text.text[1] == ':' &&
	    (text.text[0] == 'm' || text.text[0] == 'k')) {
		flags = text.text[0] == 'm' ? REMAP_ID_MOUSE : REMAP_ID_KEYBOARD | REMAP_ID_OTHER;
		text = remap_slice_cut(text, 2, text.length);
	} else if (text.length > 1 && text.text[0] == '-') {
		flags = REMAP_ID_EXCLUDE;
		text = remap_slice_cut(text, 1, text.length);
	}
	copy = remap_arena_text(keymap, text.text, text.length);
	for (char *c = copy; c && *c; c++) {
		if (*c >= 'A' && *c <= 'F')
			*c = (char)(*c - 'A' + 'a');
		colons += *c == ':';
	}
	if (item->has_value || !copy || strspn(copy, "0123456789abcdef:") != text.length ||
	    colons < 1 || colons > 2) {
		remap_diag_add(build->diags, REMAP_ERROR, &item->key.place,
			       "\"%.*s\" is no device; expected *, vendor:product[:hash], -..., "
			       "k:... or m:...",
			       (int)item->key.length, item->key.text);
		return;
	}
	id = REMAP_APPEND(keymap, ids, id_count, id_capacity);
	if (id)
		*id = (RemapId){ .flags = flags, .text = copy };
	build->out_of_memory |= !id;
}

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

static bool
find_key(RemapBuild *build, RemapSlice name, uint16_t *code)
{
	const RemapKeyIndex *found = remap_key_find(name.text, name.length);

	for (size_t i = 0; !found && i < REMAP_KEYS; i++) {
		if (build->keymap->aliases[i] && is_word(name, build->keymap->aliases[i])) {
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

static void
parse_alias(RemapBuild *build, const RemapItem *item)
{
	RemapKeymap *keymap = build->keymap;
	const RemapKeyIndex *target;
	uint16_t code;

	if (!item->has_value || item->value.length == 0) {
		remap_diag_add(build->diags, REMAP_ERROR, &item->key.place, "expected key = name");
		return;
	}
	if (!find_key(build, item->key, &code))
		return;
	keymap->aliases[code] = remap_arena_text(keymap, item->value.text, item->value.length);
	target = remap_key_find(item->value.text, item->value.length);
	if (target && !target->shifted) {
		RemapBinding binding = { .code = code, .place = item->key.place };
		RemapAction action;

		if (!remap_build_action(build, item->value, &action))
			return;
		binding.action = remap_keymap_add_action(keymap, action);
		if (!binding.action || remap_keymap_set(keymap, binding) < 0)
			build->out_of_memory = true;
	}
}

static void
set_hand(RemapBuild *build, RemapSlice keys, uint8_t hand)
{
	size_t start = 0;

	for (size_t at = 0; at <= keys.length; at++) {
		uint16_t code;

		if (at < keys.length && keys.text[at] != ' ')
			continue;
		if (at > start && find_key(build, remap_slice_cut(keys, start, at), &code))
			build->keymap->hands[code] = hand;
		start = at + 1;
	}
}

static void
set_default_hands(RemapBuild *build)
{
	set_hand(build, (RemapSlice){ .text = left_hand, .length = sizeof(left_hand) - 1 },
		 REMAP_HAND_LEFT);
	set_hand(build, (RemapSlice){ .text = right_hand, .length = sizeof(right_hand) - 1 },
		 REMAP_HAND_RIGHT);
}

/* Options that are numbers: their place in RemapGlobal and their bound. */
static const struct {
	const char *name;
	size_t offset;
	uint32_t max;
} options[] = {
#define OPTION(name, member, max)                        \
	{                                                \
		name, offsetof(RemapGlobal, member), max \
	}
	OPTION("macro_timeout", macro_timeout, REMAP_TIMEOUT_MAX),
	OPTION("macro_repeat_timeout", macro_repeat_timeout, REMAP_TIMEOUT_MAX),
	OPTION("macro_sequence_timeout", macro_sequence_timeout_us, 1000000),
	OPTION("chord_timeout", chord_timeout, REMAP_TIMEOUT_MAX),
	OPTION("chord_hold_timeout", chord_hold_timeout, REMAP_TIMEOUT_MAX),
	OPTION("oneshot_timeout", oneshot_timeout, REMAP_TIMEOUT_MAX),
	OPTION("overload_tap_timeout", overload_tap_timeout, REMAP_TIMEOUT_MAX),
	OPTION("layer_indicator", layer_indicator, 1),
	OPTION("disable_modifier_guard", disable_modifier_guard, 1),
	OPTION("tap_repeat_timeout", tap_repeat_timeout, REMAP_TIMEOUT_MAX),
	OPTION("oneshot_lock_timeout", oneshot_lock_timeout, REMAP_TIMEOUT_MAX),
	OPTION("capsword_timeout", capsword_timeout, REMAP_TIMEOUT_MAX),
	OPTION("leader_timeout", leader_timeout, REMAP_TIMEOUT_MAX),
#undef OPTION
};

static const char *const other_options[] = { "default_layout", "unicode", "left_hand", "right_hand",
					     "no_hand" };

static void
refuse_option(RemapBuild *build, RemapSlice name)
{
	RemapNearest nearest = { .name = name.text, .length = name.length };

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		remap_nearest_offer(&nearest, options[i].name);
	for (size_t i = 0; i < sizeof(other_options) / sizeof(*other_options); i++)
		remap_nearest_offer(&nearest, other_options[i]);
	remap_diag_add(build->diags, REMAP_ERROR, &name.place, "no global option \"%.*s\"%s%s%s",
		       (int)name.length, name.text, nearest.best ? "; did you mean \"" : "",
		       nearest.best ? nearest.best : "", nearest.best ? "\"?" : "");
}

static void
set_default_layout(RemapBuild *build, RemapSlice name)
{
	int layer = remap_keymap_find_layer(build->keymap, name.text, name.length);

	if (layer >= 0 && build->keymap->layers[layer].kind == REMAP_LAYER_LAYOUT)
		build->keymap->global.default_layout = (uint32_t)layer;
	else
		remap_diag_add(build->diags, REMAP_ERROR, &name.place, "no layout \"%.*s\"",
			       (int)name.length, name.text);
}

static void
set_unicode(RemapBuild *build, RemapSlice name)
{
	static const char *const names[] = { "ibus", "compose", "none" };

	for (uint32_t i = 0; i < 3; i++) {
		if (is_word(name, names[i])) {
			build->keymap->global.unicode = i;
			return;
		}
	}
	remap_diag_add(build->diags, REMAP_ERROR, &name.place, "expected ibus, compose or none");
}

static bool
set_other_option(RemapBuild *build, const RemapItem *item)
{
	if (is_word(item->key, "default_layout"))
		set_default_layout(build, item->value);
	else if (is_word(item->key, "unicode"))
		set_unicode(build, item->value);
	else if (is_word(item->key, "left_hand"))
		set_hand(build, item->value, REMAP_HAND_LEFT);
	else if (is_word(item->key, "right_hand"))
		set_hand(build, item->value, REMAP_HAND_RIGHT);
	else if (is_word(item->key, "no_hand"))
		set_hand(build, item->value, REMAP_HAND_NONE);
	else
		return false;
	return true;
}

static void
parse_option(RemapBuild *build, const RemapItem *item)
{
	if (!item->has_value) {
		remap_diag_add(build->diags, REMAP_ERROR, &item->key.place,
			       "expected option = value");
		return;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		uint32_t *value = (void *)((char *)&build->keymap->global + options[i].offset);

		if (is_word(item->key, options[i].name)) {
			remap_build_timeout(build, item->value, options[i].max, value);
			return;
		}
	}
	if (!set_other_option(build, item))
		refuse_option(build, item->key);
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
			if (!find_key(build, remap_slice_cut(text, start, at), &keys[count]))
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
		if (!keymap->aliases[code] || !is_word(name, keymap->aliases[code]))
			continue;
		is_alias = true;
		binding.code = (uint16_t)code;
		build->out_of_memory |= remap_keymap_set(keymap, binding) < 0;
	}
	if (is_alias)
		return !build->out_of_memory;
	if (!find_key(build, name, &binding.code))
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

static void
keep_item(RemapBuild *build, const RemapItem *item, void *data)
{
	Items *items = data;

	if (!remap_grow((void **)&items->list, sizeof(*items->list), items->count,
			&items->capacity))
		build->out_of_memory = true;
	else
		items->list[items->count++] = *item;
}

static void
declare_layers(RemapBuild *build, const Items *items)
{
	add_builtin_layers(build);
	for (size_t i = 0; i < items->count && !build->out_of_memory; i++)
		if (items->list[i].is_section && !is_special(items->list[i].key))
			declare_layer(build, items->list[i].key);
	for (size_t i = 0; i < build->keymap->layer_count && !build->out_of_memory; i++)
		if (build->keymap->layers[i].kind == REMAP_LAYER_COMPOSITE)
			find_parts(build, &build->keymap->layers[i]);
	find_wholes(build);
}

static void
read_special(RemapBuild *build, const Items *items)
{
	RemapSlice section = { .text = "" };

	for (size_t i = 0; i < items->count && !build->out_of_memory; i++) {
		const RemapItem *item = &items->list[i];

		if (item->is_section)
			section = item->key;
		else if (item->section == 0)
			remap_diag_add(build->diags, REMAP_ERROR, &item->key.place,
				       "expected a section such as [main] first");
		else if (is_word(section, "ids"))
			parse_id(build, item);
		else if (is_word(section, "aliases"))
			parse_alias(build, item);
		else if (is_word(section, "global"))
			parse_option(build, item);
	}
}

static void
read_bindings(RemapBuild *build, const Items *items)
{
	RemapSlice section = { .text = "" }, name, type;
	int layer = -1;

	for (size_t i = 0; i < items->count && !build->out_of_memory; i++) {
		const RemapItem *item = &items->list[i];

		if (item->is_section) {
			section = item->key;
			split_header(section, &name, &type);
			layer = is_special(section)
					? -1
					: remap_keymap_find_layer(build->keymap, name.text,
								  name.length);
		} else if (layer >= 0 && !item->has_value) {
			remap_diag_add(build->diags, REMAP_ERROR, &item->key.place,
				       "expected key = action");
		} else if (layer >= 0) {
			remap_build_entry(build, (unsigned)layer, item->key, item->value);
		}
	}
}

RemapKeymap *
remap_keymap_load(const RemapSource *source, RemapDiags *diags)
{
	RemapBuild build = { .keymap = remap_keymap_new(), .diags = diags, .source = source };
	size_t errors_before = diags ? diags->errors : 0;
	RemapDiags own = { 0 };
	Items items = { 0 };

	if (!build.keymap)
		return NULL;
	if (!diags)
		build.diags = &own;
	if (remap_reader_run(&build, keep_item, &items) == 0)
		declare_layers(&build, &items);
	if (!build.out_of_memory)
		add_layer_actions(&build);
	if (!build.out_of_memory) {
		set_default_hands(&build);
		read_special(&build, &items);
		read_bindings(&build, &items);
	}
	free(items.list);
	if (!build.out_of_memory)
		build.out_of_memory = remap_keymap_index(build.keymap) < 0;
	if (build.out_of_memory)
		remap_diag_add(build.diags, REMAP_ERROR, NULL, "out of memory");
	if (build.diags->errors > errors_before) {
		remap_keymap_free(build.keymap);
		build.keymap = NULL;
	}
	remap_diags_clear(&own);
	return build.keymap;
}
