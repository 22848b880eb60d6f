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

static const char left_hand[] = "` 1 2 3 4 5 q w e r t a s d f g z x c v b tab capslock esc 102nd";
static const char right_hand[] =
	"6 7 8 9 0 - = y u i o p [ ] h j k l ; ' \\ n m , . / enter backspace";

static bool
is_special(RemapSlice section)
{
	return remap_slice_is(section, "ids") || remap_slice_is(section, "aliases") ||
	       remap_slice_is(section, "global");
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

	if (remap_slice_is(text, "*") && !item->has_value) {
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
parse_alias(RemapBuild *build, const RemapItem *item)
{
	RemapKeymap *keymap = build->keymap;
	const RemapKeyIndex *target;
	uint16_t code;

	if (!item->has_value || item->value.length == 0) {
		remap_diag_add(build->diags, REMAP_ERROR, &item->key.place, "expected key = name");
		return;
	}
	if (!remap_build_find_key(build, item->key, &code))
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
		if (at > start &&
		    remap_build_find_key(build, remap_slice_cut(keys, start, at), &code))
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
		if (remap_slice_is(name, names[i])) {
			build->keymap->global.unicode = i;
			return;
		}
	}
	remap_diag_add(build->diags, REMAP_ERROR, &name.place, "expected ibus, compose or none");
}

static bool
set_other_option(RemapBuild *build, const RemapItem *item)
{
	if (remap_slice_is(item->key, "default_layout"))
		set_default_layout(build, item->value);
	else if (remap_slice_is(item->key, "unicode"))
		set_unicode(build, item->value);
	else if (remap_slice_is(item->key, "left_hand"))
		set_hand(build, item->value, REMAP_HAND_LEFT);
	else if (remap_slice_is(item->key, "right_hand"))
		set_hand(build, item->value, REMAP_HAND_RIGHT);
	else if (remap_slice_is(item->key, "no_hand"))
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

		if (remap_slice_is(item->key, options[i].name)) {
			remap_build_timeout(build, item->value, options[i].max, value);
			return;
		}
	}
	if (!set_other_option(build, item))
		refuse_option(build, item->key);
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
	remap_build_builtin_layers(build);
	for (size_t i = 0; i < items->count && !build->out_of_memory; i++)
		if (items->list[i].is_section && !is_special(items->list[i].key))
			remap_build_layer(build, items->list[i].key);
	remap_build_composites(build);
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
		else if (remap_slice_is(section, "ids"))
			parse_id(build, item);
		else if (remap_slice_is(section, "aliases"))
			parse_alias(build, item);
		else if (remap_slice_is(section, "global"))
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
			remap_split_header(section, &name, &type);
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
		remap_build_layer_actions(&build);
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
