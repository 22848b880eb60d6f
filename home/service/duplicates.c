/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Duplicates: found, and reported now and then. I/O. */
#include "home/dupes/dupes-report.h"
#include "home/service/service-private.h"

#define GROUPS_MAX    100
#define REPORTED_FILE "dupes-reported"
#define DAY_SEC	      86400

static gboolean
is_cancelled(gpointer data)
{
	return g_cancellable_is_cancelled(data);
}

static char **
user_directories(TidyService *service)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	const TidyUserDirs *dirs = service->user_dirs != NULL ? service->user_dirs->dirs : NULL;

	for (guint i = 0; dirs != NULL && i < dirs->entries->len; i++) {
		const TidyUserDir *dir = g_ptr_array_index(dirs->entries, i);

		if (dir->state == TIDY_DIR_SET && g_file_test(dir->path, G_FILE_TEST_IS_DIR))
			g_strv_builder_add(builder, dir->path);
	}
	return g_strv_builder_end(builder);
}

GVariant *
tidy_service_dupes(TidyService *service, const char *const *roots, gint64 min_size,
		   GCancellable *cancellable, GError **error)
{
	g_auto(GStrv) own = roots == NULL ? user_directories(service) : NULL;
	const TidyDupesOptions options = {
		.roots = roots != NULL ? roots : (const char *const *)own,
		.min_size = min_size > 0 ? min_size : service->config->dupes.min_size,
		.is_cancelled = cancellable != NULL ? is_cancelled : NULL,
		.data = cancellable,
	};
	g_autoptr(TidyDupes) dupes = tidy_dupes_find(service->fs, &options, error);

	return dupes != NULL ? tidy_dupes_report(dupes, GROUPS_MAX) : NULL;
}

static gint64
now_sec(TidyService *service)
{
	return service->fs->now(service->fs) / 1000000000;
}

gint64
tidy_service_dupes_next(TidyService *service)
{
	static const gint64 spans[] = {
		[TIDY_CONFIG_DUPES_NEVER] = 0,
		[TIDY_CONFIG_DUPES_WEEKLY] = 7 * DAY_SEC,
		[TIDY_CONFIG_DUPES_MONTHLY] = 30 * DAY_SEC,
	};
	gint64 span = spans[service->config->dupes.report];
	g_autofree char *text = NULL;
	gint64 last;

	if (span == 0)
		return 0;
	text = tidy_engine_read_text(service->engine, REPORTED_FILE);
	last = text != NULL ? g_ascii_strtoll(text, NULL, 10) : 0;
	/* A clock that was set back must not put it off for years. */
	if (last <= 0 || last > now_sec(service))
		return now_sec(service);
	return last + span;
}

gboolean
tidy_service_dupes_reported(TidyService *service, GError **error)
{
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT "\n", now_sec(service));

	return tidy_engine_write_text(service->engine, REPORTED_FILE, text, error);
}
