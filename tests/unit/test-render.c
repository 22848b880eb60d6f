/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person reads, from reports made by hand; help, completion and the manual from the table. I/O: the environment. */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd-keys.h"
#include "cli/cmd.h"
#include "cli/json.h"
#include "cli/progress.h"

#define PAIR \
	"'stray': <'/home/ada/Download'>, 'target': <'/home/ada/Downloads'>, 'key': <'DOWNLOAD'>"
#define IN  "/home/ada/Download/"
#define OUT "/home/ada/Downloads/"

static GVariant *
parse(const char *text)
{
	g_autoptr(GError) error = NULL;
	GVariant *report = g_variant_parse(G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);

	g_assert_no_error(error);
	return report;
}

typedef void (*Renderer)(TidyOutput *out, GVariant *report);

static void
render_plan(TidyOutput *out, GVariant *report)
{
	tidy_render_merge(out, report, TRUE);
}

static void
render_merge(TidyOutput *out, GVariant *report)
{
	tidy_render_merge(out, report, FALSE);
}

static char *
rendered(Renderer render, const char *report_text, guint list_limit)
{
	g_autoptr(GVariant) report = parse(report_text);
	g_auto(TidyOutput) out = { 0 };

	tidy_output_init(&out, "/home/ada");
	out.list_limit = list_limit;
	render(&out, report);
	return g_strdup(out.text->str);
}

static void
assert_reads(Renderer render, const char *report, const char *expected)
{
	g_autofree char *text = rendered(render, report, 10);

	g_assert_cmpstr(text, ==, expected);
}

/* ---- merge ---- */

static const char merge_report[] =
	"{'id': <uint64 3>, 'kind': <'merge'>, 'outcome': <'partial'>, 'operations': <[{'id': "
	"<uint64 3>, " PAIR ", 'outcome': <'partial'>, 'reasons': <@aa{sv} []>,"
	" 'counts': <{'moved': <uint64 2>, 'kept-both': <uint64 1>, 'folded': <uint64 1>, "
	"'removed': <uint64 1>,"
	"             'skipped': <uint64 1>, 'failed': <uint64 1>, 'bytes': <uint64 3400000>}>,"
	" 'steps': <[{'op': <'move'>, 'from': <'" IN "notes.txt'>, 'to': <'" OUT
	"notes (2).txt'>, 'why': <'name-taken'>,"
	"             'bytes': <uint64 321>},"
	"  {'op': <'move'>, 'from': <'" IN "report.pdf'>, 'to': <'" OUT
	"report.pdf'>, 'why': <'absent'>,"
	"   'bytes': <uint64 1200000>},"
	"  {'op': <'move'>, 'from': <'" IN "a/b'>, 'to': <'" OUT
	"a/b'>, 'why': <'absent'>, 'type': <'directory'>},"
	"  {'op': <'trash'>, 'from': <'" IN
	"song.mp3'>, 'to': <'/home/ada/.local/share/Trash/files/song.mp3'>,"
	"   'why': <'identical'>},"
	"  {'op': <'times'>, 'from': <'" OUT "a'>, 'why': <'metadata'>},"
	"  {'op': <'rmdir'>, 'from': <'" IN "a'>, 'why': <'empty'>}]>,"
	" 'problems': <[{'code': <'failed'>, 'path': <'" IN
	"locked'>, 'text': <'Permission denied'>},"
	"  {'code': <'unfinished-download'>, 'path': <'" IN
	"film.mkv.part'>, 'text': <'an unfinished download'>}]>}]>}";

#define MERGE_STEPS                                                                      \
	"~/Download -> ~/Downloads\n"                                                    \
	"  move       report.pdf                       1.2\302\240MB\n"                  \
	"             a/b/\n"                                                            \
	"  keep both  notes.txt -> 'notes (2).txt'  321 bytes\n"                         \
	"  to Trash   song.mp3                                 identical\n"              \
	"  remove     a/                                       empty\n"                  \
	"  leave      film.mkv.part                            an unfinished download\n" \
	"  failed     locked                                   Permission denied\n"      \
	"\n"

#define MERGE_COUNTS                                                                              \
	"2 moved (3.4\302\240MB), 1 kept under a new name, 1 identical, 1 empty folder removed, " \
	"1 left, 1 failed."

static void
test_merge(void)
{
	assert_reads(render_merge, merge_report,
		     MERGE_STEPS "Done in part: " MERGE_COUNTS
				 "\nTake it back with: xdgtidy undo 3\n");
}

static void
test_plan_has_the_same_steps(void)
{
	assert_reads(render_plan, merge_report,
		     MERGE_STEPS "Plan: " MERGE_COUNTS " Nothing has been changed.\n");
}

static void
test_nothing(void)
{
	assert_reads(render_merge, "{'outcome': <'nothing'>, 'operations': <@aa{sv} []>}",
		     "Nothing to do.\n");
}

static void
test_refused(void)
{
	assert_reads(render_merge,
		     "{'outcome': <'refused'>, 'operations': <[{" PAIR
		     ", 'outcome': <'refused'>, 'reasons':"
		     " <[{'code': <'mount-point'>, 'text': <'it is a mount point'>, 'path': "
		     "<'/home/ada/Download'>}]>}]>}",
		     "~/Download -> ~/Downloads\n"
		     "  left alone:\n"
		     "  ~/Download: it is a mount point [mount-point]\n"
		     "\n"
		     "Nothing was done, for the reasons given.\n");
}

/* The question that the first merge is asked is answered by whoever reads the plan. */
static void
test_first_contact_is_no_news(void)
{
	assert_reads(
		render_plan,
		"{'outcome': <'done'>, 'operations': <[{" PAIR
		", 'reasons': <[{'code': <'first-contact'>, 'text':"
		" <'/home/ada/Download would be the first merge'>, 'path': <'/home/ada/Download'>},"
		" {'code': <'sync-root'>, 'text': <'/home/ada/Download is synchronised'>,"
		" 'path': <'/home/ada/Download'>}]>}]>}",
		"~/Download -> ~/Downloads\n"
		"  ~/Download is synchronised [sync-root]\n"
		"\nPlan: nothing. Nothing has been changed.\n");
}

static void
test_undo(void)
{
	assert_reads(
		render_merge,
		"{'kind': <'undo'>, 'outcome': <'done'>, 'operations': <[{'id': <uint64 4>, " PAIR
		", 'counts': <{'moved': <uint64 1>}>, 'steps': <[{'op': <'mkdir'>, 'from': "
		"<'/home/ada/Download'>},"
		" {'op': <'move'>, 'from': <'" OUT "a (2).txt'>, 'to': <'" IN
		"a.txt'>, 'why': <'undo'>}]>}]>}",
		"Undo of ~/Download -> ~/Downloads\n"
		"  create     ~/Download/\n"
		"  move back  'a (2).txt' -> a.txt\n"
		"\nDone: 1 put back.\nTake it back with: xdgtidy undo 4\n");
}

static char *
many_moves(guint n)
{
	g_autoptr(GString) text =
		g_string_new("{'outcome': <'done'>, 'operations': <[{" PAIR ", 'steps': <[");

	for (guint i = 0; i < n; i++)
		g_string_append_printf(text,
				       "%s{'op': <'move'>, 'from': <'" IN "f%u'>, 'to': <'" OUT
				       "f%u'>}",
				       i > 0 ? ", " : "", i, i);
	g_string_append(text, "]>}]>}");
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
test_long_lists_are_cut(void)
{
	g_autofree char *report = many_moves(13);
	g_autofree char *cut = rendered(render_merge, report, 10);
	g_autofree char *whole = rendered(render_merge, report, 0);

	g_assert_nonnull(strstr(cut, "        f9\n        ... and 3 more (use --verbose)\n"));
	g_assert_null(strstr(cut, "f10"));
	g_assert_nonnull(strstr(whole, "f12\n"));
	g_assert_null(strstr(whole, "more"));
}

/* Reports come over the bus: what they hold must not steer the terminal. */
static void
test_names_are_harmless(void)
{
	g_autofree char *text =
		rendered(render_merge,
			 "{'outcome': <'done'>, 'operations': <[{" PAIR
			 ", 'steps': <[{'op': <'move'>, 'from': <'" IN
			 "a\\u001b[2Jb\\nc'>, 'to': <'" OUT "a\\u001b[2Jb\\nc'>}]>}]>}",
			 10);

	g_assert_null(strchr(text, '\033'));
	g_assert_nonnull(strstr(text, "a\\x1b[2Jb\\x0ac"));
}

static void
test_texts_are_harmless(void)
{
	g_autofree char *text = rendered(
		render_merge,
		"{'outcome': <'refused'>, 'operations': <[{" PAIR
		", 'outcome': <'refused'>, 'reasons':"
		" <[{'code': <'\\u001b[2J'>, 'text': <'a\\u202eb\\u001b]0;x\\u0007'>}]>}]>}",
		10);

	g_assert_null(strchr(text, '\033'));
	g_assert_null(strstr(text, "\xe2\x80\xae"));
}

static void
test_unknown_steps_are_shown(void)
{
	g_autofree char *text =
		rendered(render_merge,
			 "{'outcome': <'done'>, 'operations': <[{" PAIR
			 ", 'steps': <[{'op': <'fly'>, 'from': <'" IN "bird'>}]>}]>}",
			 10);

	g_assert_nonnull(strstr(text, "  fly  bird\n"));
}

static void
test_merge_exit(void)
{
	static const struct {
		const char *report;
		TidyExit code;
	} cases[] = {
		{ "{'outcome': <'done'>}", TIDY_EXIT_DONE },
		{ "{'outcome': <'nothing'>}", TIDY_EXIT_DONE },
		{ "{'outcome': <'partial'>}", TIDY_EXIT_PARTIAL },
		{ "{'outcome': <'refused'>}", TIDY_EXIT_REFUSED },
		{ "{'outcome': <'stopped'>}", TIDY_EXIT_INTERRUPTED },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GVariant) report = parse(cases[i].report);

		g_assert_cmpint(tidy_merge_exit(report), ==, cases[i].code);
	}
}

/* ---- scan, history, status ---- */

#define STRAYS                                                                                  \
	"'strays': <[{" PAIR                                                                    \
	", 'verdict': <'merge'>, 'entries': <uint64 14>, 'bytes': <uint64 4213456>},"           \
	" {'stray': <'/home/ada/My Music'>, 'target': <'/home/ada/Music'>, 'verdict': "         \
	"<'refused'>,"                                                                          \
	"  'entries': <uint64 1>, 'bytes': <uint64 12>, 'reasons': <[{'code': <'mount-point'>," \
	"  'text': <'it is a mount point'>, 'path': <''>}]>}]>"

#define STRAY_LINES                                                                           \
	"Stray directories\n"                                                                 \
	"  ~/Download -> ~/Downloads  14 entries    4.2\302\240MB  is merged automatically\n" \
	"  ~/'My Music' -> ~/Music       1 entry  12 bytes  is left alone\n"                  \
	"      it is a mount point [mount-point]\n"

static void
test_scan(void)
{
	assert_reads(
		tidy_render_scan,
		"{'warnings': <[{'file': <'/home/ada/.config/user-dirs.dirs'>, 'line': <uint32 7>,"
		" 'text': <'no quotes'>}]>, " STRAYS "}",
		"~/.config/user-dirs.dirs:7: no quotes\n" STRAY_LINES
		"\nSee what would happen: xdgtidy merge --dry-run. Do it: xdgtidy merge.\n");
	assert_reads(tidy_render_scan, "{}", "No stray directories.\n");
}

static const char history_report[] =
	"{'operations': <[{'id': <uint64 12>, 'kind': <'undo'>, 'undoes': <uint64 9>, " PAIR
	", 'begin': <'2026-11-20T14:02:00.000001Z'>, 'state': <'done'>, 'counts': <{'moved': "
	"<uint64 12>}>},"
	" {'id': <uint64 9>, 'kind': <'merge'>, 'undone-by': <uint64 12>, " PAIR
	", 'begin': <'2026-11-20T13:59:59.5Z'>, 'state': <'undone'>, 'counts': <{'moved': <uint64 "
	"12>}>}]>}";

static void
test_history(void)
{
	assert_reads(tidy_render_history, history_report,
		     "12  2026-11-20 14:02  undo of 9  ~/Download -> ~/Downloads  done\n"
		     "    12 put back\n"
		     " 9  2026-11-20 13:59  merge      ~/Download -> ~/Downloads  undone by 12\n"
		     "    12 moved\n");
	assert_reads(tidy_render_history, "{}", "Nothing was done yet.\n");
}

static void
test_status(void)
{
	assert_reads(tidy_render_status,
		     "{'running': <true>, 'daemon-version': <'0.1.0'>, 'pid': <uint32 42>, "
		     "'watches': <uint32 9>,"
		     " 'paused': <true>, 'config': <{'path': <'x'>, 'error': <'f:3:1: unknown "
		     "key'>}>, " STRAYS "}",
		     "The daemon runs (version 0.1.0, process 42, 9 directories watched)\n"
		     "Paused: nothing is merged automatically until 'xdgtidy resume'.\n"
		     "The configuration is wrong, the last good one holds: f:3:1: unknown key\n"
		     "\n" STRAY_LINES);
	assert_reads(tidy_render_status, "{'running': <false>}",
		     "The daemon does not run; start it with: systemctl --user start xdgtidy\n"
		     "No stray directories.\n");
}

/* ---- output ---- */

static void
test_paths(void)
{
	static const struct {
		const char *path;
		const char *shown;
	} cases[] = {
		{ "/home/ada", "~" },
		{ "/home/ada/Downloads", "~/Downloads" },
		{ "/home/ada/My files", "~/'My files'" },
		{ "/home/adam/x", "/home/adam/x" },
		{ "/home/ada/\xff", "~/'\\xff'" },
		{ "/mnt/a b", "'/mnt/a b'" },
	};
	g_auto(TidyOutput) out = { 0 };

	tidy_output_init(&out, "/home/ada");
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *shown = tidy_output_path(&out, cases[i].path);

		g_assert_cmpstr(shown, ==, cases[i].shown);
	}
}

static void
test_wide_characters_align(void)
{
	g_autoptr(TidyTable) table = tidy_table_new();
	g_auto(TidyOutput) out = { 0 };

	tidy_output_init(&out, "/");
	TIDY_TABLE_ROW(table, TIDY_STYLE_PLAIN, "\346\227\245\346\234\254", "x");
	TIDY_TABLE_ROW(table, TIDY_STYLE_PLAIN, "e\314\201", "y");
	tidy_table_render(table, &out, 0);
	g_assert_cmpstr(out.text->str, ==, "\346\227\245\346\234\254  x\ne\314\201     y\n");
}

static void
test_paragraphs_fit(void)
{
	g_auto(TidyOutput) out = { 0 };

	tidy_output_init(&out, "/");
	out.width = 12;
	tidy_output_paragraph(&out, 2, TIDY_STYLE_PLAIN, "one two three four");
	g_assert_cmpstr(out.text->str, ==, "  one two\n  three four\n");
}

static void
test_colour(void)
{
	g_auto(TidyOutput) out = { 0 };

	tidy_output_init(&out, "/");
	tidy_output_add(&out, TIDY_STYLE_BAD, "plain");
	out.has_colour = TRUE;
	tidy_output_add(&out, TIDY_STYLE_BAD, "red");
	g_assert_cmpstr(out.text->str, ==, "plain\033[31mred\033[0m");
}

/* Not a terminal in a test: only what the environment and the option say counts. */
static void
test_colour_variables(void)
{
	static const struct {
		const char *option;
		const char *no_color;
		const char *force;
		gboolean has_colour;
	} cases[] = {
		{ NULL, "", "", FALSE },   { NULL, "", "1", TRUE },	{ NULL, "", "0", FALSE },
		{ NULL, "1", "1", FALSE }, { "always", "1", "", TRUE }, { "never", "", "1", FALSE },
		{ "auto", "", "1", TRUE },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(TidyOutput) out = { 0 };

		g_setenv("NO_COLOR", cases[i].no_color, TRUE);
		g_setenv("CLICOLOR_FORCE", cases[i].force, TRUE);
		tidy_output_init_terminal(&out, "/", -1, cases[i].option);
		g_assert_cmpint(out.has_colour, ==, cases[i].has_colour);
	}
}

static void
test_progress(void)
{
	static const struct {
		TidyProgressState state;
		gint64 elapsed_usec;
		guint width;
		const char *line;
	} cases[] = {
		{ { 5, 0, 0, 0 }, 1000000, 80, "5 entries" },
		{ { 50, 100, 0, 0 },
		  30 * G_USEC_PER_SEC,
		  80,
		  "[##########          ]  50%  50 of 100 entries, 0:30 left" },
		{ { 1, 100, 0, 0 },
		  G_USEC_PER_SEC,
		  80,
		  "[                    ]   1%  1 of 100 entries" },
		{ { 1, 2, 1000000, 4000000 },
		  60 * G_USEC_PER_SEC,
		  80,
		  "[#####               ]  25%  1 of 2 entries, 1.0\302\240MB of 4.0\302\240MB, "
		  "3:00 left" },
		{ { 50, 100, 0, 0 }, 30 * G_USEC_PER_SEC, 40, "50 of 100 entries, 0:30 left" },
		{ { 50, 100, 0, 0 }, 30 * G_USEC_PER_SEC, 10, "50 of 100" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *line =
			tidy_progress_line(&cases[i].state, cases[i].elapsed_usec, cases[i].width);

		g_assert_cmpstr(line, ==, cases[i].line);
	}
}

static void
test_json(void)
{
	g_autoptr(GVariant) empty = parse("{}");
	g_autofree char *report = tidy_json_report(empty);
	g_autofree char *error = tidy_json_error("locked", 6, "say \"please\"");

	g_assert_cmpstr(report, ==, "{\n  \"version\" : 1\n}\n");
	g_assert_cmpstr(error, ==,
			"{\"version\":1,\"error\":{\"code\":\"locked\",\"exit\":6,\"message\":"
			"\"say \\\"please\\\"\"}}\n");
}

/* ---- the table ---- */

static void
test_nearest(void)
{
	static const struct {
		const char *typo;
		const char *nearest;
	} cases[] = {
		{ "mrege", "merge" }, { "stat", "status" }, { "histroy", "history" },
		{ "und", "undo" },    { "xyzzy", NULL },    { "m", NULL },
		{ "", NULL },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpstr(tidy_commands_nearest(cases[i].typo), ==, cases[i].nearest);
}

/* A command that is added appears everywhere. */
static void
test_table_is_complete(void)
{
	static const char *const shells[] = { "bash", "zsh", "fish" };
	g_autoptr(GString) man = g_string_new(NULL);

	tidy_commands_write_man(man);
	for (const TidyCommand *command = tidy_commands; command->name != NULL; command++) {
		g_autofree char *item = g_strdup_printf(".It Cm %s", command->name);

		g_assert_true((command->run != NULL) != (command->main != NULL));
		g_assert_nonnull(strstr(man->str, item));
		for (guint i = 0; i < G_N_ELEMENTS(shells); i++) {
			g_autoptr(GString) script = g_string_new(NULL);

			g_assert_true(tidy_commands_write_completion(script, shells[i]));
			g_assert_nonnull(strstr(script->str, command->name));
		}
	}
}

/* The key half has a table of its own; the row in the big one says the same. */
static void
test_keys_row(void)
{
	const TidyCommand *command = tidy_commands_find("keys");
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *args = NULL;

	for (const TidyKeysCommand *row = tidy_keys_commands; row->name != NULL; row++)
		g_ptr_array_add(names, (char *)row->name);
	g_ptr_array_add(names, NULL);
	args = g_strjoinv("|", (char **)names->pdata);
	g_assert_nonnull(command);
	g_assert_cmpstr(command->args, ==, args);
	g_assert_true(g_strv_equal(command->words, (const char *const *)names->pdata));
}

int
main(int argc, char **argv)
{
	setenv("TZ", "UTC", 1);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cli/render/merge", test_merge);
	g_test_add_func("/cli/render/plan-has-the-same-steps", test_plan_has_the_same_steps);
	g_test_add_func("/cli/render/nothing", test_nothing);
	g_test_add_func("/cli/render/refused", test_refused);
	g_test_add_func("/cli/render/first-contact-is-no-news", test_first_contact_is_no_news);
	g_test_add_func("/cli/render/undo", test_undo);
	g_test_add_func("/cli/render/long-lists-are-cut", test_long_lists_are_cut);
	g_test_add_func("/cli/render/names-are-harmless", test_names_are_harmless);
	g_test_add_func("/cli/render/texts-are-harmless", test_texts_are_harmless);
	g_test_add_func("/cli/render/unknown-steps-are-shown", test_unknown_steps_are_shown);
	g_test_add_func("/cli/render/merge-exit", test_merge_exit);
	g_test_add_func("/cli/render/scan", test_scan);
	g_test_add_func("/cli/render/history", test_history);
	g_test_add_func("/cli/render/status", test_status);
	g_test_add_func("/cli/output/paths", test_paths);
	g_test_add_func("/cli/output/wide-characters-align", test_wide_characters_align);
	g_test_add_func("/cli/output/paragraphs-fit", test_paragraphs_fit);
	g_test_add_func("/cli/output/colour", test_colour);
	g_test_add_func("/cli/output/colour-variables", test_colour_variables);
	g_test_add_func("/cli/progress/line", test_progress);
	g_test_add_func("/cli/json", test_json);
	g_test_add_func("/cli/commands/nearest", test_nearest);
	g_test_add_func("/cli/commands/table-is-complete", test_table_is_complete);
	g_test_add_func("/cli/commands/keys-row", test_keys_row);
	return g_test_run();
}
