/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparing two files: equal, different, holes, links, changes while reading. I/O in a temporary directory. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "home/compare/compare.h"

typedef struct {
	char *path;
	int dir;
	TidyFs *fs;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
	f->path = g_dir_make_tmp("tidy-compare-XXXXXX", NULL);
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->fs = tidy_fs_linux();
	g_assert_cmpint(f->dir, >=, 0);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
	GDir *listing = g_dir_open(f->path, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(listing)) != NULL)
		unlinkat(f->dir, name, 0);
	g_dir_close(listing);
	close(f->dir);
	g_assert_cmpint(g_rmdir(f->path), ==, 0);
	g_free(f->path);
}

/* A file of @size bytes, all 'x' but one of 'y' at @odd (when not negative). */
static void
put(Fixture *f, const char *name, gsize size, gssize odd)
{
	g_autofree char *content = g_malloc(size + 1);
	int fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	memset(content, 'x', size);
	if (odd >= 0)
		content[odd] = 'y';
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, content, size), ==, (gssize)size);
	close(fd);
}

static int
compare(Fixture *f, const TidyCompareOptions *options)
{
	return tidy_compare_files(f->fs, f->dir, "a", f->dir, "b", options);
}

static void
test_equal_and_different(Fixture *f, gconstpointer data)
{
	static const gsize sizes[] = { 0, 1, 4095, 4096, 4097, 16384, 16385, 70000, 3000001 };

	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
		gsize size = sizes[i];
		guint64 read_bytes = 0;
		TidyCompareOptions options = { .read_bytes = &read_bytes };

		put(f, "a", size, -1);
		put(f, "b", size, -1);
		g_assert_cmpint(compare(f, &options), ==, TIDY_COMPARE_EQUAL);
		g_assert_cmpuint(read_bytes, ==, 2 * size);
		for (gsize odd = 0; odd < size; odd += MAX(1, size / 13)) {
			put(f, "b", size, (gssize)odd);
			g_assert_cmpint(compare(f, NULL), ==, TIDY_COMPARE_DIFFERENT);
		}
		put(f, "b", size + 1, -1);
		g_assert_cmpint(compare(f, NULL), ==, TIDY_COMPARE_DIFFERENT);
	}
}

static void
test_stops_at_the_first_difference(Fixture *f, gconstpointer data)
{
	guint64 read_bytes = 0;
	TidyCompareOptions options = { .read_bytes = &read_bytes };

	put(f, "a", 1 << 20, -1);
	put(f, "b", 1 << 20, 9000);
	g_assert_cmpint(compare(f, &options), ==, TIDY_COMPARE_DIFFERENT);
	g_assert_cmpuint(read_bytes, ==, 2 * 3 * 4096);
}

static void
test_end_is_read_early(Fixture *f, gconstpointer data)
{
	guint64 read_bytes = 0;
	TidyCompareOptions options = { .read_bytes = &read_bytes };

	put(f, "a", 1 << 20, -1);
	put(f, "b", 1 << 20, (1 << 20) - 1);
	g_assert_cmpint(compare(f, &options), ==, TIDY_COMPARE_DIFFERENT);
	g_assert_cmpuint(read_bytes, ==, 2 * 5 * 4096);
}

static void
make_sparse(Fixture *f, const char *name, gint64 size, gint64 at, const char *text)
{
	int fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	g_assert_cmpint(ftruncate(fd, size), ==, 0);
	g_assert_cmpint(pwrite(fd, text, strlen(text), at), ==, (gssize)strlen(text));
	close(fd);
}

static void
test_holes_are_not_read(Fixture *f, gconstpointer data)
{
	gint64 size = G_GINT64_CONSTANT(1) << 32;
	guint64 read_bytes = 0;
	TidyCompareOptions options = { .read_bytes = &read_bytes };

	make_sparse(f, "a", size, size / 2, "here");
	make_sparse(f, "b", size, size / 2, "here");
	g_assert_cmpint(compare(f, &options), ==, TIDY_COMPARE_EQUAL);
	g_assert_cmpuint(read_bytes, <=, 4 << 20);
	make_sparse(f, "b", size, size / 2, "herf");
	g_assert_cmpint(compare(f, NULL), ==, TIDY_COMPARE_DIFFERENT);
	make_sparse(f, "b", size, size - 4, "here");
	g_assert_cmpint(compare(f, NULL), ==, TIDY_COMPARE_DIFFERENT);
}

static void
test_a_hole_equals_zeros(Fixture *f, gconstpointer data)
{
	g_autofree char *zeros = g_malloc0(300000);
	int fd = openat(f->dir, "b", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	make_sparse(f, "a", 300000, 150000, "");
	g_assert_cmpint(write(fd, zeros, 300000), ==, 300000);
	g_assert_cmpint(compare(f, NULL), ==, TIDY_COMPARE_EQUAL);
	g_assert_cmpint(pwrite(fd, "1", 1, 200000), ==, 1);
	g_assert_cmpint(compare(f, NULL), ==, TIDY_COMPARE_DIFFERENT);
	close(fd);
}

static void
test_same_inode(Fixture *f, gconstpointer data)
{
	guint64 read_bytes = 0;
	TidyCompareOptions options = { .read_bytes = &read_bytes };

	put(f, "a", 5000, -1);
	g_assert_cmpint(linkat(f->dir, "a", f->dir, "b", 0), ==, 0);
	g_assert_cmpint(compare(f, &options), ==, TIDY_COMPARE_SAME_INODE);
	g_assert_cmpuint(read_bytes, ==, 0);
}

static void
test_not_regular(Fixture *f, gconstpointer data)
{
	put(f, "a", 10, -1);
	g_assert_cmpint(compare(f, NULL), ==, -ENOENT);
	g_assert_cmpint(symlinkat("a", f->dir, "b"), ==, 0);
	g_assert_cmpint(compare(f, NULL), ==, -ELOOP);
	unlinkat(f->dir, "b", 0);
	g_assert_cmpint(mkfifoat(f->dir, "b", 0600), ==, 0);
	g_assert_cmpint(compare(f, NULL), ==, -EINVAL);
}

static void
test_not_what_was_expected(Fixture *f, gconstpointer data)
{
	TidyStat a, b;
	TidyCompareOptions options = { .expected_a = &a, .expected_b = &b };

	put(f, "a", 10, -1);
	put(f, "b", 10, -1);
	g_assert_cmpint(f->fs->stat(f->fs, f->dir, "a", &a), ==, 0);
	g_assert_cmpint(f->fs->stat(f->fs, f->dir, "b", &b), ==, 0);
	g_assert_cmpint(compare(f, &options), ==, TIDY_COMPARE_EQUAL);
	b.ctime_ns--;
	g_assert_cmpint(compare(f, &options), ==, TIDY_COMPARE_CHANGED);
	b.ctime_ns++;
	a.ino++;
	g_assert_cmpint(compare(f, &options), ==, TIDY_COMPARE_CHANGED);
}

/* What happens between two blocks of a comparison. */
typedef struct {
	Fixture *f;
	guint calls;
	guint act_at;
	gint64 new_size; /* of "b"; negative: cancel instead */
} Meddler;

static gboolean
meddle(gpointer data)
{
	Meddler *m = data;

	if (++m->calls != m->act_at)
		return FALSE;
	if (m->new_size >= 0) {
		/* A stamp of its own: within one tick the kernel may give the old one again. */
		struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
		int fd = openat(m->f->dir, "b", O_WRONLY | O_CLOEXEC);

		g_assert_cmpint(ftruncate(fd, m->new_size), ==, 0);
		g_assert_cmpint(futimens(fd, times), ==, 0);
		close(fd);
	}
	return m->new_size < 0;
}

static void
test_changes_while_reading(Fixture *f, gconstpointer data)
{
	static const gint64 sizes[] = { 0, 5000, 100000, 200000 };

	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
		Meddler meddler = { .f = f, .act_at = 3, .new_size = sizes[i] };
		TidyCompareOptions options = { .is_cancelled = meddle, .data = &meddler };

		put(f, "a", 100000, -1);
		put(f, "b", 100000, -1);
		g_assert_cmpint(compare(f, &options), ==, TIDY_COMPARE_CHANGED);
	}
}

static void
test_cancel(Fixture *f, gconstpointer data)
{
	Meddler meddler = { .f = f, .act_at = 2, .new_size = -1 };
	TidyCompareOptions options = { .is_cancelled = meddle, .data = &meddler };

	put(f, "a", 100000, -1);
	put(f, "b", 100000, -1);
	g_assert_cmpint(compare(f, &options), ==, -ECANCELED);
}

static void
test_block_sizes(void)
{
	gsize last = 0;

	for (guint i = 0; i < 40; i++) {
		gsize size = tidy_compare_block_size(i);

		g_assert_cmpuint(size, >=, MAX(last, TIDY_COMPARE_BLOCK_MIN));
		g_assert_cmpuint(size, <=, i < 4 ? TIDY_COMPARE_BLOCK_MIN : 2 * last);
		last = size;
	}
	g_assert_cmpuint(last, ==, TIDY_COMPARE_BLOCK_MAX);
}

#define CASE(path, func) g_test_add(path, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	CASE("/compare/equal-and-different", test_equal_and_different);
	CASE("/compare/stops-at-the-first-difference", test_stops_at_the_first_difference);
	CASE("/compare/end-is-read-early", test_end_is_read_early);
	CASE("/compare/holes-are-not-read", test_holes_are_not_read);
	CASE("/compare/a-hole-equals-zeros", test_a_hole_equals_zeros);
	CASE("/compare/same-inode", test_same_inode);
	CASE("/compare/not-regular", test_not_regular);
	CASE("/compare/not-what-was-expected", test_not_what_was_expected);
	CASE("/compare/changes-while-reading", test_changes_while_reading);
	CASE("/compare/cancel", test_cancel);
	g_test_add_func("/compare/block-sizes", test_block_sizes);
	return g_test_run();
}
