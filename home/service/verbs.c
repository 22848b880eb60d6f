/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scan, merge, undo, history, recover: the engine's answers as reports. I/O. */
#include <string.h>

#include "home/base/error.h"
#include "home/base/text.h"
#include "home/service/report.h"
#include "home/service/service-private.h"

/* Of a merge: its journal has all of them. An answer of 10,000 steps costs an eighth of the time of moving 60,000 files. */
#define STEPS_MAX 1000
/* More than a person reads, less than D-Bus refuses. */
#define HISTORY_MAX   10000
#define PROGRESS_USEC (G_USEC_PER_SEC / 10)
#define DAY_NS	      (G_GINT64_CONSTANT(86400) * 1000000000)

/* --- words --- */

static const char *
may_name(TidyMay may)
{
	static const char *const names[] = { "merge", "propose", "report", "refused" };

	return names[may];
}

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

static const char *
kind_name(TidyJournalKind kind)
{
	switch (kind) {
	case TIDY_JOURNAL_UNDO:
		return "undo";
	case TIDY_JOURNAL_DUPES:
		return "dupes";
	case TIDY_JOURNAL_MERGE:
		break;
	}
	return "merge";
}

static const char *
state_name(TidyState state)
{
	static const char *const names[] = { "done", "partial", "interrupted", "undone",
					     "unreadable" };

	return names[state];
}

static const char *
type_name(TidyType type)
{
	switch (type) {
	case TIDY_TYPE_DIR:
		return "directory";
	case TIDY_TYPE_FILE:
		return "file";
	case TIDY_TYPE_LINK:
		return "link";
	case TIDY_TYPE_UNKNOWN:
	case TIDY_TYPE_FIFO:
	case TIDY_TYPE_CHAR:
	case TIDY_TYPE_BLOCK:
	case TIDY_TYPE_SOCKET:
		break;
	}
	return "other";
}

/* --- pieces of reports --- */

static GVariantBuilder *
report_new(void)
{
	GVariantBuilder *report = tidy_report_new();

	tidy_report_add(report, "version", g_variant_new_uint32(TIDY_REPORT_VERSION));
	return report;
}

static void
add_counts(GVariantBuilder *dict, const TidyCounts *counts)
{
	GVariantBuilder *inner = tidy_report_new();

	tidy_report_add_number(inner, "moved", counts->moved);
	tidy_report_add_number(inner, "folded", counts->folded);
	tidy_report_add_number(inner, "kept-both", counts->kept_both);
	tidy_report_add_number(inner, "removed", counts->removed);
	tidy_report_add_number(inner, "skipped", counts->left);
	tidy_report_add_number(inner, "failed", counts->failed);
	tidy_report_add_number(inner, "bytes", counts->bytes);
	tidy_report_add_list(dict, "counts", inner);
}

static void
add_reasons(GVariantBuilder *dict, const GPtrArray *findings)
{
	GVariantBuilder *list = tidy_report_new_list();

	for (guint i = 0; i < findings->len; i++) {
		const TidyGuardFinding *finding = g_ptr_array_index(findings, i);
		g_autofree char *text = tidy_guard_text(finding);
		GVariantBuilder *item = tidy_report_new();

		tidy_report_add_text(item, "code", finding->row->code);
		tidy_report_add_text(item, "severity",
				     tidy_guard_severity_name(finding->row->severity));
		tidy_report_add_text(item, "text", text);
		tidy_report_add_text(item, "remedy", finding->row->remedy);
		tidy_report_add_path(item, "path", finding->path);
		tidy_report_add_item(list, item);
	}
	tidy_report_add_list(dict, "reasons", list);
}

/* --- scan --- */

static void
add_dirs(TidyService *service, GVariantBuilder *report)
{
	GVariantBuilder *list = tidy_report_new_list();
	const TidyUserDirs *dirs = service->user_dirs != NULL ? service->user_dirs->dirs : NULL;

	for (guint i = 0; dirs != NULL && i < dirs->entries->len; i++) {
		const TidyUserDir *dir = g_ptr_array_index(dirs->entries, i);
		static const char *const states[] = { "unset", "disabled", "ok" };
		const char *state = states[dir->state];
		GVariantBuilder *item = tidy_report_new();

		if (dir->state == TIDY_DIR_SET && !g_file_test(dir->path, G_FILE_TEST_IS_DIR))
			state = "missing";
		tidy_report_add_text(item, "key", dir->key);
		tidy_report_add_path(item, "path", dir->path);
		tidy_report_add_text(item, "state", state);
		tidy_report_add_item(list, item);
	}
	tidy_report_add_list(report, "dirs", list);
}

static void
add_warning(GVariantBuilder *list, const char *file, guint line, const char *code, const char *text)
{
	GVariantBuilder *item = tidy_report_new();

	tidy_report_add_path(item, "file", file);
	tidy_report_add(item, "line", g_variant_new_uint32(line));
	tidy_report_add_text(item, "code", code);
	tidy_report_add_text(item, "text", text);
	tidy_report_add_item(list, item);
}

static void
add_warnings(TidyService *service, GVariantBuilder *report)
{
	GVariantBuilder *list = tidy_report_new_list();
	const TidyUserDirsFiles *files = service->user_dirs;

	for (guint i = 0; files != NULL && i < files->dirs->warnings->len; i++) {
		const TidyDirsWarning *warning = g_ptr_array_index(files->dirs->warnings, i);

		add_warning(list, files->path, warning->line, warning->code, warning->text);
	}
	if (service->user_dirs_error != NULL)
		add_warning(list, files != NULL ? files->path : "", 0, "unreadable",
			    service->user_dirs_error);
	if (service->config_error != NULL)
		add_warning(list, "", 0, "configuration", service->config_error);
	tidy_report_add_list(report, "warnings", list);
}

/* What could be rewritten, and to what: nothing outside the two directories is, unasked. */
static void
add_links(GVariantBuilder *dict, const TidyFacts *facts)
{
	GVariantBuilder *list = tidy_report_new_list();

	if (facts->links == NULL) {
		g_variant_builder_unref(list);
		return;
	}
	for (guint i = 0; i < facts->links->len; i++) {
		const TidyLinkInto *link = g_ptr_array_index(facts->links, i);
		GVariantBuilder *item = tidy_report_new();

		tidy_report_add_path(item, "path", link->path);
		tidy_report_add_path(item, "text", link->text);
		tidy_report_add_path(item, "new-text", link->new_text);
		tidy_report_add_item(list, item);
	}
	tidy_report_add_list(dict, "links", list);
	tidy_report_add(dict, "links-cut", g_variant_new_boolean(facts->are_links_cut));
}

static GVariantBuilder *
stray_item(const TidyCandidate *candidate)
{
	GVariantBuilder *item = tidy_report_new();
	const TidyStray *stray = candidate->candidate;

	tidy_report_add_path(item, "stray", candidate->path);
	tidy_report_add_path(item, "target", candidate->target);
	tidy_report_add_text(item, "key", candidate->key);
	tidy_report_add_text(item, "class",
			     stray != NULL ? tidy_stray_class_name(stray->klass) : "");
	tidy_report_add_text(item, "locale", stray != NULL ? stray->locale : "");
	tidy_report_add_text(item, "mode", tidy_config_mode_name(candidate->mode));
	tidy_report_add_text(item, "verdict", may_name(candidate->may));
	tidy_report_add_number(item, "entries", candidate->facts->guard.n_entries);
	tidy_report_add_number(item, "bytes", candidate->facts->guard.n_bytes);
	add_reasons(item, candidate->findings);
	add_links(item, candidate->facts);
	return item;
}

GVariant *
tidy_service_scan(TidyService *service, gboolean with_links, GError **error)
{
	g_autoptr(TidyCandidates) all = tidy_service_find_strays(service, TRUE, with_links);
	GVariantBuilder *report = report_new();
	GVariantBuilder *list = tidy_report_new_list();

	tidy_report_add_path(report, "home", service->home);
	add_dirs(service, report);
	add_warnings(service, report);
	for (guint i = 0; i < all->candidates->len; i++)
		tidy_report_add_item(list, stray_item(g_ptr_array_index(all->candidates, i)));
	tidy_report_add_list(report, "strays", list);
	return tidy_report_end(report);
}

/* --- one operation as the engine makes it --- */

typedef struct {
	GVariantBuilder *steps;
	GVariantBuilder *problems;
	guint64 n_steps;
	gint64 told_usec;
	const TidyMergeOptions *options; /* or NULL */
} Collector;

static void
add_step(GVariantBuilder *list, const TidyStep *step, const char *from, const char *to)
{
	GVariantBuilder *item = tidy_report_new();

	tidy_report_add_text(item, "op", tidy_step_op_name(step->op));
	tidy_report_add_path(item, "from", from);
	tidy_report_add_path(item, "to", to);
	tidy_report_add_text(item, "why", tidy_why_code(step->why));
	tidy_report_add_text(item, "type", type_name(step->type));
	tidy_report_add_number(item, "bytes", step->size > 0 ? (guint64)step->size : 0);
	tidy_report_add_item(list, item);
}

static void
collect_step(const TidyStep *step, const char *from, const char *to, gpointer data)
{
	Collector *collector = data;

	collector->n_steps++;
	if (from != NULL)
		add_step(collector->steps, step, from, to);
}

static void
add_problem(GVariantBuilder *list, const char *path, TidyWhy why, const char *text)
{
	GVariantBuilder *item = tidy_report_new();

	tidy_report_add_text(item, "code", tidy_why_code(why));
	tidy_report_add_path(item, "path", path);
	tidy_report_add_text(item, "text", text);
	tidy_report_add_item(list, item);
}

static void
collect_problem(const char *path, TidyWhy why, int errno_code, gpointer data)
{
	Collector *collector = data;
	/* Where the reason says it all, the system's words only confuse. */
	gboolean has_errno = errno_code != 0 && why != TIDY_WHY_NO_SHARING &&
			     why != TIDY_WHY_UNKEEPABLE && why != TIDY_WHY_LOST_RACE;
	g_autofree char *text =
		has_errno ? g_strdup_printf("%s: %s", tidy_why_text(why), g_strerror(errno_code))
			  : g_strdup(tidy_why_text(why));

	add_problem(collector->problems, path, why, text);
}

static void
collect_left(const char *path, TidyWhy why, gpointer data)
{
	collect_problem(path, why, 0, data);
}

static void
collect_progress(const TidyCounts *counts, gpointer data)
{
	Collector *collector = data;
	const TidyMergeOptions *options = collector->options;
	gint64 now = g_get_monotonic_time();

	if (options == NULL || options->progress == NULL ||
	    now - collector->told_usec < PROGRESS_USEC)
		return;
	collector->told_usec = now;
	options->progress(counts->moved + counts->folded, 0, counts->bytes, 0,
			  options->progress_data);
}

static void
collector_init(Collector *collector, const TidyMergeOptions *options)
{
	*collector = (Collector){
		.steps = tidy_report_new_list(),
		.problems = tidy_report_new_list(),
		.options = options,
	};
}

static TidySink
collector_sink(Collector *collector)
{
	return (TidySink){
		.step = collect_step,
		.paths_max = STEPS_MAX,
		.left = collect_left,
		.problem = collect_problem,
		.progress = collect_progress,
		.data = collector,
	};
}

/* Consumes what was collected. */
static void
add_operation(GVariantBuilder *list, Collector *collector, const char *stray, const char *target,
	      const char *key, const GPtrArray *findings, const TidyResult *result,
	      const char *outcome)
{
	GVariantBuilder *item = tidy_report_new();

	tidy_report_add_number(item, "id", result->id);
	tidy_report_add_path(item, "stray", stray);
	tidy_report_add_path(item, "target", target);
	tidy_report_add_text(item, "key", key);
	tidy_report_add_text(item, "outcome", outcome);
	if (findings != NULL)
		add_reasons(item, findings);
	add_counts(item, &result->counts);
	tidy_report_add_list(item, "steps", collector->steps);
	if (collector->n_steps > STEPS_MAX)
		tidy_report_add_number(item, "steps-cut", collector->n_steps - STEPS_MAX);
	tidy_report_add_list(item, "problems", collector->problems);
	tidy_report_add_item(list, item);
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
		.only_names = options->only_names,
		.open_paths = (const char *const *)candidate->facts->open_paths,
		.mount_points = (const char *const *)candidate->facts->mount_points,
		.settle_ns = options->is_automatic ? service->config->merge.settle_usec * 1000 : 0,
		.cancellable = cancellable,
	};
	Collector collector;
	TidySink sink;
	g_autoptr(GError) problem = NULL;
	Merged one = MERGED_DONE;

	collector_init(&collector, options);
	sink = collector_sink(&collector);
	*result = (TidyResult){ .outcome = TIDY_OUTCOME_DONE };
	if (!is_allowed(candidate, options))
		one = MERGED_REFUSED;
	else if (!tidy_engine_merge(service->engine, &job, &sink, result, &problem)) {
		one = g_error_matches(problem, TIDY_ERROR, TIDY_ERROR_CANCELLED) ? MERGED_STOPPED
										 : MERGED_PARTIAL;
		add_problem(collector.problems, candidate->path, TIDY_WHY_FAILED, problem->message);
	} else if (result->outcome == TIDY_OUTCOME_PARTIAL)
		one = MERGED_PARTIAL;
	else if (did_nothing(result))
		one = MERGED_NOTHING;
	add_operation(list, &collector, candidate->path, candidate->target, candidate->key,
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
	GVariantBuilder *report = report_new();

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
	Collector collector;
	TidySink sink;
	Merged merged = MERGED_DONE;

	collector_init(&collector, options);
	sink = collector_sink(&collector);
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
	/* Who takes a merge back does not want to see it made again on its own. */
	if (result.id != 0 && strcmp(undone.stray, undone.target) != 0)
		tidy_service_set_answer(service, undone.stray, "later", NULL);
	add_operation(list, &collector, undone.stray, undone.target, undone.key, NULL, &result,
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
	Collector collector;
	TidySink sink;
	Merged merged = MERGED_DONE;

	g_return_val_if_fail(g_variant_is_of_type(pairs, PAIRS_TYPE), NULL);
	if (!read_how(action, &how, error))
		return NULL;
	g_variant_iter_init(&iter, pairs);
	while (g_variant_iter_next(&iter, "(^&ay^&ay)", &pair.keep, &pair.fold))
		g_array_append_val(array, pair);
	collector_init(&collector, options);
	sink = collector_sink(&collector);
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
	add_operation(list, &collector, "", "", NULL, NULL, &result, merged_name(merged));
	return end_merge(list, "dupes", result.id, merged_name(merged));
}

/* --- recover --- */

typedef struct {
	GVariantBuilder *list;
	Collector collector;
	guint n_resumed;
	guint64 id;
	Merged merged;
} Recovery;

static void
collect_resumed(const TidyResult *result, const TidyJournalHeader *header, gpointer data)
{
	Recovery *recovery = data;
	Merged one = result->outcome == TIDY_OUTCOME_DONE ? MERGED_DONE : MERGED_PARTIAL;

	add_operation(recovery->list, &recovery->collector, header->stray, header->target,
		      header->key, NULL, result, outcome_name(result->outcome));
	collector_init(&recovery->collector, recovery->collector.options);
	recovery->n_resumed++;
	recovery->id = result->id;
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
	Recovery recovery = { .list = tidy_report_new_list() };
	TidySink sink;
	gboolean is_fine;

	collector_init(&recovery.collector, NULL);
	sink = collector_sink(&recovery.collector);
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

/* --- history --- */

static void
add_steps(GVariantBuilder *dict, const TidyJournal *journal)
{
	GVariantBuilder *steps = tidy_report_new_list();
	guint n = MIN(journal->steps->len, HISTORY_MAX);

	for (guint i = 0; i < n; i++) {
		const TidyStep *step = g_ptr_array_index(journal->steps, i);
		g_autofree char *dir = tidy_journal_dir_path(journal, step->dir);
		g_autofree char *to_dir = tidy_journal_dir_path(journal, step->to_dir);
		g_autofree char *from = g_build_filename(dir, step->name, NULL);
		g_autofree char *to =
			to_dir != NULL ? g_build_filename(to_dir, step->to_name, NULL) : NULL;

		if (step->op != TIDY_OP_TIMES && !g_hash_table_contains(journal->skips, &step->seq))
			add_step(steps, step, from, to);
	}
	tidy_report_add_list(dict, "steps", steps);
	if (journal->steps->len > n)
		tidy_report_add_number(dict, "steps-cut", journal->steps->len - n);
}

static GVariantBuilder *
history_item(const TidyOperation *operation, gboolean with_steps)
{
	const TidyJournal *journal = operation->journal;
	GVariantBuilder *item = tidy_report_new();

	tidy_report_add_number(item, "id", operation->id);
	tidy_report_add_text(item, "state", state_name(operation->state));
	if (journal == NULL) {
		tidy_report_add_text(item, "problem", operation->problem);
		return item;
	}
	tidy_report_add_text(item, "kind", kind_name(journal->header.kind));
	tidy_report_add_path(item, "stray", journal->header.stray);
	tidy_report_add_path(item, "target", journal->header.target);
	tidy_report_add_text(item, "key", journal->header.key);
	tidy_report_add_time(item, "begin", journal->header.begin_ns);
	tidy_report_add_time(item, "end", journal->is_committed ? journal->commit.end_ns : 0);
	tidy_report_add_number(item, "undoes", journal->header.undoes);
	tidy_report_add_number(item, "undone-by", operation->undone_by);
	add_counts(item, &journal->commit.counts);
	if (with_steps)
		add_steps(item, journal);
	return item;
}

GVariant *
tidy_service_history(TidyService *service, guint64 id, GError **error)
{
	g_autoptr(GPtrArray) operations = tidy_engine_history(service->engine, error);
	GVariantBuilder *report;
	GVariantBuilder *list;
	guint n = 0;

	if (operations == NULL)
		return NULL;
	list = tidy_report_new_list();
	for (guint i = operations->len; i > 0; i--) {
		TidyOperation *operation = g_ptr_array_index(operations, i - 1);

		if (id != 0 && operation->id != id)
			continue;
		/* It was readable a moment ago: without them it is shown without them. */
		if (id != 0 && operation->journal != NULL)
			tidy_engine_read_steps(service->engine, operation, NULL);
		tidy_report_add_item(list, history_item(operation, id != 0));
		n++;
	}
	if (id != 0 && n == 0) {
		g_variant_builder_unref(list);
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND,
			    "there is no operation %" G_GUINT64_FORMAT "; see: xdgtidy history",
			    id);
		return NULL;
	}
	report = report_new();
	tidy_report_add_list(report, "operations", list);
	return tidy_report_end(report);
}

/* Not a child of the whole history: that would keep all of it in memory. */
GVariant *
tidy_service_last(TidyService *service)
{
	g_autoptr(GPtrArray) operations = tidy_engine_history(service->engine, NULL);
	GVariantBuilder *item;
	GVariant *last;

	if (operations == NULL || operations->len == 0)
		return NULL;
	item = history_item(g_ptr_array_index(operations, operations->len - 1), FALSE);
	last = g_variant_builder_end(item);
	g_variant_builder_unref(item);
	return last;
}

/* --- watches --- */

GVariant *
tidy_service_watches(TidyService *service)
{
	g_autoptr(GVariantBuilder) list = g_variant_builder_new(G_VARIANT_TYPE("a(ss)"));
	g_autoptr(TidyCandidates) all = tidy_service_find_strays(service, FALSE, FALSE);
	const TidyUserDirs *dirs = service->user_dirs != NULL ? service->user_dirs->dirs : NULL;

	g_variant_builder_add(list, "(ss)", service->home, "home");
	g_variant_builder_add(list, "(ss)", service->config_dir, "config");
	for (guint i = 0; dirs != NULL && i < dirs->entries->len; i++) {
		const TidyUserDir *dir = g_ptr_array_index(dirs->entries, i);

		if (dir->state == TIDY_DIR_SET && g_utf8_validate(dir->path, -1, NULL))
			g_variant_builder_add(list, "(ss)", dir->path, "user-dir");
	}
	for (guint i = 0; i < all->candidates->len; i++) {
		const TidyCandidate *one = g_ptr_array_index(all->candidates, i);

		if (one->may <= TIDY_MAY_PROPOSE && g_utf8_validate(one->path, -1, NULL))
			g_variant_builder_add(list, "(ss)", one->path, "stray");
	}
	return g_variant_builder_end(list);
}
