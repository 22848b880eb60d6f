/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal's records as bytes and back. One operation is one journal: a header, then directory, step and skip
 * records, then a commit. A record is
 *
 *	u32 length of the payload, u32 CRC-32C, payload, zeros up to a multiple of 8
 *
 * all little endian. The checksum is seeded with the run's random number and the record's sequence number, so that
 * neither an old tail nor a record in another place can pass. docs/journal-format.md has the payloads. Pure.
 */
#pragma once

#include "home/merge/plan.h"

#define TIDY_JOURNAL_VERSION 1

typedef enum {
	TIDY_JOURNAL_MERGE = 1,
	TIDY_JOURNAL_UNDO = 2,
	TIDY_JOURNAL_DUPES = 3
} TidyJournalKind;

typedef enum {
	TIDY_OUTCOME_DONE = 1,	  /* every entry that was to go is gone */
	TIDY_OUTCOME_PARTIAL = 2, /* some entries stayed: the skips say which */
} TidyOutcome;

typedef enum {
	TIDY_JOURNAL_LEAVES_SYMLINK = 1 << 0,
	TIDY_JOURNAL_LIVE = 1 << 1, /* some entries only: not to be gone on with as a whole merge */
} TidyJournalFlags;

typedef struct {
	guint64 moved;	   /* names that went over, a whole directory counts once */
	guint64 folded;	   /* identical ones to the Trash, or deleted */
	guint64 kept_both; /* the same, under another name */
	guint64 removed;   /* directories that were empty and went */
	guint64 left;	   /* entries that stay for a reason */
	guint64 failed;	   /* entries that the system refused */
	guint64 bytes;	   /* of the files moved, as far as known */
} TidyCounts;

typedef struct {
	guint64 id;
	guint64 run; /* random; seeds the checksums */
	TidyJournalKind kind;
	guint64 undoes; /* id of the operation that this one takes back; 0: none */
	gint64 begin_ns;
	guint64 home_dev;
	guint64 home_ino;
	char *home;
	char *stray; /* absolute; of duplicates: the directory that has them all, and so is @target */
	char *target;
	char *key; /* "DOWNLOAD" or "" */
	TidyPolicy policy;
	guint32 flags; /* TidyJournalFlags */
} TidyJournalHeader;

typedef struct {
	gint64 end_ns;
	TidyOutcome outcome;
	TidyCounts counts;
} TidyJournalCommit;

/* A journal that was read. */
typedef struct {
	TidyJournalHeader header;
	GPtrArray *dirs;  /* of TidyDirInfo, index id - 1 */
	GPtrArray *steps; /* of TidyStep, in order */
	GHashTable *
		skips; /* seq of a step (guint64) -> GUINT TidyWhy: how it ended when it was not done; a hint only */
	gboolean is_committed;
	TidyJournalCommit commit;
	guint64 next_seq;
	gsize valid_bytes; /* what follows is a torn tail */
} TidyJournal;

void tidy_journal_header_clear(TidyJournalHeader *header);
void tidy_journal_free(TidyJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyJournal, tidy_journal_free)
/* Leaves header and commit: a history of months is short without what was done to each file. */
void tidy_journal_drop_steps(TidyJournal *journal);

/* Each appends one record to @out. Sequence numbers begin with 0, the header, and have no gap. */
void tidy_record_put_header(GByteArray *out, const TidyJournalHeader *header);
void tidy_record_put_dir(GByteArray *out, guint64 run, guint64 seq, const TidyDirInfo *info);
void tidy_record_put_step(GByteArray *out, guint64 run, guint64 seq, const TidyStep *step);
void tidy_record_put_skip(GByteArray *out, guint64 run, guint64 seq, guint64 step_seq, TidyWhy why);
void tidy_record_put_commit(GByteArray *out, guint64 run, guint64 seq,
			    const TidyJournalCommit *commit);

/**
 * tidy_journal_parse - reads a journal, up to its end or its first damaged record
 * @data: hostile until parsed
 *
 * Returns: (transfer full), or NULL with TIDY_ERROR_JOURNAL when not even the header is whole, it is of another
 * version, or a whole record makes no sense (a directory that does not exist, a name with a slash).
 */
TidyJournal *tidy_journal_parse(const guint8 *data, gsize size, GError **error);

/* Path of a directory record: absolute, or NULL when its chain is broken. (transfer full) */
char *tidy_journal_dir_path(const TidyJournal *journal, guint32 id);
