/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The merge's walk over a pair of trees: what merge.c, look.c, below.c and steps.c share. I/O. */
#pragma once

#include "home/engine/engine-private.h"
#include "home/engine/known.h"

typedef struct TidyPair TidyPair;

typedef struct {
	const TidyMergeJob *job;
	TidyRun *run;
	TidyFs *fs;
	TidyExecutor *executor;
	TidyDirPool *pool;
	TidyDir *trash;	     /* the home's */
	GHashTable *trashes; /* device -> TidyDir: where its files go; see tidy_walk_trash_of() */
	GHashTable *trash_names; /* given away in this run */
	TidyKnown *known;	 /* the directories of the journal that is gone on with, or NULL */
	gint64 now_ns;
	guint pass;
	TidyPair *next; /* the pair that the walk goes down into after this decision, or NULL */
	guint n_below;	/* entries that below.c has looked at in this pass */
} TidyWalk;

/* One pair of directories while it is being merged. */
struct TidyPair {
	TidyPair *above; /* NULL: the roots */
	TidyDir *source;
	TidyDir *target;
	TidyListing *source_list;
	TidyListing *target_list;
	GArray *twins; /* the planner's */
	TidyPlanner *planner;
	gboolean is_root;
	gboolean is_target_new; /* it will be made by a step before */
	gboolean needs_copy;	/* no rename goes from the one to the other */
	gboolean is_target_changed;
	gboolean is_source_changed; /* something leaves it, though it may itself stay */
	gboolean is_going;	    /* every entry of the source is planned to go */
};

/* --- below.c --- */

/* Flags the directories of the source that would go whole and cannot, because of something below them. */
void tidy_walk_look_below(TidyWalk *walk, const TidyPair *pair);

/* --- look.c --- */

/* The sorted listing of @dir, or NULL and -errno in @r. (transfer full) */
TidyListing *tidy_walk_list(TidyWalk *walk, TidyDir *dir, int *r);
/* The same of the first @n_max entries that the directory gives. */
TidyListing *tidy_walk_list_some(TidyWalk *walk, TidyDir *dir, guint n_max, int *r);
/* Sets UNFINISHED on unfinished downloads and their partners; @dir is the open directory. */
void tidy_walk_flag_unfinished(TidyWalk *walk, int dir, TidyListing *listing);
/* What a symbolic link says, or NULL. (transfer full) */
char *tidy_walk_read_link(TidyFs *fs, int dir, const char *name);
/* The names that both have, and how they relate; @target -1: the target is not there yet. (transfer full) */
GArray *tidy_walk_relate(TidyWalk *walk, const TidyPair *pair, int source, int target);
/* Flags the entries of the source that cannot go, or not as they are. */
void tidy_walk_look(TidyWalk *walk, TidyPair *pair);
/* Some entry of the source is not part of this job. */
gboolean tidy_walk_has_excluded(const TidyPair *pair);

/*
 * --- steps.c ---
 *
 * Each adds what its name says, and answers FALSE as tidy_executor_flush() does. An entry that cannot be looked at is
 * noted, and stays.
 */

gboolean tidy_walk_add_move(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry,
			    const char *new_name, TidyWhy why, GError **error);
gboolean tidy_walk_add_unlink(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry, TidyWhy why,
			      GError **error);
gboolean tidy_walk_add_relink(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry,
			      const TidyDecision *decision, GError **error);
/* The Trash for what lies in @dir. Borrowed. */
TidyDir *tidy_walk_trash_of(TidyWalk *walk, TidyDir *dir);
gboolean tidy_walk_add_trash(TidyWalk *walk, TidyDir *dir, const TidyEntry *entry, TidyWhy why,
			     GError **error);
gboolean tidy_walk_add_delete(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry, TidyWhy why,
			      GError **error);
gboolean tidy_walk_add_replace(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry, TidyWhy why,
			       GError **error);
/* Of two lists of lines one: see union.c. */
gboolean tidy_walk_add_union(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry, TidyWhy why,
			     GError **error);
gboolean tidy_walk_add_mkdir(TidyWalk *walk, TidyPair *above, TidyDir *source, TidyDir *made,
			     gboolean *is_made, GError **error);
gboolean tidy_walk_add_times(TidyWalk *walk, TidyDir *dir, gint64 mtime_ns, GError **error);
gboolean tidy_walk_add_rmdir(TidyWalk *walk, TidyDir *dir, GError **error);
