// SPDX-License-Identifier: GPL-3.0-or-later
/* The way of a key: read from a physical device, through the machine, written to a virtual one.
 * I/O: reads and writes events, asks a device for its keys after an overrun; nothing else.
 *
 * One machine serves all keyboards, as if they were one: a key is down while it is down on any of them. What the machine
 * emits goes to the clone of the keyboard that was used last, if that has the key, and a release always to where
 * its press went.
 *
 * Calling sequence:
 *	remap_router_use(router, keymap)	a machine for it
 *	remap_router_add(router, port)		a grabbed keyboard and its clone
 *	remap_router_read(router, port)		when the physical device is readable
 *	remap_router_leds(router, port)		when the clone is: somebody sets its LEDs
 *	remap_router_tick(router)		when router->deadline has come
 *	remap_router_release(router)		every key goes up
 *	remap_router_remove(router, port) */
#ifndef REMAP_ROUTER_H
#define REMAP_ROUTER_H

#include "keys/helper/kernel.h"
#include "keys/link/link.h"

enum {
	REMAP_PORTS_MAX = 66, /* 64 keyboards, one device for what no clone has, and one to spare */
	REMAP_PORT_EVENTS = 256, /* that wait for one write */
	REMAP_READ_EVENTS = 128, /* of one read; the kernel keeps at least 64 for us */
	REMAP_MSC_MAX = 8,	 /* of one frame */
	REMAP_TOLD_MAX = 32,	 /* layers and commands of one batch that are told one by one */
};

/* A keyboard and its clone. Without a source (-1) only written to. */
typedef struct RemapPort {
	int source, sink;
	void *device; /* for sync */
	const RemapDeviceInfo *clone;

	uint8_t held[REMAP_KEY_BYTES]; /* down on the source */
	bool is_dropping;   /* the kernel lost events; the rest of the frame means nothing */
	bool has_key;	    /* the source's frame has a key event */
	unsigned msc_count; /* MSC_SCAN comes before its key and goes where that goes */
	struct input_event mscs[REMAP_MSC_MAX];

	bool is_open;		 /* out[] ends in a frame without its SYN_REPORT */
	uint64_t serial;	 /* the feed that wrote a key to it last */
	struct input_event last; /* for the time of a SYN_REPORT of ours */
	unsigned count;
	struct input_event out[REMAP_PORT_EVENTS];
	int error; /* -errno: writing failed, the clone is of no use any more */
} RemapPort;

typedef struct RemapRouter {
	const RemapKernel *kernel;
	RemapKeymap *keymap; /* NULL: none; borrowed */
	RemapMachine *machine;
	RemapUsec deadline;

	RemapPort *ports[REMAP_PORTS_MAX];
	unsigned port_count;
	RemapPort *current; /* used last */
	RemapPort *writing; /* has something in out[]; at most one has */
	uint64_t serial;
	uint8_t holders[KEY_CNT];     /* on how many keyboards a key is down */
	RemapPort *where[REMAP_KEYS]; /* on which clone a key is down */
	bool is_panic;		      /* the panic chord was pressed; whoever looks, clears it */

	uint8_t leds[REMAP_LED_BYTES], known_leds[REMAP_LED_BYTES];
	bool is_indicated;

	bool is_locked;
	uint32_t policy;    /* RemapLinkPolicy */
	RemapAction *plain; /* the keymap's actions while safe ones are in their place */

	uint8_t *told; /* by layer: what was said about it */
	uint16_t layers[REMAP_TOLD_MAX], commands[REMAP_TOLD_MAX];
	unsigned layer_count, command_count;
	void (*tell_layer)(void *data, const char *name, bool is_on);
	void (*tell_command)(void *data, uint16_t index);
	void *data;

	uint64_t events, frames, overruns;
	uint64_t taken; /* of any type, by remap_router_read() */
} RemapRouter;

/**
 * remap_router_use - from now on this keymap; NULL for none
 *
 * Releases every key first. Locked stays locked. @keymap stays the caller's, but its actions are the router's
 * while the screen is locked.
 * Returns: 0, or -ENOMEM: then nothing may be relied on but remap_router_release() and _clear().
 */
int remap_router_use(RemapRouter *router, RemapKeymap *keymap);

/** remap_router_add - the source is grabbed, no key of it counts as down. @port stays the caller's. */
void remap_router_add(RemapRouter *router, RemapPort *port);

/**
 * remap_router_remove - takes a port out; every key that is down on its sink goes up
 *
 * When a key of its source was down, all keys are released and nothing stays undecided: an unplugged key was not
 * tapped. Keys that others hold on its sink go on at another one.
 */
void remap_router_remove(RemapRouter *router, RemapPort *port);

/**
 * remap_router_replace - the clone is another one, with other capabilities; keys that are down move over
 */
void remap_router_replace(RemapRouter *router, RemapPort *port, int sink,
			  const RemapDeviceInfo *clone);

/** remap_router_read - reads what there is, at most four batches. Returns: 0, or -errno: the device is gone. */
int remap_router_read(RemapRouter *router, RemapPort *port);

/** remap_router_leds - the same for a clone: LEDs and beeps. */
int remap_router_leds(RemapRouter *router, RemapPort *port);

void remap_router_tick(RemapRouter *router);

void remap_router_release(RemapRouter *router);

/**
 * remap_router_lock - the screen is locked, or open again
 *
 * With REMAP_LINK_SAFE every key is released at both ends of it. -ENOMEM: nothing has changed.
 */
int remap_router_lock(RemapRouter *router, bool is_locked, uint32_t policy);

/** remap_router_is_idle - no key down, nothing undecided. */
bool remap_router_is_idle(const RemapRouter *router);

/** remap_router_clear - frees what the router owns. */
void remap_router_clear(RemapRouter *router);

#endif
