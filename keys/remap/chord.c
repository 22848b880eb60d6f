// SPDX-License-Identifier: GPL-3.0-or-later
/* Chords: keys pressed together that do something else.
 * Pure.
 *
 * COLLECTING: presses are kept while they could become a chord. Cases:
 *	1. complete, no longer chord possible: it fires, or waits for its hold time (HOLDING)
 *	2. complete, a longer one possible: wait its time after the last key, then as 1
 *	3. incomplete when the time is over, or a key goes up, or a foreign key goes down: all kept events are
 *	   replayed as if there were no chords
 * HOLDING: a chord key that goes up replays everything; other events are kept until the hold time is over.
 * A chord that fired is one key, down from the time of its last key until all of its keys are up. */
#include "keys/remap/machine-state.h"

typedef struct Match {
	int full; /* the newest complete chord, or -1 */
	bool is_partial;
	uint32_t wait; /* ms, the longest of the partial ones */
} Match;

static uint32_t
wait_of(const RemapMachine *m, const RemapChord *chord)
{
	return chord->timeout != REMAP_UNSET ? chord->timeout : m->keymap->global.chord_timeout;
}

static uint32_t
hold_of(const RemapMachine *m, const RemapChord *chord)
{
	return chord->hold != REMAP_UNSET ? chord->hold : m->keymap->global.chord_hold_timeout;
}

static bool
has_key(const RemapChord *chord, uint16_t key)
{
	for (unsigned i = 0; i < chord->count; i++)
		if (chord->keys[i] == key)
			return true;
	return false;
}

static bool
has_queue(const RemapChord *chord, const RemapPendingChord *pending)
{
	for (unsigned i = 0; i < pending->count; i++)
		if (!has_key(chord, pending->queue[i].key))
			return false;
	return true;
}

/* While COLLECTING the queue holds presses of different keys only. */
static Match
find_match(const RemapMachine *m)
{
	const RemapKeymap *keymap = m->keymap;
	uint16_t first = m->chord.queue[0].key;
	Match match = { .full = m->chord.match };
	uint64_t newest = 0;
	bool is_found = false;

	for (uint32_t i = keymap->chord_row_of[first]; i < keymap->chord_row_of[first + 1]; i++) {
		const RemapChord *chord = &keymap->chords[keymap->chord_rows[i]];
		const RemapLayerState *layer = &m->layers[chord->layer];

		if (!layer->count || m->chord.count > chord->count || !has_queue(chord, &m->chord))
			continue;
		if (m->chord.count < chord->count) {
			match.wait =
				wait_of(m, chord) > match.wait ? wait_of(m, chord) : match.wait;
			match.is_partial = true;
		} else if (!is_found || layer->stamp >= newest) {
			is_found = true;
			newest = layer->stamp;
			match.full = keymap->chord_rows[i];
		}
	}
	if (!is_found && !match.is_partial)
		match.full = -2; /* nothing any more */
	return match;
}

static void
resolve(RemapMachine *m)
{
	RemapPendingChord *pending = &m->chord;
	int index = pending->match;
	unsigned used = 0;
	RemapEvent press = { .time = pending->last, .is_press = true, .flags = REMAP_NO_CHORD };

	pending->state = REMAP_CHORD_IDLE;
	remap_timer_set(m, REMAP_TIMER_CHORD, REMAP_NEVER);
	if (index >= 0)
		used = m->keymap->chords[index].count;
	remap_todo_replay(m, pending->queue + used, pending->count - used, REMAP_NO_CHORD);
	if (index < 0)
		return;
	for (unsigned i = 0; i < used; i++)
		m->key_chord[m->keymap->chords[index].keys[i]] = (uint16_t)(index + 1);
	m->chord_left[index] = (uint16_t)used;
	press.key = (uint16_t)(REMAP_KEYS + index);
	remap_todo_push_front(m, press);
}

static void
abort_chord(RemapMachine *m)
{
	m->chord.match = -1;
	resolve(m);
}

/* Takes the newest press in; the first one decides whether there is a chord to wait for at all. */
static bool
collect(RemapMachine *m, RemapUsec time)
{
	RemapPendingChord *pending = &m->chord;
	Match match = find_match(m);
	uint32_t hold;

	if (match.full == -2)
		return false;
	pending->match = match.full;
	pending->last = time;
	if (match.is_partial) {
		pending->state = REMAP_CHORD_COLLECTING;
		pending->wait = match.wait;
		remap_timer_set(m, REMAP_TIMER_CHORD, time + remap_ms(match.wait));
		return true;
	}
	hold = hold_of(m, &m->keymap->chords[match.full]);
	if (hold) {
		pending->state = REMAP_CHORD_HOLDING;
		remap_timer_set(m, REMAP_TIMER_CHORD, time + remap_ms(hold));
	} else {
		resolve(m);
	}
	return true;
}

static bool
begin(RemapMachine *m, const RemapEvent *event)
{
	const uint32_t *row_of = m->keymap->chord_row_of;

	if (!event->is_press || event->key >= REMAP_KEYS ||
	    row_of[event->key] == row_of[event->key + 1])
		return false;
	m->chord.queue[0] = *event;
	m->chord.count = 1;
	m->chord.match = -1;
	return collect(m, event->time);
}

static void
go_on_collecting(RemapMachine *m, const RemapEvent *event)
{
	m->chord.queue[m->chord.count++] = *event;
	if (!event->is_press || !collect(m, event->time))
		abort_chord(m);
}

static void
go_on_holding(RemapMachine *m, const RemapEvent *event)
{
	const RemapChord *chord = &m->keymap->chords[m->chord.match];

	m->chord.queue[m->chord.count++] = *event;
	if (!event->is_press && has_key(chord, event->key))
		abort_chord(m);
	else if (m->chord.count == REMAP_PENDING_MAX)
		resolve(m);
}

/* An up of a key in a live chord: the last one releases the chord. */
static bool
leave_chord(RemapMachine *m, const RemapEvent *event)
{
	unsigned index;

	if (event->is_press || event->key >= REMAP_KEYS || !m->key_chord[event->key])
		return false;
	index = m->key_chord[event->key] - 1U;
	m->key_chord[event->key] = 0;
	if (--m->chord_left[index] == 0)
		remap_todo_push_front(m, (RemapEvent){ .time = event->time,
						       .key = (uint16_t)(REMAP_KEYS + index),
						       .flags = event->flags & REMAP_NO_CHORD });
	return true;
}

bool
remap_stage_chord(RemapMachine *m, const RemapEvent *event)
{
	if (leave_chord(m, event))
		return true;
	if (event->flags & REMAP_NO_CHORD)
		return false;
	switch (m->chord.state) {
	case REMAP_CHORD_IDLE:
		return begin(m, event);
	case REMAP_CHORD_COLLECTING:
		go_on_collecting(m, event);
		return true;
	case REMAP_CHORD_HOLDING:
		go_on_holding(m, event);
		return true;
	}
	return false;
}

void
remap_chord_timer(RemapMachine *m, RemapUsec time)
{
	RemapPendingChord *pending = &m->chord;
	uint32_t hold;

	if (pending->state == REMAP_CHORD_COLLECTING && pending->match >= 0) {
		hold = hold_of(m, &m->keymap->chords[pending->match]);
		if (hold > pending->wait) {
			pending->state = REMAP_CHORD_HOLDING;
			remap_timer_set(m, REMAP_TIMER_CHORD,
					time + remap_ms(hold - pending->wait));
			return;
		}
	}
	if (pending->state != REMAP_CHORD_IDLE)
		resolve(m);
}
