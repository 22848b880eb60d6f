/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading reports. Pure. */
#include "daemon/reading.h"

char *
tidy_report_path(GVariant *report, const char *key)
{
	g_autofree char *raw_key = g_strconcat(key, "_b64", NULL);
	const char *text = NULL;

	if (g_variant_lookup(report, raw_key, "&s", &text)) {
		g_autofree guchar *bytes = NULL;
		gsize length = 0;

		bytes = g_base64_decode(text, &length);
		return g_strndup((const char *)bytes, length);
	}
	return g_variant_lookup(report, key, "&s", &text) ? g_strdup(text) : NULL;
}

const char *
tidy_report_text(GVariant *report, const char *key)
{
	const char *text = "";

	g_variant_lookup(report, key, "&s", &text);
	return text;
}

guint64
tidy_report_number(GVariant *report, const char *key)
{
	guint64 number = 0;

	g_variant_lookup(report, key, "t", &number);
	return number;
}

GVariant *
tidy_report_list(GVariant *report, const char *key)
{
	GVariant *list = g_variant_lookup_value(report, key, G_VARIANT_TYPE("aa{sv}"));

	if (list == NULL)
		list = g_variant_ref_sink(g_variant_new_array(G_VARIANT_TYPE_VARDICT, NULL, 0));
	return list;
}

GVariant *
tidy_report_dict(GVariant *report, const char *key)
{
	GVariant *dict = g_variant_lookup_value(report, key, G_VARIANT_TYPE_VARDICT);

	return dict != NULL
		       ? dict
		       : g_variant_ref_sink(g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0));
}
