/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the benchmark of copies to another file system measures. I/O.
 *
 *	copy-driver make DIR BIG MEGABYTES SMALL    BIG files of so many megabytes, SMALL of 1 to 16 KiB in directories of 100
 *	copy-driver engine HOME                     the engine merges HOME/Download into HOME/Downloads
 *
 * The second prints seconds in all, seconds of them for comparing copies with their sources, seconds for removing the
 * sources, and peak memory in KiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "home/engine/engine.h"

static guint64 random_state = 1;

/* splitmix64 by Sebastiano Vigna (public domain): the same files everywhere. */
static guint64
next_random(void)
{
	guint64 z = (random_state += 0x9e3779b97f4a7c15u);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void
make_file(const char *path, gsize size)
{
	guint64 block[8192];
	FILE *file = fopen(path, "wx");

	for (gsize at = 0; file != NULL && at < size; at += sizeof block) {
		for (guint i = 0; i < G_N_ELEMENTS(block); i++)
			block[i] = next_random();
		if (fwrite(block, 1, MIN(sizeof block, size - at), file) == 0)
			break;
	}
	if (file == NULL || fclose(file) != 0)
		g_error("cannot make %s: %s", path, g_strerror(errno));
}

static int
make(const char *dir, guint big, guint megabytes, guint small)
{
	g_mkdir_with_parents(dir, 0755);
	for (guint i = 0; i < big; i++) {
		g_autofree char *path = g_strdup_printf("%s/film %u.iso", dir, i);

		make_file(path, (gsize)megabytes << 20);
	}
	for (guint i = 0; i < small; i++) {
		g_autofree char *parent = g_strdup_printf("%s/topic %u", dir, i / 100);
		g_autofree char *path = g_strdup_printf("%s/report of %u.pdf", parent, i);

		if (i % 100 == 0)
			g_mkdir_with_parents(parent, 0755);
		make_file(path, 1024 + next_random() % (15 * 1024));
	}
	return 0;
}

/* Comparing is what happens between a sync and the renames that follow it, and between these; removing, between a sync and
 * the unlinks that follow it, and between these, each with the close that frees the file's blocks. */
static TidyFs timed;
static gint64 mark_usec; /* where the present stretch began; 0: in neither */
static gint64 compare_usec;
static gint64 remove_usec;
static gboolean has_unlinked;

static int
timed_syncfs(TidyFs *fs, int fd)
{
	int r = tidy_fs_linux()->syncfs(fs, fd);

	mark_usec = g_get_monotonic_time();
	return r;
}

static int
timed_rename(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to)
{
	int r;

	if (mark_usec != 0)
		compare_usec += g_get_monotonic_time() - mark_usec;
	r = tidy_fs_linux()->rename(fs, from_dir, from, to_dir, to);
	mark_usec = g_get_monotonic_time();
	return r;
}

static void
end_removal(void)
{
	gint64 now_usec = g_get_monotonic_time();

	if (mark_usec != 0)
		remove_usec += now_usec - mark_usec;
	mark_usec = now_usec;
}

static int
timed_unlink(TidyFs *fs, int dir, const char *name, int flags)
{
	int r = tidy_fs_linux()->unlink(fs, dir, name, flags);

	end_removal();
	has_unlinked = TRUE;
	return r;
}

static int
timed_close(TidyFs *fs, int fd)
{
	int r = tidy_fs_linux()->close(fs, fd);

	if (has_unlinked)
		end_removal();
	has_unlinked = FALSE;
	return r;
}

/* The first write ends it: another group. */
static ssize_t
timed_pwrite(TidyFs *fs, int fd, const void *buffer, size_t size, gint64 offset)
{
	mark_usec = 0;
	return tidy_fs_linux()->pwrite(fs, fd, buffer, size, offset);
}

static int
run_engine(const char *home)
{
	g_autofree char *stray = g_build_filename(home, "Download", NULL);
	g_autofree char *target = g_build_filename(home, "Downloads", NULL);
	g_autofree char *state = g_build_filename(home, ".local/state/xdgtidy", NULL);
	g_autofree char *trash = g_build_filename(home, ".local/share/Trash", NULL);
	TidyPlaces places = { home, state, trash };
	TidyMergeJob job = { .stray = stray, .target = target, .key = "DOWNLOAD" };
	g_autoptr(TidyEngine) engine = NULL;
	g_autoptr(GError) error = NULL;
	gint64 began_usec = g_get_monotonic_time();
	struct rusage usage;
	TidyResult result;

	timed = *tidy_fs_linux();
	timed.syncfs = timed_syncfs;
	timed.rename = timed_rename;
	timed.unlink = timed_unlink;
	timed.close = timed_close;
	timed.pwrite = timed_pwrite;
	engine = tidy_engine_new(&timed, &places, NULL);
	if (!tidy_engine_merge(engine, &job, NULL, &result, &error) ||
	    result.outcome != TIDY_OUTCOME_DONE) {
		g_printerr("the merge failed: %s\n",
			   error != NULL ? error->message : "something stayed");
		return 1;
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("%.3f %.3f %.3f %ld\n",
	       (double)(g_get_monotonic_time() - began_usec) / G_USEC_PER_SEC,
	       (double)compare_usec / G_USEC_PER_SEC, (double)remove_usec / G_USEC_PER_SEC,
	       usage.ru_maxrss);
	return 0;
}

static guint
number(const char *text)
{
	return (guint)g_ascii_strtoull(text, NULL, 10);
}

int
main(int argc, char *argv[])
{
	if (argc == 6 && strcmp(argv[1], "make") == 0)
		return make(argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
	if (argc == 3 && strcmp(argv[1], "engine") == 0)
		return run_engine(argv[2]);
	g_printerr("usage: %s make DIR BIG MEGABYTES SMALL | engine HOME\n", argv[0]);
	return 2;
}
