/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The commands of xdgtidy: ONE table (commands.c), from which dispatch, help, completion and the man page follow. Pure,
 * but for tidy_commands_main().
 *
 * To add a command: cli/cmd-x.c with its options and run function, declared in cli/cmd.h, and one row. A command of
 * another part of the house may parse its own arguments: then the row has @main instead of @run.
 */
#pragma once

#include <glib.h>

#include "cli/output.h"

/* What xdgtidy exits with; listed in xdgtidy(1), EXIT STATUS. */
typedef enum {
	TIDY_EXIT_DONE = 0,	/* or there was nothing to do */
	TIDY_EXIT_PROBLEMS = 1, /* scan: strays were found; anything else that failed */
	TIDY_EXIT_USAGE = 2,	/* the command line or the configuration is wrong */
	TIDY_EXIT_NO_DAEMON = 3,
	TIDY_EXIT_REFUSED = 4, /* by a safety rule */
	TIDY_EXIT_PARTIAL = 5, /* some entries were left where they were */
	TIDY_EXIT_LOCKED = 6,
	TIDY_EXIT_INTERRUPTED = 130,
} TidyExit;

/* One call of a command. */
typedef struct {
	const char *command; /* "config" */
	char **args;	     /* what is left of the command line: raw bytes, NULL-terminated */
	guint n_args;
	gboolean is_json;
	gboolean is_quiet;
	gboolean is_direct;
	gboolean has_progress; /* a progress line is welcome */
	const char *colour;    /* --color, or NULL */
	TidyOutput *out;       /* standard output; written when the command returns */
} TidyInvocation;

/* What the arguments are, for completion. */
typedef enum {
	TIDY_ARGUMENT_NONE,
	TIDY_ARGUMENT_DIRECTORY,
	TIDY_ARGUMENT_WORD,    /* one of TidyCommand.words */
	TIDY_ARGUMENT_COMMAND, /* a name of this table */
} TidyArgument;

typedef struct {
	const char *name;
	const char *args; /* as in the synopsis: "[STRAY [TARGET]]" */
	guint max_args;
	const char *summary;	     /* one line, lower case */
	const char *help;	     /* paragraphs, an empty line between two */
	const GOptionEntry *options; /* NULL: none but the common ones */
	TidyArgument argument;
	const char *const *words;
	TidyExit (*run)(TidyInvocation *call);
	int (*main)(
		int argc,
		char **argv); /* instead of @run: parses its own arguments; argv[0] is the name */
} TidyCommand;

/* The table; ends with a row without a name. */
extern const TidyCommand tidy_commands[];
/* The options that every command with @run takes, in the order of the help. */
const GOptionEntry *tidy_commands_common_options(void);

const TidyCommand *tidy_commands_find(const char *name);

/* The command that the user may have meant, or NULL when none is near. */
const char *tidy_commands_nearest(const char *typo);

/* "xdgtidy merge [OPTION...] [STRAY [TARGET]]" and what follows. */
void tidy_commands_help(TidyOutput *out, const TidyCommand *command);
/* The list of all commands. */
void tidy_commands_overview(TidyOutput *out);

/**
 * tidy_commands_write_completion - the completion script for @shell
 * @shell: "bash", "zsh" or "fish"
 *
 * Returns: FALSE for another shell.
 */
gboolean tidy_commands_write_completion(GString *text, const char *shell);

/* The sections COMMANDS and OPTIONS of xdgtidy(1), in mdoc(7). */
void tidy_commands_write_man(GString *text);

/* Parses the command line, runs the command, prints; the answer of main(). */
int tidy_commands_main(int argc, char **argv);
