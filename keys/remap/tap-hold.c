// SPDX-License-Identifier: GPL-3.0-or-later
/* Keys that do one thing when tapped and another when held: overload, overloadt, overloadt2, overloadh,
 * overloadi, timeout, tapdance.
 * Pure.
 *
 * Cases of a pending tap-hold (overloadt*), t is its timeout:
 *	1. held for t: the layer, at the press plus t
 *	2. its own release before t: the action
 *	3. the release of a key that was pressed before it passes by
 *	4. overloadt2, overloadh: a key pressed after it is released: the layer
 *	5. overloadh: a key of the other hand is pressed: the layer; of the same hand: the action
 *	6. everything else waits and is replayed after the decision
 *	7. pressed again soon after a tap, with tap_repeat_timeout: the action at once, so that it repeats */
#include "keys/remap/machine-state.h"

static bool
is_again(const RemapMachine *m, const RemapStep *step)
{
	uint32_t limit = m->keymap->global.tap_repeat_timeout;

	return limit && m->tapped_at && m->tapped_key == step->key &&
	       !remap_is_past(step->time, m->tapped_at, limit);
}

static void
note_tap(RemapMachine *m, uint16_t key, RemapUsec time)
{
	m->tapped_key = key;
	m->tapped_at = time + (time == 0);
}

/* The layer is on from the press; alone, and not for too long, it was a tap. */
void
remap_step_overload(RemapMachine *m, const RemapStep *step)
{
	RemapAction action = *step->action;
	uint32_t limit =
		action.b != REMAP_UNSET ? action.b : m->keymap->global.overload_tap_timeout;

	if (step->is_press) {
		if (is_again(m, step) && m->held[step->key].is_down) {
			remap_become(m, remap_action_at(m, action.a), step->key, step->layer,
				     step->time);
			return;
		}
		m->overload_start = step->time;
		remap_layer_on(m, action.code, step->key);
		remap_update_mods(m, -1, 0);
		return;
	}
	remap_layer_off(m, action.code);
	remap_update_mods(m, -1, 0);
	if (m->last_key != step->key ||
	    (limit && remap_is_past(step->time, m->overload_start, limit)))
		return;
	note_tap(m, step->key, step->time);
	remap_tap(m, remap_action_at(m, action.a), step->key, step->layer, step->time);
}

void
remap_step_hold(RemapMachine *m, const RemapStep *step)
{
	const RemapAction *action = step->action;

	/* Its release comes here only after a decision that left nothing to undo. */
	if (!step->is_press || m->hold.is_pending)
		return;
	if (is_again(m, step)) {
		RemapAction tap = *remap_action_at(m, action->a);

		remap_become(m, &tap, step->key, step->layer, step->time);
		return;
	}
	m->hold.is_pending = true;
	m->hold.op = action->op;
	m->hold.key = step->key;
	m->hold.layer = step->layer;
	m->hold.target = action->code;
	m->hold.tap = action->a;
	m->hold.expires = step->time + remap_ms(action->b);
	m->hold.count = 0;
	remap_timer_set(m, REMAP_TIMER_HOLD, m->hold.expires);
}

static void
decide_hold(RemapMachine *m, bool is_hold, RemapUsec time, uint8_t flags)
{
	RemapPendingHold *hold = &m->hold;
	const RemapAction *action = remap_action_at(m, is_hold ? 1U + hold->target : hold->tap);

	hold->is_pending = false;
	remap_timer_set(m, REMAP_TIMER_HOLD, REMAP_NEVER);
	remap_todo_replay(m, hold->queue, hold->count, flags);
	hold->count = 0;
	if (!is_hold)
		note_tap(m, hold->key, time);
	remap_become(m, action, hold->key, hold->layer, time);
}

void
remap_hold_timer(RemapMachine *m, RemapUsec time)
{
	if (m->hold.is_pending)
		decide_hold(m, true, time, 0);
}

static bool
is_queued(const RemapPendingHold *hold, uint16_t key)
{
	for (unsigned i = 0; i < hold->count; i++)
		if (hold->queue[i].key == key)
			return true;
	return false;
}

/* Case 5. Returns -1 while undecided, else whether it is a hold. */
static int
judge_hands(const RemapMachine *m, const RemapEvent *event)
{
	uint8_t own, other;

	if (m->hold.key >= REMAP_KEYS || event->key >= REMAP_KEYS)
		return -1;
	own = m->keymap->hands[m->hold.key];
	other = m->keymap->hands[event->key];
	if (own == REMAP_HAND_NONE || other == REMAP_HAND_NONE)
		return -1;
	return own != other;
}

bool
remap_stage_hold(RemapMachine *m, const RemapEvent *event)
{
	RemapPendingHold *hold = &m->hold;
	int verdict = -1;

	if (!event->is_press && event->key != hold->key && !is_queued(hold, event->key))
		return false;
	hold->queue[hold->count] = *event;
	hold->queue[hold->count++].flags = 0;
	if (event->time >= hold->expires || hold->count == REMAP_PENDING_MAX)
		verdict = 1;
	else if (event->key == hold->key)
		verdict = 0;
	else if (!event->is_press && hold->op != REMAP_OP_OVERLOADT)
		verdict = 1;
	else if (event->is_press && hold->op == REMAP_OP_OVERLOADH)
		verdict = judge_hands(m, event);
	if (verdict >= 0)
		decide_hold(m, verdict == 1, event->time, event->flags & REMAP_NO_CHORD);
	return true;
}

/* The choice is made at the press and is what the key does until its release, also when it is another
 * choice. */
void
remap_step_overloadi(RemapMachine *m, const RemapStep *step)
{
	const RemapAction *action = step->action;
	RemapAction chosen;

	if (!step->is_press)
		return;
	chosen = *remap_action_at(m, remap_is_past(step->time, m->last_simple, action->c)
					     ? action->b
					     : action->a);
	remap_become(m, &chosen, step->key, step->layer, step->time);
}

/* timeout(): its own release reaches this step only when the press and the release were one tap. */
void
remap_step_timeout(RemapMachine *m, const RemapStep *step)
{
	const RemapAction *action = step->action;

	if (!step->is_press) {
		if (m->timeout.is_pending && m->timeout.key == step->key)
			m->timeout.is_tapped = true;
		return;
	}
	m->timeout = (RemapPendingTimeout){
		.is_pending = true,
		.key = step->key,
		.layer = step->layer,
		.early = action->a,
		.late = action->c,
		.start = step->time,
		.expires = step->time + remap_ms(action->b),
	};
	remap_timer_set(m, REMAP_TIMER_TIMEOUT, m->timeout.expires);
}

static void
decide_timeout(RemapMachine *m, RemapUsec time)
{
	RemapPendingTimeout pending = m->timeout;
	const RemapAction *action =
		remap_action_at(m, time >= pending.expires ? pending.late : pending.early);

	m->timeout.is_pending = false;
	remap_timer_set(m, REMAP_TIMER_TIMEOUT, REMAP_NEVER);
	if (pending.is_tapped)
		remap_tap(m, action, pending.key, pending.layer, time);
	else
		remap_become(m, action, pending.key, pending.layer, time);
}

void
remap_timeout_timer(RemapMachine *m, RemapUsec time)
{
	if (m->timeout.is_pending)
		decide_timeout(m, time);
}

void
remap_stage_timeout(RemapMachine *m, const RemapEvent *event)
{
	const RemapPendingTimeout *pending = &m->timeout;
	bool is_own_release = !event->is_press && event->key == pending->key;

	if (is_own_release && event->time == pending->start)
		return;
	if (pending->is_tapped || event->is_press || is_own_release)
		decide_timeout(m, event->time);
}

/* tapdance(): taps are counted until another key is pressed, the pause is too long or there is no further
 * action. */

static void
decide_dance(RemapMachine *m, RemapUsec time)
{
	RemapPendingDance dance = m->dance;
	const RemapAction *action =
		remap_action_at(m, m->keymap->variants[dance.action.a + dance.count - 1]);

	m->dance.is_pending = false;
	remap_timer_set(m, REMAP_TIMER_DANCE, REMAP_NEVER);
	if (dance.is_down)
		remap_become(m, action, dance.key, dance.layer, time);
	else
		remap_tap(m, action, dance.key, dance.layer, time);
}

void
remap_dance_timer(RemapMachine *m, RemapUsec time)
{
	if (m->dance.is_pending)
		decide_dance(m, time);
}

static void
count_tap(RemapMachine *m, RemapUsec time)
{
	RemapPendingDance *dance = &m->dance;

	dance->is_down = true;
	remap_timer_set(m, REMAP_TIMER_DANCE, time + remap_ms(dance->action.c));
	if (++dance->count == dance->action.b)
		decide_dance(m, time);
}

void
remap_step_tapdance(RemapMachine *m, const RemapStep *step)
{
	if (!step->is_press) {
		if (m->dance.is_pending && m->dance.key == step->key)
			m->dance.is_down = false;
		return;
	}
	m->dance = (RemapPendingDance){
		.is_pending = true,
		.key = step->key,
		.layer = step->layer,
		.action = *step->action,
	};
	count_tap(m, step->time);
}

bool
remap_stage_dance(RemapMachine *m, const RemapEvent *event)
{
	RemapPendingDance *dance = &m->dance;

	if (event->key != dance->key) {
		if (event->is_press)
			decide_dance(m, event->time);
		return false;
	}
	m->held[dance->key].is_down = event->is_press;
	if (event->is_press)
		count_tap(m, event->time);
	else
		dance->is_down = false;
	return true;
}
