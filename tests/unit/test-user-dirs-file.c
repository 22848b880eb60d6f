/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading and writing user-dirs.dirs: links, metadata, races, crashes and errors. On the file
 * system in memory. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "home/base/error.h"
#include "home/dirs/user-dirs-file.h"
#include "tests/support/crash-walk.h"
#include "tests/support/fake-fs.h"
#include "tests/support/fault-fs.h"

#define HOME   "/home/ann"
#define CONFIG HOME "/.config"
#define FILE_  CONFIG "/user-dirs.dirs"
#define BEFORE "# mine\nXDG_FOO_DIR=\"$HOME/Foo\"\r\nXDG_DOWNLOAD_DIR=\"$HOME/Download\""
#define AFTER  "# mine\nXDG_FOO_DIR=\"$HOME/Foo\"\r\nXDG_DOWNLOAD_DIR=\"$HOME/Downloads\""

static FakeFs *
make_home(const char *content)
{
	FakeFs *fake = fake_fs_new();

	fake_fs_mkdirs(fake, CONFIG, 0700);
	if (content)
		fake_fs_write(fake, FILE_, content, -1);
	return fake;
}

static void
make_link(FakeFs *fake, const char *dir, const char *name, const char *target)
{
	TidyFs *fs = fake_fs_table(fake);
	int fd = fs->openat(fs, AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);

	g_assert_cmpint(fs->symlink(fs, target, fd, name), ==, 0);
	fs->close(fs, fd);
}

static gboolean
write_downloads(TidyFs *fs, GError **error)
{
	return tidy_user_dirs_write(fs, CONFIG, "DOWNLOAD", HOME "/Downloads", HOME, error);
}

static void
assert_content(FakeFs *fake, const char *path, const char *expected)
{
	g_autoptr(GBytes) bytes = fake_fs_read(fake, path);
	g_autofree char *got = NULL;

	if (bytes)
		got = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	g_assert_cmpstr(got, ==, expected);
}

static void
assert_no_temp(FakeFs *fake, const char *dir)
{
	for (guint i = 0; i < 16; i++) {
		g_autofree char *path = g_strdup_printf("%s/.user-dirs.dirs.xdgtidy-%u", dir, i);

		g_assert_false(fake_fs_exists(fake, path));
	}
}

static void
test_load(void)
{
	g_autoptr(FakeFs) fake = make_home(BEFORE);
	static const char *const dirs[] = { "/etc/xdg", "/etc/other", NULL };
	g_autoptr(TidyUserDirsFiles) files = NULL;
	g_autoptr(GError) error = NULL;

	fake_fs_mkdirs(fake, "/etc/xdg", 0755);
	fake_fs_mkdirs(fake, "/etc/other", 0755);
	fake_fs_write(fake, CONFIG "/user-dirs.locale", "fr_FR\n", -1);
	fake_fs_write(fake, "/etc/other/user-dirs.conf", "enabled=True\n", -1);
	fake_fs_write(fake, "/etc/xdg/user-dirs.conf", "enabled=False\n", -1);
	fake_fs_write(fake, "/etc/other/user-dirs.defaults", "MUSIC=Tunes\n", -1);
	fake_fs_write(fake, "/etc/xdg/user-dirs.defaults", "DOWNLOAD=Downloads\n", -1);
	files = tidy_user_dirs_load(fake_fs_table(fake), CONFIG, dirs, HOME, &error);
	g_assert_no_error(error);
	g_assert_true(files->is_present);
	g_assert_cmpstr(files->path, ==, FILE_);
	g_assert_cmpstr(files->locale, ==, "fr_FR");
	g_assert_false(files->is_enabled);
	g_assert_cmpuint(files->defaults->len, ==, 1);
	g_assert_cmpstr(((TidyUserDirsDefault *)files->defaults->pdata[0])->key, ==, "DOWNLOAD");
	g_assert_cmpstr(tidy_user_dirs_get(files->dirs, "DOWNLOAD")->path, ==, HOME "/Download");
	g_assert_cmpuint(fake_fs_open_count(fake), ==, 0);
}

/* 14: nothing is there, and reading does not make it */
static void
test_load_absent(gconstpointer config)
{
	g_autoptr(FakeFs) fake = make_home(NULL);
	g_autoptr(TidyUserDirsFiles) files = NULL;
	g_autoptr(GError) error = NULL;

	fake_fs_crash_at(fake, 0, FAKE_AFTER);
	files = tidy_user_dirs_load(fake_fs_table(fake), config, NULL, HOME, &error);
	g_assert_no_error(error);
	g_assert_false(files->is_present);
	g_assert_true(files->is_enabled);
	g_assert_null(files->locale);
	g_assert_cmpint(tidy_user_dirs_state(files->dirs, "DOWNLOAD"), ==, TIDY_DIR_UNSET);
	g_assert_cmpuint(fake_fs_op_count(fake), ==, 0);
}

typedef enum { BAD_DIRECTORY, BAD_DANGLING, BAD_LOOP, BAD_FIFO, BAD_LARGE, BAD_UNREADABLE } Bad;

/* 14: an error that names the path, for reading and for writing; nothing changed */
static void
test_bad_file(gconstpointer data)
{
	g_autoptr(FakeFs) fake = make_home(NULL);
	TidyFs *fs = fake_fs_table(fake);
	g_autofree char *large = g_strnfill((4 << 20) + 1, '#');
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) write_error = NULL;

	switch ((Bad)GPOINTER_TO_INT(data)) {
	case BAD_DIRECTORY:
		fake_fs_mkdirs(fake, FILE_, 0755);
		break;
	case BAD_DANGLING:
		make_link(fake, CONFIG, "user-dirs.dirs", "/mnt/nowhere/x");
		break;
	case BAD_LOOP:
		make_link(fake, CONFIG, "user-dirs.dirs", "user-dirs.dirs");
		break;
	case BAD_FIFO:
		fake_fs_mknod(fake, FILE_, S_IFIFO | 0600);
		break;
	case BAD_LARGE:
		fake_fs_write(fake, FILE_, large, -1);
		break;
	case BAD_UNREADABLE:
		fake_fs_write(fake, FILE_, BEFORE, -1);
		fake_fs_fail(fake, FS_OP_PREAD, 1, EACCES, FS_FAIL_PERSISTENT);
		break;
	}
	g_assert_null(tidy_user_dirs_load(fs, CONFIG, NULL, HOME, &error));
	g_assert_error(error, TIDY_ERROR, TIDY_ERROR_IO);
	g_assert_nonnull(strstr(error->message, FILE_));
	fake_fs_crash_at(fake, 0, FAKE_AFTER);
	g_assert_false(write_downloads(fs, &write_error));
	g_assert_error(write_error, TIDY_ERROR, TIDY_ERROR_IO);
	g_assert_nonnull(strstr(write_error->message, FILE_));
	g_assert_cmpuint(fake_fs_op_count(fake), ==, 0);
	g_assert_cmpuint(fake_fs_open_count(fake), ==, 0);
}

/* 15: mode, owner and attributes stay */
static void
test_write_keeps_metadata(void)
{
	g_autoptr(FakeFs) fake = make_home(BEFORE);
	TidyFs *fs = fake_fs_table(fake);
	g_autoptr(GError) error = NULL;
	int dir = fs->openat(fs, AT_FDCWD, CONFIG, O_RDONLY | O_DIRECTORY, 0);
	int fd = fs->openat(fs, dir, "user-dirs.dirs", O_RDWR, 0);
	char value[8] = "";
	TidyStat st;

	g_assert_cmpint(fs->setxattr(fs, fd, "user.note", "hello", 5), ==, 0);
	g_assert_cmpint(fs->chown(fs, dir, "user-dirs.dirs", 1000, 100), ==, 0);
	g_assert_cmpint(fs->chmod(fs, dir, "user-dirs.dirs", 0640), ==, 0);
	fs->close(fs, fd);
	g_assert_true(write_downloads(fs, &error));
	g_assert_no_error(error);
	assert_content(fake, FILE_, AFTER);
	g_assert_true(fake_fs_stat(fake, FILE_, &st));
	g_assert_cmpuint(st.mode & 07777, ==, 0640);
	g_assert_cmpuint(st.uid, ==, 1000);
	g_assert_cmpuint(st.gid, ==, 100);
	fd = fs->openat(fs, dir, "user-dirs.dirs", O_RDONLY, 0);
	g_assert_cmpint(fs->getxattr(fs, fd, "user.note", value, sizeof value), ==, 5);
	g_assert_cmpstr(value, ==, "hello");
	fs->close(fs, fd);
	fs->close(fs, dir);
	assert_no_temp(fake, CONFIG);
	g_assert_cmpuint(fake_fs_open_count(fake), ==, 0);
}

/* 14, 15: the link stays a link, the file behind it is the one that changes, with its temporary
 * beside it */
static void
test_write_through_link(gconstpointer target)
{
	g_autoptr(FakeFs) fake = make_home(NULL);
	g_autoptr(GError) error = NULL;
	TidyStat st;

	fake_fs_mkdirs(fake, HOME "/dots/config", 0755);
	fake_fs_write(fake, HOME "/dots/config/dirs", BEFORE, -1);
	make_link(fake, HOME, "d", "dots");
	make_link(fake, "/", "users", "home");
	make_link(fake, CONFIG, "user-dirs.dirs", target);
	g_assert_true(write_downloads(fake_fs_table(fake), &error));
	g_assert_no_error(error);
	assert_content(fake, HOME "/dots/config/dirs", AFTER);
	g_assert_true(fake_fs_stat(fake, FILE_, &st));
	g_assert_true(S_ISLNK(st.mode));
	assert_no_temp(fake, CONFIG);
	assert_no_temp(fake, HOME "/dots/config");
}

/* The directory of the configuration is a link itself. */
static void
test_config_dir_is_link(void)
{
	g_autoptr(FakeFs) fake = fake_fs_new();
	g_autoptr(GError) error = NULL;

	fake_fs_mkdirs(fake, HOME "/dots", 0755);
	make_link(fake, HOME, ".config", "dots");
	g_assert_true(write_downloads(fake_fs_table(fake), &error));
	g_assert_no_error(error);
	assert_content(fake, HOME "/dots/user-dirs.dirs", "XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n");
}

static void
test_write_new(void)
{
	g_autoptr(FakeFs) fake = make_home(NULL);
	TidyStat st;

	g_assert_true(write_downloads(fake_fs_table(fake), NULL));
	assert_content(fake, FILE_, "XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n");
	g_assert_true(fake_fs_stat(fake, FILE_, &st));
	g_assert_cmpuint(st.mode & 07777, ==, 0600);
}

static void
test_write_no_config_dir(void)
{
	g_autoptr(FakeFs) fake = fake_fs_new();
	g_autoptr(GError) error = NULL;

	fake_fs_mkdirs(fake, HOME, 0755);
	g_assert_false(write_downloads(fake_fs_table(fake), &error));
	g_assert_error(error, TIDY_ERROR, TIDY_ERROR_IO);
	g_assert_false(fake_fs_exists(fake, CONFIG));
}

static void
test_write_nothing_to_do(void)
{
	g_autoptr(FakeFs) fake = make_home(AFTER);

	fake_fs_crash_at(fake, 0, FAKE_AFTER);
	g_assert_true(write_downloads(fake_fs_table(fake), NULL));
	g_assert_cmpuint(fake_fs_op_count(fake), ==, 0);
}

static void
test_write_refused(void)
{
	g_autoptr(FakeFs) fake = make_home(BEFORE);
	g_autoptr(GError) error = NULL;

	g_assert_false(tidy_user_dirs_write(fake_fs_table(fake), CONFIG, "DOWNLOAD", HOME "/a\"b",
					    HOME, &error));
	g_assert_error(error, TIDY_ERROR, TIDY_ERROR_REFUSED);
	assert_content(fake, FILE_, BEFORE);
}

/* A link into a repository that cannot be written, as /nix/store: the message says what to do. */
static void
test_write_read_only(void)
{
	g_autoptr(FakeFs) fake = make_home(NULL);
	g_autoptr(GError) error = NULL;

	fake_fs_mkdirs(fake, "/nix", 0755);
	fake_fs_mount(fake, "/nix", "nix");
	fake_fs_write(fake, "/nix/dirs", BEFORE, -1);
	make_link(fake, CONFIG, "user-dirs.dirs", "/nix/dirs");
	fake_disk_set_read_only(fake_fs_disk(fake, "/nix"), TRUE);
	g_assert_false(write_downloads(fake_fs_table(fake), &error));
	g_assert_error(error, TIDY_ERROR, TIDY_ERROR_IO);
	g_assert_nonnull(strstr(error->message, "/nix"));
	g_assert_nonnull(strstr(error->message, "XDG_DOWNLOAD_DIR"));
	assert_content(fake, "/nix/dirs", BEFORE);
}

typedef struct {
	FakeFs *fake;
	guint n_races; /* how many times another program writes */
} Race;

/* Another program changes the file while our temporary is being synced. */
static int
race(FaultFs *fault, FsOp op, int dir, const char *name, guint nth, gpointer data)
{
	Race *r = data;

	if (op != FS_OP_FSYNC || r->n_races == 0)
		return 0;
	r->n_races--;
	fake_fs_write(r->fake, FILE_,
		      r->n_races % 2 ? "XDG_MUSIC_DIR=\"$HOME/A\"\n"
				     : "XDG_MUSIC_DIR=\"$HOME/B\"\n",
		      -1);
	return 0;
}

/* What the other one wrote is kept, ours is put on top. */
static void
test_race(gconstpointer content)
{
	g_autoptr(FakeFs) fake = make_home(content);
	g_autoptr(FaultFs) fault = fault_fs_new(fake_fs_table(fake));
	Race r = { .fake = fake, .n_races = 2 };
	g_autoptr(GError) error = NULL;

	fault_fs_set_hook(fault, race, &r);
	g_assert_true(write_downloads(fault_fs_table(fault), &error));
	g_assert_no_error(error);
	assert_content(fake, FILE_,
		       "XDG_MUSIC_DIR=\"$HOME/B\"\nXDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n");
	assert_no_temp(fake, CONFIG);
}

static void
test_race_without_end(void)
{
	g_autoptr(FakeFs) fake = make_home(BEFORE);
	g_autoptr(FaultFs) fault = fault_fs_new(fake_fs_table(fake));
	Race r = { .fake = fake, .n_races = 1000 };
	g_autoptr(GError) error = NULL;

	fault_fs_set_hook(fault, race, &r);
	g_assert_false(write_downloads(fault_fs_table(fault), &error));
	g_assert_error(error, TIDY_ERROR, TIDY_ERROR_IO);
	g_assert_cmpuint(r.n_races, ==, 995);
	assert_no_temp(fake, CONFIG);
}

static void
run_write(FakeFs *fake, gpointer data)
{
	write_downloads(fake_fs_table(fake), NULL);
}

/* Old bytes or new ones, whole; and the next write works. */
static void
check_crash(FakeFs *fake, const CrashPoint *point, gpointer data)
{
	g_autoptr(GBytes) bytes = fake_fs_read(fake, FILE_);
	g_autoptr(GBytes) old = g_bytes_new_static(BEFORE, strlen(BEFORE));
	g_autoptr(GBytes) new = g_bytes_new_static(AFTER, strlen(AFTER));
	gint64 an_hour_later = fake_fs_table(fake)->now(fake_fs_table(fake)) +
			       G_GINT64_CONSTANT(3700) * 1000000000;

	g_assert_nonnull(bytes);
	if (!g_bytes_equal(bytes, old) && !g_bytes_equal(bytes, new))
		g_error("torn: %s", point->text);
	if (point->op == 0)
		g_assert_true(g_bytes_equal(bytes, new));
	fake_fs_set_clock(fake, an_hour_later, 1000000);
	fake_fs_write(fake, FILE_, BEFORE, -1);
	g_assert_true(write_downloads(fake_fs_table(fake), NULL));
	assert_content(fake, FILE_, AFTER);
	assert_no_temp(fake, CONFIG);
}

static void
test_crash(void)
{
	g_autoptr(FakeFs) fake = make_home(BEFORE);
	CrashWalkStats stats =
		crash_walk(fake, &(CrashWalkOptions){ 0 }, run_write, check_crash, NULL);

	g_assert_cmpuint(stats.ops, >=, 5);
	g_assert_cmpuint(stats.points, >=, stats.ops);
	g_test_message("%u operations, %u crashes, %u states", stats.ops, stats.points,
		       stats.states);
}

/* A temporary that a crash left is removed by a write an hour later, not at once. */
static void
test_stale_temp(void)
{
	g_autoptr(FakeFs) fake = make_home(BEFORE);
	TidyFs *fs = fake_fs_table(fake);

	fake_fs_write(fake, CONFIG "/.user-dirs.dirs.xdgtidy-0", "x", -1);
	g_assert_true(write_downloads(fs, NULL));
	g_assert_true(fake_fs_exists(fake, CONFIG "/.user-dirs.dirs.xdgtidy-0"));
	fake_fs_write(fake, FILE_, BEFORE, -1);
	fake_fs_set_clock(fake, fs->now(fs) + G_GINT64_CONSTANT(3700) * 1000000000, 1000000);
	g_assert_true(write_downloads(fs, NULL));
	assert_no_temp(fake, CONFIG);
}

/* Each operation fails once with each likely error: an error, or it did not matter; never a torn
 * file. */
static void
test_faults(void)
{
	static const int errors[] = { EIO, ENOSPC, EACCES, EMFILE };

	for (guint op = 0; op < FS_OP_N; op++)
		for (guint i = 0; i < G_N_ELEMENTS(errors); i++)
			for (guint nth = 1; nth < 40; nth++) {
				g_autoptr(FakeFs) fake = make_home(BEFORE);
				g_autoptr(GBytes) bytes = NULL;
				g_autoptr(GError) error = NULL;
				gboolean is_done;

				fake_fs_fail(fake, op, nth, errors[i], FS_FAIL_ONCE);
				is_done = write_downloads(fake_fs_table(fake), &error);
				if (fake_fs_fired(fake) == 0)
					break;
				g_assert_cmpint(is_done, ==, error == NULL);
				bytes = fake_fs_read(fake, FILE_);
				if (is_done || g_bytes_get_size(bytes) == strlen(AFTER))
					assert_content(fake, FILE_, AFTER);
				else
					assert_content(fake, FILE_, BEFORE);
				g_assert_cmpuint(fake_fs_open_count(fake), ==, 0);
				assert_no_temp(fake, CONFIG);
			}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dirs-file/load", test_load);
	g_test_add_data_func("/dirs-file/load-absent", CONFIG, test_load_absent);
	g_test_add_data_func("/dirs-file/load-no-directory", HOME "/none/x", test_load_absent);
	g_test_add_data_func("/dirs-file/bad/directory", GINT_TO_POINTER(BAD_DIRECTORY),
			     test_bad_file);
	g_test_add_data_func("/dirs-file/bad/dangling", GINT_TO_POINTER(BAD_DANGLING),
			     test_bad_file);
	g_test_add_data_func("/dirs-file/bad/loop", GINT_TO_POINTER(BAD_LOOP), test_bad_file);
	g_test_add_data_func("/dirs-file/bad/fifo", GINT_TO_POINTER(BAD_FIFO), test_bad_file);
	g_test_add_data_func("/dirs-file/bad/large", GINT_TO_POINTER(BAD_LARGE), test_bad_file);
	g_test_add_data_func("/dirs-file/bad/unreadable", GINT_TO_POINTER(BAD_UNREADABLE),
			     test_bad_file);
	g_test_add_func("/dirs-file/write/keeps-metadata", test_write_keeps_metadata);
	g_test_add_data_func("/dirs-file/write/relative-link", "../dots/config/dirs",
			     test_write_through_link);
	g_test_add_data_func("/dirs-file/write/absolute-link", HOME "/dots/config/dirs",
			     test_write_through_link);
	g_test_add_data_func("/dirs-file/write/links-on-the-way",
			     "/users/ann/d/./config/../config/dirs", test_write_through_link);
	g_test_add_func("/dirs-file/write/config-dir-is-link", test_config_dir_is_link);
	g_test_add_func("/dirs-file/write/new", test_write_new);
	g_test_add_func("/dirs-file/write/no-config-dir", test_write_no_config_dir);
	g_test_add_func("/dirs-file/write/nothing-to-do", test_write_nothing_to_do);
	g_test_add_func("/dirs-file/write/refused", test_write_refused);
	g_test_add_func("/dirs-file/write/read-only", test_write_read_only);
	g_test_add_data_func("/dirs-file/race/changed", BEFORE, test_race);
	g_test_add_data_func("/dirs-file/race/appeared", NULL, test_race);
	g_test_add_func("/dirs-file/race/without-end", test_race_without_end);
	g_test_add_func("/dirs-file/crash", test_crash);
	g_test_add_func("/dirs-file/stale-temp", test_stale_temp);
	g_test_add_func("/dirs-file/faults", test_faults);
	return g_test_run();
}
