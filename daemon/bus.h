/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The D-Bus face: methods of io.github.xdgtidy.XdgTidy1 become jobs, answers become replies and signals. I/O. */
#pragma once

#include <gio/gio.h>

#include "daemon/jobs.h"
#include "daemon/keyboard.h"

typedef struct TidyBus TidyBus;

typedef struct {
	const char *(*home)(gpointer data);
	/* Whether @path is a configured user directory outside the home. */
	gboolean (*is_user_dir)(const char *path, gpointer data);
	/* What was last seen. Reports: status, scan; not floating. */
	GVariant *(*status)(gpointer data);
	GVariant *(*scan)(gpointer data);
	/* A survey, merge or undo that a caller asked for answered this. */
	void (*surveyed)(GVariant *survey, gpointer data);
	void (*finished)(GVariant *report, gpointer data);
	/* Reload, pause or resume was done (@error NULL) or failed. */
	void (*changed)(const GError *error, gpointer data);
	gpointer data;
} TidyBusFuncs;

/* Exports the object on @bus. Worker and keyboard are borrowed. NULL with the error of g_dbus_interface_skeleton_export(). */
TidyBus *tidy_bus_new(GDBusConnection *bus, TidyWorker *worker, TidyKeyboard *keyboard,
		      const TidyBusFuncs *funcs, GError **error);
void tidy_bus_free(TidyBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyBus, tidy_bus_free)

/* Signals. */
void tidy_bus_emit_changed(TidyBus *bus);
void tidy_bus_emit_progress(TidyBus *bus, const char *what, const guint64 numbers[4]);
void tidy_bus_emit_merged(TidyBus *bus, GVariant *report);
void tidy_bus_emit_failed(TidyBus *bus, const GError *error);
void tidy_bus_emit_layer(TidyBus *bus, const char *layer, gboolean is_on);

/* The bytes without a final zero, in *path; NULL for none. FALSE with TIDY_ERROR_USAGE: a zero byte inside. */
gboolean tidy_bus_decode_path(GVariant *bytes, char **path, GError **error);

/**
 * tidy_bus_path - a path argument as it came over the bus
 * @bytes: ay, with or without a final zero byte
 * @home: absolute
 *
 * Returns: (transfer full): absolute and without "." and ".."; NULL with @error unset for the empty array; NULL with
 * TIDY_ERROR_USAGE when it has a zero byte inside, or TIDY_ERROR_REFUSED when it is not below @home. Does not look at
 * the disk: links are the engine's matter.
 */
char *tidy_bus_path(GVariant *bytes, const char *home, GError **error);
