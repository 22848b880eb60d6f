/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two lists of names become one (".hidden"). I/O.
 *
 * The target's goes to the Trash, one with the lines of both takes its name, and then the stray's goes to the Trash: no
 * byte is lost at any step, and each has its inverse. A list that cannot be read as text, or adds nothing, only goes.
 */
#include <string.h>

#include "home/engine/text-file.h"
#include "home/engine/trash.h"
#include "home/engine/walk.h"

static char *
union_text(TidyWalk *walk, const TidyPair *pair, const char *name)
{
	g_autofree char *source = NULL;
	g_autofree char *target = NULL;
	g_autofree char *text = NULL;

	if (tidy_text_file_read(walk->fs, tidy_dir_fd(pair->source), name, &source) < 0 ||
	    tidy_text_file_read(walk->fs, tidy_dir_fd(pair->target), name, &target) < 0)
		return NULL;
	text = tidy_plan_union_lines(target, source);
	/* No more than a line end at the last line. */
	if (strlen(text) <= strlen(target) + 1 || strlen(text) > TIDY_TEXT_FILE_BYTES_MAX)
		return NULL;
	return g_steal_pointer(&text);
}

/* The list is as new as the newer of the two. */
static gint64
newer_mtime(TidyWalk *walk, const TidyPair *pair, const char *name)
{
	TidyStat source = { .mtime_ns = TIDY_TIME_OMIT };
	TidyStat target = { .mtime_ns = TIDY_TIME_OMIT };

	walk->fs->stat(walk->fs, tidy_dir_fd(pair->source), name, &source);
	walk->fs->stat(walk->fs, tidy_dir_fd(pair->target), name, &target);
	return MAX(source.mtime_ns, target.mtime_ns);
}

/* Only when the list with both was made. */
static gboolean
add_source_trash(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry, TidyWhy why,
		 GError **error)
{
	TidyDir *trash = tidy_walk_trash_of(walk, pair->source);
	TidyStep step = {
		.op = TIDY_OP_TRASH,
		.why = why,
		.type = TIDY_TYPE_FILE,
		.name = g_strdup(entry->name),
		.to_name = walk->job->is_dry_run
				   ? g_strdup(entry->name)
				   : tidy_trash_free_name(trash, entry->name, walk->trash_names),
		.ino = entry->ino,
		.size = -1,
		.mtime_ns = TIDY_TIME_OMIT,
		.needs_previous = TRUE,
	};

	if (step.to_name != NULL)
		return tidy_executor_add(walk->executor, &step, pair->source, trash, error);
	tidy_step_clear(&step);
	pair->is_going = FALSE;
	return TRUE;
}

gboolean
tidy_walk_add_union(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry, TidyWhy why,
		    GError **error)
{
	const TidyEntry *loser = tidy_listing_find(pair->target_list, entry->name);
	char *text = union_text(walk, pair, entry->name);
	TidyStep step = {
		.op = TIDY_OP_LINK,
		.why = why,
		.type = TIDY_TYPE_FILE,
		.name = g_strdup(entry->name),
		.text = text,
		.size = -1,
		.mtime_ns = newer_mtime(walk, pair, entry->name),
		.needs_previous = TRUE,
	};

	if (text == NULL) {
		tidy_step_clear(&step);
		return tidy_walk_add_trash(walk, pair->source, entry, why, error);
	}
	pair->is_target_changed = TRUE;
	if (!tidy_walk_add_trash(walk, pair->target, loser, why, error)) {
		tidy_step_clear(&step);
		return FALSE;
	}
	return tidy_executor_add(walk->executor, &step, pair->target, NULL, error) &&
	       add_source_trash(walk, pair, entry, why, error);
}
