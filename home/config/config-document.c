/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sample file and the manual page's list of settings, from the schema table. Pure. */
#include "home/config/settings.h"

#include <string.h>

/* Columns of the sample file. */
#define SAMPLE_WIDTH 78

/* @text as comment lines, broken between words. */
static void
write_comment(GString *out, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	gsize column = 0;

	for (gsize i = 0; words[i] != NULL; i++) {
		if (column > 0 && column + 1 + strlen(words[i]) > SAMPLE_WIDTH) {
			g_string_append_c(out, '\n');
			column = 0;
		}
		g_string_append(out, column == 0 ? "# " : " ");
		g_string_append(out, words[i]);
		column += strlen(words[i]) + (column == 0 ? 2 : 1);
	}
	g_string_append_c(out, '\n');
}

/* "auto, ask, report", "0 to 36500 days", "1s to 1d", "names, separated by commas" */
static char *
describe_type(const TidySetting *setting)
{
	switch (setting->type) {
	case TIDY_SETTING_CHOICE:
		return g_strjoinv(", ", (char **)setting->choices);
	case TIDY_SETTING_NUMBER:
		return g_strdup_printf("%" G_GINT64_FORMAT " to %" G_GINT64_FORMAT "%s%s",
				       setting->minimum, setting->maximum,
				       setting->unit == NULL ? "" : " ",
				       setting->unit == NULL ? "" : setting->unit);
	case TIDY_SETTING_DURATION: {
		g_autofree char *low = tidy_duration_format(setting->minimum);
		g_autofree char *high = tidy_duration_format(setting->maximum);

		return g_strdup_printf("%s to %s", low, high);
	}
	case TIDY_SETTING_NAMES:
		return g_strdup("names, separated by commas");
	case TIDY_SETTING_ALIASES:
		return g_strdup("KEY:name, separated by commas");
	}
	g_assert_not_reached();
}

/* The value in force for @setting without any file; @key: index, or -1. (transfer full) */
static char *
default_value(const TidySetting *setting, int key)
{
	g_autoptr(TidyConfig) config = tidy_config_new_defaults();
	gconstpointer base = key < 0 ? (gconstpointer)config : &config->keys[key];

	return tidy_value_format(setting, G_STRUCT_MEMBER_P(base, setting->offset));
}

static void
write_sample_setting(GString *out, const TidySetting *setting, int key)
{
	g_autofree char *type = describe_type(setting);
	g_autofree char *value = default_value(setting, key);

	g_string_append_c(out, '\n');
	write_comment(out, setting->doc);
	g_string_append_printf(out, "# (%s)\n#%s =%s%s\n", type, setting->key,
			       *value == '\0' ? "" : " ", value);
}

void
tidy_config_write_sample(GString *out)
{
	g_string_append(out,
			"# xdgtidy.conf: settings of xdgtidyd and xdgtidy, see xdgtidy.conf(5).\n"
			"# Every setting is shown with its default; remove the # to change it.\n");
	for (guint i = 0; i < tidy_n_setting_sections; i++) {
		const TidySettingSection *section = &tidy_setting_sections[i];
		gboolean is_per_key = strcmp(section->name, TIDY_SETTING_PER_KEY) == 0;
		int key = is_per_key ? tidy_config_key_index("DOWNLOAD", -1) : -1;

		g_string_append_c(out, '\n');
		write_comment(out, section->doc);
		if (is_per_key) {
			g_autofree char *keys = g_strjoinv(", ", (char **)tidy_config_keys);
			g_autofree char *text =
				g_strconcat("There is one such section for each of ", keys, ".",
					    NULL);

			write_comment(out, text);
		}
		g_string_append_printf(out, "[%s]\n", is_per_key ? "dirs.DOWNLOAD" : section->name);
		for (guint j = 0; j < tidy_n_settings; j++) {
			if (strcmp(tidy_settings[j].section, section->name) == 0)
				write_sample_setting(out, &tidy_settings[j], key);
		}
	}
}

/* @text for mdoc: each sentence on a line of its own, nothing taken for a macro. */
static void
write_man_text(GString *out, const char *text)
{
	gboolean is_line_start = TRUE;

	for (const char *p = text; *p != '\0'; p++) {
		if (is_line_start && (*p == '.' || *p == '\''))
			g_string_append(out, "\\&");
		is_line_start = FALSE;
		if (*p == '\\') {
			g_string_append(out, "\\e");
		} else if (*p == ' ' && p > text && p[-1] == '.') {
			g_string_append_c(out, '\n');
			is_line_start = TRUE;
		} else {
			g_string_append_c(out, *p);
		}
	}
	g_string_append_c(out, '\n');
}

static void
write_man_setting(GString *out, const TidySetting *setting)
{
	g_autofree char *type = describe_type(setting);
	g_autofree char *value = NULL;
	gboolean is_per_key = strcmp(setting->section, TIDY_SETTING_PER_KEY) == 0;

	g_string_append_printf(out, ".It Cm %s\n", setting->key);
	write_man_text(out, setting->doc);
	g_string_append_printf(out, "Values: %s.\n", type);
	if (is_per_key && setting->fallback == NULL) {
		g_string_append(out, "Default: as in [dirs]");
		if (setting->download != NULL)
			g_string_append_printf(
				out, "; for DOWNLOAD, where [dirs] says nothing either,\n.Cm %s",
				setting->download);
		g_string_append(out, setting->download != NULL ? " .\n" : ".\n");
	} else {
		value = default_value(setting, is_per_key ? 0 : -1);
		if (*value == '\0')
			g_string_append(out, "Default: none.\n");
		else
			g_string_append_printf(out, "Default:\n.Cm %s .\n", value);
	}
	if (!setting->is_live)
		g_string_append(
			out, "A running daemon takes a change over only when it is restarted.\n");
}

void
tidy_config_write_man_options(GString *out)
{
	for (guint i = 0; i < tidy_n_setting_sections; i++) {
		const TidySettingSection *section = &tidy_setting_sections[i];
		gboolean is_per_key = strcmp(section->name, TIDY_SETTING_PER_KEY) == 0;

		g_string_append_printf(out, ".Ss [%s]\n", is_per_key ? "dirs.KEY" : section->name);
		write_man_text(out, section->doc);
		if (is_per_key) {
			g_autofree char *keys = g_strjoinv(", ", (char **)tidy_config_keys);

			g_string_append_printf(out, "KEY is one of %s.\n", keys);
		}
		g_string_append(out, ".Bl -tag -width Ds\n");
		for (guint j = 0; j < tidy_n_settings; j++) {
			if (strcmp(tidy_settings[j].section, section->name) == 0)
				write_man_setting(out, &tidy_settings[j]);
		}
		g_string_append(out, ".El\n");
	}
}
