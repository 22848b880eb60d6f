/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The methods of io.github.xdgtidy.XdgTidy1 that are about keys. I/O: the session bus. */
#include "daemon/bus-keys.h"

#include "daemon/bus.h"
#include "home/base/error.h"

/* The two kinds of answers: a report, or nothing. */

static void
answer_report(GVariant *report, const GError *error, gpointer invocation)
{
	if (error != NULL)
		g_dbus_method_invocation_return_gerror(invocation, error);
	else
		g_dbus_method_invocation_return_value(invocation,
						      g_variant_new("(@a{sv})", report));
}

static void
answer_nothing(GVariant *report, const GError *error, gpointer invocation)
{
	if (error != NULL)
		g_dbus_method_invocation_return_gerror(invocation, error);
	else
		g_dbus_method_invocation_return_value(invocation, NULL);
}

static gboolean
on_status(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, gpointer keyboard)
{
	tidy_keyboard_status(keyboard, answer_report, invocation);
	return TRUE;
}

static gboolean
on_reload(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, gpointer keyboard)
{
	tidy_keyboard_reload(keyboard, answer_nothing, invocation);
	return TRUE;
}

static gboolean
on_suspend(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, gpointer keyboard)
{
	tidy_keyboard_suspend(keyboard, TRUE, answer_nothing, invocation);
	return TRUE;
}

static gboolean
on_resume(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, gpointer keyboard)
{
	tidy_keyboard_suspend(keyboard, FALSE, answer_nothing, invocation);
	return TRUE;
}

static gboolean
on_try(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, GVariant *bytes, guint seconds,
       gpointer keyboard)
{
	g_autofree char *path = NULL;
	GError *error = NULL;

	if (tidy_bus_decode_path(bytes, &path, &error) &&
	    (path == NULL || !g_path_is_absolute(path)))
		g_set_error_literal(&error, TIDY_ERROR, TIDY_ERROR_USAGE,
				    "reading the call: the path is not absolute");
	if (error != NULL)
		g_dbus_method_invocation_take_error(invocation, error);
	else
		tidy_keyboard_try(keyboard, path, seconds, answer_report, invocation);
	return TRUE;
}

static gboolean
on_confirm(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, gpointer keyboard)
{
	tidy_keyboard_settle_trial(keyboard, TRUE, answer_nothing, invocation);
	return TRUE;
}

static gboolean
on_revert(TidyDBusService *skeleton, GDBusMethodInvocation *invocation, gpointer keyboard)
{
	tidy_keyboard_settle_trial(keyboard, FALSE, answer_nothing, invocation);
	return TRUE;
}

static const struct {
	const char *signal;
	GCallback handler;
} handlers[] = {
	{ "handle-keys-status", G_CALLBACK(on_status) },
	{ "handle-keys-reload", G_CALLBACK(on_reload) },
	{ "handle-keys-suspend", G_CALLBACK(on_suspend) },
	{ "handle-keys-resume", G_CALLBACK(on_resume) },
	{ "handle-keys-try", G_CALLBACK(on_try) },
	{ "handle-keys-confirm", G_CALLBACK(on_confirm) },
	{ "handle-keys-revert", G_CALLBACK(on_revert) },
};

void
tidy_bus_keys_connect(TidyDBusService *skeleton, TidyKeyboard *keyboard)
{
	for (guint i = 0; i < G_N_ELEMENTS(handlers); i++)
		g_signal_connect(skeleton, handlers[i].signal, handlers[i].handler, keyboard);
}
