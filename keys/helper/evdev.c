// SPDX-License-Identifier: GPL-3.0-or-later
/* One physical device: opened, asked, grabbed, synchronised, through libevdev.
 * I/O.
 *
 * libevdev reads once for each event that it returns; the helper reads a whole batch itself and leaves to
 * libevdev what it is best at: capabilities, and the state after the kernel dropped events. */
#include "keys/helper/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <libevdev/libevdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void
copy_codes(const struct libevdev *device, unsigned type, unsigned count, uint8_t *bits)
{
	remap_bit_set(bits, 0, false);
	for (unsigned code = 0; code < count; code++)
		remap_bit_set(bits, code, libevdev_has_event_code(device, type, code));
}

static void
describe(const struct libevdev *device, RemapDeviceInfo *info)
{
	const char *phys = libevdev_get_phys(device);
	const struct input_absinfo *axis;

	memset(info, 0, sizeof(*info));
	snprintf(info->name, sizeof(info->name), "%s", libevdev_get_name(device));
	snprintf(info->phys, sizeof(info->phys), "%s", phys ? phys : "");
	info->bus = (uint16_t)libevdev_get_id_bustype(device);
	info->vendor = (uint16_t)libevdev_get_id_vendor(device);
	info->product = (uint16_t)libevdev_get_id_product(device);
	info->version = (uint16_t)libevdev_get_id_version(device);
	for (unsigned type = 0; type < EV_CNT; type++)
		remap_bit_set(info->types, type, libevdev_has_event_type(device, type));
	copy_codes(device, EV_KEY, KEY_CNT, info->keys);
	copy_codes(device, EV_REL, REL_CNT, info->rels);
	copy_codes(device, EV_ABS, ABS_CNT, info->abses);
	copy_codes(device, EV_MSC, MSC_CNT, info->mscs);
	copy_codes(device, EV_LED, LED_CNT, info->leds);
	copy_codes(device, EV_SND, SND_CNT, info->snds);
	for (unsigned prop = 0; prop < INPUT_PROP_CNT; prop++)
		remap_bit_set(info->props, prop, libevdev_has_property(device, prop));
	axis = libevdev_get_abs_info(device, ABS_VOLUME);
	if (axis)
		info->volume = *axis;
	axis = libevdev_get_abs_info(device, ABS_MISC);
	if (axis)
		info->misc = *axis;
	if (libevdev_get_repeat(device, &info->repeat[0], &info->repeat[1]) < 0)
		info->repeat[0] = info->repeat[1] = 0;
}

static int
open_fd(int fd, RemapDeviceInfo *info, void **device)
{
	struct libevdev *evdev = NULL;
	struct stat st;
	int result;

	if (fstat(fd, &st) < 0)
		return -errno;
	/* A file or a FIFO of that name would not know the ioctls; why ask. */
	if (!S_ISCHR(st.st_mode))
		return -ENODEV;
	result = libevdev_new_from_fd(fd, &evdev);
	if (result < 0)
		return result;
	result = libevdev_set_clock_id(evdev, CLOCK_MONOTONIC);
	if (result < 0) {
		libevdev_free(evdev);
		return result;
	}
	describe(evdev, info);
	info->number = st.st_rdev;
	*device = evdev;
	return fd;
}

int
remap_evdev_open(int folder, const char *node, RemapDeviceInfo *info, void **device)
{
	int fd = openat(folder, node, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	int result;

	if (fd < 0)
		return -errno;
	result = open_fd(fd, info, device);
	if (result < 0)
		close(fd);
	return result;
}

int
remap_evdev_grab(void *device, bool is_on)
{
	return libevdev_grab(device, is_on ? LIBEVDEV_GRAB : LIBEVDEV_UNGRAB);
}

int
remap_evdev_sync(void *device, uint8_t *keys)
{
	struct input_event event;
	int result = libevdev_next_event(device, LIBEVDEV_READ_FLAG_FORCE_SYNC, &event);

	if (result < 0)
		return result;
	/* The changes one by one are of no interest: the state after them is. */
	while (result >= 0)
		result = libevdev_next_event(device, LIBEVDEV_READ_FLAG_SYNC, &event);
	if (result != -EAGAIN)
		return result;
	for (unsigned code = 0; code < KEY_CNT; code++)
		remap_bit_set(keys, code, libevdev_get_event_value(device, EV_KEY, code));
	return 0;
}

void
remap_evdev_close(void *device)
{
	int fd = libevdev_get_fd(device);

	libevdev_free(device);
	close(fd);
}
