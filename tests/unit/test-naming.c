/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Free names: double extensions, numbers that go on, 255 bytes, borders of characters. Pure. */
#include "home/merge/naming.h"

#include <limits.h>
#include <string.h>

static gboolean
is_in(const char *name, gpointer data)
{
	return g_strv_contains((const char *const *)data, name);
}

static gboolean
is_always(const char *name, gpointer data)
{
	guint *asked = data;

	(*asked)++;
	return TRUE;
}

static const struct {
	const char *name;
	gboolean is_directory;
	const char *taken[4];
	const char *expected;
} rows[] = {
	{ "a.txt", FALSE, { "a.txt" }, "a (2).txt" },
	{ "a.txt", FALSE, { "a.txt", "a (2).txt", "a (3).txt" }, "a (4).txt" },
	{ "a (3).txt", FALSE, { "a (3).txt" }, "a (4).txt" },
	{ "a", FALSE, { "a" }, "a (2)" },
	{ "a.tar.gz", FALSE, { "a.tar.gz" }, "a (2).tar.gz" },
	{ "A.TAR.GZ", FALSE, { NULL }, "A (2).TAR.GZ" },
	{ "x.user.js", FALSE, { NULL }, "x (2).user.js" },
	{ ".tar.gz", FALSE, { NULL }, ".tar (2).gz" },
	{ ".bashrc", FALSE, { NULL }, ".bashrc (2)" },
	{ "..x", FALSE, { NULL }, "..x (2)" },
	{ ".a.txt", FALSE, { NULL }, ".a (2).txt" },
	{ "dir.d", TRUE, { NULL }, "dir.d (2)" },
	{ "dir (2)", TRUE, { NULL }, "dir (3)" },
	{ "end.", FALSE, { NULL }, "end. (2)" },
	{ "No. 5 of it", FALSE, { NULL }, "No. 5 of it (2)" },
	{ "a.averyverylongextension", FALSE, { NULL }, "a.averyverylongextension (2)" },
	{ "a (1).txt", FALSE, { NULL }, "a (2).txt" },
	{ "a (0).txt", FALSE, { NULL }, "a (0) (2).txt" },
	{ "a (02).txt", FALSE, { NULL }, "a (02) (2).txt" },
	{ "a (9999).txt", FALSE, { NULL }, "a (9999) (2).txt" },
	{ "a (12345).txt", FALSE, { NULL }, "a (12345) (2).txt" },
	{ "a (x).txt", FALSE, { NULL }, "a (x) (2).txt" },
	{ "a(2).txt", FALSE, { NULL }, "a(2) (2).txt" },
	{ "a ().txt", FALSE, { NULL }, "a () (2).txt" },
	{ "(2).txt", FALSE, { NULL }, "(2) (2).txt" },
	{ " (2)", FALSE, { NULL }, " (2) (2)" },
};

static void
test_names(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *name = tidy_naming_next(rows[i].name, rows[i].is_directory, is_in,
							 (gpointer)rows[i].taken);

		g_assert_cmpstr(name, ==, rows[i].expected);
	}
}

static char *
repeat(const char *piece, guint bytes, const char *end)
{
	GString *name = g_string_new(NULL);

	while (name->len + strlen(piece) + strlen(end) <= bytes)
		g_string_append(name, piece);
	g_string_append(name, end);
	return g_string_free(name, FALSE);
}

/* However long, whatever bytes: the answer fits, keeps its extension, and valid text stays valid. */
static void
test_name_space(void)
{
	static const char *const pieces[] = {
		"x", "\303\251", "\342\202\254", "\360\237\230\200", "\377", "\200"
	};

	for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
		for (guint bytes = 240; bytes <= NAME_MAX; bytes++) {
			const char *none[] = { NULL };
			g_autofree char *name = repeat(pieces[i], bytes, ".tar.gz");
			g_autofree char *next = tidy_naming_next(name, FALSE, is_in, none);

			g_assert_cmpuint(strlen(next), <=, NAME_MAX);
			g_assert_true(g_str_has_suffix(next, " (2).tar.gz"));
			g_assert_cmpint(g_utf8_validate(next, -1, NULL), ==,
					g_utf8_validate(name, -1, NULL));
		}
	}
}

static void
test_all_taken(void)
{
	guint asked = 0;

	g_assert_null(tidy_naming_next("a.txt", FALSE, is_always, &asked));
	g_assert_cmpuint(asked, ==, 9998);
	asked = 0;
	g_assert_null(tidy_naming_next("a (9998).txt", FALSE, is_always, &asked));
	g_assert_cmpuint(asked, ==, 1);
}

int
main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/merge/naming/rows", test_names);
	g_test_add_func("/merge/naming/fits-name-max", test_name_space);
	g_test_add_func("/merge/naming/all-taken", test_all_taken);
	return g_test_run();
}
