/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The duplicate finder on real trees: groups, bad input, what is kept, plans. I/O in a temporary directory. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <linux/fiemap.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "home/base/error.h"
#include "home/dupes/dupes.h"
#include "tests/support/fault-fs.h"

typedef struct {
	char *old_dir;
	char *path;
	TidyDupesOptions options;
	GError *error;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
	static const char *const here[] = { "r", NULL };

	f->old_dir = g_get_current_dir();
	f->path = g_dir_make_tmp("tidy-dupes-XXXXXX", NULL);
	g_assert_cmpint(g_chdir(f->path), ==, 0);
	g_assert_cmpint(g_mkdir("r", 0700), ==, 0);
	f->options.roots = here;
}

static void
remove_tree(const char *path)
{
	GStatBuf st;
	GDir *dir;
	const char *name;

	if (g_lstat(path, &st) < 0)
		return;
	if (!S_ISDIR(st.st_mode)) {
		g_unlink(path);
		return;
	}
	g_chmod(path, 0700);
	dir = g_dir_open(path, 0, NULL);
	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *below = g_build_filename(path, name, NULL);

		remove_tree(below);
	}
	g_dir_close(dir);
	g_rmdir(path);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
	g_assert_cmpint(g_chdir(f->old_dir), ==, 0);
	remove_tree(f->path);
	g_free(f->old_dir);
	g_free(f->path);
	g_clear_error(&f->error);
}

/* ---- helpers ---- */

static void
put_bytes(const char *path, const void *bytes, gsize size)
{
	g_autofree char *dir = g_path_get_dirname(path);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
}

static void
put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static void
set_mtime(const char *path, time_t seconds)
{
	struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };

	g_assert_cmpint(utimensat(AT_FDCWD, path, times, 0), ==, 0);
}

static TidyDupes *
find(Fixture *f)
{
	TidyDupes *dupes = tidy_dupes_find(tidy_fs_linux(), &f->options, &f->error);

	g_assert_no_error(f->error);
	g_assert_nonnull(dupes);
	return dupes;
}

static gint
by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "dir: r/a r/b" or "file: ..." of each group, covered names in brackets, the kept one first; sorted lines. */
static char *
text_of(const TidyDupes *dupes)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < dupes->groups->len; i++) {
		const TidyDupesGroup *group = dupes->groups->pdata[i];
		GString *line = g_string_new(group->type == TIDY_TYPE_DIR ? "dir:" : "file:");

		for (guint k = 0; k < group->names->len; k++) {
			const TidyDupesName *name = &g_array_index(group->names, TidyDupesName, k);
			gboolean is_covered = (name->flags & TIDY_DUPES_COVERED) != 0;

			g_string_append_printf(line, is_covered ? " [%s]" : " %s", name->path);
			if (k > 0 && name->content == name[-1].content)
				g_string_append_c(line, '=');
			if ((name->flags & TIDY_DUPES_KEPT) && k > 0)
				g_string_append_c(line, '!');
		}
		g_ptr_array_add(lines, g_string_free(line, FALSE));
	}
	g_ptr_array_sort(lines, by_text);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("\n", (char **)lines->pdata);
}

static char *
plan_text(const TidyDupes *dupes, TidyDupesAction action)
{
	g_autoptr(GArray) folds = tidy_dupes_plan(dupes, action);
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	g_assert_cmpstr(tidy_dupes_check_plan(folds), ==, NULL);
	for (guint i = 0; i < folds->len; i++) {
		const TidyDupesFold *fold = &g_array_index(folds, TidyDupesFold, i);

		g_ptr_array_add(lines,
				g_strdup_printf("%s > %s", fold->fold->path, fold->keep->path));
	}
	g_ptr_array_sort(lines, by_text);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("\n", (char **)lines->pdata);
}

static void
assert_groups(Fixture *f, const char *expected)
{
	g_autoptr(TidyDupes) dupes = find(f);
	g_autofree char *text = text_of(dupes);

	g_assert_cmpstr(text, ==, expected);
}

static void
assert_plan(Fixture *f, TidyDupesAction action, const char *expected)
{
	g_autoptr(TidyDupes) dupes = find(f);
	g_autofree char *text = plan_text(dupes, action);

	g_assert_cmpstr(text, ==, expected);
}

/* ---- groups ---- */

static void
test_files(Fixture *f, gconstpointer data)
{
	put("r/a", "same");
	put("r/b", "same");
	put("r/c", "othr");
	put("r/d", "longer");
	put("r/sub/e", "same");
	put("r/sub/f", "alone here");
	assert_groups(f, "file: r/a r/b r/sub/e");
	assert_plan(f, TIDY_DUPES_TRASH, "r/b > r/a\nr/sub/e > r/a");
}

static void
test_nothing(Fixture *f, gconstpointer data)
{
	g_autoptr(TidyDupes) dupes = find(f);

	g_assert_cmpuint(dupes->groups->len, ==, 0);
	g_assert_cmpuint(dupes->stats.read_bytes, ==, 0);
}

static void
test_hard_links_are_no_waste(Fixture *f, gconstpointer data)
{
	put("r/a", "same");
	g_assert_cmpint(link("r/a", "r/a2"), ==, 0);
	assert_groups(f, "");
	put("r/b", "same");
	g_assert_cmpint(link("r/b", "r/b2"), ==, 0);
	assert_groups(f, "file: r/a r/a2=! r/b r/b2=");
	assert_plan(f, TIDY_DUPES_TRASH, "r/b > r/a\nr/b2 > r/a");
	assert_plan(f, TIDY_DUPES_HARDLINK, "r/b > r/a\nr/b2 > r/a");
	assert_plan(f, TIDY_DUPES_REFLINK, "r/b > r/a");
}

/* Nothing would be free without the name that is here. */
static void
test_links_from_outside_stay(Fixture *f, gconstpointer data)
{
	put("r/a", "same");
	put("r/b", "same");
	g_assert_cmpint(link("r/b", "outside"), ==, 0);
	f->options.keep = TIDY_DUPES_KEEP_FIRST;
	assert_plan(f, TIDY_DUPES_TRASH, "r/a > r/b");
	g_assert_cmpint(link("r/a", "outside too"), ==, 0);
	assert_plan(f, TIDY_DUPES_TRASH, "");
}

static void
test_big_files_that_part_late(Fixture *f, gconstpointer data)
{
	gsize size = 3000000;
	g_autofree char *bytes = g_malloc(size);

	memset(bytes, 'x', size);
	put_bytes("r/a", bytes, size);
	put_bytes("r/b", bytes, size);
	bytes[1500000] = 'y';
	put_bytes("r/c", bytes, size);
	bytes[1500000] = 'x';
	bytes[size - 1] = 'y';
	put_bytes("r/d", bytes, size);
	put_bytes("r/e", bytes, size);
	assert_groups(f, "file: r/a r/b\nfile: r/d r/e");
}

static void
make_sparse(const char *path, gint64 size, gint64 at, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	g_assert_cmpint(ftruncate(fd, size), ==, 0);
	g_assert_cmpint(pwrite(fd, text, strlen(text), at), ==, (gssize)strlen(text));
	close(fd);
}

static void
test_holes_are_not_read(Fixture *f, gconstpointer data)
{
	gint64 size = G_GINT64_CONSTANT(1) << 31;
	g_autoptr(TidyDupes) dupes = NULL;
	g_autofree char *text = NULL;

	make_sparse("r/a", size, size / 2, "here");
	make_sparse("r/b", size, size / 2, "here");
	make_sparse("r/c", size, size / 2, "herf");
	make_sparse("r/d", size, size / 2 + 8192, "here");
	make_sparse("r/e", size, 0, "");
	make_sparse("r/f", size, 0, "");
	dupes = find(f);
	text = text_of(dupes);
	g_assert_cmpstr(text, ==, "file: r/a r/b\nfile: r/e r/f");
	g_assert_cmpuint(dupes->stats.read_bytes, <=, 8 << 20);
}

/* ---- random sets against a naive comparison ---- */

typedef struct {
	GPtrArray *paths;
	GPtrArray *contents; /* of GBytes */
} RandomSet;

static GBytes *
random_content(GRand *rand, const RandomSet *set)
{
	static const gsize sizes[] = { 1, 100, 4096, 4097, 8192, 20000, 70000, 70001, 300000 };
	gsize size = sizes[g_rand_int_range(rand, 0, G_N_ELEMENTS(sizes))];
	guint8 *bytes = g_malloc0(size);

	if (set->contents->len > 0 && g_rand_boolean(rand)) {
		GBytes *other =
			set->contents->pdata[g_rand_int_range(rand, 0, (gint32)set->contents->len)];

		g_free(bytes);
		size = g_bytes_get_size(other);
		bytes = g_memdup2(g_bytes_get_data(other, NULL), size);
	}
	for (gint32 flips = g_rand_int_range(rand, 0, 3); flips > 0; flips--)
		bytes[g_rand_int_range(rand, 0, (gint32)size)] ^=
			(guint8)g_rand_int_range(rand, 0, 3);
	return g_bytes_new_take(bytes, size);
}

static void
make_random_set(RandomSet *set, GRand *rand)
{
	set->paths = g_ptr_array_new_with_free_func(g_free);
	set->contents = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (guint i = 0; i < 60; i++) {
		char *path = g_strdup_printf("r/%d/%u", g_rand_int_range(rand, 0, 4), i);
		GBytes *content = random_content(rand, set);

		put_bytes(path, g_bytes_get_data(content, NULL), g_bytes_get_size(content));
		g_ptr_array_add(set->paths, path);
		g_ptr_array_add(set->contents, content);
	}
}

/* The path of the first of the set with the same bytes as @index has, found the naive way. */
static const char *
naive_first(const RandomSet *set, guint index)
{
	guint first = 0;

	while (!g_bytes_equal(set->contents->pdata[first], set->contents->pdata[index]))
		first++;
	return set->paths->pdata[first];
}

static void
check_random_set(const RandomSet *set, const TidyDupes *dupes)
{
	g_autoptr(GHashTable) group_of = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < dupes->groups->len; i++) {
		const TidyDupesGroup *group = dupes->groups->pdata[i];

		for (guint k = 0; group->type == TIDY_TYPE_FILE && k < group->names->len; k++)
			g_assert_true(g_hash_table_insert(
				group_of, g_array_index(group->names, TidyDupesName, k).path,
				(gpointer)group));
	}
	for (guint i = 0; i < set->paths->len; i++) {
		const char *first = naive_first(set, i);
		gpointer group = g_hash_table_lookup(group_of, set->paths->pdata[i]);
		guint equals = 0;

		g_assert_true(g_hash_table_lookup(group_of, first) == group);
		for (guint k = 0; k < set->paths->len; k++)
			equals += naive_first(set, k) == first ? 1 : 0;
		g_assert_cmpint(group != NULL, ==, equals > 1);
		if (group != NULL)
			g_assert_cmpuint(((TidyDupesGroup *)group)->names->len, ==, equals);
	}
}

static void
test_random_sets(Fixture *f, gconstpointer data)
{
	for (guint32 seed = 0; seed < 25; seed++) {
		g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
		g_autoptr(TidyDupes) dupes = NULL;
		g_autofree char *plan = NULL;
		RandomSet set;

		make_random_set(&set, rand);
		f->options.block_bytes = seed % 3 == 0 ? 16384 : 0;
		f->options.max_open = seed % 3 == 1 ? 8 : 0;
		dupes = find(f);
		check_random_set(&set, dupes);
		plan = plan_text(dupes, (TidyDupesAction)(seed % 3));
		g_ptr_array_unref(set.paths);
		g_ptr_array_unref(set.contents);
		remove_tree("r");
		g_assert_cmpint(g_mkdir("r", 0700), ==, 0);
	}
}

/* ---- which one is kept ---- */

static void
test_keep(Fixture *f, gconstpointer data)
{
	put("r/a long name", "same");
	put("r/b", "same");
	put("r/c c", "same");
	set_mtime("r/a long name", 2000);
	set_mtime("r/b", 1000);
	set_mtime("r/c c", 3000);
	assert_groups(f, "file: r/a long name r/b r/c c");
	f->options.keep = TIDY_DUPES_KEEP_NEWEST;
	assert_groups(f, "file: r/c c r/a long name r/b");
	f->options.keep = TIDY_DUPES_KEEP_OLDEST;
	assert_groups(f, "file: r/b r/a long name r/c c");
	f->options.keep = TIDY_DUPES_KEEP_SHORTEST;
	assert_groups(f, "file: r/b r/c c r/a long name");
}

static void
test_protect(Fixture *f, gconstpointer data)
{
	static const char *const protect[] = { "r/zz", "elsewhere", NULL };

	put("r/a", "same");
	put("r/zz/b", "same");
	put("r/zz/deep/c", "same");
	put("elsewhere/d", "same");
	f->options.protect = protect;
	assert_groups(f, "file: r/zz/b r/zz/deep/c! elsewhere/d! r/a");
	assert_plan(f, TIDY_DUPES_TRASH, "r/a > r/zz/b");
	assert_plan(f, TIDY_DUPES_HARDLINK, "r/a > r/zz/b");
}

static void
test_protect_above_a_root(Fixture *f, gconstpointer data)
{
	static const char *const roots[] = { "r/sub", "s", NULL };
	static const char *const protect[] = { "r", NULL };

	put("r/sub/x", "same");
	put("r/other", "same");
	put("s/y", "same");
	f->options.roots = roots;
	f->options.protect = protect;
	assert_groups(f, "file: r/sub/x s/y");
	assert_plan(f, TIDY_DUPES_TRASH, "s/y > r/sub/x");
}

static void
test_bundles_are_not_touched(Fixture *f, gconstpointer data)
{
	put("r/one/.git/config", "core");
	put("r/one/x", "same");
	put("r/one/sub/y", "same");
	put("r/page_files/z", "same");
	put("r/loose", "same");
	assert_plan(f, TIDY_DUPES_TRASH, "r/loose > r/one/sub/y");
	f->options.keep = TIDY_DUPES_KEEP_SHORTEST;
	assert_plan(f, TIDY_DUPES_HARDLINK, "r/loose > r/one/x");
}

/* ---- directories ---- */

static void
put_tree(const char *path)
{
	g_autofree char *a = g_build_filename(path, "a", NULL);
	g_autofree char *b = g_build_filename(path, "sub", "b", NULL);
	g_autofree char *empty = g_build_filename(path, "empty", NULL);
	g_autofree char *link = g_build_filename(path, "link", NULL);

	put(a, "content of a");
	put(b, "content of b");
	put(empty, "");
	g_assert_cmpint(symlink("a", link), ==, 0);
}

static void
test_directories(Fixture *f, gconstpointer data)
{
	put_tree("r/one");
	put_tree("r/two");
	put("r/third", "content of a");
	assert_groups(f, "dir: r/one r/two\n"
			 "file: r/one/a r/third [r/two/a]\n"
			 "file: r/one/sub/b [r/two/sub/b]");
	assert_plan(f, TIDY_DUPES_TRASH, "r/third > r/one/a\nr/two > r/one");
	assert_plan(f, TIDY_DUPES_HARDLINK,
		    "r/third > r/one/a\nr/two/a > r/one/a\nr/two/sub/b > r/one/sub/b");
}

static void
test_directories_that_differ_a_little(Fixture *f, gconstpointer data)
{
	put_tree("r/one");
	put_tree("r/two");
	put("r/two/empty too", "");
	assert_groups(f, "dir: r/one/sub r/two/sub\n"
			 "file: r/one/a r/two/a\n"
			 "file: r/one/sub/b [r/two/sub/b]");
	g_unlink("r/two/empty too");
	g_unlink("r/two/link");
	g_assert_cmpint(symlink("b", "r/two/link"), ==, 0);
	g_assert_cmpint(rename("r/two/sub", "r/two/sup"), ==, 0);
	assert_groups(f, "dir: r/one/sub r/two/sup\n"
			 "file: r/one/a r/two/a\n"
			 "file: r/one/sub/b [r/two/sup/b]");
}

/* As backups by hard links are: equal, and no waste. */
static void
test_directories_of_hard_links(Fixture *f, gconstpointer data)
{
	g_autoptr(TidyDupes) dupes = NULL;
	g_autofree char *text = NULL;

	put("r/one/a", "1111");
	put("r/one/b", "2222");
	put("r/c", "3333");
	g_assert_cmpint(g_mkdir("r/two", 0700), ==, 0);
	g_assert_cmpint(link("r/one/a", "r/two/a"), ==, 0);
	g_assert_cmpint(link("r/one/b", "r/two/b"), ==, 0);
	dupes = find(f);
	text = text_of(dupes);
	g_assert_cmpstr(text, ==, "dir: r/one r/two");
	g_assert_cmpuint(dupes->reclaimable_bytes, ==, 0);
}

/* The set of contents is the same, the names are not. */
static void
test_directories_with_swapped_names(Fixture *f, gconstpointer data)
{
	put("r/one/a", "1111");
	put("r/one/b", "2222");
	put("r/two/a", "2222");
	put("r/two/b", "1111");
	assert_groups(f, "file: r/one/a r/two/b\nfile: r/one/b r/two/a");
}

static void
test_directories_with_protected_parts(Fixture *f, gconstpointer data)
{
	static const char *const protect[] = { "r/two/sub", NULL };

	put_tree("r/one");
	put_tree("r/two");
	f->options.protect = protect;
	assert_plan(f, TIDY_DUPES_TRASH, "r/one > r/two");
}

static void
test_nested_directories(Fixture *f, gconstpointer data)
{
	put_tree("r/x/one");
	put_tree("r/y/one");
	put_tree("r/z");
	assert_groups(f, "dir: r/x r/y\n"
			 "dir: r/x/one r/z\n"
			 "file: r/x/one/a [r/y/one/a] [r/z/a]\n"
			 "file: r/x/one/sub/b [r/y/one/sub/b] [r/z/sub/b]");
	assert_plan(f, TIDY_DUPES_TRASH, "r/y > r/x\nr/z > r/x/one");
}

static void
test_roots_are_not_units(Fixture *f, gconstpointer data)
{
	static const char *const roots[] = { "r", "s", NULL };

	put("r/a", "same");
	put("s/a", "same");
	f->options.roots = roots;
	assert_groups(f, "file: r/a s/a");
}

/* ---- bad input ---- */

static void
test_special_files(Fixture *f, gconstpointer data)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "r/socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_autoptr(TidyDupes) dupes = NULL;

	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	close(fd);
	g_assert_cmpint(mkfifo("r/fifo", 0600), ==, 0);
	put("r/a", "same");
	g_assert_cmpint(symlink("a", "r/link"), ==, 0);
	g_assert_cmpint(symlink(".", "r/loop"), ==, 0);
	dupes = find(f);
	g_assert_cmpuint(dupes->groups->len, ==, 0);
	g_assert_cmpuint(dupes->stats.skipped[TIDY_DUPES_SKIP_SPECIAL], ==, 2);
	g_assert_cmpuint(dupes->stats.skipped[TIDY_DUPES_SKIP_LINK], ==, 2);
	g_assert_cmpuint(dupes->skips->len, ==, 2);
}

static void
test_same_directory_twice(Fixture *f, gconstpointer data)
{
	static const char *const roots[] = { "r", "r/sub", "r", "link", NULL };
	g_autoptr(TidyDupes) dupes = NULL;

	put("r/a", "same");
	put("r/sub/b", "othr");
	g_assert_cmpint(symlink("r", "link"), ==, 0);
	f->options.roots = roots;
	dupes = find(f);
	g_assert_cmpuint(dupes->groups->len, ==, 0);
	g_assert_cmpuint(dupes->stats.files, ==, 2);
	g_assert_cmpuint(dupes->stats.skipped[TIDY_DUPES_SKIP_VISITED], ==, 3);
}

static void
test_root_behind_a_link(Fixture *f, gconstpointer data)
{
	static const char *const roots[] = { "link", NULL };

	put("r/a", "same");
	put("r/b", "same");
	g_assert_cmpint(symlink("r", "link"), ==, 0);
	f->options.roots = roots;
	assert_groups(f, "file: link/a link/b");
}

static void
test_missing_roots(Fixture *f, gconstpointer data)
{
	static const char *const some[] = { "nowhere", "r", NULL };
	static const char *const none[] = { "nowhere", NULL };
	g_autoptr(TidyDupes) dupes = NULL;

	put("r/a", "same");
	put("r/b", "same");
	f->options.roots = some;
	dupes = find(f);
	g_assert_cmpuint(dupes->groups->len, ==, 1);
	g_assert_cmpuint(dupes->stats.skipped[TIDY_DUPES_SKIP_UNREADABLE], ==, 1);
	f->options.roots = none;
	g_assert_null(tidy_dupes_find(tidy_fs_linux(), &f->options, &f->error));
	g_assert_error(f->error, TIDY_ERROR, TIDY_ERROR_IO);
	g_clear_error(&f->error);
	f->options.roots = NULL;
	g_assert_null(tidy_dupes_find(tidy_fs_linux(), &f->options, &f->error));
	g_assert_error(f->error, TIDY_ERROR, TIDY_ERROR_USAGE);
}

static void
test_unreadable(Fixture *f, gconstpointer data)
{
	g_autoptr(TidyDupes) dupes = NULL;
	g_autofree char *text = NULL;

	if (geteuid() == 0) {
		g_test_skip("root can read everything");
		return;
	}
	put("r/a", "same");
	put("r/b", "same");
	put("r/c", "same");
	put("r/closed/d", "same");
	g_chmod("r/b", 0);
	g_chmod("r/closed", 0);
	dupes = find(f);
	text = text_of(dupes);
	g_assert_cmpstr(text, ==, "file: r/a r/c");
	g_assert_cmpuint(dupes->stats.skipped[TIDY_DUPES_SKIP_UNREADABLE], ==, 2);
}

static void
test_names_that_are_not_text(Fixture *f, gconstpointer data)
{
	put("r/\xff\xfe", "same");
	put("r/new\nline", "same");
	put("r/-rf", "same");
	put("r/\x1b[31m", "same");
	assert_groups(f, "file: r/\x1b[31m r/-rf r/new\nline r/\xff\xfe");
}

static void
test_ignore_and_size(Fixture *f, gconstpointer data)
{
	static const char *const ignore[] = { "*.tmp", "sub/*", NULL };

	put("r/a", "same");
	put("r/b.tmp", "same");
	put("r/sub/c", "same");
	put("r/deep/sub/d", "same");
	put("r/x", "tiny");
	f->options.ignore = ignore;
	assert_groups(f, "file: r/a r/deep/sub/d");
	f->options.min_size = 5;
	assert_groups(f, "");
}

static void
test_few_descriptors(Fixture *f, gconstpointer data)
{
	struct rlimit old;
	struct rlimit few;
	g_autoptr(TidyDupes) dupes = NULL;

	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &old), ==, 0);
	few = old;
	few.rlim_cur = 64;
	for (guint i = 0; i < 300; i++) {
		g_autofree char *path = g_strdup_printf("r/%u/%u/file", i % 40, i);
		g_autofree char *content = g_strnfill(70000, (char)('a' + i % 2));

		put(path, content);
	}
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
	dupes = find(f);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &old), ==, 0);
	g_assert_cmpuint(dupes->stats.skipped[TIDY_DUPES_SKIP_UNREADABLE], ==, 0);
	g_assert_cmpuint(dupes->stats.max_open, <=, 32);
	g_assert_cmpuint(dupes->stats.files, ==, 300);
	/* Two groups of files, and one of the directories that hold each kind. */
	g_assert_cmpuint(dupes->groups->len, ==, 4);
}

static void
test_many_files_of_one_size(Fixture *f, gconstpointer data)
{
	g_autoptr(TidyDupes) dupes = NULL;

	for (guint i = 0; i < 3000; i++) {
		g_autofree char *path = g_strdup_printf("r/%u", i);
		g_autofree char *content =
			g_strdup_printf("%8u", i / 2 * 2 + (i < 2000 ? i % 2 : 0));

		put(path, content);
	}
	/* Room for four blocks: fingerprints have to help. */
	f->options.block_bytes = 16384;
	dupes = find(f);
	g_assert_cmpuint(dupes->groups->len, ==, 500);
	g_assert_cmpuint(dupes->stats.max_block_bytes, <=, 20480);
}

static void
test_very_deep_tree(Fixture *f, gconstpointer data)
{
	g_autoptr(TidyDupes) dupes = NULL;
	guint depth = 3000;

	g_assert_cmpint(g_chdir("r"), ==, 0);
	for (guint i = 0; i < depth; i++) {
		g_assert_cmpint(g_mkdir("d", 0700), ==, 0);
		g_assert_cmpint(g_chdir("d"), ==, 0);
	}
	put("x", "same");
	put("y", "same");
	g_assert_cmpint(g_chdir(f->path), ==, 0);
	f->options.max_open = 40;
	dupes = find(f);
	g_assert_cmpuint(dupes->groups->len, ==, 1);
	g_assert_cmpuint(dupes->stats.dirs, ==, depth + 1);
	/* Too long a path to remove by. */
	for (guint i = 0; i < depth; i++)
		g_assert_cmpint(g_chdir(i == 0 ? "r/d" : "d"), ==, 0);
	g_unlink("x");
	g_unlink("y");
	for (guint i = 0; i < depth; i++) {
		g_assert_cmpint(g_chdir(".."), ==, 0);
		g_assert_cmpint(g_rmdir("d"), ==, 0);
	}
	g_assert_cmpint(g_chdir(f->path), ==, 0);
}

/* ---- shared blocks, on a file system that only says so ---- */

static guint32 extent_flags;

static int
sharing_fsinfo(TidyFs *fs, int fd, TidyFsInfo *info)
{
	*info = (TidyFsInfo){ .type = BTRFS_SUPER_MAGIC };
	return 0;
}

/* All files whose first byte is 's' are in the same place, in two pieces. */
static int
sharing_extents(TidyFs *fs, int fd, gint64 offset, TidyExtent *extents, guint max)
{
	char first = 0;
	TidyStat st;

	g_assert_cmpint(pread(fd, &first, 1, 0), ==, 1);
	g_assert_cmpint(fs->stat(fs, fd, "", &st), ==, 0);
	extents[0] = (TidyExtent){
		.logical = (guint64)offset,
		.physical = (first == 's' ? 1000000 : st.ino * 1000000) + (guint64)offset,
		.length = 100000,
		.flags = extent_flags | (offset > 0 ? FIEMAP_EXTENT_LAST : 0),
	};
	return 1;
}

static void
put_start(const char *path, char first, gsize size)
{
	g_autofree char *content = g_strnfill(size, 'x');

	content[0] = first;
	put(path, content);
}

static void
test_shared_blocks_are_not_read(Fixture *f, gconstpointer data)
{
	TidyFs fs = *tidy_fs_linux();
	g_autoptr(TidyDupes) dupes = NULL;
	g_autoptr(TidyDupes) unclear = NULL;
	g_autofree char *text = NULL;
	g_autofree char *plan = NULL;

	fs.fsinfo = sharing_fsinfo;
	fs.extents = sharing_extents;
	put_start("r/a", 's', 200000);
	put_start("r/b", 's', 200000);
	put_start("r/c", 's', 200000);
	extent_flags = FIEMAP_EXTENT_SHARED;
	dupes = tidy_dupes_find(&fs, &f->options, &f->error);
	g_assert_no_error(f->error);
	text = text_of(dupes);
	g_assert_cmpstr(text, ==, "file: r/a r/b r/c");
	g_assert_cmpuint(dupes->stats.read_bytes, ==, 0);
	g_assert_cmpuint(dupes->stats.shared_files, ==, 2);
	g_assert_cmpuint(dupes->reclaimable_bytes, ==, 0);
	plan = plan_text(dupes, TIDY_DUPES_REFLINK);
	g_assert_cmpstr(plan, ==, "");
	extent_flags |= FIEMAP_EXTENT_ENCODED;
	unclear = tidy_dupes_find(&fs, &f->options, &f->error);
	g_assert_cmpuint(unclear->groups->len, ==, 1);
	g_assert_cmpuint(unclear->stats.read_bytes, ==, 600000);
}

/* One of the sharers is read for all of them. */
static void
test_shared_blocks_and_a_copy(Fixture *f, gconstpointer data)
{
	TidyFs fs = *tidy_fs_linux();
	g_autoptr(TidyDupes) dupes = NULL;
	g_autofree char *plan = NULL;

	fs.fsinfo = sharing_fsinfo;
	fs.extents = sharing_extents;
	extent_flags = FIEMAP_EXTENT_SHARED;
	put_start("r/a", 'x', 200000);
	put_start("r/b", 's', 200000);
	put_start("r/c", 's', 200000);
	put_start("r/d", 'x', 200000);
	dupes = tidy_dupes_find(&fs, &f->options, &f->error);
	plan = plan_text(dupes, TIDY_DUPES_REFLINK);
	g_assert_cmpstr(plan, ==, "r/d > r/a");
	g_assert_cmpuint(dupes->stats.read_bytes, ==, 400000 + 4096);
	g_assert_cmpuint(dupes->groups->len, ==, 2);
}

/* ---- changes while it runs, and cancelling ---- */

typedef struct {
	TidyFs fs; /* first: the table that is handed out */
	const char *name;
	void (*act)(const char *name);
	guint reads_before;
} MeddlingFs;

static ssize_t
meddling_pread(TidyFs *fs, int fd, void *buffer, size_t size, gint64 offset)
{
	MeddlingFs *meddling = (MeddlingFs *)(void *)fs;

	if (meddling->reads_before-- == 0)
		meddling->act(meddling->name);
	return tidy_fs_linux()->pread(tidy_fs_linux(), fd, buffer, size, offset);
}

static void
truncate_it(const char *name)
{
	g_assert_cmpint(truncate(name, 10), ==, 0);
}

static void
touch_it(const char *name)
{
	set_mtime(name, 12345);
}

static void
replace_it(const char *name)
{
	g_autofree char *content = g_strnfill(100000, 'x');

	g_assert_cmpint(g_unlink(name), ==, 0);
	put(name, content);
}

static void
remove_it(const char *name)
{
	g_assert_cmpint(g_unlink(name), ==, 0);
}

static void
fifo_it(const char *name)
{
	g_assert_cmpint(g_unlink(name), ==, 0);
	g_assert_cmpint(mkfifo(name, 0600), ==, 0);
}

/* At every read call of the run: the file that changed drops out, the other two stay a group. */
static void
test_changes_while_comparing(Fixture *f, gconstpointer data)
{
	static void (*const acts[])(const char *) = { truncate_it, touch_it, replace_it, remove_it,
						      fifo_it };
	g_autofree char *content = g_strnfill(100000, 'x');

	for (guint i = 0; i < G_N_ELEMENTS(acts); i++) {
		for (guint reads = 0; reads < 20; reads++) {
			MeddlingFs meddling = { *tidy_fs_linux(), "r/b", acts[i], reads };
			g_autoptr(TidyDupes) dupes = NULL;
			g_autofree char *text = NULL;

			g_unlink("r/b");
			put("r/a", content);
			put("r/b", content);
			put("r/c", content);
			meddling.fs.pread = meddling_pread;
			meddling.fs.pread_cached = reads % 2 == 0 ? NULL : meddling_pread;
			dupes = tidy_dupes_find(&meddling.fs, &f->options, &f->error);
			g_assert_no_error(f->error);
			text = text_of(dupes);
			if (meddling.reads_before < reads)
				g_assert_cmpstr(text, ==, "file: r/a r/b r/c");
			else if (strcmp(text, "file: r/a r/b r/c") != 0)
				g_assert_cmpstr(text, ==, "file: r/a r/c");
			/* What holds its content open until the end may be listed when only its name went. */
			if (meddling.reads_before > reads && i < 2) {
				g_assert_cmpstr(text, ==, "file: r/a r/c");
				g_assert_cmpuint(dupes->stats.skipped[TIDY_DUPES_SKIP_CHANGED], ==,
						 1);
			}
		}
	}
}

/* Whichever call fails, once or from then on: what is listed is right. */
static void
test_every_call_may_fail(Fixture *f, gconstpointer data)
{
	static const int codes[] = { EIO, ENOENT, EMFILE };
	g_autoptr(FaultFs) fault = fault_fs_new(tidy_fs_linux());
	g_autofree char *content = g_strnfill(100000, 'x');
	guint total;

	put("r/one/a", content);
	put("r/two/a", content);
	put("r/two/b", "tiny");
	put("r/c", "tiny");
	tidy_dupes_free(tidy_dupes_find(fault_fs_table(fault), &f->options, &f->error));
	g_assert_no_error(f->error);
	total = fault_fs_seen(fault, FS_OP_ANY);
	g_assert_cmpuint(total, >, 50);
	for (guint nth = 1; nth <= total; nth++) {
		for (guint i = 0; i < G_N_ELEMENTS(codes) * 2; i++) {
			g_autoptr(TidyDupes) dupes = NULL;
			g_autofree char *text = NULL;

			fault_fs_clear(fault);
			fault_fs_fail(fault, FS_OP_ANY, nth, codes[i / 2],
				      i % 2 == 0 ? FS_FAIL_ONCE : FS_FAIL_PERSISTENT);
			dupes = tidy_dupes_find(fault_fs_table(fault), &f->options, &f->error);
			if (dupes == NULL) {
				g_clear_error(&f->error);
				continue;
			}
			text = text_of(dupes);
			g_assert_true(
				strcmp(text, "") == 0 || strcmp(text, "file: r/c r/two/b") == 0 ||
				strcmp(text, "file: r/one/a r/two/a") == 0 ||
				strcmp(text, "file: r/c r/two/b\nfile: r/one/a r/two/a") == 0);
		}
	}
}

static gboolean
count_down(gpointer data)
{
	guint *left = data;

	return (*left)-- == 0;
}

static gboolean
never(gpointer data)
{
	guint *calls = data;

	(*calls)++;
	return FALSE;
}

/* Wherever it is stopped, what it lists is right. */
static void
test_cancel(Fixture *f, gconstpointer data)
{
	guint total = 0;

	for (guint i = 0; i < 300; i++) {
		g_autofree char *path = g_strdup_printf("r/%u/%u", i % 7, i);
		g_autofree char *content = g_strnfill(10000 + i / 3, (char)('a' + i % 2));

		put(path, content);
	}
	f->options.is_cancelled = never;
	f->options.data = &total;
	tidy_dupes_free(find(f));
	g_assert_cmpuint(total, >, 10);
	for (guint stop = 0; stop < total; stop += total / 10) {
		guint left = stop;
		g_autoptr(TidyDupes) dupes = NULL;

		f->options.is_cancelled = count_down;
		f->options.data = &left;
		dupes = find(f);
		g_assert_true(dupes->is_partial);
		g_assert_cmpuint(dupes->groups->len, <=, 100);
		for (guint i = 0; i < dupes->groups->len; i++) {
			const TidyDupesGroup *group = dupes->groups->pdata[i];

			g_assert_cmpuint(group->names->len, ==, 2);
		}
	}
}

static void
note_progress(const TidyDupesProgress *progress, gpointer data)
{
	TidyDupesProgress *last = data;

	g_assert_cmpuint(progress->settled_bytes, <=, progress->total_bytes);
	g_assert_cmpuint(progress->settled_bytes, >=, last->settled_bytes);
	g_assert_cmpuint(progress->stage, >=, last->stage);
	*last = *progress;
}

static void
test_progress(Fixture *f, gconstpointer data)
{
	TidyDupesProgress last = { 0 };

	test_big_files_that_part_late(f, data);
	f->options.progress = note_progress;
	f->options.data = &last;
	tidy_dupes_free(find(f));
	g_assert_cmpuint(last.seen_files, >, 0);
}

#define CASE(path, func) g_test_add("/dupes/" path, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	CASE("files", test_files);
	CASE("nothing", test_nothing);
	CASE("hard-links-are-no-waste", test_hard_links_are_no_waste);
	CASE("links-from-outside-stay", test_links_from_outside_stay);
	CASE("big-files-that-part-late", test_big_files_that_part_late);
	CASE("holes-are-not-read", test_holes_are_not_read);
	CASE("random-sets", test_random_sets);
	CASE("keep", test_keep);
	CASE("protect", test_protect);
	CASE("protect-above-a-root", test_protect_above_a_root);
	CASE("bundles-are-not-touched", test_bundles_are_not_touched);
	CASE("directories", test_directories);
	CASE("directories-that-differ-a-little", test_directories_that_differ_a_little);
	CASE("directories-of-hard-links", test_directories_of_hard_links);
	CASE("directories-with-swapped-names", test_directories_with_swapped_names);
	CASE("directories-with-protected-parts", test_directories_with_protected_parts);
	CASE("nested-directories", test_nested_directories);
	CASE("roots-are-not-units", test_roots_are_not_units);
	CASE("special-files", test_special_files);
	CASE("same-directory-twice", test_same_directory_twice);
	CASE("root-behind-a-link", test_root_behind_a_link);
	CASE("missing-roots", test_missing_roots);
	CASE("unreadable", test_unreadable);
	CASE("names-that-are-not-text", test_names_that_are_not_text);
	CASE("ignore-and-size", test_ignore_and_size);
	CASE("few-descriptors", test_few_descriptors);
	CASE("many-files-of-one-size", test_many_files_of_one_size);
	CASE("very-deep-tree", test_very_deep_tree);
	CASE("shared-blocks-are-not-read", test_shared_blocks_are_not_read);
	CASE("shared-blocks-and-a-copy", test_shared_blocks_and_a_copy);
	CASE("changes-while-comparing", test_changes_while_comparing);
	CASE("every-call-may-fail", test_every_call_may_fail);
	CASE("cancel", test_cancel);
	CASE("progress", test_progress);
	return g_test_run();
}
