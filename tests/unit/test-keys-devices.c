// SPDX-License-Identifier: GPL-3.0-or-later
/* Keyboards that come, go, are held, are refused or break: no key stays down, and each outcome is said. I/O: sockets. */
#include "tests/support/fake-keys.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char capslock_z[] = "[ids]\n*\n[main]\ncapslock = z\n";

/* A helper with a keymap, before any time has passed. */
static FakeKeys *
started(const char *text)
{
	FakeKeys *keys = fake_keys_new();

	fake_keys_start(keys, true);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
						  .version = REMAP_LINK_VERSION });
	fake_keys_load(keys, text, 0, 0);
	g_free(fake_keys_heard(keys));
	return keys;
}

static void
test_held_at_start(void)
{
	FakeKeys *keys = started(capslock_z);
	FakeKeyboard *k = fake_keyboard_add(keys);

	fake_keys_run(keys);
	fake_press(k, KEY_ENTER);
	fake_keys_pass(keys, 500);
	g_assert_false(k->is_grabbed);
	/* the others see the release, and then we have it */
	fake_release(k, KEY_ENTER);
	g_assert_true(k->is_grabbed);
	g_assert_false(remap_bit(k->others, KEY_ENTER));
	fake_assert_heard(keys, "device event0 waiting\ndevice event0 grabbed\n");
	fake_tap(k, KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	fake_keys_free(keys);
}

/* The release that is waited for is among what the kernel dropped. */
static void
test_overrun_while_waiting(void)
{
	static const struct input_event dropped[] = {
		{ .type = EV_SYN, .code = SYN_DROPPED },
		{ .type = EV_KEY, .code = KEY_ENTER, .value = 1 },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};
	FakeKeys *keys = started(capslock_z);
	FakeKeyboard *k = fake_keyboard_add(keys);

	fake_keys_run(keys);
	fake_press(k, KEY_ENTER);
	fake_keys_pass(keys, 500);
	g_assert_false(k->is_grabbed);
	remap_bit_set(k->down, KEY_ENTER, false);
	remap_bit_set(k->others, KEY_ENTER, false);
	fake_events(k, dropped, G_N_ELEMENTS(dropped));
	fake_keys_run(keys);
	g_assert_true(k->is_grabbed);
	fake_tap(k, KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	fake_keys_free(keys);
}

/* Down for ever: after a second it is released for the others, once, and the rest of the keyboard works. */
static void
test_stuck_key(void)
{
	FakeKeys *keys = started(capslock_z);
	FakeKeyboard *k = fake_keyboard_add(keys);

	fake_keys_run(keys);
	fake_press(k, KEY_F5);
	fake_keys_pass(keys, 999);
	g_assert_false(k->is_grabbed);
	g_assert_true(remap_bit(k->others, KEY_F5));
	fake_keys_pass(keys, 2);
	g_assert_true(k->is_grabbed);
	g_assert_false(remap_bit(k->others, KEY_F5));
	g_assert_cmpuint(k->grabs, ==, 1);
	fake_tap(k, KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	/* nothing rings any more */
	g_assert_cmpuint(keys->due, ==, REMAP_NEVER);
	fake_keys_free(keys);
}

/* A key that goes down between the look and the grab would never go up for the others. */
static void
test_pressed_at_the_grab(void)
{
	FakeKeys *keys = started(capslock_z);
	FakeKeyboard *k = fake_keyboard_add(keys);

	k->press_before_grab = KEY_A;
	fake_keys_pass(keys, 150);
	g_assert_true(k->is_grabbed);
	g_assert_cmpuint(k->grabs, ==, 2);
	g_assert_false(remap_bit(k->others, KEY_A));
	fake_release(k, KEY_A);
	fake_assert_written(keys, 0, "");
	fake_keys_free(keys);
}

static void
test_unplugged_while_held(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);
	FakeKeyboard *k = &keys->keyboards[0];

	fake_press(k, KEY_CAPSLOCK);
	fake_press(k, KEY_LEFTSHIFT);
	/* the log of the clone is checked when it ends: every key up */
	fake_keyboard_unplug(k);
	g_assert_null(fake_clone(keys, 0));
	fake_assert_heard(keys, "device event0 removed\n");
	fake_keys_free(keys);
}

/* An unplugged key was not tapped: nothing that a tap does happens. */
static void
test_unplugged_undecided(void)
{
	FakeKeys *keys =
		fake_keys_running("[ids]\n*\n[main]\ncapslock = overload(nav, command(x))\n"
				  "f1 = overloadt(nav, q, 300)\n[nav]\n",
				  2);

	fake_press(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_press(&keys->keyboards[0], KEY_F1);
	g_free(fake_keys_heard(keys));
	fake_keyboard_unplug(&keys->keyboards[0]);
	fake_keys_pass(keys, 1000);
	fake_assert_heard(keys, "layer nav off\ndevice event0 removed\n");
	fake_assert_written(keys, 0, "");
	fake_keys_free(keys);
}

/* What the other keyboard latched, on the clone of the one that goes, goes on at its own. */
static void
test_unplugged_with_keys_of_another(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\nf1 = toggle(big)\n[big:S]\n", 2);

	fake_tap(&keys->keyboards[0], KEY_F1);
	fake_assert_written(keys, 0, "msc59 leftshift+ |");
	fake_keyboard_unplug(&keys->keyboards[0]);
	fake_assert_written(keys, 0, "leftshift+ |");
	fake_tap(&keys->keyboards[1], KEY_F1);
	fake_assert_written(keys, 0, "msc59 leftshift- |");
	fake_keys_free(keys);
}

static void
test_plugged_again(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);

	for (int i = 0; i < 30; i++) {
		fake_press(&keys->keyboards[0], KEY_A);
		fake_keyboard_unplug(&keys->keyboards[0]);
		fake_keyboard_add(keys);
		fake_keys_pass(keys, 150);
		g_assert_true(keys->keyboards[0].is_grabbed);
	}
	fake_tap(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	fake_keys_free(keys);
}

/* Gone while it is waited for. */
static void
test_unplugged_while_waiting(void)
{
	FakeKeys *keys = started(capslock_z);
	FakeKeyboard *k = fake_keyboard_add(keys);

	fake_keys_run(keys);
	fake_press(k, KEY_A);
	fake_keyboard_unplug(k);
	fake_keys_pass(keys, 2000);
	fake_assert_heard(keys, "device event0 waiting\ndevice event0 removed\n");
	g_assert_cmpuint(keys->due, ==, REMAP_NEVER);
	fake_keys_free(keys);
}

/* What cannot be cloned exactly is left alone, and that is said once. */
static void
test_left_alone(void)
{
	FakeKeys *keys = fake_keys_new();
	FakeKeyboard *touchpad = fake_keyboard_add(keys);
	FakeKeyboard *ours = fake_keyboard_add(keys);
	FakeKeyboard *lid = fake_keyboard_add(keys);
	FakeKeyboard *volume = fake_keyboard_add(keys);
	FakeKeyboard *mouse = fake_keyboard_add(keys);
	FakeKeyboard *rumble = fake_keyboard_add(keys);

	remap_bit_set(touchpad->info.types, EV_ABS, true);
	remap_bit_set(touchpad->info.abses, ABS_X, true);
	g_strlcpy(ours->info.phys, REMAP_CLONE_PHYS "usb-0", sizeof(ours->info.phys));
	memset(lid->info.keys, 0, sizeof(lid->info.keys));
	remap_bit_set(lid->info.types, EV_SW, true);
	remap_bit_set(lid->info.keys, KEY_POWER, true);
	/* an axis that can be cloned */
	remap_bit_set(volume->info.types, EV_ABS, true);
	remap_bit_set(volume->info.abses, ABS_VOLUME, true);
	memset(mouse->info.keys, 0, sizeof(mouse->info.keys));
	remap_bit_set(mouse->info.types, EV_REL, true);
	remap_bit_set(mouse->info.rels, REL_X, true);
	remap_bit_set(mouse->info.rels, REL_Y, true);
	remap_bit_set(mouse->info.keys, BTN_LEFT, true);
	remap_bit_set(rumble->info.types, EV_FF, true);
	fake_keys_start(keys, true);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
						  .version = REMAP_LINK_VERSION });
	g_free(fake_keys_heard(keys));
	fake_keys_load(keys, capslock_z, 0, 0);
	fake_keys_pass(keys, 150);
	fake_keyboard_touch(touchpad);
	fake_assert_heard(keys, "accepted 1 flags 0 commands 0\n"
				"device event0 ignored: it has axes (touchpad, tablet, joystick)\n"
				"device event1 ignored: a keyboard of xdgtidy-keys itself\n"
				"device event2 ignored: it has switches or force feedback\n"
				"device event3 waiting\n"
				"device event4 ignored: [ids] does not name it\n"
				"device event5 ignored: it has switches or force feedback\n"
				"state keymap\n"
				"device event3 grabbed\n");
	g_assert_true(remap_bit(fake_clone(keys, 0)->info.abses, ABS_VOLUME));
	fake_keys_free(keys);
}

static void
test_ids(void)
{
	FakeKeys *keys = started("[ids]\n1234:0010\n-1234:0011\n[main]\n");

	fake_keyboard_add(keys);
	fake_keyboard_add(keys);
	fake_keys_pass(keys, 150);
	fake_assert_heard(keys, "device event0 waiting\n"
				"device event1 ignored: [ids] does not name it\n"
				"device event0 grabbed\n");
	/* the other one now; the first is given back */
	fake_press(&keys->keyboards[1], KEY_B);
	fake_keys_load(keys, "[ids]\n*\n-1234:0010\n[main]\n", 0, 0);
	fake_release(&keys->keyboards[1], KEY_B);
	fake_keys_pass(keys, 150);
	fake_assert_heard(keys, "accepted 2 flags 0 commands 0\n"
				"device event0 closed\n"
				"device event0 ignored: [ids] does not name it\n"
				"device event1 waiting\n"
				"device event1 grabbed\n");
	fake_keys_free(keys);
}

static void
test_other_seat(void)
{
	FakeKeys *keys = started(capslock_z);

	g_strlcpy(fake_keyboard_add(keys)->seat, "seat1", sizeof(keys->keyboards[0].seat));
	fake_keyboard_add(keys);
	fake_keys_pass(keys, 150);
	fake_assert_heard(keys, "device event0 waiting\ndevice event1 waiting\n"
				"device event0 ignored: it belongs to another seat\n"
				"device event1 grabbed\n");
	fake_keys_free(keys);
}

/* Another program has it; when that program's own device goes, it is tried again. */
static void
test_in_use(void)
{
	FakeKeys *keys = started(capslock_z);
	FakeKeyboard *k = fake_keyboard_add(keys);
	FakeKeyboard *theirs = fake_keyboard_add(keys);

	k->is_busy = true;
	memset(theirs->info.types, 0, sizeof(theirs->info.types));
	fake_keys_pass(keys, 150);
	fake_assert_heard(keys, "device event0 waiting\ndevice event1 ignored: it has no keys\n"
				"device event0 ignored: another program has grabbed it\n");
	g_assert_null(fake_clone(keys, 0));
	g_assert_cmpuint(keys->due, ==, REMAP_NEVER);
	k->is_busy = false;
	fake_keyboard_unplug(theirs);
	fake_keys_pass(keys, 150);
	fake_assert_heard(keys, "device event1 removed\ndevice event0 waiting\n"
				"device event0 grabbed\n");
	fake_keys_free(keys);
}

/* The node is there before udev has given us the right to it. */
static void
test_rights_come_later(void)
{
	FakeKeys *keys = started(capslock_z);
	FakeKeyboard *k = fake_keyboard_add(keys);

	k->open_error = -EACCES;
	fake_keys_pass(keys, 5000);
	fake_keyboard_touch(k);
	fake_assert_heard(keys, "");
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_STATUS });
	fake_assert_heard(keys, "state keymap\n"
				"device event0 ignored: it cannot be opened: Permission denied\n"
				"counts id 1 events 0 overruns 0 lost 0 devices 1 grabbed 0\n");
	k->open_error = 0;
	fake_keyboard_touch(k);
	fake_keys_pass(keys, 150);
	fake_assert_heard(keys, "device event0 waiting\ndevice event0 grabbed\n");
	fake_keys_free(keys);
}

/* One that was there before, and is not ours to open: said at once. */
static void
test_no_rights(void)
{
	FakeKeys *keys = fake_keys_new();

	fake_keyboard_add(keys)->open_error = -EACCES;
	fake_keys_start(keys, true);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
						  .version = REMAP_LINK_VERSION });
	g_free(fake_keys_heard(keys));
	fake_keys_load(keys, capslock_z, 0, 0);
	fake_assert_heard(keys, "accepted 1 flags 0 commands 0\n"
				"device event0 ignored: it cannot be opened: Permission denied\n"
				"state keymap\n");
	fake_keys_free(keys);
}

/* No uinput: the keyboard stays as it is, and RESUME tries again. */
static void
test_no_uinput(void)
{
	FakeKeys *keys = started(capslock_z);
	FakeKeyboard *k = fake_keyboard_add(keys);

	keys->create_error = -ENOENT;
	fake_keys_pass(keys, 150);
	g_assert_false(k->is_grabbed);
	fake_press(k, KEY_A);
	g_assert_true(remap_bit(k->others, KEY_A));
	fake_release(k, KEY_A);
	fake_assert_heard(keys, "device event0 waiting\n"
				"device event0 ignored: no virtual keyboard can be made: "
				"No such file or directory\n"
				"state keymap no-uinput\n");
	keys->create_error = 0;
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_RESUME });
	fake_keys_pass(keys, 150);
	fake_assert_heard(keys, "device event0 waiting\nstate keymap\n"
				"device event0 grabbed\n");
	fake_keys_free(keys);
}

/* The virtual device breaks: that keyboard is given back, the other goes on. */
static void
test_clone_breaks(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 2);
	FakeClone *clone = fake_clone(keys, 0);

	close(clone->user);
	clone->is_alive = false;
	fake_press(&keys->keyboards[0], KEY_A);
	g_assert_false(keys->keyboards[0].is_grabbed);
	fake_tap(&keys->keyboards[1], KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	fake_release(&keys->keyboards[0], KEY_A);
	fake_keys_free(keys);
}

/* More devices than there is room for. */
static void
test_too_many(void)
{
	FakeKeys *keys = started("[ids]\n1234:0010\n[main]\ncapslock = z\n");

	for (int i = 0; i < 70; i++)
		fake_keyboard_add(keys);
	fake_keys_pass(keys, 150);
	g_assert_true(keys->keyboards[0].is_grabbed);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_STATUS });
	{
		g_autofree char *heard = fake_keys_heard(keys);

		g_assert_nonnull(strstr(heard, "device  ignored: there are too many devices\n"));
		g_assert_nonnull(strstr(heard, "devices 64 grabbed 1\n"));
	}
	fake_tap(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	fake_keys_free(keys);
}

/* A node that tells of changes without an end is no reason to open it again and again. */
static void
test_restless_node(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);

	for (int i = 0; i < 100; i++)
		fake_keyboard_touch(&keys->keyboards[0]);
	g_assert_cmpuint(keys->keyboards[0].grabs, ==, 1);
	fake_assert_heard(keys, "");
	fake_keys_free(keys);
}

/* The clone is the same device to everybody: ids, name, keys, LEDs, repeat; and says whose it is. */
static void
test_clone_is_exact(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\na = brightnessup\n", 1);
	const RemapDeviceInfo *info = &keys->keyboards[0].info;
	const RemapDeviceInfo *clone = &fake_clone(keys, 0)->info;

	g_assert_cmpstr(clone->name, ==, info->name);
	g_assert_cmpuint(clone->vendor, ==, info->vendor);
	g_assert_cmpuint(clone->product, ==, info->product);
	g_assert_cmpuint(clone->bus, ==, info->bus);
	g_assert_cmpmem(clone->types, sizeof(clone->types), info->types, sizeof(info->types));
	g_assert_cmpmem(clone->leds, sizeof(clone->leds), info->leds, sizeof(info->leds));
	g_assert_true(g_str_has_prefix(clone->phys, REMAP_CLONE_PHYS));
	g_assert_false(remap_bit(info->keys, KEY_BRIGHTNESSUP));
	g_assert_true(remap_bit(clone->keys, KEY_BRIGHTNESSUP));
	for (unsigned code = 0; code < KEY_CNT; code++)
		if (remap_bit(info->keys, code))
			g_assert_true(remap_bit(clone->keys, code));
	g_assert_nonnull(remap_device_refuse(clone));
	fake_keys_free(keys);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/keys/devices/held-at-start", test_held_at_start);
	g_test_add_func("/keys/devices/overrun-while-waiting", test_overrun_while_waiting);
	g_test_add_func("/keys/devices/stuck-key", test_stuck_key);
	g_test_add_func("/keys/devices/pressed-at-the-grab", test_pressed_at_the_grab);
	g_test_add_func("/keys/devices/unplugged-while-held", test_unplugged_while_held);
	g_test_add_func("/keys/devices/unplugged-undecided", test_unplugged_undecided);
	g_test_add_func("/keys/devices/unplugged-with-keys-of-another",
			test_unplugged_with_keys_of_another);
	g_test_add_func("/keys/devices/plugged-again", test_plugged_again);
	g_test_add_func("/keys/devices/unplugged-while-waiting", test_unplugged_while_waiting);
	g_test_add_func("/keys/devices/left-alone", test_left_alone);
	g_test_add_func("/keys/devices/ids", test_ids);
	g_test_add_func("/keys/devices/other-seat", test_other_seat);
	g_test_add_func("/keys/devices/in-use", test_in_use);
	g_test_add_func("/keys/devices/rights-come-later", test_rights_come_later);
	g_test_add_func("/keys/devices/no-rights", test_no_rights);
	g_test_add_func("/keys/devices/no-uinput", test_no_uinput);
	g_test_add_func("/keys/devices/clone-breaks", test_clone_breaks);
	g_test_add_func("/keys/devices/too-many", test_too_many);
	g_test_add_func("/keys/devices/restless-node", test_restless_node);
	g_test_add_func("/keys/devices/clone-is-exact", test_clone_is_exact);
	return g_test_run();
}
