/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The run functions and options of the commands, and how each report reads. A tidy_render_...() is pure: a report in,
 * text out, so that what people see has tests without a disk or a bus.
 */
#pragma once

#include <gio/gio.h>

#include "cli/backend.h"
#include "cli/commands.h"

extern const GOptionEntry tidy_merge_options[];
extern const GOptionEntry tidy_undo_options[];
extern const GOptionEntry tidy_dupes_options[];
extern const char *const tidy_config_words[];

TidyExit tidy_cmd_status(TidyInvocation *call);
TidyExit tidy_cmd_scan(TidyInvocation *call);
TidyExit tidy_cmd_merge(TidyInvocation *call);
TidyExit tidy_cmd_undo(TidyInvocation *call);
TidyExit tidy_cmd_history(TidyInvocation *call);
TidyExit tidy_cmd_dupes(TidyInvocation *call);
TidyExit tidy_cmd_config(TidyInvocation *call);
TidyExit tidy_cmd_pause(TidyInvocation *call);
TidyExit tidy_cmd_resume(TidyInvocation *call);

void tidy_render_scan(TidyOutput *out, GVariant *report);
void tidy_render_status(TidyOutput *out, GVariant *report);
void tidy_render_history(TidyOutput *out, GVariant *report);
/* @has_groups FALSE: the totals only. */
void tidy_render_dupes(TidyOutput *out, GVariant *report, gboolean has_groups);
/* One operation of the history with its steps. */
void tidy_render_operation(TidyOutput *out, GVariant *operation);
/* A merge, an undo or the plan of one: the steps read the same, only the last line says which it is. */
void tidy_render_merge(TidyOutput *out, GVariant *report, gboolean is_plan);

/* "~/Download -> ~/Downloads"; (transfer full). */
char *tidy_render_pair(const TidyOutput *out, GVariant *dict);
/* "12 moved (4.2 MB), 1 identical", of counts as in a merge report; "nothing" when all are 0. (transfer full) */
char *tidy_render_counts(GVariant *counts, gboolean is_undo);
/* The steps, grouped: what moves, what is kept beside, what goes to the Trash, what stays. */
void tidy_render_steps(TidyOutput *out, GVariant *operation);
/* One reason of a stray or an operation: where, what, [code]. (transfer full) */
char *tidy_render_reason(const TidyOutput *out, GVariant *reason);
/* The strays of a scan or status report: a line each, reasons below. */
void tidy_render_strays(TidyOutput *out, GVariant *report);

/* What a report of a merge or an undo makes the command exit with. */
TidyExit tidy_merge_exit(GVariant *report);

/* ---- errors: standard error, text or (--json) one JSON object ---- */

TidyExit tidy_fail(const TidyInvocation *call, TidyExit code, const char *word, const char *format,
		   ...) G_GNUC_PRINTF(4, 5);
/* Says @error and answers with its exit code. */
TidyExit tidy_fail_error(const TidyInvocation *call, const GError *error);

/* The operation ID among the arguments, 0 when there is none. FALSE: it is no ID, and that was said. */
gboolean tidy_parse_id(const TidyInvocation *call, guint64 *id);

/* Prints @report as JSON when that was asked for. FALSE: it was not. */
gboolean tidy_print_json(TidyInvocation *call, GVariant *report);
