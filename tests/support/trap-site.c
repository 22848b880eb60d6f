/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A home with a trap in it, made on the real disk. I/O. */
#include "tests/support/trap-site.h"
#include "tests/support/scratch.h"

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

static char *
path_in(const TrapSite *home, const char *name)
{
	g_autofree char *plain = g_strcompress(name);

	return g_build_filename(home->home, plain, NULL);
}

/* FALSE: this machine cannot; the test is skipped with a reason. */
static gboolean
build(TrapSite *home)
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
make_many(const TrapSite *home)
{
	const char *name = trap_home_word(home->trap, "many", 0, NULL);
	guint64 n = g_ascii_strtoull(trap_home_word(home->trap, "many", 1, "0"), NULL, 10);
	g_autofree char *path = name != NULL ? path_in(home, name) : NULL;

	for (guint64 i = 0; i < n; i++) {
		g_autofree char *file = g_strdup_printf("%s/%06" G_GUINT64_FORMAT, path, i);
		int r = mknod(file, S_IFREG | 0600, 0);

		g_assert_cmpint(r, ==, 0);
	}
}

/* Mounts are seen by this process alone. */
static gboolean
make_mounts(TrapSite *home)
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
become_user(TrapSite *home)
{
	const char *text = trap_home_word(home->trap, "user", 0, NULL);
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
keep_open(TrapSite *home)
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
start_beside(TrapSite *home)
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
set_environment(const TrapSite *home)
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
open_service(TrapSite *home)
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
	if (g_strcmp0(trap_home_word(home->trap, "consent", 0, "yes"), "yes") != 0)
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

gboolean
trap_site_set_up(TrapSite *home, const TrapHome *trap)
{
	const char *name = trap_home_word(trap, "home-name", 0, "ann");
	g_autofree char *stray = g_strcompress(trap_home_word(trap, "stray", 0, "Download"));
	g_autofree char *made = make_root(trap);
	char *real;

	*home = (TrapSite){ .trap = trap };
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

void
trap_site_tear_down(TrapSite *home)
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
	scratch_remove(home->root);
	g_array_unref(home->fds);
	g_ptr_array_unref(home->mounts);
	g_free(home->root);
	g_free(home->home);
	g_free(home->named_home);
	g_free(home->stray);
}
