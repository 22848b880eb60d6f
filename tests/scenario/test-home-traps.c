/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every file below tests/scenario/homes as a home in a temporary directory: what the scan says of it, what the daemon
 * would do by itself, and what is done when the user asks. A name or part of one in $SCENARIO picks some. I/O.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "home/base/error.h"
#include "home/service/service.h"
#include "tests/support/scenario.h"
#include "tests/support/trap-fs.h"
#include "tests/support/trap-home.h"

/* Goes on, so that one run shows all that is wrong with a home. */
#define fail(...)                            \
	do {                                 \
		g_test_message(__VA_ARGS__); \
		g_test_fail();               \
	} while (0)

typedef struct {
	const TrapHome *trap;
	char *root; /* temporary; holds the home and what belongs to the system */
	char *home;
	char *named_home; /* what $HOME says */
	char *stray;	  /* absolute */
	GArray *fds;
	GPid beside;	     /* 0: none */
	gboolean has_become; /* another user */
	GPtrArray *mounts;
	TrapFs fs;
	TidyService *service;
} Home;

/* --- the home --- */

static char *
path_in(const Home *home, const char *name)
{
	g_autofree char *plain = g_strcompress(name);

	return g_build_filename(home->home, plain, NULL);
}

static const char *
word(const TrapHome *trap, const char *key, guint index, const char *fallback)
{
	char **words = trap_home_get(trap, key, 0);

	return words != NULL && g_strv_length(words) > index ? words[index] : fallback;
}

/* FALSE: this machine cannot; the test is skipped with a reason. */
static gboolean
build(Home *home)
{
	TidyFs *fs = tidy_fs_linux();
	g_autoptr(Tree) tree = trap_home_before(home->trap, home->home);
	g_autoptr(GError) error = NULL;
	TreeHost host = {
		.fs = fs,
		.dir = open(home->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.path = home->home,
	};
	gboolean is_built = tree_build(tree, &host, &error);

	close(host.dir);
	if (is_built)
		return TRUE;
	if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
		g_error("%s", error->message);
	g_test_skip(error->message);
	return FALSE;
}

static void
make_many(const Home *home)
{
	const char *name = word(home->trap, "many", 0, NULL);
	guint64 n = g_ascii_strtoull(word(home->trap, "many", 1, "0"), NULL, 10);
	g_autofree char *path = name != NULL ? path_in(home, name) : NULL;

	for (guint64 i = 0; i < n; i++) {
		g_autofree char *file = g_strdup_printf("%s/%06" G_GUINT64_FORMAT, path, i);
		int r = mknod(file, S_IFREG | 0600, 0);

		g_assert_cmpint(r, ==, 0);
	}
}

/* Mounts are seen by this process alone. */
static gboolean
make_mounts(Home *home)
{
	static gboolean is_alone;
	char **words;

	for (guint i = 0; (words = trap_home_get(home->trap, "mount", i)) != NULL; i++) {
		gboolean is_bind = strcmp(words[0], "bind") == 0;
		g_autofree char *from = is_bind ? path_in(home, words[1]) : g_strdup("none");
		g_autofree char *to = path_in(home, words[is_bind ? 2 : 1]);

		if (!is_alone && (unshare(CLONE_NEWNS) < 0 ||
				  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)) {
			g_test_skip("mounting needs root");
			return FALSE;
		}
		is_alone = TRUE;
		if (mount(from, to, is_bind ? NULL : words[0], is_bind ? MS_BIND : 0, NULL) < 0) {
			g_test_skip("mounting is not allowed here");
			return FALSE;
		}
		g_ptr_array_add(home->mounts, g_steal_pointer(&to));
	}
	return TRUE;
}

static void
give_tree(const char *path, uid_t uid)
{
	g_autoptr(GDir) dir =
		g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
	const char *name;
	int r;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *child = g_build_filename(path, name, NULL);

		give_tree(child, uid);
	}
	r = lchown(path, uid, (gid_t)-1);
	g_assert_cmpint(r, ==, 0);
}

static gboolean
become_user(Home *home)
{
	const char *text = word(home->trap, "user", 0, NULL);
	uid_t uid;

	if (text == NULL)
		return TRUE;
	if (geteuid() != 0) {
		g_test_skip("to be another user needs root");
		return FALSE;
	}
	uid = (uid_t)g_ascii_strtoull(text, NULL, 10);
	give_tree(home->root, uid);
	g_assert_cmpint(setresuid(uid, uid, 0), ==, 0);
	home->has_become = TRUE;
	return TRUE;
}

static void
keep_open(Home *home)
{
	char **words;

	for (guint i = 0; (words = trap_home_get(home->trap, "open", i)) != NULL; i++) {
		g_autofree char *path = path_in(home, words[0]);
		int fd = open(path, O_WRONLY | O_CLOEXEC);

		g_assert_cmpint(fd, >=, 0);
		g_array_append_val(home->fds, fd);
	}
	if (trap_home_get(home->trap, "lock", 0) != NULL) {
		g_autofree char *state = g_build_filename(home->home, ".local/state/xdgtidy", NULL);
		g_autofree char *path = g_build_filename(state, "lock", NULL);
		int fd;

		g_assert_cmpint(g_mkdir_with_parents(state, 0700), ==, 0);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		g_assert_cmpint(flock(fd, LOCK_EX | LOCK_NB), ==, 0);
		g_array_append_val(home->fds, fd);
	}
}

static void
die_with_us(gpointer data)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
}

static gboolean
start_beside(Home *home)
{
	char **words = trap_home_get(home->trap, "beside", 0);
	g_autofree char *command = words != NULL ? g_strjoinv(" ", words) : NULL;
	g_autofree char *program = words != NULL ? g_find_program_in_path(words[0]) : NULL;
	g_autofree char *loop = NULL;
	g_autoptr(GError) error = NULL;

	if (words == NULL)
		return TRUE;
	if (program == NULL) {
		g_autofree char *text = g_strdup_printf("there is no %s", words[0]);

		g_test_skip(text);
		return FALSE;
	}
	loop = g_strdup_printf("while :; do %s >/dev/null 2>&1; done", command);
	g_spawn_async(home->home, (char *[]){ (char *)"/bin/sh", (char *)"-c", loop, NULL }, NULL,
		      G_SPAWN_DO_NOT_REAP_CHILD, die_with_us, NULL, &home->beside, &error);
	g_assert_no_error(error);
	return TRUE;
}

static void
set_environment(const Home *home)
{
	static const char *const cleared[] = { "LANG",		 "LANGUAGE",	    "LC_ALL",
					       "LC_MESSAGES",	 "XDG_CONFIG_HOME", "XDG_DATA_HOME",
					       "XDG_STATE_HOME", "XDG_CONFIG_DIRS" };
	char **words = trap_home_get(home->trap, "env", 0);
	g_autofree char *etc = g_build_filename(home->root, "etc/xdg", NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(cleared); i++)
		g_unsetenv(cleared[i]);
	g_setenv("XDG_CONFIG_DIRS", etc, TRUE);
	g_setenv("HOME", home->named_home, TRUE);
	for (guint i = 0; words != NULL && words[i] != NULL; i++) {
		g_auto(GStrv) pair = g_strsplit(words[i], "=", 2);

		g_setenv(pair[0], pair[1], TRUE);
	}
}

static void
open_service(Home *home)
{
	g_autofree char *config = g_build_filename(home->home, ".config", NULL);
	g_autoptr(GError) error = NULL;

	trap_fs_init(&home->fs, home->trap, home->home);
	home->service = tidy_service_new(
		&(TidyServiceOptions){
			.home = home->named_home,
			.config_dir = config,
			.sysconf_dir = home->root,
			.system_root = home->home, /* etc/ and var/ stand in the scenario's tree */
			.fs = &home->fs.table,
		},
		&error);
	g_assert_no_error(error);
	if (g_strcmp0(word(home->trap, "consent", 0, "yes"), "yes") != 0)
		return;
	tidy_service_set_answer(home->service, home->stray, "yes", &error);
	g_assert_no_error(error);
}

/* Ten thousand files are made in memory where there is some: a disk may take a quarter of a minute. */
static char *
make_root(const TrapHome *trap)
{
	char *made = g_strdup("/dev/shm/xdgtidy-trap-XXXXXX");

	if (trap_home_get(trap, "many", 0) != NULL && g_mkdtemp_full(made, 0700) != NULL)
		return made;
	g_free(made);
	return g_dir_make_tmp("xdgtidy-trap-XXXXXX", NULL);
}

static gboolean
set_up(Home *home, const TrapHome *trap)
{
	const char *name = word(trap, "home-name", 0, "ann");
	g_autofree char *stray = g_strcompress(word(trap, "stray", 0, "Download"));
	g_autofree char *made = make_root(trap);
	char *real;

	*home = (Home){ .trap = trap };
	g_assert_nonnull(made);
	real = realpath(made, NULL);
	home->root = g_strdup(real);
	free(real);
	home->home = g_build_filename(home->root, name, NULL);
	home->named_home = g_strdup(home->home);
	home->stray = g_build_filename(home->home, stray, NULL);
	home->fds = g_array_new(FALSE, FALSE, sizeof(int));
	home->mounts = g_ptr_array_new_with_free_func(g_free);
	g_assert_cmpint(g_mkdir(home->home, 0755), ==, 0);
	if (strcmp(name, "link") == 0) {
		g_free(home->named_home);
		home->named_home = g_build_filename(home->root, "named", NULL);
		g_assert_cmpint(symlink(home->home, home->named_home), ==, 0);
	}
	if (!build(home) || !make_mounts(home))
		return FALSE;
	make_many(home);
	set_environment(home);
	if (!become_user(home))
		return FALSE;
	open_service(home);
	keep_open(home);
	return start_beside(home);
}

static void
remove_tree(const char *path)
{
	g_autoptr(GDir) dir = NULL;
	const char *name;

	if (!g_file_test(path, G_FILE_TEST_IS_SYMLINK)) {
		g_chmod(path, 0700);
		dir = g_dir_open(path, 0, NULL);
	}
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *child = g_build_filename(path, name, NULL);

		remove_tree(child);
	}
	g_remove(path);
}

static void
tear_down(Home *home)
{
	if (home->beside != 0) {
		kill(-home->beside, SIGKILL);
		waitpid(home->beside, NULL, 0);
	}
	for (guint i = 0; i < home->fds->len; i++)
		close(g_array_index(home->fds, int, i));
	if (home->has_become)
		g_assert_cmpint(setresuid(0, 0, 0), ==, 0);
	g_clear_pointer(&home->service, tidy_service_free);
	for (guint i = home->mounts->len; i > 0; i--)
		umount2(g_ptr_array_index(home->mounts, i - 1), MNT_DETACH);
	if (home->fs.fakes != NULL)
		trap_fs_clear(&home->fs);
	remove_tree(home->root);
	g_array_unref(home->fds);
	g_ptr_array_unref(home->mounts);
	g_free(home->root);
	g_free(home->home);
	g_free(home->named_home);
	g_free(home->stray);
}

static Tree *
snapshot(const Home *home)
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
scan(const Home *home)
{
	g_autoptr(GError) error = NULL;
	GVariant *report = tidy_service_scan(home->service, TRUE, &error);

	g_assert_no_error(error);
	return report;
}

/* The scan's item for the stray, or NULL. (transfer full) */
static GVariant *
find_item(const Home *home, GVariant *report)
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
check_links(const Home *home, GVariant *item)
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
check_scan(const Home *home, char *const *expected)
{
	g_autoptr(GVariant) report = scan(home);
	g_autoptr(GVariant) item = find_item(home, report);
	g_autofree char *codes = NULL;
	const char *unexpected = word(home->trap, "expect-not", 0, NULL);
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
check_tree(const Home *home, const Tree *expected, const char *what)
{
	g_autoptr(Tree) actual = snapshot(home);
	g_autofree char *diff = tree_diff(expected, actual, 0);

	if (diff != NULL)
		fail("%s:\n%s", what, diff);
}

/* The report's problems as " path code ", one a line. */
static char *
problems_of(const Home *home, GVariant *report)
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
check_left(const Home *home, GVariant *report)
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
merge(const Home *home, gboolean is_automatic, GError **error)
{
	TidyMergeOptions options = { .is_automatic = is_automatic, .is_consented = !is_automatic };

	return tidy_service_merge(home->service, home->stray, NULL, &options, NULL, error);
}

static void
check_undo(const Home *home, GVariant *report, const Tree *before)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) undone = NULL;
	guint64 id = 0;

	g_variant_lookup(report, "id", "t", &id);
	if (id == 0 || g_strcmp0(word(home->trap, "undo", 0, "exact"), "exact") != 0)
		return;
	undone = tidy_service_undo(home->service, id, NULL, NULL, &error);
	g_assert_no_error(error);
	check_tree(home, before, "after the undo");
}

static void
run_merges(const Home *home, const char *verdict)
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
check_locked(const Home *home)
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
user_dirs(const Home *home)
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
	Home home;

	if (set_up(&home, trap)) {
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
	tear_down(&home);
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
