/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of daemon/inotify-source and daemon/watcher on real directories. I/O: a temporary home. */
#include "daemon/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/inotify-source.h"
#include "tests/support/scratch.h"

#define QUIET_USEC (30 * G_TIME_SPAN_MILLISECOND)
#define WAIT_SEC   10

typedef struct {
	char *home;
	TidyWatcher *watcher;
	GString *log;	  /* "home dirs config stray all" and "ready(a,b)" "ready(a)+" */
	gboolean is_busy; /* what is ready is not taken on */
} Fixture;

static char *
at(Fixture *fixture, const char *name)
{
	return g_build_filename(fixture->home, name, NULL);
}

static void
make_dir(Fixture *fixture, const char *name)
{
	g_autofree char *path = at(fixture, name);

	g_assert_cmpint(g_mkdir_with_parents(path, 0700), ==, 0);
}

static void
make_file(Fixture *fixture, const char *name)
{
	g_autofree char *path = at(fixture, name);

	g_assert_true(g_file_set_contents(path, "x", 1, NULL));
}

static void
remove_file(Fixture *fixture, const char *name)
{
	g_autofree char *path = at(fixture, name);

	g_assert_cmpint(g_unlink(path), ==, 0);
}

static void
rename_to(Fixture *fixture, const char *from, const char *to)
{
	g_autofree char *from_path = at(fixture, from);
	g_autofree char *to_path = at(fixture, to);

	g_assert_cmpint(g_rename(from_path, to_path), ==, 0);
}

static void
on_look(TidyLook look, gpointer data)
{
	static const char *const names[] = { "home", "dirs", "config", "stray", "all" };
	Fixture *fixture = data;

	g_string_append_printf(fixture->log, "%s ", names[look]);
}

static gboolean
on_ready(const char *path, const char *const *names, gboolean is_all, gpointer data)
{
	g_autofree char *joined = g_strjoinv(",", (char **)names);
	Fixture *fixture = data;

	g_string_append_printf(fixture->log, "ready(%s)%s ", joined, is_all ? "+" : "");
	/* An empty one that nobody asked about: the work on it is over at once. */
	if (names[0] == NULL && !fixture->is_busy)
		tidy_watcher_done(fixture->watcher, path);
	return !fixture->is_busy;
}

static gboolean
matters(const char *name, gpointer data)
{
	return strcmp(name, "Download") == 0;
}

static gboolean
is_partial(const char *name, gpointer data)
{
	return g_str_has_suffix(name, ".part");
}

static void
watch(Fixture *fixture)
{
	g_autofree char *config = at(fixture, ".config");
	g_autofree char *user_dir = at(fixture, "Downloads");
	g_autofree char *stray = at(fixture, "Download");
	const char *pairs[][2] = { { fixture->home, "home" },
				   { config, "config" },
				   { user_dir, "user-dir" },
				   { stray, "stray" } };
	g_autoptr(GVariant) watches = NULL;
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a(ss)"));
	for (guint i = 0; i < G_N_ELEMENTS(pairs); i++)
		g_variant_builder_add(&builder, "(ss)", pairs[i][0], pairs[i][1]);
	watches = g_variant_ref_sink(g_variant_builder_end(&builder));
	tidy_watcher_set(fixture->watcher, watches);
}

static void
set_active(Fixture *fixture, gboolean is_active)
{
	g_autofree char *stray = at(fixture, "Download");
	const char *paths[] = { is_active ? stray : NULL, NULL };

	tidy_watcher_set_active(fixture->watcher, paths);
}

static gboolean
set_true(gpointer data)
{
	*(gboolean *)data = TRUE;
	return G_SOURCE_REMOVE;
}

/* Until the log holds @text. */
static void
wait_for(Fixture *fixture, const char *text)
{
	gboolean is_late = FALSE;
	guint timeout = g_timeout_add_seconds(WAIT_SEC, set_true, &is_late);

	while (strstr(fixture->log->str, text) == NULL && !is_late)
		g_main_context_iteration(NULL, TRUE);
	if (is_late)
		g_error("waited for \"%s\", have \"%s\"", text, fixture->log->str);
	g_source_remove(timeout);
}

static void
fixture_set_up(Fixture *fixture, gconstpointer data)
{
	fixture->home = g_dir_make_tmp("xdgtidy-watcher-XXXXXX", NULL);
	fixture->log = g_string_new(NULL);
	make_dir(fixture, ".config");
	make_dir(fixture, "Downloads");
	make_dir(fixture, "Download");
	fixture->watcher = tidy_watcher_new(&(TidyWatcherFuncs){ .look = on_look,
								 .ready = on_ready,
								 .matters = matters,
								 .is_partial = is_partial,
								 .data = fixture },
					    NULL);
	g_assert_nonnull(fixture->watcher);
	tidy_watcher_set_times(fixture->watcher, QUIET_USEC, 0);
	watch(fixture);
	/* What happened before there was a watch nobody saw. */
	wait_for(fixture, "home ");
	wait_for(fixture, "config ");
	wait_for(fixture, "stray ");
	g_string_truncate(fixture->log, 0);
}

static void
fixture_tear_down(Fixture *fixture, gconstpointer data)
{
	tidy_watcher_free(fixture->watcher);
	scratch_remove(fixture->home);
	g_string_free(fixture->log, TRUE);
	g_free(fixture->home);
}

/* Everything that happened up to now has been dispatched when an event made after it has been. */
static void
expect(Fixture *fixture, const char *log)
{
	g_autofree char *config = at(fixture, ".config/user-dirs.marker");

	g_assert_true(g_file_set_contents(config, "", 0, NULL));
	wait_for(fixture, "dirs ");
	g_assert_true(g_str_has_suffix(fixture->log->str, "dirs "));
	*strstr(fixture->log->str, "dirs ") = '\0';
	g_assert_cmpstr(fixture->log->str, ==, log);
	g_string_truncate(fixture->log, 0);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_string_truncate(fixture->log, 0);
}

static void
test_home_only_names_that_matter(Fixture *fixture, gconstpointer data)
{
	make_file(fixture, ".bashrc.swp");
	make_dir(fixture, "projects");
	make_dir(fixture, ".cache");
	expect(fixture, "");
	rename_to(fixture, "Download", "elsewhere");
	wait_for(fixture, "home ");
	rename_to(fixture, "elsewhere", "Download");
	wait_for(fixture, "home ");
}

static void
test_user_dir_content_is_no_event(Fixture *fixture, gconstpointer data)
{
	make_file(fixture, "Downloads/a");
	make_dir(fixture, "Downloads/b");
	expect(fixture, "");
	rename_to(fixture, "Downloads", "gone");
	wait_for(fixture, "home ");
}

static void
test_config_names(Fixture *fixture, gconstpointer data)
{
	make_file(fixture, ".config/dconf");
	make_file(fixture, ".config/kdeglobals.lock");
	expect(fixture, "");
	make_dir(fixture, ".config/xdgtidy");
	wait_for(fixture, "config ");
	watch(fixture);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_string_truncate(fixture->log, 0);
	make_file(fixture, ".config/xdgtidy/xdgtidy.conf");
	wait_for(fixture, "config ");
}

static void
test_active_stray_settles(Fixture *fixture, gconstpointer data)
{
	g_autofree char *stray = at(fixture, "Download");

	make_file(fixture, "Download/old");
	make_file(fixture, "Download/b.part");
	set_active(fixture, TRUE);
	wait_for(fixture, "ready(old) ");
	remove_file(fixture, "Download/old");
	tidy_watcher_done(fixture->watcher, stray);
	rename_to(fixture, "Download/b.part", "Download/b");
	wait_for(fixture, "ready(b)+ ");
}

static void
test_what_stays_backs_off(Fixture *fixture, gconstpointer data)
{
	g_autofree char *stray = at(fixture, "Download");
	gint64 begin;

	make_file(fixture, "Download/a");
	set_active(fixture, TRUE);
	wait_for(fixture, "ready(a)+ ");
	g_string_truncate(fixture->log, 0);
	begin = g_get_monotonic_time();
	tidy_watcher_done(fixture->watcher, stray);
	wait_for(fixture, "ready(a)+ ");
	g_assert_cmpint(g_get_monotonic_time() - begin, >, 2 * QUIET_USEC);
}

static void
test_empty_stray_is_ready(Fixture *fixture, gconstpointer data)
{
	set_active(fixture, TRUE);
	wait_for(fixture, "ready()+ ");
}

static void
test_inactive_stray_asks_for_a_look(Fixture *fixture, gconstpointer data)
{
	make_file(fixture, "Download/a");
	wait_for(fixture, "stray ");
	g_assert_null(strstr(fixture->log->str, "ready"));
}

/* It may have been listed empty, and its files have come before it was watched. */
static void
test_new_stray_is_looked_at_again(Fixture *fixture, gconstpointer data)
{
	rename_to(fixture, "Download", "elsewhere");
	wait_for(fixture, "home ");
	watch(fixture);
	make_dir(fixture, "Download");
	make_file(fixture, "Download/a");
	watch(fixture);
	wait_for(fixture, "stray ");
}

static gboolean
has_timer(void)
{
	GMainContext *context = g_main_context_default();
	int timeout = 0, priority = 0;
	gboolean is_ready;
	GPollFD fds[16];

	g_assert_true(g_main_context_acquire(context));
	is_ready = g_main_context_prepare(context, &priority);
	g_main_context_query(context, priority, &timeout, fds, G_N_ELEMENTS(fds));
	g_main_context_release(context);
	return is_ready || timeout != -1;
}

/* What became ready during the work was not tried, so it does not wait longer for it. */
static void
test_nothing_else_during_work(Fixture *fixture, gconstpointer data)
{
	g_autofree char *stray = at(fixture, "Download");

	make_file(fixture, "Download/a");
	set_active(fixture, TRUE);
	wait_for(fixture, "ready(a)+ ");
	g_string_truncate(fixture->log, 0);
	make_file(fixture, "Download/b");
	expect(fixture, "");
	g_assert_false(has_timer());
	tidy_watcher_done(fixture->watcher, stray);
	wait_for(fixture, "ready(b) ");
	g_assert_cmpstr(fixture->log->str, ==, "ready(b) ");
}

static void
test_refused_is_told_again(Fixture *fixture, gconstpointer data)
{
	g_autofree char *stray = at(fixture, "Download");

	make_file(fixture, "Download/a");
	fixture->is_busy = TRUE;
	set_active(fixture, TRUE);
	wait_for(fixture, "ready(a)+ ");
	g_string_truncate(fixture->log, 0);
	remove_file(fixture, "Download/a");
	expect(fixture, "");
	fixture->is_busy = FALSE;
	tidy_watcher_done(fixture->watcher, stray);
	wait_for(fixture, "ready()+ ");
}

/* The merge ends before the quiet time does. */
static void
test_emptied_by_work(Fixture *fixture, gconstpointer data)
{
	g_autofree char *stray = at(fixture, "Download");

	make_file(fixture, "Download/a");
	set_active(fixture, TRUE);
	wait_for(fixture, "ready(a)+ ");
	remove_file(fixture, "Download/a");
	tidy_watcher_done(fixture->watcher, stray);
	wait_for(fixture, "ready()+ ");
}

/* Its last entry went while it had another name, so no event told of it. */
static void
test_emptied_elsewhere(Fixture *fixture, gconstpointer data)
{
	make_file(fixture, "Download/a.part");
	set_active(fixture, TRUE);
	rename_to(fixture, "Download", "elsewhere");
	wait_for(fixture, "home ");
	watch(fixture);
	remove_file(fixture, "elsewhere/a.part");
	rename_to(fixture, "elsewhere", "Download");
	watch(fixture);
	wait_for(fixture, "ready()+ ");
}

/* One that cannot be removed would otherwise be told of for ever. */
static void
test_empty_is_told_once(Fixture *fixture, gconstpointer data)
{
	g_autofree char *stray = at(fixture, "Download");

	set_active(fixture, TRUE);
	wait_for(fixture, "ready()+ ");
	tidy_watcher_done(fixture->watcher, stray);
	watch(fixture);
	g_assert_false(has_timer());
	make_file(fixture, "Download/a");
	wait_for(fixture, "ready(a)+ ");
}

/* The watch follows the inode; the path must be resolved again. */
static void
test_moved_stray_is_found_again(Fixture *fixture, gconstpointer data)
{
	set_active(fixture, TRUE);
	rename_to(fixture, "Download", "Old");
	make_dir(fixture, "Download");
	wait_for(fixture, "home ");
	watch(fixture);
	g_string_truncate(fixture->log, 0);
	make_file(fixture, "Old/not-here");
	make_file(fixture, "Download/here");
	wait_for(fixture, "ready(here)+ ");
	g_assert_null(strstr(fixture->log->str, "not-here"));
}

static void
test_config_that_comes_later(Fixture *fixture, gconstpointer data)
{
	g_autofree char *config = at(fixture, ".config");

	scratch_remove(config);
	wait_for(fixture, "dirs ");
	watch(fixture);
	make_dir(fixture, ".config");
	wait_for(fixture, "config ");
	watch(fixture);
	g_string_truncate(fixture->log, 0);
	make_file(fixture, ".config/user-dirs.dirs");
	wait_for(fixture, "dirs ");
}

static void
test_linked_user_dirs(Fixture *fixture, gconstpointer data)
{
	g_autofree char *link = at(fixture, ".config/user-dirs.dirs");
	g_autofree char *real = at(fixture, "dotfiles/user-dirs.dirs");

	make_dir(fixture, "dotfiles");
	make_file(fixture, "dotfiles/user-dirs.dirs");
	g_assert_cmpint(symlink(real, link), ==, 0);
	wait_for(fixture, "dirs ");
	watch(fixture);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_string_truncate(fixture->log, 0);
	make_file(fixture, "dotfiles/user-dirs.dirs");
	wait_for(fixture, "dirs ");
}

/* The queue holds fs.inotify.max_queued_events (16384) events; more than that in one go and the kernel drops some. FALSE:
 * it is too long to fill. */
static gboolean
overflow(Fixture *fixture)
{
	g_autofree char *limit = NULL;
	g_autofree char *path = at(fixture, "Download/name");
	gint64 count;

	g_file_get_contents("/proc/sys/fs/inotify/max_queued_events", &limit, NULL, NULL);
	count = limit != NULL ? g_ascii_strtoll(limit, NULL, 10) : 16384;
	if (count > 100000) {
		g_test_skip("the queue is too long to fill");
		return FALSE;
	}
	for (gint64 i = 0; i < count / 2; i++) {
		g_assert_cmpint(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), ==, 0);
		g_assert_cmpint(unlink(path), ==, 0);
	}
	return TRUE;
}

static void
test_overflow_lists_again(Fixture *fixture, gconstpointer data)
{
	g_autofree char *stray = at(fixture, "Download");

	set_active(fixture, TRUE);
	if (!overflow(fixture))
		return;
	make_file(fixture, "Download/last");
	wait_for(fixture, "all ");
	tidy_watcher_done(fixture->watcher,
			  stray); /* of a name that came and went between two reads */
	wait_for(fixture, "ready(last)");
	g_assert_cmpuint(tidy_watcher_n_watches(fixture->watcher), ==, 4);
}

/* Among what the kernel drops may be that a watched directory has another name, or is gone. */
static void
test_overflow_watches_again(Fixture *fixture, gconstpointer data)
{
	g_autofree char *stray = at(fixture, "Download");

	set_active(fixture, TRUE);
	if (!overflow(fixture))
		return;
	rename_to(fixture, "Download", "Old");
	make_dir(fixture, "Download");
	wait_for(fixture, "all ");
	watch(fixture);
	/* Between two reads of events a name that came and went may have been ready. */
	tidy_watcher_done(fixture->watcher, stray);
	g_string_truncate(fixture->log, 0);
	make_file(fixture, "Old/not-here");
	make_file(fixture, "Download/here");
	wait_for(fixture, "ready(here)+ ");
	g_assert_null(strstr(fixture->log->str, "not-here"));
}

static void
test_idle_has_no_timer(Fixture *fixture, gconstpointer data)
{
	make_file(fixture, "Download/a.part");
	set_active(fixture, TRUE);
	expect(fixture, "");
	g_assert_false(has_timer());
}

static void
test_source_refuses_files(Fixture *fixture, gconstpointer data)
{
	g_autofree char *file = at(fixture, "f");
	g_autofree char *missing = at(fixture, "missing");
	GSource *source = tidy_inotify_source_new(NULL, NULL, NULL);

	make_file(fixture, "f");
	g_assert_cmpint(tidy_inotify_source_add(source, file, IN_CREATE | IN_ONLYDIR), ==,
			-ENOTDIR);
	g_assert_cmpint(tidy_inotify_source_add(source, missing, IN_CREATE), ==, -ENOENT);
	g_assert_cmpint(tidy_inotify_source_add(source, fixture->home, IN_CREATE), >=, 0);
	g_source_destroy(source);
	g_source_unref(source);
}

static void
add(const char *path, void (*test)(Fixture *, gconstpointer))
{
	g_test_add(path, Fixture, NULL, fixture_set_up, test, fixture_tear_down);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("/watcher/home/only-names-that-matter", test_home_only_names_that_matter);
	add("/watcher/user-dir/content-is-no-event", test_user_dir_content_is_no_event);
	add("/watcher/config/names", test_config_names);
	add("/watcher/config/comes-later", test_config_that_comes_later);
	add("/watcher/config/linked-user-dirs", test_linked_user_dirs);
	add("/watcher/stray/active-settles", test_active_stray_settles);
	add("/watcher/stray/what-stays-backs-off", test_what_stays_backs_off);
	add("/watcher/stray/empty-is-ready", test_empty_stray_is_ready);
	add("/watcher/stray/inactive-asks-for-a-look", test_inactive_stray_asks_for_a_look);
	add("/watcher/stray/new-is-looked-at-again", test_new_stray_is_looked_at_again);
	add("/watcher/stray/nothing-else-during-work", test_nothing_else_during_work);
	add("/watcher/stray/refused-is-told-again", test_refused_is_told_again);
	add("/watcher/stray/emptied-by-work", test_emptied_by_work);
	add("/watcher/stray/emptied-elsewhere", test_emptied_elsewhere);
	add("/watcher/stray/empty-is-told-once", test_empty_is_told_once);
	add("/watcher/stray/moved-is-found-again", test_moved_stray_is_found_again);
	add("/watcher/overflow-lists-again", test_overflow_lists_again);
	add("/watcher/overflow-watches-again", test_overflow_watches_again);
	add("/watcher/idle-has-no-timer", test_idle_has_no_timer);
	add("/watcher/source/refuses-files", test_source_refuses_files);
	return g_test_run();
}
