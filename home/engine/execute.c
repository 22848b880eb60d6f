/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The executor: intents to the journal, then the steps. I/O. Cases: see the header. */
#include "home/engine/execute.h"

#include <errno.h>

#include "home/base/error.h"
#include "home/engine/make.h"

/* One sync per so many steps costs next to nothing; one per step would cost 11 times the work itself
 * (an append-only log with fdatasync, measured on 8,235 renames). A long merge takes longer batches: beside other work on
 * the disk a sync may wait for 30 ms, as long as a thousand renames. */
#define BATCH_STEPS_FIRST 1024
#define BATCH_STEPS_LAST  8192

typedef struct {
	TidyStep step;
	TidyDir *dir;
	TidyDir *to_dir; /* or NULL */
	gboolean has_failed;
	gint staged; /* its place in the carrier's group; -1: none */
	gint result; /* of a move in a run (case 8): 0, -errno, or NOT_MADE */
} Pending;

#define NOT_MADE G_MAXINT

struct TidyExecutor {
	TidyExecutorOptions options;
	GArray *pending;      /* of Pending */
	TidyCarrier *carrier; /* NULL: nothing was carried yet */
	GArray *waiting;      /* of guint: indexes of what ends with the group */
	GPtrArray *order;     /* of Pending: a run of moves, as they are made */
	guint n_staged;
	gboolean has_failed;	  /* the last step of the batch before */
	guint batch_steps;	  /* so many make a batch */
	TidyJournalFile *journal; /* NULL: not opened yet, or none */
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
	executor->waiting = g_array_new(FALSE, FALSE, sizeof(guint));
	executor->order = g_ptr_array_new();
	return executor;
}

void
tidy_executor_free(TidyExecutor *executor)
{
	g_clear_pointer(&executor->carrier, tidy_carrier_free);
	g_array_unref(executor->waiting);
	g_ptr_array_unref(executor->order);
	g_array_unref(executor->pending);
	g_free(executor);
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
	case ETXTBSY:
		return TIDY_WHY_OPEN;
	case EOPNOTSUPP:
		return TIDY_WHY_UNKEEPABLE;
	case ENOTTY:
		return TIDY_WHY_NO_SHARING;
	default:
		return TIDY_WHY_FAILED;
	}
}

/* --- batches --- */

static void
put_record(TidyExecutor *executor, TidyDir *dir)
{
	TidyDirInfo info;

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

/* Writes the records of @dir and of those above it that the journal does not have yet; from above, and not by recursion:
 * they may be very many. */
static void
put_dir(TidyExecutor *executor, TidyDir *dir)
{
	g_autoptr(GPtrArray) above = NULL;

	if (dir->id != 0)
		return;
	above = g_ptr_array_new();
	for (TidyDir *at = dir->parent; at != NULL && at->id == 0; at = at->parent)
		g_ptr_array_add(above, at);
	for (guint i = above->len; i > 0; i--)
		put_record(executor, g_ptr_array_index(above, i - 1));
	put_record(executor, dir);
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

/* The step came to its end. */
static void
end_pending(TidyExecutor *executor, Pending *pending, int r)
{
	const TidyExecutorOptions *options = &executor->options;
	TidyWhy why = why_of_errno(-r);

	pending->has_failed = r < 0;
	/* A step that was half made was not skipped. */
	if (why != TIDY_WHY_NONE && r != -ENOTRECOVERABLE && executor->journal != NULL)
		tidy_journal_file_put_skip(executor->journal, pending->step.seq, why);
	if (options->report != NULL)
		options->report(&pending->step, pending->dir, pending->to_dir, why, -r,
				options->report_data);
}

static int
make_one(TidyExecutor *executor, Pending *pending)
{
	return tidy_make_step(&executor->options, &pending->step, pending->dir, pending->to_dir);
}

static Pending *
pending_at(TidyExecutor *executor, guint index)
{
	return &g_array_index(executor->pending, Pending, index);
}

static gboolean
is_held_up(TidyExecutor *executor, guint index)
{
	gboolean has_failed =
		index > 0 ? pending_at(executor, index - 1)->has_failed : executor->has_failed;

	return pending_at(executor, index)->step.needs_previous && has_failed;
}

static void
make_pending(TidyExecutor *executor, guint index)
{
	Pending *pending = pending_at(executor, index);
	int r = -ESTALE;

	if (!is_held_up(executor, index))
		r = executor->options.is_dry_run ? 0 : make_one(executor, pending);
	end_pending(executor, pending, r);
}

/* --- groups of files that go to another file system (case 7) --- */

static TidyCarrier *
carrier_of(TidyExecutor *executor)
{
	const TidyExecutorOptions *options = &executor->options;
	TidyCarrierOptions carrying = {
		.fs = options->fs,
		.sets = options->sets,
		.salt = options->salt,
		.is_replay = options->is_replay,
		.has_checks = options->has_checks,
		.cancellable = options->cancellable,
		.copied = options->copied,
		.copied_data = options->report_data,
	};

	if (executor->carrier == NULL)
		executor->carrier = tidy_carrier_new(&carrying);
	return executor->carrier;
}

/* What would come before its time if it were made while copies wait for their names: a directory is not empty yet, its
 * stamp would not last, a name is not free yet. */
static gboolean
has_to_wait(TidyExecutor *executor, guint index)
{
	const TidyStep *step = &pending_at(executor, index)->step;
	guint n = executor->waiting->len;

	if (n == 0)
		return FALSE;
	return step->op == TIDY_OP_RMDIR || step->op == TIDY_OP_TIMES || step->op == TIDY_OP_MOVE ||
	       step->op == TIDY_OP_RESTORE ||
	       (step->needs_previous &&
		g_array_index(executor->waiting, guint, n - 1) == index - 1);
}

/* A link that is made on another file system than the one that goes in the next step: that step has to wait until this
 * one is durable. */
static gboolean
is_pair_of_links(TidyExecutor *executor, guint link)
{
	const Pending *made = pending_at(executor, link);
	const Pending *gone;

	if (link + 1 >= executor->pending->len)
		return FALSE;
	gone = pending_at(executor, link + 1);
	return made->step.op == TIDY_OP_LINK && gone->step.op == TIDY_OP_UNLINK &&
	       gone->step.needs_previous && tidy_dir_fd(made->dir) >= 0 &&
	       tidy_dir_fd(gone->dir) >= 0 && made->dir->dev != gone->dir->dev;
}

/* What waited for the group, now that it has ended. */
static void
make_waiting(TidyExecutor *executor, guint index)
{
	Pending *pending = pending_at(executor, index);
	int r;

	if (index == 0 || !is_pair_of_links(executor, index - 1)) {
		make_pending(executor, index);
		return;
	}
	r = tidy_carrier_is_durable(executor->carrier, pending_at(executor, index - 1)->dir);
	if (r == 0)
		r = make_one(executor, pending);
	/* Now there are two of it. */
	if (r < 0 && r != -ENOENT && r != -ESTALE)
		r = -ENOTRECOVERABLE;
	end_pending(executor, pending, r);
}

static void
drop_group(TidyExecutor *executor)
{
	if (executor->carrier != NULL)
		tidy_carrier_clear(executor->carrier);
	g_array_set_size(executor->waiting, 0);
	executor->n_staged = 0;
}

/* Ends the group and what waits for it, in the order of the steps. 0 or -ECANCELED. */
static int
end_group(TidyExecutor *executor)
{
	int r;

	if (executor->waiting->len == 0)
		return 0;
	r = tidy_carrier_place(executor->carrier);
	for (guint i = 0; r == 0 && i < executor->waiting->len; i++) {
		guint index = g_array_index(executor->waiting, guint, i);
		Pending *pending = pending_at(executor, index);

		if (pending->staged >= 0)
			end_pending(executor, pending,
				    tidy_carrier_finish(executor->carrier, (guint)pending->staged));
		else
			make_waiting(executor, index);
	}
	drop_group(executor);
	return r;
}

/* 0 or -ECANCELED. */
static int
stage(TidyExecutor *executor, guint index)
{
	Pending *pending = pending_at(executor, index);
	int r = -ESTALE;

	if (!is_held_up(executor, index))
		r = tidy_carrier_stage(carrier_of(executor), &pending->step, pending->dir,
				       pending->to_dir);
	if (r == -ECANCELED)
		return r;
	if (r != 0) {
		end_pending(executor, pending, MIN(r, 0));
		return 0;
	}
	pending->staged = (gint)executor->n_staged++;
	g_array_append_val(executor->waiting, index);
	return tidy_carrier_is_full(executor->carrier) ? end_group(executor) : 0;
}

static int
make_or_stage(TidyExecutor *executor, guint index)
{
	if (g_cancellable_is_cancelled(executor->options.cancellable))
		return -ECANCELED;
	if (pending_at(executor, index)->step.op == TIDY_OP_CARRY && !executor->options.is_dry_run)
		return stage(executor, index);
	if (has_to_wait(executor, index) ||
	    (index > 0 && !is_held_up(executor, index) && is_pair_of_links(executor, index - 1) &&
	     !executor->options.is_dry_run)) {
		g_array_append_val(executor->waiting, index);
		return 0;
	}
	if (is_pair_of_links(executor, index) && !executor->options.is_dry_run) {
		int r = tidy_carrier_await(carrier_of(executor), pending_at(executor, index)->dir);

		if (r < 0) {
			end_pending(executor, pending_at(executor, index), r);
			return 0;
		}
	}
	make_pending(executor, index);
	return 0;
}

/* --- runs of moves (case 8) --- */

static gboolean
is_free_move(TidyExecutor *executor, guint index)
{
	const TidyStep *step = &pending_at(executor, index)->step;

	return step->op == TIDY_OP_MOVE && step->disk_order != 0 && !step->needs_previous;
}

/* So many moves from @index on go between the same two directories, and nothing hangs on one of them but what follows. */
static guint
run_length(TidyExecutor *executor, guint index)
{
	const Pending *first = pending_at(executor, index);
	guint n = 0;

	if (executor->waiting->len > 0 || executor->options.is_dry_run)
		return 0;
	while (index + n < executor->pending->len && is_free_move(executor, index + n) &&
	       pending_at(executor, index + n)->dir == first->dir &&
	       pending_at(executor, index + n)->to_dir == first->to_dir)
		n++;
	return n;
}

static int
compare_disk_order(gconstpointer a, gconstpointer b)
{
	const Pending *one = *(const Pending *const *)a;
	const Pending *other = *(const Pending *const *)b;

	return (one->step.disk_order > other->step.disk_order) -
	       (one->step.disk_order < other->step.disk_order);
}

/* 0 or -ECANCELED. */
static int
make_run(TidyExecutor *executor, guint index, guint n)
{
	GPtrArray *order = executor->order;
	int r = 0;

	g_ptr_array_set_size(order, 0);
	for (guint i = 0; i < n; i++) {
		pending_at(executor, index + i)->result = NOT_MADE;
		g_ptr_array_add(order, pending_at(executor, index + i));
	}
	g_ptr_array_sort(order, compare_disk_order);
	for (guint i = 0; i < n && r == 0; i++) {
		Pending *pending = g_ptr_array_index(order, i);

		if (g_cancellable_is_cancelled(executor->options.cancellable))
			r = -ECANCELED;
		else
			pending->result = make_one(executor, pending);
	}
	for (guint i = 0; i < n; i++) {
		Pending *pending = pending_at(executor, index + i);

		if (pending->result != NOT_MADE)
			end_pending(executor, pending, pending->result);
	}
	return r;
}

gboolean
tidy_executor_flush(TidyExecutor *executor, GError **error)
{
	const TidyExecutorOptions *options = &executor->options;
	int r = 0;

	if (executor->pending->len == 0)
		return TRUE;
	if (options->journal != NULL && !write_intents(executor, error)) {
		g_array_set_size(executor->pending, 0);
		return FALSE;
	}
	for (guint i = 0; r == 0 && i < executor->pending->len;) {
		guint n = run_length(executor, i);

		r = n > 0 ? make_run(executor, i, n) : make_or_stage(executor, i);
		i += MAX(n, 1);
	}
	if (r == 0)
		r = end_group(executor);
	executor->has_failed = pending_at(executor, executor->pending->len - 1)->has_failed;
	drop_group(executor);
	g_array_set_size(executor->pending, 0);
	if (r == 0)
		return TRUE;
	g_set_error(error, TIDY_ERROR, TIDY_ERROR_CANCELLED, "stopped on request");
	return FALSE;
}

gboolean
tidy_executor_add(TidyExecutor *executor, TidyStep *step, TidyDir *dir, TidyDir *to_dir,
		  GError **error)
{
	Pending pending = {
		.step = *step,
		.dir = tidy_dir_ref(dir),
		.to_dir = to_dir != NULL ? tidy_dir_ref(to_dir) : NULL,
		.staged = -1,
	};
	gboolean is_fine = TRUE;

	*step = (TidyStep){ 0 };
	/* A step that hangs on its predecessor must be in the same batch. */
	if (executor->pending->len >= executor->batch_steps && !pending.step.needs_previous) {
		executor->batch_steps = MIN(executor->batch_steps * 2, BATCH_STEPS_LAST);
		is_fine = tidy_executor_flush(executor, error);
	}
	if (is_fine)
		g_array_append_val(executor->pending, pending);
	else
		pending_clear(&pending);
	return is_fine;
}
