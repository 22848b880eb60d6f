// SPDX-License-Identifier: GPL-3.0-or-later
/* The real machine behind the table of kernel.h.
 * I/O. */
#include "keys/helper/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <systemd/sd-login.h>
#include <time.h>
#include <unistd.h>

struct RemapLinux {
	int folder, watch, timer;
	char *uinput;
	sd_login_monitor *monitor; /* NULL without logind */
};

static int
open_device(void *data, const char *node, RemapDeviceInfo *info, void **device)
{
	return remap_evdev_open(((RemapLinux *)data)->folder, node, info, device);
}

static int
create(void *data, const RemapDeviceInfo *info)
{
	return remap_uinput_create(((RemapLinux *)data)->uinput, info);
}

static int
list(void *data, RemapNodeFunction found, void *user)
{
	return remap_hotplug_list(((RemapLinux *)data)->folder, found, user);
}

static int
changes(void *data, RemapNodeFunction found, void *user)
{
	return remap_hotplug_changes(((RemapLinux *)data)->watch, found, user);
}

static int
session(void *data, unsigned uid, char *seat)
{
	RemapLinux *self = data;

	if (self->monitor)
		sd_login_monitor_flush(self->monitor);
	return remap_seat_session(uid, seat);
}

static bool
is_on_seat(void *data, const RemapDeviceInfo *info, const char *seat)
{
	return remap_seat_has("/run/udev/data", info->number, seat);
}

static RemapUsec
now(void *data)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (RemapUsec)time.tv_sec * 1000000 + (RemapUsec)time.tv_nsec / 1000;
}

static void
arm(void *data, RemapUsec time)
{
	struct itimerspec due = { 0 };

	if (time != REMAP_NEVER) {
		due.it_value.tv_sec = (time_t)(time / 1000000);
		due.it_value.tv_nsec = (long)(time % 1000000) * 1000;
		/* All zero would be "not at all". */
		if (time == 0)
			due.it_value.tv_nsec = 1;
	}
	timerfd_settime(((RemapLinux *)data)->timer, TFD_TIMER_ABSTIME, &due, NULL);
}

int
remap_linux_new(const char *input, const char *uinput, RemapKernel *kernel, RemapLinux **result)
{
	RemapLinux *self = calloc(1, sizeof(*self));
	int error;

	if (!self)
		return -ENOMEM;
	self->watch = self->timer = -1;
	self->folder = open(input, O_PATH | O_DIRECTORY | O_CLOEXEC);
	error = self->folder < 0 ? -errno : 0;
	if (error == 0) {
		self->watch = remap_hotplug_watch(input);
		error = self->watch < 0 ? self->watch : 0;
	}
	if (error == 0) {
		self->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
		error = self->timer < 0 ? -errno : 0;
	}
	self->uinput = strdup(uinput);
	if (error < 0 || !self->uinput) {
		remap_linux_free(self);
		return error < 0 ? error : -ENOMEM;
	}
	/* A seat's file names its active session and is written when that changes. */
	if (sd_login_monitor_new("seat", &self->monitor) < 0)
		self->monitor = NULL;
	*kernel = (RemapKernel){
		.open = open_device,
		.grab = remap_evdev_grab,
		.sync = remap_evdev_sync,
		.close = remap_evdev_close,
		.create = create,
		.list = list,
		.changes = changes,
		.session = session,
		.is_on_seat = is_on_seat,
		.now = now,
		.arm = arm,
		.watch_fd = self->watch,
		.seat_fd = self->monitor ? sd_login_monitor_get_fd(self->monitor) : -1,
		.timer_fd = self->timer,
		.data = self,
	};
	*result = self;
	return 0;
}

void
remap_linux_free(RemapLinux *self)
{
	if (!self)
		return;
	if (self->folder >= 0)
		close(self->folder);
	if (self->watch >= 0)
		close(self->watch);
	if (self->timer >= 0)
		close(self->timer);
	sd_login_monitor_unref(self->monitor);
	free(self->uinput);
	free(self);
}

/* Segments that nobody writes to are the file's own pages: dropping them loses nothing. */
static int
trim_object(struct dl_phdr_info *object, size_t size, void *data)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t start = object->dlpi_addr + segment->p_vaddr;
		uintptr_t end = start + segment->p_memsz;

		if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W))
			continue;
		start -= start % page;
		madvise((void *)start, end - start, MADV_DONTNEED);
	}
	return 0;
}

void
remap_linux_trim(void)
{
	dl_iterate_phdr(trim_object, NULL);
}
