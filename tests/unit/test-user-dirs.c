/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The codec of user-dirs.dirs: what readers accept, what is warned about, and that a write changes
 * one value only. */
#include <string.h>

#include "home/base/error.h"
#include "home/dirs/user-dirs.h"

#define HOME "/home/ann"
#define DL   "XDG_DOWNLOAD_DIR="

typedef struct {
	const char *name;
	const char *content;
	const char *key;
	TidyDirState state;
	const char *path;     /* NULL: not looked at */
	const char *warnings; /* all codes in order, with blanks between; "" for none */
} ParseCase;

static const ParseCase parse_cases[] = {
	{ "01-plain", DL "\"$HOME/Downloads\"\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/Downloads", "" },
	{ "02-leading-blanks", "  \t" DL "\"$HOME/a b/ü\"\n", "DOWNLOAD", TIDY_DIR_SET,
	  HOME "/a b/ü", "" },
	{ "03-spaces", "XDG_DOWNLOAD_DIR = \"$HOME/D\"\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/D",
	  "W-SPACES" },
	{ "03-space-behind", "XDG_DOWNLOAD_DIR= \"$HOME/D\"\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/D",
	  "W-SPACES" },
	{ "04-home", DL "\"$HOME\"\n", "DOWNLOAD", TIDY_DIR_DISABLED, HOME, "" },
	{ "04-home-slash", DL "\"$HOME/\"\n", "DOWNLOAD", TIDY_DIR_DISABLED, HOME, "" },
	{ "04-home-slashes", DL "\"$HOME//\"\n", "DOWNLOAD", TIDY_DIR_DISABLED, HOME, "" },
	{ "04-home-dot", DL "\"$HOME/.\"\n", "DOWNLOAD", TIDY_DIR_DISABLED, HOME, "" },
	{ "04-home-absolute", DL "\"" HOME "/\"\n", "DOWNLOAD", TIDY_DIR_DISABLED, HOME, "" },
	{ "05-desktop", "XDG_DESKTOP_DIR=\"$HOME\"\n", "DESKTOP", TIDY_DIR_DISABLED, HOME,
	  "W-DESKTOP" },
	{ "05-desktop-slash", "XDG_DESKTOP_DIR=\"$HOME/\"\n", "DESKTOP", TIDY_DIR_DISABLED, HOME,
	  "" },
	{ "06-twice", DL "\"$HOME/A\"\n" DL "\"$HOME/B\"\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/B",
	  "W-DUP" },
	{ "06-second-is-bad", DL "\"$HOME/A\"\n" DL "'B'\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/A",
	  "W-FORMAT" },
	{ "07-quote", DL "\"$HOME/a\\\"b\"\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/a\"b", "W-ESCAPE" },
	{ "07-dollar", DL "\"$HOME/a\\$b\"\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/a$b", "W-ESCAPE" },
	{ "07-backslash", DL "\"$HOME/a\\\\b\"\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/a\\b",
	  "W-ESCAPE" },
	{ "07-bare-dollar", DL "\"$HOME/a$b\"\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/a$b",
	  "W-SHELL" },
	{ "07-backslash-at-end", DL "\"$HOME/a\\\"\n", "DOWNLOAD", TIDY_DIR_UNSET, NULL,
	  "W-FORMAT" },
	{ "08-homex", DL "\"$HOMEX/D\"\n", "DOWNLOAD", TIDY_DIR_UNSET, NULL, "W-FORMAT" },
	{ "08-braces", DL "\"${HOME}/D\"\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/D", "W-FORMAT" },
	{ "08-tilde", DL "\"~/D\"\n", "DOWNLOAD", TIDY_DIR_UNSET, NULL, "W-FORMAT" },
	{ "08-single-quotes", DL "'$HOME/D'\n", "DOWNLOAD", TIDY_DIR_UNSET, NULL, "W-FORMAT" },
	{ "08-no-quotes", DL "$HOME/D\n", "DOWNLOAD", TIDY_DIR_UNSET, NULL, "W-FORMAT" },
	{ "08-relative", DL "\"D\"\n", "DOWNLOAD", TIDY_DIR_UNSET, NULL, "W-FORMAT" },
	{ "08-empty", DL "\"\"\n", "DOWNLOAD", TIDY_DIR_UNSET, NULL, "W-FORMAT" },
	{ "08-not-closed", DL "\"$HOME/D\n", "DOWNLOAD", TIDY_DIR_UNSET, NULL, "W-FORMAT" },
	{ "08-no-equals", "XDG_DOWNLOAD_DIR\n", "DOWNLOAD", TIDY_DIR_UNSET, NULL, "W-FORMAT" },
	{ "09-export", "export " DL "\"$HOME/D\"\n", "DOWNLOAD", TIDY_DIR_UNSET, NULL, "W-FORMAT" },
	{ "10-note", DL "\"$HOME/D\" # note\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/D", "W-TRAIL" },
	{ "10-junk", DL "\"$HOME/D\"junk\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/D", "W-TRAIL" },
	{ "10-blank", DL "\"$HOME/D\" \t\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/D", "" },
	{ "11-no-newline", DL "\"$HOME/D\"", "DOWNLOAD", TIDY_DIR_SET, HOME "/D", "" },
	{ "11-crlf", DL "\"$HOME/D\"\r\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/D", "W-CRLF" },
	{ "11-bom", "\xef\xbb\xbf" DL "\"$HOME/D\"\n", "DOWNLOAD", TIDY_DIR_UNSET, NULL, "W-BOM" },
	{ "11-bom-comment", "\xef\xbb\xbf# hello\n" DL "\"$HOME/D\"\n", "DOWNLOAD", TIDY_DIR_SET,
	  HOME "/D", "W-BOM" },
	{ "12-custom", "XDG_FOO_DIR=\"$HOME/Foo\"\n", "FOO", TIDY_DIR_SET, HOME "/Foo", "" },
	{ "12-empty-key", "XDG__DIR=\"/x\"\n", "", TIDY_DIR_UNSET, NULL, "" },
	{ "12-no-key", "XDG_DIR=\"/x\"\n", "", TIDY_DIR_UNSET, NULL, "" },
	{ "12-other-variable", "FOO=\"/x\"\nXDG_DATA_HOME=\"/y\"\n", "DATA", TIDY_DIR_UNSET, NULL,
	  "" },
	{ "13-final-slash", DL "\"/abs/dir/\"\n", "DOWNLOAD", TIDY_DIR_SET, "/abs/dir", "" },
	{ "13-two-slashes", DL "\"//srv/x\"\n", "DOWNLOAD", TIDY_DIR_SET, "/srv/x", "" },
	{ "13-dotdot", DL "\"$HOME/../other\"\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/../other", "" },
	{ "13-dot", DL "\"$HOME/./D\"\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/D", "" },
	{ "13-root", DL "\"/\"\n", "DOWNLOAD", TIDY_DIR_SET, "/", "" },
	{ "14-absent", "", "DOWNLOAD", TIDY_DIR_UNSET, NULL, "" },
	{ "16-kconfig", "XDG_VIDEOS_DIR=\"$HOME/Videos\"\n" DL "\"$HOME/Downloads\"\n", "DOWNLOAD",
	  TIDY_DIR_SET, HOME "/Downloads", "" },
	{ "not-utf8", DL "\"$HOME/D\xff\"\n", "DOWNLOAD", TIDY_DIR_SET, HOME "/D\xff", "" },
	{ "comment", "#" DL "\"$HOME/D\"\n", "DOWNLOAD", TIDY_DIR_UNSET, NULL, "" },
};

static char *
join_codes(const TidyUserDirs *dirs)
{
	GString *codes = g_string_new(NULL);

	for (guint i = 0; i < dirs->warnings->len; i++) {
		const TidyDirsWarning *warning = g_ptr_array_index(dirs->warnings, i);

		g_string_append_printf(codes, "%s%s", i ? " " : "", warning->code);
		g_assert_cmpuint(warning->line, >, 0);
		g_assert_true(g_utf8_validate(warning->text, -1, NULL));
	}
	return g_string_free(codes, FALSE);
}

static void
test_parse(gconstpointer data)
{
	const ParseCase *c = data;
	g_autoptr(TidyUserDirs) dirs =
		tidy_user_dirs_parse(c->content, strlen(c->content), HOME "/");
	const TidyUserDir *dir = tidy_user_dirs_get(dirs, c->key);
	g_autofree char *codes = join_codes(dirs);

	g_assert_cmpint(tidy_user_dirs_state(dirs, c->key), ==, c->state);
	if (c->path)
		g_assert_cmpstr(dir->path, ==, c->path);
	g_assert_cmpstr(codes, ==, c->warnings);
}

/* 11: over 500 bytes */
static void
test_long_line(void)
{
	g_autofree char *name = g_strnfill(600, 'x');
	g_autofree char *text = g_strdup_printf(DL "\"$HOME/%s\"\n", name);
	g_autoptr(TidyUserDirs) dirs = tidy_user_dirs_parse(text, strlen(text), HOME);

	g_assert_cmpuint(strlen(tidy_user_dirs_get(dirs, "DOWNLOAD")->path), ==,
			 strlen(HOME) + 601);
	g_assert_true(tidy_user_dirs_has_warning(dirs, "W-LONG"));
}

/* 11: the limit is xdg-user-dirs-update's buffer: 511 bytes with the newline are read whole */
static void
test_long_line_limit(void)
{
	for (gsize extra = 0; extra < 2; extra++) {
		gsize n = 511 - strlen(DL "\"$HOME/\"\n") + extra;
		g_autofree char *name = g_strnfill(n, 'x');
		g_autofree char *text = g_strdup_printf(DL "\"$HOME/%s\"\n", name);
		g_autoptr(TidyUserDirs) dirs = tidy_user_dirs_parse(text, strlen(text), HOME);

		g_assert_cmpint(tidy_user_dirs_has_warning(dirs, "W-LONG"), ==, extra == 1);
	}
}

/* 11: zero bytes hide the rest of a line from readers in C */
static void
test_nul(void)
{
	static const char text[] = DL "\"$HOME/A\0B\"\nXDG_MUSIC_DIR=\"$HOME/M\"\n";
	g_autoptr(TidyUserDirs) dirs = tidy_user_dirs_parse(text, sizeof text - 1, HOME);

	g_assert_cmpint(tidy_user_dirs_state(dirs, "DOWNLOAD"), ==, TIDY_DIR_UNSET);
	g_assert_cmpint(tidy_user_dirs_state(dirs, "MUSIC"), ==, TIDY_DIR_SET);
	g_assert_true(tidy_user_dirs_has_warning(dirs, "W-NUL"));
}

/* 11: a mebibyte of noise that looks like keys: an answer, and not a warning for each line */
static void
test_noise(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(TidyUserDirs) dirs = NULL;

	for (guint i = 0; text->len < (1 << 20); i++)
		g_string_append_printf(text, "XDG_K%u_DIR='%c'\n", i, (int)(i % 200 + 11));
	dirs = tidy_user_dirs_parse(text->str, text->len, HOME);
	g_assert_cmpuint(dirs->warnings->len, ==, 200);
	g_assert_true(tidy_user_dirs_has_warning(dirs, "W-MORE"));
}

static void
test_file_order(void)
{
	static const char text[] = "XDG_B_DIR=\"/b\"\nXDG_A_DIR=\"/a\"\nXDG_B_DIR=\"/c\"\n";
	g_autoptr(TidyUserDirs) dirs = tidy_user_dirs_parse(text, strlen(text), HOME);
	const TidyUserDir *first = g_ptr_array_index(dirs->entries, 0);

	g_assert_cmpuint(dirs->entries->len, ==, 2);
	g_assert_cmpstr(first->key, ==, "B");
	g_assert_cmpstr(first->path, ==, "/c");
	g_assert_cmpuint(first->line, ==, 3);
}

typedef struct {
	const char *name;
	const char *before;
	const char *path;
	const char *after; /* NULL: refused */
} SetCase;

#define REST "# mine\n\nXDG_FOO_DIR=\"$HOME/Foo\"\r\nFOO=1\n"

static const SetCase set_cases[] = {
	{ "value-only", REST DL "\"$HOME/Download\"\nXDG_A_DIR=\"/a\"", HOME "/Downloads",
	  REST DL "\"$HOME/Downloads\"\nXDG_A_DIR=\"/a\"" },
	{ "no-final-newline", REST DL "\"$HOME/D\"", "/srv/x", REST DL "\"/srv/x\"" },
	{ "crlf-stays", DL "\"$HOME/D\"\r\n", HOME "/E", DL "\"$HOME/E\"\r\n" },
	{ "comment-behind-stays", " " DL "\"$HOME/D\" # note\n", HOME "/E",
	  " " DL "\"$HOME/E\" # note\n" },
	{ "add", REST, HOME "/D", REST DL "\"$HOME/D\"\n" },
	{ "add-to-nothing", "", HOME "/D", DL "\"$HOME/D\"\n" },
	{ "add-after-partial-line", "# x", HOME "/D", "# x\n" DL "\"$HOME/D\"\n" },
	{ "add-beside-unusable", DL "'x'\n", HOME "/D", DL "'x'\n" DL "\"$HOME/D\"\n" },
	{ "same-is-untouched", DL "\"$HOME//D/\"\n", HOME "/D", DL "\"$HOME//D/\"\n" },
	{ "spaces-go", "XDG_DOWNLOAD_DIR = \"$HOME/D\"\n", HOME "/D", DL "\"$HOME/D\"\n" },
	{ "braces-go", DL "\"${HOME}/D\"\n", HOME "/D", DL "\"$HOME/D\"\n" },
	{ "duplicates-agree", DL "\"/a\"\n" DL "\"/b\"\n", "/c", DL "\"/c\"\n" DL "\"/c\"\n" },
	{ "disable", DL "\"$HOME/D\"\n", HOME "/", DL "\"$HOME/\"\n" },
	/* xdg-user-dirs-update --set writes $HOME/bar/x here */
	{ "home-is-no-prefix-by-bytes", DL "\"$HOME/D\"\n", "/home/annbar/x",
	  DL "\"/home/annbar/x\"\n" },
	{ "utf8", "", HOME "/Téléchargements", DL "\"$HOME/Téléchargements\"\n" },
	{ "raw-bytes", "", HOME "/\xff", DL "\"$HOME/\xff\"\n" },
	{ "refuse-quote", "", HOME "/a\"b", NULL },
	{ "refuse-dollar", "", HOME "/a$b", NULL },
	{ "refuse-backslash", "", HOME "/a\\b", NULL },
	{ "refuse-backtick", "", HOME "/a`b", NULL },
	{ "refuse-newline", "", HOME "/a\nb", NULL },
	{ "refuse-tab", "", HOME "/a\tb", NULL },
	{ "refuse-delete", "", HOME "/a\177b", NULL },
};

static void
test_set(gconstpointer data)
{
	const SetCase *c = data;
	g_autoptr(GBytes) before = g_bytes_new_static(c->before, strlen(c->before));
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) after = tidy_user_dirs_set(before, "DOWNLOAD", c->path, HOME, &error);
	g_autoptr(TidyUserDirs) dirs = NULL;
	g_autofree char *clean = tidy_dirs_normalise(c->path);
	g_autofree char *got = NULL;
	gsize size;
	const char *text;

	if (!c->after) {
		g_assert_error(error, TIDY_ERROR, TIDY_ERROR_REFUSED);
		g_assert_null(after);
		return;
	}
	g_assert_no_error(error);
	text = g_bytes_get_data(after, &size);
	got = g_strndup(text, size);
	g_assert_cmpstr(got, ==, c->after);
	dirs = tidy_user_dirs_parse(text, size, HOME);
	g_assert_cmpstr(tidy_user_dirs_get(dirs, "DOWNLOAD")->path, ==, clean);
}

static void
test_set_refuses(void)
{
	g_autoptr(GBytes) empty = g_bytes_new_static("", 0);
	g_autofree char *name = g_strnfill(500, 'x');
	g_autofree char *path = g_strconcat(HOME "/", name, NULL);
	g_autoptr(GError) too_long = NULL;
	g_autoptr(GError) relative = NULL;
	static const char *const keys[] = { "", "FOO BAR", "A=B", "\xff" };

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(tidy_user_dirs_set(empty, keys[i], HOME "/D", HOME, &error));
		g_assert_error(error, TIDY_ERROR, TIDY_ERROR_USAGE);
	}
	g_assert_null(tidy_user_dirs_set(empty, "DOWNLOAD", path, HOME, &too_long));
	g_assert_error(too_long, TIDY_ERROR, TIDY_ERROR_REFUSED);
	g_assert_null(tidy_user_dirs_set(empty, "DOWNLOAD", "D\n", HOME, &relative));
	g_assert_error(relative, TIDY_ERROR, TIDY_ERROR_USAGE);
}

/* Where the home is "/", "$HOME/D" would read as "//D". */
static void
test_set_root_home(void)
{
	g_autoptr(GBytes) empty = g_bytes_new_static("", 0);
	g_autoptr(GBytes) after = tidy_user_dirs_set(empty, "DOWNLOAD", "/D", "/", NULL);
	g_autofree char *got = g_strndup(g_bytes_get_data(after, NULL), g_bytes_get_size(after));

	g_assert_cmpstr(got, ==, DL "\"/D\"\n");
}

static void
test_paths(void)
{
	static const char *const normal[][2] = {
		{ "/a//b/./c/", "/a/b/c" }, { "/", "/" },  { "//", "/" },
		{ "/a/../b", "/a/../b" },   { "a/", "a" }, { "", "" },
		{ "/.a/..b", "/.a/..b" }
	};

	for (guint i = 0; i < G_N_ELEMENTS(normal); i++) {
		g_autofree char *got = tidy_dirs_normalise(normal[i][0]);

		g_assert_cmpstr(got, ==, normal[i][1]);
	}
	g_assert_true(tidy_dirs_is_within("/a/b", "/a"));
	g_assert_true(tidy_dirs_is_within("/a", "/a"));
	g_assert_true(tidy_dirs_is_within("/a", "/"));
	g_assert_false(tidy_dirs_is_within("/ab", "/a"));
	g_assert_false(tidy_dirs_is_within("/a", "/a/b"));
}

/* 17 */
static void
test_locale(void)
{
	static const char *const cases[][2] = {
		{ "fr_FR", "fr_FR" },
		{ "C", "C" },
		{ "", NULL },
		{ "sr_RS@latin", "sr_RS@latin" },
		{ "pt_BR\n", "pt_BR" },
		{ " \n", NULL },
		{ "de_DE.UTF-8", "de_DE" },
		{ "x y", NULL },
		{ "../etc", NULL },
		{ "ca_ES.UTF-8@valencia", "ca_ES@valencia" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got =
			tidy_user_dirs_parse_locale(cases[i][0], strlen(cases[i][0]));

		g_assert_cmpstr(got, ==, cases[i][1]);
	}
}

static void
test_locale_variants(void)
{
	static const char *const cases[][2] = {
		{ "sr_RS@latin", "sr_RS@latin sr@latin sr_RS sr" },
		{ "pt_BR", "pt_BR pt" },
		{ "de", "de" },
		{ "C", "C" },
		{ "be@latin", "be@latin be" },
		{ "fr_FR.UTF-8", "fr_FR fr" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(GStrv) variants = tidy_locale_variants(cases[i][0]);
		g_autofree char *got = g_strjoinv(" ", variants);

		g_assert_cmpstr(got, ==, cases[i][1]);
	}
}

static void
test_conf(void)
{
	static const struct {
		const char *text;
		int enabled;
	} cases[] = { { "", -1 },
		      { "enabled=False\n", 0 },
		      { "enabled=1", 1 },
		      { "enabled=true\r\n", 1 },
		      { "enabled = True\n", -1 },
		      { "#enabled=False\n", -1 },
		      { "enabled=yes\n", 0 } };

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(TidyUserDirsConf) conf = { -1, NULL };

		tidy_user_dirs_parse_conf(cases[i].text, strlen(cases[i].text), &conf);
		g_assert_cmpint(conf.enabled, ==, cases[i].enabled);
	}
}

static void
test_conf_layers(void)
{
	g_auto(TidyUserDirsConf) conf = { -1, NULL };

	tidy_user_dirs_parse_conf("enabled=False\nfilename_encoding=UTF-8\n", 38, &conf);
	tidy_user_dirs_parse_conf("filename_encoding=locale\n", 25, &conf);
	g_assert_cmpint(conf.enabled, ==, 0);
	g_assert_cmpstr(conf.filename_encoding, ==, "locale");
}

static void
test_defaults(void)
{
	static const char text[] = "# defaults\nDESKTOP=Desktop\n\nMUSIC=Documents/Music\nX\n=y\n";
	g_autoptr(GPtrArray) items = tidy_user_dirs_parse_defaults(text, strlen(text));
	const TidyUserDirsDefault *second;

	g_assert_cmpuint(items->len, ==, 2);
	second = g_ptr_array_index(items, 1);
	g_assert_cmpstr(second->key, ==, "MUSIC");
	g_assert_cmpstr(second->path, ==, "Documents/Music");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(parse_cases); i++) {
		g_autofree char *name = g_strconcat("/dirs/parse/", parse_cases[i].name, NULL);

		g_test_add_data_func(name, &parse_cases[i], test_parse);
	}
	g_test_add_func("/dirs/parse/11-long-line", test_long_line);
	g_test_add_func("/dirs/parse/11-long-line-limit", test_long_line_limit);
	g_test_add_func("/dirs/parse/11-nul", test_nul);
	g_test_add_func("/dirs/parse/11-noise", test_noise);
	g_test_add_func("/dirs/parse/file-order", test_file_order);
	for (guint i = 0; i < G_N_ELEMENTS(set_cases); i++) {
		g_autofree char *name = g_strconcat("/dirs/set/", set_cases[i].name, NULL);

		g_test_add_data_func(name, &set_cases[i], test_set);
	}
	g_test_add_func("/dirs/set/refuses", test_set_refuses);
	g_test_add_func("/dirs/set/root-home", test_set_root_home);
	g_test_add_func("/dirs/paths", test_paths);
	g_test_add_func("/dirs/17-locale", test_locale);
	g_test_add_func("/dirs/17-locale-variants", test_locale_variants);
	g_test_add_func("/dirs/conf", test_conf);
	g_test_add_func("/dirs/conf-layers", test_conf_layers);
	g_test_add_func("/dirs/defaults", test_defaults);
	return g_test_run();
}
