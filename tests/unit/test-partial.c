/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which names are unfinished downloads, and what belongs to them. */
#include <string.h>

#include "home/dirs/partial.h"

#define SECOND G_GINT64_CONSTANT(1000000000)
#define NOW    (G_GINT64_CONSTANT(1700000000) * SECOND)
#define FRESH  (NOW - 60 * SECOND)
#define OLD    (NOW - TIDY_PARTIAL_STALE_NS - SECOND)

static const char *const unfinished[] = {
	"a.iso.part",
	"AbCd12.zip.part",
	"Unconfirmed 12345.crdownload",
	"a.crdownload",
	"a.partial",
	"a.download",
	"a.wkdownload",
	"a.opdownload",
	"a.kgetpart",
	"a.!qB",
	"a.!ut",
	"a.bc!",
	"a.td",
	"a.fdmdownload",
	"a.filepart",
	"a.wget2tmp",
	"a.tmp",
	"a.aria2",
	"a.ytdl",
	"a.mp4.part-Frag12",
	"a.mp4.part-Frag12.part",
	"a.f137.mp4.part",
	".org.chromium.Chromium.Xy3kQ2",
	".com.google.Chrome.aB3dEf",
	".goutputstream-AB12CD",
	".syncthing.a.txt.tmp",
	"~syncthing~a.txt.tmp",
	".~lock.a.odt#",
	"~$a.docx",
	".a.kate-swp",
	".a.swp",
	".~12ab",
	".a.pdf.~1f2e",
	".a.iso.Xy3kQ2",
	".a.Abcdef",
	".a.\xff.part",
};

static const char *const finished[] = {
	"a",
	"a.iso",
	"part",
	".part",
	"a.part1.rar",
	"a.parts",
	"a.PART",
	".tmp",
	".aria2",
	"a.td.gz",
	".config",
	".my.config",
	".a.abcdef",
	".Xy3kQ2",
	"..Xy3kQ2",
	".org.chromium.Chromium.",
	"~$",
	"~",
	".a.~xyz",
	".goutputstream-",
	"a.mp4.part-Frag",
	"a.f137.mp4",
	"",
	".",
	"..",
};

static void
test_names(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(unfinished); i++) {
		g_autofree char *shown = g_strescape(unfinished[i], NULL);

		g_test_message("%s", shown);
		g_assert_nonnull(tidy_partial_rule(unfinished[i]));
	}
	for (gsize i = 0; i < G_N_ELEMENTS(finished); i++) {
		g_test_message("\"%s\"", finished[i]);
		g_assert_null(tidy_partial_rule(finished[i]));
	}
}

/* expected: one letter an entry: "." no, "u" unfinished, "p" partner; capital: stale */
typedef struct {
	const char *title;
	TidyPartialEntry entries[6];
	const char *expected;
} Case;

static const Case cases[] = {
	{ "firefox-twin", { { "x.iso", 0, FRESH }, { "x.iso.part", 9, FRESH } }, "pu" },
	{ "order-does-not-matter", { { "x.iso.part", 9, FRESH }, { "x.iso", 0, FRESH } }, "up" },
	{ "other-file-with-bytes", { { "x.iso", 5, FRESH }, { "x.iso.part", 9, FRESH } }, ".u" },
	{ "unknown-size", { { "x.iso", -1, FRESH }, { "x.iso.part", 9, FRESH } }, ".u" },
	{ "empty-alone", { { "x.iso", 0, FRESH }, { "y.iso.part", 9, FRESH } }, ".u" },
	{ "aria2-both-stay", { { "x.iso", 5, FRESH }, { "x.iso.aria2", 9, FRESH } }, "pu" },
	{ "editor", { { "a.odt", 5, FRESH }, { ".~lock.a.odt#", 9, FRESH } }, "pu" },
	{ "vim", { { "a.txt", 5, FRESH }, { ".a.txt.swp", 9, FRESH } }, "pu" },
	{ "tracks",
	  { { "v.f137.mp4", 5, FRESH },
	    { "v.f251.webm.part", 5, FRESH },
	    { "w.f137.mp4", 5, FRESH } },
	  "pu." },
	{ "fragments",
	  { { "v.mp4.part", 5, FRESH },
	    { "v.mp4.part-Frag3", 5, FRESH },
	    { "v.mp4.ytdl", 5, FRESH },
	    { "v.mp4", 0, FRESH } },
	  "uuup" },
	{ "random-name",
	  { { "report.pdf", 0, FRESH }, { "Ab3_dE6z.pdf.part", 5, FRESH }, { "a.pdf", 5, FRESH } },
	  "pu." },
	{ "not-so-random-name",
	  { { "report.pdf", 0, FRESH }, { "document.pdf.part", 5, FRESH } },
	  ".u" },
	{ "open", { { "log", 5, OLD, FALSE, TRUE }, { "b", 5, OLD } }, "u." },
	{ "directory", { { "x.download", 0, FRESH, TRUE } }, "u" },
	{ "stale", { { "x.iso", 0, OLD }, { "x.iso.part", 9, OLD } }, "PU" },
	{ "old-but-open", { { "x.iso", 0, OLD }, { "x.iso.part", 9, OLD, FALSE, TRUE } }, "pu" },
	{ "old-control-fresh-file", { { "x.iso", 5, FRESH }, { "x.iso.aria2", 9, OLD } }, "pu" },
	{ "fresh-control-old-file", { { "x.iso", 5, OLD }, { "x.iso.aria2", 9, FRESH } }, "pu" },
	{ "fresh-track-keeps-all",
	  { { "v.f1.mp4", 5, OLD }, { "v.f2.webm", 5, FRESH }, { "v.f3.m4a.part", 5, OLD } },
	  "ppu" },
	{ "time-unknown", { { "x.part", 9, 0 } }, "u" },
	{ "time-in-future", { { "x.part", 9, NOW + SECOND } }, "u" },
	{ "just-not-stale", { { "x.part", 9, OLD + SECOND } }, "u" },
};

static char *
describe(const GArray *marks)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < marks->len; i++) {
		const TidyPartialMark *mark = &g_array_index(marks, TidyPartialMark, i);
		char letter = ".up"[mark->kind];

		g_assert_cmpuint(mark->partner, <, marks->len);
		g_assert_cmpint(mark->rule != NULL, ==, mark->kind != TIDY_PARTIAL_NO);
		g_string_append_c(text, mark->is_stale ? g_ascii_toupper(letter) : letter);
	}
	return g_string_free(text, FALSE);
}

static void
test_case(gconstpointer data)
{
	const Case *c = data;
	g_autoptr(GArray) marks =
		tidy_partial_scan(c->entries, strlen(c->expected), NOW, TIDY_PARTIAL_STALE_NS);
	g_autofree char *got = describe(marks);

	g_assert_cmpstr(got, ==, c->expected);
}

static void
test_never_stale(void)
{
	const TidyPartialEntry entry = { "x.part", 9, OLD, FALSE, FALSE };
	g_autoptr(GArray) marks = tidy_partial_scan(&entry, 1, NOW, 0);
	g_autoptr(GArray) none = tidy_partial_scan(NULL, 0, NOW, 0);

	g_assert_false(g_array_index(marks, TidyPartialMark, 0).is_stale);
	g_assert_cmpuint(none->len, ==, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/partial/names", test_names);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = g_strconcat("/partial/scan/", cases[i].title, NULL);

		g_test_add_data_func(name, &cases[i], test_case);
	}
	g_test_add_func("/partial/never-stale", test_never_stale);
	return g_test_run();
}
