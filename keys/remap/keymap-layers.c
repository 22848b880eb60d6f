// SPDX-License-Identifier: GPL-3.0-or-later
/* Builds the layers of a keymap: the built-in ones, those of the sections, and composites of them.
 * Pure. */
#include "keys/remap/action-table.h"
#include "keys/remap/build.h"

#include <string.h>

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

void
remap_build_builtin_layers(RemapBuild *build)
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

void
remap_build_layer_actions(RemapBuild *build)
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

void
remap_split_header(RemapSlice header, RemapSlice *name, RemapSlice *type)
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
	if (remap_slice_is(type, "layout")) {
		*kind = REMAP_LAYER_LAYOUT;
		return true;
	}
	if (remap_slice_is(type, "leader")) {
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

void
remap_build_layer(RemapBuild *build, RemapSlice header)
{
	RemapKeymap *keymap = build->keymap;
	RemapSlice name, type;
	RemapLayerKind kind;
	RemapLayer *layer;
	uint8_t mods;
	int known;

	remap_split_header(header, &name, &type);
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

void
remap_build_composites(RemapBuild *build)
{
	RemapKeymap *keymap = build->keymap;

	for (size_t i = 0; i < keymap->layer_count && !build->out_of_memory; i++)
		if (keymap->layers[i].kind == REMAP_LAYER_COMPOSITE)
			find_parts(build, &keymap->layers[i]);
	find_wholes(build);
}
