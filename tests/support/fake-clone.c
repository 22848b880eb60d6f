// SPDX-License-Identifier: GPL-3.0-or-later
/* The fake keyboards' clones: what the helper writes to them, read as a program would.
 * I/O: sockets. */
#include <unistd.h>

#include "tests/support/fake-keys.h"

static void
describe_event(FakeClone *clone, const struct input_event *e)
{
	const char *name = e->type == EV_KEY ? remap_key_name(e->code) : NULL;
	GString *out = clone->log;

	if (out->len && out->str[out->len - 1] != ' ')
		g_string_append_c(out, ' ');
	switch (e->type) {
	case EV_SYN:
		g_string_append(out, e->code == SYN_REPORT ? "|" : "syn?");
		break;
	case EV_KEY:
		/* Never twice the same, never a code that the device does not have. */
		g_assert_cmpint(remap_bit(clone->down, e->code), !=, e->value);
		g_assert_true(remap_bit(clone->info.keys, e->code));
		remap_bit_set(clone->down, e->code, e->value != 0);
		if (name)
			g_string_append_printf(out, "%s%c", name, e->value ? '+' : '-');
		else
			g_string_append_printf(out, "#%u%c", e->code, e->value ? '+' : '-');
		break;
	case EV_MSC:
		g_string_append_printf(out, "msc%d", e->value);
		break;
	case EV_REL:
		g_assert_true(remap_bit(clone->info.rels, e->code));
		g_string_append_printf(out, "rel%u:%d", e->code, e->value);
		break;
	default:
		g_string_append_printf(out, "%u:%u:%d", e->type, e->code, e->value);
		break;
	}
}

void
fake_clone_drain(FakeClone *clone)
{
	struct input_event events[REMAP_PORT_EVENTS];
	ssize_t size;

	if (!clone->is_alive)
		return;
	while ((size = read(clone->user, events, sizeof(events))) > 0) {
		if (clone->log->len)
			g_string_append(clone->log, "; ");
		for (size_t i = 0; i < (size_t)size / sizeof(*events); i++)
			describe_event(clone, &events[i]);
	}
	/* End of file: the helper closed its end. Every key must be up by then, by an event. */
	if (size < 0)
		return;
	for (unsigned n = 0; n < REMAP_KEY_BYTES; n++)
		g_assert_cmpuint(clone->down[n], ==, 0);
	close(clone->user);
	clone->is_alive = false;
}

FakeClone *
fake_clone(FakeKeys *keys, unsigned n)
{
	for (unsigned i = 0; i < keys->clone_count; i++) {
		fake_clone_drain(&keys->clones[i]);
		if (keys->clones[i].is_alive && n-- == 0)
			return &keys->clones[i];
	}
	return NULL;
}

char *
fake_clone_take(FakeClone *clone)
{
	char *log;

	g_assert_nonnull(clone);
	fake_clone_drain(clone);
	log = g_string_free(clone->log, FALSE);
	clone->log = g_string_new(NULL);
	return log;
}

void
fake_clone_set_led(FakeClone *clone, unsigned led, bool is_on)
{
	const struct input_event events[] = {
		{ .type = EV_LED, .code = (uint16_t)led, .value = is_on },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};

	g_assert_cmpint(write(clone->user, events, sizeof(events)), ==, sizeof(events));
}
