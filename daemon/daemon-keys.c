/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key half as a part of the daemon: its settings, its signals. I/O: through daemon/keyboard.h. */
#include "daemon/daemon-private.h"

static void
on_changed(gpointer data)
{
	TidyDaemon *daemon = data;

	if (daemon->bus != NULL)
		tidy_bus_emit_changed(daemon->bus);
}

static void
on_layer(const char *name, gboolean is_on, gpointer data)
{
	TidyDaemon *daemon = data;

	if (daemon->bus != NULL)
		tidy_bus_emit_layer(daemon->bus, name, is_on);
}

void
tidy_daemon_start_keys(TidyDaemon *daemon, const TidyDaemonOptions *options)
{
	g_autofree char *dir = g_path_get_dirname(daemon->config_path);
	g_autofree char *path = g_build_filename(dir, "keyremap.conf", NULL);
	g_autofree char *notes_file =
		g_build_filename(g_get_user_runtime_dir(), "xdgtidy", "keyboards", NULL);

	daemon->keyboard = tidy_keyboard_new(&(TidyKeyboardOptions){ .path = path,
								     .bus = daemon->connection,
								     .notifier = daemon->notifier,
								     .notes_file = notes_file,
								     .access = options->keys_access,
								     .times = options->keys_times },
					     &(TidyKeyboardFuncs){ .changed = on_changed,
								   .layer = on_layer,
								   .data = daemon });
}

void
tidy_daemon_apply_keys(TidyDaemon *daemon)
{
	guint32 on_lock = TIDY_CONFIG_ON_LOCK_SAFE;
	guint32 level = TIDY_CONFIG_NOTIFY_SUMMARY;

	g_variant_lookup(daemon->survey, "level", "u", &level);
	g_variant_lookup(daemon->survey, "keys-on-lock", "u", &on_lock);
	tidy_keyboard_configure(
		daemon->keyboard,
		&(TidyConfigKeys){ .is_enabled = tidy_daemon_survey_flag(daemon, "keys-enabled"),
				   .on_lock = (TidyConfigOnLock)on_lock },
		(TidyConfigNotify)level);
}
