/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Duplicates: pairs of equal names become steps. What a pair is worth is found out by the step itself (share.c), at the moment
 * it is made; here are only the facts that undo needs. I/O.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "home/base/error.h"
#include "home/base/text.h"
#include "home/engine/copy.h"
#include "home/engine/engine-private.h"
#include "home/engine/trash.h"

typedef struct {
	TidyEngine *engine;
	TidyFs *fs;
	TidyDedupeHow how;
	gboolean is_dry_run;
	TidyRun *run;
	TidyDirPool *pool;
	TidyExecutor *executor;
	TidyDir *trash;
	GHashTable *trash_names; /* given away in this run */
	GHashTable *dirs;	 /* path -> TidyDir */
	char *common;		 /* the directory that has all of them */
	char *root;		 /* the one above it */
	TidyOpening opening;
} Dedupe;

/* --- names --- */

/* From the common directory down, one component at a time, so that no link is followed. Borrowed. */
static TidyDir *
dir_at(Dedupe *dedupe, const char *path)
{
	TidyDir *dir = g_hash_table_lookup(dedupe->dirs, path);

	if (dir != NULL)
		return dir;
	/* One above the common one is the root: a directory that is no root gets its stamp back. */
	if (strcmp(path, dedupe->root) == 0) {
		dir = tidy_dir_root(dedupe->pool, path);
	} else {
		g_autofree char *above = g_path_get_dirname(path);
		g_autofree char *name = g_path_get_basename(path);

		dir = tidy_dir_child(dir_at(dedupe, above), name);
	}
	g_hash_table_insert(dedupe->dirs, g_strdup(path), dir);
	return dir;
}

/* What both paths have in common, in whole components; consumes @common. */
static char *
common_dir(char *common, const char *path)
{
	g_autofree char *dir = g_path_get_dirname(path);

	if (common == NULL)
		return g_steal_pointer(&dir);
	for (;;) {
		size_t length = strlen(common);
		char *above;

		if (strncmp(dir, common, length) == 0 &&
		    (dir[length] == '\0' || dir[length] == '/' || strcmp(common, "/") == 0))
			return common;
		above = g_path_get_dirname(common);
		g_free(common);
		common = above;
	}
}

/* The rule that keeps the last copy: nothing is both kept and folded, and nothing in or above the one is the other. */
static gboolean
check_pairs(const TidyDedupePair *pairs, gsize n_pairs, GError **error)
{
	g_autoptr(GHashTable) folded = g_hash_table_new(g_str_hash, g_str_equal);
	const char *wrong = NULL;

	for (gsize i = 0; i < n_pairs && wrong == NULL; i++) {
		if (!g_path_is_absolute(pairs[i].keep) || !g_path_is_absolute(pairs[i].fold) ||
		    !g_hash_table_add(folded, (gpointer)pairs[i].fold))
			wrong = pairs[i].fold;
	}
	for (gsize i = 0; i < n_pairs && wrong == NULL; i++) {
		g_autofree char *path = g_strdup(pairs[i].keep);
		gboolean is_first = TRUE;

		for (char *end = path; end != NULL && wrong == NULL; end = strrchr(path, '/')) {
			if (!is_first)
				*end = '\0';
			is_first = FALSE;
			if (g_hash_table_contains(folded, path))
				wrong = pairs[i].keep;
		}
	}
	if (wrong != NULL) {
		g_autofree char *shown = tidy_text_display(wrong);

		g_set_error(error, TIDY_ERROR, TIDY_ERROR_USAGE,
			    "%s: to be kept and to be folded, or twice, or not an absolute path",
			    shown);
	}
	return wrong == NULL;
}

/* --- steps --- */

/* What the name is now, and what the file needs to be made again. 0 or -errno. */
static int
fill_in(Dedupe *dedupe, TidyStep *step, TidyDir *dir, TidyDir *keep_dir, const char *keep_name)
{
	TidyFs *fs = dedupe->fs;
	TidyStat st;
	TidyStat keep;
	int from = tidy_dir_fd(dir);
	int to = from >= 0 ? tidy_dir_fd(keep_dir) : from;
	int r = MIN(to, 0);
	int fd;

	/* The first descriptor is given back when the second one needs its place. */
	from = tidy_dir_fd(dir);
	if (r == 0)
		r = fs->stat(fs, to, keep_name, &keep);
	if (r == 0)
		r = fs->stat(fs, from, step->name, &st);
	if (r < 0)
		return r;
	step->type = tidy_stat_type(&st);
	step->ino = st.ino;
	step->to_ino = keep.ino;
	step->size = step->type == TIDY_TYPE_FILE ? st.size : -1;
	step->mtime_ns = st.mtime_ns;
	if (dedupe->how == TIDY_DEDUPE_TRASH)
		return 0;
	if (step->type != TIDY_TYPE_FILE || st.ino == keep.ino || st.dev != keep.dev ||
	    (dedupe->how == TIDY_DEDUPE_HARDLINK && st.nlink > 1))
		return -ESTALE;
	step->mode = st.mode;
	step->uid = st.uid;
	step->gid = st.gid;
	fd = fs->openat(fs, from, step->name, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	r = tidy_xattrs_pack(fs, fd, &step->xattrs);
	fs->close(fs, fd);
	return r;
}

static gboolean
add_trash(Dedupe *dedupe, TidyStep *same, TidyDir *dir, TidyDir *keep_dir, GError **error)
{
	TidyStep step = {
		.op = TIDY_OP_TRASH,
		.why = TIDY_WHY_IDENTICAL,
		.type = same->type,
		.name = g_strdup(same->name),
		.ino = same->ino,
		.size = same->size,
		.mtime_ns = TIDY_TIME_OMIT,
		.needs_previous = TRUE,
	};

	step.to_name = dedupe->is_dry_run ? g_strdup(same->name)
					  : tidy_trash_free_name(dedupe->trash, same->name,
								 dedupe->trash_names);
	if (step.to_name == NULL) {
		g_autofree char *path = tidy_dir_entry_path(dir, same->name);

		tidy_step_clear(&step);
		tidy_step_clear(same);
		tidy_run_note(dedupe->run, path, TIDY_WHY_FAILED, EIO);
		return TRUE;
	}
	same->op = TIDY_OP_SAME;
	if (tidy_executor_add(dedupe->executor, same, dir, keep_dir, error))
		return tidy_executor_add(dedupe->executor, &step, dir, dedupe->trash, error);
	tidy_step_clear(&step);
	return FALSE;
}

static gboolean
add_pair(Dedupe *dedupe, const TidyDedupePair *pair, GError **error)
{
	static const TidyOp ops[] = {
		[TIDY_DEDUPE_TRASH] = TIDY_OP_SAME,
		[TIDY_DEDUPE_HARDLINK] = TIDY_OP_HARDLINK,
		[TIDY_DEDUPE_REFLINK] = TIDY_OP_REFLINK,
	};
	g_autofree char *fold_dir = g_path_get_dirname(pair->fold);
	g_autofree char *keep_above = g_path_get_dirname(pair->keep);
	TidyDir *dir = dir_at(dedupe, fold_dir);
	TidyDir *keep_dir = dir_at(dedupe, keep_above);
	TidyStep step = {
		.op = ops[dedupe->how],
		.why = TIDY_WHY_IDENTICAL,
		.name = g_path_get_basename(pair->fold),
		.to_name = g_path_get_basename(pair->keep),
	};
	int r = fill_in(dedupe, &step, dir, keep_dir, step.to_name);

	if (r < 0) {
		tidy_step_clear(&step);
		tidy_run_note(dedupe->run, pair->fold,
			      r == -ESTALE || r == -ENOENT ? TIDY_WHY_LOST_RACE
							   : TIDY_WHY_UNREADABLE,
			      r == -ESTALE ? 0 : -r);
		return TRUE;
	}
	if (dedupe->how == TIDY_DEDUPE_TRASH)
		return add_trash(dedupe, &step, dir, keep_dir, error);
	return tidy_executor_add(dedupe->executor, &step, dir, keep_dir, error);
}

/* A name less or a name exchanged leaves its mark on a directory that looks the same. */
static gboolean
add_times(Dedupe *dedupe, GError **error)
{
	GHashTableIter iter;
	TidyDir *dir;

	if (dedupe->how != TIDY_DEDUPE_HARDLINK)
		return TRUE;
	g_hash_table_iter_init(&iter, dedupe->dirs);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&dir)) {
		TidyStep step = {
			.op = TIDY_OP_TIMES,
			.why = TIDY_WHY_METADATA,
			.type = TIDY_TYPE_DIR,
			.size = -1,
			.ino = dir->ino,
			.mtime_ns = dir->mtime_ns,
		};

		if (dir->parent == NULL || !dir->is_known || dir->mtime_ns == TIDY_TIME_OMIT)
			continue;
		step.name = g_strdup(dir->name);
		if (!tidy_executor_add(dedupe->executor, &step, dir->parent, dir, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
run_pairs(Dedupe *dedupe, const TidyDedupePair *pairs, gsize n_pairs, GCancellable *cancellable,
	  TidyResult *result, GError **error)
{
	TidyExecutorOptions options = {
		.fs = dedupe->fs,
		.journal = dedupe->is_dry_run ? NULL : tidy_opening_journal,
		.journal_data = &dedupe->opening,
		.is_dry_run = dedupe->is_dry_run,
		.cancellable = cancellable,
		.sets = dedupe->run->sets,
		.salt = tidy_engine_salt(dedupe->engine),
		.report = tidy_run_report,
		.report_data = dedupe->run,
	};
	gboolean is_fine = TRUE;

	dedupe->executor = tidy_executor_new(&options);
	for (gsize i = 0; is_fine && i < n_pairs; i++)
		is_fine = add_pair(dedupe, &pairs[i], error);
	is_fine =
		is_fine && add_times(dedupe, error) && tidy_executor_flush(dedupe->executor, error);
	result->outcome = tidy_run_finish(dedupe->run);
	result->id = dedupe->opening.header.id;
	if (is_fine && dedupe->opening.file != NULL)
		is_fine = tidy_engine_commit(dedupe->engine, dedupe->opening.file, dedupe->run,
					     result->outcome, error);
	tidy_executor_free(dedupe->executor);
	return is_fine;
}

gboolean
tidy_engine_dedupe(TidyEngine *engine, TidyDedupeHow how, const TidyDedupePair *pairs,
		   gsize n_pairs, gboolean is_dry_run, const TidySink *sink,
		   GCancellable *cancellable, TidyResult *result, GError **error)
{
	g_autoptr(TidyDirPool) pool = NULL;
	TidyRun run;
	Dedupe dedupe = {
		.engine = engine, .fs = engine->fs, .how = how, .is_dry_run = is_dry_run
	};
	gboolean is_fine;

	*result = (TidyResult){ .outcome = TIDY_OUTCOME_DONE };
	if (n_pairs == 0)
		return TRUE;
	if (!check_pairs(pairs, n_pairs, error) ||
	    (!is_dry_run && !tidy_engine_begin(engine, error)))
		return FALSE;
	for (gsize i = 0; i < n_pairs; i++) {
		dedupe.common = common_dir(dedupe.common, pairs[i].keep);
		dedupe.common = common_dir(dedupe.common, pairs[i].fold);
	}
	dedupe.root = g_path_get_dirname(dedupe.common);
	dedupe.opening = (TidyOpening){ .engine = engine,
					.header = { .kind = TIDY_JOURNAL_DUPES,
						    .stray = dedupe.common,
						    .target = dedupe.common,
						    .key = (char *)"" } };
	pool = tidy_dir_pool_new(engine->fs);
	tidy_run_init(&run, engine, sink);
	dedupe.run = &run;
	dedupe.pool = pool;
	dedupe.trash = tidy_engine_trash(engine, pool);
	dedupe.trash_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	dedupe.dirs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					    (GDestroyNotify)tidy_dir_unref);
	is_fine = run_pairs(&dedupe, pairs, n_pairs, cancellable, result, error);
	result->counts = run.counts;
	g_clear_pointer(&dedupe.opening.file, tidy_journal_file_free);
	g_hash_table_unref(dedupe.dirs);
	g_hash_table_unref(dedupe.trash_names);
	tidy_dir_unref(dedupe.trash);
	tidy_run_clear(&run);
	g_free(dedupe.common);
	g_free(dedupe.root);
	if (!is_dry_run)
		tidy_engine_end(engine);
	return is_fine;
}

gboolean
tidy_engine_resume_dedupe(TidyEngine *engine, const TidyJournal *journal, const TidySink *sink,
			  GCancellable *cancellable, TidyResult *result, GError **error)
{
	g_autoptr(TidyDirPool) pool = tidy_dir_pool_new(engine->fs);
	g_autoptr(GPtrArray) dirs = tidy_engine_journal_dirs(journal, pool);
	TidyJournalFile *file = tidy_store_reopen(engine->store, journal, error);
	TidyRun run;
	gboolean is_fine = file != NULL;

	*result = (TidyResult){ .id = journal->header.id, .outcome = TIDY_OUTCOME_DONE };
	tidy_run_init(&run, engine, sink);
	is_fine = is_fine && tidy_engine_replay(engine, journal, dirs, &run, cancellable, error);
	result->outcome = tidy_run_finish(&run);
	result->counts = run.counts;
	is_fine = is_fine && tidy_engine_commit(engine, file, &run, result->outcome, error);
	g_clear_pointer(&file, tidy_journal_file_free);
	tidy_run_clear(&run);
	return is_fine;
}
