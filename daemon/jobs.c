/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the daemon asks of the engine. I/O. */
#include "daemon/jobs.h"

#include "daemon/reading.h"

TidyJobRequest *
tidy_job_request_new(const char *stray, const char *target)
{
	TidyJobRequest *request = g_new0(TidyJobRequest, 1);

	request->stray = g_strdup(stray);
	request->target = g_strdup(target);
	return request;
}

void
tidy_job_request_free(gpointer data)
{
	TidyJobRequest *request = data;

	g_free(request->stray);
	g_free(request->target);
	g_strfreev(request->only_names);
	g_free(request->answer);
	g_free(request->action);
	g_clear_pointer(&request->pairs, g_variant_unref);
	g_strfreev(request->roots);
	g_clear_pointer(&request->ids, g_array_unref);
	g_free(request);
}

static GVariant *
nothing(void)
{
	return g_variant_ref_sink(g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0));
}

/* The engine may answer a floating variant; across threads only a plain reference is safe. */
static GVariant *
take(GVariant *report)
{
	return report != NULL ? g_variant_take_ref(report) : NULL;
}

GVariant *
tidy_job_recover(TidyService *service, TidyJobContext *context, gpointer argument, GError **error)
{
	return take(tidy_service_recover(service, tidy_job_context_cancellable(context), error));
}

GVariant *
tidy_job_reload(TidyService *service, TidyJobContext *context, gpointer argument, GError **error)
{
	return tidy_service_reload(service, error) ? nothing() : NULL;
}

GVariant *
tidy_job_scan(TidyService *service, TidyJobContext *context, gpointer argument, GError **error)
{
	return take(tidy_service_scan(service, TRUE, error));
}

static TidyMergeOptions
merge_options(const TidyJobRequest *request, TidyJobContext *context)
{
	return (TidyMergeOptions){
		.is_dry_run = request->is_dry_run,
		.is_automatic = request->is_automatic,
		.is_consented = request->is_consented,
		.only_names = (const char *const *)request->only_names,
		.progress = tidy_job_context_progress,
		.progress_data = context,
	};
}

/* What the user said about each stray of the report. That it cannot be written down is no reason to call the work
 * failed: it is done. */
static void
remember(TidyService *service, GVariant *report, const char *answer)
{
	g_autoptr(GVariant) operations = tidy_report_list(report, "operations");

	for (gsize i = 0; i < g_variant_n_children(operations); i++) {
		g_autoptr(GVariant) operation = g_variant_get_child_value(operations, i);
		g_autofree char *stray = tidy_report_path(operation, "stray");

		if (stray != NULL && g_strcmp0(tidy_service_answer(service, stray), answer) != 0)
			(void)tidy_service_set_answer(service, stray, answer, NULL);
	}
}

GVariant *
tidy_job_merge(TidyService *service, TidyJobContext *context, gpointer argument, GError **error)
{
	const TidyJobRequest *request = argument;
	const TidyMergeOptions options = merge_options(request, context);

	GVariant *report =
		take(tidy_service_merge(service, request->stray, request->target, &options,
					tidy_job_context_cancellable(context), error));

	/* A yes also ends an earlier "Not now" or "Never" of this stray. */
	if (report != NULL && request->is_consented && !request->is_dry_run)
		remember(service, report, "yes");
	return report;
}

GVariant *
tidy_job_undo(TidyService *service, TidyJobContext *context, gpointer argument, GError **error)
{
	const TidyJobRequest *request = argument;
	const TidyMergeOptions options = merge_options(request, context);
	guint count = request->ids != NULL ? request->ids->len : 0;
	g_autoptr(GVariant) report = NULL;

	for (guint i = 0; i < MAX(count, 1); i++) {
		guint64 id = count > 0 ? g_array_index(request->ids, guint64, i) : 0;
		GVariant *next = tidy_service_undo(service, id, &options,
						   tidy_job_context_cancellable(context), error);

		if (next == NULL)
			return NULL;
		g_clear_pointer(&report, g_variant_unref);
		report = take(next);
		/* Who takes a merge back does not want it made again a moment later. */
		remember(service, report, "later");
	}
	return g_steal_pointer(&report);
}

GVariant *
tidy_job_dedupe(TidyService *service, TidyJobContext *context, gpointer argument, GError **error)
{
	const TidyJobRequest *request = argument;
	const TidyMergeOptions options = merge_options(request, context);

	return take(tidy_service_dedupe(service, request->action, request->pairs, &options,
					tidy_job_context_cancellable(context), error));
}

GVariant *
tidy_job_dupes(TidyService *service, TidyJobContext *context, gpointer argument, GError **error)
{
	const TidyJobRequest *request = argument;

	return take(tidy_service_dupes(service, (const char *const *)request->roots,
				       request->min_size, tidy_job_context_cancellable(context),
				       error));
}

GVariant *
tidy_job_dupes_report(TidyService *service, TidyJobContext *context, gpointer argument,
		      GError **error)
{
	GVariant *report = take(
		tidy_service_dupes(service, NULL, 0, tidy_job_context_cancellable(context), error));

	/* Also when it could not be done: the next try is the next one that is due. */
	if (!g_cancellable_is_cancelled(tidy_job_context_cancellable(context)))
		(void)tidy_service_dupes_reported(service, NULL);
	return report;
}

GVariant *
tidy_job_history(TidyService *service, TidyJobContext *context, gpointer argument, GError **error)
{
	const TidyJobRequest *request = argument;
	guint64 id = request->ids != NULL ? g_array_index(request->ids, guint64, 0) : 0;

	return take(tidy_service_history(service, id, error));
}

GVariant *
tidy_job_answer(TidyService *service, TidyJobContext *context, gpointer argument, GError **error)
{
	const TidyJobRequest *request = argument;

	if (!tidy_service_set_answer(service, request->stray, request->answer, error))
		return NULL;
	return nothing();
}

GVariant *
tidy_job_pause(TidyService *service, TidyJobContext *context, gpointer argument, GError **error)
{
	const TidyJobRequest *request = argument;

	return tidy_service_set_paused(service, request->is_paused, error) ? nothing() : NULL;
}

/* ---- survey ---- */

static GVariant *
aliases(const TidyConfig *config)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_STRING_ARRAY);
	for (int key = 0; key < TIDY_CONFIG_N_KEYS; key++) {
		for (char **name = config->keys[key].aliases; *name != NULL; name++)
			g_variant_builder_add(&builder, "s", *name);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *
answers(TidyService *service, GVariant *scan)
{
	g_autoptr(GVariant) strays = tidy_report_list(scan, "strays");
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a{s(sx)}"));
	for (gsize i = 0; i < g_variant_n_children(strays); i++) {
		g_autoptr(GVariant) stray = g_variant_get_child_value(strays, i);
		g_autofree char *path = tidy_report_path(stray, "stray");
		const char *answer = path != NULL ? tidy_service_answer(service, path) : NULL;

		if (answer != NULL)
			g_variant_builder_add(&builder, "{s(sx)}", tidy_report_text(stray, "stray"),
					      answer, tidy_service_answered_at(service, path));
	}
	return g_variant_builder_end(&builder);
}

static void
add_last(TidyService *service, GVariantDict *dict)
{
	GVariant *last = tidy_service_last(service);

	if (last != NULL)
		g_variant_dict_insert_value(dict, "last", last);
}

GVariant *
tidy_job_survey(TidyService *service, TidyJobContext *context, gpointer argument, GError **error)
{
	const TidyJobRequest *request = argument;
	const TidyConfig *config = tidy_service_config(service);
	const char *config_error = tidy_service_config_error(service);
	g_autoptr(GError) scan_error = NULL;
	g_autoptr(GVariant) scan = take(tidy_service_scan(service, FALSE, &scan_error));
	GVariantDict dict;

	if (scan == NULL)
		scan = nothing();
	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert_value(&dict, "scan", scan);
	g_variant_dict_insert(&dict, "scan-error", "s",
			      scan_error != NULL ? scan_error->message : "");
	g_variant_dict_insert_value(&dict, "watches", tidy_service_watches(service));
	g_variant_dict_insert(&dict, "paused", "b", tidy_service_is_paused(service));
	g_variant_dict_insert(&dict, "config-error", "s", config_error != NULL ? config_error : "");
	g_variant_dict_insert(&dict, "home", "s", tidy_service_home(service));
	g_variant_dict_insert(&dict, "state-dir", "s", tidy_service_state_dir(service));
	g_variant_dict_insert(&dict, "level", "u", (guint32)config->notify.level);
	g_variant_dict_insert(&dict, "settle", "x", config->merge.settle_usec);
	g_variant_dict_insert(&dict, "keys-enabled", "b", config->key_remap.is_enabled);
	g_variant_dict_insert(&dict, "keys-on-lock", "u", (guint32)config->key_remap.on_lock);
	g_variant_dict_insert(&dict, "dupes-next", "x", tidy_service_dupes_next(service));
	g_variant_dict_insert_value(&dict, "aliases", aliases(config));
	g_variant_dict_insert_value(&dict, "answers", answers(service, scan));
	if (request != NULL && request->with_last)
		add_last(service, &dict);
	return g_variant_ref_sink(g_variant_dict_end(&dict));
}
