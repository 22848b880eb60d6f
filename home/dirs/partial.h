/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unfinished downloads by their names: which entries of a directory another program still writes,
 * and which belong to one of those (the 0-byte placeholder of Firefox, the file beside an aria2
 * control file). Pure.
 */
#pragma once

#include <glib.h>

/* One entry of a directory. @size -1 or @mtime_ns 0: not known. */
typedef struct {
	const char *name;
	gint64 size;
	gint64 mtime_ns;
	gboolean is_dir;
	gboolean is_open; /* some process has it open for writing */
} TidyPartialEntry;

typedef enum {
	TIDY_PARTIAL_NO,
	TIDY_PARTIAL_UNFINISHED, /* its name says so, or it is open for writing */
	TIDY_PARTIAL_PARTNER,	 /* belongs to an unfinished one */
} TidyPartialKind;

typedef struct {
	TidyPartialKind kind;
	const char *
		rule; /* static: the suffix or pattern that hit ("*.part"), "open"; NULL for TIDY_PARTIAL_NO */
	gsize partner;	   /* index of the other one; its own index when it stands alone */
	gboolean is_stale; /* given up, and so are its partners: may be moved */
} TidyPartialMark;

#define TIDY_PARTIAL_STALE_NS (G_GINT64_CONSTANT(7) * 24 * 3600 * G_GINT64_CONSTANT(1000000000))

/**
 * tidy_partial_scan - finds unfinished downloads among the entries of one directory
 * @now_ns: wall clock
 * @stale_ns: after that time without a change an unfinished one that is not open counts as given
 * up; 0: never
 *
 * O(n) in the number of entries.
 * Returns: (transfer full): array of @n TidyPartialMark, in the order of @entries
 */
GArray *tidy_partial_scan(const TidyPartialEntry *entries, gsize n, gint64 now_ns, gint64 stale_ns);

/* Whether @name alone is that of an unfinished download: the pattern that hit (static), or NULL. */
const char *tidy_partial_rule(const char *name);
