/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trees that are far deeper than PATH_MAX allows, merged and undone in a thread whose stack has less room than 64 bytes for
 * each level, with few descriptors. I/O: directories in memory and on a disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "home/base/error.h"
#include "home/engine/engine.h"

#define DEPTH	    20000
#define DISK_DEPTH  4000 /* a disk takes its time */
#define NAME	    "d"
#define BOTTOM	    "bottom"
#define FILES_MAX   300	      /* descriptors that this program may have open */
#define STACK_BYTES (1 << 20) /* a worker has 2 MiB or more */

typedef struct {
	char *root;
	char *home;
	char *state;
	char *stray;
	char *target;
	TidyResult merged;
	TidyResult undone;
	GCancellable *cancellable; /* or NULL */
	guint n_until_stop;	   /* steps */
} Home;

/* --- chains of directories --- */

static int
open_dir(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* @path/d/d/d/..., @depth of them, and at the bottom a file that says @text, if any. */
static void
make_chain(const char *path, guint depth, const char *text)
{
	int dir = open_dir(AT_FDCWD, path);

	for (guint i = 0; i < depth; i++) {
		int next;

		g_assert_cmpint(mkdirat(dir, NAME, 0755), ==, 0);
		next = open_dir(dir, NAME);
		g_assert_cmpint(next, >=, 0);
		close(dir);
		dir = next;
	}
	if (text != NULL) {
		int fd = openat(dir, BOTTOM, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

		g_assert_cmpint(fd, >=, 0);
		g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
		close(fd);
	}
	close(dir);
}

/* How many levels there are, and whether the bottom has the file. */
static guint
measure_chain(const char *path, gboolean *has_file)
{
	int dir = open_dir(AT_FDCWD, path);
	guint depth = 0;
	int next;

	while (dir >= 0 && (next = open_dir(dir, NAME)) >= 0) {
		close(dir);
		dir = next;
		depth++;
	}
	*has_file = dir >= 0 && faccessat(dir, BOTTOM, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	if (dir >= 0)
		close(dir);
	return depth;
}

static void
remove_entries(int dir)
{
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", dir);
	g_autoptr(GDir) list = g_dir_open(path, 0, NULL);
	const char *name;

	while (list != NULL && (name = g_dir_read_name(list)) != NULL) {
		if (strcmp(name, NAME) != 0)
			unlinkat(dir, name, 0);
	}
}

/* From above: the next level takes the place of the one that held it. */
static void
remove_chain(const char *path)
{
	int top = open_dir(AT_FDCWD, path);
	int dir;

	if (top < 0)
		return;
	remove_entries(top);
	while ((dir = open_dir(top, NAME)) >= 0) {
		remove_entries(dir);
		g_assert_true(renameat(dir, NAME, top, "next") == 0 || errno == ENOENT);
		close(dir);
		g_assert_cmpint(unlinkat(top, NAME, AT_REMOVEDIR), ==, 0);
		if (renameat(top, "next", top, NAME) < 0)
			break;
	}
	close(top);
	g_assert_cmpint(rmdir(path), ==, 0);
}

/* --- a home --- */

static char *
make_dir(const char *base, const char *name)
{
	char *path = g_build_filename(base, name, NULL);

	g_assert_cmpint(g_mkdir_with_parents(path, 0700), ==, 0);
	return path;
}

static char *
make_root(void)
{
	char *made = g_strdup("/dev/shm/xdgtidy-deep-XXXXXX");

	if (g_mkdtemp_full(made, 0700) != NULL)
		return made;
	g_free(made);
	return g_dir_make_tmp("xdgtidy-deep-XXXXXX", NULL);
}

static void
set_up_in(Home *home, const char *base, const char *target)
{
	*home = (Home){ .root = make_root() };
	g_assert_nonnull(home->root);
	home->home = make_dir(home->root, "ann");
	home->state = make_dir(home->home, "state");
	home->stray = make_dir(home->home, "Download");
	home->target = make_dir(base != NULL ? base : home->home, target);
}

static void
set_up(Home *home, const char *target)
{
	set_up_in(home, NULL, target);
}

static void
tear_down(Home *home)
{
	g_autofree char *above = g_path_get_dirname(home->target);
	g_autoptr(GDir) state = g_dir_open(home->state, 0, NULL);
	const char *name;

	remove_chain(home->stray);
	remove_chain(home->target);
	while (state != NULL && (name = g_dir_read_name(state)) != NULL) {
		g_autofree char *path = g_build_filename(home->state, name, NULL);

		g_assert_cmpint(unlink(path), ==, 0);
	}
	g_assert_cmpint(rmdir(home->state), ==, 0);
	if (strcmp(above, home->home) != 0)
		g_assert_cmpint(rmdir(above), ==, 0);
	g_clear_object(&home->cancellable);
	g_assert_cmpint(rmdir(home->home), ==, 0);
	g_assert_cmpint(rmdir(home->root), ==, 0);
	g_free(home->root);
	g_free(home->home);
	g_free(home->state);
	g_free(home->stray);
	g_free(home->target);
}

static void
report_left(const char *path, TidyWhy why, gpointer data)
{
	g_error("left: %.60s... (%zu bytes): %s", path, strlen(path), tidy_why_text(why));
}

static void
report_problem(const char *path, TidyWhy why, int errno_code, gpointer data)
{
	g_error("%s: %.60s... (%zu bytes): %s", tidy_why_text(why), path, strlen(path),
		g_strerror(errno_code));
}

static TidyEngine *
open_engine(const Home *home)
{
	g_autofree char *trash = g_build_filename(home->home, "Trash", NULL);
	const TidyPlaces places = { home->home, home->state, trash, NULL };
	g_autoptr(GError) error = NULL;
	TidyEngine *engine = tidy_engine_new(tidy_fs_linux(), &places, &error);

	g_assert_no_error(error);
	return engine;
}

static gpointer
merge(gpointer data)
{
	Home *home = data;
	const TidySink sink = { .left = report_left, .problem = report_problem };
	const TidyMergeJob job = { .stray = home->stray, .target = home->target };
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyEngine) engine = open_engine(home);

	tidy_engine_merge(engine, &job, &sink, &home->merged, &error);
	g_assert_no_error(error);
	g_assert_cmpint(home->merged.outcome, ==, TIDY_OUTCOME_DONE);
	return NULL;
}

static void
stop(const TidyCounts *counts, gpointer data)
{
	Home *home = data;

	if (home->n_until_stop-- == 0)
		g_cancellable_cancel(home->cancellable);
}

/* Stopped in the middle. */
static gpointer
merge_a_part(gpointer data)
{
	Home *home = data;
	const TidySink sink = { .progress = stop, .data = home };
	const TidyMergeJob job = { .stray = home->stray,
				   .target = home->target,
				   .cancellable = home->cancellable };
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyEngine) engine = open_engine(home);

	tidy_engine_merge(engine, &job, &sink, &home->merged, &error);
	g_assert_error(error, TIDY_ERROR, TIDY_ERROR_CANCELLED);
	return NULL;
}

static gpointer
undo(gpointer data)
{
	Home *home = data;
	const TidySink sink = { .left = report_left, .problem = report_problem };
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyEngine) engine = open_engine(home);

	tidy_engine_undo(engine, home->merged.id, &sink, FALSE, NULL, &home->undone, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpint(home->undone.outcome, ==, TIDY_OUTCOME_DONE);
	return NULL;
}

static void
run(const char *what, void *(*func)(void *), Home *home)
{
	gint64 begin = g_get_monotonic_time();
	pthread_attr_t attr;
	pthread_t thread;

	g_assert_cmpint(pthread_attr_init(&attr), ==, 0);
	g_assert_cmpint(pthread_attr_setstacksize(&attr, STACK_BYTES), ==, 0);
	g_assert_cmpint(pthread_create(&thread, &attr, func, home), ==, 0);
	g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
	pthread_attr_destroy(&attr);
	g_test_message("%s: %.2f s", what,
		       (double)(g_get_monotonic_time() - begin) / G_USEC_PER_SEC);
}

static void
check(const char *path, guint depth, gboolean has_file)
{
	gboolean has = FALSE;

	g_assert_cmpuint(measure_chain(path, &has), ==, depth);
	g_assert_cmpint(has, ==, has_file);
}

/* --- cases --- */

/* The target lacks it: one rename, whatever is below. */
static void
test_whole(void)
{
	Home home;

	set_up(&home, "Downloads");
	make_chain(home.stray, DEPTH, "x");
	run("merge", merge, &home);
	check(home.target, DEPTH, TRUE);
	run("undo", undo, &home);
	check(home.stray, DEPTH, TRUE);
	check(home.target, 0, FALSE);
	tear_down(&home);
}

/* The two do not lie side by side: a link at the bottom might break, so all of it is looked at. */
static void
test_whole_to_elsewhere(void)
{
	Home home;

	set_up(&home, "Documents/dl");
	make_chain(home.stray, DEPTH, "x");
	run("merge", merge, &home);
	check(home.target, DEPTH, TRUE);
	run("undo", undo, &home);
	check(home.stray, DEPTH, TRUE);
	check(home.target, 0, FALSE);
	tear_down(&home);
}

/* Both have all of it: the walk goes down to the bottom. */
static void
test_both(void)
{
	Home home;

	set_up(&home, "Downloads");
	make_chain(home.stray, DEPTH, "x");
	make_chain(home.target, DEPTH, NULL);
	run("merge", merge, &home);
	check(home.target, DEPTH, TRUE);
	g_assert_false(g_file_test(home.stray, G_FILE_TEST_EXISTS));
	run("undo", undo, &home);
	check(home.stray, DEPTH, TRUE);
	check(home.target, DEPTH, FALSE);
	tear_down(&home);
}

/* Gone on with by what the journal knows of so many directories. */
static void
test_stopped_and_resumed(void)
{
	Home home;

	set_up(&home, "Downloads");
	make_chain(home.stray, DEPTH, "x");
	make_chain(home.target, DEPTH, NULL);
	home.cancellable = g_cancellable_new();
	home.n_until_stop = DEPTH;
	run("half a merge", merge_a_part, &home);
	g_assert_true(g_file_test(home.stray, G_FILE_TEST_EXISTS));
	run("the rest", merge, &home);
	check(home.target, DEPTH, TRUE);
	g_assert_false(g_file_test(home.stray, G_FILE_TEST_EXISTS));
	run("undo", undo, &home);
	check(home.stray, DEPTH, TRUE);
	check(home.target, DEPTH, FALSE);
	tear_down(&home);
}

/* Every directory is made there, and removed here. */
static void
test_to_another_file_system(void)
{
	g_autofree char *base = g_dir_make_tmp("xdgtidy-deep-XXXXXX", NULL);
	struct stat a, b;
	Home home;

	set_up_in(&home, base, "Downloads");
	g_assert_cmpint(stat(home.home, &a), ==, 0);
	g_assert_cmpint(stat(home.target, &b), ==, 0);
	if (a.st_dev == b.st_dev) {
		g_test_skip("/dev/shm and the directory for temporary files are one file system");
	} else {
		make_chain(home.stray, DISK_DEPTH, "x");
		run("merge", merge, &home);
		check(home.target, DISK_DEPTH, TRUE);
		run("undo", undo, &home);
		check(home.stray, DISK_DEPTH, TRUE);
		check(home.target, 0, FALSE);
	}
	tear_down(&home);
}

int
main(int argc, char **argv)
{
	const struct rlimit few = { FILES_MAX, FILES_MAX };

	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
	g_test_add_func("/deep/whole", test_whole);
	g_test_add_func("/deep/whole-to-elsewhere", test_whole_to_elsewhere);
	g_test_add_func("/deep/both", test_both);
	g_test_add_func("/deep/stopped-and-resumed", test_stopped_and_resumed);
	g_test_add_func("/deep/to-another-file-system", test_to_another_file_system);
	return g_test_run();
}
