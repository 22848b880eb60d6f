/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One text in a PNG file replaced by another. Pure. */
#pragma once

#include <glib.h>

/**
 * tidy_png_replace_text - @data with another text behind @keyword in its tEXt or zTXt chunk
 * @data: a PNG file, hostile until proven
 * @text: what must be there now, byte for byte
 *
 * The new one is a tEXt chunk. All chunks are walked, and all other bytes stay as they are. Only lengths and the
 * checksum of that chunk are checked: pictures are not looked at. PNG (ISO/IEC 15948), clauses 5 and 11.3.4.3.
 * Returns: (transfer full), or NULL when it is no whole PNG file, or has no such text, or more than one with that keyword.
 */
GByteArray *tidy_png_replace_text(const guint8 *data, gsize size, const char *keyword,
				  const char *text, const char *new_text);
