/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names, copies and inverses of steps. Pure. */
#include "home/merge/step.h"

static const char *const op_names[] = {
	[TIDY_OP_MOVE] = "move",	 [TIDY_OP_TRASH] = "trash",
	[TIDY_OP_RESTORE] = "restore",	 [TIDY_OP_DELETE] = "delete",
	[TIDY_OP_COPY] = "copy",	 [TIDY_OP_MKDIR] = "mkdir",
	[TIDY_OP_RMDIR] = "rmdir",	 [TIDY_OP_LINK] = "link",
	[TIDY_OP_UNLINK] = "unlink",	 [TIDY_OP_TIMES] = "times",
	[TIDY_OP_CARRY] = "carry",	 [TIDY_OP_SAME] = "same",
	[TIDY_OP_HARDLINK] = "hardlink", [TIDY_OP_SEPARATE] = "separate",
	[TIDY_OP_REFLINK] = "reflink",
};

static const struct {
	const char *code;
	const char *text;
} whys[] = {
	[TIDY_WHY_NONE] = { "none", "" },
	[TIDY_WHY_ABSENT] = { "absent", "the target lacks it" },
	[TIDY_WHY_NAME_TAKEN] = { "name-taken", "same name, other content: both are kept" },
	[TIDY_WHY_IDENTICAL] = { "identical", "the target has the same bytes" },
	[TIDY_WHY_SAME_FILE] = { "same-file", "the target has a link to the same file" },
	[TIDY_WHY_NEWER] = { "newer", "the other one is newer" },
	[TIDY_WHY_VIEW_FILE] = { "view-file", "a file manager's own file: the target's is kept" },
	[TIDY_WHY_RELATIVE_LINK] = { "relative-link",
				     "a relative link that would break is rewritten" },
	[TIDY_WHY_EMPTY] = { "empty", "the directory is empty now" },
	[TIDY_WHY_COMPATIBILITY] = { "compatibility-link", "programs may still use the old path" },
	[TIDY_WHY_UNDO] = { "undo", "as it was before" },
	[TIDY_WHY_METADATA] = { "metadata", "keeps the time stamp" },
	[TIDY_WHY_UNFINISHED] = { "unfinished-download", "an unfinished download" },
	[TIDY_WHY_OPEN] = { "open-for-write", "a program is writing to it" },
	[TIDY_WHY_YOUNG] = { "young", "changed a moment ago" },
	[TIDY_WHY_MOUNT] = { "mount-point", "a mount point" },
	[TIDY_WHY_POLICY_SKIP] = { "policy-skip", "same name, other content: left as configured" },
	[TIDY_WHY_POLICY_ASK] = { "policy-ask",
				  "same name, other content: waits for your decision" },
	[TIDY_WHY_UNREADABLE] = { "unreadable", "cannot be read" },
	[TIDY_WHY_NO_NAME] = { "no-free-name", "no free name is left" },
	[TIDY_WHY_LOST_RACE] = { "changed-meanwhile", "it changed while the merge ran" },
	[TIDY_WHY_CHANGED] = { "changed-since", "changed since" },
	[TIDY_WHY_FAILED] = { "failed", "the system refused it" },
	[TIDY_WHY_GONE] = { "gone", "it is no longer there" },
	[TIDY_WHY_CROSS_DEVICE] = { "cross-device", "it cannot leave its file system" },
	[TIDY_WHY_UNKEEPABLE] = { "unkeepable-attributes",
				  "the other file system cannot hold its attributes" },
	[TIDY_WHY_NO_SHARING] = { "no-shared-blocks",
				  "its file system cannot share blocks; btrfs and xfs can" },
};

const char *
tidy_step_op_name(TidyOp op)
{
	g_return_val_if_fail(op >= TIDY_OP_MOVE && op <= TIDY_OP_LAST, "unknown");
	return op_names[op];
}

const char *
tidy_why_code(TidyWhy why)
{
	g_return_val_if_fail(why <= TIDY_WHY_LAST, "none");
	return whys[why].code;
}

const char *
tidy_why_text(TidyWhy why)
{
	g_return_val_if_fail(why <= TIDY_WHY_LAST, "");
	return whys[why].text;
}

TidyStep *
tidy_step_copy(const TidyStep *step)
{
	TidyStep *copy = g_memdup2(step, sizeof *step);

	copy->name = g_strdup(step->name);
	copy->to_name = g_strdup(step->to_name);
	copy->text = g_strdup(step->text);
	copy->xattrs = step->xattrs != NULL ? g_bytes_ref(step->xattrs) : NULL;
	return copy;
}

void
tidy_step_clear(TidyStep *step)
{
	g_clear_pointer(&step->name, g_free);
	g_clear_pointer(&step->to_name, g_free);
	g_clear_pointer(&step->text, g_free);
	g_clear_pointer(&step->xattrs, g_bytes_unref);
}

void
tidy_step_free(TidyStep *step)
{
	tidy_step_clear(step);
	g_free(step);
}

void
tidy_dir_info_free(TidyDirInfo *info)
{
	g_free(info->name);
	g_free(info);
}

static void
swap_sides(TidyStep *inverse, const TidyStep *step)
{
	inverse->dir = step->to_dir;
	inverse->to_dir = step->dir;
	inverse->name = g_strdup(step->to_name);
	inverse->to_name = g_strdup(step->name);
}

static void
keep_sides(TidyStep *inverse, const TidyStep *step)
{
	inverse->name = g_strdup(step->name);
	inverse->to_name = g_strdup(step->to_name);
}

static TidyOp
inverse_op(TidyOp op)
{
	switch (op) {
	case TIDY_OP_MOVE:
		return TIDY_OP_MOVE;
	case TIDY_OP_TRASH:
		return TIDY_OP_RESTORE;
	case TIDY_OP_RESTORE:
		return TIDY_OP_TRASH;
	case TIDY_OP_DELETE:
		return TIDY_OP_COPY;
	case TIDY_OP_COPY:
		return TIDY_OP_DELETE;
	case TIDY_OP_MKDIR:
		return TIDY_OP_RMDIR;
	case TIDY_OP_RMDIR:
		return TIDY_OP_MKDIR;
	case TIDY_OP_LINK:
		return TIDY_OP_UNLINK;
	case TIDY_OP_UNLINK:
		return TIDY_OP_LINK;
	case TIDY_OP_CARRY:
		return TIDY_OP_CARRY;
	case TIDY_OP_HARDLINK:
		return TIDY_OP_SEPARATE;
	case TIDY_OP_SEPARATE:
		return TIDY_OP_HARDLINK;
	case TIDY_OP_TIMES:
	case TIDY_OP_SAME:
	case TIDY_OP_REFLINK:
		break;
	}
	return TIDY_OP_TIMES;
}

/* What was made anew, or will be, has an inode that no intent could know. */
static gboolean
gets_new_inode(TidyOp op)
{
	return op == TIDY_OP_MKDIR || op == TIDY_OP_RMDIR || op == TIDY_OP_LINK ||
	       op == TIDY_OP_UNLINK;
}

gboolean
tidy_step_inverse(const TidyStep *step, TidyStep *inverse)
{
	TidyOp op = inverse_op(step->op);

	if (op == TIDY_OP_TIMES)
		return FALSE;
	*inverse = *step;
	inverse->op = op;
	inverse->why = TIDY_WHY_UNDO;
	inverse->origin = step->seq;
	inverse->seq = 0;
	inverse->needs_previous = FALSE;
	inverse->text = g_strdup(step->text);
	inverse->xattrs = step->xattrs != NULL ? g_bytes_ref(step->xattrs) : NULL;
	if (op == TIDY_OP_SEPARATE || op == TIDY_OP_HARDLINK) {
		keep_sides(inverse, step);
	} else if (step->to_dir != 0) {
		swap_sides(inverse, step);
		if (op == TIDY_OP_COPY || op == TIDY_OP_DELETE || op == TIDY_OP_CARRY) {
			inverse->ino = step->to_ino;
			inverse->to_ino = step->ino;
		}
	} else {
		keep_sides(inverse, step);
	}
	if (gets_new_inode(op) || op == TIDY_OP_CARRY || op == TIDY_OP_HARDLINK ||
	    (op == TIDY_OP_DELETE && step->ino != step->to_ino))
		inverse->ino = 0;
	return TRUE;
}
