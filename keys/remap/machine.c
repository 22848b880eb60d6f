// SPDX-License-Identifier: GPL-3.0-or-later
/* The machine's core: time, the way of an event through the stages, and what leaves the machine.
 * Pure.
 *
 * Problem. A decision (tap or hold, chord or single keys) comes after the events that it is about, and a
 * macro with delays takes time; yet nothing may block, and the order of keys must hold.
 *
 * Approach. An event passes the stages chord, leader, dance, timeout, hold in this order; a stage that has
 * something undecided may keep it. A decision puts what was kept back to the front of one queue, where each
 * event has the time at which it happened. What falls through the stages is pressed or released. Cases:
 *	1. nothing pending: the event goes straight through, no queue is touched
 *	2. replayed events: timers that fall due between two of them fire between them, at their own times
 *	3. a macro with delays moves the output clock ahead; output is kept until its time has come, and events
 *	   from the device are kept until the macro is over
 *	4. too many kept events: the macro hurries (all its output is due now)
 *	5. a release undoes its own press: what a key does is remembered in held[] when it goes down, and a
 *	   decision taken later replaces it there */
#include "keys/remap/machine.h"

#include "keys/remap/machine-state.h"

#include <string.h>

/* Kept out of the common way, so that this needs no memory on the stack and few registers. */
#define SLOW __attribute__((noinline, cold))

static inline void
deliver(RemapMachine *m, const RemapOut *out)
{
	m->sink.emit(m->sink.data, out);
}

/* Case 4. */
SLOW static void
hurry(RemapMachine *m)
{
	for (; m->later_first < m->later_count; m->later_first++) {
		RemapOut out = m->later[m->later_first];

		out.time = m->now;
		deliver(m, &out);
	}
	m->later_first = m->later_count = 0;
	m->clock = m->now;
}

static void
deliver_due(RemapMachine *m)
{
	while (m->later_first < m->later_count && m->later[m->later_first].time <= m->now)
		deliver(m, &m->later[m->later_first++]);
	if (m->later_first == m->later_count)
		m->later_first = m->later_count = 0;
}

SLOW static void
emit_later(RemapMachine *m, RemapOut out)
{
	if (m->later_count < m->later_capacity) {
		m->later[m->later_count++] = out;
		return;
	}
	hurry(m);
	out.time = m->now;
	deliver(m, &out);
}

static inline void
emit(RemapMachine *m, RemapOutKind kind, uint16_t code, int32_t value)
{
	RemapOut out = { .time = m->clock, .kind = kind, .code = code, .value = value };

	if (m->clock > m->now)
		emit_later(m, out);
	else
		deliver(m, &out);
}

void
remap_emit(RemapMachine *m, RemapOutKind kind, uint16_t code, int32_t value)
{
	emit(m, kind, code, value);
}

/* The five modifiers, left and right, in the order of their bits. */
static const struct {
	uint16_t left, right;
} mod_keys[REMAP_MODS] = { { 56, 0 }, { 100, 0 }, { 42, 54 }, { 125, 126 }, { 29, 97 } };

SLOW static void
track_mod(RemapMachine *m, uint16_t code, bool is_press)
{
	for (unsigned i = 0; i < REMAP_MODS; i++) {
		uint8_t bit = (uint8_t)(1U << i);

		if (mod_keys[i].left == code) {
			m->mods = is_press ? m->mods | bit : m->mods & (uint8_t) ~(bit & ~m->right);
		} else if (mod_keys[i].right == code && !is_press && (m->right & bit)) {
			m->right &= (uint8_t)~bit;
			m->mods =
				m->down[mod_keys[i].left] ? m->mods | bit : m->mods & (uint8_t)~bit;
		}
	}
}

/* The eight keys that track_mod() is about. */
static inline bool
is_modifier(uint16_t code)
{
	static const uint64_t low = 1ULL << 29 | 1ULL << 42 | 1ULL << 54 | 1ULL << 56;
	static const uint64_t high =
		1ULL << (97 - 64) | 1ULL << (100 - 64) | 1ULL << (125 - 64) | 1ULL << (126 - 64);

	return code < 128 && ((code < 64 ? low : high) >> (code % 64) & 1);
}

/* The only local is one fixed struct that nothing writes through: no use for a guard on the hottest way. */
#if __has_attribute(no_stack_protector)
__attribute__((no_stack_protector))
#endif
void
remap_send_key(RemapMachine *m, uint16_t code, bool is_press)
{
	if (code == REMAP_KEY_NOOP)
		return;
	if (is_press)
		m->last_output = code;
	if (m->down[code] == is_press)
		return;
	m->down[code] = is_press;
	if (is_modifier(code))
		track_mod(m, code, is_press);
	emit(m, REMAP_OUT_KEY, code, is_press);
}

/* The queue of events that wait their turn. Every event is in one place only, so the ring cannot overflow:
 * see REMAP_TODO_MAX. */

void
remap_todo_push_front(RemapMachine *m, RemapEvent event)
{
	m->todo_first = (uint16_t)(m->todo_first ? m->todo_first - 1 : REMAP_TODO_MAX - 1);
	m->todo[m->todo_first] = event;
	m->todo_count++;
}

void
remap_todo_replay(RemapMachine *m, const RemapEvent *queue, size_t count, uint8_t flags)
{
	while (count-- > 0) {
		RemapEvent event = queue[count];

		event.flags = flags;
		remap_todo_push_front(m, event);
	}
}

static void
push_back(RemapMachine *m, const RemapEvent *event)
{
	m->todo[(m->todo_first + m->todo_count) % REMAP_TODO_MAX] = *event;
	m->todo_count++;
}

static RemapEvent
pop_front(RemapMachine *m)
{
	RemapEvent event = m->todo[m->todo_first];

	m->todo_first = (uint16_t)((m->todo_first + 1) % REMAP_TODO_MAX);
	m->todo_count--;
	return event;
}

/* Actions. */

void
remap_do(RemapMachine *m, const RemapStep *step)
{
	RemapStepFunction function = m->steps[step->action->op];

	if (function)
		function(m, step);
	if (step->is_press)
		m->last_key = step->key;
}

void
remap_tap(RemapMachine *m, const RemapAction *action, uint16_t key, uint16_t layer, RemapUsec time)
{
	RemapStep step = { .time = time, .key = key, .layer = layer, .is_press = true };

	/* What would wait for a release has been released: it is decided. */
	while (action->op == REMAP_OP_OVERLOADT || action->op == REMAP_OP_OVERLOADT2 ||
	       action->op == REMAP_OP_OVERLOADH || action->op == REMAP_OP_OVERLOADI) {
		bool is_second = action->op == REMAP_OP_OVERLOADI &&
				 remap_is_past(time, m->last_simple, action->c);

		action = remap_action_at(m, is_second ? action->b : action->a);
	}
	if (action->op == REMAP_OP_MACRO || action->op == REMAP_OP_MACRO2) {
		remap_macro_run(m, action->op == REMAP_OP_MACRO ? action->a : action->c, layer);
		return;
	}
	if (action->op == REMAP_OP_REPEAT) {
		RemapAction last = m->last_action;

		if (last.op != REMAP_OP_NONE)
			remap_tap(m, &last, key, layer, time);
		return;
	}
	step.action = action;
	m->is_locked = false;
	remap_do(m, &step);
	step.is_press = false;
	if (!m->is_locked) {
		remap_do(m, &step);
	} else if (action->op == REMAP_OP_ONESHOTK) {
		step.action = remap_action_at(m, action->a);
		remap_do(m, &step);
	}
}

void
remap_become(RemapMachine *m, const RemapAction *action, uint16_t key, uint16_t layer,
	     RemapUsec time)
{
	RemapHeld *held = &m->held[key];
	RemapStep step = { .time = time, .key = key, .layer = layer, .is_press = true };

	*held = (RemapHeld){ .action = *action, .layer = layer, .is_down = true };
	step.action = &held->action;
	remap_do(m, &step);
}

/* The newest active layer that binds the key; a composite whose parts are all active goes before, the one
 * with the most parts first. main is the oldest; of two that are equally old the later one wins. */
static inline void
look_up(const RemapMachine *m, uint16_t code, RemapHeld *held)
{
	const RemapKeymap *keymap = m->keymap;
	const RemapRow *row = &keymap->rows[keymap->row_of[code]];
	const RemapRow *end = &keymap->rows[keymap->row_of[code + 1]];
	const RemapRow *best = NULL;
	uint64_t newest = 0;
	unsigned parts = 0;

	for (; row < end; row++) {
		const RemapLayerState *state = &m->layers[row->layer];

		if (row->composite && state->parts == row->composite) {
			if (row->composite > parts) {
				parts = row->composite;
				best = row;
			}
		} else if (!parts && state->count && state->stamp >= newest) {
			newest = state->stamp;
			best = row;
		}
	}
	held->activated = 0;
	if (best) {
		held->action = keymap->actions[best->action];
		held->layer = best->layer;
		return;
	}
	held->action = (RemapAction){ .op = REMAP_OP_KEY, .code = code };
	held->layer = 0;
}

SLOW static void
begin(RemapMachine *m, RemapHeld *held, RemapEvent event)
{
	RemapStep step = { &held->action, event.time, event.key, held->layer, true };

	remap_do(m, &step);
}

SLOW static void
end(RemapMachine *m, const RemapHeld *held, RemapEvent event)
{
	RemapAction action = held->action;
	RemapStep step = { &action, event.time, event.key, held->layer, false };

	remap_do(m, &step);
}

static inline void
press(RemapMachine *m, RemapEvent event)
{
	RemapHeld *held = &m->held[event.key];

	if (held->is_down)
		return;
	if (event.key < REMAP_KEYS) {
		look_up(m, event.key, held);
	} else {
		const RemapChord *chord = &m->keymap->chords[event.key - REMAP_KEYS];

		held->action = *remap_action_at(m, chord->action);
		held->layer = chord->layer;
		held->activated = 0;
	}
	held->is_down = true;
	if (held->action.op != REMAP_OP_KEY) {
		begin(m, held, event);
		return;
	}
	m->last_key = event.key;
	remap_key_press(m, held->action, held->layer, event.time);
}

static inline void
release(RemapMachine *m, RemapEvent event)
{
	RemapHeld *held = &m->held[event.key];

	if (!held->is_down)
		return;
	held->is_down = false;
	if (held->action.op == REMAP_OP_KEY)
		remap_key_release(m, held->action, event.time);
	else
		end(m, held, event);
}

/* Most events have nothing to do with chords: a press of a key in none, a release of a key in none that is
 * live, while none is collected. */
static inline bool
may_be_chord(const RemapMachine *m, RemapEvent event)
{
	const uint32_t *row_of = m->keymap->chord_row_of;

	if (m->chord.state != REMAP_CHORD_IDLE)
		return true;
	if (event.key >= REMAP_KEYS)
		return false;
	return event.is_press ? row_of[event.key] != row_of[event.key + 1]
			      : m->key_chord[event.key] != 0;
}

SLOW static bool
is_kept_for_chord(RemapMachine *m, RemapEvent event)
{
	return remap_stage_chord(m, &event);
}

SLOW static bool
is_kept(RemapMachine *m, RemapEvent event)
{
	if (m->leader.is_pending && remap_stage_leader(m, &event))
		return true;
	if (m->dance.is_pending && remap_stage_dance(m, &event))
		return true;
	if (m->timeout.is_pending)
		remap_stage_timeout(m, &event);
	return m->hold.is_pending && remap_stage_hold(m, &event);
}

static inline bool
is_undecided(const RemapMachine *m)
{
	return m->hold.is_pending | m->timeout.is_pending | m->dance.is_pending |
	       m->leader.is_pending;
}

static inline void
process(RemapMachine *m, RemapEvent event)
{
	if (may_be_chord(m, event) && is_kept_for_chord(m, event))
		return;
	if (is_undecided(m) && is_kept(m, event))
		return;
	if (m->is_repeating)
		remap_macro_stop(m);
	if (event.is_press)
		press(m, event);
	else
		release(m, event);
}

/* Does what is due at m->now: cases 2 and 3. */
SLOW static void
run(RemapMachine *m)
{
	while (m->clock <= m->now) {
		if (m->todo_count) {
			RemapEvent *event = &m->todo[m->todo_first];

			if ((event->flags & REMAP_FRESH) && event->time < m->clock)
				event->time = m->clock;
			if (m->next > event->time) {
				RemapEvent first = pop_front(m);

				if ((first.flags & REMAP_FRESH) && first.time > m->clock)
					m->clock = first.time;
				process(m, first);
				continue;
			}
		} else if (m->next > m->now) {
			m->clock = m->now;
			return;
		}
		remap_timers_fire(m);
	}
}

static RemapUsec
deadline(const RemapMachine *m)
{
	if (m->later_first < m->later_count)
		return m->later[m->later_first].time;
	return m->clock > m->now ? m->clock : m->next;
}

static void
move_to(RemapMachine *m, RemapUsec time)
{
	if (time > m->now)
		m->now = time;
	if (m->later_count)
		deliver_due(m);
}

RemapUsec
remap_machine_tick(RemapMachine *m, RemapUsec time)
{
	move_to(m, time);
	run(m);
	return deadline(m);
}

SLOW static void
feed_slowly(RemapMachine *m, RemapEvent event)
{
	move_to(m, event.time);
	run(m);
	if (m->todo_count >= REMAP_HELD_BACK_MAX) {
		hurry(m);
		run(m);
	}
	push_back(m, &event);
	run(m);
}

RemapUsec
remap_machine_feed(RemapMachine *m, uint16_t code, int value, RemapUsec time)
{
	RemapEvent event = { .time = time > m->now ? time : m->now,
			     .key = code,
			     .is_press = value != 0,
			     .flags = REMAP_FRESH };

	if (value > 1 || code >= REMAP_KEY_NOOP || m->physical[code] == (value != 0))
		return remap_machine_tick(m, time);
	m->physical[code] = value != 0;
	/* Whatever waits for its time, the clock is ahead of the last call then. */
	if (m->clock > m->now || m->next <= event.time) {
		feed_slowly(m, event);
		return deadline(m);
	}
	/* Case 1. */
	m->now = m->clock = event.time;
	process(m, event);
	if (m->todo_count || m->clock > m->now || m->next <= m->now) {
		run(m);
		return deadline(m);
	}
	return m->next;
}

/* Takes back what was decided but not told: down[] is what the sink knows then. */
static void
forget_later(RemapMachine *m)
{
	while (m->later_count > m->later_first) {
		const RemapOut *out = &m->later[--m->later_count];

		if (out->kind == REMAP_OUT_KEY)
			m->down[out->code] = !out->value;
	}
	m->later_first = m->later_count = 0;
}

void
remap_machine_release_all(RemapMachine *m, RemapUsec time)
{
	move_to(m, time);
	forget_later(m);
	m->clock = m->now;
	m->todo_count = 0;
	m->chord.state = REMAP_CHORD_IDLE;
	m->leader.is_pending = m->dance.is_pending = m->timeout.is_pending = m->hold.is_pending =
		false;
	m->is_repeating = m->is_capsword = m->is_scrolling = m->oneshot_latch = false;
	remap_timers_stop(m);
	memset(m->physical, 0, sizeof(m->physical));
	memset(m->key_chord, 0, sizeof(m->key_chord));
	memset(m->right_held, 0, sizeof(m->right_held));
	for (size_t i = 0; i < m->held_count; i++)
		m->held[i].is_down = false;
	for (unsigned i = 1; i < m->keymap->layer_count; i++) {
		RemapLayerState *state = &m->layers[i];

		if (m->keymap->layers[i].kind == REMAP_LAYER_LAYOUT)
			continue;
		m->oneshots -= state->oneshots;
		state->oneshots = 0;
		state->is_toggled = false;
		while (state->count)
			remap_layer_off(m, i);
	}
	for (unsigned code = 0; code < REMAP_KEYS; code++)
		if (m->down[code])
			remap_send_key(m, (uint16_t)code, false);
	m->mods = m->right = 0;
}

/* Asking. */

bool
remap_machine_is_idle(const RemapMachine *m)
{
	for (unsigned i = 0; i < REMAP_KEYS; i++)
		if (m->physical[i] || m->down[i])
			return false;
	return !m->todo_count && m->later_first == m->later_count &&
	       m->chord.state == REMAP_CHORD_IDLE && !m->leader.is_pending &&
	       !m->dance.is_pending && !m->timeout.is_pending && !m->hold.is_pending &&
	       !m->is_repeating;
}

bool
remap_machine_is_latched(const RemapMachine *m)
{
	for (unsigned i = 1; i < m->keymap->layer_count; i++)
		if (m->layers[i].is_toggled || m->layers[i].oneshots)
			return true;
	return m->is_scrolling || m->is_capsword;
}

bool
remap_machine_layer_active(const RemapMachine *m, unsigned layer)
{
	return layer < m->keymap->layer_count && m->layers[layer].count > 0;
}
