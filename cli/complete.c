/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shell completion from the table of commands. Pure. */
#include <string.h>

#include "cli/commands.h"

typedef void (*OptionFunc)(GString *text, const GOptionEntry *option);

static void
each_option(GString *text, const TidyCommand *command, OptionFunc func)
{
	const GOptionEntry *tables[] = { command->options, command->main == NULL
								   ? tidy_commands_common_options()
								   : NULL };

	for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
		for (const GOptionEntry *option = tables[i];
		     option != NULL && option->long_name != NULL; option++) {
			if (!(option->flags & G_OPTION_FLAG_HIDDEN))
				func(text, option);
		}
	}
}

static void
append_names(GString *text)
{
	for (const TidyCommand *command = tidy_commands; command->name != NULL; command++)
		g_string_append_printf(text, "%s%s", command == tidy_commands ? "" : " ",
				       command->name);
}

static void
append_words(GString *text, const TidyCommand *command)
{
	if (command->argument == TIDY_ARGUMENT_COMMAND)
		append_names(text);
	for (guint i = 0; command->words != NULL && command->words[i] != NULL; i++)
		g_string_append_printf(text, "%s%s", i == 0 ? "" : " ", command->words[i]);
}

/* ---- bash ---- */

static void
bash_option(GString *text, const GOptionEntry *option)
{
	g_string_append_printf(text, " --%s", option->long_name);
	if (option->short_name != 0)
		g_string_append_printf(text, " -%c", option->short_name);
}

static void
bash_command(GString *text, const TidyCommand *command)
{
	g_string_append_printf(text, "\t%s)\n\t\toptions=\"", command->name);
	each_option(text, command, bash_option);
	g_string_append(text, "\"\n\t\twords=\"");
	append_words(text, command);
	g_string_append(text, "\"\n");
	if (command->argument == TIDY_ARGUMENT_DIRECTORY)
		g_string_append(text, "\t\tdirectories=1\n");
	g_string_append(text, "\t\t;;\n");
}

static void
write_bash(GString *text)
{
	g_string_append(text, "# bash completion for xdgtidy\n"
			      "_xdgtidy()\n{\n"
			      "\tlocal current=${COMP_WORDS[COMP_CWORD]} command= options= words= "
			      "directories= i\n"
			      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
			      "\t\tif [[ ${COMP_WORDS[i]} != -* ]]; then\n"
			      "\t\t\tcommand=${COMP_WORDS[i]}\n"
			      "\t\t\tbreak\n"
			      "\t\tfi\n"
			      "\tdone\n"
			      "\tcase $command in\n"
			      "\t\"\")\n\t\toptions=\"--version --help\"\n\t\twords=\"");
	append_names(text);
	g_string_append(text, "\"\n\t\t;;\n");
	for (const TidyCommand *command = tidy_commands; command->name != NULL; command++)
		bash_command(text, command);
	g_string_append(text, "\tesac\n"
			      "\tif [[ $current == -* ]]; then\n"
			      "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
			      "\telif [[ $directories ]]; then\n"
			      "\t\tcompopt -o filenames 2>/dev/null\n"
			      "\t\tmapfile -t COMPREPLY < <(compgen -d -- \"$current\")\n"
			      "\telse\n"
			      "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
			      "\tfi\n"
			      "}\n"
			      "complete -F _xdgtidy xdgtidy\n");
}

/* ---- zsh ---- */

/* Inside '...' and [...] of an _arguments specification. */
static void
zsh_quote(GString *text, const char *words)
{
	for (; *words != '\0'; words++) {
		if (*words == '\'')
			g_string_append(text, "'\\''");
		else if (strchr("[]:\\", *words) != NULL)
			g_string_append_printf(text, "\\%c", *words);
		else
			g_string_append_c(text, *words);
	}
}

static void
zsh_option(GString *text, const GOptionEntry *option)
{
	g_string_append_printf(text, "\t\t\t'--%s%s[", option->long_name,
			       option->arg_description != NULL ? "=" : "");
	zsh_quote(text, option->description);
	g_string_append(text, option->arg_description != NULL ? "]:value:' \\\n" : "]' \\\n");
}

static void
zsh_command(GString *text, const TidyCommand *command)
{
	g_string_append_printf(text, "\t%s)\n\t\t_arguments \\\n", command->name);
	each_option(text, command, zsh_option);
	if (command->argument == TIDY_ARGUMENT_DIRECTORY)
		g_string_append(text, "\t\t\t'*:directory:_files -/'\n");
	else if (command->argument == TIDY_ARGUMENT_NONE)
		g_string_append(text, "\t\t\t'*:argument:'\n");
	else {
		g_string_append(text, "\t\t\t'1:word:(");
		append_words(text, command);
		g_string_append(text, ")'\n");
	}
	g_string_append(text, "\t\t;;\n");
}

static void
write_zsh(GString *text)
{
	g_string_append(text, "#compdef xdgtidy\n"
			      "local -a commands\n"
			      "commands=(\n");
	for (const TidyCommand *command = tidy_commands; command->name != NULL; command++) {
		g_string_append_printf(text, "\t'%s:", command->name);
		zsh_quote(text, command->summary);
		g_string_append(text, "'\n");
	}
	g_string_append(text, ")\n"
			      "if ((CURRENT == 2)); then\n"
			      "\t_describe command commands\n"
			      "\treturn\n"
			      "fi\n"
			      "shift words\n"
			      "((CURRENT--))\n"
			      "case $words[1] in\n");
	for (const TidyCommand *command = tidy_commands; command->name != NULL; command++)
		zsh_command(text, command);
	g_string_append(text, "esac\n");
}

/* ---- fish ---- */

static void
fish_quote(GString *text, const char *words)
{
	g_string_append_c(text, '\'');
	for (; *words != '\0'; words++)
		g_string_append_printf(text, "%s%c", *words == '\'' || *words == '\\' ? "\\" : "",
				       *words);
	g_string_append_c(text, '\'');
}

static void
fish_option(GString *text, const GOptionEntry *option)
{
	/* The line was begun with the condition on the command; the caller cannot know the option. */
	g_string_append_printf(text, " -l %s", option->long_name);
	if (option->short_name != 0)
		g_string_append_printf(text, " -s %c", option->short_name);
	if (option->arg_description != NULL)
		g_string_append(text, " -x");
	g_string_append(text, " -d ");
	fish_quote(text, option->description);
	g_string_append_c(text, '\n');
}

static void
fish_options(GString *text, const TidyCommand *command, const GOptionEntry *options)
{
	for (const GOptionEntry *option = options; option != NULL && option->long_name != NULL;
	     option++) {
		if (option->flags & G_OPTION_FLAG_HIDDEN)
			continue;
		g_string_append_printf(text,
				       "complete -c xdgtidy -n '__fish_seen_subcommand_from %s'",
				       command->name);
		fish_option(text, option);
	}
}

static void
fish_command(GString *text, const TidyCommand *command)
{
	g_string_append_printf(text, "complete -c xdgtidy -n __fish_use_subcommand -a %s -d ",
			       command->name);
	fish_quote(text, command->summary);
	g_string_append_c(text, '\n');
	fish_options(text, command, command->options);
	if (command->main == NULL)
		fish_options(text, command, tidy_commands_common_options());
	if (command->argument == TIDY_ARGUMENT_NONE)
		return;
	g_string_append_printf(text, "complete -c xdgtidy -n '__fish_seen_subcommand_from %s' -a '",
			       command->name);
	if (command->argument == TIDY_ARGUMENT_DIRECTORY)
		g_string_append(text, "(__fish_complete_directories)");
	else
		append_words(text, command);
	g_string_append(text, "'\n");
}

static void
write_fish(GString *text)
{
	g_string_append(
		text,
		"# fish completion for xdgtidy\ncomplete -c xdgtidy -f\n"
		"complete -c xdgtidy -n __fish_use_subcommand -l version -d 'print the version'\n");
	for (const TidyCommand *command = tidy_commands; command->name != NULL; command++)
		fish_command(text, command);
}

gboolean
tidy_commands_write_completion(GString *text, const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		write_bash(text);
	else if (strcmp(shell, "zsh") == 0)
		write_zsh(text);
	else if (strcmp(shell, "fish") == 0)
		write_fish(text);
	else
		return FALSE;
	return TRUE;
}
