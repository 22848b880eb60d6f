/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The service on a home of its own: what is forgotten, and what counts as nothing done. I/O: a temporary directory. */
#include <glib/gstdio.h>

#include "home/merge/record.h"
#include "home/service/report.h"
#include "home/service/service.h"
#include "tests/support/scratch.h"

#define DAY_NS (G_GINT64_CONSTANT(86400) * 1000000000)

typedef struct {
	char *home;
	char *config;
	char *state;
} Home;

static char *
make_dir(const char *base, const char *name)
{
	char *path = g_build_filename(base, name, NULL);

	g_assert_cmpint(g_mkdir_with_parents(path, 0700), ==, 0);
	return path;
}

static void
set_up(Home *home, gconstpointer data)
{
	home->home = g_dir_make_tmp("xdgtidy-service-XXXXXX", NULL);
	g_assert_nonnull(home->home);
	home->config = make_dir(home->home, ".config");
	home->state = make_dir(home->home, ".local/state/xdgtidy");
}

static void
tear_down(Home *home, gconstpointer data)
{
	scratch_remove(home->home);
	g_free(home->home);
	g_free(home->config);
	g_free(home->state);
}

static void
write_text(const char *base, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(base, name, NULL);
	g_autofree char *dir = g_path_get_dirname(path);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static gboolean
exists(const char *base, const char *name)
{
	g_autofree char *path = g_build_filename(base, name, NULL);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static TidyService *
open_service(const Home *home)
{
	g_autoptr(GError) error = NULL;
	TidyService *service = tidy_service_new(&(TidyServiceOptions){ home->home, home->config,
								       home->state, home->config },
						&error);

	g_assert_no_error(error);
	return service;
}

/* A finished merge that ended @age_ns ago. */
static void
write_journal(const Home *home, guint64 id, gint64 age_ns)
{
	gint64 end_ns = g_get_real_time() * 1000 - age_ns;
	TidyJournalHeader header = {
		.id = id,
		.run = 7,
		.kind = TIDY_JOURNAL_MERGE,
		.begin_ns = end_ns,
		.home = home->home,
		.stray = home->state,
		.target = home->config,
		.key = (char *)"DOWNLOAD",
	};
	TidyJournalCommit commit = { .end_ns = end_ns, .outcome = TIDY_OUTCOME_DONE };
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autofree char *name = g_strdup_printf("%08" G_GUINT64_FORMAT ".journal", id);
	g_autofree char *path = g_build_filename(home->state, name, NULL);

	tidy_record_put_header(bytes, &header);
	tidy_record_put_commit(bytes, header.run, 1, &commit);
	g_assert_true(
		g_file_set_contents(path, (const char *)bytes->data, (gssize)bytes->len, NULL));
}

static void
recover(const Home *home)
{
	g_autoptr(TidyService) service = open_service(home);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) report = tidy_service_recover(service, NULL, &error);

	g_assert_no_error(error);
	g_assert_nonnull(report);
}

static void
test_forgets_what_is_older_than_keep_days(Home *home, gconstpointer data)
{
	write_text(home->config, "xdgtidy/xdgtidy.conf", "[journal]\nkeep_days = 2\n");
	write_journal(home, 1, 3 * DAY_NS);
	write_journal(home, 2, DAY_NS);
	recover(home);
	g_assert_false(exists(home->state, "00000001.journal"));
	g_assert_true(exists(home->state, "00000002.journal"));
}

static void
test_keep_days_0_is_for_ever(Home *home, gconstpointer data)
{
	write_text(home->config, "xdgtidy/xdgtidy.conf", "[journal]\nkeep_days = 0\n");
	write_journal(home, 1, 4000 * DAY_NS);
	recover(home);
	g_assert_true(exists(home->state, "00000001.journal"));
}

static void
test_forgets_nothing_by_settings_that_are_bad(Home *home, gconstpointer data)
{
	write_text(home->config, "xdgtidy/xdgtidy.conf", "[journal]\nkeep_days = much\n");
	write_journal(home, 1, 4000 * DAY_NS);
	recover(home);
	g_assert_true(exists(home->state, "00000001.journal"));
}

/* A live merge of a name that the target has: the stray stays, one file was kept under a new name. */
static void
test_a_kept_file_is_not_nothing(Home *home, gconstpointer data)
{
	static const char *const names[] = { "a.txt", NULL };
	const TidyMergeOptions options = { .is_consented = TRUE, .only_names = names };
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyService) service = NULL;
	g_autoptr(GVariant) report = NULL;
	const char *outcome = NULL;

	write_text(home->config, "user-dirs.dirs", "XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n");
	write_text(home->home, "Downloads/a.txt", "one");
	write_text(home->home, "Download/a.txt", "two");
	write_text(home->home, "Download/b.txt", "three");
	service = open_service(home);
	report = tidy_service_merge(service, "Download", NULL, &options, NULL, &error);
	g_assert_no_error(error);
	g_assert_true(g_variant_lookup(report, "outcome", "&s", &outcome));
	g_assert_cmpstr(outcome, ==, "done");
	g_assert_true(exists(home->home, "Downloads/a (2).txt"));
	g_assert_true(exists(home->home, "Download/b.txt"));
}

/* Looking makes nothing, not even the state directory. */
static void
test_looking_makes_nothing(Home *home, gconstpointer data)
{
	const TidyMergeOptions options = { .is_dry_run = TRUE };
	g_autofree char *local = g_build_filename(home->home, ".local", NULL);
	g_autoptr(TidyService) service = NULL;
	g_autoptr(GVariant) scan = NULL;
	g_autoptr(GVariant) plan = NULL;
	g_autoptr(GVariant) history = NULL;

	scratch_remove(local);
	write_text(home->config, "user-dirs.dirs", "XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n");
	write_text(home->home, "Downloads/a.txt", "one");
	write_text(home->home, "Download/b.txt", "two");
	service = open_service(home);
	scan = tidy_service_scan(service, TRUE, NULL);
	plan = tidy_service_merge(service, NULL, NULL, &options, NULL, NULL);
	history = tidy_service_history(service, 0, NULL);
	g_assert_nonnull(scan);
	g_assert_nonnull(plan);
	g_assert_nonnull(history);
	g_assert_false(g_file_test(local, G_FILE_TEST_EXISTS));
}

/* Stops at the second stray that reports. */
static void
stop_at_second(guint64 done, guint64 total, guint64 bytes, guint64 bytes_total, gpointer data)
{
	static guint n_calls;

	if (++n_calls == 2)
		g_cancellable_cancel(data);
}

static void
test_a_stop_does_not_hide_what_was_done(Home *home, gconstpointer data)
{
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	const TidyMergeOptions options = { .progress = stop_at_second,
					   .progress_data = cancellable };
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyService) service = NULL;
	g_autoptr(GVariant) report = NULL;
	g_autoptr(GVariant) operations = NULL;
	const char *outcome = NULL;
	guint64 id = 0;

	write_text(home->config, "user-dirs.dirs", "XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n");
	write_text(home->home, "Downloads/a.txt", "one");
	write_text(home->home, "Download/b.txt", "two");
	write_text(home->home, "Download/c.txt", "three");
	write_text(home->home, "T\303\251l\303\251chargements/d.txt", "four");
	write_text(home->home, "T\303\251l\303\251chargements/e.txt", "five");
	service = open_service(home);
	report = tidy_service_merge(service, NULL, NULL, &options, cancellable, &error);
	g_assert_no_error(error);
	g_assert_true(g_variant_lookup(report, "outcome", "&s", &outcome));
	g_assert_cmpstr(outcome, ==, "stopped");
	g_assert_true(g_variant_lookup(report, "id", "t", &id));
	g_assert_cmpuint(id, ==, 1);
	operations = g_variant_lookup_value(report, "operations", G_VARIANT_TYPE("aa{sv}"));
	g_assert_cmpuint(g_variant_n_children(operations), ==, 2);
	g_assert_true(exists(home->home, "Downloads/b.txt"));
	g_assert_true(exists(home->home, "Downloads/c.txt"));
}

/* A stray that a guard refuses is listed with its reasons, though nobody named it. */
static void
test_a_refused_stray_is_listed(Home *home, gconstpointer data)
{
	const TidyMergeOptions options = { .is_dry_run = TRUE };
	g_autoptr(TidyService) service = NULL;
	g_autoptr(GVariant) report = NULL;
	g_autoptr(GVariant) operations = NULL;
	const char *outcome = NULL;

	write_text(home->config, "user-dirs.dirs", "XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n");
	write_text(home->home, "Downloads/a.txt", "one");
	write_text(home->home, "Download/.stfolder/x", "a sync root");
	service = open_service(home);
	report = tidy_service_merge(service, NULL, NULL, &options, NULL, NULL);
	g_assert_true(g_variant_lookup(report, "outcome", "&s", &outcome));
	g_assert_cmpstr(outcome, ==, "refused");
	operations = g_variant_lookup_value(report, "operations", G_VARIANT_TYPE("aa{sv}"));
	g_assert_cmpuint(g_variant_n_children(operations), ==, 1);
}

#define ADD(path, test) g_test_add(path, Home, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("/service/forgets-what-is-older-than-keep-days",
	    test_forgets_what_is_older_than_keep_days);
	ADD("/service/keep-days-0-is-for-ever", test_keep_days_0_is_for_ever);
	ADD("/service/forgets-nothing-by-settings-that-are-bad",
	    test_forgets_nothing_by_settings_that_are_bad);
	ADD("/service/a-kept-file-is-not-nothing", test_a_kept_file_is_not_nothing);
	ADD("/service/a-stop-does-not-hide-what-was-done", test_a_stop_does_not_hide_what_was_done);
	ADD("/service/a-refused-stray-is-listed", test_a_refused_stray_is_listed);
	ADD("/service/looking-makes-nothing", test_looking_makes_nothing);
	return g_test_run();
}
