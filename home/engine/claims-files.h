/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the files in which other programs name their directories (home/dirs/claims.h). I/O, reads only. */
#pragma once

#include "home/dirs/claims.h"

/* Where the files lie; absolute. */
typedef struct {
	const char *home;	 /* without links */
	const char *named_home;	 /* as $HOME has it, and so as programs write it; or NULL */
	const char *config;	 /* $XDG_CONFIG_HOME */
	const char *data;	 /* $XDG_DATA_HOME */
	const char *state;	 /* $XDG_STATE_HOME */
	const char *system_root; /* "/"; another one in tests */
} TidyClaimPlaces;

typedef struct {
	char **paths
		[TIDY_CLAIM_N_KINDS]; /* by TidyClaimKind: absolute, NULL-terminated, never NULL */
	char **apps[TIDY_CLAIM_N_KINDS]; /* the program behind each; static strings */
	gboolean is_incomplete;		 /* a file of the home was too big, or could not be read */
} TidyClaims;

/* (transfer full). Files are at most 1 MiB each, a pattern matches at most 4,096. */
TidyClaims *tidy_claims_read(const TidyClaimPlaces *places);
void tidy_claims_free(TidyClaims *claims);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyClaims, tidy_claims_free)
