/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The names that user directories have or had: in every locale and version of xdg-user-dirs, on
 * other systems, and in numbered copies. Pure; the table is compiled in from data/names.tsv.
 */
#pragma once

#include <glib.h>

/* One default name. Static, or owned by the TidyNames it was added to. */
typedef struct {
	const char *key;    /* "DOWNLOAD" */
	const char *locale; /* catalog: "fr", "sr@latin"; "C" for the untranslated name */
	const char *name;   /* UTF-8, NFC; one has a trailing space */
	const char *
		versions; /* of xdg-user-dirs: "0.1..0.10", "0.11..HEAD"; "mo" when read from a catalog */
	gboolean is_canonical; /* still the default today */
} TidyDefaultName;

/* How a directory's name meets a default name. */
typedef enum {
	TIDY_NAME_NONE,
	TIDY_NAME_EXACT,    /* same after NFC */
	TIDY_NAME_TRIMMED,  /* same but for spaces at the end */
	TIDY_NAME_CASE,	    /* same but for the case of ASCII letters; not in Turkish */
	TIDY_NAME_FOREIGN,  /* the name of another system: "My Documents", "Movies" */
	TIDY_NAME_NUMBERED, /* a copy: "Downloads (1)", "Downloads.bak", "Copy of Downloads" */
} TidyNameMatch;

/* The compiled-in table, sorted by name; @n gets the number of rows. */
const TidyDefaultName *tidy_names_table(gsize *n);

/* More names, read from .mo catalogs; the compiled-in ones always count. */
typedef struct TidyNames TidyNames;
TidyNames *tidy_names_new(void);
void tidy_names_free(TidyNames *names);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyNames, tidy_names_free)

/**
 * tidy_names_add_mo - takes the directory names out of a compiled gettext catalog of the domain
 * xdg-user-dirs
 * @locale: the catalog's locale (its folder below /usr/share/locale)
 * @bytes: the .mo file, any content; both byte orders
 *
 * Names that the table has already are not added again. Names that cannot be one directory ("",
 * ".", "..", with "/", control characters or not UTF-8) are left out.
 * Returns: the number of names added, or -1 with TIDY_ERROR_CONFIG when the bytes are not a sound
 * catalog (nothing is added then).
 */
int tidy_names_add_mo(TidyNames *names, const char *locale, const char *bytes, gsize size,
		      GError **error);
/* How many names were added. */
gsize tidy_names_n_added(const TidyNames *names);

/**
 * tidy_names_lookup - the default names that @name meets
 * @names: more names, or NULL
 * @name: raw bytes of one path component
 * @match: (out) (optional): how; the first of exact, trimmed, case, foreign, numbered that has a
 * row
 *
 * A foreign name yields one row with locale "windows", "macos" or "other" and versions "".
 * Returns: (transfer container): array of borrowed const TidyDefaultName, in the order of the
 * table; empty when none.
 */
GPtrArray *tidy_names_lookup(const TidyNames *names, const char *name, TidyNameMatch *match);

/* @name after NFC, or NULL when it is not UTF-8. (transfer full) */
char *tidy_names_nfc(const char *name);
/* The name of which @name is a numbered or saved copy ("Downloads (1)" -> "Downloads"), or NULL.
 * (transfer full) */
char *tidy_names_copy_of(const char *name);
