/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * xdgtidy keys simulate: key events in, key events out, on a virtual clock. What --record writes is the input, with the
 * output in comments, and so is an input itself. I/O: standard input and output, that file.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd-keys.h"
#include "keys/remap/machine.h"

typedef struct {
	RemapKeymap *keymap;
	gboolean is_quiet;
	gboolean has_layers;
	FILE *record; /* or NULL */
} Simulation;

static void say(const Simulation *simulation, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
say(const Simulation *simulation, const char *format, ...)
{
	va_list arguments;

	if (!simulation->is_quiet) {
		va_start(arguments, format);
		vprintf(format, arguments);
		va_end(arguments);
	}
	if (simulation->record) {
		va_start(arguments, format);
		fputs("# -> ", simulation->record);
		vfprintf(simulation->record, format, arguments);
		va_end(arguments);
	}
}

static void
write_out(void *data, const RemapOut *out)
{
	const Simulation *simulation = data;
	unsigned long long ms = out->time / 1000;
	const char *name = remap_key_name(out->code);

	if (simulation->is_quiet && !simulation->record)
		return;
	switch (out->kind) {
	case REMAP_OUT_KEY:
		if (name)
			say(simulation, "%llu %s %s\n", ms, name, out->value ? "down" : "up");
		else
			say(simulation, "%llu #%u %s\n", ms, out->code, out->value ? "down" : "up");
		break;
	case REMAP_OUT_LAYER:
		if (simulation->has_layers)
			say(simulation, "# %llu layer %c%s\n", ms, out->value ? '+' : '-',
			    simulation->keymap->layers[out->code].name);
		break;
	case REMAP_OUT_COMMAND:
		say(simulation, "# %llu command: %s\n", ms,
		    simulation->keymap->commands[out->code]);
		break;
	case REMAP_OUT_SCROLL:
	case REMAP_OUT_INDICATOR:
		break;
	}
}

/* One line of the protocol. FALSE: it is none. */
static gboolean
feed_line(RemapMachine *machine, char *line, RemapUsec *last)
{
	g_auto(GStrv) words = g_strsplit_set(line, " \t", -1);
	guint64 ms;
	int code, value;

	if (!*line || g_str_has_prefix(line, "# "))
		return TRUE;
	if (!words[0] || !words[1] ||
	    !g_ascii_string_to_unsigned(words[0], 10, 0, G_MAXUINT64 / 1000000, &ms, NULL))
		return FALSE;
	if (ms * 1000 < *last)
		return FALSE;
	*last = ms * 1000;
	if (g_str_equal(words[1], "tick") && !words[2]) {
		remap_machine_tick(machine, *last);
		return TRUE;
	}
	code = remap_key_parse(words[1], strlen(words[1]));
	if (code < 0 || !words[2] || words[3])
		return FALSE;
	if (g_str_equal(words[2], "down"))
		value = 1;
	else if (g_str_equal(words[2], "up"))
		value = 0;
	else if (g_str_equal(words[2], "repeat"))
		value = 2;
	else
		return FALSE;
	remap_machine_feed(machine, (uint16_t)code, value, *last);
	return TRUE;
}

/* A tick jumps over many deadlines; output of a machine comes in order all the same. */
static int
run(Simulation *simulation)
{
	const RemapSink sink = { .emit = write_out, .data = simulation };
	RemapMachine *machine = remap_machine_new(simulation->keymap, &sink);
	g_autofree char *line = NULL;
	RemapUsec last = 0;
	unsigned number = 0;
	size_t size = 0;
	ssize_t length;
	int status = 0;

	g_assert(machine);
	while (status == 0 && (length = getline(&line, &size, stdin)) >= 0) {
		number++;
		if (length && line[length - 1] == '\n')
			line[length - 1] = '\0';
		if (simulation->record)
			fprintf(simulation->record, "%s\n", line);
		if (feed_line(machine, line, &last))
			continue;
		fflush(stdout);
		fprintf(stderr,
			"line %u: expected 'TIME KEY down|up|repeat' or 'TIME tick', times in ms "
			"and never falling\n",
			number);
		status = 2;
	}
	remap_machine_free(machine);
	return status;
}

int
tidy_keys_simulate(int argc, char **argv, const char *synopsis)
{
	g_auto(TidyKeysLayout) wanted = { 0 };
	g_autofree char *path = NULL;
	g_autofree char *record = NULL;
	int status;
	Simulation simulation = { 0 };
	g_auto(TidyKeys) keys = { 0 };
	const GOptionEntry options[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &path, "the configuration", "FILE" },
		{ "quiet", 'q', 0, G_OPTION_ARG_NONE, &simulation.is_quiet, "no output", NULL },
		{ "layers", 0, 0, G_OPTION_ARG_NONE, &simulation.has_layers,
		  "also '# TIME layer +name|-name'", NULL },
		{ "record", 0, 0, G_OPTION_ARG_FILENAME, &record,
		  "write the input to FILE, with the output in comments: an input to be run again",
		  "FILE" },
		G_OPTION_ENTRY_NULL,
	};

	if (!tidy_keys_parse(&argc, &argv, synopsis, options, &wanted) || argc > 1)
		return 2;
	if (!tidy_keys_open_layout(&keys, &wanted))
		return 2;
	if (!tidy_keys_load(&keys, path, FALSE))
		return 1;
	simulation.keymap = keys.keymap;
	/* Exclusively: what a user recorded before is not overwritten. */
	if (record) {
		simulation.record = fopen(record, "wxe");
		if (!simulation.record) {
			fprintf(stderr, "%s: %s\n", record, g_strerror(errno));
			return 2;
		}
	}
	status = run(&simulation);
	if (simulation.record && fclose(simulation.record) != 0) {
		fprintf(stderr, "%s: %s\n", record, g_strerror(errno));
		return 2;
	}
	return status;
}
