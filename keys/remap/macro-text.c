// SPDX-License-Identifier: GPL-3.0-or-later
/* Reads macro expressions: tokens parted by blanks, each a key, keys joined by '+', a delay, or text.
 * Pure. */
#include "keys/remap/build.h"

#include <string.h>

static const char macro_word[] = "macro(";

size_t
remap_utf8_next(const char *text, size_t length, uint32_t *character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = length ? (unsigned char)text[0] : 0xff;
	size_t size = first < 0x80    ? 1
		      : first >= 0xf8 ? 0
		      : first >= 0xf0 ? 4
		      : first >= 0xe0 ? 3
		      : first >= 0xc0 ? 2
				      : 0;
	uint32_t value = size == 1 ? first : first & (0x7fU >> size);

	if (size == 0 || size > length)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 0;
	*character = value;
	return size;
}

static bool
has_macro_form(RemapSlice text)
{
	size_t length = sizeof(macro_word) - 1;

	return text.length > length && memcmp(text.text, macro_word, length) == 0 &&
	       text.text[text.length - 1] == ')';
}

bool
remap_is_macro(RemapSlice text)
{
	uint32_t character;

	return has_macro_form(text) ||
	       (text.length && remap_utf8_next(text.text, text.length, &character) == text.length);
}

/* \n \t \\ \( \) become what they mean; any other '\' stays. */
char *
remap_unescape(RemapKeymap *keymap, RemapSlice text)
{
	static const char from[] = "nt\\()", to[] = "\n\t\\()";
	char *copy = remap_arena_text(keymap, text.text, text.length);
	size_t at = 0;

	if (!copy)
		return NULL;
	for (size_t i = 0; i < text.length; i++) {
		const char *found = text.text[i] == '\\' && i + 1 < text.length && text.text[i + 1]
					    ? strchr(from, text.text[i + 1])
					    : NULL;

		copy[at++] = found ? to[found - from] : text.text[i];
		i += found != NULL;
	}
	copy[at] = '\0';
	return copy;
}

static bool
add_entry(RemapBuild *build, RemapMacroEntry entry)
{
	RemapMacroEntry *slot = REMAP_APPEND(build->keymap, entries, entry_count, entry_capacity);

	if (slot)
		*slot = entry;
	build->out_of_memory |= slot == NULL;
	return slot != NULL;
}

static bool
is_delay(RemapSlice token)
{
	size_t digits = 0;

	while (digits < token.length && token.text[digits] >= '0' && token.text[digits] <= '9')
		digits++;
	return digits > 0 && token.length == digits + 2 && token.text[digits] == 'm' &&
	       token.text[digits + 1] == 's';
}

static bool
add_delay(RemapBuild *build, RemapSlice token)
{
	uint32_t ms;

	return remap_build_timeout(build, remap_slice_cut(token, 0, token.length - 2),
				   REMAP_DELAY_MAX, &ms) &&
	       add_entry(build, (RemapMacroEntry){ .type = REMAP_MACRO_DELAY, .ms = ms });
}

/* Modifiers of one part of "C-a+b" go down before it, and up with the rest. */
static bool
add_held(RemapBuild *build, uint16_t code, uint8_t mods)
{
	static const struct {
		uint8_t mod;
		uint16_t code;
	} keys[] = { { REMAP_MOD_ALT, 56 },
		     { REMAP_MOD_ALTGR, 100 },
		     { REMAP_MOD_SHIFT, 42 },
		     { REMAP_MOD_META, 125 },
		     { REMAP_MOD_CTRL, 29 } };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if ((mods & keys[i].mod) &&
		    !add_entry(build,
			       (RemapMacroEntry){ .type = REMAP_MACRO_HOLD, .code = keys[i].code }))
			return false;
	return add_entry(build, (RemapMacroEntry){ .type = REMAP_MACRO_HOLD, .code = code });
}

static bool
add_together(RemapBuild *build, RemapSlice token)
{
	size_t start = 0;

	for (size_t at = 0; at <= token.length; at++) {
		RemapSlice part = remap_slice_cut(token, start, at);
		uint16_t code;
		uint8_t mods;

		if (at < token.length && token.text[at] != '+')
			continue;
		start = at + 1;
		if (part.length == 0)
			continue;
		if (is_delay(part)) {
			if (!add_delay(build, part))
				return false;
		} else if (!remap_keyseq_parse(part.text, part.length, &code, &mods)) {
			remap_diag_add(build->diags, REMAP_ERROR, &part.place, "\"%.*s\" is no key",
				       (int)part.length, part.text);
			return false;
		} else if (!add_held(build, code, mods)) {
			return false;
		}
	}
	return add_entry(build, (RemapMacroEntry){ .type = REMAP_MACRO_RELEASE });
}

static int
type_ascii(uint32_t character, RemapStroke *stroke)
{
	char c = (char)character;

	if (character == '\n' || character == '\t') {
		*stroke = (RemapStroke){ .code = character == '\n' ? 28 : 15 };
		return 1;
	}
	return character > ' ' && character < 0x7f &&
	       remap_keyseq_parse(&c, 1, &stroke->code, &stroke->mods);
}

static bool
add_character(RemapBuild *build, uint32_t character, RemapSlice bytes)
{
	RemapStroke strokes[REMAP_STROKES_MAX];
	const RemapSource *source = build->source;
	int count = 0;

	if (character == '\n' || character == '\t' || !source->type)
		count = type_ascii(character, strokes);
	else
		count = source->type(source->data, character,
				     (RemapUnicode)build->keymap->global.unicode, strokes);
	if (count <= 0) {
		remap_diag_add(build->diags, REMAP_ERROR, &bytes.place,
			       "\"%.*s\" (U+%04X) cannot be typed%s", (int)bytes.length, bytes.text,
			       character,
			       source->type ? " on this layout; see the global option unicode"
					    : " without a layout");
		return false;
	}
	for (int i = 0; i < count; i++)
		if (!add_entry(build, (RemapMacroEntry){ .type = REMAP_MACRO_TAP,
							 .code = strokes[i].code,
							 .mods = strokes[i].mods }))
			return false;
	return true;
}

static bool
add_text(RemapBuild *build, RemapSlice token)
{
	for (size_t at = 0; at < token.length;) {
		uint32_t character;
		size_t size = remap_utf8_next(token.text + at, token.length - at, &character);

		if (size == 0) {
			remap_diag_add(build->diags, REMAP_ERROR, &token.place, "not UTF-8");
			return false;
		}
		if (!add_character(build, character, remap_slice_cut(token, at, at + size)))
			return false;
		at += size;
	}
	return true;
}

static bool
add_token(RemapBuild *build, RemapSlice token)
{
	uint16_t code;
	uint8_t mods;

	if (remap_keyseq_parse(token.text, token.length, &code, &mods))
		return add_entry(build, (RemapMacroEntry){ .type = REMAP_MACRO_TAP,
							   .code = code,
							   .mods = mods });
	if (memchr(token.text, '+', token.length))
		return add_together(build, token);
	if (is_delay(token))
		return add_delay(build, token);
	return add_text(build, token);
}

static bool
add_tokens(RemapBuild *build, RemapSlice text, size_t first)
{
	size_t start = 0;

	for (size_t at = 0; at <= text.length; at++) {
		if (at < text.length && text.text[at] != ' ')
			continue;
		if (at > start && !add_token(build, remap_slice_cut(text, start, at)))
			return false;
		start = at + 1;
		if (build->keymap->entry_count - first > REMAP_MACRO_MAX) {
			remap_diag_add(build->diags, REMAP_ERROR, &text.place,
				       "a macro of more than %d steps", REMAP_MACRO_MAX);
			return false;
		}
	}
	return true;
}

bool
remap_build_macro(RemapBuild *build, RemapSlice text, uint32_t *macro)
{
	RemapKeymap *keymap = build->keymap;
	size_t first = keymap->entry_count;
	RemapMacro *slot;
	uint16_t code;
	uint8_t mods;

	if (has_macro_form(text)) {
		text = remap_slice_cut(text, sizeof(macro_word) - 1, text.length - 1);
		text.text = remap_unescape(keymap, text);
		if (!text.text) {
			build->out_of_memory = true;
			return false;
		}
		text.length = strlen(text.text);
	} else if (!remap_is_macro(text) &&
		   !remap_keyseq_parse(text.text, text.length, &code, &mods)) {
		remap_diag_add(build->diags, REMAP_ERROR, &text.place,
			       "expected macro(...) or a key");
		return false;
	}
	if (!add_tokens(build, text, first))
		return false;
	slot = REMAP_APPEND(keymap, macros, macro_count, macro_capacity);
	if (!slot) {
		build->out_of_memory = true;
		return false;
	}
	*slot = (RemapMacro){ .first = (uint32_t)first,
			      .count = (uint32_t)(keymap->entry_count - first) };
	*macro = (uint32_t)(keymap->macro_count - 1);
	return true;
}
