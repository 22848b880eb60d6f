/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine: merges one directory into another, undoes it, and puts right what a crash left, under one lock and one
 * journal per operation. It knows no configuration file, no bus and no guard: the caller decides that a merge may be;
 * the engine sees to it that nothing is lost. I/O.
 *
 *	engine = tidy_engine_new(tidy_fs_linux(), &places, &error);
 *	tidy_engine_recover(engine, open_paths, mount_points, &sink, NULL, NULL, NULL, &error);
 *	tidy_engine_merge(engine, &job, &sink, &result, &error);
 *	tidy_engine_undo(engine, result.id, &sink, FALSE, NULL, &result, NULL, &error);
 */
#pragma once

#include <gio/gio.h>

#include "home/engine/host.h"
#include "home/engine/store.h"
#include "home/fs/fs.h"
#include "home/merge/record.h"

typedef struct TidyEngine TidyEngine;

/* Absolute paths without links in them (realpath(3)). */
typedef struct {
	const char *home;
	const char *state_dir;
	const char *trash;    /* "$XDG_DATA_HOME/Trash" */
	const TidyHost *host; /* this computer, copied; NULL: which one wrote last is not asked */
} TidyPlaces;

/* What happens, as it happens; every function may be NULL. Paths are absolute raw bytes, borrowed. */
typedef struct {
	/* A step was made (in a dry run: would be). @to is NULL for steps with one side. After @paths_max steps (0: no
	 * limit) @from is NULL too: nobody reads so many paths, and making them costs as much as the step. */
	void (*step)(const TidyStep *step, const char *from, const char *to, gpointer data);
	guint64 paths_max;
	/* An entry stays where it is, for a reason that is no error. Called at the end, for the last pass. */
	void (*left)(const char *path, TidyWhy why, gpointer data);
	/* The system refused it. @errno_code is positive, or 0. Called at the end. */
	void (*problem)(const char *path, TidyWhy why, int errno_code, gpointer data);
	/* After each step, at most every @progress_every steps. */
	void (*progress)(const TidyCounts *counts, gpointer data);
	gpointer data;
} TidySink;

typedef struct {
	const char *stray; /* absolute, no links */
	const char *
		target; /* likewise; it may be missing when the stray is a directory beside it: then the stray is renamed */
	const char *key; /* "DOWNLOAD" or NULL */
	TidyPolicy policy;
	gboolean leaves_symlink;
	gboolean is_dry_run;
	gboolean is_automatic; /* nobody was asked: REFUSED where another computer wrote last */
	const char *const *only_names; /* NULL, or just these entries of the stray */
	const char *const
		*open_paths; /* NULL, or absolute paths that some process has open for writing */
	const char *const *mount_points; /* NULL, or absolute paths where something is mounted */
	gint64 settle_ns; /* entries changed less than this ago stay; 0: does not matter */
	GCancellable *cancellable;
} TidyMergeJob;

typedef struct {
	guint64 id; /* 0: nothing was journaled */
	TidyOutcome outcome;
	TidyCounts counts;
} TidyResult;

/* Does not touch the disk yet. */
TidyEngine *tidy_engine_new(TidyFs *fs, const TidyPlaces *places, GError **error);
void tidy_engine_free(TidyEngine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyEngine, tidy_engine_free)

/**
 * tidy_engine_merge - moves what is in job->stray into job->target
 * @result: (out): also filled in when FALSE is answered
 *
 * An interrupted merge of the same two directories is gone on with, under its id. Entries that could not go are told to
 * the sink and make the outcome PARTIAL; they are no error.
 * Returns: FALSE with TIDY_ERROR_LOCKED, _IO (a root cannot be opened), _NO_SPACE or _IO (the journal cannot be
 * written), _CANCELLED, _REFUSED (the two are one directory, or one holds the other).
 */
gboolean tidy_engine_merge(TidyEngine *engine, const TidyMergeJob *job, const TidySink *sink,
			   TidyResult *result, GError **error);

/* What an undo took back. */
typedef struct {
	char *stray;
	char *target;
	char *key;
} TidyUndoTarget;

void tidy_undo_target_clear(TidyUndoTarget *undone);

/**
 * tidy_engine_undo - takes operation @id back (0: the latest merge that no undo was tried on, else the latest
 *	whose undo left something)
 *
 * @undone: (out) (nullable): which directories it was about
 *
 * Entries that changed since are left and told to the sink as TIDY_WHY_CHANGED. The undo is an operation of its own,
 * unless it can do nothing at all (result->id 0, outcome PARTIAL).
 * Returns: FALSE as above, or with TIDY_ERROR_NOT_FOUND, TIDY_ERROR_REFUSED (it is undone already).
 */
gboolean tidy_engine_undo(TidyEngine *engine, guint64 id, const TidySink *sink, gboolean is_dry_run,
			  GCancellable *cancellable, TidyResult *result, TidyUndoTarget *undone,
			  GError **error);

typedef enum {
	TIDY_DEDUPE_TRASH,
	TIDY_DEDUPE_HARDLINK,
	TIDY_DEDUPE_REFLINK,
} TidyDedupeHow;

/* @fold, equal to @keep, goes to the Trash, becomes a link to it, or shares its blocks. Absolute paths without links in
 * their directories; of TRASH also two directories, or two links. */
typedef struct {
	const char *keep;
	const char *fold;
} TidyDedupePair;

/**
 * tidy_engine_dedupe - folds names onto their equals, as one operation
 * @pairs: nothing in them is believed: each pair is compared when its turn comes, and stays when it is not equal
 * @sink, @result: as in tidy_engine_merge(); what stays is told, and makes the outcome PARTIAL
 *
 * Of files with several names only TRASH takes one. An interrupted one is finished by tidy_engine_recover(): what was
 * journaled is made, the rest stays.
 * Returns: FALSE as tidy_engine_merge(), or with TIDY_ERROR_USAGE for a path that is not absolute or is both kept and
 * folded.
 */
gboolean tidy_engine_dedupe(TidyEngine *engine, TidyDedupeHow how, const TidyDedupePair *pairs,
			    gsize n_pairs, gboolean is_dry_run, const TidySink *sink,
			    GCancellable *cancellable, TidyResult *result, GError **error);

/* One operation, as the journals tell. */
typedef enum {
	TIDY_STATE_DONE,
	TIDY_STATE_PARTIAL,
	TIDY_STATE_INTERRUPTED, /* no commit: a crash or a stop; recover goes on with it */
	TIDY_STATE_UNDONE,
	TIDY_STATE_UNREADABLE,
} TidyState;

typedef struct {
	guint64 id;
	TidyState state;
	guint64 undone_by;	   /* 0: not undone, or not wholly */
	gboolean is_partly_undone; /* an undo of it left something */
	TidyJournal *journal;	   /* NULL when unreadable */
	char *problem;		   /* why it is unreadable, or NULL */
	gint64 end_ns;		   /* of the last change it made */
} TidyOperation;

/* All operations of this home, oldest first. An empty array when there is no state directory. Of an operation that ended
 * only header and commit: see tidy_engine_read_steps(). (transfer full) */
GPtrArray *tidy_engine_history(TidyEngine *engine, GError **error);
/* Completes the journal of an operation of the history. FALSE with TIDY_ERROR_JOURNAL or _NOT_FOUND: it is as before. */
gboolean tidy_engine_read_steps(TidyEngine *engine, TidyOperation *operation, GError **error);
/* All of one journal, or NULL. (transfer full) */
TidyJournal *tidy_engine_read_journal(TidyEngine *engine, guint64 id);
void tidy_operation_free(TidyOperation *operation);

/**
 * tidy_engine_recover - finishes what was begun and not committed
 *
 * Makes the journaled steps that are not made yet, seen by inode, and goes on with the operation. An operation whose
 * directories are no longer the same ones is closed as it is; one of live routing (only_names) is finished and
 * closed. Where another computer wrote last nothing is done: it may still be at work. @open_paths and @mount_points
 * are as in TidyMergeJob. Each resumed operation is told to @resumed.
 * Returns: FALSE on an error; TRUE also when there was nothing.
 */
gboolean tidy_engine_recover(TidyEngine *engine, const char *const *open_paths,
			     const char *const *mount_points, const TidySink *sink,
			     GCancellable *cancellable,
			     void (*resumed)(const TidyResult *result,
					     const TidyJournalHeader *header, gpointer data),
			     gpointer data, GError **error);

/* Forgets operations that ended before @before_ns. Returns how many. */
guint tidy_engine_prune(TidyEngine *engine, gint64 before_ns);

/* Another computer wrote last in this home, or perhaps: what says which one is damaged. @name: (out) (transfer full): for
 * people. */
gboolean tidy_engine_is_other_host(TidyEngine *engine, char **name);

/* Small state files (see store.h); the lock is not needed. */
char *tidy_engine_read_text(TidyEngine *engine, const char *name);
gboolean tidy_engine_write_text(TidyEngine *engine, const char *name, const char *text,
				GError **error);
