/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as xdgtidy.conf: no crash, and what loads is written and read back the same. Pure. */
#include "home/config/settings.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a file that says the same would hold. */
static void
write_back(const TidyConfigShown *shown, gpointer data)
{
	if (!g_str_has_prefix(shown->section, "dirs."))
		g_string_append_printf(data, "[%s]\n%s = %s\n", shown->section, shown->key,
				       shown->value);
}

static GString *
show(const TidyConfig *config)
{
	GString *out = g_string_new(NULL);

	tidy_config_show(config, write_back, out);
	return out;
}

static gboolean
has_long_line(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (gsize i = 0; lines[i] != NULL; i++) {
		if (strlen(lines[i]) > 199)
			return TRUE;
	}
	return FALSE;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(TidyConfig) config = tidy_config_new_defaults();
	g_autoptr(TidyConfig) again = tidy_config_new_defaults();
	g_autoptr(GPtrArray) problems = tidy_config_problems_new();
	g_autoptr(GPtrArray) none = tidy_config_problems_new();
	gboolean is_good = tidy_config_parse(config, "f", (const char *)data, size, problems);
	GString *shown = show(config);
	GString *shown_again = NULL;

	for (guint i = 0; i < problems->len; i++) {
		g_autofree char *text = tidy_config_problem_text(g_ptr_array_index(problems, i));

		g_assert_true(g_utf8_validate(text, -1, NULL));
		g_assert_null(strchr(text, '\n'));
	}
	if (is_good && !has_long_line(shown->str)) {
		g_assert_true(tidy_config_parse(again, "f", shown->str, shown->len, none));
		shown_again = show(again);
		g_assert_cmpstr(shown->str, ==, shown_again->str);
		g_string_free(shown_again, TRUE);
	}
	g_string_free(shown, TRUE);
	return 0;
}
