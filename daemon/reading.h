/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading reports (home/service/report.h): what is missing reads as empty. Pure. */
#pragma once

#include <glib.h>

/* A path of a report as raw bytes ("<key>_b64" counts first), or NULL. (transfer full) */
char *tidy_report_path(GVariant *report, const char *key);
/* A string, "" when it is missing. Borrowed from @report. */
const char *tidy_report_text(GVariant *report, const char *key);
guint64 tidy_report_number(GVariant *report, const char *key);
/* An array of dictionaries (aa{sv}), empty when it is missing. (transfer full) */
GVariant *tidy_report_list(GVariant *report, const char *key);
/* A dictionary a{sv}, empty when it is missing. (transfer full) */
GVariant *tidy_report_dict(GVariant *report, const char *key);
