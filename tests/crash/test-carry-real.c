/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copies between real file systems. I/O: below TMPDIR; needs a right to mount (root); skips with a reason where it is not.
 *
 * A big file whose copy is killed (SIGKILL, in the middle of its bytes) and goes on: what is copied again is counted.
 * Attributes that only real file systems have: access lists, capabilities, a default list of the target that must not
 * reach the copy. Short cuts: a clone between two subvolumes of btrfs. A disk whose writes fail, unheard of until it is synced.
 */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "home/engine/engine.h"

#define BIG_BYTES  (G_GINT64_CONSTANT(96) << 20)
#define KILL_BYTES (G_GINT64_CONSTANT(50) << 20)
#define PIECE	   (G_GINT64_CONSTANT(8) << 20)
#define ACL_ACCESS "system.posix_acl_access"

typedef struct {
	char *home;
	char *stray;
	char *target;
} Place;

/* What a child counts, shared with it. */
typedef struct {
	gint64 written;	   /* by pwrite and copy_file_range, journal apart */
	gint64 kill_after; /* SIGKILL when so much is written; 0: never */
	guint n_clones;
	guint n_begun;	      /* syncs beside the copying */
	guint n_failed_syncs; /* of those that are waited for */
	gboolean is_done;
} Counter;

static Counter *counter;
static TidyFs counting;

/* --- a home with another disk in it --- */

static gboolean
spawn(const char *first, ...)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	va_list rest;
	int status = -1;

	va_start(rest, first);
	for (const char *word = first; word != NULL; word = va_arg(rest, const char *))
		g_ptr_array_add(argv, (char *)word);
	va_end(rest);
	g_ptr_array_add(argv, NULL);
	return g_spawn_sync(NULL, (char **)argv->pdata, NULL,
			    G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
			    NULL, &status, NULL) &&
	       status == 0;
}

/* Mounts a new file system of @kind at @point. FALSE: cannot be here. */
static gboolean
mount_new(const char *kind, const char *point)
{
	g_autofree char *image = g_strconcat(point, ".img", NULL);
	g_autofree char *maker = g_strconcat("mkfs.", kind, NULL);
	gboolean is_fine;

	g_assert_cmpint(g_mkdir_with_parents(point, 0755), ==, 0);
	if (strcmp(kind, "tmpfs") == 0)
		return mount("tmpfs", point, "tmpfs", 0, NULL) == 0;
	g_assert_true(g_file_set_contents(image, "", 0, NULL));
	is_fine = truncate(image, 400 << 20) == 0 && spawn(maker, "-q", image, NULL) &&
		  spawn("mount", "-o", "loop", image, point, NULL);
	unlink(image);
	return is_fine;
}

/* The mounts are this process' own and end with it. */
static gboolean
has_namespace(void)
{
	static int answer = -1;

	if (answer < 0)
		answer = unshare(CLONE_NEWNS) == 0 &&
			 mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	return answer;
}

static gboolean
place_init(Place *place, const char *kind)
{
	g_autoptr(GError) error = NULL;

	place->home = g_dir_make_tmp("carry-XXXXXX", &error);
	g_assert_no_error(error);
	place->stray = g_build_filename(place->home, "Download", NULL);
	place->target = g_build_filename(place->home, "Downloads", NULL);
	g_assert_cmpint(mkdir(place->stray, 0755), ==, 0);
	if (has_namespace() && mount_new(kind, place->target))
		return TRUE;
	g_test_skip("a file system of this kind cannot be made or mounted here");
	return FALSE;
}

static void
place_clear(Place *place)
{
	umount2(place->target, MNT_DETACH);
	g_assert_true(spawn("rm", "-rf", place->home, NULL));
	g_free(place->home);
	g_free(place->stray);
	g_free(place->target);
}

static char *
write_file(const Place *place, const char *name, gint64 size)
{
	char *path = g_build_filename(place->stray, name, NULL);
	g_autofree guint32 *words = g_malloc((gsize)size);
	guint32 state = 1;

	for (gsize i = 0; i < (gsize)size / 4; i++)
		words[i] = state = state * 1664525u + 1013904223u; /* Numerical Recipes */
	g_assert_true(g_file_set_contents(path, (const char *)words, size, NULL));
	return path;
}

/* --- a table that counts, and kills --- */

static void
count(gint64 bytes)
{
	counter->written += bytes;
	if (counter->kill_after > 0 && counter->written >= counter->kill_after)
		raise(SIGKILL);
}

static ssize_t
counting_pwrite(TidyFs *fs, int fd, const void *buffer, size_t size, gint64 offset)
{
	ssize_t written = tidy_fs_linux()->pwrite(fs, fd, buffer, size, offset);

	if (written >= 65536)
		count(written);
	return written;
}

static ssize_t
counting_copy_range(TidyFs *fs, int from, gint64 from_offset, int to, gint64 to_offset, size_t size)
{
	ssize_t copied = tidy_fs_linux()->copy_range(fs, from, from_offset, to, to_offset, size);

	if (copied > 0)
		count(copied);
	return copied;
}

static int
counting_clone(TidyFs *fs, int from, int to)
{
	int r = tidy_fs_linux()->clone(fs, from, to);

	counter->n_clones += r == 0;
	return r;
}

static int
counting_begin_sync(TidyFs *fs, int dir)
{
	int r = tidy_fs_linux()->begin_sync(fs, dir);

	counter->n_begun += r == 0;
	return r;
}

/* A sync beside the caller has written everything, and heard of all errors, before. */
static int
counting_syncfs(TidyFs *fs, int fd)
{
	int r;

	tidy_fs_linux()->end_sync(fs);
	g_assert_cmpint(tidy_fs_linux()->begin_sync(fs, fd), ==, 0);
	tidy_fs_linux()->end_sync(fs);
	r = tidy_fs_linux()->syncfs(fs, fd);
	counter->n_failed_syncs += r < 0;
	return r;
}

static void
on_problem(const char *path, TidyWhy why, int errno_code, gpointer data)
{
	g_printerr("# %s: %s (%s)\n", path, tidy_why_code(why), g_strerror(errno_code));
}

static void
on_left(const char *path, TidyWhy why, gpointer data)
{
	on_problem(path, why, 0, data);
}

static gboolean
run_engine(const Place *place, gboolean is_undo)
{
	g_autofree char *state = g_build_filename(place->home, ".local/state/xdgtidy", NULL);
	g_autofree char *trash = g_build_filename(place->home, ".local/share/Trash", NULL);
	TidyPlaces places = { place->home, state, trash };
	TidyMergeJob job = { .stray = place->stray, .target = place->target, .key = "DOWNLOAD" };
	g_autoptr(TidyEngine) engine = tidy_engine_new(&counting, &places, NULL);
	TidySink sink = { .left = on_left, .problem = on_problem };
	g_autoptr(GError) error = NULL;
	TidyResult result;
	gboolean is_fine;

	if (is_undo)
		is_fine = tidy_engine_undo(engine, 0, &sink, FALSE, NULL, &result, NULL, &error);
	else
		is_fine = tidy_engine_merge(engine, &job, &sink, &result, &error);
	if (error != NULL)
		g_printerr("# %s\n", error->message);
	return is_fine && result.outcome == TIDY_OUTCOME_DONE;
}

/* In a process that may die of it. TRUE: it came to its end, and all went. */
static gboolean
run_child(const Place *place, gboolean is_undo, gint64 kill_after)
{
	int status;
	pid_t pid;

	*counter = (Counter){ .kill_after = kill_after };
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		counter->is_done = run_engine(place, is_undo);
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(kill_after > 0 ? WIFSIGNALED(status) : WIFEXITED(status));
	return counter->is_done;
}

/* --- tests --- */

static guint
count_entries(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	guint n = 0;

	while (dir != NULL && g_dir_read_name(dir) != NULL)
		n++;
	return n;
}

static void
assert_content(const char *path, GBytes *expected)
{
	g_autofree char *text = NULL;
	gsize size;

	g_assert_true(g_file_get_contents(path, &text, &size, NULL));
	g_assert_cmpuint(size, ==, g_bytes_get_size(expected));
	g_assert_true(memcmp(text, g_bytes_get_data(expected, NULL), size) == 0);
}

/* Killed in the merge, then in the undo: each goes on behind what was copied. */
static void
test_killed(gconstpointer kind)
{
	Place place;
	g_autofree char *path = NULL;
	g_autofree char *moved = NULL;
	g_autoptr(GBytes) bytes = NULL;
	char *text;
	gsize size;

	if (place_init(&place, kind)) {
		path = write_file(&place, "big", BIG_BYTES);
		moved = g_build_filename(place.target, "big", NULL);
		g_assert_true(g_file_get_contents(path, &text, &size, NULL));
		bytes = g_bytes_new_take(text, size);
		for (guint i = 0; i < 2; i++) {
			const char *from = i == 0 ? path : moved;
			const char *to = i == 0 ? moved : path;

			run_child(&place, i == 1, KILL_BYTES);
			assert_content(from, bytes);
			g_assert_false(g_file_test(to, G_FILE_TEST_EXISTS));
			g_assert_true(run_child(&place, i == 1, 0));
			assert_content(to, bytes);
			g_assert_false(g_file_test(from, G_FILE_TEST_EXISTS));
			g_test_message("%s: killed after %" G_GINT64_FORMAT
				       " MiB; copied afterwards %.1f MiB of %" G_GINT64_FORMAT,
				       i == 0 ? "merge" : "undo", KILL_BYTES >> 20,
				       (double)counter->written / (1 << 20), BIG_BYTES >> 20);
			g_assert_cmpint(counter->written, <=, BIG_BYTES - KILL_BYTES + PIECE);
		}
		g_assert_cmpuint(count_entries(place.stray), ==, 1);
	}
	place_clear(&place);
}

/* version 2; owner rw-, user 1000 rw-, group r--, mask rw-, others --- */
static const guint8 acl[] = {
	2, 0,	 0,    0,    1,	   0,	 6,    0, 0xff, 0xff, 0xff, 0xff, 2,	0,    6,
	0, 0xe8, 3,    0,    0,	   4,	 0,    4, 0,	0xff, 0xff, 0xff, 0xff, 0x10, 0,
	6, 0,	 0xff, 0xff, 0xff, 0xff, 0x20, 0, 0,	0,    0xff, 0xff, 0xff, 0xff,
};

/* cap_net_raw+ep, revision 2 (capability.h) */
static const guint8 capability[] = {
	1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
};

static void
test_attributes(gconstpointer kind)
{
	Place place;
	g_autofree char *listed = NULL;
	g_autofree char *plain = NULL;
	guint8 value[256];
	struct stat st;

	if (!place_init(&place, kind))
		goto out;
	listed = write_file(&place, "listed", 4096);
	plain = write_file(&place, "plain", 4096);
	g_assert_cmpint(chmod(plain, 0640), ==, 0);
	if (setxattr(listed, ACL_ACCESS, acl, sizeof acl, 0) < 0 ||
	    setxattr(place.target, "system.posix_acl_default", acl, sizeof acl, 0) < 0 ||
	    setxattr(listed, "security.capability", capability, sizeof capability, 0) < 0) {
		g_test_skip("no access lists or capabilities here");
		goto out;
	}
	for (guint i = 0; i < 2; i++) {
		const char *dir = i == 0 ? place.target : place.stray;
		g_autofree char *l = g_build_filename(dir, "listed", NULL);
		g_autofree char *p = g_build_filename(dir, "plain", NULL);

		g_assert_true(run_child(&place, i == 1, 0));
		g_assert_cmpint(getxattr(l, ACL_ACCESS, value, sizeof value), ==, sizeof acl);
		g_assert_true(memcmp(value, acl, sizeof acl) == 0);
		g_assert_cmpint(getxattr(l, "security.capability", value, sizeof value), ==,
				sizeof capability);
		/* The target's default list is for what is made there, not for what comes. */
		g_assert_cmpint(getxattr(p, ACL_ACCESS, value, sizeof value), ==, -1);
		g_assert_cmpint(stat(p, &st), ==, 0);
		g_assert_cmpint(st.st_mode & 07777, ==, 0640);
	}
out:
	place_clear(&place);
}

/* Two subvolumes are two devices: no rename, but a clone. */
static void
test_subvolumes(void)
{
	Place place;
	g_autofree char *outer = NULL;

	if (!place_init(&place, "btrfs"))
		goto out;
	g_free(place.stray);
	outer = g_steal_pointer(&place.target);
	place.stray = g_build_filename(outer, "Download", NULL);
	place.target = g_build_filename(outer, "Downloads", NULL);
	if (!spawn("btrfs", "-q", "subvolume", "create", place.stray, NULL) ||
	    !spawn("btrfs", "-q", "subvolume", "create", place.target, NULL)) {
		g_test_skip("no subvolumes here");
	} else {
		g_autofree char *path = write_file(&place, "big", BIG_BYTES / 4);

		g_assert_true(run_child(&place, FALSE, 0));
		g_assert_cmpuint(counter->n_clones, ==, 1);
		g_assert_cmpint(counter->written, ==, 0);
		g_assert_cmpuint(count_entries(place.target), ==, 1);
		g_assert_false(g_file_test(place.stray, G_FILE_TEST_EXISTS));
	}
	g_free(place.target);
	place.target = g_steal_pointer(&outer);
out:
	place_clear(&place);
}

/* An image that is bigger than what it lies on: all that it needs to be mounted is written, and then little more can be.
 * Without a journal, whose errors end all writing. */
static gboolean
mount_failing(const Place *place)
{
	g_autofree char *below = g_build_filename(place->home, "below", NULL);
	g_autofree char *image = g_build_filename(below, "image", NULL);
	struct stat st;
	g_autofree char *size = NULL;

	g_assert_cmpint(mkdir(below, 0755), ==, 0);
	if (!has_namespace() || mount("tmpfs", below, "tmpfs", 0, NULL) != 0)
		return FALSE;
	g_assert_true(g_file_set_contents(image, "", 0, NULL));
	if (truncate(image, 400 << 20) != 0 ||
	    !spawn("mkfs.ext4", "-q", "-O", "^has_journal", "-E", "nodiscard,lazy_itable_init=0",
		   image, NULL) ||
	    !spawn("mount", "-o", "loop,errors=continue", image, place->target, NULL))
		return FALSE;
	g_assert_cmpint(stat(image, &st), ==, 0);
	size = g_strdup_printf("size=%" G_GINT64_FORMAT,
			       (gint64)st.st_blocks * 512 + (G_GINT64_CONSTANT(8) << 20));
	return mount(NULL, below, NULL, MS_REMOUNT, size) == 0;
}

/* The sync beside the copying hears of the errors first, and takes them away from nobody. */
static void
test_failing_disk(void)
{
	Place place = { .home = g_dir_make_tmp("carry-XXXXXX", NULL) };
	g_autofree char *below = g_build_filename(place.home, "below", NULL);
	g_autofree char *path = NULL;
	g_autoptr(GBytes) bytes = NULL;
	char *text;
	gsize size;

	place.stray = g_build_filename(place.home, "Download", NULL);
	place.target = g_build_filename(place.home, "Downloads", NULL);
	g_assert_cmpint(mkdir(place.stray, 0755), ==, 0);
	g_assert_cmpint(mkdir(place.target, 0755), ==, 0);
	if (mount_failing(&place)) {
		path = write_file(&place, "big", BIG_BYTES);
		g_assert_true(g_file_get_contents(path, &text, &size, NULL));
		bytes = g_bytes_new_take(text, size);
		g_assert_false(run_child(&place, FALSE, 0));
		g_assert_cmpuint(counter->n_begun, >, 0);
		g_assert_cmpuint(counter->n_failed_syncs, >, 0);
		assert_content(path, bytes);
	} else {
		g_test_skip("a small file system below a big one cannot be made here");
	}
	umount2(place.target, MNT_DETACH);
	umount2(below, MNT_DETACH);
	place_clear(&place);
}

int
main(int argc, char *argv[])
{
	static const char *const kinds[] = { "tmpfs", "ext4", "xfs", "btrfs" };

	g_test_init(&argc, &argv, NULL);
	counter = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	g_assert_true(counter != MAP_FAILED);
	counting = *tidy_fs_linux();
	counting.pwrite = counting_pwrite;
	counting.copy_range = counting_copy_range;
	counting.clone = counting_clone;
	counting.begin_sync = counting_begin_sync;
	counting.syncfs = counting_syncfs;
	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *killed = g_strdup_printf("/carry-real/killed/%s", kinds[i]);
		g_autofree char *attributes =
			g_strdup_printf("/carry-real/attributes/%s", kinds[i]);

		g_test_add_data_func(killed, kinds[i], test_killed);
		g_test_add_data_func(attributes, kinds[i], test_attributes);
	}
	g_test_add_func("/carry-real/subvolumes", test_subvolumes);
	g_test_add_func("/carry-real/failing-disk", test_failing_disk);
	return g_test_run();
}
