/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of daemon/worker: order, errors, cancellation, the end with work under way. I/O: threads. */
#include "daemon/worker.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "home/base/error.h"

/* The worker only hands the service through; a test decides whether there is one. */
struct TidyService {
	GThread *thread;
};

static gboolean is_broken;

TidyService *
tidy_service_new(const TidyServiceOptions *options, GError **error)
{
	TidyService *service;

	if (is_broken) {
		g_set_error_literal(error, TIDY_ERROR, TIDY_ERROR_IO, "no home");
		return NULL;
	}
	service = g_new0(TidyService, 1);
	service->thread = g_thread_self();
	return service;
}

void
tidy_service_free(TidyService *service)
{
	g_assert_true(service->thread == g_thread_self());
	g_free(service);
}

static pthread_mutex_t tend_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t tended = PTHREAD_COND_INITIALIZER;
static guint n_tended; /* guarded */

gboolean
tidy_service_tend(TidyService *service, GCancellable *cancellable)
{
	g_assert_true(service->thread == g_thread_self());
	pthread_mutex_lock(&tend_mutex);
	if (!g_cancellable_is_cancelled(cancellable))
		n_tended++;
	pthread_cond_signal(&tended);
	pthread_mutex_unlock(&tend_mutex);
	return TRUE;
}

typedef struct {
	TidyWorker *worker;
	GString *log;
	guint n_progress;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	gboolean is_running; /* guarded */
} Fixture;

static void
fixture_set_up(Fixture *fixture, gconstpointer data)
{
	is_broken = GPOINTER_TO_INT(data);
	fixture->log = g_string_new(NULL);
	pthread_mutex_init(&fixture->mutex, NULL);
	pthread_cond_init(&fixture->cond, NULL);
	fixture->worker = tidy_worker_new(&(TidyServiceOptions){ 0 });
}

static void
fixture_tear_down(Fixture *fixture, gconstpointer data)
{
	if (fixture->worker != NULL)
		tidy_worker_free(fixture->worker);
	while (g_main_context_iteration(NULL, FALSE))
		;
	pthread_mutex_destroy(&fixture->mutex);
	pthread_cond_destroy(&fixture->cond);
	g_string_free(fixture->log, TRUE);
}

static GVariant *
run_echo(TidyService *service, TidyJobContext *context, gpointer argument, GError **error)
{
	g_assert_true(service->thread == g_thread_self());
	g_assert_cmpint(sched_getscheduler(0), ==, SCHED_BATCH);
	/* ioprio_get(2): who 1 is a process; class 3 in bits 13 and up is idle */
	g_assert_cmpint(syscall(SYS_ioprio_get, 1, 0) >> 13, ==, 3);
	return g_variant_ref_sink(g_variant_new_string(argument));
}

static GVariant *
run_fail(TidyService *service, TidyJobContext *context, gpointer argument, GError **error)
{
	g_set_error_literal(error, TIDY_ERROR, TIDY_ERROR_REFUSED, argument);
	return NULL;
}

/* Says that it runs, then works until it is cancelled. */
static GVariant *
run_until_cancelled(TidyService *service, TidyJobContext *context, gpointer argument,
		    GError **error)
{
	GCancellable *cancellable = tidy_job_context_cancellable(context);
	Fixture *fixture = argument;
	GPollFD fd = { 0 };

	pthread_mutex_lock(&fixture->mutex);
	fixture->is_running = TRUE;
	pthread_cond_signal(&fixture->cond);
	pthread_mutex_unlock(&fixture->mutex);
	g_assert_true(g_cancellable_make_pollfd(cancellable, &fd));
	g_poll(&fd, 1, -1);
	g_cancellable_release_fd(cancellable);
	g_set_error_literal(error, TIDY_ERROR, TIDY_ERROR_CANCELLED, "stopped");
	return NULL;
}

static GVariant *
run_progress(TidyService *service, TidyJobContext *context, gpointer argument, GError **error)
{
	for (guint64 i = 0; i < 10000; i++)
		tidy_job_context_progress(i, 10000, 0, 0, context);
	return g_variant_ref_sink(g_variant_new_string("p"));
}

static void
on_done(GVariant *answer, const GError *error, gpointer data)
{
	Fixture *fixture = data;

	g_assert_true((answer == NULL) == (error != NULL));
	g_string_append_printf(fixture->log, "%s ",
			       answer != NULL ? g_variant_get_string(answer, NULL)
					      : error->message);
}

static void
push(Fixture *fixture, TidyJobFunc run, gconstpointer argument, GCancellable *cancellable)
{
	tidy_worker_push(fixture->worker, &(TidyJob){ .run = run,
						      .argument = (gpointer)argument,
						      .done = on_done,
						      .data = fixture,
						      .cancellable = cancellable,
						      .what = "testing" });
}

static void
wait_until_running(Fixture *fixture)
{
	pthread_mutex_lock(&fixture->mutex);
	while (!fixture->is_running)
		pthread_cond_wait(&fixture->cond, &fixture->mutex);
	pthread_mutex_unlock(&fixture->mutex);
}

static void
wait_until_idle(Fixture *fixture)
{
	while (tidy_worker_n_jobs(fixture->worker) > 0)
		g_main_context_iteration(NULL, TRUE);
}

static void
test_order(Fixture *fixture, gconstpointer data)
{
	push(fixture, run_echo, "a", NULL);
	push(fixture, run_fail, "no", NULL);
	push(fixture, run_echo, "b", NULL);
	g_assert_cmpuint(tidy_worker_n_jobs(fixture->worker), ==, 3);
	wait_until_idle(fixture);
	g_assert_cmpstr(fixture->log->str, ==, "a no b ");
	g_assert_cmpstr(tidy_worker_doing(fixture->worker), ==, "");
}

/* What can wait is done when nothing waits for the worker, and not once it was stopped. */
static void
test_tends_when_idle(Fixture *fixture, gconstpointer data)
{
	n_tended = 0;
	push(fixture, run_until_cancelled, fixture, NULL);
	wait_until_running(fixture);
	push(fixture, run_echo, "b", NULL);
	tidy_worker_stop(fixture->worker);
	wait_until_idle(fixture);
	g_clear_pointer(&fixture->worker, tidy_worker_free);
	g_assert_cmpuint(n_tended, ==, 0);
	fixture->worker = tidy_worker_new(&(TidyServiceOptions){ 0 });
	push(fixture, run_echo, "a", NULL);
	pthread_mutex_lock(&tend_mutex);
	while (n_tended == 0)
		pthread_cond_wait(&tended, &tend_mutex);
	pthread_mutex_unlock(&tend_mutex);
	wait_until_idle(fixture);
}

static void
test_broken_service(Fixture *fixture, gconstpointer data)
{
	push(fixture, run_echo, "a", NULL);
	wait_until_idle(fixture);
	g_assert_cmpstr(fixture->log->str, ==, "no home ");
}

static void
test_cancel_one(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GCancellable) cancellable = g_cancellable_new();

	push(fixture, run_until_cancelled, fixture, cancellable);
	push(fixture, run_echo, "b", NULL);
	wait_until_running(fixture);
	g_assert_cmpstr(tidy_worker_doing(fixture->worker), ==, "testing");
	g_cancellable_cancel(cancellable);
	wait_until_idle(fixture);
	g_assert_cmpstr(fixture->log->str, ==, "stopped b ");
}

static void
test_stop_all(Fixture *fixture, gconstpointer data)
{
	push(fixture, run_until_cancelled, fixture, NULL);
	push(fixture, run_echo, "b", NULL);
	wait_until_running(fixture);
	tidy_worker_stop(fixture->worker);
	push(fixture, run_echo, "c", NULL);
	wait_until_idle(fixture);
	g_assert_cmpstr(
		fixture->log->str, ==,
		"stopped testing: stopped before it began testing: stopped before it began ");
}

static void
test_free_drops_answers(Fixture *fixture, gconstpointer data)
{
	char *owned = g_strdup("a");

	tidy_worker_push(fixture->worker, &(TidyJob){ .run = run_echo,
						      .argument = owned,
						      .argument_free = g_free,
						      .done = on_done,
						      .data = fixture,
						      .what = "testing" });
	push(fixture, run_until_cancelled, fixture, NULL);
	wait_until_running(fixture);
	g_clear_pointer(&fixture->worker, tidy_worker_free);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_assert_cmpstr(fixture->log->str, ==, "");
}

static void
on_progress(const char *what, const guint64 numbers[4], gpointer data)
{
	Fixture *fixture = data;

	g_assert_cmpstr(what, ==, "testing");
	g_assert_cmpuint(numbers[1], ==, 10000);
	fixture->n_progress++;
}

static void
test_progress_is_throttled(Fixture *fixture, gconstpointer data)
{
	gint64 begin = g_get_monotonic_time();
	gint64 tenths;

	tidy_worker_set_progress(fixture->worker, on_progress, fixture);
	push(fixture, run_progress, NULL, NULL);
	wait_until_idle(fixture);
	tenths = (g_get_monotonic_time() - begin) / (G_USEC_PER_SEC / 10);
	g_assert_cmpuint(fixture->n_progress, >=, 1);
	g_assert_cmpuint(fixture->n_progress, <=, (guint)tenths + 1);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/worker/order", Fixture, NULL, fixture_set_up, test_order, fixture_tear_down);
	g_test_add("/worker/tends-when-idle", Fixture, NULL, fixture_set_up, test_tends_when_idle,
		   fixture_tear_down);
	g_test_add("/worker/broken-service", Fixture, GINT_TO_POINTER(TRUE), fixture_set_up,
		   test_broken_service, fixture_tear_down);
	g_test_add("/worker/cancel-one", Fixture, NULL, fixture_set_up, test_cancel_one,
		   fixture_tear_down);
	g_test_add("/worker/stop-all", Fixture, NULL, fixture_set_up, test_stop_all,
		   fixture_tear_down);
	g_test_add("/worker/free-drops-answers", Fixture, NULL, fixture_set_up,
		   test_free_drops_answers, fixture_tear_down);
	g_test_add("/worker/progress-is-throttled", Fixture, NULL, fixture_set_up,
		   test_progress_is_throttled, fixture_tear_down);
	return g_test_run();
}
