// SPDX-License-Identifier: GPL-3.0-or-later
/* What the helper says, as the tests write it.
 * Pure. */
#include "tests/support/fake-keys-text.h"

#include <inttypes.h>

void
fake_describe_message(GString *out, const RemapLinkMessage *m)
{
	static const char *const events[] = { "ignored", "waiting", "grabbed", "closed",
					      "removed" };

	g_string_append(out, remap_link_name(m->kind));
	switch (m->kind) {
	case REMAP_LINK_WELCOME:
		g_string_append_printf(out, " %u %s", m->version, m->text);
		break;
	case REMAP_LINK_ACCEPTED:
		g_string_append_printf(out, " %u flags %u commands %u", m->id, m->flags, m->count);
		break;
	case REMAP_LINK_DIAGNOSTIC:
		g_string_append_printf(out, " %u:%u %s", m->line, m->column, m->text);
		break;
	case REMAP_LINK_REJECTED:
		g_string_append_printf(out, " %u errors %u", m->id, m->count);
		break;
	case REMAP_LINK_REVERTED:
		g_string_append_printf(out, " to %u from %u", m->id, m->index);
		break;
	case REMAP_LINK_DEVICE:
		g_string_append_printf(out, " %s %s%s%s", m->node, events[m->event],
				       *m->text ? ": " : "", m->text);
		break;
	case REMAP_LINK_LAYER:
		g_string_append_printf(out, " %s %s", m->name, m->is_on ? "on" : "off");
		break;
	case REMAP_LINK_COMMAND:
		g_string_append_printf(out, " %u of %u", m->index, m->id);
		break;
	case REMAP_LINK_STATE:
		for (unsigned i = 0; i < 11; i++) {
			static const char *const names[] = {
				"keymap",	"trial",     "locked",	   "ungrabbed",
				"inactive",	"panic",     "suspended",  "asleep",
				"lock-ungrabs", "no-uinput", "no-landlock"
			};

			if (m->flags >> i & 1)
				g_string_append_printf(out, " %s", names[i]);
		}
		break;
	case REMAP_LINK_FAULT:
		g_string_append_printf(out, " %u %s", m->code, m->text);
		break;
	case REMAP_LINK_COUNTS:
		g_string_append_printf(out,
				       " id %u events %" PRIu64 " overruns %" PRIu64
				       " lost %" PRIu64 " devices %u grabbed %u",
				       m->id, m->events, m->overruns, m->lost, m->devices,
				       m->grabbed);
		break;
	case REMAP_LINK_HELLO:
	case REMAP_LINK_KEYMAP:
	case REMAP_LINK_COMMIT:
	case REMAP_LINK_CONFIRM:
	case REMAP_LINK_REVERT:
	case REMAP_LINK_SUSPEND:
	case REMAP_LINK_RESUME:
	case REMAP_LINK_LOCK:
	case REMAP_LINK_SLEEP:
	case REMAP_LINK_STATUS:
	case REMAP_LINK_KINDS:
		g_assert_not_reached();
	}
	g_string_append_c(out, '\n');
}
