/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Builds the dictionaries of reports. Pure. */
#include "home/service/report.h"

#include <string.h>

#include "home/base/text.h"

GVariantBuilder *
tidy_report_new(void)
{
	return g_variant_builder_new(G_VARIANT_TYPE_VARDICT);
}

GVariantBuilder *
tidy_report_new_list(void)
{
	return g_variant_builder_new(G_VARIANT_TYPE("aa{sv}"));
}

void
tidy_report_add(GVariantBuilder *dict, const char *key, GVariant *value)
{
	/* Not by a format string: reading it costs as much as the rest. */
	g_variant_builder_add_value(dict, g_variant_new_dict_entry(g_variant_new_string(key),
								   g_variant_new_variant(value)));
}

void
tidy_report_add_text(GVariantBuilder *dict, const char *key, const char *text)
{
	tidy_report_add(dict, key, g_variant_new_string(text != NULL ? text : ""));
}

void
tidy_report_add_number(GVariantBuilder *dict, const char *key, guint64 number)
{
	tidy_report_add(dict, key, g_variant_new_uint64(number));
}

void
tidy_report_add_path(GVariantBuilder *dict, const char *key, const char *path)
{
	g_autofree char *shown = tidy_text_display(path != NULL ? path : "");

	tidy_report_add_text(dict, key, shown);
	if (path != NULL && strcmp(shown, path) != 0) {
		g_autofree char *raw = g_base64_encode((const guint8 *)path, strlen(path));
		g_autofree char *raw_key = g_strconcat(key, "_b64", NULL);

		tidy_report_add_text(dict, raw_key, raw);
	}
}

void
tidy_report_add_time(GVariantBuilder *dict, const char *key, gint64 time_ns)
{
	g_autoptr(GDateTime) seconds = g_date_time_new_from_unix_utc(time_ns / 1000000000);
	g_autofree char *text = NULL;

	if (time_ns <= 0 || seconds == NULL) {
		tidy_report_add_text(dict, key, "");
		return;
	}
	text = g_date_time_format(seconds, "%Y-%m-%dT%H:%M:%S");
	tidy_report_add(dict, key,
			g_variant_new_printf("%s.%06dZ", text, (int)(time_ns / 1000 % 1000000)));
}

void
tidy_report_add_list(GVariantBuilder *dict, const char *key, GVariantBuilder *list)
{
	tidy_report_add(dict, key, g_variant_builder_end(list));
	g_variant_builder_unref(list);
}

void
tidy_report_add_item(GVariantBuilder *list, GVariantBuilder *dict)
{
	GVariant *item = g_variant_builder_end(dict);

	/* Into one block of bytes at once: as a tree of variants a step of a merge takes 3.6 KB, and there may be thousands. */
	g_variant_get_data(item);
	g_variant_builder_add_value(list, item);
	g_variant_builder_unref(dict);
}

GVariant *
tidy_report_end(GVariantBuilder *dict)
{
	GVariant *report = g_variant_ref_sink(g_variant_builder_end(dict));

	g_variant_builder_unref(dict);
	return report;
}
