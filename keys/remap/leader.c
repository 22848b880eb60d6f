// SPDX-License-Identifier: GPL-3.0-or-later
/* Leader sequences: after the leader key, the keys typed are kept and compared with the sequences of a
 * layer.
 * Pure.
 *
 * Cases:
 *	1. they are a sequence and no longer one begins so: its action, held with the last key
 *	2. they are a sequence and a longer one is possible: wait; when the time is over, its action
 *	3. they begin a sequence: wait; when the time is over, all is typed as it came
 *	4. they begin none: all is typed as it came
 * Releases of keys pressed before the leader pass by. */
#include "keys/remap/machine-state.h"

enum { NO_MATCH = -1 };

void
remap_step_leader(RemapMachine *m, const RemapStep *step)
{
	uint32_t wait =
		step->action->a == REMAP_UNSET ? m->keymap->global.leader_timeout : step->action->a;

	if (!step->is_press || m->leader.is_pending)
		return;
	m->leader.is_pending = true;
	m->leader.layer = step->action->code;
	m->leader.wait = wait;
	m->leader.count = m->leader.pressed = 0;
	m->leader.match = NO_MATCH;
	remap_timer_set(m, REMAP_TIMER_LEADER, wait ? step->time + remap_ms(wait) : REMAP_NEVER);
}

static bool
begins_with_queue(const RemapSequence *sequence, const RemapPendingLeader *leader)
{
	unsigned at = 0;

	for (unsigned i = 0; i < leader->count; i++)
		if (leader->queue[i].is_press && sequence->keys[at++] != leader->queue[i].key)
			return false;
	return true;
}

/* The last of equal sequences wins, as the last binding of a key does. */
static int
find_sequence(const RemapMachine *m, bool *is_partial)
{
	const RemapKeymap *keymap = m->keymap;
	int found = NO_MATCH;

	*is_partial = false;
	for (size_t i = 0; i < keymap->sequence_count; i++) {
		const RemapSequence *sequence = &keymap->sequences[i];

		if (sequence->layer != m->leader.layer || sequence->count < m->leader.pressed ||
		    !begins_with_queue(sequence, &m->leader))
			continue;
		if (sequence->count == m->leader.pressed)
			found = (int)i;
		else
			*is_partial = true;
	}
	return found;
}

static void
finish(RemapMachine *m)
{
	m->leader.is_pending = false;
	remap_timer_set(m, REMAP_TIMER_LEADER, REMAP_NEVER);
}

static void
give_up(RemapMachine *m, uint8_t flags)
{
	finish(m);
	remap_todo_replay(m, m->leader.queue, m->leader.count, flags | REMAP_NO_LEADER);
}

/* The kept events are used up; a key that is still down does nothing at its release, but for the last. */
static void
do_sequence(RemapMachine *m, RemapUsec time)
{
	const RemapPendingLeader *leader = &m->leader;
	const RemapSequence *sequence = &m->keymap->sequences[leader->match];
	const RemapAction *action = remap_action_at(m, sequence->action);
	uint16_t last = sequence->keys[sequence->count - 1];
	bool is_down = true;

	finish(m);
	for (unsigned i = 0; i < leader->count; i++)
		if (leader->queue[i].key == last)
			is_down = leader->queue[i].is_press;
	if (is_down)
		remap_become(m, action, last, leader->layer, time);
	else
		remap_tap(m, action, last, leader->layer, time);
}

void
remap_leader_timer(RemapMachine *m, RemapUsec time)
{
	if (!m->leader.is_pending)
		return;
	if (m->leader.match >= 0)
		do_sequence(m, time);
	else
		give_up(m, 0);
}

static bool
is_queued(const RemapPendingLeader *leader, uint16_t key)
{
	for (unsigned i = 0; i < leader->count; i++)
		if (leader->queue[i].key == key)
			return true;
	return false;
}

bool
remap_stage_leader(RemapMachine *m, const RemapEvent *event)
{
	RemapPendingLeader *leader = &m->leader;
	bool is_partial;

	if (event->flags & REMAP_NO_LEADER)
		return false;
	if (!event->is_press && !is_queued(leader, event->key))
		return false;
	leader->queue[leader->count++] = *event;
	if (!event->is_press) {
		if (leader->count == REMAP_PENDING_MAX)
			give_up(m, event->flags & REMAP_NO_CHORD);
		return true;
	}
	leader->pressed++;
	leader->match = find_sequence(m, &is_partial);
	if (leader->count == REMAP_PENDING_MAX)
		is_partial = false;
	if (leader->match >= 0 && !is_partial)
		do_sequence(m, event->time);
	else if (is_partial && leader->wait)
		remap_timer_set(m, REMAP_TIMER_LEADER, event->time + remap_ms(leader->wait));
	else if (!is_partial)
		give_up(m, event->flags & REMAP_NO_CHORD);
	return true;
}
