/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Watches files by their names. I/O: inotify. */
#include "daemon/keys-files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/inotify-source.h"
#include "daemon/timer.h"
#include "home/base/error.h"

#define MASK                                                                                \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
/* The directory is not what it was, or events were lost. */
#define MASK_LOST (IN_Q_OVERFLOW | IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)

/* A name in a watched directory that matters. */
typedef struct {
	int watch;
	char *name;
	char *path;
} Place;

struct TidyKeysFiles {
	gint64 quiet_usec;
	void (*changed)(gpointer data);
	gpointer data;
	char **paths;
	GSource *inotify; /* NULL: nothing is watched */
	GSource *timer;
	GArray *places;
	char *problem;
};

static void
place_clear(gpointer data)
{
	Place *place = data;

	g_free(place->name);
	g_free(place->path);
}

static void
unhook(TidyKeysFiles *files)
{
	if (files->inotify != NULL)
		g_source_destroy(files->inotify);
	g_clear_pointer(&files->inotify, g_source_unref);
	g_array_set_size(files->places, 0);
}

/* Through the nearest directory that exists. */
static void
add_place(TidyKeysFiles *files, const char *path)
{
	g_autofree char *child = g_strdup(path);
	Place place = { .watch = -1 };

	for (;;) {
		g_autofree char *parent = g_path_get_dirname(child);

		place.watch = tidy_inotify_source_add(files->inotify, parent, MASK);
		if (place.watch >= 0 || strcmp(parent, child) == 0 ||
		    (place.watch != -ENOENT && place.watch != -ENOTDIR))
			break;
		g_free(child);
		child = g_steal_pointer(&parent);
	}
	if (place.watch < 0) {
		if (files->problem == NULL)
			files->problem = g_strdup_printf("cannot watch %s: %s", path,
							 g_strerror(-place.watch));
		return;
	}
	place.name = g_path_get_basename(child);
	place.path = g_steal_pointer(&child);
	g_array_append_val(files->places, place);
}

/* A configuration that is a link (stow, chezmoi) is edited elsewhere. */
static void
add_path(TidyKeysFiles *files, const char *path)
{
	char *real;

	add_place(files, path);
	real = realpath(path, NULL);
	if (real != NULL && strcmp(real, path) != 0)
		add_place(files, real);
	free(real);
}

/* A new file without content is no news: its content follows. A link, or a second name of a file, is whole. */
static gboolean
is_empty_news(const Place *place, guint32 mask)
{
	struct stat st;

	if ((mask & MASK & ~(guint32)IN_ISDIR) != IN_CREATE || mask & IN_ISDIR)
		return FALSE;
	return lstat(place->path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static gboolean
is_news(TidyKeysFiles *files, const TidyInotifyEvent *event)
{
	if (event->mask & MASK_LOST)
		return TRUE;
	for (guint i = 0; event->name != NULL && i < files->places->len; i++) {
		const Place *place = &g_array_index(files->places, Place, i);

		if (place->watch == event->watch && strcmp(place->name, event->name) == 0 &&
		    !is_empty_news(place, event->mask))
			return TRUE;
	}
	return FALSE;
}

static void hook(TidyKeysFiles *files);

static gboolean
on_quiet(gpointer data)
{
	TidyKeysFiles *files = data;

	tidy_timer_set(&files->timer, 0, NULL, NULL);
	hook(files);
	files->changed(files->data);
	return G_SOURCE_REMOVE;
}

static void
on_event(const TidyInotifyEvent *event, gpointer data)
{
	TidyKeysFiles *files = data;

	if (event == NULL || files->timer != NULL || !is_news(files, event))
		return;
	tidy_timer_set(&files->timer, files->quiet_usec, on_quiet, files);
}

/* All anew: directories may have come and gone. */
static void
hook(TidyKeysFiles *files)
{
	g_autoptr(GError) error = NULL;

	unhook(files);
	g_clear_pointer(&files->problem, g_free);
	if (files->paths == NULL || files->paths[0] == NULL)
		return;
	files->inotify = tidy_inotify_source_new(on_event, files, &error);
	if (files->inotify == NULL) {
		files->problem = g_strdup(error->message);
		return;
	}
	g_source_attach(files->inotify, g_main_context_get_thread_default());
	for (char **path = files->paths; *path != NULL; path++)
		add_path(files, *path);
}

gboolean
tidy_keys_files_set(TidyKeysFiles *files, const char *const *paths)
{
	g_auto(GStrv) before = g_steal_pointer(&files->paths);
	gboolean has_new = FALSE;

	for (guint i = 0; paths[i] != NULL; i++)
		has_new |=
			before == NULL || !g_strv_contains((const char *const *)before, paths[i]);
	files->paths = g_strdupv((char **)paths);
	if (has_new || g_strv_length(before) != g_strv_length(files->paths))
		hook(files);
	return has_new;
}

const char *
tidy_keys_files_problem(const TidyKeysFiles *files)
{
	return files->problem != NULL ? files->problem : "";
}

TidyKeysFiles *
tidy_keys_files_new(gint64 quiet_usec, void (*changed)(gpointer data), gpointer data)
{
	TidyKeysFiles *files = g_new0(TidyKeysFiles, 1);

	files->quiet_usec = quiet_usec;
	files->changed = changed;
	files->data = data;
	files->places = g_array_new(FALSE, FALSE, sizeof(Place));
	g_array_set_clear_func(files->places, place_clear);
	return files;
}

void
tidy_keys_files_free(TidyKeysFiles *files)
{
	tidy_timer_set(&files->timer, 0, NULL, NULL);
	unhook(files);
	g_array_unref(files->places);
	g_strfreev(files->paths);
	g_free(files->problem);
	g_free(files);
}
