/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The error domain of the file half, and the cleanup attribute for file descriptors. Pure. */
#pragma once

#include <glib.h>
#include <unistd.h>

/**
 * TidyError - what a caller may want to tell apart; the message says what was being done, to which path,
 * and what to do next
 */
typedef enum {
	TIDY_ERROR_IO,	       /* a system call failed; errno's text is in the message */
	TIDY_ERROR_NAME_SPACE, /* no free name was left */
	TIDY_ERROR_CONFIG, /* a configuration file is wrong; the message opens with file:line:column */
	TIDY_ERROR_REFUSED, /* a safety rule said no */
	TIDY_ERROR_LOCKED,  /* another process holds the lock of this state directory */
	TIDY_ERROR_JOURNAL, /* a journal cannot be read, or is of a newer version or another home */
	TIDY_ERROR_NOT_FOUND, /* no such operation, stray or key */
	TIDY_ERROR_CANCELLED, /* stopped on request; what was done is journaled */
	TIDY_ERROR_NO_SPACE,  /* ENOSPC or EDQUOT */
	TIDY_ERROR_USAGE,     /* the request itself makes no sense */
} TidyError;

#define TIDY_ERROR (tidy_error_quark())
GQuark tidy_error_quark(void);

/**
 * tidy_error_set_errno - fills @error for a failed system call
 * @errno_code: positive errno; ENOSPC and EDQUOT become TIDY_ERROR_NO_SPACE
 * @format: what was being done, to which path, without the final ": reason"
 *
 * Returns: always FALSE, so that a caller can `return tidy_error_set_errno(...)`.
 */
gboolean tidy_error_set_errno(GError **error, int errno_code, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* Closes the descriptor that @fd points to, if it is not negative. For the attribute below. */
static inline void
tidy_autofd_clear(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* An int that is closed when it leaves its scope. Only for descriptors of the real file system (not TidyFs). */
#define tidy_autofd __attribute__((cleanup(tidy_autofd_clear))) int
