/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a home's owner can ask for: scan, plan, merge, undo, history. The daemon answers D-Bus with it, the command
 * uses it directly when no daemon runs, so both say and do the same. I/O.
 *
 *	service = tidy_service_new(&(TidyServiceOptions){ .home = g_get_home_dir() }, &error);
 *	report = tidy_service_scan(service, FALSE, &error);
 *
 * A TidyService belongs to one thread at a time; calls block for as long as the file work takes. Answers are
 * "reports": GVariants of type a{sv} whose keys stand in home/service/report.h; they travel over D-Bus as they are
 * and print as JSON as they are. Nothing here prints, logs or has a main loop.
 */
#pragma once

#include <gio/gio.h>

#include "home/config/config.h"
#include "home/fs/fs.h"

typedef struct TidyService TidyService;

typedef struct {
	const char *home;	/* absolute; NULL: $HOME */
	const char *config_dir; /* NULL: $XDG_CONFIG_HOME or ~/.config */
	const char *
		state_dir; /* NULL: $XDG_STATE_HOME/xdgtidy or ~/.local/state/xdgtidy; made when needed */
	const char *sysconf_dir; /* NULL: TIDY_SYSCONFDIR/xdg (/etc/xdg) */
	const char *system_root; /* where /etc and /var of other programs lie; NULL: "/" */
	TidyFs *fs;		 /* NULL: the real one */
} TidyServiceOptions;

/* How far a job is. Called from the thread that works, at most 10 times a second; a total of 0 is not known yet. */
typedef void (*TidyProgressFunc)(guint64 done_entries, guint64 total_entries, guint64 done_bytes,
				 guint64 total_bytes, gpointer data);

typedef struct {
	gboolean is_dry_run; /* plan only: same code path, nothing changed, nothing locked */
	gboolean
		is_automatic; /* the daemon acts by itself: every guard counts, settle times count, consent counts */
	gboolean
		is_consented; /* the user said yes to this stray (command with --yes or at the prompt, or a button) */
	const char *const *
		only_names; /* NULL, or NULL-terminated: just these entries of the stray (live routing) */
	TidyProgressFunc progress;
	gpointer progress_data;
} TidyMergeOptions;

/* Reads configuration and user-dirs. Returns NULL only when there is no usable home; a bad configuration file is
 * not an error here: defaults (or, at a reload, the last good settings) hold, see tidy_service_config_error(). */
TidyService *tidy_service_new(const TidyServiceOptions *options, GError **error);
void tidy_service_free(TidyService *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyService, tidy_service_free)

/* Reads xdgtidy.conf and user-dirs.* again. FALSE: the new configuration is bad, the old one stays in force. */
gboolean tidy_service_reload(TidyService *service, GError **error);
/* The settings in force; borrowed until the next reload. */
const TidyConfig *tidy_service_config(TidyService *service);
/* What is wrong with the configuration file on disk ("file:line:col: ..."), or NULL. Borrowed. */
const char *tidy_service_config_error(TidyService *service);
/* "$HOME", the state directory: absolute, borrowed. */
const char *tidy_service_home(TidyService *service);
const char *tidy_service_state_dir(TidyService *service);

/* The directories worth watching: ("s" path, "s" role) with role home | user-dir | stray | config. (transfer floating) */
GVariant *tidy_service_watches(TidyService *service);

/* Strays and what may be done with each. @with_links: also the symbolic links in the home that lead into them, for which much
 * of it has to be walked. Report: scan. */
GVariant *tidy_service_scan(TidyService *service, gboolean with_links, GError **error);

/**
 * tidy_service_merge - merges @stray into @target, or every stray that may be merged when @stray is NULL
 * @stray: path (absolute, or relative to the home), or NULL
 * @target: path, or NULL for the directory of the stray's key
 *
 * With options->is_dry_run it answers what it would do (the same report, "id" 0).
 * An interrupted merge of the same two directories is gone on with. Returns: report merge; (transfer full). NULL with TIDY_ERROR_LOCKED,
 * TIDY_ERROR_REFUSED (the message lists the reasons), TIDY_ERROR_NOT_FOUND, TIDY_ERROR_JOURNAL, TIDY_ERROR_IO.
 * Single entries that could not be moved are not an error: they stand in the report, whose "outcome" is "partial".
 */
GVariant *tidy_service_merge(TidyService *service, const char *stray, const char *target,
			     const TidyMergeOptions *options, GCancellable *cancellable,
			     GError **error);

/* Undoes operation @id (0: the latest that can be undone). Report: merge, with kind "undo". */
GVariant *tidy_service_undo(TidyService *service, guint64 id, const TidyMergeOptions *options,
			    GCancellable *cancellable, GError **error);

/**
 * tidy_service_dedupe - folds names onto their equals: home/engine/engine.h has what that means
 * @action: "trash", "hardlink" or "reflink"
 * @pairs: a(ayay): what is kept, what is folded onto it; absolute paths
 *
 * Returns: report merge, with kind "dupes" and one operation without stray and target; NULL as tidy_service_merge().
 */
GVariant *tidy_service_dedupe(TidyService *service, const char *action, GVariant *pairs,
			      const TidyMergeOptions *options, GCancellable *cancellable,
			      GError **error);

/**
 * tidy_service_dupes - searches for files and directories of equal content; only looks
 * @roots: absolute paths, or NULL for the user directories
 * @min_size: bytes; 0: what [dupes] min_size says
 *
 * Report: dupes, of home/dupes/dupes-report.h, with the groups that take most.
 */
GVariant *tidy_service_dupes(TidyService *service, const char *const *roots, gint64 min_size,
			     GCancellable *cancellable, GError **error);
/* When the next report of duplicates is due, seconds since the epoch; 0: never. */
gint64 tidy_service_dupes_next(TidyService *service);
/* One was made now. */
gboolean tidy_service_dupes_reported(TidyService *service, GError **error);

/* All operations, newest first (@id 0), or one with its steps. Report: history. */
GVariant *tidy_service_history(TidyService *service, guint64 id, GError **error);
/* The newest of them, without its steps, or NULL. (transfer floating) */
GVariant *tidy_service_last(TidyService *service);

/* Finishes what a crash or a stop left open (see docs/journal-format.md), and forgets what is older than keep_days.
 * Report: merge with one operation for each that was resumed, or an empty dictionary when there was none. */
GVariant *tidy_service_recover(TidyService *service, GCancellable *cancellable, GError **error);

/* What can wait until the user has the answer: the thumbnails of what was moved since the last call go with their files.
 * Takes as long as there are thumbnails and moves; nothing is told, and what it leaves is made anew some day. Without
 * thumbnails it is one look, and the answer FALSE. */
gboolean tidy_service_tend(TidyService *service, GCancellable *cancellable);

/* Consent and answers to questions, kept in the state directory: "yes", "never", "later" or NULL (not asked). */
const char *tidy_service_answer(TidyService *service, const char *stray);
gboolean tidy_service_set_answer(TidyService *service, const char *stray, const char *answer,
				 GError **error);
/* When the answer "later" was given, seconds since the epoch; 0: never. */
gint64 tidy_service_answered_at(TidyService *service, const char *stray);
/* Automatic work is paused (kept over restarts). */
gboolean tidy_service_is_paused(TidyService *service);
gboolean tidy_service_set_paused(TidyService *service, gboolean is_paused, GError **error);
