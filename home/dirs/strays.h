/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Strays: directories in $HOME whose name says that they are a user directory, while user-dirs.dirs
 * names another one. Pure: names in, candidates out. Whether a candidate may be merged is the
 * guards' matter (home/dirs/guard.h).
 */
#pragma once

#include "home/dirs/names.h"
#include "home/dirs/user-dirs.h"

typedef enum {
	TIDY_STRAY_XDG_HISTORIC, /* an earlier default: "Download" */
	TIDY_STRAY_LOCALIZED,	 /* a default of some locale: "Musik" */
	TIDY_STRAY_SPELLING,	 /* such a name in other bytes: NFD, blank at the end */
	TIDY_STRAY_CASE,	 /* "downloads" */
	TIDY_STRAY_ALIAS,	 /* the user's configuration says so */
	TIDY_STRAY_FOREIGN,	 /* "My Documents" */
	TIDY_STRAY_NUMBERED,	 /* "Downloads (1)" */
} TidyStrayClass;

/* The most that may be done without asking; the guards and the key's mode in xdgtidy.conf only
 * lower it. */
typedef enum {
	TIDY_STRAY_REPORT,  /* show it */
	TIDY_STRAY_PROPOSE, /* ask */
	TIDY_STRAY_AUTO,    /* merge, when every guard is silent */
} TidyStrayPolicy;

typedef struct {
	char *name; /* in $HOME; raw bytes */
	char *key;
	char *target; /* the key's directory; NULL when the key is disabled or unset */
	TidyDirState key_state;
	TidyStrayClass klass;
	TidyStrayPolicy policy;
	char *locale; /* the locale of the name, "C" for English; "" for alias, spelling */
	gboolean is_user_locale; /* the user has or had that locale; TRUE for "C" and "" */
	gboolean is_ignored;	 /* on ignore=; policy is report then */
	gboolean is_ambiguous;	 /* the name is a default of several keys; policy is report then */
} TidyStray;

/* What xdgtidy.conf says about one key; a NULL @key is about every key. Arrays NULL-terminated or
 * NULL. An item is a name in $HOME, "~/Name", "$HOME/Name" or an absolute path. */
typedef struct {
	const char *key;
	const char *const *aliases;
	const char *const *ignore;
} TidyStrayRule;

typedef struct {
	const char *home;	  /* absolute */
	const char *const *names; /* directories (and links) directly in $HOME, NULL-terminated */
	const TidyUserDirs *dirs;
	const TidyNames *more_names; /* or NULL */
	const TidyStrayRule *rules;
	gsize n_rules;
	const char *const
		*locales; /* what this user has (first) and had: "fr_FR"; NULL-terminated or NULL */
} TidyStraysInput;

/* Candidates in the order of @names, at most one a name. Returns: (transfer full): array of
 * TidyStray. */
GPtrArray *tidy_strays_find(const TidyStraysInput *input);
void tidy_stray_free(TidyStray *stray);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyStray, tidy_stray_free)

/* "xdg-historic", "localized", ... and "auto", "propose", "report". Static. */
const char *tidy_stray_class_name(TidyStrayClass klass);
const char *tidy_stray_policy_name(TidyStrayPolicy policy);
