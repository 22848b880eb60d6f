// SPDX-License-Identifier: GPL-3.0-or-later
/* A machine's memory: made for a keymap, fitted to it again when that has grown, freed.
 * Pure. */
#include "keys/remap/machine-state.h"
#include "keys/remap/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
emit_nothing(void *data, const RemapOut *out)
{
}

static size_t
longest_macro(const RemapKeymap *keymap)
{
	bool has_delay = keymap->global.macro_sequence_timeout_us != 0;
	size_t longest = 0;

	for (size_t i = 0; i < keymap->entry_count; i++)
		has_delay |= keymap->entries[i].type == REMAP_MACRO_DELAY;
	for (size_t i = 0; i < keymap->macro_count; i++)
		if (keymap->macros[i].count > longest)
			longest = keymap->macros[i].count;
	return has_delay ? longest : 0;
}

/* Each step of a macro is at most 12 events (five modifiers and a key, down and up). A press may run more
 * than one macro, but a longer output only hurries. */
static int
fit(RemapMachine *m)
{
	size_t held_count = REMAP_KEYS + m->keymap->chord_count;
	size_t later = 64 + 12 * longest_macro(m->keymap);
	RemapHeld *held = realloc(m->held, held_count * sizeof(*held));
	uint16_t *left;
	RemapOut *out;

	if (!held)
		return -ENOMEM;
	m->held = held;
	left = realloc(m->chord_left, (m->keymap->chord_count + 1) * sizeof(*left));
	if (!left)
		return -ENOMEM;
	m->chord_left = left;
	if (held_count > m->held_count)
		memset(held + m->held_count, 0, (held_count - m->held_count) * sizeof(*held));
	for (size_t i = m->held_count > REMAP_KEYS ? m->held_count - REMAP_KEYS : 0;
	     i < m->keymap->chord_count; i++)
		left[i] = 0;
	m->held_count = held_count;
	if (later <= m->later_capacity)
		return 0;
	out = realloc(m->later, later * sizeof(*out));
	if (!out)
		return -ENOMEM;
	m->later = out;
	m->later_capacity = later;
	return 0;
}

RemapMachine *
remap_machine_new(RemapKeymap *keymap, const RemapSink *sink)
{
	RemapMachine *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->keymap = keymap;
	if (sink)
		m->sink = *sink;
	if (!m->sink.emit)
		m->sink.emit = emit_nothing;
	m->layers = calloc(keymap->layer_count, sizeof(*m->layers));
	m->active = calloc(keymap->layer_count, sizeof(*m->active));
	if (!m->layers || !m->active || fit(m) < 0) {
		remap_machine_free(m);
		return NULL;
	}
	for (size_t i = 0; i < remap_actions_count; i++)
		if (remap_actions[i].step)
			m->steps[remap_actions[i].op] = remap_actions[i].step;
	remap_timers_stop(m);
	m->stamps = 2; /* main is 0, a layout 1: any layer is newer */
	/* main is always on and is not in the list of active layers: it has no modifiers. */
	m->layers[0].count = 1;
	for (unsigned i = 0; i < keymap->layers[0].whole_count; i++)
		m->layers[keymap->layers[0].wholes[i]].parts++;
	if (keymap->global.default_layout) {
		remap_layer_on(m, keymap->global.default_layout, REMAP_KEY_NOOP);
		m->layers[keymap->global.default_layout].stamp = 1;
	}
	return m;
}

void
remap_machine_free(RemapMachine *m)
{
	if (!m)
		return;
	free(m->layers);
	free(m->active);
	free(m->held);
	free(m->chord_left);
	free(m->later);
	free(m);
}

int
remap_machine_bind(RemapMachine *m, const char *text, RemapDiags *diags)
{
	int result = remap_keymap_bind(m->keymap, text, diags);

	return result < 0 ? result : fit(m);
}

size_t
remap_machine_size(const RemapMachine *m)
{
	return sizeof(*m) + m->keymap->layer_count * (sizeof(*m->layers) + sizeof(*m->active)) +
	       m->held_count * sizeof(*m->held) +
	       (m->keymap->chord_count + 1) * sizeof(*m->chord_left) +
	       m->later_capacity * sizeof(*m->later);
}
