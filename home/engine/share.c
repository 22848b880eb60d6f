/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Equal things: checked, shared, taken apart again. I/O. */
#include "home/engine/share.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "home/compare/compare.h"
#include "home/engine/carry.h"
#include "home/engine/copy.h"

#define DEPTH_MAX    200
#define DEDUPE_BYTES (16 * 1024 * 1024) /* the most that the kernel takes in one call */

int
tidy_share_prove(TidyFs *fs, int fd, int twin)
{
	TidyStat a;
	TidyStat b;
	int r = fs->stat(fs, fd, "", &a);

	if (r == 0)
		r = fs->stat(fs, twin, "", &b);
	if (r < 0)
		return r;
	if (a.dev == b.dev && a.ino == b.ino)
		return a.nlink > 1 ? 0 : -ESTALE;
	if (fs->no_writer(fs, fd) == -EAGAIN || fs->no_writer(fs, twin) == -EAGAIN)
		return -ETXTBSY;
	r = tidy_compare_fds(fs, fd, twin,
			     &(TidyCompareOptions){ .expected_a = &a, .expected_b = &b });
	if (r > 0)
		return -ESTALE;
	return r == 0 ? fs->fsync(fs, twin) : r;
}

/* --- SAME --- */

static gboolean
add_name(const TidyDirent *entry, gpointer data)
{
	g_ptr_array_add(data, g_strdup(entry->name));
	return TRUE;
}

static int
by_bytes(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* (transfer full), sorted; NULL and -errno in @r. */
static GPtrArray *
names_of(TidyFs *fs, int dir, int *r)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	*r = tidy_fs_list(fs, dir, add_name, names);
	if (*r < 0)
		return NULL;
	g_ptr_array_sort(names, by_bytes);
	return g_steal_pointer(&names);
}

static int check_entry(TidyFs *fs, int dir, const char *name, int twin_dir, const char *twin,
		       guint depth);

static int
check_dirs(TidyFs *fs, int dir, int twin, guint depth)
{
	int r;
	g_autoptr(GPtrArray) names = names_of(fs, dir, &r);
	g_autoptr(GPtrArray) twins = names != NULL ? names_of(fs, twin, &r) : NULL;

	if (twins == NULL)
		return r;
	if (names->len != twins->len)
		return -ESTALE;
	for (guint i = 0; r == 0 && i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);

		r = strcmp(name, g_ptr_array_index(twins, i)) == 0
			    ? check_entry(fs, dir, name, twin, name, depth + 1)
			    : -ESTALE;
	}
	return r;
}

static int
check_links(TidyFs *fs, int dir, const char *name, int twin_dir, const char *twin)
{
	char text[PATH_MAX];
	char other[PATH_MAX];
	ssize_t length = fs->readlink(fs, dir, name, text, sizeof text);
	ssize_t other_length = fs->readlink(fs, twin_dir, twin, other, sizeof other);

	if (length < 0 || other_length < 0)
		return (int)MIN(length, other_length);
	return length == other_length && memcmp(text, other, (size_t)length) == 0 ? 0 : -ESTALE;
}

static int
check_open(TidyFs *fs, int dir, const char *name, int twin_dir, const char *twin, TidyType type,
	   guint depth)
{
	int flags = type == TIDY_TYPE_DIR ? O_RDONLY | O_DIRECTORY : O_RDONLY;
	int fd = fs->openat(fs, dir, name, flags, 0);
	int other = fd >= 0 ? fs->openat(fs, twin_dir, twin, flags, 0) : fd;
	int r = other;

	if (other >= 0) {
		r = type == TIDY_TYPE_DIR ? check_dirs(fs, fd, other, depth)
					  : tidy_share_prove(fs, fd, other);
		fs->close(fs, other);
	}
	if (fd >= 0)
		fs->close(fs, fd);
	return r;
}

static int
check_entry(TidyFs *fs, int dir, const char *name, int twin_dir, const char *twin, guint depth)
{
	TidyStat a;
	TidyStat b;
	int r = fs->stat(fs, dir, name, &a);

	if (r == 0)
		r = fs->stat(fs, twin_dir, twin, &b);
	if (r < 0)
		return r;
	if (tidy_stat_type(&a) != tidy_stat_type(&b) || depth > DEPTH_MAX)
		return -ESTALE;
	if (tidy_stat_type(&a) == TIDY_TYPE_FILE || tidy_stat_type(&a) == TIDY_TYPE_DIR)
		return check_open(fs, dir, name, twin_dir, twin, tidy_stat_type(&a), depth);
	return tidy_stat_type(&a) == TIDY_TYPE_LINK ? check_links(fs, dir, name, twin_dir, twin)
						    : -ESTALE;
}

int
tidy_share_check(const TidyShare *share, int dir, int keep_dir, const TidyStep *step)
{
	TidyFs *fs = share->fs;
	TidyStat st;
	int r = fs->stat(fs, dir, step->name, &st);

	if (r == -ENOENT && share->is_replay)
		return 0;
	if (r < 0)
		return r;
	if (step->ino != 0 && st.ino != step->ino)
		return -ESTALE;
	r = fs->stat(fs, keep_dir, step->to_name, &st);
	if (r < 0 || (step->to_ino != 0 && st.ino != step->to_ino))
		return r < 0 ? r : -ESTALE;
	return check_entry(fs, dir, step->name, keep_dir, step->to_name, 0);
}

/* --- exchanging a file for another one --- */

static gboolean
is_inode(TidyFs *fs, int dir, const char *name, guint64 ino)
{
	TidyStat st;

	return fs->stat(fs, dir, name, &st) == 0 && st.ino == ino &&
	       tidy_stat_type(&st) == TIDY_TYPE_FILE;
}

/* The file that stands under @temp takes the name, and what had it goes, if it is still inode @old and equal to what is there
 * now. When not, the names are exchanged back. */
static int
take_place(TidyFs *fs, int dir, const char *temp, const char *name, guint64 old)
{
	int r = fs->exchange(fs, dir, temp, name);
	int out;
	int in;

	if (r < 0)
		return r;
	out = fs->openat(fs, dir, temp, O_RDONLY, 0);
	in = out >= 0 ? fs->openat(fs, dir, name, O_RDONLY, 0) : out;
	r = MIN(in, 0);
	if (r == 0)
		r = is_inode(fs, dir, temp, old) ? tidy_share_prove(fs, out, in) : -ESTALE;
	if (in >= 0)
		fs->close(fs, in);
	if (out >= 0)
		fs->close(fs, out);
	if (r == 0)
		r = fs->unlink(fs, dir, temp, 0);
	/* When not even that works, the old file has the temporary name: recovery has to go on with it. */
	if (r < 0 && fs->exchange(fs, dir, temp, name) < 0)
		r = -ENOTRECOVERABLE;
	return r;
}

/* Cases 1 to 3. 1: the step was made before; 0: it is to be made, and the temporary name is free. @new_ino 0: what the
 * temporary name means is new unless it is @old. */
static int
settle_temp(const TidyShare *share, int dir, const char *temp, const char *name, guint64 old,
	    guint64 new_ino)
{
	TidyFs *fs = share->fs;
	TidyStat st;
	TidyStat there;
	int r = fs->stat(fs, dir, name, &st);
	int left = fs->stat(fs, dir, temp, &there);

	/* 3: a power cut kept one half of the exchange. */
	if (r == -ENOENT && left == 0 && there.ino == old) {
		r = fs->rename(fs, dir, temp, dir, name);
		left = -ENOENT;
		st = there;
	}
	if (r < 0)
		return r;
	if (left == 0 && there.ino == old && st.ino != old)
		/* Exchanged: back, so that everything is compared once more. */
		left = fs->exchange(fs, dir, temp, name);
	else if (left == -ENOENT && old != 0 && st.ino != old && share->is_replay)
		return new_ino == 0 || st.ino == new_ino ? 1 : -ESTALE;
	if (left == 0 && new_ino != 0 && !is_inode(fs, dir, temp, new_ino))
		return -EEXIST;
	if (left == 0)
		left = fs->unlink(fs, dir, temp, 0);
	return left == -ENOENT ? 0 : left;
}

/* --- HARDLINK --- */

static int
link_temp(TidyFs *fs, int dir, int keep_dir, const TidyStep *step, const char *temp)
{
	int r = fs->link(fs, keep_dir, step->to_name, dir, temp);

	if (r == 0 && !is_inode(fs, dir, temp, step->to_ino)) {
		fs->unlink(fs, dir, temp, 0);
		r = -ESTALE;
	}
	return r;
}

/* A link has one mode, owner and set of attributes: they must be equal already. */
static int
check_metadata(TidyFs *fs, int fd, int keep)
{
	g_autoptr(GBytes) xattrs = NULL;
	g_autoptr(GBytes) kept = NULL;
	TidyStat a;
	TidyStat b;
	int r = fs->stat(fs, fd, "", &a);

	if (r == 0)
		r = fs->stat(fs, keep, "", &b);
	if (r == 0)
		r = tidy_xattrs_pack(fs, fd, &xattrs);
	if (r == 0)
		r = tidy_xattrs_pack(fs, keep, &kept);
	if (r < 0)
		return r;
	if (a.mode != b.mode || a.uid != b.uid || a.gid != b.gid)
		return -ESTALE;
	if (xattrs == NULL || kept == NULL)
		return xattrs == kept ? 0 : -ESTALE;
	return g_bytes_equal(xattrs, kept) ? 0 : -ESTALE;
}

/* Opened, compared, and still what the step says. */
static int
check_files(TidyFs *fs, int dir, int keep_dir, const TidyStep *step)
{
	int fd = fs->openat(fs, dir, step->name, O_RDONLY, 0);
	int keep = fd >= 0 ? fs->openat(fs, keep_dir, step->to_name, O_RDONLY, 0) : fd;
	int r = keep;

	if (keep >= 0) {
		r = (step->ino != 0 && !is_inode(fs, dir, step->name, step->ino)) ||
				    !is_inode(fs, keep_dir, step->to_name, step->to_ino)
			    ? -ESTALE
			    : check_metadata(fs, fd, keep);
		if (r == 0)
			r = tidy_share_prove(fs, fd, keep);
		fs->close(fs, keep);
	}
	if (fd >= 0)
		fs->close(fs, fd);
	return r;
}

int
tidy_share_hardlink(const TidyShare *share, int dir, int keep_dir, const TidyStep *step)
{
	TidyFs *fs = share->fs;
	g_autofree char *temp = tidy_carry_temp_name(share->salt, step->name);
	TidyStat st;
	int r = settle_temp(share, dir, temp, step->name, step->ino, step->to_ino);

	if (r != 0)
		return MIN(r, 0);
	r = fs->stat(fs, dir, step->name, &st);
	if (r == 0 && st.ino == step->to_ino)
		return 0;
	if (r == 0)
		r = check_files(fs, dir, keep_dir, step);
	if (r == 0)
		r = link_temp(fs, dir, keep_dir, step, temp);
	if (r < 0)
		return r;
	r = take_place(fs, dir, temp, step->name, st.ino);
	if (r < 0 && r != -ENOTRECOVERABLE && is_inode(fs, dir, temp, step->to_ino))
		fs->unlink(fs, dir, temp, 0);
	return r;
}

/* --- SEPARATE --- */

int
tidy_share_separate(const TidyShare *share, int dir, const TidyStep *step)
{
	TidyFs *fs = share->fs;
	g_autofree char *temp = tidy_carry_temp_name(share->salt, step->name);
	TidyStep copy = *step;
	TidyStat st;
	int r = settle_temp(share, dir, temp, step->name, step->to_ino, 0);

	if (r != 0)
		return MIN(r, 0);
	r = fs->stat(fs, dir, step->name, &st);
	if (r == 0 && st.ino != step->to_ino)
		r = -ESTALE;
	copy.to_name = temp;
	if (r == 0)
		r = tidy_copy_file(fs, dir, dir, &copy);
	if (r < 0)
		return r;
	r = take_place(fs, dir, temp, step->name, step->to_ino);
	if (r < 0 && r != -ENOTRECOVERABLE && !is_inode(fs, dir, temp, step->to_ino))
		fs->unlink(fs, dir, temp, 0);
	return r;
}

/* --- REFLINK --- */

static int
dedupe(TidyFs *fs, int keep, int fd, gint64 size)
{
	for (gint64 offset = 0; offset < size;) {
		gint64 done = fs->dedupe(fs, keep, fd, offset, MIN(size - offset, DEDUPE_BYTES));

		if (done < 0)
			return (int)done;
		if (done == 0)
			return -EIO;
		offset += done;
	}
	return 0;
}

int
tidy_share_reflink(const TidyShare *share, int dir, int keep_dir, const TidyStep *step)
{
	TidyFs *fs = share->fs;
	TidyStat st;
	TidyStat kept;
	int fd = fs->openat(fs, dir, step->name, O_RDONLY, 0);
	int keep = fd >= 0 ? fs->openat(fs, keep_dir, step->to_name, O_RDONLY, 0) : fd;
	int r = MIN(keep, 0);

	if (r == 0)
		r = fs->stat(fs, fd, "", &st);
	if (r == 0)
		r = fs->stat(fs, keep, "", &kept);
	if (r == 0 && (st.ino != step->ino || kept.ino != step->to_ino || st.size != kept.size ||
		       tidy_stat_type(&st) != TIDY_TYPE_FILE))
		r = -ESTALE;
	if (r == 0)
		r = dedupe(fs, keep, fd, st.size);
	if (r == -EOPNOTSUPP)
		r = -ENOTTY;
	if (keep >= 0)
		fs->close(fs, keep);
	if (fd >= 0)
		fs->close(fs, fd);
	return r;
}
