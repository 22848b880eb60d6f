// SPDX-License-Identifier: GPL-3.0-or-later
/* Privileges, limits, and the order of the rest.
 * I/O. */
#include "keys/helper/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

int
remap_sandbox_drop(void)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	return drop_capabilities();
}

int
remap_sandbox_enter(const char *input, const char *uinput, bool *has_landlock)
{
	int result = remap_sandbox_drop();

	if (result < 0)
		return result;
	result = remap_landlock_enter(input, uinput);
	*has_landlock = result == 0;
	if (result < 0 && result != -ENOSYS && result != -EOPNOTSUPP)
		return result;
	return remap_seccomp_enter();
}
