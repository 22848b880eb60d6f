// SPDX-License-Identifier: GPL-3.0-or-later
/* Prints a keymap by the action table. What is as built in is left out.
 * Pure. */
#include "keys/remap/action-table.h"
#include "keys/remap/print.h"

#include <stdio.h>
#include <string.h>

typedef struct Printer {
	const RemapKeymap *keymap;
	void (*write)(void *, const char *);
	void *data;
} Printer;

static void print_action(const Printer *printer, const RemapAction *action);

static void
put(const Printer *printer, const char *text)
{
	printer->write(printer->data, text);
}

static void
put_number(const Printer *printer, long number)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", number);
	put(printer, text);
}

static void
put_key(const Printer *printer, uint16_t code)
{
	const RemapKeyName *row = remap_key_row(code);

	/* Names of letters only: "=" and "," and "\\" mean something on both sides of a binding. */
	put(printer, !row ? "noop" : row->other ? row->other : row->name);
}

static void
put_keyseq(const Printer *printer, uint16_t code, uint8_t mods)
{
	char text[12];

	remap_mods_print(mods, text);
	put(printer, text);
	if (*text)
		put(printer, "-");
	put_key(printer, code);
}

/* In a macro a parenthesis would end it and '+' joins keys; names of keys have neither. */
static void
print_macro(const Printer *printer, uint32_t index)
{
	const RemapMacro *macro = &printer->keymap->macros[index];
	const RemapMacroEntry *entry = &printer->keymap->entries[macro->first],
			      *end = entry + macro->count;
	bool is_held = false;

	put(printer, "macro(");
	for (const RemapMacroEntry *at = entry; at < end; at++) {
		if (at->type == REMAP_MACRO_RELEASE) {
			/* A single key that is held and released: "a+" keeps it one. */
			put(printer, is_held ? "+" : "");
			is_held = false;
			continue;
		}
		put(printer, at == entry ? "" : is_held ? "+" : " ");
		if (at->type == REMAP_MACRO_DELAY) {
			put_number(printer, (long)at->ms);
			put(printer, "ms");
			continue;
		}
		if (at->type == REMAP_MACRO_HOLD)
			is_held = true;
		put_keyseq(printer, at->code, at->mods);
	}
	put(printer, ")");
}

static void
print_command(const Printer *printer, const char *command)
{
	char piece[3] = "";

	put(printer, "command(");
	for (; *command; command++) {
		const char *special = *command ? strchr("\\()\n\t", *command) : NULL;

		piece[0] = special ? '\\' : *command;
		piece[1] = !special	      ? '\0'
			   : *command == '\n' ? 'n'
			   : *command == '\t' ? 't'
					      : *command;
		put(printer, piece);
	}
	put(printer, ")");
}

static void
print_argument(const Printer *printer, char type, const RemapAction *action, uint32_t value)
{
	switch (type) {
	case 'L':
	case 'O':
	case 'Q':
		put(printer, printer->keymap->layers[action->code].name);
		break;
	case 'A':
	case 'K':
		print_action(printer, &printer->keymap->actions[value]);
		break;
	case 'M':
		print_macro(printer, value);
		break;
	case 'N':
		put_number(printer, (int32_t)value);
		break;
	default:
		put_number(printer, (long)value);
		break;
	}
}

static void
print_arguments(const Printer *printer, const RemapActionRow *row, const RemapAction *action)
{
	const uint32_t values[] = { action->a, action->b, action->c };
	size_t used = 0;

	if (row->args[0] == '+') {
		for (uint32_t i = 0; i < action->b; i++) {
			print_argument(printer, 'A', action,
				       printer->keymap->variants[action->a + i]);
			put(printer, ", ");
		}
		print_argument(printer, 'T', action, action->c);
		return;
	}
	for (const char *type = row->args; *type; type++) {
		bool is_layer = *type == 'L' || *type == 'O' || *type == 'Q';
		uint32_t value = is_layer ? 0 : values[used++];

		if (*type == 't' && value == REMAP_UNSET)
			return;
		put(printer, type == row->args ? "" : ", ");
		print_argument(printer, *type, action, value);
	}
}

static void
print_action(const Printer *printer, const RemapAction *action)
{
	const RemapActionRow *row = remap_action_row((RemapOp)action->op);

	if (!row)
		return;
	if (action->op == REMAP_OP_KEY) {
		put_keyseq(printer, action->code, action->mods);
	} else if (action->op == REMAP_OP_MACRO) {
		print_macro(printer, action->a);
	} else if (action->op == REMAP_OP_COMMAND) {
		print_command(printer, printer->keymap->commands[action->a]);
	} else {
		put(printer, row->name);
		put(printer, "(");
		print_arguments(printer, row, action);
		put(printer, ")");
	}
}

void
remap_action_print(const RemapKeymap *keymap, const RemapAction *action,
		   void (*write)(void *, const char *), void *data)
{
	const Printer printer = { keymap, write, data };

	print_action(&printer, action);
}

static void
print_ids(const Printer *printer)
{
	const RemapKeymap *keymap = printer->keymap;

	put(printer, "[ids]\n");
	if (keymap->wildcard)
		put(printer, "*\n");
	for (size_t i = 0; i < keymap->id_count; i++) {
		unsigned flags = keymap->ids[i].flags;

		put(printer, flags == REMAP_ID_EXCLUDE			     ? "-"
			     : flags == REMAP_ID_MOUSE			     ? "m:"
			     : flags == (REMAP_ID_KEYBOARD | REMAP_ID_OTHER) ? "k:"
									     : "");
		put(printer, keymap->ids[i].text);
		put(printer, "\n");
	}
}

static void
print_hand(const Printer *printer, const char *option, uint8_t hand)
{
	bool is_first = true;

	for (unsigned code = 1; code < REMAP_KEYS; code++) {
		if (printer->keymap->hands[code] != hand)
			continue;
		put(printer, is_first ? option : " ");
		is_first = false;
		put_key(printer, (uint16_t)code);
	}
	put(printer, is_first ? "" : "\n");
}

static bool
uses_hands(const RemapKeymap *keymap)
{
	for (size_t i = 0; i < keymap->action_count; i++)
		if (keymap->actions[i].op == REMAP_OP_OVERLOADH)
			return true;
	return false;
}

static void
print_option(const Printer *printer, const char *name, uint32_t value)
{
	put(printer, name);
	put(printer, " = ");
	put_number(printer, (long)value);
	put(printer, "\n");
}

static void
print_global(const Printer *printer)
{
	const RemapGlobal *global = &printer->keymap->global;

	put(printer, "\n[global]\n");
	print_option(printer, "macro_timeout", global->macro_timeout);
	print_option(printer, "macro_repeat_timeout", global->macro_repeat_timeout);
	print_option(printer, "macro_sequence_timeout", global->macro_sequence_timeout_us);
	print_option(printer, "chord_timeout", global->chord_timeout);
	print_option(printer, "chord_hold_timeout", global->chord_hold_timeout);
	print_option(printer, "oneshot_timeout", global->oneshot_timeout);
	print_option(printer, "overload_tap_timeout", global->overload_tap_timeout);
	print_option(printer, "layer_indicator", global->layer_indicator);
	print_option(printer, "disable_modifier_guard", global->disable_modifier_guard);
	print_option(printer, "tap_repeat_timeout", global->tap_repeat_timeout);
	print_option(printer, "oneshot_lock_timeout", global->oneshot_lock_timeout);
	print_option(printer, "capsword_timeout", global->capsword_timeout);
	print_option(printer, "leader_timeout", global->leader_timeout);
	if (global->default_layout) {
		put(printer, "default_layout = ");
		put(printer, printer->keymap->layers[global->default_layout].name);
		put(printer, "\n");
	}
	if (uses_hands(printer->keymap)) {
		print_hand(printer, "left_hand = ", REMAP_HAND_LEFT);
		print_hand(printer, "right_hand = ", REMAP_HAND_RIGHT);
		print_hand(printer, "no_hand = ", REMAP_HAND_NONE);
	}
}

static void
print_header(const Printer *printer, const RemapLayer *layer)
{
	char mods[10];

	remap_mods_print(layer->mods, mods);
	put(printer, "\n[");
	put(printer, layer->name);
	if (layer->kind == REMAP_LAYER_LAYOUT && !layer->builtin)
		put(printer, ":layout");
	else if (layer->kind == REMAP_LAYER_LEADER)
		put(printer, ":leader");
	else if (*mods && !layer->builtin)
		put(printer, ":");
	if (!layer->builtin)
		put(printer, mods);
	put(printer, "]\n");
}

static void
print_right_side(const Printer *printer, uint32_t action)
{
	put(printer, " = ");
	print_action(printer, &printer->keymap->actions[action]);
	put(printer, "\n");
}

static void
print_keys(const Printer *printer, const uint16_t *keys, unsigned count, const char *separator)
{
	for (unsigned i = 0; i < count; i++) {
		put(printer, i ? separator : "");
		put_key(printer, keys[i]);
	}
}

static void
print_chord(const Printer *printer, const RemapChord *chord)
{
	print_keys(printer, chord->keys, chord->count, "+");
	if (chord->timeout == REMAP_UNSET) {
		print_right_side(printer, chord->action);
		return;
	}
	put(printer, " = chord(");
	print_action(printer, &printer->keymap->actions[chord->action]);
	put(printer, ", ");
	put_number(printer, (long)chord->timeout);
	if (chord->hold != REMAP_UNSET) {
		put(printer, ", ");
		put_number(printer, (long)chord->hold);
	}
	put(printer, ")\n");
}

static void
print_layer(const Printer *printer, unsigned index)
{
	const RemapKeymap *keymap = printer->keymap;

	for (uint32_t code = 1; code < REMAP_KEYS; code++) {
		for (uint32_t at = keymap->first[code]; at; at = keymap->bindings[at - 1].next) {
			const RemapBinding *binding = &keymap->bindings[at - 1];

			if (binding->layer != index || binding->builtin ||
			    (!binding->action && index != 0))
				continue;
			put_key(printer, (uint16_t)code);
			print_right_side(printer, binding->action);
		}
	}
	for (size_t i = 0; i < keymap->chord_count; i++)
		if (keymap->chords[i].layer == index && keymap->chords[i].action)
			print_chord(printer, &keymap->chords[i]);
	for (size_t i = 0; i < keymap->sequence_count; i++) {
		if (keymap->sequences[i].layer != index)
			continue;
		print_keys(printer, keymap->sequences[i].keys, keymap->sequences[i].count, " ");
		print_right_side(printer, keymap->sequences[i].action);
	}
}

/* An alias of the user hides a key of the same name; the built-in ones are no names of keys. The flat
 * document binds keys only. */
void
remap_keymap_print(const RemapKeymap *keymap, void (*write)(void *, const char *), void *data)
{
	const Printer printer = { keymap, write, data };

	print_ids(&printer);
	print_global(&printer);
	for (unsigned i = 0; i < keymap->layer_count; i++) {
		print_header(&printer, &keymap->layers[i]);
		print_layer(&printer, i);
	}
}
