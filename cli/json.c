/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reports and errors as JSON. Pure. */
#include "cli/json.h"

#include <json-glib/json-glib.h>

#include "home/service/report.h"

static char *
to_text(JsonNode *node, gboolean is_pretty)
{
	g_autofree char *text = json_to_string(node, is_pretty);

	return g_strconcat(text, "\n", NULL);
}

char *
tidy_json_report(GVariant *report)
{
	g_autoptr(JsonNode) node = json_gvariant_serialize(report);
	JsonObject *object = json_node_get_object(node);

	/* An empty report ("nothing to do") is an object of the same version all the same. */
	if (!json_object_has_member(object, "version"))
		json_object_set_int_member(object, "version", TIDY_REPORT_VERSION);
	return to_text(node, TRUE);
}

char *
tidy_json_error(const char *code, int exit_code, const char *message)
{
	JsonObject *error = json_object_new();
	g_autoptr(JsonObject) object = json_object_new();
	g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);

	json_object_set_string_member(error, "code", code);
	json_object_set_int_member(error, "exit", exit_code);
	json_object_set_string_member(error, "message", message);
	json_object_set_int_member(object, "version", TIDY_REPORT_VERSION);
	json_object_set_object_member(object, "error", error);
	json_node_set_object(node, object);
	return to_text(node, FALSE);
}
