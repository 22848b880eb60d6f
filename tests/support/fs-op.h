/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operations of TidyFs as an enum, and rules that make the nth of one fail. Shared by fake and wrapper. Pure. */
#pragma once

#include <glib.h>

/* One per member of TidyFs, in its order; FS_OP_ANY in a rule matches each. */
typedef enum {
	FS_OP_OPENAT,
	FS_OP_TMPFILE,
	FS_OP_CLOSE,
	FS_OP_GETDENTS,
	FS_OP_REWIND,
	FS_OP_STAT,
	FS_OP_FSINFO,
	FS_OP_RENAME,
	FS_OP_REPLACE,
	FS_OP_EXCHANGE,
	FS_OP_LINK,
	FS_OP_LINKFD,
	FS_OP_UNLINK,
	FS_OP_MKDIR,
	FS_OP_SYMLINK,
	FS_OP_MKFIFO,
	FS_OP_READLINK,
	FS_OP_PREAD,
	FS_OP_PWRITE,
	FS_OP_TRUNCATE,
	FS_OP_FSYNC,
	FS_OP_FDATASYNC,
	FS_OP_SYNCFS,
	FS_OP_BEGIN_SYNC,
	FS_OP_END_SYNC,
	FS_OP_ADVISE,
	FS_OP_SEEK,
	FS_OP_EXTENTS,
	FS_OP_CLONE,
	FS_OP_COPY_RANGE,
	FS_OP_DEDUPE,
	FS_OP_CHMOD,
	FS_OP_CHOWN,
	FS_OP_UTIMENS,
	FS_OP_LISTXATTR,
	FS_OP_GETXATTR,
	FS_OP_SETXATTR,
	FS_OP_NO_WRITER,
	FS_OP_FLOCK,
	FS_OP_N,
	FS_OP_ANY = FS_OP_N, /* in a rule: every operation */
	FS_OP_ANY_MUTATING,  /* in a rule: every operation that can change the disk */
} FsOp;

/* The member's name, "any" or "mutating". */
const char *fs_op_name(FsOp op);
/* Changes the disk, or what of it is durable. For openat only with O_CREAT or O_TRUNC (the caller knows). */
gboolean fs_op_is_mutating(FsOp op);

typedef enum { FS_FAIL_ONCE, FS_FAIL_PERSISTENT } FsFailMode;

/* A set of rules and the counters they need. */
typedef struct FsFaults FsFaults;

FsFaults *fs_faults_new(void);
void fs_faults_free(FsFaults *faults);
/* From the @nth call (1 is the next one) that matches @op on: @errno_code, for that call or for all from then. */
void fs_faults_add(FsFaults *faults, FsOp op, guint nth, int errno_code, FsFailMode mode);
void fs_faults_clear(FsFaults *faults);
/* How many calls that match @op were seen since the last clear. Failed ones count. */
guint fs_faults_seen(const FsFaults *faults, FsOp op);
/* How many calls were made to fail since the last clear. */
guint fs_faults_fired(const FsFaults *faults);
/* Counts one call; 0, or the -errno it has to answer. @is_mutating: for FS_OP_ANY_MUTATING. */
int fs_faults_check(FsFaults *faults, FsOp op, gboolean is_mutating);
