/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scenario files: parse, load, put on a fake. I/O. */
#include "tests/support/scenario.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>

static void
left_free(gpointer pointer)
{
	ScenarioLeft *left = pointer;

	g_free(left->path);
	g_free(left->reason);
	g_free(left);
}

static GHashTable *
words_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static gboolean
fail(GError **error, const char *name, guint line, const char *what)
{
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s:%u: %s", name, line, what);
	return FALSE;
}

/* "a=b c=d" into @table. */
static gboolean
parse_words(GHashTable *table, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);

	for (guint i = 0; words[i]; i++) {
		const char *equals = strchr(words[i], '=');

		if (*words[i] == '\0')
			continue;
		if (!equals || equals == words[i])
			return FALSE;
		g_hash_table_insert(table, g_strndup(words[i], (gsize)(equals - words[i])),
				    g_strdup(equals + 1));
	}
	return TRUE;
}

static gboolean
parse_left(Scenario *scenario, const char *text)
{
	const char *blank = strrchr(text, ' ');
	ScenarioLeft *left;

	if (!blank || blank == text)
		return FALSE;
	left = g_new0(ScenarioLeft, 1);
	left->path = g_strndup(text, (gsize)(blank - text));
	left->reason = g_strdup(blank + 1);
	g_ptr_array_add(scenario->left, left);
	return TRUE;
}

static gboolean
set_key(Scenario *scenario, const char *key, const char *value)
{
	char **text = NULL;

	if (strcmp(key, "policy") == 0)
		return parse_words(scenario->policy, value);
	if (strcmp(key, "report") == 0)
		return parse_words(scenario->report, value);
	if (strcmp(key, "leave") == 0)
		return parse_left(scenario, value);
	if (strcmp(key, "stray") == 0)
		text = &scenario->stray;
	else if (strcmp(key, "target") == 0)
		text = &scenario->target;
	else if (strcmp(key, "undo") == 0)
		text = &scenario->undo;
	else if (strcmp(key, "again") == 0)
		text = &scenario->again;
	if (!text || *value == '\0')
		return FALSE;
	g_free(*text);
	*text = g_strdup(value);
	if (strcmp(key, "again") == 0)
		return strcmp(value, "lossless") == 0;
	return strcmp(key, "undo") != 0 || strcmp(value, "exact") == 0 ||
	       strcmp(value, "none") == 0;
}

typedef struct {
	Scenario *scenario;
	GString *section; /* text of the tree being collected, or NULL */
	Tree **tree;	  /* where it goes */
	guint first_line;
} Reader;

static gboolean
end_section(Reader *reader, GError **error)
{
	g_autoptr(GString) section = g_steal_pointer(&reader->section);

	if (!section)
		return TRUE;
	*reader->tree = tree_parse(section->str, reader->first_line, error);
	if (!*reader->tree)
		g_prefix_error(error, "%s: ", reader->scenario->file);
	return *reader->tree != NULL;
}

static gboolean
read_key(Reader *reader, const char *text, guint line, GError **error)
{
	Scenario *scenario = reader->scenario;
	g_autofree char *key = NULL;
	g_autofree char *value = NULL;
	const char *colon = strchr(text, ':');

	if (!colon)
		return fail(error, scenario->file, line, "not \"key: value\"");
	if (!end_section(reader, error))
		return FALSE;
	key = g_strndup(text, (gsize)(colon - text));
	value = g_strstrip(g_strdup(colon + 1));
	if (strcmp(key, "before") == 0 || strcmp(key, "after") == 0) {
		reader->tree = *key == 'b' ? &scenario->before : &scenario->after;
		if (*reader->tree || *value)
			return fail(error, scenario->file, line,
				    "a tree twice, or text behind its key");
		reader->section = g_string_new(NULL);
		reader->first_line = line + 1;
		return TRUE;
	}
	if (!set_key(scenario, key, value))
		return fail(error, scenario->file, line, "unknown key or bad value");
	return TRUE;
}

static gboolean
read_line(Reader *reader, const char *text, guint line, GError **error)
{
	Scenario *scenario = reader->scenario;

	if (*text == '#') {
		if (!scenario->title)
			scenario->title = g_strstrip(g_strdup(text + 1));
		text = "";
	}
	if (reader->section && (*text == ' ' || *text == '\t' || *text == '\0')) {
		g_string_append_printf(reader->section, "%s\n", text);
		return TRUE;
	}
	return *text == '\0' ? TRUE : read_key(reader, text, line, error);
}

static Scenario *
scenario_new(const char *name)
{
	Scenario *scenario = g_new0(Scenario, 1);

	scenario->file = g_strdup(name);
	scenario->stray = g_strdup("Download");
	scenario->target = g_strdup("Downloads");
	scenario->undo = g_strdup("exact");
	scenario->again = g_strdup("same");
	scenario->policy = words_new();
	scenario->report = words_new();
	scenario->left = g_ptr_array_new_with_free_func(left_free);
	return scenario;
}

Scenario *
scenario_parse(const char *name, const char *text, GError **error)
{
	g_autoptr(Scenario) scenario = scenario_new(name);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	Reader reader = { .scenario = scenario };
	gboolean done = TRUE;

	for (guint i = 0; done && lines[i]; i++)
		done = read_line(&reader, lines[i], i + 1, error);
	done = done && end_section(&reader, error);
	if (reader.section)
		g_string_free(reader.section, TRUE);
	if (!done)
		return NULL;
	if (!scenario->title || !scenario->before || !scenario->after) {
		fail(error, name, 1, "a title (# ...), before: and after: are needed");
		return NULL;
	}
	return g_steal_pointer(&scenario);
}

Scenario *
scenario_load(const char *path, GError **error)
{
	g_autofree char *text = NULL;
	g_autofree char *name = g_path_get_basename(path);

	if (!g_file_get_contents(path, &text, NULL, error))
		return NULL;
	if (g_str_has_suffix(name, ".txt"))
		name[strlen(name) - strlen(".txt")] = '\0';
	return scenario_parse(name, text, error);
}

void
scenario_free(Scenario *scenario)
{
	g_free(scenario->file);
	g_free(scenario->title);
	g_free(scenario->stray);
	g_free(scenario->target);
	g_free(scenario->undo);
	g_free(scenario->again);
	g_hash_table_unref(scenario->policy);
	g_hash_table_unref(scenario->report);
	g_ptr_array_unref(scenario->left);
	g_clear_pointer(&scenario->before, tree_free);
	g_clear_pointer(&scenario->after, tree_free);
	g_free(scenario);
}

static int
compare_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
scenario_load_all(const char *dir)
{
	GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)scenario_free);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) listing = g_dir_open(dir, 0, &error);
	const char *name;

	g_assert_no_error(error);
	while ((name = g_dir_read_name(listing))) {
		if (g_str_has_suffix(name, ".txt"))
			g_ptr_array_add(names, g_build_filename(dir, name, NULL));
	}
	g_ptr_array_sort(names, compare_text);
	for (guint i = 0; i < names->len; i++) {
		g_ptr_array_add(all, scenario_load(names->pdata[i], &error));
		g_assert_no_error(error);
	}
	return all;
}

const char *
scenario_get(GHashTable *table, const char *key, const char *fallback)
{
	const char *value = g_hash_table_lookup(table, key);

	return value ? value : fallback;
}

FakeFs *
scenario_new_fake(const Scenario *scenario, GError **error)
{
	g_autoptr(FakeFs) fake = fake_fs_new();
	TidyFs *fs = fake_fs_table(fake);
	TreeHost host = { .fs = fs, .fake = fake, .path = SCENARIO_HOME };
	gboolean done;

	/* An hour after the default time of the entries, so that nothing is stale. */
	fake_fs_set_clock(fake, TREE_DEFAULT_MTIME_NS + G_GINT64_CONSTANT(3600000000000), 1000000);
	fake_fs_mkdirs(fake, SCENARIO_HOME, 0755);
	host.dir = fs->openat(fs, AT_FDCWD, SCENARIO_HOME, O_RDONLY | O_DIRECTORY, 0);
	g_assert_cmpint(host.dir, >=, 0);
	done = tree_build(scenario->before, &host, error);
	fs->close(fs, host.dir);
	return done ? g_steal_pointer(&fake) : NULL;
}

/* Opens @path below @dir name by name; -errno. */
static int
open_below(TidyFs *fs, int dir, const char *path)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);
	int fd = fs->openat(fs, dir, ".", O_RDONLY | O_DIRECTORY, 0);

	for (guint i = 0; fd >= 0 && names[i]; i++) {
		int next = fs->openat(fs, fd, names[i], O_RDONLY | O_DIRECTORY, 0);

		fs->close(fs, fd);
		fd = next;
	}
	return fd;
}

Tree *
scenario_snapshot(TidyFs *fs, int dir, GError **error)
{
	static const char *const leave_out[] = { ".local", ".cache", ".config", NULL };
	g_autoptr(Tree) tree = tree_snapshot(fs, dir, "", leave_out, error);
	g_autoptr(Tree) trash = NULL;
	int fd;

	if (!tree)
		return NULL;
	fd = open_below(fs, dir, SCENARIO_TRASH "/files");
	if (fd < 0)
		return fd == -ENOENT ? g_steal_pointer(&tree) : NULL;
	trash = tree_snapshot(fs, fd, "Trash", NULL, error);
	fs->close(fs, fd);
	if (!trash)
		return NULL;
	if (tree_size(trash) > 0)
		tree_append_dir(tree, "Trash");
	tree_add(tree, trash);
	return g_steal_pointer(&tree);
}
