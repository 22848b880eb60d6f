/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of file-system operations: everything the file half asks of a disk goes through it. I/O.
 *
 * tidy_fs_linux() is the real one. Tests have one in memory that fails or "loses power" on command
 * (tests/support/fake-fs.h) and a wrapper that makes the nth call of the real one fail; so an operation that is
 * not in this table does not exist for the engine.
 *
 * Every function answers >= 0 or -errno, never sets errno, and retries EINTR itself. Names are relative to a
 * held directory descriptor and are one path component, except where a comment says otherwise. Links are
 * never followed. Descriptors belong to the table that opened them.
 */
#pragma once

#include <dirent.h>
#include <glib.h>
#include <sys/stat.h>
#include <sys/types.h>

typedef struct TidyFs TidyFs;

/* What kind of entry; the values are those of d_type in getdents64(2), so that a listing needs no stat. */
typedef enum {
	TIDY_TYPE_UNKNOWN = DT_UNKNOWN,
	TIDY_TYPE_FIFO = DT_FIFO,
	TIDY_TYPE_CHAR = DT_CHR,
	TIDY_TYPE_DIR = DT_DIR,
	TIDY_TYPE_BLOCK = DT_BLK,
	TIDY_TYPE_FILE = DT_REG,
	TIDY_TYPE_LINK = DT_LNK,
	TIDY_TYPE_SOCKET = DT_SOCK,
} TidyType;

/* One answer of stat: what statx(2) gives. Times are nanoseconds since the epoch. */
typedef struct {
	guint64 dev; /* as st_dev */
	guint64 ino;
	guint64 mnt_id; /* 0 when the kernel does not tell */
	gint64 size;
	gint64 mtime_ns;
	gint64 ctime_ns;
	gint64 btime_ns; /* 0 when the file system has no birth time */
	gint64 atime_ns;
	guint64 blocks; /* of 512 bytes */
	guint32 mode;	/* type and permission bits, as st_mode */
	guint32 nlink;
	guint32 uid;
	guint32 gid;
	guint32 attributes; /* STATX_ATTR_* that are set (IMMUTABLE, APPEND, MOUNT_ROOT, ENCRYPTED) */
} TidyStat;

static inline TidyType
tidy_stat_type(const TidyStat *st)
{
	return (TidyType)((st->mode & S_IFMT) >> 12);
}

/* One answer of statfs, in bytes. */
typedef struct {
	guint64 type; /* f_type, the magic number */
	guint64 free_bytes;
	gboolean is_read_only;
} TidyFsInfo;

/* One directory entry, as a listing gives it. */
typedef struct {
	guint64 ino;
	TidyType type; /* TIDY_TYPE_UNKNOWN on some file systems: ask stat */
	const char *name;
} TidyDirent;

/* One piece of a file on the device, as fiemap.h gives it; in bytes. */
typedef struct {
	guint64 logical;
	guint64 physical;
	guint64 length;
	guint32 flags; /* FIEMAP_EXTENT_* */
} TidyExtent;

/* For TidyFs.flock */
typedef enum { TIDY_LOCK_SHARED, TIDY_LOCK_EXCLUSIVE } TidyLock;

/* For TidyFs.utimens: leave this stamp as it is. */
#define TIDY_TIME_OMIT G_MININT64

struct TidyFs {
	/* Opens with O_CLOEXEC | O_NOFOLLOW added (and O_NONBLOCK but for directories, so that a FIFO cannot hang us).
	 * @dir may be AT_FDCWD and @name an absolute path only for a root that the caller was given. Where the
	 * kernel has openat2(2), a relative @name is resolved with BENEATH and NO_SYMLINKS. */
	int (*openat)(TidyFs *fs, int dir, const char *name, int flags, mode_t mode);
	/* A new file without a name in directory @dir (O_TMPFILE), for linkfd; -EOPNOTSUPP where there is none. */
	int (*tmpfile)(TidyFs *fs, int dir, mode_t mode);
	int (*close)(TidyFs *fs, int fd);
	/* Fills @buffer with as many raw `struct dirent64` as fit; 0 at the end. See tidy_fs_list. */
	ssize_t (*getdents)(TidyFs *fs, int dir, void *buffer, size_t size);
	/* Back to the start of the listing of @dir. */
	int (*rewind)(TidyFs *fs, int dir);
	/* @name "" asks about @dir itself. */
	int (*stat)(TidyFs *fs, int dir, const char *name, TidyStat *st);
	int (*fsinfo)(TidyFs *fs, int fd, TidyFsInfo *info);

	/* renameat2(RENAME_NOREPLACE): -EEXIST when the new name is taken, by whatever. Falls back to
	 * link + unlink for files where the file system does not know the flag (-EINVAL). */
	int (*rename)(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to);
	/* rename(2) that replaces: only for files that are ours or are being edited by us (user-dirs.dirs). */
	int (*replace)(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to);
	/* renameat2(RENAME_EXCHANGE) in one directory: both names are there before and after, and never absent. -EINVAL
	 * where the file system does not know it. */
	int (*exchange)(TidyFs *fs, int dir, const char *a, const char *b);
	int (*link)(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to);
	/* Gives the file behind @fd (from tmpfile) its first name. -EEXIST when it is taken. */
	int (*linkfd)(TidyFs *fs, int fd, int to_dir, const char *to);
	/* @flags: 0, or AT_REMOVEDIR (-ENOTEMPTY unless empty). */
	int (*unlink)(TidyFs *fs, int dir, const char *name, int flags);
	int (*mkdir)(TidyFs *fs, int dir, const char *name, mode_t mode);
	int (*symlink)(TidyFs *fs, const char *target, int dir, const char *name);
	int (*mkfifo)(TidyFs *fs, int dir, const char *name, mode_t mode);
	/* Writes at most @size bytes, no final zero; answers the length. */
	ssize_t (*readlink)(TidyFs *fs, int dir, const char *name, char *buffer, size_t size);

	ssize_t (*pread)(TidyFs *fs, int fd, void *buffer, size_t size, gint64 offset);
	/* pread without waiting for the device (RWF_NOWAIT): what is in memory, -EAGAIN when nothing is, -EOPNOTSUPP
	 * where that cannot be. A table may have NULL here: ask for nothing then. */
	ssize_t (*pread_cached)(TidyFs *fs, int fd, void *buffer, size_t size, gint64 offset);
	/* May write less than asked; appends when the file was opened with O_APPEND. */
	ssize_t (*pwrite)(TidyFs *fs, int fd, const void *buffer, size_t size, gint64 offset);
	int (*truncate)(TidyFs *fs, int fd, gint64 size);
	int (*fsync)(TidyFs *fs, int fd);
	int (*fdatasync)(TidyFs *fs, int fd);
	/* Everything of the file system that @fd is on. */
	int (*syncfs)(TidyFs *fs, int fd);
	/* Begins to write what the file system of the directory @dir has not written yet, beside the caller. A hint, which
	 * promises nothing and hides no error from a later syncfs. -EBUSY: this is under way already. */
	int (*begin_sync)(TidyFs *fs, int dir);
	/* Waits until nothing is under way that begin_sync has begun, so that it keeps no file system busy. */
	void (*end_sync)(TidyFs *fs);
	/* posix_fadvise(2); the answer does not matter. */
	int (*advise)(TidyFs *fs, int fd, gint64 offset, gint64 size, int advice);
	/* lseek(2) with SEEK_DATA or SEEK_HOLE: the offset, or -ENXIO. */
	gint64 (*seek)(TidyFs *fs, int fd, gint64 offset, int whence);
	/* Where on the device the file's data at or after @offset lies (FIEMAP): the number of extents filled in, at
	 * most @max; 0 when there are no more. -EOPNOTSUPP where the file system does not tell. May be NULL. */
	int (*extents)(TidyFs *fs, int fd, gint64 offset, TidyExtent *extents, guint max);
	/* FICLONE of the whole file; -EOPNOTSUPP or -EXDEV where it cannot be. */
	int (*clone)(TidyFs *fs, int from, int to);
	ssize_t (*copy_range)(TidyFs *fs, int from, gint64 from_offset, int to, gint64 to_offset,
			      size_t size);
	/* FIDEDUPERANGE: the kernel compares @size bytes at @offset of both and, when they are equal, lets @to share the
	 * blocks of @from; neither content nor stamps change. Answers how many bytes it shared; -ESTALE when they
	 * differ, -EOPNOTSUPP where blocks cannot be shared. */
	gint64 (*dedupe)(TidyFs *fs, int from, int to, gint64 offset, gint64 size);

	/* @name "" means @dir itself. A link's own mode cannot be changed: -EOPNOTSUPP. A time of TIDY_TIME_OMIT stays. */
	int (*chmod)(TidyFs *fs, int dir, const char *name, mode_t mode);
	int (*chown)(TidyFs *fs, int dir, const char *name, uid_t uid, gid_t gid);
	int (*utimens)(TidyFs *fs, int dir, const char *name, gint64 atime_ns, gint64 mtime_ns);
	/* Extended attributes of an open file or directory. list: zero-separated names; size 0 asks for the length. */
	ssize_t (*listxattr)(TidyFs *fs, int fd, char *buffer, size_t size);
	ssize_t (*getxattr)(TidyFs *fs, int fd, const char *name, void *buffer, size_t size);
	int (*setxattr)(TidyFs *fs, int fd, const char *name, const void *value, size_t size);

	/* 0 when no process has the file open for writing, -EAGAIN when one has, -errno where the file system has no
	 * leases. Takes a read lease (F_SETLEASE, F_RDLCK) and gives it back at once. @fd is open for reading. */
	int (*no_writer)(TidyFs *fs, int fd);
	/* flock(2) without waiting: -EWOULDBLOCK when another holds it. Ends with the descriptor. */
	int (*flock)(TidyFs *fs, int fd, TidyLock lock);
	/* Wall clock, nanoseconds since the epoch (CLOCK_REALTIME). Stamps of the file system may lag a tick (10 ms). */
	gint64 (*now)(TidyFs *fs);
};

/* The real file system. Static; safe from any thread. */
TidyFs *tidy_fs_linux(void);

/* Called for each entry but "." and ".."; a FALSE answer ends the listing. */
typedef gboolean (*TidyDirentFunc)(const TidyDirent *entry, gpointer data);

/**
 * tidy_fs_list - calls @func for every entry of the open directory @dir, from its start
 *
 * Order is the file system's. Names are valid during the call only.
 * Returns: 0 or -errno.
 */
int tidy_fs_list(TidyFs *fs, int dir, TidyDirentFunc func, gpointer data);
/* The same of the first @n_max that the directory gives. */
int tidy_fs_list_first(TidyFs *fs, int dir, guint n_max, TidyDirentFunc func, gpointer data);

/* Writes all of @buffer at @offset. 0 or -errno (-EIO when the table writes nothing). */
int tidy_fs_write_all(TidyFs *fs, int fd, const void *buffer, size_t size, gint64 offset);
