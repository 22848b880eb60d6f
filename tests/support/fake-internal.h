/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the fake file system, for the other fake-*.c only. Pure. */
#pragma once

#include "tests/support/fake-disk.h"

typedef struct FakeMount FakeMount;

struct FakeMount {
	guint64 mnt_id;
	FakeDisk *disk;
	guint root;
	FakeMount *parent; /* NULL for "/" */
	guint point;	   /* id of the directory of the parent's disk that it covers */
};

/* A node as seen through a mount. */
typedef struct {
	FakeMount *mount;
	guint id;
} FakeAt;

/* An open file description. */
typedef struct {
	FakeAt at;
	int flags;
	char *last; /* name that the listing gave last, NULL at the start */
	guint dots; /* of "." and "..", how many were given */
	gboolean is_at_end;
	int lock;   /* -1, or TidyLock */
	char *name; /* as it was opened, for messages */
} FakeOpen;

struct FakeFs {
	TidyFs table;
	GPtrArray *disks;  /* FakeDisk*; the first is the root's */
	GPtrArray *mounts; /* FakeMount*; the first is "/" */
	GHashTable *opens; /* fd -> FakeOpen* */
	int next_fd;
	guint64 next_mnt_id;

	gint64 clock, tick;
	guint32 salt;
	gsize short_io;
	gboolean is_enforcing;
	guint32 uid, gid;

	FsFaults *faults;
	guint quiet;
	gboolean is_counting;
	gboolean is_crashed;
	gboolean is_crashing; /* the operation in hand is the last */
	gboolean is_half;
	guint crash_n;
	FakeWhen when;
	GPtrArray *texts; /* GRefString, one per mutating operation */
	char *text;	  /* of the operation in hand; NULL when not counted */
};

/* Fills in the members of the table. */
void fake_names_init(TidyFs *table);
void fake_open_init(TidyFs *table);
void fake_files_init(TidyFs *table);
void fake_attrs_init(TidyFs *table);

/* Opens each call: 0 to go on, or what to answer. @a, @b: names for the text, or NULL. */
int fake_enter(FakeFs *fake, FsOp op, gboolean is_mutating, const char *a, const char *b);
/* Closes each mutating call that went on. */
gint64 fake_leave(FakeFs *fake, gint64 answer);
/* The disk changed: a new state that a cut may leave. */
void fake_changed(FakeFs *fake, FakeDisk *disk);

FakeOpen *fake_open_of(FakeFs *fake, int fd);
/* The node behind a descriptor; NULL for a bad one. */
const FakeNode *fake_node_at(const FakeAt *at);
/* A new descriptor. */
int fake_open_new(FakeFs *fake, const FakeAt *at, int flags, const char *name);
/* The name behind a descriptor, for messages. */
const char *fake_fd_text(FakeFs *fake, int fd);
/* Frees the node if no name and no descriptor is left. */
void fake_release(FakeFs *fake, FakeDisk *disk, guint id);

enum { FAKE_MAY_EXEC = 1, FAKE_MAY_WRITE = 2, FAKE_MAY_READ = 4 };

/* 0, -EACCES, -EPERM (immutable) or -EROFS, as inode_permission() of the kernel answers. */
int fake_may(FakeFs *fake, const FakeAt *at, int mask);
/* 0 or -EPERM: the caller owns it. */
int fake_may_change(FakeFs *fake, const FakeAt *at);

/* The directory behind @fd. */
int fake_dir(FakeFs *fake, int fd, FakeAt *at);
/* 0, -ENOENT, -ENOTDIR, -ENAMETOOLONG, -EACCES. Crosses into what is mounted there. Aborts on a path. */
int fake_lookup(FakeFs *fake, const FakeAt *dir, const char *name, FakeAt *at);
/* The same without crossing: the covered directory itself. */
int fake_lookup_name(FakeFs *fake, const FakeAt *dir, const char *name, FakeAt *at);
gboolean fake_is_mount_point(FakeFs *fake, const FakeAt *at);
/* An absolute path. @follow: the last name too. */
int fake_walk(FakeFs *fake, const char *path, gboolean follow, FakeAt *at);
int fake_stat_at(FakeFs *fake, const FakeAt *at, TidyStat *st);
FakeMount *fake_add_mount(FakeFs *fake, FakeDisk *disk, guint root, FakeMount *parent, guint point);
/* May a name be added to @dir? */
int fake_may_add(FakeFs *fake, const FakeAt *dir);
/* A new node without a name; owner and group as Linux gives them. */
FakeNode *fake_new_node(FakeFs *fake, const FakeAt *dir, guint32 mode);
/* The same with a name in @dir. */
FakeNode *fake_new_entry(FakeFs *fake, const FakeAt *dir, const char *name, guint32 mode);
/* @mode as a umask of 022 leaves it. */
guint32 fake_masked(mode_t mode);
/* The file changed: its capabilities go. */
void fake_drop_privileges(FakeNode *node);
