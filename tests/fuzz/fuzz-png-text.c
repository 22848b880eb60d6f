/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a thumbnail: left alone, or the new text stands in it, once, and can be taken back. Pure. */
#include <stdint.h>
#include <string.h>

#include "home/service/png-text.h"

#define KEYWORD "Thumb::URI"
#define OLD	"file:///a"
#define NEW	"file:///home/ann/Downloads/b"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GByteArray) there = tidy_png_replace_text(data, size, KEYWORD, OLD, NEW);
	g_autoptr(GByteArray) back = NULL;
	g_autoptr(GByteArray) again = NULL;

	if (there == NULL)
		return 0;
	g_assert_null(tidy_png_replace_text(there->data, there->len, KEYWORD, OLD, NEW));
	back = tidy_png_replace_text(there->data, there->len, KEYWORD, NEW, OLD);
	g_assert_nonnull(back);
	g_assert_cmpuint(there->len - back->len, ==, strlen(NEW) - strlen(OLD));
	/* The same, but for what was packed at first. */
	again = tidy_png_replace_text(back->data, back->len, KEYWORD, OLD, NEW);
	g_assert_nonnull(again);
	g_assert_cmpmem(again->data, (int)again->len, there->data, (int)there->len);
	return 0;
}
