/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Thumbnails go with their files: what is rewritten in them, which are taken, which stay. I/O: a temporary directory. */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>
#include <utime.h>

#include "home/service/png-text.h"
#include "home/service/thumbnails.h"
#include "tests/support/scratch.h"

#define KEYWORD "Thumb::URI"

/* Bytes of a PNG file but for its one chunk that matters; pictures are not looked at, so there is none. */
static const guint8 head[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0,
			       1,    'a', 'B', 'c', 'd',  7,	0,    0,    0, 0 };
static const guint8 tail[] = { 0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82 };

/* A file that has "x" there: made by hand, its checksum by zlib's crc32(). */
static const guint8 text_x[] = { 0,   0,   0,	12,  't', 'E', 'X', 't', 'T',  'h',  'u',  'm',
				 'b', ':', ':', 'U', 'R', 'I', 0,   'x', 0x93, 0xf7, 0x3d, 0x67 };

static GByteArray *
png_x(void)
{
	GByteArray *png = g_byte_array_new();

	g_byte_array_append(png, head, sizeof head);
	g_byte_array_append(png, text_x, sizeof text_x);
	g_byte_array_append(png, tail, sizeof tail);
	return png;
}

static GByteArray *
png_of(const char *uri)
{
	g_autoptr(GByteArray) x = png_x();
	GByteArray *png = tidy_png_replace_text(x->data, x->len, KEYWORD, "x", uri);

	g_assert_nonnull(png);
	return png;
}

/* --- the text --- */

static void
test_replace(void)
{
	g_autoptr(GByteArray) x = png_x();
	g_autoptr(GByteArray) longer = png_of("file:///tmp/a");
	g_autoptr(GByteArray) back = NULL;

	g_assert_cmpmem(longer->data, sizeof head, x->data, sizeof head);
	g_assert_cmpuint(longer->len, ==, x->len + strlen("file:///tmp/a") - 1);
	back = tidy_png_replace_text(longer->data, longer->len, KEYWORD, "file:///tmp/a", "x");
	g_assert_nonnull(back);
	g_assert_cmpmem(back->data, (int)back->len, x->data, (int)x->len);
}

static void
test_replace_refused(void)
{
	g_autoptr(GByteArray) x = png_x();

	g_assert_null(tidy_png_replace_text(x->data, x->len, KEYWORD, "y", "z"));
	g_assert_null(tidy_png_replace_text(x->data, x->len, "Thumb::Mimetype", "x", "z"));
	/* Cut anywhere, or with a byte changed in what is looked at. */
	for (gsize i = 0; i < x->len; i++)
		g_assert_null(tidy_png_replace_text(x->data, i, KEYWORD, "x", "z"));
	for (gsize i = sizeof head; i < sizeof head + sizeof text_x; i++) {
		x->data[i] ^= 0x10;
		g_assert_null(tidy_png_replace_text(x->data, x->len, KEYWORD, "x", "z"));
		x->data[i] ^= 0x10;
	}
}

/* --- files --- */

typedef struct {
	char *root;
	char *cache;
} Home;

static char *
path_in(const Home *home, const char *name)
{
	return g_build_filename(home->root, name, NULL);
}

static char *
uri_in(const Home *home, const char *name)
{
	g_autofree char *path = path_in(home, name);

	return g_filename_to_uri(path, NULL, NULL);
}

static char *
thumbnail_path(const Home *home, const char *size, const char *uri)
{
	g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_MD5, uri, -1);
	g_autofree char *name = g_strconcat(digest, ".png", NULL);

	return g_build_filename(home->cache, "thumbnails", size, name, NULL);
}

static void
write_bytes(const char *path, const guint8 *data, gsize size)
{
	g_autofree char *dir = g_path_get_dirname(path);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, (const char *)data, (gssize)size, NULL));
}

static void
make_thumbnail(const Home *home, const char *size, const char *name)
{
	g_autofree char *uri = uri_in(home, name);
	g_autofree char *path = thumbnail_path(home, size, uri);
	g_autoptr(GByteArray) png = png_of(uri);

	write_bytes(path, png->data, png->len);
}

static gboolean
has_thumbnail(const Home *home, const char *size, const char *name)
{
	g_autofree char *uri = uri_in(home, name);
	g_autofree char *path = thumbnail_path(home, size, uri);
	g_autoptr(GByteArray) png = png_of(uri);
	g_autofree char *data = NULL;
	gsize length;

	if (!g_file_get_contents(path, &data, &length, NULL))
		return FALSE;
	g_assert_cmpmem(data, (int)length, png->data, (int)png->len);
	return TRUE;
}

static void
make_file(const Home *home, const char *name)
{
	g_autofree char *path = path_in(home, name);

	write_bytes(path, (const guint8 *)"x", 1);
}

static void
set_up(Home *home, gconstpointer data)
{
	home->root = g_dir_make_tmp("xdgtidy-thumbnails-XXXXXX", NULL);
	g_assert_nonnull(home->root);
	home->cache = path_in(home, "cache");
}

static void
tear_down(Home *home, gconstpointer data)
{
	scratch_remove(home->root);
	g_free(home->root);
	g_free(home->cache);
}

static void
move(const Home *home, const char *from, const char *to, guint n_expected)
{
	g_autoptr(TidyThumbnails) thumbnails = tidy_thumbnails_open(tidy_fs_linux(), home->cache);
	g_autofree char *from_path = path_in(home, from);
	g_autofree char *to_path = path_in(home, to);

	g_assert_nonnull(thumbnails);
	tidy_thumbnails_move(thumbnails, from_path, to_path);
	g_assert_cmpuint(tidy_thumbnails_n_moved(thumbnails), ==, n_expected);
}

static void
test_none(Home *home, gconstpointer data)
{
	g_autofree char *empty = g_build_filename(home->cache, "thumbnails/normal", NULL);

	g_assert_null(tidy_thumbnails_open(tidy_fs_linux(), home->cache));
	g_assert_cmpint(g_mkdir_with_parents(empty, 0700), ==, 0);
	g_assert_null(tidy_thumbnails_open(tidy_fs_linux(), home->cache));
}

static void
test_all_sizes(Home *home, gconstpointer data)
{
	static const char *const sizes[] = { "normal", "large", "x-large", "xx-large",
					     "fail/gnome-thumbnail-factory" };

	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
		make_thumbnail(home, sizes[i], "old/a b\303\244.jpg");
	make_thumbnail(home, "normal", "old/other.jpg");
	move(home, "old/a b\303\244.jpg", "new/a b\303\244.jpg", 5);
	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_assert_true(has_thumbnail(home, sizes[i], "new/a b\303\244.jpg"));
		g_assert_false(has_thumbnail(home, sizes[i], "old/a b\303\244.jpg"));
	}
	g_assert_true(has_thumbnail(home, "normal", "old/other.jpg"));
}

/* Mode and stamp: programs that clean up go by the latter. */
static void
test_mode_and_stamp(Home *home, gconstpointer data)
{
	g_autofree char *old_uri = uri_in(home, "a");
	g_autofree char *new_uri = uri_in(home, "b");
	g_autofree char *old = thumbnail_path(home, "normal", old_uri);
	g_autofree char *new = thumbnail_path(home, "normal", new_uri);
	struct utimbuf stamp = { 1000, 2000 };
	GStatBuf st;

	make_thumbnail(home, "normal", "a");
	g_assert_cmpint(g_utime(old, &stamp), ==, 0);
	move(home, "a", "b", 1);
	g_assert_cmpint(g_stat(new, &st), ==, 0);
	g_assert_cmpint(st.st_mode & 07777, ==, 0600);
	g_assert_cmpint(st.st_mtime, ==, 2000);
}

/* The old name is good still, or again. */
static void
test_old_name_is_there(Home *home, gconstpointer data)
{
	make_thumbnail(home, "normal", "a");
	make_file(home, "a");
	move(home, "a", "b", 0);
	g_assert_true(has_thumbnail(home, "normal", "a"));
}

static void
test_new_name_is_taken(Home *home, gconstpointer data)
{
	g_autofree char *uri = uri_in(home, "b");
	g_autofree char *path = thumbnail_path(home, "normal", uri);
	g_autofree char *text = NULL;

	make_thumbnail(home, "normal", "a");
	write_bytes(path, (const guint8 *)"somebody's", 10);
	move(home, "a", "b", 0);
	g_assert_true(has_thumbnail(home, "normal", "a"));
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "somebody's");
}

/* Not a whole PNG file, of another file, a link, a directory. */
static void
test_odd_ones_stay(Home *home, gconstpointer data)
{
	g_autofree char *uri = uri_in(home, "a");
	g_autofree char *normal = thumbnail_path(home, "normal", uri);
	g_autofree char *large = thumbnail_path(home, "large", uri);
	g_autofree char *linked = thumbnail_path(home, "x-large", uri);
	g_autofree char *dir = thumbnail_path(home, "xx-large", uri);
	g_autofree char *elsewhere = path_in(home, "elsewhere.png");
	g_autofree char *x_large = g_path_get_dirname(linked);
	g_autoptr(GByteArray) other = png_of("file:///other");
	g_autoptr(GByteArray) right = png_of(uri);

	write_bytes(normal, right->data, right->len - 1);
	write_bytes(large, other->data, other->len);
	write_bytes(elsewhere, right->data, right->len);
	g_assert_cmpint(g_mkdir_with_parents(x_large, 0700), ==, 0);
	g_assert_cmpint(symlink(elsewhere, linked), ==, 0);
	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	move(home, "a", "b", 0);
	g_assert_true(g_file_test(normal, G_FILE_TEST_EXISTS));
	g_assert_true(g_file_test(large, G_FILE_TEST_EXISTS));
	g_assert_true(g_file_test(linked, G_FILE_TEST_IS_SYMLINK));
	g_assert_true(g_file_test(dir, G_FILE_TEST_IS_DIR));
	/* and nothing was left behind: root, file, cache, thumbnails, four sizes with one entry each */
	g_assert_cmpuint(scratch_remove(home->root), ==, 12);
	g_assert_cmpint(g_mkdir(home->root, 0700), ==, 0);
}

/* The directory of thumbnails as a link leads to where we have no business. */
static void
test_linked_directory(Home *home, gconstpointer data)
{
	g_autofree char *real = path_in(home, "real");
	g_autofree char *thumbnails = g_build_filename(home->cache, "thumbnails", NULL);

	g_assert_cmpint(g_mkdir(home->cache, 0700), ==, 0);
	g_assert_cmpint(g_mkdir(real, 0700), ==, 0);
	g_assert_cmpint(symlink(real, thumbnails), ==, 0);
	make_thumbnail(home, "normal", "a");
	g_assert_null(tidy_thumbnails_open(tidy_fs_linux(), home->cache));
	g_assert_true(has_thumbnail(home, "normal", "a"));
}

static void
move_directory(const Home *home, GCancellable *cancellable, guint n_expected)
{
	g_autoptr(TidyThumbnails) thumbnails = tidy_thumbnails_open(tidy_fs_linux(), home->cache);
	g_autofree char *from = path_in(home, "old");
	g_autofree char *to = path_in(home, "new");

	tidy_thumbnails_move_below(thumbnails, from, to, to, cancellable);
	g_assert_cmpuint(tidy_thumbnails_n_moved(thumbnails), ==, n_expected);
}

static void
test_directory(Home *home, gconstpointer data)
{
	g_autoptr(GCancellable) stopped = g_cancellable_new();

	make_thumbnail(home, "normal", "old/a");
	make_thumbnail(home, "large", "old/x/y/b");
	make_thumbnail(home, "large", "older/a");
	make_file(home, "new/a");
	make_file(home, "new/x/y/b");
	g_cancellable_cancel(stopped);
	move_directory(home, stopped, 0);
	move_directory(home, NULL, 2);
	g_assert_true(has_thumbnail(home, "normal", "new/a"));
	g_assert_true(has_thumbnail(home, "large", "new/x/y/b"));
	g_assert_true(has_thumbnail(home, "large", "older/a"));
	g_assert_false(has_thumbnail(home, "normal", "old/a"));
}

#define ADD(path, test) g_test_add(path, Home, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/thumbnails/replace", test_replace);
	g_test_add_func("/thumbnails/replace-refused", test_replace_refused);
	ADD("/thumbnails/none", test_none);
	ADD("/thumbnails/all-sizes", test_all_sizes);
	ADD("/thumbnails/mode-and-stamp", test_mode_and_stamp);
	ADD("/thumbnails/old-name-is-there", test_old_name_is_there);
	ADD("/thumbnails/new-name-is-taken", test_new_name_is_taken);
	ADD("/thumbnails/odd-ones-stay", test_odd_ones_stay);
	ADD("/thumbnails/linked-directory", test_linked_directory);
	ADD("/thumbnails/directory", test_directory);
	return g_test_run();
}
