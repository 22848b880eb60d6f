/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy status, pause and resume. I/O: through the backend. */
#include <glib/gi18n.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/report-read.h"

static void
render_daemon(TidyOutput *out, GVariant *report)
{
	guint64 watches = tidy_report_uint(report, "watches");

	if (!tidy_report_bool(report, "running")) {
		tidy_output_add(out, TIDY_STYLE_BAD, "%s", _("The daemon does not run"));
		tidy_output_add(out, TIDY_STYLE_PLAIN, "%s\n",
				_("; start it with: systemctl --user start xdgtidy"));
		return;
	}
	tidy_output_add(out, TIDY_STYLE_GOOD, "%s", _("The daemon runs"));
	tidy_output_add(out, TIDY_STYLE_PLAIN, " (");
	tidy_output_add(out, TIDY_STYLE_PLAIN, _("version %s, process %" G_GUINT64_FORMAT),
			tidy_report_str(report, "daemon-version"), tidy_report_uint(report, "pid"));
	tidy_output_add(out, TIDY_STYLE_PLAIN, ", ");
	tidy_output_add(out, TIDY_STYLE_PLAIN,
			ngettext("%" G_GUINT64_FORMAT " directory watched",
				 "%" G_GUINT64_FORMAT " directories watched", (gulong)watches),
			watches);
	tidy_output_add(out, TIDY_STYLE_PLAIN, ")\n");
}

static void
render_state(TidyOutput *out, GVariant *report)
{
	const char *degraded = tidy_report_str(report, "degraded");
	const char *working = tidy_report_str(report, "working");
	g_autoptr(GVariant) config = tidy_report_dict(report, "config");
	const char *problem = tidy_report_str(config, "error");

	if (tidy_report_bool(report, "paused"))
		tidy_output_add(
			out, TIDY_STYLE_WARN, "%s\n",
			_("Paused: nothing is merged automatically until 'xdgtidy resume'."));
	if (*degraded != '\0')
		tidy_output_add(out, TIDY_STYLE_WARN, _("Limited: %s\n"), degraded);
	if (*working != '\0')
		tidy_output_add(out, TIDY_STYLE_PLAIN, _("At work: %s\n"), working);
	if (*problem != '\0') {
		tidy_output_add(out, TIDY_STYLE_BAD, "%s ",
				tidy_report_bool(report, "running")
					? _("The configuration is wrong, the last good one holds:")
					: _("The configuration is wrong:"));
		tidy_output_add(out, TIDY_STYLE_PLAIN, "%s\n", problem);
	}
}

/* One line, and none where keys are not remapped because nobody asked for it. */
static void
render_keys(TidyOutput *out, GVariant *report)
{
	g_autoptr(GVariant) keys = tidy_report_dict(report, "keys");
	const char *state = tidy_report_str(keys, "state");
	const char *text = tidy_report_str(keys, "text");
	guint64 remapped = tidy_report_uint(keys, "remapped");
	gboolean is_running = strcmp(state, "running") == 0;

	if (*state == '\0' || strcmp(state, "none") == 0 || strcmp(state, "off") == 0)
		return;
	tidy_output_add(out, TIDY_STYLE_PLAIN, "%s ", _("Keys:"));
	if (is_running && *text == '\0')
		tidy_output_add(out, TIDY_STYLE_PLAIN,
				ngettext("%" G_GUINT64_FORMAT " device remapped",
					 "%" G_GUINT64_FORMAT " devices remapped",
					 (gulong)remapped),
				remapped);
	else
		tidy_output_add(out, is_running ? TIDY_STYLE_WARN : TIDY_STYLE_BAD, "%s%s%s",
				is_running ? "" : state, !is_running && *text != '\0' ? ": " : "",
				text);
	tidy_output_add(out, TIDY_STYLE_DIM, "%s\n",
			is_running && *text == '\0' ? "" : _("; see: xdgtidy keys status"));
}

static void
render_last(TidyOutput *out, GVariant *report)
{
	g_autoptr(GVariant) last = tidy_report_dict(report, "last");
	g_autoptr(GVariant) history = NULL;
	GVariantDict dict;

	if (tidy_report_uint(last, "id") == 0)
		return;
	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert_value(&dict, "operations", g_variant_new_array(NULL, &last, 1));
	history = g_variant_ref_sink(g_variant_dict_end(&dict));
	tidy_output_add(out, TIDY_STYLE_HEAD, "\n%s\n", _("Done last"));
	tidy_render_history(out, history);
}

void
tidy_render_status(TidyOutput *out, GVariant *report)
{
	render_daemon(out, report);
	render_state(out, report);
	render_keys(out, report);
	if (tidy_report_list_length(report, "strays") == 0) {
		tidy_output_add(out, TIDY_STYLE_PLAIN, "%s\n", _("No stray directories."));
	} else {
		tidy_output_add(out, TIDY_STYLE_HEAD, "\n%s\n", _("Stray directories"));
		tidy_render_strays(out, report);
	}
	render_last(out, report);
}

TidyExit
tidy_cmd_status(TidyInvocation *call)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyBackend) backend =
		tidy_backend_open(call->is_direct ? TIDY_BACKEND_DIRECT : TIDY_BACKEND_ANY);
	g_autoptr(GVariant) report =
		tidy_backend_call(backend, &(TidyRequest){ .kind = TIDY_REQUEST_STATUS }, &error);

	if (report == NULL)
		return tidy_fail_error(call, error);
	if (!tidy_print_json(call, report))
		tidy_render_status(call->out, report);
	return tidy_report_bool(report, "running") ? TIDY_EXIT_DONE : TIDY_EXIT_NO_DAEMON;
}

static TidyExit
set_paused(TidyInvocation *call, TidyRequestKind kind)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyBackend) backend =
		tidy_backend_open(call->is_direct ? TIDY_BACKEND_DIRECT : TIDY_BACKEND_ANY);
	g_autoptr(GVariant) report =
		tidy_backend_call(backend, &(TidyRequest){ .kind = kind }, &error);
	gboolean is_paused = kind == TIDY_REQUEST_PAUSE;

	if (report == NULL)
		return tidy_fail_error(call, error);
	if (!tidy_print_json(call, report))
		tidy_output_add(call->out, TIDY_STYLE_PLAIN, "%s\n",
				is_paused ? _("Paused: nothing is merged automatically until "
					      "'xdgtidy resume'.")
					  : _("Automatic merges are allowed again."));
	return TIDY_EXIT_DONE;
}

TidyExit
tidy_cmd_pause(TidyInvocation *call)
{
	return set_paused(call, TIDY_REQUEST_PAUSE);
}

TidyExit
tidy_cmd_resume(TidyInvocation *call)
{
	return set_paused(call, TIDY_REQUEST_RESUME);
}
