/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The core of the duplicate finder against a naive comparison of everything with everything. Pure. */
#include <glib.h>
#include <string.h>

#include "tests/support/dupes-model.h"

static void
test_schedule_headline(void)
{
	TidyClass pair = tidy_class_new(0, 2, 129000000);
	static const gint64 sizes[] = { 4096, 4096, 4096, 4096 };
	TidyRange range;

	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_assert_true(tidy_class_next(&pair, 1 << 20, &range));
		g_assert_cmpint(range.offset, ==, pair.offset);
		g_assert_cmpuint(range.size, ==, sizes[i]);
		pair.offset += sizes[i];
		pair.equal_blocks++;
	}
	g_assert_true(tidy_class_next(&pair, 1 << 20, &range));
	g_assert_cmpint(range.offset + (gint64)range.size, ==, pair.size);
	g_assert_cmpuint(range.size, <=, 4096);
}

static void
test_schedule_many_look_at_the_end_first(void)
{
	TidyClass many = tidy_class_new(0, 5, 100000);
	TidyRange range;

	many.offset = 4096;
	many.equal_blocks = 1;
	g_assert_true(tidy_class_next(&many, 1 << 20, &range));
	g_assert_cmpint(range.offset, ==, 100000 / 4096 * 4096);
	many.end = range.offset;
	g_assert_true(tidy_class_next(&many, 1 << 20, &range));
	g_assert_cmpint(range.offset, ==, 4096);
}

/* Every range lies in what is not compared yet, and they end. */
static void
test_schedule_covers_everything(void)
{
	for (gint64 size = 1; size < 20000000; size = size * 3 / 2 + 1) {
		for (guint count = 2; count < 9; count += 3) {
			TidyClass cls = tidy_class_new(0, count, size);
			gint64 seen = 0;
			TidyRange range;

			while (tidy_class_next(&cls, 8192, &range)) {
				g_assert_cmpuint(range.size, >, 0);
				g_assert_cmpuint(range.size, <=, 8192);
				g_assert_cmpint(range.offset, >=, cls.offset);
				g_assert_cmpint(range.offset + (gint64)range.size, <=, cls.end);
				seen += (gint64)range.size;
				if (range.offset == cls.offset) {
					cls.offset += (gint64)range.size;
					cls.equal_blocks++;
				} else {
					cls.end = range.offset;
				}
			}
			g_assert_cmpint(seen, ==, size);
		}
	}
}

static void
test_splitter_runs_out_of_room(void)
{
	g_autoptr(TidySplitter) splitter = tidy_splitter_new();
	static const char *const blocks[] = { "aaaa", "bbbb", "cccc", "aaaa", "cccc", "dddd" };
	static const guint parts[] = { 0, 1, 2, 0, 2, 3 };
	gboolean is_kept;

	tidy_splitter_begin(splitter, 4, 2);
	for (guint i = 0; i < G_N_ELEMENTS(blocks); i++) {
		guint part = tidy_splitter_add(splitter, (const guint8 *)blocks[i], &is_kept);

		g_assert_cmpuint(part, ==, parts[i]);
		g_assert_cmpint(is_kept, ==, i < 2);
	}
	g_assert_true(tidy_splitter_is_sure(splitter, 0));
	g_assert_true(tidy_splitter_is_sure(splitter, 1));
	g_assert_false(tidy_splitter_is_sure(splitter, 2));
	g_assert_false(tidy_splitter_is_sure(splitter, 3));
}

/* Files that share prefixes and suffixes with each other, so that classes fall apart at every depth. */
static TidyModel *
random_model(GRand *rand)
{
	TidyModel *model = tidy_model_new((gsize)g_rand_int_range(rand, 1, 60000));
	guint count = (guint)g_rand_int_range(rand, 2, 40);

	for (guint i = 0; i < count; i++) {
		guint8 *file = tidy_model_add(model);

		if (i > 0)
			memcpy(file, model->files->pdata[g_rand_int_range(rand, 0, (gint32)i)],
			       model->size);
		for (gint32 flips = g_rand_int_range(rand, 0, 3); flips > 0; flips--)
			file[g_rand_int_range(rand, 0, (gint32)model->size)] =
				(guint8)g_rand_int_range(rand, 0, 3);
	}
	return model;
}

static void
test_agrees_with_naive(void)
{
	for (guint i = 0; i < 400; i++) {
		g_autoptr(GRand) rand = g_rand_new_with_seed(i);
		g_autoptr(TidyModel) model = random_model(rand);
		guint max_kept = (guint)g_rand_int_range(rand, 1, 5) * (i % 2 == 0 ? 1 : 100);

		tidy_model_solve(model, max_kept);
		g_assert_cmpstr(tidy_model_problem(model), ==, NULL);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dupes/split/schedule-headline", test_schedule_headline);
	g_test_add_func("/dupes/split/schedule-many-look-at-the-end-first",
			test_schedule_many_look_at_the_end_first);
	g_test_add_func("/dupes/split/schedule-covers-everything", test_schedule_covers_everything);
	g_test_add_func("/dupes/split/splitter-runs-out-of-room", test_splitter_runs_out_of_room);
	g_test_add_func("/dupes/split/agrees-with-naive", test_agrees_with_naive);
	return g_test_run();
}
