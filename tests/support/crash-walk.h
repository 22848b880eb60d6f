/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every crash point of a run, and every state of the disks that each may leave. Pure (on a fake).
 *
 *	crash_walk(start, &(CrashWalkOptions){ .modes = CRASH_WALK_ALL }, merge, recover_and_check, data);
 *
 * runs merge() on a clone of @start, crashed before and after each mutating operation; for each mode and each state
 * it hands a rebooted clone to recover_and_check(). That function may call crash_walk() again with the clone as
 * start and the recovery as run: a second crash at every point of the recovery.
 */
#pragma once

#include "tests/support/fake-fs.h"

typedef struct {
	guint op; /* n-th mutating operation of the run; 0: the run ended without a crash */
	FakeWhen when;
	FakeReboot mode;
	guint state; /* of fake_fs_states() */
	const char *
		text; /* all of it for a message: "crash after 7 rename a -> b; cut-ordered: ..." */
} CrashPoint;

/* Does the work under test. It sees -ESHUTDOWN at the crash and must come back. */
typedef void (*CrashRunFunc)(FakeFs *fake, gpointer data);
/* Recovers and asserts; @fake is a clone of its own. */
typedef void (*CrashCheckFunc)(FakeFs *fake, const CrashPoint *point, gpointer data);

#define CRASH_WALK_ALL ((1u << FAKE_REBOOT_N) - 1)

typedef struct {
	guint modes; /* bits 1 << FakeReboot; 0: all */
	gboolean
		is_sparse; /* only FAKE_AFTER (and FAKE_BEFORE for the first): FAKE_BEFORE n leaves what FAKE_AFTER n-1 does */
	guint max_points; /* at most about so many n, evenly spread; 0: all */
	guint max_states; /* at most about so many states per n, when and mode, evenly spread, first and last included; 0: all */
	guint offset;	  /* rotates what is sampled */
} CrashWalkOptions;

typedef struct {
	guint ops;    /* mutating operations of the run that did not crash */
	guint points; /* crashes made */
	guint states; /* states handed to the check */
} CrashWalkStats;

/* Aborts when a run makes more than 100,000 operations. The check also gets the run that ended (op 0, every mode and state). */
CrashWalkStats crash_walk(FakeFs *start, const CrashWalkOptions *options, CrashRunFunc run,
			  CrashCheckFunc check, gpointer data);
