// SPDX-License-Identifier: GPL-3.0-or-later
/* Messages between daemon and helper: there and back, every truncation, garbage, and what a socket adds. I/O. */
#include "keys/link/link.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One of each kind, every member of the kind set. */
static const RemapLinkMessage samples[] = {
	{ .kind = REMAP_LINK_HELLO, .version = REMAP_LINK_VERSION },
	{ .kind = REMAP_LINK_KEYMAP,
	  .id = 7,
	  .offset = 12,
	  .data = (const uint8_t *)"[main]\n\0a",
	  .data_length = 9 },
	{ .kind = REMAP_LINK_COMMIT,
	  .id = 7,
	  .length = 21,
	  .flags = REMAP_LINK_TRIAL,
	  .timeout_ms = 15000 },
	{ .kind = REMAP_LINK_CONFIRM, .id = 8 },
	{ .kind = REMAP_LINK_REVERT, .id = 8 },
	{ .kind = REMAP_LINK_SUSPEND },
	{ .kind = REMAP_LINK_RESUME },
	{ .kind = REMAP_LINK_LOCK, .is_on = 1, .policy = REMAP_LINK_UNGRAB },
	{ .kind = REMAP_LINK_SLEEP, .is_on = 1 },
	{ .kind = REMAP_LINK_STATUS },
	{ .kind = REMAP_LINK_WELCOME,
	  .version = REMAP_LINK_VERSION,
	  .how = REMAP_LINK_DIRECT,
	  .text = "seat0" },
	{ .kind = REMAP_LINK_ACCEPTED, .id = 7, .flags = REMAP_LINK_TRIAL, .count = 3 },
	{ .kind = REMAP_LINK_DIAGNOSTIC,
	  .id = 7,
	  .severity = 1,
	  .line = 3,
	  .column = 4,
	  .text = "no key is called \u00e4" },
	{ .kind = REMAP_LINK_REJECTED, .id = 7, .count = 2 },
	{ .kind = REMAP_LINK_REVERTED, .id = 6, .index = 7 },
	{ .kind = REMAP_LINK_DEVICE,
	  .event = REMAP_LINK_DEVICE_GRABBED,
	  .vendor = 0x46d,
	  .product = 0xffff,
	  .hash = 0x12345678,
	  .device_kind = 1,
	  .node = "event3",
	  .name = "A keyboard",
	  .text = "by the wildcard" },
	{ .kind = REMAP_LINK_LAYER, .is_on = 1, .name = "nav" },
	{ .kind = REMAP_LINK_COMMAND, .id = 7, .index = 2 },
	{ .kind = REMAP_LINK_STATE, .flags = REMAP_LINK_STATE_ALL },
	{ .kind = REMAP_LINK_FAULT, .code = REMAP_LINK_FAULT_REFUSED, .text = "no" },
	{ .kind = REMAP_LINK_COUNTS,
	  .id = 7,
	  .events = 1ULL << 40,
	  .frames = 2,
	  .overruns = 3,
	  .lost = 4,
	  .devices = 5,
	  .grabbed = 6 },
};

static RemapLinkSide
side_of(RemapLinkKind kind)
{
	return kind < REMAP_LINK_WELCOME ? REMAP_LINK_DAEMON : REMAP_LINK_HELPER;
}

static void
assert_same(const RemapLinkMessage *a, const RemapLinkMessage *b)
{
	RemapLinkMessage numbers_a = *a, numbers_b = *b;

	g_assert_cmpstr(a->node ? a->node : "", ==, b->node ? b->node : "");
	g_assert_cmpstr(a->name ? a->name : "", ==, b->name ? b->name : "");
	g_assert_cmpstr(a->text ? a->text : "", ==, b->text ? b->text : "");
	g_assert_cmpmem(a->data, (int)a->data_length, b->data, (int)b->data_length);
	numbers_a.node = numbers_a.name = numbers_a.text = NULL;
	numbers_b.node = numbers_b.name = numbers_b.text = NULL;
	numbers_a.data = numbers_b.data = NULL;
	g_assert_cmpmem(&numbers_a, sizeof(numbers_a), &numbers_b, sizeof(numbers_b));
}

static void
test_round_trip(void)
{
	uint8_t bytes[REMAP_LINK_DATAGRAM_MAX];

	/* A new kind without a sample is noticed here. */
	g_assert_cmpuint(G_N_ELEMENTS(samples), ==, REMAP_LINK_KINDS - 1);
	for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
		int length = remap_link_encode(&samples[i], bytes);
		RemapLinkMessage read;

		g_assert_cmpint(samples[i].kind, ==, i + 1);
		g_assert_cmpint(length, >, 0);
		g_assert_cmpint(remap_link_decode(bytes, (size_t)length, side_of(samples[i].kind),
						  &read),
				==, 0);
		assert_same(&samples[i], &read);
		g_assert_cmpstr(remap_link_name(samples[i].kind), !=, "unknown");
	}
	g_assert_cmpstr(remap_link_name(REMAP_LINK_KINDS), ==, "unknown");
	g_assert_cmpstr(remap_link_name(0), ==, "unknown");
}

static void
test_wrong_side(void)
{
	uint8_t bytes[REMAP_LINK_DATAGRAM_MAX];
	RemapLinkMessage read;

	for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
		int length = remap_link_encode(&samples[i], bytes);
		RemapLinkSide other = side_of(samples[i].kind) == REMAP_LINK_DAEMON
					      ? REMAP_LINK_HELPER
					      : REMAP_LINK_DAEMON;

		g_assert_cmpint(remap_link_decode(bytes, (size_t)length, other, &read), ==,
				-EBADMSG);
	}
}

/* Every truncation of every kind is refused; only data, which is the rest, may be shorter. One byte more as well. */
static void
test_truncated(void)
{
	uint8_t bytes[REMAP_LINK_DATAGRAM_MAX];

	for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
		const RemapLinkMessage *sample = &samples[i];
		size_t length = (size_t)remap_link_encode(sample, bytes);
		RemapLinkMessage read = { .id = 99 };

		for (size_t cut = 0; cut < length - sample->data_length; cut++) {
			/* memory of exactly that size, for ASan and valgrind */
			g_autofree uint8_t *part = g_malloc(cut + 1);

			memcpy(part + 1, bytes, cut);
			g_assert_cmpint(remap_link_decode(part + 1, cut, side_of(sample->kind),
							  &read),
					==, -EBADMSG);
			g_assert_cmpuint(read.id, ==, 99);
		}
		if (sample->data_length)
			continue;
		bytes[length] = 0;
		g_assert_cmpint(remap_link_decode(bytes, length + 1, side_of(sample->kind), &read),
				==, -EBADMSG);
	}
}

/* Whatever decodes is a message whose encoding is the same bytes; nothing else happens. */
static void
test_garbage(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(1);
	uint8_t bytes[REMAP_LINK_DATAGRAM_MAX], again[REMAP_LINK_DATAGRAM_MAX];
	unsigned decoded = 0;

	for (int round = 0; round < 200000; round++) {
		const RemapLinkMessage *sample =
			&samples[g_rand_int_range(random, 0, G_N_ELEMENTS(samples))];
		int length = remap_link_encode(sample, bytes);
		int flips = g_rand_int_range(random, 1, 5);
		RemapLinkMessage read;

		for (int i = 0; i < flips; i++)
			bytes[g_rand_int_range(random, 0, length)] =
				(uint8_t)g_rand_int_range(random, 0, 256);
		if (remap_link_decode(bytes, (size_t)length, side_of(sample->kind), &read) < 0)
			continue;
		decoded++;
		g_assert_cmpint(remap_link_encode(&read, again), ==, length);
		g_assert_cmpmem(bytes, length, again, length);
	}
	g_assert_cmpuint(decoded, >, 1000);
}

static void
test_out_of_range(void)
{
	static const RemapLinkMessage bad[] = {
		{ .kind = 0 },
		{ .kind = REMAP_LINK_KINDS },
		{ .kind = REMAP_LINK_LOCK, .is_on = 2 },
		{ .kind = REMAP_LINK_LOCK, .policy = REMAP_LINK_POLICIES },
		{ .kind = REMAP_LINK_COMMIT, .length = REMAP_LINK_KEYMAP_MAX + 1 },
		{ .kind = REMAP_LINK_COMMIT, .flags = 2 },
		{ .kind = REMAP_LINK_STATE, .flags = REMAP_LINK_STATE_ALL + 1 },
		{ .kind = REMAP_LINK_DEVICE, .vendor = 0x10000 },
		{ .kind = REMAP_LINK_FAULT, .code = REMAP_LINK_FAULTS },
		{ .kind = REMAP_LINK_KEYMAP,
		  .data = (const uint8_t *)"",
		  .data_length = REMAP_LINK_PART_MAX + 1 },
	};
	uint8_t bytes[REMAP_LINK_DATAGRAM_MAX];

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_cmpint(remap_link_encode(&bad[i], bytes), ==, -EINVAL);
}

/* A device may call itself anything. */
static void
test_texts_are_cleaned(void)
{
	static const struct {
		const char *text, *sent;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "a\nb\x1b[2J\x7f", "a?b?[2J?" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\xff\xc3", "??" },
		{ "\xc0\xaf\xe0\x80\xaf", "?????" }, /* longer forms */
		{ "\xed\xa0\x80", "???" },	     /* a surrogate */
		{ "\xf4\x90\x80\x80", "????" },	     /* above U+10FFFF */
		{ "\xc2\x9b", "??" },		     /* a C1 control */
		{ "\xc2\xa0", "\xc2\xa0" },
		{ "\xe2\x82", "??" },
	};
	uint8_t bytes[REMAP_LINK_DATAGRAM_MAX];
	RemapLinkMessage read;
	g_autofree char *big = g_strnfill(REMAP_LINK_TEXT_MAX - 1, 'x');
	g_autofree char *split = g_strconcat(big, "\xc3\xa4zz", NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		RemapLinkMessage message = { .kind = REMAP_LINK_LAYER, .name = cases[i].text };
		int length = remap_link_encode(&message, bytes);

		g_assert_cmpint(remap_link_decode(bytes, (size_t)length, REMAP_LINK_HELPER, &read),
				==, 0);
		g_assert_cmpstr(read.name, ==, cases[i].sent);
	}
	/* cut before the character that does not fit */
	remap_link_decode(bytes,
			  (size_t)remap_link_encode(&(RemapLinkMessage){ .kind = REMAP_LINK_LAYER,
									 .name = split },
						    bytes),
			  REMAP_LINK_HELPER, &read);
	g_assert_cmpstr(read.name, ==, big);
	/* a zero inside, and one that is missing */
	bytes[4 + 4 + 2 + 1] = 0;
	g_assert_cmpint(remap_link_decode(bytes, 4 + 4 + 2 + strlen(big) + 1, REMAP_LINK_HELPER,
					  &read),
			==, -EBADMSG);
}

static void
open_pair(int pair[2])
{
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
}

static void
test_socket(void)
{
	uint8_t bytes[REMAP_LINK_DATAGRAM_MAX];
	RemapLinkMessage read;
	int pair[2];

	open_pair(pair);
	g_assert_cmpint(remap_link_receive(pair[1], REMAP_LINK_DAEMON, bytes, &read), ==, -EAGAIN);
	for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
		g_assert_cmpint(remap_link_send(pair[0], &samples[i]), ==, 0);
		g_assert_cmpint(remap_link_receive(pair[1], side_of(samples[i].kind), bytes, &read),
				==, 1);
		assert_same(&samples[i], &read);
	}
	close(pair[0]);
	g_assert_cmpint(remap_link_receive(pair[1], REMAP_LINK_DAEMON, bytes, &read), ==, 0);
	/* no SIGPIPE */
	g_assert_cmpint(remap_link_send(pair[1], &samples[0]), ==, -EPIPE);
	close(pair[1]);
}

/* Too long by one byte; empty. */
static void
test_socket_lengths(void)
{
	static uint8_t bytes[REMAP_LINK_DATAGRAM_MAX + 1];
	RemapLinkMessage read;
	int pair[2];

	open_pair(pair);
	g_assert_cmpint(send(pair[0], bytes, sizeof(bytes), 0), ==, sizeof(bytes));
	g_assert_cmpint(remap_link_receive(pair[1], REMAP_LINK_DAEMON, bytes, &read), ==, -EBADMSG);
	g_assert_cmpint(send(pair[0], bytes, 0, 0), ==, 0);
	g_assert_cmpint(remap_link_receive(pair[1], REMAP_LINK_DAEMON, bytes, &read), ==, 0);
	close(pair[0]);
	close(pair[1]);
}

/* A peer that does not read: the sender is told, and does not wait. */
static void
test_socket_full(void)
{
	RemapLinkMessage message = { .kind = REMAP_LINK_LAYER, .name = "nav" };
	int pair[2], result, sent = 0;

	open_pair(pair);
	while ((result = remap_link_send(pair[0], &message)) == 0)
		g_assert_cmpint(++sent, <, 1000000);
	g_assert_cmpint(result, ==, -EAGAIN);
	close(pair[0]);
	close(pair[1]);
}

/* Descriptors sent along do not stay open in the receiver. */
static void
test_socket_descriptors(void)
{
	uint8_t bytes[REMAP_LINK_DATAGRAM_MAX];
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { .iov_base = bytes,
			      .iov_len = (size_t)remap_link_encode(&samples[0], bytes) };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
	RemapLinkMessage got;
	int pair[2], ends[2];
	char byte;

	open_pair(pair);
	g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &ends[1], sizeof(int));
	g_assert_cmpint(sendmsg(pair[0], &header, 0), >, 0);
	close(ends[1]);
	g_assert_cmpint(remap_link_receive(pair[1], REMAP_LINK_DAEMON, bytes, &got), ==, 1);
	/* the writing end is nowhere any more */
	g_assert_cmpint(got.kind, ==, REMAP_LINK_HELLO);
	g_assert_cmpint(fcntl(ends[0], F_SETFL, O_NONBLOCK), ==, 0);
	g_assert_cmpint(read(ends[0], &byte, 1), ==, 0);
	close(ends[0]);
	close(pair[0]);
	close(pair[1]);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/link/round-trip", test_round_trip);
	g_test_add_func("/link/wrong-side", test_wrong_side);
	g_test_add_func("/link/truncated", test_truncated);
	g_test_add_func("/link/garbage", test_garbage);
	g_test_add_func("/link/out-of-range", test_out_of_range);
	g_test_add_func("/link/texts-are-cleaned", test_texts_are_cleaned);
	g_test_add_func("/link/socket", test_socket);
	g_test_add_func("/link/socket-lengths", test_socket_lengths);
	g_test_add_func("/link/socket-full", test_socket_full);
	g_test_add_func("/link/socket-descriptors", test_socket_descriptors);
	return g_test_run();
}
