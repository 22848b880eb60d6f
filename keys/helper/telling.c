// SPDX-License-Identifier: GPL-3.0-or-later
/* What the helper says to the daemon.
 * I/O: the connection. */
#include "keys/helper/helper-state.h"

#include <errno.h>

void
remap_helper_tell(RemapHelper *h, const RemapLinkMessage *message)
{
	int result = remap_link_send(h->setup.socket, message);

	/* A daemon that does not listen must not stop the keys. It can ask for the status. */
	if (result == -EAGAIN)
		h->lost++;
	else if (result < 0)
		h->is_over = true;
}

void
remap_helper_end(RemapHelper *h, RemapLinkFaultCode code, const char *text)
{
	if (!h->is_over)
		remap_helper_tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_FAULT,
							  .code = code,
							  .text = text });
	h->is_over = true;
	h->fault = text;
}

const char *
remap_helper_fault(const RemapHelper *h)
{
	return h->fault;
}

void
remap_helper_tell_state(RemapHelper *h)
{
	h->told_flags = h->flags;
	remap_helper_tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_STATE, .flags = h->flags });
}

void
remap_helper_tell_layer(void *data, const char *name, bool is_on)
{
	remap_helper_tell(data, &(RemapLinkMessage){
					.kind = REMAP_LINK_LAYER, .name = name, .is_on = is_on });
}

void
remap_helper_tell_command(void *data, uint16_t index)
{
	RemapHelper *h = data;

	remap_helper_tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_COMMAND,
						  .id = h->current.id,
						  .index = index });
}

void
remap_helper_tell_device(void *data, const RemapKeyboard *k, uint32_t event, const char *text)
{
	remap_helper_tell(data, &(RemapLinkMessage){ .kind = REMAP_LINK_DEVICE,
						     .event = event,
						     .vendor = k->info.vendor,
						     .product = k->info.product,
						     .hash = remap_device_hash(&k->info),
						     .device_kind = remap_device_kind(&k->info),
						     .node = k->node,
						     .name = k->info.name,
						     .text = text });
}

static void
tell_counts(RemapHelper *h)
{
	RemapLinkMessage message = { .kind = REMAP_LINK_COUNTS,
				     .id = h->current.id,
				     .events = h->router.events,
				     .frames = h->router.frames,
				     .overruns = h->router.overruns,
				     .lost = h->lost };

	for (unsigned i = 0; i < h->keyboards.count; i++) {
		message.devices += h->keyboards.list[i].state != REMAP_KEYBOARD_NONE;
		message.grabbed += h->keyboards.list[i].state == REMAP_KEYBOARD_GRABBED;
	}
	remap_helper_tell(h, &message);
}

void
remap_helper_tell_all(RemapHelper *h)
{
	static const uint32_t events[] = {
		[REMAP_KEYBOARD_IGNORED] = REMAP_LINK_DEVICE_IGNORED,
		[REMAP_KEYBOARD_WAITING] = REMAP_LINK_DEVICE_WAITING,
		[REMAP_KEYBOARD_GRABBED] = REMAP_LINK_DEVICE_GRABBED,
	};

	remap_helper_tell_state(h);
	for (unsigned i = 0; i < h->keyboards.count; i++) {
		const RemapKeyboard *k = &h->keyboards.list[i];

		if (k->state != REMAP_KEYBOARD_NONE)
			remap_helper_tell_device(h, k, events[k->state], k->reason);
	}
	for (size_t i = 0; h->current.keymap && i < h->current.keymap->layer_count; i++)
		if (h->router.told[i])
			remap_helper_tell_layer(h, h->current.keymap->layers[i].name, true);
	tell_counts(h);
}
