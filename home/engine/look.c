/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the merge sees: sorted listings, what holds an entry back, how equal names relate. I/O, reads only. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "home/compare/compare.h"
#include "home/dirs/partial.h"
#include "home/engine/walk.h"

#define LINK_MAX_BYTES 4096

typedef struct {
	TidyFs *fs;
	int dir;
	TidyListing *listing;
} Lister;

static gboolean
list_entry(const TidyDirent *dirent, gpointer data)
{
	Lister *lister = data;
	TidyType type = dirent->type;
	TidyStat st;

	if (type == TIDY_TYPE_UNKNOWN &&
	    lister->fs->stat(lister->fs, lister->dir, dirent->name, &st) == 0)
		type = tidy_stat_type(&st);
	tidy_listing_add(lister->listing, dirent->name, dirent->ino, type);
	return TRUE;
}

TidyListing *
tidy_walk_list_some(TidyWalk *walk, TidyDir *dir, guint n_max, int *r)
{
	g_autoptr(TidyListing) listing = tidy_listing_new();
	Lister lister = { walk->fs, tidy_dir_fd(dir), listing };

	*r = lister.dir < 0 ? lister.dir
			    : tidy_fs_list_first(walk->fs, lister.dir, n_max, list_entry, &lister);
	if (*r < 0)
		return NULL;
	tidy_listing_sort(listing);
	return g_steal_pointer(&listing);
}

TidyListing *
tidy_walk_list(TidyWalk *walk, TidyDir *dir, int *r)
{
	return tidy_walk_list_some(walk, dir, G_MAXUINT, r);
}

/* Sets @itself on the entry of @listing that an item of @paths names, and HOLDS on the one that it lies below. */
static void
flag_paths(const char *const *paths, TidyDir *dir, TidyListing *listing, TidyEntryFlags itself)
{
	g_autofree char *below = NULL;

	for (gsize i = 0; paths != NULL && paths[i] != NULL; i++) {
		g_autofree char *name = NULL;
		const char *rest;
		TidyEntry *entry;

		if (below == NULL)
			below = tidy_dir_entry_path(dir, "");
		if (!g_str_has_prefix(paths[i], below))
			continue;
		rest = paths[i] + strlen(below);
		name = g_strndup(rest, strcspn(rest, "/"));
		entry = tidy_listing_find(listing, name);
		if (entry != NULL)
			entry->flags |= strlen(name) == strlen(rest) ? itself : TIDY_ENTRY_HOLDS;
	}
}

static gboolean
has_unfinished_name(const TidyListing *listing)
{
	for (guint i = 0; i < listing->entries->len; i++) {
		if (tidy_partial_rule(g_array_index(listing->entries, TidyEntry, i).name) != NULL)
			return TRUE;
	}
	return FALSE;
}

/* Sizes and times are asked for only where some name says "unfinished": hardly ever. */
void
tidy_walk_flag_unfinished(TidyWalk *walk, int dir, TidyListing *listing)
{
	guint n = listing->entries->len;
	g_autofree TidyPartialEntry *entries = NULL;
	g_autoptr(GArray) marks = NULL;

	if (!has_unfinished_name(listing))
		return;
	entries = g_new0(TidyPartialEntry, n);
	for (guint i = 0; i < n; i++) {
		const TidyEntry *entry = &g_array_index(listing->entries, TidyEntry, i);
		TidyStat st;
		gboolean has_stat = walk->fs->stat(walk->fs, dir, entry->name, &st) == 0;

		entries[i] = (TidyPartialEntry){
			.name = entry->name,
			/* What cannot be asked counts as a young placeholder: it stays. */
			.size = has_stat ? st.size : 0,
			.mtime_ns = has_stat ? st.mtime_ns : walk->now_ns,
			.is_dir = entry->type == TIDY_TYPE_DIR,
			.is_open = (entry->flags & TIDY_ENTRY_OPEN) != 0,
		};
	}
	marks = tidy_partial_scan(entries, n, walk->now_ns, TIDY_PARTIAL_STALE_NS);
	for (guint i = 0; i < n; i++) {
		const TidyPartialMark *mark = &g_array_index(marks, TidyPartialMark, i);

		if (mark->kind != TIDY_PARTIAL_NO && !mark->is_stale)
			g_array_index(listing->entries, TidyEntry, i).flags |=
				TIDY_ENTRY_UNFINISHED;
	}
}

static void
flag_young(TidyWalk *walk, int dir, TidyListing *listing)
{
	for (guint i = 0; i < listing->entries->len; i++) {
		TidyEntry *entry = &g_array_index(listing->entries, TidyEntry, i);
		TidyStat st;

		/* A clock that was set back makes everything look young; a day ahead is not "a moment ago". */
		if (walk->fs->stat(walk->fs, dir, entry->name, &st) == 0 &&
		    MAX(st.mtime_ns, st.ctime_ns) > walk->now_ns - walk->job->settle_ns &&
		    MAX(st.mtime_ns, st.ctime_ns) <= walk->now_ns + walk->job->settle_ns)
			entry->flags |= TIDY_ENTRY_YOUNG;
	}
}

/* A file that came a moment ago may still be written to by a program that /proc hides from us (a sandbox, another
 * user): a read lease is refused while it is. */
static void
flag_leased(TidyWalk *walk, int dir, TidyListing *listing)
{
	for (guint i = 0; i < listing->entries->len; i++) {
		TidyEntry *entry = &g_array_index(listing->entries, TidyEntry, i);
		int fd;

		if (entry->type != TIDY_TYPE_FILE || (entry->flags & TIDY_ENTRY_EXCLUDED) != 0)
			continue;
		fd = walk->fs->openat(walk->fs, dir, entry->name, O_RDONLY, 0);
		if (fd < 0)
			continue;
		if (walk->fs->no_writer(walk->fs, fd) == -EAGAIN)
			entry->flags |= TIDY_ENTRY_OPEN;
		walk->fs->close(walk->fs, fd);
	}
}

/* A saved page and its directory come one after the other, and go together. */
static void
include_partners(TidyListing *listing)
{
	g_autoptr(GHashTable) pages = tidy_plan_pages(listing);
	GHashTableIter iter;
	gpointer one, other;

	if (pages == NULL)
		return;
	g_hash_table_iter_init(&iter, pages);
	while (g_hash_table_iter_next(&iter, &one, &other)) {
		const TidyEntry *named =
			&g_array_index(listing->entries, TidyEntry, GPOINTER_TO_UINT(one) - 1);
		TidyEntry *partner =
			&g_array_index(listing->entries, TidyEntry, GPOINTER_TO_UINT(other) - 1);

		if ((named->flags & TIDY_ENTRY_EXCLUDED) == 0)
			partner->flags &= ~TIDY_ENTRY_EXCLUDED;
	}
}

static void
flag_excluded(TidyWalk *walk, TidyListing *listing)
{
	for (guint i = 0; i < listing->entries->len; i++) {
		TidyEntry *entry = &g_array_index(listing->entries, TidyEntry, i);

		if (!g_strv_contains(walk->job->only_names, entry->name))
			entry->flags |= TIDY_ENTRY_EXCLUDED;
	}
	include_partners(listing);
}

char *
tidy_walk_read_link(TidyFs *fs, int dir, const char *name)
{
	char buffer[LINK_MAX_BYTES];
	ssize_t length = fs->readlink(fs, dir, name, buffer, sizeof buffer);

	return length > 0 && length < (ssize_t)sizeof buffer ? g_strndup(buffer, (gsize)length)
							     : NULL;
}

/* Fills in what each symbolic link would have to say after the move. */
static void
look_at_links(TidyWalk *walk, const TidyPair *pair, int dir)
{
	g_autofree char *from = NULL;
	g_autofree char *to = NULL;

	for (guint i = 0; i < pair->source_list->entries->len; i++) {
		TidyEntry *entry = &g_array_index(pair->source_list->entries, TidyEntry, i);
		char *text;

		if (entry->type != TIDY_TYPE_LINK)
			continue;
		if (from == NULL) {
			from = tidy_dir_path(pair->source);
			to = tidy_dir_path(pair->target);
		}
		text = tidy_walk_read_link(walk->fs, dir, entry->name);
		if (text == NULL ||
		    !tidy_listing_set_link(pair->source_list, entry, text,
					   tidy_plan_link_text(text, from, to, walk->job->stray,
							       walk->job->target)))
			entry->flags |= TIDY_ENTRY_UNREADABLE;
	}
}

/* Sets @flag on the entries whose path an earlier pass put into @paths. */
static void
flag_found_out(const TidyPair *pair, GHashTable *paths, TidyEntryFlags flag)
{
	g_autofree char *path = NULL;

	if (g_hash_table_size(paths) == 0)
		return;
	path = tidy_dir_path(pair->source);
	for (guint i = 0; i < pair->source_list->entries->len; i++) {
		TidyEntry *entry = &g_array_index(pair->source_list->entries, TidyEntry, i);
		g_autofree char *entry_path = g_build_filename(path, entry->name, NULL);

		if (g_hash_table_contains(paths, entry_path))
			entry->flags |= flag;
	}
}

static void
flag_no_rename(const TidyPair *pair)
{
	for (guint i = 0; pair->needs_copy && i < pair->source_list->entries->len; i++)
		g_array_index(pair->source_list->entries, TidyEntry, i).flags |=
			TIDY_ENTRY_NO_RENAME;
}

static void
relate_files(TidyWalk *walk, TidyTwin *twin, const char *name, int source, int target)
{
	TidyStat a;
	TidyStat b;
	int answer;

	if (walk->fs->stat(walk->fs, source, name, &a) < 0 ||
	    walk->fs->stat(walk->fs, target, name, &b) < 0)
		return;
	twin->source_mtime_ns = a.mtime_ns;
	twin->target_mtime_ns = b.mtime_ns;
	twin->relation = TIDY_RELATION_DIFFERENT;
	if (a.dev == b.dev && a.ino == b.ino) {
		twin->relation = TIDY_RELATION_SAME_FILE;
	} else if (a.size == b.size) {
		TidyCompareOptions options = { .expected_a = &a, .expected_b = &b };

		answer = tidy_compare_files(walk->fs, source, name, target, name, &options);
		if (answer == TIDY_COMPARE_EQUAL)
			twin->relation = TIDY_RELATION_IDENTICAL;
		else if (answer != TIDY_COMPARE_DIFFERENT)
			twin->relation = TIDY_RELATION_UNKNOWN;
	}
}

static void
relate_links(TidyWalk *walk, TidyTwin *twin, const TidyListing *list, const TidyEntry *entry,
	     int target)
{
	g_autofree char *other = tidy_walk_read_link(walk->fs, target, entry->name);
	const TidyLinkTexts *link = tidy_listing_link(list, entry);

	if (other != NULL && link != NULL)
		twin->relation =
			strcmp(other, link->new_text != NULL ? link->new_text : link->old_text) == 0
				? TIDY_RELATION_IDENTICAL
				: TIDY_RELATION_DIFFERENT;
}

GArray *
tidy_walk_relate(TidyWalk *walk, const TidyPair *pair, int source, int target)
{
	GArray *twins = tidy_plan_twins(pair->source_list, pair->target_list);

	for (guint i = 0; i < twins->len; i++) {
		TidyTwin *twin = &g_array_index(twins, TidyTwin, i);
		const TidyEntry *a =
			&g_array_index(pair->source_list->entries, TidyEntry, twin->source_index);
		const TidyEntry *b =
			&g_array_index(pair->target_list->entries, TidyEntry, twin->target_index);

		if ((a->flags & (TIDY_ENTRY_EXCLUDED | TIDY_ENTRY_UNFINISHED)) != 0)
			continue;
		if (a->type != b->type)
			twin->relation = TIDY_RELATION_DIFFERENT;
		else if (a->type == TIDY_TYPE_DIR)
			twin->relation = TIDY_RELATION_BOTH_DIRS;
		else if (a->type == TIDY_TYPE_FILE)
			relate_files(walk, twin, a->name, source, target);
		else if (a->type == TIDY_TYPE_LINK)
			relate_links(walk, twin, pair->source_list, a, target);
		else
			twin->relation = TIDY_RELATION_DIFFERENT;
	}
	return twins;
}

void
tidy_walk_look(TidyWalk *walk, TidyPair *pair)
{
	int source = tidy_dir_fd(pair->source);

	flag_paths(walk->job->open_paths, pair->source, pair->source_list, TIDY_ENTRY_OPEN);
	flag_paths(walk->job->mount_points, pair->source, pair->source_list, TIDY_ENTRY_MOUNT);
	tidy_walk_flag_unfinished(walk, source, pair->source_list);
	if (pair->is_root && walk->job->settle_ns > 0)
		flag_young(walk, source, pair->source_list);
	if (pair->is_root && walk->job->only_names != NULL)
		flag_excluded(walk, pair->source_list);
	if (pair->is_root && walk->job->only_names != NULL)
		flag_leased(walk, source, pair->source_list);
	flag_found_out(pair, walk->run->taken, TIDY_ENTRY_TAKEN);
	flag_found_out(pair, walk->run->apart, TIDY_ENTRY_NO_RENAME);
	flag_no_rename(pair);
	look_at_links(walk, pair, source);
	tidy_walk_look_below(walk, pair);
}

gboolean
tidy_walk_has_excluded(const TidyPair *pair)
{
	for (guint i = 0; i < pair->source_list->entries->len; i++) {
		if ((g_array_index(pair->source_list->entries, TidyEntry, i).flags &
		     TIDY_ENTRY_EXCLUDED) != 0)
			return TRUE;
	}
	return FALSE;
}
