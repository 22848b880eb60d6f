/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Undo: the journal of an operation read backwards, each step inverted, as far as present facts allow. I/O.
 *
 * Before a step is taken back its entry is looked up where the operation put it:
 *   1 it is there, the same inode, not changed since         taken back
 *   2 it is there but changed after the operation ended       left, reported (changed-since)
 *   3 it is not there, but where it was before                the step was never made, or is undone: nothing to do
 *   4 it is in neither place                                  left, reported (gone)
 * "Changed" is the inode's change time, which nobody can set. Times that fall into another of our operations do not
 * count. Directory times come last, from what the journal says they were when first seen.
 */
#include <errno.h>
#include <string.h>

#include "home/base/error.h"
#include "home/engine/known.h"
#include "home/engine/undo-private.h"

/* --- the walk backwards --- */

TidyDir *
tidy_undo_dir(const TidyUndo *undo, guint32 id)
{
	return id != 0 ? g_ptr_array_index(undo->dirs, id - 1) : NULL;
}

static gboolean
undo_step(TidyUndo *undo, const TidyStep *step, GError **error)
{
	g_autoptr(TidyStep) inverse = g_new0(TidyStep, 1);
	TidyDir *dir;
	TidyDir *to_dir;

	if (!tidy_step_inverse(step, inverse))
		return TRUE;
	if (undo->done != NULL && g_hash_table_contains(undo->done, &step->seq))
		return TRUE;
	dir = tidy_undo_dir(undo, inverse->dir);
	to_dir = tidy_undo_dir(undo, inverse->to_dir);
	/* Tried in vain, and then made by a further pass: what that one made must be gone before this is looked at. */
	if (inverse->op == TIDY_OP_UNLINK &&
	    g_hash_table_contains(undo->operation->journal->skips, &inverse->origin) &&
	    !tidy_executor_flush(undo->executor, error))
		return FALSE;
	if (!tidy_undo_may(undo, inverse, dir, to_dir))
		return TRUE;
	/* What was made instead goes only when what was there is back. */
	if (undo->is_after_pair)
		inverse->needs_previous = TRUE;
	undo->n_added++;
	return tidy_executor_add(undo->executor, inverse, dir, to_dir, error);
}

static gboolean
is_in_roots(const TidyJournalHeader *header, const char *path)
{
	const char *roots[] = { header->stray, header->target };

	for (gsize i = 0; i < G_N_ELEMENTS(roots); i++) {
		size_t length = strlen(roots[i]);

		if (strncmp(path, roots[i], length) == 0 &&
		    (path[length] == '\0' || path[length] == '/'))
			return TRUE;
	}
	return FALSE;
}

/* A directory may have several records (a second pass): the first one saw it as it was. */
static gboolean
restore_times(TidyUndo *undo, GError **error)
{
	const TidyJournal *journal = undo->operation->journal;
	g_autofree guint32 *first = tidy_known_first_records(journal);
	g_autofree gboolean *is_inside = g_new0(gboolean, journal->dirs->len + 1);
	g_autofree gboolean *is_seen = g_new0(gboolean, journal->dirs->len + 1);

	for (guint i = 0; i < journal->dirs->len; i++) {
		const TidyDirInfo *info = g_ptr_array_index(journal->dirs, i);
		TidyDir *dir = g_ptr_array_index(undo->dirs, i);
		g_autofree char *path = NULL;
		TidyStep step = {
			.op = TIDY_OP_TIMES,
			.why = TIDY_WHY_UNDO,
			.type = TIDY_TYPE_DIR,
			.size = -1,
			.mtime_ns = info->mtime_ns,
		};

		is_inside[i] = info->parent != 0 && is_inside[info->parent - 1];
		if (!is_inside[i]) {
			path = tidy_dir_path(dir);
			is_inside[i] = is_in_roots(&journal->header, path);
		}
		if (info->parent == 0 || info->mtime_ns == TIDY_TIME_OMIT || !is_inside[i] ||
		    is_seen[first[i] - 1])
			continue;
		is_seen[first[i] - 1] = TRUE;
		step.name = g_strdup(info->name);
		if (!tidy_executor_add(undo->executor, &step, dir->parent, dir, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
walk_back(TidyUndo *undo, GError **error)
{
	const GPtrArray *steps = undo->operation->journal->steps;

	for (guint i = steps->len; i > 0; i--) {
		const TidyStep *step = g_ptr_array_index(steps, i - 1);
		guint n_before = undo->n_added;

		if (!undo_step(undo, step, error))
			return FALSE;
		undo->is_after_pair = step->needs_previous && undo->n_added > n_before;
	}
	/* Where nothing could be done stamps need not be set, or the history would fill with undos of nothing. */
	if (undo->n_added == 0 && undo->run->notes->len > 0)
		return TRUE;
	return restore_times(undo, error) && tidy_executor_flush(undo->executor, error);
}

/* The directories of the journal, for a journal of our own: numbers and first-seen times begin anew. They need not be the
 * same inodes: this operation may have removed them, or a later one whose undo made them again. What is moved is told by
 * its own inode, and nothing is ever moved onto something. */
static GPtrArray *
take_dirs(const TidyJournal *journal, TidyDirPool *pool)
{
	GPtrArray *dirs = tidy_engine_journal_dirs(journal, pool);

	for (guint i = 0; i < dirs->len; i++) {
		TidyDir *dir = g_ptr_array_index(dirs, i);

		dir->id = 0;
		dir->original_ns = TIDY_TIME_OMIT;
		dir->is_expected = FALSE;
	}
	return dirs;
}

static GHashTable *
intended(const TidyJournal *resumed)
{
	GHashTable *done = g_hash_table_new(g_int64_hash, g_int64_equal);

	for (guint i = 0; i < resumed->steps->len; i++) {
		TidyStep *step = g_ptr_array_index(resumed->steps, i);

		g_hash_table_add(done, &step->origin);
	}
	return done;
}

static gboolean
replay_resumed(TidyUndo *undo, const TidyJournal *resumed, TidyDirPool *pool,
	       GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) dirs = tidy_engine_journal_dirs(resumed, pool);

	undo->done = intended(resumed);
	return tidy_engine_replay(undo->engine, resumed, dirs, undo->run, cancellable, error);
}

static gboolean
undo_operation(TidyUndo *undo, TidyOpening *opening, TidyDirPool *pool, GCancellable *cancellable,
	       TidyResult *result, GError **error)
{
	const TidyJournal *journal = undo->operation->journal;
	TidyExecutorOptions options = {
		.fs = undo->fs,
		.journal = undo->is_dry_run ? NULL : tidy_opening_journal,
		.journal_data = opening,
		.is_dry_run = undo->is_dry_run,
		.has_checks = TRUE,
		.cancellable = cancellable,
		.sets = undo->run->sets,
		.salt = tidy_engine_salt(undo->engine),
		.copied = tidy_run_copied,
		.report = tidy_run_report,
		.report_data = undo->run,
	};
	gboolean is_fine = TRUE;

	undo->dirs = take_dirs(journal, pool);
	tidy_undo_rejoin(undo);
	if (opening->resumed != NULL) {
		is_fine = replay_resumed(undo, opening->resumed, pool, cancellable, error);
		g_ptr_array_unref(undo->dirs);
		undo->dirs = take_dirs(journal, pool);
	}
	tidy_run_new_pass(undo->run);
	undo->executor = tidy_executor_new(&options);
	is_fine = is_fine && (undo->run->is_stuck || walk_back(undo, error));
	result->outcome = tidy_run_finish(undo->run);
	/* With nothing left to do the operation counts as undone, and the history says by what. */
	if (!undo->is_dry_run && result->outcome == TIDY_OUTCOME_DONE)
		is_fine = is_fine && tidy_opening_journal(opening, error) != NULL;
	result->id = opening->header.id;
	if (is_fine && opening->file != NULL)
		is_fine = tidy_engine_commit(undo->engine, opening->file, undo->run,
					     result->outcome, error);
	tidy_executor_free(undo->executor);
	g_ptr_array_unref(undo->dirs);
	g_clear_pointer(&undo->done, g_hash_table_unref);
	return is_fine;
}

/* The latest merge that is not undone; one that an undo was tried on already comes after all others. */
static TidyOperation *
latest(const GPtrArray *operations)
{
	TidyOperation *partly = NULL;

	for (guint i = operations->len; i > 0; i--) {
		TidyOperation *operation = g_ptr_array_index(operations, i - 1);

		if (operation->journal == NULL || operation->undone_by != 0 ||
		    operation->journal->header.kind == TIDY_JOURNAL_UNDO)
			continue;
		if (!operation->is_partly_undone)
			return operation;
		if (partly == NULL)
			partly = operation;
	}
	return partly;
}

/* The operation that @id means, or NULL with an error. */
static TidyOperation *
choose(const GPtrArray *operations, guint64 id, gboolean is_resuming, GError **error)
{
	TidyOperation *chosen = id == 0 ? latest(operations) : NULL;

	if (chosen != NULL)
		return chosen;
	for (guint i = operations->len; id != 0 && i > 0; i--) {
		TidyOperation *operation = g_ptr_array_index(operations, i - 1);

		if (operation->id != id)
			continue;
		if (operation->journal == NULL)
			g_set_error(error, TIDY_ERROR, TIDY_ERROR_JOURNAL, "%s",
				    operation->problem);
		else if (operation->undone_by != 0 && !is_resuming)
			g_set_error(error, TIDY_ERROR, TIDY_ERROR_REFUSED,
				    "operation %" G_GUINT64_FORMAT
				    " is undone already, by operation %" G_GUINT64_FORMAT,
				    id, operation->undone_by);
		else
			return operation;
		return NULL;
	}
	if (id == 0)
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND, "there is nothing to undo");
	else
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND,
			    "there is no operation %" G_GUINT64_FORMAT "; see: xdgtidy history",
			    id);
	return NULL;
}

/* A home that came back from a backup has other inodes: none of its entries can be known again, and an undo would do
 * nothing but make empty directories. */
static gboolean
is_same_home(TidyEngine *engine, const TidyOperation *operation, GError **error)
{
	guint64 ino = operation->journal->header.home_ino;
	TidyStat home = { 0 };

	tidy_engine_stat_home(engine, &home);
	if (ino == 0 || home.ino == 0 || home.ino == ino)
		return TRUE;
	g_set_error(error, TIDY_ERROR, TIDY_ERROR_REFUSED,
		    "operation %" G_GUINT64_FORMAT
		    " was made in another %s (was it restored from a backup?), whose files cannot "
		    "be known again; move them back by hand, they are listed by: xdgtidy history "
		    "%" G_GUINT64_FORMAT,
		    operation->id, engine->home, operation->id);
	return FALSE;
}

void
tidy_undo_target_clear(TidyUndoTarget *undone)
{
	g_clear_pointer(&undone->stray, g_free);
	g_clear_pointer(&undone->target, g_free);
	g_clear_pointer(&undone->key, g_free);
}

gboolean
tidy_engine_undo_locked(TidyEngine *engine, guint64 id, const TidySink *sink,
			const TidyJournal *resumed, gboolean is_dry_run, GCancellable *cancellable,
			TidyResult *result, TidyUndoTarget *undone, GError **error)
{
	g_autoptr(GPtrArray) operations = tidy_engine_history(engine, error);
	g_autoptr(TidyDirPool) pool = tidy_dir_pool_new(engine->fs);
	TidyRun run;
	TidyOpening opening = { .engine = engine, .resumed = resumed };
	TidyUndo undo = {
		.engine = engine,
		.fs = engine->fs,
		.operations = operations,
		.run = &run,
		.is_dry_run = is_dry_run,
		.begin_ns = engine->fs->now(engine->fs),
	};
	TidyOperation *chosen;
	gboolean is_fine;

	if (operations == NULL)
		return FALSE;
	chosen = choose(operations, id, resumed != NULL, error);
	if (chosen == NULL || !tidy_engine_read_steps(engine, chosen, error))
		return FALSE;
	undo.operation = chosen;
	/* One that was begun must come to its end. */
	if (resumed == NULL && !is_same_home(engine, undo.operation, error))
		return FALSE;
	opening.header = undo.operation->journal->header;
	opening.header.kind = TIDY_JOURNAL_UNDO;
	opening.header.undoes = opening.header.id;
	opening.header.id = 0;
	if (undone != NULL)
		*undone = (TidyUndoTarget){ g_strdup(opening.header.stray),
					    g_strdup(opening.header.target),
					    g_strdup(opening.header.key) };
	tidy_run_init(&run, engine, sink);
	undo.linked = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	is_fine = undo_operation(&undo, &opening, pool, cancellable, result, error);
	result->counts = run.counts;
	g_clear_pointer(&opening.file, tidy_journal_file_free);
	g_hash_table_unref(undo.linked);
	tidy_run_clear(&run);
	return is_fine;
}

/* An interrupted undo of the same operation is gone on with rather than begun again. */
static TidyJournal *
find_interrupted_undo(TidyEngine *engine, guint64 id)
{
	g_autoptr(GPtrArray) operations = tidy_engine_history(engine, NULL);

	for (guint i = 0; operations != NULL && i < operations->len; i++) {
		TidyOperation *operation = g_ptr_array_index(operations, i);

		if (operation->state == TIDY_STATE_INTERRUPTED &&
		    operation->journal->header.kind == TIDY_JOURNAL_UNDO &&
		    (id == 0 || operation->journal->header.undoes == id))
			return g_steal_pointer(&operation->journal);
	}
	return NULL;
}

gboolean
tidy_engine_undo(TidyEngine *engine, guint64 id, const TidySink *sink, gboolean is_dry_run,
		 GCancellable *cancellable, TidyResult *result, TidyUndoTarget *undone,
		 GError **error)
{
	g_autoptr(TidyJournal) resumed = NULL;
	gboolean is_fine;

	*result = (TidyResult){ .outcome = TIDY_OUTCOME_DONE };
	if (is_dry_run)
		return tidy_engine_undo_locked(engine, id, sink, NULL, TRUE, cancellable, result,
					       undone, error);
	if (!tidy_engine_begin(engine, error))
		return FALSE;
	resumed = find_interrupted_undo(engine, id);
	is_fine = tidy_engine_undo_locked(engine, resumed != NULL ? resumed->header.undoes : id,
					  sink, resumed, FALSE, cancellable, result, undone, error);
	tidy_engine_end(engine);
	return is_fine;
}
