/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The executor's runs of moves (case 8 of execute.h): made in one order, told in another. On the real disk. */
#include <glib/gstdio.h>
#include <string.h>

#include "home/base/error.h"
#include "home/engine/execute.h"

/* The real table, with a list of what was renamed. */
typedef struct {
	TidyFs table;
	GString *made;
	GCancellable *cancellable; /* cancelled at the first rename of "c", or NULL */
} ListingFs;

static int
listing_rename(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to)
{
	ListingFs *listing = (ListingFs *)fs;
	TidyFs *real = tidy_fs_linux();

	g_string_append(listing->made, from);
	if (listing->cancellable != NULL && strcmp(from, "c") == 0)
		g_cancellable_cancel(listing->cancellable);
	return real->rename(real, from_dir, from, to_dir, to);
}

typedef struct {
	char *home;
	ListingFs fs;
	TidyDirPool *pool;
	TidyDir *from;
	TidyDir *to;
	GString *told;
	GCancellable *cancellable;
	TidyExecutor *executor;
} Fixture;

static void
tell(const TidyStep *step, TidyDir *dir, TidyDir *to_dir, TidyWhy outcome, int errno_code,
     gpointer data)
{
	Fixture *f = data;

	(void)dir;
	(void)to_dir;
	(void)errno_code;
	g_string_append(f->told, step->name);
	if (outcome != TIDY_WHY_NONE)
		g_string_append_printf(f->told, "(%s)", tidy_why_code(outcome));
}

static void
set_up(Fixture *f)
{
	g_autoptr(TidyDir) home = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *from = NULL;
	g_autofree char *to = NULL;
	TidyExecutorOptions options = { 0 };

	f->home = g_dir_make_tmp("execute-XXXXXX", &error);
	g_assert_no_error(error);
	from = g_build_filename(f->home, "from", NULL);
	to = g_build_filename(f->home, "to", NULL);
	g_assert_cmpint(g_mkdir(from, 0700), ==, 0);
	g_assert_cmpint(g_mkdir(to, 0700), ==, 0);
	for (const char *name = "abcd"; *name != '\0'; name++) {
		g_autofree char *path = g_strdup_printf("%s/%c", from, *name);

		g_file_set_contents(path, name, 1, &error);
		g_assert_no_error(error);
	}
	f->fs = (ListingFs){ .table = *tidy_fs_linux(), .made = g_string_new(NULL) };
	f->fs.table.rename = listing_rename;
	f->told = g_string_new(NULL);
	f->cancellable = g_cancellable_new();
	f->pool = tidy_dir_pool_new(&f->fs.table);
	home = tidy_dir_root(f->pool, f->home);
	f->from = tidy_dir_child(home, "from");
	f->to = tidy_dir_child(home, "to");
	options.fs = &f->fs.table;
	options.cancellable = f->cancellable;
	options.report = tell;
	options.report_data = f;
	f->executor = tidy_executor_new(&options);
}

static void
tear_down(Fixture *f)
{
	static const char *const dirs[] = { "from", "to" };

	tidy_executor_free(f->executor);
	tidy_dir_unref(f->from);
	tidy_dir_unref(f->to);
	tidy_dir_pool_free(f->pool);
	g_object_unref(f->cancellable);
	for (gsize i = 0; i < G_N_ELEMENTS(dirs); i++) {
		g_autofree char *dir = g_build_filename(f->home, dirs[i], NULL);

		for (const char *name = "abcd"; *name != '\0'; name++) {
			g_autofree char *path = g_strdup_printf("%s/%c", dir, *name);

			g_unlink(path);
		}
		g_assert_cmpint(g_rmdir(dir), ==, 0);
	}
	g_assert_cmpint(g_rmdir(f->home), ==, 0);
	g_free(f->home);
	g_string_free(f->fs.made, TRUE);
	g_string_free(f->told, TRUE);
}

static void
add_move(Fixture *f, const char *name, gsize disk_order, gboolean needs_previous)
{
	TidyStep step = {
		.op = TIDY_OP_MOVE,
		.type = TIDY_TYPE_FILE,
		.name = g_strdup(name),
		.to_name = g_strdup(name),
		.size = -1,
		.mtime_ns = TIDY_TIME_OMIT,
		.disk_order = disk_order,
		.needs_previous = needs_previous,
	};
	g_autoptr(GError) error = NULL;

	tidy_executor_add(f->executor, &step, f->from, f->to, &error);
	g_assert_no_error(error);
}

static void
test_order_of_the_disk(void)
{
	Fixture f = { 0 };
	g_autoptr(GError) error = NULL;

	set_up(&f);
	add_move(&f, "a", 4, FALSE);
	add_move(&f, "b", 3, FALSE);
	add_move(&f, "x", 2, FALSE); /* is not there */
	add_move(&f, "d", 1, FALSE);
	g_assert_true(tidy_executor_flush(f.executor, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(f.fs.made->str, ==, "dxba");
	g_assert_cmpstr(f.told->str, ==, "abx(gone)d");
	tear_down(&f);
}

/* What has no place on the disk, or hangs on the step before, is made where it stands. */
static void
test_steps_in_their_places(void)
{
	Fixture f = { 0 };
	g_autoptr(GError) error = NULL;

	set_up(&f);
	add_move(&f, "b", 2, FALSE);
	add_move(&f, "a", 1, TRUE);
	add_move(&f, "d", 0, FALSE);
	add_move(&f, "c", 1, FALSE);
	g_assert_true(tidy_executor_flush(f.executor, &error));
	g_assert_cmpstr(f.fs.made->str, ==, "badc");
	g_assert_cmpstr(f.told->str, ==, "badc");
	tear_down(&f);
}

/* What was made before the stop is told. */
static void
test_stopped_in_a_run(void)
{
	Fixture f = { 0 };
	g_autoptr(GError) error = NULL;

	set_up(&f);
	f.fs.cancellable = f.cancellable;
	add_move(&f, "a", 3, FALSE);
	add_move(&f, "b", 1, FALSE);
	add_move(&f, "c", 2, FALSE);
	add_move(&f, "d", 4, FALSE);
	g_assert_false(tidy_executor_flush(f.executor, &error));
	g_assert_error(error, TIDY_ERROR, TIDY_ERROR_CANCELLED);
	g_assert_cmpstr(f.fs.made->str, ==, "bc");
	g_assert_cmpstr(f.told->str, ==, "bc");
	tear_down(&f);
}

int
main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/engine/execute/order-of-the-disk", test_order_of_the_disk);
	g_test_add_func("/engine/execute/steps-in-their-places", test_steps_in_their_places);
	g_test_add_func("/engine/execute/stopped-in-a-run", test_stopped_in_a_run);
	return g_test_run();
}
