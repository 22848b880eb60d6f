/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of one size in memory, taken apart by the core of the duplicate finder and checked naively. Pure. */
#pragma once

#include <glib.h>

#include "home/dupes/split.h"

typedef struct {
	gsize size;
	GPtrArray *files; /* of guint8 * */
	guint32 *content; /* of each file, from 1; 0: equal to none */
	guint n_contents;
	guint64 reads;
} TidyModel;

TidyModel *tidy_model_new(gsize size);
void tidy_model_free(TidyModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyModel, tidy_model_free)

/* A new file of zeros, to be written to. */
guint8 *tidy_model_add(TidyModel *model);

/* Finds the contents, with a splitter that keeps at most @max_kept blocks. */
void tidy_model_solve(TidyModel *model, guint max_kept);

/* NULL when the contents are exactly right, else what is wrong. */
const char *tidy_model_problem(const TidyModel *model);
