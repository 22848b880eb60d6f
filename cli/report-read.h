/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading reports (home/service/report.h): a key that is missing or of another type reads as empty. Pure. */
#pragma once

#include <glib.h>

/* Answers with strings are borrowed from @dict. A dictionary may be NULL: everything in it is missing. */
const char *tidy_report_str(GVariant *dict, const char *key);
guint64 tidy_report_uint(GVariant *dict,
			 const char *key); /* any integer type; a negative one reads as 0 */
gboolean tidy_report_bool(GVariant *dict, const char *key);
GVariant *tidy_report_dict(GVariant *dict, const char *key); /* a{sv} or NULL; (transfer full) */

/* How many dictionaries the list of that name holds, and one of them; (transfer full). */
gsize tidy_report_list_length(GVariant *dict, const char *key);
GVariant *tidy_report_list_item(GVariant *dict, const char *key, gsize index);
