// SPDX-License-Identifier: GPL-3.0-or-later
/* The fake keyboards.
 * I/O: sockets. */
#include "tests/support/fake-keys.h"

#include "tests/support/fake-keys-text.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static void
signal_fd(int fd)
{
	g_assert_cmpint(eventfd_write(fd, 1), ==, 0);
}

static void
clear_fd(int fd)
{
	eventfd_t count;

	if (eventfd_read(fd, &count) < 0)
		g_assert_cmpint(errno, ==, EAGAIN);
}

static void
open_pair(int *ours, int *theirs)
{
	int pair[2];

	/* Each write is a datagram, so that the number of writes is seen. */
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
			==, 0);
	*ours = pair[0];
	*theirs = pair[1];
}

/* The device. */

static FakeKeyboard *
find_node(FakeKeys *keys, const char *node)
{
	for (unsigned i = 0; i < FAKE_KEYBOARDS_MAX; i++)
		if (keys->keyboards[i].is_present && g_str_equal(keys->keyboards[i].node, node))
			return &keys->keyboards[i];
	return NULL;
}

static int
fake_open(void *data, const char *node, RemapDeviceInfo *info, void **device)
{
	FakeKeyboard *k = find_node(data, node);

	if (!k)
		return -ENOENT;
	if (k->open_error)
		return k->open_error;
	g_assert_false(k->is_open);
	open_pair(&k->device, &k->helper);
	k->is_open = true;
	*info = k->info;
	*device = k;
	return k->helper;
}

static void
set_key(FakeKeyboard *k, unsigned code, bool is_down)
{
	remap_bit_set(k->down, code, is_down);
	if (!k->is_grabbed)
		remap_bit_set(k->others, code, is_down);
}

/* What the helper wrote to the device. */
static void
take_injected(FakeKeyboard *k)
{
	struct input_event events[KEY_CNT + 1];
	ssize_t size;

	if (!k->is_open)
		return;
	while ((size = read(k->device, events, sizeof(events))) > 0)
		for (size_t i = 0; i < (size_t)size / sizeof(*events); i++) {
			if (events[i].type == EV_KEY && remap_bit(k->down, events[i].code))
				set_key(k, events[i].code, events[i].value != 0);
			else if (events[i].type == EV_LED)
				g_string_append_printf(k->keys->heard, "%s led%u=%d\n", k->node,
						       events[i].code, events[i].value);
		}
}

static int
fake_grab(void *device, bool is_on)
{
	FakeKeyboard *k = device;

	take_injected(k);
	if (is_on && k->is_busy)
		return -EBUSY;
	if (is_on && k->press_before_grab) {
		set_key(k, k->press_before_grab, true);
		k->press_before_grab = 0;
	}
	k->is_grabbed = is_on;
	k->grabs += is_on;
	return 0;
}

static int
fake_sync(void *device, uint8_t *bits)
{
	FakeKeyboard *k = device;
	char buffer[8192];

	if (!k->is_present)
		return -ENODEV;
	take_injected(k);
	while (read(k->helper, buffer, sizeof(buffer)) > 0)
		;
	memcpy(bits, k->down, sizeof(k->down));
	return 0;
}

static void
fake_close(void *device)
{
	FakeKeyboard *k = device;

	take_injected(k);
	g_assert_true(k->is_open);
	close(k->device);
	close(k->helper);
	/* The kernel ends a grab with its descriptor. */
	k->is_open = k->is_grabbed = false;
}

static int
fake_create(void *data, const RemapDeviceInfo *info)
{
	FakeKeys *keys = data;
	FakeClone *clone = &keys->clones[keys->clone_count];

	if (keys->create_error)
		return keys->create_error;
	g_assert_cmpuint(keys->clone_count, <, FAKE_CLONES_MAX);
	keys->clone_count++;
	open_pair(&clone->user, &clone->sink);
	clone->info = *info;
	clone->is_alive = true;
	clone->log = g_string_new(NULL);
	return clone->sink;
}

static int
fake_list(void *data, RemapNodeFunction found, void *user)
{
	FakeKeys *keys = data;

	for (unsigned i = 0; i < FAKE_KEYBOARDS_MAX; i++)
		if (keys->keyboards[i].is_present)
			found(user, keys->keyboards[i].node, false);
	return 0;
}

static int
fake_changes(void *data, RemapNodeFunction found, void *user)
{
	FakeKeys *keys = data;
	char *change;

	clear_fd(keys->kernel.watch_fd);
	while ((change = g_queue_pop_head(keys->changes)) != NULL) {
		found(user, change + 1, change[0] == '-');
		g_free(change);
	}
	return 0;
}

static int
fake_session(void *data, unsigned uid, char *seat)
{
	FakeKeys *keys = data;

	clear_fd(keys->kernel.seat_fd);
	g_assert_cmpuint(uid, ==, 1000);
	if (keys->session != -ENOENT)
		g_strlcpy(seat, keys->seat, 64);
	return keys->session;
}

static bool
fake_is_on_seat(void *data, const RemapDeviceInfo *info, const char *seat)
{
	FakeKeys *keys = data;

	return g_str_equal(keys->keyboards[info->number].seat, seat);
}

static RemapUsec
fake_now(void *data)
{
	return ((FakeKeys *)data)->now;
}

static void
fake_arm(void *data, RemapUsec time)
{
	((FakeKeys *)data)->due = time;
}

/* The other end. */

static void
hear(FakeKeys *keys)
{
	uint8_t buffer[REMAP_LINK_DATAGRAM_MAX];
	RemapLinkMessage message;
	int result;

	if (keys->daemon < 0)
		return;
	while ((result = remap_link_receive(keys->daemon, REMAP_LINK_HELPER, buffer, &message)) ==
	       1)
		fake_describe_message(keys->heard, &message);
	g_assert_true(result == 0 || result == -EAGAIN || result == -ECONNRESET);
}

char *
fake_keys_heard(FakeKeys *keys)
{
	char *heard;

	for (unsigned i = 0; i < FAKE_KEYBOARDS_MAX; i++)
		take_injected(&keys->keyboards[i]);
	hear(keys);
	heard = g_string_free(keys->heard, FALSE);
	keys->heard = g_string_new(NULL);
	return heard;
}

/* Events. */

void
fake_events(FakeKeyboard *k, const struct input_event *events, size_t count)
{
	size_t size = count * sizeof(*events);

	if (k->is_open)
		g_assert_cmpint(write(k->device, events, size), ==, (ssize_t)size);
}

static void
edge(FakeKeyboard *k, unsigned code, bool is_down)
{
	struct input_event events[] = {
		{ .type = EV_MSC, .code = MSC_SCAN, .value = (int)code },
		{ .type = EV_KEY, .code = (uint16_t)code, .value = is_down },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(events); i++) {
		events[i].input_event_sec = (__kernel_ulong_t)(k->keys->now / 1000000);
		events[i].input_event_usec = (__kernel_ulong_t)(k->keys->now % 1000000);
	}
	set_key(k, code, is_down);
	fake_events(k, events, G_N_ELEMENTS(events));
}

void
fake_press(FakeKeyboard *k, unsigned code)
{
	g_assert_false(remap_bit(k->down, code));
	edge(k, code, true);
	fake_keys_run(k->keys);
}

void
fake_release(FakeKeyboard *k, unsigned code)
{
	/* The kernel drops what changes nothing: a key whose release was injected. */
	if (!remap_bit(k->down, code))
		return;
	edge(k, code, false);
	fake_keys_run(k->keys);
}

void
fake_tap(FakeKeyboard *k, unsigned code)
{
	fake_press(k, code);
	fake_release(k, code);
}

/* The whole. */

FakeKeyboard *
fake_keyboard_add(FakeKeys *keys)
{
	unsigned n = 0;
	FakeKeyboard *k;

	while (keys->keyboards[n].is_present)
		n++;
	g_assert_cmpuint(n, <, FAKE_KEYBOARDS_MAX);
	k = &keys->keyboards[n];
	*k = (FakeKeyboard){ .keys = keys, .is_present = true, .device = -1, .helper = -1 };
	g_snprintf(k->node, sizeof(k->node), "event%u", n);
	g_snprintf(k->info.name, sizeof(k->info.name), "Fake keyboard %u", n);
	g_strlcpy(k->info.phys, "usb-0/input0", sizeof(k->info.phys));
	g_strlcpy(k->seat, "seat0", sizeof(k->seat));
	k->info.bus = BUS_USB;
	k->info.vendor = 0x1234;
	k->info.product = (uint16_t)(0x10 + n);
	k->info.number = n;
	for (unsigned code = KEY_ESC; code <= KEY_COMPOSE; code++)
		remap_bit_set(k->info.keys, code, true);
	for (unsigned type = EV_SYN; type <= EV_REP; type++)
		remap_bit_set(k->info.types, type,
			      type == EV_SYN || type == EV_KEY || type == EV_MSC ||
				      type == EV_LED || type == EV_REP);
	remap_bit_set(k->info.mscs, MSC_SCAN, true);
	for (unsigned led = LED_NUML; led <= LED_SCROLLL; led++)
		remap_bit_set(k->info.leds, led, true);
	g_queue_push_tail(keys->changes, g_strconcat("+", k->node, NULL));
	signal_fd(keys->kernel.watch_fd);
	return k;
}

void
fake_keyboard_touch(FakeKeyboard *k)
{
	g_queue_push_tail(k->keys->changes, g_strconcat("+", k->node, NULL));
	signal_fd(k->keys->kernel.watch_fd);
	fake_keys_run(k->keys);
}

void
fake_keyboard_unplug(FakeKeyboard *k)
{
	k->is_present = false;
	memset(k->down, 0, sizeof(k->down));
	memset(k->others, 0, sizeof(k->others));
	if (k->is_open)
		shutdown(k->device, SHUT_RDWR);
	g_queue_push_tail(k->keys->changes, g_strconcat("-", k->node, NULL));
	signal_fd(k->keys->kernel.watch_fd);
	fake_keys_run(k->keys);
}

FakeKeys *
fake_keys_new(void)
{
	FakeKeys *keys = g_new0(FakeKeys, 1);

	keys->kernel = (RemapKernel){
		.open = fake_open,
		.grab = fake_grab,
		.sync = fake_sync,
		.close = fake_close,
		.create = fake_create,
		.list = fake_list,
		.changes = fake_changes,
		.session = fake_session,
		.is_on_seat = fake_is_on_seat,
		.now = fake_now,
		.arm = fake_arm,
		.watch_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		.seat_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		.timer_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		.data = keys,
	};
	keys->changes = g_queue_new();
	keys->heard = g_string_new(NULL);
	keys->now = 1000000;
	keys->due = REMAP_NEVER;
	keys->session = 1;
	keys->seat = "seat0";
	keys->next_id = 1;
	open_pair(&keys->daemon, &keys->socket);
	return keys;
}

void
fake_keys_start(FakeKeys *keys, bool is_session_needed)
{
	RemapHelperSetup setup = { .kernel = &keys->kernel,
				   .socket = keys->socket,
				   .signals = -1,
				   .uid = 1000,
				   .is_session_needed = is_session_needed,
				   .has_no_landlock = keys->has_no_landlock };

	keys->helper = remap_helper_new(&setup);
	g_assert_nonnull(keys->helper);
	keys->result = 1;
}

void
fake_keys_send(FakeKeys *keys, const RemapLinkMessage *message)
{
	g_assert_cmpint(remap_link_send(keys->daemon, message), ==, 0);
	fake_keys_run(keys);
}

uint32_t
fake_keys_load(FakeKeys *keys, const char *text, uint32_t flags, uint32_t timeout_ms)
{
	uint32_t id = keys->next_id++;
	size_t length = strlen(text), at = 0;

	do {
		size_t part = MIN(length - at, REMAP_LINK_PART_MAX);

		fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_KEYMAP,
							  .id = id,
							  .offset = (uint32_t)at,
							  .data = (const uint8_t *)text + at,
							  .data_length = part });
		at += part;
	} while (at < length);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_COMMIT,
						  .id = id,
						  .length = (uint32_t)length,
						  .flags = flags,
						  .timeout_ms = timeout_ms });
	return id;
}

FakeKeys *
fake_keys_greeted(void)
{
	FakeKeys *keys = fake_keys_new();

	fake_keyboard_add(keys);
	fake_keys_start(keys, true);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
						  .version = REMAP_LINK_VERSION });
	return keys;
}

FakeKeys *
fake_keys_running(const char *text, unsigned keyboards)
{
	FakeKeys *keys = fake_keys_new();

	for (unsigned i = 0; i < keyboards; i++)
		fake_keyboard_add(keys);
	fake_keys_start(keys, true);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
						  .version = REMAP_LINK_VERSION });
	fake_keys_load(keys, text, 0, 0);
	fake_keys_pass(keys, 150);
	for (unsigned i = 0; i < keyboards; i++)
		g_assert_true(keys->keyboards[i].is_grabbed);
	g_free(fake_keys_heard(keys));
	return keys;
}

void
fake_keys_run(FakeKeys *keys)
{
	/* More than any one thing here takes; a step with nothing to do is one system call. */
	for (int i = 0; i < 20 && keys->result > 0; i++) {
		if (keys->due <= keys->now) {
			keys->due = REMAP_NEVER;
			signal_fd(keys->kernel.timer_fd);
		}
		keys->result = remap_helper_step(keys->helper, 0);
		for (unsigned n = 0; n < keys->clone_count; n++)
			fake_clone_drain(&keys->clones[n]);
	}
	for (unsigned i = 0; i < FAKE_KEYBOARDS_MAX; i++)
		take_injected(&keys->keyboards[i]);
}

void
fake_keys_pass(FakeKeys *keys, unsigned ms)
{
	RemapUsec end = keys->now + (RemapUsec)ms * 1000;

	fake_keys_run(keys);
	while (keys->due <= end && keys->result > 0) {
		keys->now = MAX(keys->now, keys->due);
		fake_keys_run(keys);
	}
	keys->now = end;
	fake_keys_run(keys);
}

void
fake_keys_free(FakeKeys *keys)
{
	char *change;

	hear(keys);
	remap_helper_free(keys->helper);
	for (unsigned i = 0; i < keys->clone_count; i++) {
		fake_clone_drain(&keys->clones[i]);
		g_assert_false(keys->clones[i].is_alive);
		g_string_free(keys->clones[i].log, TRUE);
	}
	for (unsigned i = 0; i < FAKE_KEYBOARDS_MAX; i++) {
		const FakeKeyboard *k = &keys->keyboards[i];

		g_assert_false(k->is_open);
		g_assert_false(k->is_grabbed);
		for (unsigned n = 0; n < REMAP_KEY_BYTES; n++)
			g_assert_cmpuint(k->others[n] & ~k->down[n], ==, 0);
	}
	close(keys->kernel.watch_fd);
	close(keys->kernel.seat_fd);
	close(keys->kernel.timer_fd);
	close(keys->socket);
	if (keys->daemon >= 0)
		close(keys->daemon);
	while ((change = g_queue_pop_head(keys->changes)) != NULL)
		g_free(change);
	g_queue_free(keys->changes);
	g_string_free(keys->heard, TRUE);
	g_free(keys);
}
