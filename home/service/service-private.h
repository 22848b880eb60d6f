/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the service share. I/O. */
#pragma once

#include "home/dirs/strays.h"
#include "home/dirs/user-dirs-file.h"
#include "home/engine/engine.h"
#include "home/engine/facts.h"
#include "home/service/service.h"

struct TidyService {
	TidyFs *fs;
	TidyEngine *engine;
	char *home; /* without links */
	char *config_dir;
	char *state_dir;
	char *cache_dir;
	char *sysconf_dir; /* or NULL */
	char *system_root;
	char *named_home; /* as it was given */
	TidyConfig *config;
	char *config_error;	      /* or NULL */
	TidyUserDirsFiles *user_dirs; /* NULL: never read */
	char *user_dirs_error;	      /* or NULL */
	GKeyFile *answers;
	char *answer;	  /* the last one given out */
	GArray *untended; /* ids of operations for tidy_service_tend() */
};

/* An operation that may have moved something; 0: none. */
void tidy_service_note_operation(TidyService *service, guint64 id);

/* @path without links as far as it exists. (transfer full) */
char *tidy_service_resolve(const char *path);
/* The user said yes to a stray of this key before. */
gboolean tidy_service_has_consent(TidyService *service, const char *key);
/* What the stray's name says it is, or NULL. (transfer full) */
char *tidy_service_key_of(TidyService *service, const char *stray);

/* A stray with everything that decides what becomes of it. */
typedef enum {
	TIDY_MAY_MERGE,	  /* on its own */
	TIDY_MAY_PROPOSE, /* when the user says yes */
	TIDY_MAY_REPORT,  /* nothing: it is only shown */
	TIDY_MAY_NOT,	  /* refused by a guard */
} TidyMay;

typedef struct {
	char *path;		    /* absolute */
	char *target;		    /* absolute, without links; NULL: none */
	char *named_target;	    /* the same with its links */
	char *key;		    /* or NULL */
	const TidyStray *candidate; /* borrowed from the list; NULL: named by the user */
	TidyConfigMode mode;
	TidyMay may;
	TidyFacts *facts;
	GPtrArray *findings; /* of TidyGuardFinding */
} TidyCandidate;

typedef struct {
	GPtrArray *strays;     /* of TidyStray */
	GPtrArray *candidates; /* of TidyCandidate */
	TidyClaims *claims;    /* what other programs name; NULL: not asked yet */
	char *other_host;    /* the computer that wrote last in the home; NULL: this one, or none */
	gboolean wants_size; /* each is measured */
	gboolean wants_links; /* the home is searched for links that lead into each */
} TidyCandidates;

void tidy_candidate_free(TidyCandidate *candidate);
void tidy_candidates_free(TidyCandidates *candidates);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyCandidates, tidy_candidates_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyCandidate, tidy_candidate_free)

/* All strays of the home, judged. What one wants: what takes a walk over the stray, or over the home. */
TidyCandidates *tidy_service_find_strays(TidyService *service, gboolean wants_size,
					 gboolean wants_links);
/* The stray at @path as the user names it, judged; @target may be NULL. NULL with TIDY_ERROR_NOT_FOUND. */
TidyCandidate *tidy_service_judge(TidyService *service, TidyCandidates *all, const char *path,
				  const char *target, GError **error);
