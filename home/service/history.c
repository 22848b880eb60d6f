/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was done: the journals as reports. I/O. */
#include "home/base/error.h"
#include "home/service/operation.h"

/* More than a person reads, less than D-Bus refuses. */
#define HISTORY_MAX 10000

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
			tidy_report_add_step(steps, step, from, to);
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
	tidy_report_add_counts(item, &journal->commit.counts);
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
	report = tidy_report_begin();
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
