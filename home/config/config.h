/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings of the file half: what xdgtidy.conf says. */
#pragma once

#include <glib.h>

typedef struct TidyConfig TidyConfig;
