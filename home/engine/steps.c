/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the merge does: each kind of step, filled in from what the disk says now, given to the executor. I/O. */
#include <errno.h>
#include <string.h>

#include "home/engine/copy.h"
#include "home/engine/trash.h"
#include "home/engine/walk.h"

/* The file goes to another file system; what it is now is what it has to be when it goes. */
static gboolean
add_carry(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry, TidyStep *step, GError **error)
{
	g_autofree char *path = NULL;
	TidyStat st;
	int r;

	if (g_hash_table_size(walk->run->refused) > 0) {
		path = tidy_dir_entry_path(pair->source, entry->name);
		if (tidy_run_note_refused(walk->run, path)) {
			tidy_step_clear(step);
			pair->is_going = FALSE;
			return TRUE;
		}
	}
	r = walk->fs->stat(walk->fs, tidy_dir_fd(pair->source), entry->name, &st);
	if (r < 0) {
		path = tidy_dir_entry_path(pair->source, entry->name);
		tidy_step_clear(step);
		pair->is_going = FALSE;
		tidy_run_note(walk->run, path, TIDY_WHY_UNREADABLE, -r);
		return TRUE;
	}
	step->op = TIDY_OP_CARRY;
	step->ino = st.ino;
	step->size = st.size;
	step->mtime_ns = st.mtime_ns;
	step->mode = st.mode;
	step->uid = st.uid;
	step->gid = st.gid;
	step->is_shared =
		st.nlink > 1 || tidy_carry_sets_has(walk->run->sets, pair->source->dev, st.ino);
	pair->is_target_changed = TRUE;
	return tidy_executor_add(walk->executor, step, pair->source, pair->target, error);
}

gboolean
tidy_walk_add_move(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry, const char *new_name,
		   TidyWhy why, GError **error)
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
		.disk_order = tidy_listing_disk_order(entry),
	};

	if (pair->needs_copy)
		return add_carry(walk, pair, entry, &step, error);
	pair->is_target_changed = TRUE;
	return tidy_executor_add(walk->executor, &step, pair->source, pair->target, error);
}

/* What has to be given back to the link that is made anew. */
static void
stat_link(TidyWalk *walk, const TidyPair *pair, const TidyEntry *entry, TidyStep *step)
{
	TidyStat st = { .mtime_ns = TIDY_TIME_OMIT };

	walk->fs->stat(walk->fs, tidy_dir_fd(pair->source), entry->name, &st);
	step->mtime_ns = st.mtime_ns;
	step->mode = st.mode;
	step->uid = st.uid;
	step->gid = st.gid;
}

/* A link whose stamp could not be given back stays. */
static gboolean
leave_link(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry, TidyStep *step)
{
	g_autofree char *path = tidy_dir_entry_path(pair->source, entry->name);

	tidy_step_clear(step);
	pair->is_going = FALSE;
	tidy_run_note(walk->run, path, TIDY_WHY_UNREADABLE, 0);
	return TRUE;
}

/* The source's link goes; its text is in the journal. */
static TidyStep
unlink_step(const TidyPair *pair, const TidyEntry *entry, TidyWhy why)
{
	const TidyLinkTexts *link = tidy_listing_link(pair->source_list, entry);

	return (TidyStep){
		.op = TIDY_OP_UNLINK,
		.why = why,
		.type = TIDY_TYPE_LINK,
		.name = g_strdup(entry->name),
		.text = g_strdup(link->old_text),
		.ino = entry->ino,
		.size = -1,
	};
}

gboolean
tidy_walk_add_unlink(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry, TidyWhy why,
		     GError **error)
{
	TidyStep step = unlink_step(pair, entry, why);

	stat_link(walk, pair, entry, &step);
	if (step.mtime_ns == TIDY_TIME_OMIT)
		return leave_link(walk, pair, entry, &step);
	return tidy_executor_add(walk->executor, &step, pair->source, NULL, error);
}

/* The link is made anew at the target, then the old one goes. What it is is asked for once: neither comes without the
 * other. */
gboolean
tidy_walk_add_relink(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry,
		     const TidyDecision *decision, GError **error)
{
	const char *name = decision->new_name != NULL ? decision->new_name : entry->name;
	const TidyLinkTexts *link = tidy_listing_link(pair->source_list, entry);
	TidyStep gone = unlink_step(pair, entry, decision->why);
	TidyStep made;

	stat_link(walk, pair, entry, &gone);
	if (gone.mtime_ns == TIDY_TIME_OMIT)
		return leave_link(walk, pair, entry, &gone);
	made = (TidyStep){
		.op = TIDY_OP_LINK,
		.why = decision->why,
		.type = TIDY_TYPE_LINK,
		.name = g_strdup(name),
		.text = g_strdup(link->new_text != NULL ? link->new_text : link->old_text),
		.size = -1,
		.mtime_ns = gone.mtime_ns,
		.mode = gone.mode,
		.uid = gone.uid,
		.gid = gone.gid,
		.needs_previous = decision->kind == TIDY_DECISION_REPLACE,
	};
	gone.needs_previous = TRUE;
	pair->is_target_changed = TRUE;
	if (tidy_executor_add(walk->executor, &made, pair->target, NULL, error))
		return tidy_executor_add(walk->executor, &gone, pair->source, NULL, error);
	tidy_step_clear(&gone);
	return FALSE;
}

TidyDir *
tidy_walk_trash_of(TidyWalk *walk, TidyDir *dir)
{
	TidyDir *trash;

	if (tidy_dir_fd(dir) < 0)
		return walk->trash;
	trash = g_hash_table_lookup(walk->trashes, &dir->dev);
	if (trash == NULL) {
		trash = tidy_trash_for(walk->trash, dir);
		g_hash_table_insert(walk->trashes, g_memdup2(&dir->dev, sizeof dir->dev), trash);
	}
	return trash;
}

gboolean
tidy_walk_add_trash(TidyWalk *walk, TidyDir *dir, const TidyEntry *entry, TidyWhy why,
		    GError **error)
{
	TidyDir *trash = tidy_walk_trash_of(walk, dir);
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
			       : tidy_trash_free_name(trash, entry->name, walk->trash_names);
	if (step.to_name == NULL) {
		g_autofree char *path = tidy_dir_entry_path(dir, entry->name);

		tidy_step_clear(&step);
		tidy_run_note(walk->run, path, TIDY_WHY_FAILED, EIO);
		return TRUE;
	}
	return tidy_executor_add(walk->executor, &step, dir, trash, error);
}

/* Everything that COPY needs to make the file again from its twin. */
gboolean
tidy_walk_add_delete(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry, TidyWhy why,
		     GError **error)
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

gboolean
tidy_walk_add_replace(TidyWalk *walk, TidyPair *pair, const TidyEntry *entry, TidyWhy why,
		      GError **error)
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
	if (!tidy_walk_add_trash(walk, pair->target, loser, why, error)) {
		tidy_step_clear(&step);
		return FALSE;
	}
	if (pair->needs_copy && entry->type == TIDY_TYPE_LINK) {
		TidyDecision decision = { .kind = TIDY_DECISION_REPLACE, .why = why };

		tidy_step_clear(&step);
		return tidy_walk_add_relink(walk, pair, entry, &decision, error);
	}
	if (pair->needs_copy)
		return add_carry(walk, pair, entry, &step, error);
	return tidy_executor_add(walk->executor, &step, pair->source, pair->target, error);
}

/* @dir has something that could not be read, and so could not be given back: it stays. */
static gboolean
cannot_look(TidyWalk *walk, TidyPair *above, TidyStep *step, TidyDir *dir, int r)
{
	g_autofree char *path = tidy_dir_path(dir);

	if (above != NULL)
		above->is_going = FALSE;
	tidy_step_clear(step);
	tidy_run_note(walk->run, path, TIDY_WHY_UNREADABLE, -r);
	return TRUE;
}

/* The directory @source again, empty, as @made. */
gboolean
tidy_walk_add_mkdir(TidyWalk *walk, TidyPair *above, TidyDir *source, TidyDir *made,
		    gboolean *is_made, GError **error)
{
	int fd = tidy_dir_fd(source);
	TidyStep step = {
		.op = TIDY_OP_MKDIR,
		.why = TIDY_WHY_ABSENT,
		.type = TIDY_TYPE_DIR,
		.name = g_strdup(made->name),
		.size = -1,
		.mtime_ns = source->original_ns,
		.mode = source->mode,
		.uid = source->uid,
		.gid = source->gid,
	};
	int r = fd < 0 ? fd : tidy_xattrs_pack(walk->fs, fd, &step.xattrs);

	if (strcmp(made->name, source->name) != 0)
		step.to_name = g_strdup(source->name);
	if (r < 0)
		return cannot_look(walk, above, &step, source, r);
	above->is_target_changed = TRUE;
	*is_made = TRUE;
	return tidy_executor_add(walk->executor, &step, made->parent, NULL, error);
}

/* @dir, whose entries moved, shows @mtime_ns again. */
gboolean
tidy_walk_add_times(TidyWalk *walk, TidyDir *dir, gint64 mtime_ns, GError **error)
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

gboolean
tidy_walk_add_rmdir(TidyWalk *walk, TidyDir *dir, GError **error)
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
