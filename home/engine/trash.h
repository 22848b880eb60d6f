/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Trash, by the freedesktop.org Trash specification 1.0: files/NAME and info/NAME.trashinfo. I/O. */
#pragma once

#include "home/engine/dir.h"

/* The two directories of a Trash, open. */
typedef struct {
	int files;
	int info;
} TidyTrashFds;

/**
 * tidy_trash_for - the Trash that takes what lies in @dir by a rename
 *
 * @home_trash where that is on the same file system; else that of the file system's top directory: $topdir/.Trash/$uid
 * where the administrator made a fit $topdir/.Trash, or $topdir/.Trash-$uid. It need not exist. (transfer full)
 */
TidyDir *tidy_trash_for(TidyDir *home_trash, TidyDir *dir);

/* Opens files/ and info/ of @trash, making what is missing (mode 0700). 0 or -errno; close with tidy_trash_close(). */
int tidy_trash_open(TidyDir *trash, TidyTrashFds *fds);
void tidy_trash_close(TidyFs *fs, TidyTrashFds *fds);

/**
 * tidy_trash_free_name - a name that neither files/ nor info/ has
 * @reserved: set of names (char*) that are given away already; the answer is added to it
 *
 * Returns: (transfer full), or NULL when there is none or the Trash cannot be opened.
 */
char *tidy_trash_free_name(TidyDir *trash, const char *name, GHashTable *reserved);

/* What an info file of @trash says about @path: the path itself, or in a top directory's Trash the one from there.
 * (transfer full) */
char *tidy_trash_path_for_info(TidyDir *trash, const char *path);

/* Makes info/@name.trashinfo for what was at @path (as from tidy_trash_path_for_info()); -EEXIST when it is there, unless
 * @may_exist. 0 or -errno. Durable only with the directory's next sync: without it the file is at worst an orphan
 * that every trash tool lists. */
int tidy_trash_write_info(TidyFs *fs, const TidyTrashFds *fds, const char *name, const char *path,
			  gboolean may_exist);
void tidy_trash_remove_info(TidyFs *fs, const TidyTrashFds *fds, const char *name);
