/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run: counts what the executor reports and keeps what stayed for the end. Pure but for its sink. */
#include <errno.h>

#include "home/engine/engine-private.h"

/* The clock is looked at once in so many steps. */
#define CLOCK_STEPS 64

typedef struct {
	char *path;
	TidyWhy why;
	int errno_code;
} RunNote;

static void
note_free(gpointer data)
{
	RunNote *note = data;

	g_free(note->path);
	g_free(note);
}

void
tidy_run_init(TidyRun *run, TidyEngine *engine, const TidySink *sink)
{
	static const TidySink silent;

	*run = (TidyRun){
		.engine = engine,
		.sink = sink != NULL ? sink : &silent,
		.notes = g_ptr_array_new_with_free_func(note_free),
		.taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.newest_ns = engine->fs->now(engine->fs),
	};
}

void
tidy_run_clear(TidyRun *run)
{
	g_ptr_array_unref(run->notes);
	g_hash_table_unref(run->taken);
}

void
tidy_run_new_pass(TidyRun *run)
{
	g_ptr_array_set_size(run->notes, 0);
	run->n_races = 0;
}

void
tidy_run_note(TidyRun *run, const char *path, TidyWhy why, int errno_code)
{
	RunNote *note = g_new0(RunNote, 1);

	note->path = g_strdup(path);
	note->why = why;
	note->errno_code = errno_code;
	g_ptr_array_add(run->notes, note);
}

/* What the system refused, as opposed to what we chose to leave. */
static gboolean
is_problem(const RunNote *note)
{
	switch (note->why) {
	case TIDY_WHY_FAILED:
	case TIDY_WHY_UNREADABLE:
	case TIDY_WHY_NO_NAME:
	case TIDY_WHY_CROSS_DEVICE:
	case TIDY_WHY_CHANGED:
	case TIDY_WHY_GONE:
	case TIDY_WHY_LOST_RACE:
		return TRUE;
	case TIDY_WHY_NONE:
	case TIDY_WHY_ABSENT:
	case TIDY_WHY_NAME_TAKEN:
	case TIDY_WHY_IDENTICAL:
	case TIDY_WHY_SAME_FILE:
	case TIDY_WHY_NEWER:
	case TIDY_WHY_VIEW_FILE:
	case TIDY_WHY_RELATIVE_LINK:
	case TIDY_WHY_EMPTY:
	case TIDY_WHY_COMPATIBILITY:
	case TIDY_WHY_UNDO:
	case TIDY_WHY_METADATA:
	case TIDY_WHY_UNFINISHED:
	case TIDY_WHY_OPEN:
	case TIDY_WHY_YOUNG:
	case TIDY_WHY_MOUNT:
	case TIDY_WHY_POLICY_SKIP:
	case TIDY_WHY_POLICY_ASK:
		return FALSE;
	}
	return TRUE;
}

TidyOutcome
tidy_run_finish(TidyRun *run)
{
	const TidySink *sink = run->sink;

	run->counts.left = 0;
	run->counts.failed = 0;
	for (guint i = 0; i < run->notes->len; i++) {
		const RunNote *note = g_ptr_array_index(run->notes, i);

		if (is_problem(note)) {
			run->counts.failed++;
			if (sink->problem != NULL)
				sink->problem(note->path, note->why, note->errno_code, sink->data);
		} else {
			run->counts.left++;
			if (sink->left != NULL)
				sink->left(note->path, note->why, sink->data);
		}
	}
	return run->notes->len > 0 ? TIDY_OUTCOME_PARTIAL : TIDY_OUTCOME_DONE;
}

static void
count_step(TidyCounts *counts, const TidyStep *step)
{
	switch (step->op) {
	case TIDY_OP_MOVE:
	case TIDY_OP_RESTORE:
	case TIDY_OP_COPY:
		if (step->why == TIDY_WHY_NAME_TAKEN)
			counts->kept_both++;
		else
			counts->moved++;
		if (step->size > 0)
			counts->bytes += (guint64)step->size;
		break;
	case TIDY_OP_LINK:
		counts->moved +=
			step->type == TIDY_TYPE_LINK && step->why != TIDY_WHY_COMPATIBILITY;
		break;
	case TIDY_OP_TRASH:
	case TIDY_OP_DELETE:
		counts->folded++;
		break;
	case TIDY_OP_RMDIR:
		counts->removed++;
		break;
	case TIDY_OP_UNLINK:
	case TIDY_OP_MKDIR:
	case TIDY_OP_TIMES:
		break;
	}
}

static void
tell_step(TidyRun *run, const TidyStep *step, const TidyDir *dir, const TidyDir *to_dir)
{
	const TidySink *sink = run->sink;
	g_autofree char *from = NULL;
	g_autofree char *to = NULL;

	if (sink->paths_max == 0 || run->n_told++ < sink->paths_max) {
		from = tidy_dir_entry_path(dir, step->name);
		to = to_dir != NULL ? tidy_dir_entry_path(to_dir, step->to_name) : NULL;
	}
	sink->step(step, from, to, sink->data);
}

static void
report_made(TidyRun *run, const TidyStep *step, const TidyDir *dir, const TidyDir *to_dir)
{
	const TidySink *sink = run->sink;

	if (run->n_made++ % CLOCK_STEPS == 0)
		run->newest_ns = MAX(run->newest_ns, run->engine->fs->now(run->engine->fs));
	count_step(&run->counts, step);
	if (sink->step != NULL && step->op != TIDY_OP_TIMES)
		tell_step(run, step, dir, to_dir);
	if (sink->progress != NULL)
		sink->progress(&run->counts, sink->data);
}

void
tidy_run_report(const TidyStep *step, const TidyDir *dir, const TidyDir *to_dir, TidyWhy outcome,
		int errno_code, gpointer data)
{
	TidyRun *run = data;
	g_autofree char *path = NULL;

	if (outcome == TIDY_WHY_NONE) {
		report_made(run, step, dir, to_dir);
		return;
	}
	path = tidy_dir_entry_path(dir, step->name);
	if (outcome == TIDY_WHY_LOST_RACE)
		run->n_races++;
	if (step->op == TIDY_OP_MOVE && errno_code == EEXIST)
		g_hash_table_add(run->taken, g_strdup(path));
	/* A directory that is not empty has entries that were told already, or that came meanwhile; and what is gone by
	 * itself no longer needs to go. */
	if (step->needs_previous && outcome == TIDY_WHY_LOST_RACE)
		return;
	if ((step->op == TIDY_OP_RMDIR || step->op == TIDY_OP_TIMES) &&
	    (outcome == TIDY_WHY_LOST_RACE || outcome == TIDY_WHY_GONE))
		return;
	if (outcome == TIDY_WHY_GONE && step->why != TIDY_WHY_UNDO)
		return;
	tidy_run_note(run, path, outcome, errno_code);
}
