/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gathers what the guards ask about a stray and its target: stats, mounts, listings, open files. Reads the real file
 * system and /proc only; changes nothing. I/O. */
#pragma once

#include "home/dirs/guard.h"
#include "home/engine/claims-files.h"
#include "home/engine/links.h"

/* The facts with the memory that they borrow from. */
typedef struct {
	TidyGuardFacts guard;
	char **open_paths; /* what lies below the stray and is open for writing; NULL-terminated, never NULL */
	char **mount_points;	/* mount points below the stray; NULL-terminated, never NULL */
	GPtrArray *links;	/* of TidyLinkInto; NULL: not looked for */
	gboolean are_links_cut; /* there may be more */
	GPtrArray *owned;	/* private */
} TidyFacts;

typedef struct {
	const char *home;
	const char *stray;
	const char *target; /* as it is named, links not resolved; NULL: the key has none */
	const char *key;
	const TidyUserDirs *dirs;
	const TidyStray *candidate; /* NULL: the user named source and target */
	const TidyClaims *claims;   /* what other programs name; NULL: nothing is known */
	gboolean has_consent;
	const char
		*other_host; /* the computer that wrote last, or NULL: it was this one, or none */
	gboolean
		wants_size; /* walk the stray for the number and size of its entries (at most 200,000) */
	gboolean wants_links; /* walk the home for links that lead into the stray */
} TidyFactsRequest;

/* (transfer full). Strings of the request are borrowed as long as the facts live. */
TidyFacts *tidy_facts_gather(TidyFs *fs, const TidyFactsRequest *request);
void tidy_facts_free(TidyFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyFacts, tidy_facts_free)

/* Absolute paths below @dir that some process of this user has open for writing, as far as /proc shows. (transfer
 * full) */
char **tidy_facts_open_paths(const char *dir);
/* Absolute paths below @dir where something is mounted. (transfer full) */
char **tidy_facts_mount_points(const char *dir);
