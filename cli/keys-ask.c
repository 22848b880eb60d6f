/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy keys status, devices, reload, suspend and resume. I/O: the session bus, standard output and error. */
#include "cli/keys-ask.h"

#include <glib/gi18n.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cmd-keys.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/report-read.h"
#include "home/base/text.h"
#include "home/service/dbus-errors.h"

/* A keymap of the largest size is compiled within this; a daemon that takes longer hangs. */
#define TIMEOUT_MSEC (25 * 1000)

/* ---- the daemon ---- */

/* GIO would start a bus of its own (dbus-launch) when there is none; a command must not. */
static gboolean
has_session_bus(void)
{
	g_autofree char *socket = g_build_filename(g_get_user_runtime_dir(), "bus", NULL);
	const char *address = g_getenv("DBUS_SESSION_BUS_ADDRESS");

	return (address != NULL && *address != '\0') || g_file_test(socket, G_FILE_TEST_EXISTS);
}

GDBusConnection *
tidy_keys_daemon(void)
{
	g_autoptr(GDBusConnection) bus = NULL;
	g_autoptr(GVariant) reply = NULL;
	gboolean has_owner = FALSE;

	if (!has_session_bus())
		return NULL;
	tidy_dbus_errors_register();
	bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL);
	if (bus == NULL)
		return NULL;
	g_dbus_connection_set_exit_on_close(bus, FALSE);
	reply = g_dbus_connection_call_sync(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
					    "org.freedesktop.DBus", "NameHasOwner",
					    g_variant_new("(s)", TIDY_DBUS_NAME),
					    G_VARIANT_TYPE("(b)"), G_DBUS_CALL_FLAGS_NONE,
					    TIMEOUT_MSEC, NULL, NULL);
	if (reply != NULL)
		g_variant_get(reply, "(b)", &has_owner);
	return has_owner ? g_steal_pointer(&bus) : NULL;
}

GVariant *
tidy_keys_call(GDBusConnection *bus, const char *method, GVariant *arguments, GError **error)
{
	g_autoptr(GVariant) reply =
		g_dbus_connection_call_sync(bus, TIDY_DBUS_NAME, TIDY_DBUS_PATH, TIDY_DBUS_NAME,
					    method, arguments, NULL,
					    G_DBUS_CALL_FLAGS_NO_AUTO_START, TIMEOUT_MSEC, NULL,
					    error);
	GVariant *report;

	if (reply == NULL) {
		if (error != NULL)
			g_dbus_error_strip_remote_error(*error);
		return NULL;
	}
	report = g_variant_is_of_type(reply, G_VARIANT_TYPE("(a{sv})"))
			 ? g_variant_get_child_value(reply, 0)
			 : g_variant_ref_sink(g_variant_new("a{sv}", NULL));
	/* In one piece of memory: strings borrowed from it stay where they are. */
	g_variant_get_data(report);
	return report;
}

static int
exit_status(const GError *error)
{
	if (error->domain != TIDY_ERROR)
		return TIDY_EXIT_NO_DAEMON;
	switch ((TidyError)error->code) {
	case TIDY_ERROR_REFUSED:
		return TIDY_EXIT_REFUSED;
	case TIDY_ERROR_CONFIG:
	case TIDY_ERROR_NOT_FOUND:
	case TIDY_ERROR_USAGE:
		return TIDY_EXIT_USAGE;
	case TIDY_ERROR_IO:
	case TIDY_ERROR_NAME_SPACE:
	case TIDY_ERROR_LOCKED:
	case TIDY_ERROR_JOURNAL:
	case TIDY_ERROR_CANCELLED:
	case TIDY_ERROR_NO_SPACE:
		break;
	}
	return TIDY_EXIT_PROBLEMS;
}

int
tidy_keys_fail(const GError *error)
{
	g_autofree char *shown = tidy_text_display(error->message);

	fprintf(stderr, "%s: %s\n", g_get_prgname(), shown);
	return exit_status(error);
}

int
tidy_keys_fail_no_daemon(void)
{
	fprintf(stderr, "%s: %s\n", g_get_prgname(),
		_("the daemon does not run; start it with: systemctl --user start xdgtidy"));
	return TIDY_EXIT_NO_DAEMON;
}

/* ---- status and devices ---- */

static int
show_report(int argc, char **argv, const char *synopsis, gboolean only_devices)
{
	gboolean is_json = FALSE;
	const GOptionEntry options[] = {
		{ "json", 0, 0, G_OPTION_ARG_NONE, &is_json, "print the daemon's report as JSON",
		  NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GDBusConnection) bus = NULL;
	g_autoptr(GVariant) report = NULL;
	g_autoptr(GError) error = NULL;
	g_auto(TidyOutput) out = { 0 };

	if (!tidy_keys_parse(&argc, &argv, synopsis, options, NULL) || argc > 1)
		return TIDY_EXIT_USAGE;
	bus = tidy_keys_daemon();
	if (bus == NULL)
		return tidy_keys_fail_no_daemon();
	report = tidy_keys_call(bus, "KeysStatus", NULL, &error);
	if (report == NULL)
		return tidy_keys_fail(error);
	tidy_output_init_terminal(&out, g_get_home_dir(), STDOUT_FILENO, NULL);
	if (is_json) {
		g_autofree char *json = tidy_json_report(report);

		g_string_append(out.text, json);
	} else if (only_devices) {
		tidy_render_keys_devices(&out, report, TRUE);
	} else {
		tidy_render_keys(&out, report);
	}
	tidy_output_flush(&out, stdout);
	return TIDY_EXIT_DONE;
}

int
tidy_keys_status(int argc, char **argv, const char *synopsis)
{
	return show_report(argc, argv, synopsis, FALSE);
}

int
tidy_keys_devices(int argc, char **argv, const char *synopsis)
{
	return show_report(argc, argv, synopsis, TRUE);
}

/* ---- reload, suspend, resume ---- */

static int
order(int argc, char **argv, const char *synopsis, const char *method, const char *done)
{
	g_autoptr(GDBusConnection) bus = NULL;
	g_autoptr(GVariant) report = NULL;
	g_autoptr(GError) error = NULL;

	if (!tidy_keys_parse(&argc, &argv, synopsis, NULL, NULL) || argc > 1)
		return TIDY_EXIT_USAGE;
	bus = tidy_keys_daemon();
	if (bus == NULL)
		return tidy_keys_fail_no_daemon();
	report = tidy_keys_call(bus, method, NULL, &error);
	if (report == NULL)
		return tidy_keys_fail(error);
	puts(done);
	return TIDY_EXIT_DONE;
}

int
tidy_keys_reload(int argc, char **argv, const char *synopsis)
{
	return order(argc, argv, synopsis, "KeysReload", _("keyremap.conf is in use."));
}

int
tidy_keys_suspend(int argc, char **argv, const char *synopsis)
{
	return order(argc, argv, synopsis, "KeysSuspend",
		     _("The keyboards are as without xdgtidy until 'xdgtidy keys resume'."));
}

int
tidy_keys_resume(int argc, char **argv, const char *synopsis)
{
	return order(argc, argv, synopsis, "KeysResume", _("Keys are remapped again."));
}
