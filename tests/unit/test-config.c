/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy.conf: what is accepted, what is refused and where, what is shown. Pure, but for the cases under /file. */
#include "home/base/error.h"
#include "home/config/settings.h"

#include <glib/gstdio.h>
#include <string.h>

/* Parses @text over the defaults; the problems as text, one a line. */
static char *
problems_of(const char *text, gsize length, TidyConfig **config)
{
	g_autoptr(TidyConfig) parsed = tidy_config_new_defaults();
	g_autoptr(GPtrArray) problems = tidy_config_problems_new();
	GString *out = g_string_new(NULL);
	gboolean has_error = FALSE;
	gboolean is_good = tidy_config_parse(parsed, "f", text, length, problems);

	for (guint i = 0; i < problems->len; i++) {
		const TidyConfigProblem *problem = g_ptr_array_index(problems, i);
		g_autofree char *line = tidy_config_problem_text(problem);

		g_assert_true(g_utf8_validate(line, -1, NULL));
		g_string_append_printf(out, "%s%s", i == 0 ? "" : "\n", line);
		has_error = has_error || !problem->is_warning;
	}
	g_assert_cmpint(is_good, ==, !has_error);
	if (config != NULL)
		*config = g_steal_pointer(&parsed);
	return g_string_free(out, FALSE);
}

/* Parses @text, which must have no problem. */
static TidyConfig *
parse_good(const char *text)
{
	TidyConfig *config = NULL;
	g_autofree char *problems = problems_of(text, strlen(text), &config);

	g_assert_cmpstr(problems, ==, "");
	return config;
}

static void
add_shown(const TidyConfigShown *shown, gpointer data)
{
	g_string_append_printf(data, "%s.%s=%s %s:%u\n", shown->section, shown->key, shown->value,
			       shown->file == NULL ? "-" : shown->file, shown->line);
}

static char *
show(const TidyConfig *config)
{
	GString *out = g_string_new(NULL);

	tidy_config_show(config, add_shown, out);
	return g_string_free(out, FALSE);
}

static void
test_defaults(void)
{
	g_autoptr(TidyConfig) config = tidy_config_new_defaults();

	g_assert_cmpint(config->dirs.mode, ==, TIDY_CONFIG_MODE_ASK);
	g_assert_cmpint(config->dirs.leave, ==, TIDY_CONFIG_LEAVE_NOTHING);
	g_assert_cmpint(tidy_config_dirs(config, "DOWNLOAD")->mode, ==, TIDY_CONFIG_MODE_AUTO);
	g_assert_cmpint(tidy_config_dirs(config, "MUSIC")->mode, ==, TIDY_CONFIG_MODE_ASK);
	g_assert_cmpint(tidy_config_dirs(config, "NO_SUCH")->mode, ==, TIDY_CONFIG_MODE_ASK);
	g_assert_cmpint(config->merge.collisions, ==, TIDY_CONFIG_COLLISIONS_KEEP_BOTH);
	g_assert_cmpint(config->merge.identical, ==, TIDY_CONFIG_IDENTICAL_TRASH);
	g_assert_cmpint(config->merge.settle_usec, ==, 10 * G_USEC_PER_SEC);
	g_assert_cmpint(config->notify.level, ==, TIDY_CONFIG_NOTIFY_SUMMARY);
	g_assert_cmpint(config->journal.keep_days, ==, 90);
	g_assert_null(tidy_config_dirs(config, "DOWNLOAD")->aliases[0]);
	g_assert_null(tidy_config_dirs(config, "DOWNLOAD")->ignore[0]);
}

/* Every word of every enum, so that the tables of words and the enums cannot drift apart. */
static void
test_words(void)
{
	g_autoptr(TidyConfig) config =
		parse_good("[dirs]\nmode=report\nleave=symlink\n[merge]\ncollisions=ask\n"
			   "identical=keep\n[notify]\nlevel=never\n[journal]\nkeep_days=0\n");
	g_autoptr(TidyConfig) other =
		parse_good("[merge]\ncollisions=newer\nidentical=delete\n"
			   "[notify]\nlevel=errors\n[dirs.MUSIC]\nmode=auto\n");
	g_autoptr(TidyConfig) third = parse_good("[merge]\ncollisions=skip\n[notify]\nlevel=all\n");

	g_assert_cmpint(config->dirs.mode, ==, TIDY_CONFIG_MODE_REPORT);
	g_assert_cmpint(config->dirs.leave, ==, TIDY_CONFIG_LEAVE_SYMLINK);
	g_assert_cmpint(config->merge.collisions, ==, TIDY_CONFIG_COLLISIONS_ASK);
	g_assert_cmpint(config->merge.identical, ==, TIDY_CONFIG_IDENTICAL_KEEP);
	g_assert_cmpint(config->notify.level, ==, TIDY_CONFIG_NOTIFY_NEVER);
	g_assert_cmpint(config->journal.keep_days, ==, 0);
	g_assert_cmpint(other->merge.collisions, ==, TIDY_CONFIG_COLLISIONS_NEWER);
	g_assert_cmpint(other->merge.identical, ==, TIDY_CONFIG_IDENTICAL_DELETE);
	g_assert_cmpint(other->notify.level, ==, TIDY_CONFIG_NOTIFY_ERRORS);
	g_assert_cmpint(tidy_config_dirs(other, "MUSIC")->mode, ==, TIDY_CONFIG_MODE_AUTO);
	g_assert_cmpint(third->merge.collisions, ==, TIDY_CONFIG_COLLISIONS_SKIP);
	g_assert_cmpint(third->notify.level, ==, TIDY_CONFIG_NOTIFY_ALL);
	g_assert_cmpstr(tidy_config_mode_name(TIDY_CONFIG_MODE_REPORT), ==, "report");
}

/* Forms of lines that mean the same. */
static void
test_forms(void)
{
	static const char *const texts[] = {
		"[notify]\nlevel = never\n",
		"[notify]\nlevel = never",
		"[notify]\r\nlevel = never\r\n",
		"\xef\xbb\xbf[notify]\nlevel=never\n",
		"  [notify]  \n\t level\t=\tnever \t\n",
		"# first\n; second\n\n[notify] ; third\nlevel = never ; fourth\n",
		"[notify] # third\n# \xc3\xa9\nlevel = never\t; fourth\n",
		/* stock inih would add the indented line to the value before */
		"[journal]\nkeep_days = 7\n[notify]\n    level = never\n",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(TidyConfig) config = parse_good(texts[i]);

		g_test_message("form %zu", i);
		g_assert_cmpint(config->notify.level, ==, TIDY_CONFIG_NOTIFY_NEVER);
	}
}

static void
test_durations(void)
{
	static const struct {
		const char *text;
		gint64 usec;
		const char *shown;
	} rows[] = {
		{ "1s", 1000000, "1s" },
		{ "1500ms", 1500000, "1500ms" },
		{ "90 sec", 90000000, "90s" },
		{ "2min", 120000000, "2min" },
		{ "2m", 120000000, "2min" },
		{ "1h 30min", 5400000000, "90min" },
		{ "1h30min", 5400000000, "90min" },
		{ "24h", 86400000000, "1d" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = g_strdup_printf("[merge]\nsettle = %s\n", rows[i].text);
		g_autofree char *shown = tidy_duration_format(rows[i].usec);
		g_autoptr(TidyConfig) config = parse_good(text);

		g_assert_cmpint(config->merge.settle_usec, ==, rows[i].usec);
		g_assert_cmpstr(shown, ==, rows[i].shown);
	}
}

typedef struct {
	const char *text;
	const char *problems;
} BadRow;

static const BadRow bad_rows[] = {
	/* names */
	{ "[mrge]\n", "f:1:2: unknown section [mrge] (did you mean \"merge\"?)" },
	{ "[dirs.download]\n",
	  "f:1:2: unknown section [dirs.download] (did you mean \"dirs.DOWNLOAD\"?)" },
	{ "[entirely different]\n", "f:1:2: unknown section [entirely different]" },
	{ "[dirs.*]\n", "f:1:2: unknown section [dirs.*]" },
	{ "[]\n", "f:1:2: unknown section []" },
	{ "[merge]\n  identcal = keep\n",
	  "f:2:3: unknown key \"identcal\" (did you mean \"identical\"?)" },
	{ "[dirs]\nsettle = 10s\n", "f:2:1: \"settle\" belongs in section [merge]" },
	{ "[dirs]\nwhatever = 1\n", "f:2:1: unknown key \"whatever\"" },
	/* words */
	{ "[dirs]\nmode = atuo\n",
	  "f:2:8: \"atuo\" is none of auto, ask or report (did you mean \"auto\"?)" },
	{ "[dirs]\nmode = AUTO\n",
	  "f:2:8: \"AUTO\" is none of auto, ask or report (did you mean \"auto\"?)" },
	{ "[dirs]\nmode =\n", "f:2:7: a value is missing: auto, ask or report" },
	{ "[dirs]\nmode =", "f:2:7: a value is missing: auto, ask or report" },
	{ "[dirs]\nmode = ask # really\n",
	  "f:2:12: a comment after a value begins with \" ;\", not \"#\"" },
	/* numbers */
	{ "[journal]\nkeep_days = -1\n",
	  "f:2:13: a whole number from 0 to 36500 days is expected" },
	{ "[journal]\nkeep_days = 36501\n",
	  "f:2:13: a whole number from 0 to 36500 days is expected" },
	{ "[journal]\nkeep_days = 99999999999999999999\n",
	  "f:2:13: a whole number from 0 to 36500 days is expected" },
	{ "[journal]\nkeep_days = 3x\n",
	  "f:2:14: a whole number from 0 to 36500 days is expected" },
	/* durations */
	{ "[merge]\nsettle = 10\n", "f:2:12: a unit is expected: ms, s, min, h or d" },
	{ "[merge]\nsettle = 10 parsecs\n", "f:2:13: a unit is expected: ms, s, min, h or d" },
	{ "[merge]\nsettle = soon\n",
	  "f:2:10: a time from 1s to 1d is expected, such as 10s or 2min" },
	{ "[merge]\nsettle = 1min 2\n", "f:2:16: a unit is expected: ms, s, min, h or d" },
	{ "[merge]\nsettle = 999ms\n", "f:2:10: shorter than 1s" },
	{ "[merge]\nsettle = 25h\n", "f:2:10: longer than 1d" },
	{ "[merge]\nsettle = 1d 1ms\n", "f:2:10: longer than 1d" },
	/* lists */
	{ "[dirs]\naliases = Incoming\n",
	  "f:2:11: KEY:name is expected, such as DOWNLOAD:Incoming" },
	{ "[dirs]\naliases = MUSIC:Lieder, DOWNLAOD:In\n",
	  "f:2:25: unknown key \"DOWNLAOD\" (did you mean \"DOWNLOAD\"?)" },
	{ "[dirs.MUSIC]\naliases = a,,b\n", "f:2:13: a name is missing" },
	{ "[dirs.MUSIC]\naliases = a, b/c\n",
	  "f:2:14: a name in the home is expected, without \"/\"" },
	{ "[dirs.MUSIC]\naliases = ..\n", "f:2:11: \".\" and \"..\" are not names of directories" },
	{ "[dirs.MUSIC]\naliases = a\\b\n", "f:2:12: after \"\\\" one of , ; \\ is expected" },
	{ "[dirs.MUSIC]\naliases = a\\", "f:2:12: after \"\\\" one of , ; \\ is expected" },
	{ "[dirs.MUSIC]\naliases = X\n[dirs.VIDEOS]\naliases = X\n",
	  "f:4:1: \"X\" is an alias of both MUSIC and VIDEOS" },
	/* lines */
	{ "mode = ask\n", "f:1:1: a section such as [dirs] must come before the first key" },
	{ "[dirs]\nmode\n", "f:2:5: \"=\" is missing" },
	{ "[dirs]\nmode: ask\n", "f:2:5: \"=\" is missing" },
	{ "[dirs]\nmode ; = ask\n", "f:2:6: \"=\" is missing" },
	{ "[dirs]\n = ask\n", "f:2:2: a key is missing before \"=\"" },
	{ "[dirs\nmode = nonsense\n[notify]\nlevel = al\n",
	  "f:1:6: \"]\" is missing\n"
	  "f:4:9: \"al\" is none of all, summary, errors or never (did you mean \"all\"?)" },
	{ "[dirs] mode = ask\n", "f:1:8: nothing but a comment may follow a section" },
	{ "[dirs]\nmode = ask\xff\n", "f:2:11: not valid UTF-8" },
	{ "# \xc3\n", "f:1:3: not valid UTF-8" },
	{ "[dirs]\nmode = \x1b[31mask\n", "f:2:8: control character 0x1b" },
	{ "[dirs]\rmode = ask\n", "f:1:7: control character 0x0d" },
	/* twice */
	{ "[dirs]\nmode = ask\nleave = nothing\nmode = ask\n",
	  "f:4:1: \"mode\" is set at line 2 already" },
	{ "[dirs]\nmode = ask\n[merge]\n[dirs]\nleave = nothing\n",
	  "f:4:1: warning: section [dirs] is open since line 1 already; both count" },
	/* all of them, each once */
	{ "x\n[dirs]\nmode = a\n[what]\nx = y\n[merge]\ny\n",
	  "f:1:1: a section such as [dirs] must come before the first key\n"
	  "f:3:8: \"a\" is none of auto, ask or report\n"
	  "f:4:2: unknown section [what]\n"
	  "f:7:2: \"=\" is missing" },
};

static void
test_bad(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(bad_rows); i++) {
		/* Bytes that end where the text does: reading on is an error that the sanitizer sees. */
		gsize length = strlen(bad_rows[i].text);
		g_autofree char *exact = g_memdup2(bad_rows[i].text, length);
		g_autofree char *problems = problems_of(exact, length, NULL);

		if (strcmp(problems, bad_rows[i].problems) != 0)
			g_test_fail_printf("row %zu: %s", i, problems);
	}
}

static void
test_zero_byte(void)
{
	static const char text[] = "[dirs]\nmode = a\0sk\n";
	g_autofree char *problems = problems_of(text, sizeof(text) - 1, NULL);

	g_assert_cmpstr(problems, ==, "f:2:9: a zero byte");
}

/* Stock inih reads a line of 200 bytes as two. */
static void
test_long_line(void)
{
	GString *text = g_string_new("[dirs.MUSIC]\naliases = ");
	g_autofree char *good = NULL;
	g_autofree char *bad = NULL;
	g_autoptr(TidyConfig) config = NULL;

	while (text->len < strlen("[dirs.MUSIC]\n") + 199)
		g_string_append_c(text, 'x');
	good = problems_of(text->str, text->len, &config);
	g_assert_cmpstr(good, ==, "");
	g_assert_cmpuint(strlen(tidy_config_dirs(config, "MUSIC")->aliases[0]), ==, 199 - 10);
	g_string_append_c(text, 'x');
	bad = problems_of(text->str, text->len, NULL);
	g_assert_cmpstr(bad, ==,
			"f:2:200: a line has at most 199 bytes; a list may go on by giving its key "
			"again");
	g_string_assign(text, "# ");
	for (int i = 0; i < 1000; i++)
		g_string_append(text, "long comments are no problem, ");
	g_string_append(text, "\n[notify]\nlevel=all");
	tidy_config_free(config);
	config = parse_good(text->str);
	g_assert_cmpint(config->notify.level, ==, TIDY_CONFIG_NOTIFY_ALL);
	g_string_free(text, TRUE);
}

static void
test_noise_ends(void)
{
	g_autofree char *noise = g_strnfill(1024 * 1024, '\n');
	g_autoptr(TidyConfig) config = tidy_config_new_defaults();
	g_autoptr(GPtrArray) problems = tidy_config_problems_new();

	for (gsize i = 0; i < 1024 * 1024; i += 2)
		noise[i] = 'x';
	g_assert_false(tidy_config_parse(config, "f", noise, 1024 * 1024, problems));
	g_assert_cmpuint(problems->len, ==, 101);
}

static void
test_lists(void)
{
	g_autoptr(TidyConfig) config = parse_good(
		"[dirs]\naliases = DOWNLOAD:Incoming, MUSIC:Lieder\nignore = Work*\n"
		"[dirs.MUSIC]\naliases = a\\, b , c\\;d\naliases = e ; comment\nignore = x\n"
		"[dirs.PICTURES]\naliases = Pho\xcc\x82to\n");
	const TidyConfigDirs *music = tidy_config_dirs(config, "MUSIC");

	g_assert_cmpuint(g_strv_length(music->aliases), ==, 4);
	g_assert_cmpstr(music->aliases[0], ==, "a, b");
	g_assert_cmpstr(music->aliases[1], ==, "c;d");
	g_assert_cmpstr(music->aliases[2], ==, "e");
	g_assert_cmpstr(music->aliases[3], ==, "Lieder");
	g_assert_cmpstr(tidy_config_alias_key(config, "Incoming"), ==, "DOWNLOAD");
	g_assert_cmpstr(tidy_config_alias_key(config, "Lieder"), ==, "MUSIC");
	g_assert_cmpstr(tidy_config_alias_key(config, "Ph\xc3\xb4to"), ==, "PICTURES");
	g_assert_null(tidy_config_alias_key(config, "incoming"));
	g_assert_true(tidy_config_is_ignored(config, "MUSIC", "Workbench"));
	g_assert_true(tidy_config_is_ignored(config, "MUSIC", "x"));
	g_assert_false(tidy_config_is_ignored(config, "VIDEOS", "x"));
	g_assert_false(tidy_config_is_ignored(config, "VIDEOS", "work"));
	g_assert_true(tidy_config_is_ignored(config, "OTHER", "Work\xff"));
}

/* Later files win; a word said in [dirs] outdoes DOWNLOAD's built-in auto, one in [dirs.DOWNLOAD] outdoes both. */
static void
test_layers(void)
{
	static const char *const texts[] = {
		"[dirs]\nmode=report\nignore=a\n[journal]\nkeep_days=5\n",
		"[dirs]\nignore=b\n[dirs.MUSIC]\nmode=auto\n[journal]\nkeep_days=6\n",
	};
	g_autoptr(TidyConfig) config = tidy_config_new_defaults();
	g_autoptr(GPtrArray) problems = tidy_config_problems_new();
	g_autofree char *shown = NULL;

	g_assert_true(tidy_config_parse(config, "one", texts[0], strlen(texts[0]), problems));
	g_assert_cmpint(tidy_config_dirs(config, "DOWNLOAD")->mode, ==, TIDY_CONFIG_MODE_REPORT);
	g_assert_true(tidy_config_parse(config, "two", texts[1], strlen(texts[1]), problems));
	g_assert_cmpint(tidy_config_dirs(config, "DOWNLOAD")->mode, ==, TIDY_CONFIG_MODE_REPORT);
	g_assert_cmpint(tidy_config_dirs(config, "MUSIC")->mode, ==, TIDY_CONFIG_MODE_AUTO);
	g_assert_cmpint(config->journal.keep_days, ==, 6);
	g_assert_false(tidy_config_is_ignored(config, "MUSIC", "a"));
	g_assert_true(tidy_config_is_ignored(config, "MUSIC", "b"));
	shown = show(config);
	g_assert_nonnull(strstr(shown, "dirs.mode=report one:2\n"));
	g_assert_nonnull(strstr(shown, "dirs.DOWNLOAD.mode=report one:2\n"));
	g_assert_nonnull(strstr(shown, "dirs.MUSIC.mode=auto two:4\n"));
	g_assert_nonnull(strstr(shown, "dirs.leave=nothing -:0\n"));
	g_assert_nonnull(strstr(shown, "dirs.ignore=b two:2\n"));
	g_assert_nonnull(strstr(shown, "journal.keep_days=6 two:6\n"));
	g_assert_nonnull(strstr(shown, "merge.settle=10s -:0\n"));
}

/* Every row must be usable as it stands; every member of the struct must have a row. */
static gsize
member_size(const TidySetting *setting)
{
	return setting->type == TIDY_SETTING_CHOICE ? sizeof(TidyConfigMode) : 8;
}

/* Marks what the rows of @section (NULL: all but the keys') cover, and tells how many bytes no row does. */
static gsize
uncovered(gboolean is_per_key, gsize size, gsize skip_from, gsize skip_to)
{
	g_autofree char *covered = g_malloc0(size);
	gsize n = 0;

	for (guint i = 0; i < tidy_n_settings; i++) {
		const TidySetting *setting = &tidy_settings[i];

		if ((strcmp(setting->section, TIDY_SETTING_PER_KEY) == 0) == is_per_key) {
			g_assert_cmpuint(setting->offset + member_size(setting), <=, size);
			memset(covered + setting->offset, 1, member_size(setting));
		}
	}
	for (gsize i = 0; i < size; i++)
		n += covered[i] == 0 && !(i >= skip_from && i < skip_to);
	return n;
}

static void
test_schema(void)
{
	gsize keys_from = G_STRUCT_OFFSET(TidyConfig, keys);

	for (guint i = 0; i < tidy_n_settings; i++) {
		const TidySetting *setting = &tidy_settings[i];
		gboolean is_per_key = strcmp(setting->section, TIDY_SETTING_PER_KEY) == 0;

		g_assert_cmpint(setting->type == TIDY_SETTING_CHOICE, ==, setting->choices != NULL);
		g_assert_true(setting->fallback != NULL || is_per_key);
		g_assert_true(g_str_has_suffix(setting->doc, "."));
		if (setting->type == TIDY_SETTING_NUMBER || setting->type == TIDY_SETTING_DURATION)
			g_assert_cmpint(setting->minimum, <, setting->maximum);
	}
	g_assert_cmpuint(uncovered(TRUE, sizeof(TidyConfigDirs), 0, 0), ==, 0);
	/* 4 bytes after notify.level align journal, 4 after dupes.report min_size; the origins are no setting */
	g_assert_cmpuint(uncovered(FALSE, sizeof(TidyConfig), keys_from,
				   keys_from + sizeof(((TidyConfig *)NULL)->keys)),
			 ==, 8 + sizeof(TidyConfigOrigins *));
}

/* The sample as it is, and with every "#" before a setting removed, says what is built in. */
static void
test_sample(void)
{
	GString *sample = g_string_new(NULL);
	g_autoptr(GRegex) commented = g_regex_new("^#(?=[a-z_]+ =)", G_REGEX_MULTILINE, 0, NULL);
	g_autofree char *active = NULL;
	g_autoptr(TidyConfig) defaults = tidy_config_new_defaults();
	g_autoptr(TidyConfig) as_is = NULL;
	g_autoptr(TidyConfig) all = NULL;
	g_autofree char *expected = NULL;
	g_autofree char *shown = NULL;

	tidy_config_write_sample(sample);
	as_is = parse_good(sample->str);
	expected = show(defaults);
	shown = show(as_is);
	g_assert_cmpstr(shown, ==, expected);
	active = g_regex_replace_literal(commented, sample->str, -1, 0, "", 0, NULL);
	g_assert_cmpstr(active, !=, sample->str);
	all = parse_good(active);
	g_assert_cmpint(all->merge.settle_usec, ==, defaults->merge.settle_usec);
	g_assert_cmpint(tidy_config_dirs(all, "DOWNLOAD")->mode, ==, TIDY_CONFIG_MODE_AUTO);
	for (guint i = 0; i < tidy_n_settings; i++) {
		g_autofree char *line = g_strdup_printf("\n#%s =", tidy_settings[i].key);

		g_assert_nonnull(strstr(sample->str, line));
	}
	g_string_free(sample, TRUE);
}

static void
test_man(void)
{
	GString *man = g_string_new(NULL);

	tidy_config_write_man_options(man);
	for (guint i = 0; i < tidy_n_settings; i++) {
		g_autofree char *item = g_strdup_printf("\n.It Cm %s\n", tidy_settings[i].key);

		g_assert_nonnull(strstr(man->str, item));
	}
	g_string_free(man, TRUE);
}

/* ---- files ---- */

static void
test_file_paths(void)
{
	g_auto(GStrv) paths = tidy_config_paths("/h/.config", "/s");

	g_assert_cmpuint(g_strv_length(paths), ==, 2);
	g_assert_cmpstr(paths[0], ==, "/s/xdgtidy/xdgtidy.conf");
	g_assert_cmpstr(paths[1], ==, "/h/.config/xdgtidy/xdgtidy.conf");
}

static void
test_file_load(void)
{
	g_autofree char *dir = g_dir_make_tmp("xdgtidy-test-XXXXXX", NULL);
	g_autofree char *low = g_build_filename(dir, "low.conf", NULL);
	g_autofree char *high = g_build_filename(dir, "high.conf", NULL);
	const char *const paths[] = { low, high, NULL };
	g_autoptr(GPtrArray) problems = tidy_config_problems_new();
	g_autoptr(TidyConfig) config = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *expected = NULL;

	config = tidy_config_load(paths, NULL, &error); /* neither exists */
	g_assert_no_error(error);
	g_assert_cmpint(config->journal.keep_days, ==, 90);
	g_clear_pointer(&config, tidy_config_free);

	g_assert_true(
		g_file_set_contents(low, "[journal]\nkeep_days=1\n[notify]\nlevel=all", -1, NULL));
	g_assert_true(g_file_set_contents(high, "[journal]\nkeep_days=2", -1, NULL));
	config = tidy_config_load(paths, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpint(config->journal.keep_days, ==, 2);
	g_assert_cmpint(config->notify.level, ==, TIDY_CONFIG_NOTIFY_ALL);

	g_assert_true(g_file_set_contents(high, "[journal]\nkeep_dais=2\nx=1\n", -1, NULL));
	g_assert_null(tidy_config_load(paths, problems, &error));
	expected = g_strdup_printf(
		"%s:2:1: unknown key \"keep_dais\" (did you mean \"keep_days\"?) (and 1 more)",
		high);
	g_assert_error(error, TIDY_ERROR, TIDY_ERROR_CONFIG);
	g_assert_cmpstr(error->message, ==, expected);
	g_assert_cmpuint(problems->len, ==, 2);

	g_unlink(low);
	g_unlink(high);
	g_rmdir(dir);
}

static void
test_file_unreadable(void)
{
	g_autofree char *dir = g_dir_make_tmp("xdgtidy-test-XXXXXX", NULL);
	g_autofree char *big = g_build_filename(dir, "big.conf", NULL);
	g_autofree char *spaces = g_strnfill(1024 * 1024 + 1, ' ');
	const char *const directory[] = { dir, NULL };
	const char *const large[] = { big, NULL };
	const char *const device[] = { "/dev/zero", NULL };
	g_autoptr(GError) error = NULL;

	g_assert_null(tidy_config_load(directory, NULL, &error));
	g_assert_error(error, TIDY_ERROR, TIDY_ERROR_CONFIG);
	g_assert_nonnull(strstr(error->message, "cannot be read"));
	g_clear_error(&error);
	g_assert_null(tidy_config_load(device, NULL, &error));
	g_assert_nonnull(strstr(error->message, "/dev/zero: cannot be read"));
	g_clear_error(&error);
	g_assert_true(g_file_set_contents(big, spaces, -1, NULL));
	g_assert_null(tidy_config_load(large, NULL, &error));
	g_assert_nonnull(strstr(error->message, "larger than 1 MiB"));
	g_unlink(big);
	g_rmdir(dir);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/config/defaults", test_defaults);
	g_test_add_func("/config/words", test_words);
	g_test_add_func("/config/forms", test_forms);
	g_test_add_func("/config/durations", test_durations);
	g_test_add_func("/config/bad", test_bad);
	g_test_add_func("/config/zero-byte", test_zero_byte);
	g_test_add_func("/config/long-line", test_long_line);
	g_test_add_func("/config/noise-ends", test_noise_ends);
	g_test_add_func("/config/lists", test_lists);
	g_test_add_func("/config/layers", test_layers);
	g_test_add_func("/config/schema-covers-every-member", test_schema);
	g_test_add_func("/config/sample", test_sample);
	g_test_add_func("/config/man", test_man);
	g_test_add_func("/config/file/paths", test_file_paths);
	g_test_add_func("/config/file/load", test_file_load);
	g_test_add_func("/config/file/unreadable", test_file_unreadable);
	return g_test_run();
}
