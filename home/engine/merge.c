/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The merge: walks the two trees pair by pair of directories, asks the planner, and hands steps to the executor. I/O.
 *
 * One pair at a time: list both, find out how equal names relate, decide, turn decisions into steps, descend into what
 * both have; after that the target's time stamp, and the removal of the source when all of it was planned to go. What the
 * disk refuses because it changed meanwhile is planned anew in another pass over what is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "home/base/error.h"
#include "home/base/text.h"
#include "home/compare/compare.h"
#include "home/dirs/partial.h"
#include "home/engine/copy.h"
#include "home/engine/engine-private.h"
#include "home/engine/trash.h"

#define PASSES_MAX     4
#define LINK_MAX_BYTES 4096

typedef struct {
	const TidyMergeJob *job;
	TidyRun *run;
	TidyFs *fs;
	TidyExecutor *executor;
	TidyDirPool *pool;
	TidyDir *trash;
	GHashTable *trash_names; /* given away in this run */
	GHashTable *known;	 /* path -> TidyDir of the journal that is gone on with, or NULL */
	gint64 now_ns;
	guint pass;
} Walk;

/* One pair of directories while it is being merged. */
typedef struct {
	TidyDir *source;
	TidyDir *target;
	TidyListing *source_list;
	TidyListing *target_list;
	TidyPlanner *planner;
	gboolean is_root;
	gboolean is_target_new; /* it will be made by a step before */
	gboolean is_target_changed;
	gboolean is_source_changed; /* something leaves it, though it may itself stay */
	gboolean is_going;	    /* every entry of the source is planned to go */
} Pair;

/* --- looking --- */

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

/* The sorted listing of @dir, or NULL and -errno in @r. */
static TidyListing *
list_dir(Walk *walk, TidyDir *dir, int *r)
{
	g_autoptr(TidyListing) listing = tidy_listing_new();
	Lister lister = { walk->fs, tidy_dir_fd(dir), listing };

	*r = lister.dir < 0 ? lister.dir : tidy_fs_list(walk->fs, lister.dir, list_entry, &lister);
	if (*r < 0)
		return NULL;
	tidy_listing_sort(listing);
	return g_steal_pointer(&listing);
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
static void
flag_unfinished(Walk *walk, int dir, TidyListing *listing)
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
flag_young(Walk *walk, int dir, TidyListing *listing)
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
flag_leased(Walk *walk, int dir, TidyListing *listing)
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

static void
flag_excluded(Walk *walk, TidyListing *listing)
{
	for (guint i = 0; i < listing->entries->len; i++) {
		TidyEntry *entry = &g_array_index(listing->entries, TidyEntry, i);

		if (!g_strv_contains(walk->job->only_names, entry->name))
			entry->flags |= TIDY_ENTRY_EXCLUDED;
	}
}

static char *
read_link(TidyFs *fs, int dir, const char *name)
{
	char buffer[LINK_MAX_BYTES];
	ssize_t length = fs->readlink(fs, dir, name, buffer, sizeof buffer);

	return length > 0 && length < (ssize_t)sizeof buffer ? g_strndup(buffer, (gsize)length)
							     : NULL;
}

/* Fills in what each symbolic link would have to say after the move. */
static void
look_at_links(Walk *walk, const Pair *pair, int dir)
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
		text = read_link(walk->fs, dir, entry->name);
		if (text != NULL)
			tidy_listing_set_link(entry, text,
					      tidy_plan_link_text(text, from, to, walk->job->stray,
								  walk->job->target));
	}
}

/* What scan_links() looks for below one directory of the stray. */
typedef struct {
	Walk *walk;
	int dir;
	char *from;
	char *to;
	GPtrArray *below;
	gboolean has_breaking;
} LinkScan;

static gboolean
scan_entry(const TidyDirent *entry, gpointer data)
{
	LinkScan *scan = data;
	const TidyMergeJob *job = scan->walk->job;

	if (entry->type == TIDY_TYPE_DIR)
		g_ptr_array_add(scan->below, g_strdup(entry->name));
	if (entry->type == TIDY_TYPE_LINK) {
		g_autofree char *text = read_link(scan->walk->fs, scan->dir, entry->name);
		g_autofree char *other = text != NULL
						 ? tidy_plan_link_text(text, scan->from, scan->to,
								       job->stray, job->target)
						 : NULL;

		scan->has_breaking = other != NULL;
	}
	return !scan->has_breaking;
}

/* TRUE when a relative link somewhere below @parent/@name would break if the whole tree moved. */
static gboolean
holds_breaking_link(Walk *walk, TidyDir *parent, const char *name, const char *from, const char *to)
{
	g_autoptr(TidyDir) dir = tidy_dir_child(parent, name);
	g_autoptr(GPtrArray) below = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *dir_from = g_build_filename(from, name, NULL);
	g_autofree char *dir_to = g_build_filename(to, name, NULL);
	LinkScan scan = { .walk = walk, .from = dir_from, .to = dir_to, .below = below };

	scan.dir = tidy_dir_fd(dir);
	/* What cannot be looked into is not moved blindly either. */
	if (scan.dir < 0 || tidy_fs_list(walk->fs, scan.dir, scan_entry, &scan) < 0)
		return TRUE;
	for (guint i = 0; i < below->len && !scan.has_breaking; i++)
		scan.has_breaking = holds_breaking_link(walk, dir, g_ptr_array_index(below, i),
							dir_from, dir_to);
	return scan.has_breaking;
}

/* Between two places at the same depth of one directory a relative link leads where it led; only elsewhere must the
 * trees be read to know. */
static void
flag_link_holders(Walk *walk, const Pair *pair)
{
	g_autofree char *stray_parent = g_path_get_dirname(walk->job->stray);
	g_autofree char *target_parent = g_path_get_dirname(walk->job->target);
	g_autofree char *from = NULL;
	g_autofree char *to = NULL;

	if (strcmp(stray_parent, target_parent) == 0)
		return;
	from = tidy_dir_path(pair->source);
	to = tidy_dir_path(pair->target);
	for (guint i = 0; i < pair->source_list->entries->len; i++) {
		TidyEntry *entry = &g_array_index(pair->source_list->entries, TidyEntry, i);

		if (entry->type == TIDY_TYPE_DIR &&
		    holds_breaking_link(walk, pair->source, entry->name, from, to))
			entry->flags |= TIDY_ENTRY_HOLDS;
	}
}

static void
flag_taken(Walk *walk, const Pair *pair)
{
	g_autofree char *path = NULL;

	if (g_hash_table_size(walk->run->taken) == 0)
		return;
	path = tidy_dir_path(pair->source);
	for (guint i = 0; i < pair->source_list->entries->len; i++) {
		TidyEntry *entry = &g_array_index(pair->source_list->entries, TidyEntry, i);
		g_autofree char *entry_path = g_build_filename(path, entry->name, NULL);

		if (g_hash_table_contains(walk->run->taken, entry_path))
			entry->flags |= TIDY_ENTRY_TAKEN;
	}
}

static void
relate_files(Walk *walk, TidyTwin *twin, const char *name, int source, int target)
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
relate_links(Walk *walk, TidyTwin *twin, const TidyEntry *entry, int target)
{
	g_autofree char *other = read_link(walk->fs, target, entry->name);
	const TidyLinkTexts *link = entry->link;

	if (other != NULL && link != NULL)
		twin->relation =
			strcmp(other, link->new_text != NULL ? link->new_text : link->old_text) == 0
				? TIDY_RELATION_IDENTICAL
				: TIDY_RELATION_DIFFERENT;
}

static GArray *
relate_twins(Walk *walk, const Pair *pair, int source, int target)
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
			relate_links(walk, twin, a, target);
		else
			twin->relation = TIDY_RELATION_DIFFERENT;
	}
	return twins;
}

/* --- decisions into steps --- */

static gboolean
add_move(Walk *walk, Pair *pair, const TidyEntry *entry, const char *new_name, TidyWhy why,
	 GError **error)
{
	TidyStep step = {
		.op = TIDY_OP_MOVE,
		.why = why,
		.type = entry->type,
		.name = g_strdup(entry->name),
		.to_name = g_strdup(new_name != NULL ? new_name : entry->name),
		.ino = entry->ino,
		.size = -1,
		.mtime_ns = TIDY_TIME_OMIT,
	};

	pair->is_target_changed = TRUE;
	return tidy_executor_add(walk->executor, &step, pair->source, pair->target, error);
}

static gint64
link_mtime(Walk *walk, const Pair *pair, const TidyEntry *entry)
{
	TidyStat st = { .mtime_ns = TIDY_TIME_OMIT };

	walk->fs->stat(walk->fs, tidy_dir_fd(pair->source), entry->name, &st);
	return st.mtime_ns;
}

/* The source's link goes; its text is in the journal. */
static gboolean
add_unlink(Walk *walk, Pair *pair, const TidyEntry *entry, gboolean needs_previous, GError **error)
{
	TidyStep step = {
		.op = TIDY_OP_UNLINK,
		.why = TIDY_WHY_RELATIVE_LINK,
		.type = TIDY_TYPE_LINK,
		.name = g_strdup(entry->name),
		.text = g_strdup(entry->link->old_text),
		.ino = entry->ino,
		.size = -1,
		.mtime_ns = link_mtime(walk, pair, entry),
		.needs_previous = needs_previous,
	};

	return tidy_executor_add(walk->executor, &step, pair->source, NULL, error);
}

/* The link is made anew at the target, then the old one goes. */
static gboolean
add_relink(Walk *walk, Pair *pair, const TidyEntry *entry, const TidyDecision *decision,
	   GError **error)
{
	const char *name = decision->new_name != NULL ? decision->new_name : entry->name;
	TidyStep step = {
		.op = TIDY_OP_LINK,
		.why = TIDY_WHY_RELATIVE_LINK,
		.type = TIDY_TYPE_LINK,
		.name = g_strdup(name),
		.text = g_strdup(entry->link->new_text),
		.size = -1,
		.mtime_ns = link_mtime(walk, pair, entry),
	};

	pair->is_target_changed = TRUE;
	return tidy_executor_add(walk->executor, &step, pair->target, NULL, error) &&
	       add_unlink(walk, pair, entry, TRUE, error);
}

static gboolean
add_trash(Walk *walk, TidyDir *dir, const TidyEntry *entry, TidyWhy why, GError **error)
{
	TidyStep step = {
		.op = TIDY_OP_TRASH,
		.why = why,
		.type = entry->type,
		.name = g_strdup(entry->name),
		.ino = entry->ino,
		.size = -1,
		.mtime_ns = TIDY_TIME_OMIT,
	};

	/* A dry run makes no Trash just to ask it for names. */
	step.to_name = walk->job->is_dry_run
			       ? g_strdup(entry->name)
			       : tidy_trash_free_name(walk->trash, entry->name, walk->trash_names);
	if (step.to_name == NULL) {
		g_autofree char *path = tidy_dir_entry_path(dir, entry->name);

		tidy_step_clear(&step);
		tidy_run_note(walk->run, path, TIDY_WHY_FAILED, EIO);
		return TRUE;
	}
	return tidy_executor_add(walk->executor, &step, dir, walk->trash, error);
}

/* Everything that COPY needs to make the file again from its twin. */
static gboolean
add_delete(Walk *walk, Pair *pair, const TidyEntry *entry, TidyWhy why, GError **error)
{
	TidyFs *fs = walk->fs;
	int source = tidy_dir_fd(pair->source);
	int fd = fs->openat(fs, source, entry->name, 0, 0);
	TidyStat st;
	TidyStat twin;
	int r = fd < 0 ? fd : fs->stat(fs, fd, "", &st);
	TidyStep step = { .op = TIDY_OP_DELETE, .why = why, .type = entry->type };

	if (r == 0)
		r = fs->stat(fs, tidy_dir_fd(pair->target), entry->name, &twin);
	if (r == 0 && st.ino != twin.ino)
		r = tidy_xattrs_pack(fs, fd, &step.xattrs);
	if (r < 0) {
		g_autofree char *path = tidy_dir_entry_path(pair->source, entry->name);

		if (fd >= 0)
			fs->close(fs, fd);
		pair->is_going = FALSE;
		tidy_run_note(walk->run, path, TIDY_WHY_UNREADABLE, -r);
		return TRUE;
	}
	step.name = g_strdup(entry->name);
	step.to_name = g_strdup(entry->name);
	step.ino = st.ino;
	step.to_ino = twin.ino;
	step.size = st.size;
	step.mtime_ns = st.mtime_ns;
	step.mode = st.mode;
	step.uid = st.uid;
	step.gid = st.gid;
	fs->close(fs, fd);
	return tidy_executor_add(walk->executor, &step, pair->source, pair->target, error);
}

static gboolean
add_replace(Walk *walk, Pair *pair, const TidyEntry *entry, TidyWhy why, GError **error)
{
	const TidyEntry *loser = tidy_listing_find(pair->target_list, entry->name);
	TidyStep step = {
		.op = TIDY_OP_MOVE,
		.why = why,
		.type = entry->type,
		.name = g_strdup(entry->name),
		.to_name = g_strdup(entry->name),
		.ino = entry->ino,
		.size = -1,
		.mtime_ns = TIDY_TIME_OMIT,
		.needs_previous = TRUE,
	};

	pair->is_target_changed = TRUE;
	if (add_trash(walk, pair->target, loser, why, error))
		return tidy_executor_add(walk->executor, &step, pair->source, pair->target, error);
	tidy_step_clear(&step);
	return FALSE;
}

static TidyDir *
child_dir(Walk *walk, TidyDir *parent, const char *name)
{
	if (walk->known != NULL) {
		g_autofree char *path = tidy_dir_entry_path(parent, name);
		TidyDir *known = g_hash_table_lookup(walk->known, path);

		/* It may have been removed and made again since. */
		if (known != NULL && tidy_dir_fd(known) >= 0)
			return tidy_dir_ref(known);
	}
	return tidy_dir_child(parent, name);
}

static gboolean merge_pair(Walk *walk, Pair *pair, GError **error);

static void
pair_clear(Pair *pair)
{
	g_clear_pointer(&pair->source, tidy_dir_unref);
	g_clear_pointer(&pair->target, tidy_dir_unref);
	g_clear_pointer(&pair->source_list, tidy_listing_free);
	g_clear_pointer(&pair->target_list, tidy_listing_free);
	g_clear_pointer(&pair->planner, tidy_planner_free);
}

/* Lists both directories of @pair; notes why not. */
static gboolean
open_pair(Walk *walk, Pair *pair)
{
	TidyDir *bad = pair->source;
	int r;

	pair->source_list = list_dir(walk, pair->source, &r);
	if (r >= 0 && pair->source->is_mount) {
		g_autofree char *path = tidy_dir_path(pair->source);

		tidy_run_note(walk->run, path, TIDY_WHY_MOUNT, 0);
		return FALSE;
	}
	if (r >= 0 && pair->is_target_new) {
		pair->target_list = tidy_listing_new();
	} else if (r >= 0) {
		bad = pair->target;
		pair->target_list = list_dir(walk, pair->target, &r);
	}
	if (r < 0) {
		g_autofree char *path = tidy_dir_path(bad);

		tidy_run_note(walk->run, path, TIDY_WHY_UNREADABLE, -r);
	}
	return r >= 0;
}

/* @dir has something that could not be read, and so could not be given back: it stays. */
static gboolean
cannot_look(Walk *walk, Pair *above, TidyStep *step, TidyDir *dir, int r)
{
	g_autofree char *path = tidy_dir_path(dir);

	if (above != NULL)
		above->is_going = FALSE;
	tidy_step_clear(step);
	tidy_run_note(walk->run, path, TIDY_WHY_UNREADABLE, -r);
	return TRUE;
}

/* The directory @source again in the target, empty. */
static gboolean
add_mkdir(Walk *walk, Pair *above, TidyDir *source, gboolean *is_made, GError **error)
{
	int fd = tidy_dir_fd(source);
	TidyStep step = {
		.op = TIDY_OP_MKDIR,
		.why = TIDY_WHY_ABSENT,
		.type = TIDY_TYPE_DIR,
		.name = g_strdup(source->name),
		.size = -1,
		.mtime_ns = source->original_ns,
		.mode = source->mode,
		.uid = source->uid,
		.gid = source->gid,
	};
	int r = fd < 0 ? fd : tidy_xattrs_pack(walk->fs, fd, &step.xattrs);

	if (r < 0)
		return cannot_look(walk, above, &step, source, r);
	above->is_target_changed = TRUE;
	*is_made = TRUE;
	return tidy_executor_add(walk->executor, &step, above->target, NULL, error);
}

static gboolean
descend(Walk *walk, Pair *above, const TidyEntry *entry, gboolean is_target_new, GError **error)
{
	Pair pair = {
		.source = child_dir(walk, above->source, entry->name),
		.target = child_dir(walk, above->target, entry->name),
		.is_target_new = is_target_new,
	};
	gboolean is_fine = TRUE;

	if (!open_pair(walk, &pair)) {
		above->is_going = FALSE;
	} else if (tidy_plan_is_unit(pair.source_list) || tidy_plan_is_unit(pair.target_list)) {
		const char *name = tidy_planner_free_name(above->planner, entry->name, TRUE);

		is_fine = name == NULL ||
			  add_move(walk, above, entry, name, TIDY_WHY_NAME_TAKEN, error);
		above->is_going &= name != NULL;
		above->is_source_changed |= name != NULL;
	} else {
		gboolean has_target = !is_target_new;

		if (is_target_new)
			is_fine = add_mkdir(walk, above, pair.source, &has_target, error);
		if (is_fine && has_target)
			is_fine = merge_pair(walk, &pair, error);
		above->is_going &= pair.is_going;
		above->is_source_changed |= pair.is_going;
	}
	pair_clear(&pair);
	return is_fine;
}

static gboolean
leave(Walk *walk, Pair *pair, const TidyEntry *entry, TidyWhy why)
{
	g_autofree char *path = tidy_dir_entry_path(pair->source, entry->name);

	pair->is_going = FALSE;
	tidy_run_note(walk->run, path, why, 0);
	return TRUE;
}

static gboolean
follow_decision(Walk *walk, Pair *pair, const TidyDecision *decision, GError **error)
{
	const TidyEntry *entry =
		&g_array_index(pair->source_list->entries, TidyEntry, decision->index);

	pair->is_source_changed |= decision->kind < TIDY_DECISION_DESCEND;
	switch (decision->kind) {
	case TIDY_DECISION_MOVE:
		return add_move(walk, pair, entry, decision->new_name, decision->why, error);
	case TIDY_DECISION_RELINK:
		return add_relink(walk, pair, entry, decision, error);
	case TIDY_DECISION_UNLINK:
		return add_unlink(walk, pair, entry, FALSE, error);
	case TIDY_DECISION_FOLD:
	case TIDY_DECISION_DISCARD:
		return add_trash(walk, pair->source, entry, decision->why, error);
	case TIDY_DECISION_DELETE:
		return add_delete(walk, pair, entry, decision->why, error);
	case TIDY_DECISION_REPLACE:
		return add_replace(walk, pair, entry, decision->why, error);
	case TIDY_DECISION_DESCEND:
		return descend(walk, pair, entry, FALSE, error);
	case TIDY_DECISION_MAKE_DIR:
		return descend(walk, pair, entry, TRUE, error);
	case TIDY_DECISION_LEAVE:
		return leave(walk, pair, entry, decision->why);
	}
	return TRUE;
}

/* --- one pair --- */

static void
look(Walk *walk, Pair *pair)
{
	int source = tidy_dir_fd(pair->source);

	flag_paths(walk->job->open_paths, pair->source, pair->source_list, TIDY_ENTRY_OPEN);
	flag_paths(walk->job->mount_points, pair->source, pair->source_list, TIDY_ENTRY_MOUNT);
	flag_unfinished(walk, source, pair->source_list);
	if (pair->is_root && walk->job->settle_ns > 0)
		flag_young(walk, source, pair->source_list);
	if (pair->is_root && walk->job->only_names != NULL)
		flag_excluded(walk, pair->source_list);
	if (pair->is_root && walk->job->only_names != NULL)
		flag_leased(walk, source, pair->source_list);
	flag_taken(walk, pair);
	look_at_links(walk, pair, source);
	flag_link_holders(walk, pair);
}

static gboolean
has_excluded(const Pair *pair)
{
	for (guint i = 0; i < pair->source_list->entries->len; i++) {
		if ((g_array_index(pair->source_list->entries, TidyEntry, i).flags &
		     TIDY_ENTRY_EXCLUDED) != 0)
			return TRUE;
	}
	return FALSE;
}

/* @dir, whose entries moved, shows @mtime_ns again. */
static gboolean
add_times(Walk *walk, TidyDir *dir, gint64 mtime_ns, GError **error)
{
	TidyStep step = {
		.op = TIDY_OP_TIMES,
		.why = TIDY_WHY_METADATA,
		.type = TIDY_TYPE_DIR,
		.name = g_strdup(dir->name),
		.ino = dir->ino,
		.size = -1,
		.mtime_ns = mtime_ns,
	};

	return tidy_executor_add(walk->executor, &step, dir->parent, dir, error);
}

static gboolean
add_rmdir(Walk *walk, TidyDir *dir, GError **error)
{
	int fd = tidy_dir_fd(dir);
	TidyStep step = {
		.op = TIDY_OP_RMDIR,
		.why = TIDY_WHY_EMPTY,
		.type = TIDY_TYPE_DIR,
		.name = g_strdup(dir->name),
		.ino = dir->ino,
		.size = -1,
		.mtime_ns = dir->original_ns,
		.mode = dir->mode,
		.uid = dir->uid,
		.gid = dir->gid,
	};
	int r = fd < 0 ? fd : tidy_xattrs_pack(walk->fs, fd, &step.xattrs);

	if (r < 0)
		return cannot_look(walk, NULL, &step, dir, r);
	return tidy_executor_add(walk->executor, &step, dir->parent, NULL, error);
}

/* The merged directory is as new as the newer of the two; what stays of the source is as old as it was. */
static gboolean
close_pair(Walk *walk, Pair *pair, GError **error)
{
	/* TIDY_TIME_OMIT, of a directory that is being made, is less than any time. */
	gint64 newest = MAX(pair->source->original_ns, pair->target->original_ns);

	/* A look that moves nothing changes nothing, not even a stamp. */
	if ((pair->is_target_changed || (pair->is_going && newest != pair->target->mtime_ns)) &&
	    !add_times(walk, pair->target, newest, error))
		return FALSE;
	/* In a further pass the removal has failed before, and may again: then the stamp is right all the same. */
	if (pair->is_going && walk->pass > 1 &&
	    !add_times(walk, pair->source, pair->source->original_ns, error))
		return FALSE;
	if (pair->is_going)
		return add_rmdir(walk, pair->source, error);
	return !pair->is_source_changed ||
	       add_times(walk, pair->source, pair->source->original_ns, error);
}

static gboolean
merge_pair(Walk *walk, Pair *pair, GError **error)
{
	int source = tidy_dir_fd(pair->source);
	int target = pair->is_target_new ? -1 : tidy_dir_fd(pair->target);
	g_autoptr(GArray) twins = NULL;
	TidyDecision decision;

	if (g_cancellable_set_error_if_cancelled(walk->job->cancellable, NULL)) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_CANCELLED, "stopped on request");
		return FALSE;
	}
	/* What a crash interrupted, or an earlier pass did, has changed the stamps. */
	pair->is_target_changed = walk->known != NULL || walk->pass > 1;
	pair->is_source_changed = pair->is_target_changed;
	look(walk, pair);
	twins = relate_twins(walk, pair, source, target);
	pair->planner =
		tidy_planner_new(pair->source_list, pair->target_list, twins, &walk->job->policy);
	pair->is_going = !has_excluded(pair);
	while (tidy_planner_next(pair->planner, &decision)) {
		if (!follow_decision(walk, pair, &decision, error))
			return FALSE;
	}
	return close_pair(walk, pair, error);
}

/* --- the two roots --- */

static gboolean
add_compatibility_link(Walk *walk, TidyDir *stray, GError **error)
{
	g_autofree char *parent = tidy_dir_path(stray->parent);
	g_autofree char *text = tidy_plan_relative_path(parent, walk->job->target);
	TidyStep step = {
		.op = TIDY_OP_LINK,
		.why = TIDY_WHY_COMPATIBILITY,
		.type = TIDY_TYPE_LINK,
		.name = g_strdup(stray->name),
		.text = g_steal_pointer(&text),
		.size = -1,
		.mtime_ns = stray->original_ns,
		.needs_previous = TRUE,
	};

	return tidy_executor_add(walk->executor, &step, stray->parent, NULL, error);
}

/* The target does not exist: the stray becomes it. */
static gboolean
rename_root(Walk *walk, Pair *roots, GError **error)
{
	TidyStep step = {
		.op = TIDY_OP_MOVE,
		.why = TIDY_WHY_ABSENT,
		.type = TIDY_TYPE_DIR,
		.name = g_strdup(roots->source->name),
		.to_name = g_strdup(roots->target->name),
		.ino = roots->source->ino,
		.size = -1,
		.mtime_ns = TIDY_TIME_OMIT,
	};

	roots->is_going = TRUE;
	return tidy_executor_add(walk->executor, &step, roots->source->parent,
				 roots->target->parent, error);
}

static gboolean
root_error(GError **error, TidyDir *dir, int r)
{
	g_autofree char *path = tidy_dir_path(dir);
	g_autofree char *shown = tidy_text_display(path);

	return tidy_error_set_errno(error, -r, "cannot open %s", shown);
}

static gboolean
walk_roots(Walk *walk, TidyDir *stray, TidyDir *target, GError **error)
{
	Pair roots = {
		.source = tidy_dir_ref(stray),
		.target = tidy_dir_ref(target),
		.is_root = TRUE,
	};
	int r = tidy_dir_fd(stray);
	int t = tidy_dir_fd(target);
	gboolean is_fine;

	if (r < 0)
		is_fine = root_error(error, stray, r);
	else if (t == -ENOENT && walk->job->only_names == NULL)
		is_fine = rename_root(walk, &roots, error);
	else if (t < 0)
		is_fine = root_error(error, target, t);
	else
		is_fine = !open_pair(walk, &roots) || merge_pair(walk, &roots, error);
	if (is_fine && roots.is_going && walk->job->leaves_symlink)
		is_fine = add_compatibility_link(walk, stray, error);
	pair_clear(&roots);
	return is_fine && tidy_executor_flush(walk->executor, error);
}

/* --- the operation --- */

/* What is needed to open the journal when the first step comes. */
typedef struct {
	TidyEngine *engine;
	const TidyMergeJob *job;
	const TidyJournal *resumed;
	TidyJournalHeader header;
	TidyJournalFile *file; /* NULL: not opened yet */
} Opening;

static TidyJournalFile *
open_journal(gpointer data, GError **error)
{
	Opening *opening = data;
	TidyEngine *engine = opening->engine;
	TidyStat home = { 0 };

	if (opening->file != NULL)
		return opening->file;
	if (opening->resumed != NULL) {
		opening->header.id = opening->resumed->header.id;
		opening->file = tidy_store_reopen(engine->store, opening->resumed, error);
		return opening->file;
	}
	tidy_engine_stat_home(engine, &home);
	opening->header = (TidyJournalHeader){
		.kind = TIDY_JOURNAL_MERGE,
		.begin_ns = engine->fs->now(engine->fs),
		.home_dev = home.dev,
		.home_ino = home.ino,
		.home = engine->home,
		.stray = (char *)opening->job->stray,
		.target = (char *)opening->job->target,
		.key = (char *)(opening->job->key != NULL ? opening->job->key : ""),
		.policy = opening->job->policy,
		.flags = (opening->job->leaves_symlink ? TIDY_JOURNAL_LEAVES_SYMLINK : 0u) |
			 (opening->job->only_names != NULL ? TIDY_JOURNAL_LIVE : 0u),
	};
	opening->file = tidy_store_create(engine->store, &opening->header, error);
	return opening->file;
}

gboolean
tidy_engine_check_roots(const char *stray, const char *target, GError **error)
{
	g_autofree char *stray_slash = g_strconcat(stray, "/", NULL);
	g_autofree char *target_slash = g_strconcat(target, "/", NULL);

	if (!g_str_has_prefix(stray_slash, target_slash) &&
	    !g_str_has_prefix(target_slash, stray_slash))
		return TRUE;
	g_set_error(error, TIDY_ERROR, TIDY_ERROR_REFUSED,
		    "%s and %s are the same directory, or one lies in the other", stray, target);
	return FALSE;
}

/* The same directory may have two names (a bind mount, a case-insensitive parent). */
static gboolean
refuse_same(TidyDir *stray, TidyDir *target, GError **error)
{
	if (tidy_dir_fd(stray) < 0 || tidy_dir_fd(target) < 0 || stray->dev != target->dev ||
	    stray->ino != target->ino)
		return TRUE;
	g_set_error(error, TIDY_ERROR, TIDY_ERROR_REFUSED,
		    "both names lead to the same directory; nothing to merge");
	return FALSE;
}

/* What a resumed journal knows, so that directories keep their numbers and first-seen times. */
static GHashTable *
index_dirs(GPtrArray *dirs)
{
	GHashTable *known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < dirs->len; i++)
		g_hash_table_insert(known, tidy_dir_path(g_ptr_array_index(dirs, i)),
				    g_ptr_array_index(dirs, i));
	return known;
}

static TidyDir *
root_dir(Walk *walk, TidyDir *home, const char *path)
{
	g_autofree char *parent = g_path_get_dirname(path);
	g_autofree char *name = g_path_get_basename(path);
	g_autoptr(TidyDir) above = NULL;

	if (strcmp(parent, home->name) == 0)
		return child_dir(walk, home, name);
	above = tidy_dir_root(walk->pool, parent);
	return child_dir(walk, above, name);
}

static gboolean
run_passes(Walk *walk, TidyDir *stray, TidyDir *target, GError **error)
{
	TidyRun *run = walk->run;

	for (walk->pass = 1; walk->pass <= PASSES_MAX; walk->pass++) {
		tidy_run_new_pass(run);
		/* Gone whole in an earlier pass, or renamed: there is nothing left to look at. */
		if (walk->pass > 1 && tidy_dir_fd(stray) < 0)
			return TRUE;
		if (!walk_roots(walk, stray, target, error))
			return FALSE;
		if (run->n_races == 0)
			return TRUE;
		tidy_dir_pool_close_all(walk->pool);
	}
	return TRUE;
}

/* From here on everything has a journal, a pool and an executor; the caller gives them back. */
static gboolean
merge_walk(Walk *walk, Opening *opening, TidyDir *stray, TidyDir *target, TidyResult *result,
	   GError **error)
{
	TidyExecutorOptions options = {
		.fs = walk->fs,
		.journal = walk->job->is_dry_run ? NULL : open_journal,
		.journal_data = opening,
		.is_dry_run = walk->job->is_dry_run,
		.cancellable = walk->job->cancellable,
		.report = tidy_run_report,
		.report_data = walk->run,
	};
	gboolean is_fine = refuse_same(stray, target, error);

	walk->executor = tidy_executor_new(&options);
	is_fine = is_fine && run_passes(walk, stray, target, error);
	result->outcome = tidy_run_finish(walk->run);
	/* A merge that was resumed may have nothing left to do, but it still wants its commit. */
	if (is_fine && opening->resumed != NULL)
		is_fine = open_journal(opening, error) != NULL;
	if (is_fine && opening->file != NULL)
		is_fine = tidy_engine_commit(walk->run->engine, opening->file,
					     tidy_dir_fd(target) >= 0 ? target : target->parent,
					     walk->run, result->outcome, error);
	tidy_executor_free(walk->executor);
	result->id = opening->header.id;
	return is_fine;
}

static TidyDir *
home_dir(Walk *walk)
{
	const char *path = walk->run->engine->home;
	TidyDir *known = walk->known != NULL ? g_hash_table_lookup(walk->known, path) : NULL;

	if (known != NULL && tidy_dir_fd(known) >= 0)
		return tidy_dir_ref(known);
	return tidy_dir_root(walk->pool, path);
}

/* Live routing is planned anew by who watches; and in a home that came back from a backup, with other inodes, the plan
 * of then is not the wish of now. */
static gboolean
is_to_go_on(TidyEngine *engine, const TidyJournal *resumed)
{
	TidyStat home = { 0 };

	tidy_engine_stat_home(engine, &home);
	return (resumed->header.flags & TIDY_JOURNAL_LIVE) == 0 &&
	       home.ino == resumed->header.home_ino;
}

/* The steps are made; only the commit is missing. */
static gboolean
merge_close(Opening *opening, TidyRun *run, TidyDir *target, TidyResult *result, GError **error)
{
	tidy_run_new_pass(run);
	result->outcome = tidy_run_finish(run);
	if (open_journal(opening, error) == NULL)
		return FALSE;
	result->id = opening->header.id;
	return tidy_engine_commit(opening->engine, opening->file,
				  tidy_dir_fd(target) >= 0 ? target : target->parent, run,
				  result->outcome, error);
}

gboolean
tidy_engine_merge_locked(TidyEngine *engine, const TidyMergeJob *job, const TidySink *sink,
			 const TidyJournal *resumed, TidyResult *result, GError **error)
{
	g_autoptr(TidyDirPool) pool = tidy_dir_pool_new(engine->fs);
	g_autoptr(GPtrArray) dirs = NULL;
	g_autoptr(TidyDir) home = NULL;
	g_autoptr(TidyDir) stray = NULL;
	g_autoptr(TidyDir) target = NULL;
	g_autoptr(TidyDir) trash = NULL;
	Opening opening = { .engine = engine, .job = job, .resumed = resumed };
	TidyRun run;
	Walk walk = {
		.job = job,
		.run = &run,
		.fs = engine->fs,
		.pool = pool,
		.now_ns = engine->fs->now(engine->fs),
	};
	gboolean is_fine = TRUE;

	tidy_run_init(&run, engine, sink);
	walk.trash_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (resumed != NULL) {
		dirs = tidy_engine_journal_dirs(resumed, pool);
		is_fine = tidy_engine_replay(engine, resumed, dirs, &run, job->cancellable, error);
		walk.known = index_dirs(dirs);
	}
	home = home_dir(&walk);
	stray = root_dir(&walk, home, job->stray);
	target = root_dir(&walk, home, job->target);
	trash = walk.trash = tidy_engine_trash(engine, pool);
	if (is_fine && resumed != NULL && (tidy_dir_fd(stray) < 0 || !is_to_go_on(engine, resumed)))
		is_fine = merge_close(&opening, &run, target, result, error);
	else if (is_fine)
		is_fine = merge_walk(&walk, &opening, stray, target, result, error);
	result->counts = run.counts;
	g_clear_pointer(&opening.file, tidy_journal_file_free);
	g_clear_pointer(&walk.known, g_hash_table_unref);
	g_hash_table_unref(walk.trash_names);
	tidy_run_clear(&run);
	return is_fine;
}
