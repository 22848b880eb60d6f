/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The duplicate finder on real trees: groups, what is kept, directories, shared blocks, plans. I/O in a temporary directory. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/fiemap.h>
#include <linux/magic.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/dupes-home.h"
#include "tests/support/scratch.h"

/* ---- groups ---- */

static void
test_files(DupesHome *f, gconstpointer data)
{
	dupes_put("r/a", "same");
	dupes_put("r/b", "same");
	dupes_put("r/c", "othr");
	dupes_put("r/d", "longer");
	dupes_put("r/sub/e", "same");
	dupes_put("r/sub/f", "alone here");
	dupes_assert_groups(f, "file: r/a r/b r/sub/e");
	dupes_assert_plan(f, TIDY_DUPES_TRASH, "r/b > r/a\nr/sub/e > r/a");
}

static void
test_nothing(DupesHome *f, gconstpointer data)
{
	g_autoptr(TidyDupes) dupes = dupes_find(f);

	g_assert_cmpuint(dupes->groups->len, ==, 0);
	g_assert_cmpuint(dupes->stats.read_bytes, ==, 0);
}

static void
test_hard_links_are_no_waste(DupesHome *f, gconstpointer data)
{
	dupes_put("r/a", "same");
	g_assert_cmpint(link("r/a", "r/a2"), ==, 0);
	dupes_assert_groups(f, "");
	dupes_put("r/b", "same");
	g_assert_cmpint(link("r/b", "r/b2"), ==, 0);
	dupes_assert_groups(f, "file: r/a r/a2=! r/b r/b2=");
	dupes_assert_plan(f, TIDY_DUPES_TRASH, "r/b > r/a\nr/b2 > r/a");
	dupes_assert_plan(f, TIDY_DUPES_HARDLINK, "r/b > r/a\nr/b2 > r/a");
	dupes_assert_plan(f, TIDY_DUPES_REFLINK, "r/b > r/a");
}

/* Nothing would be free without the name that is here. */
static void
test_links_from_outside_stay(DupesHome *f, gconstpointer data)
{
	dupes_put("r/a", "same");
	dupes_put("r/b", "same");
	g_assert_cmpint(link("r/b", "outside"), ==, 0);
	f->options.keep = TIDY_DUPES_KEEP_FIRST;
	dupes_assert_plan(f, TIDY_DUPES_TRASH, "r/a > r/b");
	g_assert_cmpint(link("r/a", "outside too"), ==, 0);
	dupes_assert_plan(f, TIDY_DUPES_TRASH, "");
}

static void
test_big_files_that_part_late(DupesHome *f, gconstpointer data)
{
	gsize size = 3000000;
	g_autofree char *bytes = g_malloc(size);

	memset(bytes, 'x', size);
	dupes_put_bytes("r/a", bytes, size);
	dupes_put_bytes("r/b", bytes, size);
	bytes[1500000] = 'y';
	dupes_put_bytes("r/c", bytes, size);
	bytes[1500000] = 'x';
	bytes[size - 1] = 'y';
	dupes_put_bytes("r/d", bytes, size);
	dupes_put_bytes("r/e", bytes, size);
	dupes_assert_groups(f, "file: r/a r/b\nfile: r/d r/e");
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
test_holes_are_not_read(DupesHome *f, gconstpointer data)
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
	dupes = dupes_find(f);
	text = dupes_text(dupes);
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

		dupes_put_bytes(path, g_bytes_get_data(content, NULL), g_bytes_get_size(content));
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
test_random_sets(DupesHome *f, gconstpointer data)
{
	for (guint32 seed = 0; seed < 25; seed++) {
		g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
		g_autoptr(TidyDupes) dupes = NULL;
		g_autofree char *plan = NULL;
		RandomSet set;

		make_random_set(&set, rand);
		f->options.block_bytes = seed % 3 == 0 ? 16384 : 0;
		f->options.max_open = seed % 3 == 1 ? 8 : 0;
		dupes = dupes_find(f);
		check_random_set(&set, dupes);
		plan = dupes_plan_text(dupes, (TidyDupesAction)(seed % 3));
		g_ptr_array_unref(set.paths);
		g_ptr_array_unref(set.contents);
		scratch_remove("r");
		g_assert_cmpint(g_mkdir("r", 0700), ==, 0);
	}
}

/* ---- which one is kept ---- */

static void
test_keep(DupesHome *f, gconstpointer data)
{
	dupes_put("r/a long name", "same");
	dupes_put("r/b", "same");
	dupes_put("r/c c", "same");
	dupes_set_mtime("r/a long name", 2000);
	dupes_set_mtime("r/b", 1000);
	dupes_set_mtime("r/c c", 3000);
	dupes_assert_groups(f, "file: r/a long name r/b r/c c");
	f->options.keep = TIDY_DUPES_KEEP_NEWEST;
	dupes_assert_groups(f, "file: r/c c r/a long name r/b");
	f->options.keep = TIDY_DUPES_KEEP_OLDEST;
	dupes_assert_groups(f, "file: r/b r/a long name r/c c");
	f->options.keep = TIDY_DUPES_KEEP_SHORTEST;
	dupes_assert_groups(f, "file: r/b r/c c r/a long name");
}

static void
test_protect(DupesHome *f, gconstpointer data)
{
	static const char *const protect[] = { "r/zz", "elsewhere", NULL };

	dupes_put("r/a", "same");
	dupes_put("r/zz/b", "same");
	dupes_put("r/zz/deep/c", "same");
	dupes_put("elsewhere/d", "same");
	f->options.protect = protect;
	dupes_assert_groups(f, "file: r/zz/b r/zz/deep/c! elsewhere/d! r/a");
	dupes_assert_plan(f, TIDY_DUPES_TRASH, "r/a > r/zz/b");
	dupes_assert_plan(f, TIDY_DUPES_HARDLINK, "r/a > r/zz/b");
}

static void
test_protect_above_a_root(DupesHome *f, gconstpointer data)
{
	static const char *const roots[] = { "r/sub", "s", NULL };
	static const char *const protect[] = { "r", NULL };

	dupes_put("r/sub/x", "same");
	dupes_put("r/other", "same");
	dupes_put("s/y", "same");
	f->options.roots = roots;
	f->options.protect = protect;
	dupes_assert_groups(f, "file: r/sub/x s/y");
	dupes_assert_plan(f, TIDY_DUPES_TRASH, "s/y > r/sub/x");
}

static void
test_bundles_are_not_touched(DupesHome *f, gconstpointer data)
{
	dupes_put("r/one/.git/config", "core");
	dupes_put("r/one/x", "same");
	dupes_put("r/one/sub/y", "same");
	dupes_put("r/page_files/z", "same");
	dupes_put("r/loose", "same");
	dupes_assert_plan(f, TIDY_DUPES_TRASH, "r/loose > r/one/sub/y");
	f->options.keep = TIDY_DUPES_KEEP_SHORTEST;
	dupes_assert_plan(f, TIDY_DUPES_HARDLINK, "r/loose > r/one/x");
}

/* ---- directories ---- */

static void
put_tree(const char *path)
{
	g_autofree char *a = g_build_filename(path, "a", NULL);
	g_autofree char *b = g_build_filename(path, "sub", "b", NULL);
	g_autofree char *empty = g_build_filename(path, "empty", NULL);
	g_autofree char *link = g_build_filename(path, "link", NULL);

	dupes_put(a, "content of a");
	dupes_put(b, "content of b");
	dupes_put(empty, "");
	g_assert_cmpint(symlink("a", link), ==, 0);
}

static void
test_directories(DupesHome *f, gconstpointer data)
{
	put_tree("r/one");
	put_tree("r/two");
	dupes_put("r/third", "content of a");
	dupes_assert_groups(f, "dir: r/one r/two\n"
			       "file: r/one/a r/third [r/two/a]\n"
			       "file: r/one/sub/b [r/two/sub/b]");
	dupes_assert_plan(f, TIDY_DUPES_TRASH, "r/third > r/one/a\nr/two > r/one");
	dupes_assert_plan(f, TIDY_DUPES_HARDLINK,
			  "r/third > r/one/a\nr/two/a > r/one/a\nr/two/sub/b > r/one/sub/b");
}

static void
test_directories_that_differ_a_little(DupesHome *f, gconstpointer data)
{
	put_tree("r/one");
	put_tree("r/two");
	dupes_put("r/two/empty too", "");
	dupes_assert_groups(f, "dir: r/one/sub r/two/sub\n"
			       "file: r/one/a r/two/a\n"
			       "file: r/one/sub/b [r/two/sub/b]");
	g_unlink("r/two/empty too");
	g_unlink("r/two/link");
	g_assert_cmpint(symlink("b", "r/two/link"), ==, 0);
	g_assert_cmpint(rename("r/two/sub", "r/two/sup"), ==, 0);
	dupes_assert_groups(f, "dir: r/one/sub r/two/sup\n"
			       "file: r/one/a r/two/a\n"
			       "file: r/one/sub/b [r/two/sup/b]");
}

/* As backups by hard links are: equal, and no waste. */
static void
test_directories_of_hard_links(DupesHome *f, gconstpointer data)
{
	g_autoptr(TidyDupes) dupes = NULL;
	g_autofree char *text = NULL;

	dupes_put("r/one/a", "1111");
	dupes_put("r/one/b", "2222");
	dupes_put("r/c", "3333");
	g_assert_cmpint(g_mkdir("r/two", 0700), ==, 0);
	g_assert_cmpint(link("r/one/a", "r/two/a"), ==, 0);
	g_assert_cmpint(link("r/one/b", "r/two/b"), ==, 0);
	dupes = dupes_find(f);
	text = dupes_text(dupes);
	g_assert_cmpstr(text, ==, "dir: r/one r/two");
	g_assert_cmpuint(dupes->reclaimable_bytes, ==, 0);
}

/* The set of contents is the same, the names are not. */
static void
test_directories_with_swapped_names(DupesHome *f, gconstpointer data)
{
	dupes_put("r/one/a", "1111");
	dupes_put("r/one/b", "2222");
	dupes_put("r/two/a", "2222");
	dupes_put("r/two/b", "1111");
	dupes_assert_groups(f, "file: r/one/a r/two/b\nfile: r/one/b r/two/a");
}

static void
test_directories_with_protected_parts(DupesHome *f, gconstpointer data)
{
	static const char *const protect[] = { "r/two/sub", NULL };

	put_tree("r/one");
	put_tree("r/two");
	f->options.protect = protect;
	dupes_assert_plan(f, TIDY_DUPES_TRASH, "r/one > r/two");
}

static void
test_nested_directories(DupesHome *f, gconstpointer data)
{
	put_tree("r/x/one");
	put_tree("r/y/one");
	put_tree("r/z");
	dupes_assert_groups(f, "dir: r/x r/y\n"
			       "dir: r/x/one r/z\n"
			       "file: r/x/one/a [r/y/one/a] [r/z/a]\n"
			       "file: r/x/one/sub/b [r/y/one/sub/b] [r/z/sub/b]");
	dupes_assert_plan(f, TIDY_DUPES_TRASH, "r/y > r/x\nr/z > r/x/one");
}

static void
test_roots_are_not_units(DupesHome *f, gconstpointer data)
{
	static const char *const roots[] = { "r", "s", NULL };

	dupes_put("r/a", "same");
	dupes_put("s/a", "same");
	f->options.roots = roots;
	dupes_assert_groups(f, "file: r/a s/a");
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
	dupes_put(path, content);
}

static void
test_shared_blocks_are_not_read(DupesHome *f, gconstpointer data)
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
	text = dupes_text(dupes);
	g_assert_cmpstr(text, ==, "file: r/a r/b r/c");
	g_assert_cmpuint(dupes->stats.read_bytes, ==, 0);
	g_assert_cmpuint(dupes->stats.shared_files, ==, 2);
	g_assert_cmpuint(dupes->reclaimable_bytes, ==, 0);
	plan = dupes_plan_text(dupes, TIDY_DUPES_REFLINK);
	g_assert_cmpstr(plan, ==, "");
	extent_flags |= FIEMAP_EXTENT_ENCODED;
	unclear = tidy_dupes_find(&fs, &f->options, &f->error);
	g_assert_cmpuint(unclear->groups->len, ==, 1);
	g_assert_cmpuint(unclear->stats.read_bytes, ==, 600000);
}

/* One of the sharers is read for all of them. */
static void
test_shared_blocks_and_a_copy(DupesHome *f, gconstpointer data)
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
	plan = dupes_plan_text(dupes, TIDY_DUPES_REFLINK);
	g_assert_cmpstr(plan, ==, "r/d > r/a");
	g_assert_cmpuint(dupes->stats.read_bytes, ==, 400000 + 4096);
	g_assert_cmpuint(dupes->groups->len, ==, 2);
}

/* ---- on the way ---- */

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
test_progress(DupesHome *f, gconstpointer data)
{
	TidyDupesProgress last = { 0 };

	test_big_files_that_part_late(f, data);
	f->options.progress = note_progress;
	f->options.data = &last;
	tidy_dupes_free(dupes_find(f));
	g_assert_cmpuint(last.seen_files, >, 0);
}

#define CASE(path, func) \
	g_test_add("/dupes/" path, DupesHome, NULL, dupes_home_set_up, func, dupes_home_tear_down)

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
	CASE("shared-blocks-are-not-read", test_shared_blocks_are_not_read);
	CASE("shared-blocks-and-a-copy", test_shared_blocks_and_a_copy);
	CASE("progress", test_progress);
	return g_test_run();
}
