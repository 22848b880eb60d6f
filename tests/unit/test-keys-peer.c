// SPDX-License-Identifier: GPL-3.0-or-later
/* Daemons that do not behave: silent, deaf, flooding, speaking garbage. Each has an outcome, and the keys are given back.
 * I/O: sockets. */
#include "tests/support/fake-keys.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char capslock_z[] = "[ids]\n*\n[main]\ncapslock = z\n";

static void
say(FakeKeys *keys, RemapLinkKind kind)
{
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = kind });
}

static void
expect_fault(FakeKeys *keys, const char *fault)
{
	g_autofree char *heard = NULL;

	fake_keys_run(keys);
	heard = fake_keys_heard(keys);
	if (!g_str_has_suffix(heard, fault))
		g_assert_cmpstr(heard, ==, fault);
	g_assert_cmpint(keys->result, ==, 0);
	g_assert_cmpint(remap_helper_fault(keys->helper) != NULL, ==,
			strstr(fault, "fault ") != NULL);
	fake_keys_free(keys);
}

static FakeKeys *
connected(void)
{
	FakeKeys *keys = fake_keys_new();

	fake_keyboard_add(keys);
	fake_keys_start(keys, true);
	return keys;
}

static void
test_silent_peer(void)
{
	FakeKeys *keys = connected();

	fake_keys_pass(keys, 9999);
	g_assert_cmpint(keys->result, ==, 1);
	fake_keys_pass(keys, 1);
	expect_fault(keys, "fault 4 no HELLO\n");
}

static void
test_silent_after_hello(void)
{
	FakeKeys *keys = fake_keys_greeted();

	fake_keys_pass(keys, 100000);
	/* nothing to wait for: no timer is set */
	g_assert_cmpint(keys->result, ==, 1);
	g_assert_cmpuint(keys->due, ==, REMAP_NEVER);
	fake_keys_free(keys);
}

static void
send_part(FakeKeys *keys, uint32_t id, uint32_t offset, size_t length)
{
	static const uint8_t text[REMAP_LINK_PART_MAX];

	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_KEYMAP,
						  .id = id,
						  .offset = offset,
						  .data = text,
						  .data_length = length });
}

static void
hang_up(FakeKeys *keys)
{
	close(keys->daemon);
	keys->daemon = -1;
	fake_keys_run(keys);
	g_assert_cmpint(keys->result, ==, 0);
	g_assert_null(remap_helper_fault(keys->helper));
	fake_keys_free(keys);
}

/* Gone at once, after HELLO, in the middle of a keymap, and while a keymap waits for keys to go up: the end, no fault. */
static void
test_closes_early(void)
{
	FakeKeys *keys;

	hang_up(connected());
	hang_up(fake_keys_greeted());
	keys = fake_keys_greeted();
	send_part(keys, 1, 0, 10);
	hang_up(keys);
	keys = fake_keys_running(capslock_z, 1);
	fake_press(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_keys_load(keys, "[ids]\n*\n[main]\n", 0, 0);
	hang_up(keys);
}

static void
test_no_hello(void)
{
	FakeKeys *keys = connected();

	say(keys, REMAP_LINK_STATUS);
	expect_fault(keys, "fault 0 HELLO comes first, and once\n");
}

static void
test_hello_twice(void)
{
	FakeKeys *keys = fake_keys_greeted();

	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
						  .version = REMAP_LINK_VERSION });
	expect_fault(keys, "fault 0 HELLO comes first, and once\n");
}

static void
test_other_version(void)
{
	FakeKeys *keys = connected();

	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO, .version = 77 });
	expect_fault(keys, "welcome 1 seat0\nfault 1 another version\n");
}

static void
test_garbage(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);

	fake_press(&keys->keyboards[0], KEY_CAPSLOCK);
	g_assert_cmpint(send(keys->daemon, "garbage", 7, 0), ==, 7);
	expect_fault(keys, "fault 0 not a message\n");
}

/* A message of the helper's side, half of one, one that is too long, none. */
static void
test_wrong_datagrams(void)
{
	static char big[REMAP_LINK_DATAGRAM_MAX + 1];
	FakeKeys *keys = fake_keys_greeted();

	say(keys, REMAP_LINK_STATE);
	expect_fault(keys, "fault 0 not a message\n");
	keys = fake_keys_greeted();
	g_assert_cmpint(send(keys->daemon, "\x03\0\0\0\x01\0", 6, 0), ==, 6);
	expect_fault(keys, "fault 0 not a message\n");
	keys = fake_keys_greeted();
	g_assert_cmpint(send(keys->daemon, big, sizeof(big), 0), ==, sizeof(big));
	expect_fault(keys, "fault 0 not a message\n");
	keys = fake_keys_greeted();
	g_assert_cmpint(send(keys->daemon, big, 0, 0), ==, 0);
	expect_fault(keys, "state\n");
}

static void
test_parts_that_do_not_follow(void)
{
	FakeKeys *keys = fake_keys_greeted();

	send_part(keys, 1, 0, 10);
	send_part(keys, 1, 11, 10);
	expect_fault(keys, "fault 0 a part of a keymap that does not follow\n");
	keys = fake_keys_greeted();
	send_part(keys, 1, 0, 10);
	send_part(keys, 2, 10, 10);
	expect_fault(keys, "fault 0 a part of a keymap that does not follow\n");
	keys = fake_keys_greeted();
	send_part(keys, 1, 0, 10);
	fake_keys_send(keys,
		       &(RemapLinkMessage){ .kind = REMAP_LINK_COMMIT, .id = 1, .length = 11 });
	expect_fault(keys, "fault 0 a keymap that is not whole\n");
	keys = fake_keys_greeted();
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_COMMIT, .id = 1 });
	expect_fault(keys, "fault 0 a keymap that is not whole\n");
}

/* 1 GiB would be 34000 parts: the 33rd or so is the last. */
static void
test_too_much(void)
{
	FakeKeys *keys = fake_keys_greeted();
	uint32_t at = 0;

	while (keys->result == 1) {
		send_part(keys, 1, at, REMAP_LINK_PART_MAX);
		at += REMAP_LINK_PART_MAX;
		g_assert_cmpuint(at, <=, REMAP_LINK_KEYMAP_MAX + REMAP_LINK_PART_MAX);
	}
	expect_fault(keys, "fault 0 a part of a keymap that does not follow\n");
}

/* A text that is begun again is a new one. */
static void
test_parts_again(void)
{
	FakeKeys *keys = fake_keys_greeted();

	send_part(keys, 9, 0, 100);
	fake_keys_load(keys, capslock_z, 0, 0);
	g_assert_cmpint(keys->result, ==, 1);
	fake_keys_pass(keys, 150);
	g_assert_true(keys->keyboards[0].is_grabbed);
	fake_keys_free(keys);
}

static void
test_flood(void)
{
	FakeKeys *keys = fake_keys_running(capslock_z, 1);

	for (int i = 0; i < REMAP_MESSAGES_MAX - 10; i++)
		fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_CONFIRM });
	fake_tap(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	fake_keys_pass(keys, 1000);
	for (int i = 0; i < REMAP_MESSAGES_MAX; i++)
		fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_CONFIRM });
	g_assert_cmpint(keys->result, ==, 1);
	fake_keys_send(keys, &(RemapLinkMessage){ .kind = REMAP_LINK_CONFIRM });
	expect_fault(keys, "fault 3 too many messages\n");
}

/* A daemon that does not listen: keys go on, what it missed is counted. */
static void
test_deaf_peer(void)
{
	FakeKeys *keys = fake_keys_running("[ids]\n*\n[main]\nf1 = command(x)\ncapslock = z\n", 1);

	for (int i = 0; i < 3000; i++)
		fake_tap(&keys->keyboards[0], KEY_F1);
	fake_tap(&keys->keyboards[0], KEY_CAPSLOCK);
	fake_assert_written(keys, 0, "msc58 z+ |; msc58 z- |");
	g_free(fake_keys_heard(keys));
	say(keys, REMAP_LINK_STATUS);
	{
		g_autofree char *heard = fake_keys_heard(keys);

		g_assert_nonnull(strstr(heard, " lost "));
		g_assert_null(strstr(heard, " lost 0 "));
	}
	fake_keys_free(keys);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/keys/peer/silent", test_silent_peer);
	g_test_add_func("/keys/peer/silent-after-hello", test_silent_after_hello);
	g_test_add_func("/keys/peer/closes-early", test_closes_early);
	g_test_add_func("/keys/peer/no-hello", test_no_hello);
	g_test_add_func("/keys/peer/hello-twice", test_hello_twice);
	g_test_add_func("/keys/peer/other-version", test_other_version);
	g_test_add_func("/keys/peer/garbage", test_garbage);
	g_test_add_func("/keys/peer/wrong-datagrams", test_wrong_datagrams);
	g_test_add_func("/keys/peer/parts-that-do-not-follow", test_parts_that_do_not_follow);
	g_test_add_func("/keys/peer/parts-again", test_parts_again);
	g_test_add_func("/keys/peer/too-much", test_too_much);
	g_test_add_func("/keys/peer/flood", test_flood);
	g_test_add_func("/keys/peer/deaf", test_deaf_peer);
	return g_test_run();
}
