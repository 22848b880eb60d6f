/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A service that answers from files, so that the command can be tested against every answer, also those that are
 * hard to bring about. For each call it reads $TIDY_FAKE_DIR/NAME (scan, plan, merge, undo-plan, undo, history, pause):
 * a report in GVariant text, or "error CODE MESSAGE" with CODE a number of TidyError, or "wait": reports progress until
 * it is cancelled. The file config-error, if it exists, is what is wrong with the configuration. What it was asked is appended to $TIDY_FAKE_DIR/asked. I/O.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "home/base/error.h"
#include "home/service/service.h"

struct TidyService {
	char *dir;
	char *config_error;
};

TidyService *
tidy_service_new(const TidyServiceOptions *options, GError **error)
{
	TidyService *service = g_new0(TidyService, 1);

	service->dir = g_strdup(g_getenv("TIDY_FAKE_DIR"));
	return service;
}

void
tidy_service_free(TidyService *service)
{
	g_free(service->dir);
	g_free(service->config_error);
	g_free(service);
}

gboolean
tidy_service_tend(TidyService *service, GCancellable *cancellable)
{
	return FALSE;
}

static void
note(TidyService *service, const char *name, const char *detail)
{
	g_autofree char *path = g_build_filename(service->dir, "asked", NULL);
	FILE *file = fopen(path, "ae");

	g_assert_nonnull(file);
	fprintf(file, "%s %s\n", name, detail);
	fclose(file);
}

static GVariant *
wait_for_cancel(const TidyMergeOptions *options, GCancellable *cancellable, GError **error)
{
	GPollFD fd = { 0 };

	g_assert_true(g_cancellable_make_pollfd(cancellable, &fd));
	for (guint64 done = 0; !g_cancellable_is_cancelled(cancellable); done++) {
		options->progress(done, 1000, done * 1000, 1000000, options->progress_data);
		g_poll(&fd, 1, 20);
	}
	g_cancellable_release_fd(cancellable);
	g_set_error_literal(error, TIDY_ERROR, TIDY_ERROR_CANCELLED, "stopped on request");
	return NULL;
}

static GVariant *
answer(TidyService *service, const char *name, const TidyMergeOptions *options,
       GCancellable *cancellable, GError **error)
{
	g_autofree char *path = g_build_filename(service->dir, name, NULL);
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		g_error("bug: the test gives no answer for %s", name);
	if (g_str_has_prefix(text, "error ")) {
		char *message;
		int code = (int)strtol(text + 6, &message, 10);

		g_set_error_literal(error, TIDY_ERROR, code, g_strstrip(message));
		return NULL;
	}
	if (g_str_has_prefix(text, "wait"))
		return wait_for_cancel(options, cancellable, error);
	return g_variant_parse(G_VARIANT_TYPE_VARDICT, text, NULL, NULL, error);
}

GVariant *
tidy_service_scan(TidyService *service, gboolean with_links, GError **error)
{
	return answer(service, "scan", NULL, NULL, error);
}

GVariant *
tidy_service_merge(TidyService *service, const char *stray, const char *target,
		   const TidyMergeOptions *options, GCancellable *cancellable, GError **error)
{
	g_autofree char *detail = g_strdup_printf("%s %s%s", stray != NULL ? stray : "-",
						  target != NULL ? target : "-",
						  options->is_consented ? " consented" : "");

	note(service, options->is_dry_run ? "plan" : "merge", detail);
	return answer(service, options->is_dry_run ? "plan" : "merge", options, cancellable, error);
}

GVariant *
tidy_service_undo(TidyService *service, guint64 id, const TidyMergeOptions *options,
		  GCancellable *cancellable, GError **error)
{
	g_autofree char *detail = g_strdup_printf("%" G_GUINT64_FORMAT, id);

	note(service, options->is_dry_run ? "undo-plan" : "undo", detail);
	return answer(service, options->is_dry_run ? "undo-plan" : "undo", options, cancellable,
		      error);
}

GVariant *
tidy_service_dedupe(TidyService *service, const char *action, GVariant *pairs,
		    const TidyMergeOptions *options, GCancellable *cancellable, GError **error)
{
	note(service, "dedupe", action);
	return answer(service, "dedupe", options, cancellable, error);
}

GVariant *
tidy_service_history(TidyService *service, guint64 id, GError **error)
{
	return answer(service, "history", NULL, NULL, error);
}

const char *
tidy_service_config_error(TidyService *service)
{
	g_autofree char *path = g_build_filename(service->dir, "config-error", NULL);

	if (service->config_error == NULL)
		g_file_get_contents(path, &service->config_error, NULL, NULL);
	return service->config_error;
}

gboolean
tidy_service_is_paused(TidyService *service)
{
	return FALSE;
}

gboolean
tidy_service_set_paused(TidyService *service, gboolean is_paused, GError **error)
{
	g_autoptr(GVariant) report = answer(service, "pause", NULL, NULL, error);

	note(service, "pause", is_paused ? "yes" : "no");
	return report != NULL;
}
