// SPDX-License-Identifier: GPL-3.0-or-later
/* xmodmap files: the grammar, and what their lines do to the core map of the layout.
 * I/O: none.
 *
 * Facts (xmodmap(1), XKB protocol, 12.4 and 17.1.2; tried with xmodmap 1.0.10 on Xvfb): keycodes are evdev codes
 * plus 8; keysyms on the left are looked up before any change, so that two lines can swap keys; `remove` finds
 * its keys in the map before the file, `add` in the map after it; a letter alone stands for both cases; columns
 * 1 and 2 are plain and Shift, 3 and 4 the same with Mode_switch. */
#include "keys/layout/xmodmap-map.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <xkbcommon/xkbcommon.h>

enum { WORDS_MAX = 64 };

const char *const remap_modifier_names[MAP_MODIFIERS] = { "shift", "lock", "control", "mod1",
							  "mod2",  "mod3", "mod4",    "mod5" };

void
remap_import_say(RemapImport *import, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	import->write(import->data, text);
}

/* ---- the core map of the layout ---- */

/* Levels A B C D become A B A B C D C D: group 1 stands in for a missing group 2 (XKB protocol, 17.1.2). */
static void
fill_key(RemapImport *import, unsigned code)
{
	uint16_t evdev = (uint16_t)(code - MAP_OFFSET);
	unsigned levels = remap_layout_levels(import->layout, evdev);
	uint32_t *syms = import->before.syms[code];

	for (unsigned i = 0; i < levels && i < 2; i++)
		syms[i] = syms[i + 2] = remap_layout_keysym(import->layout, evdev, i);
	for (unsigned i = 2; i < levels && 2 + i < MAP_COLUMNS; i++)
		syms[2 + i] = remap_layout_keysym(import->layout, evdev, i);
	for (unsigned i = 2; levels > 2 && i < levels && i + levels < MAP_COLUMNS; i++)
		syms[i + levels] = remap_layout_keysym(import->layout, evdev, i);
}

static void
fill_map(RemapImport *import)
{
	for (unsigned code = MAP_OFFSET + 1; code < MAP_CODES; code++) {
		fill_key(import, code);
		import->before.mods[code] =
			remap_layout_modifier_map(import->layout, (uint16_t)(code - MAP_OFFSET));
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
refuse(RemapImport *import, const Line *line, const char *reason)
{
	import->refused++;
	if (!import->is_quiet)
		remap_import_say(import, "# %s\n#   not carried over: %s\n", line->text, reason);
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
parse_columns(RemapImport *import, const Line *line, uint32_t *syms)
{
	size_t count = line->count - line->equals;

	memset(syms, 0, MAP_COLUMNS * sizeof(*syms));
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
set_key(RemapImport *import, unsigned code, const uint32_t *syms)
{
	memcpy(import->after.syms[code], syms, sizeof(import->after.syms[code]));
}

static void
do_keycode(RemapImport *import, const Line *line)
{
	uint32_t syms[MAP_COLUMNS];
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
	if (*end || end == line->words[1] || code <= MAP_OFFSET || code >= MAP_CODES) {
		refuse(import, line, "no evdev key has this keycode (9 to 255)");
		return;
	}
	if (parse_columns(import, line, syms))
		set_key(import, (unsigned)code, syms);
}

static bool
has_sym(const RemapCoreMap *map, unsigned code, uint32_t sym)
{
	for (unsigned i = 0; i < MAP_COLUMNS; i++)
		if (sym && map->syms[code][i] == sym)
			return true;
	return false;
}

static void
do_keysym(RemapImport *import, const Line *line)
{
	uint32_t syms[MAP_COLUMNS], old;
	bool is_found = false;

	if (line->equals != 3 || !parse_keysym(line->words[1], &old)) {
		refuse(import, line, "expected keysym KEYSYM = KEYSYM...");
		return;
	}
	if (!parse_columns(import, line, syms))
		return;
	for (unsigned code = MAP_OFFSET + 1; code < MAP_CODES; code++) {
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
	for (int i = 0; i < MAP_MODIFIERS; i++)
		if (strcasecmp(word, remap_modifier_names[i]) == 0)
			return i;
	return -1;
}

static void
do_clear(RemapImport *import, const Line *line)
{
	int modifier = line->count == 2 ? find_modifier(line->words[1]) : -1;

	if (modifier < 0) {
		refuse(import, line, "expected clear MODIFIER");
		return;
	}
	for (unsigned code = 0; code < MAP_CODES; code++)
		import->after.mods[code] &= (uint8_t) ~(1U << modifier);
}

/* add: keysyms by the map after the file; remove: by the one before it. */
static void
do_modifier(RemapImport *import, const Line *line, bool is_add)
{
	int modifier = line->equals == 3 ? find_modifier(line->words[1]) : -1;
	const RemapCoreMap *map = is_add ? &import->after : &import->before;

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
		for (unsigned code = MAP_OFFSET + 1; code < MAP_CODES; code++) {
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
do_line(RemapImport *import, const Line *line, enum Pass pass)
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
do_file(RemapImport *import, const char *text, size_t length, enum Pass pass)
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

int
remap_import_replay(RemapImport *import, const char *text, size_t length)
{
	int result;

	fill_map(import);
	result = do_file(import, text, length, PASS_KEYS);
	return result < 0 ? result : do_file(import, text, length, PASS_MODIFIERS);
}
