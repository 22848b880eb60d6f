// SPDX-License-Identifier: GPL-3.0-or-later
/* The lint: follows actions from main to see what can be reached and left.
 * Pure. */
#include "keys/remap/action-table.h"
#include "keys/remap/lint.h"

#include <stdlib.h>
#include <string.h>

enum {
	REACHED = 1, /* some reached key activates it */
	LATCHED = 2, /* ... and it stays after the key is released */
	LEFT = 4,    /* something switches it off again */
};

typedef struct Lint {
	const RemapKeymap *keymap;
	RemapDiags *diags;
	uint8_t *layers; /* flags */
	bool has_changed;

} Lint;

static void
mark(Lint *lint, unsigned layer, uint8_t flags)
{
	if ((lint->layers[layer] & flags) == flags)
		return;
	lint->layers[layer] |= flags;
	lint->has_changed = true;
}

static bool
is_latching(uint8_t op)
{
	return op == REMAP_OP_TOGGLE || op == REMAP_OP_TOGGLEM;
}

static void visit(Lint *lint, uint32_t index, unsigned from);

/* What one action reaches, by the letters of its row. */
static void
visit_arguments(Lint *lint, const RemapAction *action, unsigned from)
{
	const RemapActionRow *row = remap_action_row((RemapOp)action->op);
	const uint32_t values[] = { action->a, action->b, action->c };
	size_t used = 0;

	if (row->args[0] == '+') {
		for (uint32_t i = 0; i < action->b; i++)
			visit(lint, lint->keymap->variants[action->a + i], from);
		return;
	}
	for (const char *type = row->args; *type && used < 3; type++) {
		if (*type == 'A' || *type == 'K')
			visit(lint, values[used], from);
		if (*type == 'L' || *type == 'O' || *type == 'Q')
			mark(lint, action->code, REACHED);
		else
			used++;
	}
}

static void
visit(Lint *lint, uint32_t index, unsigned from)
{
	const RemapAction *action = &lint->keymap->actions[index];

	if (!action->op)
		return;
	if (is_latching(action->op))
		mark(lint, action->code, LATCHED);
	if ((action->op == REMAP_OP_SWAP || action->op == REMAP_OP_SWAPM)) {
		mark(lint, from, LEFT);
		if (lint->layers[from] & LATCHED)
			mark(lint, action->code, LATCHED);
	}
	visit_arguments(lint, action, from);
}

static bool
is_reached(const Lint *lint, unsigned layer)
{
	const RemapLayer *row = &lint->keymap->layers[layer];

	if (lint->layers[layer] & REACHED)
		return true;
	for (unsigned i = 0; i < row->part_count; i++)
		if (!(lint->layers[row->parts[i]] & REACHED))
			return false;
	return row->part_count > 0;
}

static void
reach(Lint *lint)
{
	const RemapKeymap *keymap = lint->keymap;

	mark(lint, 0, REACHED);
	if (keymap->global.default_layout)
		mark(lint, keymap->global.default_layout, REACHED);
	do {
		lint->has_changed = false;
		for (size_t i = 0; i < keymap->binding_count; i++)
			if (is_reached(lint, keymap->bindings[i].layer))
				visit(lint, keymap->bindings[i].action, keymap->bindings[i].layer);
		for (size_t i = 0; i < keymap->chord_count; i++)
			if (is_reached(lint, keymap->chords[i].layer))
				visit(lint, keymap->chords[i].action, keymap->chords[i].layer);
		for (size_t i = 0; i < keymap->sequence_count; i++)
			if (is_reached(lint, keymap->sequences[i].layer))
				visit(lint, keymap->sequences[i].action, 0);
	} while (lint->has_changed);
}

static bool
undoes(const RemapKeymap *keymap, uint32_t index, unsigned layer)
{
	const RemapAction *action = &keymap->actions[index];
	const RemapActionRow *row = remap_action_row((RemapOp)action->op);
	const uint32_t values[] = { action->a, action->b, action->c };
	bool is_layout = keymap->layers[layer].kind == REMAP_LAYER_LAYOUT;
	size_t used = 0;

	if (!row)
		return false;
	if (action->op == REMAP_OP_SETLAYOUT)
		return !is_layout || action->code != layer;
	if (!is_layout && (action->op == REMAP_OP_CLEAR || action->op == REMAP_OP_CLEARM ||
			   (is_latching(action->op) && action->code == layer)))
		return true;
	for (uint32_t i = 0; row->args[0] == '+' && i < action->b; i++)
		if (undoes(keymap, keymap->variants[action->a + i], layer))
			return true;
	for (const char *type = row->args; row->args[0] != '+' && *type && used < 3; type++) {
		if ((*type == 'A' || *type == 'K') && undoes(keymap, values[used], layer))
			return true;
		used += *type != 'L' && *type != 'O' && *type != 'Q';
	}
	return false;
}

/* With the layer on, its own bindings hide those of main; every other reached layer may still be held, from
 * any key that the layer does not hide. */
static bool
can_leave(const Lint *lint, unsigned layer)
{
	const RemapKeymap *keymap = lint->keymap;

	if (lint->layers[layer] & LEFT)
		return true;
	for (size_t i = 0; i < keymap->binding_count; i++) {
		const RemapBinding *binding = &keymap->bindings[i];
		bool is_hidden =
			binding->layer == 0 && remap_keymap_binding(keymap, layer, binding->code);

		if (!is_hidden && is_reached(lint, binding->layer) &&
		    undoes(keymap, binding->action, layer))
			return true;
	}
	for (size_t i = 0; i < keymap->chord_count; i++)
		if (is_reached(lint, keymap->chords[i].layer) &&
		    undoes(keymap, keymap->chords[i].action, layer))
			return true;
	for (size_t i = 0; i < keymap->sequence_count; i++)
		if (undoes(keymap, keymap->sequences[i].action, layer))
			return true;
	return false;
}

static void
check_layers(const Lint *lint)
{
	const RemapKeymap *keymap = lint->keymap;

	for (unsigned i = 1; i < keymap->layer_count; i++) {
		const RemapLayer *layer = &keymap->layers[i];

		if (layer->builtin)
			continue;
		if (!is_reached(lint, i))
			remap_diag_add(lint->diags, REMAP_WARNING, &layer->place,
				       layer->kind == REMAP_LAYER_COMPOSITE
					       ? "the layers of \"%s\" are never active together"
					       : "nothing reaches the layer \"%s\"",
				       layer->name);
		else if (layer->kind == REMAP_LAYER_LAYOUT && !can_leave(lint, i) &&
			 i != keymap->global.default_layout)
			remap_diag_add(lint->diags, REMAP_WARNING, &layer->place,
				       "no way back from the layout \"%s\": no setlayout() can be "
				       "reached in it",
				       layer->name);
		else if ((lint->layers[i] & LATCHED) && !can_leave(lint, i))
			remap_diag_add(lint->diags, REMAP_WARNING, &layer->place,
				       "nothing leaves the layer \"%s\" once it is toggled on",
				       layer->name);
	}
}

/* Does the action, or one inside it, activate the layer? */
static bool
activates(const RemapKeymap *keymap, uint32_t index, unsigned layer)
{
	const RemapAction *action = &keymap->actions[index];
	const RemapActionRow *row = remap_action_row((RemapOp)action->op);
	const uint32_t values[] = { action->a, action->b, action->c };
	size_t used = 0;

	if (!row)
		return false;
	for (uint32_t i = 0; row->args[0] == '+' && i < action->b; i++)
		if (activates(keymap, keymap->variants[action->a + i], layer))
			return true;
	for (const char *type = row->args; row->args[0] != '+' && *type && used < 3; type++) {
		if (*type == 'L' && action->code == layer)
			return true;
		if ((*type == 'A' || *type == 'K') && activates(keymap, values[used], layer))
			return true;
		used += *type != 'L' && *type != 'O' && *type != 'Q';
	}
	return false;
}

static bool
holds(const RemapAction *action, unsigned layer)
{
	switch ((int)action->op) {
	case REMAP_OP_LAYER:
	case REMAP_OP_LAYERM:
	case REMAP_OP_OVERLOAD:
	case REMAP_OP_OVERLOADT:
	case REMAP_OP_OVERLOADT2:
	case REMAP_OP_OVERLOADH:
		return action->code == layer;
	default:
		return false;
	}
}

/* Only this key holds the layer, so it is down already whenever the layer is on. */
static bool
is_sole_holder(const RemapKeymap *keymap, uint16_t code, unsigned layer)
{
	bool is_holder = false;

	for (size_t i = 0; i < keymap->binding_count; i++) {
		const RemapBinding *binding = &keymap->bindings[i];

		if (binding->code == code && holds(&keymap->actions[binding->action], layer))
			is_holder = true;
		else if (activates(keymap, binding->action, layer))
			return false;
	}
	for (size_t i = 0; i < keymap->chord_count; i++)
		if (activates(keymap, keymap->chords[i].action, layer))
			return false;
	for (size_t i = 0; i < keymap->sequence_count; i++)
		if (activates(keymap, keymap->sequences[i].action, layer))
			return false;
	return is_holder;
}

/* Bounded: a keymap of thousands of bindings is not looked at in full. */
static void
check_bindings(const Lint *lint)
{
	const RemapKeymap *keymap = lint->keymap;

	for (size_t i = 0; i < keymap->binding_count && i < 4096; i++) {
		const RemapBinding *binding = &keymap->bindings[i];
		bool has_holder = false;

		if (!binding->action || binding->builtin || binding->layer == 0)
			continue;
		for (uint32_t at = keymap->first[binding->code]; at;
		     at = keymap->bindings[at - 1].next)
			has_holder |= holds(&keymap->actions[keymap->bindings[at - 1].action],
					    binding->layer);
		if (has_holder && is_sole_holder(keymap, binding->code, binding->layer))
			remap_diag_add(
				lint->diags, REMAP_WARNING, &binding->place,
				"this never fires: the key is the one that holds the layer \"%s\"",
				keymap->layers[binding->layer].name);
	}
}

static bool
is_subset(const RemapChord *small, const RemapChord *large)
{
	unsigned shared = 0;

	for (unsigned i = 0; i < small->count; i++)
		for (unsigned j = 0; j < large->count; j++)
			shared += small->keys[i] == large->keys[j];
	return shared == small->count;
}

static void
check_chord_pair(const Lint *lint, const RemapChord *one, const RemapChord *other)
{
	bool is_same = one->count == other->count && is_subset(one, other);

	if (one->layer == 0 && other->layer != 0 && is_same)
		remap_diag_add(
			lint->diags, REMAP_NOTE, &other->place,
			"this chord hides the one of main in line %u while its layer is active",
			one->place.line);
	else if (one->layer == other->layer && one->count < other->count && is_subset(one, other))
		remap_diag_add(lint->diags, REMAP_NOTE, &one->place,
			       "this chord waits for the longer one in line %u", other->place.line);
}

static void
check_chords(const Lint *lint)
{
	const RemapKeymap *keymap = lint->keymap;

	for (size_t i = 0; i < keymap->chord_count && i < 512; i++) {
		const RemapChord *chord = &keymap->chords[i];
		uint32_t wait = chord->timeout == REMAP_UNSET ? keymap->global.chord_timeout
							      : chord->timeout;

		if (!chord->action)
			continue;
		if (wait == 0)
			remap_diag_add(lint->diags, REMAP_WARNING, &chord->place,
				       "this never fires: there is no time for its second key");
		for (size_t j = 0; j < keymap->chord_count && j < 512; j++)
			if (i != j && keymap->chords[j].action)
				check_chord_pair(lint, chord, &keymap->chords[j]);
	}
}

static bool
is_tap_hold(const RemapAction *action)
{
	return action->op >= REMAP_OP_OVERLOAD && action->op <= REMAP_OP_TIMEOUT;
}

/* A macro's keys go straight out, so a tap-hold key in it never holds. People expect otherwise. */
static void
check_macros(const Lint *lint)
{
	const RemapKeymap *keymap = lint->keymap;
	uint8_t typed[REMAP_KEYS] = { 0 };

	for (size_t i = 0; i < keymap->entry_count; i++)
		if (keymap->entries[i].type == REMAP_MACRO_HOLD)
			typed[keymap->entries[i].code] = 1;
	for (size_t i = 0; i < keymap->binding_count; i++) {
		const RemapBinding *binding = &keymap->bindings[i];

		if (binding->layer == 0 && typed[binding->code] &&
		    is_tap_hold(&keymap->actions[binding->action]))
			remap_diag_add(lint->diags, REMAP_NOTE, &binding->place,
				       "a macro holds %s down as a plain key: its tap-hold is not "
				       "used there",
				       remap_key_name(binding->code));
	}
}

void
remap_keymap_lint(const RemapKeymap *keymap, RemapDiags *diags)
{
	Lint lint = { .keymap = keymap, .diags = diags };

	lint.layers = calloc(keymap->layer_count, 1);
	if (!lint.layers)
		return;
	reach(&lint);
	check_layers(&lint);
	check_bindings(&lint);
	check_chords(&lint);
	check_macros(&lint);
	if (!keymap->wildcard && !keymap->id_count)
		remap_diag_add(diags, REMAP_WARNING, NULL, "no device: add [ids] with a line *");
	free(lint.layers);
}
