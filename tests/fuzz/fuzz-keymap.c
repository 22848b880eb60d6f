// SPDX-License-Identifier: GPL-3.0-or-later
/* Fuzzes the configuration parser: any text loads or is refused with a diagnostic, and what loads prints as a
 * text that loads and prints the same.
 * I/O: none. */
#include "keys/remap/lint.h"
#include "keys/remap/print.h"

#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The file includes itself by any name, so that the bounds of includes are met. */
static int
include(void *data, const char *from, const char *path, char **text, size_t *length, char **name)
{
	GBytes *bytes = data;
	const char *content = g_bytes_get_data(bytes, length);

	*text = malloc(*length + 1);
	memcpy(*text, content ? content : "", *length);
	*name = strdup(path);
	return 0;
}

static void
append(void *data, const char *text)
{
	g_string_append(data, text);
}

static char *
print(const RemapKeymap *keymap)
{
	GString *text = g_string_new(NULL);

	remap_keymap_print(keymap, append, text);
	return g_string_free(text, FALSE);
}

static void
check_print(const RemapKeymap *keymap)
{
	g_autofree char *first = print(keymap);
	g_autofree char *second = NULL;
	RemapDiags diags = { 0 };
	RemapSource source = { .name = "print", .text = first, .length = strlen(first) };
	RemapKeymap *again;

	if (source.length > REMAP_TEXT_MAX)
		return;
	again = remap_keymap_load(&source, &diags);
	if (!again)
		g_error("%s\n%u:%u: %s", first, diags.list[0].line, diags.list[0].column,
			diags.list[0].message);
	second = print(again);
	if (!g_str_equal(first, second))
		g_error("%s\n---\n%s", first, second);
	remap_keymap_free(again);
	remap_diags_clear(&diags);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) bytes = g_bytes_new(data, MIN(size, 65536));
	RemapSource source = { .name = "input", .include = include, .data = bytes };
	RemapDiags diags = { 0 };
	RemapKeymap *keymap;

	source.text = g_bytes_get_data(bytes, &source.length);
	source.text = source.text ? source.text : "";
	keymap = remap_keymap_load(&source, &diags);
	g_assert_true(keymap || diags.errors);
	if (keymap) {
		remap_keymap_lint(keymap, &diags);
		check_print(keymap);
		remap_keymap_bind(keymap, "a = nav.b", &diags);
		remap_keymap_bind(keymap, "reset", NULL);
	}
	remap_keymap_free(keymap);
	remap_diags_clear(&diags);
	return 0;
}
