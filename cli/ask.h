/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking the one at the terminal. I/O. */
#pragma once

#include "cli/commands.h"

/* Somebody can be asked, and sees the question. */
gboolean tidy_can_ask(const TidyInvocation *call);
/* Only a yes is a yes; the end of the input is a no. */
gboolean tidy_ask(const char *question);
