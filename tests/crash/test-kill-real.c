/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The real command in a real directory, killed before and after its tree-changing system calls; then it runs again, then
 * it is undone. I/O: below TMPDIR; needs ptrace(2).
 *
 * At every point: nothing lost, nothing overwritten; after another run the same tree as without a kill, and no
 * temporary file; after the undo the tree of before, time stamps of directories included. Homes come from seeds
 * (tests/support/corpus.h); as root also with the target on another file system: tmpfs, and images of those for which
 * there is a mkfs. FAULT_FULL=1 takes every point, KILL_SEED=N one seed, KILL_POINTS=N that many points.
 */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/support/corpus.h"
#include "tests/support/home-run.h"
#include "tests/support/kill-at.h"

#define N_ENTRIES     60
#define POINTS_OF_ONE 10

typedef struct {
	guint64 seed;
	const char
		*kind; /* of the file system that the target is on; NULL: the same as the stray's */
	Tree *tree;    /* as generated */
	char *home;
	char **envp;
	Tree *before; /* as the disk has it */
	Tree *after;
	guint n_points;
} Case;

static const char *command;

/* --- a home --- */

typedef struct {
	TidyFs *fs;
	GPtrArray *names;
} Names;

static gboolean
collect_name(const TidyDirent *entry, gpointer data)
{
	g_ptr_array_add(((Names *)data)->names, g_strdup(entry->name));
	return TRUE;
}

/* By descriptors: a path may be longer than PATH_MAX. */
static gboolean
remove_tree(TidyFs *fs, int dir, const char *name)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	Names collector = { fs, names };
	int fd;

	if (unlinkat(dir, name, 0) == 0)
		return TRUE;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return FALSE;
	tidy_fs_list(fs, fd, collect_name, &collector);
	for (guint i = 0; i < names->len; i++)
		remove_tree(fs, fd, g_ptr_array_index(names, i));
	close(fd);
	return unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

static int
open_home(const Case *test)
{
	int fd = open(test->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	return fd;
}

static void
empty_home(const Case *test)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	Names collector = { tidy_fs_linux(), names };
	int dir = open_home(test);

	tidy_fs_list(tidy_fs_linux(), dir, collect_name, &collector);
	for (guint i = 0; i < names->len; i++)
		/* The mount stays. */
		g_assert_true(remove_tree(tidy_fs_linux(), dir, g_ptr_array_index(names, i)) ||
			      (test->kind != NULL && errno == EBUSY));
	close(dir);
}

/* FALSE: this disk cannot hold such a home. */
static gboolean
build_home(const Case *test)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *config = g_build_filename(test->home, ".config", NULL);
	g_autofree char *file = g_build_filename(config, "user-dirs.dirs", NULL);
	TreeHost host = { .fs = tidy_fs_linux(), .path = test->home };
	gboolean is_fine;

	empty_home(test);
	host.dir = open_home(test);
	is_fine = tree_build(test->tree, &host, &error);
	close(host.dir);
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
		return FALSE;
	g_assert_no_error(error);
	g_assert_cmpint(g_mkdir_with_parents(config, 0700), ==, 0);
	g_assert_true(
		g_file_set_contents(file, "XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n", -1, NULL));
	return is_fine;
}

/* --- runs --- */

static gboolean
run(const Case *test, const char *verb, guint n, gboolean is_after, KillRun *result)
{
	const char *merge[] = {
		command, "merge", "--direct", "--yes", "Download", "Downloads", NULL
	};
	const char *undo[] = { command, "undo", "--direct", NULL };

	return kill_at_run(strcmp(verb, "merge") == 0 ? merge : undo,
			   (const char *const *)test->envp, &(KillAt){ n, is_after }, result);
}

static void
run_to_end(const Case *test, const char *verb)
{
	KillRun result;

	g_assert_true(run(test, verb, 0, FALSE, &result));
	/* 0: done; 5: some entries stay, as unfinished downloads do. */
	if (result.exit_status != 0 && result.exit_status != 5)
		g_error("seed %" G_GUINT64_FORMAT ": %s exits with %d", test->seed, verb,
			result.exit_status);
}

static Tree *
snapshot(const Case *test)
{
	return home_run_snapshot(tidy_fs_linux(), test->home);
}

/* --- what must hold --- */

static void
assert_same(const Case *test, const Tree *expected, const char *point, const char *when)
{
	g_autoptr(Tree) actual = snapshot(test);
	g_autofree char *diff = tree_diff(expected, actual, 0);

	if (diff != NULL)
		g_error("seed %" G_GUINT64_FORMAT ", %s, %s:\n%s", test->seed, point, when, diff);
}

static void
assert_nothing_lost(const Case *test, const char *point)
{
	g_autoptr(Tree) actual = snapshot(test);
	g_autofree char *lost =
		tree_lost(test->before, actual, TREE_LOST_SET | TREE_LOST_ANY_TARGET);

	if (lost != NULL)
		g_error("seed %" G_GUINT64_FORMAT ", %s:\n%s", test->seed, point, lost);
}

/* What the target had is still there under its name, with its bytes. */
static void
assert_nothing_overwritten(const Case *test, const char *point)
{
	g_autoptr(Tree) actual = snapshot(test);

	for (guint i = 0; i < tree_size(test->before); i++) {
		const TreeNode *node = tree_node(test->before, i);
		const TreeNode *now;

		if (!g_str_has_prefix(node->path, "Downloads/") || node->type != TIDY_TYPE_FILE)
			continue;
		now = tree_lookup(actual, node->path);
		if (now == NULL || now->type != node->type ||
		    g_strcmp0(now->digest, node->digest) != 0)
			g_error("seed %" G_GUINT64_FORMAT ", %s: overwritten: %s", test->seed,
				point, node->path);
	}
}

static void
assert_no_temporary(const Case *test, const char *point)
{
	g_autoptr(Tree) actual = snapshot(test);
	g_autofree char *state = g_build_filename(test->home, ".local/state/xdgtidy", NULL);
	g_autoptr(GDir) dir = g_dir_open(state, 0, NULL);
	const char *name;

	for (guint i = 0; i < tree_size(actual); i++) {
		g_autofree char *base = g_path_get_basename(tree_node(actual, i)->path);

		if (g_str_has_prefix(base, ".xdgtidy-"))
			g_error("seed %" G_GUINT64_FORMAT ", %s: %s stays", test->seed, point,
				tree_node(actual, i)->path);
	}
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		if (g_str_has_suffix(name, ".new"))
			g_error("seed %" G_GUINT64_FORMAT ", %s: %s stays", test->seed, point,
				name);
	}
}

/* One kill of @verb at @n, and all that follows. FALSE: it ended before. */
static gboolean
check_point(const Case *test, const char *verb, guint n, gboolean is_after)
{
	gboolean is_undo = strcmp(verb, "undo") == 0;
	g_autofree char *point = NULL;
	KillRun result;

	g_assert_true(build_home(test));
	if (is_undo)
		run_to_end(test, "merge");
	g_assert_true(run(test, verb, n, is_after, &result));
	if (!result.is_killed)
		return FALSE;
	point = g_strdup_printf("%s killed %s call %u (%s)", verb, is_after ? "after" : "before", n,
				result.last);
	assert_nothing_lost(test, point);
	assert_nothing_overwritten(test, point);
	if (!is_undo) {
		run_to_end(test, "merge");
		assert_same(test, test->after, point, "after another run");
		assert_no_temporary(test, point);
	}
	run_to_end(test, "undo");
	/* The kill may have come after the last change of an undo: then this one has nothing to do. */
	assert_same(test, test->before, point, "after the undo");
	assert_no_temporary(test, point);
	return TRUE;
}

/* --- the points --- */

static guint
wanted_points(void)
{
	const char *wanted = g_getenv("KILL_POINTS");

	if (g_getenv("FAULT_FULL") != NULL)
		return G_MAXUINT;
	return wanted != NULL ? (guint)g_ascii_strtoull(wanted, NULL, 10) : POINTS_OF_ONE;
}

static void
check_verb(Case *test, const char *verb, guint seen)
{
	guint wanted = MIN(wanted_points(), seen * 2);

	for (guint i = 0; i < wanted; i++) {
		/* Evenly spread, moved by the seed, so that other seeds look elsewhere. */
		guint64 at = ((guint64)i * seen * 2 / wanted + test->seed * 7) % (seen * 2);

		if (check_point(test, verb, (guint)(at / 2) + 1, at % 2 != 0))
			test->n_points++;
	}
}

/* Without names of one file on both sides, which cannot be. */
static char *
without_links_across(const char *text)
{
	g_autoptr(GString) kept = g_string_new(NULL);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		const char *link = strstr(lines[i], " = link:");
		gboolean is_target = strstr(lines[i], "Downloads/") == g_strchug(lines[i]);

		if (link == NULL ||
		    is_target == g_str_has_prefix(link + strlen(" = link:"), "Downloads/"))
			g_string_append_printf(kept, "%s\n", lines[i]);
	}
	return g_string_free(g_steal_pointer(&kept), FALSE);
}

/* Mounts a fresh file system of that kind on the target; in a namespace of our own, so that nothing stays behind. */
static gboolean
mount_target(const Case *test)
{
	g_autofree char *point = g_build_filename(test->home, "Downloads", NULL);
	g_autofree char *image = g_strconcat(test->home, ".img", NULL);
	g_autofree char *maker = g_strconcat("mkfs.", test->kind, NULL);
	const char *make[] = { maker, "-q", image, NULL };
	const char *attach[] = { "mount", "-o", "loop", image, point, NULL };
	g_autofree char *lost = g_build_filename(point, "lost+found", NULL);
	gboolean is_fine;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return FALSE;
	g_assert_cmpint(mkdir(point, 0755), ==, 0);
	if (strcmp(test->kind, "tmpfs") == 0)
		return mount("tmpfs", point, "tmpfs", 0, NULL) == 0;
	g_assert_true(g_file_set_contents(image, "", 0, NULL));
	is_fine = truncate(image, 400 << 20) == 0 &&
		  g_spawn_sync(NULL, (char **)make, NULL,
			       G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
			       NULL, NULL, NULL) &&
		  g_spawn_sync(NULL, (char **)attach, NULL,
			       G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
			       NULL, NULL, NULL);
	/* Mounted it lives on without its name. */
	unlink(image);
	rmdir(lost);
	return is_fine;
}

static void
case_init(Case *test, guint64 seed, const char *kind)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *whole = corpus_generate(seed, N_ENTRIES);
	g_autofree char *text = kind != NULL ? without_links_across(whole) : g_strdup(whole);
	g_autofree char *variable = NULL;

	*test = (Case){ .seed = seed, .kind = kind, .home = g_dir_make_tmp("kill-XXXXXX", &error) };
	g_assert_no_error(error);
	test->tree = tree_parse(text, 1, &error);
	g_assert_no_error(error);
	variable = g_strconcat("HOME=", test->home, NULL);
	/* What runs under a tracer cannot look for leaks. */
	test->envp = g_strdupv((char *[]){ variable, (char *)"PATH=/usr/bin:/bin",
					   (char *)"ASAN_OPTIONS=detect_leaks=0", NULL });
}

static void
case_clear(Case *test)
{
	g_autofree char *point = g_build_filename(test->home, "Downloads", NULL);

	empty_home(test);
	if (test->kind != NULL && umount2(point, MNT_DETACH) == 0)
		rmdir(point);
	rmdir(test->home);
	g_clear_pointer(&test->before, tree_free);
	g_clear_pointer(&test->after, tree_free);
	tree_free(test->tree);
	g_strfreev(test->envp);
	g_free(test->home);
}

typedef struct {
	guint64 seed;
	const char *kind;
} Start;

static void
test_kill(gconstpointer data)
{
	const Start *start = data;
	Case test;
	KillRun merge;
	KillRun undo;

	case_init(&test, start->seed, start->kind);
	if (start->kind != NULL && !mount_target(&test)) {
		g_test_skip("such a file system cannot be made or mounted here");
	} else if (!build_home(&test)) {
		g_test_skip("this disk cannot hold such files");
	} else {
		test.before = snapshot(&test);
		if (run(&test, "merge", 0, FALSE, &merge)) {
			g_assert_true(merge.exit_status == 0 || merge.exit_status == 5);
			test.after = snapshot(&test);
			assert_nothing_lost(&test, "no kill");
			assert_nothing_overwritten(&test, "no kill");
			g_assert_true(run(&test, "undo", 0, FALSE, &undo));
			assert_same(&test, test.before, "no kill", "after the undo");
			check_verb(&test, "merge", merge.seen);
			check_verb(&test, "undo", undo.seen);
			g_test_message("%u entries; %u calls to merge, %u to undo; %u kills",
				       tree_size(test.before), merge.seen, undo.seen,
				       test.n_points);
		} else {
			g_test_skip("processes may not be traced here");
		}
	}
	case_clear(&test);
}

int
main(int argc, char *argv[])
{
	static Start starts[] = {
		{ 1, NULL },	{ 2, NULL },   { 3, NULL },  { 4, "tmpfs" },
		{ 5, "tmpfs" }, { 6, "ext4" }, { 7, "xfs" }, { 8, "btrfs" },
	};
	const char *only = g_getenv("KILL_SEED");

	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(argc, ==, 2);
	command = argv[1];
	for (guint i = 0; i < G_N_ELEMENTS(starts); i++) {
		g_autofree char *name =
			g_strdup_printf("/kill/%s/seed-%u",
					starts[i].kind != NULL ? starts[i].kind : "one-disk",
					(guint)starts[i].seed);

		if (only != NULL)
			starts[i].seed = g_ascii_strtoull(only, NULL, 10);
		g_test_add_data_func(name, &starts[i], test_kill);
	}
	return g_test_run();
}
