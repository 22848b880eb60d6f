// SPDX-License-Identifier: GPL-3.0-or-later
/* The table of actions: one row and one step function for each. The parser, the printer, the lint and
 * the manual page read it; the machine calls the step.
 * Pure. */
#ifndef REMAP_ACTION_TABLE_H
#define REMAP_ACTION_TABLE_H

#include "keys/remap/keymap.h"

typedef struct RemapMachine RemapMachine;

/* One press or release of a bound key. */
typedef struct RemapStep {
	const RemapAction *action;
	uint64_t time;	/* of the event, us; a replayed event keeps its own */
	uint16_t key;	/* index of the held entry: a key code or REMAP_KEYS + chord */
	uint16_t layer; /* the layer that has the binding */
	bool is_press;
} RemapStep;

typedef void (*RemapStepFunction)(RemapMachine *machine, const RemapStep *step);

/*
 * Letters of @args, in the order of the written arguments:
 *	L a layer (not main, no layout)   O a layout or main    Q a layer of sequences
 *	A an action    K a key with modifiers    M a macro    T a time in ms    N a whole number
 *	t an optional time    + (first, before T) one or more actions
 * Layers go to action.code, everything else fills a, b, c in turn.
 */
typedef struct RemapActionRow {
	const char *name; /* as written; NULL for what has no name */
	RemapOp op;
	const char *args;
	const char *signature; /* the arguments for people */
	const char *summary;   /* for the manual page; NULL hides a row */
	const char *preferred; /* the row is an old name of this one */
	RemapStepFunction step;
} RemapActionRow;

extern const RemapActionRow remap_actions[];
extern const size_t remap_actions_count;

/** remap_action_find - the row with this name, or NULL. */
const RemapActionRow *remap_action_find(const char *name, size_t length);

/** remap_action_row - the row of an operation under its preferred name, or NULL for NONE. */
const RemapActionRow *remap_action_row(RemapOp op);

#define REMAP_STEP(name) void remap_step_##name(RemapMachine *machine, const RemapStep *step)
REMAP_STEP(key);
REMAP_STEP(layer);
REMAP_STEP(layerm);
REMAP_STEP(oneshot);
REMAP_STEP(oneshotm);
REMAP_STEP(oneshotk);
REMAP_STEP(toggle);
REMAP_STEP(togglem);
REMAP_STEP(swap);
REMAP_STEP(swapm);
REMAP_STEP(setlayout);
REMAP_STEP(clear);
REMAP_STEP(clearm);
REMAP_STEP(overload);
REMAP_STEP(hold);
REMAP_STEP(overloadi);
REMAP_STEP(timeout);
REMAP_STEP(macro);
REMAP_STEP(macro2);
REMAP_STEP(repeat);
REMAP_STEP(command);
REMAP_STEP(scroll);
REMAP_STEP(scrollt);
REMAP_STEP(scrollon);
REMAP_STEP(scrolloff);
REMAP_STEP(tapdance);
REMAP_STEP(capsword);
REMAP_STEP(leader);

#endif
