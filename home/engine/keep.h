/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes that a copy has to have too, and file systems that cannot hold them. I/O, reads only. */
#pragma once

#include "home/fs/fs.h"

typedef enum {
	TIDY_KEEP_USER = 1 << 0,	 /* user.* */
	TIDY_KEEP_ACL = 1 << 1,		 /* an access list */
	TIDY_KEEP_CAPABILITIES = 1 << 2, /* of a program */
} TidyKeep;

/* What kind an extended attribute is; 0: the file system's own, or root's, which nobody misses. */
guint tidy_keep_kind(const char *name);
/* The kinds that the open file or directory has. */
guint tidy_keep_of(TidyFs *fs, int fd);
/* The kinds that this process cannot give to what it makes in the open directory. */
guint tidy_keep_lacking(TidyFs *fs, int dir);
