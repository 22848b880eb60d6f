/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The duplicate finder as a whole: walk, compare, gather. I/O. */
#include "home/dupes/dupes.h"

#include "home/base/error.h"
#include "home/dupes/groups.h"
#include "home/dupes/lockstep.h"
#include "home/dupes/trees.h"

const char *
tidy_dupes_skip_code(TidyDupesSkipReason reason)
{
	switch (reason) {
	case TIDY_DUPES_SKIP_IGNORED:
		return "ignored";
	case TIDY_DUPES_SKIP_SMALL:
		return "small";
	case TIDY_DUPES_SKIP_LINK:
		return "link";
	case TIDY_DUPES_SKIP_SPECIAL:
		return "special";
	case TIDY_DUPES_SKIP_MOUNT:
		return "mount";
	case TIDY_DUPES_SKIP_VISITED:
		return "visited";
	case TIDY_DUPES_SKIP_UNREADABLE:
		return "unreadable";
	case TIDY_DUPES_SKIP_CHANGED:
		return "changed";
	}
	return "";
}

static void
skip_clear(gpointer data)
{
	TidyDupesSkip *skip = data;

	g_free(skip->path);
}

static TidyDupes *
dupes_new(void)
{
	TidyDupes *dupes = g_new0(TidyDupes, 1);

	dupes->groups = g_ptr_array_new();
	dupes->skips = g_array_new(FALSE, FALSE, sizeof(TidyDupesSkip));
	g_array_set_clear_func(dupes->skips, skip_clear);
	return dupes;
}

void
tidy_dupes_free(TidyDupes *dupes)
{
	g_ptr_array_unref(dupes->groups);
	g_array_unref(dupes->skips);
	g_free(dupes);
}

static void
compare_all(TidyCatalog *catalog)
{
	g_autoptr(GArray) trees = NULL;
	TidySets sets;

	tidy_sets_init(&sets);
	if (!catalog->dupes->is_partial) {
		tidy_collect(catalog, &sets);
		tidy_lockstep(catalog, &sets);
	}
	catalog->progress.stage = TIDY_DUPES_GATHERING;
	trees = tidy_trees_find(catalog);
	tidy_groups_build(catalog, &sets, trees);
	tidy_sets_deinit(&sets);
}

TidyDupes *
tidy_dupes_find(TidyFs *fs, const TidyDupesOptions *options, GError **error)
{
	g_autoptr(TidyDupes) dupes = dupes_new();
	g_autoptr(TidyCatalog) catalog = tidy_catalog_new(fs, options, dupes);

	if (options->roots == NULL || options->roots[0] == NULL) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_USAGE, "no directory to search");
		return NULL;
	}
	if (!tidy_catalog_scan(catalog, error))
		return NULL;
	compare_all(catalog);
	return g_steal_pointer(&dupes);
}
