// SPDX-License-Identifier: GPL-3.0-or-later
/* What the daemon asks for, what logind says, and when: the helper's state and its loop.
 * I/O.
 *
 * Keyboards are held while there is a keymap and no reason against it. Reasons are bits of one number (the session is
 * not in front, panic, suspended, asleep, locked with "ungrab"); whoever changes one calls update(), which gives all
 * keyboards back or takes them again. There is no second way to stop.
 *
 * A keymap that was accepted waits as "next" until no key is down, so that nobody's key is cut short, at most
 * REMAP_SWAP_WITHIN. */
#include "keys/helper/helper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	REASONS = REMAP_LINK_IS_INACTIVE | REMAP_LINK_IS_PANIC | REMAP_LINK_IS_SUSPENDED |
		  REMAP_LINK_IS_ASLEEP | REMAP_LINK_LOCK_UNGRABS,
	EVENTS_MAX = 16, /* of one epoll_wait() */
};

/* Numbers for epoll behind those of the keyboards. */
enum {
	NUMBER_SOCKET = REMAP_NUMBER_EXTRA + 1,
	NUMBER_TIMER,
	NUMBER_WATCH,
	NUMBER_SEAT,
	NUMBER_SIGNALS,
};

typedef struct Version {
	RemapKeymap *keymap;
	uint32_t id; /* 0 when there is no keymap */
} Version;

struct RemapHelper {
	RemapHelperSetup setup;
	const RemapKernel *kernel;
	int epoll;
	RemapRouter router;
	RemapKeyboards keyboards;
	uint32_t flags, told_flags; /* REMAP_LINK_IS_x */
	bool is_greeted, is_over;

	char *text; /* parts so far */
	size_t text_length, text_capacity;
	uint32_t text_id;
	Version current, former; /* former: while current is on trial */
	Version next;		 /* accepted, waits for all keys to be up */
	uint32_t next_flags, next_timeout;

	RemapUsec hello_by, seat_by, swap_by, trial_by; /* REMAP_NEVER: not waited for */
	RemapUsec armed;				/* what the timer is set to */
	RemapUsec second;				/* in which messages were counted */
	unsigned messages;
	uint64_t lost;
	uint8_t buffer[REMAP_LINK_DATAGRAM_MAX];
};

/* Telling. */

static void
tell(RemapHelper *h, const RemapLinkMessage *message)
{
	int result = remap_link_send(h->setup.socket, message);

	/* A daemon that does not listen must not stop the keys. It can ask for the status. */
	if (result == -EAGAIN)
		h->lost++;
	else if (result < 0)
		h->is_over = true;
}

static void
fault(RemapHelper *h, RemapLinkFaultCode code, const char *text)
{
	if (!h->is_over)
		tell(h,
		     &(RemapLinkMessage){ .kind = REMAP_LINK_FAULT, .code = code, .text = text });
	h->is_over = true;
}

static void
tell_state(RemapHelper *h)
{
	h->told_flags = h->flags;
	tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_STATE, .flags = h->flags });
}

static void
tell_layer(void *data, const char *name, bool is_on)
{
	tell(data, &(RemapLinkMessage){ .kind = REMAP_LINK_LAYER, .name = name, .is_on = is_on });
}

static void
tell_command(void *data, uint16_t index)
{
	RemapHelper *h = data;

	tell(h, &(RemapLinkMessage){
			.kind = REMAP_LINK_COMMAND, .id = h->current.id, .index = index });
}

static void
tell_device(void *data, const RemapKeyboard *k, uint32_t event, const char *text)
{
	tell(data, &(RemapLinkMessage){ .kind = REMAP_LINK_DEVICE,
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
	tell(h, &message);
}

static void
tell_all(RemapHelper *h)
{
	static const uint32_t events[] = {
		[REMAP_KEYBOARD_IGNORED] = REMAP_LINK_DEVICE_IGNORED,
		[REMAP_KEYBOARD_WAITING] = REMAP_LINK_DEVICE_WAITING,
		[REMAP_KEYBOARD_GRABBED] = REMAP_LINK_DEVICE_GRABBED,
	};

	tell_state(h);
	for (unsigned i = 0; i < h->keyboards.count; i++) {
		const RemapKeyboard *k = &h->keyboards.list[i];

		if (k->state != REMAP_KEYBOARD_NONE)
			tell_device(h, k, events[k->state], k->reason);
	}
	for (size_t i = 0; h->current.keymap && i < h->current.keymap->layer_count; i++)
		if (h->router.told[i])
			tell_layer(h, h->current.keymap->layers[i].name, true);
	tell_counts(h);
}

/* The state. */

static const char *
reason_name(uint32_t flags)
{
	return flags & REMAP_LINK_IS_PANIC	 ? "the panic chord was pressed"
	       : flags & REMAP_LINK_IS_INACTIVE	 ? "the session is not active"
	       : flags & REMAP_LINK_IS_ASLEEP	 ? "the machine sleeps"
	       : flags & REMAP_LINK_LOCK_UNGRABS ? "the screen is locked"
	       : flags & REMAP_LINK_IS_SUSPENDED ? "suspended"
						 : "no keymap";
}

static void
set_flag(RemapHelper *h, uint32_t flag, bool is_set)
{
	h->flags = is_set ? h->flags | flag : h->flags & ~flag;
}

static void
update(RemapHelper *h)
{
	bool is_wanted = h->current.keymap && !(h->flags & REASONS);

	set_flag(h, REMAP_LINK_HAS_KEYMAP, h->current.keymap != NULL);
	set_flag(h, REMAP_LINK_IS_TRIAL, h->trial_by != REMAP_NEVER);
	set_flag(h, REMAP_LINK_UNGRABBED, (h->flags & REASONS) != 0);
	set_flag(h, REMAP_LINK_NO_LANDLOCK, h->setup.has_no_landlock);
	if (is_wanted && !h->keyboards.is_on)
		remap_keyboards_start(&h->keyboards);
	else if (!is_wanted && h->keyboards.is_on)
		remap_keyboards_stop(&h->keyboards, reason_name(h->flags));
	set_flag(h, REMAP_LINK_NO_UINPUT, h->keyboards.cannot_create);
	if (h->is_greeted && h->flags != h->told_flags)
		tell_state(h);
}

/* Whoever asked for something hears the state, changed or not. */
static void
update_and_tell(RemapHelper *h)
{
	h->told_flags = UINT32_MAX;
	update(h);
}

static void
check_session(RemapHelper *h)
{
	int result = 1;

	if (h->setup.is_session_needed)
		result = h->kernel->session(h->kernel->data, h->setup.uid, h->keyboards.seat);
	set_flag(h, REMAP_LINK_IS_INACTIVE, result != 1);
	if (result != -ENOENT)
		h->seat_by = REMAP_NEVER;
	else if (h->seat_by == REMAP_NEVER)
		h->seat_by = h->kernel->now(h->kernel->data) + REMAP_SEAT_WITHIN;
	update(h);
}

/* Keymaps. */

static void
drop(Version *version)
{
	remap_keymap_free(version->keymap);
	*version = (Version){ 0 };
}

static void
run_version(RemapHelper *h)
{
	if (remap_router_use(&h->router, h->current.keymap) < 0) {
		fault(h, REMAP_LINK_FAULT_SYSTEM, "out of memory");
		return;
	}
	if (h->current.keymap && h->keyboards.is_on)
		remap_keyboards_start(&h->keyboards);
	update(h);
}

static void
swap(RemapHelper *h)
{
	bool is_trial = h->next_flags & REMAP_LINK_TRIAL;
	Version old = h->current;
	uint32_t timeout = h->next_timeout < REMAP_TRIAL_MAX ? h->next_timeout : REMAP_TRIAL_MAX;

	h->current = h->next;
	h->next = (Version){ 0 };
	h->swap_by = REMAP_NEVER;
	tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_ACCEPTED,
				     .id = h->current.id,
				     .flags = h->next_flags,
				     .count = (uint32_t)h->current.keymap->command_count });
	/* A trial after a trial goes back to what was before both. */
	if (is_trial && h->trial_by == REMAP_NEVER) {
		h->former = old;
		old = (Version){ 0 };
	} else if (!is_trial) {
		drop(&h->former);
	}
	h->trial_by = is_trial ? h->kernel->now(h->kernel->data) + (RemapUsec)timeout * 1000
			       : REMAP_NEVER;
	run_version(h);
	drop(&old);
}

static void
revert(RemapHelper *h)
{
	Version old = h->current;

	h->trial_by = REMAP_NEVER;
	h->current = h->former;
	h->former = (Version){ 0 };
	tell(h, &(RemapLinkMessage){
			.kind = REMAP_LINK_REVERTED, .id = h->current.id, .index = old.id });
	run_version(h);
	drop(&old);
}

static void
swap_when_idle(RemapHelper *h, RemapUsec now)
{
	if (h->next.keymap && (now >= h->swap_by || remap_router_is_idle(&h->router)))
		swap(h);
}

static void
take_part(RemapHelper *h, const RemapLinkMessage *message)
{
	size_t end;

	if (message->offset == 0) {
		h->text_id = message->id;
		h->text_length = 0;
	}
	end = h->text_length + message->data_length;
	if (message->id != h->text_id || message->offset != h->text_length ||
	    end > REMAP_LINK_KEYMAP_MAX) {
		fault(h, REMAP_LINK_FAULT_MESSAGE, "a part of a keymap that does not follow");
		return;
	}
	if (end > h->text_capacity) {
		size_t capacity = 2 * end;
		char *text = realloc(h->text, capacity);

		if (!text) {
			fault(h, REMAP_LINK_FAULT_SYSTEM, "out of memory");
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
		tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_DIAGNOSTIC,
					     .id = id,
					     .severity = diags.list[i].severity,
					     .line = diags.list[i].line,
					     .column = diags.list[i].column,
					     .text = diags.list[i].message });
	if (!keymap)
		tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_REJECTED,
					     .id = id,
					     .count = (uint32_t)diags.errors });
	remap_diags_clear(&diags);
	return keymap;
}

static void
commit(RemapHelper *h, const RemapLinkMessage *message)
{
	RemapKeymap *keymap;

	if (message->id == 0 || message->id != h->text_id || message->length != h->text_length) {
		fault(h, REMAP_LINK_FAULT_MESSAGE, "a keymap that is not whole");
		return;
	}
	keymap = load(h, message->id);
	free(h->text);
	h->text = NULL;
	h->text_length = h->text_capacity = 0;
	h->text_id = 0;
	if (!keymap)
		return;
	drop(&h->next);
	h->next = (Version){ keymap, message->id };
	h->next_flags = message->flags;
	h->next_timeout = message->timeout_ms;
	h->swap_by = h->kernel->now(h->kernel->data) + REMAP_SWAP_WITHIN;
	swap_when_idle(h, h->kernel->now(h->kernel->data));
}

static void
confirm(RemapHelper *h, uint32_t id)
{
	if (h->next.id == id && h->next.keymap)
		h->next_flags &= ~(uint32_t)REMAP_LINK_TRIAL;
	if (h->trial_by == REMAP_NEVER || h->current.id != id)
		return;
	h->trial_by = REMAP_NEVER;
	drop(&h->former);
	update(h);
}

/* Messages. */

static void
resume(RemapHelper *h)
{
	h->router.is_panic = false;
	set_flag(h, REMAP_LINK_IS_PANIC | REMAP_LINK_IS_SUSPENDED, false);
	if (h->keyboards.is_on)
		remap_keyboards_retry(&h->keyboards);
	update_and_tell(h);
}

static void
set_reason(RemapHelper *h, uint32_t flag, bool is_set)
{
	set_flag(h, flag, is_set);
	update_and_tell(h);
}

static void
set_lock(RemapHelper *h, const RemapLinkMessage *message)
{
	set_flag(h, REMAP_LINK_IS_LOCKED, message->is_on);
	set_flag(h, REMAP_LINK_LOCK_UNGRABS,
		 message->is_on && message->policy == REMAP_LINK_UNGRAB);
	if (remap_router_lock(&h->router, message->is_on, message->policy) < 0)
		fault(h, REMAP_LINK_FAULT_SYSTEM, "out of memory");
	update_and_tell(h);
}

static void
greet(RemapHelper *h, const RemapLinkMessage *message)
{
	tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_WELCOME,
				     .version = REMAP_LINK_VERSION,
				     .how = h->setup.how,
				     .text = h->keyboards.seat });
	if (message->version != REMAP_LINK_VERSION) {
		fault(h, REMAP_LINK_FAULT_VERSION, "another version");
		return;
	}
	h->is_greeted = true;
	h->hello_by = REMAP_NEVER;
	tell_state(h);
}

static void
handle(RemapHelper *h, const RemapLinkMessage *message)
{
	if (h->is_greeted == (message->kind == REMAP_LINK_HELLO)) {
		fault(h, REMAP_LINK_FAULT_MESSAGE, "HELLO comes first, and once");
		return;
	}
	switch (message->kind) {
	case REMAP_LINK_HELLO:
		greet(h, message);
		break;
	case REMAP_LINK_KEYMAP:
		take_part(h, message);
		break;
	case REMAP_LINK_COMMIT:
		commit(h, message);
		break;
	case REMAP_LINK_CONFIRM:
		confirm(h, message->id);
		break;
	case REMAP_LINK_REVERT:
		if (h->trial_by != REMAP_NEVER && h->current.id == message->id)
			revert(h);
		break;
	case REMAP_LINK_SUSPEND:
		set_reason(h, REMAP_LINK_IS_SUSPENDED, true);
		break;
	case REMAP_LINK_RESUME:
		resume(h);
		break;
	case REMAP_LINK_LOCK:
		set_lock(h, message);
		break;
	case REMAP_LINK_SLEEP:
		set_reason(h, REMAP_LINK_IS_ASLEEP, message->is_on);
		break;
	case REMAP_LINK_STATUS:
		tell_all(h);
		break;
	case REMAP_LINK_WELCOME:
	case REMAP_LINK_ACCEPTED:
	case REMAP_LINK_DIAGNOSTIC:
	case REMAP_LINK_REJECTED:
	case REMAP_LINK_REVERTED:
	case REMAP_LINK_DEVICE:
	case REMAP_LINK_LAYER:
	case REMAP_LINK_COMMAND:
	case REMAP_LINK_STATE:
	case REMAP_LINK_FAULT:
	case REMAP_LINK_COUNTS:
	case REMAP_LINK_KINDS:
		break;
	}
}

static bool
is_flood(RemapHelper *h, RemapUsec now)
{
	if (now - h->second >= 1000000) {
		h->second = now;
		h->messages = 0;
	}
	return ++h->messages > REMAP_MESSAGES_MAX;
}

/* One at a time: keys go before the next. */
static void
read_socket(RemapHelper *h, RemapUsec now)
{
	RemapLinkMessage message;
	int result = remap_link_receive(h->setup.socket, REMAP_LINK_DAEMON, h->buffer, &message);

	if (result == -EAGAIN)
		return;
	if (result == -EBADMSG)
		fault(h, REMAP_LINK_FAULT_MESSAGE, "not a message");
	else if (result <= 0)
		h->is_over = true;
	else if (is_flood(h, now))
		fault(h, REMAP_LINK_FAULT_FLOOD, "too many messages");
	else
		handle(h, &message);
}

/* The loop. */

static void
watch(void *data, int fd, unsigned number, bool is_on)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = number };
	RemapHelper *h = data;

	if (fd >= 0)
		epoll_ctl(h->epoll, is_on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &event);
}

static RemapUsec
earliest(const RemapHelper *h)
{
	const RemapUsec all[] = { h->router.deadline, h->keyboards.deadline,
				  h->hello_by,	      h->seat_by,
				  h->swap_by,	      h->trial_by };
	RemapUsec first = REMAP_NEVER;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i] < first)
			first = all[i];
	return first;
}

/* A deadline that moved away is left to ring: that costs one call then and none now, with a key in hand. */
static void
arm(RemapHelper *h)
{
	RemapUsec first = earliest(h);

	if (first >= h->armed)
		return;
	h->armed = first;
	h->kernel->arm(h->kernel->data, first);
}

static void
ring(RemapHelper *h)
{
	uint64_t count;

	if (read(h->kernel->timer_fd, &count, sizeof(count)) == sizeof(count))
		h->armed = REMAP_NEVER;
}

static void
run_timers(RemapHelper *h, RemapUsec now)
{
	if (h->router.deadline <= now)
		remap_router_tick(&h->router);
	if (h->keyboards.deadline <= now)
		remap_keyboards_tick(&h->keyboards);
	swap_when_idle(h, now);
	if (h->trial_by <= now)
		revert(h);
	if (h->hello_by <= now)
		fault(h, REMAP_LINK_FAULT_SILENCE, "no HELLO");
	if (h->seat_by <= now)
		fault(h, REMAP_LINK_FAULT_REFUSED, "the user has no session on a seat");
}

static void
dispatch(RemapHelper *h, unsigned number, RemapUsec now)
{
	switch (number) {
	case NUMBER_SOCKET:
		read_socket(h, now);
		break;
	case NUMBER_TIMER:
		ring(h);
		break;
	case NUMBER_WATCH:
		if (h->kernel->changes(h->kernel->data, remap_keyboards_found, &h->keyboards) &&
		    h->keyboards.is_on)
			remap_keyboards_start(&h->keyboards);
		break;
	case NUMBER_SEAT:
		check_session(h);
		break;
	case NUMBER_SIGNALS:
		h->is_over = true;
		break;
	default:
		remap_keyboards_ready(&h->keyboards, number);
		break;
	}
}

/* After whatever happened. */
static void
look_around(RemapHelper *h)
{
	remap_keyboards_check(&h->keyboards);
	if (h->router.is_panic) {
		h->router.is_panic = false;
		set_flag(h, REMAP_LINK_IS_PANIC, true);
	}
	if (!h->is_over)
		update(h);
}

int
remap_helper_step(RemapHelper *h, int timeout)
{
	struct epoll_event events[EVENTS_MAX];
	RemapUsec now;
	int count;

	if (h->is_over)
		return 0;
	count = epoll_wait(h->epoll, events, EVENTS_MAX, timeout);
	if (count < 0)
		return errno == EINTR ? 1 : -errno;
	now = h->kernel->now(h->kernel->data);
	/* Keys first: what they did has an earlier time than what the rest will do. */
	for (int i = 0; i < count; i++)
		if (events[i].data.u32 <= REMAP_NUMBER_EXTRA)
			dispatch(h, events[i].data.u32, now);
	run_timers(h, now);
	for (int i = 0; i < count && !h->is_over; i++)
		if (events[i].data.u32 > REMAP_NUMBER_EXTRA)
			dispatch(h, events[i].data.u32, now);
	look_around(h);
	arm(h);
	return !h->is_over;
}

RemapHelper *
remap_helper_new(const RemapHelperSetup *setup)
{
	RemapHelper *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->setup = *setup;
	h->kernel = setup->kernel;
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (h->epoll < 0) {
		free(h);
		return NULL;
	}
	h->router = (RemapRouter){ .kernel = h->kernel,
				   .deadline = REMAP_NEVER,
				   .tell_layer = tell_layer,
				   .tell_command = tell_command,
				   .data = h };
	h->keyboards = (RemapKeyboards){ .kernel = h->kernel,
					 .router = &h->router,
					 .deadline = REMAP_NEVER,
					 .watch = watch,
					 .report = tell_device,
					 .data = h };
	h->seat_by = h->swap_by = h->trial_by = h->armed = REMAP_NEVER;
	h->hello_by = h->kernel->now(h->kernel->data) + REMAP_HELLO_WITHIN;
	watch(h, setup->socket, NUMBER_SOCKET, true);
	watch(h, h->kernel->timer_fd, NUMBER_TIMER, true);
	watch(h, h->kernel->watch_fd, NUMBER_WATCH, true);
	if (setup->is_session_needed)
		watch(h, h->kernel->seat_fd, NUMBER_SEAT, true);
	watch(h, setup->signals, NUMBER_SIGNALS, true);
	check_session(h);
	arm(h);
	return h;
}

void
remap_helper_free(RemapHelper *h)
{
	if (!h)
		return;
	remap_keyboards_stop(&h->keyboards, "the helper ends");
	remap_router_clear(&h->router);
	drop(&h->current);
	drop(&h->former);
	drop(&h->next);
	free(h->text);
	close(h->epoll);
	free(h);
}
