/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Thumbnails go with their files. Under the Thumbnail Managing Standard of freedesktop.org (0.9) a thumbnail is
 * thumbnails/SIZE/MD5.png below the cache directory, where MD5 is that of the file's URI, which it holds too. When the
 * file moves, nobody finds it again, and nobody removes it. I/O.
 *
 *	thumbnails = tidy_thumbnails_open(fs, "/home/ann/.cache");
 *	tidy_thumbnails_move(thumbnails, "/home/ann/Download/a.jpg", "/home/ann/Downloads/a.jpg", NULL);
 *
 * It is a cache: nothing here is journaled, made durable or told, and whatever is odd is left as it is.
 */
#pragma once

#include <gio/gio.h>

#include "home/fs/fs.h"

typedef struct TidyThumbnails TidyThumbnails;

/* Lists the names that are there, once. NULL when there are none: then nothing was done but to look. */
TidyThumbnails *tidy_thumbnails_open(TidyFs *fs, const char *cache_dir);
void tidy_thumbnails_free(TidyThumbnails *thumbnails);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyThumbnails, tidy_thumbnails_free)

/* The file @from is @to now: its thumbnails are too, unless @from leads to something again, or @to has one. Absolute paths,
 * raw bytes. */
void tidy_thumbnails_move(TidyThumbnails *thumbnails, const char *from, const char *to);
/* The same for all files below the directory @real_to, which is called @to; so many in all that it ends. */
void tidy_thumbnails_move_below(TidyThumbnails *thumbnails, const char *from, const char *to,
				const char *real_to, GCancellable *cancellable);
/* So many were moved. */
guint tidy_thumbnails_n_moved(const TidyThumbnails *thumbnails);
