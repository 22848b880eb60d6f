/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One step: the smallest change of the disk that the engine makes. A merge, an undo and a recovery are all lists of
 * steps; the journal holds them as intents; each step has an inverse. Pure.
 *
 * A step names directories by number (TidyDirInfo) and entries by one path component, so no path is resolved
 * twice and none can outgrow PATH_MAX. A step is known to be done or not by the inode that lies at either name.
 */
#pragma once

#include <glib.h>

#include "home/fs/fs.h"

typedef enum {
	TIDY_OP_MOVE = 1, /* @dir/@name becomes @to_dir/@to_name, whole trees too; undone by MOVE */
	TIDY_OP_TRASH, /* @dir/@name goes to the Trash @to_dir as files/@to_name; undone by RESTORE */
	TIDY_OP_RESTORE, /* Trash @dir files/@name comes back as @to_dir/@to_name; undone by TRASH */
	TIDY_OP_DELETE, /* @dir/@name, of which @to_dir/@to_name is an equal copy, goes; undone by COPY */
	TIDY_OP_COPY, /* @to_dir/@to_name is made anew from its equal @dir/@name; undone by DELETE */
	TIDY_OP_MKDIR, /* @dir/@name is made with @mode and @xattrs; undone by RMDIR */
	TIDY_OP_RMDIR, /* the empty @dir/@name goes; undone by MKDIR */
	/* A symbolic link @dir/@name with @text is made, or for type FILE a file with that text; undone by UNLINK. */
	TIDY_OP_LINK,
	TIDY_OP_UNLINK, /* the link, or file, @dir/@name that says @text goes; undone by LINK */
	TIDY_OP_TIMES, /* directory @dir/@name, which is @to_dir, gets @mtime_ns; the record of @to_dir undoes it */
	TIDY_OP_CARRY, /* as MOVE, to another file system: copied, verified, then removed; undone by CARRY */
	TIDY_OP_SAME, /* @dir/@name and @to_dir/@to_name are equal, whole trees too: only looked at, before the next step */
	TIDY_OP_HARDLINK, /* @dir/@name becomes a name of its equal @to_dir/@to_name; undone by SEPARATE */
	TIDY_OP_SEPARATE, /* @dir/@name, a name of @to_dir/@to_name, becomes a file of its own; undone by HARDLINK */
	TIDY_OP_REFLINK, /* @dir/@name shares the blocks of its equal @to_dir/@to_name: nothing that an undo could see */
} TidyOp;

#define TIDY_OP_LAST TIDY_OP_REFLINK

/* Why a step is made or an entry left: a stable code for reports, see tidy_why_text(). */
typedef enum {
	TIDY_WHY_NONE,
	TIDY_WHY_ABSENT,	/* the target lacks it */
	TIDY_WHY_NAME_TAKEN,	/* same name, other content: both are kept */
	TIDY_WHY_IDENTICAL,	/* same name, same bytes */
	TIDY_WHY_SAME_FILE,	/* both names are links to one inode */
	TIDY_WHY_NEWER,		/* policy newer: this one loses */
	TIDY_WHY_VIEW_FILE,	/* .directory and the like: the target's wins */
	TIDY_WHY_RELATIVE_LINK, /* a relative link that the move would break is rewritten */
	TIDY_WHY_EMPTY,		/* a directory that is empty now */
	TIDY_WHY_COMPATIBILITY, /* leave = symlink */
	TIDY_WHY_UNDO,		/* takes a step of another operation back */
	TIDY_WHY_METADATA,	/* keeps a directory's time stamp */
	/* reasons to leave an entry where it is */
	TIDY_WHY_UNFINISHED,   /* a download that has not ended, or its partner */
	TIDY_WHY_OPEN,	       /* some program has it open for writing */
	TIDY_WHY_YOUNG,	       /* changed a moment ago */
	TIDY_WHY_MOUNT,	       /* a mount point */
	TIDY_WHY_POLICY_SKIP,  /* policy skip */
	TIDY_WHY_POLICY_ASK,   /* policy ask: the user decides */
	TIDY_WHY_UNREADABLE,   /* it could not be looked at */
	TIDY_WHY_NO_NAME,      /* 2..9999 are all taken */
	TIDY_WHY_LOST_RACE,    /* it changed while the merge ran */
	TIDY_WHY_CHANGED,      /* undo: changed since */
	TIDY_WHY_FAILED,       /* the system said no; the problem has the text */
	TIDY_WHY_GONE,	       /* it is no longer there */
	TIDY_WHY_CROSS_DEVICE, /* another file system */
	TIDY_WHY_UNKEEPABLE,   /* the other file system cannot hold its attributes */
	TIDY_WHY_NO_SHARING,   /* the file system cannot share blocks between files */
} TidyWhy;

#define TIDY_WHY_LAST TIDY_WHY_NO_SHARING

/* A directory as the journal knows it: a place in a tree of names, and what it was when first seen. */
typedef struct {
	guint32 id;	/* from 1 */
	guint32 parent; /* 0: @name is an absolute path */
	char *name;
	guint64 dev;
	guint64 ino;	 /* 0: not known (it did not exist yet) */
	gint64 mtime_ns; /* when first seen; TIDY_TIME_OMIT: not known */
	guint32 mode;
} TidyDirInfo;

typedef struct {
	TidyOp op;
	TidyWhy why;
	TidyType type;
	guint32 dir;	/* TidyDirInfo.id */
	guint32 to_dir; /* 0: none */
	char *name;
	char *to_name; /* NULL: none; MKDIR: the name that it has in the stray, if another */
	char *text;    /* a link's text, or NULL */
	guint64 ino;   /* of the entry at @dir/@name; 0: not known */
	guint64 to_ino; /* DELETE and COPY: of the equal file; CARRY that undoes one: what was at @to_name */
	gint64 size;	 /* -1: not known */
	gint64 mtime_ns; /* of the entry; TIDY_TIME_OMIT: not known */
	guint64 seq;	 /* its place in the journal; 0 before it is written */
	gsize disk_order; /* MOVE: where its directory had it, in any unit; 0: not known. Not in the journal */
	guint64 origin; /* undo: the sequence number of the step that this one takes back; 0: none */
	gboolean needs_previous; /* not made when the step before it was not */
	gboolean is_shared;	 /* CARRY: the file has further names (hard links) */
	guint32 mode; /* MKDIR, RMDIR, DELETE, COPY, CARRY: st_mode; LINK, UNLINK: 0 when not known */
	guint32 uid;
	guint32 gid;
	GBytes *xattrs; /* as tidy_xattrs_pack() packs them, or NULL */
} TidyStep;

/* "move", "trash", ... as reports and the history name it. Static. */
const char *tidy_step_op_name(TidyOp op);
/* The stable code of a reason: "name-taken", "unfinished-download", ... Static. */
const char *tidy_why_code(TidyWhy why);
/* The same for people, one clause without a full stop. Static, not translated. */
const char *tidy_why_text(TidyWhy why);

TidyStep *tidy_step_copy(const TidyStep *step);
void tidy_step_clear(TidyStep *step);
void tidy_step_free(TidyStep *step);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyStep, tidy_step_free)

void tidy_dir_info_free(TidyDirInfo *info);

/**
 * tidy_step_inverse - fills @inverse with what takes @step back
 * @inverse: (out): owns its strings; clear it with tidy_step_clear()
 *
 * Returns: FALSE for TIMES, which the journal's directory records take back, and for what changes nothing that can be seen.
 */
gboolean tidy_step_inverse(const TidyStep *step, TidyStep *inverse);
