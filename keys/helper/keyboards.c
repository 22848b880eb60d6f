// SPDX-License-Identifier: GPL-3.0-or-later
/* The life of a keyboard.
 * I/O.
 *
 *	found -> IGNORED    not wanted, cannot be cloned, cannot be opened, in use, no uinput
 *	      -> WAITING    open, not grabbed, until no key is down (case 1), or for too long (case 2)
 *	WAITING -> GRABBED  grab, ask for keys again: one that went down in between is released and waited for
 *	                    no longer (case 3)
 *	any -> NONE         unplugged, or not wanted any more */
#include "keys/helper/keyboards.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned
number_of(const RemapKeyboards *ks, const RemapKeyboard *k)
{
	return 2 * (unsigned)(k - ks->list);
}

static void
report(RemapKeyboards *ks, const RemapKeyboard *k, uint32_t event, const char *text)
{
	if (ks->report)
		ks->report(ks->data, k, event, text);
}

static RemapUsec
now(const RemapKeyboards *ks)
{
	return ks->kernel->now(ks->kernel->data);
}

static void
find_deadline(RemapKeyboards *ks)
{
	RemapUsec at = now(ks);

	ks->deadline = REMAP_NEVER;
	for (unsigned i = 0; i < ks->count; i++) {
		const RemapKeyboard *k = &ks->list[i];
		RemapUsec due = at < k->settled ? k->settled : k->latest;

		if (k->state == REMAP_KEYBOARD_WAITING && due < ks->deadline)
			ks->deadline = due;
	}
}

/* Giving back. */

static void
close_sink(RemapKeyboards *ks, RemapPort *port, unsigned number)
{
	ks->watch(ks->data, port->sink, number, false);
	close(port->sink);
	free(port);
}

/* Releases, ungrabs and closes; the slot is left to the caller. */
static void
let_go(RemapKeyboards *ks, RemapKeyboard *k)
{
	if (k->port) {
		remap_router_remove(ks->router, k->port);
		ks->kernel->grab(k->device, false);
		close_sink(ks, k->port, number_of(ks, k) + 1);
		k->port = NULL;
	}
	if (k->device) {
		ks->watch(ks->data, k->fd, number_of(ks, k), false);
		ks->kernel->close(k->device);
		k->device = NULL;
	}
	k->fd = -1;
}

static bool
set_ignored(RemapKeyboards *ks, RemapKeyboard *k, const char *reason, bool may_try_again)
{
	bool is_news = k->state != REMAP_KEYBOARD_IGNORED || strcmp(k->reason, reason) != 0;

	let_go(ks, k);
	k->state = REMAP_KEYBOARD_IGNORED;
	k->may_try_again = may_try_again;
	snprintf(k->reason, sizeof(k->reason), "%s", reason);
	return is_news;
}

static void
ignore(RemapKeyboards *ks, RemapKeyboard *k, const char *reason, bool may_try_again)
{
	if (set_ignored(ks, k, reason, may_try_again))
		report(ks, k, REMAP_LINK_DEVICE_IGNORED, reason);
}

static void
ignore_error(RemapKeyboards *ks, RemapKeyboard *k, const char *what, int error)
{
	char reason[sizeof(k->reason)];

	snprintf(reason, sizeof(reason), "%s: %s", what, strerror(-error));
	ignore(ks, k, reason, true);
}

static void
forget(RemapKeyboards *ks, RemapKeyboard *k, uint32_t event, const char *why)
{
	bool was_open = k->state == REMAP_KEYBOARD_WAITING || k->state == REMAP_KEYBOARD_GRABBED;

	let_go(ks, k);
	if (was_open || event == REMAP_LINK_DEVICE_REMOVED)
		report(ks, k, event, why);
	memset(k, 0, sizeof(*k));
	while (ks->count && ks->list[ks->count - 1].state == REMAP_KEYBOARD_NONE)
		ks->count--;
}

/* Clones. */

static bool
has_wheel(const RemapDeviceInfo *info)
{
	return remap_bit(info->types, EV_REL) && remap_bit(info->rels, REL_WHEEL);
}

static void
drop_extra(RemapKeyboards *ks)
{
	if (!ks->extra_port)
		return;
	remap_router_remove(ks->router, ks->extra_port);
	close_sink(ks, ks->extra_port, REMAP_NUMBER_EXTRA);
	ks->extra_port = NULL;
}

/* Buttons and wheel are for a pointer: when no grabbed device has them, one of our own does. */
static void
update_extra(RemapKeyboards *ks)
{
	uint8_t covered[REMAP_KEY_BYTES] = { 0 };
	bool is_wheel_covered = false, is_needed = false;
	RemapDeviceInfo extra;
	unsigned grabbed = 0;
	int sink;

	for (unsigned i = 0; i < ks->count; i++) {
		const RemapKeyboard *k = &ks->list[i];

		if (k->state != REMAP_KEYBOARD_GRABBED)
			continue;
		grabbed++;
		is_wheel_covered |= has_wheel(&k->clone);
		for (unsigned n = 0; n < REMAP_KEY_BYTES; n++)
			covered[n] |= k->clone.keys[n];
	}
	if (grabbed)
		is_needed = remap_device_extra(&ks->outputs, covered, is_wheel_covered, &extra);
	if (is_needed && ks->extra_port && memcmp(&extra, &ks->extra, sizeof(extra)) == 0)
		return;
	drop_extra(ks);
	if (!is_needed)
		return;
	sink = ks->kernel->create(ks->kernel->data, &extra);
	if (sink < 0)
		return;
	ks->extra_port = calloc(1, sizeof(*ks->extra_port));
	if (!ks->extra_port) {
		close(sink);
		return;
	}
	ks->extra = extra;
	*ks->extra_port = (RemapPort){ .source = -1, .sink = sink, .clone = &ks->extra };
	ks->watch(ks->data, sink, REMAP_NUMBER_EXTRA, true);
	remap_router_add(ks->router, ks->extra_port);
}

static int
make_clone(RemapKeyboards *ks, RemapKeyboard *k)
{
	int sink = ks->kernel->create(ks->kernel->data, &k->clone);

	if (sink < 0) {
		ks->cannot_create = true;
		return sink;
	}
	k->port = calloc(1, sizeof(*k->port));
	if (!k->port) {
		close(sink);
		return -ENOMEM;
	}
	k->port->source = k->fd;
	k->port->sink = sink;
	k->port->device = k->device;
	k->port->clone = &k->clone;
	return 0;
}

/* A new keymap may emit keys that the clone lacks. */
static void
update_clone(RemapKeyboards *ks, RemapKeyboard *k)
{
	RemapDeviceInfo clone;
	int old = k->port->sink, sink;

	remap_device_clone(&k->info, &ks->outputs, &clone);
	for (unsigned n = 0; n < REMAP_KEY_BYTES; n++)
		clone.keys[n] |= k->clone.keys[n];
	if (memcmp(&clone, &k->clone, sizeof(clone)) == 0)
		return;
	sink = ks->kernel->create(ks->kernel->data, &clone);
	if (sink < 0)
		return;
	ks->watch(ks->data, old, number_of(ks, k) + 1, false);
	remap_router_replace(ks->router, k->port, sink, &k->clone);
	k->clone = clone;
	close(old);
	ks->watch(ks->data, sink, number_of(ks, k) + 1, true);
}

/* Grabbing. */

static bool
is_neutral(const uint8_t *keys)
{
	for (unsigned n = 0; n < REMAP_KEY_BYTES; n++)
		if (keys[n])
			return false;
	return true;
}

/* An event written to a device is for all who listen to it as if it came from the keys (evdev(4), input_inject). */
static void
inject_releases(int fd, const uint8_t *keys)
{
	struct input_event events[KEY_CNT + 1] = { 0 };
	unsigned count = 0;

	for (unsigned code = 0; code < KEY_CNT; code++)
		if (remap_bit(keys, code))
			events[count++] =
				(struct input_event){ .type = EV_KEY, .code = (uint16_t)code };
	events[count++] = (struct input_event){ .type = EV_SYN, .code = SYN_REPORT };
	if (write(fd, events, count * sizeof(events[0])) < 0)
		return; /* gone: the next call tells */
}

/* Case 3. A grab keeps releases from the others, so they are injected without it. */
static int
grab_neutral(RemapKeyboards *ks, RemapKeyboard *k)
{
	uint8_t keys[REMAP_KEY_BYTES] = { 0 };
	int result = 0;

	for (int attempt = 0; attempt < 3; attempt++) {
		result = ks->kernel->sync(k->device, keys);
		if (result < 0)
			return result;
		if (!is_neutral(keys))
			inject_releases(k->fd, keys);
		result = ks->kernel->grab(k->device, true);
		if (result < 0)
			return result;
		result = ks->kernel->sync(k->device, keys);
		if (result < 0 || is_neutral(keys))
			return result;
		ks->kernel->grab(k->device, false);
	}
	/* Somebody types faster than we look. Those keys are up for us: their releases are nobody's. */
	return ks->kernel->grab(k->device, true);
}

static void
grab(RemapKeyboards *ks, RemapKeyboard *k)
{
	int result;

	/* udev has had the time to say so. */
	if (*ks->seat && !ks->kernel->is_on_seat(ks->kernel->data, &k->info, ks->seat)) {
		ignore(ks, k, "it belongs to another seat", true);
		return;
	}
	result = grab_neutral(ks, k);
	if (result == -EBUSY) {
		ignore(ks, k, "another program has grabbed it", true);
		return;
	}
	if (result < 0) {
		ignore_error(ks, k, "it cannot be grabbed", result);
		return;
	}
	result = make_clone(ks, k);
	if (result < 0) {
		ks->kernel->grab(k->device, false);
		ignore_error(ks, k, "no virtual keyboard can be made", result);
		return;
	}
	k->state = REMAP_KEYBOARD_GRABBED;
	ks->watch(ks->data, k->port->sink, number_of(ks, k) + 1, true);
	remap_router_add(ks->router, k->port);
	report(ks, k, REMAP_LINK_DEVICE_GRABBED, "");
	update_extra(ks);
}

/* Cases 1 and 2. */
static void
try_grab(RemapKeyboards *ks, RemapKeyboard *k)
{
	uint8_t keys[REMAP_KEY_BYTES] = { 0 };
	RemapUsec at = now(ks);
	int result;

	if (k->state != REMAP_KEYBOARD_WAITING || at < k->settled)
		return;
	result = ks->kernel->sync(k->device, keys);
	if (result < 0)
		forget(ks, k, REMAP_LINK_DEVICE_REMOVED, strerror(-result));
	else if (is_neutral(keys) || at >= k->latest)
		grab(ks, k);
}

/* Finding. */

static RemapKeyboard *
slot_of(RemapKeyboards *ks, const char *node)
{
	RemapKeyboard *empty = NULL;

	for (unsigned i = 0; i < ks->count; i++) {
		if (ks->list[i].state == REMAP_KEYBOARD_NONE)
			empty = empty ? empty : &ks->list[i];
		else if (strcmp(ks->list[i].node, node) == 0)
			return &ks->list[i];
	}
	if (!empty && ks->count < REMAP_KEYBOARDS_MAX)
		empty = &ks->list[ks->count++];
	return empty;
}

static void
examine(RemapKeyboards *ks, RemapKeyboard *k)
{
	const char *refusal = remap_device_refuse(&k->info);

	if (refusal) {
		ignore(ks, k, refusal, false);
	} else if (!remap_device_wanted(ks->router->keymap, &k->info)) {
		ignore(ks, k, "[ids] does not name it", false);
	} else {
		k->state = REMAP_KEYBOARD_WAITING;
		k->settled = now(ks) + REMAP_SETTLE;
		k->latest = now(ks) + REMAP_PATIENCE;
		remap_device_clone(&k->info, &ks->outputs, &k->clone);
		ks->watch(ks->data, k->fd, number_of(ks, k), true);
		report(ks, k, REMAP_LINK_DEVICE_WAITING, "");
	}
}

static void
open_keyboard(RemapKeyboards *ks, RemapKeyboard *k)
{
	k->fd = ks->kernel->open(ks->kernel->data, k->node, &k->info, &k->device);
	if (k->fd >= 0) {
		examine(ks, k);
		return;
	}
	k->device = NULL;
	if (k->fd == -ENOENT || k->fd == -ENODEV || k->fd == -ENXIO)
		forget(ks, k, REMAP_LINK_DEVICE_CLOSED, "");
	else if (k->fd == -EACCES && !ks->is_listing)
		/* A new node, and udev has not given us the right to it yet: no news. */
		set_ignored(ks, k, "it cannot be opened: Permission denied", true);
	else
		ignore_error(ks, k, "it cannot be opened", k->fd);
}

void
remap_keyboards_found(void *data, const char *node, bool is_gone)
{
	RemapKeyboards *ks = data;
	RemapKeyboard *k;

	if (!ks->is_on || strlen(node) >= sizeof(k->node))
		return;
	k = slot_of(ks, node);
	if (!k) {
		if (!ks->is_full_told)
			report(ks, &(RemapKeyboard){ .node = "" }, REMAP_LINK_DEVICE_IGNORED,
			       "there are too many devices");
		ks->is_full_told = true;
		return;
	}
	if (is_gone) {
		if (k->state != REMAP_KEYBOARD_NONE)
			forget(ks, k, REMAP_LINK_DEVICE_REMOVED, "");
		update_extra(ks);
		/* Whoever had grabbed another one may have gone with it. */
		remap_keyboards_retry(ks);
	} else if (k->state == REMAP_KEYBOARD_NONE ||
		   (k->state == REMAP_KEYBOARD_IGNORED && k->may_try_again)) {
		snprintf(k->node, sizeof(k->node), "%s", node);
		open_keyboard(ks, k);
	}
	while (ks->count && ks->list[ks->count - 1].state == REMAP_KEYBOARD_NONE)
		ks->count--;
	find_deadline(ks);
}

void
remap_keyboards_retry(RemapKeyboards *ks)
{
	ks->cannot_create = false;
	for (unsigned i = 0; i < ks->count; i++)
		if (ks->list[i].state == REMAP_KEYBOARD_IGNORED && ks->list[i].may_try_again)
			open_keyboard(ks, &ks->list[i]);
	find_deadline(ks);
}

/* Another keymap: some are not wanted any more, some now are, clones may lack keys. */
static void
rematch(RemapKeyboards *ks, RemapKeyboard *k)
{
	bool is_open = k->state == REMAP_KEYBOARD_WAITING || k->state == REMAP_KEYBOARD_GRABBED;

	if (k->state == REMAP_KEYBOARD_NONE)
		return;
	if (is_open && !remap_device_wanted(ks->router->keymap, &k->info)) {
		report(ks, k, REMAP_LINK_DEVICE_CLOSED, "");
		ignore(ks, k, "[ids] does not name it", false);
	} else if (k->state == REMAP_KEYBOARD_GRABBED) {
		update_clone(ks, k);
	} else if (k->state == REMAP_KEYBOARD_WAITING) {
		remap_device_clone(&k->info, &ks->outputs, &k->clone);
	} else {
		open_keyboard(ks, k);
	}
}

void
remap_keyboards_start(RemapKeyboards *ks)
{
	remap_outputs_of(ks->router->keymap, &ks->outputs);
	ks->cannot_create = ks->is_full_told = false;
	if (ks->is_on)
		for (unsigned i = 0; i < ks->count; i++)
			rematch(ks, &ks->list[i]);
	ks->is_on = ks->is_listing = true;
	ks->kernel->list(ks->kernel->data, remap_keyboards_found, ks);
	ks->is_listing = false;
	update_extra(ks);
	find_deadline(ks);
}

void
remap_keyboards_stop(RemapKeyboards *ks, const char *why)
{
	if (!ks->is_on)
		return;
	remap_router_release(ks->router);
	for (unsigned i = 0; i < REMAP_KEYBOARDS_MAX && ks->count; i++)
		if (ks->list[i].state != REMAP_KEYBOARD_NONE)
			forget(ks, &ks->list[i], REMAP_LINK_DEVICE_CLOSED, why);
	drop_extra(ks);
	ks->is_on = false;
	ks->cannot_create = false;
	ks->deadline = REMAP_NEVER;
}

/* Looking. */

static void
lose(RemapKeyboards *ks, RemapKeyboard *k, int error)
{
	forget(ks, k, REMAP_LINK_DEVICE_REMOVED, error == -ENODEV ? "" : strerror(-error));
	update_extra(ks);
	find_deadline(ks);
}

/* Not grabbed yet: others get these events, we only wait for the last release. */
static void
read_waiting(RemapKeyboards *ks, RemapKeyboard *k)
{
	struct input_event events[REMAP_READ_EVENTS];
	ssize_t size = read(k->fd, events, sizeof(events));

	if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
		lose(ks, k, size == 0 ? -ENODEV : -errno);
		return;
	}
	try_grab(ks, k);
	find_deadline(ks);
}

void
remap_keyboards_ready(RemapKeyboards *ks, unsigned number)
{
	RemapKeyboard *k = &ks->list[number / 2 % REMAP_KEYBOARDS_MAX];
	int result = 0;

	if (number == REMAP_NUMBER_EXTRA) {
		if (ks->extra_port && remap_router_leds(ks->router, ks->extra_port) < 0)
			drop_extra(ks);
	} else if (k->state == REMAP_KEYBOARD_WAITING && number % 2 == 0) {
		read_waiting(ks, k);
	} else if (k->state == REMAP_KEYBOARD_GRABBED && number % 2) {
		result = remap_router_leds(ks->router, k->port);
		if (result < 0)
			k->port->error = result;
	} else if (k->state == REMAP_KEYBOARD_GRABBED) {
		result = remap_router_read(ks->router, k->port);
		if (result < 0)
			lose(ks, k, result);
	}
}

void
remap_keyboards_tick(RemapKeyboards *ks)
{
	for (unsigned i = 0; i < ks->count; i++)
		try_grab(ks, &ks->list[i]);
	find_deadline(ks);
}

void
remap_keyboards_check(RemapKeyboards *ks)
{
	for (unsigned i = 0; i < ks->count; i++) {
		RemapKeyboard *k = &ks->list[i];

		if (k->state != REMAP_KEYBOARD_GRABBED || k->port->error == 0)
			continue;
		ignore_error(ks, k, "its virtual keyboard broke", k->port->error);
		update_extra(ks);
		find_deadline(ks);
	}
	if (ks->extra_port && ks->extra_port->error)
		drop_extra(ks);
}
