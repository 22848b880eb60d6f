// SPDX-License-Identifier: GPL-3.0-or-later
/* Runs macros. A delay moves the output clock; see case 3 in machine.c.
 * Pure. */
#include "keys/remap/machine-state.h"

static const uint16_t mod_codes[REMAP_MODS] = { 56, 100, 42, 125, 29 };

static void
send_mods(RemapMachine *m, uint8_t mods, bool is_press)
{
	for (unsigned i = 0; i < REMAP_MODS; i++)
		if (mods & (1U << i))
			remap_send_key(m, mod_codes[i], is_press);
}

static void
tap(RemapMachine *m, const RemapMacroEntry *entry, RemapUsec pause)
{
	send_mods(m, entry->mods, true);
	if (entry->mods)
		m->clock += pause;
	remap_send_key(m, entry->code, true);
	remap_send_key(m, entry->code, false);
	send_mods(m, entry->mods, false);
}

static void
release_held(RemapMachine *m, const RemapMacroEntry *from, const RemapMacroEntry *to)
{
	for (; from < to; from++)
		if (from->type == REMAP_MACRO_HOLD)
			remap_send_key(m, from->code, false);
}

static void
run_entries(RemapMachine *m, const RemapMacro *macro)
{
	const RemapMacroEntry *entry = &m->keymap->entries[macro->first];
	const RemapMacroEntry *end = entry + macro->count, *held = NULL;
	RemapUsec pause = m->keymap->global.macro_sequence_timeout_us;

	for (; entry < end; entry++) {
		switch ((RemapMacroType)entry->type) {
		case REMAP_MACRO_TAP:
			tap(m, entry, pause);
			break;
		case REMAP_MACRO_HOLD:
			held = held ? held : entry;
			remap_send_key(m, entry->code, true);
			break;
		case REMAP_MACRO_RELEASE:
			if (held)
				release_held(m, held, entry);
			held = NULL;
			break;
		case REMAP_MACRO_DELAY:
			m->clock += remap_ms(entry->ms);
			break;
		}
		m->clock += pause;
	}
}

/* One key: only the modifiers that differ change. More: those of the binding's layer are gone first. */
void
remap_macro_run(RemapMachine *m, uint32_t index, uint16_t layer)
{
	const RemapMacro *macro = &m->keymap->macros[index];
	const RemapMacroEntry *entry = &m->keymap->entries[macro->first];

	if (macro->count == 1 && entry->type == REMAP_MACRO_TAP) {
		remap_update_mods(m, layer, entry->mods);
		remap_send_key(m, entry->code, true);
		remap_send_key(m, entry->code, false);
	} else {
		remap_update_mods(m, layer, 0);
		run_entries(m, macro);
	}
	remap_update_mods(m, -1, 0);
}

static void
start(RemapMachine *m, const RemapStep *step, uint32_t macro, uint32_t timeout, uint32_t interval)
{
	RemapUsec before = m->clock, due;

	remap_oneshot_clear(m);
	remap_macro_run(m, macro, step->layer);
	m->last_action = *step->action;
	m->is_repeating = true;
	m->repeat_macro = macro;
	m->repeat_layer = step->layer;
	m->repeat_interval = interval;
	/* From the press; when that is over already (the press was kept back), from now. */
	due = step->time + (m->clock - before) + remap_ms(timeout);
	if (due <= m->clock)
		due = m->clock + remap_ms(timeout);
	remap_timer_set(m, REMAP_TIMER_MACRO, timeout ? due : REMAP_NEVER);
}

void
remap_step_macro(RemapMachine *m, const RemapStep *step)
{
	if (step->is_press)
		start(m, step, step->action->a, m->keymap->global.macro_timeout,
		      m->keymap->global.macro_repeat_timeout);
}

void
remap_step_macro2(RemapMachine *m, const RemapStep *step)
{
	if (step->is_press)
		start(m, step, step->action->c, step->action->a, step->action->b);
}

/* A macro that takes no time and repeats without a pause would never end: one a millisecond at most. */
void
remap_macro_timer(RemapMachine *m, RemapUsec time)
{
	RemapUsec before = m->clock, next;

	if (!m->is_repeating)
		return;
	remap_macro_run(m, m->repeat_macro, m->repeat_layer);
	next = time + (m->clock - before) + remap_ms(m->repeat_interval);
	remap_timer_set(m, REMAP_TIMER_MACRO, next > time ? next : time + 1000);
}

void
remap_macro_stop(RemapMachine *m)
{
	m->is_repeating = false;
	remap_timer_set(m, REMAP_TIMER_MACRO, REMAP_NEVER);
	remap_update_mods(m, -1, 0);
}
