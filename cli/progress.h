/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A line on the terminal that says how far a job is: bytes, files, time left. Shown only on a terminal, only for what
 * lasts over half a second, at most ten times a second, and gone when the job ends. I/O.
 */
#pragma once

#include <glib.h>

typedef struct {
	guint64 done_entries;
	guint64 total_entries; /* 0: not known yet */
	guint64 done_bytes;
	guint64 total_bytes; /* 0: not known yet, or nothing is copied */
} TidyProgressState;

/**
 * tidy_progress_line - what the line says, without control characters. Pure.
 * @elapsed_usec: since the job began
 * @width: columns that may be used
 *
 * The time left follows the bytes when bytes are copied, else the entries; before 5 % it is not guessed at.
 * Returns: (transfer full)
 */
char *tidy_progress_line(const TidyProgressState *state, gint64 elapsed_usec, guint width);

typedef struct TidyProgress TidyProgress;

/* Begins a job. @is_wanted FALSE (--no-progress, --json): never draws. @expected_entries, @expected_bytes: the totals while
 * updates bring none; 0: not known. */
TidyProgress *tidy_progress_new(gboolean is_wanted, guint64 expected_entries,
				guint64 expected_bytes);
/* From any thread, as often as one likes. */
void tidy_progress_update(TidyProgress *progress, const TidyProgressState *state);
/* Clears the line. */
void tidy_progress_free(TidyProgress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyProgress, tidy_progress_free)
