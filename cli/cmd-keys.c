/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy keys: the table of sub-commands, and check, compile and list. I/O: files, standard output and error. */
#include "cli/cmd-keys.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cli/keys-ask.h"
#include "keys/remap/action-table.h"
#include "keys/remap/lint.h"
#include "keys/remap/print.h"

const TidyKeysCommand tidy_keys_commands[] = {
	{ "check", "[FILE]", "look for errors in a key configuration, and say what is in it",
	  "Prints errors, warnings and notes as FILE:LINE:COLUMN, then the layers and devices. The "
	  "exit status is 1 "
	  "when there is an error.",
	  tidy_keys_check },
	{ "simulate", "--config FILE", "show what a configuration makes of key events",
	  "Reads lines 'TIME KEY down|up|repeat' or 'TIME tick' (ms) and prints 'TIME KEY down|up' "
	  "on a virtual clock.",
	  tidy_keys_simulate },
	{ "compile", "[FILE]", "print the configuration that the key helper gets",
	  "Includes are put in their place, names and text are turned into keys.",
	  tidy_keys_compile },
	{ "list", "", "list the names of all keys",
	  "With the evdev code, and what the key types on this layout.", tidy_keys_list },
	{ "show", "[FILE]", "draw the keyboard, one picture for each layer",
	  "Changed keys are marked.", tidy_keys_show },
	{ "import", "xmodmap|keyd [FILE]", "print a configuration made from another program's",
	  "What cannot be carried over becomes a comment with the reason.", tidy_keys_import },
	{ "status", "", "show what is remapped, by whom, and what is wrong",
	  "How the helper was obtained, the keymap, active layers, counts and devices.",
	  tidy_keys_status },
	{ "devices", "", "list the keyboards and mice, also those that are left alone",
	  "With the id for [ids] of keyremap.conf, and why a device is left alone.",
	  tidy_keys_devices },
	{ "reload", "", "read keyremap.conf again, and try again what was given up",
	  "It is read by itself when it changes; the keyboard layout of the system is not.",
	  tidy_keys_reload },
	{ "suspend", "", "keys as without xdgtidy, until 'resume'", "", tidy_keys_suspend },
	{ "resume", "", "end 'suspend', or what backspace+escape+enter did", "", tidy_keys_resume },
	{ "try", "FILE", "use another configuration for 15 s, unless you keep it",
	  "On a terminal it asks; without an answer what was before comes back.", tidy_keys_try },
	{ "monitor", "", "print what keyboards send and what becomes of it",
	  "Reads the devices itself, with your rights: as root. Not while the screen is locked.",
	  tidy_keys_monitor },
	{ "test", "", "press keys in this terminal, see what arrives", "", tidy_keys_test },
	{ NULL, NULL, NULL, NULL, NULL },
};

static int
show_help(FILE *stream)
{
	fprintf(stream, "usage: xdgtidy keys COMMAND [OPTION...]\n\n");
	for (const TidyKeysCommand *row = tidy_keys_commands; row->name; row++)
		fprintf(stream, "  %-9s %-20s %s\n", row->name, row->args, row->summary);
	return stream == stdout ? 0 : 2;
}

int
tidy_cmd_keys(int argc, char **argv)
{
	RemapNearest nearest = { 0 };

	if (argc < 2)
		return show_help(stderr);
	if (g_str_equal(argv[1], "--help") || g_str_equal(argv[1], "-h") ||
	    g_str_equal(argv[1], "help"))
		return show_help(stdout);
	nearest = (RemapNearest){ .name = argv[1], .length = strlen(argv[1]) };
	for (const TidyKeysCommand *row = tidy_keys_commands; row->name; row++) {
		g_autofree char *synopsis = g_strdup_printf("%s\n\n%s", row->args, row->help);

		if (g_str_equal(row->name, argv[1]))
			return row->run(argc - 1, argv + 1, synopsis);
		remap_nearest_offer(&nearest, row->name);
	}
	fprintf(stderr, "xdgtidy keys: no command '%s'%s%s%s\n", argv[1],
		nearest.best ? "; did you mean '" : "", nearest.best ? nearest.best : "",
		nearest.best ? "'?" : "");
	return 2;
}

/* ---- what the sub-commands share ---- */

void
tidy_keys_layout_clear(TidyKeysLayout *wanted)
{
	g_free(wanted->rules);
	g_free(wanted->model);
	g_free(wanted->layout);
	g_free(wanted->variant);
	g_free(wanted->options);
	memset(wanted, 0, sizeof(*wanted));
}

gboolean
tidy_keys_parse(int *argc, char ***argv, const char *synopsis, const GOptionEntry *own,
		TidyKeysLayout *wanted)
{
	g_autoptr(GOptionContext) context = g_option_context_new(synopsis);
	g_autofree char *program = g_strdup_printf("xdgtidy keys %s", (*argv)[0]);
	g_autoptr(GError) error = NULL;

	g_set_prgname(program);
	if (own)
		g_option_context_add_main_entries(context, own, NULL);
	if (wanted) {
		const GOptionEntry entries[] = {
			{ "layout", 0, 0, G_OPTION_ARG_STRING, &wanted->layout,
			  "keyboard layout (default: the system's)", "NAME" },
			{ "variant", 0, 0, G_OPTION_ARG_STRING, &wanted->variant, "its variant",
			  "NAME" },
			{ "model", 0, 0, G_OPTION_ARG_STRING, &wanted->model, "keyboard model",
			  "NAME" },
			{ "xkb-options", 0, 0, G_OPTION_ARG_STRING, &wanted->options, "XKB options",
			  "LIST" },
			G_OPTION_ENTRY_NULL,
		};

		g_option_context_add_main_entries(context, entries, NULL);
	}
	if (g_option_context_parse(context, argc, argv, &error))
		return TRUE;
	fprintf(stderr, "%s: %s\n", program, error->message);
	return FALSE;
}

gboolean
tidy_keys_open_layout(TidyKeys *keys, const TidyKeysLayout *wanted)
{
	const RemapLayoutNames names = { wanted->rules, wanted->model, wanted->layout,
					 wanted->variant, wanted->options };

	if (!remap_compiled_open(keys, &names))
		fprintf(stderr, "xdgtidy keys: XKB knows no layout '%s%s%s'\n",
			wanted->layout ? wanted->layout : "(default)", wanted->variant ? ":" : "",
			wanted->variant ? wanted->variant : "");
	return keys->layout != NULL;
}

char *
tidy_keys_default_path(void)
{
	return g_build_filename(g_get_user_config_dir(), "xdgtidy", "keyremap.conf", NULL);
}

void
tidy_keys_print_diags(const RemapDiags *diags, FILE *stream)
{
	for (size_t i = 0; i < diags->count; i++) {
		const RemapDiag *diag = &diags->list[i];

		if (diag->line)
			fprintf(stream, "%s:%u:%u: ", diag->file, diag->line, diag->column);
		fprintf(stream, "%s: %s\n", remap_severity_name(diag->severity), diag->message);
	}
	if (diags->count == REMAP_DIAGS_MAX)
		fprintf(stream, "and more: %zu errors, %zu warnings in all\n", diags->errors,
			diags->warnings);
}

static void
load_input(TidyKeys *keys)
{
	g_autoptr(GString) text = g_string_new(NULL);
	RemapSource source = { .name = "-" };
	char buffer[4096];
	size_t got;

	while ((got = fread(buffer, 1, sizeof(buffer), stdin)) > 0 && text->len <= REMAP_TEXT_MAX)
		g_string_append_len(text, buffer, (gssize)got);
	source.text = text->str;
	source.length = text->len;
	keys->files.layout = keys->layout;
	keys->files.diags = &keys->diags;
	remap_files_hook(&keys->files, &source);
	keys->keymap = remap_keymap_load(&source, &keys->diags);
}

gboolean
tidy_keys_load(TidyKeys *keys, const char *path, gboolean is_quiet)
{
	g_autofree char *standard = path ? NULL : tidy_keys_default_path();
	int result = 0;

	if (g_strcmp0(path, "-") == 0)
		load_input(keys);
	else
		result = remap_compiled_load(keys, path ? path : standard);
	if (result < 0)
		fprintf(stderr, "%s: %s\n", path ? path : standard, g_strerror(-result));
	else if (!keys->keymap && !is_quiet)
		tidy_keys_print_diags(&keys->diags, stderr);
	return keys->keymap != NULL;
}

/* ---- check ---- */

static const char *
kind_name(const RemapLayer *layer)
{
	switch (layer->kind) {
	case REMAP_LAYER_LAYOUT:
		return "layout";
	case REMAP_LAYER_COMPOSITE:
		return "composite";
	case REMAP_LAYER_LEADER:
		return "sequences";
	case REMAP_LAYER_NORMAL:
		break;
	}
	return "";
}

static void
print_layer(const RemapKeymap *keymap, unsigned index)
{
	const RemapLayer *layer = &keymap->layers[index];
	unsigned keys = 0, chords = 0, sequences = 0;
	char mods[10];

	for (size_t i = 0; i < keymap->binding_count; i++)
		keys += keymap->bindings[i].layer == index && keymap->bindings[i].action &&
			!keymap->bindings[i].builtin;
	for (size_t i = 0; i < keymap->chord_count; i++)
		chords += keymap->chords[i].layer == index;
	for (size_t i = 0; i < keymap->sequence_count; i++)
		sequences += keymap->sequences[i].layer == index;
	if (layer->builtin && keys + chords == 0)
		return;
	remap_mods_print(layer->mods, mods);
	printf("  %-16s %4u key%s", layer->name, keys, keys == 1 ? " " : "s");
	if (chords)
		printf(", %u chord%s", chords, chords == 1 ? "" : "s");
	if (sequences)
		printf(", %u sequence%s", sequences, sequences == 1 ? "" : "s");
	if (*mods)
		printf(", modifiers %s", mods);
	if (layer->kind != REMAP_LAYER_NORMAL && index)
		printf(", %s", kind_name(layer));
	printf("\n");
}

static void
print_summary(const TidyKeys *keys)
{
	const RemapKeymap *keymap = keys->keymap;

	printf("devices: %s", keymap->wildcard ? "every keyboard" : keymap->id_count ? "" : "none");
	for (size_t i = 0; i < keymap->id_count; i++) {
		const RemapId *id = &keymap->ids[i];

		printf("%s%s%s%s", i || keymap->wildcard ? ", " : "",
		       id->flags & REMAP_ID_EXCLUDE ? "not " : "", id->text,
		       id->flags == REMAP_ID_MOUSE			   ? " (mouse)"
		       : id->flags == (REMAP_ID_KEYBOARD | REMAP_ID_OTHER) ? " (keyboard)"
									   : "");
	}
	printf("\nlayers:\n");
	for (unsigned i = 0; i < keymap->layer_count; i++)
		print_layer(keymap, i);
	printf("text is typed for the layout %s\n", remap_layout_describe(keys->layout));
}

int
tidy_keys_check(int argc, char **argv, const char *synopsis)
{
	g_auto(TidyKeysLayout) wanted = { 0 };
	gboolean is_quiet = FALSE;
	g_auto(TidyKeys) keys = { 0 };
	const GOptionEntry options[] = {
		{ "quiet", 'q', 0, G_OPTION_ARG_NONE, &is_quiet, "only errors and warnings", NULL },
		G_OPTION_ENTRY_NULL,
	};

	if (!tidy_keys_parse(&argc, &argv, synopsis, options, &wanted) || argc > 2)
		return 2;
	if (!tidy_keys_open_layout(&keys, &wanted))
		return 2;
	if (!tidy_keys_load(&keys, argc > 1 ? argv[1] : NULL, FALSE))
		return 1;
	remap_keymap_lint(keys.keymap, &keys.diags);
	tidy_keys_print_diags(&keys.diags, stderr);
	if (!is_quiet)
		print_summary(&keys);
	return 0;
}

/* ---- compile ---- */

static void
print_text(void *data, const char *text)
{
	fputs(text, data);
}

static void
print_compose(const TidyKeys *keys)
{
	const char *at = keys->files.composed;

	for (; at && *at; at = g_utf8_next_char(at)) {
		char line[128];

		remap_compose_line(g_utf8_get_char(at), line, sizeof(line));
		puts(line);
	}
}

int
tidy_keys_compile(int argc, char **argv, const char *synopsis)
{
	g_auto(TidyKeysLayout) wanted = { 0 };
	gboolean is_compose = FALSE;
	g_auto(TidyKeys) keys = { 0 };
	const GOptionEntry options[] = {
		{ "compose", 0, 0, G_OPTION_ARG_NONE, &is_compose,
		  "print instead what ~/.XCompose needs for unicode = compose", NULL },
		G_OPTION_ENTRY_NULL,
	};

	if (!tidy_keys_parse(&argc, &argv, synopsis, options, &wanted) || argc > 2)
		return 2;
	if (!tidy_keys_open_layout(&keys, &wanted))
		return 2;
	if (!tidy_keys_load(&keys, argc > 1 ? argv[1] : NULL, FALSE))
		return 1;
	if (is_compose)
		print_compose(&keys);
	else
		remap_keymap_print(keys.keymap, print_text, stdout);
	return 0;
}

/* ---- list ---- */

/* For keyremap.conf(5): a tagged list in mdoc(7), which wants each sentence on a line of its own. */
static void
list_actions(void)
{
	for (size_t i = 0; i < remap_actions_count; i++) {
		const RemapActionRow *row = &remap_actions[i];
		g_auto(GStrv) sentences = g_strsplit(row->summary ? row->summary : "", ". ", -1);
		g_autofree char *text = g_strjoinv(".\n", sentences);

		if (!row->summary)
			continue;
		if (row->name && *row->signature)
			printf(".It Ic %s Ns Pq Ar %s\n%s\n", row->name, row->signature, text);
		else if (row->name)
			printf(".It Ic %s Ns ()\n%s\n", row->name, text);
		else
			printf(".It Ar %s\n%s\n", row->signature, text);
	}
}

int
tidy_keys_list(int argc, char **argv, const char *synopsis)
{
	g_auto(TidyKeysLayout) wanted = { 0 };
	gboolean is_actions = FALSE;
	g_auto(TidyKeys) keys = { 0 };
	const GOptionEntry options[] = {
		{ "actions", 0, 0, G_OPTION_ARG_NONE, &is_actions,
		  "the actions instead, as mdoc(7) for the manual page", NULL },
		G_OPTION_ENTRY_NULL,
	};

	if (!tidy_keys_parse(&argc, &argv, synopsis, options, &wanted) || argc > 1)
		return 2;
	if (is_actions) {
		list_actions();
		return 0;
	}
	if (!tidy_keys_open_layout(&keys, &wanted))
		return 2;
	printf("# code name (other name) kernel name: plain, shifted, AltGr on %s\n",
	       remap_layout_describe(keys.layout));
	for (size_t i = 0; i < remap_key_names_count; i++) {
		const RemapKeyName *row = &remap_key_names[i];
		char plain[16], shifted[16], altgr[16];
		g_autofree char *names = row->other
						 ? g_strdup_printf("%s (%s)", row->name, row->other)
						 : g_strdup(row->name);

		remap_layout_label(keys.layout, row->code, 0, plain);
		remap_layout_label(keys.layout, row->code, REMAP_MOD_SHIFT, shifted);
		remap_layout_label(keys.layout, row->code, REMAP_MOD_ALTGR, altgr);
		printf("%4u %-24s %s", row->code, names,
		       row->kernel ? row->kernel : "(not an evdev key)");
		if (*plain || *shifted || *altgr)
			printf(": %s %s %s", plain, shifted,
			       g_str_equal(altgr, plain) ? "" : altgr);
		putchar('\n');
	}
	return 0;
}
