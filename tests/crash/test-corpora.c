/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Homes full of awkward entries, merged and undone by the real command on the real disk. I/O: below TMPDIR.
 *
 * Three kinds of corpora (tests/support/corpus.h), each from several seeds: nothing is lost, nothing of the target is
 * overwritten, no temporary file stays, a second merge changes nothing, and the undo brings back everything, stamps of
 * directories included. FAULT_FULL=1: 20 seeds each, and larger; CORPUS_SEED=N: one seed.
 */
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/corpus.h"
#include "tests/support/home-run.h"

#define SEEDS	       3
#define SEEDS_FULL     20
#define N_ENTRIES      150
#define N_ENTRIES_FULL 600

typedef struct {
	CorpusKind kind;
	guint64 seed;
	char *home;
} Case;

static const char *command;

static gboolean
is_full(void)
{
	return g_getenv("FAULT_FULL") != NULL;
}

/* --- a home --- */

static gboolean
collect_name(const TidyDirent *entry, gpointer data)
{
	g_ptr_array_add(data, g_strdup(entry->name));
	return TRUE;
}

/* By descriptors: a path may be longer than PATH_MAX. */
static void
remove_tree(int dir, const char *name)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	int fd;

	if (unlinkat(dir, name, 0) == 0)
		return;
	g_assert_cmpint(fchmodat(dir, name, 0700, 0), ==, 0);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	tidy_fs_list(tidy_fs_linux(), fd, collect_name, names);
	for (guint i = 0; i < names->len; i++)
		remove_tree(fd, g_ptr_array_index(names, i));
	close(fd);
	g_assert_cmpint(unlinkat(dir, name, AT_REMOVEDIR), ==, 0);
}

static gboolean
build(const Case *test)
{
	g_autofree char *text = corpus_generate_kind(test->kind, test->seed,
						     is_full() ? N_ENTRIES_FULL : N_ENTRIES);
	g_autoptr(GError) error = NULL;
	g_autoptr(Tree) tree = tree_parse(text, 1, &error);
	g_autofree char *config = g_build_filename(test->home, ".config", NULL);
	g_autofree char *file = g_build_filename(config, "user-dirs.dirs", NULL);
	TreeHost host = { .fs = tidy_fs_linux(), .path = test->home };
	gboolean is_built;

	g_assert_no_error(error);
	host.dir = open(test->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	is_built = tree_build(tree, &host, &error);
	close(host.dir);
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED)) {
		g_test_skip(error->message);
		return FALSE;
	}
	g_assert_no_error(error);
	g_assert_cmpint(g_mkdir_with_parents(config, 0700), ==, 0);
	g_assert_true(
		g_file_set_contents(file, "XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n", -1, NULL));
	return is_built;
}

static void
run(const Case *test, const char *verb)
{
	g_autofree char *home = g_strconcat("HOME=", test->home, NULL);
	const char *merge[] = {
		command, "merge", "--direct", "--yes", "Download", "Downloads", NULL
	};
	const char *undo[] = { command, "undo", "--direct", NULL };
	const char *const envp[] = { home, "PATH=/usr/bin:/bin", NULL };
	g_autofree char *errors = NULL;
	g_autoptr(GError) error = NULL;
	int status;

	g_spawn_sync(test->home, (char **)(strcmp(verb, "merge") == 0 ? merge : undo),
		     (char **)envp, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &errors, &status,
		     &error);
	g_assert_no_error(error);
	status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	/* 5: some entries stay, as unfinished downloads do. */
	if (status != 0 && status != 5)
		g_error("%s exits with %d: %s", verb, status, errors);
}

/* --- what must hold --- */

static Tree *
snapshot(const Case *test)
{
	return home_run_snapshot(tidy_fs_linux(), test->home);
}

static void
assert_same(const Tree *expected, const Tree *actual, const char *when)
{
	g_autofree char *diff = tree_diff(expected, actual, 0);

	if (diff != NULL)
		g_error("%s:\n%s", when, diff);
}

/* Two lists of names become one; the target's own is in the Trash then. */
static gboolean
is_list(const char *path)
{
	g_autofree char *name = g_path_get_basename(path);

	return strcmp(name, ".hidden") == 0;
}

static void
assert_nothing_lost(const Tree *before, const Tree *now)
{
	g_autofree char *lost = tree_lost(before, now, TREE_LOST_SET | TREE_LOST_ANY_TARGET);

	if (lost != NULL)
		g_error("lost:\n%s", lost);
	for (guint i = 0; i < tree_size(before); i++) {
		const TreeNode *was = tree_node(before, i);
		const TreeNode *is = tree_lookup(now, was->path);

		if (!g_str_has_prefix(was->path, "Downloads/") || was->type != TIDY_TYPE_FILE ||
		    is_list(was->path))
			continue;
		if (is == NULL || is->type != was->type || is->size != was->size ||
		    g_strcmp0(is->digest, was->digest) != 0 || is->mode != was->mode ||
		    is->mtime_ns != was->mtime_ns)
			g_error("overwritten: %s", was->path);
	}
}

static void
assert_no_temporary(const Tree *tree)
{
	for (guint i = 0; i < tree_size(tree); i++) {
		g_autofree char *name = g_path_get_basename(tree_node(tree, i)->path);

		if (g_str_has_prefix(name, ".xdgtidy-"))
			g_error("%s stays", tree_node(tree, i)->path);
	}
}

static void
check(const Case *test)
{
	g_autoptr(Tree) before = snapshot(test);
	g_autoptr(Tree) after = NULL;
	g_autoptr(Tree) again = NULL;
	g_autoptr(Tree) undone = NULL;

	run(test, "merge");
	after = snapshot(test);
	assert_nothing_lost(before, after);
	assert_no_temporary(after);
	if (tree_lookup(after, "Download") != NULL)
		run(test, "merge");
	again = snapshot(test);
	assert_same(after, again, "a second merge changed something");
	run(test, "undo");
	undone = snapshot(test);
	assert_same(before, undone, "after the undo");
}

static void
test_corpus(gconstpointer data)
{
	Case test = *(const Case *)data;
	g_autoptr(GError) error = NULL;

	test.home = g_dir_make_tmp("corpus-XXXXXX", &error);
	g_assert_no_error(error);
	if (build(&test))
		check(&test);
	remove_tree(AT_FDCWD, test.home);
	g_free(test.home);
}

int
main(int argc, char *argv[])
{
	static Case cases[CORPUS_N_KINDS * SEEDS_FULL];
	const char *only = g_getenv("CORPUS_SEED");
	guint n_seeds = is_full() ? SEEDS_FULL : SEEDS;
	guint n = 0;

	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(argc, ==, 2);
	command = g_canonicalize_filename(argv[1], NULL);
	for (guint kind = 0; kind < CORPUS_N_KINDS; kind++) {
		for (guint seed = 1; seed <= (only != NULL ? 1 : n_seeds); seed++) {
			Case *test = &cases[n++];
			g_autofree char *path = NULL;

			*test = (Case){ .kind = (CorpusKind)kind,
					.seed = only != NULL ? g_ascii_strtoull(only, NULL, 10)
							     : seed };
			path = g_strdup_printf("/corpora/%s/%" G_GUINT64_FORMAT,
					       corpus_kind_name(test->kind), test->seed);
			g_test_add_data_func(path, test, test_corpus);
		}
	}
	return g_test_run();
}
