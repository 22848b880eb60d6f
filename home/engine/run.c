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
		.apart = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.crossing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.made = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.renamed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.refused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, note_free),
		.sets = tidy_carry_sets_new(),
		.touched = g_ptr_array_new_with_free_func((GDestroyNotify)tidy_dir_unref),
		.newest_ns = engine->fs->now(engine->fs),
	};
}

void
tidy_run_clear(TidyRun *run)
{
	g_ptr_array_unref(run->notes);
	g_hash_table_unref(run->taken);
	g_hash_table_unref(run->apart);
	g_hash_table_unref(run->crossing);
	g_hash_table_unref(run->made);
	g_hash_table_unref(run->renamed);
	g_hash_table_unref(run->refused);
	g_hash_table_unref(run->sets);
	g_ptr_array_unref(run->touched);
}

static void
touch(TidyRun *run, TidyDir *dir)
{
	for (guint i = 0; i < run->touched->len; i++) {
		if (((const TidyDir *)g_ptr_array_index(run->touched, i))->dev == dir->dev)
			return;
	}
	if (dir->is_known)
		g_ptr_array_add(run->touched, tidy_dir_ref(dir));
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

gboolean
tidy_run_note_refused(TidyRun *run, const char *path)
{
	const RunNote *note = g_hash_table_lookup(run->refused, path);

	if (note == NULL)
		return FALSE;
	tidy_run_note(run, path, note->why, note->errno_code);
	return TRUE;
}

void
tidy_run_copied(gint64 bytes, gpointer data)
{
	TidyRun *run = data;
	TidyCounts counts = run->counts;

	run->copied_bytes += (guint64)bytes;
	counts.bytes = MAX(counts.bytes, run->copied_bytes);
	if (run->sink->progress != NULL)
		run->sink->progress(&counts, run->sink->data);
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
	case TIDY_WHY_UNKEEPABLE:
	case TIDY_WHY_NO_SHARING:
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
	case TIDY_OP_CARRY:
	case TIDY_OP_RESTORE:
	case TIDY_OP_COPY:
	case TIDY_OP_SEPARATE:
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
	case TIDY_OP_HARDLINK:
	case TIDY_OP_REFLINK:
		counts->folded++;
		break;
	case TIDY_OP_RMDIR:
		counts->removed++;
		break;
	case TIDY_OP_UNLINK:
	case TIDY_OP_MKDIR:
	case TIDY_OP_TIMES:
	case TIDY_OP_SAME:
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
report_made(TidyRun *run, const TidyStep *step, TidyDir *dir, TidyDir *to_dir)
{
	const TidySink *sink = run->sink;

	touch(run, dir);
	if (to_dir != NULL)
		touch(run, to_dir);

	if (step->op == TIDY_OP_MKDIR && step->to_name != NULL)
		g_hash_table_insert(run->renamed, tidy_dir_entry_path(dir, step->to_name),
				    g_strdup(step->name));
	if (run->n_made++ % CLOCK_STEPS == 0)
		run->newest_ns = MAX(run->newest_ns, run->engine->fs->now(run->engine->fs));
	count_step(&run->counts, step);
	if (sink->step != NULL && step->op != TIDY_OP_TIMES && step->op != TIDY_OP_SAME)
		tell_step(run, step, dir, to_dir);
	if (sink->progress != NULL)
		tidy_run_copied(0, run);
}

/* A rename that the file system does not make: another pass finds another way. */
static void
find_other_way(TidyRun *run, const TidyStep *step, const TidyDir *dir, const char *path,
	       int errno_code)
{
	gboolean is_new = FALSE;

	if (step->op != TIDY_OP_MOVE || step->why == TIDY_WHY_UNDO)
		return;
	/* A bind mount or another project quota: the same device number says nothing. */
	if (errno_code == EXDEV)
		is_new = g_hash_table_add(run->crossing, tidy_dir_path(dir));
	/* No RENAME_NOREPLACE (old NFS, some of FUSE). */
	else if (errno_code == EINVAL && step->type == TIDY_TYPE_DIR)
		is_new = g_hash_table_add(run->apart, g_strdup(path));
	run->n_races += (guint)is_new;
}

void
tidy_run_report(const TidyStep *step, TidyDir *dir, TidyDir *to_dir, TidyWhy outcome,
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
	if (errno_code == ENOTRECOVERABLE)
		run->is_stuck = TRUE;
	if (step->op == TIDY_OP_CARRY && outcome != TIDY_WHY_LOST_RACE) {
		RunNote *note = g_new0(RunNote, 1);

		note->why = outcome;
		note->errno_code = errno_code;
		g_hash_table_insert(run->refused, g_strdup(path), note);
	}
	find_other_way(run, step, dir, path, errno_code);
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

/* --- the journal --- */

TidyJournalFile *
tidy_opening_journal(gpointer data, GError **error)
{
	TidyOpening *opening = data;
	TidyEngine *engine = opening->engine;
	TidyStat home = { 0 };

	if (opening->file != NULL)
		return opening->file;
	if (!tidy_engine_claim(engine, error))
		return NULL;
	if (opening->resumed != NULL) {
		opening->header.id = opening->resumed->header.id;
		opening->file = tidy_store_reopen(engine->store, opening->resumed, error);
		return opening->file;
	}
	tidy_engine_stat_home(engine, &home);
	opening->header.begin_ns = engine->fs->now(engine->fs);
	opening->header.home_dev = home.dev;
	opening->header.home_ino = home.ino;
	opening->header.home = engine->home;
	opening->file = tidy_store_create(engine->store, &opening->header, error);
	return opening->file;
}
