/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --json: one object, "version" 1. The report as it is; errors as {"version", "error": {...}}. Pure. */
#pragma once

#include <glib.h>

/* The text of @report (a{sv}), indented, with a final newline. (transfer full) */
char *tidy_json_report(GVariant *report);

/* @code: a lower-case word ("locked"), @exit_code: what the command exits with. One line. (transfer full) */
char *tidy_json_error(const char *code, int exit_code, const char *message);
