/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy merge: the plan, the question, the work. I/O: asks on the terminal; files through the backend. */
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/cmd.h"
#include "cli/report-read.h"

static gboolean is_dry_run;
static gboolean is_yes;

const GOptionEntry tidy_merge_options[] = {
	{ "dry-run", 'n', 0, G_OPTION_ARG_NONE, &is_dry_run,
	  N_("show what would be done and change nothing"), NULL },
	{ "yes", 'y', 0, G_OPTION_ARG_NONE, &is_yes, N_("do it without asking"), NULL },
	{ NULL, 0, 0, 0, NULL, NULL, NULL },
};

/* ---- how it reads ---- */

static gboolean
has_outcome(GVariant *dict, const char *outcome)
{
	return strcmp(tidy_report_str(dict, "outcome"), outcome) == 0;
}

/* What the lines below say anyway, or what whoever reads this was just asked. */
static gboolean
is_no_news(GVariant *reason)
{
	static const char *const codes[] = { "first-contact", "partial-download", NULL };

	return g_strv_contains(codes, tidy_report_str(reason, "code"));
}

static void
render_operation_reasons(TidyOutput *out, GVariant *operation)
{
	gsize length = tidy_report_list_length(operation, "reasons");

	for (gsize i = 0; i < length; i++) {
		g_autoptr(GVariant) reason = tidy_report_list_item(operation, "reasons", i);
		g_autofree char *text = tidy_render_reason(out, reason);

		if (has_outcome(operation, "refused") || !is_no_news(reason))
			tidy_output_paragraph(out, 2, TIDY_STYLE_DIM, text);
	}
}

static void
render_one(TidyOutput *out, GVariant *operation, gboolean is_undo, gboolean is_plan)
{
	g_autofree char *pair = tidy_render_pair(out, operation);

	tidy_output_add(out, TIDY_STYLE_HEAD, is_undo ? _("Undo of %s\n") : "%s\n", pair);
	if (has_outcome(operation, "refused"))
		tidy_output_add(out, TIDY_STYLE_BAD, "  %s\n", _("left alone:"));
	/* What spoke against it matters before it is done. */
	if (is_plan || has_outcome(operation, "refused"))
		render_operation_reasons(out, operation);
	tidy_render_steps(out, operation);
}

/* The counts of all operations together; (transfer full), floating reference sunk. */
static GVariant *
total_counts(GVariant *report)
{
	static const char *const keys[] = { "moved",   "folded", "kept-both", "removed",
					    "skipped", "failed", "bytes" };
	GVariantDict total;

	g_variant_dict_init(&total, NULL);
	for (guint k = 0; k < G_N_ELEMENTS(keys); k++) {
		gsize length = tidy_report_list_length(report, "operations");
		guint64 sum = 0;

		for (gsize i = 0; i < length; i++) {
			g_autoptr(GVariant) operation =
				tidy_report_list_item(report, "operations", i);
			g_autoptr(GVariant) counts = tidy_report_dict(operation, "counts");

			sum += tidy_report_uint(counts, keys[k]);
		}
		g_variant_dict_insert(&total, keys[k], "t", sum);
	}
	return g_variant_ref_sink(g_variant_dict_end(&total));
}

/* "xdgtidy undo 3": newest first, so that they can be run as they stand. NULL: nothing to undo. */
static char *
undo_commands(GVariant *report)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (gsize i = tidy_report_list_length(report, "operations"); i > 0; i--) {
		g_autoptr(GVariant) operation = tidy_report_list_item(report, "operations", i - 1);
		guint64 id = tidy_report_uint(operation, "id");

		if (id > 0)
			g_string_append_printf(text, "%sxdgtidy undo %" G_GUINT64_FORMAT,
					       text->len > 0 ? " && " : "", id);
	}
	return text->len > 0 ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static gboolean
did_something(GVariant *counts)
{
	return tidy_report_uint(counts, "moved") + tidy_report_uint(counts, "folded") +
		       tidy_report_uint(counts, "kept-both") + tidy_report_uint(counts, "removed") >
	       0;
}

static void
render_summary(TidyOutput *out, GVariant *report, gboolean is_plan)
{
	gboolean is_undo = strcmp(tidy_report_str(report, "kind"), "undo") == 0;
	g_autoptr(GVariant) total = total_counts(report);
	g_autofree char *counts = tidy_render_counts(total, is_undo);
	g_autofree char *undo = undo_commands(report);
	g_autofree char *text = NULL;

	if (is_plan)
		text = g_strdup_printf(_("Plan: %s. Nothing has been changed."), counts);
	else if (has_outcome(report, "partial"))
		text = g_strdup_printf(_("Done in part: %s."), counts);
	else if (has_outcome(report, "stopped"))
		text = g_strdup_printf(_("Stopped: %s. The same command goes on from here."),
				       counts);
	else
		text = g_strdup_printf(_("Done: %s."), counts);
	tidy_output_paragraph(out, 0, TIDY_STYLE_PLAIN, text);
	if (!is_plan && undo != NULL && did_something(total))
		tidy_output_add(out, TIDY_STYLE_PLAIN, _("Take it back with: %s\n"), undo);
}

void
tidy_render_merge(TidyOutput *out, GVariant *report, gboolean is_plan)
{
	gsize length = tidy_report_list_length(report, "operations");
	gboolean is_undo = strcmp(tidy_report_str(report, "kind"), "undo") == 0;

	for (gsize i = 0; i < length; i++) {
		g_autoptr(GVariant) operation = tidy_report_list_item(report, "operations", i);

		if (i > 0)
			tidy_output_add(out, TIDY_STYLE_PLAIN, "\n");
		render_one(out, operation, is_undo, is_plan);
	}
	if (has_outcome(report, "refused"))
		tidy_output_add(out, TIDY_STYLE_PLAIN, "%s%s\n", length > 0 ? "\n" : "",
				_("Nothing was done, for the reasons given."));
	else if (has_outcome(report, "nothing") || length == 0)
		tidy_output_add(out, TIDY_STYLE_PLAIN, "%s%s\n", length > 0 ? "\n" : "",
				_("Nothing to do."));
	else {
		tidy_output_add(out, TIDY_STYLE_PLAIN, "\n");
		render_summary(out, report, is_plan);
	}
}

TidyExit
tidy_merge_exit(GVariant *report)
{
	if (has_outcome(report, "partial"))
		return TIDY_EXIT_PARTIAL;
	if (has_outcome(report, "refused"))
		return TIDY_EXIT_REFUSED;
	if (has_outcome(report, "stopped"))
		return TIDY_EXIT_INTERRUPTED;
	return TIDY_EXIT_DONE;
}

/* ---- what was asked for ---- */

/*
 * A path as typed: from the current directory; a bare name that is not there counts from the home, so that
 * "xdgtidy merge Download" works everywhere. (transfer full): absolute, links kept.
 */
static char *
argument_path(const char *argument)
{
	g_autofree char *path = g_canonicalize_filename(argument, NULL);
	GStatBuf st;

	if (strchr(argument, '/') == NULL && g_lstat(path, &st) != 0)
		return g_build_filename(g_get_home_dir(), argument, NULL);
	return g_steal_pointer(&path);
}

/* Whether what was done is what the plan said, step by step. */
static gboolean
went_as_planned(GVariant *plan, GVariant *report)
{
	static const char *const lists[] = { "steps", "problems" };
	gsize length = tidy_report_list_length(plan, "operations");

	if (length != tidy_report_list_length(report, "operations"))
		return FALSE;
	for (gsize i = 0; i < length * G_N_ELEMENTS(lists); i++) {
		const char *list = lists[i % G_N_ELEMENTS(lists)];
		g_autoptr(GVariant) a =
			tidy_report_list_item(plan, "operations", i / G_N_ELEMENTS(lists));
		g_autoptr(GVariant) b =
			tidy_report_list_item(report, "operations", i / G_N_ELEMENTS(lists));
		g_autoptr(GVariant) planned = g_variant_lookup_value(a, list, NULL);
		g_autoptr(GVariant) done = g_variant_lookup_value(b, list, NULL);

		if ((planned == NULL) != (done == NULL) ||
		    (done != NULL && !g_variant_equal(planned, done)))
			return FALSE;
	}
	return TRUE;
}

/* @plan: what the user has just seen, or NULL; then only the summary is new. */
static TidyExit
merge_now(TidyInvocation *call, TidyBackend *backend, TidyRequest request, GVariant *plan)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) report = NULL;

	request.kind = TIDY_REQUEST_MERGE;
	report = tidy_backend_call(backend, &request, &error);
	if (report == NULL)
		return tidy_fail_error(call, error);
	if (tidy_print_json(call, report))
		return tidy_merge_exit(report);
	if (plan != NULL && went_as_planned(plan, report))
		render_summary(call->out, report, FALSE);
	else
		tidy_render_merge(call->out, report, FALSE);
	return tidy_merge_exit(report);
}

/* What a plan alone makes the command exit with: left entries are no failure yet. */
static TidyExit
plan_exit(GVariant *report)
{
	return has_outcome(report, "refused") ? TIDY_EXIT_REFUSED : TIDY_EXIT_DONE;
}

/* How many entries the merge will go through, and how many bytes it will copy, for the progress line. */
static void
expect(TidyRequest *request, GVariant *plan)
{
	g_autoptr(GVariant) total = total_counts(plan);

	request->expected_entries =
		tidy_report_uint(total, "moved") + tidy_report_uint(total, "kept-both") +
		tidy_report_uint(total, "folded") + tidy_report_uint(total, "removed");
	request->expected_bytes = tidy_report_uint(total, "bytes");
}

static TidyExit
plan_then_ask(TidyInvocation *call, TidyBackend *backend, TidyRequest request)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) report = NULL;

	request.kind = TIDY_REQUEST_PLAN;
	report = tidy_backend_call(backend, &request, &error);
	if (report == NULL)
		return tidy_fail_error(call, error);
	if (tidy_print_json(call, report))
		return plan_exit(report);
	tidy_render_merge(call->out, report, TRUE);
	if (is_dry_run || plan_exit(report) != TIDY_EXIT_DONE || has_outcome(report, "nothing"))
		return plan_exit(report);
	tidy_output_flush(call->out, stdout);
	expect(&request, report);
	if (!tidy_ask(_("Merge? [y/N]"))) {
		tidy_output_add(call->out, TIDY_STYLE_PLAIN, "%s\n", _("Nothing was changed."));
		return TIDY_EXIT_DONE;
	}
	return merge_now(call, backend, request, report);
}

TidyExit
tidy_cmd_merge(TidyInvocation *call)
{
	g_autofree char *stray = call->n_args > 0 ? argument_path(call->args[0]) : NULL;
	g_autofree char *target = call->n_args > 1 ? argument_path(call->args[1]) : NULL;
	TidyRequest request = { .stray = stray,
				.target = target,
				.has_progress = call->has_progress };
	g_autoptr(TidyBackend) backend = NULL;

	if (!is_dry_run && !is_yes && !tidy_can_ask(call))
		return tidy_fail(
			call, TIDY_EXIT_REFUSED, "needs-yes",
			_("nobody can be asked here, so nothing was changed; look at the plan with "
			  "'xdgtidy merge --dry-run', then run 'xdgtidy merge --yes'"));
	backend = tidy_backend_open(call->is_direct ? TIDY_BACKEND_DIRECT : TIDY_BACKEND_ANY);
	if (is_yes && !is_dry_run)
		return merge_now(call, backend, request, NULL);
	return plan_then_ask(call, backend, request);
}
