/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's end of the connection to a key helper, with a helper played by the test on the other end. I/O. */
#include "daemon/keys-client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_USEC (30 * G_TIME_SPAN_SECOND)

typedef struct {
	TidyKeysClient *client; /* NULL when it ended */
	int helper;		/* our end */
	uint8_t buffer[REMAP_LINK_DATAGRAM_MAX];
	GString *heard; /* what the functions were called for, a word each */
	TidyKeysEnd why;
	RemapLinkFaultCode code;
	gboolean is_freeing; /* the next call frees the client */
} Fixture;

static void note(Fixture *f, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
note(Fixture *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_string_append_c(f->heard, ' ');
	g_string_append_vprintf(f->heard, format, args);
	va_end(args);
	if (f->is_freeing)
		g_clear_pointer(&f->client, tidy_keys_client_free);
}

static void
on_ready(gpointer data)
{
	note(data, "ready");
}

static void
on_changed(gpointer data)
{
	note(data, "changed");
}

static void
on_accepted(guint32 id, gpointer data)
{
	note(data, "accepted:%u", id);
}

static void
on_rejected(guint32 id, const char *problem, gpointer data)
{
	note(data, "rejected:%u:%s", id, problem);
}

static void
on_reverted(guint32 now, guint32 gone, gpointer data)
{
	note(data, "reverted:%u:%u", now, gone);
}

static void
on_device(const TidyKeysDevice *device, gpointer data)
{
	note(data, "%s:%u", device->node, (guint)device->event);
}

static void
on_layer(const char *name, gboolean is_on, gpointer data)
{
	note(data, "%s:%s", name, is_on ? "on" : "off");
}

static void
on_command(guint32 id, guint32 index, gpointer data)
{
	note(data, "command:%u:%u", id, index);
}

static void
on_told(gpointer data)
{
	note(data, "told");
}

static void
on_ended(TidyKeysEnd why, RemapLinkFaultCode code, const char *text, gpointer data)
{
	Fixture *f = data;

	f->why = why;
	f->code = code;
	g_clear_pointer(&f->client, tidy_keys_client_free);
	g_string_append(f->heard, " ended");
}

static void
set_up(Fixture *f, gconstpointer patience)
{
	int fds[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), ==, 0);
	f->helper = fds[1];
	f->heard = g_string_new(NULL);
	f->client = tidy_keys_client_new(
		&fds[0], patience != NULL ? GPOINTER_TO_INT(patience) : PATIENCE_USEC,
		&(TidyKeysClientFuncs){ on_ready, on_changed, on_accepted, on_rejected, on_reverted,
					on_device, on_layer, on_command, on_told, on_ended, f });
}

static void
tear_down(Fixture *f, gconstpointer unused)
{
	g_clear_pointer(&f->client, tidy_keys_client_free);
	if (f->helper >= 0)
		close(f->helper);
	g_string_free(f->heard, TRUE);
}

/* The helper reads one message, running the client until there is one. */
static const RemapLinkMessage *
hear(Fixture *f, RemapLinkKind kind)
{
	static RemapLinkMessage message;
	int result;

	while ((result = remap_link_receive(f->helper, REMAP_LINK_DAEMON, f->buffer, &message)) ==
	       -EAGAIN)
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpint(result, ==, 1);
	g_assert_cmpstr(remap_link_name(message.kind), ==, remap_link_name(kind));
	return &message;
}

static void
say(Fixture *f, const RemapLinkMessage *message)
{
	g_assert_cmpint(remap_link_send(f->helper, message), ==, 0);
}

/* Runs the client until it has called functions that end in @last; then checks all of them. */
static void
expect(Fixture *f, const char *calls)
{
	const char *last = strrchr(calls, ' ');

	while (!g_str_has_suffix(f->heard->str, last))
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpstr(f->heard->str, ==, calls);
	g_string_truncate(f->heard, 0);
}

static void
greet(Fixture *f)
{
	g_assert_cmpuint(hear(f, REMAP_LINK_HELLO)->version, ==, REMAP_LINK_VERSION);
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_WELCOME,
				    .version = REMAP_LINK_VERSION,
				    .how = REMAP_LINK_DIRECT,
				    .text = "seat0" });
	expect(f, " ready");
}

static void
test_greeting(Fixture *f, gconstpointer unused)
{
	g_assert_false(tidy_keys_client_is_ready(f->client));
	greet(f);
	g_assert_true(tidy_keys_client_is_ready(f->client));
	g_assert_cmpstr(tidy_keys_client_view(f->client)->seat, ==, "seat0");
	g_assert_cmpint(tidy_keys_client_view(f->client)->how, ==, REMAP_LINK_DIRECT);
}

static void
test_keymap_of_any_size(Fixture *f, gconstpointer unused)
{
	static const guint sizes[] = { 1, REMAP_LINK_PART_MAX, REMAP_LINK_PART_MAX + 1,
				       REMAP_LINK_KEYMAP_MAX };

	greet(f);
	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *text = g_malloc(sizes[i]);
		g_autoptr(GByteArray) got = g_byte_array_new();
		const RemapLinkMessage *commit;
		g_autofree char *calls = g_strdup_printf(" accepted:%u", i + 1);

		for (gsize j = 0; j < sizes[i]; j++)
			text[j] = (char)('a' + j % 23);
		tidy_keys_client_load(f->client, i + 1, text, sizes[i], 0);
		while (got->len < sizes[i]) {
			const RemapLinkMessage *part = hear(f, REMAP_LINK_KEYMAP);

			g_assert_cmpuint(part->id, ==, i + 1);
			g_assert_cmpuint(part->offset, ==, got->len);
			g_byte_array_append(got, part->data, (guint)part->data_length);
		}
		g_assert_cmpmem(got->data, got->len, text, sizes[i]);
		commit = hear(f, REMAP_LINK_COMMIT);
		g_assert_cmpuint(commit->length, ==, sizes[i]);
		g_assert_cmpuint(commit->flags, ==, 0);
		say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_ACCEPTED, .id = i + 1 });
		expect(f, calls);
		g_assert_cmpuint(tidy_keys_client_view(f->client)->keymap, ==, i + 1);
	}
}

static void
test_trial_and_revert(Fixture *f, gconstpointer unused)
{
	const RemapLinkMessage *commit;

	greet(f);
	tidy_keys_client_load(f->client, 2, "x", 1, 15000);
	hear(f, REMAP_LINK_KEYMAP);
	commit = hear(f, REMAP_LINK_COMMIT);
	g_assert_cmpuint(commit->flags, ==, REMAP_LINK_TRIAL);
	g_assert_cmpuint(commit->timeout_ms, ==, 15000);
	say(f,
	    &(RemapLinkMessage){ .kind = REMAP_LINK_ACCEPTED, .id = 2, .flags = REMAP_LINK_TRIAL });
	expect(f, " accepted:2");
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_REVERTED, .id = 1, .index = 2 });
	expect(f, " reverted:1:2");
	g_assert_cmpuint(tidy_keys_client_view(f->client)->keymap, ==, 1);
}

static void
test_rejected_with_its_place(Fixture *f, gconstpointer unused)
{
	greet(f);
	tidy_keys_client_load(f->client, 4, "x", 1, 0);
	say(f,
	    &(RemapLinkMessage){
		    .kind = REMAP_LINK_DIAGNOSTIC, .id = 4, .severity = 1, .text = "a warning" });
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_DIAGNOSTIC,
				    .id = 4,
				    .line = 3,
				    .column = 7,
				    .text = "no such key" });
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_REJECTED, .id = 4, .count = 1 });
	while (f->heard->len == 0)
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpstr(f->heard->str, ==, " rejected:4:3:7: no such key");
	g_assert_cmpuint(tidy_keys_client_view(f->client)->keymap, ==, 0);
}

static void
say_device(Fixture *f, const char *node, RemapLinkDeviceEvent event)
{
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_DEVICE,
				    .event = event,
				    .vendor = 0x46d,
				    .product = 0xc31c,
				    .device_kind = 1,
				    .node = node,
				    .name = "A keyboard" });
}

static void
say_counts(Fixture *f)
{
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_COUNTS, .id = 1, .events = 12, .lost = 3 });
}

static void
test_devices_come_and_go(Fixture *f, gconstpointer unused)
{
	greet(f);
	say_device(f, "event3", REMAP_LINK_DEVICE_WAITING);
	say_device(f, "event3", REMAP_LINK_DEVICE_GRABBED);
	say_device(f, "event3", REMAP_LINK_DEVICE_GRABBED);
	say_device(f, "event4", REMAP_LINK_DEVICE_IGNORED);
	say_device(f, "event3", REMAP_LINK_DEVICE_REMOVED);
	say_counts(f);
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_LAYER, .is_on = 1, .name = "end" });
	expect(f, " event3:1 changed event3:2 changed event4:0 changed event3:4 changed end:on");
	g_assert_cmpuint(g_hash_table_size(tidy_keys_client_view(f->client)->devices), ==, 1);
	g_assert_cmpuint(tidy_keys_client_view(f->client)->events, ==, 12);
}

/* The helper drops messages that we are too slow for; its answer to STATUS mends the picture. */
static void
test_status_forgets_what_was_missed(Fixture *f, gconstpointer unused)
{
	greet(f);
	say_device(f, "event3", REMAP_LINK_DEVICE_GRABBED);
	say_device(f, "event4", REMAP_LINK_DEVICE_GRABBED);
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_LAYER, .is_on = 1, .name = "nav" });
	expect(f, " event3:2 changed event4:2 changed nav:on");
	tidy_keys_client_say(f->client, &(RemapLinkMessage){ .kind = REMAP_LINK_STATUS });
	hear(f, REMAP_LINK_STATUS);
	say_device(f, "event4", REMAP_LINK_DEVICE_GRABBED);
	say_counts(f);
	expect(f, " told");
	g_assert_cmpuint(g_hash_table_size(tidy_keys_client_view(f->client)->layers), ==, 0);
	g_assert_true(g_hash_table_contains(tidy_keys_client_view(f->client)->devices, "event4"));
	g_assert_cmpuint(g_hash_table_size(tidy_keys_client_view(f->client)->devices), ==, 1);
}

static void
test_layers_and_commands(Fixture *f, gconstpointer unused)
{
	greet(f);
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_LAYER, .is_on = 1, .name = "nav" });
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_LAYER, .is_on = 1, .name = "nav" });
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_LAYER, .is_on = 0, .name = "nav" });
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_COMMAND, .id = 7, .index = 2 });
	expect(f, " nav:on nav:off command:7:2");
}

static void
test_fault_before_reading(Fixture *f, gconstpointer unused)
{
	/* HELLO was never read: our end sees ECONNRESET before the fault. */
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_FAULT,
				    .code = REMAP_LINK_FAULT_REFUSED,
				    .text = "no session" });
	close(f->helper);
	f->helper = -1;
	expect(f, " ended");
	g_assert_cmpint(f->why, ==, TIDY_KEYS_END_FAULT);
	g_assert_cmpint(f->code, ==, REMAP_LINK_FAULT_REFUSED);
}

static void
test_death(Fixture *f, gconstpointer unused)
{
	greet(f);
	close(f->helper);
	f->helper = -1;
	expect(f, " ended");
	g_assert_cmpint(f->why, ==, TIDY_KEYS_END_CLOSED);
}

static void
test_early_talk_is_nonsense(Fixture *f, gconstpointer unused)
{
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_LAYER, .is_on = 1, .name = "nav" });
	expect(f, " ended");
	g_assert_cmpint(f->why, ==, TIDY_KEYS_END_NONSENSE);
}

static void
test_second_welcome_is_nonsense(Fixture *f, gconstpointer unused)
{
	greet(f);
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_WELCOME, .version = REMAP_LINK_VERSION });
	expect(f, " ended");
	g_assert_cmpint(f->why, ==, TIDY_KEYS_END_NONSENSE);
}

static void
test_another_version(Fixture *f, gconstpointer unused)
{
	say(f,
	    &(RemapLinkMessage){ .kind = REMAP_LINK_WELCOME, .version = REMAP_LINK_VERSION + 1 });
	expect(f, " ended");
	g_assert_cmpint(f->why, ==, TIDY_KEYS_END_NONSENSE);
}

static void
test_garbage(Fixture *f, gconstpointer unused)
{
	greet(f);
	g_assert_cmpint(send(f->helper, "garbage", 7, 0), ==, 7);
	expect(f, " ended");
	g_assert_cmpint(f->why, ==, TIDY_KEYS_END_NONSENSE);
}

/* A helper's own kind, sent back by it: the wrong side. */
static void
test_echo(Fixture *f, gconstpointer unused)
{
	greet(f);
	say(f, &(RemapLinkMessage){ .kind = REMAP_LINK_STATUS });
	expect(f, " ended");
	g_assert_cmpint(f->why, ==, TIDY_KEYS_END_NONSENSE);
}

static void
test_no_welcome(Fixture *f, gconstpointer unused)
{
	expect(f, " ended");
	g_assert_cmpint(f->why, ==, TIDY_KEYS_END_SILENT);
}

static void
test_no_answer_to_a_keymap(Fixture *f, gconstpointer unused)
{
	greet(f);
	tidy_keys_client_load(f->client, 1, "x", 1, 0);
	expect(f, " ended");
	g_assert_cmpint(f->why, ==, TIDY_KEYS_END_SILENT);
}

static void
test_never_reads(Fixture *f, gconstpointer unused)
{
	greet(f);
	for (int i = 0; i < 2000; i++)
		tidy_keys_client_say(f->client, &(RemapLinkMessage){ .kind = REMAP_LINK_SUSPEND });
	expect(f, " ended");
	g_assert_cmpint(f->why, ==, TIDY_KEYS_END_SILENT);
}

/* A helper that talks without end must not keep the main loop from its other work. */
static void
test_flood_leaves_room(Fixture *f, gconstpointer unused)
{
	RemapLinkMessage message = { .kind = REMAP_LINK_LAYER, .name = "nav" };
	guint n_sent = 0;

	greet(f);
	do
		message.is_on = ++n_sent % 2;
	while (remap_link_send(f->helper, &message) == 0);
	g_assert_cmpuint(n_sent, >, 64);
	g_assert_true(g_main_context_iteration(NULL, FALSE));
	g_assert_cmpuint(f->heard->len, <, 64 * strlen(" nav:off"));
}

static void
test_freed_in_a_call(Fixture *f, gconstpointer unused)
{
	greet(f);
	f->is_freeing = TRUE;
	say_device(f, "event3", REMAP_LINK_DEVICE_GRABBED);
	say_device(f, "event4", REMAP_LINK_DEVICE_GRABBED);
	expect(f, " event3:2");
	g_assert_null(f->client);
	/* ECONNRESET: the last message was not read. Not EAGAIN, and not a message either. */
	g_assert_cmpint(recv(f->helper, f->buffer, sizeof f->buffer, MSG_DONTWAIT), <=, 0);
	g_assert_cmpint(errno, ==, ECONNRESET);
}

static void
test_many_devices(Fixture *f, gconstpointer unused)
{
	greet(f);
	for (int i = 0; i < 1000; i++) {
		g_autofree char *node = g_strdup_printf("event%d", i);

		say_device(f, node, REMAP_LINK_DEVICE_IGNORED);
		while (g_main_context_iteration(NULL, FALSE))
			;
	}
	g_assert_cmpuint(g_hash_table_size(tidy_keys_client_view(f->client)->devices), <=, 256);
}

#define PATIENT	  NULL
#define IMPATIENT GINT_TO_POINTER(20000)

int
main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*func)(Fixture *f, gconstpointer data);
		gboolean is_impatient;
	} cases[] = {
		{ "greeting", test_greeting, FALSE },
		{ "keymap-of-any-size", test_keymap_of_any_size, FALSE },
		{ "trial-and-revert", test_trial_and_revert, FALSE },
		{ "rejected-with-its-place", test_rejected_with_its_place, FALSE },
		{ "devices-come-and-go", test_devices_come_and_go, FALSE },
		{ "status-forgets-what-was-missed", test_status_forgets_what_was_missed, FALSE },
		{ "layers-and-commands", test_layers_and_commands, FALSE },
		{ "fault-before-reading", test_fault_before_reading, FALSE },
		{ "death", test_death, FALSE },
		{ "early-talk-is-nonsense", test_early_talk_is_nonsense, FALSE },
		{ "second-welcome-is-nonsense", test_second_welcome_is_nonsense, FALSE },
		{ "another-version", test_another_version, FALSE },
		{ "garbage", test_garbage, FALSE },
		{ "echo", test_echo, FALSE },
		{ "no-welcome", test_no_welcome, TRUE },
		{ "no-answer-to-a-keymap", test_no_answer_to_a_keymap, TRUE },
		{ "never-reads", test_never_reads, FALSE },
		{ "flood-leaves-room", test_flood_leaves_room, FALSE },
		{ "freed-in-a-call", test_freed_in_a_call, FALSE },
		{ "many-devices", test_many_devices, FALSE },
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strconcat("/keys/client/", cases[i].path, NULL);

		g_test_add(path, Fixture, cases[i].is_impatient ? IMPATIENT : PATIENT, set_up,
			   cases[i].func, tear_down);
	}
	return g_test_run();
}
