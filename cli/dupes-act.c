/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done about duplicates: the plan in one sentence, the question, the request. I/O. */
#include "cli/dupes-act.h"

#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/report-read.h"
#include "home/dupes/dupes-report.h"

/* One call carries so many; more become further operations, each with an undo of its own. */
#define PAIRS_MAX 10000

static const char *const action_names[] = {
	[TIDY_DUPES_TRASH] = "trash",
	[TIDY_DUPES_HARDLINK] = "hardlink",
	[TIDY_DUPES_REFLINK] = "reflink",
};

static guint64
bytes_of(GArray *folds)
{
	guint64 bytes = 0;

	for (guint i = 0; i < folds->len; i++)
		bytes += (guint64)g_array_index(folds, TidyDupesFold, i).group->size;
	return bytes;
}

static void
render_plan(TidyOutput *out, GArray *folds, TidyDupesAction action)
{
	g_autofree char *size = g_format_size(bytes_of(folds));
	g_autofree char *text = NULL;
	gulong n = folds->len;

	switch (action) {
	case TIDY_DUPES_TRASH:
		text = g_strdup_printf(ngettext("%lu name would go to the Trash, with %s; the "
						"first one of its group stays.",
						"%lu names would go to the Trash, with %s; the "
						"first one of each group stays.",
						n),
				       n, size);
		break;
	case TIDY_DUPES_HARDLINK:
		text = g_strdup_printf(
			ngettext("%lu file would become a link to the first one of its group, "
				 "which frees %s. "
				 "From then on a change of the one is a change of the other.",
				 "%lu files would become links to the first ones of their groups, "
				 "which frees %s. "
				 "From then on a change of the one is a change of the other.",
				 n),
			n, size);
		break;
	case TIDY_DUPES_REFLINK:
		text = g_strdup_printf(ngettext("%lu file would share the blocks of the first one "
						"of its group, which frees %s.",
						"%lu files would share the blocks of the first "
						"ones of their groups, which frees %s.",
						n),
				       n, size);
		break;
	}
	tidy_output_add(out, TIDY_STYLE_PLAIN, "\n");
	tidy_output_paragraph(out, 0, TIDY_STYLE_PLAIN, text);
}

/* The path with its directory's links resolved: the one who folds follows none. (transfer full) */
static char *
resolved(GHashTable *dirs, const char *path)
{
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *name = g_path_get_basename(path);
	const char *real = g_hash_table_lookup(dirs, dir);

	if (real == NULL) {
		/* malloc and g_free go together (GLib 2.46 and later). */
		char *found = realpath(dir, NULL);

		if (found == NULL)
			found = g_strdup(dir);
		g_hash_table_insert(dirs, g_strdup(dir), found);
		real = found;
	}
	return g_build_filename(real, name, NULL);
}

static gboolean
is_in_home(const char *path)
{
	g_autofree char *home = realpath(g_get_home_dir(), NULL);

	return home != NULL && g_str_has_prefix(path, home) && path[strlen(home)] == '/';
}

/* @all_in_home: whether the daemon may do it, which serves one home. */
static GVariant *
pairs_of(GArray *folds, guint from, gboolean *all_in_home)
{
	g_autoptr(GHashTable) dirs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a(ayay)"));
	for (guint i = from; i < folds->len && i < from + PAIRS_MAX; i++) {
		const TidyDupesFold *fold = &g_array_index(folds, TidyDupesFold, i);

		g_autofree char *keep = resolved(dirs, fold->keep->path);
		g_autofree char *path = resolved(dirs, fold->fold->path);

		*all_in_home = *all_in_home && is_in_home(keep) && is_in_home(path);
		g_variant_builder_add(&builder, "(^ay^ay)", keep, path);
	}
	return g_variant_ref_sink(g_variant_builder_end(&builder));
}

static TidyExit
act(TidyInvocation *call, GArray *folds, TidyDupesAction action)
{
	TidyExit worst = TIDY_EXIT_DONE;

	for (guint from = 0; from < folds->len; from += PAIRS_MAX) {
		gboolean may_ask_daemon = !call->is_direct;
		g_autoptr(GVariant) pairs = pairs_of(folds, from, &may_ask_daemon);
		g_autoptr(TidyBackend) backend =
			tidy_backend_open(may_ask_daemon ? TIDY_BACKEND_ANY : TIDY_BACKEND_DIRECT);
		g_autoptr(GError) error = NULL;
		g_autoptr(GVariant) report = NULL;
		TidyRequest request = {
			.kind = TIDY_REQUEST_DEDUPE,
			.action = action_names[action],
			.pairs = pairs,
			.has_progress = call->has_progress,
			.expected_entries = folds->len - from,
		};
		TidyExit code;

		report = tidy_backend_call(backend, &request, &error);
		if (report == NULL)
			return tidy_fail_error(call, error);
		if (!tidy_print_json(call, report))
			tidy_render_merge(call->out, report, FALSE);
		code = tidy_merge_exit(report);
		worst = MAX(worst, code);
	}
	return worst;
}

TidyExit
tidy_dupes_act(TidyInvocation *call, const TidyDupes *dupes, const TidyDupesActing *acting)
{
	g_autoptr(GArray) folds = tidy_dupes_plan(dupes, acting->action);
	const char *wrong = tidy_dupes_check_plan(folds);
	g_autoptr(GVariant) report = NULL;

	if (wrong != NULL)
		return tidy_fail(call, TIDY_EXIT_PROBLEMS, "internal", "%s", wrong);
	if (!acting->is_dry_run && !acting->is_yes && !tidy_can_ask(call))
		return tidy_fail(
			call, TIDY_EXIT_REFUSED, "needs-yes",
			_("nobody can be asked here, so nothing was changed; look at it with "
			  "'xdgtidy dupes', then add --yes"));
	if (acting->is_yes && !acting->is_dry_run && folds->len > 0)
		return act(call, folds, acting->action);
	report = g_variant_ref_sink(tidy_dupes_report(dupes, 0));
	if (tidy_print_json(call, report))
		return TIDY_EXIT_DONE;
	tidy_render_dupes(call->out, report, !acting->is_summary);
	if (folds->len == 0) {
		tidy_output_add(call->out, TIDY_STYLE_PLAIN, "%s\n", _("Nothing to do."));
		return TIDY_EXIT_DONE;
	}
	render_plan(call->out, folds, acting->action);
	if (acting->is_dry_run)
		return TIDY_EXIT_DONE;
	tidy_output_flush(call->out, stdout);
	if (!tidy_ask(_("Do it? [y/N]"))) {
		tidy_output_add(call->out, TIDY_STYLE_PLAIN, "%s\n", _("Nothing was changed."));
		return TIDY_EXIT_DONE;
	}
	return act(call, folds, acting->action);
}
