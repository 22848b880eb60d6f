/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds files, and whole directories, with equal content. Reads as few bytes as it can and calls nothing equal that it
 * has not compared byte by byte. Only looks: what to do about it is a plan (tidy_dupes_plan) for the engine. I/O.
 *
 *	TidyDupesOptions options = { .roots = (const char *[]){ "/home/u/Downloads", NULL } };
 *	g_autoptr(TidyDupes) dupes = tidy_dupes_find(fs, &options, &error);
 *	for (guint i = 0; i < dupes->groups->len; i++) { TidyDupesGroup *group = dupes->groups->pdata[i]; ... }
 *
 * Symbolic links are never followed, other mounts never entered, no directory is visited twice. At most 512 files and
 * directories are open (half of RLIMIT_NOFILE when that is less), blocks of at most 32 MiB are held. A file that
 * changes between the scan and the end of its comparison drops out.
 */
#pragma once

#include "home/fs/fs.h"

typedef enum {
	TIDY_DUPES_KEEP_FIRST, /* in the order of the roots, then of the bytes of the paths */
	TIDY_DUPES_KEEP_NEWEST,
	TIDY_DUPES_KEEP_OLDEST,
	TIDY_DUPES_KEEP_SHORTEST, /* path, in bytes */
} TidyDupesKeep;

typedef enum {
	TIDY_DUPES_SCANNING,
	TIDY_DUPES_COMPARING,
	TIDY_DUPES_GATHERING, /* directories as units, groups */
} TidyDupesStage;

typedef struct {
	TidyDupesStage stage;
	guint64 seen_files;
	guint64 read_bytes;
	guint64 settled_bytes; /* of total_bytes: read, or found not worth reading */
	guint64 total_bytes; /* of all files that share their size with another; 0 while scanning */
} TidyDupesProgress;

typedef struct {
	const char *const
		*roots; /* NULL-terminated paths, absolute or relative to the working directory */
	const char *const
		*protect; /* NULL, or directories of which nothing is to be touched; searched too */
	const char *const *
		ignore; /* NULL, or globs: without '/' for names, with '/' for paths below a root */
	gint64 min_size; /* bytes; empty files are never shown */
	TidyDupesKeep keep;
	guint max_open;	   /* 0: 512 */
	gsize block_bytes; /* 0: 32 MiB */
	/* At most 10 times a second; NULL for none. */
	void (*progress)(const TidyDupesProgress *progress, gpointer data);
	/* Asked often; TRUE ends the search with what is known so far. NULL for none. */
	gboolean (*is_cancelled)(gpointer data);
	gpointer data;
} TidyDupesOptions;

/* Why something was not compared. */
typedef enum {
	TIDY_DUPES_SKIP_IGNORED,    /* by an ignore pattern */
	TIDY_DUPES_SKIP_SMALL,	    /* below the minimal size, or empty */
	TIDY_DUPES_SKIP_LINK,	    /* a symbolic link */
	TIDY_DUPES_SKIP_SPECIAL,    /* FIFO, socket, device */
	TIDY_DUPES_SKIP_MOUNT,	    /* another file system */
	TIDY_DUPES_SKIP_VISITED,    /* a directory seen before under another path */
	TIDY_DUPES_SKIP_UNREADABLE, /* errno says why */
	TIDY_DUPES_SKIP_CHANGED,    /* while it was compared, or it went away */
} TidyDupesSkipReason;

#define TIDY_DUPES_N_SKIP_REASONS (TIDY_DUPES_SKIP_CHANGED + 1)

typedef struct {
	char *path;
	TidyDupesSkipReason reason;
	int errno_code; /* 0 or positive */
} TidyDupesSkip;

typedef enum {
	TIDY_DUPES_KEPT = 1 << 0, /* stays whatever is done; at least one name of a group has it */
	TIDY_DUPES_PROTECTED = 1 << 1, /* below a protected directory, or such a directory */
	TIDY_DUPES_IN_BUNDLE =
		1 << 2, /* part of a repository, an application, a saved page: stays */
	TIDY_DUPES_COVERED =
		1 << 3, /* part of a directory that another group lists as a whole, not kept */
	TIDY_DUPES_OF_UNIT =
		1 << 4, /* part of a directory that another group lists as the one to keep */
	TIDY_DUPES_LINKED_OUT = 1 << 5, /* has hard links outside the searched directories: stays */
	TIDY_DUPES_SHARED = 1 << 6,	/* its blocks on the device are shared already (reflink) */
} TidyDupesFlags;

/* One name of a group. Names of one file (hard links) follow each other and have the same @content. */
typedef struct {
	char *path;    /* root as given + "/" + name below it; raw bytes */
	guint content; /* which file of the group it is a name of: 0, 1, ... */
	TidyDupesFlags flags;
	TidyStat
		st; /* when scanned: dev, ino, size, mtime_ns, ctime_ns, mode, uid, gid, nlink, blocks */
} TidyDupesName;

typedef struct {
	TidyType type;	  /* FILE or DIR */
	gint64 size;	  /* of each, bytes; of a directory: of all files in it */
	guint n_contents; /* files (inodes) or directories; 1: only hard links of one file */
	GArray *names;	  /* of TidyDupesName; the first one is the one to keep */
	guint64 reclaimable_bytes; /* on the device, if all but the kept ones went; covered names do not count */
} TidyDupesGroup;

typedef struct {
	guint64 files; /* regular files seen */
	guint64 dirs;
	guint64 candidates; /* files that share their size with another */
	guint64 candidate_bytes;
	guint64 read_bytes; /* of content */
	guint64 read_calls;
	guint64 shared_files; /* answered by shared blocks, without reading */
	guint max_open;	      /* most files and directories open at a time */
	gsize max_block_bytes;
	guint64 skipped[TIDY_DUPES_N_SKIP_REASONS];
} TidyDupesStats;

typedef struct {
	GPtrArray *groups; /* of TidyDupesGroup, most reclaimable first */
	GArray *skips; /* of TidyDupesSkip: at most 1,000; links, small and ignored ones only count */
	TidyDupesStats stats;
	guint64 reclaimable_bytes;
	gboolean is_partial; /* it was cancelled; the groups that are there are right */
	guint64 open_files; /* partial: files that were still equal to another as far as they were read */
	guint64 open_bytes;
} TidyDupes;

/**
 * tidy_dupes_find - searches the roots
 *
 * Returns: (transfer full): also when cancelled. NULL with TIDY_ERROR_USAGE without roots, TIDY_ERROR_IO when none of
 * them can be opened. Whatever else cannot be read stands in the skips.
 */
TidyDupes *tidy_dupes_find(TidyFs *fs, const TidyDupesOptions *options, GError **error);
void tidy_dupes_free(TidyDupes *dupes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyDupes, tidy_dupes_free)

/* "unreadable", "changed", ...: stable codes. Static. */
const char *tidy_dupes_skip_code(TidyDupesSkipReason reason);

/* ---- what could be done ---- */

typedef enum {
	TIDY_DUPES_TRASH,
	TIDY_DUPES_HARDLINK,
	TIDY_DUPES_REFLINK,
} TidyDupesAction;

/* @fold is to become a link to @keep, or go to the Trash because @keep is equal. Borrowed from the groups. */
typedef struct {
	const TidyDupesGroup *group;
	const TidyDupesName *keep;
	const TidyDupesName *fold;
} TidyDupesFold;

/**
 * tidy_dupes_plan - which names to fold onto which
 *
 * Never folds a kept, protected or bundled name, and never a name that another fold keeps, or anything in or above
 * one; of every content at least one untouched name stays. HARDLINK and REFLINK fold files only, on one file system,
 * HARDLINK only with equal owner and mode (a link has one of each). The plan is a proposal: the executor compares
 * again, under open descriptors, before each step. Pure.
 * Returns: (transfer full): GArray of TidyDupesFold, valid as long as @dupes.
 */
GArray *tidy_dupes_plan(const TidyDupes *dupes, TidyDupesAction action);

/* NULL when @folds keeps the rules above, else which one it breaks (static text). Pure. */
const char *tidy_dupes_check_plan(GArray *folds);
