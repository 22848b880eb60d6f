/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The progress line. I/O: writes to standard error when it is a terminal. */
#include "cli/progress.h"

#include <glib/gi18n.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/output.h"

#define FIRST_SHOWN_USEC (G_USEC_PER_SEC / 2)
#define INTERVAL_MSEC	 100
#define BAR_WIDTH	 20
/* Below this share of the work the speed is not known well enough to speak of the time left. */
#define ETA_FROM_PERCENT 5

struct TidyProgress {
	pthread_mutex_t mutex; /* guards state: updates come from the thread that works */
	TidyProgressState state;
	guint64 expected_entries;
	guint64 expected_bytes;
	gint64 began_usec;
	guint timer;
	guint width;
	gboolean is_shown;
};

static double
share_done(const TidyProgressState *state)
{
	double share = 0;

	if (state->total_bytes > 0)
		share = (double)state->done_bytes / (double)state->total_bytes;
	else if (state->total_entries > 0)
		share = (double)state->done_entries / (double)state->total_entries;
	return CLAMP(share, 0, 1);
}

static void
append_bar(GString *line, double share)
{
	guint filled = (guint)(share * BAR_WIDTH);

	g_string_append_c(line, '[');
	for (guint i = 0; i < BAR_WIDTH; i++)
		g_string_append_c(line, i < filled ? '#' : ' ');
	g_string_append_printf(line, "] %3u%%  ", (guint)(share * 100));
}

static void
append_amounts(GString *line, const TidyProgressState *state)
{
	if (state->total_entries > 0)
		g_string_append_printf(line,
				       ngettext("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
						" entry",
						"%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
						" entries",
						(gulong)state->total_entries),
				       state->done_entries, state->total_entries);
	else
		g_string_append_printf(line,
				       ngettext("%" G_GUINT64_FORMAT " entry",
						"%" G_GUINT64_FORMAT " entries",
						(gulong)state->done_entries),
				       state->done_entries);
	if (state->total_bytes > 0) {
		g_autofree char *done = g_format_size(state->done_bytes);
		g_autofree char *total = g_format_size(state->total_bytes);

		g_string_append_printf(line, ", ");
		g_string_append_printf(line, _("%s of %s"), done, total);
	}
}

static void
append_time_left(GString *line, double share, gint64 elapsed_usec)
{
	guint64 seconds;

	if (share * 100 < ETA_FROM_PERCENT)
		return;
	seconds = (guint64)((double)elapsed_usec / share * (1 - share) / G_USEC_PER_SEC + 0.5);
	g_string_append(line, ", ");
	g_string_append_printf(line, _("%" G_GUINT64_FORMAT ":%02u left"), seconds / 60,
			       (guint)(seconds % 60));
}

char *
tidy_progress_line(const TidyProgressState *state, gint64 elapsed_usec, guint width)
{
	g_autoptr(GString) line = g_string_new(NULL);
	double share = share_done(state);

	/* Too narrow for everything: the bar goes. */
	if ((state->total_entries > 0 || state->total_bytes > 0) && width >= 60)
		append_bar(line, share);
	append_amounts(line, state);
	append_time_left(line, share, elapsed_usec);
	if (width > 0 && g_utf8_strlen(line->str, -1) >= (glong)width)
		g_string_truncate(line,
				  (gsize)(g_utf8_offset_to_pointer(line->str, (glong)width - 1) -
					  line->str));
	return g_string_free(g_steal_pointer(&line), FALSE);
}

static gboolean
draw(gpointer data)
{
	TidyProgress *progress = data;
	gint64 elapsed_usec = g_get_monotonic_time() - progress->began_usec;
	TidyProgressState state;
	g_autofree char *line = NULL;

	if (elapsed_usec < FIRST_SHOWN_USEC)
		return G_SOURCE_CONTINUE;
	pthread_mutex_lock(&progress->mutex);
	state = progress->state;
	pthread_mutex_unlock(&progress->mutex);
	line = tidy_progress_line(&state, elapsed_usec, progress->width);
	/* EL 0 clears what a longer line left behind (ECMA-48). */
	fprintf(stderr, "\r%s\033[K", line);
	fflush(stderr);
	progress->is_shown = TRUE;
	return G_SOURCE_CONTINUE;
}

TidyProgress *
tidy_progress_new(gboolean is_wanted, guint64 expected_entries, guint64 expected_bytes)
{
	TidyProgress *progress = g_new0(TidyProgress, 1);
	gboolean is_dumb = g_strcmp0(g_getenv("TERM"), "dumb") == 0;

	pthread_mutex_init(&progress->mutex, NULL);
	progress->expected_entries = expected_entries;
	progress->expected_bytes = expected_bytes;
	progress->began_usec = g_get_monotonic_time();
	progress->width = tidy_output_terminal_width(STDERR_FILENO);
	if (is_wanted && progress->width > 0 && !is_dumb)
		progress->timer = g_timeout_add(INTERVAL_MSEC, draw, progress);
	return progress;
}

void
tidy_progress_update(TidyProgress *progress, const TidyProgressState *state)
{
	pthread_mutex_lock(&progress->mutex);
	progress->state = *state;
	if (state->total_entries == 0 && state->done_entries <= progress->expected_entries)
		progress->state.total_entries = progress->expected_entries;
	if (state->total_bytes == 0 && state->done_bytes <= progress->expected_bytes)
		progress->state.total_bytes = progress->expected_bytes;
	pthread_mutex_unlock(&progress->mutex);
}

void
tidy_progress_free(TidyProgress *progress)
{
	if (progress->timer != 0)
		g_source_remove(progress->timer);
	if (progress->is_shown)
		fputs("\r\033[K", stderr);
	pthread_mutex_destroy(&progress->mutex);
	g_free(progress);
}
