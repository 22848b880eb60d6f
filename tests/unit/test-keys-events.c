// SPDX-License-Identifier: GPL-3.0-or-later
/* The way of an event through the helper: what the clone gets for what the keyboard sends. I/O: sockets. */
#include "tests/support/fake-keys.h"

#include <malloc.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char capslock_z[] = "[ids]\n*\n[main]\ncapslock = z\n";

static void
test_remap(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);

	fake_tap(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	fake_keys_free(keys);
}

/* What is not remapped leaves as it came, one write for a frame. */
static void
test_unmapped_as_it_came(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);
	FakeKeyboard *k = &keys->keyboards[0];
	const struct input_event two[] = {
		{ .type = EV_MSC, .code = MSC_SCAN, .value = 30 },
		{ .type = EV_KEY, .code = KEY_A, .value = 1 },
		{ .type = EV_MSC, .code = MSC_SCAN, .value = 48 },
		{ .type = EV_KEY, .code = KEY_B, .value = 1 },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};
	/* a scan code without a key; a repeat of the keyboard's; two frames in one read */
	const struct input_event odd[] = {
		{ .type = EV_MSC, .code = MSC_SCAN, .value = 0x70001 },
		{ .type = EV_SYN, .code = SYN_REPORT },
		{ .type = EV_KEY, .code = KEY_A, .value = 2 },
		{ .type = EV_SYN, .code = SYN_REPORT, .value = 1 },
		{ .type = EV_KEY, .code = KEY_A, .value = 0 },
		{ .type = EV_SYN, .code = SYN_REPORT },
		{ .type = EV_KEY, .code = KEY_B, .value = 0 },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};

	fake_events(k, two, G_N_ELEMENTS(two));
	fake_keys_run(keys);
	fake_assert_written(keys, 0, "msc30 a+ msc48 b+ |");
	fake_events(k, odd, G_N_ELEMENTS(odd));
	fake_keys_run(keys);
	fake_assert_written(keys, 0, "msc458753 | a- | b- |");
	fake_keys_free(keys);
}

/* The kernel's time goes with the event. */
static void
test_times(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);
	struct input_event read_back[3];

	keys->now = 77000123;
	{
		struct input_event events[] = {
			{ .type = EV_KEY, .code = KEY_CAPSLOCK, .value = 1 },
			{ .type = EV_SYN, .code = SYN_REPORT },
			{ .type = EV_KEY, .code = KEY_CAPSLOCK, .value = 0 },
			{ .type = EV_SYN, .code = SYN_REPORT },
		};

		for (size_t i = 0; i < G_N_ELEMENTS(events); i++) {
			events[i].input_event_sec = 76;
			events[i].input_event_usec = 999000;
		}
		fake_events(&keys->keyboards[0], events, G_N_ELEMENTS(events));
	}
	g_assert_cmpint(remap_helper_step(keys->helper, 0), ==, 1);
	g_assert_cmpint(recv(keys->clones[0].user, read_back, sizeof(read_back), MSG_PEEK), ==,
			sizeof(read_back));
	for (size_t i = 0; i < 2; i++) {
		g_assert_cmpint(read_back[i].input_event_sec, ==, 76);
		g_assert_cmpint(read_back[i].input_event_usec, ==, 999000);
	}
	fake_keys_free(keys);
}

/* Of several keys that one makes, each has a frame; one write carries them. */
static void
test_modifiers_have_frames(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\na = C-x\n", 1);

	fake_tap(&keys->keyboards[0], KEY_A);
	fake_assert_written(keys, 0, "msc30 leftcontrol+ | x+ |; msc30 x- | leftcontrol- |");
	fake_keys_free(keys);
}

/* A decision that time takes; the scan code of a key that is kept goes nowhere. */
static void
test_tap_hold(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\nspace = overloadt(nav, space, 200)\n"
					   "[nav]\nh = left\n",
					   1);
	FakeKeyboard *k = &keys->keyboards[0];

	fake_press(k, KEY_SPACE);
	fake_assert_written(keys, 0, "");
	fake_assert_heard(keys, "");
	fake_keys_pass(keys, 199);
	fake_assert_heard(keys, "");
	fake_keys_pass(keys, 1);
	fake_assert_heard(keys, "layer nav on\n");
	fake_tap(k, KEY_H);
	fake_assert_written(keys, 0, "msc35 left+ |; msc35 left- |");
	fake_release(k, KEY_SPACE);
	fake_assert_heard(keys, "layer nav off\n");
	fake_tap(k, KEY_SPACE);
	fake_assert_written(keys, 0, "msc57 space+ | space- |");
	fake_keys_free(keys);
}

/* Nobody hears of Shift: the built-in layers are keys. */
static void
test_no_key_is_told(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\nf1 = toggle(nav)\n[nav]\n[shift]\n"
					   "1 = 2\n",
					   1);
	FakeKeyboard *k = &keys->keyboards[0];

	fake_tap(k, KEY_LEFTSHIFT);
	fake_tap(k, KEY_LEFTCTRL);
	fake_tap(k, KEY_A);
	fake_assert_heard(keys, "");
	fake_tap(k, KEY_F1);
	fake_assert_heard(keys, "layer nav on\n");
	fake_keys_free(keys);
}

static void
test_two_hold_the_same_key(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 2);

	fake_press(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_press(&keys->keyboards[1], KEY_CAPSLOCK);
	fake_release(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |");
	fake_assert_written(keys, 1, "");
	fake_release(&keys->keyboards[1], KEY_CAPSLOCK);
	/* up where it went down */
	fake_assert_written(keys, 0, "z- |");
	fake_assert_written(keys, 1, "");
	fake_keys_free(keys);
}

/* A layer of one keyboard counts on the other; the order among clones is the order of events. */
static void
test_shared_state(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\ncapslock = layer(nav)\n[nav:S]\n"
					   "h = C-left\n",
					   2);

	fake_press(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_tap(&keys->keyboards[1], KEY_H);
	fake_release(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 leftshift+ |; leftshift- |");
	fake_assert_written(keys, 1,
			    "msc35 leftcontrol+ | left+ |; msc35 left- | leftshift+ | "
			    "leftcontrol- |; leftshift- |");
	fake_keys_free(keys);
}

/* More than one read, frames cut by its end: nothing is lost or doubled. */
static void
test_many_events(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);
	struct input_event events[4 * 70];
	g_autoptr(GString) expected = g_string_new(NULL);
	g_autofree char *written = NULL;
	size_t count = 0;

	for (int i = 0; i < 70; i++) {
		events[count++] = (struct input_event){ .type = EV_KEY, .code = KEY_A, .value = 1 };
		events[count++] = (struct input_event){ .type = EV_SYN };
		events[count++] = (struct input_event){ .type = EV_KEY, .code = KEY_A, .value = 0 };
		events[count++] = (struct input_event){ .type = EV_SYN };
		g_string_append(expected, i ? " a+ | a- |" : "a+ | a- |");
	}
	/* datagrams end where a read ends: 127 is in a frame */
	fake_events(&keys->keyboards[0], events, 127);
	fake_events(&keys->keyboards[0], events + 127, 128);
	fake_events(&keys->keyboards[0], events + 255, count - 255);
	fake_keys_run(keys);
	written = fake_clone_take(fake_clone(keys, 0));
	for (char *at; (at = strstr(written, ";")) != NULL;)
		memmove(at, at + 1, strlen(at));
	g_assert_cmpstr(written, ==, expected->str);
	fake_keys_free(keys);
}

static void
test_overrun(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);
	FakeKeyboard *k = &keys->keyboards[0];
	const struct input_event dropped[] = {
		{ .type = EV_SYN, .code = SYN_DROPPED },
		{ .type = EV_KEY, .code = KEY_Q, .value = 1 }, /* means nothing */
		{ .type = EV_SYN, .code = SYN_REPORT },
		{ .type = EV_KEY, .code = KEY_B, .value = 1 },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};

	fake_press(k, KEY_CAPSLOCK);
	fake_press(k, KEY_LEFTSHIFT);
	g_free(fake_clone_take(fake_clone(keys, 0)));
	/* released and pressed while nobody was told */
	remap_bit_set(k->down, KEY_CAPSLOCK, false);
	remap_bit_set(k->down, KEY_A, true);
	fake_events(k, dropped, G_N_ELEMENTS(dropped));
	fake_keys_run(keys);
	fake_assert_written(keys, 0, "z- a+ | b+ |");
	remap_bit_set(k->down, KEY_B, true);
	fake_release(k, KEY_A);
	fake_release(k, KEY_B);
	fake_release(k, KEY_LEFTSHIFT);
	fake_assert_written(keys, 0, "msc30 a- |; msc48 b- |; msc42 leftshift- |");
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_STATUS });
	fake_assert_heard(keys, "state keymap\ndevice event0 grabbed\n"
				"counts id 1 events 8 overruns 1 lost 0 devices 1 grabbed 1\n");
	fake_keys_free(keys);
}

static const struct input_event dropped_alone[] = {
	{ .type = EV_SYN, .code = SYN_DROPPED },
	{ .type = EV_SYN, .code = SYN_REPORT },
};

/* The release of a key that is not decided was among the lost: it was a tap, and its layer is not left on. */
static void
test_overrun_undecided(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\n"
					   "space = overloadt(nav, space, 200)\n[nav]\nh = left\n",
					   1);
	FakeKeyboard *k = &keys->keyboards[0];

	fake_press(k, KEY_SPACE);
	remap_bit_set(k->down, KEY_SPACE, false);
	fake_events(k, dropped_alone, G_N_ELEMENTS(dropped_alone));
	fake_keys_run(keys);
	fake_assert_written(keys, 0, "space+ | space- |");
	fake_keys_pass(keys, 1000);
	fake_tap(k, KEY_H);
	fake_assert_written(keys, 0, "msc35 h+ |; msc35 h- |");
	fake_assert_heard(keys, "");
	g_assert_cmpuint(keys->due, ==, REMAP_NEVER);
	fake_keys_free(keys);
}

/* One that cannot say any more what is down has nothing down. */
static void
test_overrun_of_what_went(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 2);
	FakeKeyboard *k = &keys->keyboards[0];

	fake_press(k, KEY_CAPSLOCK);
	g_free(fake_clone_take(fake_clone(keys, 0)));
	k->is_present = false;
	fake_events(k, dropped_alone, G_N_ELEMENTS(dropped_alone));
	fake_keys_run(keys);
	fake_assert_written(keys, 0, "z- |");
	fake_keyboard_unplug(k);
	fake_assert_heard(keys, "device event0 removed\n");
	fake_tap(&keys->keyboards[1], KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	fake_keys_free(keys);
}

/* A read that ends within an event: what follows could be anything. The keyboard is given back, the other one stays. */
static void
test_half_an_event(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 2);
	FakeKeyboard *k = &keys->keyboards[0];
	const struct input_event events[2] = { { .type = EV_KEY, .code = KEY_A, .value = 1 } };
	ssize_t size = sizeof(events[0]) + 7;

	fake_press(k, KEY_CAPSLOCK);
	g_assert_cmpint(write(k->device, events, (size_t)size), ==, size);
	fake_keys_run(keys);
	g_assert_false(k->is_open);
	fake_assert_heard(keys, "device event0 removed\n");
	fake_tap(&keys->keyboards[1], KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	/* should its node speak of a change, it is tried again */
	fake_release(k, KEY_CAPSLOCK);
	fake_keyboard_touch(k);
	fake_keys_pass(keys, 150);
	g_assert_true(k->is_grabbed);
	fake_keys_free(keys);
}

/* A release without its press, a press twice, codes above 255 and none at all. */
static void
test_odd_keys(void)
{
	FakeKeys *keys = fake_keys_new();
	FakeKeyboard *k = fake_keyboard_add(keys);
	const struct input_event events[] = {
		{ .type = EV_KEY, .code = KEY_A, .value = 0 },
		{ .type = EV_SYN },
		{ .type = EV_KEY, .code = KEY_B, .value = 1 },
		{ .type = EV_SYN },
		{ .type = EV_KEY, .code = KEY_B, .value = 1 },
		{ .type = EV_SYN },
		{ .type = EV_KEY, .code = KEY_B, .value = 0 },
		{ .type = EV_SYN },
		{ .type = EV_KEY, .code = 0x2f0, .value = 1 },
		{ .type = EV_SYN },
		{ .type = EV_KEY, .code = 0x2f0, .value = 0 },
		{ .type = EV_SYN },
		{ .type = EV_KEY, .code = 0x300, .value = 1 },
		{ .type = EV_KEY, .code = 0xffff, .value = 1 },
		{ .type = EV_KEY, .code = KEY_C, .value = -7 },
		{ .type = 0xffff, .code = 0xffff, .value = -1 },
		{ .type = EV_SYN, .code = 0xffff },
		{ .type = EV_SYN },
	};

	remap_bit_set(k->info.keys, 0x2f0, true);
	fake_keys_start(keys, true);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
						  .version = REMAP_LINK_VERSION });
	fake_keys_load(keys, capslock_z, 0, 0);
	fake_keys_pass(keys, 150);
	fake_events(k, events, G_N_ELEMENTS(events));
	fake_keys_run(keys);
	fake_assert_written(keys, 0, "b+ | b- | #752+ | #752- |");
	fake_keys_free(keys);
}

/* Wheels in both resolutions pass; motion becomes wheel ticks while scroll() is on. */
static void
test_pointer(void)
{
	FakeKeys *keys = fake_keys_new();
	FakeKeyboard *k = fake_keyboard_add(keys);
	const struct input_event wheel[] = {
		{ .type = EV_REL, .code = REL_WHEEL, .value = -1 },
		{ .type = EV_REL, .code = REL_WHEEL_HI_RES, .value = -120 },
		{ .type = EV_SYN },
		{ .type = EV_REL, .code = REL_WHEEL_HI_RES, .value = 15 },
		{ .type = EV_SYN },
	};
	const struct input_event motion[] = {
		{ .type = EV_REL, .code = REL_X, .value = 3 },
		{ .type = EV_REL, .code = REL_Y, .value = -25 },
		{ .type = EV_SYN },
	};
	static const uint16_t rels[] = { REL_X, REL_Y, REL_WHEEL, REL_WHEEL_HI_RES };

	remap_bit_set(k->info.types, EV_REL, true);
	for (size_t i = 0; i < G_N_ELEMENTS(rels); i++)
		remap_bit_set(k->info.rels, rels[i], true);
	fake_keys_start(keys, true);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
						  .version = REMAP_LINK_VERSION });
	fake_keys_load(keys, "[ids]\n*\n[main]\nf1 = scroll(10)\n", 0, 0);
	fake_keys_pass(keys, 150);
	fake_events(k, wheel, G_N_ELEMENTS(wheel));
	fake_events(k, motion, G_N_ELEMENTS(motion));
	fake_keys_run(keys);
	fake_assert_written(keys, 0, "rel8:-1 rel11:-120 | rel11:15 |; rel0:3 rel1:-25 |");
	fake_press(k, KEY_F1);
	fake_events(k, motion, G_N_ELEMENTS(motion));
	fake_keys_run(keys);
	fake_assert_written(keys, 0, "rel8:2 rel11:240 |");
	fake_keys_free(keys);
}

/* A keyboard's clone gets no buttons: one more device is there for what a keymap wants of a mouse. */
static void
test_mouse_output(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\nf1 = leftmouse\nf2 = scrollup\n", 1);
	FakeKeyboard *k = &keys->keyboards[0];

	g_assert_false(remap_bit(fake_clone(keys, 0)->info.keys, BTN_LEFT));
	fake_tap(k, KEY_F1);
	fake_tap(k, KEY_F2);
	fake_tap(k, KEY_A);
	fake_assert_written(keys, 0, "msc30 a+ |; msc30 a- |");
	fake_assert_written(keys, 1, "leftmouse+ |; leftmouse- |; rel8:1 rel11:120 |");
	g_assert_true(remap_bit(fake_clone(keys, 1)->info.rels, REL_X));
	fake_keys_free(keys);
}

/* Set by a program on any clone, shown by every keyboard, once. A keyboard that comes later shows them too. */
static void
test_leds(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\n", 2);

	fake_clone_set_led(fake_clone(keys, 0), LED_CAPSL, true);
	fake_clone_set_led(fake_clone(keys, 1), LED_CAPSL, true);
	fake_keys_run(keys);
	fake_assert_heard(keys, "event0 led1=1\nevent1 led1=1\n");
	fake_keyboard_add(keys);
	fake_keys_pass(keys, 150);
	fake_assert_heard(keys, "event2 led1=1\ndevice event2 waiting\ndevice event2 grabbed\n");
	fake_clone_set_led(fake_clone(keys, 2), LED_CAPSL, false);
	fake_keys_run(keys);
	fake_assert_heard(keys, "event0 led1=0\nevent1 led1=0\nevent2 led1=0\n");
	fake_keys_free(keys);
}

static void
test_indicator(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[global]\nlayer_indicator = 1\n[main]\n"
					   "f1 = layer(nav)\n[nav]\n",
					   1);

	fake_press(&keys->keyboards[0], KEY_F1);
	fake_assert_heard(keys, "event0 led1=1\nlayer nav on\n");
	fake_release(&keys->keyboards[0], KEY_F1);
	fake_assert_heard(keys, "event0 led1=0\nlayer nav off\n");
	fake_keys_free(keys);
}

/* Only the number goes up. */
static void
test_commands(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\nf1 = command(one)\n"
					   "f2 = command(two)\n",
					   1);

	fake_tap(&keys->keyboards[0], KEY_F2);
	fake_tap(&keys->keyboards[0], KEY_F1);
	fake_assert_heard(keys, "command 1 of 1\ncommand 0 of 1\n");
	fake_assert_written(keys, 0, "");
	fake_keys_free(keys);
}

/* One keyboard sends without an end; the other is served as before. */
static void
test_flooding_device(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 2);
	struct input_event events[100];

	for (size_t i = 0; i < G_N_ELEMENTS(events); i++)
		events[i] = i % 2 ? (struct input_event){ .type = EV_SYN }
				  : (struct input_event){ .type = EV_KEY,
							  .code = KEY_A,
							  .value = i / 2 % 2 == 0 };
	for (int i = 0; i < 1000; i++) {
		fake_events(&keys->keyboards[0], events, G_N_ELEMENTS(events));
		if (i % 100 == 50)
			fake_tap(&keys->keyboards[1], KEY_CAPSLOCK);
		if (i % 100 == 51)
			fake_assert_written(keys, 1, "msc58 z+ |; msc58 z- |");
		fake_keys_run(keys);
		g_free(fake_clone_take(fake_clone(keys, 0)));
	}
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_STATUS });
	fake_assert_heard(keys, "state keymap\ndevice event0 grabbed\ndevice event1 grabbed\n"
				"counts id 1 events 50020 overruns 0 lost 0 devices 2 grabbed 2\n");
	fake_keys_free(keys);
}

/* How often it speaks of a flood of 100,000 events in @ms, when it finds @count each time that it looks. */
static unsigned
floods_of(unsigned ms, unsigned count)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\na = noop\n", 1);
	struct input_event events[64];
	unsigned floods = 0;

	for (unsigned i = 0; i < G_N_ELEMENTS(events); i++)
		events[i] = i % 2 ? (struct input_event){ .type = EV_SYN }
				  : (struct input_event){ .type = EV_KEY,
							  .code = KEY_A,
							  .value = i % 4 == 0 };
	for (unsigned i = 0; i < 100000; i += count) {
		keys->now += ms * count / 100;
		fake_events(&keys->keyboards[0], events, count);
		floods += remap_helper_step(keys->helper, 0) == REMAP_HELPER_FLOODED;
	}
	fake_keys_free(keys);
	return floods;
}

/* Too many in a second, or too many at each look. Told once. */
static void
test_flood_is_noticed(void)
{
	g_assert_cmpuint(floods_of(2500, 4), ==, 0);
	g_assert_cmpuint(floods_of(2500, 12), ==, 0);
	g_assert_cmpuint(floods_of(2500, 64), ==, 1);
	g_assert_cmpuint(floods_of(1000, 4), ==, 1);
}

static void
test_no_allocation(void)
{
	FakeKeys *keys = fake_keys_running(
		"[ids]\n*\n[main]\ncapslock = overloadt2(nav, C-x, 200)\nf1 = macro(a b 10ms c)\n"
		"[nav]\nh = left\n",
		1);
	const struct input_event events[] = {
		{ .type = EV_KEY, .code = KEY_CAPSLOCK, .value = 1 }, { .type = EV_SYN },
		{ .type = EV_KEY, .code = KEY_H, .value = 1 },	      { .type = EV_SYN },
		{ .type = EV_KEY, .code = KEY_H, .value = 0 },	      { .type = EV_SYN },
		{ .type = EV_KEY, .code = KEY_CAPSLOCK, .value = 0 }, { .type = EV_SYN },
		{ .type = EV_KEY, .code = KEY_F1, .value = 1 },	      { .type = EV_SYN },
		{ .type = EV_KEY, .code = KEY_F1, .value = 0 },	      { .type = EV_SYN },
	};
	char buffer[16384];
	size_t before;

	/* With g_string out of the way: only the helper runs between the two looks. */
	before = mallinfo2().uordblks;
	for (int i = 0; i < 200; i++) {
		fake_events(&keys->keyboards[0], events, G_N_ELEMENTS(events));
		for (int step = 0; step < 5; step++)
			g_assert_cmpint(remap_helper_step(keys->helper, 0), ==, 1);
		keys->now += 20000;
		while (read(keys->daemon, buffer, sizeof(buffer)) > 0)
			;
		while (read(keys->clones[0].user, buffer, sizeof(buffer)) > 0)
			;
	}
	g_assert_cmpuint(mallinfo2().uordblks, ==, before);
	memset(keys->clones[0].down, 0, sizeof(keys->clones[0].down));
	fake_keys_free(keys);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/keys/events/remap", test_remap);
	g_test_add_func("/keys/events/unmapped-as-it-came", test_unmapped_as_it_came);
	g_test_add_func("/keys/events/times", test_times);
	g_test_add_func("/keys/events/modifiers-have-frames", test_modifiers_have_frames);
	g_test_add_func("/keys/events/tap-hold", test_tap_hold);
	g_test_add_func("/keys/events/no-key-is-told", test_no_key_is_told);
	g_test_add_func("/keys/events/two-hold-the-same-key", test_two_hold_the_same_key);
	g_test_add_func("/keys/events/shared-state", test_shared_state);
	g_test_add_func("/keys/events/many", test_many_events);
	g_test_add_func("/keys/events/overrun", test_overrun);
	g_test_add_func("/keys/events/overrun-undecided", test_overrun_undecided);
	g_test_add_func("/keys/events/overrun-of-what-went", test_overrun_of_what_went);
	g_test_add_func("/keys/events/half-an-event", test_half_an_event);
	g_test_add_func("/keys/events/odd-keys", test_odd_keys);
	g_test_add_func("/keys/events/pointer", test_pointer);
	g_test_add_func("/keys/events/mouse-output", test_mouse_output);
	g_test_add_func("/keys/events/leds", test_leds);
	g_test_add_func("/keys/events/indicator", test_indicator);
	g_test_add_func("/keys/events/commands", test_commands);
	g_test_add_func("/keys/events/flooding-device", test_flooding_device);
	g_test_add_func("/keys/events/flood-is-noticed", test_flood_is_noticed);
	g_test_add_func("/keys/events/no-allocation", test_no_allocation);
	return g_test_run();
}
