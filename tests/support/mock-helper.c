// SPDX-License-Identifier: GPL-3.0-or-later
/* The helper over mocked devices.
 * I/O. */
#include "tests/support/mock-helper.h"

#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_US = 20 * G_USEC_PER_SEC, STEP_MS = 20 };

/* Those that run: all that the table's functions are told is whose machine it is. */
static MockHelper *running[2];

static MockHelper *
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
hear(MockHelper *h)
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

void
mock_helper_step(MockHelper *h)
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
said(MockHelper *h, const char *node)
{
	const char *text = g_hash_table_lookup(h->devices, node);

	return text ? text : "";
}

void
mock_helper_wait(MockHelper *h, const char *node, const char *expected)
{
	gint64 end = g_get_monotonic_time() + PATIENCE_US;

	while (!g_str_equal(said(h, node), expected) && g_get_monotonic_time() < end)
		mock_helper_step(h);
	g_assert_cmpstr(said(h, node), ==, expected);
}

void
mock_helper_tell(MockHelper *h, const RemapLinkMessage *message)
{
	g_assert_cmpint(remap_link_send(h->daemon, message), ==, 0);
}

static void
load(MockHelper *h, const char *keymap)
{
	mock_helper_tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_KEYMAP,
						 .id = 1,
						 .data = (const uint8_t *)keymap,
						 .data_length = strlen(keymap) });
	mock_helper_tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_COMMIT,
						 .id = 1,
						 .length = (uint32_t)strlen(keymap) });
}

MockHelper *
mock_helper_start(const MockInput *input, const char *keymap)
{
	g_autofree char *folder = mock_input_folder(input);
	MockHelper *h = g_new0(MockHelper, 1);
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
	mock_helper_tell(h, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
						 .version = REMAP_LINK_VERSION });
	load(h, keymap);
	return h;
}

void
mock_helper_stop(MockHelper *h)
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

void
mock_helper_expect(MockHelper *h, MockDevice *clone, const char *expected)
{
	gint64 end = g_get_monotonic_time() + PATIENCE_US;
	g_autoptr(GString) got = g_string_new(NULL);

	while (got->len < strlen(expected) && g_get_monotonic_time() < end) {
		g_autofree char *part = NULL;

		mock_helper_step(h);
		part = mock_device_read(clone);
		if (got->len && *part)
			g_string_append_c(got, ' ');
		g_string_append(got, part);
	}
	g_assert_cmpstr(got->str, ==, expected);
}

void
mock_helper_expect_injected(MockHelper *h, MockDevice *d, const char *expected)
{
	gint64 end = g_get_monotonic_time() + PATIENCE_US;
	g_autofree char *got = mock_device_injected(d);

	while (!*got && g_get_monotonic_time() < end) {
		mock_helper_step(h);
		g_free(got);
		got = mock_device_injected(d);
	}
	g_assert_cmpstr(got, ==, expected);
}
