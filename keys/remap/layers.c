// SPDX-License-Identifier: GPL-3.0-or-later
/* Layers: which are active, what a key does in them, the modifiers that they hold, and the actions that
 * switch them.
 * Pure.
 *
 * Left and right. A modifier that a layer holds goes out as the left-hand key, as the language has it. One
 * exception keeps what the user pressed: while only built-in bindings of right-hand keys (right Shift,
 * Control, Meta) hold the modifier's built-in layer, the modifier goes out as that right-hand key. */
#include "keys/remap/machine-state.h"

/* Left keys of the modifiers by their bits, and right ones where a built-in binding has one. */
static const uint16_t left_keys[REMAP_MODS] = { 56, 100, 42, 125, 29 };
static const uint16_t right_keys[REMAP_MODS] = { 0, 0, 54, 126, 97 };
enum { MOD_CTRL_INDEX = 4, KEY_CODE_LEFTCTRL = 29 };

static void
show_indicator(RemapMachine *m)
{
	bool is_on = m->active_count > m->layout_count;

	if (!m->keymap->global.layer_indicator || is_on == m->is_indicated)
		return;
	m->is_indicated = is_on;
	remap_emit(m, REMAP_OUT_INDICATOR, 0, is_on);
}

void
remap_layer_on(RemapMachine *m, unsigned layer, uint16_t key)
{
	RemapLayerState *state = &m->layers[layer];
	const RemapLayer *row = &m->keymap->layers[layer];

	state->stamp = m->stamps++;
	if (m->held[key].is_down)
		m->held[key].activated = (uint16_t)layer;
	if (state->count++ == 0) {
		state->slot = (uint16_t)m->active_count;
		m->active[m->active_count++] = (uint16_t)layer;
		m->layout_count += row->kind == REMAP_LAYER_LAYOUT;
		for (unsigned i = 0; i < row->whole_count; i++)
			m->layers[row->wholes[i]].parts++;
	}
	remap_emit(m, REMAP_OUT_LAYER, (uint16_t)layer, 1);
	show_indicator(m);
}

void
remap_layer_off(RemapMachine *m, unsigned layer)
{
	RemapLayerState *state = &m->layers[layer];
	const RemapLayer *row = &m->keymap->layers[layer];

	if (state->count == 0)
		return;
	if (--state->count == 0) {
		uint16_t moved = m->active[--m->active_count];

		m->active[state->slot] = moved;
		m->layers[moved].slot = state->slot;
		m->layout_count -= row->kind == REMAP_LAYER_LAYOUT;
		for (unsigned i = 0; i < row->whole_count; i++)
			m->layers[row->wholes[i]].parts--;
	}
	remap_emit(m, REMAP_OUT_LAYER, (uint16_t)layer, 0);
	show_indicator(m);
}

/* Modifiers. */

static bool
is_control_down(const RemapMachine *m)
{
	return m->mods & (1U << MOD_CTRL_INDEX);
}

/* A lone tap of Meta or Alt opens menus. When the last key that went down is one of them and it is about to
 * go up, a Control in between keeps the tap from being seen. */
static void
release_mod(RemapMachine *m, unsigned index, uint16_t code)
{
	bool is_guarded = index == 0 || index == 1 || index == 3;

	if (!is_guarded || m->guard_off || m->keymap->global.disable_modifier_guard ||
	    m->last_output != code || is_control_down(m)) {
		remap_send_key(m, code, false);
		return;
	}
	remap_send_key(m, KEY_CODE_LEFTCTRL, true);
	remap_send_key(m, code, false);
	remap_send_key(m, KEY_CODE_LEFTCTRL, false);
}

static void
press_mod(RemapMachine *m, unsigned index)
{
	bool is_right = m->right_held[index] &&
			m->right_held[index] == m->layers[m->right_layer[index]].count &&
			!m->down[right_keys[index]];

	if (is_right) {
		m->right |= (uint8_t)(1U << index);
		m->mods |= (uint8_t)(1U << index);
	}
	remap_send_key(m, is_right ? right_keys[index] : left_keys[index], true);
}

void
remap_set_mods(RemapMachine *m, uint8_t wanted)
{
	for (unsigned i = 0; i < REMAP_MODS && m->mods != wanted; i++) {
		uint8_t bit = (uint8_t)(1U << i);

		if ((wanted & bit) && !(m->mods & bit)) {
			press_mod(m, i);
		} else if (!(wanted & bit) && (m->mods & bit)) {
			if (m->right & bit)
				release_mod(m, i, right_keys[i]);
			if (m->down[left_keys[i]])
				release_mod(m, i, left_keys[i]);
		}
	}
}

static bool
is_part(const RemapLayer *whole, unsigned layer)
{
	for (unsigned i = 0; i < whole->part_count; i++)
		if (whole->parts[i] == layer)
			return true;
	return false;
}

uint8_t
remap_collect_mods(const RemapMachine *m, int excluded, uint8_t extra)
{
	const RemapLayer *layers = m->keymap->layers;

	for (size_t i = 0; i < m->active_count; i++) {
		unsigned layer = m->active[i];

		if ((int)layer == excluded || (excluded > 0 && layers[excluded].part_count &&
					       is_part(&layers[excluded], layer)))
			continue;
		extra |= layers[layer].mods;
	}
	return extra;
}

void
remap_oneshot_end(RemapMachine *m)
{
	for (unsigned i = 1; i < m->keymap->layer_count && m->oneshots; i++) {
		RemapLayerState *state = &m->layers[i];

		for (; state->oneshots; state->oneshots--) {
			m->oneshots--;
			remap_layer_off(m, i);
		}
	}
	remap_timer_set(m, REMAP_TIMER_ONESHOT, REMAP_NEVER);
}

void
remap_clear(RemapMachine *m)
{
	remap_oneshot_clear(m);
	for (unsigned i = 1; i < m->keymap->layer_count; i++) {
		RemapLayerState *state = &m->layers[i];

		if (!state->is_toggled)
			continue;
		state->is_toggled = false;
		remap_layer_off(m, i);
	}
	m->is_repeating = false;
	remap_timer_set(m, REMAP_TIMER_MACRO, REMAP_NEVER);
	m->is_capsword = false;
	for (unsigned code = 0; code < REMAP_KEYS; code++)
		if (m->down[code])
			remap_send_key(m, (uint16_t)code, false);
}

/* Steps. */

static unsigned
mod_index(uint8_t mod)
{
	return (unsigned)__builtin_ctz(mod);
}

static void
note_right(RemapMachine *m, const RemapAction *action, bool is_press)
{
	unsigned index;

	if (action->op != REMAP_OP_LAYER || !action->mods)
		return;
	index = mod_index(action->mods);
	m->right_layer[index] = action->code;
	if (is_press)
		m->right_held[index]++;
	else if (m->right_held[index])
		m->right_held[index]--;
}

void
remap_step_layer(RemapMachine *m, const RemapStep *step)
{
	note_right(m, step->action, step->is_press);
	if (step->is_press)
		remap_layer_on(m, step->action->code, step->key);
	else
		remap_layer_off(m, step->action->code);
	/* A modifier tapped alone is meant as that. */
	m->guard_off = m->last_key == step->key;
	remap_update_mods(m, -1, 0);
	m->guard_off = false;
}

void
remap_step_layerm(RemapMachine *m, const RemapStep *step)
{
	if (step->is_press)
		remap_macro_run(m, step->action->a, step->layer);
	remap_step_layer(m, step);
}

/* A second tap of the same one-shot key in time keeps the layer until the key is tapped again. */
static bool
lock_oneshot(RemapMachine *m, const RemapStep *step)
{
	RemapLayerState *state = &m->layers[step->action->code];
	uint32_t limit = m->keymap->global.oneshot_lock_timeout;

	if (!limit)
		return false;
	if (state->is_toggled) {
		state->is_toggled = false;
		remap_layer_off(m, step->action->code);
	} else if (state->oneshots && m->oneshot_key == step->key &&
		   !remap_is_past(step->time, m->oneshot_at, limit + 1)) {
		state->oneshots--;
		m->oneshots--;
		state->is_toggled = true;
		if (!m->oneshots)
			remap_timer_set(m, REMAP_TIMER_ONESHOT, REMAP_NEVER);
	} else {
		return false;
	}
	/* Its release has nothing to undo, but for the key of oneshotk(). */
	m->held[step->key].action =
		step->action->op == REMAP_OP_ONESHOTK
			? *remap_action_at(m, step->action->a)
			: (RemapAction){ .op = REMAP_OP_KEY, .code = REMAP_KEY_NOOP };
	m->is_locked = true;
	m->oneshot_latch = false;
	remap_update_mods(m, -1, 0);
	return true;
}

static void
release_oneshot(RemapMachine *m, const RemapStep *step)
{
	uint32_t timeout = m->keymap->global.oneshot_timeout;

	if (!m->oneshot_latch) {
		remap_layer_off(m, step->action->code);
		remap_update_mods(m, -1, 0);
		return;
	}
	m->layers[step->action->code].oneshots++;
	m->oneshots++;
	if (step->action->op == REMAP_OP_ONESHOT && step->action->a != REMAP_UNSET)
		timeout = step->action->a;
	if (timeout)
		remap_timer_set(m, REMAP_TIMER_ONESHOT, step->time + remap_ms(timeout));
}

void
remap_step_oneshot(RemapMachine *m, const RemapStep *step)
{
	if (!step->is_press) {
		release_oneshot(m, step);
		return;
	}
	if (lock_oneshot(m, step))
		return;
	m->oneshot_key = step->key;
	m->oneshot_at = step->time;
	remap_layer_on(m, step->action->code, step->key);
	remap_update_mods(m, step->layer, 0);
	m->oneshot_latch = true;
}

void
remap_step_oneshotm(RemapMachine *m, const RemapStep *step)
{
	if (step->is_press)
		remap_macro_run(m, step->action->a, step->layer);
	remap_step_oneshot(m, step);
}

void
remap_step_oneshotk(RemapMachine *m, const RemapStep *step)
{
	RemapStep key = *step;

	key.action = remap_action_at(m, step->action->a);
	remap_do(m, &key);
	remap_step_oneshot(m, step);
}

void
remap_step_toggle(RemapMachine *m, const RemapStep *step)
{
	RemapLayerState *state = &m->layers[step->action->code];

	if (!step->is_press)
		return;
	state->is_toggled = !state->is_toggled;
	if (state->is_toggled)
		remap_layer_on(m, step->action->code, step->key);
	else
		remap_layer_off(m, step->action->code);
	remap_update_mods(m, -1, 0);
	remap_oneshot_clear(m);
}

void
remap_step_togglem(RemapMachine *m, const RemapStep *step)
{
	if (step->is_press)
		remap_macro_run(m, step->action->a, step->layer);
	remap_step_toggle(m, step);
}

/* The key that holds a layer by its action, or NULL. */
static RemapHeld *
find_holder(RemapMachine *m, unsigned layer)
{
	if (layer == 0 || m->keymap->layers[layer].kind != REMAP_LAYER_NORMAL)
		return NULL;
	for (size_t i = 0; i < m->held_count; i++)
		if (m->held[i].is_down && m->held[i].activated == layer)
			return &m->held[i];
	return NULL;
}

/* From now on the key holds @target; what else its press did is undone here. */
static void
swap_holder(RemapMachine *m, RemapHeld *holder, const RemapStep *step)
{
	unsigned target = step->action->code, old = holder->activated;
	uint16_t key = (uint16_t)(holder - m->held);

	note_right(m, &holder->action, false);
	if (holder->action.op == REMAP_OP_ONESHOTK) {
		RemapStep up = { .action = remap_action_at(m, holder->action.a),
				 .time = step->time,
				 .key = key,
				 .layer = holder->layer };

		remap_do(m, &up);
	}
	holder->action = m->keymap->actions[1 + target];
	remap_layer_off(m, old);
	remap_layer_on(m, target, key);
	remap_update_mods(m, -1, 0);
}

static void
swap_layers(RemapMachine *m, const RemapStep *step)
{
	RemapLayerState *from = &m->layers[step->layer], *to = &m->layers[step->action->code];
	RemapHeld *holder;

	if (from->is_toggled) {
		from->is_toggled = false;
		remap_layer_off(m, step->layer);
		/* It may be toggled on already: one reason to be active is enough then. */
		if (!to->is_toggled)
			remap_layer_on(m, step->action->code, REMAP_KEY_NOOP);
		to->is_toggled = true;
		remap_update_mods(m, -1, 0);
	} else if (from->oneshots) {
		from->oneshots--;
		remap_layer_off(m, step->layer);
		remap_layer_on(m, step->action->code, REMAP_KEY_NOOP);
		to->oneshots++;
		remap_update_mods(m, -1, 0);
	} else {
		holder = find_holder(m, step->layer);
		if (holder)
			swap_holder(m, holder, step);
	}
}

void
remap_step_swap(RemapMachine *m, const RemapStep *step)
{
	if (step->is_press)
		swap_layers(m, step);
}

void
remap_step_swapm(RemapMachine *m, const RemapStep *step)
{
	const RemapMacro *macro = &m->keymap->macros[step->action->a];
	const RemapMacroEntry *entry = &m->keymap->entries[macro->first];

	if (step->is_press) {
		swap_layers(m, step);
		remap_macro_run(m, step->action->a, step->layer);
	} else if (macro->count == 1 && entry->type == REMAP_MACRO_TAP) {
		remap_send_key(m, entry->code, false);
		remap_update_mods(m, -1, 0);
	}
}

void
remap_step_setlayout(RemapMachine *m, const RemapStep *step)
{
	unsigned wanted = step->action->code;

	if (!step->is_press)
		return;
	remap_clear(m);
	for (unsigned i = 1; i < m->keymap->layer_count; i++)
		if (m->keymap->layers[i].kind == REMAP_LAYER_LAYOUT && m->layers[i].count)
			remap_layer_off(m, i);
	if (wanted == 0)
		return;
	remap_layer_on(m, wanted, REMAP_KEY_NOOP);
	m->layers[wanted].stamp = 1;
}

void
remap_step_clear(RemapMachine *m, const RemapStep *step)
{
	if (step->is_press)
		remap_clear(m);
}

void
remap_step_clearm(RemapMachine *m, const RemapStep *step)
{
	if (!step->is_press)
		return;
	remap_clear(m);
	remap_macro_run(m, step->action->a, step->layer);
}
