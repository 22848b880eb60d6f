/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the merge benchmark measures, one thing a process. I/O.
 *
 *	merge-driver make HOME KIND FILES    makes HOME/Download and HOME/Downloads: "overlap", "whole" or "flat"
 *	merge-driver reset HOME KIND         puts what the floor or the engine merged back
 *	merge-driver floor HOME              a bare walk that only calls renameat2(2)
 *	merge-driver engine HOME             the engine without a command around it
 *
 * The last two print their peak memory in KiB. In "overlap" six directories of ten are in both trees, one file of 200
 * has its name taken there by other content; in "whole" the target lacks every directory; in "flat" all lie in one
 * directory. Names tell whose they are: s-... the stray's, t-... the target's, c-... both have it.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "home/engine/engine.h"

#define N_TOP 20

static void
die(const char *what, const char *path)
{
	g_error("%s %s: %s", what, path, g_strerror(errno));
}

/* --- corpora --- */

static guint64 random_state = 1;

/* splitmix64 by Sebastiano Vigna (public domain): the same corpus everywhere. */
static guint64
next_random(void)
{
	guint64 z = (random_state += 0x9e3779b97f4a7c15u);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void
make_dirs(const char *path)
{
	if (g_mkdir_with_parents(path, 0755) < 0)
		die("cannot make", path);
}

static void
make_file(int dir, const char *name, char content)
{
	char bytes[64];
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t size = next_random() % sizeof bytes + 1;

	memset(bytes, content, sizeof bytes);
	if (fd < 0 || write(fd, bytes, size) < 0)
		die("cannot make", name);
	close(fd);
}

static int
open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		die("cannot open", path);
	return fd;
}

/* Files with names as people's downloads have them, about 30 bytes. */
static void
fill(const char *path, char whose, guint n)
{
	int dir = open_dir(path);

	for (guint i = 0; i < n; i++) {
		g_autofree char *name = g_strdup_printf("%c-%05x report of %u.pdf", whose,
							(guint)next_random() & 0xfffff, i);

		make_file(dir, name, whose);
	}
	close(dir);
}

static void
collide(const char *stray, const char *target, guint n)
{
	const char *both[] = { stray, target };

	for (guint side = 0; side < 2; side++) {
		int dir = open_dir(both[side]);

		for (guint i = 0; i < n; i++) {
			g_autofree char *name = g_strdup_printf("c-%u invoice.pdf", i);

			make_file(dir, name, side == 0 ? 's' : 't');
		}
		close(dir);
	}
}

static char *
dir_path(const char *home, const char *root, guint i)
{
	return g_strdup_printf("%s/%s/topic %u/project %u", home, root, i % N_TOP, i);
}

static gboolean
is_common(guint i)
{
	return i / N_TOP % 5 < 3;
}

static void
make_overlap(const char *home, guint n_files)
{
	guint n_dirs = n_files / 200;

	for (guint i = 0; i < n_dirs; i++) {
		g_autofree char *stray = dir_path(home, "Download", i);
		g_autofree char *target = dir_path(home, "Downloads", i);

		make_dirs(stray);
		fill(stray, 's', is_common(i) ? 199 : 200);
		if (!is_common(i))
			continue;
		make_dirs(target);
		fill(target, 't', 50);
		collide(stray, target, 1);
	}
}

static void
make_whole(const char *home, guint n_files)
{
	g_autofree char *target = g_build_filename(home, "Downloads", NULL);

	make_dirs(target);
	for (guint i = 0; i < 100; i++) {
		g_autofree char *path = g_strdup_printf("%s/Download/s-%u/deep/deeper", home, i);

		make_dirs(path);
		fill(path, 's', n_files / 100);
	}
}

static void
make_flat(const char *home, guint n_files)
{
	g_autofree char *stray = g_build_filename(home, "Download", NULL);
	g_autofree char *target = g_build_filename(home, "Downloads", NULL);

	make_dirs(stray);
	make_dirs(target);
	fill(stray, 's', n_files);
	fill(target, 't', 10);
}

static int
make(const char *home, const char *kind, guint n_files)
{
	if (strcmp(kind, "overlap") == 0)
		make_overlap(home, n_files);
	else if (strcmp(kind, "whole") == 0)
		make_whole(home, n_files);
	else
		make_flat(home, n_files);
	return 0;
}

/* --- back again --- */

/* Names of a directory that begin with @prefix. */
static char **
names_of(const char *path, const char *prefix)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	GPtrArray *names = g_ptr_array_new();
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		if (g_str_has_prefix(name, prefix))
			g_ptr_array_add(names, g_strdup(name));
	}
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(names, FALSE);
}

static void
move_back(const char *from, const char *to, const char *prefix)
{
	g_auto(GStrv) names = names_of(from, prefix);
	int from_dir = open_dir(from);
	int to_dir;

	make_dirs(to);
	to_dir = open_dir(to);
	for (guint i = 0; names[i] != NULL; i++) {
		if (renameat2(from_dir, names[i], to_dir, names[i], RENAME_NOREPLACE) < 0)
			die("cannot move back", names[i]);
	}
	close(from_dir);
	close(to_dir);
}

static void
reset_one(const char *home, guint i)
{
	g_autofree char *stray = dir_path(home, "Download", i);
	g_autofree char *target = dir_path(home, "Downloads", i);
	g_autofree char *kept = g_build_filename(target, "c-0 invoice (2).pdf", NULL);
	g_autofree char *old = g_build_filename(stray, "c-0 invoice.pdf", NULL);
	g_autofree char *parent = g_path_get_dirname(stray);

	make_dirs(parent);
	if (!is_common(i)) {
		if (g_rename(target, stray) < 0)
			die("cannot move back", target);
		return;
	}
	move_back(target, stray, "s-");
	if (renameat2(AT_FDCWD, kept, AT_FDCWD, old, RENAME_NOREPLACE) < 0 &&
	    !g_file_test(old, G_FILE_TEST_EXISTS))
		die("cannot move back", kept);
}

static int
reset(const char *home, const char *kind)
{
	g_autofree char *stray = g_build_filename(home, "Download", NULL);
	g_autofree char *target = g_build_filename(home, "Downloads", NULL);

	if (strcmp(kind, "overlap") != 0) {
		move_back(target, stray, "s-");
		return 0;
	}
	for (guint i = 0;; i++) {
		g_autofree char *path = dir_path(home, "Downloads", i);

		if (!g_file_test(path, G_FILE_TEST_IS_DIR))
			return 0;
		reset_one(home, i);
	}
}

/* --- the floor --- */

/* Renames every entry of @from into @to; what the target has is left, directories are entered. */
static void
bare_walk(int from, int to)
{
	_Alignas(8) char buffer[32 * 1024];
	g_autoptr(GPtrArray) both = g_ptr_array_new_with_free_func(g_free);
	ssize_t length;

	while ((length = getdents64(from, buffer, sizeof buffer)) > 0) {
		for (char *at = buffer; at < buffer + length;) {
			const struct dirent64 *entry = (const struct dirent64 *)(const void *)at;

			at += entry->d_reclen;
			if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
				continue;
			if (renameat2(from, entry->d_name, to, entry->d_name, RENAME_NOREPLACE) <
				    0 &&
			    entry->d_type == DT_DIR)
				g_ptr_array_add(both, g_strdup(entry->d_name));
		}
	}
	for (guint i = 0; i < both->len; i++) {
		const char *name = g_ptr_array_index(both, i);
		int a = openat(from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int b = openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		bare_walk(a, b);
		close(a);
		close(b);
		unlinkat(from, name, AT_REMOVEDIR);
	}
}

static int
run_floor(const char *home)
{
	g_autofree char *stray = g_build_filename(home, "Download", NULL);
	g_autofree char *target = g_build_filename(home, "Downloads", NULL);

	bare_walk(open_dir(stray), open_dir(target));
	rmdir(stray);
	return 0;
}

/* --- the engine --- */

static int
run_engine(const char *home)
{
	g_autofree char *stray = g_build_filename(home, "Download", NULL);
	g_autofree char *target = g_build_filename(home, "Downloads", NULL);
	g_autofree char *state = g_build_filename(home, ".local/state/xdgtidy", NULL);
	g_autofree char *trash = g_build_filename(home, ".local/share/Trash", NULL);
	TidyPlaces places = { home, state, trash };
	TidyMergeJob job = { .stray = stray, .target = target, .key = "DOWNLOAD" };
	g_autoptr(TidyEngine) engine = tidy_engine_new(tidy_fs_linux(), &places, NULL);
	g_autoptr(GError) error = NULL;
	TidyResult result;

	if (tidy_engine_merge(engine, &job, NULL, &result, &error) &&
	    result.outcome == TIDY_OUTCOME_DONE)
		return 0;
	g_printerr("the merge failed: %s\n", error != NULL ? error->message : "something stayed");
	return 1;
}

static int
with_memory(int status)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("%ld\n", usage.ru_maxrss);
	return status;
}

int
main(int argc, char **argv)
{
	const char *verb = argc >= 3 ? argv[1] : "";

	if (argc == 5 && strcmp(verb, "make") == 0)
		return make(argv[2], argv[3], (guint)g_ascii_strtoull(argv[4], NULL, 10));
	if (argc == 4 && strcmp(verb, "reset") == 0)
		return reset(argv[2], argv[3]);
	if (argc == 3 && strcmp(verb, "floor") == 0)
		return with_memory(run_floor(argv[2]));
	if (argc == 3 && strcmp(verb, "engine") == 0)
		return with_memory(run_engine(argv[2]));
	g_printerr("usage: see the head of tests/bench/merge-driver.c\n");
	return 2;
}
