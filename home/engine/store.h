/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The state directory: a lock and one journal file per operation. I/O.
 *
 *	store = tidy_store_open(fs, "/home/ann/.local/state/xdgtidy", TRUE, &error);
 *	if (!tidy_store_lock(store, &error)) ...                one writer at a time
 *	file = tidy_store_create(store, &header, &error);       header durable, and its name
 *	tidy_journal_file_put_step(file, &step); ...
 *	tidy_journal_file_sync(file, &error);                   only now may the steps be made
 *	tidy_journal_file_commit(file, &commit, &error);
 *
 * A crash leaves a journal without commit, perhaps with a torn tail; tidy_store_reopen() goes on with it.
 */
#pragma once

#include "home/fs/fs.h"
#include "home/merge/record.h"

typedef struct TidyStore TidyStore;
typedef struct TidyJournalFile TidyJournalFile;

/* Opens the directory @path (absolute), and makes it with mode 0700 when it is missing and @makes says so. NULL with
 * TIDY_ERROR_IO, or TIDY_ERROR_NOT_FOUND when it is missing and was not to be made. */
TidyStore *tidy_store_open(TidyFs *fs, const char *path, gboolean makes, GError **error);
void tidy_store_free(TidyStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyStore, tidy_store_free)
const char *tidy_store_path(TidyStore *store);

/* Takes the lock that every writer of this state directory takes. FALSE with TIDY_ERROR_LOCKED when another process
 * has it. Not recursive. */
gboolean tidy_store_lock(TidyStore *store, GError **error);
void tidy_store_unlock(TidyStore *store);

/* Ids of the journals there, ascending: GArray of guint64. (transfer full), NULL with TIDY_ERROR_IO. */
GArray *tidy_store_list(TidyStore *store, GError **error);
/* Reads one; NULL with TIDY_ERROR_NOT_FOUND, TIDY_ERROR_JOURNAL or TIDY_ERROR_IO. */
TidyJournal *tidy_store_read(TidyStore *store, guint64 id, GError **error);
/* Wall clock of the last write to a journal, ns; 0: not known. */
gint64 tidy_store_touched_at(TidyStore *store, guint64 id);
/* Forgets a journal; its operation can no longer be undone. */
gboolean tidy_store_forget(TidyStore *store, guint64 id, GError **error);

/* Begins a journal: fills in header->id (one more than the highest) and header->run. */
TidyJournalFile *tidy_store_create(TidyStore *store, TidyJournalHeader *header, GError **error);
/* Goes on with one that has no commit: cuts the torn tail off. */
TidyJournalFile *tidy_store_reopen(TidyStore *store, const TidyJournal *journal, GError **error);
/* Makes what was read of a journal durable: a killed process may have left it in memory only, and before anything is done
 * by it a power cut must not be able to take it away. */
gboolean tidy_store_settle(TidyStore *store, guint64 id, GError **error);
void tidy_journal_file_free(TidyJournalFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyJournalFile, tidy_journal_file_free)

/* These collect records; nothing is on disk before tidy_journal_file_sync(). */
void tidy_journal_file_put_dir(TidyJournalFile *file, TidyDirInfo *info); /* fills in info->id */
void tidy_journal_file_put_step(TidyJournalFile *file, TidyStep *step);	  /* fills in step->seq */
void tidy_journal_file_put_skip(TidyJournalFile *file, guint64 step_seq, TidyWhy why);
/* Writes what was collected and makes it durable. On failure the file is as it was before. */
gboolean tidy_journal_file_sync(TidyJournalFile *file, GError **error);
gboolean tidy_journal_file_commit(TidyJournalFile *file, const TidyJournalCommit *commit,
				  GError **error);

/* Small state files beside the journals (answers to questions, pause): whole content, replaced atomically. */
char *tidy_store_read_text(TidyStore *store, const char *name);
gboolean tidy_store_write_text(TidyStore *store, const char *name, const char *text,
			       GError **error);
