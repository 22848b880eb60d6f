// SPDX-License-Identifier: GPL-3.0-or-later
/* Real-time priority, and its bounds.
 * I/O. */
#include "keys/helper/priority.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>

int
remap_priority_raise(void)
{
	/* Any real-time priority goes before all that has none: the lowest leaves the kernel's threads before us. */
	struct sched_param lowest = { .sched_priority = sched_get_priority_min(SCHED_FIFO) };
	struct rlimit limit = { REMAP_KILLED_AFTER, REMAP_KILLED_AFTER };

	if (setrlimit(RLIMIT_RTTIME, &limit) < 0)
		return -errno;
	return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest) < 0 ? -errno : 0;
}

int
remap_priority_lower(void)
{
	struct sched_param none = { .sched_priority = 0 };

	/* Without the flag it would be a right more, and refused (sched(7)). */
	return sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none) < 0 ? -errno : 0;
}
