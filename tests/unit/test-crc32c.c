/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>

#include "home/base/crc32c.h"

typedef guint32 Crc32c(guint32 crc, const guint8 *data, gsize size);

static Crc32c *const ways[] = { tidy_crc32c, tidy_crc32c_by_table };

/* Bit by bit, as the polynomial says. */
static guint32
crc32c_bit_by_bit(guint32 crc, const guint8 *data, gsize size)
{
	crc = ~crc;
	for (gsize i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

/* RFC 3720, appendix B.4. */
static void
test_published_values(void)
{
	guint8 zeros[32] = { 0 };
	guint8 ones[32];
	guint8 up[32];
	guint8 down[32];

	for (guint8 i = 0; i < 32; i++) {
		ones[i] = 0xff;
		up[i] = i;
		down[i] = 31 - i;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
		g_assert_cmphex(ways[i](0, zeros, sizeof zeros), ==, 0x8a9136aa);
		g_assert_cmphex(ways[i](0, ones, sizeof ones), ==, 0x62a8ab43);
		g_assert_cmphex(ways[i](0, up, sizeof up), ==, 0x46dd794e);
		g_assert_cmphex(ways[i](0, down, sizeof down), ==, 0x113fdb5c);
		g_assert_cmphex(ways[i](7, zeros, 0), ==, 7);
	}
}

/* Every length and every place to go on from, which is where the steps of eight bytes could go wrong. */
static void
test_lengths_and_splits(void)
{
	guint8 data[67];

	for (gsize i = 0; i < sizeof data; i++)
		data[i] = (guint8)g_test_rand_int();
	for (gsize size = 0; size <= sizeof data; size++) {
		guint32 expected = crc32c_bit_by_bit(0, data, size);

		for (gsize split = 0; split <= size; split++)
			for (gsize i = 0; i < G_N_ELEMENTS(ways); i++)
				g_assert_cmphex(ways[i](ways[i](0, data, split), data + split,
							size - split),
						==, expected);
	}
}

int
main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/base/crc32c/published-values", test_published_values);
	g_test_add_func("/base/crc32c/lengths-and-splits", test_lengths_and_splits);
	return g_test_run();
}
