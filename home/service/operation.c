/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One operation, as the engine makes it, becomes a part of a report. Pure but for the clock. */
#include "home/service/operation.h"

/* Of a merge: its journal has all of them. An answer of 10,000 steps costs an eighth of the time of moving 60,000 files. */
#define STEPS_MAX     1000
#define PROGRESS_USEC (G_USEC_PER_SEC / 10)

/* --- pieces of reports --- */

GVariantBuilder *
tidy_report_begin(void)
{
	GVariantBuilder *report = tidy_report_new();

	tidy_report_add(report, "version", g_variant_new_uint32(TIDY_REPORT_VERSION));
	return report;
}

void
tidy_report_add_counts(GVariantBuilder *dict, const TidyCounts *counts)
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

void
tidy_report_add_reasons(GVariantBuilder *dict, const GPtrArray *findings)
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

/* --- what the engine tells --- */

void
tidy_report_add_step(GVariantBuilder *list, const TidyStep *step, const char *from, const char *to)
{
	GVariantBuilder *item = tidy_report_new();

	tidy_report_add_text(item, "op", tidy_step_op_name(step->op));
	tidy_report_add_text(item, "why", tidy_why_code(step->why));
	tidy_report_add_path(item, "from", from);
	tidy_report_add_path(item, "to", to);
	tidy_report_add_text(item, "type", type_name(step->type));
	tidy_report_add_number(item, "bytes", step->size > 0 ? (guint64)step->size : 0);
	tidy_report_add_item(list, item);
}

static void
collect_step(const TidyStep *step, const char *from, const char *to, gpointer data)
{
	TidyCollector *collector = data;

	collector->n_steps++;
	if (from != NULL)
		tidy_report_add_step(collector->steps, step, from, to);
}

void
tidy_report_add_problem(GVariantBuilder *list, const char *path, TidyWhy why, const char *text)
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
	TidyCollector *collector = data;
	/* Where the reason says it all, the system's words only confuse. */
	gboolean has_errno = errno_code != 0 && why != TIDY_WHY_NO_SHARING &&
			     why != TIDY_WHY_UNKEEPABLE && why != TIDY_WHY_LOST_RACE;
	g_autofree char *text =
		has_errno ? g_strdup_printf("%s: %s", tidy_why_text(why), g_strerror(errno_code))
			  : g_strdup(tidy_why_text(why));

	tidy_report_add_problem(collector->problems, path, why, text);
}

static void
collect_left(const char *path, TidyWhy why, gpointer data)
{
	collect_problem(path, why, 0, data);
}

static void
collect_progress(const TidyCounts *counts, gpointer data)
{
	TidyCollector *collector = data;
	const TidyMergeOptions *options = collector->options;
	gint64 now = g_get_monotonic_time();

	if (options == NULL || options->progress == NULL ||
	    now - collector->told_usec < PROGRESS_USEC)
		return;
	collector->told_usec = now;
	options->progress(counts->moved + counts->folded, 0, counts->bytes, 0,
			  options->progress_data);
}

void
tidy_collector_init(TidyCollector *collector, const TidyMergeOptions *options)
{
	*collector = (TidyCollector){
		.steps = tidy_report_new_list(),
		.problems = tidy_report_new_list(),
		.options = options,
	};
}

TidySink
tidy_collector_sink(TidyCollector *collector)
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

void
tidy_collector_end(GVariantBuilder *list, TidyCollector *collector, const char *stray,
		   const char *target, const char *key, const GPtrArray *findings,
		   const TidyResult *result, const char *outcome)
{
	GVariantBuilder *item = tidy_report_new();

	tidy_report_add_number(item, "id", result->id);
	tidy_report_add_path(item, "stray", stray);
	tidy_report_add_path(item, "target", target);
	tidy_report_add_text(item, "key", key);
	tidy_report_add_text(item, "outcome", outcome);
	if (findings != NULL)
		tidy_report_add_reasons(item, findings);
	tidy_report_add_counts(item, &result->counts);
	tidy_report_add_list(item, "steps", collector->steps);
	if (collector->n_steps > STEPS_MAX)
		tidy_report_add_number(item, "steps-cut", collector->n_steps - STEPS_MAX);
	tidy_report_add_list(item, "problems", collector->problems);
	tidy_report_add_item(list, item);
}
