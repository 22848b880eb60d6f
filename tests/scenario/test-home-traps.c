/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every file below tests/scenario/homes as a home in a temporary directory: what the scan says of it, what the daemon
 * would do by itself, and what is done when the user asks. A name or part of one in $SCENARIO picks some. I/O.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "home/base/error.h"
#include "tests/support/scenario.h"
#include "tests/support/trap-site.h"

/* Goes on, so that one run shows all that is wrong with a home. */
#define fail(...)                            \
	do {                                 \
		g_test_message(__VA_ARGS__); \
		g_test_fail();               \
	} while (0)

static Tree *
snapshot(const TrapSite *home)
{
	TidyFs *fs = tidy_fs_linux();
	g_autoptr(GError) error = NULL;
	int dir = open(home->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	Tree *tree = scenario_snapshot(fs, dir, &error);

	g_assert_no_error(error);
	close(dir);
	return tree;
}

/* --- what is said --- */

static GVariant *
scan(const TrapSite *home)
{
	g_autoptr(GError) error = NULL;
	GVariant *report = tidy_service_scan(home->service, TRUE, &error);

	g_assert_no_error(error);
	return report;
}

/* The scan's item for the stray, or NULL. (transfer full) */
static GVariant *
find_item(const TrapSite *home, GVariant *report)
{
	g_autoptr(GVariant) strays = g_variant_lookup_value(report, "strays", NULL);
	GVariantIter iter;
	GVariant *item;

	g_variant_iter_init(&iter, strays);
	while (g_variant_iter_loop(&iter, "@a{sv}", &item)) {
		const char *path = NULL;
		const char *bytes = NULL;

		g_variant_lookup(item, "stray", "&s", &path);
		if (g_variant_lookup(item, "stray-bytes", "^&ay", &bytes))
			path = bytes;
		if (strcmp(path, home->stray) == 0)
			return item;
	}
	return NULL;
}

static char *
codes_of(GVariant *item)
{
	g_autoptr(GVariant) reasons = g_variant_lookup_value(item, "reasons", NULL);
	GString *codes = g_string_new(" ");
	GVariantIter iter;
	GVariant *reason;

	g_variant_iter_init(&iter, reasons);
	while (g_variant_iter_loop(&iter, "@a{sv}", &reason)) {
		const char *code = NULL;

		g_variant_lookup(reason, "code", "&s", &code);
		g_string_append_printf(codes, "%s ", code);
	}
	return g_string_free(codes, FALSE);
}

/* All links that the scan found, as the scenario writes them. */
static void
check_links(const TrapSite *home, GVariant *item)
{
	g_autoptr(GVariant) links = g_variant_lookup_value(item, "links", NULL);
	g_autoptr(GString) found = g_string_new(NULL);
	g_autoptr(GString) expected = g_string_new(NULL);
	g_autofree char *below = g_strconcat(home->home, "/", NULL);
	GVariantIter iter;
	GVariant *link;
	char **words;

	for (guint i = 0; (words = trap_home_get(home->trap, "link", i)) != NULL; i++)
		g_string_append_printf(expected, "%s %s %s\n", words[0], words[1], words[2]);
	if (expected->len == 0)
		return;
	g_variant_iter_init(&iter, links);
	while (g_variant_iter_loop(&iter, "@a{sv}", &link)) {
		const char *path = "";
		const char *text = "";
		const char *new_text = "";

		g_variant_lookup(link, "path", "&s", &path);
		g_variant_lookup(link, "text", "&s", &text);
		g_variant_lookup(link, "new-text", "&s", &new_text);
		g_string_append_printf(found, "%s %s %s\n", path + strlen(below), text, new_text);
	}
	g_string_replace(expected, "@HOME@", home->home, 0);
	if (strcmp(expected->str, found->str) != 0)
		fail("links found:\n%sexpected:\n%s", found->str, expected->str);
}

static void
check_scan(const TrapSite *home, char *const *expected)
{
	g_autoptr(GVariant) report = scan(home);
	g_autoptr(GVariant) item = find_item(home, report);
	g_autofree char *codes = NULL;
	const char *unexpected = trap_home_word(home->trap, "expect-not", 0, NULL);
	const char *verdict = "none";

	if (item != NULL) {
		g_variant_lookup(item, "verdict", "&s", &verdict);
		codes = codes_of(item);
		check_links(home, item);
	}
	if (strcmp(verdict, expected[0]) != 0)
		fail("the verdict is %s [%s], not %s", verdict, codes != NULL ? codes : "",
		     expected[0]);
	for (guint i = 1; item != NULL && expected[i] != NULL; i++) {
		g_autofree char *code = g_strdup_printf(" %s ", expected[i]);

		if (strstr(codes, code) == NULL)
			fail("not among the reasons: %s; there are:%s", expected[i], codes);
	}
	if (codes != NULL && unexpected != NULL && strstr(codes, unexpected) != NULL)
		fail("among the reasons: %s; there are:%s", unexpected, codes);
}

/* --- what is done --- */

static void
check_tree(const TrapSite *home, const Tree *expected, const char *what)
{
	g_autoptr(Tree) actual = snapshot(home);
	g_autofree char *diff = tree_diff(expected, actual, 0);

	if (diff != NULL)
		fail("%s:\n%s", what, diff);
}

/* The report's problems as " path code ", one a line. */
static char *
problems_of(const TrapSite *home, GVariant *report)
{
	g_autoptr(GVariant) operations = g_variant_lookup_value(report, "operations", NULL);
	GString *text = g_string_new("\n");

	for (gsize i = 0; i < g_variant_n_children(operations); i++) {
		g_autoptr(GVariant) boxed = g_variant_get_child_value(operations, i);
		g_autoptr(GVariant) operation = g_variant_is_of_type(boxed, G_VARIANT_TYPE_VARIANT)
							? g_variant_get_variant(boxed)
							: g_variant_ref(boxed);
		g_autoptr(GVariant) problems = g_variant_lookup_value(operation, "problems", NULL);

		for (gsize j = 0; problems != NULL && j < g_variant_n_children(problems); j++) {
			g_autoptr(GVariant) problem = g_variant_get_child_value(problems, j);
			const char *path = "";
			const char *code = "";

			g_variant_lookup(problem, "path", "&s", &path);
			g_variant_lookup(problem, "code", "&s", &code);
			if (g_str_has_prefix(path, home->home))
				path += strlen(home->home) + 1;
			g_string_append_printf(text, "%s %s\n", path, code);
		}
	}
	return g_string_free(text, FALSE);
}

static void
check_left(const TrapSite *home, GVariant *report)
{
	g_autofree char *problems = problems_of(home, report);
	char **words;

	for (guint i = 0; (words = trap_home_get(home->trap, "leave", i)) != NULL; i++) {
		g_autofree char *line = g_strdup_printf("\n%s %s\n", words[0], words[1]);

		if (strstr(problems, line) == NULL)
			fail("not reported: %s; reported:%s", line, problems);
	}
}

static GVariant *
merge(const TrapSite *home, gboolean is_automatic, GError **error)
{
	TidyMergeOptions options = { .is_automatic = is_automatic, .is_consented = !is_automatic };

	return tidy_service_merge(home->service, home->stray, NULL, &options, NULL, error);
}

static void
check_undo(const TrapSite *home, GVariant *report, const Tree *before)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) undone = NULL;
	guint64 id = 0;

	g_variant_lookup(report, "id", "t", &id);
	if (id == 0 || g_strcmp0(trap_home_word(home->trap, "undo", 0, "exact"), "exact") != 0)
		return;
	undone = tidy_service_undo(home->service, id, NULL, NULL, &error);
	g_assert_no_error(error);
	check_tree(home, before, "after the undo");
}

static void
run_merges(const TrapSite *home, const char *verdict)
{
	g_autoptr(Tree) before = snapshot(home);
	g_autoptr(Tree) after = trap_home_after(home->trap, home->home);
	gboolean may_by_itself = strcmp(verdict, "merge") == 0;
	gboolean may_by_request = strcmp(verdict, "propose") == 0 && after != NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) report = merge(home, TRUE, &error);
	g_autoptr(GVariant) asked = NULL;

	if (may_by_itself) {
		g_assert_no_error(error);
		g_assert_nonnull(after);
		check_tree(home, after, "after the merge by itself");
		check_left(home, report);
		check_undo(home, report, before);
		return;
	}
	g_clear_error(&error);
	check_tree(home, before, "merged by itself what must not be");
	if (may_by_request || strcmp(verdict, "refused") == 0 || strcmp(verdict, "none") == 0)
		asked = merge(home, FALSE, &error);
	if (may_by_request) {
		g_assert_no_error(error);
		check_tree(home, after, "after the merge on request");
		check_left(home, asked);
		check_undo(home, asked, before);
		return;
	}
	if (asked != NULL)
		fail("a merge on request was not refused");
	if (strcmp(verdict, "refused") == 0 &&
	    !g_error_matches(error, TIDY_ERROR, TIDY_ERROR_REFUSED) &&
	    !g_error_matches(error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND))
		fail("refused for another reason: %s", error != NULL ? error->message : "none");
	check_tree(home, before, "merged on request what must not be");
}

/* Another session holds the lock: nobody can be asked, nothing is done, and who holds it is said. */
static void
check_locked(const TrapSite *home)
{
	g_autoptr(Tree) before = snapshot(home);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) report = merge(home, FALSE, &error);

	g_assert_null(report);
	g_assert_error(error, TIDY_ERROR, TIDY_ERROR_LOCKED);
	g_assert_nonnull(strstr(error->message, "/.local/state/xdgtidy"));
	check_tree(home, before, "merged beside another session");
}

static char *
user_dirs(const TrapSite *home)
{
	g_autofree char *path = g_build_filename(home->home, ".config/user-dirs.dirs", NULL);
	char *text = NULL;

	g_file_get_contents(path, &text, NULL, NULL);
	return text;
}

static void
test_trap(gconstpointer data)
{
	const TrapHome *trap = data;
	char **expected = trap_home_get(trap, "expect", 0);
	TrapSite home;

	if (trap_site_set_up(&home, trap)) {
		g_autofree char *before = user_dirs(&home);
		g_autofree char *after = NULL;

		check_scan(&home, expected);
		if (trap_home_get(trap, "lock", 0) != NULL)
			check_locked(&home);
		else
			run_merges(&home, expected[0]);
		after = user_dirs(&home);
		if (home.beside == 0)
			g_assert_cmpstr(before, ==, after);
		else if (after == NULL || strstr(after, "DOWNLOAD_DIR=\"$HOME/Downloads\"") == NULL)
			fail("user-dirs.dirs became:\n%s", after);
	}
	trap_site_tear_down(&home);
}

int
main(int argc, char *argv[])
{
	g_autoptr(GPtrArray) traps = trap_home_load_all(SCENARIO_DIR);
	const char *only = g_getenv("SCENARIO");

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < traps->len; i++) {
		const TrapHome *trap = g_ptr_array_index(traps, i);
		g_autofree char *path = g_strdup_printf("/homes/%s", trap->file);

		if (only == NULL || strstr(trap->file, only) != NULL)
			g_test_add_data_func(path, trap, test_trap);
	}
	return g_test_run();
}
