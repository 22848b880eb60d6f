/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real file system with answers that this machine's disk would not give. I/O of the real one. */
#pragma once

#include "tests/support/trap-home.h"

typedef struct {
	TidyFs table; /* first: what is handed out */
	GArray *fakes;
	int fail_errno; /* 0: none */
	guint fail_from;
	char *fail_name; /* or NULL */
	guint n_renames;
	gint64 clock_step_ns;
	gint64 clock_ns;
} TrapFs;

/* What the lines "fake", "fail" and "clock" of @trap ask for, in the home at @home (which is built). */
void trap_fs_init(TrapFs *trap_fs, const TrapHome *trap, const char *home);
void trap_fs_clear(TrapFs *trap_fs);
