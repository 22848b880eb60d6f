// SPDX-License-Identifier: GPL-3.0-or-later
/* xmodmap files: grammar, replay, difference.
 * I/O: none.
 *
 * Facts (xmodmap(1), XKB protocol, 12.4 and 17.1.2; tried with xmodmap 1.0.10 on Xvfb): keycodes are evdev codes
 * plus 8; keysyms on the left are looked up before any change, so that two lines can swap keys; `remove` finds
 * its keys in the map before the file, `add` in the map after it; a letter alone stands for both cases; columns
 * 1 and 2 are plain and Shift, 3 and 4 the same with Mode_switch. */
#include "keys/layout/xmodmap.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <xkbcommon/xkbcommon.h>

enum { CODES = 256, OFFSET = 8, COLUMNS = 12, MODIFIERS = 8, WORDS_MAX = 64 };
enum {
	MOD_SHIFT_BIT = 1,
	MOD_LOCK_BIT = 2,
	MOD_CONTROL_BIT = 4,
	MOD_MOD1_BIT = 8,
	MOD_MOD4_BIT = 64,
	MOD_MOD5_BIT = 128
};

static const char *const modifier_names[MODIFIERS] = { "shift", "lock", "control", "mod1",
						       "mod2",	"mod3", "mod4",	   "mod5" };

typedef struct Map {
	uint32_t syms[CODES][COLUMNS];
	uint8_t mods[CODES]; /* bits by modifier_names */
} Map;

typedef struct Import {
	const RemapLayout *layout;
	Map before, after;
	void (*write)(void *, const char *);
	void *data;
	int refused;
	bool has_mode_switch;
	bool is_quiet; /* a dump: no comments */
} Import;

static void
put(Import *import, const char *text)
{
	import->write(import->data, text);
}

static void say(Import *import, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
say(Import *import, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put(import, text);
}

/* ---- the core map of the layout ---- */

/* Levels A B C D become A B A B C D C D: group 1 stands in for a missing group 2 (XKB protocol, 17.1.2). */
static void
fill_key(Import *import, unsigned code)
{
	uint16_t evdev = (uint16_t)(code - OFFSET);
	unsigned levels = remap_layout_levels(import->layout, evdev);
	uint32_t *syms = import->before.syms[code];

	for (unsigned i = 0; i < levels && i < 2; i++)
		syms[i] = syms[i + 2] = remap_layout_keysym(import->layout, evdev, i);
	for (unsigned i = 2; i < levels && 2 + i < COLUMNS; i++)
		syms[2 + i] = remap_layout_keysym(import->layout, evdev, i);
	for (unsigned i = 2; levels > 2 && i < levels && i + levels < COLUMNS; i++)
		syms[i + levels] = remap_layout_keysym(import->layout, evdev, i);
}

static void
fill_map(Import *import)
{
	for (unsigned code = OFFSET + 1; code < CODES; code++) {
		fill_key(import, code);
		import->before.mods[code] =
			remap_layout_modifier_map(import->layout, (uint16_t)(code - OFFSET));
	}
	import->after = import->before;
}

/* ---- the file ---- */

typedef struct Line {
	char *words[WORDS_MAX];
	size_t count;
	size_t equals; /* index of the word after '=', 0 when there is none */
	char *text;    /* the line as it is */
	char *copy;
} Line;

/* Blanks part words; '=' is a word of its own, but only what stands before it may touch it. */
static bool
split_line(Line *line)
{
	char *at = line->copy;

	while (*at) {
		at += strspn(at, " \t");
		if (!*at)
			break;
		if (line->count == WORDS_MAX)
			return false;
		if (*at == '=' && !line->equals) {
			line->equals = line->count + 1;
			line->words[line->count++] = at;
			*at++ = '\0';
			continue;
		}
		line->words[line->count++] = at;
		at += strcspn(at, line->equals ? " \t" : " \t=");
		if (*at == '=') {
			if (line->count == WORDS_MAX)
				return false;
			line->equals = line->count + 1;
			line->words[line->count++] = at;
		}
		if (*at)
			*at++ = '\0';
	}
	return true;
}

static void
refuse(Import *import, const Line *line, const char *reason)
{
	import->refused++;
	if (!import->is_quiet)
		say(import, "# %s\n#   not carried over: %s\n", line->text, reason);
}

/* X names, Uxxxx and 0x numbers; NoSymbol is 0. */
static bool
parse_keysym(const char *word, uint32_t *sym)
{
	*sym = xkb_keysym_from_name(word, XKB_KEYSYM_NO_FLAGS);
	if (*sym || strcmp(word, "NoSymbol") == 0)
		return true;
	if (strcmp(word, "VoidSymbol") == 0) {
		*sym = 0xffffff;
		return true;
	}
	return false;
}

/* A case pair for a lone letter; a group 2 that is missing is group 1. */
static void
complete_columns(uint32_t *syms, size_t count)
{
	for (unsigned group = 0; group < 4; group += 2) {
		uint32_t lower = xkb_keysym_to_lower(syms[group]),
			 upper = xkb_keysym_to_upper(syms[group]);

		if (syms[group] && !syms[group + 1] && lower != upper) {
			syms[group] = lower;
			syms[group + 1] = upper;
		}
	}
	if (count <= 2 || (!syms[2] && !syms[3])) {
		syms[2] = syms[0];
		syms[3] = syms[1];
	}
}

static bool
parse_columns(Import *import, const Line *line, uint32_t *syms)
{
	size_t count = line->count - line->equals;

	memset(syms, 0, COLUMNS * sizeof(*syms));
	if (count > 8) {
		refuse(import, line, "more than 8 columns");
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (!parse_keysym(line->words[line->equals + i], &syms[i])) {
			refuse(import, line, "an unknown keysym");
			return false;
		}
	}
	complete_columns(syms, count);
	return true;
}

static void
set_key(Import *import, unsigned code, const uint32_t *syms)
{
	memcpy(import->after.syms[code], syms, sizeof(import->after.syms[code]));
}

static void
do_keycode(Import *import, const Line *line)
{
	uint32_t syms[COLUMNS];
	char *end;
	long code;

	if (line->equals != 3) {
		refuse(import, line, "expected keycode NUMBER = KEYSYM...");
		return;
	}
	if (strcmp(line->words[1], "any") == 0) {
		refuse(import, line, "no key is meant: \"any\" is a free keycode of the X server");
		return;
	}
	code = strtol(line->words[1], &end, 0);
	if (*end || end == line->words[1] || code <= OFFSET || code >= CODES) {
		refuse(import, line, "no evdev key has this keycode (9 to 255)");
		return;
	}
	if (parse_columns(import, line, syms))
		set_key(import, (unsigned)code, syms);
}

static bool
has_sym(const Map *map, unsigned code, uint32_t sym)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		if (sym && map->syms[code][i] == sym)
			return true;
	return false;
}

static void
do_keysym(Import *import, const Line *line)
{
	uint32_t syms[COLUMNS], old;
	bool is_found = false;

	if (line->equals != 3 || !parse_keysym(line->words[1], &old)) {
		refuse(import, line, "expected keysym KEYSYM = KEYSYM...");
		return;
	}
	if (!parse_columns(import, line, syms))
		return;
	for (unsigned code = OFFSET + 1; code < CODES; code++) {
		if (!has_sym(&import->before, code, old))
			continue;
		is_found = true;
		set_key(import, code, syms);
	}
	if (!is_found)
		refuse(import, line, "no key of the layout has the keysym on the left");
}

static int
find_modifier(const char *word)
{
	if (strcasecmp(word, "ctrl") == 0)
		return 2;
	for (int i = 0; i < MODIFIERS; i++)
		if (strcasecmp(word, modifier_names[i]) == 0)
			return i;
	return -1;
}

static void
do_clear(Import *import, const Line *line)
{
	int modifier = line->count == 2 ? find_modifier(line->words[1]) : -1;

	if (modifier < 0) {
		refuse(import, line, "expected clear MODIFIER");
		return;
	}
	for (unsigned code = 0; code < CODES; code++)
		import->after.mods[code] &= (uint8_t) ~(1U << modifier);
}

/* add: keysyms by the map after the file; remove: by the one before it. */
static void
do_modifier(Import *import, const Line *line, bool is_add)
{
	int modifier = line->equals == 3 ? find_modifier(line->words[1]) : -1;
	const Map *map = is_add ? &import->after : &import->before;

	if (modifier < 0) {
		refuse(import, line,
		       is_add ? "expected add MODIFIER = KEYSYM..."
			      : "expected remove MODIFIER = KEYSYM...");
		return;
	}
	for (size_t i = line->equals; i < line->count; i++) {
		bool is_found = false;
		uint32_t sym;

		if (!parse_keysym(line->words[i], &sym)) {
			refuse(import, line, "an unknown keysym");
			return;
		}
		for (unsigned code = OFFSET + 1; code < CODES; code++) {
			if (!has_sym(map, code, sym))
				continue;
			is_found = true;
			if (is_add)
				import->after.mods[code] |= (uint8_t)(1U << modifier);
			else
				import->after.mods[code] &= (uint8_t) ~(1U << modifier);
		}
		if (!is_found)
			refuse(import, line, "no key has this keysym");
	}
}

enum Pass { PASS_KEYS, PASS_MODIFIERS };

static void
do_line(Import *import, const Line *line, enum Pass pass)
{
	const char *word = line->words[0];
	bool is_key = strcmp(word, "keycode") == 0 || strcmp(word, "keysym") == 0;
	bool is_modifier = strcmp(word, "clear") == 0 || strcmp(word, "add") == 0 ||
			   strcmp(word, "remove") == 0;

	if (pass == PASS_MODIFIERS && is_modifier) {
		if (word[0] == 'c')
			do_clear(import, line);
		else
			do_modifier(import, line, word[0] == 'a');
	} else if (pass == PASS_KEYS && is_key) {
		if (word[3] == 'c')
			do_keycode(import, line);
		else
			do_keysym(import, line);
	} else if (pass == PASS_KEYS && strcmp(word, "pointer") == 0) {
		refuse(import, line, "the order of pointer buttons is no matter of keys");
	} else if (pass == PASS_KEYS && !is_modifier) {
		refuse(import, line, "no command of xmodmap; it would refuse the whole file");
	}
}

static int
do_file(Import *import, const char *text, size_t length, enum Pass pass)
{
	const char *end = text + length;

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t size = (size_t)((stop ? stop : end) - text);
		Line line = { .text = strndup(text, size), .copy = strndup(text, size) };

		if (!line.text || !line.copy)
			return -ENOMEM;
		line.copy[strcspn(line.copy, "\r")] = '\0';
		line.text[strcspn(line.text, "\r")] = '\0';
		if (line.copy[strspn(line.copy, " \t")] != '!') {
			if (!split_line(&line))
				refuse(import, &line, "too many words");
			else if (line.count)
				do_line(import, &line, pass);
		}
		free(line.text);
		free(line.copy);
		text = stop ? stop + 1 : end;
	}
	return 0;
}

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
find_whole_key(const Import *import, unsigned code)
{
	const uint32_t *wanted = import->after.syms[code];

	if (is_same(import->before.syms[code], wanted))
		return code;
	for (unsigned other = OFFSET + 1; other < CODES; other++)
		if (import->before.syms[other][0] && is_same(import->before.syms[other], wanted) &&
		    key_name((uint16_t)(other - OFFSET)))
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
column_action(const Import *import, uint32_t sym, char *out, size_t size)
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
print_remark(Import *import, unsigned code, uint32_t sym, const char *remark)
{
	char name[64];

	xkb_keysym_get_name(sym, name, sizeof(name));
	say(import, "# keycode %u, %s: %s\n", code, name, remark);
}

static bool
is_changed(const Import *import, unsigned code)
{
	return !is_same(import->before.syms[code], import->after.syms[code]) ||
	       (import->before.mods[code] != import->after.mods[code] &&
		modifier_action(import->after.syms[code][0], import->after.mods[code]));
}

/* The line of a key in one layer, if it needs one there. */
static void
print_column(Import *import, unsigned code, unsigned column)
{
	uint16_t evdev = (uint16_t)(code - OFFSET);
	uint32_t sym = import->after.syms[code][column];
	const char *modifier =
		modifier_action(import->after.syms[code][0], import->after.mods[code]);
	unsigned whole = modifier ? 0 : find_whole_key(import, code);
	char action[80];
	const char *remark;

	if (import->after.syms[code][0] == XKB_KEY_Mode_switch) {
		if (column == 0)
			say(import, "%s = layer(mode_switch)\n", key_name(evdev));
		return;
	}
	if (modifier || whole) {
		if (column == 0 && whole != code)
			say(import, "%s = %s\n", key_name(evdev),
			    modifier ? modifier : key_name((uint16_t)(whole - OFFSET)));
		return;
	}
	/* Shift and Mode_switch do nothing to a key that has nothing there. */
	if (column && !sym)
		return;
	remark = column_action(import, sym, action, sizeof(action));
	if (remark)
		print_remark(import, code, sym, remark);
	if (action[0])
		say(import, "%s = %s\n", key_name(evdev), action);
	else
		import->refused++;
}

static bool
needs_layer(const Import *import, unsigned column)
{
	for (unsigned code = OFFSET + 1; code < CODES; code++)
		if (is_changed(import, code) && import->after.syms[code][column] &&
		    !find_whole_key(import, code) &&
		    !modifier_action(import->after.syms[code][0], import->after.mods[code]) &&
		    (column < 2 ||
		     import->after.syms[code][column] != import->after.syms[code][column - 2]))
			return true;
	return false;
}

static void
print_layer(Import *import, const char *header, unsigned column)
{
	if (column && !needs_layer(import, column))
		return;
	say(import, "\n[%s]\n", header);
	for (unsigned code = OFFSET + 1; code < CODES; code++) {
		bool is_doubled = column >= 2 && import->after.syms[code][column] ==
							 import->after.syms[code][column - 2];

		if (is_changed(import, code) && key_name((uint16_t)(code - OFFSET)) && !is_doubled)
			print_column(import, code, column);
	}
}

static void
print_warnings(Import *import)
{
	for (unsigned code = OFFSET + 1; code < CODES; code++) {
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

static int
begin(Import *import, const char *text, size_t length)
{
	int result;

	fill_map(import);
	result = do_file(import, text, length, PASS_KEYS);
	return result < 0 ? result : do_file(import, text, length, PASS_MODIFIERS);
}

int
remap_xmodmap_import(const RemapLayout *layout, const char *text, size_t length,
		     void (*write)(void *, const char *), void *data)
{
	Import *import = calloc(1, sizeof(*import));
	int result;

	if (!import)
		return -ENOMEM;
	import->layout = layout;
	import->write = write;
	import->data = data;
	say(import, "# Imported from xmodmap for the layout %s.\n", remap_layout_describe(layout));
	result = begin(import, text, length);
	if (result == 0) {
		print_warnings(import);
		put(import, "[ids]\n*\n");
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
print_syms(Import *import, unsigned code)
{
	unsigned count = COLUMNS;
	char name[64];

	while (count && !import->after.syms[code][count - 1])
		count--;
	say(import, "keycode %3u =", code);
	for (unsigned i = 0; i < count; i++) {
		xkb_keysym_get_name(import->after.syms[code][i], name, sizeof(name));
		say(import, " %s", name);
	}
	put(import, "\n");
}

int
remap_xmodmap_dump(const RemapLayout *layout, const char *text, size_t length,
		   void (*write)(void *, const char *), void *data)
{
	Import *import = calloc(1, sizeof(*import));
	int result;

	if (!import)
		return -ENOMEM;
	import->layout = layout;
	import->write = write;
	import->data = data;
	import->is_quiet = true;
	result = begin(import, text, length);
	for (unsigned code = OFFSET; result == 0 && code < CODES; code++)
		print_syms(import, code);
	for (unsigned i = 0; result == 0 && i < MODIFIERS; i++) {
		say(import, "%s", modifier_names[i]);
		for (unsigned code = 0; code < CODES; code++)
			if (import->after.mods[code] & (1U << i))
				say(import, " 0x%x", code);
		put(import, "\n");
	}
	if (result == 0)
		result = import->refused;
	free(import);
	return result;
}
