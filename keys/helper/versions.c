// SPDX-License-Identifier: GPL-3.0-or-later
/* Keymaps: received in parts, parsed, next, current, and the one before while the current one is on trial.
 * I/O: the connection.
 *
 * A keymap that was accepted waits as "next" until no key is down, so that nobody's key is cut short, at most
 * REMAP_SWAP_WITHIN. */
#include "keys/helper/helper-state.h"

#include <stdlib.h>
#include <string.h>

void
remap_version_drop(RemapVersion *version)
{
	remap_keymap_free(version->keymap);
	*version = (RemapVersion){ 0 };
}

static void
run_version(RemapHelper *h)
{
	if (remap_router_use(&h->router, h->current.keymap) < 0) {
		remap_helper_end(h, REMAP_LINK_FAULT_SYSTEM, "out of memory");
		return;
	}
	if (h->current.keymap && h->keyboards.is_on)
		remap_keyboards_start(&h->keyboards);
	remap_helper_update(h);
}

static void
swap(RemapHelper *h)
{
	bool is_trial = h->next_flags & REMAP_LINK_TRIAL;
	RemapVersion old = h->current;
	uint32_t timeout = h->next_timeout < REMAP_TRIAL_MAX ? h->next_timeout : REMAP_TRIAL_MAX;

	h->current = h->next;
	h->next = (RemapVersion){ 0 };
	h->swap_by = REMAP_NEVER;
	remap_helper_tell(h, &(RemapLinkMessage){
				     .kind = REMAP_LINK_ACCEPTED,
				     .id = h->current.id,
				     .flags = h->next_flags,
				     .count = (uint32_t)h->current.keymap->command_count });
	/* A trial after a trial goes back to what was before both. */
	if (is_trial && h->trial_by == REMAP_NEVER) {
		h->former = old;
		old = (RemapVersion){ 0 };
	} else if (!is_trial) {
		remap_version_drop(&h->former);
	}
	h->trial_by = is_trial ? h->kernel->now(h->kernel->data) + (RemapUsec)timeout * 1000
			       : REMAP_NEVER;
	run_version(h);
	remap_version_drop(&old);
}

void
remap_keymaps_revert(RemapHelper *h)
{
	RemapVersion old = h->current;

	h->trial_by = REMAP_NEVER;
	h->current = h->former;
	h->former = (RemapVersion){ 0 };
	remap_helper_tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_REVERTED,
						  .id = h->current.id,
						  .index = old.id });
	run_version(h);
	remap_version_drop(&old);
}

void
remap_keymaps_swap_when_idle(RemapHelper *h, RemapUsec now)
{
	if (h->next.keymap && (now >= h->swap_by || remap_router_is_idle(&h->router)))
		swap(h);
}

void
remap_keymaps_take_part(RemapHelper *h, const RemapLinkMessage *message)
{
	size_t end;

	if (message->offset == 0) {
		h->text_id = message->id;
		h->text_length = 0;
	}
	end = h->text_length + message->data_length;
	if (message->id != h->text_id || message->offset != h->text_length ||
	    end > REMAP_LINK_KEYMAP_MAX) {
		remap_helper_end(h, REMAP_LINK_FAULT_MESSAGE,
				 "a part of a keymap that does not follow");
		return;
	}
	if (end > h->text_capacity) {
		size_t capacity = 2 * end;
		char *text = realloc(h->text, capacity);

		if (!text) {
			remap_helper_end(h, REMAP_LINK_FAULT_SYSTEM, "out of memory");
			return;
		}
		h->text = text;
		h->text_capacity = capacity;
	}
	if (message->data_length)
		memcpy(h->text + h->text_length, message->data, message->data_length);
	h->text_length = end;
}

static RemapKeymap *
load(RemapHelper *h, uint32_t id)
{
	RemapSource source = { .name = "",
			       .text = h->text ? h->text : "",
			       .length = h->text_length };
	RemapDiags diags = { 0 };
	RemapKeymap *keymap = remap_keymap_load(&source, &diags);

	for (size_t i = 0; i < diags.count; i++)
		remap_helper_tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_DIAGNOSTIC,
							  .id = id,
							  .severity = diags.list[i].severity,
							  .line = diags.list[i].line,
							  .column = diags.list[i].column,
							  .text = diags.list[i].message });
	if (!keymap)
		remap_helper_tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_REJECTED,
							  .id = id,
							  .count = (uint32_t)diags.errors });
	remap_diags_clear(&diags);
	return keymap;
}

void
remap_keymaps_commit(RemapHelper *h, const RemapLinkMessage *message)
{
	RemapKeymap *keymap;

	if (message->id == 0 || message->id != h->text_id || message->length != h->text_length) {
		remap_helper_end(h, REMAP_LINK_FAULT_MESSAGE, "a keymap that is not whole");
		return;
	}
	keymap = load(h, message->id);
	free(h->text);
	h->text = NULL;
	h->text_length = h->text_capacity = 0;
	h->text_id = 0;
	if (!keymap)
		return;
	remap_version_drop(&h->next);
	h->next = (RemapVersion){ keymap, message->id };
	h->next_flags = message->flags;
	h->next_timeout = message->timeout_ms;
	h->swap_by = h->kernel->now(h->kernel->data) + REMAP_SWAP_WITHIN;
	remap_keymaps_swap_when_idle(h, h->kernel->now(h->kernel->data));
}

void
remap_keymaps_confirm(RemapHelper *h, uint32_t id)
{
	if (h->next.id == id && h->next.keymap)
		h->next_flags &= ~(uint32_t)REMAP_LINK_TRIAL;
	if (h->trial_by == REMAP_NEVER || h->current.id != id)
		return;
	h->trial_by = REMAP_NEVER;
	remap_version_drop(&h->former);
	remap_helper_update(h);
}
