// SPDX-License-Identifier: GPL-3.0-or-later
/* The actions of single keys: key, repeat, command, scroll, caps-word.
 * Pure. */
#include "keys/remap/machine-state.h"
#include "keys/remap/machine.h"

/* By place: letters of the three rows; a layout may put something else there. */
static bool
is_letter(uint16_t code)
{
	return (code >= 16 && code <= 25) || (code >= 30 && code <= 38) ||
	       (code >= 44 && code <= 50);
}

enum { CODE_1 = 2, CODE_0 = 11, CODE_MINUS = 12, CODE_BACKSPACE = 14, CODE_DELETE = 111 };

/* The modifiers that caps-word adds to a key, or its end. */
static uint8_t
capsword_mods(RemapMachine *m, RemapAction action, RemapUsec time)
{
	uint16_t code = action.code;
	uint8_t mods = action.mods | m->mods;
	bool goes_on =
		(code >= CODE_1 && code <= CODE_0) || code == CODE_BACKSPACE || code == CODE_DELETE;

	if (mods & (uint8_t)~REMAP_MOD_SHIFT) {
		goes_on = false;
	} else if (is_letter(code) || code == CODE_MINUS) {
		remap_timer_set(m, REMAP_TIMER_CAPSWORD,
				m->capsword_timeout ? time + remap_ms(m->capsword_timeout)
						    : REMAP_NEVER);
		return REMAP_MOD_SHIFT;
	}
	if (!goes_on) {
		m->is_capsword = false;
		remap_timer_set(m, REMAP_TIMER_CAPSWORD, REMAP_NEVER);
	}
	return 0;
}

void
remap_key_press(RemapMachine *m, RemapAction action, uint16_t layer, RemapUsec time)
{
	if (!action.mods || action.mods == REMAP_MOD_SHIFT)
		m->last_simple = time;
	if (m->is_capsword)
		action.mods |= capsword_mods(m, action, time);
	/* Another variant of the same key is down ("[" and "{"): it must be seen again. */
	if (m->down[action.code])
		remap_send_key(m, action.code, false);
	action.mods = remap_update_mods(m, layer, action.mods);
	m->last_action = action;
	remap_send_key(m, action.code, true);
	remap_oneshot_clear(m);
}

void
remap_key_release(RemapMachine *m, RemapAction action, RemapUsec time)
{
	if (!action.mods || action.mods == REMAP_MOD_SHIFT)
		m->last_simple = time;
	remap_send_key(m, action.code, false);
	remap_update_mods(m, -1, 0);
}

void
remap_step_key(RemapMachine *m, const RemapStep *step)
{
	if (step->is_press)
		remap_key_press(m, *step->action, step->layer, step->time);
	else
		remap_key_release(m, *step->action, step->time);
}

void
remap_step_repeat(RemapMachine *m, const RemapStep *step)
{
	RemapAction action = m->last_action;

	if (step->is_press && action.op != REMAP_OP_NONE)
		remap_become(m, &action, step->key, step->layer, step->time);
}

void
remap_step_command(RemapMachine *m, const RemapStep *step)
{
	if (!step->is_press)
		return;
	remap_emit(m, REMAP_OUT_COMMAND, (uint16_t)step->action->a, 0);
	remap_oneshot_clear(m);
	remap_update_mods(m, -1, 0);
}

static void
set_scroll(RemapMachine *m, bool is_on, const RemapStep *step)
{
	if (step->is_press)
		m->scroll = (int32_t)step->action->a;
	if (m->is_scrolling == is_on)
		return;
	m->is_scrolling = is_on;
	m->scroll_x = m->scroll_y = 0;
	remap_emit(m, REMAP_OUT_SCROLL, 0, is_on ? m->scroll : 0);
}

void
remap_step_scroll(RemapMachine *m, const RemapStep *step)
{
	set_scroll(m, step->is_press, step);
}

void
remap_step_scrollt(RemapMachine *m, const RemapStep *step)
{
	if (step->is_press)
		set_scroll(m, !m->is_scrolling, step);
}

void
remap_step_scrollon(RemapMachine *m, const RemapStep *step)
{
	if (step->is_press)
		set_scroll(m, true, step);
}

void
remap_step_scrolloff(RemapMachine *m, const RemapStep *step)
{
	if (step->is_press && m->is_scrolling) {
		m->is_scrolling = false;
		remap_emit(m, REMAP_OUT_SCROLL, 0, 0);
	}
}

static int32_t
take_ticks(int32_t *sum, int32_t delta, int32_t distance)
{
	int64_t total = (int64_t)*sum + delta;

	*sum = (int32_t)(total % distance);
	return (int32_t)(total / distance);
}

bool
remap_machine_motion(RemapMachine *m, int32_t dx, int32_t dy, int32_t ticks[2])
{
	if (!m->is_scrolling)
		return false;
	ticks[0] = ticks[1] = 0;
	if (m->scroll == 0)
		return true;
	ticks[0] = take_ticks(&m->scroll_x, dx, m->scroll);
	ticks[1] = -take_ticks(&m->scroll_y, dy, m->scroll);
	return true;
}

void
remap_step_capsword(RemapMachine *m, const RemapStep *step)
{
	if (!step->is_press)
		return;
	m->is_capsword = !m->is_capsword;
	m->capsword_timeout = step->action->a == REMAP_UNSET ? m->keymap->global.capsword_timeout
							     : step->action->a;
	remap_timer_set(m, REMAP_TIMER_CAPSWORD,
			m->is_capsword && m->capsword_timeout
				? step->time + remap_ms(m->capsword_timeout)
				: REMAP_NEVER);
}
