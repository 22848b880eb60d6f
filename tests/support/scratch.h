/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories that tests make for themselves. I/O. */
#pragma once

#include <glib.h>

/* Removes @path and all below it, whatever modes there are; links are not followed. Aborts when something stays.
 * Returns: how much it was; 0: there was nothing. */
guint scratch_remove(const char *path);
