/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy dupes --trash, --hardlink, --reflink: from what was found to a plan, a question and the one who does it. I/O. */
#pragma once

#include "cli/cmd.h"
#include "home/dupes/dupes.h"

typedef struct {
	TidyDupesAction action;
	gboolean is_dry_run;
	gboolean is_yes;
	gboolean is_summary; /* no list of groups */
} TidyDupesActing;

/* Shows, asks (unless @acting says yes) and has it done: by the daemon when it runs. Answers the exit code. */
TidyExit tidy_dupes_act(TidyInvocation *call, const TidyDupes *dupes,
			const TidyDupesActing *acting);
