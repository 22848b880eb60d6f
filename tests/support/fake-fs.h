/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file system in memory behind the table TidyFs: deterministic, with a manual clock, power cuts and errors on
 * command. Pure (no file, clock or environment of the machine).
 *
 *	g_autoptr(FakeFs) fake = fake_fs_new();
 *	fake_fs_mkdirs(fake, "/home/Download", 0755);
 *	fake_fs_write(fake, "/home/Download/a", "one", -1);
 *	fake_fs_crash_at(fake, 7, FAKE_AFTER);          counts mutating operations from here
 *	engine_run(fake_fs_table(fake));                from the 7th on every call answers -ESHUTDOWN
 *	for (s = 0; s < fake_fs_states(fake, FAKE_CUT_ORDERED); s++) {
 *		g_autoptr(FakeFs) copy = fake_fs_clone(fake);
 *		fake_fs_reboot(copy, FAKE_CUT_ORDERED, s);
 *		engine_recover(fake_fs_table(copy)); ...
 *	}
 *
 * crash-walk.h does such loops. What the model promises, and what it does not:
 *
 * - Names, modes, times, xattrs are metadata; each operation is one atomic transaction of its disk.
 * - FAKE_CUT_ORDERED (ext4, xfs): the log of metadata is replayed in order; a cut leaves any prefix of it that holds
 *   all that was synced. fsync and fdatasync of X make durable X's data and the log up to X's last change (for
 *   fdatasync: the last one but for times), so an fsync of a file that did not change since persists nothing else.
 * - FAKE_CUT_BTRFS: a cut leaves any prefix of the transactions since the last syncfs, plus what was synced by fsync
 *   since: those files' inodes, data, own names (and the ancestors a new name needs). fsync of a directory persists the
 *   directory itself, not its entries. Where an overlay would orphan something else the whole log is committed,
 *   as btrfs does.
 * - Data that was written and not synced is, after either cut, one of FakeTorn for all files at once.
 * - The inode number of a freed inode is given to the next new one at once, as ext4 does.
 * - Names in a directory come in an order of their hash; at most 7 entries come with one getdents.
 *
 * Any name with a '/' in it (but an absolute path with AT_FDCWD for openat), and "." (but for openat) or "..",
 * aborts: the engine must not resolve paths. Calls on a closed descriptor answer -EBADF.
 */
#pragma once

#include "home/fs/fs.h"
#include "tests/support/fs-op.h"

typedef struct FakeFs FakeFs;

/* One disk (a superblock): what rename and link cannot cross. */
typedef struct FakeDisk FakeDisk;

/* The root disk is there from the start: "/" with mode 0755, owned by the caller's uid. */
FakeFs *fake_fs_new(void);
void fake_fs_free(FakeFs *fake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeFs, fake_fs_free)

/* An independent copy of all disks, mounts and settings and of what a crash needs; no descriptors and no locks.
 * Cheap: contents are shared until one side writes. */
FakeFs *fake_fs_clone(FakeFs *fake);

TidyFs *fake_fs_table(FakeFs *fake);

/* ---- set-up and inspection; absolute paths; never counted, never failing, abort on a mistake of the test ---- */

/* Makes the directory, and those above it that are missing with mode 0755. */
void fake_fs_mkdirs(FakeFs *fake, const char *path, mode_t mode);
/* Makes or replaces a file, mode 0644. @size -1: zero-terminated. */
void fake_fs_write(FakeFs *fake, const char *path, const char *bytes, gssize size);
/* Its bytes, or NULL when there is no such file. */
GBytes *fake_fs_read(FakeFs *fake, const char *path);
gboolean fake_fs_has(FakeFs *fake, const char *path, const char *content);

/* The directory, opened through the table: a descriptor or -errno. */
int fake_fs_open_dir(FakeFs *fake, const char *path);

/* A disk with two directories that are open, /from and /to, and a file /from/a of "content". */
FakeFs *fake_fs_two_dirs(int *from, int *to);
/* A FIFO, socket or device: S_IFIFO | mode, ... */
void fake_fs_mknod(FakeFs *fake, const char *path, mode_t mode);
gboolean fake_fs_exists(FakeFs *fake, const char *path);
/* Stat without following the last name; FALSE when there is none. */
gboolean fake_fs_stat(FakeFs *fake, const char *path, TidyStat *st);

typedef enum {
	FAKE_IMMUTABLE = 1 << 0, /* chattr +i */
	FAKE_APPEND = 1 << 1,	 /* chattr +a */
	FAKE_HAS_WRITER =
		1 << 2, /* another process has it open for writing: no_writer answers -EAGAIN */
	FAKE_CASEFOLD = 1 << 3, /* an empty directory that ignores ASCII case (ext4 +F) */
} FakeFlag;

void fake_fs_set_flags(FakeFs *fake, const char *path, guint flags);
guint fake_fs_flags(FakeFs *fake, const char *path);

/* A new disk named @name, mounted on the existing directory @path. */
FakeDisk *fake_fs_mount(FakeFs *fake, const char *path, const char *name);
/* The tree at @source also at @path: same st_dev, other mnt_id, -EXDEV between the two. */
void fake_fs_bind(FakeFs *fake, const char *source, const char *path);
/* Unmounts what is mounted at @path. */
void fake_fs_unmount(FakeFs *fake, const char *path);
/* The disk that @path is on. Borrowed; NULL never. */
FakeDisk *fake_fs_disk(FakeFs *fake, const char *path);

void fake_disk_set_read_only(FakeDisk *disk, gboolean is_read_only);
/* Bytes left for new data and directories; -1: no limit. */
void fake_disk_set_free(FakeDisk *disk, gint64 free_bytes);
/* f_type; btrfs' magic also makes directories have one link, as there. */
void fake_disk_set_magic(FakeDisk *disk, guint64 magic);

typedef enum {
	FAKE_NO_TMPFILE = 1 << 0, /* tmpfile: -EOPNOTSUPP */
	FAKE_NO_XATTR = 1 << 1,	  /* xattrs: -EOPNOTSUPP */
	FAKE_NO_NOREPLACE =
		1
		<< 2, /* rename does link + unlink for files (two operations), -EINVAL for others */
	FAKE_NO_LINK = 1 << 3,	/* link, linkfd: -EPERM (vfat) */
	FAKE_NO_CLONE = 1 << 4, /* clone: -EOPNOTSUPP; without it clones within one disk work */
	FAKE_NO_COPY_RANGE = 1 << 5, /* copy_range: -EOPNOTSUPP */
	FAKE_NO_DTYPE = 1 << 6,	     /* listings answer TIDY_TYPE_UNKNOWN */
	FAKE_NO_LEASE = 1 << 7,	     /* no_writer: -EINVAL */
	FAKE_NO_BTIME = 1 << 8,	     /* stat answers a birth time of 0 */
	FAKE_NO_SEEK_HOLE = 1 << 9,  /* seek: all is data */
	FAKE_NO_EXTENTS = 1 << 10,   /* extents: -EOPNOTSUPP */
} FakeLack;

void fake_disk_set_lacks(FakeDisk *disk, guint lacks);

/* Permission bits and owners count for a process of this uid and gid (root: they do not, the default). */
void fake_fs_enforce(FakeFs *fake, uid_t uid, gid_t gid);
/* The clock, and how far it ticks with each operation (default: 1,600,000,000 s and 1 ms). */
void fake_fs_set_clock(FakeFs *fake, gint64 now_ns, gint64 tick_ns);
/* A read, write or copy moves at most this many bytes per call; 0: no limit (the default). */
void fake_fs_set_short_io(FakeFs *fake, gsize max_bytes);
/* Salt of the listing order, so that a test can have others. */
void fake_fs_set_order(FakeFs *fake, guint32 salt);
/* Descriptors that are open now: a leak test. */
guint fake_fs_open_count(FakeFs *fake);
/* Between these two, calls on the table are the test's own: not counted, not failed, and done even when crashed. They nest. */
void fake_fs_quiet_begin(FakeFs *fake);
void fake_fs_quiet_end(FakeFs *fake);

/* ---- errors ---- */

/* As fs_faults_*(). An fsync or fdatasync that is made to fail marks the pages clean without writing them: a
 * second fsync then answers 0, and the data is lost at a power cut all the same (as on Linux). */
void fake_fs_fail(FakeFs *fake, FsOp op, guint nth, int errno_code, FsFailMode mode);
void fake_fs_clear_faults(FakeFs *fake);
guint fake_fs_seen(FakeFs *fake, FsOp op);
guint fake_fs_fired(FakeFs *fake);

/* ---- crashes ---- */

typedef enum {
	FAKE_BEFORE, /* the nth operation does not happen */
	FAKE_AFTER,  /* it happens, but nobody learns */
	FAKE_HALF,   /* a write, clone or copy moves half its bytes; others: as FAKE_AFTER */
} FakeWhen;

typedef enum {
	FAKE_KILL,	  /* the process died: all that was done persists */
	FAKE_CUT_ORDERED, /* the power went, on ext4 or xfs */
	FAKE_CUT_BTRFS,	  /* the power went, on btrfs */
	FAKE_REBOOT_N,
} FakeReboot;

/* What a cut leaves of data that was written and not synced. */
typedef enum {
	FAKE_TORN_FULL,	 /* all of it */
	FAKE_TORN_EMPTY, /* nothing: what was there at the last sync (a new file: empty) */
	FAKE_TORN_SHORT, /* the first half of what was appended */
	FAKE_TORN_ZEROS, /* the new size with zero bytes where the new data should be (ordered only) */
	FAKE_TORN_N,
} FakeTorn;

/**
 * fake_fs_crash_at - starts counting mutating operations; the @n-th (from 1) is the last that may happen
 *
 * What is on the disks at the first such call is durable; a later one (after FAKE_KILL) counts anew, but what was
 * not synced stays so. @n 0: count and record, never crash.
 */
void fake_fs_crash_at(FakeFs *fake, guint n, FakeWhen when);
/* All that is on the disks is durable from here. */
void fake_fs_settle(FakeFs *fake);
/* Mutating operations since the last fake_fs_crash_at() (or reboot). */
guint fake_fs_op_count(FakeFs *fake);
/* The @n-th of them (from 1) as text, "rename a.txt -> a (2).txt"; borrowed; NULL when there was none. */
const char *fake_fs_op_text(FakeFs *fake, guint n);
gboolean fake_fs_is_crashed(FakeFs *fake);

/* How many states of the disks a crash now may leave; 1 for FAKE_KILL. State 0 is always "everything persisted". */
guint fake_fs_states(FakeFs *fake, FakeReboot mode);
/* "/: names as after 12 rename a -> b, data short"; (transfer full). */
char *fake_fs_state_text(FakeFs *fake, FakeReboot mode, guint state);
/* Closes all descriptors and locks, puts the disks into that state, and lets calls work again. Also without a
 * crash: a sudden end between two operations. Rules of fake_fs_fail() are dropped. */
void fake_fs_reboot(FakeFs *fake, FakeReboot mode, guint state);
