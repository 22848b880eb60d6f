/* SPDX-License-Identifier: GPL-3.0-or-later */
/* syncfs(2) beside the caller, for the real file system. I/O. */
#pragma once

/* TidyFs.begin_sync and TidyFs.end_sync. Safe from any thread. */
int tidy_sync_ahead_begin(int dir);
void tidy_sync_ahead_end(void);
