// SPDX-License-Identifier: GPL-3.0-or-later
/* The machine: key events with their times in, key events and the next deadline out.
 * Pure: no allocation, no system call, no clock after remap_machine_new(); time is a parameter.
 *
 * Calling sequence:
 *	m = remap_machine_new(keymap, &(RemapSink){ .emit = write_event, .data = self });
 *	for each physical event:    deadline = remap_machine_feed(m, code, value, time);
 *	when the deadline comes:    deadline = remap_machine_tick(m, time);
 *	device gone, session away:  remap_machine_release_all(m, time);
 *	remap_machine_free(m);
 *
 * Times are monotonic microseconds of the events themselves. A time before the last one counts as the last.
 * The same calls give the same output; feeding in one batch or one by one makes no difference.
 *
 * Delays inside macros do not block: what is due later waits in the machine, and so do key events that come
 * meanwhile. When more than REMAP_HELD_BACK_MAX of those wait, the macro hurries to its end. */
#ifndef REMAP_MACHINE_H
#define REMAP_MACHINE_H

#include "keys/remap/keymap.h"

typedef uint64_t RemapUsec;
#define REMAP_NEVER UINT64_MAX

enum {
	REMAP_HELD_BACK_MAX = 128, /* events that wait for a macro */
	REMAP_PENDING_MAX = 64,	   /* events that wait for one decision; one more decides */
};

typedef enum RemapOutKind {
	REMAP_OUT_KEY,	   /* code, value 1 or 0; codes from REMAP_KEY_PSEUDO on are wheel ticks */
	REMAP_OUT_LAYER,   /* code is the layer, value 1 on, 0 off */
	REMAP_OUT_COMMAND, /* code is the index in keymap->commands */
	REMAP_OUT_SCROLL,  /* distance in value, 0 is off: see remap_machine_motion() */
	REMAP_OUT_INDICATOR, /* value 1 on, 0 off: the Caps Lock LED, with layer_indicator */
} RemapOutKind;

typedef struct RemapOut {
	RemapUsec
		time; /* when it is due on the machine's clock; never later than the call's time */
	RemapOutKind kind;
	uint16_t code;
	int32_t value;
} RemapOut;

typedef struct RemapSink {
	void (*emit)(void *data, const RemapOut *out); /* may be NULL */
	void *data;
} RemapSink;

typedef struct RemapMachine RemapMachine;

/** remap_machine_new - all keys up, main and the default layout active. NULL when out of memory. */
RemapMachine *remap_machine_new(RemapKeymap *keymap, const RemapSink *sink);

/** remap_machine_free - frees it; emits nothing. */
void remap_machine_free(RemapMachine *machine);

/**
 * remap_machine_feed - one physical key event
 * @value: 0 up, 1 down, 2 repeat (only moves the clock; repeat belongs to the virtual device)
 *
 * A down of a key that is down and an up of a key that is up are ignored.
 * Returns: the time of the next remap_machine_tick(), or REMAP_NEVER.
 */
RemapUsec remap_machine_feed(RemapMachine *machine, uint16_t code, int value, RemapUsec time);

/** remap_machine_tick - lets time pass. Returns: as remap_machine_feed(). */
RemapUsec remap_machine_tick(RemapMachine *machine, RemapUsec time);

/**
 * remap_machine_release_all - every key that is down goes up; nothing is pending, held or latched any more
 *
 * Layouts stay. Physical keys count as up: their later release is ignored.
 */
void remap_machine_release_all(RemapMachine *machine, RemapUsec time);

/**
 * remap_machine_bind - remap_keymap_bind() for a keymap in use; held keys keep what they do
 * Returns: as remap_keymap_bind().
 */
int remap_machine_bind(RemapMachine *machine, const char *text, RemapDiags *diags);

/**
 * remap_machine_motion - mouse motion while scroll() is on
 * @ticks: gets the wheel ticks, across and up
 *
 * Returns: true when the motion was used up and the pointer must not move.
 */
bool remap_machine_motion(RemapMachine *machine, int32_t dx, int32_t dy, int32_t ticks[2]);

/** remap_machine_is_idle - no key physically down, none emitted, no decision pending, no macro running. */
bool remap_machine_is_idle(const RemapMachine *machine);

/** remap_machine_is_latched - a toggle, one-shot, scroll mode or caps-word waits for a later key. */
bool remap_machine_is_latched(const RemapMachine *machine);

/** remap_machine_layer_active - is this layer on? */
bool remap_machine_layer_active(const RemapMachine *machine, unsigned layer);

/** remap_machine_size - bytes of the machine's state. */
size_t remap_machine_size(const RemapMachine *machine);

#endif
