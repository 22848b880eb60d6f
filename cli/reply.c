/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a command ends: errors with their exit codes, reports as JSON. I/O: standard error. */
#include <glib/gi18n.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/json.h"
#include "home/base/error.h"
#include "home/base/text.h"

static const struct {
	TidyExit exit;
	const char *word;
} endings[] = {
	[TIDY_ERROR_IO] = { TIDY_EXIT_PROBLEMS, "io" },
	[TIDY_ERROR_NAME_SPACE] = { TIDY_EXIT_PROBLEMS, "name-space" },
	[TIDY_ERROR_CONFIG] = { TIDY_EXIT_USAGE, "config" },
	[TIDY_ERROR_REFUSED] = { TIDY_EXIT_REFUSED, "refused" },
	[TIDY_ERROR_LOCKED] = { TIDY_EXIT_LOCKED, "locked" },
	[TIDY_ERROR_JOURNAL] = { TIDY_EXIT_PROBLEMS, "journal" },
	[TIDY_ERROR_NOT_FOUND] = { TIDY_EXIT_USAGE, "not-found" },
	[TIDY_ERROR_CANCELLED] = { TIDY_EXIT_INTERRUPTED, "cancelled" },
	[TIDY_ERROR_NO_SPACE] = { TIDY_EXIT_PROBLEMS, "no-space" },
	[TIDY_ERROR_USAGE] = { TIDY_EXIT_USAGE, "usage" },
};

static void
complain(const TidyInvocation *call, TidyExit code, const char *word, const char *message)
{
	g_autofree char *shown = tidy_text_display(message);
	g_auto(TidyOutput) out = { 0 };

	if (call->is_json) {
		g_autofree char *json = tidy_json_error(word, (int)code, shown);

		fputs(json, stderr);
		return;
	}
	tidy_output_init_terminal(&out, "/", STDERR_FILENO, call->colour);
	tidy_output_add(&out, TIDY_STYLE_BAD, "xdgtidy:");
	tidy_output_add(&out, TIDY_STYLE_PLAIN, " %s\n", shown);
	tidy_output_flush(&out, stderr);
}

TidyExit
tidy_fail(const TidyInvocation *call, TidyExit code, const char *word, const char *format, ...)
{
	g_autofree char *message = NULL;
	va_list args;

	va_start(args, format);
	message = g_strdup_vprintf(format, args);
	va_end(args);
	complain(call, code, word, message);
	return code;
}

/* What to do next, where the message cannot know it. */
static const char *
advice(int code)
{
	switch ((TidyError)code) {
	case TIDY_ERROR_CANCELLED:
		return _("; the same command goes on from here, 'xdgtidy undo' takes back what was "
			 "done");
	case TIDY_ERROR_CONFIG:
		return _("; mend it, then see: xdgtidy config check");
	case TIDY_ERROR_NO_SPACE:
		return _("; make room, then run the same command again");
	case TIDY_ERROR_IO:
	case TIDY_ERROR_NAME_SPACE:
	case TIDY_ERROR_REFUSED:
	case TIDY_ERROR_LOCKED:
	case TIDY_ERROR_JOURNAL:
	case TIDY_ERROR_NOT_FOUND:
	case TIDY_ERROR_USAGE:
		return "";
	}
	return "";
}

TidyExit
tidy_fail_error(const TidyInvocation *call, const GError *error)
{
	if (error->domain == TIDY_ERROR && error->code >= 0 &&
	    error->code < (int)G_N_ELEMENTS(endings)) {
		return tidy_fail(call, endings[error->code].exit, endings[error->code].word, "%s%s",
				 error->message, advice(error->code));
	}
	return tidy_fail(call, TIDY_EXIT_NO_DAEMON, "daemon",
			 _("the daemon does not answer: %s; see: systemctl --user status xdgtidy, "
			   "or use --direct"),
			 error->message);
}

gboolean
tidy_print_json(TidyInvocation *call, GVariant *report)
{
	g_autofree char *json = NULL;

	if (!call->is_json)
		return FALSE;
	json = tidy_json_report(report);
	g_string_append(call->out->text, json);
	return TRUE;
}
