/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of commands, the command line, help. I/O: standard output and standard error. */
#include "cli/commands.h"

#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd-keys.h"
#include "cli/cmd.h"

/* A typo is a name at most this many changes away, and never more than a third of its letters. */
#define MAX_TYPO_DISTANCE 3
#define HELP_WIDTH	  80

static TidyExit cmd_help(TidyInvocation *call);

/* For completion; a test compares them with the rows of cli/cmd-keys.c. */
static const char *const keys_words[] = { "check",  "simulate", "compile", "list",   "show",
					  "import", "status",	"devices", "reload", "suspend",
					  "resume", "try",	"monitor", "test",   NULL };

const TidyCommand tidy_commands[] = {
	{ .name = "status",
	  .args = "",
	  .summary = N_("show the daemon, the strays and what was done last"),
	  .help = N_("Shows whether the daemon runs, whether its configuration is good, which "
		     "stray directories "
		     "there are and what was done last.\n\n"
		     "Without a daemon the rest is shown all the same, and the exit status is 3."),
	  .run = tidy_cmd_status },
	{ .name = "scan",
	  .args = "",
	  .summary = N_("look for stray directories"),
	  .help = N_("Lists the user directories, the strays beside them, and for each stray what "
		     "may be done with "
		     "it and why. Changes nothing. The exit status is 1 when strays were found."),
	  .run = tidy_cmd_scan },
	{ .name = "merge",
	  .args = "[STRAY [TARGET]]",
	  .max_args = 2,
	  .summary = N_("merge strays into the directories they belong to"),
	  .help = N_("Merges STRAY into TARGET (else into the user directory it belongs to), or "
		     "every stray that may "
		     "be merged. Nothing is ever overwritten: of two different files with the same "
		     "name both are "
		     "kept, an identical one goes to the Trash, an unfinished download stays.\n\n"
		     "On a terminal the plan is shown and a yes is asked for; elsewhere --yes is "
		     "needed. Every "
		     "merge can be taken back with 'xdgtidy undo'. Interrupted with Ctrl-C it "
		     "stops after the step "
		     "it is at; the next merge goes on from there."),
	  .options = tidy_merge_options,
	  .argument = TIDY_ARGUMENT_DIRECTORY,
	  .run = tidy_cmd_merge },
	{ .name = "undo",
	  .args = "[ID]",
	  .max_args = 1,
	  .summary = N_("take a merge back, the latest or the one with that ID"),
	  .help = N_("Puts everything back where it was: names, times, modes, what went to the "
		     "Trash. Entries that "
		     "changed since are left alone and named. An undo can itself be undone.\n\n"
		     "IDs are shown by 'xdgtidy history'."),
	  .options = tidy_undo_options,
	  .run = tidy_cmd_undo },
	{ .name = "history",
	  .args = "[ID]",
	  .max_args = 1,
	  .summary = N_("list what was done, or the steps of one operation"),
	  .help = N_("Lists all operations, newest first, or each step of the one with that ID."),
	  .run = tidy_cmd_history },
	{ .name = "dupes",
	  .args = "[DIR...]",
	  .max_args = G_MAXUINT,
	  .summary = N_("find files and directories with equal content"),
	  .help = N_(
		  "Lists groups of files, and of whole directories, whose bytes are equal, in the "
		  "DIRs or in the user directories. The one that is kept is marked with *. "
		  "Without --trash, --hardlink or --reflink nothing is changed. With one of them "
		  "each "
		  "pair is compared once more when its turn comes, and 'xdgtidy undo' takes it "
		  "back.\n\n"
		  "Nothing is taken for equal by its size, its time or a checksum. Hard links of "
		  "one "
		  "file are shown as such and are no waste; nor are files that share their blocks. "
		  "Links are not followed, other file systems not entered. What is in a "
		  "repository, "
		  "an application or the files of a saved page is listed, but never the one to "
		  "go.\n\n"
		  "Interrupted with Ctrl-C it shows what it knows by then; the exit status is "
		  "130."),
	  .options = tidy_dupes_options,
	  .argument = TIDY_ARGUMENT_DIRECTORY,
	  .run = tidy_cmd_dupes },
	{ .name = "config",
	  .args = "check|show|path",
	  .max_args = 1,
	  .summary = N_("check or show the configuration"),
	  .help = N_("check: reads the configuration files and lists what is wrong with them, with "
		     "the place; the "
		     "exit status is 2 when something is.\n\n"
		     "show: every setting with the value in force and where it comes from.\n\n"
		     "path: the files that are read, the last one wins."),
	  .argument = TIDY_ARGUMENT_WORD,
	  .words = tidy_config_words,
	  .run = tidy_cmd_config },
	{ .name = "keys",
	  .args = "check|simulate|compile|list|show|import|status|devices|reload|suspend|resume|"
		  "try|"
		  "monitor|test",
	  .max_args = 1,
	  .summary = N_("remap keys; check, draw, try and import configurations"),
	  .help = N_("The daemon remaps keyboards as keyremap.conf says, see keyremap.conf(5).\n\n"
		     "check: lists mistakes with the place, then what is in the file.\n\n"
		     "simulate: what a configuration makes of key events, on a virtual clock.\n\n"
		     "compile: the configuration with its includes in their place, names and text "
		     "turned into keys.\n\n"
		     "list: the names of all keys. show: draws the keyboard. import: makes a "
		     "configuration of xmodmap's or keyd's.\n\n"
		     "status: what is remapped, by whom, and what is wrong. devices: also what is "
		     "left alone, and why.\n\n"
		     "reload: reads keyremap.conf again. suspend, resume: the keyboards as without "
		     "xdgtidy for a while.\n\n"
		     "try: another configuration for 15 seconds, unless you keep it.\n\n"
		     "monitor: what keyboards send and what becomes of it; needs the right to "
		     "read them, and an open screen. test: what arrives in this terminal.\n\n"
		     "'xdgtidy keys COMMAND --help' has the options of each."),
	  .argument = TIDY_ARGUMENT_WORD,
	  .words = keys_words,
	  .main = tidy_cmd_keys },
	{ .name = "pause",
	  .args = "",
	  .summary = N_("stop automatic merges until 'resume'"),
	  .help = N_("The daemon goes on watching but merges nothing by itself, also after a "
		     "restart. 'xdgtidy merge' "
		     "still works."),
	  .run = tidy_cmd_pause },
	{ .name = "resume",
	  .args = "",
	  .summary = N_("allow automatic merges again"),
	  .help = N_("Ends what 'xdgtidy pause' began."),
	  .run = tidy_cmd_resume },
	{ .name = "help",
	  .args = "[COMMAND]",
	  .max_args = 1,
	  .summary = N_("explain a command"),
	  .help = N_("Lists the commands, or explains one."),
	  .argument = TIDY_ARGUMENT_COMMAND,
	  .run = cmd_help },
	{ .name = NULL },
};

static struct {
	gboolean is_json;
	gboolean is_verbose;
	gboolean is_quiet;
	gboolean is_direct;
	gboolean has_no_progress;
	gboolean has_no_colour;
	gboolean is_help;
	char *colour;
} common;

static const GOptionEntry common_options[] = {
	{ "json", 0, 0, G_OPTION_ARG_NONE, &common.is_json,
	  N_("print one JSON object instead of text, errors too"), NULL },
	{ "verbose", 'v', 0, G_OPTION_ARG_NONE, &common.is_verbose, N_("cut no list short"), NULL },
	{ "quiet", 'q', 0, G_OPTION_ARG_NONE, &common.is_quiet, N_("print errors only"), NULL },
	{ "direct", 0, 0, G_OPTION_ARG_NONE, &common.is_direct,
	  N_("do the work here even when the daemon runs"), NULL },
	{ "color", 0, 0, G_OPTION_ARG_STRING, &common.colour,
	  N_("colour the output: always, never or auto (on a terminal)"), N_("WHEN") },
	{ "no-color", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &common.has_no_colour,
	  N_("as --color=never"), NULL },
	{ "no-progress", 0, 0, G_OPTION_ARG_NONE, &common.has_no_progress,
	  N_("draw no progress line"), NULL },
	{ "help", 'h', 0, G_OPTION_ARG_NONE, &common.is_help, N_("explain the command"), NULL },
	{ NULL, 0, 0, 0, NULL, NULL, NULL },
};

const GOptionEntry *
tidy_commands_common_options(void)
{
	return common_options;
}

const TidyCommand *
tidy_commands_find(const char *name)
{
	for (const TidyCommand *command = tidy_commands; command->name != NULL; command++) {
		if (strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

/* ---- the nearest name ---- */

/* Changes, insertions, deletions and swaps of neighbours that make @b of @a (optimal string alignment). */
static guint
distance(const char *a, const char *b)
{
	gsize width = strlen(b) + 1;
	gsize height = strlen(a) + 1;
	g_autofree guint *cells = g_new0(guint, width * height);

	for (gsize i = 0; i < height; i++) {
		for (gsize j = 0; j < width; j++) {
			guint *cell = &cells[i * width + j];

			if (i == 0 || j == 0) {
				*cell = (guint)(i + j);
				continue;
			}
			*cell = cell[-(gssize)width - 1] + (a[i - 1] != b[j - 1]);
			*cell = MIN(*cell, cell[-1] + 1);
			*cell = MIN(*cell, cell[-(gssize)width] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				*cell = MIN(*cell, cells[(i - 2) * width + j - 2] + 1);
		}
	}
	return cells[width * height - 1];
}

const char *
tidy_commands_nearest(const char *typo)
{
	const char *nearest = NULL;
	guint best = MAX_TYPO_DISTANCE;
	gsize length = strlen(typo);

	if (length > 32)
		return NULL;
	for (const TidyCommand *command = tidy_commands; command->name != NULL; command++) {
		guint changes = length >= 2 && g_str_has_prefix(command->name, typo)
					? 0
					: distance(typo, command->name);

		if (changes < best && changes * 3 <= strlen(command->name) + 1) {
			nearest = command->name;
			best = changes;
		}
	}
	return nearest;
}

/* ---- help ---- */

static void
add_options(TidyOutput *out, const GOptionEntry *options)
{
	g_autoptr(TidyTable) table = tidy_table_new();

	for (const GOptionEntry *option = options; option != NULL && option->long_name != NULL;
	     option++) {
		g_autofree char *dash = option->short_name != 0
						? g_strdup_printf("-%c, ", option->short_name)
						: g_strdup("    ");
		g_autofree char *name = g_strconcat(
			dash, "--", option->long_name, option->arg_description != NULL ? "=" : "",
			option->arg_description != NULL ? _(option->arg_description) : "", NULL);

		if (!(option->flags & G_OPTION_FLAG_HIDDEN))
			TIDY_TABLE_ROW(table, TIDY_STYLE_PLAIN, name, _(option->description));
	}
	tidy_table_render(table, out, 2);
}

static void
add_paragraphs(TidyOutput *out, const char *text)
{
	g_auto(GStrv) paragraphs = g_strsplit(text, "\n\n", -1);

	for (guint i = 0; paragraphs[i] != NULL; i++) {
		tidy_output_add(out, TIDY_STYLE_PLAIN, "\n");
		tidy_output_paragraph(out, 0, TIDY_STYLE_PLAIN, paragraphs[i]);
	}
}

void
tidy_commands_help(TidyOutput *out, const TidyCommand *command)
{
	/* Help is read, also through a pager. */
	if (out->width == 0)
		out->width = HELP_WIDTH;
	tidy_output_add(out, TIDY_STYLE_HEAD, "xdgtidy %s", command->name);
	tidy_output_add(out, TIDY_STYLE_PLAIN, "%s%s%s%s\n", command->main == NULL ? " " : "",
			command->main == NULL ? _("[OPTION...]") : "",
			*command->args != '\0' ? " " : "", command->args);
	add_paragraphs(out, _(command->help));
	if (command->options != NULL) {
		tidy_output_add(out, TIDY_STYLE_HEAD, "\n%s\n", _("Options"));
		add_options(out, command->options);
	}
	if (command->main != NULL)
		return;
	tidy_output_add(out, TIDY_STYLE_HEAD, "\n%s\n", _("Common options"));
	add_options(out, common_options);
}

void
tidy_commands_overview(TidyOutput *out)
{
	g_autoptr(TidyTable) table = tidy_table_new();

	tidy_output_add(out, TIDY_STYLE_PLAIN, "%s\n\n",
			_("xdgtidy keeps the user directories in order: strays are merged, nothing "
			  "is lost."));
	tidy_output_add(out, TIDY_STYLE_HEAD, "xdgtidy %s\n\n", _("COMMAND [OPTION...]"));
	for (const TidyCommand *command = tidy_commands; command->name != NULL; command++) {
		g_autofree char *usage =
			g_strconcat(command->name, *command->args != '\0' ? " " : "", command->args,
				    NULL);

		TIDY_TABLE_ROW(table, TIDY_STYLE_PLAIN, usage, _(command->summary));
	}
	tidy_table_render(table, out, 2);
	tidy_output_add(out, TIDY_STYLE_HEAD, "\n%s\n", _("Common options"));
	add_options(out, common_options);
	tidy_output_add(out, TIDY_STYLE_PLAIN, "\n%s\n",
			_("'xdgtidy help COMMAND' explains a command; see also xdgtidy(1)."));
}

static TidyExit
unknown_command(const TidyInvocation *call, const char *name)
{
	const char *nearest = tidy_commands_nearest(name);
	g_autofree char *shown = g_strescape(name, NULL);

	if (nearest != NULL)
		return tidy_fail(call, TIDY_EXIT_USAGE, "usage",
				 _("there is no command '%s'; did you mean '%s'?"), shown, nearest);
	return tidy_fail(call, TIDY_EXIT_USAGE, "usage",
			 _("there is no command '%s'; see: xdgtidy help"), shown);
}

static TidyExit
cmd_help(TidyInvocation *call)
{
	const TidyCommand *command;

	if (call->n_args == 0) {
		tidy_commands_overview(call->out);
		return TIDY_EXIT_DONE;
	}
	command = tidy_commands_find(call->args[0]);
	if (command == NULL)
		return unknown_command(call, call->args[0]);
	tidy_commands_help(call->out, command);
	return TIDY_EXIT_DONE;
}

/* ---- the command line ---- */

/* The index of the command: the first argument that is no option and no value of one; 0 when there is none. */
static int
find_command(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-')
			return i;
		if (strcmp(argv[i], "--color") == 0)
			i++;
	}
	return 0;
}

static gboolean
has_argument(int argc, char **argv, const char *wanted)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], wanted) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Options before the command count as if they stood behind it: "--json scan" is "scan --json". */
static char **
command_first(int argc, char **argv, int command)
{
	char **sorted = g_new0(char *, (gsize)argc + 1);
	int n = 0;

	sorted[n++] = argv[command];
	for (int i = 1; i < argc; i++) {
		if (i != command)
			sorted[n++] = argv[i];
	}
	return sorted;
}

/* GOption leaves the "--" in place when an argument behind it begins with a dash. */
static void
drop_separator(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			memmove(&argv[i], &argv[i + 1], (gsize)(*argc - i) * sizeof *argv);
			(*argc)--;
			return;
		}
	}
}

static gboolean
parse_options(const TidyCommand *command, int *argc, char ***argv, GError **error)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_option_context_set_help_enabled(context, FALSE);
	if (command->options != NULL)
		g_option_context_add_main_entries(context, command->options, NULL);
	g_option_context_add_main_entries(context, common_options, NULL);
	if (!g_option_context_parse(context, argc, argv, error))
		return FALSE;
	drop_separator(argc, *argv);
	if (common.colour != NULL && strcmp(common.colour, "always") != 0 &&
	    strcmp(common.colour, "never") != 0 && strcmp(common.colour, "auto") != 0) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
			    _("--color takes always, never or auto"));
		return FALSE;
	}
	return TRUE;
}

static const char *
colour_when(void)
{
	return common.has_no_colour ? "never" : common.colour;
}

static TidyExit
run_parsed(const TidyCommand *command, TidyInvocation *call)
{
	TidyExit code;

	if (common.is_help) {
		tidy_commands_help(call->out, command);
		return TIDY_EXIT_DONE;
	}
	if (call->n_args > command->max_args)
		return tidy_fail(call, TIDY_EXIT_USAGE, "usage",
				 _("too many arguments; usage: xdgtidy %s %s"), command->name,
				 command->args);
	code = command->run(call);
	if (call->is_quiet && !call->is_json)
		g_string_truncate(call->out->text, 0);
	return code;
}

static int
run_command(const TidyCommand *command, int argc, char **argv, TidyInvocation *call)
{
	g_autoptr(GError) error = NULL;
	g_auto(TidyOutput) out = { 0 };
	TidyExit code;

	if (command->main != NULL)
		return command->main(argc, argv);
	if (!parse_options(command, &argc, &argv, &error))
		return tidy_fail(call, TIDY_EXIT_USAGE, "usage", _("%s; see: xdgtidy help %s"),
				 error->message, command->name);
	tidy_output_init_terminal(&out, g_get_home_dir(), STDOUT_FILENO, colour_when());
	if (common.is_verbose)
		out.list_limit = 0;
	*call = (TidyInvocation){
		.command = command->name,
		.args = argv + 1,
		.n_args = (guint)(argc - 1),
		.is_json = common.is_json,
		.is_quiet = common.is_quiet,
		.is_direct = common.is_direct,
		.has_progress = !common.is_json && !common.is_quiet && !common.has_no_progress,
		.colour = colour_when(),
		.out = &out,
	};
	code = run_parsed(command, call);
	tidy_output_flush(&out, stdout);
	return (int)code;
}

/* What the build asks for: completion scripts and a part of the man page. */
static gboolean
dump(const char *argument)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (g_str_has_prefix(argument, "--dump-completion=")) {
		if (!tidy_commands_write_completion(text, strchr(argument, '=') + 1))
			return FALSE;
	} else if (strcmp(argument, "--dump-man") == 0) {
		tidy_commands_write_man(text);
	} else {
		return FALSE;
	}
	fputs(text->str, stdout);
	return TRUE;
}

static int
without_command(int argc, char **argv, const TidyInvocation *call)
{
	g_auto(TidyOutput) out = { 0 };
	gboolean is_help = has_argument(argc, argv, "--help") || has_argument(argc, argv, "-h");

	if (has_argument(argc, argv, "--version")) {
		g_print("xdgtidy %s\n", TIDY_VERSION);
		return TIDY_EXIT_DONE;
	}
	if (argc == 2 && dump(argv[1]))
		return TIDY_EXIT_DONE;
	if (argc > 1 && !is_help)
		return tidy_fail(call, TIDY_EXIT_USAGE, "usage",
				 _("a command is missing; see: xdgtidy help"));
	tidy_output_init_terminal(&out, g_get_home_dir(), is_help ? STDOUT_FILENO : STDERR_FILENO,
				  NULL);
	tidy_commands_overview(&out);
	tidy_output_flush(&out, is_help ? stdout : stderr);
	return is_help ? TIDY_EXIT_DONE : TIDY_EXIT_USAGE;
}

int
tidy_commands_main(int argc, char **argv)
{
	TidyInvocation call = { .is_json = has_argument(argc, argv, "--json") };
	int at = find_command(argc, argv);
	g_autofree char **sorted = NULL;
	const TidyCommand *command;

	if (at == 0)
		return without_command(argc, argv, &call);
	command = tidy_commands_find(argv[at]);
	if (command == NULL)
		return (int)unknown_command(&call, argv[at]);
	sorted = command_first(argc, argv, at);
	return run_command(command, argc - 1, sorted, &call);
}
