// SPDX-License-Identifier: GPL-3.0-or-later
/* Anything that can happen to the helper, in any order: keys, plugs, overruns, keymaps, trials, locks, sleeps, sessions,
 * panic, time. Afterwards no program may see a key down that is not, no clone may have ended with a key down (fake-keys.c
 * looks), every press on a clone has its release, and the helper still works.
 * I/O: sockets. SEED names one round; ROUNDS how many. */
#include "tests/support/fake-keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

static const char *const keymaps[] = {
	"[ids]\n*\n[main]\ncapslock = z\n",
	"[ids]\n*\n[main]\nf1 = toggle(big)\na = C-x\ncapslock = overloadt2(nav, esc, 200)\n"
	"[big:S]\n[nav:C]\nh = left\n",
	"[ids]\n*\n-1234:0011\n[main]\ns = macro(a 20ms b)\nd = oneshot(shift)\n"
	"a+s = f\nleftshift = overload(shift, capslock)\n",
	"[ids]\n1234:0010\n1234:0011\n[main]\nf1 = command(x)\nh = leftmouse\n"
	"j = scrolldown\na = layer(nav)\n[nav]\ns = brightnessup\n",
	"[ids]\n*\n[global]\nlayer_indicator = 1\ndefault_layout = dv\n[main]\n"
	"f1 = setlayout(main)\n[dv:layout]\na = o\ns = e\n",
	"[ids]\n*\n[main]\nnonsense\n",
	"[ids]\n[main]\n",
};

static const uint16_t keys_used[] = { KEY_A,	   KEY_S,	 KEY_D,		KEY_H,
				      KEY_J,	   KEY_F1,	 KEY_ESC,	KEY_BACKSPACE,
				      KEY_ENTER,   KEY_CAPSLOCK, KEY_LEFTSHIFT, KEY_Z,
				      KEY_LEFTCTRL };

static FakeKeyboard *
any_keyboard(FakeKeys *keys, GRand *random)
{
	return &keys->keyboards[g_rand_int_range(random, 0, 3)];
}

static void
any_key(FakeKeys *keys, GRand *random)
{
	FakeKeyboard *k = any_keyboard(keys, random);
	uint16_t code = keys_used[g_rand_int_range(random, 0, G_N_ELEMENTS(keys_used))];

	if (!k->is_present)
		return;
	if (remap_bit(k->down, code))
		fake_release(k, code);
	else
		fake_press(k, code);
}

static void
plug(FakeKeys *keys, GRand *random)
{
	FakeKeyboard *k = any_keyboard(keys, random);

	if (k->is_present)
		fake_keyboard_unplug(k);
	else
		fake_keyboard_add(keys);
}

/* Events are lost; some keys changed meanwhile. */
static void
overrun(FakeKeys *keys, GRand *random)
{
	static const struct input_event dropped[] = { { .type = EV_SYN, .code = SYN_DROPPED },
						      { .type = EV_KEY, .code = KEY_Q, .value = 1 },
						      { .type = EV_SYN } };
	FakeKeyboard *k = any_keyboard(keys, random);

	if (!k->is_present || !k->is_grabbed)
		return;
	for (int i = 0; i < 3; i++) {
		uint16_t code = keys_used[g_rand_int_range(random, 0, G_N_ELEMENTS(keys_used))];

		remap_bit_set(k->down, code, g_rand_boolean(random));
	}
	fake_events(k, dropped, G_N_ELEMENTS(dropped));
	fake_keys_run(keys);
}

static void
order(FakeKeys *keys, GRand *random)
{
	static const RemapLinkKind kinds[] = { REMAP_LINK_CONFIRM, REMAP_LINK_REVERT,
					       REMAP_LINK_SUSPEND, REMAP_LINK_RESUME,
					       REMAP_LINK_RESUME,  REMAP_LINK_LOCK,
					       REMAP_LINK_SLEEP,   REMAP_LINK_STATUS };
	RemapLinkMessage message = {
		.kind = kinds[g_rand_int_range(random, 0, G_N_ELEMENTS(kinds))],
		.id = keys->next_id - 1,
		.is_on = (uint32_t)g_rand_boolean(random),
		.policy = (uint32_t)g_rand_int_range(random, 0, REMAP_LINK_POLICIES),
	};

	fake_keys_send(keys, &message);
}

static void
load(FakeKeys *keys, GRand *random)
{
	fake_keys_load(keys, keymaps[g_rand_int_range(random, 0, G_N_ELEMENTS(keymaps))],
		       g_rand_boolean(random) ? REMAP_LINK_TRIAL : 0,
		       (uint32_t)g_rand_int_range(random, 0, 3000));
}

static void
switch_session(FakeKeys *keys, GRand *random)
{
	keys->session = !keys->session;
	g_assert_cmpint(eventfd_write(keys->kernel.seat_fd, 1), ==, 0);
	fake_keys_run(keys);
}

static void
break_something(FakeKeys *keys, GRand *random)
{
	FakeKeyboard *k = any_keyboard(keys, random);

	keys->create_error = g_rand_boolean(random) ? -ENODEV : 0;
	k->is_busy = !k->is_busy && !k->is_grabbed;
	k->press_before_grab = g_rand_boolean(random) ? KEY_D : 0;
}

/* Else it would be off most of the time. */
static void
recover(FakeKeys *keys)
{
	keys->create_error = 0;
	keys->session = 1;
	g_assert_cmpint(eventfd_write(keys->kernel.seat_fd, 1), ==, 0);
	for (int i = 0; i < 3; i++)
		keys->keyboards[i].is_busy = false;
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_SLEEP });
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_LOCK });
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_RESUME });
	fake_keys_pass(keys, 150);
}

static void
anything(FakeKeys *keys, GRand *random)
{
	switch (g_rand_int_range(random, 0, 60)) {
	case 0:
		plug(keys, random);
		break;
	case 1:
		overrun(keys, random);
		break;
	case 2:
	case 3:
		order(keys, random);
		break;
	case 4:
		load(keys, random);
		break;
	case 5:
		switch_session(keys, random);
		break;
	case 6:
		break_something(keys, random);
		break;
	case 7:
	case 8:
	case 9:
	case 10:
		fake_keys_pass(keys, (unsigned)g_rand_int_range(random, 0, 500));
		break;
	case 11:
	case 12:
		recover(keys);
		break;
	default:
		any_key(keys, random);
		break;
	}
}

/* Whatever state it is in: after this it maps Caps Lock. */
static void
check_works(FakeKeys *keys)
{
	FakeKeyboard *k = &keys->keyboards[0];

	recover(keys);
	if (!k->is_present)
		g_assert_true(fake_keyboard_add(keys) == k);
	for (int i = 0; i < 3; i++)
		for (unsigned code = 0; code < KEY_CNT; code++)
			if (keys->keyboards[i].is_present)
				fake_release(&keys->keyboards[i], code);
	k->press_before_grab = 0;
	fake_keys_load(keys, keymaps[0], 0, 0);
	fake_keys_pass(keys, 1100);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_RESUME });
	fake_keys_pass(keys, 1100);
	g_assert_cmpint(keys->result, ==, 1);
	g_assert_true(k->is_grabbed);
	for (unsigned i = 0; i < keys->clone_count; i++)
		if (fake_clone(keys, i))
			g_free(fake_clone_take(fake_clone(keys, i)));
	fake_tap(k, KEY_CAPSLOCK);
	for (unsigned i = 0; fake_clone(keys, i); i++) {
		g_autofree char *written = fake_clone_take(fake_clone(keys, i));

		if (*written) {
			g_assert_cmpstr(written, ==, "msc58 z+ |; msc58 z- |");
			return;
		}
	}
	g_assert_not_reached();
}

static void
run_round(uint32_t seed)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(seed);
	FakeKeys *keys = fake_keys_new();

	for (int i = 0; i < 2; i++)
		fake_keyboard_add(keys);
	fake_keys_start(keys, true);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
						  .version = REMAP_LINK_VERSION });
	load(keys, random);
	fake_keys_pass(keys, 150);
	for (int i = 0; i < 800 && keys->clone_count < FAKE_CLONES_MAX - 6; i++) {
		anything(keys, random);
		g_free(fake_keys_heard(keys));
		g_assert_cmpint(keys->result, ==, 1);
	}
	if (g_rand_boolean(random))
		check_works(keys);
	fake_keys_free(keys);
}

static void
test_rounds(void)
{
	const char *seed = g_getenv("SEED"), *rounds = g_getenv("ROUNDS");
	uint32_t count = rounds ? (uint32_t)strtoul(rounds, NULL, 10) : 100;

	if (seed) {
		run_round((uint32_t)strtoul(seed, NULL, 10));
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		/* shown when it fails */
		g_test_message("SEED=%u", i);
		run_round(i);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/keys/random/anything", test_rounds);
	return g_test_run();
}
