/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Directories as the engine holds them: a tree of names below absolute roots, each with a descriptor that is opened
 * when needed and given back when too many are open. Opening goes from parent to child by one component, follows no
 * link, and checks that it is still the same directory as before. I/O.
 *
 *	pool = tidy_dir_pool_new(fs);
 *	home = tidy_dir_root(pool, "/home/ann");
 *	stray = tidy_dir_child(home, "Download");
 *	fd = tidy_dir_fd(stray);                          >= 0, or -errno
 *	...
 *	tidy_dir_unref(stray);
 */
#pragma once

#include "home/fs/fs.h"

typedef struct TidyDirPool TidyDirPool;

typedef struct TidyDir {
	TidyDirPool *pool;
	struct TidyDir *parent; /* NULL: @name is an absolute path */
	char *name;
	gint refs;
	guint depth;	   /* so many directories are above it; 0: @name is an absolute path */
	int fd;		   /* -1: not open */
	GList link;	   /* in one of the pool's lists of open ones */
	gboolean is_known; /* it was opened once, so that the following are true */
	gboolean
		is_expected; /* @dev and @ino were told by a journal: opening another one is an error */
	guint64 dev;
	guint64 ino;
	guint64 mnt_id;	 /* 0: the kernel does not tell */
	gint64 mtime_ns; /* when first seen; TIDY_TIME_OMIT: never seen */
	gint64 atime_ns;
	guint32 mode;
	guint32 uid;
	guint32 gid;
	gboolean is_mount;
	guint32 id;	    /* in the journal of this run; 0: not written yet */
	gint64 original_ns; /* mtime before this operation began, also over a restart */
} TidyDir;

TidyDirPool *tidy_dir_pool_new(TidyFs *fs);
/* All directories of the pool must have been given back. */
void tidy_dir_pool_free(TidyDirPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyDirPool, tidy_dir_pool_free)
TidyFs *tidy_dir_pool_fs(TidyDirPool *pool);
/* Closes what nobody needs now; directories stay known. */
void tidy_dir_pool_close_all(TidyDirPool *pool);

/* A directory by its absolute path; links in that path are the caller's matter. (transfer full) */
TidyDir *tidy_dir_root(TidyDirPool *pool, const char *path);
/* The directory @name in @parent, which need not exist yet. (transfer full) */
TidyDir *tidy_dir_child(TidyDir *parent, const char *name);
TidyDir *tidy_dir_ref(TidyDir *dir);
void tidy_dir_unref(TidyDir *dir);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyDir, tidy_dir_unref)

/**
 * tidy_dir_fd - a descriptor of the directory, opened if need be
 *
 * Stays the pool's, and stays open at least until one more directory was asked for.
 * Returns: >= 0, or -errno; -ESTALE when another directory now has the name, -ENOTDIR or -ELOOP for what is none.
 */
int tidy_dir_fd(TidyDir *dir);
/* The directory @name of @dir is about to be removed: whoever keeps it open keeps the kernel busy with what was above it. */
void tidy_dir_close_child(TidyDir *dir, const char *name);
/* Forgets the descriptor and what was known: the directory was removed or made anew. */
void tidy_dir_forget(TidyDir *dir);

/* Absolute path, raw bytes; (transfer full). */
char *tidy_dir_path(const TidyDir *dir);
/* Path of an entry of it; (transfer full). */
char *tidy_dir_entry_path(const TidyDir *dir, const char *name);
