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

/* A directory on the way down, and how far its entries were looked at. */
typedef struct {
	TidyDir *dir;
	TidyListing *listing;
	guint next;
	gsize from_length; /* of the paths of what is above */
	gsize to_length;
} Level;

static void
level_clear(gpointer data)
{
	Level *level = data;

	tidy_dir_unref(level->dir);
	tidy_listing_free(level->listing);
}

/* Takes @dir; its paths become @from and @to. */
static void
enter(Look *look, GArray *levels, TidyDir *dir, GString *from, GString *to)
{
	guint n_max = look->has_limit ? look->n_left : G_MAXUINT;
	Level level = { .dir = dir, .from_length = from->len, .to_length = to->len };
	int fd = tidy_dir_fd(dir);
	int r;

	g_string_append_c(from, '/');
	g_string_append(from, dir->name);
	g_string_append_c(to, '/');
	g_string_append(to, dir->name);
	level.listing = tidy_walk_list_some(look->walk, dir, n_max, &r);
	/* What cannot be looked into is not moved blindly: the walk gets there, and tells. */
	if (level.listing == NULL) {
		look->found |= TIDY_ENTRY_RELINKS;
		level.listing = tidy_listing_new();
	}
	look->n_left -= MIN(look->n_left, level.listing->entries->len);
	look->walk->n_below += level.listing->entries->len;
	tidy_walk_flag_unfinished(look->walk, fd, level.listing);
	look_at_listing(look, level.listing, fd, from->str, to->str);
	g_array_append_val(levels, level);
}

/* The next directory of @level, or NULL. */
static const TidyEntry *
next_dir(Level *level)
{
	while (level->next < level->listing->entries->len) {
		const TidyEntry *entry =
			&g_array_index(level->listing->entries, TidyEntry, level->next++);

		if (entry->type == TIDY_TYPE_DIR)
			return entry;
	}
	return NULL;
}

/* A loop, because a tree may be deeper than any stack; and its paths are one text each, longer and shorter. */
static void
look_into(Look *look, TidyDir *dir, GString *from, GString *to)
{
	g_autoptr(GArray) levels = g_array_new(FALSE, FALSE, sizeof(Level));

	g_array_set_clear_func(levels, level_clear);
	enter(look, levels, tidy_dir_ref(dir), from, to);
	while (levels->len > 0 && !is_over(look)) {
		Level *level = &g_array_index(levels, Level, levels->len - 1);
		const TidyEntry *entry = next_dir(level);

		if (entry != NULL) {
			enter(look, levels, tidy_dir_child(level->dir, entry->name), from, to);
			continue;
		}
		g_string_truncate(from, level->from_length);
		g_string_truncate(to, level->to_length);
		g_array_set_size(levels, levels->len - 1);
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
		g_autoptr(GString) from_path = NULL;
		g_autoptr(GString) to_path = NULL;

		if (!is_to_look_below(pair, entry))
			continue;
		if (from == NULL) {
			from = tidy_dir_path(pair->source);
			to = tidy_dir_path(pair->target);
		}
		dir = tidy_dir_child(pair->source, entry->name);
		from_path = g_string_new(from);
		to_path = g_string_new(to);
		look_into(&look, dir, from_path, to_path);
		entry->flags |= look.found;
	}
}
