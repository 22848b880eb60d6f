/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File names as people may see them. Pure. */
#include "home/base/text.h"

#include <string.h>

static gboolean
is_bidi_control(gunichar c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static gboolean
is_harmless(gunichar c)
{
	return !g_unichar_iscntrl(c) && !is_bidi_control(c) && c != 0x2028 && c != 0x2029 &&
	       c != 0xfeff;
}

/* How many bytes from @name on are printable ASCII: most names are nothing else. */
static gsize
plain_bytes(const char *name)
{
	gsize n = 0;

	while (name[n] >= ' ' && name[n] <= '~')
		n++;
	return n;
}

/* Appends the character at @name, or its bytes as escapes; answers its length. */
static gsize
append_character(GString *out, const char *name)
{
	gunichar c = g_utf8_get_char_validated(name, -1);
	gboolean is_valid = c != (gunichar)-1 && c != (gunichar)-2;
	int length = is_valid ? g_unichar_to_utf8(c, NULL) : 1;

	if (is_valid && is_harmless(c)) {
		g_string_append_len(out, name, length);
	} else {
		for (int i = 0; i < length; i++)
			g_string_append_printf(out, "\\x%02x", (guchar)name[i]);
	}
	return (gsize)length;
}

char *
tidy_text_display(const char *name)
{
	GString *out = g_string_sized_new(strlen(name) + 1);

	while (*name != '\0') {
		gsize plain = plain_bytes(name);

		g_string_append_len(out, name, (gssize)plain);
		name += plain;
		if (*name != '\0')
			name += append_character(out, name);
	}
	return g_string_free(out, FALSE);
}

char *
tidy_text_quote(const char *name)
{
	g_autofree char *shown = tidy_text_display(name);

	if (*shown != '\0' && strpbrk(shown, " '\"$`\\&|;<>()*?[]#~!{}") == NULL)
		return g_steal_pointer(&shown);
	return g_shell_quote(shown);
}
