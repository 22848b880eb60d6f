/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs the text of command() as the user. I/O: systemd over the session bus, or a child process. */
#include "daemon/keys-command.h"

#include <unistd.h>

#include "daemon/log.h"

#define SYSTEMD		"org.freedesktop.systemd1"
#define SYSTEMD_PATH	"/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

/* Starts under way. More come only from a helper or a key gone wild. */
#define PENDING_MAX 16

static guint n_pending;

static void
log_failure(const GError *error)
{
	tidy_log(G_LOG_LEVEL_WARNING, NULL, 0, "command", "a command could not be started: %s",
		 error->message);
}

static void
set_apart(gpointer unused)
{
	setsid();
}

/* Without systemd there is no sandbox that a child would inherit either. */
static void
spawn(const char *text)
{
	const char *argv[] = { "/bin/sh", "-c", text, NULL };
	g_autoptr(GError) error = NULL;

	if (!g_spawn_async(g_get_home_dir(), (char **)argv, NULL,
			   G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, set_apart, NULL,
			   NULL, &error))
		log_failure(error);
}

static void
on_started(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autofree char *text = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply =
		g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

	n_pending--;
	if (reply != NULL)
		return;
	/* Only what says that nobody was there to start it: else it might run twice. */
	if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
	    g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
		spawn(text);
	else
		log_failure(error);
}

/* systemd.service(5). ExecStartEx with no-env-expand: "$" is the shell's, not systemd's. */
static GVariant *
unit_properties(const char *text)
{
	const char *argv[] = { "/bin/sh", "-c", text, NULL };
	const char *flags[] = { "no-env-expand", NULL };
	GVariantBuilder command, properties;

	g_variant_builder_init(&command, G_VARIANT_TYPE("a(sasas)"));
	g_variant_builder_add(&command, "(s^as^as)", argv[0], argv, flags);
	g_variant_builder_init(&properties, G_VARIANT_TYPE("a(sv)"));
	g_variant_builder_add(&properties, "(sv)", "Description",
			      g_variant_new_string("A command bound to a key by xdgtidy"));
	g_variant_builder_add(&properties, "(sv)", "WorkingDirectory",
			      g_variant_new_string(g_get_home_dir()));
	g_variant_builder_add(&properties, "(sv)", "CollectMode",
			      g_variant_new_string("inactive-or-failed"));
	g_variant_builder_add(&properties, "(sv)", "ExecStartEx", g_variant_builder_end(&command));
	return g_variant_builder_end(&properties);
}

void
tidy_keys_command_run(GDBusConnection *bus, const char *text)
{
	g_autofree char *uuid = NULL;
	g_autofree char *unit = NULL;

	if (bus == NULL) {
		spawn(text);
		return;
	}
	if (n_pending == PENDING_MAX) {
		tidy_log(G_LOG_LEVEL_WARNING, NULL, 0, "command",
			 "a command was dropped: %d are being started", PENDING_MAX);
		return;
	}
	n_pending++;
	uuid = g_uuid_string_random();
	unit = g_strdup_printf("xdgtidy-command-%s.service", uuid);
	g_dbus_connection_call(bus, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "StartTransientUnit",
			       g_variant_new("(ss@a(sv)a(sa(sv)))", unit, "fail",
					     unit_properties(text), NULL),
			       G_VARIANT_TYPE("(o)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL,
			       on_started, g_strdup(text));
}
