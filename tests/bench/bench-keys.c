// SPDX-License-Identifier: GPL-3.0-or-later
/* Feeds a deterministic typing stream to the machine: bench-keys CONFIG EVENTS. For counting instructions
 * under callgrind (bench-keys.py), so it prints nothing else than the size of the state.
 * I/O: reads the configuration. */
#include "keys/remap/machine.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t outputs;

static void
count(void *data, const RemapOut *out)
{
	outputs += out->kind == REMAP_OUT_KEY;
}

/* Numerical Recipes' generator: the same stream everywhere. */
static uint32_t
next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

static const uint16_t letters[] = { 18, 20, 30, 24, 23, 49, 31, 35, 19, 38, 32, 22, 22,
				    46, 50, 33, 34, 47, 48, 37, 57, 57, 57, 14, 28 };

/* Kept apart so that callgrind shows its inclusive cost. */
__attribute__((noinline)) static void
bench_feed(RemapMachine *machine, uint16_t code, int value, RemapUsec time)
{
	remap_machine_feed(machine, code, value, time);
}

/* Keys of about 80 ms, one after the other and sometimes overlapping; now and then Shift or Control. */
static void
type_stream(RemapMachine *machine, unsigned events)
{
	uint32_t state = 1;
	RemapUsec time = 0;

	for (unsigned i = 0; i + 4 <= events; i += 4) {
		uint16_t one = letters[next(&state) % G_N_ELEMENTS(letters)];
		uint16_t two = letters[next(&state) % G_N_ELEMENTS(letters)];
		bool has_mod = next(&state) % 10 == 0;

		if (has_mod)
			one = next(&state) % 2 ? 42 : 29;
		bench_feed(machine, one, 1, time += 40000 + next(&state) % 60000);
		if (has_mod || next(&state) % 3 == 0) {
			bench_feed(machine, two, 1, time += 30000);
			bench_feed(machine, has_mod ? two : one, 0, time += 50000);
			bench_feed(machine, has_mod ? one : two, 0, time += 30000);
		} else {
			bench_feed(machine, one, 0, time += 60000);
			bench_feed(machine, two, 1, time += 50000);
			bench_feed(machine, two, 0, time += 60000);
		}
	}
}

int
main(int argc, char **argv)
{
	g_autofree char *text = NULL;
	RemapDiags diags = { 0 };
	RemapKeymap *keymap;
	RemapMachine *machine;
	gsize length;

	if (argc != 3 || !g_file_get_contents(argv[1], &text, &length, NULL))
		return 2;
	keymap =
		remap_keymap_load(&(RemapSource){ .name = argv[1], .text = text, .length = length },
				  &diags);
	if (!keymap) {
		fprintf(stderr, "%u: %s\n", diags.list[0].line, diags.list[0].message);
		return 1;
	}
	machine = remap_machine_new(keymap, &(RemapSink){ .emit = count });
	type_stream(machine, (unsigned)strtoul(argv[2], NULL, 10));
	printf("state %zu bytes, %" G_GUINT64_FORMAT " outputs\n", remap_machine_size(machine),
	       outputs);
	remap_machine_free(machine);
	remap_keymap_free(keymap);
	remap_diags_clear(&diags);
	return 0;
}
