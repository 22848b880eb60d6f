// SPDX-License-Identifier: GPL-3.0-or-later
/* One virtual device, made through /dev/uinput. Closing the descriptor ends it, and the kernel releases its keys.
 * I/O. */
#include "keys/helper/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/uinput.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int
set_bits(int fd, unsigned long request, const uint8_t *bits, unsigned count)
{
	for (unsigned n = 0; n < count; n++)
		if (remap_bit(bits, n) && ioctl(fd, request, n) < 0)
			return -errno;
	return 0;
}

static int
set_axis(int fd, const RemapDeviceInfo *info, uint16_t code, const struct input_absinfo *absinfo)
{
	struct uinput_abs_setup setup = { .code = code, .absinfo = *absinfo };

	if (!remap_bit(info->abses, code))
		return 0;
	return ioctl(fd, UI_ABS_SETUP, &setup) < 0 ? -errno : 0;
}

static int
set_capabilities(int fd, const RemapDeviceInfo *info)
{
	const struct {
		unsigned long request;
		const uint8_t *bits;
		unsigned count;
	} all[] = {
		{ UI_SET_KEYBIT, info->keys, KEY_CNT },
		{ UI_SET_RELBIT, info->rels, REL_CNT },
		{ UI_SET_ABSBIT, info->abses, ABS_CNT },
		{ UI_SET_MSCBIT, info->mscs, MSC_CNT },
		{ UI_SET_LEDBIT, info->leds, LED_CNT },
		{ UI_SET_SNDBIT, info->snds, SND_CNT },
		{ UI_SET_PROPBIT, info->props, INPUT_PROP_CNT },
	};

	/* EV_SYN is set by the kernel, and is no bit that may be set. */
	for (unsigned type = 1; type < EV_CNT; type++)
		if (remap_bit(info->types, type) && ioctl(fd, UI_SET_EVBIT, type) < 0)
			return -errno;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		int result = set_bits(fd, all[i].request, all[i].bits, all[i].count);

		if (result < 0)
			return result;
	}
	return 0;
}

static int
set_up(int fd, const RemapDeviceInfo *info)
{
	struct uinput_setup setup = {
		.id = { info->bus, info->vendor, info->product, info->version },
	};
	int result;

	snprintf(setup.name, sizeof(setup.name), "%s", info->name);
	result = set_capabilities(fd, info);
	if (result < 0)
		return result;
	if (ioctl(fd, UI_SET_PHYS, info->phys) < 0 || ioctl(fd, UI_DEV_SETUP, &setup) < 0)
		return -errno;
	result = set_axis(fd, info, ABS_VOLUME, &info->volume);
	if (result == 0)
		result = set_axis(fd, info, ABS_MISC, &info->misc);
	if (result < 0)
		return result;
	return ioctl(fd, UI_DEV_CREATE) < 0 ? -errno : 0;
}

/* The console's repeat rate, as kbdrate(8) set it. Without it the kernel has its own, 250 and 33 ms. */
static int
set_repeat(int fd, const RemapDeviceInfo *info)
{
	const struct input_event events[] = {
		{ .type = EV_REP, .code = REP_DELAY, .value = info->repeat[0] },
		{ .type = EV_REP, .code = REP_PERIOD, .value = info->repeat[1] },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};

	if (!remap_bit(info->types, EV_REP) || !info->repeat[0])
		return 0;
	return write(fd, events, sizeof(events)) < 0 ? -errno : 0;
}

int
remap_uinput_create(const char *path, const RemapDeviceInfo *info)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	int result;

	if (fd < 0)
		return -errno;
	result = set_up(fd, info);
	if (result == 0)
		result = set_repeat(fd, info);
	if (result == 0)
		return fd;
	close(fd);
	return result;
}
