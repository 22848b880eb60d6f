/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one thread that owns the TidyService. I/O. */
#include "daemon/worker.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "home/base/error.h"

/* linux/ioprio.h is not in every set of headers; values from ioprio_set(2). */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_CLASS_IDLE  3
#define IOPRIO_CLASS_SHIFT 13

#define PROGRESS_GAP_USEC (G_USEC_PER_SEC / 10)

/*
 * One request on its way through: made by push (main), filled by the thread, ended by deliver (main). The worker
 * outlives all of them: free waits for the thread and then drops what the main context has not run yet.
 */
struct TidyJobContext {
	TidyWorker *worker;
	TidyJob job;
	GCancellable *cancellable; /* what the job function looks at */
	gulong cancelled_id;
	GVariant *answer;
	GError *error;
	GSource *delivery;
	gint64 last_progress_usec;
};

struct TidyWorker {
	GThread *thread;
	GMainContext *context;
	GCancellable *ending; /* cancelled by stop */
	char *home;
	char *config_dir;
	char *state_dir;
	char *sysconf_dir;

	TidyWorkerProgressFunc progress;
	gpointer progress_data;

	/* main context only */
	GPtrArray *jobs; /* all that were pushed and not delivered; owns them */
	gboolean is_stopped;

	/* POSIX's, not GLib's: what passes between the threads passes under it, and a thread checker sees so. */
	pthread_mutex_t
		mutex; /* guards what follows, and answer and error of a job on its way back */
	pthread_cond_t has_work;
	GQueue queue; /* TidyJobContext, in the order of push */
	gboolean is_ending;
	const char *doing;
	const char *progress_what;
	guint64 progress_numbers[4];
	GSource *progress_source;
};

static void
job_context_free(TidyJobContext *context)
{
	if (context->job.cancellable != NULL) {
		g_cancellable_disconnect(context->job.cancellable, context->cancelled_id);
		g_object_unref(context->job.cancellable);
	}
	if (context->job.argument_free != NULL)
		context->job.argument_free(context->job.argument);
	if (context->delivery != NULL) {
		g_source_destroy(context->delivery);
		g_source_unref(context->delivery);
	}
	g_object_unref(context->cancellable);
	g_clear_pointer(&context->answer, g_variant_unref);
	g_clear_error(&context->error);
	g_free(context);
}

/* Merging yields: the disk and the processor are for what the user is doing. Refusals do no harm. */
static void
be_modest(void)
{
	struct sched_param param = { 0 };

	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		      IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT);
	(void)sched_setscheduler(0, SCHED_BATCH, &param);
}

/* Calls @func on the main context, with the priority of an event, so that answers come in the order of the jobs.
 * @slot gets a reference before @func can run: what @func does with it may free everything here. */
static void
attach(TidyWorker *worker, GSourceFunc func, gpointer data, GSource **slot)
{
	g_autoptr(GSource) source = g_idle_source_new();

	*slot = g_source_ref(source);
	g_source_set_priority(source, G_PRIORITY_DEFAULT);
	g_source_set_callback(source, func, data, NULL);
	g_source_attach(source, worker->context);
}

/* What a walk needed lies free all over the heap; until the next one it is the system's. */
static void
give_memory_back(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

static gboolean
deliver(gpointer data)
{
	TidyJobContext *context = data;
	TidyWorker *worker = context->worker;

	/* Not before the thread has let go of it. */
	pthread_mutex_lock(&worker->mutex);
	pthread_mutex_unlock(&worker->mutex);
	g_ptr_array_steal_index(worker->jobs, 0);
	if (context->job.done != NULL)
		context->job.done(context->answer, context->error, context->job.data);
	job_context_free(context);
	if (worker->jobs->len == 0)
		give_memory_back();
	return G_SOURCE_REMOVE;
}

static gboolean
deliver_progress(gpointer data)
{
	TidyWorker *worker = data;
	guint64 numbers[4];
	const char *what;

	pthread_mutex_lock(&worker->mutex);
	memcpy(numbers, worker->progress_numbers, sizeof numbers);
	what = worker->progress_what;
	g_clear_pointer(&worker->progress_source, g_source_unref);
	pthread_mutex_unlock(&worker->mutex);
	if (worker->progress != NULL)
		worker->progress(what, numbers, worker->progress_data);
	return G_SOURCE_REMOVE;
}

void
tidy_job_context_progress(guint64 done_entries, guint64 total_entries, guint64 done_bytes,
			  guint64 total_bytes, gpointer data)
{
	TidyJobContext *context = data;
	TidyWorker *worker = context->worker;
	const guint64 numbers[4] = { done_entries, total_entries, done_bytes, total_bytes };
	gint64 now = g_get_monotonic_time();

	if (now - context->last_progress_usec < PROGRESS_GAP_USEC)
		return;
	context->last_progress_usec = now;
	pthread_mutex_lock(&worker->mutex);
	memcpy(worker->progress_numbers, numbers, sizeof numbers);
	worker->progress_what = context->job.what;
	if (worker->progress_source == NULL)
		attach(worker, deliver_progress, worker, &worker->progress_source);
	pthread_mutex_unlock(&worker->mutex);
}

GCancellable *
tidy_job_context_cancellable(TidyJobContext *context)
{
	return context->cancellable;
}

static void
set_doing(TidyWorker *worker, const char *what)
{
	pthread_mutex_lock(&worker->mutex);
	worker->doing = what;
	pthread_mutex_unlock(&worker->mutex);
}

static GVariant *
answer_job(TidyWorker *worker, TidyService *service, const GError *broken, TidyJobContext *context,
	   GError **error)
{
	GVariant *answer;

	if (g_cancellable_is_cancelled(context->cancellable)) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_CANCELLED, "%s: stopped before it began",
			    context->job.what);
		return NULL;
	}
	if (service == NULL) {
		g_propagate_error(error, g_error_copy(broken));
		return NULL;
	}
	set_doing(worker, context->job.what);
	answer = context->job.run(service, context, context->job.argument, error);
	set_doing(worker, "");
	return answer;
}

static void
run_job(TidyWorker *worker, TidyService *service, const GError *broken, TidyJobContext *context)
{
	GError *error = NULL;
	GVariant *answer = answer_job(worker, service, broken, context, &error);

	pthread_mutex_lock(&worker->mutex);
	context->answer = answer;
	context->error = error;
	/* Under the lock too: from here on it belongs to the main context, which frees it. */
	attach(worker, deliver, context, &context->delivery);
	pthread_mutex_unlock(&worker->mutex);
}

/* What nobody waits for is done while nobody waits for anything else. */
static void
tend(TidyWorker *worker, TidyService *service)
{
	gboolean is_idle;

	pthread_mutex_lock(&worker->mutex);
	is_idle = g_queue_is_empty(&worker->queue);
	pthread_mutex_unlock(&worker->mutex);
	if (is_idle && service != NULL && tidy_service_tend(service, worker->ending))
		give_memory_back();
}

/* Waits for it; NULL: the end, when everything that was pushed is done. */
static TidyJobContext *
next_job(TidyWorker *worker)
{
	TidyJobContext *context;

	pthread_mutex_lock(&worker->mutex);
	while (g_queue_is_empty(&worker->queue) && !worker->is_ending)
		pthread_cond_wait(&worker->has_work, &worker->mutex);
	context = g_queue_pop_head(&worker->queue);
	pthread_mutex_unlock(&worker->mutex);
	return context;
}

static gpointer
worker_main(gpointer data)
{
	TidyWorker *worker = data;
	const TidyServiceOptions options = {
		.home = worker->home,
		.config_dir = worker->config_dir,
		.state_dir = worker->state_dir,
		.sysconf_dir = worker->sysconf_dir,
	};
	g_autoptr(TidyService) service = NULL;
	g_autoptr(GError) broken = NULL;
	TidyJobContext *context;

	be_modest();
	service = tidy_service_new(&options, &broken);
	while ((context = next_job(worker)) != NULL) {
		run_job(worker, service, broken, context);
		tend(worker, service);
	}
	return NULL;
}

TidyWorker *
tidy_worker_new(const TidyServiceOptions *options)
{
	TidyWorker *worker = g_new0(TidyWorker, 1);

	worker->context = g_main_context_ref_thread_default();
	worker->jobs = g_ptr_array_new_with_free_func((GDestroyNotify)job_context_free);
	worker->home = g_strdup(options->home);
	worker->config_dir = g_strdup(options->config_dir);
	worker->state_dir = g_strdup(options->state_dir);
	worker->sysconf_dir = g_strdup(options->sysconf_dir);
	worker->ending = g_cancellable_new();
	worker->doing = "";
	g_queue_init(&worker->queue);
	pthread_mutex_init(&worker->mutex, NULL);
	pthread_cond_init(&worker->has_work, NULL);
	worker->thread = g_thread_new("xdgtidy-worker", worker_main, worker);
	return worker;
}

void
tidy_worker_set_progress(TidyWorker *worker, TidyWorkerProgressFunc func, gpointer data)
{
	worker->progress = func;
	worker->progress_data = data;
}

static void
on_cancelled(GCancellable *outer, gpointer inner)
{
	g_cancellable_cancel(inner);
}

void
tidy_worker_push(TidyWorker *worker, const TidyJob *job)
{
	TidyJobContext *context = g_new0(TidyJobContext, 1);

	context->worker = worker;
	context->job = *job;
	context->cancellable = g_cancellable_new();
	if (job->cancellable != NULL) {
		g_object_ref(job->cancellable);
		context->cancelled_id =
			g_cancellable_connect(job->cancellable, G_CALLBACK(on_cancelled),
					      context->cancellable, NULL);
	}
	if (worker->is_stopped)
		g_cancellable_cancel(context->cancellable);
	g_ptr_array_add(worker->jobs, context);
	pthread_mutex_lock(&worker->mutex);
	g_queue_push_tail(&worker->queue, context);
	pthread_cond_signal(&worker->has_work);
	pthread_mutex_unlock(&worker->mutex);
}

const char *
tidy_worker_doing(TidyWorker *worker)
{
	const char *doing;

	pthread_mutex_lock(&worker->mutex);
	doing = worker->doing;
	pthread_mutex_unlock(&worker->mutex);
	return doing;
}

guint
tidy_worker_n_jobs(TidyWorker *worker)
{
	return worker->jobs->len;
}

gboolean
tidy_worker_is_long(TidyWorker *worker)
{
	for (guint i = 0; i < worker->jobs->len; i++) {
		const TidyJobContext *context = g_ptr_array_index(worker->jobs, i);

		if (context->job.is_long)
			return TRUE;
	}
	return FALSE;
}

void
tidy_worker_stop(TidyWorker *worker)
{
	worker->is_stopped = TRUE;
	g_cancellable_cancel(worker->ending);
	/* The last one first: while the one that runs goes on, none of them can begin. */
	for (guint i = worker->jobs->len; i > 0; i--) {
		TidyJobContext *context = g_ptr_array_index(worker->jobs, i - 1);

		g_cancellable_cancel(context->cancellable);
	}
}

void
tidy_worker_free(TidyWorker *worker)
{
	tidy_worker_stop(worker);
	pthread_mutex_lock(&worker->mutex);
	worker->is_ending = TRUE;
	pthread_cond_signal(&worker->has_work);
	pthread_mutex_unlock(&worker->mutex);
	g_thread_join(worker->thread);
	if (worker->progress_source != NULL) {
		g_source_destroy(worker->progress_source);
		g_source_unref(worker->progress_source);
	}
	g_ptr_array_unref(worker->jobs);
	g_object_unref(worker->ending);
	g_main_context_unref(worker->context);
	g_queue_clear(&worker->queue);
	pthread_cond_destroy(&worker->has_work);
	pthread_mutex_destroy(&worker->mutex);
	g_free(worker->home);
	g_free(worker->config_dir);
	g_free(worker->state_dir);
	g_free(worker->sysconf_dir);
	g_free(worker);
}
