/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's log: one line an event, with a MESSAGE_ID where people or programs may look for it. I/O. */
/*
 * Goes to journald when it listens on stderr, else to stderr as a line. No file names above debug, unless the user
 * started the job; errors of the engine carry them, so those are logged by their code.
 */
#pragma once

#include <glib.h>

/* Kinds of events; the ids and their texts stand in data/xdgtidy.catalog. */
#define TIDY_LOG_STARTED  "a752cc7f076d4803b73936c9696d14bc"
#define TIDY_LOG_STOPPED  "772786bdc05643e99cf93428874cabc7"
#define TIDY_LOG_MERGED	  "8edcfd9eaa9149b6bb24700b016f9255"
#define TIDY_LOG_UNDONE	  "ec40567c6c1842ebaf2b9f29262a4c17"
#define TIDY_LOG_FAILED	  "5c45886bb0bd4d61b03bc134b9815c2d"
#define TIDY_LOG_CONFIG	  "0f24913b74264c6cb4157f634d600797"
#define TIDY_LOG_DEGRADED "72d2dfbab0044574b2b8a91c14376b62"

/* Once, before the first message. */
void tidy_log_init(gboolean is_verbose);

/* @level: G_LOG_LEVEL_WARNING, _MESSAGE, _INFO. @id: one of the above or NULL. @operation: 0 or an id of an operation
 * (field XDGTIDY_OP). @reason: a code (field XDGTIDY_REASON) or NULL. */
void tidy_log(GLogLevelFlags level, const char *id, guint64 operation, const char *reason,
	      const char *format, ...) G_GNUC_PRINTF(5, 6);
