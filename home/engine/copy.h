/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies of files that count only when they are whole, durable and named; metadata. I/O. */
#pragma once

#include "home/fs/fs.h"
#include "home/merge/step.h"

/* All extended attributes of @fd, packed; NULL in @packed when there are none. 0, or -errno when one cannot be read:
 * then nothing that needs them back may be removed. */
int tidy_xattrs_pack(TidyFs *fs, int fd, GBytes **packed);

/* Owner, mode, extended attributes and (unless OMIT) mtime of @step onto @fd. What the caller has no right to
 * restore, an owner above all, is left. 0 or -errno. */
int tidy_copy_metadata(TidyFs *fs, int fd, const TidyStep *step);

/**
 * tidy_copy_file - @from/step->name as @to/step->to_name, with the step's metadata
 *
 * Written without a name (or, where there is no O_TMPFILE, under a temporary one), synced, then linked: the name
 * appears with whole, durable content or not at all. -EEXIST when the name is taken.
 */
int tidy_copy_file(TidyFs *fs, int from, int to, const TidyStep *step);
