/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the device below a file is good at. I/O. */
#include "home/dupes/device.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/sysmacros.h>

/* statfs(2); not in linux/magic.h of every libc this builds with. */
#define BCACHEFS_MAGIC 0xca451a4eu
#define XFS_MAGIC      0x58465342u

typedef struct {
	guint64 dev;
	gboolean can_share;
	gboolean is_rotational;
} Device;

struct TidyDevices {
	TidyCatalog *catalog;
	GArray *known; /* of Device; seldom more than two */
};

TidyDevices *
tidy_devices_new(TidyCatalog *catalog)
{
	TidyDevices *devices = g_new0(TidyDevices, 1);

	devices->catalog = catalog;
	devices->known = g_array_new(FALSE, FALSE, sizeof(Device));
	return devices;
}

void
tidy_devices_free(TidyDevices *devices)
{
	g_array_unref(devices->known);
	g_free(devices);
}

static gboolean
can_share(TidyCatalog *catalog, guint dir)
{
	TidyFs *fs = catalog->fs;
	TidyFsInfo info;
	int fd = tidy_catalog_open_dir(catalog, dir);

	if (fs->extents == NULL || fd < 0 || fs->fsinfo(fs, fd, &info) < 0)
		return FALSE;
	return info.type == BTRFS_SUPER_MAGIC || info.type == XFS_MAGIC ||
	       info.type == BCACHEFS_MAGIC;
}

/* Disks of virtual machines and the like say "rotational" because nobody told them otherwise. */
static gboolean
is_make_believe(TidyFs *fs, const char *device)
{
	static const char *const signs[] = { "/virtio", "/block/loop", "/block/zram", "/block/nbd",
					     "/vbd-" };
	char target[1024] = "";
	int dir = fs->openat(fs, AT_FDCWD, "/sys/dev/block", O_RDONLY | O_DIRECTORY, 0);
	ssize_t length;

	if (dir < 0)
		return FALSE;
	length = fs->readlink(fs, dir, device, target, sizeof target - 1);
	fs->close(fs, dir);
	if (length <= 0)
		return FALSE;
	target[length] = '\0';
	for (guint i = 0; i < G_N_ELEMENTS(signs); i++) {
		if (strstr(target, signs[i]) != NULL)
			return TRUE;
	}
	return FALSE;
}

/* The first character of a small file of sysfs; 0 when there is none. */
static char
first_char(TidyFs *fs, const char *path)
{
	char text = 0;
	int fd = fs->openat(fs, AT_FDCWD, path, O_RDONLY, 0);

	if (fd < 0)
		return 0;
	if (fs->pread(fs, fd, &text, 1, 0) != 1)
		text = 0;
	fs->close(fs, fd);
	return text;
}

/* A partition has no queue of its own; its disk is the directory above. */
static gboolean
is_rotational(TidyFs *fs, guint64 dev)
{
	char device[32];
	char path[128];
	char answer;

	g_snprintf(device, sizeof device, "%u:%u", major(dev), minor(dev));
	g_snprintf(path, sizeof path, "/sys/dev/block/%s/queue/rotational", device);
	answer = first_char(fs, path);
	if (answer == 0) {
		g_snprintf(path, sizeof path, "/sys/dev/block/%s/../queue/rotational", device);
		answer = first_char(fs, path);
	}
	return answer == '1' && !is_make_believe(fs, device);
}

static const Device *
device_of(TidyDevices *devices, guint file)
{
	TidyCatalog *catalog = devices->catalog;
	guint dir = tidy_catalog_file(catalog, file)->dir;
	Device device = { .dev = tidy_catalog_dir(catalog, dir)->dev };

	for (guint i = 0; i < devices->known->len; i++) {
		const Device *known = &g_array_index(devices->known, Device, i);

		if (known->dev == device.dev)
			return known;
	}
	device.can_share = can_share(catalog, dir);
	device.is_rotational = is_rotational(catalog->fs, device.dev);
	g_array_append_val(devices->known, device);
	return &g_array_index(devices->known, Device, devices->known->len - 1);
}

gboolean
tidy_device_can_share(TidyDevices *devices, guint file)
{
	return device_of(devices, file)->can_share;
}

gboolean
tidy_device_is_rotational(TidyDevices *devices, guint file)
{
	return device_of(devices, file)->is_rotational;
}

guint64
tidy_device_place(TidyDevices *devices, guint file)
{
	TidyCatalog *catalog = devices->catalog;
	TidyFs *fs = catalog->fs;
	TidyExtent extent = { 0 };
	int fd = tidy_catalog_open_file(catalog, file);

	if (fd < 0 || fs->extents == NULL)
		return 0;
	fs->extents(fs, fd, 0, &extent, 1);
	tidy_catalog_close_file(catalog, file);
	return extent.physical;
}
