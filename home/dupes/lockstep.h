/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the sets of files of one size side by side until each has fallen apart or is known to be equal. I/O. */
#pragma once

#include "home/dupes/collect.h"

/* Empties sets->classes and fills sets->contents. Cancelled: catalog->dupes says so, and what was still open. */
void tidy_lockstep(TidyCatalog *catalog, TidySets *sets);
