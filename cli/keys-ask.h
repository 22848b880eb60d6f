/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy keys: the commands that ask the daemon, and what they share. I/O: the session bus. */
#pragma once

#include <gio/gio.h>

#include "cli/output.h"

/* The session bus with a daemon on it, or NULL. Never starts one. (transfer full) */
GDBusConnection *tidy_keys_daemon(void);

/* Calls the daemon; the report, an empty one when the method has none, or NULL with @error (TIDY_ERROR). */
GVariant *tidy_keys_call(GDBusConnection *bus, const char *method, GVariant *arguments,
			 GError **error);

/* Says on standard error what went wrong, and answers the exit status: one of TidyExit. */
int tidy_keys_fail(const GError *error);
int tidy_keys_fail_no_daemon(void);

/* Report "keys" of home/service/report.h as text. @all_devices: also those that are left alone. Pure. */
void tidy_render_keys(TidyOutput *out, GVariant *report);
void tidy_render_keys_devices(TidyOutput *out, GVariant *report, gboolean all_devices);

int tidy_keys_status(int argc, char **argv, const char *synopsis);
int tidy_keys_devices(int argc, char **argv, const char *synopsis);
int tidy_keys_reload(int argc, char **argv, const char *synopsis);
int tidy_keys_suspend(int argc, char **argv, const char *synopsis);
int tidy_keys_resume(int argc, char **argv, const char *synopsis);
int tidy_keys_try(int argc, char **argv, const char *synopsis);
int tidy_keys_monitor(int argc, char **argv, const char *synopsis);
int tidy_keys_test(int argc, char **argv, const char *synopsis);
