/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * xdgtidy dupes: finds files and directories with equal content. The search only looks, so it needs no daemon and no
 * lock: it runs in a thread of this process while signals and the progress line are served. What is to be done about
 * it is dupes-act.c's. I/O.
 */
#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/dupes-act.h"
#include "cli/progress.h"
#include "cli/report-read.h"
#include "home/dupes/dupes-report.h"

static gboolean is_summary;
static gboolean is_null;
static char *min_size_text;
static char *keep_text;
static char **ignore;
static char **protect;
static gboolean is_trash;
static gboolean is_hardlink;
static gboolean is_reflink;
static TidyDupesActing acting;

const GOptionEntry tidy_dupes_options[] = {
	{ "summary", 's', 0, G_OPTION_ARG_NONE, &is_summary, N_("print the totals only"), NULL },
	{ "null", '0', 0, G_OPTION_ARG_NONE, &is_null,
	  N_("print names as they are, each ended by a zero byte, each group by one more"), NULL },
	{ "min-size", 0, 0, G_OPTION_ARG_STRING, &min_size_text,
	  N_("leave out smaller files; K, M and G are powers of 1024"), N_("SIZE") },
	{ "ignore", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &ignore,
	  N_("leave out names that match, or with a '/' paths; may be given again"), N_("GLOB") },
	{ "protect", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &protect,
	  N_("search DIR too; what is in it is what is kept; may be given again"), N_("DIR") },
	{ "keep", 0, 0, G_OPTION_ARG_STRING, &keep_text,
	  N_("which one to keep: newest, oldest, shortest (path) or first"), N_("WHICH") },
	{ "trash", 0, 0, G_OPTION_ARG_NONE, &is_trash,
	  N_("move all but the first of each group to the Trash"), NULL },
	{ "hardlink", 0, 0, G_OPTION_ARG_NONE, &is_hardlink,
	  N_("make all of a group names of one file, where owner, mode and attributes are equal"),
	  NULL },
	{ "reflink", 0, 0, G_OPTION_ARG_NONE, &is_reflink,
	  N_("let all of a group share their blocks (btrfs, xfs); each stays a file of its own"),
	  NULL },
	{ "dry-run", 'n', 0, G_OPTION_ARG_NONE, &acting.is_dry_run,
	  N_("show what would be done and change nothing"), NULL },
	{ "yes", 'y', 0, G_OPTION_ARG_NONE, &acting.is_yes, N_("do not ask"), NULL },
	{ NULL, 0, 0, 0, NULL, NULL, NULL },
};

/* ---- the search, in its thread ---- */

typedef struct {
	TidyDupesOptions options;
	TidyProgress *progress;
	gint is_cancelled; /* atomic */
	guint n_signals;
	TidyDupes *dupes;
	GError *error;
	gboolean is_done;
} Search;

static gboolean
is_cancelled(gpointer data)
{
	Search *search = data;

	return g_atomic_int_get(&search->is_cancelled) != 0;
}

static void
on_progress(const TidyDupesProgress *progress, gpointer data)
{
	Search *search = data;
	TidyProgressState state = {
		.done_entries = progress->seen_files,
		.done_bytes = progress->settled_bytes,
		.total_bytes = progress->total_bytes,
	};

	tidy_progress_update(search->progress, &state);
}

static gboolean
on_done(gpointer data)
{
	Search *search = data;

	search->is_done = TRUE;
	return G_SOURCE_REMOVE;
}

static gpointer
work(gpointer data)
{
	Search *search = data;

	search->dupes = tidy_dupes_find(tidy_fs_linux(), &search->options, &search->error);
	g_idle_add_full(G_PRIORITY_DEFAULT, on_done, search, NULL);
	return NULL;
}

/* The first one: show what is known so far. The second one: enough. */
static gboolean
on_stop_signal(gpointer data)
{
	Search *search = data;

	if (++search->n_signals > 1) {
		if (isatty(STDERR_FILENO) == 1)
			fputs("\r\033[K", stderr);
		_exit(TIDY_EXIT_INTERRUPTED);
	}
	g_atomic_int_set(&search->is_cancelled, 1);
	return G_SOURCE_CONTINUE;
}

static void
run_search(Search *search, gboolean has_progress)
{
	GThread *thread;
	guint on_int = g_unix_signal_add(SIGINT, on_stop_signal, search);
	guint on_term = g_unix_signal_add(SIGTERM, on_stop_signal, search);

	search->options.progress = on_progress;
	search->options.is_cancelled = is_cancelled;
	search->options.data = search;
	search->progress = tidy_progress_new(has_progress, 0, 0);
	thread = g_thread_new("xdgtidy-dupes", work, search);
	while (!search->is_done)
		g_main_context_iteration(NULL, TRUE);
	g_thread_join(thread);
	tidy_progress_free(search->progress);
	g_source_remove(on_int);
	g_source_remove(on_term);
}

/* ---- what is asked for ---- */

/* "10", "10K", "1.5M". FALSE when it is none of these. */
static gboolean
parse_size(const char *text, gint64 *size)
{
	static const char units[] = "KMGT";
	char *end = NULL;
	double number = g_ascii_strtod(text, &end);
	const char *unit;

	if (end == text || !(number >= 0))
		return FALSE;
	if (*end != '\0') {
		unit = strchr(units, g_ascii_toupper(*end));
		if (unit == NULL || (end[1] != '\0' && g_ascii_strcasecmp(end + 1, "iB") != 0 &&
				     g_ascii_strcasecmp(end + 1, "B") != 0))
			return FALSE;
		number *= (double)(G_GINT64_CONSTANT(1) << (10 * (unit - units + 1)));
	}
	if (number >= (double)G_MAXINT64)
		return FALSE;
	*size = (gint64)number;
	return TRUE;
}

static gboolean
parse_keep(const char *text, TidyDupesKeep *keep)
{
	static const char *const words[] = {
		[TIDY_DUPES_KEEP_FIRST] = "first",
		[TIDY_DUPES_KEEP_NEWEST] = "newest",
		[TIDY_DUPES_KEEP_OLDEST] = "oldest",
		[TIDY_DUPES_KEEP_SHORTEST] = "shortest",
	};

	for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
		if (strcmp(words[i], text) == 0) {
			*keep = (TidyDupesKeep)i;
			return TRUE;
		}
	}
	return FALSE;
}

static gboolean
has_action(void)
{
	return is_trash || is_hardlink || is_reflink;
}

static gboolean
parse_options(const TidyInvocation *call, TidyDupesOptions *options)
{
	if (min_size_text != NULL && !parse_size(min_size_text, &options->min_size)) {
		tidy_fail(call, TIDY_EXIT_USAGE, "usage",
			  _("'%s' is no size; write 4096, 100K or 2M"), min_size_text);
		return FALSE;
	}
	if (keep_text != NULL && !parse_keep(keep_text, &options->keep)) {
		tidy_fail(call, TIDY_EXIT_USAGE, "usage",
			  _("'%s' is not newest, oldest, shortest or first"), keep_text);
		return FALSE;
	}
	if (is_null && (is_summary || call->is_json)) {
		tidy_fail(call, TIDY_EXIT_USAGE, "usage",
			  _("--null goes neither with --summary nor with --json"));
		return FALSE;
	}
	if (is_trash + is_hardlink + is_reflink > 1 || (is_null && has_action())) {
		tidy_fail(call, TIDY_EXIT_USAGE, "usage",
			  _("one of --trash, --hardlink and --reflink at a time, and without "
			    "--null"));
		return FALSE;
	}
	return TRUE;
}

/* Absolute, so that what is printed means the same elsewhere, and protected directories are recognised. */
static char **
absolute_paths(char **paths)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

	for (; paths != NULL && *paths != NULL; paths++) {
		g_autofree char *path = g_canonicalize_filename(*paths, NULL);

		g_strv_builder_add(builder, path);
	}
	return g_strv_builder_end(builder);
}

static char *
raw_path(GVariant *dict)
{
	const char *encoded = tidy_report_str(dict, "path_b64");
	gsize length = 0;
	g_autofree guchar *bytes = NULL;

	if (*encoded == '\0')
		return g_strdup(tidy_report_str(dict, "path"));
	bytes = g_base64_decode(encoded, &length);
	return g_strndup((const char *)bytes, length);
}

/* The user directories that there are; NULL: they could not be found out. */
static char **
user_directories(GError **error)
{
	g_autoptr(TidyBackend) backend = tidy_backend_open(TIDY_BACKEND_DIRECT);
	g_autoptr(GVariant) report =
		tidy_backend_call(backend, &(TidyRequest){ .kind = TIDY_REQUEST_SCAN }, error);
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

	if (report == NULL)
		return NULL;
	for (gsize i = 0; i < tidy_report_list_length(report, "dirs"); i++) {
		g_autoptr(GVariant) dir = tidy_report_list_item(report, "dirs", i);
		g_autofree char *path = raw_path(dir);

		if (strcmp(tidy_report_str(dir, "state"), "ok") == 0)
			g_strv_builder_add(builder, path);
	}
	return g_strv_builder_end(builder);
}

/* ---- what is printed ---- */

static void
print_null(const TidyDupes *dupes)
{
	for (guint i = 0; i < dupes->groups->len; i++) {
		const TidyDupesGroup *group = dupes->groups->pdata[i];

		if (group->n_contents < 2)
			continue;
		for (guint k = 0; k < group->names->len; k++) {
			const TidyDupesName *name = &g_array_index(group->names, TidyDupesName, k);

			if (!(name->flags & TIDY_DUPES_COVERED))
				fwrite(name->path, 1, strlen(name->path) + 1, stdout);
		}
		fputc('\0', stdout);
	}
}

static void
render_name(TidyOutput *out, GVariant *name, gboolean is_link)
{
	g_autofree char *path = tidy_output_path(out, tidy_report_str(name, "path"));
	g_autoptr(GVariant) why = g_variant_lookup_value(name, "why", G_VARIANT_TYPE_STRING_ARRAY);
	gboolean is_kept = tidy_report_bool(name, "kept");
	TidyStyle style = is_kept ? TIDY_STYLE_GOOD : TIDY_STYLE_PLAIN;

	tidy_output_add(out, style, "  %s %s", is_kept ? "*" : " ", path);
	if (is_link)
		tidy_output_add(out, TIDY_STYLE_DIM, "  (%s)", _("hard link"));
	for (gsize i = 0; why != NULL && i < g_variant_n_children(why); i++) {
		g_autoptr(GVariant) word = g_variant_get_child_value(why, i);

		tidy_output_add(out, TIDY_STYLE_DIM, "  (%s)", g_variant_get_string(word, NULL));
	}
	tidy_output_add(out, TIDY_STYLE_PLAIN, "\n");
}

static void
render_group(TidyOutput *out, GVariant *group)
{
	g_autofree char *size = g_format_size(tidy_report_uint(group, "size"));
	g_autofree char *free_size = g_format_size(tidy_report_uint(group, "reclaimable"));
	gboolean is_dir = strcmp(tidy_report_str(group, "type"), "directory") == 0;
	gsize length = tidy_report_list_length(group, "names");
	guint64 last = G_MAXUINT64;

	tidy_output_add(out, TIDY_STYLE_HEAD,
			is_dir ? _("%" G_GUINT64_FORMAT " equal directories of %s")
			       : _("%" G_GUINT64_FORMAT " equal files of %s"),
			tidy_report_uint(group, "count"), size);
	tidy_output_add(out, TIDY_STYLE_PLAIN, _(", %s reclaimable"), free_size);
	tidy_output_add(out, TIDY_STYLE_PLAIN, "\n");
	for (gsize i = 0; i < length; i++) {
		g_autoptr(GVariant) name = tidy_report_list_item(group, "names", i);

		if (out->list_limit > 0 && i >= out->list_limit && length > out->list_limit + 1) {
			tidy_output_add(out, TIDY_STYLE_DIM, _("    and %" G_GSIZE_FORMAT " more"),
					length - i);
			tidy_output_add(out, TIDY_STYLE_PLAIN, "\n");
			break;
		}
		render_name(out, name, tidy_report_uint(name, "file") == last);
		last = tidy_report_uint(name, "file");
	}
	tidy_output_add(out, TIDY_STYLE_PLAIN, "\n");
}

static void
render_skips(TidyOutput *out, GVariant *report)
{
	gsize length = tidy_report_list_length(report, "skips");

	if (length == 0)
		return;
	tidy_output_add(out, TIDY_STYLE_WARN, "%s\n", _("Not compared"));
	for (gsize i = 0; i < length; i++) {
		g_autoptr(GVariant) skip = tidy_report_list_item(report, "skips", i);
		g_autofree char *path = tidy_output_path(out, tidy_report_str(skip, "path"));
		const char *text = tidy_report_str(skip, "text");

		if (out->list_limit > 0 && i >= out->list_limit && length > out->list_limit + 1) {
			tidy_output_add(out, TIDY_STYLE_DIM, _("    and %" G_GSIZE_FORMAT " more"),
					length - i);
			tidy_output_add(out, TIDY_STYLE_PLAIN, "\n");
			break;
		}
		tidy_output_add(out, TIDY_STYLE_PLAIN, "    %s: %s%s%s\n", path,
				tidy_report_str(skip, "code"), *text != '\0' ? ", " : "", text);
	}
	tidy_output_add(out, TIDY_STYLE_PLAIN, "\n");
}

static void
render_stopped(TidyOutput *out, GVariant *counts)
{
	g_autofree char *size = g_format_size(tidy_report_uint(counts, "open-bytes"));
	guint64 open_files = tidy_report_uint(counts, "open-files");

	tidy_output_add(out, TIDY_STYLE_WARN, "%s\n",
			_("Stopped: this is what was known by then."));
	if (open_files > 0)
		tidy_output_add(out, TIDY_STYLE_PLAIN,
				_("%" G_GUINT64_FORMAT " more files (%s) may have equals\n"),
				open_files, size);
}

static void
render_totals(TidyOutput *out, GVariant *report)
{
	g_autoptr(GVariant) counts = tidy_report_dict(report, "counts");
	g_autofree char *free_size = g_format_size(tidy_report_uint(report, "reclaimable"));
	g_autofree char *read_size = g_format_size(tidy_report_uint(counts, "read-bytes"));
	gsize n_groups = tidy_report_list_length(report, "groups");
	gboolean is_stopped = strcmp(tidy_report_str(report, "outcome"), "stopped") == 0;

	if (is_stopped)
		render_stopped(out, counts);
	if (n_groups == 0 && !is_stopped)
		tidy_output_add(out, TIDY_STYLE_GOOD, "%s\n", _("No duplicates."));
	else if (n_groups == 0)
		tidy_output_add(out, TIDY_STYLE_PLAIN, "%s\n", _("No duplicates so far."));
	else
		tidy_output_add(out, TIDY_STYLE_HEAD,
				ngettext("%" G_GSIZE_FORMAT " group, %s reclaimable\n",
					 "%" G_GSIZE_FORMAT " groups, %s reclaimable\n", n_groups),
				n_groups, free_size);
	tidy_output_add(out, TIDY_STYLE_DIM,
			_("%" G_GUINT64_FORMAT " files, %" G_GUINT64_FORMAT
			  " of a size that others have, %s read\n"),
			tidy_report_uint(counts, "files"), tidy_report_uint(counts, "candidates"),
			read_size);
}

void
tidy_render_dupes(TidyOutput *out, GVariant *report, gboolean has_groups)
{
	gsize length = tidy_report_list_length(report, "groups");

	for (gsize i = 0; has_groups && i < length; i++) {
		g_autoptr(GVariant) group = tidy_report_list_item(report, "groups", i);

		render_group(out, group);
	}
	if (has_groups)
		render_skips(out, report);
	render_totals(out, report);
}

static TidyExit
print_dupes(TidyInvocation *call, const TidyDupes *dupes)
{
	g_autoptr(GVariant) report = g_variant_ref_sink(tidy_dupes_report(dupes, 0));

	if (is_null)
		print_null(dupes);
	else if (!tidy_print_json(call, report))
		tidy_render_dupes(call->out, report, !is_summary);
	return dupes->is_partial ? TIDY_EXIT_INTERRUPTED : TIDY_EXIT_DONE;
}

TidyExit
tidy_cmd_dupes(TidyInvocation *call)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyDupes) dupes = NULL;
	g_auto(GStrv) roots = NULL;
	g_auto(GStrv) protected_dirs = absolute_paths(protect);
	Search search = { .options.min_size = 1 };

	if (!parse_options(call, &search.options))
		return TIDY_EXIT_USAGE;
	roots = call->n_args > 0 ? absolute_paths(call->args) : user_directories(&error);
	if (roots == NULL)
		return tidy_fail_error(call, error);
	search.options.roots = (const char *const *)roots;
	search.options.ignore = (const char *const *)ignore;
	search.options.protect = (const char *const *)protected_dirs;
	run_search(&search, call->has_progress);
	dupes = search.dupes;
	if (dupes == NULL) {
		error = search.error;
		return tidy_fail_error(call, error);
	}
	/* What was cut short is only shown. */
	if (!has_action() || dupes->is_partial)
		return print_dupes(call, dupes);
	acting.action = is_trash      ? TIDY_DUPES_TRASH
			: is_hardlink ? TIDY_DUPES_HARDLINK
				      : TIDY_DUPES_REFLINK;
	acting.is_summary = is_summary;
	return tidy_dupes_act(call, dupes, &acting);
}
