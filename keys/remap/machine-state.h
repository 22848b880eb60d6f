// SPDX-License-Identifier: GPL-3.0-or-later
/* The machine from inside, for its own files only.
 * Pure. */
#ifndef REMAP_MACHINE_STATE_H
#define REMAP_MACHINE_STATE_H

#include "keys/remap/action-table.h"
#include "keys/remap/machine.h"

/* A key event on its way through the stages. @key from REMAP_KEYS on stands for a chord. */
typedef struct RemapEvent {
	RemapUsec time;
	uint16_t key;
	uint8_t is_press;
	uint8_t flags;
} RemapEvent;

enum {
	REMAP_FRESH = 1,     /* from the device: it takes place when a running macro is over */
	REMAP_NO_CHORD = 2,  /* replayed by the chord stage */
	REMAP_NO_LEADER = 4, /* replayed by the leader stage */
};

/* What a key that is down does; its release undoes exactly this. */
typedef struct RemapHeld {
	RemapAction action;
	uint16_t layer;	    /* that has the binding */
	uint16_t activated; /* the layer that this key holds, 0 for none */
	uint8_t is_down;
} RemapHeld;

typedef struct RemapLayerState {
	uint64_t stamp; /* order of activation */
	uint32_t count; /* reasons to be active */
	uint32_t oneshots;
	uint16_t parts; /* active parts of a composite */
	uint16_t slot;	/* in the list of active layers */
	uint8_t is_toggled;
} RemapLayerState;

enum RemapTimer {
	REMAP_TIMER_CHORD,
	REMAP_TIMER_LEADER,
	REMAP_TIMER_DANCE,
	REMAP_TIMER_TIMEOUT,
	REMAP_TIMER_HOLD,
	REMAP_TIMER_ONESHOT, /* this and the next wait while a tap-hold is undecided */
	REMAP_TIMER_MACRO,
	REMAP_TIMER_CAPSWORD,
	REMAP_TIMERS,
};

enum RemapChordState { REMAP_CHORD_IDLE, REMAP_CHORD_COLLECTING, REMAP_CHORD_HOLDING };

typedef struct RemapPendingChord {
	enum RemapChordState state;
	int match; /* index of the complete one, or -1 */
	RemapUsec last;
	uint32_t wait; /* ms */
	uint16_t count;
	RemapEvent queue[REMAP_PENDING_MAX];
} RemapPendingChord;

/* A tap-hold key that is not decided yet. */
typedef struct RemapPendingHold {
	bool is_pending;
	uint8_t op;
	uint16_t key, layer, target; /* layer: of the binding; target: to activate */
	uint32_t tap;		     /* action */
	RemapUsec expires;
	uint16_t count;
	RemapEvent queue[REMAP_PENDING_MAX];
} RemapPendingHold;

typedef struct RemapPendingTimeout {
	bool is_pending;
	bool is_tapped; /* pressed and released already: the choice is tapped */
	uint16_t key, layer;
	uint32_t early, late;
	RemapUsec start, expires;
} RemapPendingTimeout;

typedef struct RemapPendingDance {
	bool is_pending;
	bool is_down;
	uint16_t key, layer;
	uint32_t count;
	RemapAction action;
} RemapPendingDance;

typedef struct RemapPendingLeader {
	bool is_pending;
	uint16_t layer;
	uint32_t wait;
	uint16_t pressed; /* presses in the queue */
	uint16_t count;
	int match;
	RemapEvent queue[REMAP_PENDING_MAX];
} RemapPendingLeader;

enum {
	REMAP_TODO_MAX = REMAP_HELD_BACK_MAX + 3 * REMAP_PENDING_MAX +
			 8, /* every event waits in one place */
};

struct RemapMachine {
	RemapKeymap *keymap;
	RemapSink sink;
	RemapStepFunction steps[REMAP_OPS];
	RemapUsec now;	 /* of the last call */
	RemapUsec clock; /* where the output is: ahead of now while a macro waits */
	RemapUsec next;	 /* the earliest of due[] */
	RemapUsec due[REMAP_TIMERS];

	RemapLayerState *layers;
	uint16_t *active;
	size_t active_count, layout_count;
	uint64_t stamps;
	uint8_t mods;			/* the modifiers that the machine holds down ... */
	uint8_t right;			/* ... of those, the ones held down as the right-hand key */
	uint8_t right_held[REMAP_MODS]; /* built-in right-hand modifier keys that are down */
	uint16_t right_layer[REMAP_MODS];
	bool guard_off;
	uint16_t last_output; /* last key pressed */
	uint16_t last_key;    /* last physical key whose action was a press */
	RemapUsec last_simple;
	RemapUsec overload_start;
	uint16_t tapped_key; /* last tap-hold that was tapped ... */
	RemapUsec tapped_at; /* ... and when; 0 is never */

	uint32_t oneshots; /* sum over the layers */
	bool oneshot_latch;
	bool is_locked; /* the last one-shot press changed the lock: its release does nothing */
	uint16_t oneshot_key; /* for the lock on a double tap */
	RemapUsec oneshot_at;

	RemapAction last_action; /* for repeat() */
	bool is_repeating;
	uint32_t repeat_macro, repeat_interval;
	uint16_t repeat_layer;

	bool is_capsword;
	uint32_t capsword_timeout;
	int32_t scroll, scroll_x, scroll_y;
	bool is_scrolling, is_indicated;

	/* One byte a key: the fastest to ask and to set. */
	bool physical[REMAP_KEYS]; /* down on the device */
	bool down[REMAP_KEYS];	   /* down in the output so far */
	RemapHeld *held;	   /* REMAP_KEYS keys, then the chords */
	size_t held_count;
	uint16_t key_chord[REMAP_KEYS]; /* the live chord of a key, plus 1 */
	uint16_t *chord_left;		/* keys of a live chord that are down */

	RemapPendingChord chord;
	RemapPendingLeader leader;
	RemapPendingDance dance;
	RemapPendingTimeout timeout;
	RemapPendingHold hold;

	RemapEvent todo[REMAP_TODO_MAX]; /* ring */
	uint16_t todo_first, todo_count;
	RemapOut *later; /* output that a delay holds back */
	size_t later_count, later_first, later_capacity;
};

/* keys-step.c: the key action without its step, for the many keys that do nothing else. */
void remap_key_press(RemapMachine *machine, RemapAction action, uint16_t layer, RemapUsec time);
void remap_key_release(RemapMachine *machine, RemapAction action, RemapUsec time);

/* machine-timers.c */
void remap_timer_set(RemapMachine *machine, enum RemapTimer timer, RemapUsec due);
/* Lets the next one fire, at its time. */
void remap_timers_fire(RemapMachine *machine);
void remap_timers_stop(RemapMachine *machine);

/* machine.c */
void remap_emit(RemapMachine *machine, RemapOutKind kind, uint16_t code, int32_t value);
void remap_send_key(RemapMachine *machine, uint16_t code, bool is_press);
void remap_todo_push_front(RemapMachine *machine, RemapEvent event);
void remap_todo_replay(RemapMachine *machine, const RemapEvent *queue, size_t count, uint8_t flags);
/* Does what the step says and remembers the press. */
void remap_do(RemapMachine *machine, const RemapStep *step);
/* Press and release at once, for an action that was decided after its key was released. */
void remap_tap(RemapMachine *machine, const RemapAction *action, uint16_t key, uint16_t layer,
	       RemapUsec time);
/* The key, physically down, does @action from now until its release. */
void remap_become(RemapMachine *machine, const RemapAction *action, uint16_t key, uint16_t layer,
		  RemapUsec time);

static inline RemapUsec
remap_ms(uint32_t ms)
{
	return (RemapUsec)ms * 1000;
}

/* Has it been that long? A replayed event may lie before what was decided meanwhile. */
static inline bool
remap_is_past(RemapUsec time, RemapUsec since, uint32_t ms)
{
	return (int64_t)(time - since) >= (int64_t)remap_ms(ms);
}

static inline const RemapAction *
remap_action_at(const RemapMachine *machine, uint32_t index)
{
	return &machine->keymap->actions[index];
}

/* layers.c */
void remap_layer_on(RemapMachine *machine, unsigned layer, uint16_t key);
void remap_layer_off(RemapMachine *machine, unsigned layer);
/* The modifiers of the active layers except @excluded (-1: none), and @extra. update_mods() makes it so. */
uint8_t remap_collect_mods(const RemapMachine *machine, int excluded, uint8_t extra);
void remap_set_mods(RemapMachine *machine, uint8_t wanted);
void remap_oneshot_end(RemapMachine *machine);
void remap_clear(RemapMachine *machine);

static inline uint8_t
remap_update_mods(RemapMachine *machine, int excluded, uint8_t extra)
{
	if (machine->active_count)
		extra = remap_collect_mods(machine, excluded, extra);
	if (extra != machine->mods)
		remap_set_mods(machine, extra);
	return extra;
}

static inline void
remap_oneshot_clear(RemapMachine *machine)
{
	machine->oneshot_latch = false;
	if (machine->oneshots)
		remap_oneshot_end(machine);
}

/* macro-run.c */
void remap_macro_run(RemapMachine *machine, uint32_t macro, uint16_t layer);
void remap_macro_timer(RemapMachine *machine, RemapUsec time);
void remap_macro_stop(RemapMachine *machine);

/* The stages: true when the event went no further. chord.c, leader.c, tap-hold.c */
bool remap_stage_chord(RemapMachine *machine, const RemapEvent *event);
bool remap_stage_leader(RemapMachine *machine, const RemapEvent *event);
bool remap_stage_dance(RemapMachine *machine, const RemapEvent *event);
void remap_stage_timeout(RemapMachine *machine, const RemapEvent *event);
bool remap_stage_hold(RemapMachine *machine, const RemapEvent *event);
void remap_chord_timer(RemapMachine *machine, RemapUsec time);
void remap_leader_timer(RemapMachine *machine, RemapUsec time);
void remap_dance_timer(RemapMachine *machine, RemapUsec time);
void remap_timeout_timer(RemapMachine *machine, RemapUsec time);
void remap_hold_timer(RemapMachine *machine, RemapUsec time);

#endif
