/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy scan. I/O: through the backend. */
#include <glib/gi18n.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/report-read.h"

static void
render_warnings(TidyOutput *out, GVariant *report)
{
	gsize length = tidy_report_list_length(report, "warnings");

	for (gsize i = 0; i < length; i++) {
		g_autoptr(GVariant) warning = tidy_report_list_item(report, "warnings", i);
		g_autofree char *file = tidy_output_path(out, tidy_report_str(warning, "file"));
		guint64 line = tidy_report_uint(warning, "line");

		tidy_output_add(out, TIDY_STYLE_WARN, "%s:", file);
		if (line > 0)
			tidy_output_add(out, TIDY_STYLE_WARN, "%" G_GUINT64_FORMAT ":", line);
		tidy_output_add(out, TIDY_STYLE_PLAIN, " %s\n", tidy_report_str(warning, "text"));
	}
}

static const struct {
	const char *state;
	const char *text;
	TidyStyle style;
} states[] = {
	{ "ok", "", TIDY_STYLE_PLAIN },
	{ "disabled", N_("disabled: it is the home itself"), TIDY_STYLE_DIM },
	{ "unset", N_("not set"), TIDY_STYLE_DIM },
	{ "missing", N_("does not exist"), TIDY_STYLE_WARN },
};

static void
render_directories(TidyOutput *out, GVariant *report)
{
	g_autoptr(TidyTable) table = tidy_table_new();
	gsize length = tidy_report_list_length(report, "dirs");

	if (length == 0)
		return;
	tidy_output_add(out, TIDY_STYLE_HEAD, "%s\n", _("User directories"));
	for (gsize i = 0; i < length; i++) {
		g_autoptr(GVariant) dir = tidy_report_list_item(report, "dirs", i);
		g_autofree char *path = tidy_output_path(out, tidy_report_str(dir, "path"));
		const char *state = tidy_report_str(dir, "state");
		TidyStyle style = TIDY_STYLE_PLAIN;

		for (guint s = 0; s < G_N_ELEMENTS(states); s++) {
			if (strcmp(states[s].state, state) == 0) {
				state = *states[s].text != '\0' ? _(states[s].text) : "";
				style = states[s].style;
			}
		}
		TIDY_TABLE_ROW(table, style, tidy_report_str(dir, "key"), path, state);
	}
	tidy_table_render(table, out, 2);
}

/* How many strays 'xdgtidy merge' would take. */
static gsize
count_mergeable(GVariant *report)
{
	gsize length = tidy_report_list_length(report, "strays");
	gsize n = 0;

	for (gsize i = 0; i < length; i++) {
		g_autoptr(GVariant) stray = tidy_report_list_item(report, "strays", i);
		const char *verdict = tidy_report_str(stray, "verdict");

		n += strcmp(verdict, "merge") == 0 || strcmp(verdict, "propose") == 0;
	}
	return n;
}

void
tidy_render_scan(TidyOutput *out, GVariant *report)
{
	gsize n_strays = tidy_report_list_length(report, "strays");

	render_warnings(out, report);
	if (out->list_limit == 0)
		render_directories(out, report);
	if (n_strays == 0) {
		tidy_output_add(out, TIDY_STYLE_GOOD, "%s\n", _("No stray directories."));
		return;
	}
	tidy_output_add(out, TIDY_STYLE_HEAD, "%s\n", _("Stray directories"));
	tidy_render_strays(out, report);
	if (count_mergeable(report) == 0)
		return;
	tidy_output_add(out, TIDY_STYLE_PLAIN, "\n");
	tidy_output_paragraph(
		out, 0, TIDY_STYLE_PLAIN,
		_("See what would happen: xdgtidy merge --dry-run. Do it: xdgtidy merge."));
}

TidyExit
tidy_cmd_scan(TidyInvocation *call)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyBackend) backend =
		tidy_backend_open(call->is_direct ? TIDY_BACKEND_DIRECT : TIDY_BACKEND_ANY);
	g_autoptr(GVariant) report =
		tidy_backend_call(backend, &(TidyRequest){ .kind = TIDY_REQUEST_SCAN }, &error);

	if (report == NULL)
		return tidy_fail_error(call, error);
	if (!tidy_print_json(call, report))
		tidy_render_scan(call->out, report);
	return tidy_report_list_length(report, "strays") > 0 ? TIDY_EXIT_PROBLEMS : TIDY_EXIT_DONE;
}
