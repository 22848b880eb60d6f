// SPDX-License-Identifier: GPL-3.0-or-later
/* What the daemon asks for, what logind says, and when: the helper's state and its loop.
 * I/O.
 *
 * Keyboards are held while there is a keymap and no reason against it. Reasons are bits of one number (the session is
 * not in front, panic, suspended, asleep, locked with "ungrab"); whoever changes one calls remap_helper_update(), which gives all
 * keyboards back or takes them again. There is no second way to stop. */
#include "keys/helper/helper-state.h"

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

void
remap_helper_update(RemapHelper *h)
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
		remap_helper_tell_state(h);
}

/* Whoever asked for something hears the state, changed or not. */
static void
update_and_tell(RemapHelper *h)
{
	h->told_flags = UINT32_MAX;
	remap_helper_update(h);
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
	remap_helper_update(h);
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
		remap_helper_end(h, REMAP_LINK_FAULT_SYSTEM, "out of memory");
	update_and_tell(h);
}

static void
greet(RemapHelper *h, const RemapLinkMessage *message)
{
	remap_helper_tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_WELCOME,
						  .version = REMAP_LINK_VERSION,
						  .how = h->setup.how,
						  .text = h->keyboards.seat });
	if (message->version != REMAP_LINK_VERSION) {
		remap_helper_end(h, REMAP_LINK_FAULT_VERSION, "another version");
		return;
	}
	h->is_greeted = true;
	h->hello_by = REMAP_NEVER;
	remap_helper_tell_state(h);
}

static void
handle(RemapHelper *h, const RemapLinkMessage *message)
{
	if (h->is_greeted == (message->kind == REMAP_LINK_HELLO)) {
		remap_helper_end(h, REMAP_LINK_FAULT_MESSAGE, "HELLO comes first, and once");
		return;
	}
	switch (message->kind) {
	case REMAP_LINK_HELLO:
		greet(h, message);
		break;
	case REMAP_LINK_KEYMAP:
		remap_keymaps_take_part(h, message);
		break;
	case REMAP_LINK_COMMIT:
		remap_keymaps_commit(h, message);
		break;
	case REMAP_LINK_CONFIRM:
		remap_keymaps_confirm(h, message->id);
		break;
	case REMAP_LINK_REVERT:
		if (h->trial_by != REMAP_NEVER && h->current.id == message->id)
			remap_keymaps_revert(h);
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
		remap_helper_tell_all(h);
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
		remap_helper_end(h, REMAP_LINK_FAULT_MESSAGE, "not a message");
	else if (result <= 0)
		h->is_over = true;
	else if (is_flood(h, now))
		remap_helper_end(h, REMAP_LINK_FAULT_FLOOD, "too many messages");
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
	remap_keymaps_swap_when_idle(h, now);
	if (h->trial_by <= now)
		remap_keymaps_revert(h);
	if (h->hello_by <= now)
		remap_helper_end(h, REMAP_LINK_FAULT_SILENCE, "no HELLO");
	if (h->seat_by <= now)
		remap_helper_end(h, REMAP_LINK_FAULT_REFUSED, "the user has no session on a seat");
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

/* Keys go before all other programs (priority.h), which would be bad for those when there always is one. */
static bool
begins_to_flood(RemapHelper *h, RemapUsec now)
{
	h->steps++;
	if (h->is_flooded || h->router.taken - h->counted < REMAP_FLOOD_EVENTS)
		return false;
	h->is_flooded = h->steps < REMAP_FLOOD_STEPS || now - h->counted_at < REMAP_FLOOD_WITHIN;
	h->counted = h->router.taken;
	h->counted_at = now;
	h->steps = 0;
	return h->is_flooded;
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
		remap_helper_update(h);
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
	if (h->is_over)
		return 0;
	return begins_to_flood(h, now) ? REMAP_HELPER_FLOODED : 1;
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
				   .tell_layer = remap_helper_tell_layer,
				   .tell_command = remap_helper_tell_command,
				   .data = h };
	h->keyboards = (RemapKeyboards){ .kernel = h->kernel,
					 .router = &h->router,
					 .deadline = REMAP_NEVER,
					 .watch = watch,
					 .report = remap_helper_tell_device,
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
	remap_version_drop(&h->current);
	remap_version_drop(&h->former);
	remap_version_drop(&h->next);
	free(h->text);
	close(h->epoll);
	free(h);
}
