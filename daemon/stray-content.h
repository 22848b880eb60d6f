/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The entries of one watched stray: when somebody should look at them, and when they are finished. Fed with what inotify
 * tells, checked by listings of the directory; changes nothing. I/O: listings.
 *
 * A stray is active when it may be merged without asking: its entries go through home/merge/settle. Of any other it is
 * only told that its content changed and has been quiet since.
 */
#pragma once

#include <glib.h>

typedef struct TidyStrayContent TidyStrayContent;

typedef struct {
	gint64 quiet_usec; /* how long an entry must have been quiet */
	gboolean (*is_partial)(const char *name, gpointer data); /* NULL: no name is */
	gpointer data;
} TidyStrayOptions;

typedef enum {
	TIDY_STRAY_NOTHING,
	TIDY_STRAY_LOOK,  /* the content changed and has been quiet since */
	TIDY_STRAY_READY, /* names are finished, or the stray is empty */
} TidyStrayDue;

TidyStrayContent *tidy_stray_content_new(const char *path, const TidyStrayOptions *options);
void tidy_stray_content_free(TidyStrayContent *content);

/* One that becomes active is listed. */
void tidy_stray_content_set_active(TidyStrayContent *content, gboolean is_active);
void tidy_stray_content_set_quiet(TidyStrayContent *content, gint64 quiet_usec);

/* @mask: of the inotify event that names the entry @name; @now: on the monotonic clock, in microseconds, as all times
 * here. */
void tidy_stray_content_event(TidyStrayContent *content, guint32 mask, const char *name,
			      gint64 now);

/* Events may have been missed: an active one is listed, any other is to be looked at. */
void tidy_stray_content_missed(TidyStrayContent *content);

/* The work on what was ready is over: what is still there waits longer, everything else is forgotten. */
void tidy_stray_content_done(TidyStrayContent *content);

/* G_MAXINT64: nothing is awaited. */
gint64 tidy_stray_content_deadline(const TidyStrayContent *content);

/* What is due at @now. With TIDY_STRAY_READY: @names (transfer full; empty for an empty stray), and whether nothing else is
 * in it; then nothing else is ready until tidy_stray_content_done(). */
TidyStrayDue tidy_stray_content_take(TidyStrayContent *content, gint64 now, char ***names,
				     gboolean *is_all);

/* Nobody took on what take() gave last, because of work that is under way: it is given again when that is done, and does
 * not count as tried. */
void tidy_stray_content_refused(TidyStrayContent *content);
