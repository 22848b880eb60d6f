/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files beside user-dirs.dirs: user-dirs.locale, user-dirs.conf and user-dirs.defaults.
 * Pure. */
#include <string.h>

#include "home/dirs/user-dirs.h"

char *
tidy_user_dirs_parse_locale(const char *bytes, gsize size)
{
	g_autofree char *text = NULL;

	if (size == 0 || size > 128 || memchr(bytes, '\0', size))
		return NULL;
	text = g_strstrip(g_strndup(bytes, size));
	if (!g_ascii_isalpha(*text))
		return NULL;
	for (const char *p = text; *p; p++)
		if (!g_ascii_isalnum(*p) && !strchr("_-.@", *p))
			return NULL;
	if (strchr(text, '.')) {
		const char *modifier = strchr(text, '@');
		g_autofree char *base = g_strndup(text, strcspn(text, ".@"));

		return g_strconcat(base, modifier ? modifier : "", NULL);
	}
	return g_steal_pointer(&text);
}

char **
tidy_locale_variants(const char *locale)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_autofree char *base = g_strndup(locale, strcspn(locale, ".@"));
	g_autofree char *language = g_strndup(base, strcspn(base, "_"));
	const char *modifier = strchr(locale, '@');
	gboolean has_country = strcmp(base, language) != 0;

	if (modifier) {
		g_autofree char *full = g_strconcat(base, modifier, NULL);
		g_autofree char *short_form = g_strconcat(language, modifier, NULL);

		g_strv_builder_add(builder, full);
		if (has_country)
			g_strv_builder_add(builder, short_form);
	}
	g_strv_builder_add(builder, base);
	if (has_country)
		g_strv_builder_add(builder, language);
	return g_strv_builder_end(builder);
}

/* Splits "KEY=value" lines: comments and lines without "=" are skipped; blanks at both ends go. */
static gboolean
next_assignment(const char *bytes, gsize size, gsize *offset, char **key, char **value)
{
	while (*offset < size) {
		const char *start = bytes + *offset;
		const char *newline = memchr(start, '\n', size - *offset);
		gsize len = newline ? (gsize)(newline - start) : size - *offset;
		g_autofree char *text = g_strstrip(g_strndup(start, len));
		char *equals = strchr(text, '=');

		*offset += len + (newline ? 1 : 0);
		if (*text == '#' || !equals || equals == text)
			continue;
		*key = g_strndup(text, (gsize)(equals - text));
		*value = g_strdup(equals + 1);
		return TRUE;
	}
	return FALSE;
}

void
tidy_user_dirs_parse_conf(const char *bytes, gsize size, TidyUserDirsConf *conf)
{
	gsize offset = 0;
	char *raw_key, *raw_value;

	/* No blank may stand before "=", none is taken off behind it: so does
	 * xdg-user-dirs-update. */
	while (next_assignment(bytes, size, &offset, &raw_key, &raw_value)) {
		g_autofree char *key = raw_key;
		g_autofree char *value = raw_value;

		if (strcmp(key, "enabled") == 0) {
			conf->enabled = strcmp(value, "1") == 0 || strcmp(value, "True") == 0 ||
					strcmp(value, "true") == 0;
		} else if (strcmp(key, "filename_encoding") == 0) {
			g_free(conf->filename_encoding);
			conf->filename_encoding = g_steal_pointer(&value);
		}
	}
}

void
tidy_user_dirs_conf_clear(TidyUserDirsConf *conf)
{
	g_clear_pointer(&conf->filename_encoding, g_free);
	conf->enabled = -1;
}

static void
default_free(gpointer data)
{
	TidyUserDirsDefault *item = data;

	g_free(item->key);
	g_free(item->path);
	g_free(item);
}

GPtrArray *
tidy_user_dirs_parse_defaults(const char *bytes, gsize size)
{
	GPtrArray *items = g_ptr_array_new_with_free_func(default_free);
	gsize offset = 0;
	char *key, *path;

	while (next_assignment(bytes, size, &offset, &key, &path)) {
		TidyUserDirsDefault *item = g_new0(TidyUserDirsDefault, 1);

		item->key = key;
		item->path = path;
		g_ptr_array_add(items, item);
	}
	return items;
}
