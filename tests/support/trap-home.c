/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trap homes: load and put together. I/O. */
#include "tests/support/trap-home.h"

#include <string.h>
#include <unistd.h>

static const char *const ordinary[] = {
	".config/user-dirs.dirs = \"XDG_DOWNLOAD_DIR=\\\"$HOME/Downloads\\\"\\n\"",
	"Downloads/there.txt = \"there\"",
	"Download/here.txt = \"here\"",
	NULL,
};
static const char *const ordinary_after[] = {
	"Downloads/there.txt = \"there\"",
	"Downloads/here.txt = \"here\"",
	NULL,
};
static const char *const keys[] = { "base",  "stray", "consent", "env",	       "home-name",
				    "open",  "lock",  "many",	 "beside",     "user",
				    "mount", "fake",  "fail",	 "link",       "clock",
				    "undo",  "leave", "expect",	 "expect-not", NULL };

static void
line_free(gpointer data)
{
	TrapLine *line = data;

	g_free(line->key);
	g_strfreev(line->words);
	g_free(line);
}

static void
trap_free(gpointer data)
{
	TrapHome *trap = data;

	g_free(trap->file);
	g_free(trap->title);
	g_free(trap->home_text);
	g_free(trap->after_text);
	g_ptr_array_unref(trap->lines);
	g_free(trap);
}

static void
take_key(TrapHome *trap, const char *text, GString **section, GString *home, GString *after)
{
	const char *colon = strchr(text, ':');
	g_autofree char *key = NULL;
	g_autofree char *value = NULL;
	TrapLine *line;

	if (colon == NULL)
		g_error("%s: not \"key: value\": %s", trap->file, text);
	key = g_strndup(text, (gsize)(colon - text));
	value = g_strstrip(g_strdup(colon + 1));
	*section = NULL;
	if (strcmp(key, "home") == 0) {
		*section = home;
		return;
	}
	if (strcmp(key, "after") == 0 || strcmp(key, "after-more") == 0) {
		*section = after;
		trap->is_after_more = strcmp(key, "after-more") == 0;
		trap->after_text = g_strdup("");
		return;
	}
	if (!g_strv_contains(keys, key) || *value == '\0')
		g_error("%s: unknown key or no value: %s", trap->file, text);
	line = g_new0(TrapLine, 1);
	line->key = g_steal_pointer(&key);
	line->words = g_strsplit(value, " ", -1);
	g_ptr_array_add(trap->lines, line);
}

static TrapHome *
trap_load(const char *path)
{
	TrapHome *trap = g_new0(TrapHome, 1);
	g_autofree char *text = NULL;
	g_autoptr(GString) home = g_string_new(NULL);
	g_autoptr(GString) after = g_string_new(NULL);
	g_auto(GStrv) lines = NULL;
	GString *section = NULL;

	trap->file = g_path_get_basename(path);
	trap->file[strlen(trap->file) - strlen(".txt")] = '\0';
	trap->lines = g_ptr_array_new_with_free_func(line_free);
	if (!g_file_get_contents(path, &text, NULL, NULL))
		g_error("cannot read %s", path);
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++) {
		if (*lines[i] == '#' && trap->title == NULL)
			trap->title = g_strstrip(g_strdup(lines[i] + 1));
		if (*lines[i] == '#' || *lines[i] == '\0')
			continue;
		if (*lines[i] == ' ' && section != NULL)
			g_string_append_printf(section, "%s\n", lines[i]);
		else
			take_key(trap, lines[i], &section, home, after);
	}
	if (trap->title == NULL || trap_home_get(trap, "expect", 0) == NULL)
		g_error("%s: a title (# ...) and expect: are needed", trap->file);
	trap->home_text = g_strdup(home->str);
	if (trap->after_text != NULL) {
		g_free(trap->after_text);
		trap->after_text = g_strdup(after->str);
	}
	return trap;
}

static int
compare_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
trap_home_load_all(const char *dir)
{
	GPtrArray *all = g_ptr_array_new_with_free_func(trap_free);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) listing = g_dir_open(dir, 0, NULL);
	const char *name;

	while (listing != NULL && (name = g_dir_read_name(listing)) != NULL) {
		if (g_str_has_suffix(name, ".txt"))
			g_ptr_array_add(names, g_build_filename(dir, name, NULL));
	}
	g_ptr_array_sort(names, compare_text);
	for (guint i = 0; i < names->len; i++)
		g_ptr_array_add(all, trap_load(names->pdata[i]));
	return all;
}

char **
trap_home_get(const TrapHome *trap, const char *key, guint nth)
{
	for (guint i = 0; i < trap->lines->len; i++) {
		const TrapLine *line = g_ptr_array_index(trap->lines, i);

		if (strcmp(line->key, key) == 0 && nth-- == 0)
			return line->words;
	}
	return NULL;
}

const char *
trap_home_word(const TrapHome *trap, const char *key, guint index, const char *fallback)
{
	char **words = trap_home_get(trap, key, 0);

	return words != NULL && g_strv_length(words) > index ? words[index] : fallback;
}

/* The path at the start of a line of a tree. */
static char *
path_of(const char *line)
{
	static const char *const ends[] = { " = ", " -> ", " : ", "/ ", NULL };
	gsize length = strlen(line);

	for (guint i = 0; ends[i] != NULL; i++) {
		const char *end = strstr(line, ends[i]);

		if (end != NULL)
			length = MIN(length, (gsize)(end - line) + (*ends[i] == '/' ? 1 : 0));
	}
	return g_strndup(line, length);
}

/* @line is about a path that @text has something else at, or above it something that is no directory. */
static gboolean
is_replaced(const char *line, char *const *text)
{
	g_autofree char *path = path_of(line);

	for (guint i = 0; text[i] != NULL; i++) {
		g_autofree char *other = path_of(text[i]);
		gsize length = strlen(other);

		if (length > 0 && strncmp(path, other, length) == 0 &&
		    (path[length] == '\0' || path[length] == '/'))
			return TRUE;
	}
	return FALSE;
}

static char *
put_in(const char *text, const char *home)
{
	g_autoptr(GString) all = g_string_new(text);
	static gint64 seconds; /* the same in both trees */
	g_autofree char *now = NULL;
	g_autofree char *length = NULL;
	g_autofree char *root = g_path_get_dirname(home);
	g_autofree char *named = g_build_filename(root, "named", NULL);
	g_autofree char *pid = g_strdup_printf("%d", (int)getpid());

	if (seconds == 0)
		seconds = g_get_real_time() / G_USEC_PER_SEC;
	now = g_strdup_printf("%" G_GINT64_FORMAT, seconds);
	length = g_strdup_printf("%zu", strlen(home) + strlen("/Download"));
	g_string_replace(all, "@NAMED@", named, 0);
	g_string_replace(all, "@LEN@", length, 0);
	g_string_replace(all, "@HOME@", home, 0);
	g_string_replace(all, "@NOW@", now, 0);
	g_string_replace(all, "@PID@", pid, 0);
	return g_string_free(g_steal_pointer(&all), FALSE);
}

static Tree *
put_together(const TrapHome *trap, const char *text, const char *const *more, const char *home)
{
	g_autofree char *own = put_in(text, home);
	g_auto(GStrv) lines = g_strsplit(own, "\n", -1);
	g_autoptr(GString) all = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	Tree *tree;

	for (guint i = 0; lines[i] != NULL; i++)
		g_strstrip(lines[i]);
	for (guint i = 0; more[i] != NULL; i++) {
		if (!is_replaced(more[i], lines))
			g_string_append_printf(all, "%s\n", more[i]);
	}
	g_string_append(all, own);
	tree = tree_parse(all->str, 1, &error);
	if (tree == NULL)
		g_error("%s: %s\n%s", trap->file, error->message, all->str);
	return tree;
}

Tree *
trap_home_before(const TrapHome *trap, const char *home)
{
	static const char *const none[] = { NULL };

	return put_together(trap, trap->home_text,
			    trap_home_get(trap, "base", 0) != NULL ? none : ordinary, home);
}

Tree *
trap_home_after(const TrapHome *trap, const char *home)
{
	static const char *const none[] = { NULL };

	if (trap->after_text == NULL)
		return NULL;
	return put_together(trap, trap->after_text, trap->is_after_more ? ordinary_after : none,
			    home);
}
