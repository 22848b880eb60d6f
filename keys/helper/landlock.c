// SPDX-License-Identifier: GPL-3.0-or-later
/* Files: only those that the helper needs, by Landlock(7). No wrapper in libc and, in the headers of Debian 12, not
 * the later rights: the numbers are the kernel's (include/uapi/linux/landlock.h).
 * I/O. */
#include "keys/helper/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	ALL_OF_ABI_1 = (1 << 13) - 1,
	REFER = 1 << 13,     /* ABI 2, Linux 5.19 */
	TRUNCATE = 1 << 14,  /* ABI 3, Linux 6.2 */
	IOCTL_DEV = 1 << 15, /* ABI 5, Linux 6.10 */
	NET_ALL = 3,	     /* ABI 4, Linux 6.7: TCP bind and connect */
	SCOPE_ALL = 3,	     /* ABI 6, Linux 6.12: abstract sockets, signals */
	RULE_PATH_BENEATH = 1,
	VERSION_FLAG = 1,
};

struct ruleset {
	uint64_t files, net, scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

static int
allow(int ruleset, const char *path, uint64_t rights)
{
	struct path_rule rule = { .allowed = rights };
	int result = 0;

	rule.parent = open(path, O_PATH | O_CLOEXEC);
	/* What is not there needs no rule. uinput may come later; then it needs a new helper. */
	if (rule.parent < 0)
		return 0;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0)
		result = -errno;
	close(rule.parent);
	return result;
}

static int
add_rules(int ruleset, const char *input, const char *uinput, uint64_t handled)
{
	uint64_t device = (READ_FILE | WRITE_FILE | IOCTL_DEV) & handled;
	const struct {
		const char *path;
		uint64_t rights;
	} all[] = {
		{ input, device | READ_DIR },
		{ uinput, device },
		{ "/run/systemd/seats", READ_FILE | READ_DIR },
		{ "/run/systemd/users", READ_FILE | READ_DIR },
		{ "/run/udev/data", READ_FILE },
	};
	int result = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all) && result == 0; i++)
		result = allow(ruleset, all[i].path, all[i].rights);
	return result;
}

int
remap_landlock_enter(const char *input, const char *uinput)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);
	struct ruleset rules = { .files = ALL_OF_ABI_1 };
	size_t size = sizeof(rules.files);
	int ruleset, result;

	if (abi < 0)
		return -errno;
	if (abi >= 2)
		rules.files |= REFER;
	if (abi >= 3)
		rules.files |= TRUNCATE;
	if (abi >= 5)
		rules.files |= IOCTL_DEV;
	if (abi >= 4) {
		rules.net = NET_ALL;
		size += sizeof(rules.net);
	}
	if (abi >= 6) {
		rules.scoped = SCOPE_ALL;
		size += sizeof(rules.scoped);
	}
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (ruleset < 0)
		return -errno;
	result = add_rules(ruleset, input, uinput, rules.files);
	if (result == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		result = -errno;
	close(ruleset);
	return result;
}
