/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What several reports have in common: pairs, counts, steps, strays. Pure. */
#include <glib/gi18n.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/report-read.h"

char *
tidy_render_pair(const TidyOutput *out, GVariant *dict)
{
	g_autofree char *stray = tidy_output_path(out, tidy_report_str(dict, "stray"));
	g_autofree char *target = tidy_output_path(out, tidy_report_str(dict, "target"));

	/* Duplicates have no two sides. */
	if (*tidy_report_str(dict, "stray") == '\0')
		return g_strdup(_("duplicates"));
	if (strcmp(stray, target) == 0)
		return g_strdup_printf(_("duplicates in %s"), stray);
	return g_strdup_printf("%s -> %s", stray, target);
}

/* ---- counts ---- */

/* One after the other in the sentence; each with both plural forms. */
typedef struct {
	const char *key;
	const char *one;
	const char *many;
	gboolean has_size;
} CountWord;

static const CountWord put_back = { "moved", N_("%s put back"), N_("%s put back"), TRUE };
static const CountWord count_words[] = {
	{ "moved", N_("%s moved"), N_("%s moved"), TRUE },
	{ "kept-both", N_("%s kept under a new name"), N_("%s kept under new names"), FALSE },
	{ "folded", N_("%s identical"), N_("%s identical"), FALSE },
	{ "removed", N_("%s empty folder removed"), N_("%s empty folders removed"), FALSE },
	{ "skipped", N_("%s left"), N_("%s left"), FALSE },
	{ "failed", N_("%s failed"), N_("%s failed"), FALSE },
};

char *
tidy_render_counts(GVariant *counts, gboolean is_undo)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(count_words); i++) {
		const CountWord *word = is_undo && i == 0 ? &put_back : &count_words[i];
		guint64 n = tidy_report_uint(counts, word->key);
		guint64 bytes = tidy_report_uint(counts, "bytes");
		g_autofree char *number = g_strdup_printf("%" G_GUINT64_FORMAT, n);
		const char *form = ngettext(word->one, word->many, (gulong)n);
		g_auto(GStrv) around = g_strsplit(form, "%s", 2);

		if (n == 0)
			continue;
		g_string_append_printf(text, "%s%s%s%s", text->len > 0 ? ", " : "", around[0],
				       number, around[1] != NULL ? around[1] : "");
		if (word->has_size && bytes > 0) {
			g_autofree char *size = g_format_size(bytes);

			g_string_append_printf(text, " (%s)", size);
		}
	}
	if (text->len == 0)
		g_string_append(text, _("nothing"));
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* ---- steps ---- */

typedef enum {
	SHAPE_NAME,   /* the entry */
	SHAPE_RENAME, /* the entry, and its new name when that differs */
	SHAPE_HIDDEN, /* only a program cares */
} Shape;

/* In the order of the listing. A row without @why is for every other reason. */
static const struct {
	const char *op;
	const char *why;
	const char *label;
	Shape shape;
	TidyStyle style;
} step_kinds[] = {
	{ "mkdir", NULL, N_("create"), SHAPE_NAME, TIDY_STYLE_PLAIN },
	{ "move", NULL, N_("move"), SHAPE_RENAME, TIDY_STYLE_GOOD },
	{ "move", "name-taken", N_("keep both"), SHAPE_RENAME, TIDY_STYLE_WARN },
	{ "move", "undo", N_("move back"), SHAPE_RENAME, TIDY_STYLE_GOOD },
	{ "copy", NULL, N_("copy"), SHAPE_RENAME, TIDY_STYLE_GOOD },
	{ "restore", NULL, N_("restore"), SHAPE_NAME, TIDY_STYLE_GOOD },
	{ "trash", NULL, N_("to Trash"), SHAPE_NAME, TIDY_STYLE_WARN },
	{ "hardlink", NULL, N_("make a link"), SHAPE_NAME, TIDY_STYLE_GOOD },
	{ "separate", NULL, N_("copy"), SHAPE_NAME, TIDY_STYLE_GOOD },
	{ "reflink", NULL, N_("share blocks"), SHAPE_NAME, TIDY_STYLE_GOOD },
	{ "delete", NULL, N_("delete"), SHAPE_NAME, TIDY_STYLE_WARN },
	/* A relative link is rewritten by a new link at the new place and the end of the old one: one line. */
	{ "unlink", "relative-link", NULL, SHAPE_HIDDEN, TIDY_STYLE_PLAIN },
	{ "unlink", NULL, N_("unlink"), SHAPE_NAME, TIDY_STYLE_PLAIN },
	{ "rmdir", NULL, N_("remove"), SHAPE_NAME, TIDY_STYLE_PLAIN },
	{ "link", NULL, N_("link"), SHAPE_NAME, TIDY_STYLE_PLAIN },
	{ "times", NULL, NULL, SHAPE_HIDDEN, TIDY_STYLE_PLAIN },
};

/* Reasons that say more than the label does. */
static const struct {
	const char *code;
	const char *text;
} why_words[] = {
	{ "identical", N_("identical") },
	{ "same-file", N_("a link to the same file") },
	{ "newer", N_("the other one is newer") },
	{ "view-file", N_("a file manager's own file") },
	{ "relative-link", N_("rewritten, it would break") },
	{ "empty", N_("empty") },
	{ "compatibility-link", N_("for programs that use the old path") },
};

/* The row for exactly this reason, else the one for every other. -1: an operation that this version does not know. */
static int
step_kind(GVariant *step)
{
	const char *op = tidy_report_str(step, "op");
	const char *why = tidy_report_str(step, "why");
	int found = -1;

	for (guint i = 0; i < G_N_ELEMENTS(step_kinds); i++) {
		gboolean is_op = strcmp(step_kinds[i].op, op) == 0;

		if (is_op && g_strcmp0(step_kinds[i].why, why) == 0)
			return (int)i;
		if (is_op && step_kinds[i].why == NULL)
			found = (int)i;
	}
	return found;
}

static const char *
why_text(GVariant *step)
{
	const char *why = tidy_report_str(step, "why");

	for (guint i = 0; i < G_N_ELEMENTS(why_words); i++) {
		if (strcmp(why_words[i].code, why) == 0)
			return _(why_words[i].text);
	}
	return "";
}

/* The entry as seen from whichever of the two directories it lies in. */
static char *
entry_name(const TidyOutput *out, GVariant *operation, const char *path)
{
	const char *stray = tidy_report_str(operation, "stray");
	g_autofree char *in_stray = tidy_output_path_in(out, stray, path);

	if (*in_stray != '~' && *in_stray != '/')
		return g_steal_pointer(&in_stray);
	return tidy_output_path_in(out, tidy_report_str(operation, "target"), path);
}

static gboolean
is_directory(GVariant *step)
{
	const char *op = tidy_report_str(step, "op");

	return strcmp(op, "mkdir") == 0 || strcmp(op, "rmdir") == 0 ||
	       strcmp(tidy_report_str(step, "type"), "directory") == 0;
}

static char *
step_text(const TidyOutput *out, GVariant *operation, GVariant *step, Shape shape)
{
	const char *from = tidy_report_str(step, "from");
	const char *to = tidy_report_str(step, "to");
	/* What comes back from the Trash is known by where it comes back to. */
	gboolean is_known_by_to =
		*from == '\0' || strcmp(tidy_report_str(step, "op"), "restore") == 0;
	g_autofree char *old_name = entry_name(out, operation, is_known_by_to ? to : from);
	g_autofree char *new_name = entry_name(out, operation, *to != '\0' ? to : from);
	const char *slash = is_directory(step) && !g_str_has_suffix(old_name, "/") ? "/" : "";

	if (shape == SHAPE_RENAME && strcmp(old_name, new_name) != 0)
		return g_strdup_printf("%s%s -> %s%s", old_name, slash, new_name, slash);
	return g_strconcat(old_name, slash, NULL);
}

static void
add_more(TidyTable *table, const TidyOutput *out, guint64 n, gboolean is_report_cut)
{
	g_autofree char *text = NULL;

	if (out->list_limit == 0 || n <= out->list_limit)
		return;
	/* The number would be wrong; the counts have the right one. */
	if (is_report_cut) {
		TIDY_TABLE_ROW(table, TIDY_STYLE_DIM, "", _("... and many more"));
		return;
	}
	text = g_strdup_printf(ngettext("... and %" G_GUINT64_FORMAT " more (use --verbose)",
					"... and %" G_GUINT64_FORMAT " more (use --verbose)",
					(gulong)(n - out->list_limit)),
			       n - out->list_limit);
	TIDY_TABLE_ROW(table, TIDY_STYLE_DIM, "", text);
}

static gboolean
is_listed(const TidyOutput *out, guint64 n)
{
	return out->list_limit == 0 || n < out->list_limit;
}

/* The kind of each step, found once: a report may have thousands. (transfer full): of int. */
static GArray *
step_kinds_of(GVariant *steps, gsize length)
{
	GArray *kinds = g_array_sized_new(FALSE, FALSE, sizeof(int), (guint)length);

	for (gsize i = 0; i < length; i++) {
		g_autoptr(GVariant) step = g_variant_get_child_value(steps, i);
		int kind = step_kind(step);

		g_array_append_val(kinds, kind);
	}
	return kinds;
}

static void
add_step(TidyTable *table, const TidyOutput *out, GVariant *operation, GVariant *step, int kind,
	 gboolean is_first)
{
	guint64 bytes = tidy_report_uint(step, "bytes");
	g_autofree char *size = bytes > 0 ? g_format_size(bytes) : NULL;
	const char *op = kind >= 0 ? _(step_kinds[kind].label) : tidy_report_str(step, "op");
	g_autofree char *name =
		step_text(out, operation, step, kind >= 0 ? step_kinds[kind].shape : SHAPE_RENAME);

	TIDY_TABLE_ROW(table, TIDY_STYLE_PLAIN, is_first ? op : "", name, size, why_text(step));
}

static void
add_steps(TidyTable *table, const TidyOutput *out, GVariant *operation)
{
	gsize length = tidy_report_list_length(operation, "steps");
	g_autoptr(GVariant) steps =
		g_variant_lookup_value(operation, "steps", G_VARIANT_TYPE("aa{sv}"));
	g_autoptr(GArray) kinds = step_kinds_of(steps, length);

	for (int kind = -1; kind < (int)G_N_ELEMENTS(step_kinds); kind++) {
		guint64 n = 0;

		if (kind >= 0 && step_kinds[kind].shape == SHAPE_HIDDEN)
			continue;
		for (gsize i = 0; i < length; i++) {
			g_autoptr(GVariant) step = NULL;

			if (g_array_index(kinds, int, i) != kind || !is_listed(out, n++))
				continue;
			step = g_variant_get_child_value(steps, i);
			add_step(table, out, operation, step, kind, n == 1);
		}
		add_more(table, out, n, tidy_report_uint(operation, "steps-cut") > 0);
	}
}

/* Problems: what stays where it is, then what went wrong. */
static gboolean
is_failure(GVariant *problem)
{
	static const char *const codes[] = { "failed", "unreadable", "no-free-name",
					     "io",     "no-space",   NULL };

	return g_strv_contains(codes, tidy_report_str(problem, "code"));
}

static void
add_problems(TidyTable *table, const TidyOutput *out, GVariant *operation,
	     gboolean is_wanted_failure)
{
	gsize length = tidy_report_list_length(operation, "problems");
	guint64 n = 0;

	for (gsize i = 0; i < length; i++) {
		g_autoptr(GVariant) problem = tidy_report_list_item(operation, "problems", i);
		g_autofree char *name = NULL;
		const char *label = is_wanted_failure ? _("failed") : _("leave");

		if (is_failure(problem) != is_wanted_failure)
			continue;
		name = entry_name(out, operation, tidy_report_str(problem, "path"));
		if (is_listed(out, n))
			TIDY_TABLE_ROW(table, is_wanted_failure ? TIDY_STYLE_BAD : TIDY_STYLE_WARN,
				       n == 0 ? label : "", name, "",
				       tidy_report_str(problem, "text"));
		n++;
	}
	add_more(table, out, n, FALSE);
}

void
tidy_render_steps(TidyOutput *out, GVariant *operation)
{
	g_autoptr(TidyTable) table = tidy_table_new();
	guint64 n_cut = tidy_report_uint(operation, "steps-cut");

	tidy_table_set_style(table, 0, TIDY_STYLE_HEAD);
	tidy_table_set_style(table, 2, TIDY_STYLE_DIM);
	tidy_table_set_style(table, 3, TIDY_STYLE_DIM);
	tidy_table_set_right(table, 2);
	add_steps(table, out, operation);
	add_problems(table, out, operation, FALSE);
	add_problems(table, out, operation, TRUE);
	tidy_table_render(table, out, 2);
	if (n_cut > 0 && out->list_limit == 0)
		tidy_output_add(out, TIDY_STYLE_DIM,
				ngettext("  ... and %" G_GUINT64_FORMAT
					 " step that no report lists\n",
					 "  ... and %" G_GUINT64_FORMAT
					 " steps that no report lists\n",
					 (gulong)n_cut),
				n_cut);
}

/* ---- strays ---- */

static const struct {
	const char *verdict;
	const char *text;
	TidyStyle style;
} verdicts[] = {
	{ "merge", N_("is merged automatically"), TIDY_STYLE_GOOD },
	{ "propose", N_("waits for your yes"), TIDY_STYLE_WARN },
	{ "report", N_("is only reported"), TIDY_STYLE_DIM },
	{ "refused", N_("is left alone"), TIDY_STYLE_BAD },
};

/*
 * "~/Download: a mount point [mount-point]". A text that opens with the path itself says it once.
 */
char *
tidy_render_reason(const TidyOutput *out, GVariant *reason)
{
	const char *path = tidy_report_str(reason, "path");
	const char *text = tidy_report_str(reason, "text");
	const char *code = tidy_report_str(reason, "code");
	g_autofree char *where = *path != '\0' ? tidy_output_path(out, path) : NULL;
	gsize length = strlen(path);

	if (where != NULL && strncmp(text, path, length) == 0 && text[length] == ' ')
		return g_strdup_printf("%s%s [%s]", where, text + length, code);
	return g_strdup_printf("%s%s%s [%s]", where != NULL ? where : "", where != NULL ? ": " : "",
			       text, code);
}

static void
add_reasons(TidyTable *table, const TidyOutput *out, GVariant *stray)
{
	gsize length = tidy_report_list_length(stray, "reasons");

	for (gsize i = 0; i < length; i++) {
		g_autoptr(GVariant) reason = tidy_report_list_item(stray, "reasons", i);
		g_autofree char *note = tidy_render_reason(out, reason);

		tidy_table_add_note(table, TIDY_STYLE_DIM, note);
	}
}

static void
add_stray(TidyTable *table, const TidyOutput *out, GVariant *stray)
{
	const char *verdict = tidy_report_str(stray, "verdict");
	guint64 entries = tidy_report_uint(stray, "entries");
	g_autofree char *pair = tidy_render_pair(out, stray);
	g_autofree char *size = g_format_size(tidy_report_uint(stray, "bytes"));
	g_autofree char *amount =
		g_strdup_printf(ngettext("%" G_GUINT64_FORMAT " entry",
					 "%" G_GUINT64_FORMAT " entries", (gulong)entries),
				entries);
	TidyStyle style = TIDY_STYLE_PLAIN;

	for (guint i = 0; i < G_N_ELEMENTS(verdicts); i++) {
		if (strcmp(verdicts[i].verdict, verdict) == 0) {
			verdict = _(verdicts[i].text);
			style = verdicts[i].style;
		}
	}
	TIDY_TABLE_ROW(table, style, pair, amount, size, verdict);
	add_reasons(table, out, stray);
}

void
tidy_render_strays(TidyOutput *out, GVariant *report)
{
	g_autoptr(TidyTable) table = tidy_table_new();
	gsize length = tidy_report_list_length(report, "strays");

	tidy_table_set_right(table, 1);
	tidy_table_set_right(table, 2);
	for (gsize i = 0; i < length; i++) {
		g_autoptr(GVariant) stray = tidy_report_list_item(report, "strays", i);

		add_stray(table, out, stray);
	}
	tidy_table_render(table, out, 2);
}
