// SPDX-License-Identifier: GPL-3.0-or-later
/* Diagnostics: file:line:column, what is wrong, what was expected. A list that a load fills.
 * Pure (allocates; never used on the event path). */
#ifndef REMAP_DIAG_H
#define REMAP_DIAG_H

#include <stddef.h>

typedef enum RemapSeverity {
	REMAP_ERROR,   /* the file is not used */
	REMAP_WARNING, /* used, but probably not what was meant */
	REMAP_NOTE,    /* what was decided for the user */
} RemapSeverity;

typedef struct RemapDiag {
	RemapSeverity severity;
	char *file;	       /* owned; "" when there is none */
	unsigned line, column; /* from 1; 0 is "no place" */
	char *message;	       /* owned; one line */
} RemapDiag;

/* At most REMAP_DIAGS_MAX are kept; the counts go on. */
typedef struct RemapDiags {
	RemapDiag *list;
	size_t count, capacity;
	size_t errors, warnings;
} RemapDiags;

enum { REMAP_DIAGS_MAX = 200 };

typedef struct RemapPlace {
	const char *file;
	unsigned line, column;
} RemapPlace;

void remap_diags_clear(RemapDiags *diags);

/** remap_diag_add - adds one; a NULL @diags only drops it. @place may be NULL. */
void remap_diag_add(RemapDiags *diags, RemapSeverity severity, const RemapPlace *place,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));

/** remap_severity_name - "error", "warning" or "note". */
const char *remap_severity_name(RemapSeverity severity);

/**
 * RemapNearest - finds the candidate that is nearest to a name (edit distance with transpositions)
 *
 * Set name and length, offer every candidate, then read best: NULL when nothing is near enough
 * (a third of the length, at least 1).
 */
typedef struct RemapNearest {
	const char *name;
	size_t length;
	const char *best;
	unsigned distance;
} RemapNearest;

void remap_nearest_offer(RemapNearest *nearest, const char *candidate);

#endif
