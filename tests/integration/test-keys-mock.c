// SPDX-License-Identifier: GPL-3.0-or-later
/* Which devices the helper takes, and what becomes of their events, over umockdev's devices (mock-helper.h). What is left
 * out there, the sandbox, is in test-keys-sandbox.c and test-keys-process.c.
 * I/O. KEYS_CLI names the program "xdgtidy keys". */
#include "tests/support/mock-helper.h"

#include <errno.h>
#include <fcntl.h>
#include <libevdev/libevdev.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char capslock_z[] = "[ids]\n*\n[main]\ncapslock = z\n";

/* One keyboard that is remapped; its virtual one. */
static MockHelper *
start_with(MockInput *input, const char *name, const char *keymap, MockDevice **device,
	   MockDevice **clone)
{
	MockHelper *h;

	*device = mock_input_plug(input, name);
	h = mock_helper_start(input, keymap);
	mock_helper_wait(h, (*device)->node, "grabbed");
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
	MockHelper *h;

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		mock_input_plug(input, all[i].name);
	mock_input_set_mode(input, "input/event12", 0);
	h = mock_helper_start(input, capslock_z);
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		mock_helper_wait(h, all[i].node, all[i].said);
	/* and its own new devices, which it found like any other */
	for (MockDevice *clone; (clone = mock_input_clone(input, taken)) != NULL; taken++)
		mock_helper_wait(h, clone->node, "ignored: a keyboard of xdgtidy-keys itself");
	g_assert_cmpuint(taken, ==, 4);
	mock_helper_stop(h);
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
	MockHelper *h = start_with(input, name, "[ids]\n*\n[main]\nmute = a\n", &device, &clone);
	struct libevdev *theirs, *ours;

	mock_helper_wait(h, clone->node, "ignored: a keyboard of xdgtidy-keys itself");
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
	mock_helper_stop(h);
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
	MockHelper *h = start_with(input, "ps2-keyboard", capslock_z, &device, &clone);

	g_assert_true(mock_device_is_grabbed(device));
	/* that of event times, on which tap or hold is decided */
	g_assert_cmpint(device->clock, ==, CLOCK_MONOTONIC);
	mock_device_edge(device, KEY_CAPSLOCK, true);
	mock_helper_expect(h, clone, "msc58 z+ |");
	mock_device_edge(device, KEY_A, true);
	mock_helper_expect(h, clone, "msc30 a+ |");
	mock_device_edge(device, KEY_CAPSLOCK, false);
	mock_device_edge(device, KEY_A, false);
	mock_helper_expect(h, clone, "msc58 z- | msc30 a- |");
	/* held to the end: the virtual key goes up, the keyboard is free */
	mock_device_edge(device, KEY_CAPSLOCK, true);
	mock_helper_expect(h, clone, "msc58 z+ |");
	mock_helper_stop(h);
	{
		g_autofree char *last = mock_device_read(clone);

		g_assert_cmpstr(last, ==, "z- |");
	}
	g_assert_false(mock_device_is_grabbed(device));
	mock_input_free(input);
}

/* Caps Lock's light, set on one virtual keyboard, is shown by both keyboards. */
static void
test_leds(void)
{
	MockInput *input = mock_input_new();
	MockDevice *first, *clone, *second;
	MockHelper *h = start_with(input, "ps2-keyboard", capslock_z, &first, &clone);

	second = mock_input_plug(input, "usb-keyboard");
	mock_helper_wait(h, second->node, "grabbed");
	mock_clone_light(clone, LED_CAPSL);
	mock_helper_expect_injected(h, first, "17:1:1 |");
	mock_helper_expect_injected(h, second, "17:1:1 |");
	mock_helper_stop(h);
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
	MockHelper *h = start_with(input, "usb-keyboard", capslock_z, &device, &clone);

	mock_device_edge(device, KEY_CAPSLOCK, true);
	mock_helper_expect(h, clone, "msc58 z+ |");
	/* up, and another one down, while nobody was told */
	mock_device_set_down(device, KEY_CAPSLOCK, false);
	mock_device_set_down(device, KEY_B, true);
	mock_device_send(device, dropped, G_N_ELEMENTS(dropped));
	mock_helper_expect(h, clone, "z- b+ |");
	mock_device_edge(device, KEY_B, false);
	mock_helper_expect(h, clone, "msc48 b- |");
	mock_helper_tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_STATUS });
	mock_helper_step(h);
	g_assert_cmpuint(h->overruns, ==, 1);
	mock_helper_stop(h);
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
	MockHelper *h;

	mock_device_set_down(patient, KEY_ENTER, true);
	mock_device_set_down(stuck, KEY_F5, true);
	h = mock_helper_start(input, capslock_z);
	mock_helper_wait(h, patient->node, "waiting");
	g_assert_false(mock_device_is_grabbed(patient));
	mock_device_edge(patient, KEY_ENTER, false);
	mock_helper_wait(h, patient->node, "grabbed");
	mock_helper_wait(h, stuck->node, "grabbed");
	injected = mock_device_injected(stuck);
	none = mock_device_injected(patient);
	g_assert_cmpstr(injected, ==, "f5- |");
	g_assert_cmpstr(none, ==, "");
	mock_helper_stop(h);
	mock_input_free(input);
}

/* Somebody else has grabbed it. */
static void
test_in_use(void)
{
	MockInput *input = mock_input_new();
	MockDevice *device = mock_input_plug(input, "ps2-keyboard");
	struct libevdev *theirs = ask(device);
	MockHelper *h;

	g_assert_cmpint(libevdev_grab(theirs, LIBEVDEV_GRAB), ==, 0);
	h = mock_helper_start(input, capslock_z);
	mock_helper_wait(h, device->node, "ignored: another program has grabbed it");
	g_assert_null(mock_input_clone(input, 0));
	g_assert_cmpint(libevdev_grab(theirs, LIBEVDEV_UNGRAB), ==, 0);
	mock_helper_tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_RESUME });
	mock_helper_wait(h, device->node, "grabbed");
	forget(theirs);
	mock_helper_stop(h);
	mock_input_free(input);
}

/* Two daemons of one user: the second leaves the keyboard and the first one's clone alone, and has the keyboard when
 * the first is gone. */
static void
test_two_helpers(void)
{
	MockInput *input = mock_input_new();
	MockDevice *device, *clone;
	MockHelper *first = start_with(input, "usb-keyboard", capslock_z, &device, &clone);
	MockHelper *second = mock_helper_start(input, "[ids]\n*\n[main]\ncapslock = y\n");

	mock_helper_wait(second, clone->node, "ignored: a keyboard of xdgtidy-keys itself");
	mock_helper_wait(second, device->node, "ignored: another program has grabbed it");
	mock_device_edge(device, KEY_CAPSLOCK, true);
	mock_helper_expect(first, clone, "msc58 z+ |");
	mock_helper_stop(first);
	mock_device_edge(device, KEY_CAPSLOCK, false);
	mock_helper_wait(second, device->node, "grabbed");
	clone = mock_input_clone(input, 0);
	mock_device_edge(device, KEY_CAPSLOCK, true);
	mock_helper_expect(second, clone, "msc58 y+ |");
	mock_helper_stop(second);
	mock_input_free(input);
}

static void
test_hotplug(void)
{
	MockInput *input = mock_input_new();
	MockHelper *h = mock_helper_start(input, capslock_z);
	MockDevice *device = NULL, *clone = NULL;

	for (int i = 0; i < 3; i++) {
		device = mock_input_plug(input, "usb-keyboard");
		mock_helper_wait(h, device->node, "grabbed");
		clone = mock_input_clone(input, 0);
		mock_device_edge(device, KEY_CAPSLOCK, true);
		mock_helper_expect(h, clone, "msc58 z+ |");
		/* while a key is held */
		mock_device_unplug(device);
		mock_helper_expect(h, clone, "z- |");
		mock_helper_wait(h, device->node, "removed");
		/* the virtual one goes too */
		mock_helper_wait(h, clone->node, "removed");
		g_assert_null(mock_input_clone(input, 0));
	}
	g_assert_cmpuint(h->state & REMAP_LINK_HAS_KEYMAP, !=, 0);
	mock_helper_stop(h);
	mock_input_free(input);
}

/* Another keyboard goes on. */
static void
test_one_of_two_goes(void)
{
	MockInput *input = mock_input_new();
	MockDevice *stays, *clone;
	MockHelper *h = start_with(input, "ps2-keyboard", capslock_z, &stays, &clone);
	MockDevice *goes = mock_input_plug(input, "usb-keyboard");

	mock_helper_wait(h, goes->node, "grabbed");
	mock_device_edge(stays, KEY_A, true);
	mock_helper_expect(h, clone, "msc30 a+ |");
	mock_device_unplug(goes);
	mock_helper_wait(h, goes->node, "removed");
	mock_device_edge(stays, KEY_A, false);
	mock_helper_expect(h, clone, "msc30 a- |");
	mock_helper_stop(h);
	mock_input_free(input);
}

/* The node is there first, udev gives the right to it later. */
static void
test_rights_come_later(void)
{
	MockInput *input = mock_input_new();
	MockDevice *device = mock_input_plug(input, "usb-keyboard");
	MockHelper *h;

	mock_input_set_mode(input, "input/event1", 0);
	h = mock_helper_start(input, capslock_z);
	mock_helper_wait(h, device->node, "ignored: it cannot be opened: Permission denied");
	mock_input_set_mode(input, "input/event1", 0600);
	mock_helper_wait(h, device->node, "grabbed");
	mock_helper_stop(h);
	mock_input_free(input);
}

static void
test_no_uinput(void)
{
	MockInput *input = mock_input_new();
	MockDevice *device = mock_input_plug(input, "ps2-keyboard");
	MockHelper *h;

	mock_input_set_mode(input, "uinput", 0);
	h = mock_helper_start(input, capslock_z);
	mock_helper_wait(h, device->node,
			 "ignored: no virtual keyboard can be made: Permission denied");
	g_assert_cmpuint(h->state & REMAP_LINK_NO_UINPUT, !=, 0);
	g_assert_false(mock_device_is_grabbed(device));
	mock_input_set_mode(input, "uinput", 0600);
	mock_helper_tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_RESUME });
	mock_helper_wait(h, device->node, "grabbed");
	mock_helper_stop(h);
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
	g_test_add_func("/keys/mock/leds", test_leds);
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
