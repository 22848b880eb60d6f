// SPDX-License-Identifier: GPL-3.0-or-later
/* The helper with the real machine's table (kernel.h) over umockdev's devices: libevdev, the ioctls, inotify and uinput are
 * the real calls. The clock is the test's: a busy machine decides nothing. The sandbox is left out: Landlock knows
 * nothing of the test bed, and seccomp kills who connects to umockdev.
 * I/O. */
#ifndef MOCK_HELPER_H
#define MOCK_HELPER_H

#include "keys/helper/helper.h"
#include "tests/support/mock-input.h"

/* A helper, with the daemon's end of its connection. */
typedef struct MockHelper {
	RemapKernel kernel;
	RemapLinux *linux_side;
	RemapHelper *helper;
	RemapUsec now, due;
	int daemon, socket;
	GHashTable *devices; /* node: what was last said of it */
	unsigned overruns;
	uint32_t state;
} MockHelper;

/* At most two at a time. The keymap is on its way. */
MockHelper *mock_helper_start(const MockInput *input, const char *keymap);
/* It gives everything back. */
void mock_helper_stop(MockHelper *helper);

void mock_helper_tell(MockHelper *helper, const RemapLinkMessage *message);

/* Lets it work until nothing happens, and some time pass. */
void mock_helper_step(MockHelper *helper);
/* The same until it has said that of the device. */
void mock_helper_wait(MockHelper *helper, const char *node, const char *expected);
/* The same until programs have read this from the virtual device. */
void mock_helper_expect(MockHelper *helper, MockDevice *clone, const char *expected);
/* The same until that was written to the device. */
void mock_helper_expect_injected(MockHelper *helper, MockDevice *device, const char *expected);

#endif
