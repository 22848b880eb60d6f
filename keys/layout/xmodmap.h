// SPDX-License-Identifier: GPL-3.0-or-later
/* Imports a ~/.Xmodmap: replays it on a copy of the layout's core map, then says the difference in the language
 * of keyremap.conf.
 * I/O: none but what the layout has read. */
#ifndef REMAP_XMODMAP_H
#define REMAP_XMODMAP_H

#include "keys/layout/layout.h"

/**
 * remap_xmodmap_import - the configuration that does what the file does
 * @write: gets the text in pieces; a line that cannot be carried over is a comment with the reason
 *
 * Returns: how many lines could not be carried over, or -errno.
 */
int remap_xmodmap_import(const RemapLayout *layout, const char *text, size_t length,
			 void (*write)(void *data, const char *text), void *data);

/** remap_xmodmap_dump - the map after the file, as `xmodmap -pke` and `xmodmap -pm` print it. */
int remap_xmodmap_dump(const RemapLayout *layout, const char *text, size_t length,
		       void (*write)(void *data, const char *text), void *data);

#endif
