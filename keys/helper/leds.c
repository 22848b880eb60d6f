// SPDX-License-Identifier: GPL-3.0-or-later
/* LEDs: set by a program on any clone, shown by every grabbed keyboard, once.
 * I/O: events written to the devices. */
#include "keys/helper/frames.h"

#include <unistd.h>

static bool
led_state(const RemapRouter *r, unsigned led)
{
	return remap_bit(r->leds, led) || (led == LED_CAPSL && r->is_indicated);
}

void
remap_leds_send(const RemapRouter *r, const RemapPort *port, const uint8_t *which)
{
	struct input_event events[LED_CNT + 1] = { 0 };
	unsigned count = 0;

	if (port->source < 0)
		return;
	for (unsigned led = 0; led < LED_CNT; led++) {
		if (!remap_bit(which, led) || !remap_bit(port->clone->leds, led))
			continue;
		events[count++] = (struct input_event){ .type = EV_LED,
							.code = (uint16_t)led,
							.value = led_state(r, led) };
	}
	if (!count)
		return;
	events[count++] = (struct input_event){ .type = EV_SYN, .code = SYN_REPORT };
	/* A keyboard that cannot show it is none the worse; one that is gone is noticed when it is read. */
	if (write(port->source, events, count * sizeof(events[0])) < 0)
		return;
}

void
remap_leds_show(RemapRouter *r, unsigned led)
{
	uint8_t which[REMAP_LED_BYTES] = { 0 };

	remap_bit_set(which, led, true);
	remap_bit_set(r->known_leds, led, true);
	for (unsigned i = 0; i < r->port_count; i++)
		remap_leds_send(r, r->ports[i], which);
}

static void
set_led(RemapRouter *r, unsigned led, bool is_on)
{
	if (remap_bit(r->leds, led) == is_on && remap_bit(r->known_leds, led))
		return;
	remap_bit_set(r->leds, led, is_on);
	remap_leds_show(r, led);
}

int
remap_router_leds(RemapRouter *r, RemapPort *port)
{
	struct input_event events[REMAP_READ_EVENTS];
	int count = remap_events_read(port->sink, events);

	for (int i = 0; i < count; i++) {
		if (events[i].type == EV_LED && events[i].code < LED_CNT)
			set_led(r, events[i].code, events[i].value != 0);
		else if (events[i].type == EV_SND && port->source >= 0 &&
			 write(port->source, &events[i], sizeof(events[i])) < 0)
			break;
	}
	return count < 0 ? count : 0;
}
