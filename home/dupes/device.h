/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the device below a file is good at: sharing blocks, jumping about. Asked once for each device. I/O. */
#pragma once

#include "home/dupes/catalog.h"

typedef struct TidyDevices TidyDevices;

TidyDevices *tidy_devices_new(TidyCatalog *catalog);
void tidy_devices_free(TidyDevices *devices);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyDevices, tidy_devices_free)

/* TRUE on file systems where two files can have the same blocks: btrfs, xfs, bcachefs. */
gboolean tidy_device_can_share(TidyDevices *devices, guint file);
/* TRUE when the file is on a disk that turns, so that each jump costs about 10 ms. */
gboolean tidy_device_is_rotational(TidyDevices *devices, guint file);
/* Where the file begins on its device; 0 when that cannot be known. Opens the file. */
guint64 tidy_device_place(TidyDevices *devices, guint file);
