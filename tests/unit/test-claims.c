/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The formats in which other programs name their directories: what is found, and that bad files find nothing bad. */
#include <string.h>

#include "home/dirs/claims.h"

#define HOME "/home/ann"

typedef struct {
	const char *title;
	TidyClaimFormat format;
	const char *keys;
	const char *text;
	const char *expected; /* paths with "|" between them */
} Case;

/* clang-format off */
static const Case cases[] = {
	{ "value", TIDY_CLAIM_VALUE, "path", "[x]\n path = /srv/a b \nother=/c\n", "/srv/a b" },
	{ "value/quotes", TIDY_CLAIM_VALUE, "sync_dir", "sync_dir = \"~/One Drive\"\r\n", HOME "/One Drive" },
	{ "value/star", TIDY_CLAIM_VALUE, "*\\localPath", "0\\Folders\\1\\localPath=" HOME "/Cloud/\n0\\x=/y\n", HOME "/Cloud" },
	{ "value/comment", TIDY_CLAIM_VALUE, "path", "#path=/a\n;path=/b\npath\n=/c\npath=relative\npath=\n", "" },
	{ "value/uri", TIDY_CLAIM_VALUE, "path", "path=file:///a%20b\npath=file:///%zz\n", "/a b" },
	{ "words", TIDY_CLAIM_WORDS, NULL, "ExecStart=-/bin/sh -c 'x' \"%h/My Dir\" $HOME/b;/c\n", "/bin/sh|" HOME "/My Dir|" HOME "/b|/c" },
	{ "words/options", TIDY_CLAIM_WORDS, NULL, "--dir=~/D --x=${HOME}/E\n", HOME "/D|" HOME "/E" },
	{ "words/keys", TIDY_CLAIM_WORDS, "filesystems", "x=/no\nfilesystems=xdg-download;~/D:rw;!/e\n", HOME "/D|/e" },
	{ "words/uri", TIDY_CLAIM_WORDS, "uris", "uris=@MUSIC@;file:///m;/n\n", "/m|/n" },
	{ "words/quote-without-end", TIDY_CLAIM_WORDS, NULL, "\"/a\n/b 'c", "/a|/b" },
	{ "xml", TIDY_CLAIM_XML, "folder/path", "<folder id=\"a\" label='b'\n path=\"~/S &amp; T\" type=\"x\"><folder path='/u&#x41;'/>", HOME "/S & T|/uA" },
	{ "xml/other", TIDY_CLAIM_XML, "folder/path", "<folders path=\"/a\"/><x path=\"/b\"/><folder xpath=\"/c\"/>", "" },
	{ "xml/cut", TIDY_CLAIM_XML, "folder/path", "<folder path=\"/a\"><folder path=\"/b", "/a" },
	{ "json", TIDY_CLAIM_JSON, "path", "{\"personal\": {\"path\" : \"\\/home\\/ann\\/Drop\\u0062ox\", \"x\": \"/no\"}}", HOME "/Dropbox" },
	{ "json/value-like-key", TIDY_CLAIM_JSON, "path", "{\"x\": \"path\", \"y\": \"/no\"}", "" },
	{ "json/not-a-string", TIDY_CLAIM_JSON, "path", "{\"path\": [\"/no\"], \"path\": 7, \"path\": null}", "" },
	{ "json/cut", TIDY_CLAIM_JSON, "path", "{\"path\": \"/a\\", "" },
	{ "json/prefs", TIDY_CLAIM_JSON, "browser.download.dir", "user_pref(\"browser.download.dir\", \"/a\\\"b\");\n", "/a\"b" },
	{ "bencode", TIDY_CLAIM_BENCODE, "save_path", "d1:ai7e9:save_path6:/a b c1:xl2:/yee", "/a b c" },
	{ "bencode/inside-pieces", TIDY_CLAIM_BENCODE, "save_path", "d6:pieces13:9:save_path2:9:save_path2:/ye", "/y" },
	{ "bencode/too-long", TIDY_CLAIM_BENCODE, "save_path", "d9:save_path99999999:/a", "" },
	{ "bencode/not-a-string", TIDY_CLAIM_BENCODE, "save_path", "d9:save_pathi7e2:/ae", "" },
	{ "exports", TIDY_CLAIM_EXPORTS, NULL, "# x\n/srv/a *(ro)\n\"/srv/b c\" host\n/srv/d\\040e\n", "/srv/a|/srv/b c|/srv/d e" },
	{ "exports/quote-without-end", TIDY_CLAIM_EXPORTS, NULL, "\"/srv/a *(ro)\n", "" },
	{ "link", TIDY_CLAIM_LINK, NULL, HOME "/Download/", HOME "/Download" },
	{ "link/relative", TIDY_CLAIM_LINK, NULL, "../Download", "" },
	{ "home", TIDY_CLAIM_LINK, NULL, "~", HOME },
	{ "no-home", TIDY_CLAIM_LINK, NULL, "~ann/x", "" },
	{ "empty", TIDY_CLAIM_WORDS, NULL, "", "" },
};
/* clang-format on */

static TidyClaimSource
source_of(const Case *c)
{
	return (TidyClaimSource){
		TIDY_CLAIM_SYNC, "test", TIDY_CLAIM_IN_HOME, "x", c->format, c->keys, NULL, NULL
	};
}

static char *
parse(const TidyClaimSource *source, const char *bytes, gsize size)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	char *text;

	tidy_claims_parse(source, bytes, size, HOME, paths);
	for (guint i = 0; i < paths->len; i++)
		g_assert_true(g_path_is_absolute(g_ptr_array_index(paths, i)));
	g_ptr_array_add(paths, NULL);
	text = g_strjoinv("|", (char **)paths->pdata);
	return text;
}

static void
test_case(gconstpointer data)
{
	const Case *c = data;
	TidyClaimSource source = source_of(c);
	g_autofree char *paths = parse(&source, c->text, strlen(c->text));

	g_assert_cmpstr(paths, ==, c->expected);
}

/* Cut anywhere, a file is read to its end and no further (under a sanitizer that is seen). */
static void
test_cut(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		TidyClaimSource source = source_of(&cases[i]);

		for (gsize size = 0; size <= strlen(cases[i].text); size++) {
			g_autofree char *exact = g_memdup2(cases[i].text, size);
			g_autofree char *paths = parse(&source, exact, size);

			g_assert_nonnull(paths);
		}
	}
}

static void
test_no_more_than_the_limit(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	TidyClaimSource source = { .format = TIDY_CLAIM_WORDS };

	for (guint i = 0; i < 2 * TIDY_CLAIM_PATHS_MAX; i++)
		g_string_append(text, "/a ");
	tidy_claims_parse(&source, text->str, text->len, HOME, paths);
	g_assert_cmpuint(paths->len, ==, TIDY_CLAIM_PATHS_MAX);
}

/* A file that lacks the text that makes it count says nothing. */
static void
test_needs(void)
{
	static const char text[] = "user_pref(\"browser.download.dir\", \"/a\");\n";
	TidyClaimSource source = { .format = TIDY_CLAIM_JSON,
				   .keys = "browser.download.dir",
				   .needs = "folderList\", 2)" };
	g_autofree char *paths = parse(&source, text, strlen(text));

	g_assert_cmpstr(paths, ==, "");
}

/* The table: patterns are relative, with at most one star a component; keys are there where the format wants them. */
static void
test_sources(void)
{
	gsize n;
	const TidyClaimSource *sources = tidy_claim_sources(&n);

	for (gsize i = 0; i < n; i++) {
		g_auto(GStrv) parts = g_strsplit(sources[i].pattern, "/", -1);

		g_test_message("%s %s", sources[i].app, sources[i].pattern);
		for (guint j = 0; parts[j] != NULL; j++) {
			g_assert_cmpstr(parts[j], !=, "");
			g_assert_cmpstr(parts[j], !=, "..");
			g_assert_true(strchr(parts[j], '*') == strrchr(parts[j], '*'));
		}
		if (sources[i].format != TIDY_CLAIM_WORDS)
			g_assert_cmpint(sources[i].keys != NULL, ==,
					sources[i].format != TIDY_CLAIM_EXPORTS &&
						sources[i].format != TIDY_CLAIM_LINK);
		if (sources[i].format == TIDY_CLAIM_XML)
			g_assert_nonnull(strchr(sources[i].keys, '/'));
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = g_strconcat("/claims/", cases[i].title, NULL);

		g_test_add_data_func(name, &cases[i], test_case);
	}
	g_test_add_func("/claims/cut", test_cut);
	g_test_add_func("/claims/no-more-than-the-limit", test_no_more_than_the_limit);
	g_test_add_func("/claims/needs", test_needs);
	g_test_add_func("/claims/sources", test_sources);
	return g_test_run();
}
