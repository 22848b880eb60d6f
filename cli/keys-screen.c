/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose screen is in front, and whether it is locked. I/O: the system bus. */
#include "cli/keys-screen.h"

#include <unistd.h>

#define LOGIND	       "org.freedesktop.login1"
#define LOGIND_PATH    "/org/freedesktop/login1"
#define LOGIND_MANAGER "org.freedesktop.login1.Manager"
#define LOGIND_SESSION "org.freedesktop.login1.Session"
#define PROPERTIES     "org.freedesktop.DBus.Properties"
#define TIMEOUT_MSEC   5000

static GVariant *
call(GDBusConnection *bus, const char *path, const char *interface, const char *method,
     GVariant *arguments, const char *reply)
{
	return g_dbus_connection_call_sync(bus, LOGIND, path, interface, method, arguments,
					   G_VARIANT_TYPE(reply), G_DBUS_CALL_FLAGS_NO_AUTO_START,
					   TIMEOUT_MSEC, NULL, NULL);
}

/* A session without a seat (ssh) counts as active all the time, and has no screen. */
static TidyKeysScreen
look_at(GDBusConnection *bus, const char *path, guint32 uid)
{
	g_autoptr(GVariant) reply = call(bus, path, PROPERTIES, "GetAll",
					 g_variant_new("(s)", LOGIND_SESSION), "(a{sv})");
	g_autoptr(GVariant) properties = NULL;
	gboolean is_active = FALSE, is_locked = FALSE;

	if (reply == NULL)
		return TIDY_KEYS_SCREEN_OPEN;
	properties = g_variant_get_child_value(reply, 0);
	g_variant_lookup(properties, "Active", "b", &is_active);
	g_variant_lookup(properties, "LockedHint", "b", &is_locked);
	if (!is_active)
		return TIDY_KEYS_SCREEN_OPEN;
	if (is_locked)
		return TIDY_KEYS_SCREEN_LOCKED;
	/* Root asks for the user who became root. */
	return getuid() != 0 && uid != (guint32)getuid() ? TIDY_KEYS_SCREEN_FOREIGN
							 : TIDY_KEYS_SCREEN_OPEN;
}

TidyKeysScreen
tidy_keys_screen_look(GDBusConnection *bus)
{
	g_autoptr(GVariant) reply = bus != NULL ? call(bus, LOGIND_PATH, LOGIND_MANAGER,
						       "ListSessions", NULL, "(a(susso))")
						: NULL;
	TidyKeysScreen screen = TIDY_KEYS_SCREEN_OPEN;
	g_autoptr(GVariantIter) sessions = NULL;
	const char *seat, *path;
	guint32 uid;

	if (reply == NULL)
		return screen;
	g_variant_get(reply, "(a(susso))", &sessions);
	while (screen == TIDY_KEYS_SCREEN_OPEN &&
	       g_variant_iter_next(sessions, "(su&s&s&o)", NULL, &uid, NULL, &seat, &path))
		if (*seat != '\0')
			screen = look_at(bus, path, uid);
	return screen;
}

typedef struct {
	void (*changed)(gpointer data);
	gpointer data;
} Watch;

static void
on_signal(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
	  const char *member, GVariant *arguments, gpointer data)
{
	const Watch *watch = data;

	watch->changed(watch->data);
}

void
tidy_keys_screen_watch(GDBusConnection *bus, void (*changed)(gpointer data), gpointer data)
{
	Watch *watch = g_new(Watch, 1);

	*watch = (Watch){ changed, data };
	g_dbus_connection_signal_subscribe(bus, LOGIND, NULL, NULL, NULL, NULL,
					   G_DBUS_SIGNAL_FLAGS_NONE, on_signal, watch, g_free);
}
