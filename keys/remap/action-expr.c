// SPDX-License-Identifier: GPL-3.0-or-later
/* Reads the right-hand side of a binding: "[mods-]key", command(...), macro(...), one character, or
 * name(arguments) by the action table.
 * Pure. */
#include "keys/remap/action-table.h"
#include "keys/remap/build.h"

#include <string.h>

enum { ARGS_MAX = 64 };

typedef struct Call {
	RemapSlice name;
	RemapSlice args[ARGS_MAX];
	size_t count;
	RemapPlace end; /* of the closing parenthesis */
} Call;

static bool
starts_with(RemapSlice text, const char *word)
{
	size_t length = strlen(word);

	return text.length >= length && memcmp(text.text, word, length) == 0;
}

bool
remap_build_timeout(RemapBuild *build, RemapSlice text, uint32_t max, uint32_t *value)
{
	uint32_t number = 0;

	for (size_t i = 0; i < text.length; i++) {
		char c = text.text[i];

		if (c < '0' || c > '9') {
			remap_diag_add(build->diags, REMAP_ERROR, &text.place,
				       "\"%.*s\" is no whole number", (int)text.length, text.text);
			return false;
		}
		number = number * 10 + (uint32_t)(c - '0');
		if (number > max) {
			remap_diag_add(build->diags, REMAP_ERROR, &text.place,
				       "%.*s is too much; at most %u", (int)text.length, text.text,
				       max);
			return false;
		}
	}
	if (text.length == 0) {
		remap_diag_add(build->diags, REMAP_ERROR, &text.place, "a number is missing");
		return false;
	}
	*value = number;
	return true;
}

/* Splits "name(a, b(c, d))" at commas outside parentheses; '\' protects the next byte. Returns false when the
 * text has no such form; the caller says what it is instead. */
static bool
split_call(RemapBuild *build, RemapSlice text, Call *call)
{
	const char *open = memchr(text.text, '(', text.length);
	size_t at = open ? (size_t)(open - text.text) : 0, start;
	int level = 0;

	if (!open || at == 0)
		return false;
	*call = (Call){ .name = remap_slice_trim(remap_slice_cut(text, 0, at)) };
	for (start = ++at; at < text.length; at++) {
		char c = text.text[at];

		if (c == '\\') {
			at++;
			continue;
		}
		level += c == '(' ? 1 : c == ')' ? -1 : 0;
		if (!(level < 0 || (level == 0 && c == ',')))
			continue;
		if (call->count == ARGS_MAX)
			break;
		call->args[call->count] = remap_slice_trim(remap_slice_cut(text, start, at));
		/* An empty argument counts only between commas; "clear()" has none. */
		if (call->args[call->count].length || c == ',' || call->count)
			call->count++;
		start = at + 1;
		if (level < 0)
			break;
	}
	if (level >= 0) {
		RemapPlace place = remap_slice_place(text, text.length);

		remap_diag_add(build->diags, REMAP_ERROR, &place, "%s",
			       call->count == ARGS_MAX ? "too many arguments" : "expected \")\"");
		call->name.length = 0;
		return true;
	}
	if (at + 1 < text.length) {
		RemapPlace place = remap_slice_place(text, at + 1);

		remap_diag_add(build->diags, REMAP_WARNING, &place,
			       "\"%.*s\" after the action is ignored", (int)(text.length - at - 1),
			       text.text + at + 1);
	}
	return true;
}

static bool
find_layer(RemapBuild *build, RemapSlice text, char type, uint16_t *layer)
{
	RemapKeymap *keymap = build->keymap;
	RemapNearest nearest = { .name = text.text, .length = text.length };
	const char *what = type == 'O' ? "layout" : type == 'Q' ? "layer of sequences" : "layer";
	RemapLayerKind wanted = type == 'O' ? REMAP_LAYER_LAYOUT : REMAP_LAYER_LEADER;
	int index = remap_keymap_find_layer(keymap, text.text, text.length);
	bool fits = false;

	if (index >= 0) {
		RemapLayerKind kind = keymap->layers[index].kind;

		fits = type == 'L' ? index != 0 && kind != REMAP_LAYER_LAYOUT &&
					     kind != REMAP_LAYER_LEADER
				   : (type == 'O' && index == 0) || kind == wanted;
	}
	if (fits) {
		*layer = (uint16_t)index;
		return true;
	}
	for (size_t i = 0; index < 0 && i < keymap->layer_count; i++)
		remap_nearest_offer(&nearest, keymap->layers[i].name);
	if (index == 0)
		remap_diag_add(build->diags, REMAP_ERROR, &text.place,
			       "main is always active and cannot be used here");
	else if (nearest.best)
		remap_diag_add(build->diags, REMAP_ERROR, &text.place,
			       "no %s \"%.*s\"; did you mean \"%s\"?", what, (int)text.length,
			       text.text, nearest.best);
	else
		remap_diag_add(build->diags, REMAP_ERROR, &text.place, "no %s \"%.*s\"", what,
			       (int)text.length, text.text);
	return false;
}

static bool
build_nested(RemapBuild *build, RemapSlice text, bool is_key, uint32_t *index)
{
	RemapAction action;

	if (!remap_build_action(build, text, &action))
		return false;
	if (action.op == REMAP_OP_NONE) {
		remap_diag_add(build->diags, REMAP_ERROR, &text.place,
			       "an action is missing; noop is the key that does nothing");
		return false;
	}
	if (is_key && action.op != REMAP_OP_KEY) {
		remap_diag_add(build->diags, REMAP_ERROR, &text.place,
			       "expected a key with its modifiers");
		return false;
	}
	*index = remap_keymap_add_action(build->keymap, action);
	build->out_of_memory |= *index == 0;
	return *index != 0;
}

static bool
build_distance(RemapBuild *build, RemapSlice text, uint32_t *value)
{
	bool is_negative = text.length > 1 && text.text[0] == '-';
	uint32_t number;

	if (!remap_build_timeout(build, remap_slice_cut(text, is_negative, text.length), 10000,
				 &number))
		return false;
	*value = is_negative ? 0 - number : number;
	return true;
}

static bool
build_argument(RemapBuild *build, char type, RemapSlice text, RemapAction *action, uint32_t *value)
{
	switch (type) {
	case 'L':
	case 'O':
	case 'Q':
		return find_layer(build, text, type, &action->code);
	case 'A':
	case 'K':
		return build_nested(build, text, type == 'K', value);
	case 'M':
		return remap_build_macro(build, text, value);
	case 'N':
		return build_distance(build, text, value);
	default:
		return remap_build_timeout(build, text, REMAP_TIMEOUT_MAX, value);
	}
}

/* tapdance(): a run of actions in the side list, then the timeout. */
static bool
build_variants(RemapBuild *build, const Call *call, RemapAction *action)
{
	RemapKeymap *keymap = build->keymap;
	uint32_t found[ARGS_MAX];
	size_t count = call->count - 1;

	for (size_t i = 0; i < count; i++)
		if (!build_nested(build, call->args[i], false, &found[i]))
			return false;
	if (!remap_build_timeout(build, call->args[count], REMAP_TIMEOUT_MAX, &action->c))
		return false;
	action->a = (uint32_t)keymap->variant_count;
	action->b = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		uint32_t *slot = REMAP_APPEND(keymap, variants, variant_count, variant_capacity);

		if (!slot) {
			build->out_of_memory = true;
			return false;
		}
		*slot = found[i];
	}
	return true;
}

static bool
check_count(RemapBuild *build, const RemapActionRow *row, const Call *call)
{
	size_t most = strlen(row->args), least = most;

	while (least > 0 && row->args[least - 1] == 't')
		least--;
	if (row->args[0] == '+') {
		least = 2;
		most = ARGS_MAX;
	}
	if (call->count >= least && call->count <= most)
		return true;
	remap_diag_add(build->diags, REMAP_ERROR, &call->name.place,
		       "expected %s(%s), got %zu argument%s", row->name,
		       row->signature[0] || !row->preferred ? row->signature
							    : remap_action_row(row->op)->signature,
		       call->count, call->count == 1 ? "" : "s");
	return false;
}

/* lettermod(layer, key, idle, hold) */
static bool
build_lettermod(RemapBuild *build, const Call *call, RemapAction *action)
{
	RemapAction inner = { .op = REMAP_OP_OVERLOADT2 };

	*action = (RemapAction){ .op = REMAP_OP_OVERLOADI };
	if (!find_layer(build, call->args[0], 'L', &inner.code) ||
	    !build_nested(build, call->args[1], false, &action->a) ||
	    !remap_build_timeout(build, call->args[2], REMAP_TIMEOUT_MAX, &action->c) ||
	    !remap_build_timeout(build, call->args[3], REMAP_TIMEOUT_MAX, &inner.b))
		return false;
	inner.a = action->a;
	action->b = remap_keymap_add_action(build->keymap, inner);
	build->out_of_memory |= action->b == 0;
	return action->b != 0;
}

static bool
build_call(RemapBuild *build, const Call *call, const RemapActionRow *row, RemapAction *action)
{
	uint32_t values[3] = { REMAP_UNSET, REMAP_UNSET, REMAP_UNSET };
	size_t used = 0;

	if (row->preferred)
		remap_diag_add(build->diags, REMAP_WARNING, &call->name.place,
			       "%s is the old name of %s", row->name, row->preferred);
	if (!check_count(build, row, call))
		return false;
	if (row->op == REMAP_OP_NONE)
		return build_lettermod(build, call, action);
	*action = (RemapAction){ .op = (uint8_t)row->op };
	if (row->args[0] == '+')
		return build_variants(build, call, action);
	for (size_t i = 0; i < call->count; i++) {
		char type = row->args[i];
		bool is_layer = type == 'L' || type == 'O' || type == 'Q';

		if (!build_argument(build, type, call->args[i], action,
				    is_layer ? NULL : &values[used]))
			return false;
		used += !is_layer;
	}
	action->a = values[0];
	action->b = values[1];
	action->c = values[2];
	return true;
}

static bool
build_command(RemapBuild *build, RemapSlice text, RemapAction *action)
{
	static const char word[] = "command(";
	RemapKeymap *keymap = build->keymap;
	const char **slot;

	slot = REMAP_APPEND(keymap, commands, command_count, command_capacity);
	if (slot)
		*slot = remap_unescape(keymap,
				       remap_slice_cut(text, sizeof(word) - 1, text.length - 1));
	if (!slot || !*slot) {
		build->out_of_memory = true;
		return false;
	}
	*action =
		(RemapAction){ .op = REMAP_OP_COMMAND, .a = (uint32_t)(keymap->command_count - 1) };
	return true;
}

/* The five that stand for a layer; their right-hand twins stay plain keys. */
static const char *
layer_of_modifier(uint16_t code)
{
	switch (code) {
	case 29:
		return "control";
	case 42:
		return "shift";
	case 56:
		return "alt";
	case 100:
		return "altgr";
	case 125:
		return "meta";
	default:
		return NULL;
	}
}

static bool
build_key(RemapBuild *build, RemapSlice text, uint16_t code, uint8_t mods, RemapAction *action)
{
	const char *layer = layer_of_modifier(code);

	*action = (RemapAction){ .op = REMAP_OP_KEY, .code = code, .mods = mods };
	if (!layer)
		return true;
	remap_diag_add(build->diags, REMAP_NOTE, &text.place, "%.*s here means layer(%s)",
		       (int)text.length, text.text, layer);
	*action = (RemapAction){
		.op = REMAP_OP_LAYER,
		.code = (uint16_t)remap_keymap_find_layer(build->keymap, layer, strlen(layer)),
	};
	return true;
}

static bool
refuse(RemapBuild *build, RemapSlice text)
{
	const char *paren = memchr(text.text, '(', text.length);
	size_t length = paren ? (size_t)(paren - text.text) : text.length;
	RemapNearest nearest = { .name = text.text, .length = length };

	for (size_t i = 0; i < remap_actions_count; i++)
		if (remap_actions[i].name && paren && remap_actions[i].summary)
			remap_nearest_offer(&nearest, remap_actions[i].name);
	for (size_t i = 0; !paren && i < remap_key_index_count && build->diags->errors < HINTS_MAX;
	     i++)
		remap_nearest_offer(&nearest, remap_key_index[i].name);
	if (nearest.best)
		remap_diag_add(build->diags, REMAP_ERROR, &text.place,
			       "no %s \"%.*s\"; did you mean \"%s\"?", paren ? "action" : "key",
			       (int)length, text.text, nearest.best);
	else
		remap_diag_add(build->diags, REMAP_ERROR, &text.place,
			       "\"%.*s\" is no key and no action", (int)text.length, text.text);
	return false;
}

static bool
build_other(RemapBuild *build, RemapSlice text, RemapAction *action)
{
	const RemapActionRow *row;
	Call call;

	if (!split_call(build, text, &call))
		return refuse(build, text);
	if (call.name.length == 0)
		return false;
	row = remap_action_find(call.name.text, call.name.length);
	if (!row || row->args[0] == '*')
		return refuse(build, text);
	return build_call(build, &call, row, action);
}

bool
remap_build_action(RemapBuild *build, RemapSlice text, RemapAction *action)
{
	uint16_t code;
	uint8_t mods;
	bool is_built;

	if (text.length == 0) {
		*action = (RemapAction){ .op = REMAP_OP_NONE };
		return true;
	}
	if (remap_keyseq_parse(text.text, text.length, &code, &mods))
		return build_key(build, text, code, mods, action);
	if (starts_with(text, "command(") && text.text[text.length - 1] == ')')
		return build_command(build, text, action);
	if (remap_is_macro(text)) {
		*action = (RemapAction){ .op = REMAP_OP_MACRO };
		return remap_build_macro(build, text, &action->a);
	}
	if (++build->depth > REMAP_DEPTH_MAX) {
		remap_diag_add(build->diags, REMAP_ERROR, &text.place,
			       "actions nested more than %d deep", REMAP_DEPTH_MAX);
		build->depth--;
		return false;
	}
	is_built = build_other(build, text, action);
	build->depth--;
	return is_built;
}
