/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy keys monitor: what keyboards send and what xdgtidy-keys makes of it. I/O: input devices, both buses. */
/*
 * Reads the devices itself, with the caller's own rights: the helper never tells a key to anybody. A keyboard that is
 * remapped gives its events to the helper alone, so only what becomes of them can be seen.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <linux/input.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cmd-keys.h"
#include "cli/commands.h"
#include "cli/keys-ask.h"
#include "cli/keys-screen.h"
#include "cli/report-read.h"
#include "keys/remap/keynames.h"

#define INPUT_DIR "/dev/input"
/* What the virtual devices have in their physical path (keys/helper/device-info.h). */
#define CLONE_PHYS "xdgtidy-keys/"
#define NAME_SIZE  80

typedef struct {
	GMainLoop *loop;
	GDBusConnection *system_bus;
	const char *folder;
	gint64 begin_usec;
	guint n_open;
	char *refused; /* the first device that could not be opened, and why */
	int status;
} Monitor;

typedef struct {
	Monitor *monitor;
	char *node;
	gboolean is_clone;
} Device;

static void
device_free(gpointer data)
{
	Device *device = data;

	g_free(device->node);
	g_free(device);
}

static void
show_event(const Device *device, const struct input_event *event)
{
	static const char *const values[] = { "up", "down", "repeat" };
	const char *name = remap_key_name(event->code);
	gint64 msec = (g_get_monotonic_time() - device->monitor->begin_usec) / 1000;

	if (event->type == EV_SYN && event->code == SYN_DROPPED)
		printf("%8" G_GINT64_FORMAT " %-8s the kernel lost events\n", msec, device->node);
	if (event->type != EV_KEY || event->value < 0 || event->value > 2)
		return;
	printf("%8" G_GINT64_FORMAT " %-8s %-8s %s %s\n", msec, device->node,
	       device->is_clone ? "emitted" : "physical", name != NULL ? name : "?",
	       values[event->value]);
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
	const Device *device = data;
	struct input_event events[64];
	ssize_t length = read(fd, events, sizeof events);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (length < (ssize_t)sizeof *events) {
		printf("%s is gone\n", device->node);
		fflush(stdout);
		close(fd);
		return G_SOURCE_REMOVE;
	}
	for (gsize i = 0; i < (gsize)length / sizeof *events; i++)
		show_event(device, &events[i]);
	fflush(stdout);
	return G_SOURCE_CONTINUE;
}

static gboolean
has_keys(int fd)
{
	unsigned char types[EV_CNT / 8] = { 0 };

	return ioctl(fd, EVIOCGBIT(0, sizeof types), types) >= 0 && types[0] & 1 << EV_KEY;
}

static void
watch_device(Monitor *monitor, const char *node, int fd)
{
	char name[NAME_SIZE] = "", phys[NAME_SIZE] = "";
	Device *device = g_new0(Device, 1);

	ioctl(fd, EVIOCGNAME(sizeof name - 1), name);
	ioctl(fd, EVIOCGPHYS(sizeof phys - 1), phys);
	device->monitor = monitor;
	device->node = g_strdup(node);
	device->is_clone = g_str_has_prefix(phys, CLONE_PHYS);
	monitor->n_open++;
	printf("%-8s %s: %s\n", node, device->is_clone ? _("what xdgtidy emits") : _("physical"),
	       name);
	g_unix_fd_add_full(G_PRIORITY_DEFAULT, fd, G_IO_IN, on_readable, device, device_free);
}

static void
open_device(Monitor *monitor, const char *node)
{
	g_autofree char *path = g_build_filename(monitor->folder, node, NULL);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);

	if (fd < 0) {
		if (monitor->refused == NULL)
			monitor->refused = g_strdup_printf("%s: %s", path, g_strerror(errno));
		return;
	}
	if (has_keys(fd))
		watch_device(monitor, node, fd);
	else
		close(fd);
}

static gboolean
open_devices(Monitor *monitor)
{
	DIR *dir = opendir(monitor->folder);
	const struct dirent *entry;

	if (dir == NULL)
		monitor->refused = g_strdup_printf("%s: %s", monitor->folder, g_strerror(errno));
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (g_str_has_prefix(entry->d_name, "event"))
			open_device(monitor, entry->d_name);
	if (dir != NULL)
		closedir(dir);
	if (monitor->n_open > 0)
		return TRUE;
	fprintf(stderr, "%s: %s\n%s\n", g_get_prgname(),
		monitor->refused != NULL ? monitor->refused : _("there is no keyboard"),
		_("It reads the devices itself, with your rights: run it as root."));
	return FALSE;
}

/* ---- the screen ---- */

static gboolean
may_look(Monitor *monitor)
{
	switch (tidy_keys_screen_look(monitor->system_bus)) {
	case TIDY_KEYS_SCREEN_OPEN:
		return TRUE;
	case TIDY_KEYS_SCREEN_LOCKED:
		fprintf(stderr, "%s: %s\n", g_get_prgname(), _("not while the screen is locked"));
		break;
	case TIDY_KEYS_SCREEN_FOREIGN:
		fprintf(stderr, "%s: %s\n", g_get_prgname(),
			_("not while another user's session is in front"));
		break;
	}
	monitor->status = TIDY_EXIT_REFUSED;
	return FALSE;
}

static void
on_screen_changed(gpointer data)
{
	Monitor *monitor = data;

	if (monitor->status == TIDY_EXIT_DONE && !may_look(monitor))
		g_main_loop_quit(monitor->loop);
}

/* ---- what the daemon knows ---- */

/* FALSE: it says that the screen is locked. */
static gboolean
ask_daemon(Monitor *monitor)
{
	g_autoptr(GDBusConnection) bus = tidy_keys_daemon();
	g_autoptr(GVariant) report =
		bus != NULL ? tidy_keys_call(bus, "KeysStatus", NULL, NULL) : NULL;

	if (tidy_report_bool(report, "locked")) {
		fprintf(stderr, "%s: %s\n", g_get_prgname(), _("not while the screen is locked"));
		monitor->status = TIDY_EXIT_REFUSED;
		return FALSE;
	}
	for (gsize i = 0; i < tidy_report_list_length(report, "devices"); i++) {
		g_autoptr(GVariant) device = tidy_report_list_item(report, "devices", i);

		if (strcmp(tidy_report_str(device, "state"), "remapped") == 0)
			printf(_("%-8s gives its events to xdgtidy alone; to see them: xdgtidy "
				 "keys "
				 "suspend\n"),
			       tidy_report_str(device, "node"));
	}
	return TRUE;
}

static gboolean
on_stop(gpointer data)
{
	Monitor *monitor = data;

	g_main_loop_quit(monitor->loop);
	return G_SOURCE_CONTINUE;
}

int
tidy_keys_monitor(int argc, char **argv, const char *synopsis)
{
	g_autofree char *folder = NULL;
	/* --devices is for tests. */
	const GOptionEntry options[] = {
		{ "devices", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &folder,
		  "where the devices are", "DIR" },
		G_OPTION_ENTRY_NULL,
	};
	Monitor monitor = { .begin_usec = g_get_monotonic_time(), .status = TIDY_EXIT_DONE };

	if (!tidy_keys_parse(&argc, &argv, synopsis, options, NULL) || argc > 1)
		return TIDY_EXIT_USAGE;
	monitor.folder = folder != NULL ? folder : INPUT_DIR;
	monitor.loop = g_main_loop_new(NULL, FALSE);
	monitor.system_bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, NULL);
	/* Watched before it is looked at: no lock can come between. */
	if (monitor.system_bus != NULL) {
		g_dbus_connection_set_exit_on_close(monitor.system_bus, FALSE);
		tidy_keys_screen_watch(monitor.system_bus, on_screen_changed, &monitor);
	}
	if (may_look(&monitor) && ask_daemon(&monitor)) {
		if (!open_devices(&monitor)) {
			monitor.status = TIDY_EXIT_PROBLEMS;
		} else {
			g_unix_signal_add(SIGINT, on_stop, &monitor);
			g_unix_signal_add(SIGTERM, on_stop, &monitor);
			puts(_("Ctrl-C ends it."));
			fflush(stdout);
			g_main_loop_run(monitor.loop);
		}
	}
	g_clear_object(&monitor.system_bus);
	g_main_loop_unref(monitor.loop);
	g_free(monitor.refused);
	return monitor.status;
}
