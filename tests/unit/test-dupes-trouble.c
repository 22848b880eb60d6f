/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The duplicate finder in trouble: bad input, too few descriptors, files that change under it, calls that fail, the user who
 * stops it. What it lists is right all the same. I/O in a temporary directory. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "home/base/error.h"
#include "tests/support/dupes-home.h"
#include "tests/support/fault-fs.h"

/* ---- bad input ---- */

static void
test_special_files(DupesHome *f, gconstpointer data)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "r/socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_autoptr(TidyDupes) dupes = NULL;

	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	close(fd);
	g_assert_cmpint(mkfifo("r/fifo", 0600), ==, 0);
	dupes_put("r/a", "same");
	g_assert_cmpint(symlink("a", "r/link"), ==, 0);
	g_assert_cmpint(symlink(".", "r/loop"), ==, 0);
	dupes = dupes_find(f);
	g_assert_cmpuint(dupes->groups->len, ==, 0);
	g_assert_cmpuint(dupes->stats.skipped[TIDY_DUPES_SKIP_SPECIAL], ==, 2);
	g_assert_cmpuint(dupes->stats.skipped[TIDY_DUPES_SKIP_LINK], ==, 2);
	g_assert_cmpuint(dupes->skips->len, ==, 2);
}

static void
test_same_directory_twice(DupesHome *f, gconstpointer data)
{
	static const char *const roots[] = { "r", "r/sub", "r", "link", NULL };
	g_autoptr(TidyDupes) dupes = NULL;

	dupes_put("r/a", "same");
	dupes_put("r/sub/b", "othr");
	g_assert_cmpint(symlink("r", "link"), ==, 0);
	f->options.roots = roots;
	dupes = dupes_find(f);
	g_assert_cmpuint(dupes->groups->len, ==, 0);
	g_assert_cmpuint(dupes->stats.files, ==, 2);
	g_assert_cmpuint(dupes->stats.skipped[TIDY_DUPES_SKIP_VISITED], ==, 3);
}

static void
test_root_behind_a_link(DupesHome *f, gconstpointer data)
{
	static const char *const roots[] = { "link", NULL };

	dupes_put("r/a", "same");
	dupes_put("r/b", "same");
	g_assert_cmpint(symlink("r", "link"), ==, 0);
	f->options.roots = roots;
	dupes_assert_groups(f, "file: link/a link/b");
}

static void
test_missing_roots(DupesHome *f, gconstpointer data)
{
	static const char *const some[] = { "nowhere", "r", NULL };
	static const char *const none[] = { "nowhere", NULL };
	g_autoptr(TidyDupes) dupes = NULL;

	dupes_put("r/a", "same");
	dupes_put("r/b", "same");
	f->options.roots = some;
	dupes = dupes_find(f);
	g_assert_cmpuint(dupes->groups->len, ==, 1);
	g_assert_cmpuint(dupes->stats.skipped[TIDY_DUPES_SKIP_UNREADABLE], ==, 1);
	f->options.roots = none;
	g_assert_null(tidy_dupes_find(tidy_fs_linux(), &f->options, &f->error));
	g_assert_error(f->error, TIDY_ERROR, TIDY_ERROR_IO);
	g_clear_error(&f->error);
	f->options.roots = NULL;
	g_assert_null(tidy_dupes_find(tidy_fs_linux(), &f->options, &f->error));
	g_assert_error(f->error, TIDY_ERROR, TIDY_ERROR_USAGE);
}

static void
test_unreadable(DupesHome *f, gconstpointer data)
{
	g_autoptr(TidyDupes) dupes = NULL;
	g_autofree char *text = NULL;

	if (geteuid() == 0) {
		g_test_skip("root can read everything");
		return;
	}
	dupes_put("r/a", "same");
	dupes_put("r/b", "same");
	dupes_put("r/c", "same");
	dupes_put("r/closed/d", "same");
	g_chmod("r/b", 0);
	g_chmod("r/closed", 0);
	dupes = dupes_find(f);
	text = dupes_text(dupes);
	g_assert_cmpstr(text, ==, "file: r/a r/c");
	g_assert_cmpuint(dupes->stats.skipped[TIDY_DUPES_SKIP_UNREADABLE], ==, 2);
}

static void
test_names_that_are_not_text(DupesHome *f, gconstpointer data)
{
	dupes_put("r/\xff\xfe", "same");
	dupes_put("r/new\nline", "same");
	dupes_put("r/-rf", "same");
	dupes_put("r/\x1b[31m", "same");
	dupes_assert_groups(f, "file: r/\x1b[31m r/-rf r/new\nline r/\xff\xfe");
}

static void
test_ignore_and_size(DupesHome *f, gconstpointer data)
{
	static const char *const ignore[] = { "*.tmp", "sub/*", NULL };

	dupes_put("r/a", "same");
	dupes_put("r/b.tmp", "same");
	dupes_put("r/sub/c", "same");
	dupes_put("r/deep/sub/d", "same");
	dupes_put("r/x", "tiny");
	f->options.ignore = ignore;
	dupes_assert_groups(f, "file: r/a r/deep/sub/d");
	f->options.min_size = 5;
	dupes_assert_groups(f, "");
}

static void
test_few_descriptors(DupesHome *f, gconstpointer data)
{
	struct rlimit old;
	struct rlimit few;
	g_autoptr(TidyDupes) dupes = NULL;

	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &old), ==, 0);
	few = old;
	few.rlim_cur = 64;
	for (guint i = 0; i < 300; i++) {
		g_autofree char *path = g_strdup_printf("r/%u/%u/file", i % 40, i);
		g_autofree char *content = g_strnfill(70000, (char)('a' + i % 2));

		dupes_put(path, content);
	}
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
	dupes = dupes_find(f);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &old), ==, 0);
	g_assert_cmpuint(dupes->stats.skipped[TIDY_DUPES_SKIP_UNREADABLE], ==, 0);
	g_assert_cmpuint(dupes->stats.max_open, <=, 32);
	g_assert_cmpuint(dupes->stats.files, ==, 300);
	/* Two groups of files, and one of the directories that hold each kind. */
	g_assert_cmpuint(dupes->groups->len, ==, 4);
}

static void
test_many_files_of_one_size(DupesHome *f, gconstpointer data)
{
	g_autoptr(TidyDupes) dupes = NULL;

	for (guint i = 0; i < 3000; i++) {
		g_autofree char *path = g_strdup_printf("r/%u", i);
		g_autofree char *content =
			g_strdup_printf("%8u", i / 2 * 2 + (i < 2000 ? i % 2 : 0));

		dupes_put(path, content);
	}
	/* Room for four blocks: fingerprints have to help. */
	f->options.block_bytes = 16384;
	dupes = dupes_find(f);
	g_assert_cmpuint(dupes->groups->len, ==, 500);
	g_assert_cmpuint(dupes->stats.max_block_bytes, <=, 20480);
}

static void
test_very_deep_tree(DupesHome *f, gconstpointer data)
{
	g_autoptr(TidyDupes) dupes = NULL;
	guint depth = 3000;

	g_assert_cmpint(g_chdir("r"), ==, 0);
	for (guint i = 0; i < depth; i++) {
		g_assert_cmpint(g_mkdir("d", 0700), ==, 0);
		g_assert_cmpint(g_chdir("d"), ==, 0);
	}
	dupes_put("x", "same");
	dupes_put("y", "same");
	g_assert_cmpint(g_chdir(f->path), ==, 0);
	f->options.max_open = 40;
	dupes = dupes_find(f);
	g_assert_cmpuint(dupes->groups->len, ==, 1);
	g_assert_cmpuint(dupes->stats.dirs, ==, depth + 1);
	/* Too long a path to remove by. */
	for (guint i = 0; i < depth; i++)
		g_assert_cmpint(g_chdir(i == 0 ? "r/d" : "d"), ==, 0);
	g_unlink("x");
	g_unlink("y");
	for (guint i = 0; i < depth; i++) {
		g_assert_cmpint(g_chdir(".."), ==, 0);
		g_assert_cmpint(g_rmdir("d"), ==, 0);
	}
	g_assert_cmpint(g_chdir(f->path), ==, 0);
}

/* ---- changes while it runs, and cancelling ---- */

typedef struct {
	TidyFs fs; /* first: the table that is handed out */
	const char *name;
	void (*act)(const char *name);
	guint reads_before;
} MeddlingFs;

static ssize_t
meddling_pread(TidyFs *fs, int fd, void *buffer, size_t size, gint64 offset)
{
	MeddlingFs *meddling = (MeddlingFs *)(void *)fs;

	if (meddling->reads_before-- == 0)
		meddling->act(meddling->name);
	return tidy_fs_linux()->pread(tidy_fs_linux(), fd, buffer, size, offset);
}

static void
truncate_it(const char *name)
{
	g_assert_cmpint(truncate(name, 10), ==, 0);
}

static void
touch_it(const char *name)
{
	dupes_set_mtime(name, 12345);
}

static void
replace_it(const char *name)
{
	g_autofree char *content = g_strnfill(100000, 'x');

	g_assert_cmpint(g_unlink(name), ==, 0);
	dupes_put(name, content);
}

static void
remove_it(const char *name)
{
	g_assert_cmpint(g_unlink(name), ==, 0);
}

static void
fifo_it(const char *name)
{
	g_assert_cmpint(g_unlink(name), ==, 0);
	g_assert_cmpint(mkfifo(name, 0600), ==, 0);
}

/* At every read call of the run: the file that changed drops out, the other two stay a group. */
static void
test_changes_while_comparing(DupesHome *f, gconstpointer data)
{
	static void (*const acts[])(const char *) = { truncate_it, touch_it, replace_it, remove_it,
						      fifo_it };
	g_autofree char *content = g_strnfill(100000, 'x');

	for (guint i = 0; i < G_N_ELEMENTS(acts); i++) {
		for (guint reads = 0; reads < 20; reads++) {
			MeddlingFs meddling = { *tidy_fs_linux(), "r/b", acts[i], reads };
			g_autoptr(TidyDupes) dupes = NULL;
			g_autofree char *text = NULL;

			g_unlink("r/b");
			dupes_put("r/a", content);
			dupes_put("r/b", content);
			dupes_put("r/c", content);
			meddling.fs.pread = meddling_pread;
			meddling.fs.pread_cached = reads % 2 == 0 ? NULL : meddling_pread;
			dupes = tidy_dupes_find(&meddling.fs, &f->options, &f->error);
			g_assert_no_error(f->error);
			text = dupes_text(dupes);
			if (meddling.reads_before < reads)
				g_assert_cmpstr(text, ==, "file: r/a r/b r/c");
			else if (strcmp(text, "file: r/a r/b r/c") != 0)
				g_assert_cmpstr(text, ==, "file: r/a r/c");
			/* What holds its content open until the end may be listed when only its name went. */
			if (meddling.reads_before > reads && i < 2) {
				g_assert_cmpstr(text, ==, "file: r/a r/c");
				g_assert_cmpuint(dupes->stats.skipped[TIDY_DUPES_SKIP_CHANGED], ==,
						 1);
			}
		}
	}
}

/* Whichever call fails, once or from then on: what is listed is right. */
static void
test_every_call_may_fail(DupesHome *f, gconstpointer data)
{
	static const int codes[] = { EIO, ENOENT, EMFILE };
	g_autoptr(FaultFs) fault = fault_fs_new(tidy_fs_linux());
	g_autofree char *content = g_strnfill(100000, 'x');
	guint total;

	dupes_put("r/one/a", content);
	dupes_put("r/two/a", content);
	dupes_put("r/two/b", "tiny");
	dupes_put("r/c", "tiny");
	tidy_dupes_free(tidy_dupes_find(fault_fs_table(fault), &f->options, &f->error));
	g_assert_no_error(f->error);
	total = fault_fs_seen(fault, FS_OP_ANY);
	g_assert_cmpuint(total, >, 50);
	for (guint nth = 1; nth <= total; nth++) {
		for (guint i = 0; i < G_N_ELEMENTS(codes) * 2; i++) {
			g_autoptr(TidyDupes) dupes = NULL;
			g_autofree char *text = NULL;

			fault_fs_clear(fault);
			fault_fs_fail(fault, FS_OP_ANY, nth, codes[i / 2],
				      i % 2 == 0 ? FS_FAIL_ONCE : FS_FAIL_PERSISTENT);
			dupes = tidy_dupes_find(fault_fs_table(fault), &f->options, &f->error);
			if (dupes == NULL) {
				g_clear_error(&f->error);
				continue;
			}
			text = dupes_text(dupes);
			g_assert_true(
				strcmp(text, "") == 0 || strcmp(text, "file: r/c r/two/b") == 0 ||
				strcmp(text, "file: r/one/a r/two/a") == 0 ||
				strcmp(text, "file: r/c r/two/b\nfile: r/one/a r/two/a") == 0);
		}
	}
}

static gboolean
count_down(gpointer data)
{
	guint *left = data;

	return (*left)-- == 0;
}

static gboolean
never(gpointer data)
{
	guint *calls = data;

	(*calls)++;
	return FALSE;
}

/* Wherever it is stopped, what it lists is right. */
static void
test_cancel(DupesHome *f, gconstpointer data)
{
	guint total = 0;

	for (guint i = 0; i < 300; i++) {
		g_autofree char *path = g_strdup_printf("r/%u/%u", i % 7, i);
		g_autofree char *content = g_strnfill(10000 + i / 3, (char)('a' + i % 2));

		dupes_put(path, content);
	}
	f->options.is_cancelled = never;
	f->options.data = &total;
	tidy_dupes_free(dupes_find(f));
	g_assert_cmpuint(total, >, 10);
	for (guint stop = 0; stop < total; stop += total / 10) {
		guint left = stop;
		g_autoptr(TidyDupes) dupes = NULL;

		f->options.is_cancelled = count_down;
		f->options.data = &left;
		dupes = dupes_find(f);
		g_assert_true(dupes->is_partial);
		g_assert_cmpuint(dupes->groups->len, <=, 100);
		for (guint i = 0; i < dupes->groups->len; i++) {
			const TidyDupesGroup *group = dupes->groups->pdata[i];

			g_assert_cmpuint(group->names->len, ==, 2);
		}
	}
}

#define CASE(path, func) \
	g_test_add("/dupes/" path, DupesHome, NULL, dupes_home_set_up, func, dupes_home_tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	CASE("special-files", test_special_files);
	CASE("same-directory-twice", test_same_directory_twice);
	CASE("root-behind-a-link", test_root_behind_a_link);
	CASE("missing-roots", test_missing_roots);
	CASE("unreadable", test_unreadable);
	CASE("names-that-are-not-text", test_names_that_are_not_text);
	CASE("ignore-and-size", test_ignore_and_size);
	CASE("few-descriptors", test_few_descriptors);
	CASE("many-files-of-one-size", test_many_files_of_one_size);
	CASE("very-deep-tree", test_very_deep_tree);
	CASE("changes-while-comparing", test_changes_while_comparing);
	CASE("every-call-may-fail", test_every_call_may_fail);
	CASE("cancel", test_cancel);
	return g_test_run();
}
