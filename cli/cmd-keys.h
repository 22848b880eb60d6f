/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy keys: its own table of sub-commands (cmd-keys.c), and what they share. I/O. */
#pragma once

#include <glib.h>
#include <stdio.h>

#include "keys/layout/compile.h"
#include "keys/remap/keymap.h"

typedef struct {
	const char *name;
	const char *args;
	const char *summary;
	const char *help;
	int (*run)(int argc, char **argv, const char *synopsis); /* argv[0] is the name */
} TidyKeysCommand;

extern const TidyKeysCommand tidy_keys_commands[]; /* ends with a row without a name */

/* The row of cli/commands.c: parses its own arguments; argv[0] is "keys". Returns the exit status. */
int tidy_cmd_keys(int argc, char **argv);

/* The options of a layout: --layout, --variant, --model, --xkb-options. */
typedef struct {
	char *rules, *model, *layout, *variant, *options;
} TidyKeysLayout;
void tidy_keys_layout_clear(TidyKeysLayout *wanted);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TidyKeysLayout, tidy_keys_layout_clear)

/* Parses @own and, when @wanted is there, the layout's options. FALSE: that was said. */
gboolean tidy_keys_parse(int *argc, char ***argv, const char *synopsis, const GOptionEntry *own,
			 TidyKeysLayout *wanted);

/* A loaded configuration with everything it stands on. */
typedef RemapCompiled TidyKeys;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TidyKeys, remap_compiled_clear)

/* FALSE when there is no such layout; that was said. */
gboolean tidy_keys_open_layout(TidyKeys *keys, const TidyKeysLayout *wanted);
/* Loads @path, or ~/.config/xdgtidy/keyremap.conf when NULL. Errors are printed unless @is_quiet. */
gboolean tidy_keys_load(TidyKeys *keys, const char *path, gboolean is_quiet);
char *tidy_keys_default_path(void);
void tidy_keys_print_diags(const RemapDiags *diags, FILE *stream);

int tidy_keys_check(int argc, char **argv, const char *synopsis);
int tidy_keys_simulate(int argc, char **argv, const char *synopsis);
int tidy_keys_compile(int argc, char **argv, const char *synopsis);
int tidy_keys_list(int argc, char **argv, const char *synopsis);
int tidy_keys_show(int argc, char **argv, const char *synopsis);
int tidy_keys_import(int argc, char **argv, const char *synopsis);
