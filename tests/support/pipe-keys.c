// SPDX-License-Identifier: GPL-3.0-or-later
/* xdgtidy-keys with FIFOs for devices: the same loop, timer, watch and sandbox. What asks the kernel for an input device
 * is replaced; reading, writing and waiting are not.
 * I/O. usage: pipe-keys FOLDER, the daemon on standard input; FOLDER has eventN, and "clone" that takes what is written. */
#include "keys/helper/helper.h"
#include "keys/helper/priority.h"
#include "keys/helper/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int folder;

static int
open_fifo(void *data, const char *node, RemapDeviceInfo *info, void **device)
{
	/* Writing as well, so that it does not end when a writer goes. */
	int fd = openat(folder, node, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	int *handle = fd < 0 ? NULL : malloc(sizeof(*handle));

	if (fd < 0)
		return -errno;
	if (!handle) {
		close(fd);
		return -ENOMEM;
	}
	memset(info, 0, sizeof(*info));
	snprintf(info->name, sizeof(info->name), "Pipe %s", node);
	for (unsigned code = KEY_ESC; code <= KEY_COMPOSE; code++)
		remap_bit_set(info->keys, code, true);
	remap_bit_set(info->types, EV_KEY, true);
	remap_bit_set(info->types, EV_MSC, true);
	*handle = fd;
	*device = handle;
	return fd;
}

static int
grab_fifo(void *device, bool is_on)
{
	return 0;
}

static int
sync_fifo(void *device, uint8_t *keys)
{
	memset(keys, 0, REMAP_KEY_BYTES);
	return 0;
}

static void
close_fifo(void *device)
{
	close(*(int *)device);
	free(device);
}

static int
create_fifo(void *data, const RemapDeviceInfo *info)
{
	int fd = openat(folder, "clone", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

static int
no_session(void *data, unsigned uid, char *seat)
{
	return -ENOENT;
}

static int
open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

int
main(int argc, char **argv)
{
	RemapHelperSetup setup = { .socket = STDIN_FILENO, .how = REMAP_LINK_DIRECT };
	bool has_landlock = false;
	RemapHelper *helper;
	RemapKernel kernel;
	RemapLinux *linux_side;
	int result;

	if (argc != 2)
		return 2;
	result = remap_linux_new(argv[1], "/dev/uinput", &kernel, &linux_side);
	folder = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	setup.signals = open_signals();
	if (result < 0 || folder < 0 || setup.signals < 0)
		return 3;
	kernel.open = open_fifo;
	kernel.grab = grab_fifo;
	kernel.sync = sync_fifo;
	kernel.close = close_fifo;
	kernel.create = create_fifo;
	kernel.session = no_session;
	setup.kernel = &kernel;
	remap_priority_raise();
	if (remap_sandbox_enter(argv[1], "/dev/uinput", &has_landlock) < 0)
		return 4;
	setup.has_no_landlock = !has_landlock;
	helper = remap_helper_new(&setup);
	if (!helper)
		return 5;
	remap_linux_trim();
	do {
		result = remap_helper_step(helper, -1);
		if (result == REMAP_HELPER_FLOODED)
			remap_priority_lower();
	} while (result > 0);
	remap_helper_free(helper);
	remap_linux_free(linux_side);
	close(folder);
	return result < 0 ? 6 : 0;
}
