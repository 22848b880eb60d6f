/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can wait until the answer is given: thumbnails of what was moved. I/O. */
#include <string.h>

#include "home/service/service-private.h"
#include "home/service/thumbnails.h"

/* @path as programs call it, when the home has two names. (transfer full) */
static char *
named(const TidyService *service, const char *path)
{
	gsize length = strlen(service->home);

	if (strncmp(path, service->home, length) == 0 && path[length] == '/')
		return g_strconcat(service->named_home, path + length, NULL);
	return g_strdup(path);
}

static void
follow_step(TidyService *service, TidyThumbnails *thumbnails, const TidyStep *step, const char *dir,
	    const char *to_dir, GCancellable *cancellable)
{
	g_autofree char *real_from = g_build_filename(dir, step->name, NULL);
	g_autofree char *real_to = g_build_filename(to_dir, step->to_name, NULL);
	g_autofree char *from = named(service, real_from);
	g_autofree char *to = named(service, real_to);

	if (step->type == TIDY_TYPE_DIR)
		tidy_thumbnails_move_below(thumbnails, from, to, real_to, cancellable);
	else
		tidy_thumbnails_move(thumbnails, from, to);
}

/* Steps of one directory come together: its path is made once. */
typedef struct {
	guint32 id; /* 0: none yet */
	char *path; /* or NULL */
} LastDir;

static const char *
path_of(const TidyJournal *journal, guint32 id, LastDir *last)
{
	if (last->id != id) {
		g_free(last->path);
		last->path = tidy_journal_dir_path(journal, id);
		last->id = id;
	}
	return last->path;
}

/* A step that was not made is harmless: the file is where it was. */
static void
follow_operation(TidyService *service, TidyThumbnails *thumbnails, const TidyJournal *journal,
		 GCancellable *cancellable)
{
	LastDir from = { 0 };
	LastDir to = { 0 };

	for (guint i = 0; i < journal->steps->len; i++) {
		const TidyStep *step = g_ptr_array_index(journal->steps, i);
		const char *dir, *to_dir;

		if (g_cancellable_is_cancelled(cancellable))
			break;
		if (step->op != TIDY_OP_MOVE && step->op != TIDY_OP_CARRY)
			continue;
		dir = path_of(journal, step->dir, &from);
		to_dir = path_of(journal, step->to_dir, &to);
		if (dir != NULL && to_dir != NULL && step->to_name != NULL)
			follow_step(service, thumbnails, step, dir, to_dir, cancellable);
	}
	g_free(from.path);
	g_free(to.path);
}

void
tidy_service_note_operation(TidyService *service, guint64 id)
{
	if (id != 0)
		g_array_append_val(service->untended, id);
}

gboolean
tidy_service_tend(TidyService *service, GCancellable *cancellable)
{
	g_autoptr(TidyThumbnails) thumbnails =
		service->untended->len > 0 && !g_cancellable_is_cancelled(cancellable)
			? tidy_thumbnails_open(service->fs, service->cache_dir)
			: NULL;

	for (guint i = 0; thumbnails != NULL && i < service->untended->len; i++) {
		g_autoptr(TidyJournal) journal =
			tidy_engine_read_journal(service->engine,
						 g_array_index(service->untended, guint64, i));

		if (journal != NULL)
			follow_operation(service, thumbnails, journal, cancellable);
	}
	g_array_set_size(service->untended, 0);
	return thumbnails != NULL;
}
