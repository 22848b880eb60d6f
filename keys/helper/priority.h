// SPDX-License-Identifier: GPL-3.0-or-later
/* Keys before what else runs, and what keeps that from harm: real-time priority for as long as the helper waits often.
 * I/O. */
#ifndef REMAP_PRIORITY_H
#define REMAP_PRIORITY_H

/* us of processor without a wait: SIGKILL, it is a loop that does not end. A keymap of the greatest size takes 60,000. */
enum { REMAP_KILLED_AFTER = 1000000 };

/**
 * remap_priority_raise - the lowest real-time priority, and what bounds it (RLIMIT_RTTIME)
 *
 * To be called before the sandbox closes. It is given up again when devices flood: REMAP_HELPER_FLOODED.
 * Returns: 0 or -errno: then all goes on at the priority that there was. -EPERM: RLIMIT_RTPRIO gives no right to it, or
 * the kernel schedules real time by groups and this one has none (CONFIG_RT_GROUP_SCHED).
 */
int remap_priority_raise(void);

/** remap_priority_lower - back to the nice level, for good. What the sandbox leaves. Returns: 0 or -errno. */
int remap_priority_lower(void);

#endif
