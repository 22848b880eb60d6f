// SPDX-License-Identifier: GPL-3.0-or-later
/* Compiles the layout with libxkbcommon and answers from a sorted table of what its keys type.
 * I/O. */
#include "keys/layout/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xkbcommon/xkbcommon-compose.h>
#include <xkbcommon/xkbcommon.h>

/* X and XKB keycodes are evdev codes plus 8 (rules "evdev"). */
enum {
	XKB_OFFSET = 8,
	CODES = 248,
	LEVELS = 8,
	CODE_SHIFT = 42,
	CODE_RIGHTALT = 100,
	CODE_U = 22,
	CODE_SPACE = 57,
	CODE_CANCEL = 223
};

typedef struct Place {
	uint32_t keysym;
	uint32_t character; /* that it types, or 0 */
	uint16_t code;
	uint8_t mods;
	uint8_t cost;
} Place;

struct RemapLayout {
	struct xkb_context *context;
	struct xkb_keymap *keymap;
	struct xkb_compose_table *compose; /* may be NULL */
	xkb_mod_mask_t shift, altgr;
	Place *places; /* by keysym, then cost */
	size_t count;
	uint8_t modifier_map[CODES];
	char description[160];
};

static const char *const settings[] = { "/etc/default/keyboard", "/etc/vconsole.conf" };

/* KEY="value" or KEY=value in the two files of the distributions. */
static bool
read_setting(const char *line, const char *key, char *value, size_t size)
{
	size_t length = strlen(key);

	if (strncmp(line, key, length) != 0 || line[length] != '=')
		return false;
	line += length + 1;
	line += strspn(line, "\"'");
	length = strcspn(line, "\"'\n");
	if (length >= size)
		return false;
	memcpy(value, line, length);
	value[length] = '\0';
	return true;
}

typedef struct Found {
	char model[64], layout[64], variant[64], options[128];
} Found;

static bool
read_settings(const char *path, Found *found)
{
	FILE *file = fopen(path, "re");
	char line[256];

	*found = (Found){ .model = "" };
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		read_setting(line, "XKBMODEL", found->model, sizeof(found->model));
		read_setting(line, "XKBLAYOUT", found->layout, sizeof(found->layout));
		read_setting(line, "XKBVARIANT", found->variant, sizeof(found->variant));
		read_setting(line, "XKBOPTIONS", found->options, sizeof(found->options));
	}
	fclose(file);
	return found->layout[0] != '\0';
}

/* Returns where the names come from; NULL members of @names are left to libxkbcommon (XKB_DEFAULT_*). */
static const char *
find_names(struct xkb_rule_names *names, Found *found)
{
	if (names->layout)
		return "given";
	if (getenv("XKB_DEFAULT_LAYOUT"))
		return "XKB_DEFAULT_LAYOUT";
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		if (!read_settings(settings[i], found))
			continue;
		names->layout = found->layout;
		names->model = names->model ? names->model : found->model;
		names->variant = names->variant ? names->variant : found->variant;
		names->options = names->options ? names->options : found->options;
		return settings[i];
	}
	names->layout = "us";
	return "nothing names one";
}

static xkb_mod_mask_t
mask_of_key(struct xkb_keymap *keymap, unsigned code)
{
	struct xkb_state *state = xkb_state_new(keymap);
	xkb_mod_mask_t mask;

	if (!state)
		return 0;
	xkb_state_update_key(state, code + XKB_OFFSET, XKB_KEY_DOWN);
	mask = xkb_state_serialize_mods(state, XKB_STATE_MODS_DEPRESSED);
	xkb_state_unref(state);
	return mask;
}

static bool
level_mods(const RemapLayout *layout, unsigned code, unsigned level, uint8_t *mods)
{
	xkb_mod_mask_t masks[16];
	size_t count = xkb_keymap_key_get_mods_for_level(layout->keymap, code + XKB_OFFSET, 0,
							 level, masks, 16);
	bool is_found = false;
	int best = 9;

	for (size_t i = 0; i < count; i++) {
		bool has_shift = masks[i] & layout->shift,
		     has_altgr = layout->altgr && (masks[i] & layout->altgr) == layout->altgr;
		int cost = has_shift + 2 * has_altgr;

		if ((masks[i] & ~(layout->shift | layout->altgr)) ||
		    (!has_altgr && (masks[i] & layout->altgr)) || cost >= best)
			continue;
		best = cost;
		is_found = true;
		*mods = (uint8_t)((has_shift ? REMAP_MOD_SHIFT : 0) |
				  (has_altgr ? REMAP_MOD_ALTGR : 0));
	}
	return is_found;
}

static bool
is_keypad(unsigned code)
{
	return code == 55 || (code >= 71 && code <= 83) || code == 96 || code == 98 ||
	       code == 117 || code == 118 || code == 121 || code == 179 || code == 180;
}

uint32_t
remap_layout_keysym(const RemapLayout *layout, uint16_t code, unsigned level)
{
	const xkb_keysym_t *syms;
	int count = xkb_keymap_key_get_syms_by_level(layout->keymap, code + XKB_OFFSET, 0, level,
						     &syms);

	return count == 1 ? syms[0] : 0;
}

unsigned
remap_layout_levels(const RemapLayout *layout, uint16_t code)
{
	return xkb_keymap_num_levels_for_key(layout->keymap, code + XKB_OFFSET, 0);
}

static int
compare_places(const void *a, const void *b)
{
	const Place *one = a, *other = b;

	if (one->keysym != other->keysym)
		return one->keysym < other->keysym ? -1 : 1;
	if (one->cost != other->cost)
		return one->cost < other->cost ? -1 : 1;
	return (int)one->code - (int)other->code;
}

static bool
fill_places(RemapLayout *layout)
{
	layout->places = calloc((size_t)CODES * LEVELS, sizeof(*layout->places));
	if (!layout->places)
		return false;
	for (uint16_t code = 1; code < CODES; code++) {
		unsigned levels = remap_layout_levels(layout, code);

		for (unsigned level = 0; level < levels && level < LEVELS; level++) {
			Place place = { .code = code,
					.keysym = remap_layout_keysym(layout, code, level) };

			if (!place.keysym || !level_mods(layout, code, level, &place.mods))
				continue;
			place.character = xkb_keysym_to_utf32(place.keysym);
			place.cost = (uint8_t)(level + (is_keypad(code) ? 2 * LEVELS : 0));
			layout->places[layout->count++] = place;
		}
	}
	qsort(layout->places, layout->count, sizeof(*layout->places), compare_places);
	return true;
}

/* libxkbcommon keeps the modifier map to itself, but prints it: "modifier_map Shift { <LFSH>, <RTSH> };". */
static void
fill_modifier_map(RemapLayout *layout)
{
	static const char *const names[] = { "Shift", "Lock", "Control", "Mod1",
					     "Mod2",  "Mod3", "Mod4",	 "Mod5" };
	char *text = xkb_keymap_get_as_string(layout->keymap, XKB_KEYMAP_USE_ORIGINAL_FORMAT);
	char *at = text;

	while (at && (at = strstr(at, "modifier_map "))) {
		char *end = strchr(at, '}'), name[8];
		unsigned index = 0;

		at += strlen("modifier_map ");
		while (index < 8 && strncmp(at, names[index], strlen(names[index])) != 0)
			index++;
		while (index < 8 && (at = strchr(at, '<')) && at < end) {
			size_t length = strcspn(++at, ">");
			xkb_keycode_t code;

			snprintf(name, sizeof(name), "%.*s", (int)length, at);
			code = xkb_keymap_key_by_name(layout->keymap, name);
			if (code != XKB_KEYCODE_INVALID && code >= XKB_OFFSET &&
			    code - XKB_OFFSET < CODES)
				layout->modifier_map[code - XKB_OFFSET] |= (uint8_t)(1U << index);
		}
		at = end;
	}
	free(text);
}

uint8_t
remap_layout_modifier_map(const RemapLayout *layout, uint16_t code)
{
	return code < CODES ? layout->modifier_map[code] : 0;
}

static void
open_compose(RemapLayout *layout)
{
	const char *locale = getenv("LC_ALL");

	if (!locale || !*locale)
		locale = getenv("LC_CTYPE");
	if (!locale || !*locale)
		locale = getenv("LANG");
	if (!locale || !strstr(locale, "UTF-8"))
		locale = "en_US.UTF-8";
	layout->compose = xkb_compose_table_new_from_locale(layout->context, locale,
							    XKB_COMPOSE_COMPILE_NO_FLAGS);
}

RemapLayout *
remap_layout_new(const RemapLayoutNames *wanted)
{
	RemapLayout *layout = calloc(1, sizeof(*layout));
	struct xkb_rule_names names = { 0 };
	const char *origin;
	Found found;

	if (!layout)
		return NULL;
	if (wanted)
		names = (struct xkb_rule_names){ wanted->rules, wanted->model, wanted->layout,
						 wanted->variant, wanted->options };
	origin = find_names(&names, &found);
	layout->context = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
	if (layout->context) {
		xkb_context_set_log_level(layout->context, XKB_LOG_LEVEL_CRITICAL);
		layout->keymap = xkb_keymap_new_from_names(layout->context, &names,
							   XKB_KEYMAP_COMPILE_NO_FLAGS);
	}
	if (!layout->keymap) {
		remap_layout_free(layout);
		return NULL;
	}
	layout->shift = mask_of_key(layout->keymap, CODE_SHIFT);
	layout->altgr = mask_of_key(layout->keymap, CODE_RIGHTALT);
	if (xkb_keymap_mod_get_index(layout->keymap, XKB_MOD_NAME_ALT) != XKB_MOD_INVALID &&
	    layout->altgr == (xkb_mod_mask_t)1
				     << xkb_keymap_mod_get_index(layout->keymap, XKB_MOD_NAME_ALT))
		layout->altgr = 0; /* the right Alt is an Alt here */
	if (!fill_places(layout)) {
		remap_layout_free(layout);
		return NULL;
	}
	open_compose(layout);
	fill_modifier_map(layout);
	snprintf(layout->description, sizeof(layout->description), "%s%s%s%s (%s)",
		 names.layout ? names.layout : getenv("XKB_DEFAULT_LAYOUT"),
		 names.variant && *names.variant ? "(" : "",
		 names.variant && *names.variant ? names.variant : "",
		 names.variant && *names.variant ? ")" : "", origin);
	return layout;
}

void
remap_layout_free(RemapLayout *layout)
{
	if (!layout)
		return;
	xkb_compose_table_unref(layout->compose);
	xkb_keymap_unref(layout->keymap);
	xkb_context_unref(layout->context);
	free(layout->places);
	free(layout);
}

const char *
remap_layout_describe(const RemapLayout *layout)
{
	return layout->description;
}

bool
remap_layout_find(const RemapLayout *layout, uint32_t keysym, RemapStroke *stroke)
{
	for (size_t i = 0; i < layout->count; i++) {
		if (layout->places[i].keysym != keysym)
			continue;
		*stroke = (RemapStroke){ .code = layout->places[i].code,
					 .mods = layout->places[i].mods };
		return true;
	}
	return false;
}

static bool
find_character(const RemapLayout *layout, uint32_t character, RemapStroke *stroke)
{
	const Place *best = NULL;

	for (size_t i = 0; i < layout->count; i++) {
		const Place *place = &layout->places[i];

		if (place->character == character &&
		    (!best || place->cost < best->cost ||
		     (place->cost == best->cost && place->code < best->code)))
			best = place;
	}
	if (best)
		*stroke = (RemapStroke){ .code = best->code, .mods = best->mods };
	return best != NULL;
}

static bool
is_dead(uint32_t keysym)
{
	return keysym >= 0xfe50 &&
	       keysym <= 0xfe93; /* keysymdef.h: dead_grave to dead_longsolidusoverlay */
}

/* A dead key and a key that together are the character, the cheapest pair. */
static bool
find_dead(const RemapLayout *layout, uint32_t character, RemapStroke *strokes)
{
	struct xkb_compose_state *state = NULL;
	char wanted[8], got[8];
	int best = 1000;

	if (layout->compose)
		state = xkb_compose_state_new(layout->compose, XKB_COMPOSE_STATE_NO_FLAGS);
	if (!state ||
	    xkb_keysym_to_utf8(xkb_utf32_to_keysym(character), wanted, sizeof(wanted)) <= 0) {
		xkb_compose_state_unref(state);
		return false;
	}
	for (size_t i = 0; i < layout->count; i++) {
		const Place *dead = &layout->places[i];

		for (size_t j = 0; is_dead(dead->keysym) && j < layout->count; j++) {
			const Place *base = &layout->places[j];
			int cost = dead->cost + base->cost;

			if (!base->character || cost >= best)
				continue;
			xkb_compose_state_reset(state);
			xkb_compose_state_feed(state, dead->keysym);
			xkb_compose_state_feed(state, base->keysym);
			if (xkb_compose_state_get_status(state) != XKB_COMPOSE_COMPOSED)
				continue;
			xkb_compose_state_get_utf8(state, got, sizeof(got));
			if (strcmp(got, wanted) != 0)
				continue;
			best = cost;
			strokes[0] = (RemapStroke){ .code = dead->code, .mods = dead->mods };
			strokes[1] = (RemapStroke){ .code = base->code, .mods = base->mods };
		}
	}
	xkb_compose_state_unref(state);
	return best < 1000;
}

static int
type_digits(const RemapLayout *layout, uint32_t number, unsigned base, int width,
	    RemapStroke *strokes)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char reversed[8];
	int count = 0;

	for (; number || count < width; number /= base)
		reversed[count++] = digits[number % base];
	for (int i = 0; i < count; i++)
		if (!find_character(layout, (uint32_t)reversed[count - 1 - i], &strokes[i]))
			return 0;
	return count;
}

static int
type_unicode(const RemapLayout *layout, uint32_t character, RemapUnicode unicode,
	     RemapStroke *strokes)
{
	int count;

	switch (unicode) {
	case REMAP_UNICODE_IBUS:
		if (!find_character(layout, 'u', &strokes[0]))
			strokes[0] = (RemapStroke){ .code = CODE_U };
		strokes[0].mods |= REMAP_MOD_CTRL | REMAP_MOD_SHIFT;
		count = type_digits(layout, character, 16, 1, strokes + 1);
		strokes[count + 1] = (RemapStroke){ .code = CODE_SPACE };
		return count ? count + 2 : 0;
	case REMAP_UNICODE_COMPOSE:
		strokes[0] = (RemapStroke){ .code = CODE_CANCEL };
		count = type_digits(layout, character, 36, 4, strokes + 1);
		return count ? count + 1 : 0;
	case REMAP_UNICODE_NONE:
		break;
	}
	return 0;
}

RemapTyping
remap_layout_type(const RemapLayout *layout, uint32_t character, RemapUnicode unicode,
		  RemapStroke *strokes, int *count)
{
	*count = 1;
	if (find_character(layout, character, strokes))
		return REMAP_TYPING_KEY;
	*count = 2;
	if (find_dead(layout, character, strokes))
		return REMAP_TYPING_DEAD;
	*count = character >= ' ' && character != 0x7f
			 ? type_unicode(layout, character, unicode, strokes)
			 : 0;
	return *count ? REMAP_TYPING_UNICODE : REMAP_TYPING_NONE;
}

void
remap_layout_label(const RemapLayout *layout, uint16_t code, uint8_t mods, char *label)
{
	struct xkb_state *state = xkb_state_new(layout->keymap);
	xkb_mod_mask_t mask = (mods & REMAP_MOD_SHIFT ? layout->shift : 0) |
			      (mods & REMAP_MOD_ALTGR ? layout->altgr : 0);

	label[0] = '\0';
	if (!state)
		return;
	if (code < CODES) {
		xkb_state_update_mask(state, mask, 0, 0, 0, 0, 0);
		xkb_state_key_get_utf8(state, code + XKB_OFFSET, label, 16);
		if ((unsigned char)label[0] <= ' ' || label[0] == 0x7f)
			label[0] = '\0';
	}
	xkb_state_unref(state);
}

void
remap_compose_line(uint32_t character, char *line, size_t size)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char text[8], code[5];
	uint32_t number = character;

	for (int i = 3; i >= 0; i--, number /= 36)
		code[i] = digits[number % 36];
	xkb_keysym_to_utf8(xkb_utf32_to_keysym(character), text, sizeof(text));
	snprintf(line, size, "<Cancel> <%c> <%c> <%c> <%c> : \"%s\"", code[0], code[1], code[2],
		 code[3], text);
}
