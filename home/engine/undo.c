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
#include "home/compare/compare.h"
#include "home/engine/engine-private.h"
#include "home/engine/trash.h"

/* Stamps of files lag behind the clock by at most a timer tick. */
#define TICK_NS G_GINT64_CONSTANT(20000000)

typedef struct {
	TidyEngine *engine;
	TidyFs *fs;
	const TidyOperation *operation; /* what is being undone */
	const GPtrArray *operations;	/* all, for their times */
	TidyRun *run;
	TidyExecutor *executor;
	GPtrArray *dirs;
	gboolean is_dry_run;
	guint n_added;		/* steps besides times */
	gboolean is_after_pair; /* the step taken back last hung on the one that is next */
	GHashTable *done; /* seq of steps that the interrupted undo has intents for, or NULL */
} Undo;

typedef struct {
	TidyEngine *engine;
	const TidyJournalHeader *undone;
	const TidyJournal *resumed;
	TidyJournalHeader header;
	TidyJournalFile *file;
} Opening;

static TidyJournalFile *
open_journal(gpointer data, GError **error)
{
	Opening *opening = data;
	TidyEngine *engine = opening->engine;
	TidyStat home = { 0 };

	if (opening->file != NULL)
		return opening->file;
	if (opening->resumed != NULL) {
		opening->header.id = opening->resumed->header.id;
		opening->file = tidy_store_reopen(engine->store, opening->resumed, error);
		return opening->file;
	}
	tidy_engine_stat_home(engine, &home);
	opening->header = *opening->undone;
	opening->header.kind = TIDY_JOURNAL_UNDO;
	opening->header.undoes = opening->undone->id;
	opening->header.begin_ns = engine->fs->now(engine->fs);
	opening->header.home_dev = home.dev;
	opening->header.home_ino = home.ino;
	opening->file = tidy_store_create(engine->store, &opening->header, error);
	return opening->file;
}

/* --- present facts --- */

static gboolean
is_ours(const Undo *undo, gint64 time_ns)
{
	for (guint i = 0; i < undo->operations->len; i++) {
		const TidyOperation *other = g_ptr_array_index(undo->operations, i);

		if (other->journal != NULL && other->id > undo->operation->id &&
		    time_ns >= other->journal->header.begin_ns - TICK_NS &&
		    (time_ns <= other->end_ns || !other->journal->is_committed))
			return TRUE;
	}
	return FALSE;
}

static gboolean
is_changed(const Undo *undo, const TidyStat *st)
{
	/* Nobody knows when an operation that never ended made its last change. */
	if (!undo->operation->journal->is_committed)
		return FALSE;
	return st->ctime_ns > undo->operation->end_ns && !is_ours(undo, st->ctime_ns);
}

/* Stat of an entry; in the Trash for RESTORE. */
static int
stat_entry(Undo *undo, TidyDir *dir, const char *name, gboolean is_in_trash, TidyStat *st)
{
	g_autoptr(TidyDir) files = is_in_trash ? tidy_dir_child(dir, "files") : tidy_dir_ref(dir);
	int fd = tidy_dir_fd(files);

	return fd < 0 ? fd : undo->fs->stat(undo->fs, fd, name, st);
}

static gboolean
is_at(Undo *undo, TidyDir *dir, const char *name, gboolean is_in_trash, guint64 ino)
{
	TidyStat st;

	return stat_entry(undo, dir, name, is_in_trash, &st) == 0 && (ino == 0 || st.ino == ino);
}

/* An interrupted TRASH may have left its info file without a file. */
static void
drop_orphan_info(Undo *undo, const TidyStep *step, TidyDir *trash)
{
	TidyTrashFds fds;

	if (tidy_trash_open(trash, &fds) < 0)
		return;
	tidy_trash_remove_info(undo->fs, &fds, step->name);
	tidy_trash_close(undo->fs, &fds);
}

static gboolean
note(Undo *undo, const TidyStep *step, TidyDir *dir, TidyWhy why)
{
	g_autofree char *path = tidy_dir_entry_path(dir, step->name);

	tidy_run_note(undo->run, path, why, 0);
	return FALSE;
}

static TidyWhy
why_not(int r)
{
	if (r == 0)
		return TIDY_WHY_CHANGED;
	return r == -ENOENT || r == -ENOTDIR || r == -ESTALE ? TIDY_WHY_GONE : TIDY_WHY_UNREADABLE;
}

/* Whether the step @inverse, which moves an entry back, may be made (cases 1 to 4). */
static gboolean
may_move_back(Undo *undo, const TidyStep *inverse, TidyDir *dir, TidyDir *to_dir)
{
	gboolean from_trash = inverse->op == TIDY_OP_RESTORE;
	gboolean to_trash = inverse->op == TIDY_OP_TRASH;
	TidyStat st;
	int r = stat_entry(undo, dir, inverse->name, from_trash, &st);

	if (r == 0 && (inverse->ino == 0 || st.ino == inverse->ino))
		return !is_changed(undo, &st) || note(undo, inverse, dir, TIDY_WHY_CHANGED);
	if (inverse->ino != 0 && is_at(undo, to_dir, inverse->to_name, to_trash, inverse->ino)) {
		if (from_trash && r == -ENOENT)
			drop_orphan_info(undo, inverse, dir);
		return FALSE;
	}
	/* The journal's word that a step was not made is good enough where the disk agrees. */
	if (g_hash_table_contains(undo->operation->journal->skips, &inverse->origin))
		return FALSE;
	return note(undo, inverse, dir, why_not(r));
}

/* An earlier undo, which had to leave something else, made the copy already. */
static gboolean
is_copied(Undo *undo, const TidyStep *inverse, TidyDir *dir, TidyDir *to_dir)
{
	int to = tidy_dir_fd(to_dir);
	int from = tidy_dir_fd(dir);

	return from >= 0 && to >= 0 &&
	       tidy_compare_files(undo->fs, from, inverse->name, to, inverse->to_name, NULL) ==
		       TIDY_COMPARE_EQUAL;
}

/* COPY: the twin is still what it was. DELETE: the bytes decide, at the moment of acting. */
static gboolean
may_copy_back(Undo *undo, const TidyStep *inverse, TidyDir *dir, TidyDir *to_dir)
{
	TidyStat st;
	int r = stat_entry(undo, dir, inverse->name, FALSE, &st);

	if (inverse->op == TIDY_OP_DELETE)
		return r == 0;
	if (is_at(undo, to_dir, inverse->to_name, FALSE, inverse->to_ino) ||
	    is_copied(undo, inverse, dir, to_dir))
		return FALSE;
	if (r < 0)
		return note(undo, inverse, dir, why_not(r));
	if (st.ino != inverse->ino || is_changed(undo, &st))
		return note(undo, inverse, dir, TIDY_WHY_CHANGED);
	return TRUE;
}

/* What was made is there; when it is not, it was never made or is gone by itself. */
static gboolean
may_remove(Undo *undo, const TidyStep *inverse, TidyDir *dir)
{
	TidyStat st;
	int r = stat_entry(undo, dir, inverse->name, FALSE, &st);

	/* A file that says something else is not, or no longer, what was made: it stays, and what was there before, if it
	 * is not that, says so when it finds the name taken. */
	if (r == 0 && inverse->op == TIDY_OP_UNLINK && inverse->type == TIDY_TYPE_FILE) {
		r = tidy_text_check(undo->fs, tidy_dir_fd(dir), inverse);
		return r == 0 || (r != -ESTALE && note(undo, inverse, dir, why_not(r)));
	}
	/* Another kind of thing has the name: what was made is gone, or never was. */
	if (r == 0)
		return tidy_stat_type(&st) ==
		       (inverse->op == TIDY_OP_RMDIR ? TIDY_TYPE_DIR : inverse->type);
	if (why_not(r) != TIDY_WHY_GONE)
		note(undo, inverse, dir, why_not(r));
	return FALSE;
}

/* The copy of an operation that was cut off before the source went, as far as stamps tell: the executor compares the bytes,
 * and takes the copy away. */
static gboolean
is_unfinished_copy(const Undo *undo, const TidyStep *inverse, const TidyStat *copy,
		   const TidyStat *source)
{
	return !undo->operation->journal->is_committed && source->ino == inverse->to_ino &&
	       tidy_stat_type(copy) == inverse->type && copy->size == source->size &&
	       copy->mtime_ns == source->mtime_ns &&
	       copy->ctime_ns >= undo->operation->journal->header.begin_ns - TICK_NS;
}

/* A skip record counts unless recovery made the step after all: the file has the stamp it was given, and it was not a
 * later pass, by a step of its own, that made it. */
static gboolean
has_later_try(const Undo *undo, const TidyStep *inverse)
{
	const TidyJournal *journal = undo->operation->journal;
	g_autofree char *dir = tidy_journal_dir_path(journal, inverse->dir);

	for (guint i = journal->steps->len; i > 0; i--) {
		const TidyStep *step = g_ptr_array_index(journal->steps, i - 1);
		g_autofree char *to_dir = NULL;

		if (step->seq <= inverse->origin)
			return FALSE;
		if (step->op != TIDY_OP_CARRY || strcmp(step->to_name, inverse->name) != 0)
			continue;
		/* A further pass has a further record of the same directory. */
		to_dir = tidy_journal_dir_path(journal, step->to_dir);
		if (strcmp(to_dir, dir) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Fills in which file it is: no intent could know the inode of the copy. */
static gboolean
may_carry_back(Undo *undo, TidyStep *inverse, TidyDir *dir, TidyDir *to_dir)
{
	TidyStat st;
	TidyStat source;
	int r = stat_entry(undo, dir, inverse->name, FALSE, &st);
	int back = stat_entry(undo, to_dir, inverse->to_name, FALSE, &source);

	if (!undo->is_dry_run && !undo->operation->journal->is_committed && tidy_dir_fd(dir) >= 0)
		tidy_carry_drop_temp(undo->fs, tidy_engine_salt(undo->engine), tidy_dir_fd(dir),
				     inverse->name);
	/* Another undo made it, or it was never made. */
	if (back == 0 && (r < 0 || !is_unfinished_copy(undo, inverse, &st, &source)))
		return FALSE;
	if (g_hash_table_contains(undo->operation->journal->skips, &inverse->origin) &&
	    (r < 0 || st.mtime_ns != inverse->mtime_ns || has_later_try(undo, inverse)))
		return FALSE;
	if (r < 0)
		return note(undo, inverse, dir, why_not(r));
	if (tidy_stat_type(&st) != inverse->type || st.size != inverse->size ||
	    is_changed(undo, &st))
		return note(undo, inverse, dir, TIDY_WHY_CHANGED);
	inverse->ino = st.ino;
	return TRUE;
}

/* HARDLINK and SEPARATE: by the inode that has the name. What was never made, or is undone, is left without a word. */
static gboolean
may_exchange_back(Undo *undo, const TidyStep *inverse, TidyDir *dir, TidyDir *to_dir)
{
	TidyStat st;
	int r = stat_entry(undo, dir, inverse->name, FALSE, &st);
	gboolean is_linked = r == 0 && st.ino == inverse->to_ino;

	if (r < 0)
		return note(undo, inverse, dir, why_not(r));
	if (is_linked != (inverse->op == TIDY_OP_SEPARATE))
		return !is_linked && st.ino != inverse->ino &&
		       !is_copied(undo, inverse, dir, to_dir) &&
		       note(undo, inverse, dir, TIDY_WHY_CHANGED);
	return !is_changed(undo, &st) || note(undo, inverse, dir, TIDY_WHY_CHANGED);
}

static gboolean
may_undo(Undo *undo, TidyStep *inverse, TidyDir *dir, TidyDir *to_dir)
{
	switch (inverse->op) {
	case TIDY_OP_MOVE:
	case TIDY_OP_TRASH:
	case TIDY_OP_RESTORE:
		return may_move_back(undo, inverse, dir, to_dir);
	case TIDY_OP_COPY:
	case TIDY_OP_DELETE:
		return may_copy_back(undo, inverse, dir, to_dir);
	case TIDY_OP_CARRY:
		return may_carry_back(undo, inverse, dir, to_dir);
	case TIDY_OP_LINK: /* the link is there: its removal was never made, or is undone */
		return !tidy_text_says(undo->fs, tidy_dir_fd(dir), inverse);
	case TIDY_OP_MKDIR:
		return TRUE;
	case TIDY_OP_RMDIR:
	case TIDY_OP_UNLINK:
		return may_remove(undo, inverse, dir);
	case TIDY_OP_SEPARATE:
	case TIDY_OP_HARDLINK:
		return may_exchange_back(undo, inverse, dir, to_dir);
	case TIDY_OP_TIMES:
	case TIDY_OP_SAME:
	case TIDY_OP_REFLINK:
		break;
	}
	return FALSE;
}

/* --- the walk backwards --- */

static TidyDir *
dir_of(Undo *undo, guint32 id)
{
	return id != 0 ? g_ptr_array_index(undo->dirs, id - 1) : NULL;
}

static gboolean
undo_step(Undo *undo, const TidyStep *step, GError **error)
{
	g_autoptr(TidyStep) inverse = g_new0(TidyStep, 1);
	TidyDir *dir;
	TidyDir *to_dir;

	if (!tidy_step_inverse(step, inverse))
		return TRUE;
	if (undo->done != NULL && g_hash_table_contains(undo->done, &step->seq))
		return TRUE;
	dir = dir_of(undo, inverse->dir);
	to_dir = dir_of(undo, inverse->to_dir);
	/* Tried in vain, and then made by a further pass: what that one made must be gone before this is looked at. */
	if (inverse->op == TIDY_OP_UNLINK &&
	    g_hash_table_contains(undo->operation->journal->skips, &inverse->origin) &&
	    !tidy_executor_flush(undo->executor, error))
		return FALSE;
	if (!may_undo(undo, inverse, dir, to_dir))
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
restore_times(Undo *undo, GError **error)
{
	const TidyJournal *journal = undo->operation->journal;
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < journal->dirs->len; i++) {
		const TidyDirInfo *info = g_ptr_array_index(journal->dirs, i);
		TidyDir *dir = g_ptr_array_index(undo->dirs, i);
		g_autofree char *path = tidy_dir_path(dir);
		TidyStep step = {
			.op = TIDY_OP_TIMES,
			.why = TIDY_WHY_UNDO,
			.type = TIDY_TYPE_DIR,
			.size = -1,
			.mtime_ns = info->mtime_ns,
		};

		if (info->parent == 0 || info->mtime_ns == TIDY_TIME_OMIT ||
		    !is_in_roots(&journal->header, path) || g_hash_table_contains(seen, path))
			continue;
		g_hash_table_add(seen, g_steal_pointer(&path));
		step.name = g_strdup(info->name);
		if (!tidy_executor_add(undo->executor, &step, dir->parent, dir, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
walk_back(Undo *undo, GError **error)
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
replay_resumed(Undo *undo, const TidyJournal *resumed, TidyDirPool *pool, GCancellable *cancellable,
	       GError **error)
{
	g_autoptr(GPtrArray) dirs = tidy_engine_journal_dirs(resumed, pool);

	undo->done = intended(resumed);
	return tidy_engine_replay(undo->engine, resumed, dirs, undo->run, cancellable, error);
}

static gboolean
undo_operation(Undo *undo, Opening *opening, TidyDirPool *pool, GCancellable *cancellable,
	       TidyResult *result, GError **error)
{
	const TidyJournal *journal = undo->operation->journal;
	TidyExecutorOptions options = {
		.fs = undo->fs,
		.journal = undo->is_dry_run ? NULL : open_journal,
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

	if (opening->resumed != NULL)
		is_fine = replay_resumed(undo, opening->resumed, pool, cancellable, error);
	tidy_run_new_pass(undo->run);
	undo->dirs = take_dirs(journal, pool);
	undo->executor = tidy_executor_new(&options);
	is_fine = is_fine && (undo->run->is_stuck || walk_back(undo, error));
	result->outcome = tidy_run_finish(undo->run);
	/* With nothing left to do the operation counts as undone, and the history says by what. */
	if (!undo->is_dry_run && result->outcome == TIDY_OUTCOME_DONE)
		is_fine = is_fine && open_journal(opening, error) != NULL;
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
	Opening opening = { .engine = engine, .resumed = resumed };
	Undo undo = {
		.engine = engine,
		.fs = engine->fs,
		.operations = operations,
		.run = &run,
		.is_dry_run = is_dry_run,
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
	opening.undone = &undo.operation->journal->header;
	if (undone != NULL)
		*undone = (TidyUndoTarget){ g_strdup(opening.undone->stray),
					    g_strdup(opening.undone->target),
					    g_strdup(opening.undone->key) };
	tidy_run_init(&run, engine, sink);
	is_fine = undo_operation(&undo, &opening, pool, cancellable, result, error);
	result->counts = run.counts;
	g_clear_pointer(&opening.file, tidy_journal_file_free);
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
