/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Thumbnails go with their files. I/O. */
#include "home/service/thumbnails.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "home/service/png-text.h"

#define DIGEST_BYTES 16
#define NAME_DIGITS  32 /* and then ".png" */
/* More is not looked at: a listing of so many takes some tenths of a second, once. */
#define KNOWN_MAX 200000
#define SIZES_MAX 24 /* directories of thumbnails, fail/PROGRAM among them */
/* 1024 x 1024 pixels of 4 bytes, as they would be without compression. */
#define FILE_BYTES_MAX (4 * 1024 * 1024)
/* Of directories that were moved whole: entries in all, and how deep. */
#define BELOW_MAX	100000
#define BELOW_DEPTH_MAX 32

typedef struct {
	guint8 digest[DIGEST_BYTES];
	guint8 size; /* index of its directory */
} Known;

struct TidyThumbnails {
	TidyFs *fs;
	int sizes[SIZES_MAX]; /* descriptors */
	guint n_sizes;
	GArray *known; /* of Known, sorted */
	guint n_below; /* entries of moved directories that were looked at */
	guint n_moved;
};

/* --- what there is --- */

/* "0123456789abcdef0123456789abcdef.png" */
static gboolean
parse_name(const char *name, guint8 *digest)
{
	if (strlen(name) != NAME_DIGITS + 4 || strcmp(name + NAME_DIGITS, ".png") != 0)
		return FALSE;
	for (guint i = 0; i < NAME_DIGITS; i++) {
		int value = g_ascii_xdigit_value(name[i]);

		if (value < 0 || g_ascii_isupper(name[i]))
			return FALSE;
		digest[i / 2] = (guint8)(i % 2 == 0 ? value << 4 : digest[i / 2] | value);
	}
	return TRUE;
}

static gboolean
add_known(const TidyDirent *entry, gpointer data)
{
	TidyThumbnails *thumbnails = data;
	Known known = { .size = (guint8)thumbnails->n_sizes };

	if (parse_name(entry->name, known.digest))
		g_array_append_val(thumbnails->known, known);
	return thumbnails->known->len < KNOWN_MAX;
}

static void
add_size(TidyThumbnails *thumbnails, int parent, const char *name)
{
	TidyFs *fs = thumbnails->fs;
	guint before = thumbnails->known->len;
	int dir;

	if (thumbnails->n_sizes == SIZES_MAX)
		return;
	dir = fs->openat(fs, parent, name, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return;
	tidy_fs_list(fs, dir, add_known, thumbnails);
	if (thumbnails->known->len > before)
		thumbnails->sizes[thumbnails->n_sizes++] = dir;
	else
		fs->close(fs, dir);
}

static gboolean
collect_name(const TidyDirent *entry, gpointer data)
{
	GPtrArray *names = data;

	g_ptr_array_add(names, g_strdup(entry->name));
	return names->len < SIZES_MAX;
}

/* normal, large, x-large, ..., or the programs of "fail". */
static void
add_sizes(TidyThumbnails *thumbnails, int parent, gboolean is_fail)
{
	TidyFs *fs = thumbnails->fs;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	tidy_fs_list(fs, parent, collect_name, names);
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		int fail = -1;

		if (is_fail || strcmp(name, "fail") != 0) {
			add_size(thumbnails, parent, name);
			continue;
		}
		fail = fs->openat(fs, parent, name, O_RDONLY | O_DIRECTORY, 0);
		if (fail < 0)
			continue;
		add_sizes(thumbnails, fail, TRUE);
		fs->close(fs, fail);
	}
}

static int
compare_known(gconstpointer a, gconstpointer b)
{
	const Known *x = a;
	const Known *y = b;
	int r = memcmp(x->digest, y->digest, DIGEST_BYTES);

	return r != 0 ? r : (int)x->size - (int)y->size;
}

TidyThumbnails *
tidy_thumbnails_open(TidyFs *fs, const char *cache_dir)
{
	g_autofree char *path = g_build_filename(cache_dir, "thumbnails", NULL);
	int dir = fs->openat(fs, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	TidyThumbnails *thumbnails;

	if (dir < 0)
		return NULL;
	thumbnails = g_new0(TidyThumbnails, 1);
	thumbnails->fs = fs;
	thumbnails->known = g_array_new(FALSE, FALSE, sizeof(Known));
	add_sizes(thumbnails, dir, FALSE);
	fs->close(fs, dir);
	g_array_sort(thumbnails->known, compare_known);
	if (thumbnails->known->len == 0)
		g_clear_pointer(&thumbnails, tidy_thumbnails_free);
	return thumbnails;
}

void
tidy_thumbnails_free(TidyThumbnails *thumbnails)
{
	for (guint i = 0; i < thumbnails->n_sizes; i++)
		thumbnails->fs->close(thumbnails->fs, thumbnails->sizes[i]);
	g_array_unref(thumbnails->known);
	g_free(thumbnails);
}

guint
tidy_thumbnails_n_moved(const TidyThumbnails *thumbnails)
{
	return thumbnails->n_moved;
}

/* --- one thumbnail --- */

static GByteArray *
read_file(TidyFs *fs, int dir, const char *name, TidyStat *st)
{
	g_autoptr(GByteArray) bytes = NULL;
	int fd = fs->openat(fs, dir, name, O_RDONLY, 0);
	guint at = 0;
	ssize_t n = 1;

	if (fd < 0)
		return NULL;
	if (fs->stat(fs, fd, "", st) == 0 && tidy_stat_type(st) == TIDY_TYPE_FILE &&
	    st->uid == getuid() && st->size <= FILE_BYTES_MAX) {
		bytes = g_byte_array_new();
		g_byte_array_set_size(bytes, (guint)st->size);
	}
	while (bytes != NULL && n > 0 && at < bytes->len) {
		n = fs->pread(fs, fd, bytes->data + at, bytes->len - at, at);
		at += (guint)MAX(n, 0);
	}
	fs->close(fs, fd);
	return bytes != NULL && at == bytes->len ? g_steal_pointer(&bytes) : NULL;
}

/* Under a name of its own first, so that nobody sees half a picture; never over a name that is taken. */
static int
write_file(TidyFs *fs, int dir, const char *name, const GByteArray *bytes, const TidyStat *like)
{
	g_autofree char *temporary = g_strdup_printf(".xdgtidy-%08x", g_random_int());
	int fd = fs->openat(fs, dir, temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
	int r;

	if (fd < 0)
		return fd;
	r = tidy_fs_write_all(fs, fd, bytes->data, bytes->len, 0);
	if (r == 0)
		r = fs->utimens(fs, fd, "", like->atime_ns, like->mtime_ns);
	fs->close(fs, fd);
	if (r == 0)
		r = fs->rename(fs, dir, temporary, dir, name);
	if (r < 0)
		fs->unlink(fs, dir, temporary, 0);
	return r;
}

typedef struct {
	const char *uri;
	const char *name; /* of its thumbnails */
} Place;

static void
move_one(TidyThumbnails *thumbnails, int dir, const Place *from, const Place *to)
{
	TidyFs *fs = thumbnails->fs;
	TidyStat st, now;
	g_autoptr(GByteArray) bytes = read_file(fs, dir, from->name, &st);
	g_autoptr(GByteArray) moved =
		bytes != NULL ? tidy_png_replace_text(bytes->data, bytes->len, "Thumb::URI",
						      from->uri, to->uri)
			      : NULL;

	if (moved == NULL || write_file(fs, dir, to->name, moved, &st) < 0)
		return;
	thumbnails->n_moved++;
	/* Made anew meanwhile: somebody else's. */
	if (fs->stat(fs, dir, from->name, &now) == 0 && now.ino == st.ino)
		fs->unlink(fs, dir, from->name, 0);
}

/* --- one file --- */

/* The first of its thumbnails, or the number of all. */
static guint
find_known(const TidyThumbnails *thumbnails, const guint8 *digest)
{
	guint low = 0;
	guint high = thumbnails->known->len;

	while (low < high) {
		guint middle = low + (high - low) / 2;
		const Known *known = &g_array_index(thumbnails->known, Known, middle);

		if (memcmp(known->digest, digest, DIGEST_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static gboolean
is_known(const TidyThumbnails *thumbnails, guint index, const guint8 *digest)
{
	return index < thumbnails->known->len &&
	       memcmp(g_array_index(thumbnails->known, Known, index).digest, digest,
		      DIGEST_BYTES) == 0;
}

static char *
thumbnail_name(const char *uri)
{
	g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_MD5, uri, -1);

	return g_strconcat(digest, ".png", NULL);
}

void
tidy_thumbnails_move(TidyThumbnails *thumbnails, const char *from, const char *to)
{
	TidyFs *fs = thumbnails->fs;
	g_autofree char *uri = g_filename_to_uri(from, NULL, NULL);
	g_autofree char *name = uri != NULL ? thumbnail_name(uri) : NULL;
	g_autofree char *new_uri = NULL;
	g_autofree char *new_name = NULL;
	guint8 digest[DIGEST_BYTES] = { 0 };
	TidyStat st;
	guint index;

	if (name == NULL || !parse_name(name, digest))
		return;
	index = find_known(thumbnails, digest);
	/* A link that was left in place of the directory (leave = symlink) keeps the old names good. */
	if (!is_known(thumbnails, index, digest) || fs->stat(fs, AT_FDCWD, from, &st) == 0)
		return;
	new_uri = g_filename_to_uri(to, NULL, NULL);
	if (new_uri == NULL)
		return;
	new_name = thumbnail_name(new_uri);
	for (; is_known(thumbnails, index, digest); index++) {
		const Known *known = &g_array_index(thumbnails->known, Known, index);

		move_one(thumbnails, thumbnails->sizes[known->size], &(Place){ uri, name },
			 &(Place){ new_uri, new_name });
	}
}

/* --- a directory --- */

typedef struct {
	TidyThumbnails *thumbnails;
	const char *from;
	const char *to;
	GPtrArray *below; /* names of directories to enter */
} Below;

static gboolean
move_entry(const TidyDirent *entry, gpointer data)
{
	Below *below = data;
	g_autofree char *from = NULL;
	g_autofree char *to = NULL;

	if (entry->type == TIDY_TYPE_DIR) {
		g_ptr_array_add(below->below, g_strdup(entry->name));
	} else {
		from = g_build_filename(below->from, entry->name, NULL);
		to = g_build_filename(below->to, entry->name, NULL);
		tidy_thumbnails_move(below->thumbnails, from, to);
	}
	return ++below->thumbnails->n_below < BELOW_MAX;
}

static void
move_listed(TidyThumbnails *thumbnails, int dir, const char *from, const char *to, guint depth,
	    GCancellable *cancellable)
{
	TidyFs *fs = thumbnails->fs;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	Below below = { thumbnails, from, to, names };

	if (thumbnails->n_below >= BELOW_MAX || g_cancellable_is_cancelled(cancellable))
		return;
	tidy_fs_list(fs, dir, move_entry, &below);
	for (guint i = 0; i < names->len && depth > 0; i++) {
		const char *name = g_ptr_array_index(names, i);
		g_autofree char *from_below = g_build_filename(from, name, NULL);
		g_autofree char *to_below = g_build_filename(to, name, NULL);
		int child = fs->openat(fs, dir, name, O_RDONLY | O_DIRECTORY, 0);

		if (child < 0)
			continue;
		move_listed(thumbnails, child, from_below, to_below, depth - 1, cancellable);
		fs->close(fs, child);
	}
}

void
tidy_thumbnails_move_below(TidyThumbnails *thumbnails, const char *from, const char *to,
			   const char *real_to, GCancellable *cancellable)
{
	TidyFs *fs = thumbnails->fs;
	int dir = fs->openat(fs, AT_FDCWD, real_to, O_RDONLY | O_DIRECTORY, 0);

	if (dir < 0)
		return;
	move_listed(thumbnails, dir, from, to, BELOW_DEPTH_MAX, cancellable);
	fs->close(fs, dir);
}
