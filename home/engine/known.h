/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The directories that a journal knows, found again by parent and name. No paths: in a deep tree all of them together
 * would take its depth squared. I/O (opens what it finds). */
#pragma once

#include "home/engine/dir.h"
#include "home/merge/record.h"

/* For each directory of @journal, index id - 1, the number of its first record: in a further pass one directory gets
 * another. (transfer full) */
guint32 *tidy_known_first_records(const TidyJournal *journal);

typedef struct TidyKnown TidyKnown;

/* @dirs: those of the journal, index id - 1; both are borrowed. */
TidyKnown *tidy_known_new(const TidyJournal *journal, const GPtrArray *dirs);
void tidy_known_free(TidyKnown *known);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyKnown, tidy_known_free)

/* The directory @name of @parent, or with @parent NULL that of this absolute path; NULL when the journal has none, or it
 * is no longer the same one. Borrowed. */
TidyDir *tidy_known_find(const TidyKnown *known, const TidyDir *parent, const char *name);
/* The journal changes it, its stamp apart. */
gboolean tidy_known_was_changed(const TidyKnown *known, const TidyDir *dir);
