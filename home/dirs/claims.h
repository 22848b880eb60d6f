/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Claims: directories that other programs say are theirs, in files of their own. One table: which file of which
 * program, in which format, and what the directory is to it. A further program is a row. Pure: bytes in, paths
 * out; the engine reads the files (home/engine/claims-files.h).
 *
 * The files are anybody's: every byte of them may be wrong, and a path that they name is only ever compared.
 */
#pragma once

#include <glib.h>

/* What the program does with the directory; the guards have a row for each. */
typedef enum {
	TIDY_CLAIM_SYNC,      /* keeps it equal with other computers */
	TIDY_CLAIM_EXPORT,    /* serves it to other computers */
	TIDY_CLAIM_TORRENT,   /* seeds or fills files in it */
	TIDY_CLAIM_UNIT,      /* starts or watches something there */
	TIDY_CLAIM_REFERENCE, /* looks for it there, and nothing here can correct that */
} TidyClaimKind;
#define TIDY_CLAIM_N_KINDS 5

/* Where a source's pattern starts. */
typedef enum {
	TIDY_CLAIM_IN_HOME,
	TIDY_CLAIM_IN_CONFIG, /* $XDG_CONFIG_HOME */
	TIDY_CLAIM_IN_DATA,   /* $XDG_DATA_HOME */
	TIDY_CLAIM_IN_STATE,  /* $XDG_STATE_HOME */
	TIDY_CLAIM_IN_SYSTEM, /* the root of the file system */
} TidyClaimBase;

typedef enum {
	TIDY_CLAIM_VALUE, /* lines "key = value": the whole value is a path */
	TIDY_CLAIM_WORDS, /* lines "key = value", or without a key any line: each word that looks like a path */
	TIDY_CLAIM_XML,	    /* the attribute "element/attribute" */
	TIDY_CLAIM_JSON,    /* "key": "string" at any depth; user_pref("key", "string") too */
	TIDY_CLAIM_BENCODE, /* 3:key4:text at any depth */
	TIDY_CLAIM_EXPORTS, /* exports(5): the first field of each line */
	TIDY_CLAIM_LINK,    /* the file is a symbolic link: what it says */
} TidyClaimFormat;

typedef struct {
	TidyClaimKind kind;
	const char *app; /* for people */
	TidyClaimBase base;
	/* A path below the base; "*" in a component stands for any bytes. */
	const char *pattern;
	TidyClaimFormat format;
	/* Keys, "|" between them; a "*" in front stands for any bytes. NULL: none. */
	const char *keys;
	const char *needs; /* NULL, or text without which the file says nothing */
	/* NULL, or a name beside the file that is a link "lock -> host:+PID" while the program runs: only then does
	 * it count. */
	const char *lock;
} TidyClaimSource;

const TidyClaimSource *tidy_claim_sources(gsize *n);

/**
 * tidy_claims_parse - adds the paths that the file of @source names to @paths
 * @bytes: the file, any content (for LINK: the text of the link); may be NULL when @size is 0
 * @home: what "~", "$HOME" and "%h" stand for; absolute
 * @paths: of char *; absolute, normalised, raw bytes; at most TIDY_CLAIM_PATHS_MAX a call
 *
 * A word that is no path, or relative, is passed over.
 */
#define TIDY_CLAIM_PATHS_MAX 1000
void tidy_claims_parse(const TidyClaimSource *source, const char *bytes, gsize size,
		       const char *home, GPtrArray *paths);

/* Whether @name fits @pattern, in which "*" (at most one) is any run of bytes. */
gboolean tidy_claim_fits(const char *pattern, const char *name);
