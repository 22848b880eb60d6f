/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Homes full of awkward entries, made from a seed. Pure. */
#include "tests/support/corpus.h"

#include <string.h>

#include "tests/support/tree.h"

#define STRAY  "Download"
#define TARGET "Downloads"
/* Never stale, whenever the test runs. */
#define FRESH_SECONDS G_GUINT64_CONSTANT(4000000000)

typedef struct {
	guint64 state;
	GString *text;
	GPtrArray *files; /* paths that a hard link may name */
	guint n_left;
	guint serial;
	CorpusKind kind;
	GHashTable *used; /* paths, where names may come again */
} Maker;

/* splitmix64 by Sebastiano Vigna (public domain). */
static guint
below(Maker *maker, guint n)
{
	guint64 z = (maker->state += 0x9e3779b97f4a7c15u);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (guint)((z ^ z >> 31) % n);
}

static gboolean
one_in(Maker *maker, guint n)
{
	return below(maker, n) == 0;
}

/* --- names --- */

static char *
long_name(guint serial, const char *piece, const char *extension)
{
	GString *name = g_string_new(NULL);

	g_string_append_printf(name, "%u", serial);
	while (name->len + strlen(piece) + strlen(extension) <= 255)
		g_string_append(name, piece);
	g_string_append(name, extension);
	return g_string_free(name, FALSE);
}

/* Names that a merge may take for one another. */
static const char *const clashing[] = {
	"a.txt",      "A.txt",	       "a (2).txt",	 "a (3).txt",	 "a (02).txt",
	"a",	      "a (2)",	       "x.tar.gz",	 "x (2).tar.gz", "page.html",
	"page_files", "page (2).html", "page (2)_files", "Seite.htm",	 "Seite-Dateien",
	".hidden",    ".directory",    "desktop.ini",	 "Thumbs.db",	 ".DS_Store",
	".profile",   ".profile (2)",  "e\xcc\x81.txt",	 "\xc3\xa9.txt", "name ",
	"name",	      "CVS",	       "Download",	 "Downloads",
};

static char *
make_name(Maker *maker)
{
	static const char *const patterns[] = {
		"report %u.pdf",
		"photo-%u.tar.gz",
		"line\nbreak %u",
		"\033[31mred\033[0m %u.txt",
		"\377\376 %u.bin",
		"\303\251t\303\251 %u.odt",
		"-rf %u",
		".hidden %u",
		"copy %u (2).txt",
		" blank %u ",
		"dots...%u...",
		"%u",
		"quo\"te'%u\\",
		"\342\200\256rtl %u.exe",
		"tab\t%u = x -> y : z",
		"%u.user.js",
	};
	guint serial = maker->serial++;

	if (maker->kind == CORPUS_NAMES && !one_in(maker, 8))
		return g_strdup(clashing[below(maker, G_N_ELEMENTS(clashing))]);
	if (one_in(maker, 14))
		return long_name(serial, "x", ".txt");
	if (one_in(maker, 14))
		return long_name(serial, "\303\251", "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return g_strdup_printf(patterns[below(maker, G_N_ELEMENTS(patterns))], serial);
#pragma GCC diagnostic pop
}

/* --- lines --- */

static void
put_path(Maker *maker, const char *path)
{
	g_autofree char *escaped = tree_escape_path(path);

	g_string_append(maker->text, escaped);
	maker->n_left -= MIN(maker->n_left, 1u);
}

static void
put_time(Maker *maker)
{
	if (one_in(maker, 2))
		g_string_append_printf(maker->text, " mtime=%u.%09u", below(maker, 1500000000),
				       below(maker, 1000000000));
}

static void
put_xattr(Maker *maker)
{
	if (one_in(maker, 6))
		g_string_append_printf(maker->text, " xattr:user.tag=\"%u\"", below(maker, 100));
}

static void
put_file(Maker *maker, const char *path, guint content)
{
	static const char *const modes[] = { "0644", "0600", "0755", "0444" };
	static const char *const special_modes[] = { "0000", "0200", "0111", "0644" };
	gboolean is_special = maker->kind == CORPUS_SPECIAL;

	put_path(maker, path);
	if (is_special && content % 3 == 0)
		g_string_append_printf(maker->text, " = \"head %u\" size=%u", content,
				       1000000 * (1 + content % 50));
	else if (content % 5 == 0)
		g_string_append(maker->text, " = \"\"");
	else if (content % 7 == 0)
		g_string_append_printf(maker->text, " = random:%u size=%u", content,
				       5000 + content % 9000);
	else
		g_string_append_printf(maker->text, " = \"content %u\\n\"", content);
	g_string_append_printf(maker->text, " mode=%s",
			       (is_special ? special_modes : modes)[below(maker, 4)]);
	put_time(maker);
	put_xattr(maker);
	g_string_append_c(maker->text, '\n');
	g_ptr_array_add(maker->files, g_strdup(path));
}

static void
put_dir(Maker *maker, const char *path)
{
	put_path(maker, path);
	g_string_append_printf(maker->text, "/ mode=%s", one_in(maker, 3) ? "0700" : "0755");
	put_time(maker);
	put_xattr(maker);
	g_string_append_c(maker->text, '\n');
}

static void
put_link(Maker *maker, const char *path)
{
	static const char *const targets[] = { "../nowhere",	    "./sub/x",
					       "/absolute/nowhere", "../Download/a",
					       "../../outside",	    "." };

	put_path(maker, path);
	g_string_append_printf(maker->text, " -> %s\n",
			       targets[below(maker, G_N_ELEMENTS(targets))]);
}

static void
put_fifo(Maker *maker, const char *path)
{
	put_path(maker, path);
	g_string_append(maker->text, " : fifo\n");
}

static void
put_socket(Maker *maker, const char *path)
{
	put_path(maker, path);
	g_string_append(maker->text, " : socket\n");
}

static void
put_hard_link(Maker *maker, const char *path)
{
	const char *first;
	g_autofree char *escaped = NULL;

	if (maker->files->len == 0)
		return;
	first = g_ptr_array_index(maker->files, below(maker, maker->files->len));
	escaped = tree_escape_path(first);
	put_path(maker, path);
	g_string_append_printf(maker->text, " = link:%s\n", escaped);
}

/* A download that runs: the placeholder and its partner. */
static void
put_unfinished(Maker *maker, const char *path)
{
	g_autofree char *part = g_strconcat(path, ".part", NULL);

	put_path(maker, part);
	g_string_append_printf(maker->text, " = \"half\" mtime=%" G_GUINT64_FORMAT "\n",
			       FRESH_SECONDS);
	put_path(maker, path);
	g_string_append_printf(maker->text, " = \"\" mtime=%" G_GUINT64_FORMAT "\n", FRESH_SECONDS);
}

/* --- trees --- */

static void
put_any(Maker *maker, const char *path, gboolean is_shallow)
{
	guint kind = below(maker, 12);

	if (maker->kind == CORPUS_SPECIAL && kind >= 8)
		kind = kind == 8 ? 1 : kind == 9 ? 2 : kind;
	if (maker->kind == CORPUS_SPECIAL && kind == 10 && is_shallow)
		put_socket(maker, path);
	else if (kind == 0)
		put_link(maker, path);
	else if (kind == 1 && is_shallow)
		put_fifo(maker, path);
	else if (kind == 2)
		put_hard_link(maker, path);
	else if (kind == 3)
		put_dir(maker, path);
	else
		put_file(maker, path, maker->serial);
}

/* The same name on both sides. */
static void
put_twins(Maker *maker, const char *a, const char *b)
{
	guint content = maker->serial;

	switch (below(maker, 6)) {
	case 0: /* identical */
		put_file(maker, a, content);
		put_file(maker, b, content);
		break;
	case 1: /* a file against a directory */
		put_file(maker, a, content);
		put_dir(maker, b);
		break;
	case 2: /* two names of one file */
		put_file(maker, a, content);
		maker->n_left -= MIN(maker->n_left, 1u);
		{
			g_autofree char *to = tree_escape_path(b);
			g_autofree char *from = tree_escape_path(a);

			g_string_append_printf(maker->text, "%s = link:%s\n", to, from);
		}
		break;
	case 3:
		put_any(maker, a, FALSE);
		put_any(maker, b, FALSE);
		break;
	default: /* other content */
		put_file(maker, a, content);
		put_file(maker, b, content + 1);
		break;
	}
}

/* A name may be used once in each directory. */
static gboolean
may_use(Maker *maker, const char *a, const char *b)
{
	if (maker->kind != CORPUS_NAMES)
		return TRUE;
	return g_hash_table_add(maker->used, g_strdup(a)) &&
	       g_hash_table_add(maker->used, g_strdup(b));
}

static void
fill_pair(Maker *maker, const char *a, const char *b, guint depth)
{
	guint n = 6 + below(maker, 10);

	put_dir(maker, a);
	put_dir(maker, b);
	for (guint i = 0; i < n && maker->n_left > 0; i++) {
		g_autofree char *name = make_name(maker);
		g_autofree char *in_a = g_build_filename(a, name, NULL);
		g_autofree char *in_b = g_build_filename(b, name, NULL);
		guint kind = below(maker, 10);

		/* A repository at the top is not merged at all. */
		if ((depth == 0 && strcmp(name, "CVS") == 0) || !may_use(maker, in_a, in_b))
			continue;
		if (maker->kind == CORPUS_NAMES && kind > 3)
			kind = kind == 4 ? 6 : 2;
		if (maker->kind == CORPUS_NAMES && (strstr(name, "_files") || strstr(name, "-Dat")))
			kind = depth < 4 ? 0 : 9;
		if (kind < 2 && depth < 4)
			fill_pair(maker, in_a, in_b, depth + 1);
		else if (kind < 4)
			put_twins(maker, in_a, in_b);
		else if (kind == 4 && strlen(name) < 200)
			put_unfinished(maker, in_a);
		else if (kind == 5)
			put_any(maker, in_b, depth == 0);
		else
			put_any(maker, in_a, depth == 0);
	}
}

/* Twenty levels of 220 bytes: beyond PATH_MAX (4096). The target has them too, so that the merge goes all the way down. */
static void
put_deep(Maker *maker)
{
	GString *path = g_string_new("deep");
	const char *const roots[] = { STRAY, TARGET };

	for (guint i = 0; i < 20; i++) {
		g_string_append_printf(path, "/%02u", i);
		for (guint j = 0; j < 218; j++)
			g_string_append_c(path, 'd');
	}
	for (guint i = 0; i < G_N_ELEMENTS(roots); i++)
		g_string_append_printf(maker->text,
				       "%s/%s/end.txt = \"%s\"\n%s/%s/only %s = \"\"\n", roots[i],
				       path->str, roots[i], roots[i], path->str, roots[i]);
	g_string_free(path, TRUE);
}

const char *
corpus_kind_name(CorpusKind kind)
{
	static const char *const names[] = { "mixed", "special", "names" };

	return names[kind];
}

char *
corpus_generate(guint64 seed, guint n_entries)
{
	return corpus_generate_kind(CORPUS_MIXED, seed, n_entries);
}

char *
corpus_generate_kind(CorpusKind kind, guint64 seed, guint n_entries)
{
	Maker maker = {
		.kind = kind,
		.used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.state = seed,
		.text = g_string_new(NULL),
		.files = g_ptr_array_new_with_free_func(g_free),
		.n_left = n_entries,
	};

	fill_pair(&maker, STRAY, TARGET, 0);
	while (maker.n_left > 0) {
		g_autofree char *a = g_strdup_printf(STRAY "/more %u", maker.serial);
		g_autofree char *b = g_strdup_printf(TARGET "/more %u", maker.serial++);

		fill_pair(&maker, a, b, 1);
	}
	g_hash_table_unref(maker.used);
	if (kind == CORPUS_NAMES) {
		put_deep(&maker);
		g_ptr_array_unref(maker.files);
		return g_string_free(maker.text, FALSE);
	}
	g_string_append(maker.text, STRAY "/" STRAY "/" STRAY "/inner = \"nested\"\n");
	g_string_append(maker.text, STRAY "/" TARGET "/inner = \"nested too\"\n");
	g_string_append(maker.text, TARGET "/" STRAY "/other = \"nested there\"\n");
	g_string_append(maker.text, STRAY "/.directory = \"[Desktop Entry]\\n\"\n");
	g_string_append(maker.text, TARGET "/.directory = \"[Desktop Entry]\\nIcon=x\\n\"\n");
	put_deep(&maker);
	g_ptr_array_unref(maker.files);
	return g_string_free(maker.text, FALSE);
}
