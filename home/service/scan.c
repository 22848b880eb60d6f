/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What there is: directories, strays, reasons; and what is worth watching. I/O. */
#include "home/service/operation.h"

static const char *
may_name(TidyMay may)
{
	static const char *const names[] = { "merge", "propose", "report", "refused" };

	return names[may];
}

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
	tidy_report_add_reasons(item, candidate->findings);
	add_links(item, candidate->facts);
	return item;
}

GVariant *
tidy_service_scan(TidyService *service, gboolean with_links, GError **error)
{
	g_autoptr(TidyCandidates) all = tidy_service_find_strays(service, TRUE, with_links);
	GVariantBuilder *report = tidy_report_begin();
	GVariantBuilder *list = tidy_report_new_list();

	tidy_report_add_path(report, "home", service->home);
	add_dirs(service, report);
	add_warnings(service, report);
	for (guint i = 0; i < all->candidates->len; i++)
		tidy_report_add_item(list, stray_item(g_ptr_array_index(all->candidates, i)));
	tidy_report_add_list(report, "strays", list);
	return tidy_report_end(report);
}

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
