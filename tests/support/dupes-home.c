/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A temporary directory for the duplicate finder, and what it finds there as text. I/O. */
#include "tests/support/dupes-home.h"
#include "tests/support/scratch.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
dupes_home_set_up(DupesHome *f, gconstpointer data)
{
	static const char *const here[] = { "r", NULL };

	f->old_dir = g_get_current_dir();
	f->path = g_dir_make_tmp("tidy-dupes-XXXXXX", NULL);
	g_assert_cmpint(g_chdir(f->path), ==, 0);
	g_assert_cmpint(g_mkdir("r", 0700), ==, 0);
	f->options.roots = here;
}

void
dupes_home_tear_down(DupesHome *f, gconstpointer data)
{
	g_assert_cmpint(g_chdir(f->old_dir), ==, 0);
	scratch_remove(f->path);
	g_free(f->old_dir);
	g_free(f->path);
	g_clear_error(&f->error);
}

void
dupes_put_bytes(const char *path, const void *bytes, gsize size)
{
	g_autofree char *dir = g_path_get_dirname(path);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
}

void
dupes_put(const char *path, const char *text)
{
	dupes_put_bytes(path, text, strlen(text));
}

void
dupes_set_mtime(const char *path, time_t seconds)
{
	struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };

	g_assert_cmpint(utimensat(AT_FDCWD, path, times, 0), ==, 0);
}

TidyDupes *
dupes_find(DupesHome *f)
{
	TidyDupes *dupes = tidy_dupes_find(tidy_fs_linux(), &f->options, &f->error);

	g_assert_no_error(f->error);
	g_assert_nonnull(dupes);
	return dupes;
}

static gint
by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *
dupes_text(const TidyDupes *dupes)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < dupes->groups->len; i++) {
		const TidyDupesGroup *group = dupes->groups->pdata[i];
		GString *line = g_string_new(group->type == TIDY_TYPE_DIR ? "dir:" : "file:");

		for (guint k = 0; k < group->names->len; k++) {
			const TidyDupesName *name = &g_array_index(group->names, TidyDupesName, k);
			gboolean is_covered = (name->flags & TIDY_DUPES_COVERED) != 0;

			g_string_append_printf(line, is_covered ? " [%s]" : " %s", name->path);
			if (k > 0 && name->content == name[-1].content)
				g_string_append_c(line, '=');
			if ((name->flags & TIDY_DUPES_KEPT) && k > 0)
				g_string_append_c(line, '!');
		}
		g_ptr_array_add(lines, g_string_free(line, FALSE));
	}
	g_ptr_array_sort(lines, by_text);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("\n", (char **)lines->pdata);
}

char *
dupes_plan_text(const TidyDupes *dupes, TidyDupesAction action)
{
	g_autoptr(GArray) folds = tidy_dupes_plan(dupes, action);
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	g_assert_cmpstr(tidy_dupes_check_plan(folds), ==, NULL);
	for (guint i = 0; i < folds->len; i++) {
		const TidyDupesFold *fold = &g_array_index(folds, TidyDupesFold, i);

		g_ptr_array_add(lines,
				g_strdup_printf("%s > %s", fold->fold->path, fold->keep->path));
	}
	g_ptr_array_sort(lines, by_text);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("\n", (char **)lines->pdata);
}

void
dupes_assert_groups(DupesHome *f, const char *expected)
{
	g_autoptr(TidyDupes) dupes = dupes_find(f);
	g_autofree char *text = dupes_text(dupes);

	g_assert_cmpstr(text, ==, expected);
}

void
dupes_assert_plan(DupesHome *f, TidyDupesAction action, const char *expected)
{
	g_autoptr(TidyDupes) dupes = dupes_find(f);
	g_autofree char *text = dupes_plan_text(dupes, action);

	g_assert_cmpstr(text, ==, expected);
}
