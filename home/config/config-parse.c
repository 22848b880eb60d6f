/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads xdgtidy.conf: bytes in, settings and problems out. Pure.
 *
 * inih cuts lines into section, key and value, but as it is packaged it counts no lines for its caller, takes a line
 * of over 199 bytes for two, an indented line for more of the value before, and keys before any section as they
 * come. So it is fed by a reader of our own (ini_parse_stream), which hands it only lines that are whole, indented by
 * nothing and well-formed, one at a time. What is on a line, and where, the handler asks the reader.
 */
#include "home/base/text.h"
#include "home/config/settings.h"

#include <ini.h>
#include <string.h>

/* A file of noise must not fill the memory with messages. */
#define MAX_PROBLEMS 100

typedef struct {
	const char *next, *end; /* what is left of the file */
	const char *line;	/* the current line, from its first byte that is not blank */
	gsize indent;		/* blanks before that, bytes */
	guint number;		/* of the current line, from 1 */
	gsize value_at;		/* of a key line: where its value begins, bytes from parser->line */

	TidyConfig *config;
	const char *file;
	GPtrArray *problems;
	gboolean has_error;

	char *section; /* of the current line: as in TidySetting.section; NULL: none yet, or a bad one */
	int key;       /* for TIDY_SETTING_PER_KEY: which, else -1 */
	gboolean is_lost; /* after a bad section line: its keys are not looked at */
	guint opened[64]; /* line of each section in this file; index by section_slot() */
} Parser;

void
tidy_config_problem_free(TidyConfigProblem *problem)
{
	g_free(problem->file);
	g_free(problem->message);
	g_free(problem);
}

char *
tidy_config_problem_text(const TidyConfigProblem *problem)
{
	const char *kind = problem->is_warning ? "warning: " : "";

	if (problem->line == 0)
		return g_strdup_printf("%s: %s%s", problem->file, kind, problem->message);
	return g_strdup_printf("%s:%u:%u: %s%s", problem->file, problem->line, problem->column,
			       kind, problem->message);
}

GPtrArray *
tidy_config_problems_new(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)tidy_config_problem_free);
}

/* Adds a problem at @line, @column; takes @message. */
static void
add_problem(Parser *parser, gboolean is_warning, guint line, gsize column, char *message)
{
	TidyConfigProblem *problem = g_new0(TidyConfigProblem, 1);

	problem->file = g_strdup(parser->file);
	problem->line = line;
	problem->column = (guint)column;
	problem->is_warning = is_warning;
	problem->message = message;
	parser->has_error = parser->has_error || !is_warning;
	g_ptr_array_add(parser->problems, problem);
}

/* An error on the current line, @offset bytes after its first byte that is not blank; takes @message. */
static void
add_error(Parser *parser, gsize offset, char *message)
{
	add_problem(parser, FALSE, parser->number, parser->indent + offset + 1, message);
}

/* ---- sections ---- */

/* NULL-terminated names of all sections, [dirs.KEY] written out; free the array and its strings. */
static char **
section_names(void)
{
	GStrvBuilder *builder = g_strv_builder_new();
	char **names = NULL;

	for (guint i = 0; i < tidy_n_setting_sections; i++) {
		const char *name = tidy_setting_sections[i].name;

		if (strcmp(name, TIDY_SETTING_PER_KEY) != 0) {
			g_strv_builder_add(builder, name);
			continue;
		}
		for (int key = 0; key < TIDY_CONFIG_N_KEYS; key++) {
			g_autofree char *full = g_strconcat("dirs.", tidy_config_keys[key], NULL);

			g_strv_builder_add(builder, full);
		}
	}
	names = g_strv_builder_end(builder);
	g_strv_builder_unref(builder);
	return names;
}

/* Makes @name the current section, or says that there is none of that name. */
static void
enter_section(Parser *parser, const char *name)
{
	g_auto(GStrv) names = section_names();
	guint slot = 0;

	while (names[slot] != NULL && strcmp(names[slot], name) != 0)
		slot++;
	parser->is_lost = names[slot] == NULL;
	if (parser->is_lost) {
		g_autofree char *shown = tidy_text_display(name);
		g_autofree char *hint = tidy_value_suggest(name, (const char *const *)names);

		add_error(parser, 1, g_strdup_printf("unknown section [%s]%s", shown, hint));
		return;
	}
	parser->key = g_str_has_prefix(name, "dirs.")
			      ? tidy_config_key_index(name + strlen("dirs."), -1)
			      : -1;
	g_free(parser->section);
	parser->section = g_strdup(parser->key < 0 ? name : TIDY_SETTING_PER_KEY);
	g_assert(slot < G_N_ELEMENTS(parser->opened));
	if (parser->opened[slot] != 0)
		add_problem(
			parser, TRUE, parser->number, parser->indent + 1,
			g_strdup_printf("section [%s] is open since line %u already; both count",
					name, parser->opened[slot]));
	else
		parser->opened[slot] = parser->number;
}

/* "[name]" and perhaps a comment. TRUE: inih may have the line. */
static gboolean
check_section_line(Parser *parser, char *line)
{
	char *close = strchr(line, ']');
	const char *rest = NULL;

	parser->is_lost = TRUE;
	if (close == NULL) {
		add_error(parser, strlen(line), g_strdup("\"]\" is missing"));
		return FALSE;
	}
	rest = close + 1 + strspn(close + 1, " \t");
	if (*rest != '\0' && *rest != ';' && *rest != '#') {
		add_error(parser, (gsize)(rest - line),
			  g_strdup("nothing but a comment may follow a section"));
		return FALSE;
	}
	close[0] = '\0';
	enter_section(parser, line + 1);
	close[0] = ']';
	close[1] = '\0';
	return !parser->is_lost;
}

/* ---- keys ---- */

/* Where in @line a comment after blanks begins, as inih sees it, or its end. */
static gsize
comment_start(const char *line)
{
	for (gsize i = 1; line[i] != '\0'; i++) {
		if (line[i] == ';' && g_ascii_isspace(line[i - 1]))
			return i;
	}
	return strlen(line);
}

/* "key = value". TRUE: inih may have the line. */
static gboolean
check_key_line(Parser *parser, const char *line)
{
	gsize stop = strcspn(line, "=:");

	if (parser->is_lost)
		return FALSE;
	if (parser->section == NULL) {
		add_error(parser, 0,
			  g_strdup("a section such as [dirs] must come before the first key"));
		return FALSE;
	}
	if (line[stop] != '=' || stop > comment_start(line)) {
		add_error(parser, MIN(stop, comment_start(line)), g_strdup("\"=\" is missing"));
		return FALSE;
	}
	if (stop == 0) {
		add_error(parser, 0, g_strdup("a key is missing before \"=\""));
		return FALSE;
	}
	parser->value_at = stop + 1 + strspn(line + stop + 1, " \t");
	return TRUE;
}

/* The names of all keys of the current section; borrowed strings, free the array. */
static const char **
key_names(const Parser *parser)
{
	GPtrArray *names = g_ptr_array_new();

	for (guint i = 0; i < tidy_n_settings; i++) {
		if (strcmp(tidy_settings[i].section, parser->section) == 0)
			g_ptr_array_add(names, (gpointer)tidy_settings[i].key);
	}
	g_ptr_array_add(names, NULL);
	return (const char **)g_ptr_array_free(names, FALSE);
}

/* The row for @name in the current section; without one it says which was meant. */
static const TidySetting *
find_setting(Parser *parser, const char *name)
{
	g_autofree const char **names = key_names(parser);
	g_autofree char *hint = tidy_value_suggest(name, names);
	g_autofree char *shown = tidy_text_display(name);
	const TidySetting *elsewhere = NULL;

	for (guint i = 0; i < tidy_n_settings; i++) {
		const TidySetting *setting = &tidy_settings[i];

		if (strcmp(setting->key, name) != 0)
			continue;
		if (strcmp(setting->section, parser->section) == 0)
			return setting;
		if (elsewhere == NULL)
			elsewhere = setting;
	}
	if (elsewhere != NULL)
		add_error(parser, 0,
			  g_strdup_printf("\"%s\" belongs in section [%s]", shown,
					  elsewhere->section));
	else
		add_error(parser, 0, g_strdup_printf("unknown key \"%s\"%s", shown, hint));
	return NULL;
}

/* inih's handler: one key and its value, blanks and comment removed. */
static int
set_value(void *user, const char *section, const char *name, const char *value)
{
	Parser *parser = user;
	const TidySetting *setting = find_setting(parser, name);
	TidyOrigin *origin = NULL;
	gpointer member = NULL;
	TidyValueError error = { 0 };

	if (setting == NULL)
		return 1;
	origin = tidy_config_origin(parser->config, setting, parser->key);
	member = tidy_config_member(parser->config, setting, parser->key);
	if (origin->file == parser->file && !tidy_setting_is_list(setting)) {
		add_error(parser, 0,
			  g_strdup_printf("\"%s\" is set at line %u already", name, origin->line));
		return 1;
	}
	if (origin->file != parser->file && tidy_setting_is_list(setting)) {
		char ***list = member;

		g_strfreev(*list);
		*list = g_new0(char *, 1);
	}
	origin->file = parser->file;
	origin->line = parser->number;
	if (!tidy_value_parse(setting, value, member, &error))
		add_error(parser, parser->value_at + error.offset, error.message);
	return 1;
}

/* ---- lines ---- */

/* Text, without control characters but tabs? Says where it is not. */
static gboolean
check_bytes(Parser *parser, const char *line, gsize length)
{
	const char *bad = NULL;
	const char *nul = memchr(line, '\0', length);

	if (nul != NULL) {
		add_error(parser, (gsize)(nul - line), g_strdup("a zero byte"));
		return FALSE;
	}
	if (!g_utf8_validate_len(line, length, &bad)) {
		add_error(parser, (gsize)(bad - line), g_strdup("not valid UTF-8"));
		return FALSE;
	}
	for (gsize i = 0; i < length; i++) {
		if (g_ascii_iscntrl(line[i]) && line[i] != '\t') {
			add_error(parser, i,
				  g_strdup_printf("control character 0x%02x", (guint)line[i]));
			return FALSE;
		}
	}
	return TRUE;
}

/* Moves to the next line: parser->line and its length without blanks at either end. FALSE: no more. */
static gboolean
next_line(Parser *parser, gsize *length)
{
	const char *start = parser->next;
	const char *newline = NULL;

	if (start == NULL || start >= parser->end || parser->problems->len >= MAX_PROBLEMS)
		return FALSE;
	newline = memchr(start, '\n', (gsize)(parser->end - start));
	parser->next = newline == NULL ? parser->end : newline + 1;
	parser->number++;
	*length = (gsize)((newline == NULL ? parser->end : newline) - start);
	if (*length > 0 && start[*length - 1] == '\r')
		(*length)--;
	parser->indent = 0;
	while (*length > 0 && (*start == ' ' || *start == '\t')) {
		parser->indent++;
		start++;
		(*length)--;
	}
	while (*length > 0 && (start[*length - 1] == ' ' || start[*length - 1] == '\t'))
		(*length)--;
	parser->line = start;
	return TRUE;
}

/* inih's reader: the next line that it can be trusted with, in @buffer; NULL at the end. */
static char *
read_line(char *buffer, int size, void *stream)
{
	Parser *parser = stream;
	gsize length;

	while (next_line(parser, &length)) {
		if (!check_bytes(parser, parser->line, length))
			continue;
		if (length == 0 || *parser->line == '#' || *parser->line == ';')
			continue;
		if (length >= (gsize)size) {
			add_error(
				parser, (gsize)size - 1,
				g_strdup_printf("a line has at most %d bytes; a list may go on by "
						"giving its key again",
						size - 1));
			continue;
		}
		memcpy(buffer, parser->line, length);
		buffer[length] = '\0';
		if (*buffer == '[' ? check_section_line(parser, buffer)
				   : check_key_line(parser, buffer))
			return buffer;
	}
	return NULL;
}

/* ---- the whole ---- */

/* The last line of this file that gives aliases to @key; 0: none does. */
static guint
alias_line(const Parser *parser, int key)
{
	guint line = 0;

	for (guint i = 0; i < tidy_n_settings; i++) {
		const TidySetting *setting = &tidy_settings[i];
		gboolean is_per_key = strcmp(setting->section, TIDY_SETTING_PER_KEY) == 0;
		const TidyOrigin *origin =
			tidy_config_origin(parser->config, setting, is_per_key ? key : -1);

		if (strcmp(setting->key, "aliases") == 0 && origin->file == parser->file)
			line = MAX(line, origin->line);
	}
	return line;
}

/* One name must not be a stray of two keys: no directory could be said to be the right one. */
static void
check_aliases(Parser *parser)
{
	/* name -> 1 + index of its key */
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (int key = 0; key < TIDY_CONFIG_N_KEYS; key++) {
		char *const *aliases = parser->config->keys[key].aliases;

		for (gsize i = 0; aliases[i] != NULL; i++) {
			int other = GPOINTER_TO_INT(g_hash_table_lookup(seen, aliases[i])) - 1;
			g_autofree char *shown = tidy_text_display(aliases[i]);
			guint line = 0;

			g_hash_table_insert(seen, aliases[i], GINT_TO_POINTER(key + 1));
			if (other < 0 || other == key)
				continue;
			line = MAX(alias_line(parser, key), alias_line(parser, other));
			if (line == 0 || parser->problems->len >= MAX_PROBLEMS)
				continue; /* said when the file that did it was read */
			add_problem(parser, FALSE, line, 1,
				    g_strdup_printf("\"%s\" is an alias of both %s and %s", shown,
						    tidy_config_keys[other],
						    tidy_config_keys[key]));
		}
	}
}

gboolean
tidy_config_parse(TidyConfig *config, const char *file, const char *data, gsize length,
		  GPtrArray *problems)
{
	static const char bom[] = "\xef\xbb\xbf";
	Parser parser = { .next = data,
			  .end = data + length,
			  .config = config,
			  .file = g_strdup(file),
			  .problems = problems,
			  .key = -1 };

	g_ptr_array_add(config->origins->files, (gpointer)parser.file);
	if (length >= strlen(bom) && memcmp(data, bom, strlen(bom)) == 0)
		parser.next += strlen(bom);
	if (ini_parse_stream(read_line, &parser, set_value, &parser) != 0)
		add_problem(&parser, FALSE, 0, 0,
			    g_strdup("inih and its reader disagree about a line"));
	if (problems->len >= MAX_PROBLEMS)
		add_problem(&parser, FALSE, 0, 0,
			    g_strdup("too many problems: the rest was not read"));
	g_free(parser.section);
	tidy_config_resolve(config);
	check_aliases(&parser);
	return !parser.has_error;
}
