// SPDX-License-Identifier: GPL-3.0-or-later
/* Fuzzes the messages between daemon and helper: one byte that says whose, then a datagram. What decodes, encodes
 * to the same bytes.
 * I/O: none. */
#include "keys/link/link.h"

#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[REMAP_LINK_DATAGRAM_MAX];
	RemapLinkMessage message;

	if (size < 1 || size > REMAP_LINK_DATAGRAM_MAX)
		return 0;
	if (remap_link_decode(data + 1, size - 1,
			      data[0] & 1 ? REMAP_LINK_HELPER : REMAP_LINK_DAEMON, &message) == 0) {
		g_assert_cmpint(remap_link_encode(&message, again), ==, size - 1);
		g_assert_cmpint(memcmp(data + 1, again, size - 1), ==, 0);
	}
	return 0;
}
