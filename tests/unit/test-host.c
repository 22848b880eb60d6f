/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which computer wrote last: the line that says so, and what follows for merges, undo and recovery in a home that another
 * computer has used. I/O: a temporary directory.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "home/base/error.h"
#include "home/engine/engine.h"
#include "home/engine/host.h"
#include "tests/support/scratch.h"

#define MACHINE "0123456789abcdef0123456789abcdef"
#define BOOT_A	"11111111-2222-3333-4444-555555555555"
#define BOOT_B	"aaaaaaaa-2222-3333-4444-555555555555"

static TidyHost
host(const char *machine, const char *boot, const char *name)
{
	return (TidyHost){ (char *)machine, (char *)boot, (char *)name };
}

/* --- the line --- */

static void
assert_round(const TidyHost *before, const char *expected)
{
	g_autofree char *text = tidy_host_format(before);
	g_autoptr(TidyHost) after = tidy_host_parse(text);

	g_assert_cmpstr(text, ==, expected);
	g_assert_nonnull(after);
	g_assert_cmpstr(after->machine, ==, before->machine);
	g_assert_cmpstr(after->boot, ==, before->boot);
	g_assert_cmpstr(after->name, ==, before->name);
}

static void
test_line(void)
{
	const TidyHost full = host(MACHINE, BOOT_A, "desk");
	const TidyHost bare = host("", "", "a host with blanks");

	assert_round(&full, "xdgtidy-host-1 " MACHINE " " BOOT_A " desk\n");
	assert_round(&bare, "xdgtidy-host-1 - - a host with blanks\n");
}

static void
test_garbage(void)
{
	static const char *const lines[] = {
		"",
		"\n",
		"xdgtidy-host-1 " MACHINE " " BOOT_A " desk",	      /* cut off */
		"xdgtidy-host-1 " MACHINE " " BOOT_A "\n",	      /* no name */
		"xdgtidy-host-2 " MACHINE " " BOOT_A " desk\n",	      /* of a later version */
		"xdgtidy-host-1 " MACHINE "0 " BOOT_A " desk\n",      /* too long */
		"xdgtidy-host-1 0123 " BOOT_A " desk\n",	      /* too short */
		"xdgtidy-host-1 " MACHINE " " MACHINE " desk\n",      /* no boot id */
		"xdgtidy-host-1 " MACHINE " " BOOT_A " desk\nmore\n", /* two lines */
		"\x01\x02\xff\n",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_autoptr(TidyHost) parsed = tidy_host_parse(lines[i]);

		if (parsed != NULL)
			g_error("taken for a host: %s", lines[i]);
	}
}

static void
test_same(void)
{
	static const struct {
		TidyHost a;
		TidyHost b;
		gboolean is_same;
	} rows[] = {
		/* after a restart, and under another name */
		{ { (char *)"m", (char *)"1", (char *)"x" },
		  { (char *)"m", (char *)"2", (char *)"y" },
		  TRUE },
		/* a container: one kernel */
		{ { (char *)"m", (char *)"1", (char *)"x" },
		  { (char *)"n", (char *)"1", (char *)"y" },
		  TRUE },
		{ { (char *)"m", (char *)"1", (char *)"x" },
		  { (char *)"n", (char *)"2", (char *)"x" },
		  FALSE },
		/* one of them without an id: it may be any */
		{ { (char *)"m", (char *)"1", (char *)"x" },
		  { (char *)"", (char *)"2", (char *)"x" },
		  FALSE },
		{ { (char *)"", (char *)"1", (char *)"x" },
		  { (char *)"", (char *)"2", (char *)"x" },
		  TRUE },
		{ { (char *)"", (char *)"", (char *)"x" },
		  { (char *)"", (char *)"", (char *)"y" },
		  FALSE },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_assert_cmpint(tidy_host_is_same(&rows[i].a, &rows[i].b), ==, rows[i].is_same);
		g_assert_cmpint(tidy_host_is_same(&rows[i].b, &rows[i].a), ==, rows[i].is_same);
	}
}

/* --- a home --- */

typedef struct {
	char *root;
	char *home;
	char *state;
} Home;

static char *
make_dir(const char *base, const char *name)
{
	char *path = g_build_filename(base, name, NULL);

	g_assert_cmpint(g_mkdir_with_parents(path, 0700), ==, 0);
	return path;
}

static void
write_text(const char *base, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(base, name, NULL);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static gboolean
exists(const char *base, const char *name)
{
	g_autofree char *path = g_build_filename(base, name, NULL);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void
set_up(Home *home, gconstpointer data)
{
	g_autofree char *stray = NULL;
	g_autofree char *target = NULL;

	home->root = g_dir_make_tmp("xdgtidy-host-XXXXXX", NULL);
	g_assert_nonnull(home->root);
	home->home = make_dir(home->root, "ann");
	home->state = make_dir(home->home, "state");
	stray = make_dir(home->home, "Download");
	target = make_dir(home->home, "Downloads");
	write_text(stray, "a", "a");
}

static void
tear_down(Home *home, gconstpointer data)
{
	scratch_remove(home->root);
	g_free(home->root);
	g_free(home->home);
	g_free(home->state);
}

static TidyEngine *
open_engine(const Home *home, const TidyHost *here)
{
	g_autofree char *trash = g_build_filename(home->root, "Trash", NULL);
	g_autoptr(GError) error = NULL;
	TidyEngine *engine =
		tidy_engine_new(tidy_fs_linux(),
				&(TidyPlaces){ home->home, home->state, trash, here }, &error);

	g_assert_no_error(error);
	return engine;
}

static gboolean
merge(const Home *home, const TidyHost *here, gboolean is_automatic, GError **error)
{
	g_autoptr(TidyEngine) engine = open_engine(home, here);
	g_autofree char *stray = g_build_filename(home->home, "Download", NULL);
	g_autofree char *target = g_build_filename(home->home, "Downloads", NULL);
	const TidyMergeJob job = { .stray = stray, .target = target, .is_automatic = is_automatic };
	TidyResult result;

	return tidy_engine_merge(engine, &job, &(TidySink){ 0 }, &result, error);
}

static gboolean
undo(const Home *home, const TidyHost *here)
{
	g_autoptr(TidyEngine) engine = open_engine(home, here);
	TidyResult result;

	return tidy_engine_undo(engine, 0, &(TidySink){ 0 }, FALSE, NULL, &result, NULL, NULL);
}

static char *
other_host(const Home *home, const TidyHost *here)
{
	g_autoptr(TidyEngine) engine = open_engine(home, here);
	char *name = NULL;

	return tidy_engine_is_other_host(engine, &name) ? g_steal_pointer(&name) : NULL;
}

static const TidyHost desk = { (char *)MACHINE, (char *)BOOT_A, (char *)"desk" };
static const TidyHost lap = { (char *)"", (char *)BOOT_B, (char *)"lap" };

static void
test_first_is_free(Home *home, gconstpointer data)
{
	g_assert_null(other_host(home, &desk));
	g_assert_true(merge(home, &desk, TRUE, NULL));
	g_assert_null(other_host(home, &desk));
	g_assert_true(exists(home->home, "Downloads/a"));
}

static void
test_other_asks_then_is_last(Home *home, gconstpointer data)
{
	g_autofree char *name = NULL;
	g_autofree char *back = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(merge(home, &desk, TRUE, NULL));
	g_assert_true(undo(home, &desk));
	name = other_host(home, &lap);
	g_assert_cmpstr(name, ==, "desk");
	/* What the guard saw may be old: under the lock it counts once more. */
	g_assert_false(merge(home, &lap, TRUE, &error));
	g_assert_error(error, TIDY_ERROR, TIDY_ERROR_REFUSED);
	g_assert_nonnull(strstr(error->message, "desk"));
	g_assert_true(exists(home->home, "Download/a"));
	/* Its user says yes. */
	g_assert_true(merge(home, &lap, FALSE, NULL));
	g_assert_true(exists(home->home, "Downloads/a"));
	g_assert_null(other_host(home, &lap));
	back = other_host(home, &desk);
	g_assert_cmpstr(back, ==, "lap");
}

static void
test_looking_is_not_writing(Home *home, gconstpointer data)
{
	g_autoptr(TidyEngine) engine = open_engine(home, &lap);
	g_autofree char *name = NULL;

	g_assert_true(merge(home, &desk, TRUE, NULL));
	g_assert_true(
		tidy_engine_recover(engine, NULL, NULL, &(TidySink){ 0 }, NULL, NULL, NULL, NULL));
	name = other_host(home, &lap);
	g_assert_cmpstr(name, ==, "desk");
	g_assert_null(other_host(home, &desk));
}

static void
test_undo_is_a_wish(Home *home, gconstpointer data)
{
	g_assert_true(merge(home, &desk, TRUE, NULL));
	g_assert_true(undo(home, &lap));
	g_assert_true(exists(home->home, "Download/a"));
	g_assert_null(other_host(home, &lap));
}

/* Nobody knows who wrote last: it may have been another. */
static void
test_damaged(Home *home, gconstpointer data)
{
	static const char *const texts[] = { "", "garbage", "xdgtidy-host-9 x y z\n" };

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *name = NULL;

		write_text(home->state, "host", texts[i]);
		name = other_host(home, &desk);
		g_assert_nonnull(name);
		g_assert_false(merge(home, &desk, TRUE, NULL));
		g_assert_true(exists(home->home, "Download/a"));
	}
	g_assert_true(merge(home, &desk, FALSE, NULL));
	g_assert_null(other_host(home, &desk));
}

/* An operation that another computer began, and may still be at: not finished unasked. */
static void
test_its_interrupted_operation_stays(Home *home, gconstpointer data)
{
	g_autofree char *journal = g_build_filename(home->state, "00000001.journal", NULL);
	g_autofree char *text = NULL;
	gsize size;
	guint n_resumed[2] = { 0 };

	g_assert_true(merge(home, &desk, TRUE, NULL));
	/* Without its commit, the last record. */
	g_assert_true(g_file_get_contents(journal, &text, &size, NULL));
	g_assert_true(g_file_set_contents(journal, text, (gssize)size - 8, NULL));
	for (guint i = 0; i < 2; i++) {
		g_autoptr(TidyEngine) engine = open_engine(home, i == 0 ? &lap : &desk);
		g_autoptr(GPtrArray) operations = NULL;

		g_assert_true(tidy_engine_recover(engine, NULL, NULL, &(TidySink){ 0 }, NULL, NULL,
						  NULL, NULL));
		operations = tidy_engine_history(engine, NULL);
		g_assert_cmpuint(operations->len, ==, 1);
		n_resumed[i] = ((TidyOperation *)g_ptr_array_index(operations, 0))->state !=
			       TIDY_STATE_INTERRUPTED;
	}
	g_assert_cmpuint(n_resumed[0], ==, 0);
	g_assert_cmpuint(n_resumed[1], ==, 1);
}

static void
test_here(Home *home, gconstpointer data)
{
	g_autofree char *etc = make_dir(home->root, "etc");
	g_autoptr(TidyHost) none = tidy_host_here(home->root);
	g_autoptr(TidyHost) one = NULL;
	g_autoptr(TidyHost) raw = NULL;

	g_assert_cmpstr(none->machine, ==, "");
	write_text(etc, "machine-id", MACHINE "\n");
	one = tidy_host_here(home->root);
	g_assert_cmpuint(strlen(one->machine), ==, 32);
	/* The id itself is written down nowhere. */
	g_assert_cmpstr(one->machine, !=, MACHINE);
	g_assert_cmpstr(one->boot, ==, none->boot);
	write_text(etc, "machine-id", "uninitialized\n");
	raw = tidy_host_here(home->root);
	g_assert_cmpstr(raw->machine, ==, "");
}

#define ADD(path, test) g_test_add(path, Home, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/host/line", test_line);
	g_test_add_func("/host/garbage", test_garbage);
	g_test_add_func("/host/same", test_same);
	ADD("/host/here", test_here);
	ADD("/host/first-is-free", test_first_is_free);
	ADD("/host/other-asks-then-is-last", test_other_asks_then_is_last);
	ADD("/host/looking-is-not-writing", test_looking_is_not_writing);
	ADD("/host/undo-is-a-wish", test_undo_is_a_wish);
	ADD("/host/damaged", test_damaged);
	ADD("/host/its-interrupted-operation-stays", test_its_interrupted_operation_stays);
	return g_test_run();
}
