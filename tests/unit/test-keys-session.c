// SPDX-License-Identifier: GPL-3.0-or-later
/* The helper and its daemon: keymaps, trials, lock, sleep, sessions and the panic chord.
 * I/O: sockets. */
#include "tests/support/fake-keys.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static const char capslock_z[] = "[ids]\n*\n[main]\ncapslock = z\n";
static const char capslock_y[] = "[ids]\n*\n[main]\ncapslock = y\n";

static void
say(FakeKeys *keys, RemapLinkKind kind)
{
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = kind });
}

static void
say_on(FakeKeys *keys, RemapLinkKind kind, bool is_on)
{
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = kind, .is_on = is_on });
}

static void
lock(FakeKeys *keys, bool is_on, RemapLinkPolicy policy)
{
	fake_keys_send(keys, &(RemapLinkMessage){
				     .kind = REMAP_LINK_LOCK, .is_on = is_on, .policy = policy });
}

static void
tell_session(FakeKeys *keys)
{
	g_assert_cmpint(eventfd_write(keys->kernel.seat_fd, 1), ==, 0);
	fake_keys_run(keys);
}

/* Nothing is opened before there is a keymap. */
static void
test_first_contact(void)
{
	FakeKeys *keys = fake_keys_greeted();

	fake_assert_heard(keys, "welcome 1 seat0\nstate\n");
	g_assert_false(keys->keyboards[0].is_open);
	fake_keys_load(keys, capslock_z, 0, 0);
	fake_assert_heard(keys, "accepted 1 flags 0 commands 0\n"
				"device event0 waiting\nstate keymap\n");
	fake_keys_pass(keys, 150);
	fake_assert_heard(keys, "device event0 grabbed\n");
	fake_keys_free(keys);
}

/* The end of the connection is the end. */
static void
test_end_of_file(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);

	fake_press(&keys->keyboards[0], KEY_CAPSLOCK);
	close(keys->daemon);
	keys->daemon = -1;
	fake_keys_run(keys);
	g_assert_cmpint(keys->result, ==, 0);
	/* releases, ungrabs, checks */
	fake_keys_free(keys);
}

static void
test_rejected(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);

	fake_keys_load(keys, "[ids]\n*\n[main]\nfoo = a\n", 0, 0);
	{
		g_autofree char *heard = fake_keys_heard(keys);

		g_assert_true(g_str_has_prefix(heard, "diagnostic 4:1 "));
		g_assert_true(g_str_has_suffix(heard, "rejected 2 errors 1\n"));
	}
	/* what ran goes on */
	fake_tap(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	fake_keys_free(keys);
}

/* While a key is down the new keymap waits; then it takes over without a new virtual device. */
static void
test_reload_while_held(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);
	FakeKeyboard *k = &keys->keyboards[0];

	fake_press(k, KEY_CAPSLOCK);
	fake_keys_load(keys, capslock_y, 0, 0);
	fake_assert_heard(keys, "");
	fake_release(k, KEY_CAPSLOCK);
	fake_assert_heard(keys, "accepted 2 flags 0 commands 0\n");
	fake_tap(k, KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |; msc58 y+ |; msc58 y- |");
	g_assert_cmpuint(keys->clone_count, ==, 1);
	g_assert_cmpuint(k->grabs, ==, 1);
	fake_keys_free(keys);
}

/* A key that stays down keeps it waiting for a second only, and is released. */
static void
test_reload_while_held_for_long(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);

	fake_press(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_keys_load(keys, capslock_y, 0, 0);
	fake_keys_pass(keys, 1100);
	fake_assert_heard(keys, "accepted 2 flags 0 commands 0\n");
	fake_assert_written(keys, 0, "msc58 z+ |; z- |");
	fake_release(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_tap(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 y+ |; msc58 y- |");
	fake_keys_free(keys);
}

/* The new one emits a key that the clone lacks: a new clone, the grab stays. */
static void
test_reload_with_other_keys(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);

	fake_keys_load(keys, "[ids]\n*\n[main]\ncapslock = brightnessup\n", 0, 0);
	fake_tap(&keys->keyboards[0], KEY_CAPSLOCK);
	g_assert_cmpuint(keys->clone_count, ==, 2);
	g_assert_cmpuint(keys->keyboards[0].grabs, ==, 1);
	fake_assert_written(keys, 0, "msc58 brightnessup+ |; msc58 brightnessup- |");
	fake_keys_free(keys);
}

/* Typing goes on while keymaps come one after the other: every key has its release. */
static void
test_reload_under_typing(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);
	FakeKeyboard *k = &keys->keyboards[0];

	for (int i = 0; i < 100; i++) {
		fake_press(k, KEY_CAPSLOCK);
		fake_keys_load(keys, i % 2 ? capslock_z : capslock_y, 0, 0);
		fake_press(k, KEY_A);
		fake_release(k, KEY_CAPSLOCK);
		fake_keys_pass(keys, 30);
		fake_release(k, KEY_A);
	}
	g_free(fake_keys_heard(keys));
	g_assert_cmpuint(keys->clone_count, ==, 1);
	fake_keys_free(keys);
}

static void
test_layout_is_told(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\nf1 = setlayout(dv)\n"
					   "f2 = toggle(nav)\n[dv:layout]\n[nav]\n",
					   1);

	fake_tap(&keys->keyboards[0], KEY_F1);
	fake_tap(&keys->keyboards[0], KEY_F2);
	fake_assert_heard(keys, "layer dv on\nlayer nav on\n");
	fake_keys_load(keys, "[ids]\n*\n[global]\ndefault_layout = de\n[de:layout]\n", 0, 0);
	fake_assert_heard(keys, "accepted 2 flags 0 commands 0\nlayer nav off\nlayer dv off\n"
				"layer de on\n");
	say(keys, REMAP_LINK_STATUS);
	fake_assert_heard(keys, "state keymap\ndevice event0 grabbed\nlayer de on\n"
				"counts id 2 events 4 overruns 0 lost 0 devices 1 grabbed 1\n");
	fake_keys_free(keys);
}

/* Trials. */

static void
test_trial_ends(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);
	FakeKeyboard *k = &keys->keyboards[0];

	fake_keys_load(keys, capslock_y, REMAP_LINK_TRIAL, 15000);
	fake_assert_heard(keys, "accepted 2 flags 1 commands 0\nstate keymap trial\n");
	fake_tap(k, KEY_CAPSLOCK);
	fake_keys_pass(keys, 14999);
	fake_press(k, KEY_CAPSLOCK);
	fake_keys_pass(keys, 1);
	fake_release(k, KEY_CAPSLOCK);
	fake_tap(k, KEY_CAPSLOCK);
	fake_assert_heard(keys, "reverted to 1 from 2\nstate keymap\n");
	fake_assert_written(keys, 0,
			    "msc58 y+ |; msc58 y- |; msc58 y+ |; y- |; msc58 z+ |; msc58 z- |");
	fake_keys_free(keys);
}

static void
test_trial_confirmed(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);

	fake_keys_load(keys, capslock_y, REMAP_LINK_TRIAL, 15000);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_CONFIRM, .id = 7 });
	fake_assert_heard(keys, "accepted 2 flags 1 commands 0\nstate keymap trial\n");
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_CONFIRM, .id = 2 });
	fake_keys_pass(keys, 20000);
	fake_assert_heard(keys, "state keymap\n");
	fake_tap(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 y+ |; msc58 y- |");
	fake_keys_free(keys);
}

/* By hand; a second one only does nothing. A trial of a trial goes back to what was before both. */
static void
test_trial_reverted(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);

	fake_keys_load(keys, capslock_y, REMAP_LINK_TRIAL, 15000);
	fake_keys_load(keys, "[ids]\n*\n", REMAP_LINK_TRIAL, 15000);
	g_free(fake_keys_heard(keys));
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_REVERT, .id = 2 });
	fake_assert_heard(keys, "");
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_REVERT, .id = 3 });
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_REVERT, .id = 3 });
	fake_assert_heard(keys, "reverted to 1 from 3\nstate keymap\n");
	fake_keys_free(keys);
}

/* The first keymap of all is tried: back to none. */
static void
test_trial_of_the_first(void)
{
	FakeKeys *keys = fake_keys_greeted();

	fake_keys_load(keys, capslock_z, REMAP_LINK_TRIAL, 15000);
	fake_keys_pass(keys, 14000);
	fake_press(&keys->keyboards[0], KEY_CAPSLOCK);
	g_free(fake_keys_heard(keys));
	fake_keys_pass(keys, 2000);
	fake_assert_heard(keys, "reverted to 0 from 1\ndevice event0 closed: no keymap\nstate\n");
	g_assert_false(keys->keyboards[0].is_open);
	fake_keys_free(keys);
}

/* Reasons to give the keyboards back. */

static void
test_suspend(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);
	FakeKeyboard *k = &keys->keyboards[0];

	fake_press(k, KEY_CAPSLOCK);
	say(keys, REMAP_LINK_SUSPEND);
	fake_assert_heard(keys, "device event0 closed: suspended\n"
				"state keymap ungrabbed suspended\n");
	fake_release(k, KEY_CAPSLOCK);
	fake_press(k, KEY_A);
	g_assert_true(remap_bit(k->others, KEY_A));
	fake_release(k, KEY_A);
	say(keys, REMAP_LINK_RESUME);
	fake_keys_pass(keys, 150);
	fake_tap(k, KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	fake_keys_free(keys);
}

/* Held when it falls asleep, another one when it wakes. */
static void
test_sleep(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\nf1 = toggle(big)\n[big:S]\n", 1);
	FakeKeyboard *k = &keys->keyboards[0];

	fake_tap(k, KEY_F1);
	fake_press(k, KEY_A);
	say_on(keys, REMAP_LINK_SLEEP, true);
	g_assert_null(fake_clone(keys, 0));
	fake_release(k, KEY_A);
	fake_press(k, KEY_ENTER);
	say_on(keys, REMAP_LINK_SLEEP, false);
	fake_keys_pass(keys, 500);
	g_assert_false(k->is_grabbed);
	fake_release(k, KEY_ENTER);
	g_assert_true(k->is_grabbed);
	/* what was toggled is forgotten */
	fake_tap(k, KEY_A);
	fake_assert_written(keys, 0, "msc30 a+ |; msc30 a- |");
	fake_keys_free(keys);
}

static void
test_session_switch(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\ncapslock = overload(nav, "
					   "command(x))\n[nav]\n",
					   1);
	FakeKeyboard *k = &keys->keyboards[0];

	fake_press(k, KEY_CAPSLOCK);
	fake_press(k, KEY_A);
	g_free(fake_keys_heard(keys));
	keys->session = 0;
	tell_session(keys);
	/* no tap, no command */
	fake_assert_heard(keys, "layer nav off\ndevice event0 closed: the session is not active\n"
				"state keymap ungrabbed inactive\n");
	g_assert_false(k->is_open);
	/* keyboards that come meanwhile are somebody else's */
	fake_keyboard_add(keys);
	fake_keys_pass(keys, 1000);
	g_assert_false(keys->keyboards[1].is_open);
	fake_release(k, KEY_A);
	fake_release(k, KEY_CAPSLOCK);
	keys->session = 1;
	tell_session(keys);
	fake_keys_pass(keys, 150);
	g_assert_true(k->is_grabbed);
	g_assert_true(keys->keyboards[1].is_grabbed);
	fake_keys_free(keys);
}

/* No session on any seat: refused after a while, because one may just be opening. */
static void
test_no_session(void)
{
	FakeKeys *keys = fake_keys_new();

	keys->session = -ENOENT;
	fake_keyboard_add(keys);
	fake_keys_start(keys, true);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
						  .version = REMAP_LINK_VERSION });
	fake_keys_load(keys, capslock_z, 0, 0);
	fake_keys_pass(keys, 9000);
	g_assert_false(keys->keyboards[0].is_open);
	g_assert_cmpint(keys->result, ==, 1);
	fake_keys_pass(keys, 2000);
	fake_assert_heard(keys, "welcome 1 \nstate ungrabbed inactive\n"
				"accepted 1 flags 0 commands 0\nstate keymap ungrabbed inactive\n"
				"fault 2 the user has no session on a seat\n");
	g_assert_cmpint(keys->result, ==, 0);
	fake_keys_free(keys);
}

/* The daemon of a user whose session is not the one in front: it is heard, and has no keyboard until it is. */
static void
test_another_user(void)
{
	FakeKeys *keys = fake_keys_new();

	keys->session = 0;
	fake_keyboard_add(keys);
	fake_keys_start(keys, true);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
						  .version = REMAP_LINK_VERSION });
	fake_keys_load(keys, capslock_z, 0, 0);
	fake_keys_pass(keys, 60000);
	say(keys, REMAP_LINK_RESUME);
	fake_assert_heard(keys, "welcome 1 seat0\nstate ungrabbed inactive\n"
				"accepted 1 flags 0 commands 0\nstate keymap ungrabbed inactive\n"
				"state keymap ungrabbed inactive\n");
	g_assert_false(keys->keyboards[0].is_open);
	g_assert_cmpuint(keys->clone_count, ==, 0);
	keys->session = 1;
	tell_session(keys);
	fake_keys_pass(keys, 150);
	g_assert_true(keys->keyboards[0].is_grabbed);
	fake_keys_free(keys);
}

/* A kernel without Landlock: keys work, and the state says what is missing. */
static void
test_no_landlock(void)
{
	FakeKeys *keys = fake_keys_new();

	keys->has_no_landlock = true;
	fake_keyboard_add(keys);
	fake_keys_start(keys, true);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
						  .version = REMAP_LINK_VERSION });
	fake_assert_heard(keys, "welcome 1 seat0\nstate no-landlock\n");
	fake_keys_load(keys, capslock_z, 0, 0);
	fake_keys_pass(keys, 150);
	fake_tap(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	fake_keys_free(keys);
}

/* Three keys at once, whatever they are mapped to. */
static void
test_panic(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\nesc = overloadt(nav, esc, 5000)\n"
					   "backspace = noop\nenter = command(x)\n[nav]\n",
					   1);
	FakeKeyboard *k = &keys->keyboards[0];

	fake_press(k, KEY_BACKSPACE);
	fake_press(k, KEY_ESC);
	fake_press(k, KEY_ENTER);
	g_assert_false(k->is_open);
	fake_assert_heard(keys, "device event0 closed: the panic chord was pressed\n"
				"state keymap ungrabbed panic\n");
	fake_release(k, KEY_ENTER);
	fake_release(k, KEY_ESC);
	fake_release(k, KEY_BACKSPACE);
	fake_press(k, KEY_CAPSLOCK);
	g_assert_true(remap_bit(k->others, KEY_CAPSLOCK));
	fake_release(k, KEY_CAPSLOCK);
	/* a new keymap does not end it, nor does anything but the user */
	fake_keys_load(keys, capslock_z, 0, 0);
	fake_keys_pass(keys, 60000);
	g_assert_false(k->is_open);
	say(keys, REMAP_LINK_RESUME);
	fake_keys_pass(keys, 150);
	fake_tap(k, KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	fake_keys_free(keys);
}

/* The chord over two keyboards, while another key is down. */
static void
test_panic_over_two(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 2);

	fake_press(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_press(&keys->keyboards[0], KEY_ENTER);
	fake_press(&keys->keyboards[1], KEY_BACKSPACE);
	fake_press(&keys->keyboards[1], KEY_ESC);
	g_assert_null(fake_clone(keys, 0));
	fake_keys_free(keys);
}

/* The screen is locked. */

static const char with_everything[] =
	"[ids]\n*\n[main]\ncapslock = z\nf1 = macro(a b)\nf2 = command(x)\nf3 = setlayout(dv)\n"
	"f4 = toggle(big)\nf5 = layerm(nav, macro(q))\nf6 = repeat()\n"
	"f7 = overload(nav, macro(m))\nf8 = macro2(0, 10, macro(k))\nf9 = oneshotm(big, macro(o))\n"
	"[dv:layout]\ns = o\n[big:S]\n[nav]\nh = left\n";

static void
test_lock_safe(void)
{
	FakeKeys *keys = fake_keys_running(with_everything, 1);
	FakeKeyboard *k = &keys->keyboards[0];

	fake_tap(k, KEY_F3);
	fake_tap(k, KEY_F4);
	g_free(fake_clone_take(fake_clone(keys, 0)));
	g_free(fake_keys_heard(keys));
	lock(keys, true, REMAP_LINK_SAFE);
	fake_assert_heard(keys, "layer big off\nstate keymap locked\n");
	fake_assert_written(keys, 0, "leftshift- |");
	/* layouts and plain keys stay */
	fake_tap(k, KEY_CAPSLOCK);
	fake_tap(k, KEY_S);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |; msc31 o+ |; msc31 o- |");
	/* macros, commands, repeat do nothing */
	fake_tap(k, KEY_F1);
	fake_tap(k, KEY_F2);
	fake_tap(k, KEY_F6);
	fake_tap(k, KEY_F7);
	fake_tap(k, KEY_F8);
	fake_assert_written(keys, 0, "");
	/* their layers do */
	fake_press(k, KEY_F5);
	fake_tap(k, KEY_H);
	fake_release(k, KEY_F5);
	fake_assert_written(keys, 0, "msc35 left+ |; msc35 left- |");
	fake_tap(k, KEY_F9);
	fake_tap(k, KEY_A);
	fake_assert_written(keys, 0, "msc67 leftshift+ |; msc30 a+ |; msc30 a- | leftshift- |");
	g_free(fake_keys_heard(keys));
	/* a new keymap is as safe */
	fake_keys_load(keys, with_everything, 0, 0);
	fake_tap(k, KEY_F1);
	fake_tap(k, KEY_F2);
	fake_assert_written(keys, 0, "");
	fake_assert_heard(keys, "accepted 2 flags 0 commands 1\nlayer dv off\n");
	lock(keys, false, REMAP_LINK_SAFE);
	fake_tap(k, KEY_F1);
	fake_tap(k, KEY_F2);
	fake_assert_written(keys, 0, "msc59 a+ | a- | b+ | b- |");
	fake_assert_heard(keys, "state keymap\ncommand 0 of 2\n");
	fake_keys_free(keys);
}

static void
test_lock_keep(void)
{
	FakeKeys *keys = fake_keys_running(with_everything, 1);

	lock(keys, true, REMAP_LINK_KEEP);
	g_free(fake_keys_heard(keys));
	fake_tap(&keys->keyboards[0], KEY_F1);
	fake_tap(&keys->keyboards[0], KEY_F2);
	fake_assert_written(keys, 0, "msc59 a+ | a- | b+ | b- |");
	fake_assert_heard(keys, "");
	fake_keys_free(keys);
}

static void
test_lock_ungrab(void)
{
	FakeKeys *keys = fake_keys_running(with_everything, 1);

	fake_press(&keys->keyboards[0], KEY_CAPSLOCK);
	lock(keys, true, REMAP_LINK_UNGRAB);
	g_assert_false(keys->keyboards[0].is_open);
	fake_release(&keys->keyboards[0], KEY_CAPSLOCK);
	lock(keys, false, REMAP_LINK_UNGRAB);
	fake_keys_pass(keys, 150);
	g_assert_true(keys->keyboards[0].is_grabbed);
	fake_keys_free(keys);
}

/* From one policy to another while locked, and a trial that ends meanwhile. */
static void
test_lock_and_trial(void)
{
	FakeKeys *keys = fake_keys_running(with_everything, 1);
	FakeKeyboard *k = &keys->keyboards[0];

	lock(keys, true, REMAP_LINK_SAFE);
	fake_keys_load(keys, capslock_y, REMAP_LINK_TRIAL, 1000);
	fake_keys_pass(keys, 2000);
	fake_tap(k, KEY_F1);
	fake_assert_written(keys, 0, "");
	lock(keys, true, REMAP_LINK_KEEP);
	fake_tap(k, KEY_F1);
	fake_assert_written(keys, 0, "msc59 a+ | a- | b+ | b- |");
	lock(keys, false, REMAP_LINK_SAFE);
	g_free(fake_keys_heard(keys));
	fake_tap(k, KEY_F2);
	fake_assert_heard(keys, "command 0 of 1\n");
	fake_keys_free(keys);
}

/* Started by the daemon for a user without a session, root in a test machine: nobody is asked. */
static void
test_without_sessions(void)
{
	FakeKeys *keys = fake_keys_new();

	keys->session = -ENOENT;
	fake_keyboard_add(keys);
	fake_keys_start(keys, false);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
						  .version = REMAP_LINK_VERSION });
	fake_keys_load(keys, capslock_z, 0, 0);
	fake_keys_pass(keys, 20000);
	g_assert_true(keys->keyboards[0].is_grabbed);
	fake_keys_free(keys);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/keys/session/first-contact", test_first_contact);
	g_test_add_func("/keys/session/end-of-file", test_end_of_file);
	g_test_add_func("/keys/session/rejected", test_rejected);
	g_test_add_func("/keys/session/reload-while-held", test_reload_while_held);
	g_test_add_func("/keys/session/reload-while-held-for-long",
			test_reload_while_held_for_long);
	g_test_add_func("/keys/session/reload-with-other-keys", test_reload_with_other_keys);
	g_test_add_func("/keys/session/reload-under-typing", test_reload_under_typing);
	g_test_add_func("/keys/session/layout-is-told", test_layout_is_told);
	g_test_add_func("/keys/session/trial-ends", test_trial_ends);
	g_test_add_func("/keys/session/trial-confirmed", test_trial_confirmed);
	g_test_add_func("/keys/session/trial-reverted", test_trial_reverted);
	g_test_add_func("/keys/session/trial-of-the-first", test_trial_of_the_first);
	g_test_add_func("/keys/session/suspend", test_suspend);
	g_test_add_func("/keys/session/sleep", test_sleep);
	g_test_add_func("/keys/session/switch", test_session_switch);
	g_test_add_func("/keys/session/none", test_no_session);
	g_test_add_func("/keys/session/without", test_without_sessions);
	g_test_add_func("/keys/session/another-user", test_another_user);
	g_test_add_func("/keys/session/no-landlock", test_no_landlock);
	g_test_add_func("/keys/session/panic", test_panic);
	g_test_add_func("/keys/session/panic-over-two", test_panic_over_two);
	g_test_add_func("/keys/session/lock-safe", test_lock_safe);
	g_test_add_func("/keys/session/lock-keep", test_lock_keep);
	g_test_add_func("/keys/session/lock-ungrab", test_lock_ungrab);
	g_test_add_func("/keys/session/lock-and-trial", test_lock_and_trial);
	return g_test_run();
}
