// SPDX-License-Identifier: GPL-3.0-or-later
/* Collects diagnostics and finds the nearest name.
 * Pure. */
#include "keys/remap/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 400, NEAREST_MAX = 40 };

void
remap_diags_clear(RemapDiags *diags)
{
	for (size_t i = 0; i < diags->count; i++) {
		free(diags->list[i].file);
		free(diags->list[i].message);
	}
	free(diags->list);
	*diags = (RemapDiags){ 0 };
}

static RemapDiag *
next_slot(RemapDiags *diags)
{
	RemapDiag *list;
	size_t capacity;

	if (diags->count == REMAP_DIAGS_MAX)
		return NULL;
	if (diags->count < diags->capacity)
		return &diags->list[diags->count];
	capacity = diags->capacity ? diags->capacity * 2 : 8;
	list = realloc(diags->list, capacity * sizeof(*list));
	if (!list)
		return NULL;
	diags->list = list;
	diags->capacity = capacity;
	return &list[diags->count];
}

/* A message goes to a terminal: bytes of the input that are no plain text become '?'. */
static void
make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

void
remap_diag_add(RemapDiags *diags, RemapSeverity severity, const RemapPlace *place,
	       const char *format, ...)
{
	char message[MESSAGE_MAX];
	RemapDiag *slot;
	va_list args;

	if (!diags)
		return;
	if (severity == REMAP_ERROR)
		diags->errors++;
	else if (severity == REMAP_WARNING)
		diags->warnings++;
	slot = next_slot(diags);
	if (!slot)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	make_printable(message);
	*slot = (RemapDiag){
		.severity = severity,
		.file = strdup(place && place->file ? place->file : ""),
		.line = place ? place->line : 0,
		.column = place ? place->column : 0,
		.message = strdup(message),
	};
	if (slot->file && slot->message) {
		diags->count++;
		return;
	}
	free(slot->file);
	free(slot->message);
}

const char *
remap_severity_name(RemapSeverity severity)
{
	switch (severity) {
	case REMAP_ERROR:
		return "error";
	case REMAP_WARNING:
		return "warning";
	case REMAP_NOTE:
		return "note";
	}
	return "";
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment distance (Damerau 1964, without repeated edits of one place). */
static unsigned
distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned row[3][NEAREST_MAX + 1];

	for (unsigned j = 0; j <= b_length; j++)
		row[0][j] = j;
	for (unsigned i = 1; i <= a_length; i++) {
		unsigned *now = row[i % 3], *before = row[(i + 2) % 3], *twice = row[(i + 1) % 3];

		now[0] = i;
		for (unsigned j = 1; j <= b_length; j++) {
			unsigned same = a[i - 1] == b[j - 1] ? 0 : 1;

			now[j] = least(least(before[j] + 1, now[j - 1] + 1), before[j - 1] + same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], twice[j - 2] + 1);
		}
	}
	return row[a_length % 3][b_length];
}

void
remap_nearest_offer(RemapNearest *nearest, const char *candidate)
{
	size_t length = strlen(candidate);
	unsigned limit = (unsigned)(nearest->length < 6 ? 1 : nearest->length / 3);
	unsigned found;

	if (nearest->length < 2 || nearest->length > NEAREST_MAX || length > NEAREST_MAX)
		return;
	if (length > nearest->length + limit || nearest->length > length + limit)
		return;
	found = distance(nearest->name, nearest->length, candidate, length);
	if (found > limit || (nearest->best && found >= nearest->distance))
		return;
	nearest->best = candidate;
	nearest->distance = found;
}
