/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From equal contents and equal directories to groups: which name is kept, which names another group covers. Pure. */
#pragma once

#include "home/dupes/collect.h"

/* Fills catalog->dupes->groups. @trees: from tidy_trees_find(). */
void tidy_groups_build(TidyCatalog *catalog, const TidySets *sets, const GArray *trees);
