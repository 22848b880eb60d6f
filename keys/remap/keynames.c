// SPDX-License-Identifier: GPL-3.0-or-later
/* Looks keys up by name and by code, and reads "[mods-]key".
 * Pure. */
#include "keys/remap/keynames.h"

#include <string.h>

/* The order of the language's letters; the bit order is the order in which modifiers are emitted. */
static const struct {
	char letter;
	uint8_t mod;
} letters[] = {
	{ 'C', REMAP_MOD_CTRL },  { 'M', REMAP_MOD_META },  { 'A', REMAP_MOD_ALT },
	{ 'S', REMAP_MOD_SHIFT }, { 'G', REMAP_MOD_ALTGR },
};

static int
compare(const char *name, size_t length, const char *other)
{
	int order = strncmp(name, other, length);

	return order ? order : -(int)(other[length] != '\0');
}

const RemapKeyIndex *
remap_key_find(const char *name, size_t length)
{
	size_t low = 0, high = remap_key_index_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = compare(name, length, remap_key_index[middle].name);

		if (order == 0)
			return &remap_key_index[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const RemapKeyName *
remap_key_row(uint16_t code)
{
	size_t low = 0, high = remap_key_names_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (remap_key_names[middle].code == code)
			return &remap_key_names[middle];
		if (code < remap_key_names[middle].code)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const char *
remap_key_name(uint16_t code)
{
	const RemapKeyName *row = remap_key_row(code);

	return row ? row->name : NULL;
}

int
remap_key_parse(const char *text, size_t length)
{
	const RemapKeyIndex *found;
	int code = 0;

	if (length > 1 && length < 5 && text[0] == '#') {
		for (size_t i = 1; i < length; i++) {
			if (text[i] < '0' || text[i] > '9')
				return -1;
			code = code * 10 + (text[i] - '0');
		}
		return code < REMAP_KEYS ? code : -1;
	}
	found = remap_key_find(text, length);
	return found && !found->shifted ? found->code : -1;
}

static uint8_t
mod_of(char letter)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
		if (letters[i].letter == letter)
			return letters[i].mod;
	return 0;
}

bool
remap_keyseq_parse(const char *text, size_t length, uint16_t *code, uint8_t *mods)
{
	const RemapKeyIndex *found;
	uint8_t sum = 0;

	while (length > 1 && text[1] == '-') {
		uint8_t mod = mod_of(text[0]);

		if (!mod)
			return false;
		sum |= mod;
		text += 2;
		length -= 2;
	}
	found = remap_key_find(text, length);
	if (!found)
		return false;
	*code = found->code;
	*mods = found->shifted ? sum | REMAP_MOD_SHIFT : sum;
	return true;
}

bool
remap_mods_parse(const char *text, size_t length, uint8_t *mods)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < length; i++) {
		uint8_t mod = i % 2 ? 0 : mod_of(text[i]);

		if (i % 2 ? text[i] != '-' : !mod)
			return false;
		sum |= mod;
	}
	if (length % 2 == 0)
		return false;
	*mods = sum;
	return true;
}

void
remap_mods_print(uint8_t mods, char *out)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++) {
		if (!(mods & letters[i].mod))
			continue;
		*out++ = letters[i].letter;
		mods &= (uint8_t)~letters[i].mod;
		if (mods)
			*out++ = '-';
	}
	*out = '\0';
}
