// SPDX-License-Identifier: GPL-3.0-or-later
/* The keyboards: found, opened, waited for, grabbed, cloned, given back.
 * I/O, through the table of kernel.h.
 *
 * A device that is wanted waits at least REMAP_SETTLE, and at most REMAP_PATIENCE, until no key of it is down; then it is
 * grabbed. So no program is left with a key that it saw go down and never up. What is still down after that time (a
 * stuck key, a hand on the keyboard) is released on the device itself, for all who listen, just before the grab. */
#ifndef REMAP_KEYBOARDS_H
#define REMAP_KEYBOARDS_H

#include "keys/helper/router.h"

enum { REMAP_KEYBOARDS_MAX = 64 };

/* us. The first gives udev time to write down the seat; the second is where patience with a stuck key ends. */
#define REMAP_SETTLE   ((RemapUsec)100000)
#define REMAP_PATIENCE ((RemapUsec)1000000)

typedef enum RemapKeyboardState {
	REMAP_KEYBOARD_NONE, /* the slot is free */
	REMAP_KEYBOARD_IGNORED,
	REMAP_KEYBOARD_WAITING,
	REMAP_KEYBOARD_GRABBED,
} RemapKeyboardState;

typedef struct RemapKeyboard {
	RemapKeyboardState state;
	char node[16];
	char reason[64];    /* why IGNORED */
	bool may_try_again; /* when its rights change, a device goes, or on RESUME */
	RemapDeviceInfo info, clone;
	int fd;
	void *device;
	RemapUsec settled, latest; /* WAITING */
	RemapPort *port;	   /* GRABBED */
} RemapKeyboard;

typedef struct RemapKeyboards {
	const RemapKernel *kernel;
	RemapRouter *router;
	char seat[64]; /* "": any */
	bool is_on;    /* keyboards are to be grabbed */
	RemapUsec deadline;
	RemapOutputs outputs;
	RemapKeyboard list[REMAP_KEYBOARDS_MAX];
	unsigned count; /* slots in use, with free ones between */
	bool is_full_told, cannot_create;
	bool is_listing;       /* what is found is not new */
	RemapDeviceInfo extra; /* for what no clone has; its port is NULL when there is none */
	RemapPort *extra_port;

	/* @fd is to be looked at, with this number; -1: no longer, it is about to be closed. */
	void (*watch)(void *data, int fd, unsigned number, bool is_on);
	void (*report)(void *data, const RemapKeyboard *keyboard, uint32_t event, const char *text);
	void *data;
} RemapKeyboards;

/* Numbers for watch(): keyboard i is 2 * i, its clone 2 * i + 1. */
enum { REMAP_NUMBER_EXTRA = 2 * REMAP_KEYBOARDS_MAX };

/** remap_keyboards_start - the keymap of the router is new, or keyboards are wanted again: takes what matches. */
void remap_keyboards_start(RemapKeyboards *keyboards);

/** remap_keyboards_stop - gives every keyboard back and closes it; @why for the reports. */
void remap_keyboards_stop(RemapKeyboards *keyboards, const char *why);

/** remap_keyboards_found - a RemapNodeFunction: a node came, changed or went. */
void remap_keyboards_found(void *keyboards, const char *node, bool is_gone);

/** remap_keyboards_retry - tries those again that could not be had. */
void remap_keyboards_retry(RemapKeyboards *keyboards);

/** remap_keyboards_ready - the descriptor with this number is readable. */
void remap_keyboards_ready(RemapKeyboards *keyboards, unsigned number);

/** remap_keyboards_tick - when the deadline has come. */
void remap_keyboards_tick(RemapKeyboards *keyboards);

/** remap_keyboards_check - gives back those whose clone could not be written to. */
void remap_keyboards_check(RemapKeyboards *keyboards);

#endif
