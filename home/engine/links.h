/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Symbolic links of the home that lead into a stray, and so would lead nowhere once it is merged. I/O, reads only. */
#pragma once

#include "home/fs/fs.h"

typedef struct {
	char *path;	/* of the link, absolute */
	char *text;	/* what it says */
	char *new_text; /* what it would have to say after the merge; NULL: the stray has no target */
} TidyLinkInto;

void tidy_link_into_free(TidyLinkInto *link);

/**
 * tidy_links_into - links below @home that lead into @stray
 * @home, @stray: absolute, without links; @target likewise, or NULL
 * @is_cut: (out): the home has more than was looked at: 50,000 entries, eight levels deep
 *
 * What a link says is compared as text, no link is followed, no other file system entered. Links in the stray count
 * when they name it: a relative one from one place in it to another, which goes along, does not.
 * Returns: (transfer full): of TidyLinkInto, at most 100, by path.
 */
GPtrArray *tidy_links_into(TidyFs *fs, const char *home, const char *stray, const char *target,
			   gboolean *is_cut);
