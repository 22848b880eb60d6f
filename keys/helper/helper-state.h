// SPDX-License-Identifier: GPL-3.0-or-later
/* The helper from inside, for its own files only.
 * I/O: the connection. */
#ifndef REMAP_HELPER_STATE_H
#define REMAP_HELPER_STATE_H

#include "keys/helper/helper.h"

/* A keymap and its number. */
typedef struct RemapVersion {
	RemapKeymap *keymap;
	uint32_t id; /* 0 when there is no keymap */
} RemapVersion;

struct RemapHelper {
	RemapHelperSetup setup;
	const RemapKernel *kernel;
	int epoll;
	RemapRouter router;
	RemapKeyboards keyboards;
	uint32_t flags, told_flags; /* REMAP_LINK_IS_x */
	bool is_greeted, is_over;
	const char *fault;

	char *text; /* parts so far */
	size_t text_length, text_capacity;
	uint32_t text_id;
	RemapVersion current, former; /* former: while current is on trial */
	RemapVersion next;	      /* accepted, waits for all keys to be up */
	uint32_t next_flags, next_timeout;

	RemapUsec hello_by, seat_by, swap_by, trial_by; /* REMAP_NEVER: not waited for */
	RemapUsec armed;				/* what the timer is set to */
	RemapUsec second;				/* in which messages were counted */
	unsigned messages;
	uint64_t counted; /* of the events that were read, those that are judged */
	RemapUsec counted_at;
	unsigned steps; /* since */
	bool is_flooded;
	uint64_t lost;
	uint8_t buffer[REMAP_LINK_DATAGRAM_MAX];
};

/* helper.c */

/** remap_helper_update - after anything that keyboards depend on: gives them back or takes them, tells a new state. */
void remap_helper_update(RemapHelper *helper);

/* telling.c */

void remap_helper_tell(RemapHelper *helper, const RemapLinkMessage *message);

/** remap_helper_end - FAULT, and the end. @text is constant. */
void remap_helper_end(RemapHelper *helper, RemapLinkFaultCode code, const char *text);

void remap_helper_tell_state(RemapHelper *helper);

/** remap_helper_tell_all - the answer to STATUS. */
void remap_helper_tell_all(RemapHelper *helper);

/* Hooks of the router and the keyboards; @data is the helper. */
void remap_helper_tell_layer(void *data, const char *name, bool is_on);
void remap_helper_tell_command(void *data, uint16_t index);
void remap_helper_tell_device(void *data, const RemapKeyboard *keyboard, uint32_t event,
			      const char *text);

/* versions.c */

/** remap_keymaps_take_part, _commit - KEYMAP and COMMIT. */
void remap_keymaps_take_part(RemapHelper *helper, const RemapLinkMessage *message);
void remap_keymaps_commit(RemapHelper *helper, const RemapLinkMessage *message);

/** remap_keymaps_confirm - the keymap on trial stays, when it is that one. */
void remap_keymaps_confirm(RemapHelper *helper, uint32_t id);

/** remap_keymaps_revert - back to the keymap before the trial. */
void remap_keymaps_revert(RemapHelper *helper);

/** remap_keymaps_swap_when_idle - the next keymap, when there is one and its time has come. */
void remap_keymaps_swap_when_idle(RemapHelper *helper, RemapUsec now);

void remap_version_drop(RemapVersion *version);

#endif
