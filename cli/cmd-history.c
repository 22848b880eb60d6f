/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy history. I/O: through the backend. */
#include <glib/gi18n.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/report-read.h"

/* "merge", "undo of 2"; (transfer full). */
static char *
kind_text(GVariant *operation)
{
	guint64 undoes = tidy_report_uint(operation, "undoes");

	if (undoes > 0)
		return g_strdup_printf(_("undo of %" G_GUINT64_FORMAT), undoes);
	if (strcmp(tidy_report_str(operation, "kind"), "dupes") == 0)
		return g_strdup(_("fold"));
	return g_strdup(strcmp(tidy_report_str(operation, "kind"), "undo") == 0 ? _("undo")
										: _("merge"));
}

static const struct {
	const char *state;
	const char *text;
	TidyStyle style;
} states[] = {
	{ "done", N_("done"), TIDY_STYLE_GOOD },
	{ "partial", N_("done in part"), TIDY_STYLE_WARN },
	{ "interrupted", N_("interrupted"), TIDY_STYLE_BAD },
	{ "undone", N_("undone"), TIDY_STYLE_DIM },
};

static char *
state_text(GVariant *operation, TidyStyle *style)
{
	const char *state = tidy_report_str(operation, "state");
	guint64 undone_by = tidy_report_uint(operation, "undone-by");

	*style = TIDY_STYLE_PLAIN;
	for (guint i = 0; i < G_N_ELEMENTS(states); i++) {
		if (strcmp(states[i].state, state) == 0) {
			state = _(states[i].text);
			*style = states[i].style;
		}
	}
	if (undone_by > 0) {
		*style = TIDY_STYLE_DIM;
		return g_strdup_printf(_("undone by %" G_GUINT64_FORMAT), undone_by);
	}
	return g_strdup(state);
}

/* What was done; what is known of an interrupted operation is not counted yet. (transfer full) */
static char *
counts_text(GVariant *operation)
{
	g_autoptr(GVariant) counts = tidy_report_dict(operation, "counts");

	if (strcmp(tidy_report_str(operation, "state"), "interrupted") == 0)
		return g_strdup(_("to be finished by the next merge, undo or start of the daemon"));
	return tidy_render_counts(counts, strcmp(tidy_report_str(operation, "kind"), "undo") == 0);
}

static void
add_operation(TidyTable *table, const TidyOutput *out, GVariant *operation)
{
	g_autofree char *id =
		g_strdup_printf("%" G_GUINT64_FORMAT, tidy_report_uint(operation, "id"));
	g_autofree char *begin = tidy_output_time(tidy_report_str(operation, "begin"));
	g_autofree char *kind = kind_text(operation);
	g_autofree char *pair = tidy_render_pair(out, operation);
	g_autofree char *what = counts_text(operation);
	TidyStyle style;
	g_autofree char *state = state_text(operation, &style);

	TIDY_TABLE_ROW(table, style, id, begin, kind, pair, state);
	tidy_table_add_note(table, TIDY_STYLE_DIM, what);
}

void
tidy_render_history(TidyOutput *out, GVariant *report)
{
	g_autoptr(TidyTable) table = tidy_table_new();
	gsize length = tidy_report_list_length(report, "operations");
	gsize shown = out->list_limit > 0 ? MIN(length, 2 * (gsize)out->list_limit) : length;

	if (length == 0) {
		tidy_output_add(out, TIDY_STYLE_PLAIN, "%s\n", _("Nothing was done yet."));
		return;
	}
	tidy_table_set_right(table, 0);
	tidy_table_set_style(table, 0, TIDY_STYLE_HEAD);
	for (gsize i = 0; i < shown; i++) {
		g_autoptr(GVariant) operation = tidy_report_list_item(report, "operations", i);

		add_operation(table, out, operation);
	}
	tidy_table_render(table, out, 0);
	if (shown < length)
		tidy_output_add(out, TIDY_STYLE_DIM,
				ngettext("... and %" G_GSIZE_FORMAT " older one (use --verbose)\n",
					 "... and %" G_GSIZE_FORMAT " older ones (use --verbose)\n",
					 length - shown),
				length - shown);
}

void
tidy_render_operation(TidyOutput *out, GVariant *operation)
{
	g_autofree char *begin = tidy_output_time(tidy_report_str(operation, "begin"));
	g_autofree char *kind = kind_text(operation);
	g_autofree char *pair = tidy_render_pair(out, operation);
	g_autofree char *what = counts_text(operation);
	guint64 id = tidy_report_uint(operation, "id");
	TidyStyle style;
	g_autofree char *state = state_text(operation, &style);

	tidy_output_add(out, TIDY_STYLE_HEAD, "%" G_GUINT64_FORMAT ": %s %s\n", id, kind, pair);
	tidy_output_add(out, TIDY_STYLE_PLAIN, "%s, ", begin);
	tidy_output_add(out, style, "%s", state);
	tidy_output_add(out, TIDY_STYLE_PLAIN, ": %s\n", what);
	tidy_render_steps(out, operation);
	if (tidy_report_uint(operation, "undone-by") == 0)
		tidy_output_add(out, TIDY_STYLE_PLAIN,
				_("\nTake it back with: xdgtidy undo %" G_GUINT64_FORMAT "\n"), id);
}

TidyExit
tidy_cmd_history(TidyInvocation *call)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyBackend) backend = NULL;
	g_autoptr(GVariant) report = NULL;
	TidyRequest request = { .kind = TIDY_REQUEST_HISTORY };

	if (!tidy_parse_id(call, &request.id))
		return TIDY_EXIT_USAGE;
	backend = tidy_backend_open(call->is_direct ? TIDY_BACKEND_DIRECT : TIDY_BACKEND_ANY);
	report = tidy_backend_call(backend, &request, &error);
	if (report == NULL)
		return tidy_fail_error(call, error);
	if (tidy_print_json(call, report))
		return TIDY_EXIT_DONE;
	if (request.id > 0 && tidy_report_list_length(report, "operations") == 1) {
		g_autoptr(GVariant) operation = tidy_report_list_item(report, "operations", 0);

		tidy_render_operation(call->out, operation);
	} else {
		tidy_render_history(call->out, report);
	}
	return TIDY_EXIT_DONE;
}
