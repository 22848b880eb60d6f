// SPDX-License-Identifier: GPL-3.0-or-later
/* Fuzzes parser and machine together: a configuration, a NUL, then events of three bytes (key, what, pause).
 * Checks after the stream: no key stays down, output is bounded, the same input gives the same output.
 * I/O: none. */
#include "keys/remap/machine.h"

#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS_MAX = 600 };

typedef struct Watch {
	bool down[REMAP_KEYS];
	uint64_t hash, count;
	RemapUsec last;
} Watch;

static void
watch(void *data, const RemapOut *out)
{
	Watch *w = data;

	g_assert_cmpuint(out->time, >=, w->last);
	w->last = out->time;
	if (out->kind == REMAP_OUT_KEY) {
		g_assert_cmpint(w->down[out->code], !=, out->value);
		w->down[out->code] = out->value != 0;
	}
	w->hash = (w->hash ^ ((uint64_t)out->code << 32 | (uint32_t)out->value << 8 | out->kind) ^
		   out->time) *
		  1099511628211ULL;
	w->count++;
}

/* Letters, digits, space and the modifiers come often; any code is possible. */
static uint16_t
key_of(uint8_t byte)
{
	static const uint16_t usual[] = { 30, 31, 32, 33, 36, 37,  38,	16, 17, 18,
					  42, 54, 29, 97, 56, 100, 125, 57, 58, 1 };

	return byte < 200 ? usual[byte % G_N_ELEMENTS(usual)] : (uint16_t)(byte * 3);
}

static void
check_up(RemapMachine *machine, const Watch *w)
{
	for (unsigned code = 0; code < REMAP_KEYS; code++)
		g_assert_false(w->down[code]);
	g_assert_true(remap_machine_is_idle(machine));
}

/* After every key went up and time went by, only what is latched may be down; after release_all, nothing. */
static void
finish(RemapMachine *machine, Watch *w, RemapUsec time)
{
	for (unsigned code = 1; code < REMAP_KEYS; code++)
		remap_machine_feed(machine, (uint16_t)code, 0, time);
	/* The longest there can be: kept events, each with a macro of delays. */
	for (int i = 0; i < 64; i++)
		remap_machine_tick(machine, time += 3600ULL * 1000 * 1000 * 10);
	if (!remap_machine_is_latched(machine))
		check_up(machine, w);
	remap_machine_release_all(machine, time);
	check_up(machine, w);
}

static uint64_t
run(RemapKeymap *keymap, const uint8_t *data, size_t size, bool ticks_between)
{
	Watch w = { .hash = 1469598103934665603ULL };
	RemapMachine *machine =
		remap_machine_new(keymap, &(RemapSink){ .emit = watch, .data = &w });
	RemapUsec time = 0, deadline;
	uint64_t hash;

	for (size_t i = 0; i + 3 <= size && i < EVENTS_MAX * 3; i += 3) {
		RemapUsec next = time + (RemapUsec)data[i + 2] * data[i + 2] * 20;

		if (data[i + 1] == 255 && !ticks_between && i == 0)
			remap_machine_bind(machine, "reset", NULL);
		deadline = remap_machine_tick(machine, time);
		/* Ticks at the deadlines, as an event loop does, must not change anything. */
		for (int n = 0; ticks_between && deadline <= next && n < 1000; n++)
			deadline = remap_machine_tick(machine, deadline);
		time = next;
		remap_machine_feed(machine, key_of(data[i]),
				   data[i + 1] % 8 == 7 ? 2 : data[i + 1] & 1, time);
	}
	hash = w.hash;
	finish(machine, &w, time);
	remap_machine_free(machine);
	return hash;
}

static bool
has_long_delay(const RemapKeymap *keymap)
{
	for (size_t i = 0; i < keymap->entry_count; i++)
		if (keymap->entries[i].type == REMAP_MACRO_DELAY && keymap->entries[i].ms > 1000)
			return true;
	return keymap->entry_count > 200 || keymap->global.macro_sequence_timeout_us > 1000;
}

/* Hours of a macro every millisecond are correct, and too slow to watch. */
static bool
has_fast_repeat(const RemapKeymap *keymap)
{
	bool is_fast = keymap->global.macro_repeat_timeout < 10;

	for (size_t i = 0; i < keymap->action_count; i++)
		is_fast |= keymap->actions[i].op == REMAP_OP_MACRO2 && keymap->actions[i].b < 10;
	return is_fast;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, 0, size) : NULL;
	size_t length = end ? (size_t)(end - data) : size;
	RemapSource source = { .name = "input", .text = (const char *)data, .length = length };
	RemapKeymap *keymap;

	if (length > 4096 || size == 0)
		return 0;
	keymap = remap_keymap_load(&source, NULL);
	if (keymap && end && !has_long_delay(keymap) && !has_fast_repeat(keymap)) {
		uint64_t hash = run(keymap, end + 1, size - length - 1, false);

		g_assert_cmpuint(hash, ==, run(keymap, end + 1, size - length - 1, false));
		g_assert_cmpuint(hash, ==, run(keymap, end + 1, size - length - 1, true));
	}
	remap_keymap_free(keymap);
	return 0;
}
