/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the duplicate finder found, as a report (a{sv}) for D-Bus and --json. Pure. */
#pragma once

#include "home/dupes/dupes.h"

/**
 * tidy_dupes_report - the report "dupes"
 * @max_groups: further groups only count in "groups-cut"; 0: all
 *
 * version u (1); outcome s: done|stopped; reclaimable t; groups-cut t;
 * groups aa{sv}, most reclaimable first {type s: file|directory, size t, count t, reclaimable t,
 *        names aa{sv} {path s, file t: names with the same number are hard links of one file, kept b,
 *                      why as: protected|bundle|unit|linked|shared}};
 * counts a{sv} {files t, directories t, candidates t, candidate-bytes t, read-bytes t, reads t, shared t,
 *        open-files t, open-bytes t: stopped: were still equal to another as far as they were read};
 * skipped a{sv} {ignored|small|link|special|mount|visited|unreadable|changed t};
 * skips aa{sv} {path s, code s, text s}: at most 1,000, not for ignored, small and link.
 * Paths as in home/service/report.h: displayable, with "path_b64" beside those that are not UTF-8. Names that another
 * group covers as part of a directory are left out.
 * Returns: (transfer floating)
 */
GVariant *tidy_dupes_report(const TidyDupes *dupes, guint max_groups);
