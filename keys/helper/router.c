// SPDX-License-Identifier: GPL-3.0-or-later
/* From physical events to frames on virtual devices.
 * I/O: read(2) and write(2) of events.
 *
 * An edge costs one read and one write. A frame of the source becomes a frame of its clone: what is not remapped is
 * written as it came. Rules for the rest:
 *	1. MSC events wait for the first other event of their frame, and go with it; when the machine keeps the
 *	   frame's key, they go nowhere
 *	2. key repeats are dropped: the clone repeats by itself
 *	3. of several keys that one event made, each has a frame: some clients lose the order within one
 *	4. only one port has unwritten events: before another is written to, that one is flushed, so that the order
 *	   among devices is the machine's
 *	5. LED and sound events of the source are echoes of what others set; they are dropped */
#include "keys/helper/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where output goes. */

static bool
has_code(const RemapPort *port, unsigned type, unsigned code)
{
	return remap_bit(type == EV_KEY ? port->clone->keys : port->clone->rels, code);
}

static RemapPort *
find_port(const RemapRouter *r, unsigned type, unsigned code, const RemapPort *except)
{
	if (r->current && r->current != except && has_code(r->current, type, code))
		return r->current;
	for (unsigned i = 0; i < r->port_count; i++)
		if (r->ports[i] != except && has_code(r->ports[i], type, code))
			return r->ports[i];
	return NULL;
}

static void
emit_key(RemapRouter *r, uint16_t code, bool is_down, RemapUsec time)
{
	struct input_event event = { .type = EV_KEY, .code = code, .value = is_down };
	RemapPort *port = is_down ? find_port(r, EV_KEY, code, NULL) : r->where[code];

	if (!port)
		return;
	r->where[code] = is_down ? port : NULL;
	remap_event_set_time(&event, time);
	/* Rule 3. */
	if (port->serial == r->serial)
		remap_frames_end(r, port);
	port->serial = r->serial;
	remap_frames_send(r, port, &event);
}

static void
emit_wheel(RemapRouter *r, unsigned code, int ticks, RemapUsec time)
{
	/* 120 to a tick, as the kernel defines REL_WHEEL_HI_RES. */
	unsigned fine = code == REL_WHEEL ? REL_WHEEL_HI_RES : REL_HWHEEL_HI_RES;
	struct input_event event = { .type = EV_REL, .code = (uint16_t)code, .value = ticks };
	RemapPort *port = find_port(r, EV_REL, code, NULL);

	if (!port || !ticks)
		return;
	remap_event_set_time(&event, time);
	remap_frames_send(r, port, &event);
	event.code = (uint16_t)fine;
	event.value = ticks * 120;
	if (has_code(port, EV_REL, fine))
		remap_frames_append(r, port, &event);
}

static void
emit_pseudo(RemapRouter *r, uint16_t code, RemapUsec time)
{
	bool is_vertical = code == REMAP_KEY_SCROLLUP || code == REMAP_KEY_SCROLLDOWN;
	bool is_positive = code == REMAP_KEY_SCROLLUP || code == REMAP_KEY_SCROLLRIGHT;

	emit_wheel(r, is_vertical ? REL_WHEEL : REL_HWHEEL, is_positive ? 1 : -1, time);
}

/* What the machine says. */

static void
remember(uint16_t *list, unsigned *count, uint16_t index)
{
	if (*count < REMAP_TOLD_MAX)
		list[(*count)++] = index;
}

static void
emit(void *data, const RemapOut *out)
{
	RemapRouter *r = data;

	switch (out->kind) {
	case REMAP_OUT_KEY:
		if (out->code <= KEY_MAX)
			emit_key(r, out->code, out->value != 0, out->time);
		else if (out->value)
			emit_pseudo(r, out->code, out->time);
		break;
	case REMAP_OUT_LAYER:
		/* The built-in ones are on while a modifier is down: that is a key, and stays here. */
		if (!r->keymap->layers[out->code].builtin)
			remember(r->layers, &r->layer_count, out->code);
		break;
	case REMAP_OUT_COMMAND:
		if (!r->is_locked)
			remember(r->commands, &r->command_count, out->code);
		break;
	case REMAP_OUT_SCROLL:
		break;
	case REMAP_OUT_INDICATOR:
		r->is_indicated = out->value != 0;
		remap_leds_show(r, LED_CAPSL);
		break;
	}
}

/* After the keys, so that they do not wait for it. */
static void
tell(RemapRouter *r)
{
	for (unsigned i = 0; i < r->layer_count; i++) {
		uint16_t layer = r->layers[i];
		bool is_on = remap_machine_layer_active(r->machine, layer);

		if (r->told[layer] == is_on)
			continue;
		r->told[layer] = is_on;
		if (r->tell_layer)
			r->tell_layer(r->data, r->keymap->layers[layer].name, is_on);
	}
	for (unsigned i = 0; i < r->command_count; i++)
		if (r->tell_command)
			r->tell_command(r->data, r->commands[i]);
	r->layer_count = r->command_count = 0;
}

/* Reading. */

static bool
is_panic_chord(const RemapRouter *r)
{
	return r->holders[KEY_BACKSPACE] && r->holders[KEY_ESC] && r->holders[KEY_ENTER];
}

static void
feed(RemapRouter *r, uint16_t code, bool is_down, RemapUsec time)
{
	r->serial++;
	r->deadline = remap_machine_feed(r->machine, code, is_down, time);
}

/* Down while down on any keyboard. A release without a press is nobody's. */
static void
set_held(RemapRouter *r, RemapPort *port, uint16_t code, bool is_down, RemapUsec time)
{
	if (remap_bit(port->held, code) == is_down)
		return;
	remap_bit_set(port->held, code, is_down);
	r->events++;
	if (is_down ? r->holders[code]++ > 0 : --r->holders[code] > 0)
		return;
	if (is_down && is_panic_chord(r))
		r->is_panic = true;
	else if (r->machine)
		feed(r, code, is_down, time);
}

static void
move_pointer(RemapRouter *r, RemapPort *port, const struct input_event *event, RemapUsec time)
{
	bool is_x = event->code == REL_X;
	int32_t ticks[2];

	if (!r->machine || !remap_machine_motion(r->machine, is_x ? event->value : 0,
						 is_x ? 0 : event->value, ticks)) {
		remap_frames_send(r, port, event);
		return;
	}
	port->has_key = true;
	emit_wheel(r, REL_HWHEEL, ticks[0], time);
	emit_wheel(r, REL_WHEEL, ticks[1], time);
}

static void
resync(RemapRouter *r, RemapPort *port, RemapUsec now)
{
	uint8_t keys[REMAP_KEY_BYTES] = { 0 };

	/* A device that cannot say is gone: nothing is held, and the next read tells. */
	if (r->kernel->sync(port->device, keys) < 0)
		memset(keys, 0, sizeof(keys));
	for (unsigned code = 1; code < KEY_CNT; code++)
		if (!remap_bit(keys, code))
			set_held(r, port, (uint16_t)code, false, now);
	for (unsigned code = 1; code < KEY_CNT; code++)
		if (remap_bit(keys, code))
			set_held(r, port, (uint16_t)code, true, now);
	remap_frames_end(r, port);
}

static void
end_source_frame(RemapRouter *r, RemapPort *port, const struct input_event *event)
{
	/* Rule 1. */
	if (!port->has_key)
		remap_frames_append_mscs(r, port);
	port->msc_count = 0;
	port->has_key = false;
	if (port->is_open)
		remap_frames_append(r, port, event);
}

static void
take_sync(RemapRouter *r, RemapPort *port, const struct input_event *event, RemapUsec now)
{
	if (event->code == SYN_DROPPED) {
		port->is_dropping = true;
		port->msc_count = 0;
		r->overruns++;
	} else if (event->code == SYN_REPORT && port->is_dropping) {
		port->is_dropping = false;
		port->has_key = false;
		resync(r, port, now);
	} else if (event->code == SYN_REPORT) {
		end_source_frame(r, port, event);
	}
}

static void
take(RemapRouter *r, RemapPort *port, const struct input_event *event, RemapUsec now)
{
	RemapUsec time = remap_event_time(event);

	if (time > now)
		time = now;
	if (event->type == EV_SYN) {
		take_sync(r, port, event, now);
	} else if (port->is_dropping) {
		return;
	} else if (event->type == EV_KEY) {
		port->has_key = true;
		if (event->code > 0 && event->code <= KEY_MAX && (event->value & ~1) == 0)
			set_held(r, port, event->code, event->value, time);
	} else if (event->type == EV_MSC) {
		if (port->msc_count < REMAP_MSC_MAX)
			port->mscs[port->msc_count++] = *event;
	} else if (event->type == EV_REL && (event->code == REL_X || event->code == REL_Y)) {
		move_pointer(r, port, event, time);
	} else if (event->type == EV_REL || event->type == EV_ABS) {
		remap_frames_send(r, port, event);
	}
}

int
remap_router_read(RemapRouter *r, RemapPort *port)
{
	struct input_event events[REMAP_READ_EVENTS];
	int count = 0;

	r->current = port;
	for (int batch = 0; batch < 4 && !r->is_panic; batch++) {
		RemapUsec now;

		count = remap_events_read(port->source, events);
		if (count <= 0)
			break;
		r->taken += (unsigned)count;
		now = r->kernel->now(r->kernel->data);
		for (int i = 0; i < count && !r->is_panic; i++)
			take(r, port, &events[i], now);
		if (count < REMAP_READ_EVENTS)
			break;
	}
	remap_frames_finish(r, port);
	tell(r);
	return count < 0 ? count : 0;
}

void
remap_router_tick(RemapRouter *r)
{
	if (!r->machine)
		return;
	r->serial++;
	r->deadline = remap_machine_tick(r->machine, r->kernel->now(r->kernel->data));
	remap_frames_finish(r, NULL);
	tell(r);
}

void
remap_router_release(RemapRouter *r)
{
	RemapUsec now = r->kernel->now(r->kernel->data);

	r->serial++;
	if (r->machine)
		remap_machine_release_all(r->machine, now);
	r->deadline = REMAP_NEVER;
	for (unsigned code = 0; code < REMAP_KEYS; code++)
		if (r->where[code])
			emit_key(r, (uint16_t)code, false, now);
	remap_frames_finish(r, NULL);
	if (r->machine)
		tell(r);
}

bool
remap_router_is_idle(const RemapRouter *r)
{
	return !r->machine || remap_machine_is_idle(r->machine);
}

/* Ports. */

void
remap_router_add(RemapRouter *r, RemapPort *port)
{
	if (r->port_count < REMAP_PORTS_MAX)
		r->ports[r->port_count++] = port;
	remap_leds_send(r, port, r->known_leds);
}

static bool
drop_held(RemapRouter *r, RemapPort *port)
{
	bool was_held = false;

	for (unsigned code = 0; code < KEY_CNT; code++) {
		if (!remap_bit(port->held, code))
			continue;
		was_held = true;
		r->holders[code]--;
	}
	memset(port->held, 0, sizeof(port->held));
	return was_held;
}

static void
move_keys(RemapRouter *r, RemapPort *from)
{
	RemapUsec now = r->kernel->now(r->kernel->data);

	for (unsigned code = 0; code < KEY_CNT; code++) {
		struct input_event event = { .type = EV_KEY, .code = (uint16_t)code, .value = 1 };
		RemapPort *to;

		if (r->where[code] != from)
			continue;
		r->serial++;
		emit_key(r, (uint16_t)code, false, now);
		to = find_port(r, EV_KEY, code, from);
		if (!to)
			continue;
		r->where[code] = to;
		remap_event_set_time(&event, now);
		remap_frames_send(r, to, &event);
	}
	remap_frames_finish(r, NULL);
}

void
remap_router_remove(RemapRouter *r, RemapPort *port)
{
	if (drop_held(r, port))
		remap_router_release(r);
	move_keys(r, port);
	for (unsigned i = 0; i < r->port_count; i++)
		if (r->ports[i] == port)
			r->ports[i--] = r->ports[--r->port_count];
	if (r->current == port)
		r->current = NULL;
}

void
remap_router_replace(RemapRouter *r, RemapPort *port, int sink, const RemapDeviceInfo *clone)
{
	uint8_t down[REMAP_KEY_BYTES] = { 0 };
	RemapUsec now = r->kernel->now(r->kernel->data);

	for (unsigned code = 0; code < KEY_CNT; code++) {
		if (r->where[code] != port)
			continue;
		remap_bit_set(down, code, true);
		r->serial++;
		emit_key(r, (uint16_t)code, false, now);
	}
	remap_frames_finish(r, NULL);
	port->sink = sink;
	port->clone = clone;
	port->error = 0;
	for (unsigned code = 0; code < KEY_CNT; code++) {
		if (!remap_bit(down, code))
			continue;
		r->serial++;
		emit_key(r, (uint16_t)code, true, now);
	}
	remap_frames_finish(r, NULL);
}

/* The keymap. */

/* The machine looks an action up by its number each time, so it is enough to put others in their places. */
static int
make_safe(RemapRouter *r)
{
	size_t size;

	if (!r->keymap || r->plain)
		return 0;
	size = r->keymap->action_count * sizeof(*r->plain);
	r->plain = malloc(size ? size : 1);
	if (!r->plain)
		return -ENOMEM;
	remap_router_release(r);
	memcpy(r->plain, r->keymap->actions, size);
	for (size_t i = 0; i < r->keymap->action_count; i++)
		r->keymap->actions[i] = remap_safe_action(r->plain[i]);
	return 0;
}

static void
make_plain(RemapRouter *r)
{
	if (!r->plain)
		return;
	remap_router_release(r);
	memcpy(r->keymap->actions, r->plain, r->keymap->action_count * sizeof(*r->plain));
	free(r->plain);
	r->plain = NULL;
}

int
remap_router_lock(RemapRouter *r, bool is_locked, uint32_t policy)
{
	if (is_locked && policy == REMAP_LINK_SAFE) {
		int result = make_safe(r);

		if (result < 0)
			return result;
	} else {
		make_plain(r);
	}
	r->is_locked = is_locked;
	r->policy = policy;
	return 0;
}

static void
tell_all_off(RemapRouter *r)
{
	r->layer_count = r->command_count = 0;
	for (size_t i = 0; r->keymap && i < r->keymap->layer_count; i++)
		if (r->told[i] && r->tell_layer)
			r->tell_layer(r->data, r->keymap->layers[i].name, false);
}

static void
become(RemapRouter *r, RemapKeymap *keymap, RemapMachine *machine, uint8_t *told)
{
	remap_machine_free(r->machine);
	free(r->told);
	r->machine = machine;
	r->keymap = keymap;
	r->told = told;
	r->deadline = REMAP_NEVER;
}

int
remap_router_use(RemapRouter *r, RemapKeymap *keymap)
{
	RemapSink sink = { .emit = emit, .data = r };
	RemapKeymap *former = r->keymap;
	uint8_t *told = NULL;
	RemapMachine *machine;

	remap_router_release(r);
	make_plain(r);
	if (!keymap) {
		tell_all_off(r);
		become(r, NULL, NULL, NULL);
		return 0;
	}
	told = calloc(keymap->layer_count, 1);
	/* A new machine tells of its default layout, and emit() looks at the keymap. */
	r->keymap = keymap;
	machine = told ? remap_machine_new(keymap, &sink) : NULL;
	r->keymap = former;
	if (!machine) {
		r->layer_count = 0;
		free(told);
		return -ENOMEM;
	}
	tell_all_off(r);
	become(r, keymap, machine, told);
	for (unsigned i = 1; i < keymap->layer_count && r->layer_count < REMAP_TOLD_MAX; i++)
		if (!keymap->layers[i].builtin && remap_machine_layer_active(machine, i))
			remember(r->layers, &r->layer_count, (uint16_t)i);
	tell(r);
	return r->is_locked && r->policy == REMAP_LINK_SAFE ? make_safe(r) : 0;
}

void
remap_router_clear(RemapRouter *r)
{
	remap_machine_free(r->machine);
	free(r->told);
	free(r->plain);
	r->machine = NULL;
	r->keymap = NULL;
	r->told = NULL;
	r->plain = NULL;
}
