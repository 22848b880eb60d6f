// SPDX-License-Identifier: GPL-3.0-or-later
/* What the helper asks of the machine, as a table, so that tests give it keyboards of their own. Events themselves are
 * read from and written to descriptors, in tests too.
 * I/O: remap_kernel_linux(). */
#ifndef REMAP_KERNEL_H
#define REMAP_KERNEL_H

#include "keys/helper/device-info.h"
#include "keys/remap/machine.h"

/* Hears of a device node: "event3". */
typedef void (*RemapNodeFunction)(void *data, const char *node, bool is_gone);

typedef struct RemapKernel {
	/* Opens a device for reading and writing, without waiting, its times from the monotonic clock.
	 * Returns the descriptor or -errno. @device is for grab, sync and close. */
	int (*open)(void *data, const char *node, RemapDeviceInfo *info, void **device);
	/* Takes all its events for us alone, or ends that. 0 or -errno; -EBUSY: somebody else has it. */
	int (*grab)(void *device, bool is_on);
	/* Drops events that were not read and says which keys are down now. 0 or -errno. */
	int (*sync)(void *device, uint8_t *keys);
	void (*close)(void *device);
	/* Makes a device with these capabilities. Returns its descriptor or -errno. close() ends it. */
	int (*create)(void *data, const RemapDeviceInfo *info);

	/* Names every node there is. 0 or -errno. */
	int (*list)(void *data, RemapNodeFunction found, void *user);
	/* Reads watch_fd and names what came, changed its rights, or went. 1: some were missed, list again. */
	int (*changes)(void *data, RemapNodeFunction found, void *user);

	/* 1: @uid has the active session on a seat; 0: a session on a seat, but not the active one;
	 * -ENOENT: none on any seat. @seat gets the seat's name (64 bytes). Reads seat_fd empty. */
	int (*session)(void *data, unsigned uid, char *seat);
	/* Does the device belong to that seat? */
	bool (*is_on_seat)(void *data, const RemapDeviceInfo *info, const char *seat);

	/* The monotonic clock. */
	RemapUsec (*now)(void *data);
	/* timer_fd is to be readable at @time, REMAP_NEVER for not at all. */
	void (*arm)(void *data, RemapUsec time);

	int watch_fd, seat_fd, timer_fd; /* -1: there is none */
	void *data;
} RemapKernel;

typedef struct RemapLinux RemapLinux;

/**
 * remap_linux_new - the real machine
 * @input: the folder of device nodes, /dev/input; @uinput: /dev/uinput
 *
 * Opens the folder, its watch, the timer and logind's monitor; devices later.
 * Returns: 0 with @kernel filled in for remap_linux_free(), or -errno.
 */
int remap_linux_new(const char *input, const char *uinput, RemapKernel *kernel, RemapLinux **self);

void remap_linux_free(RemapLinux *self);

/**
 * remap_linux_trim - gives back the pages of code that only the start needed
 *
 * A third of the process: libsystemd's libraries and their set-up. The kernel has them in its cache, should they be
 * needed again.
 */
void remap_linux_trim(void);

/* evdev.c: one physical device. */
int remap_evdev_open(int folder, const char *node, RemapDeviceInfo *info, void **device);
int remap_evdev_grab(void *device, bool is_on);
int remap_evdev_sync(void *device, uint8_t *keys);
void remap_evdev_close(void *device);

/* uinput.c: one virtual device. */
int remap_uinput_create(const char *path, const RemapDeviceInfo *info);

/* hotplug.c: the folder of device nodes. */
int remap_hotplug_watch(const char *folder);
int remap_hotplug_list(int folder, RemapNodeFunction found, void *user);
int remap_hotplug_changes(int watch, RemapNodeFunction found, void *user);

/* seat.c: sessions and seats, from logind's files. */
int remap_seat_session(unsigned uid, char *seat);
bool remap_seat_has(const char *udev_data, uint64_t number, const char *seat);

#endif
