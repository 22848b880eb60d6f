/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CRC-32C (Castagnoli), RFC 3720 appendix B.4: polynomial 0x1edc6f41, reflected. Pure. */
#pragma once

#include <glib.h>

/* The checksum of what gave @crc (0: of nothing), followed by the @size bytes at @data. */
guint32 tidy_crc32c(guint32 crc, const guint8 *data, gsize size);

/* The same, without the processor's own instruction for it. */
guint32 tidy_crc32c_by_table(guint32 crc, const guint8 *data, gsize size);
