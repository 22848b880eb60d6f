/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files to another file system, in groups, so that a group and not each file waits for the disk. I/O.
 *
 *	carrier = tidy_carrier_new(&options);
 *	r = tidy_carrier_stage(carrier, &step, dir, to_dir);      a copy under a temporary name beside the target
 *	... until tidy_carrier_is_full()
 *	r = tidy_carrier_place(carrier);          copies durable, compared with their sources, named; names durable
 *	for (i = 0; i < n; i++)
 *		r = tidy_carrier_finish(carrier, i);              the source, if it is still what it was, goes
 *	tidy_carrier_clear(carrier);
 *
 * At every moment the source is there, or a durable, compared copy under its name. A crash leaves files with a temporary
 * name; the name follows from that of the target (tidy_carry_temp_name), so that the next try finds the file, compares what
 * it has with the source, and goes on behind the last equal block. What is under a final name is whole.
 *
 * Names of one file (step->is_shared) stay names of one file: the first is copied, the others become links to its copy.
 */
#pragma once

#include <gio/gio.h>

#include "home/engine/dir.h"
#include "home/merge/step.h"

/* Where the copies of files with several names lie, over all executors of one run. */
typedef GHashTable TidyCarrySets;
/* Holds references to directories: to be freed before their pool. */
TidyCarrySets *tidy_carry_sets_new(void);
/* A name of the file @ino of @dev was carried already: its last one here may not look shared any more. */
gboolean tidy_carry_sets_has(TidyCarrySets *sets, guint64 dev, guint64 ino);
/* For an undo: the file @ino itself still has a name, @name in @dir or by then @other_name in @other_dir. What comes back to
 * its file system as the same file becomes a link to it. The first of several is used. */
void tidy_carry_sets_add(TidyCarrySets *sets, guint64 ino, TidyDir *dir, const char *name,
			 TidyDir *other_dir, const char *other_name);

typedef struct {
	TidyFs *fs;
	TidyCarrySets *sets;
	guint64 salt;	    /* tells the temporary names of one home from those of another */
	gboolean is_replay; /* steps may have been made before, or half made */
	gboolean has_checks;
	GCancellable *cancellable; /* or NULL */
	/* Bytes that were copied, as it happens; may be NULL. */
	void (*copied)(gint64 bytes, gpointer data);
	gpointer copied_data;
} TidyCarrierOptions;

typedef struct TidyCarrier TidyCarrier;

TidyCarrier *tidy_carrier_new(const TidyCarrierOptions *options);
void tidy_carrier_free(TidyCarrier *carrier);

/**
 * tidy_carrier_stage - begins one step: the copy, without its name
 * @step, @dir, @to_dir: borrowed until tidy_carrier_clear()
 *
 * Returns: 0 staged, as the next item of the group; 1 nothing to do (it was made before); -errno, and no file is left;
 * -ECANCELED, and the copy stays to be gone on with.
 */
int tidy_carrier_stage(TidyCarrier *carrier, const TidyStep *step, TidyDir *dir, TidyDir *to_dir);
gboolean tidy_carrier_is_full(const TidyCarrier *carrier);
/* Everything that was staged gets its name, or what tidy_carrier_finish() will answer. 0, or -ECANCELED. */
int tidy_carrier_place(TidyCarrier *carrier);
/* What is made in @dir from now on belongs to the group too: its place is synced with the others. 0 or -errno. */
int tidy_carrier_await(TidyCarrier *carrier, TidyDir *dir);
/* After tidy_carrier_place(): 0 when what was awaited there is durable, or -errno. */
int tidy_carrier_is_durable(const TidyCarrier *carrier, const TidyDir *dir);
/* Ends the item that was staged as @index. 0; or -errno, and only the source is there; or -ENOTRECOVERABLE: both are, and
 * the operation must stay open, so that recovery finds the intent. */
int tidy_carrier_finish(TidyCarrier *carrier, guint index);
/* A new group. */
void tidy_carrier_clear(TidyCarrier *carrier);

/* The name beside @to_name that its copy has before it is whole. (transfer full) */
char *tidy_carry_temp_name(guint64 salt, const char *to_name);
/* Removes what an interrupted carry left for @to_name. */
void tidy_carry_drop_temp(TidyFs *fs, guint64 salt, int to_dir, const char *to_name);
