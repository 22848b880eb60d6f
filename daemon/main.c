/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidyd: options, signals, the bus; then the daemon. I/O. */
#include <glib-unix.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "home/base/error.h"

/* Each thread would get an arena of its own, which an idle daemon does not need. */
#define MALLOC_ARENAS 1

static gboolean is_verbose;
static gboolean is_version;
static int settle_msec = -1;
static char *keys_socket, *keys_helper, *keys_devices;

static const GOptionEntry entries[] = {
	{ "verbose", 'v', 0, G_OPTION_ARG_NONE, &is_verbose, "Log more, file names too", NULL },
	{ "version", 0, 0, G_OPTION_ARG_NONE, &is_version, "Print the version and exit", NULL },
	/* For tests. --settle-ms: one short time in the place of all but [merge] settle, which the engine keeps too. */
	{ "settle-ms", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_INT, &settle_msec,
	  "Use this in the place of every waiting time", "MSEC" },
	{ "keys-socket", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &keys_socket,
	  "Use this in the place of /run/xdgtidy/keys.sock", "PATH" },
	{ "keys-helper", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &keys_helper,
	  "Start this program as the key helper", "PATH" },
	{ "keys-devices", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &keys_devices,
	  "Look here, in the place of /dev, whether the devices may be opened", "DIR" },
	{ NULL },
};

static gboolean
on_terminate(gpointer data)
{
	tidy_daemon_stop(data, TIDY_EXIT_OK);
	return G_SOURCE_CONTINUE;
}

static gboolean
on_hangup(gpointer data)
{
	tidy_daemon_reload(data);
	return G_SOURCE_CONTINUE;
}

/* GIO would start a bus of its own (dbus-launch) when there is none. */
static GDBusConnection *
connect_bus(void)
{
	g_autofree char *socket = g_build_filename(g_get_user_runtime_dir(), "bus", NULL);
	const char *address = g_getenv("DBUS_SESSION_BUS_ADDRESS");
	g_autoptr(GError) error = NULL;
	GDBusConnection *bus;

	if ((address == NULL || *address == '\0') && !g_file_test(socket, G_FILE_TEST_EXISTS))
		return NULL;
	bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, &error);
	if (bus == NULL)
		tidy_log(G_LOG_LEVEL_WARNING, NULL, 0, "bus", "session bus: %s", error->message);
	else
		g_dbus_connection_set_exit_on_close(bus, FALSE);
	return bus;
}

static TidyDaemonTimes
choose_times(void)
{
	TidyDaemonTimes times = tidy_daemon_times_default;
	gint64 usec = (gint64)settle_msec * 1000;

	if (settle_msec < 0)
		return times;
	times.start_usec = times.dirs_usec = times.burst_usec = times.dupes_usec = usec;
	times.look_usec = MIN(times.look_usec, usec);
	times.gap_usec = 0;
	return times;
}

static TidyKeyboardTimes
choose_keys_times(void)
{
	TidyKeyboardTimes times = tidy_keyboard_times_default;
	gint64 usec = (gint64)settle_msec * 1000;

	if (settle_msec >= 0)
		times.quiet_usec = times.back_off_usec = times.burst_usec = usec;
	return times;
}

static int
run(GDBusConnection *bus)
{
	g_autofree char *input =
		keys_devices != NULL ? g_build_filename(keys_devices, "input", NULL) : NULL;
	g_autofree char *uinput =
		keys_devices != NULL ? g_build_filename(keys_devices, "uinput", NULL) : NULL;
	const TidyKeysAccess *standard = &tidy_keys_access_default;
	const TidyKeysAccess access = {
		.socket = keys_socket != NULL ? keys_socket : standard->socket,
		.helper = keys_helper != NULL ? keys_helper : standard->helper,
		.input = input != NULL ? input : standard->input,
		.uinput = uinput != NULL ? uinput : standard->uinput,
	};
	g_autofree char *state_file =
		g_build_filename(g_get_user_runtime_dir(), "xdgtidy", "notes", NULL);
	const TidyServiceOptions service = { 0 };
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyDaemon) daemon = tidy_daemon_new(
		&(TidyDaemonOptions){ .service = &service,
				      .bus = bus,
				      .notifier = tidy_notifier_libnotify_new(bus, state_file),
				      .times = choose_times(),
				      .keys_access = &access,
				      .keys_times = choose_keys_times() },
		&error);
	guint ids[3];
	int code;

	if (daemon == NULL) {
		tidy_log(G_LOG_LEVEL_WARNING, TIDY_LOG_FAILED, 0, "start", "%s", error->message);
		return g_error_matches(error, TIDY_ERROR, TIDY_ERROR_LOCKED) ? TIDY_EXIT_LOCKED
									     : TIDY_EXIT_FAILED;
	}
	ids[0] = g_unix_signal_add(SIGTERM, on_terminate, daemon);
	ids[1] = g_unix_signal_add(SIGINT, on_terminate, daemon);
	ids[2] = g_unix_signal_add(SIGHUP, on_hangup, daemon);
	code = tidy_daemon_run(daemon);
	for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
		g_source_remove(ids[i]);
	return code;
}

int
main(int argc, char **argv)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GDBusConnection) bus = NULL;
	g_autoptr(GError) error = NULL;

	mallopt(M_ARENA_MAX, MALLOC_ARENAS);
	setlocale(LC_ALL, "");
	g_option_context_set_summary(
		context, "Keeps the XDG user directories of a home in order, and remaps keys.");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		fprintf(stderr, "xdgtidyd: %s\n", error->message);
		return 2;
	}
	if (is_version) {
		puts("xdgtidyd " TIDY_VERSION);
		return 0;
	}
	tidy_log_init(is_verbose);
	bus = connect_bus();
	return run(bus);
}
