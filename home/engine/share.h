/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two equal things and the disk they take: checks that they are equal now, lets files share what they hold, and takes that
 * back. Nothing is believed that was found out before: files are compared under open descriptors at the moment of acting,
 * and what an exchange of names brought out is looked at before it goes. I/O.
 *
 * A name is never absent: the new file gets a temporary name beside it, then the two names are exchanged, then what the
 * temporary name means now goes. After a crash the temporary name tells by its inode how far it came:
 *   1 it is the new file          the exchange was not made: it goes, and all begins anew
 *   2 it is the old file          the exchange was made: compared again, and it goes
 *   3 it is the old file, and the name is absent: a power cut kept half of the exchange; it gets its name back
 */
#pragma once

#include "home/engine/dir.h"
#include "home/merge/step.h"

typedef struct {
	TidyFs *fs;
	guint64 salt;	    /* of temporary names: tidy_engine_salt() */
	gboolean is_replay; /* the step may have been made before, or half made */
} TidyShare;

/* 0 when the open files @fd and @twin have the same bytes and nobody writes to them, and the bytes of @twin are durable;
 * also when they are two names of one file. -ESTALE when not, -ETXTBSY when somebody writes, or -errno. */
int tidy_share_prove(TidyFs *fs, int fd, int twin);

/* SAME: 0 when @dir/step->name and @keep_dir/step->to_name have the same kind, bytes, link text, and, of directories, the
 * same names below. -ESTALE when not. In a replay also 0 when the first is gone: what comes next looks where it is. */
int tidy_share_check(const TidyShare *share, int dir, int keep_dir, const TidyStep *step);

/* HARDLINK. -ESTALE when one of them is not what the step says, or they are no longer equal. 0 or -errno. */
int tidy_share_hardlink(const TidyShare *share, int dir, int keep_dir, const TidyStep *step);

/* SEPARATE: a copy of its own, with the step's mode, owner, attributes and stamp. 0 or -errno. */
int tidy_share_separate(const TidyShare *share, int dir, const TidyStep *step);

/* REFLINK: the kernel compares and shares, under its own lock. 0 or -errno; -ENOTTY where blocks cannot be shared. */
int tidy_share_reflink(const TidyShare *share, int dir, int keep_dir, const TidyStep *step);
