/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy undo. Never asks: it puts back, refuses what changed, and can itself be undone. I/O: through the backend. */
#include <glib/gi18n.h>

#include "cli/cmd.h"
#include "cli/report-read.h"
#include "home/base/error.h"

static gboolean is_dry_run;
static gboolean is_yes;

const GOptionEntry tidy_undo_options[] = {
	{ "dry-run", 'n', 0, G_OPTION_ARG_NONE, &is_dry_run,
	  N_("show what would be done and change nothing"), NULL },
	/* So that a script may say it everywhere. */
	{ "yes", 'y', G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &is_yes,
	  N_("accepted; undo never asks"), NULL },
	{ NULL, 0, 0, 0, NULL, NULL, NULL },
};

/* FALSE: not an ID; the usage error was said. */
gboolean
tidy_parse_id(const TidyInvocation *call, guint64 *id)
{
	*id = 0;
	if (call->n_args == 0)
		return TRUE;
	if (g_ascii_string_to_unsigned(call->args[0], 10, 1, G_MAXINT64, id, NULL))
		return TRUE;
	tidy_fail(call, TIDY_EXIT_USAGE, "usage",
		  _("'%s' is no operation ID; IDs are numbers, see: xdgtidy history"),
		  call->args[0]);
	return FALSE;
}

TidyExit
tidy_cmd_undo(TidyInvocation *call)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyBackend) backend = NULL;
	g_autoptr(GVariant) report = NULL;
	TidyRequest request = { .kind = is_dry_run ? TIDY_REQUEST_UNDO_PLAN : TIDY_REQUEST_UNDO,
				.has_progress = call->has_progress };

	if (!tidy_parse_id(call, &request.id))
		return TIDY_EXIT_USAGE;
	backend = tidy_backend_open(call->is_direct ? TIDY_BACKEND_DIRECT : TIDY_BACKEND_ANY);
	report = tidy_backend_call(backend, &request, &error);
	if (report == NULL && request.id == 0 && !call->is_json &&
	    g_error_matches(error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND)) {
		tidy_output_add(call->out, TIDY_STYLE_PLAIN, "%s\n", _("Nothing to undo."));
		return TIDY_EXIT_DONE;
	}
	if (report == NULL)
		return tidy_fail_error(call, error);
	if (!tidy_print_json(call, report))
		tidy_render_merge(call->out, report, is_dry_run);
	return is_dry_run ? TIDY_EXIT_DONE : tidy_merge_exit(report);
}
