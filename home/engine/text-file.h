/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small files that a step makes of a text, or removes when they still say it. I/O. */
#pragma once

#include "home/fs/fs.h"

/* Larger ones are no lists of names. */
#define TIDY_TEXT_FILE_BYTES_MAX (64 * 1024)

/* The text of the file @dir/@name: 0 with @text (transfer full); -EINVAL when it is no file, too large, or holds a zero byte;
 * or -errno. */
int tidy_text_file_read(TidyFs *fs, int dir, const char *name, char **text);

/* The file @dir/@name with @text in it, durable, all or nothing; -EEXIST when the name is taken. 0 or -errno. */
int tidy_text_file_make(TidyFs *fs, int dir, const char *name, const char *text);
