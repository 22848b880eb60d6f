/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading reports. Pure. */
#include "cli/report-read.h"

const char *
tidy_report_str(GVariant *dict, const char *key)
{
	const char *value = "";

	if (dict != NULL)
		g_variant_lookup(dict, key, "&s", &value);
	return value;
}

static guint64
not_negative(gint64 value)
{
	return value < 0 ? 0 : (guint64)value;
}

guint64
tidy_report_uint(GVariant *dict, const char *key)
{
	g_autoptr(GVariant) value = dict != NULL ? g_variant_lookup_value(dict, key, NULL) : NULL;

	if (value == NULL)
		return 0;
	switch (g_variant_classify(value)) {
	case G_VARIANT_CLASS_UINT64:
		return g_variant_get_uint64(value);
	case G_VARIANT_CLASS_UINT32:
		return g_variant_get_uint32(value);
	case G_VARIANT_CLASS_UINT16:
		return g_variant_get_uint16(value);
	case G_VARIANT_CLASS_BYTE:
		return g_variant_get_byte(value);
	case G_VARIANT_CLASS_INT64:
		return not_negative(g_variant_get_int64(value));
	case G_VARIANT_CLASS_INT32:
		return not_negative(g_variant_get_int32(value));
	case G_VARIANT_CLASS_INT16:
		return not_negative(g_variant_get_int16(value));
	case G_VARIANT_CLASS_BOOLEAN:
	case G_VARIANT_CLASS_HANDLE:
	case G_VARIANT_CLASS_DOUBLE:
	case G_VARIANT_CLASS_STRING:
	case G_VARIANT_CLASS_OBJECT_PATH:
	case G_VARIANT_CLASS_SIGNATURE:
	case G_VARIANT_CLASS_VARIANT:
	case G_VARIANT_CLASS_MAYBE:
	case G_VARIANT_CLASS_ARRAY:
	case G_VARIANT_CLASS_TUPLE:
	case G_VARIANT_CLASS_DICT_ENTRY:
		return 0;
	}
	return 0;
}

gboolean
tidy_report_bool(GVariant *dict, const char *key)
{
	gboolean value = FALSE;

	if (dict != NULL)
		g_variant_lookup(dict, key, "b", &value);
	return value;
}

GVariant *
tidy_report_dict(GVariant *dict, const char *key)
{
	return dict != NULL ? g_variant_lookup_value(dict, key, G_VARIANT_TYPE_VARDICT) : NULL;
}

gsize
tidy_report_list_length(GVariant *dict, const char *key)
{
	g_autoptr(GVariant) list =
		dict != NULL ? g_variant_lookup_value(dict, key, G_VARIANT_TYPE("aa{sv}")) : NULL;

	return list != NULL ? g_variant_n_children(list) : 0;
}

GVariant *
tidy_report_list_item(GVariant *dict, const char *key, gsize index)
{
	g_autoptr(GVariant) list = g_variant_lookup_value(dict, key, G_VARIANT_TYPE("aa{sv}"));

	return g_variant_get_child_value(list, index);
}
