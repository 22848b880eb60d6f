/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steps: copies, inverses, words. Pure. */
#include "home/merge/step.h"

#include <string.h>

static TidyStep
full_step(TidyOp op)
{
	gboolean has_to = op <= TIDY_OP_COPY || op == TIDY_OP_TIMES;

	return (TidyStep){
		.op = op,
		.why = TIDY_WHY_ABSENT,
		.type = TIDY_TYPE_FILE,
		.dir = 3,
		.to_dir = has_to ? 4 : 0,
		.name = g_strdup("old"),
		.to_name = has_to ? g_strdup("new") : NULL,
		.text = g_strdup("text"),
		.ino = 10,
		.to_ino = 11,
		.size = 12,
		.mtime_ns = 13,
		.seq = 14,
		.needs_previous = TRUE,
		.mode = 0644,
		.xattrs = g_bytes_new_static("x", 1),
	};
}

static void
test_copy(void)
{
	TidyStep step = full_step(TIDY_OP_MOVE);
	g_autoptr(TidyStep) copy = tidy_step_copy(&step);

	tidy_step_clear(&step);
	g_assert_cmpstr(copy->name, ==, "old");
	g_assert_cmpstr(copy->to_name, ==, "new");
	g_assert_cmpstr(copy->text, ==, "text");
	g_assert_cmpuint(g_bytes_get_size(copy->xattrs), ==, 1);
	g_assert_null(step.name);
}

static const struct {
	TidyOp op;
	TidyOp inverse;
} inverses[] = {
	{ TIDY_OP_MOVE, TIDY_OP_MOVE },	    { TIDY_OP_TRASH, TIDY_OP_RESTORE },
	{ TIDY_OP_RESTORE, TIDY_OP_TRASH }, { TIDY_OP_DELETE, TIDY_OP_COPY },
	{ TIDY_OP_COPY, TIDY_OP_DELETE },   { TIDY_OP_MKDIR, TIDY_OP_RMDIR },
	{ TIDY_OP_RMDIR, TIDY_OP_MKDIR },   { TIDY_OP_LINK, TIDY_OP_UNLINK },
	{ TIDY_OP_UNLINK, TIDY_OP_LINK },
};

static void
test_inverse(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(inverses); i++) {
		TidyStep step = full_step(inverses[i].op);
		TidyStep inverse;
		gboolean is_two_sided = step.to_dir != 0;

		g_assert_true(tidy_step_inverse(&step, &inverse));
		g_assert_cmpint(inverse.op, ==, inverses[i].inverse);
		g_assert_cmpint(inverse.why, ==, TIDY_WHY_UNDO);
		g_assert_cmpuint(inverse.origin, ==, 14);
		g_assert_cmpuint(inverse.seq, ==, 0);
		g_assert_false(inverse.needs_previous);
		g_assert_cmpuint(inverse.dir, ==, is_two_sided ? 4 : 3);
		g_assert_cmpuint(inverse.to_dir, ==, is_two_sided ? 3 : 0);
		g_assert_cmpstr(inverse.name, ==, is_two_sided ? "new" : "old");
		tidy_step_clear(&inverse);
		tidy_step_clear(&step);
	}
}

/* An entry keeps its inode when it moves; what is made anew has one that nobody knows yet. */
static void
test_inverse_inodes(void)
{
	static const struct {
		TidyOp op;
		guint64 ino;
		guint64 to_ino;
	} expected[] = {
		{ TIDY_OP_MOVE, 10, 11 }, { TIDY_OP_DELETE, 11, 10 }, { TIDY_OP_COPY, 0, 10 },
		{ TIDY_OP_RMDIR, 0, 11 }, { TIDY_OP_UNLINK, 0, 11 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
		TidyStep step = full_step(expected[i].op);
		TidyStep inverse;

		g_assert_true(tidy_step_inverse(&step, &inverse));
		g_assert_cmpuint(inverse.ino, ==, expected[i].ino);
		g_assert_cmpuint(inverse.to_ino, ==, expected[i].to_ino);
		tidy_step_clear(&inverse);
		tidy_step_clear(&step);
	}
}

static void
test_times_has_none(void)
{
	TidyStep step = full_step(TIDY_OP_TIMES);
	TidyStep inverse;

	g_assert_false(tidy_step_inverse(&step, &inverse));
	tidy_step_clear(&step);
}

/* Codes are an interface: each its own, none empty. */
static void
test_words(void)
{
	g_autoptr(GHashTable) codes = g_hash_table_new(g_str_hash, g_str_equal);

	for (TidyWhy why = TIDY_WHY_NONE; why <= TIDY_WHY_LAST; why++) {
		g_assert_cmpstr(tidy_why_code(why), !=, "");
		g_assert_true(g_hash_table_add(codes, (char *)tidy_why_code(why)));
		g_assert_nonnull(tidy_why_text(why));
	}
	for (TidyOp op = TIDY_OP_MOVE; op <= TIDY_OP_LAST; op++)
		g_assert_true(g_hash_table_add(codes, (char *)tidy_step_op_name(op)));
}

int
main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/merge/step/copy-owns-its-strings", test_copy);
	g_test_add_func("/merge/step/inverse", test_inverse);
	g_test_add_func("/merge/step/inverse-inodes", test_inverse_inodes);
	g_test_add_func("/merge/step/times-has-no-inverse", test_times_has_none);
	g_test_add_func("/merge/step/words", test_words);
	return g_test_run();
}
