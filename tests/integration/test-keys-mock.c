// SPDX-License-Identifier: GPL-3.0-or-later
/* The helper with the real machine's table (kernel.h) over umockdev's devices: libevdev, the ioctls, inotify and uinput are
 * the real calls. The clock is the test's: a busy machine decides nothing. And the sandbox is left out: Landlock knows nothing of the test bed, and seccomp kills
 * who connects to umockdev. Its tests are test-keys-sandbox.c and test-keys-process.c.
 * I/O. KEYS_CLI names the program "xdgtidy keys". */
#include "keys/helper/helper.h"
#include "tests/support/mock-input.h"

#include <errno.h>
#include <fcntl.h>
#include <libevdev/libevdev.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATIENCE_US = 20 * G_USEC_PER_SEC, STEP_MS = 20 };

static const char capslock_z[] = "[ids]\n*\n[main]\ncapslock = z\n";

/* A helper, with the daemon's end of its connection. */
typedef struct {
	RemapKernel kernel;
	RemapLinux *linux_side;
	RemapHelper *helper;
	RemapUsec now, due;
	int daemon, socket;
	GHashTable *devices; /* node: what was last said of it */
	unsigned overruns;
	uint32_t state;
} Helper;

/* Those that run: all that the table's functions are told is whose machine it is. */
static Helper *running[2];

static Helper *
helper_of(const void *linux_side)
{
	return running[0] && running[0]->linux_side == linux_side ? running[0] : running[1];
}

static RemapUsec
now(void *data)
{
	return helper_of(data)->now;
}

static void
arm(void *data, RemapUsec time)
{
	helper_of(data)->due = time;
}

static void
hear(Helper *h)
{
	static const char *const events[] = { "ignored", "waiting", "grabbed", "closed",
					      "removed" };
	uint8_t buffer[REMAP_LINK_DATAGRAM_MAX];
	RemapLinkMessage m;

	while (remap_link_receive(h->daemon, REMAP_LINK_HELPER, buffer, &m) == 1) {
		g_assert_cmpint(m.kind, !=, REMAP_LINK_FAULT);
		g_assert_cmpint(m.kind, !=, REMAP_LINK_REJECTED);
		if (m.kind == REMAP_LINK_STATE)
			h->state = m.flags;
		if (m.kind == REMAP_LINK_COUNTS)
			h->overruns = (unsigned)m.overruns;
		if (m.kind != REMAP_LINK_DEVICE)
			continue;
		g_hash_table_insert(h->devices, g_strdup(m.node),
				    g_strconcat(events[m.event], *m.text ? ": " : "", m.text,
						NULL));
	}
}

static void
step(Helper *h)
{
	if (h->due <= h->now) {
		h->due = REMAP_NEVER;
		g_assert_cmpint(eventfd_write(h->kernel.timer_fd, 1), ==, 0);
	}
	g_assert_cmpint(remap_helper_step(h->helper, STEP_MS), ==, 1);
	hear(h);
	h->now += STEP_MS * 1000;
}

static const char *
said(Helper *h, const char *node)
{
	const char *text = g_hash_table_lookup(h->devices, node);

	return text ? text : "";
}

/* Lets the helper work, and time pass, until it has said that of the device. */
static void
wait_for(Helper *h, const char *node, const char *expected)
{
	gint64 end = g_get_monotonic_time() + PATIENCE_US;

	while (!g_str_equal(said(h, node), expected) && g_get_monotonic_time() < end)
		step(h);
	g_assert_cmpstr(said(h, node), ==, expected);
}

static void
tell(Helper *h, const RemapLinkMessage *message)
{
	g_assert_cmpint(remap_link_send(h->daemon, message), ==, 0);
}

static void
load(Helper *h, const char *keymap)
{
	tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_KEYMAP,
				     .id = 1,
				     .data = (const uint8_t *)keymap,
				     .data_length = strlen(keymap) });
	tell(h, &(RemapLinkMessage){
			.kind = REMAP_LINK_COMMIT, .id = 1, .length = (uint32_t)strlen(keymap) });
}

static Helper *
start(const MockInput *input, const char *keymap)
{
	g_autofree char *folder = mock_input_folder(input);
	Helper *h = g_new0(Helper, 1);
	RemapHelperSetup setup = { .signals = -1, .how = REMAP_LINK_DIRECT };
	int pair[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
			==, 0);
	h->daemon = pair[0];
	h->socket = setup.socket = pair[1];
	h->devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_assert_cmpint(remap_linux_new(folder, "/dev/uinput", &h->kernel, &h->linux_side), ==, 0);
	h->now = (RemapUsec)g_get_monotonic_time();
	h->due = REMAP_NEVER;
	h->kernel.now = now;
	h->kernel.arm = arm;
	h->kernel.timer_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	setup.kernel = &h->kernel;
	running[running[0] != NULL] = h;
	h->helper = remap_helper_new(&setup);
	g_assert_nonnull(h->helper);
	tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO, .version = REMAP_LINK_VERSION });
	load(h, keymap);
	return h;
}

static void
stop(Helper *h)
{
	remap_helper_free(h->helper);
	remap_linux_free(h->linux_side);
	running[h == running[1]] = NULL;
	close(h->kernel.timer_fd);
	close(h->daemon);
	close(h->socket);
	g_hash_table_unref(h->devices);
	g_free(h);
}

/* Lets the helper work until programs have read this from the virtual device. */
static void
expect(Helper *h, MockDevice *clone, const char *expected)
{
	gint64 end = g_get_monotonic_time() + PATIENCE_US;
	g_autoptr(GString) got = g_string_new(NULL);

	while (got->len < strlen(expected) && g_get_monotonic_time() < end) {
		g_autofree char *part = NULL;

		step(h);
		part = mock_device_read(clone);
		if (got->len && *part)
			g_string_append_c(got, ' ');
		g_string_append(got, part);
	}
	g_assert_cmpstr(got->str, ==, expected);
}

/* One keyboard that is remapped; its virtual one. */
static Helper *
start_with(MockInput *input, const char *name, const char *keymap, MockDevice **device,
	   MockDevice **clone)
{
	Helper *h;

	*device = mock_input_plug(input, name);
	h = start(input, keymap);
	wait_for(h, (*device)->node, "grabbed");
	*clone = mock_input_clone(input, 0);
	g_assert_nonnull(*clone);
	return h;
}

/* Which devices are taken, and why the others are not. */
static void
test_devices(void)
{
	static const struct {
		const char *name, *node, *said;
	} all[] = {
		{ "ps2-keyboard", "event0", "grabbed" },
		{ "usb-keyboard", "event1", "grabbed" },
		{ "usb-consumer-control", "event2", "grabbed" },
		{ "mouse-with-keys", "event3", "grabbed" },
		{ "mouse", "event4", "ignored: [ids] does not name it" },
		{ "touchpad", "event5", "ignored: it has axes (touchpad, tablet, joystick)" },
		{ "tablet", "event6", "ignored: it has axes (touchpad, tablet, joystick)" },
		{ "joystick", "event7", "ignored: it has axes (touchpad, tablet, joystick)" },
		{ "power-button", "event8", "ignored: [ids] does not name it" },
		{ "lid-switch", "event9", "ignored: it has no keys" },
		{ "laptop-hotkeys", "event10", "ignored: it has switches or force feedback" },
		{ "virtual-keyboard", "event11", "ignored: a keyboard of xdgtidy-keys itself" },
		{ "forbidden-keyboard", "event12",
		  "ignored: it cannot be opened: Permission denied" },
	};
	MockInput *input = mock_input_new();
	unsigned taken = 0;
	Helper *h;

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		mock_input_plug(input, all[i].name);
	mock_input_set_mode(input, "input/event12", 0);
	h = start(input, capslock_z);
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		wait_for(h, all[i].node, all[i].said);
	/* and its own new devices, which it found like any other */
	for (MockDevice *clone; (clone = mock_input_clone(input, taken)) != NULL; taken++)
		wait_for(h, clone->node, "ignored: a keyboard of xdgtidy-keys itself");
	g_assert_cmpuint(taken, ==, 4);
	stop(h);
	mock_input_free(input);
}

static struct libevdev *
ask(const MockDevice *d)
{
	g_autofree char *path = g_build_filename("/dev/input", d->node, NULL);
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct libevdev *device;

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(libevdev_new_from_fd(fd, &device), ==, 0);
	return device;
}

static void
forget(struct libevdev *device)
{
	int fd = libevdev_get_fd(device);

	libevdev_free(device);
	close(fd);
}

/* A program that asks the virtual device hears what it would hear from the real one. */
static void
check_clone(const char *name)
{
	MockInput *input = mock_input_new();
	MockDevice *device, *clone;
	Helper *h = start_with(input, name, "[ids]\n*\n[main]\nmute = a\n", &device, &clone);
	struct libevdev *theirs, *ours;

	wait_for(h, clone->node, "ignored: a keyboard of xdgtidy-keys itself");
	theirs = ask(device);
	ours = ask(clone);
	g_assert_cmpstr(libevdev_get_name(ours), ==, libevdev_get_name(theirs));
	g_assert_cmpint(libevdev_get_id_bustype(ours), ==, libevdev_get_id_bustype(theirs));
	g_assert_cmpint(libevdev_get_id_vendor(ours), ==, libevdev_get_id_vendor(theirs));
	g_assert_cmpint(libevdev_get_id_product(ours), ==, libevdev_get_id_product(theirs));
	g_assert_cmpint(libevdev_get_id_version(ours), ==, libevdev_get_id_version(theirs));
	g_assert_true(g_str_has_prefix(libevdev_get_phys(ours), REMAP_CLONE_PHYS));
	for (unsigned type = 0; type < EV_CNT; type++) {
		int max = libevdev_event_type_get_max(type);

		g_assert_cmpint(libevdev_has_event_type(ours, type), ==,
				libevdev_has_event_type(theirs, type));
		for (int code = 0; code <= max; code++) {
			bool is_output =
				type == EV_KEY &&
				(code == KEY_A || code == KEY_LEFTALT || code == KEY_RIGHTALT ||
				 code == KEY_LEFTSHIFT || code == KEY_RIGHTSHIFT ||
				 code == KEY_LEFTMETA || code == KEY_RIGHTMETA ||
				 code == KEY_LEFTCTRL || code == KEY_RIGHTCTRL);

			if (is_output)
				g_assert_true(libevdev_has_event_code(ours, type, (unsigned)code));
			else if (type != EV_REP)
				g_assert_cmpint(libevdev_has_event_code(ours, type, (unsigned)code),
						==,
						libevdev_has_event_code(theirs, type,
									(unsigned)code));
		}
	}
	if (libevdev_has_event_type(theirs, EV_REP)) {
		int ours_ms[2], theirs_ms[2];

		libevdev_get_repeat(ours, &ours_ms[0], &ours_ms[1]);
		libevdev_get_repeat(theirs, &theirs_ms[0], &theirs_ms[1]);
		g_assert_cmpmem(ours_ms, sizeof(ours_ms), theirs_ms, sizeof(theirs_ms));
	}
	forget(ours);
	forget(theirs);
	stop(h);
	mock_input_free(input);
}

static void
test_clone(void)
{
	check_clone("ps2-keyboard");
	check_clone("usb-consumer-control");
	check_clone("mouse-with-keys");
}

static void
test_events(void)
{
	MockInput *input = mock_input_new();
	MockDevice *device, *clone;
	Helper *h = start_with(input, "ps2-keyboard", capslock_z, &device, &clone);

	g_assert_true(mock_device_is_grabbed(device));
	/* that of event times, on which tap or hold is decided */
	g_assert_cmpint(device->clock, ==, CLOCK_MONOTONIC);
	mock_device_edge(device, KEY_CAPSLOCK, true);
	expect(h, clone, "msc58 z+ |");
	mock_device_edge(device, KEY_A, true);
	expect(h, clone, "msc30 a+ |");
	mock_device_edge(device, KEY_CAPSLOCK, false);
	mock_device_edge(device, KEY_A, false);
	expect(h, clone, "msc58 z- | msc30 a- |");
	/* held to the end: the virtual key goes up, the keyboard is free */
	mock_device_edge(device, KEY_CAPSLOCK, true);
	expect(h, clone, "msc58 z+ |");
	stop(h);
	{
		g_autofree char *last = mock_device_read(clone);

		g_assert_cmpstr(last, ==, "z- |");
	}
	g_assert_false(mock_device_is_grabbed(device));
	mock_input_free(input);
}

/* The kernel's queue was full: what the keys are now is asked of the device (EVIOCGKEY). */
static void
test_dropped(void)
{
	const struct input_event dropped[] = {
		{ .type = EV_SYN, .code = SYN_DROPPED },
		{ .type = EV_KEY, .code = KEY_Q, .value = 1 }, /* means nothing */
		{ .type = EV_SYN, .code = SYN_REPORT },
	};
	MockInput *input = mock_input_new();
	MockDevice *device, *clone;
	Helper *h = start_with(input, "usb-keyboard", capslock_z, &device, &clone);

	mock_device_edge(device, KEY_CAPSLOCK, true);
	expect(h, clone, "msc58 z+ |");
	/* up, and another one down, while nobody was told */
	mock_device_set_down(device, KEY_CAPSLOCK, false);
	mock_device_set_down(device, KEY_B, true);
	mock_device_send(device, dropped, G_N_ELEMENTS(dropped));
	expect(h, clone, "z- b+ |");
	mock_device_edge(device, KEY_B, false);
	expect(h, clone, "msc48 b- |");
	tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_STATUS });
	step(h);
	g_assert_cmpuint(h->overruns, ==, 1);
	stop(h);
	mock_input_free(input);
}

/* A key that is down at the start is waited for; one that stays down is released on the device itself. */
static void
test_held_at_start(void)
{
	MockInput *input = mock_input_new();
	MockDevice *patient = mock_input_plug(input, "ps2-keyboard");
	MockDevice *stuck = mock_input_plug(input, "usb-keyboard");
	g_autofree char *injected = NULL, *none = NULL;
	Helper *h;

	mock_device_set_down(patient, KEY_ENTER, true);
	mock_device_set_down(stuck, KEY_F5, true);
	h = start(input, capslock_z);
	wait_for(h, patient->node, "waiting");
	g_assert_false(mock_device_is_grabbed(patient));
	mock_device_edge(patient, KEY_ENTER, false);
	wait_for(h, patient->node, "grabbed");
	wait_for(h, stuck->node, "grabbed");
	injected = mock_device_injected(stuck);
	none = mock_device_injected(patient);
	g_assert_cmpstr(injected, ==, "f5- |");
	g_assert_cmpstr(none, ==, "");
	stop(h);
	mock_input_free(input);
}

/* Somebody else has grabbed it. */
static void
test_in_use(void)
{
	MockInput *input = mock_input_new();
	MockDevice *device = mock_input_plug(input, "ps2-keyboard");
	struct libevdev *theirs = ask(device);
	Helper *h;

	g_assert_cmpint(libevdev_grab(theirs, LIBEVDEV_GRAB), ==, 0);
	h = start(input, capslock_z);
	wait_for(h, device->node, "ignored: another program has grabbed it");
	g_assert_null(mock_input_clone(input, 0));
	g_assert_cmpint(libevdev_grab(theirs, LIBEVDEV_UNGRAB), ==, 0);
	tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_RESUME });
	wait_for(h, device->node, "grabbed");
	forget(theirs);
	stop(h);
	mock_input_free(input);
}

/* Two daemons of one user: the second leaves the keyboard and the first one's clone alone, and has the keyboard when
 * the first is gone. */
static void
test_two_helpers(void)
{
	MockInput *input = mock_input_new();
	MockDevice *device, *clone;
	Helper *first = start_with(input, "usb-keyboard", capslock_z, &device, &clone);
	Helper *second = start(input, "[ids]\n*\n[main]\ncapslock = y\n");

	wait_for(second, clone->node, "ignored: a keyboard of xdgtidy-keys itself");
	wait_for(second, device->node, "ignored: another program has grabbed it");
	mock_device_edge(device, KEY_CAPSLOCK, true);
	expect(first, clone, "msc58 z+ |");
	stop(first);
	mock_device_edge(device, KEY_CAPSLOCK, false);
	wait_for(second, device->node, "grabbed");
	clone = mock_input_clone(input, 0);
	mock_device_edge(device, KEY_CAPSLOCK, true);
	expect(second, clone, "msc58 y+ |");
	stop(second);
	mock_input_free(input);
}

static void
test_hotplug(void)
{
	MockInput *input = mock_input_new();
	Helper *h = start(input, capslock_z);
	MockDevice *device = NULL, *clone = NULL;

	for (int i = 0; i < 3; i++) {
		device = mock_input_plug(input, "usb-keyboard");
		wait_for(h, device->node, "grabbed");
		clone = mock_input_clone(input, 0);
		mock_device_edge(device, KEY_CAPSLOCK, true);
		expect(h, clone, "msc58 z+ |");
		/* while a key is held */
		mock_device_unplug(device);
		expect(h, clone, "z- |");
		wait_for(h, device->node, "removed");
		/* the virtual one goes too */
		wait_for(h, clone->node, "removed");
		g_assert_null(mock_input_clone(input, 0));
	}
	g_assert_cmpuint(h->state & REMAP_LINK_HAS_KEYMAP, !=, 0);
	stop(h);
	mock_input_free(input);
}

/* Another keyboard goes on. */
static void
test_one_of_two_goes(void)
{
	MockInput *input = mock_input_new();
	MockDevice *stays, *clone;
	Helper *h = start_with(input, "ps2-keyboard", capslock_z, &stays, &clone);
	MockDevice *goes = mock_input_plug(input, "usb-keyboard");

	wait_for(h, goes->node, "grabbed");
	mock_device_edge(stays, KEY_A, true);
	expect(h, clone, "msc30 a+ |");
	mock_device_unplug(goes);
	wait_for(h, goes->node, "removed");
	mock_device_edge(stays, KEY_A, false);
	expect(h, clone, "msc30 a- |");
	stop(h);
	mock_input_free(input);
}

/* The node is there first, udev gives the right to it later. */
static void
test_rights_come_later(void)
{
	MockInput *input = mock_input_new();
	MockDevice *device = mock_input_plug(input, "usb-keyboard");
	Helper *h;

	mock_input_set_mode(input, "input/event1", 0);
	h = start(input, capslock_z);
	wait_for(h, device->node, "ignored: it cannot be opened: Permission denied");
	mock_input_set_mode(input, "input/event1", 0600);
	wait_for(h, device->node, "grabbed");
	stop(h);
	mock_input_free(input);
}

static void
test_no_uinput(void)
{
	MockInput *input = mock_input_new();
	MockDevice *device = mock_input_plug(input, "ps2-keyboard");
	Helper *h;

	mock_input_set_mode(input, "uinput", 0);
	h = start(input, capslock_z);
	wait_for(h, device->node, "ignored: no virtual keyboard can be made: Permission denied");
	g_assert_cmpuint(h->state & REMAP_LINK_NO_UINPUT, !=, 0);
	g_assert_false(mock_device_is_grabbed(device));
	mock_input_set_mode(input, "uinput", 0600);
	tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_RESUME });
	wait_for(h, device->node, "grabbed");
	stop(h);
	mock_input_free(input);
}

static void
expect_line(FILE *from, const char *expected)
{
	char line[256];
	bool is_seen = false;

	while (!is_seen) {
		g_assert_nonnull(fgets(line, sizeof(line), from));
		g_strchomp(line);
		is_seen = strstr(line, expected) != NULL;
	}
}

/* "xdgtidy keys monitor" opens the devices itself. */
static void
test_monitor(void)
{
	const char *const argv[] = { g_getenv("KEYS_CLI"), "monitor", NULL };
	MockInput *input = mock_input_new();
	MockDevice *keyboard = mock_input_plug(input, "ps2-keyboard");
	MockDevice *clone = mock_input_plug(input, "virtual-keyboard");
	const struct input_event dropped[] = { { .type = EV_SYN, .code = SYN_DROPPED } };
	g_auto(GStrv) environment = g_get_environ();
	g_autoptr(GError) error = NULL;
	FILE *output;
	GPid pid;
	int fd;

	mock_input_plug(input, "lid-switch");
	environment = g_environ_setenv(environment, "DBUS_SYSTEM_BUS_ADDRESS",
				       "unix:path=/nonexistent", TRUE);
	environment = g_environ_setenv(environment, "DBUS_SESSION_BUS_ADDRESS",
				       "unix:path=/nonexistent", TRUE);
	g_spawn_async_with_pipes(NULL, (char **)argv, environment, G_SPAWN_DO_NOT_REAP_CHILD, NULL,
				 NULL, &pid, NULL, &fd, NULL, &error);
	g_assert_no_error(error);
	output = fdopen(fd, "r");
	g_assert_nonnull(output);
	expect_line(output, "Ctrl-C ends it.");
	mock_device_edge(keyboard, KEY_CAPSLOCK, true);
	expect_line(output, "event0   physical capslock down");
	mock_device_send(keyboard, dropped, 1);
	expect_line(output, "event0   the kernel lost events");
	mock_device_edge(clone, KEY_Z, true);
	expect_line(output, "event11  emitted  z down");
	mock_device_unplug(keyboard);
	expect_line(output, "event0 is gone");
	g_assert_cmpint(kill(pid, SIGINT), ==, 0);
	g_assert_null(fgets((char[8]){ 0 }, 8, output));
	fclose(output);
	g_spawn_close_pid(pid);
	mock_input_free(input);
}

/* As the helper: without the right to open whatever it likes. */
static void
drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	g_assert_cmpint(syscall(SYS_capset, &header, none), ==, 0);
}

/* umockdev tells of everything that it does. */
static void
be_quiet(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_log_set_handler(NULL, G_LOG_LEVEL_DEBUG, be_quiet, NULL);
	if (!mock_input_works()) {
		puts("1..0 # SKIP libumockdev-preload is not loaded (Debian: umockdev)");
		return g_strcmp0(g_getenv("CI"), "true") == 0;
	}
	drop_capabilities();
	g_test_add_func("/keys/mock/devices", test_devices);
	g_test_add_func("/keys/mock/clone", test_clone);
	g_test_add_func("/keys/mock/events", test_events);
	g_test_add_func("/keys/mock/dropped", test_dropped);
	g_test_add_func("/keys/mock/held-at-start", test_held_at_start);
	g_test_add_func("/keys/mock/in-use", test_in_use);
	g_test_add_func("/keys/mock/two-helpers", test_two_helpers);
	g_test_add_func("/keys/mock/hotplug", test_hotplug);
	g_test_add_func("/keys/mock/one-of-two-goes", test_one_of_two_goes);
	g_test_add_func("/keys/mock/rights-come-later", test_rights_come_later);
	g_test_add_func("/keys/mock/no-uinput", test_no_uinput);
	g_test_add_func("/keys/mock/monitor", test_monitor);
	return g_test_run();
}
