/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A TidyFs around another one (the real or the fake): makes calls fail on command and calls a hook before each. I/O.
 *
 *	g_autoptr(FaultFs) fault = fault_fs_new(tidy_fs_linux());
 *	fault_fs_fail(fault, FS_OP_RENAME, 3, EIO, FS_FAIL_ONCE);
 *	engine_run(fault_fs_table(fault));
 *	g_assert_cmpuint(fault_fs_fired(fault), ==, 1);
 *
 * A close that is made to fail closes all the same, as close(2) does.
 */
#pragma once

#include "home/fs/fs.h"
#include "tests/support/fs-op.h"

typedef struct FaultFs FaultFs;

/**
 * FaultHook - called before each operation: a neighbour that races with us, a counter, a log
 * @dir, @name: the first directory (or descriptor) and name the call has; -1 and NULL where it has none
 * @nth: 1 for the first call of any operation
 *
 * It may change the disk (with the inner table or by other means); calls of its own on the wrapper do not come back
 * to it. Returns: 0 to go on, or -errno to answer instead.
 */
typedef int (*FaultHook)(FaultFs *fault, FsOp op, int dir, const char *name, guint nth,
			 gpointer data);

FaultFs *fault_fs_new(TidyFs *inner);
void fault_fs_free(FaultFs *fault);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FaultFs, fault_fs_free)

TidyFs *fault_fs_table(FaultFs *fault);
TidyFs *fault_fs_inner(FaultFs *fault);
void fault_fs_set_hook(FaultFs *fault, FaultHook hook, gpointer data);
/* As fs_faults_*(); openat counts as mutating when it creates or truncates. */
void fault_fs_fail(FaultFs *fault, FsOp op, guint nth, int errno_code, FsFailMode mode);
void fault_fs_clear(FaultFs *fault);
guint fault_fs_seen(FaultFs *fault, FsOp op);
guint fault_fs_fired(FaultFs *fault);
