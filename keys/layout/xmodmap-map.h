// SPDX-License-Identifier: GPL-3.0-or-later
/* An import in the making: the core map of the layout, before and after the file. For xmodmap.c and xmodmap-replay.c.
 * I/O: none. */
#ifndef REMAP_XMODMAP_MAP_H
#define REMAP_XMODMAP_MAP_H

#include "keys/layout/layout.h"

/* X keycodes are evdev codes plus 8. */
enum { MAP_CODES = 256, MAP_OFFSET = 8, MAP_COLUMNS = 12, MAP_MODIFIERS = 8 };

/* As xmodmap names them, by the bits of a modifier map. */
extern const char *const remap_modifier_names[MAP_MODIFIERS];

typedef struct RemapCoreMap {
	uint32_t syms[MAP_CODES][MAP_COLUMNS];
	uint8_t mods[MAP_CODES]; /* bits by remap_modifier_names */
} RemapCoreMap;

typedef struct RemapImport {
	const RemapLayout *layout;
	RemapCoreMap before, after;
	void (*write)(void *, const char *);
	void *data;
	int refused;
	bool is_quiet; /* a dump: no comments */
} RemapImport;

void remap_import_say(RemapImport *import, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** remap_import_replay - fills in both maps; lines that cannot be carried over are said and counted. 0 or -errno. */
int remap_import_replay(RemapImport *import, const char *text, size_t length);

#endif
