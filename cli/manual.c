/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sections COMMANDS and OPTIONS of xdgtidy(1) from the table of commands. Pure. */
#include <string.h>

#include "cli/commands.h"

#define MAX_LINE 72

/* One word; a backslash would begin an escape, a dash become a hyphen (mdoc(7)). */
static void
append_word(GString *text, const char *word)
{
	for (; *word != '\0'; word++) {
		if (*word == '\\')
			g_string_append(text, "\\e");
		else if (*word == '-')
			g_string_append(text, "\\-");
		else
			g_string_append_c(text, *word);
	}
}

/* Prose in short lines. A sentence begins a line; a line must not begin with a dot or a quote. */
static void
append_text(GString *text, const char *prose)
{
	g_auto(GStrv) words = g_strsplit(prose, " ", -1);
	gsize line_start = text->len;

	for (guint i = 0; words[i] != NULL; i++) {
		gboolean ends_sentence =
			i > 0 && strpbrk(words[i - 1], ".!?") != NULL && g_ascii_isupper(*words[i]);

		if (i > 0 &&
		    (ends_sentence || text->len - line_start + strlen(words[i]) > MAX_LINE)) {
			g_string_append_c(text, '\n');
			line_start = text->len;
		} else if (i > 0) {
			g_string_append_c(text, ' ');
		}
		if (text->len == line_start && (*words[i] == '.' || *words[i] == '\''))
			g_string_append(text, "\\&");
		append_word(text, words[i]);
	}
}

static void
append_paragraphs(GString *text, const char *help)
{
	g_auto(GStrv) paragraphs = g_strsplit(help, "\n\n", -1);

	for (guint i = 0; paragraphs[i] != NULL; i++) {
		if (i > 0)
			g_string_append(text, ".Pp\n");
		append_text(text, paragraphs[i]);
		g_string_append_c(text, '\n');
	}
}

/* "[STRAY [TARGET]]" as macros: brackets are Op blocks, what stands in them Ar. */
static void
append_arguments(GString *text, const char *args)
{
	gboolean is_word = FALSE;

	for (; *args != '\0'; args++) {
		gboolean is_bracket = *args == '[' || *args == ']';

		if (*args == '[')
			g_string_append(text, " Oo");
		else if (*args == ']')
			g_string_append(text, " Oc");
		else if (*args == '|')
			g_string_append(text, " | ");
		else if (*args != ' ')
			g_string_append_printf(text, "%s%c", is_word ? "" : " Ar ", *args);
		is_word = !is_bracket && *args != ' ' && *args != '|';
	}
}

static void
append_option(GString *text, const GOptionEntry *option)
{
	if (option->flags & G_OPTION_FLAG_HIDDEN)
		return;
	g_string_append(text, ".It ");
	if (option->short_name != 0)
		g_string_append_printf(text, "Fl %c , ", option->short_name);
	g_string_append_printf(text, "Fl \\-%s", option->long_name);
	if (option->arg_description != NULL)
		g_string_append_printf(text, " Ns = Ns Ar %s", option->arg_description);
	g_string_append_c(text, '\n');
	append_text(text, option->description);
	g_string_append_c(text, '\n');
}

static void
append_options(GString *text, const GOptionEntry *options)
{
	g_string_append(text, ".Bl -tag -width Ds\n");
	for (; options->long_name != NULL; options++)
		append_option(text, options);
	g_string_append(text, ".El\n");
}

void
tidy_commands_write_man(GString *text)
{
	g_string_append(text, ".Sh COMMANDS\n.Bl -tag -width Ds\n");
	for (const TidyCommand *command = tidy_commands; command->name != NULL; command++) {
		g_string_append_printf(text, ".It Cm %s", command->name);
		append_arguments(text, command->args);
		g_string_append_c(text, '\n');
		append_paragraphs(text, command->help);
		if (command->options != NULL)
			append_options(text, command->options);
	}
	g_string_append(text, ".El\n.Sh OPTIONS\nThese are understood by every command but\n");
	for (const TidyCommand *command = tidy_commands; command->name != NULL; command++) {
		if (command->main != NULL)
			g_string_append_printf(text, ".Cm %s .\n", command->name);
	}
	append_options(text, tidy_commands_common_options());
}
