/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one thread that owns the TidyService: jobs go in, answers come out on the main context. I/O. */
/*
 *	worker = tidy_worker_new(&(TidyServiceOptions){ .home = home });
 *	tidy_worker_push(worker, &(TidyJob){ .run = scan, .done = on_scanned, .data = self });
 *
 * Jobs run one after the other, in the order in which they were pushed. The thread has the idle I/O class and
 * SCHED_BATCH, so that a large merge yields to what the user does. While there is nothing to do it sleeps.
 */
#pragma once

#include <gio/gio.h>

#include "home/service/service.h"

typedef struct TidyWorker TidyWorker;
typedef struct TidyJobContext TidyJobContext;

/* The work itself, in the worker's thread. @service is NULL only when it could not be made. Returns a GVariant (not
 * floating) or NULL with @error. */
typedef GVariant *(*TidyJobFunc)(TidyService *service, TidyJobContext *context, gpointer argument,
				 GError **error);
/* On the main context. @answer and @error are borrowed; one of them is NULL. */
typedef void (*TidyJobDoneFunc)(GVariant *answer, const GError *error, gpointer data);

typedef struct {
	TidyJobFunc run;
	gpointer argument; /* for run; freed with argument_free in the main context */
	GDestroyNotify argument_free;
	TidyJobDoneFunc done;	   /* (nullable) */
	gpointer data;		   /* for done */
	GCancellable *cancellable; /* (nullable): of this job alone */
	const char *what;	   /* "merging", for status; static */
	gboolean is_long;	   /* may take minutes: who only looks should not wait behind it */
} TidyJob;

/* How far the running job is; on the main context, at most 10 times a second. */
typedef void (*TidyWorkerProgressFunc)(const char *what, const guint64 numbers[4], gpointer data);

/* Starts the thread, which makes its TidyService from @options (copied). Jobs find @service NULL and their error set
 * when that failed. Must be called in the thread whose default main context shall get the answers. */
TidyWorker *tidy_worker_new(const TidyServiceOptions *options);
void tidy_worker_set_progress(TidyWorker *worker, TidyWorkerProgressFunc func, gpointer data);

void tidy_worker_push(TidyWorker *worker, const TidyJob *job);

/* What the running job is doing, "" when none runs. Static string. */
const char *tidy_worker_doing(TidyWorker *worker);
/* Jobs pushed whose answer was not delivered yet. */
guint tidy_worker_n_jobs(TidyWorker *worker);
/* Whether one of them is long. */
gboolean tidy_worker_is_long(TidyWorker *worker);

/* Cancels the running job at its next atomic step and everything that waits behind it: those answers are
 * TIDY_ERROR_CANCELLED. Later pushes too. Does not wait. */
void tidy_worker_stop(TidyWorker *worker);

/* Stops, waits for the thread and frees. Answers that were not delivered yet are dropped (their data is freed). */
void tidy_worker_free(TidyWorker *worker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyWorker, tidy_worker_free)

/* ---- for job functions, in the worker's thread ---- */

/* Ends when the job, or the whole worker, is cancelled. */
GCancellable *tidy_job_context_cancellable(TidyJobContext *context);
/* Pass it as TidyMergeOptions.progress with the context as data. */
void tidy_job_context_progress(guint64 done_entries, guint64 total_entries, guint64 done_bytes,
			       guint64 total_bytes, gpointer context);
