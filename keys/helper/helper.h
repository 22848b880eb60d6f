// SPDX-License-Identifier: GPL-3.0-or-later
/* The helper: one connection, one set of keyboards, one keymap (and the one before, while it is on trial).
 * I/O, through the table of kernel.h and the connection.
 *
 *	helper = remap_helper_new(&setup);
 *	while ((result = remap_helper_step(helper, -1)) > 0)
 *		;
 *	remap_helper_free(helper);	every key goes up, every keyboard is given back
 *
 * It sleeps in one epoll_wait() until something happens. An edge costs that, a read and a write. */
#ifndef REMAP_HELPER_H
#define REMAP_HELPER_H

#include "keys/helper/keyboards.h"

typedef struct RemapHelperSetup {
	const RemapKernel *kernel; /* borrowed */
	int socket;		   /* of the daemon; borrowed */
	int signals;		   /* a signalfd: readable means end; -1: none */
	RemapLinkHow how;
	unsigned uid;		/* of the daemon */
	bool is_session_needed; /* only while @uid has the active session on a seat */
	bool has_no_landlock;
} RemapHelperSetup;

/* us */
#define REMAP_HELLO_WITHIN ((RemapUsec)10000000)
#define REMAP_SEAT_WITHIN \
	((RemapUsec)10000000) /* a session that is being opened has its seat by then */
#define REMAP_SWAP_WITHIN \
	((RemapUsec)1000000) /* a new keymap waits that long for all keys to be up */

enum {
	REMAP_TRIAL_MAX = 600000, /* ms */
	/* In one second. The daemon sends some forty for a keymap of the greatest size. */
	REMAP_MESSAGES_MAX = 1000,
	/* So many events in fewer steps than that: devices send faster than it reads. A key, a scroll or a move of a
	 * pointer is two to four events and a step. */
	REMAP_FLOOD_EVENTS = 4096,
	REMAP_FLOOD_STEPS = 256,
	/* us. Or so many within this time: twice as fast as the fastest pointers, which send 8,000 times a second. */
	REMAP_FLOOD_WITHIN = 80000,
};

enum { REMAP_HELPER_FLOODED = 2 };

typedef struct RemapHelper RemapHelper;

/** remap_helper_new - returns the helper, or NULL with errno set. Nothing is opened before HELLO and a keymap. */
RemapHelper *remap_helper_new(const RemapHelperSetup *setup);

/**
 * remap_helper_step - waits for something, and does all that is to do
 * @timeout: ms as epoll_wait(2) has it: -1 for ever, 0 not at all
 *
 * Returns: 1 go on; REMAP_HELPER_FLOODED: go on, and leave the processor to others as well, told once; 0 the end
 * (connection closed, told to, or a fault that was told); -errno.
 */
int remap_helper_step(RemapHelper *helper, int timeout);

/** remap_helper_fault - why it ended, or NULL when nothing was wrong. A constant text. */
const char *remap_helper_fault(const RemapHelper *helper);

/** remap_helper_free - gives everything back. */
void remap_helper_free(RemapHelper *helper);

#endif
