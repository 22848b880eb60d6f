/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * user-dirs.dirs and its companions on disk: reading them all, writing one value. I/O, through
 * TidyFs.
 *
 * Reading never creates anything. Writing replaces the real file behind links atomically; a crash
 * leaves the old or the new file, and at worst a ".user-dirs.dirs.xdgtidy-N" beside it that the
 * next write removes when it is an hour old. xdg-user-dirs-update takes no lock: a caller should
 * read the file again a second after a write.
 */
#pragma once

#include "home/dirs/user-dirs.h"
#include "home/fs/fs.h"

typedef struct {
	TidyUserDirs *dirs;
	char *path;	     /* of user-dirs.dirs, as named (not the link's target) */
	gboolean is_present; /* FALSE: no such file, no key is set */
	char *locale;	     /* user-dirs.locale, or NULL */
	gboolean is_enabled; /* user-dirs.conf: xdg-user-dirs-update does its work at login */
	GPtrArray *defaults; /* of TidyUserDirsDefault; empty: no such file */
} TidyUserDirsFiles;

/**
 * tidy_user_dirs_load - reads user-dirs.dirs, .locale, .conf and .defaults
 * @config_dir: $XDG_CONFIG_HOME, absolute
 * @config_dirs: $XDG_CONFIG_DIRS, most important first, NULL-terminated; or NULL
 * @home: absolute
 *
 * Returns: (transfer full), or NULL with TIDY_ERROR_IO naming the path: user-dirs.dirs cannot be
 * read, is not a file, is a dangling link, or is larger than 4 MiB. Its absence is no error. A
 * companion that cannot be read counts as absent.
 */
TidyUserDirsFiles *tidy_user_dirs_load(TidyFs *fs, const char *config_dir,
				       const char *const *config_dirs, const char *home,
				       GError **error);
void tidy_user_dirs_files_free(TidyUserDirsFiles *files);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyUserDirsFiles, tidy_user_dirs_files_free)

/**
 * tidy_user_dirs_write - sets one key in user-dirs.dirs under @config_dir
 * @key, @path, @home: as for tidy_user_dirs_set()
 *
 * Follows links to the real file, writes a temporary beside it, keeps mode, owner and extended
 * attributes, syncs, and replaces only when the file is still the one that was read (inode, times,
 * content); else it begins again, at most five times. A missing file is made with mode 0600 (not
 * its directory). Nothing is written when nothing would change.
 * Returns: FALSE with the codec's errors, or TIDY_ERROR_IO / TIDY_ERROR_NO_SPACE naming the path.
 */
gboolean tidy_user_dirs_write(TidyFs *fs, const char *config_dir, const char *key, const char *path,
			      const char *home, GError **error);
