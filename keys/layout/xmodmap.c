// SPDX-License-Identifier: GPL-3.0-or-later
/* Imports of xmodmap files: the difference that the file made to the core map, in the language of keyremap.conf.
 * I/O: none. */
#include "keys/layout/xmodmap.h"

#include "keys/layout/xmodmap-map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xkbcommon/xkbcommon.h>

enum {
	MOD_SHIFT_BIT = 1,
	MOD_LOCK_BIT = 2,
	MOD_CONTROL_BIT = 4,
	MOD_MOD1_BIT = 8,
	MOD_MOD4_BIT = 64,
	MOD_MOD5_BIT = 128
};

/* ---- the difference ---- */

static const char *
key_name(uint16_t code)
{
	const RemapKeyName *row = remap_key_row(code);

	return !row ? NULL : row->other ? row->other : row->name;
}

static bool
is_same(const uint32_t *one, const uint32_t *other)
{
	return memcmp(one, other, 4 * sizeof(*one)) == 0;
}

/* The layout's key that types all the columns, the key itself first; 0 when there is none. */
static unsigned
find_whole_key(const RemapImport *import, unsigned code)
{
	const uint32_t *wanted = import->after.syms[code];

	if (is_same(import->before.syms[code], wanted))
		return code;
	for (unsigned other = MAP_OFFSET + 1; other < MAP_CODES; other++)
		if (import->before.syms[other][0] && is_same(import->before.syms[other], wanted) &&
		    key_name((uint16_t)(other - MAP_OFFSET)))
			return other;
	return 0;
}

static const struct {
	uint32_t first, last; /* keysyms */
} modifier_syms[] = {
	{ XKB_KEY_Shift_L, XKB_KEY_Shift_R },
	{ XKB_KEY_Control_L, XKB_KEY_Control_R },
	{ XKB_KEY_Caps_Lock, XKB_KEY_Caps_Lock },
	{ XKB_KEY_Meta_L, XKB_KEY_Alt_R },
	{ XKB_KEY_Super_L, XKB_KEY_Hyper_R },
	{ XKB_KEY_ISO_Level3_Shift, XKB_KEY_ISO_Level3_Shift },
};

/* A modifier keysym does what the final modifier map says, whatever key has it. Returns NULL for others. */
static const char *
modifier_action(uint32_t sym, uint8_t mods)
{
	for (size_t i = 0; i < sizeof(modifier_syms) / sizeof(*modifier_syms); i++) {
		if (sym < modifier_syms[i].first || sym > modifier_syms[i].last)
			continue;
		if (mods & MOD_CONTROL_BIT)
			return "layer(control)";
		if (mods & MOD_SHIFT_BIT)
			return "layer(shift)";
		if (sym == XKB_KEY_Caps_Lock)
			return mods & MOD_LOCK_BIT   ? "capslock"
			       : mods & MOD_MOD4_BIT ? "layer(meta)"
						     : "noop";
		if (mods & MOD_MOD4_BIT)
			return "layer(meta)";
		if (mods & MOD_MOD1_BIT)
			return "layer(alt)";
		return sym == XKB_KEY_ISO_Level3_Shift ? "layer(altgr)" : "noop";
	}
	return NULL;
}

/* What one column is on the right of a binding, in @out. Returns a remark or NULL. */
static const char *
column_action(const RemapImport *import, uint32_t sym, char *out, size_t size)
{
	char mods[12], text[8];
	RemapStroke stroke;

	if (sym == 0 || sym == 0xffffff) {
		snprintf(out, size, "noop");
		return NULL;
	}
	if (sym == XKB_KEY_Multi_key) {
		snprintf(out, size, "compose");
		return NULL;
	}
	if (remap_layout_find(import->layout, sym, &stroke) && key_name(stroke.code)) {
		remap_mods_print(stroke.mods, mods);
		snprintf(out, size, "%s%s%s", mods, *mods ? "-" : "", key_name(stroke.code));
		return NULL;
	}
	if (xkb_keysym_to_utf32(sym) >= ' ' && xkb_keysym_to_utf8(sym, text, sizeof(text)) > 1) {
		snprintf(out, size, "%s", text);
		return "not on this layout: typed by the method of the option unicode";
	}
	out[0] = '\0';
	return "no key of the layout has this keysym";
}

static void
print_remark(RemapImport *import, unsigned code, uint32_t sym, const char *remark)
{
	char name[64];

	xkb_keysym_get_name(sym, name, sizeof(name));
	remap_import_say(import, "# keycode %u, %s: %s\n", code, name, remark);
}

static bool
is_changed(const RemapImport *import, unsigned code)
{
	return !is_same(import->before.syms[code], import->after.syms[code]) ||
	       (import->before.mods[code] != import->after.mods[code] &&
		modifier_action(import->after.syms[code][0], import->after.mods[code]));
}

/* The line of a key in one layer, if it needs one there. */
static void
print_column(RemapImport *import, unsigned code, unsigned column)
{
	uint16_t evdev = (uint16_t)(code - MAP_OFFSET);
	uint32_t sym = import->after.syms[code][column];
	const char *modifier =
		modifier_action(import->after.syms[code][0], import->after.mods[code]);
	unsigned whole = modifier ? 0 : find_whole_key(import, code);
	char action[80];
	const char *remark;

	if (import->after.syms[code][0] == XKB_KEY_Mode_switch) {
		if (column == 0)
			remap_import_say(import, "%s = layer(mode_switch)\n", key_name(evdev));
		return;
	}
	if (modifier || whole) {
		if (column == 0 && whole != code)
			remap_import_say(import, "%s = %s\n", key_name(evdev),
					 modifier ? modifier
						  : key_name((uint16_t)(whole - MAP_OFFSET)));
		return;
	}
	/* Shift and Mode_switch do nothing to a key that has nothing there. */
	if (column && !sym)
		return;
	remark = column_action(import, sym, action, sizeof(action));
	if (remark)
		print_remark(import, code, sym, remark);
	if (action[0])
		remap_import_say(import, "%s = %s\n", key_name(evdev), action);
	else
		import->refused++;
}

static bool
needs_layer(const RemapImport *import, unsigned column)
{
	for (unsigned code = MAP_OFFSET + 1; code < MAP_CODES; code++)
		if (is_changed(import, code) && import->after.syms[code][column] &&
		    !find_whole_key(import, code) &&
		    !modifier_action(import->after.syms[code][0], import->after.mods[code]) &&
		    (column < 2 ||
		     import->after.syms[code][column] != import->after.syms[code][column - 2]))
			return true;
	return false;
}

static void
print_layer(RemapImport *import, const char *header, unsigned column)
{
	if (column && !needs_layer(import, column))
		return;
	remap_import_say(import, "\n[%s]\n", header);
	for (unsigned code = MAP_OFFSET + 1; code < MAP_CODES; code++) {
		bool is_doubled = column >= 2 && import->after.syms[code][column] ==
							 import->after.syms[code][column - 2];

		if (is_changed(import, code) && key_name((uint16_t)(code - MAP_OFFSET)) &&
		    !is_doubled)
			print_column(import, code, column);
	}
}

static void
print_warnings(RemapImport *import)
{
	for (unsigned code = MAP_OFFSET + 1; code < MAP_CODES; code++) {
		uint32_t sym = import->after.syms[code][0];

		if (!is_same(import->before.syms[code], import->after.syms[code]) &&
		    (import->after.mods[code] & (MOD_LOCK_BIT | MOD_CONTROL_BIT)) &&
		    !modifier_action(sym, import->after.mods[code]))
			print_remark(import, code, sym,
				     "in X this key also is a modifier (\"remove Lock\" or "
				     "\"remove Control\" is missing); here it only types");
		if (import->after.syms[code][4] != import->before.syms[code][4] &&
		    import->after.syms[code][4] &&
		    !is_same(import->before.syms[code], import->after.syms[code]))
			print_remark(import, code, import->after.syms[code][4],
				     "columns from the fifth on are not carried over");
	}
}

int
remap_xmodmap_import(const RemapLayout *layout, const char *text, size_t length,
		     void (*write)(void *, const char *), void *data)
{
	RemapImport *import = calloc(1, sizeof(*import));
	int result;

	if (!import)
		return -ENOMEM;
	import->layout = layout;
	import->write = write;
	import->data = data;
	remap_import_say(import, "# Imported from xmodmap for the layout %s.\n",
			 remap_layout_describe(layout));
	result = remap_import_replay(import, text, length);
	if (result == 0) {
		print_warnings(import);
		remap_import_say(import, "[ids]\n*\n");
		print_layer(import, "main", 0);
		print_layer(import, "shift", 1);
		print_layer(import, "mode_switch", 2);
		print_layer(import, "shift+mode_switch", 3);
		result = import->refused;
	}
	free(import);
	return result;
}

/* ---- dump ---- */

static void
print_syms(RemapImport *import, unsigned code)
{
	unsigned count = MAP_COLUMNS;
	char name[64];

	while (count && !import->after.syms[code][count - 1])
		count--;
	remap_import_say(import, "keycode %3u =", code);
	for (unsigned i = 0; i < count; i++) {
		xkb_keysym_get_name(import->after.syms[code][i], name, sizeof(name));
		remap_import_say(import, " %s", name);
	}
	remap_import_say(import, "\n");
}

int
remap_xmodmap_dump(const RemapLayout *layout, const char *text, size_t length,
		   void (*write)(void *, const char *), void *data)
{
	RemapImport *import = calloc(1, sizeof(*import));
	int result;

	if (!import)
		return -ENOMEM;
	import->layout = layout;
	import->write = write;
	import->data = data;
	import->is_quiet = true;
	result = remap_import_replay(import, text, length);
	for (unsigned code = MAP_OFFSET; result == 0 && code < MAP_CODES; code++)
		print_syms(import, code);
	for (unsigned i = 0; result == 0 && i < MAP_MODIFIERS; i++) {
		remap_import_say(import, "%s", remap_modifier_names[i]);
		for (unsigned code = 0; code < MAP_CODES; code++)
			if (import->after.mods[code] & (1U << i))
				remap_import_say(import, " 0x%x", code);
		remap_import_say(import, "\n");
	}
	if (result == 0)
		result = import->refused;
	free(import);
	return result;
}
