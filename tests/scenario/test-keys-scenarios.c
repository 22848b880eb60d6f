// SPDX-License-Identifier: GPL-3.0-or-later
/* Runs the plain-text key scenarios of tests/scenario/keys on a virtual clock. The format: README there.
 * I/O: reads the scenario files. */
#include "keys/remap/lint.h"
#include "keys/remap/machine.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

typedef struct Case {
	char *title;
	GString *input, *expected;
	guint line;
} Case;

typedef struct Run {
	RemapKeymap *keymap;
	RemapMachine *machine;
	GString *output;
	bool wants_layers;
	bool wants_times;
} Run;

static void
note_out(void *data, const RemapOut *out)
{
	Run *run = data;
	const RemapKeyName *row = remap_key_row(out->code);
	/* ';' parts events here. */
	const char *name = !row ? NULL : g_str_equal(row->name, ";") ? row->other : row->name;

	switch (out->kind) {
	case REMAP_OUT_KEY:
		if (name)
			g_string_append(run->output, name);
		else
			g_string_append_printf(run->output, "#%u", out->code);
		g_string_append(run->output, out->value ? " down" : " up");
		break;
	case REMAP_OUT_LAYER:
		if (!run->wants_layers)
			return;
		g_string_append_printf(run->output, "%c%s", out->value ? '+' : '-',
				       run->keymap->layers[out->code].name);
		break;
	case REMAP_OUT_COMMAND:
		g_string_append_printf(run->output, "command %s", run->keymap->commands[out->code]);
		break;
	case REMAP_OUT_SCROLL:
		g_string_append_printf(run->output, "scroll %d", out->value);
		break;
	case REMAP_OUT_INDICATOR:
		g_string_append(run->output, out->value ? "light on" : "light off");
		break;
	}
	if (run->wants_times)
		g_string_append_printf(run->output, " @%" G_GUINT64_FORMAT, out->time / 1000);
	g_string_append(run->output, "; ");
}

static void
feed_key(Run *run, const char *token, guint64 time)
{
	const char *blank = strrchr(token, ' ');
	int code = blank ? remap_key_parse(token, (size_t)(blank - token)) : -1;
	const char *what = blank ? blank + 1 : "";

	if (code < 0)
		g_error("scenario: \"%s\" is no key event", token);
	if (g_str_equal(what, "tap")) {
		remap_machine_feed(run->machine, (uint16_t)code, 1, time);
		remap_machine_feed(run->machine, (uint16_t)code, 0, time);
		return;
	}
	g_assert_true(g_str_equal(what, "down") || g_str_equal(what, "up") ||
		      g_str_equal(what, "repeat"));
	remap_machine_feed(run->machine, (uint16_t)code,
			   g_str_equal(what, "down") ? 1
			   : g_str_equal(what, "up") ? 0
						     : 2,
			   time);
}

static guint64
feed_token(Run *run, const char *token, guint64 time)
{
	int32_t ticks[2] = { 0, 0 };
	char *end = NULL;
	guint64 ms = g_ascii_strtoull(token, &end, 10);
	int dx, dy;

	if (end != token && g_str_equal(end, "ms")) {
		time += ms * 1000;
		remap_machine_tick(run->machine, time);
	} else if (g_str_equal(token, "release all")) {
		remap_machine_release_all(run->machine, time);
	} else if (sscanf(token, "mouse %d %d", &dx, &dy) == 2) {
		if (remap_machine_motion(run->machine, dx, dy, ticks))
			g_string_append_printf(run->output, "wheel %d %d; ", ticks[0], ticks[1]);
		else
			g_string_append(run->output, "pointer; ");
	} else if (g_str_has_prefix(token, "bind ")) {
		if (remap_machine_bind(run->machine, token + 5, NULL) < 0)
			g_string_append(run->output, "refused; ");
	} else {
		feed_key(run, token, time);
	}
	return time;
}

/* Whatever the case did: with all keys up and time gone by, nothing may stay down that is not latched. */
static void
check_end(Run *run, const Case *one, guint64 time)
{
	for (unsigned code = 1; code < REMAP_KEYS; code++)
		remap_machine_feed(run->machine, (uint16_t)code, 0, time);
	remap_machine_tick(run->machine, time + 100 * G_USEC_PER_SEC);
	if (!remap_machine_is_latched(run->machine) && !remap_machine_is_idle(run->machine))
		g_error("line %u: %s: something stays down or pending: %s", one->line, one->title,
			run->output->str);
}

static char *
normalise(const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, ";", -1);
	GString *joined = g_string_new(NULL);

	for (guint i = 0; parts[i]; i++) {
		g_strstrip(parts[i]);
		if (!*parts[i])
			continue;
		if (g_str_has_suffix(parts[i], " tap"))
			g_string_append_printf(joined, "%.*s down; %.*s up; ",
					       (int)strlen(parts[i]) - 4, parts[i],
					       (int)strlen(parts[i]) - 4, parts[i]);
		else
			g_string_append_printf(joined, "%s; ", parts[i]);
	}
	return g_string_free(joined, FALSE);
}

static void
run_case(RemapKeymap *keymap, const Case *one, const char *path)
{
	g_autofree char *expected = normalise(one->expected->str);
	g_auto(GStrv) tokens = g_strsplit(one->input->str, ";", -1);
	Run run = { .keymap = keymap, .output = g_string_new(NULL) };
	guint64 time = 0;

	run.wants_layers =
		g_str_has_prefix(expected, "+") || strstr(expected, " +") || strstr(expected, " -");
	run.wants_times = strchr(expected, '@') != NULL;
	run.machine = remap_machine_new(keymap, &(RemapSink){ .emit = note_out, .data = &run });
	for (guint i = 0; tokens[i]; i++) {
		g_strstrip(tokens[i]);
		if (*tokens[i])
			time = feed_token(&run, tokens[i], time);
	}
	if (!g_str_equal(run.output->str, expected)) {
		g_printerr("# %s:%u: %s\n#   expected %s\n#   got      %s\n", path, one->line,
			   one->title, expected, run.output->str);
		g_test_fail();
	}
	check_end(&run, one, time);
	remap_machine_free(run.machine);
	/* A bind is over with its case. */
	remap_keymap_bind(keymap, "reset", NULL);
	g_string_free(run.output, TRUE);
}

/* "! 3:5 error: text" in any order; texts are compared as parts. */
static void
check_diags(const RemapDiags *diags, GPtrArray *wanted, const char *path)
{
	for (guint i = 0; i < wanted->len; i++) {
		const char *text = g_ptr_array_index(wanted, i);
		bool is_found = false;

		for (size_t j = 0; j < diags->count && !is_found; j++) {
			const RemapDiag *diag = &diags->list[j];
			g_autofree char *full =
				g_strdup_printf("%u:%u %s: %s", diag->line, diag->column,
						remap_severity_name(diag->severity), diag->message);

			is_found = strstr(full, text) != NULL;
		}
		if (is_found)
			continue;
		g_printerr("# %s: no diagnostic \"%s\"\n", path, text);
		for (size_t j = 0; j < diags->count; j++)
			g_printerr("#   %u:%u %s: %s\n", diags->list[j].line, diags->list[j].column,
				   remap_severity_name(diags->list[j].severity),
				   diags->list[j].message);
		g_test_fail();
	}
}

static void
free_case(gpointer data)
{
	Case *one = data;

	g_free(one->title);
	g_string_free(one->input, TRUE);
	g_string_free(one->expected, TRUE);
	g_free(one);
}

/* "é" is typed as the e key, "€" not at all: enough to show where text goes without a layout. */
static int
type_text(void *data, uint32_t character, RemapUnicode unicode, RemapStroke *stroke)
{
	char c = (char)character;

	if (character == 0xe9) {
		*stroke = (RemapStroke){ .code = 18, .mods = REMAP_MOD_ALTGR };
		return 1;
	}
	return character < 128 && remap_keyseq_parse(&c, 1, &stroke->code, &stroke->mods) &&
	       unicode != REMAP_UNICODE_NONE;
}

static void
run_block(const char *config, GPtrArray *cases, GPtrArray *wanted, const char *path)
{
	RemapSource source = {
		.name = path, .text = config, .length = strlen(config), .type = type_text
	};
	RemapDiags diags = { 0 };
	RemapKeymap *keymap = remap_keymap_load(&source, &diags);

	if (keymap && wanted->len)
		remap_keymap_lint(keymap, &diags);
	check_diags(&diags, wanted, path);
	if (!keymap && (cases->len || !wanted->len))
		g_error("%s: %u: %s", path, diags.list[0].line, diags.list[0].message);
	for (guint i = 0; i < cases->len; i++)
		run_case(keymap, g_ptr_array_index(cases, i), path);
	remap_keymap_free(keymap);
	remap_diags_clear(&diags);
}

static Case *
new_case(const char *title, guint line)
{
	Case *one = g_new0(Case, 1);

	*one = (Case){ .title = g_strdup(title),
		       .input = g_string_new(NULL),
		       .expected = g_string_new(NULL),
		       .line = line };
	return one;
}

static void
read_case_line(const char *line, guint number, char **title, GPtrArray *cases, GPtrArray *wanted)
{
	Case *last = cases->len ? g_ptr_array_index(cases, cases->len - 1) : NULL;

	if (line[0] == '#') {
		g_free(*title);
		*title = g_strdup(line + 1);
	} else if (line[0] == '>') {
		if (!last || last->expected->len)
			g_ptr_array_add(cases, new_case(*title ? *title : "", number));
		last = g_ptr_array_index(cases, cases->len - 1);
		g_string_append_printf(last->input, "%s;", line + 1);
	} else if (line[0] == '<') {
		g_assert(last != NULL);
		g_string_append_printf(last->expected, "%s;", line + 1);
	} else if (line[0] == '!') {
		g_ptr_array_add(wanted, g_strdup(line + 2));
	} else if (line[0]) {
		g_error("line %u: expected #, >, < or !: %s", number, line);
	}
}

static void
test_file(gconstpointer data)
{
	const char *path = data;
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	g_autofree char *title = NULL;
	g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func(free_case);
	g_autoptr(GPtrArray) wanted = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) config = g_string_new(NULL);
	bool is_config = true;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i]; i++) {
		if (g_str_equal(lines[i], "---")) {
			is_config = false;
		} else if (g_str_equal(lines[i], "===")) {
			run_block(config->str, cases, wanted, path);
			g_ptr_array_set_size(cases, 0);
			g_ptr_array_set_size(wanted, 0);
			g_string_truncate(config, 0);
			is_config = true;
		} else if (is_config) {
			g_string_append_printf(config, "%s\n", lines[i]);
		} else {
			read_case_line(lines[i], i + 1, &title, cases, wanted);
		}
	}
	g_assert_false(is_config);
	run_block(config->str, cases, wanted, path);
}

int
main(int argc, char **argv)
{
	g_autoptr(GDir) dir = NULL;
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	const char *name;

	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(argc, ==, 2);
	dir = g_dir_open(argv[1], 0, NULL);
	g_assert_nonnull(dir);
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *test = g_strdup_printf("/keys/scenario/%s", name);
		char *path = g_build_filename(argv[1], name, NULL);

		g_ptr_array_add(paths, path);
		if (g_str_has_suffix(name, ".txt"))
			g_test_add_data_func(test, path, test_file);
	}
	g_assert_cmpuint(paths->len, >, 10);
	return g_test_run();
}
