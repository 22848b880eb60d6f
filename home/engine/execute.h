/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The executor: the only code that changes the user's files. Steps are collected, their intents made durable in the
 * journal, then made one by one. A step that the disk refuses is reported and skipped; the others go on. I/O.
 *
 * Cases that execute.c numbers, and the tests name:
 *   1 the name at the target became taken          nothing happens, reported as changed-meanwhile
 *   2 the entry at the source is gone or another   with checks: nothing happens
 *   3 replay: the step was made before the crash   seen by its inode at the other name; counts as made
 *   4 replay: half made (Trash info without file, link and unlink of a rename)    finished
 *   5 the journal cannot be written                nothing of the batch is made; the operation stops
 *   6 stopped on request                           between two steps, or two pieces of a copy; the rest of the batch
 *	                                              stays an intent
 *   7 files go to another file system              in groups (carry.h); what must come after them waits for the group
 *   8 moves between the same two directories       in the order of the disk, which costs a tenth less than that of the
 *	                                              names; reported in the order of the steps
 */
#pragma once

#include <gio/gio.h>

#include "home/engine/carry.h"
#include "home/engine/dir.h"
#include "home/engine/store.h"

/* What became of a step: TIDY_WHY_NONE when it was made (or would be, in a dry run). */
typedef void (*TidyStepFunc)(const TidyStep *step, TidyDir *dir, TidyDir *to_dir, TidyWhy outcome,
			     int errno_code, gpointer data);

typedef struct {
	TidyFs *fs;
	/* Answers the journal, opened at the first step so that a merge with nothing to do leaves none; borrowed. NULL
	 * function: dry run, or a replay (the intents are in the journal already). */
	TidyJournalFile *(*journal)(gpointer data, GError **error);
	gpointer journal_data;
	gboolean is_dry_run;
	gboolean is_replay;	   /* steps may have been made before; implies has_checks */
	gboolean has_checks;	   /* look at the inode before each step (undo) */
	GCancellable *cancellable; /* or NULL */
	TidyCarrySets *sets;	   /* borrowed */
	guint64 salt;		   /* of the temporary names of copies */
	/* Bytes copied, as it happens; data is report_data. May be NULL. */
	void (*copied)(gint64 bytes, gpointer data);
	TidyStepFunc report;
	gpointer report_data;
} TidyExecutorOptions;

typedef struct TidyExecutor TidyExecutor;

TidyExecutor *tidy_executor_new(const TidyExecutorOptions *options);
/* Steps that were added and not flushed are dropped. */
void tidy_executor_free(TidyExecutor *executor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyExecutor, tidy_executor_free)

/**
 * tidy_executor_add - one more step
 * @step: (transfer full contents): its strings; the struct itself is copied
 * @dir, @to_dir: the directories that step->dir and step->to_dir will name; @to_dir may be NULL. For TRASH and
 *	RESTORE the Trash directory itself (its files/ and info/ are the executor's matter).
 *
 * Flushes when a batch is full. FALSE as tidy_executor_flush().
 */
gboolean tidy_executor_add(TidyExecutor *executor, TidyStep *step, TidyDir *dir, TidyDir *to_dir,
			   GError **error);

/* 0 when the link, or of type file the small file, that @step names in @dir says what the step says; -ESTALE when it says
 * something else, or -errno. */
int tidy_text_check(TidyFs *fs, int dir, const TidyStep *step);
/* TRUE when it does. */
gboolean tidy_text_says(TidyFs *fs, int dir, const TidyStep *step);

/* Journals and makes what was added. FALSE with TIDY_ERROR_IO or _NO_SPACE (case 5) or TIDY_ERROR_CANCELLED (case 6). */
gboolean tidy_executor_flush(TidyExecutor *executor, GError **error);
