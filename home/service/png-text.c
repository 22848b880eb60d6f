/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One text in a PNG file replaced by another. Pure. */
#include "home/service/png-text.h"

#include <gio/gio.h>
#include <string.h>

/* A chunk: length of its data, four letters, data, checksum of letters and data; numbers are big endian. */
#define HEAD_BYTES     8
#define CHECKSUM_BYTES 4
/* The specification's limit of a length. */
#define CHUNK_MAX 0x7fffffffU

static const guint8 signature[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };

typedef struct {
	const guint8 *head; /* where the chunk begins */
	const guint8 *data;
	guint32 size; /* of the data */
} Chunk;

static guint32
read_u32(const guint8 *bytes)
{
	return (guint32)bytes[0] << 24 | (guint32)bytes[1] << 16 | (guint32)bytes[2] << 8 |
	       (guint32)bytes[3];
}

static void
append_u32(GByteArray *out, guint32 value)
{
	const guint8 bytes[] = { (guint8)(value >> 24), (guint8)(value >> 16), (guint8)(value >> 8),
				 (guint8)value };

	g_byte_array_append(out, bytes, sizeof bytes);
}

/* CRC-32 of ISO 3309, as PNG has it; bit by bit, because what it is made over is short. */
static guint32
checksum(const guint8 *bytes, gsize size)
{
	guint32 crc = 0xffffffffU;

	for (gsize i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (guint bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320U : 0);
	}
	return ~crc;
}

static gboolean
is_of_type(const Chunk *chunk, const char *type)
{
	return memcmp(chunk->head + 4, type, 4) == 0;
}

/* The chunk at @offset, which is moved behind it; FALSE when it is not all there. */
static gboolean
next_chunk(const guint8 *data, gsize size, gsize *offset, Chunk *chunk)
{
	gsize left = size - *offset;

	if (left < HEAD_BYTES + CHECKSUM_BYTES)
		return FALSE;
	chunk->head = data + *offset;
	chunk->data = chunk->head + HEAD_BYTES;
	chunk->size = read_u32(chunk->head);
	if (chunk->size > CHUNK_MAX || chunk->size > left - HEAD_BYTES - CHECKSUM_BYTES)
		return FALSE;
	*offset += HEAD_BYTES + chunk->size + CHECKSUM_BYTES;
	return TRUE;
}

/* A tEXt chunk is the keyword, a zero, and the text up to the end; a zTXt chunk has a zero more, and then the text in
 * zlib's format. */
static gboolean
has_keyword(const Chunk *chunk, const char *keyword)
{
	gsize length = strlen(keyword) + 1;

	return (is_of_type(chunk, "tEXt") || is_of_type(chunk, "zTXt")) && chunk->size >= length &&
	       memcmp(chunk->data, keyword, length) == 0;
}

static gboolean
is_equal(const guint8 *bytes, gsize size, const char *text)
{
	return size == strlen(text) && memcmp(bytes, text, size) == 0;
}

/* No more is unpacked than @text could need. */
static gboolean
unpacks_to(const guint8 *bytes, gsize size, const char *text)
{
	g_autoptr(GZlibDecompressor) zlib = g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_ZLIB);
	gsize room = strlen(text) + 1;
	g_autofree guint8 *unpacked = g_malloc(room);
	gsize n_read = 0, n_written = 0;
	GConverterResult result;

	if (size == 0 || bytes[0] != 0)
		return FALSE;
	result = g_converter_convert(G_CONVERTER(zlib), bytes + 1, size - 1, unpacked, room,
				     G_CONVERTER_INPUT_AT_END, &n_read, &n_written, NULL);
	return result == G_CONVERTER_FINISHED && is_equal(unpacked, n_written, text);
}

static gboolean
says(const Chunk *chunk, const char *keyword, const char *text)
{
	const guint8 *bytes = chunk->data + strlen(keyword) + 1;
	gsize size = chunk->size - strlen(keyword) - 1;

	if (checksum(chunk->head + 4, 4 + chunk->size) != read_u32(chunk->data + chunk->size))
		return FALSE;
	return is_of_type(chunk, "zTXt") ? unpacks_to(bytes, size, text)
					 : is_equal(bytes, size, text);
}

/* The only chunk with that keyword, if it says @text and the file is whole. */
static gboolean
find_text(const guint8 *data, gsize size, const char *keyword, const char *text, Chunk *found)
{
	gsize offset = sizeof signature;
	Chunk chunk = { NULL };
	guint n = 0;

	if (size < sizeof signature || memcmp(data, signature, sizeof signature) != 0)
		return FALSE;
	while (next_chunk(data, size, &offset, &chunk) && !is_of_type(&chunk, "IEND")) {
		if (!has_keyword(&chunk, keyword))
			continue;
		*found = chunk;
		n++;
	}
	return n == 1 && offset == size && is_of_type(&chunk, "IEND") && says(found, keyword, text);
}

GByteArray *
tidy_png_replace_text(const guint8 *data, gsize size, const char *keyword, const char *text,
		      const char *new_text)
{
	gsize length = strlen(keyword) + 1 + strlen(new_text);
	GByteArray *out;
	Chunk chunk = { NULL };
	const guint8 *rest;
	guint begin;

	if (size > G_MAXUINT / 2 || length > G_MAXUINT / 4 ||
	    !find_text(data, size, keyword, text, &chunk))
		return NULL;
	out = g_byte_array_sized_new((guint)(size + length));
	g_byte_array_append(out, data, (guint)(chunk.head - data));
	append_u32(out, (guint32)length);
	begin = out->len;
	g_byte_array_append(out, (const guint8 *)"tEXt", 4);
	g_byte_array_append(out, (const guint8 *)keyword, (guint)strlen(keyword) + 1);
	g_byte_array_append(out, (const guint8 *)new_text, (guint)strlen(new_text));
	append_u32(out, checksum(out->data + begin, out->len - begin));
	rest = chunk.data + chunk.size + CHECKSUM_BYTES;
	g_byte_array_append(out, rest, (guint)(data + size - rest));
	return out;
}
