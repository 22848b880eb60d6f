/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What undo.c and undo-facts.c share. I/O. */
#pragma once

#include "home/engine/engine-private.h"

typedef struct {
	TidyEngine *engine;
	TidyFs *fs;
	const TidyOperation *operation; /* what is being undone */
	const GPtrArray *operations;	/* all, for their times */
	TidyRun *run;
	TidyExecutor *executor;
	GPtrArray *dirs;
	gboolean is_dry_run;
	gint64 begin_ns;
	GHashTable *linked;	/* inodes with several names of which this undo took one back */
	guint n_added;		/* steps besides times */
	gboolean is_after_pair; /* the step taken back last hung on the one that is next */
	GHashTable *done; /* seq of steps that the interrupted undo has intents for, or NULL */
} TidyUndo;

/* The directory with the number @id; NULL for 0. Borrowed. */
TidyDir *tidy_undo_dir(const TidyUndo *undo, guint32 id);
/* Whether @inverse, between these directories, is to be made now (cases 1 to 4). A carry learns which inode it is about. */
gboolean tidy_undo_may(TidyUndo *undo, TidyStep *inverse, TidyDir *dir, TidyDir *to_dir);
/* Finds the files of which some names were renamed and others copied: the copies go, and their names are links again. */
void tidy_undo_rejoin(TidyUndo *undo);
