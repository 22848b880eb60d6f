/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TidyFs around another: calls that fail on command, and a hook before each. I/O of the inner table. */
#include "tests/support/fault-fs.h"

#include <fcntl.h>

struct FaultFs {
	TidyFs table;
	TidyFs *inner;
	FsFaults *faults;
	FaultHook hook;
	gpointer data;
	guint calls;
	gboolean is_in_hook;
};

static FaultFs *
fault_of(TidyFs *fs)
{
	return (FaultFs *)fs;
}

/* 0 to go on, or what to answer. */
static int
enter(TidyFs *fs, FsOp op, int dir, const char *name, gboolean is_mutating)
{
	FaultFs *fault = fault_of(fs);
	int answer = 0;

	if (fault->is_in_hook)
		return 0;
	fault->calls++;
	if (fault->hook) {
		fault->is_in_hook = TRUE;
		answer = fault->hook(fault, op, dir, name, fault->calls, fault->data);
		fault->is_in_hook = FALSE;
	}
	return answer < 0 ? answer : fs_faults_check(fault->faults, op, is_mutating);
}

/* The body of a member that only looks or only passes on. */
#define PASS(op, dir, name, member, ...)                                        \
	do {                                                                    \
		int answer = enter(fs, op, dir, name, fs_op_is_mutating(op));   \
		TidyFs *inner = fault_of(fs)->inner;                            \
                                                                                \
		return answer < 0 ? answer : inner->member(inner, __VA_ARGS__); \
	} while (0)

static int
fault_openat(TidyFs *fs, int dir, const char *name, int flags, mode_t mode)
{
	gboolean is_mutating = (flags & (O_CREAT | O_TRUNC)) != 0;
	int answer = enter(fs, FS_OP_OPENAT, dir, name, is_mutating);
	TidyFs *inner = fault_of(fs)->inner;

	return answer < 0 ? answer : inner->openat(inner, dir, name, flags, mode);
}

static int
fault_tmpfile(TidyFs *fs, int dir, mode_t mode)
{
	PASS(FS_OP_TMPFILE, dir, NULL, tmpfile, dir, mode);
}

static int
fault_close(TidyFs *fs, int fd)
{
	int answer = enter(fs, FS_OP_CLOSE, fd, NULL, FALSE);
	TidyFs *inner = fault_of(fs)->inner;
	int closed = inner->close(inner, fd);

	return answer < 0 ? answer : closed;
}

static ssize_t
fault_getdents(TidyFs *fs, int dir, void *buffer, size_t size)
{
	PASS(FS_OP_GETDENTS, dir, NULL, getdents, dir, buffer, size);
}

static int
fault_rewind(TidyFs *fs, int dir)
{
	PASS(FS_OP_REWIND, dir, NULL, rewind, dir);
}

static int
fault_stat(TidyFs *fs, int dir, const char *name, TidyStat *st)
{
	PASS(FS_OP_STAT, dir, name, stat, dir, name, st);
}

static int
fault_fsinfo(TidyFs *fs, int fd, TidyFsInfo *info)
{
	PASS(FS_OP_FSINFO, fd, NULL, fsinfo, fd, info);
}

static int
fault_rename(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to)
{
	PASS(FS_OP_RENAME, from_dir, from, rename, from_dir, from, to_dir, to);
}

static int
fault_replace(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to)
{
	PASS(FS_OP_REPLACE, from_dir, from, replace, from_dir, from, to_dir, to);
}

static int
fault_exchange(TidyFs *fs, int dir, const char *a, const char *b)
{
	PASS(FS_OP_EXCHANGE, dir, a, exchange, dir, a, b);
}

static int
fault_link(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to)
{
	PASS(FS_OP_LINK, from_dir, from, link, from_dir, from, to_dir, to);
}

static int
fault_linkfd(TidyFs *fs, int fd, int to_dir, const char *to)
{
	PASS(FS_OP_LINKFD, to_dir, to, linkfd, fd, to_dir, to);
}

static int
fault_unlink(TidyFs *fs, int dir, const char *name, int flags)
{
	PASS(FS_OP_UNLINK, dir, name, unlink, dir, name, flags);
}

static int
fault_mkdir(TidyFs *fs, int dir, const char *name, mode_t mode)
{
	PASS(FS_OP_MKDIR, dir, name, mkdir, dir, name, mode);
}

static int
fault_symlink(TidyFs *fs, const char *target, int dir, const char *name)
{
	PASS(FS_OP_SYMLINK, dir, name, symlink, target, dir, name);
}

static int
fault_mkfifo(TidyFs *fs, int dir, const char *name, mode_t mode)
{
	PASS(FS_OP_MKFIFO, dir, name, mkfifo, dir, name, mode);
}

static ssize_t
fault_readlink(TidyFs *fs, int dir, const char *name, char *buffer, size_t size)
{
	PASS(FS_OP_READLINK, dir, name, readlink, dir, name, buffer, size);
}

static ssize_t
fault_pread(TidyFs *fs, int fd, void *buffer, size_t size, gint64 offset)
{
	PASS(FS_OP_PREAD, fd, NULL, pread, fd, buffer, size, offset);
}

static ssize_t
fault_pwrite(TidyFs *fs, int fd, const void *buffer, size_t size, gint64 offset)
{
	PASS(FS_OP_PWRITE, fd, NULL, pwrite, fd, buffer, size, offset);
}

static int
fault_truncate(TidyFs *fs, int fd, gint64 size)
{
	PASS(FS_OP_TRUNCATE, fd, NULL, truncate, fd, size);
}

static int
fault_fsync(TidyFs *fs, int fd)
{
	PASS(FS_OP_FSYNC, fd, NULL, fsync, fd);
}

static int
fault_fdatasync(TidyFs *fs, int fd)
{
	PASS(FS_OP_FDATASYNC, fd, NULL, fdatasync, fd);
}

static int
fault_syncfs(TidyFs *fs, int fd)
{
	PASS(FS_OP_SYNCFS, fd, NULL, syncfs, fd);
}

static int
fault_begin_sync(TidyFs *fs, int dir)
{
	PASS(FS_OP_BEGIN_SYNC, dir, NULL, begin_sync, dir);
}

static void
fault_end_sync(TidyFs *fs)
{
	TidyFs *inner = fault_of(fs)->inner;

	enter(fs, FS_OP_END_SYNC, -1, NULL, FALSE);
	inner->end_sync(inner);
}

static int
fault_advise(TidyFs *fs, int fd, gint64 offset, gint64 size, int advice)
{
	PASS(FS_OP_ADVISE, fd, NULL, advise, fd, offset, size, advice);
}

static gint64
fault_seek(TidyFs *fs, int fd, gint64 offset, int whence)
{
	PASS(FS_OP_SEEK, fd, NULL, seek, fd, offset, whence);
}

static int
fault_extents(TidyFs *fs, int fd, gint64 offset, TidyExtent *extents, guint max)
{
	PASS(FS_OP_EXTENTS, fd, NULL, extents, fd, offset, extents, max);
}

static int
fault_clone(TidyFs *fs, int from, int to)
{
	PASS(FS_OP_CLONE, to, NULL, clone, from, to);
}

static ssize_t
fault_copy_range(TidyFs *fs, int from, gint64 from_offset, int to, gint64 to_offset, size_t size)
{
	PASS(FS_OP_COPY_RANGE, to, NULL, copy_range, from, from_offset, to, to_offset, size);
}

static gint64
fault_dedupe(TidyFs *fs, int from, int to, gint64 offset, gint64 size)
{
	PASS(FS_OP_DEDUPE, to, NULL, dedupe, from, to, offset, size);
}

static int
fault_chmod(TidyFs *fs, int dir, const char *name, mode_t mode)
{
	PASS(FS_OP_CHMOD, dir, name, chmod, dir, name, mode);
}

static int
fault_chown(TidyFs *fs, int dir, const char *name, uid_t uid, gid_t gid)
{
	PASS(FS_OP_CHOWN, dir, name, chown, dir, name, uid, gid);
}

static int
fault_utimens(TidyFs *fs, int dir, const char *name, gint64 atime_ns, gint64 mtime_ns)
{
	PASS(FS_OP_UTIMENS, dir, name, utimens, dir, name, atime_ns, mtime_ns);
}

static ssize_t
fault_listxattr(TidyFs *fs, int fd, char *buffer, size_t size)
{
	PASS(FS_OP_LISTXATTR, fd, NULL, listxattr, fd, buffer, size);
}

static ssize_t
fault_getxattr(TidyFs *fs, int fd, const char *name, void *buffer, size_t size)
{
	PASS(FS_OP_GETXATTR, fd, name, getxattr, fd, name, buffer, size);
}

static int
fault_setxattr(TidyFs *fs, int fd, const char *name, const void *value, size_t size)
{
	PASS(FS_OP_SETXATTR, fd, name, setxattr, fd, name, value, size);
}

static int
fault_no_writer(TidyFs *fs, int fd)
{
	PASS(FS_OP_NO_WRITER, fd, NULL, no_writer, fd);
}

static int
fault_flock(TidyFs *fs, int fd, TidyLock lock)
{
	PASS(FS_OP_FLOCK, fd, NULL, flock, fd, lock);
}

static gint64
fault_now(TidyFs *fs)
{
	TidyFs *inner = fault_of(fs)->inner;

	return inner->now(inner);
}

static const TidyFs TABLE = {
	.openat = fault_openat,
	.tmpfile = fault_tmpfile,
	.close = fault_close,
	.getdents = fault_getdents,
	.rewind = fault_rewind,
	.stat = fault_stat,
	.fsinfo = fault_fsinfo,
	.rename = fault_rename,
	.replace = fault_replace,
	.exchange = fault_exchange,
	.link = fault_link,
	.linkfd = fault_linkfd,
	.unlink = fault_unlink,
	.mkdir = fault_mkdir,
	.symlink = fault_symlink,
	.mkfifo = fault_mkfifo,
	.readlink = fault_readlink,
	.pread = fault_pread,
	.pwrite = fault_pwrite,
	.truncate = fault_truncate,
	.fsync = fault_fsync,
	.fdatasync = fault_fdatasync,
	.syncfs = fault_syncfs,
	.begin_sync = fault_begin_sync,
	.end_sync = fault_end_sync,
	.advise = fault_advise,
	.seek = fault_seek,
	.extents = fault_extents,
	.clone = fault_clone,
	.copy_range = fault_copy_range,
	.dedupe = fault_dedupe,
	.chmod = fault_chmod,
	.chown = fault_chown,
	.utimens = fault_utimens,
	.listxattr = fault_listxattr,
	.getxattr = fault_getxattr,
	.setxattr = fault_setxattr,
	.no_writer = fault_no_writer,
	.flock = fault_flock,
	.now = fault_now,
};

FaultFs *
fault_fs_new(TidyFs *inner)
{
	FaultFs *fault = g_new0(FaultFs, 1);

	fault->table = TABLE;
	fault->inner = inner;
	fault->faults = fs_faults_new();
	return fault;
}

void
fault_fs_free(FaultFs *fault)
{
	fs_faults_free(fault->faults);
	g_free(fault);
}

TidyFs *
fault_fs_table(FaultFs *fault)
{
	return &fault->table;
}

TidyFs *
fault_fs_inner(FaultFs *fault)
{
	return fault->inner;
}

void
fault_fs_set_hook(FaultFs *fault, FaultHook hook, gpointer data)
{
	fault->hook = hook;
	fault->data = data;
}

void
fault_fs_fail(FaultFs *fault, FsOp op, guint nth, int errno_code, FsFailMode mode)
{
	fs_faults_add(fault->faults, op, nth, errno_code, mode);
}

void
fault_fs_clear(FaultFs *fault)
{
	fs_faults_clear(fault->faults);
}

guint
fault_fs_seen(FaultFs *fault, FsOp op)
{
	return fs_faults_seen(fault->faults, op);
}

guint
fault_fs_fired(FaultFs *fault)
{
	return fs_faults_fired(fault->faults);
}
