/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guards: the reasons why a stray is not merged, or not without asking. ONE table (guard.c); a
 * further trap is a row there, a further name that gives a directory away is a row of the
 * marker table (guard-use.c), and a further program that names its directories is one of claims.c. Pure: the engine gathers TidyGuardFacts, the table answers.
 *
 *	g_autoptr(GPtrArray) findings = tidy_guard_check(&facts);
 *	switch (tidy_guard_verdict(findings)) ...
 *
 * A fact that could not be found out stays zero or NULL and its guards are silent, except where a
 * comment says otherwise; so a gatherer that knows nothing must not let a merge run on its own (set
 * facts.is_incomplete).
 */
#pragma once

#include "home/dirs/strays.h"
#include "home/fs/fs.h"

typedef enum {
	TIDY_GUARD_INFO,  /* shown, changes nothing */
	TIDY_GUARD_ASK,	  /* never automatically; the user may say yes */
	TIDY_GUARD_BLOCK, /* never */
} TidyGuardSeverity;

/* What a row looks at; a row for both roots is tested once for each. */
typedef enum {
	TIDY_GUARD_SOURCE = 1 << 0,
	TIDY_GUARD_TARGET = 1 << 1,
	TIDY_GUARD_BOTH = TIDY_GUARD_SOURCE | TIDY_GUARD_TARGET,
	TIDY_GUARD_PAIR = 1 << 2, /* the two together, or neither */
} TidyGuardSide;

/* Facts about one of the two directories. */
typedef struct {
	const char *path;      /* absolute, normalised, as named */
	const char *real_path; /* without links; NULL: could not be found out (then @path counts) */
	int stat_error;	       /* positive errno of the stat of @path, 0 */
	TidyStat st;	       /* the name itself, links not followed */
	TidyStat real;	       /* what it leads to; equal to @st when it is no link */
	gboolean has_real;     /* FALSE: missing, or a dangling link */
	gboolean is_mount;     /* mount point or bind mount */
	gboolean is_casefold;  /* FS_CASEFOLD_FL, or a file system without case */
	int access_error;      /* positive errno of faccessat(2) with W_OK | X_OK, 0 */
	TidyFsInfo info;       /* statfs; type 0: unknown */
	const char *fs_name; /* type of the mount in mountinfo ("fuse.sshfs", "autofs"), or NULL */
	guint32 project_id;  /* FS_IOC_FSGETXATTR; 0: none */
	const char *fscrypt; /* policy identifier in hex, or NULL */
	const char *const
		*names; /* top-level names that are markers, NULL-terminated; NULL: not listed */
} TidyGuardRoot;

/* Arrays of strings are NULL-terminated; NULL means none. Everything is borrowed. */
typedef struct {
	TidyGuardRoot source;
	TidyGuardRoot target;
	const char *home;
	const char *real_home; /* or NULL */
	TidyStat home_stat;
	TidyFsInfo home_info;
	guint32 uid;

	const char *key;
	TidyDirState key_state;
	const TidyUserDirs *dirs; /* all keys; or NULL */
	const TidyStray *stray;	  /* NULL: the user named source and target */

	guint64 n_entries; /* of the whole stray */
	guint64 n_bytes;
	guint64 n_disk_bytes; /* without the holes of sparse files: what a copy takes */
	guint64 max_entries;  /* beyond it the user is asked; 0: no limit */
	guint64 max_bytes;
	gint64 newest_ns; /* newest mtime or ctime in the stray */
	gint64 now_ns;
	gint64 settle_ns;	 /* 0: do not test */
	guint64 n_foreign_owned; /* entries of the stray that belong to another uid */
	guint64 n_unkeepable; /* entries with attributes, ACLs or capabilities that the target cannot hold */

	const char *const *open_writers; /* entries that some process has open for writing */
	const char *const
		*partials; /* unfinished downloads and their partners (home/dirs/partial.h) */
	const char *const *sync_roots; /* directories that sync clients' configurations name */
	const char *const *exports;    /* directories that are served: NFS, Samba, DLNA, web */
	const char *const *torrents;   /* paths that torrent clients seed or fill */
	const char *const *units;      /* paths that systemd user units and cron use */
	const char *const *references; /* "app: path" that doctor cannot fix */

	const char *const *links; /* symbolic links of the home that lead into the stray */

	gboolean has_consent; /* the user agreed to a merge in this home before */
	const char
		*other_host; /* the computer that wrote last in the home; NULL: this one, or none */
	gboolean is_system_user; /* root, a greeter, a uid below 1000, a guest session */
	gboolean is_incomplete;	 /* some fact could not be gathered */
} TidyGuardFacts;

typedef struct TidyGuardRow TidyGuardRow;
struct TidyGuardRow {
	const char *code; /* stable, lower case with hyphens */
	TidyGuardSeverity severity;
	TidyGuardSide side;
	/* TRUE: only the entries in question wait, automatic work may go on with the others */
	gboolean is_per_entry;
	/* @root is NULL for TIDY_GUARD_PAIR. @detail may be set to what was found: a name or a
	 * path, borrowed. */
	gboolean (*test)(const TidyGuardRow *row, const TidyGuardFacts *facts,
			 const TidyGuardRoot *root, const char **detail);
	guint64 arg;	     /* for @test: a marker class, a bit, a limit */
	const char *message; /* what is said about the directory, behind its name */
	const char *remedy;  /* what the user can do: a sentence, or NULL */
};

typedef struct {
	const TidyGuardRow *row;
	TidyGuardSide side; /* source, target or pair */
	char *path;	    /* of the root in question */
	char *detail;	    /* or NULL */
} TidyGuardFinding;

typedef enum {
	TIDY_VERDICT_AUTO,    /* nothing against it */
	TIDY_VERDICT_PARTLY,  /* only per-entry reasons: the rest may be merged */
	TIDY_VERDICT_ASK,     /* the user must say yes */
	TIDY_VERDICT_REFUSED, /* not even then */
} TidyGuardVerdict;

/* All reasons, most severe first, within that in the order of the table. (transfer full): of
 * TidyGuardFinding */
GPtrArray *tidy_guard_check(const TidyGuardFacts *facts);
TidyGuardVerdict tidy_guard_verdict(const GPtrArray *findings);
/* The finding with that code, or NULL. */
const TidyGuardFinding *tidy_guard_find(const GPtrArray *findings, const char *code);
/* The finding as a sentence, remedy included; names made displayable. (transfer full) */
char *tidy_guard_text(const TidyGuardFinding *finding);

const TidyGuardRow *tidy_guard_rows(gsize *n);
const char *tidy_guard_severity_name(TidyGuardSeverity severity);

/* Names at the top of a directory that tell what it is; @pattern may hold "*". */
typedef struct {
	const char *pattern;
	const char *
		code; /* what it is: repository, project, sync-root, encrypted-store, file-system */
	const char *what; /* "git", "Syncthing": for people */
} TidyGuardMarker;

const TidyGuardMarker *tidy_guard_markers(gsize *n);
