/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's frame: places, lock, history, replay, commit. I/O. */
#include <errno.h>
#include <string.h>

#include "home/base/error.h"
#include "home/base/text.h"
#include "home/engine/engine-private.h"

#define HOST_FILE "host"

TidyEngine *
tidy_engine_new(TidyFs *fs, const TidyPlaces *places, GError **error)
{
	TidyEngine *engine;

	if (!g_path_is_absolute(places->home) || !g_path_is_absolute(places->state_dir) ||
	    !g_path_is_absolute(places->trash)) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_USAGE,
			    "home, state and trash directories must be absolute paths");
		return NULL;
	}
	engine = g_new0(TidyEngine, 1);
	engine->fs = fs;
	engine->home = g_strdup(places->home);
	engine->state_dir = g_strdup(places->state_dir);
	engine->trash = g_strdup(places->trash);
	engine->host = places->host != NULL ? tidy_host_format(places->host) : NULL;
	return engine;
}

void
tidy_engine_free(TidyEngine *engine)
{
	g_clear_pointer(&engine->store, tidy_store_free);
	g_free(engine->home);
	g_free(engine->state_dir);
	g_free(engine->trash);
	g_free(engine->host);
	g_free(engine);
}

static gboolean
open_store(TidyEngine *engine, gboolean makes, GError **error)
{
	if (engine->store == NULL)
		engine->store = tidy_store_open(engine->fs, engine->state_dir, makes, error);
	return engine->store != NULL;
}

gboolean
tidy_engine_begin(TidyEngine *engine, GError **error)
{
	return open_store(engine, TRUE, error) && tidy_store_lock(engine->store, error);
}

void
tidy_engine_end(TidyEngine *engine)
{
	tidy_store_unlock(engine->store);
}

/* --- which computer --- */

gboolean
tidy_engine_is_other_host(TidyEngine *engine, char **name)
{
	g_autofree char *text =
		engine->host != NULL ? tidy_engine_read_text(engine, HOST_FILE) : NULL;
	g_autoptr(TidyHost) last = text != NULL ? tidy_host_parse(text) : NULL;
	g_autoptr(TidyHost) here = text != NULL ? tidy_host_parse(engine->host) : NULL;

	if (text == NULL || (last != NULL && tidy_host_is_same(last, here)))
		return FALSE;
	*name = g_strdup(last != NULL ? last->name
				      : "which one is not known: the note of it is damaged");
	return TRUE;
}

static gboolean
check_host(TidyEngine *engine, GError **error)
{
	g_autofree char *name = NULL;
	g_autofree char *shown = NULL;

	if (!tidy_engine_is_other_host(engine, &name))
		return TRUE;
	shown = tidy_text_display(name);
	g_set_error(error, TIDY_ERROR, TIDY_ERROR_REFUSED,
		    "another computer wrote last in this home (%s); nothing is done unasked",
		    shown);
	return FALSE;
}

gboolean
tidy_engine_claim(TidyEngine *engine, GError **error)
{
	g_autofree char *text =
		engine->host != NULL ? tidy_engine_read_text(engine, HOST_FILE) : NULL;

	return engine->host == NULL || g_strcmp0(text, engine->host) == 0 ||
	       tidy_store_write_text(engine->store, HOST_FILE, engine->host, error);
}

/* --- places --- */

void
tidy_engine_stat_home(TidyEngine *engine, TidyStat *st)
{
	g_autoptr(TidyDirPool) pool = tidy_dir_pool_new(engine->fs);
	g_autoptr(TidyDir) home = tidy_dir_root(pool, engine->home);
	int fd = tidy_dir_fd(home);

	if (fd >= 0)
		engine->fs->stat(engine->fs, fd, "", st);
}

TidyDir *
tidy_engine_trash(TidyEngine *engine, TidyDirPool *pool)
{
	g_autofree char *root = g_strdup(engine->trash);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	TidyDir *dir = tidy_dir_root(pool, root);

	while (tidy_dir_fd(dir) == -ENOENT && strcmp(root, "/") != 0) {
		g_autofree char *above = g_path_get_dirname(root);

		g_ptr_array_add(names, g_path_get_basename(root));
		g_free(root);
		root = g_steal_pointer(&above);
		tidy_dir_unref(dir);
		dir = tidy_dir_root(pool, root);
	}
	for (guint i = names->len; i > 0; i--) {
		TidyDir *child = tidy_dir_child(dir, g_ptr_array_index(names, i - 1));

		tidy_dir_unref(dir);
		dir = child;
	}
	return dir;
}

/* --- history --- */

void
tidy_operation_free(TidyOperation *operation)
{
	g_clear_pointer(&operation->journal, tidy_journal_free);
	g_free(operation->problem);
	g_free(operation);
}

static TidyOperation *
read_operation(TidyEngine *engine, guint64 id)
{
	g_autoptr(GError) error = NULL;
	TidyOperation *operation = g_new0(TidyOperation, 1);

	operation->id = id;
	operation->journal = tidy_store_read(engine->store, id, &error);
	operation->end_ns = tidy_store_touched_at(engine->store, id);
	if (operation->journal == NULL) {
		operation->state = TIDY_STATE_UNREADABLE;
		operation->problem = g_strdup(error->message);
	} else if (!operation->journal->is_committed) {
		operation->state = TIDY_STATE_INTERRUPTED;
	} else {
		operation->end_ns = operation->journal->commit.end_ns;
		operation->state = operation->journal->commit.outcome == TIDY_OUTCOME_DONE
					   ? TIDY_STATE_DONE
					   : TIDY_STATE_PARTIAL;
		tidy_journal_drop_steps(operation->journal);
	}
	return operation;
}

TidyJournal *
tidy_engine_read_journal(TidyEngine *engine, guint64 id)
{
	return open_store(engine, FALSE, NULL) ? tidy_store_read(engine->store, id, NULL) : NULL;
}

gboolean
tidy_engine_read_steps(TidyEngine *engine, TidyOperation *operation, GError **error)
{
	TidyJournal *journal = tidy_store_read(engine->store, operation->id, error);

	if (journal == NULL)
		return FALSE;
	g_clear_pointer(&operation->journal, tidy_journal_free);
	operation->journal = journal;
	return TRUE;
}

static TidyOperation *
find_operation(GPtrArray *operations, guint64 id)
{
	for (guint i = 0; i < operations->len; i++) {
		TidyOperation *operation = g_ptr_array_index(operations, i);

		if (operation->id == id)
			return operation;
	}
	return NULL;
}

/* Newest first, so that an undo that was itself undone does not count. One that had to leave something (state PARTIAL) is
 * no end: what stood in its way may be gone by the next. */
static void
mark_undone(GPtrArray *operations)
{
	for (guint i = operations->len; i > 0; i--) {
		TidyOperation *undo = g_ptr_array_index(operations, i - 1);
		TidyOperation *undone;

		if (undo->journal == NULL || undo->journal->header.undoes == 0 ||
		    undo->undone_by != 0)
			continue;
		undone = find_operation(operations, undo->journal->header.undoes);
		if (undone == NULL || undone->undone_by != 0)
			continue;
		undone->is_partly_undone = TRUE;
		if (undo->state != TIDY_STATE_PARTIAL) {
			undone->undone_by = undo->id;
			undone->state = TIDY_STATE_UNDONE;
		}
	}
}

GPtrArray *
tidy_engine_history(TidyEngine *engine, GError **error)
{
	g_autoptr(GPtrArray) operations =
		g_ptr_array_new_with_free_func((GDestroyNotify)tidy_operation_free);
	g_autoptr(GError) missing = NULL;
	g_autoptr(GArray) ids = NULL;

	if (!open_store(engine, FALSE, &missing)) {
		if (g_error_matches(missing, TIDY_ERROR, TIDY_ERROR_NOT_FOUND))
			return g_steal_pointer(&operations);
		g_propagate_error(error, g_steal_pointer(&missing));
		return NULL;
	}
	ids = tidy_store_list(engine->store, error);
	if (ids == NULL)
		return NULL;
	for (guint i = 0; i < ids->len; i++) {
		TidyOperation *operation = read_operation(engine, g_array_index(ids, guint64, i));

		/* Two homes may share one state directory: each sees its own. */
		if (operation->journal == NULL ||
		    strcmp(operation->journal->header.home, engine->home) == 0)
			g_ptr_array_add(operations, operation);
		else
			tidy_operation_free(operation);
	}
	mark_undone(operations);
	return g_steal_pointer(&operations);
}

TidyJournal *
tidy_engine_find_interrupted(TidyEngine *engine, const char *stray, const char *target)
{
	g_autoptr(GPtrArray) operations = tidy_engine_history(engine, NULL);

	for (guint i = operations != NULL ? operations->len : 0; i > 0; i--) {
		TidyOperation *operation = g_ptr_array_index(operations, i - 1);

		if (operation->state == TIDY_STATE_INTERRUPTED &&
		    operation->journal->header.kind == TIDY_JOURNAL_MERGE &&
		    strcmp(operation->journal->header.stray, stray) == 0 &&
		    strcmp(operation->journal->header.target, target) == 0)
			return g_steal_pointer(&operation->journal);
	}
	return NULL;
}

guint
tidy_engine_prune(TidyEngine *engine, gint64 before_ns)
{
	g_autoptr(GPtrArray) operations = NULL;
	guint n = 0;

	if (!tidy_engine_begin(engine, NULL))
		return 0;
	operations = tidy_engine_history(engine, NULL);
	for (guint i = 0; operations != NULL && i < operations->len; i++) {
		const TidyOperation *operation = g_ptr_array_index(operations, i);

		if (operation->journal != NULL && operation->journal->is_committed &&
		    operation->end_ns < before_ns &&
		    tidy_store_forget(engine->store, operation->id, NULL))
			n++;
	}
	tidy_engine_end(engine);
	return n;
}

char *
tidy_engine_read_text(TidyEngine *engine, const char *name)
{
	return open_store(engine, FALSE, NULL) ? tidy_store_read_text(engine->store, name) : NULL;
}

gboolean
tidy_engine_write_text(TidyEngine *engine, const char *name, const char *text, GError **error)
{
	return open_store(engine, TRUE, error) &&
	       tidy_store_write_text(engine->store, name, text, error);
}

/* --- replay and commit --- */

GPtrArray *
tidy_engine_journal_dirs(const TidyJournal *journal, TidyDirPool *pool)
{
	GPtrArray *dirs = g_ptr_array_new_with_free_func((GDestroyNotify)tidy_dir_unref);

	for (guint i = 0; i < journal->dirs->len; i++) {
		const TidyDirInfo *info = g_ptr_array_index(journal->dirs, i);
		TidyDir *dir = info->parent == 0
				       ? tidy_dir_root(pool, info->name)
				       : tidy_dir_child(g_ptr_array_index(dirs, info->parent - 1),
							info->name);

		dir->id = info->id;
		dir->dev = info->dev;
		dir->ino = info->ino;
		dir->mode = info->mode;
		dir->original_ns = info->mtime_ns;
		dir->is_expected = info->ino != 0;
		g_ptr_array_add(dirs, dir);
	}
	return dirs;
}

/*
 * A link that a merge makes anew has two steps in one batch: made there, removed here. The first alone is what a power cut
 * left of a batch that was not durable, and so was not begun; made now, the link would be there and here, and what is here
 * would be planned once more.
 */
static gboolean
is_torn_off(const TidyJournal *journal, guint index)
{
	const TidyStep *step = g_ptr_array_index(journal->steps, index);
	const TidyStep *next = index + 1 < journal->steps->len
				       ? g_ptr_array_index(journal->steps, index + 1)
				       : NULL;

	if (journal->header.kind != TIDY_JOURNAL_MERGE || step->op != TIDY_OP_LINK ||
	    step->type != TIDY_TYPE_LINK || step->why == TIDY_WHY_COMPATIBILITY)
		return FALSE;
	return next == NULL || next->op != TIDY_OP_UNLINK || !next->needs_previous;
}

gboolean
tidy_engine_replay(TidyEngine *engine, const TidyJournal *journal, GPtrArray *dirs, TidyRun *run,
		   GCancellable *cancellable, GError **error)
{
	TidyExecutorOptions options = {
		.fs = engine->fs,
		.is_replay = TRUE,
		.cancellable = cancellable,
		.sets = run->sets,
		.salt = tidy_engine_salt(engine),
		.copied = tidy_run_copied,
		.report = tidy_run_report,
		.report_data = run,
	};
	g_autoptr(TidyExecutor) executor = tidy_executor_new(&options);

	if (!tidy_engine_claim(engine, error) ||
	    !tidy_store_settle(engine->store, journal->header.id, error))
		return FALSE;
	for (guint i = 0; i < journal->steps->len; i++) {
		const TidyStep *step = g_ptr_array_index(journal->steps, i);
		g_autoptr(TidyStep) copy = is_torn_off(journal, i) ? NULL : tidy_step_copy(step);
		TidyDir *to_dir =
			step->to_dir != 0 ? g_ptr_array_index(dirs, step->to_dir - 1) : NULL;

		if (copy != NULL &&
		    !tidy_executor_add(executor, copy, g_ptr_array_index(dirs, step->dir - 1),
				       to_dir, error))
			return FALSE;
	}
	return tidy_executor_flush(executor, error);
}

guint64
tidy_engine_salt(const TidyEngine *engine)
{
	return (guint64)g_str_hash(engine->home) << 32 | g_str_hash(engine->state_dir);
}

static gboolean
is_there(TidyDir *dir, guint64 dev)
{
	return tidy_dir_fd(dir) >= 0 && dir->dev == dev;
}

/* The directory itself may be gone by now: then one above it on the same file system; the highest one is surest. */
static int
sync_touched(TidyFs *fs, TidyDir *touched, TidyDir **synced)
{
	TidyDir *top = touched;

	for (TidyDir *dir = touched; dir != NULL; dir = dir->parent) {
		if (dir->is_known && dir->dev == touched->dev)
			top = dir;
	}
	for (TidyDir *dir = touched; !is_there(top, touched->dev) && dir != NULL; dir = dir->parent)
		top = dir;
	*synced = top;
	return is_there(top, touched->dev) ? fs->syncfs(fs, tidy_dir_fd(top)) : 0;
}

gboolean
tidy_engine_commit(TidyEngine *engine, TidyJournalFile *file, const TidyRun *run,
		   TidyOutcome outcome, GError **error)
{
	TidyFs *fs = engine->fs;
	TidyJournalCommit commit = { .outcome = outcome, .counts = run->counts };
	TidyDir *synced = NULL;
	int r = 0;

	if (run->is_stuck)
		return TRUE;
	for (guint i = 0; i < run->touched->len && r == 0; i++)
		r = sync_touched(fs, g_ptr_array_index(run->touched, i), &synced);
	if (r < 0) {
		g_autofree char *path = tidy_dir_path(synced);
		g_autofree char *shown = tidy_text_display(path);

		return tidy_error_set_errno(error, -r, "cannot make the changes in %s durable",
					    shown);
	}
	/* Undo takes what is newer than the end for changed by somebody else; our own last steps must not be. */
	commit.end_ns = MAX(fs->now(fs), run->newest_ns);
	return tidy_journal_file_commit(file, &commit, error);
}

/* --- merge --- */

gboolean
tidy_engine_merge(TidyEngine *engine, const TidyMergeJob *job, const TidySink *sink,
		  TidyResult *result, GError **error)
{
	g_autoptr(TidyJournal) resumed = NULL;
	gboolean is_fine;

	*result = (TidyResult){ .outcome = TIDY_OUTCOME_DONE };
	if (!tidy_engine_check_roots(job->stray, job->target, error))
		return FALSE;
	/* A dry run writes nothing, not even a lock. */
	if (job->is_dry_run)
		return tidy_engine_merge_locked(engine, job, sink, NULL, result, error);
	if (!tidy_engine_begin(engine, error))
		return FALSE;
	is_fine = !job->is_automatic || check_host(engine, error);
	if (is_fine) {
		resumed = tidy_engine_find_interrupted(engine, job->stray, job->target);
		is_fine = tidy_engine_merge_locked(engine, job, sink, resumed, result, error);
	}
	tidy_engine_end(engine);
	return is_fine;
}

/* --- recover --- */

typedef void (*ResumedFunc)(const TidyResult *result, const TidyJournalHeader *header,
			    gpointer data);

static gboolean
resume(TidyEngine *engine, const TidyOperation *operation, const char *const *open_paths,
       const char *const *mount_points, const TidySink *sink, GCancellable *cancellable,
       TidyResult *result, GError **error)
{
	const TidyJournalHeader *header = &operation->journal->header;
	TidyMergeJob job = {
		.stray = header->stray,
		.target = header->target,
		.key = header->key,
		.policy = header->policy,
		.leaves_symlink = (header->flags & TIDY_JOURNAL_LEAVES_SYMLINK) != 0,
		.open_paths = open_paths,
		.mount_points = mount_points,
		.cancellable = cancellable,
	};

	if (header->kind == TIDY_JOURNAL_DUPES)
		return tidy_engine_resume_dedupe(engine, operation->journal, sink, cancellable,
						 result, error);
	if (header->kind == TIDY_JOURNAL_UNDO)
		return tidy_engine_undo_locked(engine, header->undoes, sink, operation->journal,
					       FALSE, cancellable, result, NULL, error);
	return tidy_engine_merge_locked(engine, &job, sink, operation->journal, result, error);
}

gboolean
tidy_engine_recover(TidyEngine *engine, const char *const *open_paths,
		    const char *const *mount_points, const TidySink *sink,
		    GCancellable *cancellable, ResumedFunc resumed, gpointer data, GError **error)
{
	g_autoptr(GPtrArray) operations = NULL;
	gboolean is_fine = TRUE;

	if (!tidy_engine_begin(engine, error))
		return FALSE;
	if (check_host(engine, NULL)) {
		operations = tidy_engine_history(engine, error);
		is_fine = operations != NULL;
	}
	for (guint i = 0; operations != NULL && is_fine && i < operations->len; i++) {
		const TidyOperation *operation = g_ptr_array_index(operations, i);
		TidyResult result = { 0 };

		/* One that an undo took back meanwhile has another state. */
		if (operation->state != TIDY_STATE_INTERRUPTED)
			continue;
		is_fine = resume(engine, operation, open_paths, mount_points, sink, cancellable,
				 &result, error);
		if (resumed != NULL)
			resumed(&result, &operation->journal->header, data);
	}
	tidy_engine_end(engine);
	return is_fine;
}
