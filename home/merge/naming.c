/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A free name for an entry whose own name is taken. Pure. */
#include "home/merge/naming.h"

#include <limits.h>
#include <string.h>

#define LAST_NUMBER 9999

/* A longer "extension" is rather a sentence that has a full stop in it. */
#define EXTENSION_MAX_BYTES 16

/* What may stand before the last extension and belongs to it: "x.tar.gz", "x.user.js". */
static const char *const inner_extensions[] = { ".tar", ".user", ".pkg", ".cpio", ".ps", ".svg" };

static gboolean
is_extension(const char *dot)
{
	size_t length = strlen(dot);

	if (length < 2 || length > EXTENSION_MAX_BYTES)
		return FALSE;
	for (const char *c = dot + 1; *c != '\0'; c++) {
		if (!g_ascii_isalnum(*c) && *c != '_' && *c != '-' && *c != '~' && *c != '+')
			return FALSE;
	}
	return TRUE;
}

/* Where the extension of @name begins; its end when it has none. */
static const char *
extension_of(const char *name)
{
	const char *end = name + strlen(name);
	const char *first = name + strspn(name, "."); /* the dots of a hidden file */
	const char *dot = strrchr(first, '.');

	if (dot == NULL || dot == first || !is_extension(dot))
		return end;
	for (gsize i = 0; i < G_N_ELEMENTS(inner_extensions); i++) {
		size_t length = strlen(inner_extensions[i]);

		if (dot - first > (ptrdiff_t)length &&
		    g_ascii_strncasecmp(dot - length, inner_extensions[i], length) == 0)
			return dot - length;
	}
	return dot;
}

/* The number of a stem that ends in " (n)", 1 <= n < LAST_NUMBER, and its length without that; else 1. */
static guint
number_of(const char *stem, size_t *stem_bytes)
{
	size_t at = *stem_bytes;
	guint number = 0;
	guint unit = 1;

	if (at < 5 || stem[at - 1] != ')')
		return 1;
	for (at--; at > 0 && g_ascii_isdigit(stem[at - 1]) && unit <= 1000; at--, unit *= 10)
		number += unit * (guint)(stem[at - 1] - '0');
	if (unit == 1 || at < 3 || stem[at - 1] != '(' || stem[at - 2] != ' ' || stem[at] == '0')
		return 1;
	if (number < 1 || number >= LAST_NUMBER)
		return 1;
	*stem_bytes = at - 2;
	return number;
}

/* The longest prefix of @stem, at most @bytes, that does not end inside a UTF-8 character. */
static size_t
cut_at_character(const char *stem, size_t stem_bytes, size_t bytes)
{
	size_t cut = bytes;

	if (stem_bytes <= bytes)
		return stem_bytes;
	while (cut > 0 && ((guchar)stem[cut] & 0xc0) == 0x80)
		cut--;
	/* Not UTF-8 after all: any byte is as good. */
	return cut == 0 || bytes - cut > 3 ? bytes : cut;
}

char *
tidy_naming_next(const char *name, gboolean is_directory, TidyNameTakenFunc is_taken, gpointer data)
{
	const char *extension = is_directory ? name + strlen(name) : extension_of(name);
	size_t extension_bytes = strlen(extension);
	size_t stem_bytes = (size_t)(extension - name);
	guint first = number_of(name, &stem_bytes) + 1;

	for (guint n = first; n <= LAST_NUMBER; n++) {
		char number[16];
		int number_bytes = g_snprintf(number, sizeof number, " (%u)", n);
		size_t room = NAME_MAX - extension_bytes - (size_t)number_bytes;
		int cut = (int)cut_at_character(name, stem_bytes, room);
		g_autofree char *next = g_strdup_printf("%.*s%s%s", cut, name, number, extension);

		if (!is_taken(next, data))
			return g_steal_pointer(&next);
	}
	return NULL;
}
