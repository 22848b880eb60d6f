/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an undo asks the disk before it takes a step back. I/O, but for what is left of a stopped step reads only. Cases: see
 * undo.c. */
#include <errno.h>
#include <string.h>

#include "home/compare/compare.h"
#include "home/engine/carry.h"
#include "home/engine/trash.h"
#include "home/engine/undo-private.h"

/* Stamps of files lag behind the clock by at most a timer tick. */
#define TICK_NS G_GINT64_CONSTANT(20000000)

static gboolean
is_ours(const TidyUndo *undo, gint64 time_ns)
{
	for (guint i = 0; i < undo->operations->len; i++) {
		const TidyOperation *other = g_ptr_array_index(undo->operations, i);

		if (other->journal != NULL && other->id > undo->operation->id &&
		    time_ns >= other->journal->header.begin_ns - TICK_NS &&
		    (time_ns <= other->end_ns || !other->journal->is_committed))
			return TRUE;
	}
	return FALSE;
}

static gboolean
is_changed(const TidyUndo *undo, const TidyStat *st)
{
	/* Nobody knows when an operation that never ended made its last change. */
	if (!undo->operation->journal->is_committed)
		return FALSE;
	if (st->ctime_ns <= undo->operation->end_ns || is_ours(undo, st->ctime_ns))
		return FALSE;
	/* What was taken back of one name of a file changes the change time of all. */
	return st->ctime_ns < undo->begin_ns - TICK_NS ||
	       !g_hash_table_contains(undo->linked, &st->ino);
}

static void
remember_linked(TidyUndo *undo, guint64 ino)
{
	g_hash_table_add(undo->linked, g_memdup2(&ino, sizeof ino));
}

/* Stat of an entry; in the Trash for RESTORE. */
static int
stat_entry(TidyUndo *undo, TidyDir *dir, const char *name, gboolean is_in_trash, TidyStat *st)
{
	g_autoptr(TidyDir) files = is_in_trash ? tidy_dir_child(dir, "files") : tidy_dir_ref(dir);
	int fd = tidy_dir_fd(files);

	return fd < 0 ? fd : undo->fs->stat(undo->fs, fd, name, st);
}

static gboolean
is_at(TidyUndo *undo, TidyDir *dir, const char *name, gboolean is_in_trash, guint64 ino)
{
	TidyStat st;

	return stat_entry(undo, dir, name, is_in_trash, &st) == 0 && (ino == 0 || st.ino == ino);
}

/* An interrupted TRASH may have left its info file without a file. */
static void
drop_orphan_info(TidyUndo *undo, const TidyStep *step, TidyDir *trash)
{
	TidyTrashFds fds;

	if (tidy_trash_open(trash, &fds) < 0)
		return;
	tidy_trash_remove_info(undo->fs, &fds, step->name);
	tidy_trash_close(undo->fs, &fds);
}

static gboolean
note(TidyUndo *undo, const TidyStep *step, TidyDir *dir, TidyWhy why)
{
	g_autofree char *path = tidy_dir_entry_path(dir, step->name);

	tidy_run_note(undo->run, path, why, 0);
	return FALSE;
}

/* The entry is what the operation left, so that it may be taken back (case 1); else notes it (case 2). */
static gboolean
is_as_left(TidyUndo *undo, const TidyStep *inverse, TidyDir *dir, const TidyStat *st)
{
	if (is_changed(undo, st))
		return note(undo, inverse, dir, TIDY_WHY_CHANGED);
	if (st->nlink > 1)
		remember_linked(undo, st->ino);
	return TRUE;
}

static TidyWhy
why_not(int r)
{
	if (r == 0)
		return TIDY_WHY_CHANGED;
	return r == -ENOENT || r == -ENOTDIR || r == -ESTALE ? TIDY_WHY_GONE : TIDY_WHY_UNREADABLE;
}

/* Whether the step @inverse, which moves an entry back, may be made (cases 1 to 4). */
static gboolean
may_move_back(TidyUndo *undo, const TidyStep *inverse, TidyDir *dir, TidyDir *to_dir)
{
	gboolean from_trash = inverse->op == TIDY_OP_RESTORE;
	gboolean to_trash = inverse->op == TIDY_OP_TRASH;
	TidyStat st;
	int r = stat_entry(undo, dir, inverse->name, from_trash, &st);

	if (r == 0 && (inverse->ino == 0 || st.ino == inverse->ino))
		return is_as_left(undo, inverse, dir, &st);
	if (inverse->ino != 0 && is_at(undo, to_dir, inverse->to_name, to_trash, inverse->ino)) {
		if (from_trash && r == -ENOENT)
			drop_orphan_info(undo, inverse, dir);
		return FALSE;
	}
	/* The journal's word that a step was not made is good enough where the disk agrees. */
	if (g_hash_table_contains(undo->operation->journal->skips, &inverse->origin))
		return FALSE;
	return note(undo, inverse, dir, why_not(r));
}

/* An earlier undo, which had to leave something else, made the copy already. */
static gboolean
is_copied(TidyUndo *undo, const TidyStep *inverse, TidyDir *dir, TidyDir *to_dir)
{
	int to = tidy_dir_fd(to_dir);
	int from = tidy_dir_fd(dir);

	return from >= 0 && to >= 0 &&
	       tidy_compare_files(undo->fs, from, inverse->name, to, inverse->to_name, NULL) ==
		       TIDY_COMPARE_EQUAL;
}

/* COPY: the twin is still what it was. DELETE: the bytes decide, at the moment of acting. */
static gboolean
may_copy_back(TidyUndo *undo, const TidyStep *inverse, TidyDir *dir, TidyDir *to_dir)
{
	TidyStat st;
	int r = stat_entry(undo, dir, inverse->name, FALSE, &st);

	if (inverse->op == TIDY_OP_DELETE)
		return r == 0;
	if (is_at(undo, to_dir, inverse->to_name, FALSE, inverse->to_ino) ||
	    is_copied(undo, inverse, dir, to_dir))
		return FALSE;
	if (r < 0)
		return note(undo, inverse, dir, why_not(r));
	if (st.ino != inverse->ino)
		return note(undo, inverse, dir, TIDY_WHY_CHANGED);
	return is_as_left(undo, inverse, dir, &st);
}

/* What was made is there; when it is not, it was never made or is gone by itself. */
static gboolean
may_remove(TidyUndo *undo, const TidyStep *inverse, TidyDir *dir)
{
	TidyStat st;
	int r = stat_entry(undo, dir, inverse->name, FALSE, &st);

	/* A file that says something else is not, or no longer, what was made: it stays, and what was there before, if it
	 * is not that, says so when it finds the name taken. */
	if (r == 0 && inverse->op == TIDY_OP_UNLINK && inverse->type == TIDY_TYPE_FILE) {
		r = tidy_text_check(undo->fs, tidy_dir_fd(dir), inverse);
		return r == 0 || (r != -ESTALE && note(undo, inverse, dir, why_not(r)));
	}
	/* Another kind of thing has the name: what was made is gone, or never was. */
	if (r == 0)
		return tidy_stat_type(&st) ==
		       (inverse->op == TIDY_OP_RMDIR ? TIDY_TYPE_DIR : inverse->type);
	if (why_not(r) != TIDY_WHY_GONE)
		note(undo, inverse, dir, why_not(r));
	return FALSE;
}

/* The copy of an operation that was cut off before the source went, as far as stamps tell: the executor compares the bytes,
 * and takes the copy away. */
static gboolean
is_unfinished_copy(const TidyUndo *undo, const TidyStep *inverse, const TidyStat *copy,
		   const TidyStat *source)
{
	return !undo->operation->journal->is_committed && source->ino == inverse->to_ino &&
	       tidy_stat_type(copy) == inverse->type && copy->size == source->size &&
	       copy->mtime_ns == source->mtime_ns &&
	       copy->ctime_ns >= undo->operation->journal->header.begin_ns - TICK_NS;
}

/* A skip record counts unless recovery made the step after all: the file has the stamp it was given, and it was not a
 * later pass, by a step of its own, that made it. */
static gboolean
has_later_try(const TidyUndo *undo, const TidyStep *inverse)
{
	const TidyJournal *journal = undo->operation->journal;
	g_autofree char *dir = tidy_journal_dir_path(journal, inverse->dir);

	for (guint i = journal->steps->len; i > 0; i--) {
		const TidyStep *step = g_ptr_array_index(journal->steps, i - 1);
		g_autofree char *to_dir = NULL;

		if (step->seq <= inverse->origin)
			return FALSE;
		if (step->op != TIDY_OP_CARRY || strcmp(step->to_name, inverse->name) != 0)
			continue;
		/* A further pass has a further record of the same directory. */
		to_dir = tidy_journal_dir_path(journal, step->to_dir);
		if (strcmp(to_dir, dir) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Fills in which file it is: no intent could know the inode of the copy. */
static gboolean
may_carry_back(TidyUndo *undo, TidyStep *inverse, TidyDir *dir, TidyDir *to_dir)
{
	TidyStat st;
	TidyStat source;
	int r = stat_entry(undo, dir, inverse->name, FALSE, &st);
	int back = stat_entry(undo, to_dir, inverse->to_name, FALSE, &source);

	if (!undo->is_dry_run && !undo->operation->journal->is_committed && tidy_dir_fd(dir) >= 0)
		tidy_carry_drop_temp(undo->fs, tidy_engine_salt(undo->engine), tidy_dir_fd(dir),
				     inverse->name);
	/* Another undo made it, or it was never made. */
	if (back == 0 && (r < 0 || !is_unfinished_copy(undo, inverse, &st, &source)))
		return FALSE;
	if (g_hash_table_contains(undo->operation->journal->skips, &inverse->origin) &&
	    (r < 0 || st.mtime_ns != inverse->mtime_ns || has_later_try(undo, inverse)))
		return FALSE;
	if (r < 0)
		return note(undo, inverse, dir, why_not(r));
	if (tidy_stat_type(&st) != inverse->type || st.size != inverse->size)
		return note(undo, inverse, dir, TIDY_WHY_CHANGED);
	inverse->ino = st.ino;
	return is_as_left(undo, inverse, dir, &st);
}

/* HARDLINK and SEPARATE: by the inode that has the name. What was never made, or is undone, is left without a word. */
static gboolean
may_exchange_back(TidyUndo *undo, const TidyStep *inverse, TidyDir *dir, TidyDir *to_dir)
{
	TidyStat st;
	int r = stat_entry(undo, dir, inverse->name, FALSE, &st);
	gboolean is_linked = r == 0 && st.ino == inverse->to_ino;

	if (r < 0)
		return note(undo, inverse, dir, why_not(r));
	if (is_linked != (inverse->op == TIDY_OP_SEPARATE))
		return !is_linked && st.ino != inverse->ino &&
		       !is_copied(undo, inverse, dir, to_dir) &&
		       note(undo, inverse, dir, TIDY_WHY_CHANGED);
	return is_as_left(undo, inverse, dir, &st);
}

gboolean
tidy_undo_may(TidyUndo *undo, TidyStep *inverse, TidyDir *dir, TidyDir *to_dir)
{
	switch (inverse->op) {
	case TIDY_OP_MOVE:
	case TIDY_OP_TRASH:
	case TIDY_OP_RESTORE:
		return may_move_back(undo, inverse, dir, to_dir);
	case TIDY_OP_COPY:
	case TIDY_OP_DELETE:
		return may_copy_back(undo, inverse, dir, to_dir);
	case TIDY_OP_CARRY:
		return may_carry_back(undo, inverse, dir, to_dir);
	case TIDY_OP_LINK: /* the link is there: its removal was never made, or is undone */
		return !tidy_text_says(undo->fs, tidy_dir_fd(dir), inverse);
	case TIDY_OP_MKDIR:
		return TRUE;
	case TIDY_OP_RMDIR:
	case TIDY_OP_UNLINK:
		return may_remove(undo, inverse, dir);
	case TIDY_OP_SEPARATE:
	case TIDY_OP_HARDLINK:
		return may_exchange_back(undo, inverse, dir, to_dir);
	case TIDY_OP_TIMES:
	case TIDY_OP_SAME:
	case TIDY_OP_REFLINK:
		break;
	}
	return FALSE;
}

/* --- names of one file of which some were renamed and others copied --- */

/* Where the operation put one more name of a file, or in its undo put it back. */
static gboolean
keeps_file(const TidyStep *step)
{
	return step->type == TIDY_TYPE_FILE &&
	       (step->op == TIDY_OP_MOVE || step->op == TIDY_OP_TRASH ||
		(step->op == TIDY_OP_DELETE && step->ino == step->to_ino));
}

static GHashTable *
find_copied_names(const TidyJournal *journal)
{
	GHashTable *inodes = g_hash_table_new(g_int64_hash, g_int64_equal);

	for (guint i = 0; i < journal->steps->len; i++) {
		TidyStep *step = g_ptr_array_index(journal->steps, i);

		if (step->op == TIDY_OP_CARRY && step->is_shared)
			g_hash_table_add(inodes, &step->ino);
	}
	return inodes;
}

static gboolean
has_unchanged(TidyUndo *undo, TidyDir *dir, const char *name, guint64 ino)
{
	int fd = tidy_dir_fd(dir);
	TidyStat st;

	return fd >= 0 && undo->fs->stat(undo->fs, fd, name, &st) == 0 && st.ino == ino &&
	       !is_changed(undo, &st);
}

void
tidy_undo_rejoin(TidyUndo *undo)
{
	const TidyJournal *journal = undo->operation->journal;
	g_autoptr(GHashTable) copied = find_copied_names(journal);

	for (guint i = 0; g_hash_table_size(copied) > 0 && i < journal->steps->len; i++) {
		const TidyStep *step = g_ptr_array_index(journal->steps, i);
		g_autoptr(TidyDir) now = NULL;
		TidyDir *then;

		if (!keeps_file(step) || !g_hash_table_contains(copied, &step->ino))
			continue;
		then = tidy_undo_dir(undo, step->dir);
		now = step->op == TIDY_OP_TRASH
			      ? tidy_dir_child(tidy_undo_dir(undo, step->to_dir), "files")
			      : tidy_dir_ref(tidy_undo_dir(undo, step->to_dir));
		if (!has_unchanged(undo, now, step->to_name, step->ino) &&
		    !has_unchanged(undo, then, step->name, step->ino))
			continue;
		remember_linked(undo, step->ino);
		tidy_carry_sets_add(undo->run->sets, step->ino, now, step->to_name, then,
				    step->name);
	}
}
