/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What lies below a directory that the target lacks. It would go by one rename, however much is in it; but not when that
 * takes an unfinished download away from its program, or breaks a relative link:
 *   1 an unfinished download, or its partner         HOLDS: it stays, and what is above it
 *   2 a link that has to say something else there    RELINKS: a directory is made, the link made anew
 *   3 a repository                                   goes whole or stays whole; its links are its own matter
 * Where the two roots lie side by side only a link that goes back into the stray by its name can break, and no more than
 * the first entries are looked at, so that the cost of one rename does not come to depend on what is renamed. Elsewhere any
 * link may break, and all is looked at. I/O, reads only.
 */
#include <string.h>

#include "home/engine/walk.h"

/* Of each directory that would go whole, over all levels: so many, until a merge has looked at LOOK_ENTRIES_MANY below such
 * directories, then so few. */
#define LOOK_ENTRIES	  256
#define LOOK_ENTRIES_FEW  64
#define LOOK_ENTRIES_MANY 4096

typedef struct {
	TidyWalk *walk;
	gboolean has_limit;
	guint n_left; /* entries that are still looked at, if it has */
	TidyEntryFlags found;
} Look;

static gboolean
is_over(const Look *look)
{
	/* HOLDS says that the directory is not renamed; what else is below it is seen when the walk gets there. */
	return (look->found & TIDY_ENTRY_HOLDS) != 0 || (look->has_limit && look->n_left == 0);
}

static void
look_at_link(Look *look, const TidyEntry *entry, int dir, const char *from, const char *to)
{
	const TidyMergeJob *job = look->walk->job;
	g_autofree char *text = tidy_walk_read_link(look->walk->fs, dir, entry->name);
	g_autofree char *other =
		text != NULL ? tidy_plan_link_text(text, from, to, job->stray, job->target) : NULL;

	/* One that cannot be read may be one of them. */
	if (text == NULL || other != NULL)
		look->found |= TIDY_ENTRY_RELINKS;
}

static void
look_at_listing(Look *look, const TidyListing *listing, int dir, const char *from, const char *to)
{
	gboolean is_unit = tidy_plan_is_unit(listing);

	for (guint i = 0; i < listing->entries->len; i++) {
		const TidyEntry *entry = &g_array_index(listing->entries, TidyEntry, i);

		if ((entry->flags & TIDY_ENTRY_UNFINISHED) != 0)
			look->found |= TIDY_ENTRY_HOLDS;
		/* Case 3. */
		if (entry->type == TIDY_TYPE_LINK && !is_unit)
			look_at_link(look, entry, dir, from, to);
	}
}

static void
look_into(Look *look, TidyDir *dir, const char *from, const char *to)
{
	guint n_max = look->has_limit ? look->n_left : G_MAXUINT;
	g_autoptr(TidyListing) listing = NULL;
	int fd = tidy_dir_fd(dir);
	int r;

	listing = tidy_walk_list_some(look->walk, dir, n_max, &r);
	/* What cannot be looked into is not moved blindly: the walk gets there, and tells. */
	if (listing == NULL) {
		look->found |= TIDY_ENTRY_RELINKS;
		return;
	}
	look->n_left -= MIN(look->n_left, listing->entries->len);
	look->walk->n_below += listing->entries->len;
	tidy_walk_flag_unfinished(look->walk, fd, listing);
	look_at_listing(look, listing, fd, from, to);
	for (guint i = 0; i < listing->entries->len && !is_over(look); i++) {
		const TidyEntry *entry = &g_array_index(listing->entries, TidyEntry, i);
		g_autoptr(TidyDir) below = NULL;
		g_autofree char *from_below = NULL;
		g_autofree char *to_below = NULL;

		if (entry->type != TIDY_TYPE_DIR)
			continue;
		below = tidy_dir_child(dir, entry->name);
		from_below = g_build_filename(from, entry->name, NULL);
		to_below = g_build_filename(to, entry->name, NULL);
		look_into(look, below, from_below, to_below);
	}
}

static gboolean
are_side_by_side(const TidyMergeJob *job)
{
	g_autofree char *stray_parent = g_path_get_dirname(job->stray);
	g_autofree char *target_parent = g_path_get_dirname(job->target);

	return strcmp(stray_parent, target_parent) == 0;
}

/* It would go whole, as far as is known. */
static gboolean
is_to_look_below(const TidyPair *pair, const TidyEntry *entry)
{
	const TidyEntry *other;

	if (entry->type != TIDY_TYPE_DIR ||
	    (entry->flags & (TIDY_ENTRY_EXCLUDED | TIDY_ENTRY_HOLDS | TIDY_ENTRY_MOUNT)) != 0)
		return FALSE;
	other = tidy_listing_find(pair->target_list, entry->name);
	return other == NULL || other->type != TIDY_TYPE_DIR;
}

void
tidy_walk_look_below(TidyWalk *walk, const TidyPair *pair)
{
	gboolean has_limit = are_side_by_side(walk->job);
	g_autofree char *from = NULL;
	g_autofree char *to = NULL;

	/* What is copied is looked at entry by entry. */
	if (pair->needs_copy)
		return;
	for (guint i = 0; i < pair->source_list->entries->len; i++) {
		TidyEntry *entry = &g_array_index(pair->source_list->entries, TidyEntry, i);
		Look look = {
			.walk = walk,
			.has_limit = has_limit,
			.n_left =
				walk->n_below < LOOK_ENTRIES_MANY ? LOOK_ENTRIES : LOOK_ENTRIES_FEW,
		};
		g_autoptr(TidyDir) dir = NULL;
		g_autofree char *from_below = NULL;
		g_autofree char *to_below = NULL;

		if (!is_to_look_below(pair, entry))
			continue;
		if (from == NULL) {
			from = tidy_dir_path(pair->source);
			to = tidy_dir_path(pair->target);
		}
		dir = tidy_dir_child(pair->source, entry->name);
		from_below = g_build_filename(from, entry->name, NULL);
		to_below = g_build_filename(to, entry->name, NULL);
		look_into(&look, dir, from_below, to_below);
		entry->flags |= look.found;
	}
}
