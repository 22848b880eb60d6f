/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What other programs read in the same user-dirs.dirs: xdg-user-dirs-update, xdg-user-dir and GLib,
 * as installed, each as a process of its own in a scratch home. I/O.
 *
 * Two things are checked for each line: what each program makes of it (so that the codec's comments
 * stay true), and that the codec warns whenever one of them reads anything else than the codec
 * does.
 */
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "home/dirs/user-dirs.h"
#include "tests/support/scratch.h"

#define DL "XDG_DOWNLOAD_DIR="
/* Below, "~" at the start of an expected path is the scratch home, "=" says that no such thing is
 * meant; NULL: not set. */
typedef struct {
	const char *title;
	const char *content;
	const char *ours;
	const char *update;
	const char *shell; /* xdg-user-dir up to 0.19; the home when not set */
	const char *glib;
} Case;

#define X100                                                                                       \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxx"
#define X200 X100 X100

/* clang-format off */
static const Case cases[] = {
	{ "plain", DL "\"$HOME/D\"\n", "~/D", "~/D", "~/D", "~/D" },
	{ "absolute", DL "\"/srv/none\"\n", "/srv/none", "/srv/none", "/srv/none", "/srv/none" },
	{ "leading-blanks", " \t" DL "\"$HOME/D\"\n", "~/D", "~/D", "~/D", "~/D" },
	{ "no-final-newline", DL "\"$HOME/D\"", "~/D", "~/D", "~/D", "~/D" },
	{ "utf8-and-blank", DL "\"$HOME/a ü\"\n", "~/a ü", "~/a ü", "~/a ü", "~/a ü" },
	{ "final-slash", DL "\"$HOME/D/\"\n", "~/D", "~/D", "~/D", "~/D" },
	{ "spaces", "XDG_DOWNLOAD_DIR = \"$HOME/D\"\n", "~/D", NULL, "~", "~/D" },
	{ "home", DL "\"$HOME\"\n", "~", "~", "~", "~" },
	{ "home-slash", DL "\"$HOME/\"\n", "~", "~", "~", "~" },
	{ "twice", DL "\"$HOME/A\"\n" DL "\"$HOME/B\"\n", "~/B", "~/A", "~/B", "~/B" },
	{ "escaped-dollar", DL "\"$HOME/a\\$b\"\n", "~/a$b", "~/a$b", "~/a$b", "~/a\\$b" },
	{ "escaped-quote", DL "\"$HOME/a\\\"b\"\n", "~/a\"b", "~/a\"b", "~/a\"b", "~/a\\\"b" },
	/* not "\\b": xdg-user-dir prints with echo, which makes a backspace of it */
	{ "escaped-backslash", DL "\"$HOME/a\\\\qb\"\n", "~/a\\qb", "~/a\\qb", "~/a\\qb", "~/a\\\\qb" },
	{ "bare-dollar", DL "\"$HOME/a$b\"\n", "~/a$b", "~/a$b", "~/a", "~/a$b" },
	{ "single-quotes", DL "'$HOME/D'\n", NULL, NULL, "$HOME/D", NULL },
	{ "braces", DL "\"${HOME}/D\"\n", "~/D", NULL, "~/D", NULL },
	{ "tilde", DL "\"~/D\"\n", NULL, NULL, "=~/D", NULL },
	{ "export", "export " DL "\"$HOME/D\"\n", NULL, NULL, "~/D", NULL },
	{ "relative", DL "\"D\"\n", NULL, NULL, "D", NULL },
	{ "homex", DL "\"$HOMEX/D\"\n", NULL, NULL, "/D", "~/X/D" },
	{ "junk-behind", DL "\"$HOME/D\"junk\n", "~/D", "~/D", "~/Djunk", "~/D" },
	{ "note-with-quotes", DL "\"$HOME/D\" # \"x\"\n", "~/D", "~/D", "~/D", "~/D\" # \"x" },
	{ "crlf", DL "\"$HOME/D\"\r\n", "~/D", "~/D", "~/D\r", "~/D" },
	{ "byte-order-mark", "\xef\xbb\xbf" DL "\"$HOME/D\"\n", NULL, NULL, "~", NULL },
	{ "over-511-bytes", DL "\"$HOME/" X200 "/" X200 "/" X100 "\"\n", "~/" X200 "/" X200 "/" X100, "?",
	  "~/" X200 "/" X200 "/" X100, "~/" X200 "/" X200 "/" X100 },
	{ "other-key-only", "XDG_FOO_DIR=\"$HOME/F\"\n", NULL, NULL, "~", NULL },
};
/* clang-format on */

static char *self;

typedef struct {
	char *home;
	char *file;
	char **env;
} Scratch;

static void
scratch_init(Scratch *s, const char *content)
{
	g_autofree char *config = NULL;
	g_autofree char *defaults = NULL;
	g_autoptr(GError) error = NULL;

	s->home = g_dir_make_tmp("tidy-readers-XXXXXX", &error);
	g_assert_no_error(error);
	config = g_build_filename(s->home, ".config", NULL);
	g_assert_cmpint(g_mkdir(config, 0700), ==, 0);
	s->file = g_build_filename(config, "user-dirs.dirs", NULL);
	defaults = g_build_filename(config, "user-dirs.defaults", NULL);
	g_assert_true(g_file_set_contents(s->file, content, -1, NULL));
	g_assert_true(g_file_set_contents(defaults, "DOWNLOAD=Default\n", -1, NULL));
	s->env = g_get_environ();
	s->env = g_environ_setenv(s->env, "HOME", s->home, TRUE);
	s->env = g_environ_setenv(s->env, "XDG_CONFIG_HOME", config, TRUE);
	s->env = g_environ_setenv(s->env, "XDG_CONFIG_DIRS", "/nonexistent", TRUE);
	s->env = g_environ_setenv(s->env, "LC_ALL", "C", TRUE);
	s->env = g_environ_unsetenv(s->env, "LANGUAGE");
	/* a sanitizer's report at the end of a child is no output of it */
	s->env = g_environ_setenv(s->env, "ASAN_OPTIONS", "detect_leaks=0", TRUE);
}

static void
scratch_clear(Scratch *s)
{
	scratch_remove(s->home);
	g_free(s->home);
	g_free(s->file);
	g_strfreev(s->env);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scratch, scratch_clear)

/* What @argv prints, without the newline at the end. */
static char *
run(const Scratch *s, const char *const *argv)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *complaints = NULL;
	char *output = NULL;

	g_spawn_sync(s->home, (char **)argv, s->env, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
		     &complaints, NULL, &error);
	g_assert_no_error(error);
	if (g_str_has_suffix(output, "\n"))
		output[strlen(output) - 1] = '\0';
	return output;
}

static char *
expand(const Scratch *s, const char *expected)
{
	if (expected && *expected == '=')
		return g_strdup(expected + 1);
	if (!expected || *expected != '~')
		return g_strdup(expected);
	return g_strconcat(s->home, expected + 1, NULL);
}

/* Our own reading, and whether there is any warning. */
static char *
read_ours(const Case *c, const Scratch *s, gboolean *has_warning)
{
	g_autoptr(TidyUserDirs) dirs =
		tidy_user_dirs_parse(c->content, strlen(c->content), s->home);
	const TidyUserDir *dir = tidy_user_dirs_get(dirs, "DOWNLOAD");

	*has_warning = dirs->warnings->len > 0;
	return dir ? g_strdup(dir->path) : NULL;
}

/* What is read by all must be what we read; else there is a warning. */
static void
check_warned(const Case *c, const Scratch *s, const char *theirs)
{
	gboolean has_warning;
	g_autofree char *ours = read_ours(c, s, &has_warning);
	g_autofree char *clean = theirs ? tidy_dirs_normalise(theirs) : NULL;

	if (g_strcmp0(ours, clean) != 0)
		g_assert_true(has_warning);
}

static void
test_ours(gconstpointer data)
{
	const Case *c = data;
	g_auto(Scratch) s = { 0 };
	gboolean has_warning;
	g_autofree char *ours = NULL;
	g_autofree char *expected = NULL;

	scratch_init(&s, c->content);
	ours = read_ours(c, &s, &has_warning);
	expected = expand(&s, c->ours);
	g_assert_cmpstr(ours, ==, expected);
}

/* xdg-user-dirs-update does not print what it reads. But it leaves a directory that exists alone,
 * makes and sets the default for a key that is not set, and sets a key whose directory is missing
 * to the home. */
static void
test_update(gconstpointer data)
{
	const Case *c = data;
	const char *const argv[] = { "xdg-user-dirs-update", NULL };
	g_autofree char *program = g_find_program_in_path(argv[0]);
	g_auto(Scratch) s = { 0 };
	g_autofree char *expected = NULL;
	g_autofree char *output = NULL;
	g_autofree char *after = NULL;

	if (!program) {
		g_test_skip("no xdg-user-dirs-update");
		return;
	}
	scratch_init(&s, c->content);
	expected = expand(&s, c->update);
	if (expected && g_str_has_prefix(expected, s.home))
		g_mkdir_with_parents(expected, 0700);
	output = run(&s, argv);
	g_assert_true(g_file_get_contents(s.file, &after, NULL, NULL));
	if (!expected) {
		g_assert_nonnull(strstr(after, DL "\"$HOME/Default\""));
	} else if (!g_str_has_prefix(expected, s.home)) {
		/* an absolute path that is not there, or a reading that nobody could name */
		g_assert_nonnull(strstr(after, DL "\"$HOME/\""));
	} else {
		g_assert_cmpstr(after, ==, c->content);
	}
	check_warned(c, &s, expected);
}

static void
test_shell(gconstpointer data)
{
	const Case *c = data;
	const char *const argv[] = { "xdg-user-dir", "DOWNLOAD", NULL };
	g_autofree char *program = g_find_program_in_path(argv[0]);
	g_autofree char *text = NULL;
	g_auto(Scratch) s = { 0 };
	g_autofree char *output = NULL;
	g_autofree char *expected = NULL;
	g_autofree char *clean = NULL;

	if (!program || !g_file_get_contents(program, &text, NULL, NULL) ||
	    !g_str_has_prefix(text, "#!")) {
		g_test_skip("no xdg-user-dir that is a shell script");
		return;
	}
	scratch_init(&s, c->content);
	output = run(&s, argv);
	clean = tidy_dirs_normalise(output);
	expected = expand(&s, c->shell);
	g_assert_cmpstr(clean, ==, expected);
	check_warned(c, &s, c->ours || strcmp(clean, s.home) != 0 ? clean : NULL);
}

static void
test_glib(gconstpointer data)
{
	const Case *c = data;
	const char *const argv[] = { self, "--print-glib", NULL };
	g_auto(Scratch) s = { 0 };
	g_autofree char *output = NULL;
	g_autofree char *expected = NULL;
	g_autofree char *clean = NULL;

	scratch_init(&s, c->content);
	output = run(&s, argv);
	clean = tidy_dirs_normalise(output);
	expected = expand(&s, c->glib);
	g_assert_cmpstr(*clean ? clean : NULL, ==, expected);
	check_warned(c, &s, *clean ? clean : NULL);
}

/* What we write is read alike by all. */
static void
test_written(void)
{
	static const char *const names[] = { "D",   "a b",   "Téléchargements",
					     "a'b", "a#b",   "a;b&c",
					     "~",   "a/b",   "%41",
					     "-x",  "*?[x]", "(a)" };
	const char *const shell_argv[] = { "xdg-user-dir", "DOWNLOAD", NULL };
	const char *const glib_argv[] = { self, "--print-glib", NULL };
	g_autofree char *program = g_find_program_in_path("xdg-user-dir");

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_auto(Scratch) s = { 0 };
		g_autofree char *path = NULL;
		g_autofree char *glib_says = NULL;
		g_autoptr(GBytes) empty = g_bytes_new_static("", 0);
		g_autoptr(GBytes) bytes = NULL;

		scratch_init(&s, "");
		path = g_build_filename(s.home, names[i], NULL);
		bytes = tidy_user_dirs_set(empty, "DOWNLOAD", path, s.home, NULL);
		g_file_set_contents(s.file, g_bytes_get_data(bytes, NULL),
				    (gssize)g_bytes_get_size(bytes), NULL);
		glib_says = run(&s, glib_argv);
		g_assert_cmpstr(glib_says, ==, path);
		if (program) {
			g_autofree char *shell_says = run(&s, shell_argv);

			g_assert_cmpstr(shell_says, ==, path);
		}
	}
}

static void
add_tests(const char *reader, GTestDataFunc test)
{
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = g_strdup_printf("/readers/%s/%s", reader, cases[i].title);

		g_test_add_data_func(name, &cases[i], test);
	}
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--print-glib") == 0) {
		const char *path = g_get_user_special_dir(G_USER_DIRECTORY_DOWNLOAD);

		/* not g_print(), which converts to the locale */
		puts(path ? path : "");
		return 0;
	}
	self = g_file_read_link("/proc/self/exe", NULL);
	g_test_init(&argc, &argv, NULL);
	add_tests("ours", test_ours);
	add_tests("update", test_update);
	add_tests("shell", test_shell);
	add_tests("glib", test_glib);
	g_test_add_func("/readers/written", test_written);
	return g_test_run();
}
