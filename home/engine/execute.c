/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The executor: intents to the journal, then the steps. I/O. Cases: see the header. */
#include "home/engine/execute.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "home/base/error.h"
#include "home/compare/compare.h"
#include "home/engine/copy.h"
#include "home/engine/text-file.h"
#include "home/engine/trash.h"

/* One sync per so many steps costs next to nothing; one per step would cost 11 times the work itself
 * (an append-only log with fdatasync, measured on 8,235 renames). A long merge takes longer batches: beside other work on
 * the disk a sync may wait for 30 ms, as long as a thousand renames. */
#define BATCH_STEPS_FIRST 1024
#define BATCH_STEPS_LAST  8192

typedef struct {
	TidyStep step;
	TidyDir *dir;
	TidyDir *to_dir; /* or NULL */
} Pending;

struct TidyExecutor {
	TidyExecutorOptions options;
	GArray *pending;	  /* of Pending */
	guint batch_steps;	  /* so many make a batch */
	TidyJournalFile *journal; /* NULL: not opened yet, or none */
	gboolean previous_failed;
};

static void
pending_clear(gpointer data)
{
	Pending *pending = data;

	tidy_step_clear(&pending->step);
	tidy_dir_unref(pending->dir);
	if (pending->to_dir != NULL)
		tidy_dir_unref(pending->to_dir);
}

TidyExecutor *
tidy_executor_new(const TidyExecutorOptions *options)
{
	TidyExecutor *executor = g_new0(TidyExecutor, 1);

	executor->options = *options;
	executor->options.has_checks |= options->is_replay;
	executor->batch_steps = BATCH_STEPS_FIRST;
	executor->pending = g_array_new(FALSE, FALSE, sizeof(Pending));
	g_array_set_clear_func(executor->pending, pending_clear);
	return executor;
}

void
tidy_executor_free(TidyExecutor *executor)
{
	g_array_unref(executor->pending);
	g_free(executor);
}

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
make_rename(TidyExecutor *executor, const TidyStep *step, int from, int to, const char *to_name)
{
	TidyFs *fs = executor->options.fs;

	if (executor->options.has_checks) {
		int r = find_moved(fs, step, from, to, to_name);

		if (r != 0)
			return MIN(r, 0);
	}
	return fs->rename(fs, from, step->name, to, to_name);
}

static int
make_move(TidyExecutor *executor, Pending *pending)
{
	int to = tidy_dir_fd(pending->to_dir);
	int from = tidy_dir_fd(pending->dir);

	if (from < 0 || to < 0)
		return MIN(from, to);
	return make_rename(executor, &pending->step, from, to, pending->step.to_name);
}

/* Trash specification 1.0: the info file first, exclusively, then the file itself. */
static int
make_trash(TidyExecutor *executor, Pending *pending)
{
	TidyFs *fs = executor->options.fs;
	const TidyStep *step = &pending->step;
	g_autofree char *full = tidy_dir_entry_path(pending->dir, step->name);
	g_autofree char *path = tidy_trash_path_for_info(pending->to_dir, full);
	TidyTrashFds trash;
	int from = tidy_dir_fd(pending->dir);
	int r = from < 0 ? from : tidy_trash_open(pending->to_dir, &trash);

	if (r < 0)
		return r;
	if (executor->options.has_checks) {
		r = find_moved(fs, step, from, trash.files, step->to_name);
		if (r == 1)
			r = tidy_trash_write_info(fs, &trash, step->to_name, path, TRUE);
		if (r != 0 || check_entry(fs, from, step) != 0)
			goto out;
	}
	r = tidy_trash_write_info(fs, &trash, step->to_name, path, executor->options.is_replay);
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
make_restore(TidyExecutor *executor, Pending *pending)
{
	TidyFs *fs = executor->options.fs;
	const TidyStep *step = &pending->step;
	TidyTrashFds trash;
	int to = tidy_dir_fd(pending->to_dir);
	int r = to < 0 ? to : tidy_trash_open(pending->dir, &trash);

	if (r < 0)
		return r;
	r = make_rename(executor, step, trash.files, to, step->to_name);
	if (r == 0)
		tidy_trash_remove_info(fs, &trash, step->name);
	tidy_trash_close(fs, &trash);
	return r;
}

/* TRUE when @fd has the same bytes as @twin, or is the same file under another name. The twin's bytes are made durable:
 * it is about to be the only copy. */
static gboolean
is_safe_to_delete(TidyFs *fs, int fd, int twin, int *r)
{
	TidyStat a;
	TidyStat b;

	*r = fs->stat(fs, fd, "", &a);
	if (*r == 0)
		*r = fs->stat(fs, twin, "", &b);
	if (*r < 0)
		return FALSE;
	if (a.dev == b.dev && a.ino == b.ino)
		return a.nlink > 1;
	if (fs->no_writer(fs, fd) == -EAGAIN || fs->no_writer(fs, twin) == -EAGAIN) {
		*r = -EBUSY;
		return FALSE;
	}
	*r = tidy_compare_fds(fs, fd, twin,
			      &(TidyCompareOptions){ .expected_a = &a, .expected_b = &b }) ==
			     TIDY_COMPARE_EQUAL
		     ? 0
		     : -ESTALE;
	if (*r == 0)
		*r = fs->fsync(fs, twin);
	return *r == 0;
}

static int
make_delete(TidyExecutor *executor, Pending *pending)
{
	TidyFs *fs = executor->options.fs;
	const TidyStep *step = &pending->step;
	int twin_dir = tidy_dir_fd(pending->to_dir);
	int dir = tidy_dir_fd(pending->dir);
	int fd;
	int twin;
	int r;

	if (dir < 0 || twin_dir < 0)
		return MIN(dir, twin_dir);
	r = check_entry(fs, dir, step);
	if (r == -ENOENT && executor->options.is_replay)
		return 0;
	if (r < 0)
		return r;
	fd = fs->openat(fs, dir, step->name, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	twin = fs->openat(fs, twin_dir, step->to_name, O_RDONLY, 0);
	r = twin;
	if (twin >= 0) {
		if (is_safe_to_delete(fs, fd, twin, &r)) {
			/* The name must still lead to the file that was compared. */
			r = check_entry(fs, dir, step);
			if (r == 0)
				r = fs->unlink(fs, dir, step->name, 0);
		} else if (r == 0) {
			r = -ESTALE;
		}
		fs->close(fs, twin);
	}
	fs->close(fs, fd);
	return r;
}

static int
make_copy(TidyExecutor *executor, Pending *pending)
{
	TidyFs *fs = executor->options.fs;
	const TidyStep *step = &pending->step;
	int to = tidy_dir_fd(pending->to_dir);
	int from = tidy_dir_fd(pending->dir);
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
	return r == -EEXIST && executor->options.is_replay ? 0 : r;
}

static int
make_mkdir(TidyExecutor *executor, Pending *pending)
{
	TidyFs *fs = executor->options.fs;
	const TidyStep *step = &pending->step;
	TidyStat st;
	int dir = tidy_dir_fd(pending->dir);
	int fd;
	int r;

	if (dir < 0)
		return dir;
	r = fs->mkdir(fs, dir, step->name, 0700);
	if (r == -EEXIST && fs->stat(fs, dir, step->name, &st) == 0 &&
	    tidy_stat_type(&st) == TIDY_TYPE_DIR) {
		/* Somebody made it again: what comes back goes into it. In a replay it is ours, perhaps half made. */
		if (!executor->options.is_replay)
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
make_rmdir(TidyExecutor *executor, Pending *pending)
{
	TidyFs *fs = executor->options.fs;
	const TidyStep *step = &pending->step;
	int dir = tidy_dir_fd(pending->dir);
	int r;

	if (dir < 0)
		return dir;
	if (executor->options.has_checks) {
		r = check_entry(fs, dir, step);
		/* Case 3: gone, and perhaps a link or a new directory in its place already. */
		if (r == -ENOENT || (r == -ESTALE && executor->options.is_replay))
			return 0;
		if (r < 0)
			return r;
	}
	return fs->unlink(fs, dir, step->name, AT_REMOVEDIR);
}

static gboolean
link_says(TidyFs *fs, int dir, const char *name, const char *text)
{
	char buffer[PATH_MAX];
	ssize_t length = fs->readlink(fs, dir, name, buffer, sizeof buffer);

	return length >= 0 && (size_t)length == strlen(text) &&
	       memcmp(buffer, text, (size_t)length) == 0;
}

gboolean
tidy_text_says(TidyFs *fs, int dir, const TidyStep *step)
{
	g_autofree char *text = NULL;

	if (step->type != TIDY_TYPE_FILE)
		return link_says(fs, dir, step->name, step->text);
	text = tidy_text_file_read(fs, dir, step->name);
	return g_strcmp0(text, step->text) == 0;
}

static int
make_link(TidyExecutor *executor, Pending *pending)
{
	TidyFs *fs = executor->options.fs;
	const TidyStep *step = &pending->step;
	int dir = tidy_dir_fd(pending->dir);
	int r;

	if (dir < 0)
		return dir;
	r = step->type == TIDY_TYPE_FILE ? tidy_text_file_make(fs, dir, step->name, step->text)
					 : fs->symlink(fs, step->text, dir, step->name);
	if (r == -EEXIST && executor->options.is_replay && tidy_text_says(fs, dir, step))
		r = 0;
	if (r == 0 && step->mtime_ns != TIDY_TIME_OMIT)
		fs->utimens(fs, dir, step->name, TIDY_TIME_OMIT, step->mtime_ns);
	return r;
}

static int
make_unlink(TidyExecutor *executor, Pending *pending)
{
	TidyFs *fs = executor->options.fs;
	const TidyStep *step = &pending->step;
	int dir = tidy_dir_fd(pending->dir);
	int r;

	if (dir < 0)
		return dir;
	r = check_entry(fs, dir, step);
	if (r < 0)
		return r == -ENOENT && executor->options.is_replay ? 0 : r;
	if (!tidy_text_says(fs, dir, step))
		return -ESTALE;
	/* The name must still lead to what was read. */
	r = check_entry(fs, dir, step);
	if (r < 0)
		return r;
	return fs->unlink(fs, dir, step->name, 0);
}

static int
make_times(TidyExecutor *executor, Pending *pending)
{
	TidyFs *fs = executor->options.fs;
	const TidyStep *step = &pending->step;
	int dir = tidy_dir_fd(pending->dir);
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
make_step(TidyExecutor *executor, Pending *pending)
{
	switch (pending->step.op) {
	case TIDY_OP_MOVE:
		return make_move(executor, pending);
	case TIDY_OP_TRASH:
		return make_trash(executor, pending);
	case TIDY_OP_RESTORE:
		return make_restore(executor, pending);
	case TIDY_OP_DELETE:
		return make_delete(executor, pending);
	case TIDY_OP_COPY:
		return make_copy(executor, pending);
	case TIDY_OP_MKDIR:
		return make_mkdir(executor, pending);
	case TIDY_OP_RMDIR:
		return make_rmdir(executor, pending);
	case TIDY_OP_LINK:
		return make_link(executor, pending);
	case TIDY_OP_UNLINK:
		return make_unlink(executor, pending);
	case TIDY_OP_TIMES:
		return make_times(executor, pending);
	}
	return -EINVAL;
}

static TidyWhy
why_of_errno(int errno_code)
{
	switch (errno_code) {
	case 0:
		return TIDY_WHY_NONE;
	case ENOENT:
		return TIDY_WHY_GONE;
	case EEXIST:
	case ENOTEMPTY:
	case ESTALE:
	case ENOTDIR:
	case ELOOP:
		return TIDY_WHY_LOST_RACE;
	case EXDEV:
		return TIDY_WHY_CROSS_DEVICE;
	case EBUSY:
		return TIDY_WHY_MOUNT;
	default:
		return TIDY_WHY_FAILED;
	}
}

/* --- batches --- */

/* Writes the records of @dir and of those above it that the journal does not have yet. */
static void
put_dir(TidyExecutor *executor, TidyDir *dir)
{
	TidyDirInfo info;

	if (dir->id != 0)
		return;
	if (dir->parent != NULL)
		put_dir(executor, dir->parent);
	/* What it is now, if it is: one that a step will make has nothing to be remembered. */
	if (!dir->is_known)
		tidy_dir_fd(dir);
	info = (TidyDirInfo){
		.parent = dir->parent != NULL ? dir->parent->id : 0,
		.name = dir->name,
		.dev = dir->dev,
		.ino = dir->is_known ? dir->ino : 0,
		.mtime_ns = dir->original_ns,
		.mode = dir->mode,
	};
	tidy_journal_file_put_dir(executor->journal, &info);
	dir->id = info.id;
}

static gboolean
write_intents(TidyExecutor *executor, GError **error)
{
	if (executor->journal == NULL)
		executor->journal =
			executor->options.journal(executor->options.journal_data, error);
	if (executor->journal == NULL)
		return FALSE;
	for (guint i = 0; i < executor->pending->len; i++) {
		Pending *pending = &g_array_index(executor->pending, Pending, i);

		put_dir(executor, pending->dir);
		pending->step.dir = pending->dir->id;
		if (pending->to_dir != NULL) {
			put_dir(executor, pending->to_dir);
			pending->step.to_dir = pending->to_dir->id;
		}
		tidy_journal_file_put_step(executor->journal, &pending->step);
	}
	return tidy_journal_file_sync(executor->journal, error);
}

static void
make_pending(TidyExecutor *executor, Pending *pending)
{
	const TidyExecutorOptions *options = &executor->options;
	TidyWhy why = TIDY_WHY_LOST_RACE;
	int r = -ESTALE;

	if (!pending->step.needs_previous || !executor->previous_failed) {
		r = options->is_dry_run ? 0 : make_step(executor, pending);
		why = why_of_errno(-r);
	}
	executor->previous_failed = r < 0;
	if (why != TIDY_WHY_NONE && executor->journal != NULL)
		tidy_journal_file_put_skip(executor->journal, pending->step.seq, why);
	if (options->report != NULL)
		options->report(&pending->step, pending->dir, pending->to_dir, why, -r,
				options->report_data);
}

gboolean
tidy_executor_flush(TidyExecutor *executor, GError **error)
{
	const TidyExecutorOptions *options = &executor->options;

	if (executor->pending->len == 0)
		return TRUE;
	if (options->journal != NULL && !write_intents(executor, error)) {
		g_array_set_size(executor->pending, 0);
		return FALSE;
	}
	for (guint i = 0; i < executor->pending->len; i++) {
		if (g_cancellable_is_cancelled(options->cancellable)) {
			g_array_set_size(executor->pending, 0);
			g_set_error(error, TIDY_ERROR, TIDY_ERROR_CANCELLED, "stopped on request");
			return FALSE;
		}
		make_pending(executor, &g_array_index(executor->pending, Pending, i));
	}
	g_array_set_size(executor->pending, 0);
	return TRUE;
}

gboolean
tidy_executor_add(TidyExecutor *executor, TidyStep *step, TidyDir *dir, TidyDir *to_dir,
		  GError **error)
{
	Pending pending = {
		.step = *step,
		.dir = tidy_dir_ref(dir),
		.to_dir = to_dir != NULL ? tidy_dir_ref(to_dir) : NULL,
	};

	*step = (TidyStep){ 0 };
	g_array_append_val(executor->pending, pending);
	/* A step that hangs on its predecessor must be in the same batch. */
	if (executor->pending->len < executor->batch_steps || pending.step.needs_previous)
		return TRUE;
	executor->batch_steps = MIN(executor->batch_steps * 2, BATCH_STEPS_LAST);
	return tidy_executor_flush(executor, error);
}
