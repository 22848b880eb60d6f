/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One step, made now: each kind its own function. I/O. Cases: see execute.h. */
#include "home/engine/make.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "home/engine/copy.h"
#include "home/engine/share.h"
#include "home/engine/text-file.h"
#include "home/engine/trash.h"

typedef struct {
	const TidyExecutorOptions *options;
	const TidyStep *step;
	TidyDir *dir;
	TidyDir *to_dir; /* or NULL */
} Making;

/* --- the steps; each answers 0 when made (or found made), or -errno --- */

/* 0 when @dir/@name is the inode and the kind of thing that the step means; -ESTALE when it is another. The kind counts
 * because the number of a removed inode is soon given to a new one. */
static int
check_name(TidyFs *fs, int dir, const char *name, const TidyStep *step)
{
	TidyStat st;
	int r = fs->stat(fs, dir, name, &st);

	if (r < 0)
		return r;
	if (step->type != TIDY_TYPE_UNKNOWN && tidy_stat_type(&st) != step->type)
		return -ESTALE;
	return step->ino != 0 && st.ino != step->ino ? -ESTALE : 0;
}

static int
check_entry(TidyFs *fs, int dir, const TidyStep *step)
{
	return check_name(fs, dir, step->name, step);
}

/* Case 3 and 4: looks where the entry is now. 1: the step was made already; 0: it is still to be made. */
static int
find_moved(TidyFs *fs, const TidyStep *step, int from, int to, const char *to_name)
{
	int here = check_entry(fs, from, step);
	int there;

	if (step->ino == 0)
		return here;
	there = check_name(fs, to, to_name, step);
	if (here == 0 && there == 0) {
		/* Both names are the same file: a rename made of link and unlink was cut in two. */
		int r = fs->unlink(fs, from, step->name, 0);

		return r < 0 ? r : 1;
	}
	if (here == 0)
		return 0;
	return there == 0 ? 1 : here;
}

static int
make_rename(const TidyExecutorOptions *options, const TidyStep *step, int from, int to,
	    const char *to_name)
{
	TidyFs *fs = options->fs;

	if (options->has_checks) {
		int r = find_moved(fs, step, from, to, to_name);

		if (r != 0)
			return MIN(r, 0);
	}
	return fs->rename(fs, from, step->name, to, to_name);
}

static int
make_move(const Making *making)
{
	int to = tidy_dir_fd(making->to_dir);
	int from = tidy_dir_fd(making->dir);

	if (from < 0 || to < 0)
		return MIN(from, to);
	return make_rename(making->options, making->step, from, to, making->step->to_name);
}

/* Trash specification 1.0: the info file first, exclusively, then the file itself. */
static int
make_trash(const Making *making)
{
	TidyFs *fs = making->options->fs;
	const TidyStep *step = making->step;
	g_autofree char *full = tidy_dir_entry_path(making->dir, step->name);
	g_autofree char *path = tidy_trash_path_for_info(making->to_dir, full);
	TidyTrashFds trash;
	int from = tidy_dir_fd(making->dir);
	int r = from < 0 ? from : tidy_trash_open(making->to_dir, &trash);

	if (r < 0)
		return r;
	if (making->options->has_checks) {
		r = find_moved(fs, step, from, trash.files, step->to_name);
		if (r == 1)
			r = tidy_trash_write_info(fs, &trash, step->to_name, path, TRUE);
		if (r != 0 || check_entry(fs, from, step) != 0)
			goto out;
	}
	r = tidy_trash_write_info(fs, &trash, step->to_name, path, making->options->is_replay);
	if (r == 0) {
		r = fs->rename(fs, from, step->name, trash.files, step->to_name);
		if (r < 0)
			tidy_trash_remove_info(fs, &trash, step->to_name);
	}
out:
	tidy_trash_close(fs, &trash);
	return r;
}

static int
make_restore(const Making *making)
{
	TidyFs *fs = making->options->fs;
	const TidyStep *step = making->step;
	TidyTrashFds trash;
	int to = tidy_dir_fd(making->to_dir);
	int r = to < 0 ? to : tidy_trash_open(making->dir, &trash);

	if (r < 0)
		return r;
	r = make_rename(making->options, step, trash.files, to, step->to_name);
	if (r == 0)
		tidy_trash_remove_info(fs, &trash, step->name);
	tidy_trash_close(fs, &trash);
	return r;
}

static int
make_delete(const Making *making)
{
	TidyFs *fs = making->options->fs;
	const TidyStep *step = making->step;
	int twin_dir = tidy_dir_fd(making->to_dir);
	int dir = tidy_dir_fd(making->dir);
	int fd;
	int twin;
	int r;

	if (dir < 0 || twin_dir < 0)
		return MIN(dir, twin_dir);
	r = check_entry(fs, dir, step);
	if (r == -ENOENT && making->options->is_replay)
		return 0;
	if (r < 0)
		return r;
	fd = fs->openat(fs, dir, step->name, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	twin = fs->openat(fs, twin_dir, step->to_name, O_RDONLY, 0);
	r = twin;
	if (twin >= 0) {
		r = tidy_share_prove(fs, fd, twin);
		/* The name must still lead to the file that was compared. */
		if (r == 0)
			r = check_entry(fs, dir, step);
		if (r == 0)
			r = fs->unlink(fs, dir, step->name, 0);
		fs->close(fs, twin);
	}
	fs->close(fs, fd);
	return r;
}

static int
make_copy(const Making *making)
{
	TidyFs *fs = making->options->fs;
	const TidyStep *step = making->step;
	int to = tidy_dir_fd(making->to_dir);
	int from = tidy_dir_fd(making->dir);
	int r;

	if (from < 0 || to < 0)
		return MIN(from, to);
	r = check_entry(fs, from, step);
	if (r < 0)
		return r;
	if (step->ino == step->to_ino)
		r = fs->link(fs, from, step->name, to, step->to_name);
	else
		r = tidy_copy_file(fs, from, to, step);
	return r == -EEXIST && making->options->is_replay ? 0 : r;
}

static int
make_mkdir(const Making *making)
{
	TidyFs *fs = making->options->fs;
	const TidyStep *step = making->step;
	TidyStat st;
	int dir = tidy_dir_fd(making->dir);
	int fd;
	int r;

	if (dir < 0)
		return dir;
	r = fs->mkdir(fs, dir, step->name, 0700);
	if (r == -EEXIST && fs->stat(fs, dir, step->name, &st) == 0 &&
	    tidy_stat_type(&st) == TIDY_TYPE_DIR) {
		/* Somebody made it again: what comes back goes into it. In a replay it is ours, perhaps half made. */
		if (!making->options->is_replay)
			return 0;
		r = 0;
	}
	if (r < 0)
		return r;
	fd = fs->openat(fs, dir, step->name, O_RDONLY | O_DIRECTORY, 0);
	r = fd;
	if (fd >= 0) {
		r = tidy_copy_metadata(fs, fd, step);
		fs->close(fs, fd);
	}
	/* Half made it would pass for somebody else's at the next try. */
	if (r < 0)
		fs->unlink(fs, dir, step->name, AT_REMOVEDIR);
	return r;
}

static int
make_rmdir(const Making *making)
{
	TidyFs *fs = making->options->fs;
	const TidyStep *step = making->step;
	int dir = tidy_dir_fd(making->dir);
	int r;

	if (dir < 0)
		return dir;
	if (making->options->has_checks) {
		r = check_entry(fs, dir, step);
		/* Case 3: gone, and perhaps a link or a new directory in its place already. */
		if (r == -ENOENT || (r == -ESTALE && making->options->is_replay))
			return 0;
		if (r < 0)
			return r;
	}
	tidy_dir_close_child(making->dir, step->name);
	return fs->unlink(fs, dir, step->name, AT_REMOVEDIR);
}

/* 0 when the link says @text, -ESTALE when it says something else, or -errno. */
static int
check_text(TidyFs *fs, int dir, const char *name, const char *text)
{
	char buffer[PATH_MAX];
	ssize_t length = fs->readlink(fs, dir, name, buffer, sizeof buffer);

	if (length < 0)
		return length == -EINVAL ? -ESTALE : (int)length;
	return (size_t)length == strlen(text) && memcmp(buffer, text, (size_t)length) == 0
		       ? 0
		       : -ESTALE;
}

int
tidy_text_check(TidyFs *fs, int dir, const TidyStep *step)
{
	g_autofree char *text = NULL;
	int r;

	if (step->type != TIDY_TYPE_FILE)
		return check_text(fs, dir, step->name, step->text);
	r = tidy_text_file_read(fs, dir, step->name, &text);
	if (r == -EINVAL)
		return -ESTALE;
	return r == 0 && strcmp(text, step->text) != 0 ? -ESTALE : r;
}

gboolean
tidy_text_says(TidyFs *fs, int dir, const TidyStep *step)
{
	return tidy_text_check(fs, dir, step) == 0;
}

static int
make_link(const Making *making)
{
	TidyFs *fs = making->options->fs;
	const TidyStep *step = making->step;
	int dir = tidy_dir_fd(making->dir);
	int r;

	if (dir < 0)
		return dir;
	r = step->type == TIDY_TYPE_FILE ? tidy_text_file_make(fs, dir, step->name, step->text)
					 : fs->symlink(fs, step->text, dir, step->name);
	if (r == -EEXIST && making->options->is_replay && tidy_text_says(fs, dir, step))
		r = 0;
	if (r == 0 && step->mode != 0 && step->type != TIDY_TYPE_FILE)
		fs->chown(fs, dir, step->name, step->uid, step->gid);
	if (r == 0 && step->mtime_ns != TIDY_TIME_OMIT)
		fs->utimens(fs, dir, step->name, TIDY_TIME_OMIT, step->mtime_ns);
	return r;
}

static int
make_unlink(const Making *making)
{
	TidyFs *fs = making->options->fs;
	const TidyStep *step = making->step;
	int dir = tidy_dir_fd(making->dir);
	int r;

	if (dir < 0)
		return dir;
	r = check_entry(fs, dir, step);
	/* Case 3: gone, and perhaps a directory in its place already. */
	if ((r == -ENOENT || r == -ESTALE) && making->options->is_replay)
		return 0;
	if (r < 0)
		return r;
	r = tidy_text_check(fs, dir, step);
	/* The name must still lead to what was read. */
	if (r == 0)
		r = check_entry(fs, dir, step);
	return r < 0 ? r : fs->unlink(fs, dir, step->name, 0);
}

static int
make_times(const Making *making)
{
	TidyFs *fs = making->options->fs;
	const TidyStep *step = making->step;
	int dir = tidy_dir_fd(making->dir);
	int r;

	if (dir < 0)
		return dir;
	r = check_entry(fs, dir, step);
	/* Only a stamp: a directory that is gone or new does not need it. */
	if (r == -ENOENT || r == -ESTALE)
		return 0;
	if (r < 0)
		return r;
	return fs->utimens(fs, dir, step->name, TIDY_TIME_OMIT, step->mtime_ns);
}

static int
make_shared(const Making *making)
{
	const TidyExecutorOptions *options = making->options;
	const TidyShare share = { options->fs, options->salt, options->has_checks };
	const TidyStep *step = making->step;
	int keep_dir = tidy_dir_fd(making->to_dir);
	int dir = tidy_dir_fd(making->dir);

	if (dir < 0 || keep_dir < 0)
		return MIN(dir, keep_dir);
	if (step->op == TIDY_OP_SAME)
		return tidy_share_check(&share, dir, keep_dir, step);
	if (step->op == TIDY_OP_HARDLINK)
		return tidy_share_hardlink(&share, dir, keep_dir, step);
	if (step->op == TIDY_OP_SEPARATE)
		return tidy_share_separate(&share, dir, step);
	return tidy_share_reflink(&share, dir, keep_dir, step);
}

int
tidy_make_step(const TidyExecutorOptions *options, const TidyStep *step, TidyDir *dir,
	       TidyDir *to_dir)
{
	Making making = { options, step, dir, to_dir };

	switch (step->op) {
	case TIDY_OP_MOVE:
		return make_move(&making);
	case TIDY_OP_TRASH:
		return make_trash(&making);
	case TIDY_OP_RESTORE:
		return make_restore(&making);
	case TIDY_OP_DELETE:
		return make_delete(&making);
	case TIDY_OP_COPY:
		return make_copy(&making);
	case TIDY_OP_MKDIR:
		return make_mkdir(&making);
	case TIDY_OP_RMDIR:
		return make_rmdir(&making);
	case TIDY_OP_LINK:
		return make_link(&making);
	case TIDY_OP_UNLINK:
		return make_unlink(&making);
	case TIDY_OP_TIMES:
		return make_times(&making);
	case TIDY_OP_SAME:
	case TIDY_OP_HARDLINK:
	case TIDY_OP_SEPARATE:
	case TIDY_OP_REFLINK:
		return make_shared(&making);
	case TIDY_OP_CARRY:
		break; /* in groups: see stage() */
	}
	return -EINVAL;
}
