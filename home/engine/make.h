/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One step of the executor. I/O. */
#pragma once

#include "home/engine/execute.h"

/* Makes @step, which is no CARRY, in the directories that it names; @to_dir may be NULL. 0 when it is made (in a replay also
 * when it was made before), or -errno. */
int tidy_make_step(const TidyExecutorOptions *options, const TidyStep *step, TidyDir *dir,
		   TidyDir *to_dir);
