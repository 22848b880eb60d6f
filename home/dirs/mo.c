/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads compiled gettext catalogs (.mo files). Pure. Every offset and length is checked against the
 * size. */
#include "home/dirs/mo.h"

#include <string.h>

#include "home/base/error.h"

#define MAGIC	    0x950412deU
#define HEADER_SIZE 28
#define ENTRY_SIZE  8 /* length and offset, 32 bits each */

typedef struct {
	const char *bytes;
	gsize size;
	gboolean is_swapped;
	guint32 n;
	guint32 ids; /* offsets of the two tables */
	guint32 strs;
} Catalog;

/* The caller has checked that @offset + 4 is inside. */
static guint32
read_u32(const Catalog *mo, gsize offset)
{
	guint32 value;

	memcpy(&value, mo->bytes + offset, sizeof value);
	return mo->is_swapped ? GUINT32_SWAP_LE_BE(value) : value;
}

static gboolean
read_header(Catalog *mo)
{
	guint32 magic;

	if (mo->size < HEADER_SIZE)
		return FALSE;
	memcpy(&magic, mo->bytes, sizeof magic);
	mo->is_swapped = magic == GUINT32_SWAP_LE_BE(MAGIC);
	if (magic != MAGIC && !mo->is_swapped)
		return FALSE;
	if (read_u32(mo, 4) >> 16 > 1)
		return FALSE;
	mo->n = read_u32(mo, 8);
	mo->ids = read_u32(mo, 12);
	mo->strs = read_u32(mo, 16);
	/* In 64 bits nothing here can wrap. */
	return (guint64)mo->ids + (guint64)mo->n * ENTRY_SIZE <= mo->size &&
	       (guint64)mo->strs + (guint64)mo->n * ENTRY_SIZE <= mo->size;
}

/* String @i of the table at @table, or NULL when it is not inside the file or has no final zero. */
static const char *
read_string(const Catalog *mo, guint32 table, guint32 i)
{
	gsize entry = table + (gsize)i * ENTRY_SIZE;
	guint64 len = read_u32(mo, entry);
	guint64 offset = read_u32(mo, entry + 4);

	if (offset + len >= mo->size || mo->bytes[offset + len] != '\0')
		return NULL;
	return mo->bytes + offset;
}

static gboolean
is_sound(Catalog *mo)
{
	if (!read_header(mo))
		return FALSE;
	for (guint32 i = 0; i < mo->n; i++)
		if (!read_string(mo, mo->ids, i) || !read_string(mo, mo->strs, i))
			return FALSE;
	return TRUE;
}

gboolean
tidy_mo_foreach(const char *bytes, gsize size, TidyMoFunc func, gpointer data, GError **error)
{
	Catalog mo = { .bytes = bytes, .size = size };

	if (!is_sound(&mo)) {
		g_set_error_literal(error, TIDY_ERROR, TIDY_ERROR_CONFIG,
				    "not a message catalog (.mo), or a damaged one");
		return FALSE;
	}
	for (guint32 i = 0; i < mo.n; i++)
		func(read_string(&mo, mo.ids, i), read_string(&mo, mo.strs, i), data);
	return TRUE;
}
