/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The merge: walks the two trees pair by pair of directories, asks the planner, and hands steps to the executor. I/O.
 *
 * One pair at a time: list both, find out how equal names relate, decide, turn decisions into steps, descend into what
 * both have; after that the target's time stamp, and the removal of the source when all of it was planned to go. What the
 * disk refuses because it changed meanwhile is planned anew in another pass over what is left.
 */
#include <errno.h>
#include <string.h>

#include "home/base/error.h"
#include "home/base/text.h"
#include "home/engine/walk.h"

#define PASSES_MAX 4

/* --- decisions --- */

static TidyDir *
child_dir(TidyWalk *walk, TidyDir *parent, const char *name)
{
	TidyDir *known = walk->known != NULL ? tidy_known_find(walk->known, parent, name) : NULL;

	return known != NULL ? tidy_dir_ref(known) : tidy_dir_child(parent, name);
}

static gboolean descend(TidyWalk *walk, TidyPair *above, const TidyEntry *entry,
			const char *new_name, gboolean is_target_new, GError **error);

static void
pair_clear(TidyPair *pair)
{
	g_clear_pointer(&pair->source, tidy_dir_unref);
	g_clear_pointer(&pair->target, tidy_dir_unref);
	g_clear_pointer(&pair->source_list, tidy_listing_free);
	g_clear_pointer(&pair->target_list, tidy_listing_free);
	g_clear_pointer(&pair->planner, tidy_planner_free);
	g_clear_pointer(&pair->twins, g_array_unref);
}

/* Lists both directories of @pair; notes why not. */
static gboolean
open_pair(TidyWalk *walk, TidyPair *pair)
{
	TidyDir *bad = pair->source;
	int r;

	pair->source_list = tidy_walk_list(walk, pair->source, &r);
	if (r >= 0 && pair->source->is_mount) {
		g_autofree char *path = tidy_dir_path(pair->source);

		tidy_run_note(walk->run, path, TIDY_WHY_MOUNT, 0);
		return FALSE;
	}
	if (r >= 0 && pair->is_target_new) {
		pair->target_list = tidy_listing_new();
	} else if (r >= 0) {
		bad = pair->target;
		pair->target_list = tidy_walk_list(walk, pair->target, &r);
	}
	if (r < 0) {
		g_autofree char *path = tidy_dir_path(bad);

		tidy_run_note(walk->run, path, TIDY_WHY_UNREADABLE, -r);
	}
	return r >= 0;
}

/* Whether renames from the one to the other answer EXDEV, as far as is known before. */
static gboolean
needs_copy(TidyWalk *walk, const TidyPair *pair)
{
	const TidyDir *source = pair->source;
	const TidyDir *target = pair->target;
	g_autofree char *path = NULL;

	if (source->dev != target->dev ||
	    (source->mnt_id != 0 && target->mnt_id != 0 && source->mnt_id != target->mnt_id))
		return TRUE;
	if (g_hash_table_size(walk->run->crossing) == 0)
		return FALSE;
	path = tidy_dir_path(source);
	return g_hash_table_contains(walk->run->crossing, path);
}

/* The target directory is made by this operation, in this pass, an earlier one, or before a crash: a repository that cannot
 * be renamed goes into it piece by piece. */
static gboolean
is_ours(TidyWalk *walk, const TidyPair *pair, const TidyEntry *entry)
{
	g_autofree char *path = tidy_dir_path(pair->target);

	/* The journal's record of it says that it did not exist. */
	if (pair->target->id != 0 && !pair->target->is_expected && !pair->is_target_new)
		return TRUE;
	if (pair->is_target_new && (entry->flags & TIDY_ENTRY_NO_RENAME) != 0)
		g_hash_table_add(walk->run->made, g_strdup(path));
	return g_hash_table_contains(walk->run->made, path);
}

/* Into a directory that is to be made under a name of its own; a crash, or an earlier pass, may have left one of this
 * operation. */
static gboolean
descend_new(TidyWalk *walk, TidyPair *above, const TidyEntry *entry, const char *new_name,
	    GError **error)
{
	const char *made = NULL;

	if (new_name != NULL && g_hash_table_size(walk->run->renamed) > 0) {
		g_autofree char *path = tidy_dir_entry_path(above->target, entry->name);

		made = g_hash_table_lookup(walk->run->renamed, path);
	}
	return descend(walk, above, entry, made != NULL ? made : new_name, made == NULL, error);
}

static gboolean
leave(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry, TidyWhy why)
{
	g_autofree char *path = tidy_dir_entry_path(pair->source, entry->name);

	pair->is_going = FALSE;
	tidy_run_note(walk->run, path, why, 0);
	return TRUE;
}

/* A repository that the target has too, or part of one: it goes as a whole, to a name of its own; and stays as a whole when
 * something in it has to stay. */
static gboolean
take_unit(TidyWalk *walk, TidyPair *above, const TidyEntry *entry, const char *new_name,
	  gboolean is_target_new, GError **error)
{
	const char *name;

	if ((entry->flags & TIDY_ENTRY_HOLDS) != 0)
		return leave(walk, above, entry, TIDY_WHY_OPEN);
	if (is_target_new && (entry->flags & TIDY_ENTRY_NO_RENAME) == 0)
		return tidy_walk_add_move(walk, above, entry, new_name,
					  new_name != NULL ? TIDY_WHY_NAME_TAKEN : TIDY_WHY_ABSENT,
					  error);
	name = tidy_planner_free_name(above->planner, entry->name, TRUE);
	above->is_going &= name != NULL;
	above->is_source_changed |= name != NULL;
	if (name == NULL)
		return TRUE;
	if ((entry->flags & TIDY_ENTRY_NO_RENAME) != 0)
		return descend_new(walk, above, entry, name, error);
	return tidy_walk_add_move(walk, above, entry, name, TIDY_WHY_NAME_TAKEN, error);
}

/* The walk goes on with what it makes walk->next, before it comes back to @above. */
static gboolean
descend(TidyWalk *walk, TidyPair *above, const TidyEntry *entry, const char *new_name,
	gboolean is_target_new, GError **error)
{
	TidyPair pair = {
		.above = above,
		.source = child_dir(walk, above->source, entry->name),
		.target = child_dir(walk, above->target, new_name != NULL ? new_name : entry->name),
		.is_target_new = is_target_new,
		.needs_copy = above->needs_copy,
	};
	gboolean is_fine = TRUE;

	if (!open_pair(walk, &pair)) {
		above->is_going = FALSE;
	} else if ((tidy_plan_is_unit(pair.source_list) || tidy_plan_is_unit(pair.target_list)) &&
		   ((entry->flags & TIDY_ENTRY_HOLDS) != 0 || !is_ours(walk, &pair, entry))) {
		is_fine = take_unit(walk, above, entry, new_name, is_target_new, error);
	} else {
		gboolean has_target = !is_target_new;

		if (is_target_new)
			is_fine = tidy_walk_add_mkdir(walk, above, pair.source, pair.target,
						      &has_target, error);
		if (is_fine && has_target) {
			walk->next = g_memdup2(&pair, sizeof pair);
			return TRUE;
		}
		above->is_going = FALSE;
	}
	pair_clear(&pair);
	return is_fine;
}

static gboolean
follow_decision(TidyWalk *walk, TidyPair *pair, const TidyDecision *decision, GError **error)
{
	const TidyEntry *entry =
		&g_array_index(pair->source_list->entries, TidyEntry, decision->index);

	pair->is_source_changed |= decision->kind < TIDY_DECISION_DESCEND;
	switch (decision->kind) {
	case TIDY_DECISION_MOVE:
		return tidy_walk_add_move(walk, pair, entry, decision->new_name, decision->why,
					  error);
	case TIDY_DECISION_RELINK:
		return tidy_walk_add_relink(walk, pair, entry, decision, error);
	case TIDY_DECISION_UNLINK:
		return tidy_walk_add_unlink(walk, pair, entry, decision->why, error);
	case TIDY_DECISION_FOLD:
	case TIDY_DECISION_DISCARD:
		return tidy_walk_add_trash(walk, pair->source, entry, decision->why, error);
	case TIDY_DECISION_UNION:
		return tidy_walk_add_union(walk, pair, entry, decision->why, error);
	case TIDY_DECISION_DELETE:
		return tidy_walk_add_delete(walk, pair, entry, decision->why, error);
	case TIDY_DECISION_REPLACE:
		return tidy_walk_add_replace(walk, pair, entry, decision->why, error);
	case TIDY_DECISION_DESCEND:
		return descend(walk, pair, entry, NULL, FALSE, error);
	case TIDY_DECISION_MAKE_DIR:
		return descend_new(walk, pair, entry, decision->new_name, error);
	case TIDY_DECISION_LEAVE:
		return leave(walk, pair, entry, decision->why);
	}
	return TRUE;
}

/* --- one pair --- */

/* The merged directory is as new as the newer of the two; what stays of the source is as old as it was. */
static gboolean
close_pair(TidyWalk *walk, TidyPair *pair, GError **error)
{
	/* TIDY_TIME_OMIT, of a directory that is being made, is less than any time. */
	gint64 newest = MAX(pair->source->original_ns, pair->target->original_ns);

	/* A look that moves nothing changes nothing, not even a stamp. */
	if ((pair->is_target_changed || (pair->is_going && newest != pair->target->mtime_ns)) &&
	    !tidy_walk_add_times(walk, pair->target, newest, error))
		return FALSE;
	/* In a further pass the removal has failed before, and may again: then the stamp is right all the same. */
	if (pair->is_going && walk->pass > 1 &&
	    !tidy_walk_add_times(walk, pair->source, pair->source->original_ns, error))
		return FALSE;
	if (pair->is_going)
		return tidy_walk_add_rmdir(walk, pair->source, error);
	return !pair->is_source_changed ||
	       tidy_walk_add_times(walk, pair->source, pair->source->original_ns, error);
}

/* Finds out what is to be done in @pair. */
static gboolean
plan_pair(TidyWalk *walk, TidyPair *pair, GError **error)
{
	int source = tidy_dir_fd(pair->source);
	int target = pair->is_target_new ? -1 : tidy_dir_fd(pair->target);

	if (g_cancellable_set_error_if_cancelled(walk->job->cancellable, NULL)) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_CANCELLED, "stopped on request");
		return FALSE;
	}
	if (!pair->is_target_new)
		pair->needs_copy = needs_copy(walk, pair);
	/* What a crash interrupted, or an earlier pass did, has changed the stamps. */
	pair->is_source_changed = walk->known != NULL || walk->pass > 1;
	pair->is_target_changed =
		walk->pass > 1 ||
		(walk->known != NULL && tidy_known_was_changed(walk->known, pair->target));
	tidy_walk_look(walk, pair);
	pair->twins = tidy_walk_relate(walk, pair, source, target);
	pair->planner = tidy_planner_new(pair->source_list, pair->target_list, pair->twins,
					 &walk->job->policy);
	pair->is_going = !tidy_walk_has_excluded(pair);
	return TRUE;
}

/* The pair that it came from, with what became of it; the roots are the caller's. */
static TidyPair *
end_pair(TidyPair *pair)
{
	TidyPair *above = pair->above;

	if (above == NULL)
		return NULL;
	above->is_going &= pair->is_going;
	above->is_source_changed |= pair->is_going;
	pair_clear(pair);
	g_free(pair);
	return above;
}

/* @roots and everything below: a loop, because a tree may be deeper than any stack. */
static gboolean
merge_pairs(TidyWalk *walk, TidyPair *roots, GError **error)
{
	TidyPair *pair = roots;
	gboolean is_fine = plan_pair(walk, roots, error);
	TidyDecision decision;

	while (is_fine && pair != NULL) {
		if (!tidy_planner_next(pair->planner, &decision)) {
			is_fine = close_pair(walk, pair, error);
			pair = is_fine ? end_pair(pair) : pair;
			continue;
		}
		is_fine = follow_decision(walk, pair, &decision, error);
		if (walk->next == NULL)
			continue;
		pair = g_steal_pointer(&walk->next);
		is_fine = plan_pair(walk, pair, error);
	}
	while (pair != NULL)
		pair = end_pair(pair);
	return is_fine;
}

/* --- the two roots --- */

static gboolean
add_compatibility_link(TidyWalk *walk, TidyDir *stray, GError **error)
{
	g_autofree char *parent = tidy_dir_path(stray->parent);
	g_autofree char *text = tidy_plan_relative_path(parent, walk->job->target);
	TidyStep step = {
		.op = TIDY_OP_LINK,
		.why = TIDY_WHY_COMPATIBILITY,
		.type = TIDY_TYPE_LINK,
		.name = g_strdup(stray->name),
		.text = g_steal_pointer(&text),
		.size = -1,
		.mtime_ns = stray->original_ns,
		.needs_previous = TRUE,
	};

	return tidy_executor_add(walk->executor, &step, stray->parent, NULL, error);
}

/* The target does not exist, and no rename makes one of the stray: a new one gets all that is in it. */
static gboolean
make_root(TidyWalk *walk, TidyPair *roots, GError **error)
{
	gboolean is_made = FALSE;

	roots->is_target_new = TRUE;
	roots->needs_copy = roots->source->parent->dev != roots->target->parent->dev;
	if (!open_pair(walk, roots))
		return TRUE;
	if (!tidy_walk_add_mkdir(walk, roots, roots->source, roots->target, &is_made, error))
		return FALSE;
	return !is_made || merge_pairs(walk, roots, error);
}

/* The target does not exist: the stray becomes it. */
static gboolean
rename_root(TidyWalk *walk, TidyPair *roots, GError **error)
{
	TidyStep step = {
		.op = TIDY_OP_MOVE,
		.why = TIDY_WHY_ABSENT,
		.type = TIDY_TYPE_DIR,
		.name = g_strdup(roots->source->name),
		.to_name = g_strdup(roots->target->name),
		.ino = roots->source->ino,
		.size = -1,
		.mtime_ns = TIDY_TIME_OMIT,
	};

	if (g_hash_table_size(walk->run->apart) + g_hash_table_size(walk->run->crossing) > 0) {
		tidy_step_clear(&step);
		return make_root(walk, roots, error);
	}
	roots->is_going = TRUE;
	return tidy_executor_add(walk->executor, &step, roots->source->parent,
				 roots->target->parent, error);
}

static gboolean
root_error(GError **error, TidyDir *dir, int r)
{
	g_autofree char *path = tidy_dir_path(dir);
	g_autofree char *shown = tidy_text_display(path);

	return tidy_error_set_errno(error, -r, "cannot open %s", shown);
}

static gboolean
walk_roots(TidyWalk *walk, TidyDir *stray, TidyDir *target, GError **error)
{
	TidyPair roots = {
		.source = tidy_dir_ref(stray),
		.target = tidy_dir_ref(target),
		.is_root = TRUE,
	};
	int r = tidy_dir_fd(stray);
	int t = tidy_dir_fd(target);
	gboolean is_fine;

	if (r < 0)
		is_fine = root_error(error, stray, r);
	else if (t == -ENOENT && walk->job->only_names == NULL)
		is_fine = rename_root(walk, &roots, error);
	else if (t < 0)
		is_fine = root_error(error, target, t);
	else
		is_fine = !open_pair(walk, &roots) || merge_pairs(walk, &roots, error);
	if (is_fine && roots.is_going && walk->job->leaves_symlink)
		is_fine = add_compatibility_link(walk, stray, error);
	pair_clear(&roots);
	return is_fine && tidy_executor_flush(walk->executor, error);
}

/* --- the operation --- */

gboolean
tidy_engine_check_roots(const char *stray, const char *target, GError **error)
{
	g_autofree char *stray_slash = g_strconcat(stray, "/", NULL);
	g_autofree char *target_slash = g_strconcat(target, "/", NULL);

	if (!g_str_has_prefix(stray_slash, target_slash) &&
	    !g_str_has_prefix(target_slash, stray_slash))
		return TRUE;
	g_set_error(error, TIDY_ERROR, TIDY_ERROR_REFUSED,
		    "%s and %s are the same directory, or one lies in the other", stray, target);
	return FALSE;
}

/* The same directory may have two names (a bind mount, a case-insensitive parent). */
static gboolean
refuse_same(TidyDir *stray, TidyDir *target, GError **error)
{
	if (tidy_dir_fd(stray) < 0 || tidy_dir_fd(target) < 0 || stray->dev != target->dev ||
	    stray->ino != target->ino)
		return TRUE;
	g_set_error(error, TIDY_ERROR, TIDY_ERROR_REFUSED,
		    "both names lead to the same directory; nothing to merge");
	return FALSE;
}

/* What a resumed journal knows keeps its numbers and first-seen times. */
static TidyDir *
top_dir(TidyWalk *walk, const char *path)
{
	TidyDir *known = walk->known != NULL ? tidy_known_find(walk->known, NULL, path) : NULL;

	return known != NULL ? tidy_dir_ref(known) : tidy_dir_root(walk->pool, path);
}

static TidyDir *
root_dir(TidyWalk *walk, TidyDir *home, const char *path)
{
	g_autofree char *parent = g_path_get_dirname(path);
	g_autofree char *name = g_path_get_basename(path);
	g_autoptr(TidyDir) above = NULL;

	if (strcmp(parent, home->name) == 0)
		return child_dir(walk, home, name);
	above = top_dir(walk, parent);
	return child_dir(walk, above, name);
}

static gboolean
run_passes(TidyWalk *walk, TidyDir *stray, TidyDir *target, GError **error)
{
	TidyRun *run = walk->run;

	for (walk->pass = 1; walk->pass <= PASSES_MAX; walk->pass++) {
		tidy_run_new_pass(run);
		walk->n_below = 0;
		/* Gone whole in an earlier pass, or renamed: there is nothing left to look at. */
		if (walk->pass > 1 && tidy_dir_fd(stray) < 0)
			return TRUE;
		if (!walk_roots(walk, stray, target, error))
			return FALSE;
		/* What is half made would be planned as something new. */
		if (run->n_races == 0 || run->is_stuck)
			return TRUE;
		tidy_dir_pool_close_all(walk->pool);
	}
	return TRUE;
}

/* From here on everything has a journal, a pool and an executor; the caller gives them back. */
static gboolean
merge_walk(TidyWalk *walk, TidyOpening *opening, TidyDir *stray, TidyDir *target,
	   TidyResult *result, GError **error)
{
	TidyExecutorOptions options = {
		.fs = walk->fs,
		.journal = walk->job->is_dry_run ? NULL : tidy_opening_journal,
		.journal_data = opening,
		.is_dry_run = walk->job->is_dry_run,
		.cancellable = walk->job->cancellable,
		.sets = walk->run->sets,
		.salt = tidy_engine_salt(walk->run->engine),
		.copied = tidy_run_copied,
		.report = tidy_run_report,
		.report_data = walk->run,
	};
	gboolean is_fine = refuse_same(stray, target, error);

	walk->executor = tidy_executor_new(&options);
	is_fine = is_fine && run_passes(walk, stray, target, error);
	result->outcome = tidy_run_finish(walk->run);
	/* A merge that was resumed may have nothing left to do, but it still wants its commit. */
	if (is_fine && opening->resumed != NULL)
		is_fine = tidy_opening_journal(opening, error) != NULL;
	if (is_fine && opening->file != NULL)
		is_fine = tidy_engine_commit(walk->run->engine, opening->file, walk->run,
					     result->outcome, error);
	tidy_executor_free(walk->executor);
	result->id = opening->header.id;
	return is_fine;
}

/* Live routing is planned anew by who watches; and in a home that came back from a backup, with other inodes, the plan
 * of then is not the wish of now. */
static gboolean
is_to_go_on(TidyEngine *engine, const TidyJournal *resumed)
{
	TidyStat home = { 0 };

	tidy_engine_stat_home(engine, &home);
	return (resumed->header.flags & TIDY_JOURNAL_LIVE) == 0 &&
	       home.ino == resumed->header.home_ino;
}

/* The steps are made; only the commit is missing. */
static gboolean
merge_close(TidyOpening *opening, TidyRun *run, TidyResult *result, GError **error)
{
	if (!run->is_stuck)
		tidy_run_new_pass(run);
	result->outcome = tidy_run_finish(run);
	if (tidy_opening_journal(opening, error) == NULL)
		return FALSE;
	result->id = opening->header.id;
	return tidy_engine_commit(opening->engine, opening->file, run, result->outcome, error);
}

gboolean
tidy_engine_merge_locked(TidyEngine *engine, const TidyMergeJob *job, const TidySink *sink,
			 const TidyJournal *resumed, TidyResult *result, GError **error)
{
	g_autoptr(TidyDirPool) pool = tidy_dir_pool_new(engine->fs);
	g_autoptr(GPtrArray) dirs = NULL;
	g_autoptr(TidyDir) home = NULL;
	g_autoptr(TidyDir) stray = NULL;
	g_autoptr(TidyDir) target = NULL;
	g_autoptr(TidyDir) trash = NULL;
	TidyOpening opening = {
		.engine = engine,
		.resumed = resumed,
		.header = { .kind = TIDY_JOURNAL_MERGE,
			    .stray = (char *)job->stray,
			    .target = (char *)job->target,
			    .key = (char *)(job->key != NULL ? job->key : ""),
			    .policy = job->policy,
			    .flags = (job->leaves_symlink ? TIDY_JOURNAL_LEAVES_SYMLINK : 0u) |
				     (job->only_names != NULL ? TIDY_JOURNAL_LIVE : 0u) },
	};
	TidyRun run;
	TidyWalk walk = {
		.job = job,
		.run = &run,
		.fs = engine->fs,
		.pool = pool,
		.now_ns = engine->fs->now(engine->fs),
	};
	gboolean is_fine = TRUE;

	tidy_run_init(&run, engine, sink);
	walk.trashes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
					     (GDestroyNotify)tidy_dir_unref);
	walk.trash_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (resumed != NULL) {
		dirs = tidy_engine_journal_dirs(resumed, pool);
		is_fine = tidy_engine_replay(engine, resumed, dirs, &run, job->cancellable, error);
		/* What was removed by it is not to be taken for open. */
		tidy_dir_pool_close_all(pool);
		walk.known = tidy_known_new(resumed, dirs);
	}
	home = top_dir(&walk, engine->home);
	stray = root_dir(&walk, home, job->stray);
	target = root_dir(&walk, home, job->target);
	trash = walk.trash = tidy_engine_trash(engine, pool);
	if (is_fine && resumed != NULL &&
	    (run.is_stuck || tidy_dir_fd(stray) < 0 || !is_to_go_on(engine, resumed)))
		is_fine = merge_close(&opening, &run, result, error);
	else if (is_fine)
		is_fine = merge_walk(&walk, &opening, stray, target, result, error);
	result->counts = run.counts;
	g_clear_pointer(&opening.file, tidy_journal_file_free);
	g_clear_pointer(&walk.known, tidy_known_free);
	g_hash_table_unref(walk.trash_names);
	g_hash_table_unref(walk.trashes);
	tidy_run_clear(&run);
	return is_fine;
}
