/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done: merge, undo, fold, recover. I/O. */
#include <string.h>

#include "home/base/error.h"
#include "home/base/text.h"
#include "home/service/operation.h"

#define DAY_NS (G_GINT64_CONSTANT(86400) * 1000000000)

static const char *
outcome_name(TidyOutcome outcome)
{
	switch (outcome) {
	case TIDY_OUTCOME_DONE:
		return "done";
	case TIDY_OUTCOME_PARTIAL:
		break;
	}
	return "partial";
}

/* --- merge --- */

static TidyPolicy
policy_of(const TidyConfig *config)
{
	static const TidyCollisions collisions[] = {
		[TIDY_CONFIG_COLLISIONS_KEEP_BOTH] = TIDY_COLLISIONS_KEEP_BOTH,
		[TIDY_CONFIG_COLLISIONS_NEWER] = TIDY_COLLISIONS_NEWER,
		[TIDY_CONFIG_COLLISIONS_SKIP] = TIDY_COLLISIONS_SKIP,
		[TIDY_CONFIG_COLLISIONS_ASK] = TIDY_COLLISIONS_ASK,
	};
	static const TidyIdentical identical[] = {
		[TIDY_CONFIG_IDENTICAL_TRASH] = TIDY_IDENTICAL_TRASH,
		[TIDY_CONFIG_IDENTICAL_DELETE] = TIDY_IDENTICAL_DELETE,
		[TIDY_CONFIG_IDENTICAL_KEEP] = TIDY_IDENTICAL_KEEP,
	};

	return (TidyPolicy){ collisions[config->merge.collisions],
			     identical[config->merge.identical] };
}

/* The worst of several outcomes. */
typedef enum { MERGED_NOTHING, MERGED_DONE, MERGED_PARTIAL, MERGED_REFUSED, MERGED_STOPPED } Merged;

static const char *
merged_name(Merged merged)
{
	static const char *const names[] = { "nothing", "done", "partial", "refused", "stopped" };

	return names[merged];
}

static gboolean
is_allowed(const TidyCandidate *candidate, const TidyMergeOptions *options)
{
	if (candidate->may == TIDY_MAY_NOT)
		return FALSE;
	if (options->is_automatic)
		return candidate->may == TIDY_MAY_MERGE;
	return TRUE;
}

static gboolean
did_nothing(const TidyResult *result)
{
	const TidyCounts *counts = &result->counts;

	return counts->moved + counts->folded + counts->kept_both + counts->removed + counts->left +
		       counts->failed ==
	       0;
}

static gboolean
merge_one(TidyService *service, const TidyCandidate *candidate, const TidyMergeOptions *options,
	  GCancellable *cancellable, GVariantBuilder *list, TidyResult *result, Merged *merged,
	  GError **error)
{
	const TidyConfigDirs *dirs =
		tidy_config_dirs(service->config,
				 candidate->key != NULL ? candidate->key : "DOWNLOAD");
	TidyMergeJob job = {
		.stray = candidate->path,
		.target = candidate->target,
		.key = candidate->key,
		.policy = policy_of(service->config),
		.leaves_symlink = dirs->leave == TIDY_CONFIG_LEAVE_SYMLINK,
		.is_dry_run = options->is_dry_run,
		.is_automatic = options->is_automatic,
		.only_names = options->only_names,
		.open_paths = (const char *const *)candidate->facts->open_paths,
		.mount_points = (const char *const *)candidate->facts->mount_points,
		.settle_ns = options->is_automatic ? service->config->merge.settle_usec * 1000 : 0,
		.cancellable = cancellable,
	};
	TidyCollector collector;
	TidySink sink;
	g_autoptr(GError) problem = NULL;
	Merged one = MERGED_DONE;

	tidy_collector_init(&collector, options);
	sink = tidy_collector_sink(&collector);
	*result = (TidyResult){ .outcome = TIDY_OUTCOME_DONE };
	if (!is_allowed(candidate, options))
		one = MERGED_REFUSED;
	else if (!tidy_engine_merge(service->engine, &job, &sink, result, &problem)) {
		one = g_error_matches(problem, TIDY_ERROR, TIDY_ERROR_CANCELLED) ? MERGED_STOPPED
										 : MERGED_PARTIAL;
		tidy_report_add_problem(collector.problems, candidate->path, TIDY_WHY_FAILED,
					problem->message);
	} else if (result->outcome == TIDY_OUTCOME_PARTIAL)
		one = MERGED_PARTIAL;
	else if (did_nothing(result))
		one = MERGED_NOTHING;
	tidy_service_note_operation(service, result->id);
	tidy_collector_end(list, &collector, candidate->path, candidate->target, candidate->key,
			   candidate->findings, result, merged_name(one));
	*merged = MAX(*merged, one);
	if (problem == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&problem));
	return FALSE;
}

static gboolean
refuse(const TidyCandidate *candidate, GError **error)
{
	GString *text = g_string_new(NULL);
	g_autofree char *shown = tidy_text_display(candidate->path);

	for (guint i = 0; i < candidate->findings->len; i++) {
		const TidyGuardFinding *finding = g_ptr_array_index(candidate->findings, i);
		g_autofree char *reason = tidy_guard_text(finding);

		if (finding->row->severity != TIDY_GUARD_BLOCK)
			continue;
		g_string_append_printf(text, "%s%s [%s]", text->len > 0 ? "; " : "", reason,
				       finding->row->code);
		if (finding->row->remedy != NULL)
			g_string_append_printf(text, " (%s)", finding->row->remedy);
	}
	g_set_error(error, TIDY_ERROR, TIDY_ERROR_REFUSED, "%s is not merged: %s", shown,
		    text->str);
	g_string_free(text, TRUE);
	return FALSE;
}

/* Which of all strays a merge without a name is about. */
static gboolean
is_meant(const TidyCandidate *candidate, const TidyMergeOptions *options)
{
	return candidate->may == TIDY_MAY_MERGE ||
	       (candidate->may == TIDY_MAY_PROPOSE && !options->is_automatic);
}

static GVariant *
end_merge(GVariantBuilder *list, const char *kind, guint64 id, const char *outcome)
{
	GVariantBuilder *report = tidy_report_begin();

	tidy_report_add_number(report, "id", id);
	tidy_report_add_text(report, "kind", kind);
	tidy_report_add_text(report, "outcome", outcome);
	tidy_report_add_list(report, "operations", list);
	return tidy_report_end(report);
}

/* The user's yes to this stray is also one to those that will come under its name. */
static void
remember_consent(TidyService *service, const TidyCandidate *candidate,
		 const TidyMergeOptions *options)
{
	if (!options->is_consented || options->is_dry_run || candidate->key == NULL ||
	    tidy_service_has_consent(service, candidate->key))
		return;
	tidy_service_set_answer(service, candidate->path, "yes", NULL);
}

GVariant *
tidy_service_merge(TidyService *service, const char *stray, const char *target,
		   const TidyMergeOptions *options, GCancellable *cancellable, GError **error)
{
	/* Whose files they are counts before all of them move unasked. */
	gboolean wants_size = options->is_automatic && options->only_names == NULL;
	g_autoptr(TidyCandidates) all =
		tidy_service_find_strays(service, wants_size, options->is_dry_run);
	GVariantBuilder *list = tidy_report_new_list();
	TidyResult result = { 0 };
	Merged merged = MERGED_NOTHING, refused = MERGED_NOTHING;
	guint64 last_id = 0;
	gboolean is_fine = TRUE;

	if (stray != NULL) {
		g_autoptr(TidyCandidate) one =
			tidy_service_judge(service, all, stray, target, error);

		is_fine = one != NULL;
		if (is_fine && !options->is_automatic && one->may == TIDY_MAY_NOT)
			is_fine = refuse(one, error);
		if (is_fine) {
			remember_consent(service, one, options);
			is_fine = merge_one(service, one, options, cancellable, list, &result,
					    &merged, error);
			last_id = is_fine ? result.id : 0;
		}
	}
	for (guint i = 0; stray == NULL && is_fine && i < all->candidates->len; i++) {
		const TidyCandidate *one = g_ptr_array_index(all->candidates, i);

		/* Who asks for all strays learns why one of them stays, also when the others went. */
		if (one->may == TIDY_MAY_NOT && !options->is_automatic)
			merge_one(service, one, options, cancellable, list, &result, &refused,
				  NULL);
		if (!is_meant(one, options))
			continue;
		remember_consent(service, one, options);
		is_fine = merge_one(service, one, options, cancellable, list, &result, &merged,
				    error);
		if (is_fine && result.id != 0)
			last_id = result.id;
	}
	if (merged == MERGED_NOTHING)
		merged = refused;
	/* What stopped the second stray is no reason to hide what became of the first. */
	if (!is_fine && last_id != 0)
		g_clear_error(error);
	if (is_fine || last_id != 0)
		return end_merge(list, "merge", last_id, merged_name(merged));
	g_variant_builder_unref(list);
	return NULL;
}

/* --- undo --- */

GVariant *
tidy_service_undo(TidyService *service, guint64 id, const TidyMergeOptions *options,
		  GCancellable *cancellable, GError **error)
{
	GVariantBuilder *list = tidy_report_new_list();
	TidyUndoTarget undone = { 0 };
	TidyResult result;
	TidyCollector collector;
	TidySink sink;
	Merged merged = MERGED_DONE;

	tidy_collector_init(&collector, options);
	sink = tidy_collector_sink(&collector);
	if (!tidy_engine_undo(service->engine, id, &sink, options != NULL && options->is_dry_run,
			      cancellable, &result, &undone, error)) {
		g_variant_builder_unref(collector.steps);
		g_variant_builder_unref(collector.problems);
		g_variant_builder_unref(list);
		tidy_undo_target_clear(&undone);
		return NULL;
	}
	if (result.outcome == TIDY_OUTCOME_PARTIAL)
		merged = MERGED_PARTIAL;
	tidy_service_note_operation(service, result.id);
	/* Who takes a merge back does not want to see it made again on its own. */
	if (result.id != 0 && strcmp(undone.stray, undone.target) != 0)
		tidy_service_set_answer(service, undone.stray, "later", NULL);
	tidy_collector_end(list, &collector, undone.stray, undone.target, undone.key, NULL, &result,
			   merged_name(merged));
	tidy_undo_target_clear(&undone);
	return end_merge(list, "undo", result.id, merged_name(merged));
}

/* --- duplicates --- */

#define PAIRS_TYPE G_VARIANT_TYPE("a(ayay)")

static gboolean
read_how(const char *name, TidyDedupeHow *how, GError **error)
{
	static const char *const names[] = { "trash", "hardlink", "reflink" };

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		*how = (TidyDedupeHow)i;
		return TRUE;
	}
	g_set_error(error, TIDY_ERROR, TIDY_ERROR_USAGE,
		    "%s: there are the actions trash, hardlink and reflink", name);
	return FALSE;
}

GVariant *
tidy_service_dedupe(TidyService *service, const char *action, GVariant *pairs,
		    const TidyMergeOptions *options, GCancellable *cancellable, GError **error)
{
	g_autoptr(GArray) array = g_array_new(FALSE, FALSE, sizeof(TidyDedupePair));
	GVariantBuilder *list = NULL;
	GVariantIter iter;
	TidyDedupePair pair;
	TidyDedupeHow how;
	TidyResult result;
	TidyCollector collector;
	TidySink sink;
	Merged merged = MERGED_DONE;

	g_return_val_if_fail(g_variant_is_of_type(pairs, PAIRS_TYPE), NULL);
	if (!read_how(action, &how, error))
		return NULL;
	g_variant_iter_init(&iter, pairs);
	while (g_variant_iter_next(&iter, "(^&ay^&ay)", &pair.keep, &pair.fold))
		g_array_append_val(array, pair);
	tidy_collector_init(&collector, options);
	sink = tidy_collector_sink(&collector);
	if (!tidy_engine_dedupe(service->engine, how,
				(const TidyDedupePair *)(gconstpointer)array->data, array->len,
				options->is_dry_run, &sink, cancellable, &result, error)) {
		g_variant_builder_unref(collector.steps);
		g_variant_builder_unref(collector.problems);
		return NULL;
	}
	if (result.outcome == TIDY_OUTCOME_PARTIAL)
		merged = MERGED_PARTIAL;
	else if (did_nothing(&result))
		merged = MERGED_NOTHING;
	list = tidy_report_new_list();
	tidy_collector_end(list, &collector, "", "", NULL, NULL, &result, merged_name(merged));
	return end_merge(list, "dupes", result.id, merged_name(merged));
}

/* --- recover --- */

typedef struct {
	TidyService *service;
	GVariantBuilder *list;
	TidyCollector collector;
	guint n_resumed;
	guint64 id;
	Merged merged;
} Recovery;

static void
collect_resumed(const TidyResult *result, const TidyJournalHeader *header, gpointer data)
{
	Recovery *recovery = data;
	Merged one = result->outcome == TIDY_OUTCOME_DONE ? MERGED_DONE : MERGED_PARTIAL;

	tidy_collector_end(recovery->list, &recovery->collector, header->stray, header->target,
			   header->key, NULL, result, outcome_name(result->outcome));
	tidy_collector_init(&recovery->collector, recovery->collector.options);
	recovery->n_resumed++;
	recovery->id = result->id;
	tidy_service_note_operation(recovery->service, result->id);
	recovery->merged = MAX(recovery->merged, one);
}

/* Not by the defaults while the user's own settings cannot be read. */
static void
forget_old(TidyService *service)
{
	gint64 days = service->config->journal.keep_days;

	if (days > 0 && service->config_error == NULL)
		tidy_engine_prune(service->engine, service->fs->now(service->fs) - days * DAY_NS);
}

GVariant *
tidy_service_recover(TidyService *service, GCancellable *cancellable, GError **error)
{
	g_auto(GStrv) open_paths = tidy_facts_open_paths(service->home);
	g_auto(GStrv) mounts = tidy_facts_mount_points(service->home);
	Recovery recovery = { .service = service, .list = tidy_report_new_list() };
	TidySink sink;
	gboolean is_fine;

	tidy_collector_init(&recovery.collector, NULL);
	sink = tidy_collector_sink(&recovery.collector);
	is_fine = tidy_engine_recover(service->engine, (const char *const *)open_paths,
				      (const char *const *)mounts, &sink, cancellable,
				      collect_resumed, &recovery, error);
	g_variant_builder_unref(recovery.collector.steps);
	g_variant_builder_unref(recovery.collector.problems);
	if (is_fine)
		forget_old(service);
	if (is_fine && recovery.n_resumed > 0)
		return end_merge(recovery.list, "merge", recovery.id, merged_name(recovery.merged));
	g_variant_builder_unref(recovery.list);
	return is_fine ? tidy_report_end(tidy_report_new()) : NULL;
}
