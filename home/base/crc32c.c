/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CRC-32C. Pure. */
#include "home/base/crc32c.h"

#include <string.h>

/* Eight bytes at a time: table[k][b] is the remainder of byte b followed by k zero bytes (Kounavis and Berry, "A Systematic
 * Approach to Building High Performance Software-based CRC Generators", 2005). */
static guint32 table[8][256];

static void
table_fill(void)
{
	for (guint32 i = 0; i < 256; i++) {
		guint32 c = i;

		for (int bit = 0; bit < 8; bit++)
			c = (c >> 1) ^ ((c & 1) != 0 ? 0x82f63b78u : 0);
		table[0][i] = c;
	}
	for (guint k = 1; k < 8; k++)
		for (guint32 i = 0; i < 256; i++)
			table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 0xff];
}

guint32
tidy_crc32c_by_table(guint32 crc, const guint8 *data, gsize size)
{
	static gsize once;

	if (g_once_init_enter(&once)) {
		table_fill();
		g_once_init_leave(&once, 1);
	}
	crc = ~crc;
	for (; size >= 8; size -= 8, data += 8) {
		guint32 low, high;

		memcpy(&low, data, sizeof low);
		memcpy(&high, data + 4, sizeof high);
		low = GUINT32_FROM_LE(low) ^ crc;
		high = GUINT32_FROM_LE(high);
		crc = table[7][low & 0xff] ^ table[6][(low >> 8) & 0xff] ^
		      table[5][(low >> 16) & 0xff] ^ table[4][low >> 24] ^ table[3][high & 0xff] ^
		      table[2][(high >> 8) & 0xff] ^ table[1][(high >> 16) & 0xff] ^
		      table[0][high >> 24];
	}
	while (size-- > 0)
		crc = (crc >> 8) ^ table[0][(crc ^ *data++) & 0xff];
	return ~crc;
}

#ifdef __x86_64__
/* The processor has an instruction for this polynomial. */
__attribute__((target("sse4.2"))) static guint32
by_processor(guint32 crc, const guint8 *data, gsize size)
{
	crc = ~crc;
	for (; size >= 8; size -= 8, data += 8) {
		guint64 word;

		memcpy(&word, data, sizeof word);
		crc = (guint32)__builtin_ia32_crc32di(crc, word);
	}
	while (size-- > 0)
		crc = __builtin_ia32_crc32qi(crc, *data++);
	return ~crc;
}
#endif

guint32
tidy_crc32c(guint32 crc, const guint8 *data, gsize size)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return by_processor(crc, data, size);
#endif
	return tidy_crc32c_by_table(crc, data, size);
}
