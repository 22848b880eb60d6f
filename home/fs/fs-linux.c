/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "home/fs/fs.h"
