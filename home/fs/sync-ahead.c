/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * syncfs(2) beside the caller. I/O.
 *
 * The kernel begins to write by itself only when a tenth of the memory is dirty, or after 30 seconds; a copy that is synced
 * at its end would wait for the disk only then. No call asks for the writing of a file system without waiting for it, so a
 * thread waits. There is one thread at a time: it lives as long as its sync, which is worth thousands of its starts.
 */
#include "home/fs/sync-ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <unistd.h>

/* POSIX's, so that a thread checker sees the hand-over. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_ended = PTHREAD_COND_INITIALIZER;
static gboolean is_under_way;

static void
set_ended(void)
{
	pthread_mutex_lock(&mutex);
	is_under_way = FALSE;
	pthread_cond_broadcast(&has_ended);
	pthread_mutex_unlock(&mutex);
}

static gpointer
sync_and_end(gpointer data)
{
	int fd = GPOINTER_TO_INT(data);

	/* What went wrong the caller's own descriptor tells: errors are reported once to each open file (errseq_t). */
	(void)syncfs(fd);
	close(fd);
	set_ended();
	return NULL;
}

static gboolean
take_turn(void)
{
	gboolean is_free;

	pthread_mutex_lock(&mutex);
	is_free = !is_under_way;
	is_under_way = TRUE;
	pthread_mutex_unlock(&mutex);
	return is_free;
}

int
tidy_sync_ahead_begin(int dir)
{
	GThread *thread;
	int fd;
	int r;

	if (!take_turn())
		return -EBUSY;
	/* An open file of its own: with a duplicate of @dir it would take the errors away from the caller. */
	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : -EAGAIN;
	thread = fd < 0 ? NULL
			: g_thread_try_new("sync-ahead", sync_and_end, GINT_TO_POINTER(fd), NULL);
	if (thread != NULL) {
		g_thread_unref(thread);
		return 0;
	}
	if (fd >= 0)
		close(fd);
	set_ended();
	return r;
}

void
tidy_sync_ahead_end(void)
{
	pthread_mutex_lock(&mutex);
	while (is_under_way)
		pthread_cond_wait(&has_ended, &mutex);
	pthread_mutex_unlock(&mutex);
}
