/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a program and kills it, with all its threads and children, before or after its nth tree-changing system call. I/O:
 * ptrace(2), stops only at these calls by a seccomp filter.
 *
 *	kill_at_run(argv, envp, &(KillAt){ 0 }, &run)                 counts: run.seen
 *	kill_at_run(argv, envp, &(KillAt){ .n = 7 }, &run)            the 7th does not happen
 *	kill_at_run(argv, envp, &(KillAt){ .n = 7, .is_after = TRUE }, &run)
 */
#pragma once

#include <glib.h>

typedef struct {
	guint n; /* from 1; 0: count only */
	gboolean is_after;
} KillAt;

typedef struct {
	guint seen; /* tree-changing calls up to the end */
	gboolean is_killed;
	int exit_status; /* when it was not killed */
	char last[32];	 /* name of the last call seen */
} KillRun;

/* FALSE when this machine does not let a process be traced: the test skips then. Aborts on other errors. */
gboolean kill_at_run(const char *const *argv, const char *const *envp, const KillAt *at,
		     KillRun *run);
