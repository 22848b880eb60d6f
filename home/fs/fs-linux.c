/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real file system behind the table of operations: one system call each. I/O. */
#include "home/fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "home/fs/sync-ahead.h"

#define NS_PER_S G_GINT64_CONSTANT(1000000000)

/* The value of a system call, or -errno; tried again when a signal came. */
#define RETRY(call)                                                 \
	__extension__({                                             \
		__typeof__(call) answer_;                           \
		do {                                                \
			answer_ = (call);                           \
		} while (answer_ < 0 && errno == EINTR);            \
		answer_ < 0 ? (__typeof__(call))(-errno) : answer_; \
	})

/* openat2(2) came with Linux 5.6; a seccomp filter may also answer EPERM. Asked once, then remembered. */
static gint has_no_openat2;

static int
open_beneath(int dir, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (guint64)flags,
		.mode = (flags & O_CREAT) != 0 ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)RETRY(syscall(SYS_openat2, dir, name, &how, sizeof how));
}

static int
linux_openat(TidyFs *fs, int dir, const char *name, int flags, mode_t mode)
{
	int fd;

	flags |= O_CLOEXEC | O_NOFOLLOW;
	if ((flags & (O_DIRECTORY | O_PATH)) == 0)
		flags |= O_NONBLOCK;
	if (dir != AT_FDCWD && !g_atomic_int_get(&has_no_openat2)) {
		fd = open_beneath(dir, name, flags, mode);
		if (fd != -ENOSYS && fd != -EPERM)
			return fd;
		g_atomic_int_set(&has_no_openat2, fd == -ENOSYS);
	}
	return RETRY(openat(dir, name, flags, mode));
}

static int
linux_tmpfile(TidyFs *fs, int dir, mode_t mode)
{
	int fd = RETRY(openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode));

	return fd == -EISDIR || fd == -EINVAL ? -EOPNOTSUPP : fd;
}

static int
linux_close(TidyFs *fs, int fd)
{
	return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

static ssize_t
linux_getdents(TidyFs *fs, int dir, void *buffer, size_t size)
{
	return RETRY(getdents64(dir, buffer, size));
}

static int
linux_rewind(TidyFs *fs, int dir)
{
	return lseek(dir, 0, SEEK_SET) < 0 ? -errno : 0;
}

static gint64
nanoseconds(const struct statx_timestamp *stamp)
{
	return stamp->tv_sec * NS_PER_S + stamp->tv_nsec;
}

static int
linux_stat(TidyFs *fs, int dir, const char *name, TidyStat *st)
{
	struct statx x;
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name == '\0' ? AT_EMPTY_PATH : 0);
	int r = RETRY(statx(dir, name, flags, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &x));

	if (r < 0)
		return r;
	*st = (TidyStat){
		.dev = makedev(x.stx_dev_major, x.stx_dev_minor),
		.ino = x.stx_ino,
		.mnt_id = (x.stx_mask & STATX_MNT_ID) != 0 ? x.stx_mnt_id : 0,
		.size = (gint64)x.stx_size,
		.mtime_ns = nanoseconds(&x.stx_mtime),
		.ctime_ns = nanoseconds(&x.stx_ctime),
		.btime_ns = (x.stx_mask & STATX_BTIME) != 0 ? nanoseconds(&x.stx_btime) : 0,
		.atime_ns = nanoseconds(&x.stx_atime),
		.blocks = x.stx_blocks,
		.mode = x.stx_mode,
		.nlink = x.stx_nlink,
		.uid = x.stx_uid,
		.gid = x.stx_gid,
		.attributes = (guint32)(x.stx_attributes & x.stx_attributes_mask),
	};
	return 0;
}

static int
linux_fsinfo(TidyFs *fs, int fd, TidyFsInfo *info)
{
	struct statfs sf;
	int r = RETRY(fstatfs(fd, &sf));

	if (r < 0)
		return r;
	*info = (TidyFsInfo){
		.type = (guint32)sf.f_type,
		.free_bytes = (guint64)sf.f_bavail * (guint64)sf.f_bsize,
		.is_read_only = (sf.f_flags & ST_RDONLY) != 0,
	};
	return 0;
}

/* For file systems without RENAME_NOREPLACE (some network and FUSE ones): a link cannot replace either. */
static int
rename_by_link(int from_dir, const char *from, int to_dir, const char *to)
{
	struct stat st;

	if (fstatat(from_dir, from, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EINVAL;
	if (linkat(from_dir, from, to_dir, to, 0) < 0)
		return -errno;
	return unlinkat(from_dir, from, 0) < 0 ? -errno : 0;
}

static int
linux_rename(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to)
{
	int r = RETRY(renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE));

	return r == -EINVAL ? rename_by_link(from_dir, from, to_dir, to) : r;
}

static int
linux_replace(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to)
{
	return RETRY(renameat(from_dir, from, to_dir, to));
}

static int
linux_exchange(TidyFs *fs, int dir, const char *a, const char *b)
{
	return RETRY(renameat2(dir, a, dir, b, RENAME_EXCHANGE));
}

static int
linux_link(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to)
{
	return RETRY(linkat(from_dir, from, to_dir, to, 0));
}

static int
linux_linkfd(TidyFs *fs, int fd, int to_dir, const char *to)
{
	char path[32];

	g_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return RETRY(linkat(AT_FDCWD, path, to_dir, to, AT_SYMLINK_FOLLOW));
}

static int
linux_unlink(TidyFs *fs, int dir, const char *name, int flags)
{
	int r = RETRY(unlinkat(dir, name, flags));

	return r == -EEXIST ? -ENOTEMPTY : r;
}

static int
linux_mkdir(TidyFs *fs, int dir, const char *name, mode_t mode)
{
	return RETRY(mkdirat(dir, name, mode));
}

static int
linux_symlink(TidyFs *fs, const char *target, int dir, const char *name)
{
	return RETRY(symlinkat(target, dir, name));
}

static int
linux_mkfifo(TidyFs *fs, int dir, const char *name, mode_t mode)
{
	return RETRY(mkfifoat(dir, name, mode));
}

static ssize_t
linux_readlink(TidyFs *fs, int dir, const char *name, char *buffer, size_t size)
{
	return RETRY(readlinkat(dir, name, buffer, size));
}

static ssize_t
linux_pread(TidyFs *fs, int fd, void *buffer, size_t size, gint64 offset)
{
	return RETRY(pread(fd, buffer, size, offset));
}

static ssize_t
linux_pread_cached(TidyFs *fs, int fd, void *buffer, size_t size, gint64 offset)
{
	struct iovec piece = { buffer, size };

	return RETRY(preadv2(fd, &piece, 1, offset, RWF_NOWAIT));
}

static ssize_t
linux_pwrite(TidyFs *fs, int fd, const void *buffer, size_t size, gint64 offset)
{
	return RETRY(pwrite(fd, buffer, size, offset));
}

static int
linux_truncate(TidyFs *fs, int fd, gint64 size)
{
	return RETRY(ftruncate(fd, size));
}

static int
linux_fsync(TidyFs *fs, int fd)
{
	return RETRY(fsync(fd));
}

static int
linux_fdatasync(TidyFs *fs, int fd)
{
	return RETRY(fdatasync(fd));
}

static int
linux_syncfs(TidyFs *fs, int fd)
{
	return RETRY(syncfs(fd));
}

static int
linux_begin_sync(TidyFs *fs, int dir)
{
	return tidy_sync_ahead_begin(dir);
}

static void
linux_end_sync(TidyFs *fs)
{
	tidy_sync_ahead_end();
}

static int
linux_advise(TidyFs *fs, int fd, gint64 offset, gint64 size, int advice)
{
	return -posix_fadvise(fd, offset, size, advice);
}

static gint64
linux_seek(TidyFs *fs, int fd, gint64 offset, int whence)
{
	return RETRY(lseek(fd, offset, whence));
}

static int
linux_extents(TidyFs *fs, int fd, gint64 offset, TidyExtent *extents, guint max)
{
	gsize size = sizeof(struct fiemap) + max * sizeof(struct fiemap_extent);
	g_autofree struct fiemap *map = g_malloc0(size);
	int r;

	map->fm_start = (guint64)offset;
	map->fm_length = FIEMAP_MAX_OFFSET - map->fm_start;
	map->fm_extent_count = max;
	r = RETRY(ioctl(fd, FS_IOC_FIEMAP, map));
	if (r < 0)
		return r == -ENOTTY || r == -EBADR ? -EOPNOTSUPP : r;
	for (guint i = 0; i < map->fm_mapped_extents; i++) {
		const struct fiemap_extent *from = &map->fm_extents[i];

		extents[i] = (TidyExtent){ from->fe_logical, from->fe_physical, from->fe_length,
					   from->fe_flags };
	}
	return (int)map->fm_mapped_extents;
}

static int
linux_clone(TidyFs *fs, int from, int to)
{
	int r = RETRY(ioctl(to, FICLONE, from));

	return r == -ENOTTY || r == -EINVAL ? -EOPNOTSUPP : r;
}

static ssize_t
linux_copy_range(TidyFs *fs, int from, gint64 from_offset, int to, gint64 to_offset, size_t size)
{
	off64_t in = from_offset;
	off64_t out = to_offset;

	return RETRY(copy_file_range(from, &in, to, &out, size, 0));
}

static gint64
linux_dedupe(TidyFs *fs, int from, int to, gint64 offset, gint64 size)
{
	union {
		struct file_dedupe_range range;
		char room[sizeof(struct file_dedupe_range) + sizeof(struct file_dedupe_range_info)];
	} request = { 0 };
	struct file_dedupe_range_info *info = request.range.info;
	int r;

	request.range.src_offset = (guint64)offset;
	request.range.src_length = (guint64)size;
	request.range.dest_count = 1;
	info->dest_fd = to;
	info->dest_offset = (guint64)offset;
	r = RETRY(ioctl(from, FIDEDUPERANGE, &request.range));
	if (r == 0 && info->status < 0)
		r = info->status;
	if (r == -ENOTTY || r == -EINVAL)
		return -EOPNOTSUPP;
	if (r < 0)
		return r;
	return info->status == FILE_DEDUPE_RANGE_DIFFERS ? -ESTALE : (gint64)info->bytes_deduped;
}

static int
linux_chmod(TidyFs *fs, int dir, const char *name, mode_t mode)
{
	if (*name == '\0')
		return RETRY(fchmod(dir, mode));
	return RETRY(fchmodat(dir, name, mode, AT_SYMLINK_NOFOLLOW));
}

static int
linux_chown(TidyFs *fs, int dir, const char *name, uid_t uid, gid_t gid)
{
	return RETRY(fchownat(dir, name, uid, gid,
			      AT_SYMLINK_NOFOLLOW | (*name == '\0' ? AT_EMPTY_PATH : 0)));
}

static struct timespec
stamp_of(gint64 ns)
{
	gint64 seconds = ns / NS_PER_S;
	gint64 rest = ns % NS_PER_S;

	if (ns == TIDY_TIME_OMIT)
		return (struct timespec){ .tv_nsec = UTIME_OMIT };
	if (rest < 0) { /* before 1970 the seconds round down */
		rest += NS_PER_S;
		seconds--;
	}
	return (struct timespec){ .tv_sec = seconds, .tv_nsec = rest };
}

static int
linux_utimens(TidyFs *fs, int dir, const char *name, gint64 atime_ns, gint64 mtime_ns)
{
	struct timespec times[2] = { stamp_of(atime_ns), stamp_of(mtime_ns) };

	if (*name == '\0')
		return RETRY(futimens(dir, times));
	return RETRY(utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW));
}

static ssize_t
linux_listxattr(TidyFs *fs, int fd, char *buffer, size_t size)
{
	return RETRY(flistxattr(fd, buffer, size));
}

static ssize_t
linux_getxattr(TidyFs *fs, int fd, const char *name, void *buffer, size_t size)
{
	return RETRY(fgetxattr(fd, name, buffer, size));
}

static int
linux_setxattr(TidyFs *fs, int fd, const char *name, const void *value, size_t size)
{
	return RETRY(fsetxattr(fd, name, value, size, 0));
}

/* A writer that comes while we hold the lease makes the kernel send a signal. SIGIO, the default, would end the
 * process; SIGURG is ignored unless somebody asks for it. */
static int
linux_no_writer(TidyFs *fs, int fd)
{
	int r;

	if (fcntl(fd, F_SETSIG, SIGURG) < 0)
		return -errno;
	r = RETRY(fcntl(fd, F_SETLEASE, F_RDLCK));
	if (r < 0)
		return r;
	return RETRY(fcntl(fd, F_SETLEASE, F_UNLCK)) < 0 ? -errno : 0;
}

static int
linux_flock(TidyFs *fs, int fd, TidyLock lock)
{
	return RETRY(flock(fd, (lock == TIDY_LOCK_EXCLUSIVE ? LOCK_EX : LOCK_SH) | LOCK_NB));
}

static gint64
linux_now(TidyFs *fs)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static TidyFs linux_fs = {
	.openat = linux_openat,
	.tmpfile = linux_tmpfile,
	.close = linux_close,
	.getdents = linux_getdents,
	.rewind = linux_rewind,
	.stat = linux_stat,
	.fsinfo = linux_fsinfo,
	.rename = linux_rename,
	.replace = linux_replace,
	.exchange = linux_exchange,
	.link = linux_link,
	.linkfd = linux_linkfd,
	.unlink = linux_unlink,
	.mkdir = linux_mkdir,
	.symlink = linux_symlink,
	.mkfifo = linux_mkfifo,
	.readlink = linux_readlink,
	.pread = linux_pread,
	.pread_cached = linux_pread_cached,
	.pwrite = linux_pwrite,
	.truncate = linux_truncate,
	.fsync = linux_fsync,
	.fdatasync = linux_fdatasync,
	.syncfs = linux_syncfs,
	.begin_sync = linux_begin_sync,
	.end_sync = linux_end_sync,
	.advise = linux_advise,
	.seek = linux_seek,
	.extents = linux_extents,
	.clone = linux_clone,
	.copy_range = linux_copy_range,
	.dedupe = linux_dedupe,
	.chmod = linux_chmod,
	.chown = linux_chown,
	.utimens = linux_utimens,
	.listxattr = linux_listxattr,
	.getxattr = linux_getxattr,
	.setxattr = linux_setxattr,
	.no_writer = linux_no_writer,
	.flock = linux_flock,
	.now = linux_now,
};

TidyFs *
tidy_fs_linux(void)
{
	return &linux_fs;
}
