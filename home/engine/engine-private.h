/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What engine.c, merge.c, undo.c and run.c share. I/O. */
#pragma once

#include "home/engine/engine.h"
#include "home/engine/execute.h"

struct TidyEngine {
	TidyFs *fs;
	char *home;
	char *state_dir;
	char *trash;
	TidyStore *store; /* NULL: not opened yet */
	char *host;	  /* this computer, as the state directory has it; NULL: does not matter */
};

/* Opens the state directory (and makes it) and takes the lock. */
gboolean tidy_engine_begin(TidyEngine *engine, GError **error);
void tidy_engine_end(TidyEngine *engine);
/* This computer is the one that wrote last; under the lock, before anything is changed. */
gboolean tidy_engine_claim(TidyEngine *engine, GError **error);

/* The Trash for a pool; it need not exist. The nearest directory above it that exists is its root. (transfer full) */
TidyDir *tidy_engine_trash(TidyEngine *engine, TidyDirPool *pool);
void tidy_engine_stat_home(TidyEngine *engine, TidyStat *st);

/*
 * A run: one operation being made. Collects what the executor reports, counts, and keeps left entries and problems of
 * the last pass for the end.
 */
typedef struct {
	TidyEngine *engine;
	const TidySink *sink;
	TidyCounts counts;
	GPtrArray *notes; /* of RunNote: left and problems of this pass */
	guint64 n_made;
	guint64 n_told;	   /* steps told to the sink */
	gint64 newest_ns;  /* the latest time seen: the clock may be set back while we work */
	guint n_races;	   /* steps that met something new: worth another pass */
	GHashTable *taken; /* paths at whose target the name is taken though no listing shows it */
	GHashTable *apart; /* paths of directories that cannot be renamed as a whole */
	GHashTable *crossing; /* paths of directories whose entries no rename takes to the target */
	GHashTable *
		made; /* paths of directories that this run makes for what cannot be renamed as a whole */
	GHashTable *
		renamed; /* path in the target -> name of the directory that was made for it instead */
	GHashTable *
		refused; /* path -> RunNote: what could not be copied, and is not tried again in this run */
	TidyCarrySets *sets;
	guint64 copied_bytes; /* to other file systems, so far */
	gboolean is_stuck;    /* a step is half made: no commit, recovery has to go on with it */
	GPtrArray *touched;   /* of TidyDir: one of each file system that was changed */
} TidyRun;

void tidy_run_init(TidyRun *run, TidyEngine *engine, const TidySink *sink);
void tidy_run_clear(TidyRun *run);
/* Forgets the notes of the last pass. */
void tidy_run_new_pass(TidyRun *run);
/* An entry stays; @path is absolute. */
void tidy_run_note(TidyRun *run, const char *path, TidyWhy why, int errno_code);
/* An earlier pass could not copy the entry: notes that again. */
gboolean tidy_run_note_refused(TidyRun *run, const char *path);
/* For TidyExecutorOptions.copied, data is the TidyRun. */
void tidy_run_copied(gint64 bytes, gpointer data);
/* Tells temporary names of this home's copies from those of another. */
guint64 tidy_engine_salt(const TidyEngine *engine);
/* Tells the sink what stayed, and answers how it ended. */
TidyOutcome tidy_run_finish(TidyRun *run);
/* For TidyExecutorOptions.report, data is the TidyRun. */
void tidy_run_report(const TidyStep *step, TidyDir *dir, TidyDir *to_dir, TidyWhy outcome,
		     int errno_code, gpointer data);

/* The journal of a run: it is begun with the first step, so that a run without steps leaves none. */
typedef struct {
	TidyEngine *engine;
	const TidyJournal *resumed; /* the journal that is gone on with, or NULL */
	TidyJournalHeader
		header; /* as it will be written; id 0 until then; begin and home are filled in. Borrows */
	TidyJournalFile *file; /* NULL: not begun */
} TidyOpening;

/* For TidyExecutorOptions.journal, data is the TidyOpening. NULL with @error. */
TidyJournalFile *tidy_opening_journal(gpointer opening, GError **error);

/* The directories of a journal as TidyDirs of a pool, index id - 1; roots by path. Those with a known inode are expected to
 * have it. (transfer full) */
GPtrArray *tidy_engine_journal_dirs(const TidyJournal *journal, TidyDirPool *pool);

/* Makes every step of a journal that is not made yet, and counts all that are made in @run. */
gboolean tidy_engine_replay(TidyEngine *engine, const TidyJournal *journal, GPtrArray *dirs,
			    TidyRun *run, GCancellable *cancellable, GError **error);

/* Ends an operation: every file system that it changed durable, then the commit. Not when a step is half made. */
gboolean tidy_engine_commit(TidyEngine *engine, TidyJournalFile *file, const TidyRun *run,
			    TidyOutcome outcome, GError **error);

/* merge.c and undo.c under the lock; @resumed is an interrupted journal of the same operation, or NULL. */
gboolean tidy_engine_merge_locked(TidyEngine *engine, const TidyMergeJob *job, const TidySink *sink,
				  const TidyJournal *resumed, TidyResult *result, GError **error);
gboolean tidy_engine_undo_locked(TidyEngine *engine, guint64 id, const TidySink *sink,
				 const TidyJournal *resumed, gboolean is_dry_run,
				 GCancellable *cancellable, TidyResult *result,
				 TidyUndoTarget *undone, GError **error);
/* Makes what an interrupted journal of duplicates has, and closes it. */
gboolean tidy_engine_resume_dedupe(TidyEngine *engine, const TidyJournal *journal,
				   const TidySink *sink, GCancellable *cancellable,
				   TidyResult *result, GError **error);
/* Refuses roots of which one is, or lies in, the other. */
gboolean tidy_engine_check_roots(const char *stray, const char *target, GError **error);
/* The interrupted merge of these two directories, or NULL. (transfer full) */
TidyJournal *tidy_engine_find_interrupted(TidyEngine *engine, const char *stray,
					  const char *target);
