// SPDX-License-Identifier: GPL-3.0-or-later
/* Random configurations and streams through the checks of fuzz-machine.c (which is linked in): every press has
 * its release, nothing stays down, the same input gives the same output, ticks in between change nothing. Also: no
 * allocation on the event path.
 * Pure. */
#include "keys/remap/machine.h"

#include <glib.h>
#include <malloc.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const keys[] = { "a", "s", "d",	  "j",	   "k",	    "l",	  "q",
				    "w", "e", "capslock", "space", "shift", "leftcontrol" };
static const char *const layers[] = { "nav", "ctl", "sym", "shift", "control", "meta" };
static const char *const simple[] = { "x",
				      "C-y",
				      "S-z",
				      "noop",
				      "macro(x y)",
				      "macro(x 20ms C-y)",
				      "repeat()",
				      "clear()",
				      "clearm(macro(m n))",
				      "macro(leftshift+x)",
				      "command(true)",
				      "capsword()",
				      "setlayout(dv)",
				      "setlayout(main)" };

static const char *
pick(GRand *random, const char *const *list, gint count)
{
	return list[g_rand_int_range(random, 0, count)];
}

#define PICK(random, list) pick(random, list, G_N_ELEMENTS(list))

static char *
random_action(GRand *random, int depth)
{
	g_autofree char *one =
		depth > 2 ? g_strdup(PICK(random, simple))
			  : random_action(random, depth + 1 + g_rand_int_range(random, 0, 2));
	g_autofree char *two = g_strdup(PICK(random, simple));
	const char *layer = PICK(random, layers);
	int ms = g_rand_int_range(random, 0, 300);

	switch (depth > 2 ? 0 : g_rand_int_range(random, 0, 20)) {
	case 0:
	case 1:
		return g_strdup(PICK(random, simple));
	case 2:
		return g_strdup_printf("layer(%s)", layer);
	case 3:
		return g_strdup_printf("oneshot(%s)", layer);
	case 4:
		return g_strdup_printf("toggle(%s)", layer);
	case 5:
		return g_strdup_printf("swap(%s)", layer);
	case 6:
		return g_strdup_printf("overload(%s, %s)", layer, one);
	case 7:
		return g_strdup_printf("overloadt(%s, %s, %d)", layer, one, ms);
	case 8:
		return g_strdup_printf("overloadt2(%s, %s, %d)", layer, one, ms);
	case 9:
		return g_strdup_printf("overloadh(%s, %s, %d)", layer, one, ms);
	case 10:
		return g_strdup_printf("overloadi(%s, %s, %d)", one, two, ms);
	case 11:
		return g_strdup_printf("lettermod(%s, %s, %d, 200)", layer, one, ms);
	case 12:
		return g_strdup_printf("timeout(%s, %d, %s)", one, ms, two);
	case 13:
		return g_strdup_printf("tapdance(%s, %s, %d)", two, one, ms);
	case 14:
		return g_strdup_printf("macro2(%d, 40, macro(x))", ms);
	case 15:
		return g_strdup_printf("oneshotk(%s, f)", layer);
	case 16:
		return g_strdup_printf("layerm(%s, macro(x 10ms y))", layer);
	case 17:
		return g_strdup_printf("swapm(%s, tab)", layer);
	case 18:
		return g_strdup_printf("togglem(%s, macro(x))", layer);
	default:
		return g_strdup("leader(seq)");
	}
}

static void
add_section(GRand *random, GString *config, const char *header)
{
	int count = g_rand_int_range(random, 0, 9);

	g_string_append_printf(config, "[%s]\n", header);
	for (int i = 0; i < count; i++) {
		g_autofree char *action = random_action(random, 0);

		g_string_append_printf(config, "%s = %s\n", PICK(random, keys), action);
	}
	if (g_rand_boolean(random)) {
		g_autofree char *action = random_action(random, 1);

		g_string_append_printf(config, "%s = %s\n",
				       g_rand_boolean(random) ? "a+s" : "j+k+l", action);
	}
}

static GString *
random_config(GRand *random)
{
	GString *config = g_string_new("[ids]\n*\n[global]\n");

	g_string_append_printf(config, "oneshot_timeout = %d\n", g_rand_boolean(random) ? 200 : 0);
	g_string_append_printf(config, "chord_hold_timeout = %d\n",
			       g_rand_boolean(random) ? 80 : 0);
	g_string_append_printf(config, "tap_repeat_timeout = %d\n",
			       g_rand_boolean(random) ? 150 : 0);
	g_string_append_printf(config, "oneshot_lock_timeout = %d\n",
			       g_rand_boolean(random) ? 250 : 0);
	g_string_append(
		config,
		"[dv:layout]\na = x\nq = setlayout(main)\n[seq:leader]\na s = y\nd = layer(nav)\n");
	add_section(random, config, "nav");
	add_section(random, config, "ctl:C");
	add_section(random, config, "sym:A-S");
	add_section(random, config, "nav+ctl");
	add_section(random, config, "main");
	return config;
}

static void
test_random(void)
{
	guint32 seed = g_test_rand_int();
	g_autoptr(GRand) random = g_rand_new_with_seed(seed);
	int rounds = g_test_slow() ? 5000 : 300;

	g_test_message("seed %u", seed);
	for (int i = 0; i < rounds; i++) {
		g_autoptr(GString) config = random_config(random);
		RemapDiags diags = { 0 };
		RemapKeymap *keymap = remap_keymap_load(&(RemapSource){ .text = config->str,
									.length = config->len },
							&diags);

		if (!keymap)
			g_error("%s\n%u:%u: %s", config->str, diags.list[0].line,
				diags.list[0].column, diags.list[0].message);
		remap_keymap_free(keymap);
		remap_diags_clear(&diags);
		if (g_test_verbose())
			g_test_message("%s", config->str);
		g_string_append_c(config, '\0');
		for (int byte = 0; byte < 300; byte++)
			g_string_append_c(config,
					  (char)(byte % 3 == 2 ? g_rand_int_range(random, 0, 110)
							       : g_rand_int_range(random, 0, 256)));
		LLVMFuzzerTestOneInput((const uint8_t *)config->str, config->len);
	}
}

static void
test_no_allocation(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(7);
	g_autoptr(GString) config = random_config(random);
	RemapKeymap *keymap =
		remap_keymap_load(&(RemapSource){ .text = config->str, .length = config->len },
				  NULL);
	RemapMachine *machine = remap_machine_new(keymap, NULL);
	size_t before, size = remap_machine_size(machine);

	g_assert_cmpuint(size, <, 64 * 1024);
	before = mallinfo2().uordblks;
	for (guint i = 0; i < 20000; i++)
		remap_machine_feed(machine, (uint16_t)g_rand_int_range(random, 1, 127),
				   (int)(i & 1), i * 7000ULL);
	g_assert_cmpuint(mallinfo2().uordblks, ==, before);
	remap_machine_free(machine);
	remap_keymap_free(keymap);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/keys/machine/random-configurations", test_random);
	g_test_add_func("/keys/machine/no-allocation", test_no_allocation);
	return g_test_run();
}
