// SPDX-License-Identifier: GPL-3.0-or-later
/* The machine's timers: which is next, and what each does. One-shots and macros do not run out while a tap or hold is
 * undecided.
 * Pure. */
#include "keys/remap/machine-state.h"

static void
find_next(RemapMachine *m)
{
	RemapUsec next = REMAP_NEVER;

	for (unsigned i = 0; i < REMAP_TIMERS; i++) {
		if (m->hold.is_pending && (i == REMAP_TIMER_ONESHOT || i == REMAP_TIMER_MACRO))
			continue;
		if (m->due[i] < next)
			next = m->due[i];
	}
	m->next = next;
}

void
remap_timer_set(RemapMachine *m, enum RemapTimer timer, RemapUsec due)
{
	m->due[timer] = due;
	find_next(m);
}

void
remap_timers_stop(RemapMachine *m)
{
	for (unsigned i = 0; i < REMAP_TIMERS; i++)
		m->due[i] = REMAP_NEVER;
	find_next(m);
}

static void
expire_oneshots(RemapMachine *m)
{
	remap_oneshot_clear(m);
	remap_update_mods(m, -1, 0);
}

static void
fire(RemapMachine *m, enum RemapTimer timer, RemapUsec time)
{
	remap_timer_set(m, timer, REMAP_NEVER);
	switch (timer) {
	case REMAP_TIMER_CHORD:
		remap_chord_timer(m, time);
		break;
	case REMAP_TIMER_LEADER:
		remap_leader_timer(m, time);
		break;
	case REMAP_TIMER_DANCE:
		remap_dance_timer(m, time);
		break;
	case REMAP_TIMER_TIMEOUT:
		remap_timeout_timer(m, time);
		break;
	case REMAP_TIMER_HOLD:
		remap_hold_timer(m, time);
		break;
	case REMAP_TIMER_ONESHOT:
		expire_oneshots(m);
		break;
	case REMAP_TIMER_MACRO:
		remap_macro_timer(m, time);
		break;
	case REMAP_TIMER_CAPSWORD:
		m->is_capsword = false;
		break;
	case REMAP_TIMERS:
		break;
	}
}

void
remap_timers_fire(RemapMachine *m)
{
	RemapUsec time = m->next;

	if (time > m->clock)
		m->clock = time;
	for (unsigned i = 0; i < REMAP_TIMERS; i++) {
		if (m->hold.is_pending && (i == REMAP_TIMER_ONESHOT || i == REMAP_TIMER_MACRO))
			continue;
		if (m->due[i] == time) {
			fire(m, (enum RemapTimer)i, time);
			return;
		}
	}
	find_next(m);
}
