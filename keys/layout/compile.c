// SPDX-License-Identifier: GPL-3.0-or-later
/* From a file to a keymap and to the flat text that the helper gets.
 * I/O: files. */
#include "keys/layout/compile.h"

#include <stdlib.h>
#include <string.h>

#include "keys/remap/print.h"

bool
remap_compiled_open(RemapCompiled *compiled, const RemapLayoutNames *names)
{
	compiled->layout = remap_layout_new(names);
	return compiled->layout != NULL;
}

int
remap_compiled_load(RemapCompiled *compiled, const char *path)
{
	RemapSource source;
	int result;

	compiled->files.layout = compiled->layout;
	compiled->files.diags = &compiled->diags;
	result = remap_files_read(&compiled->files, path, &source);
	if (result < 0)
		return result;
	compiled->keymap = remap_keymap_load(&source, &compiled->diags);
	return 0;
}

void
remap_compiled_clear(RemapCompiled *compiled)
{
	remap_keymap_free(compiled->keymap);
	remap_diags_clear(&compiled->diags);
	remap_files_clear(&compiled->files);
	remap_layout_free(compiled->layout);
	memset(compiled, 0, sizeof(*compiled));
}

/* ---- text ---- */

typedef struct Text {
	char *bytes;
	size_t length, room;
	bool is_lost; /* there was no memory */
} Text;

static void
append(void *data, const char *piece)
{
	Text *text = data;
	size_t length = strlen(piece);

	if (text->length + length + 1 > text->room) {
		size_t room = 2 * (text->length + length) + 1024;
		char *grown = realloc(text->bytes, room);

		text->is_lost |= !grown;
		if (!grown)
			return;
		text->bytes = grown;
		text->room = room;
	}
	memcpy(text->bytes + text->length, piece, length + 1);
	text->length += length;
}

char *
remap_keymap_text(const RemapKeymap *keymap, size_t *length)
{
	Text text = { 0 };

	append(&text, "");
	remap_keymap_print(keymap, append, &text);
	if (text.is_lost) {
		free(text.bytes);
		return NULL;
	}
	*length = text.length;
	return text.bytes;
}
