/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When the entries of one directory are finished: events and time in, names and the next deadline out. Pure. */
/*
 *	settle = tidy_settle_new(&(TidySettleOptions){ .quiet_usec = 30 * G_USEC_PER_SEC });
 *	tidy_settle_event(settle, TIDY_SETTLE_ARRIVED, "a.pdf", now);	// what inotify tells
 *	tidy_settle_deadline(settle);					// arm one timer for it
 *	names = tidy_settle_take(settle, now);				// when it fired: these may go
 *	... move them ...
 *	tidy_settle_back(settle, "a.pdf", now);				// for each that is still there
 *
 * A name is quiet when nothing happened to it for quiet_usec. That it is really finished (no writer left) is for
 * the engine to find out; a name that it could not take comes back with tidy_settle_back() and waits twice as
 * long each time, so that a file that stays open costs less and less. Times are microseconds of one monotonic clock.
 */
#pragma once

#include <glib.h>

typedef struct TidySettle TidySettle;

typedef enum {
	TIDY_SETTLE_ARRIVED, /* created, linked or moved in */
	TIDY_SETTLE_CHANGED, /* written to, closed after writing, or its attributes changed */
	TIDY_SETTLE_GONE,    /* deleted or moved away */
} TidySettleEvent;

/* Whether @name looks like a download that is not finished yet (see home/dirs/partial.h). */
typedef gboolean (*TidySettlePartialFunc)(const char *name, gpointer data);

typedef struct {
	gint64 quiet_usec;	 /* how long nothing may have happened to a name */
	gint64 backoff_max_usec; /* longest wait for a name that stays busy; 0: 15 minutes */
	TidySettlePartialFunc is_partial; /* NULL: no name is partial */
	gpointer is_partial_data;
} TidySettleOptions;

TidySettle *tidy_settle_new(const TidySettleOptions *options);
void tidy_settle_free(TidySettle *settle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidySettle, tidy_settle_free)

/**
 * tidy_settle_event - takes in what happened to one name
 * @name: raw bytes; borrowed
 * @when: the time of the event. An entry found by listing the directory is ARRIVED at the time of its last change, so
 *        that old files do not wait again; an ARRIVED older than what is known changes nothing.
 *
 * A name that had backed off starts afresh. One that was taken and not given back yet counts as new.
 */
void tidy_settle_event(TidySettle *settle, TidySettleEvent event, const char *name, gint64 when);

/* A listing of the directory follows as ARRIVED events; names that it does not mention are forgotten at its end.
 * For the start, and for when events were lost. */
void tidy_settle_rescan_begin(TidySettle *settle);
void tidy_settle_rescan_end(TidySettle *settle);

/* When to call tidy_settle_take() next, or G_MAXINT64 when nothing waits for a time (then arm no timer).
 * Partial names wait for their rename, and what belongs to them ("x.iso" beside "x.iso.part") waits with them. */
gint64 tidy_settle_deadline(TidySettle *settle);

/* The names that are quiet at @now, sorted by bytes, or NULL. They count as taken until tidy_settle_back() or an
 * event. (transfer full) */
char **tidy_settle_take(TidySettle *settle, gint64 now);

/* @name was taken and is still there: it waits longer than before. */
void tidy_settle_back(TidySettle *settle, const char *name, gint64 now);

/* Names that are known but not taken: waiting, backing off or partial. */
guint tidy_settle_n_waiting(const TidySettle *settle);
