// SPDX-License-Identifier: GPL-3.0-or-later
/* What the helper gives away once it is set up: whoever takes it over through a hostile device or daemon finds
 * keyboards, and nothing else.
 * I/O. */
#ifndef REMAP_SANDBOX_H
#define REMAP_SANDBOX_H

#include <stdbool.h>

/**
 * remap_sandbox_enter - for good: no privileges, no core dump, files only below @input and what logind and udev write
 *	about seats, and the system calls of the loop
 * @input: /dev/input; @uinput: /dev/uinput
 * @has_landlock: gets whether the kernel has Landlock; without it the list of system calls and the unit remain
 *
 * A call that runs, makes or watches another program, or opens a connection, kills the process: the kernel then
 * gives the keyboards back. Any other call that is not on the list fails with ENOSYS.
 * Returns: 0 or -errno: the helper must not run then.
 */
int remap_sandbox_enter(const char *input, const char *uinput, bool *has_landlock);

/* The parts, in this order. */
int remap_sandbox_drop(void);
int remap_landlock_enter(const char *input,
			 const char *uinput); /* -EOPNOTSUPP, -ENOSYS: there is none */
int remap_seccomp_enter(void);		      /* nothing under AddressSanitizer */

#endif
