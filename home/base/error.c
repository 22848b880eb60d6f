/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The error domain of the file half. Pure. */
#include "home/base/error.h"

#include <errno.h>
#include <stdarg.h>

G_DEFINE_QUARK(tidy - error - quark, tidy_error)

gboolean
tidy_error_set_errno(GError **error, int errno_code, const char *format, ...)
{
	g_autofree char *what = NULL;
	TidyError code = TIDY_ERROR_IO;
	va_list args;

	va_start(args, format);
	what = g_strdup_vprintf(format, args);
	va_end(args);
	if (errno_code == ENOSPC || errno_code == EDQUOT)
		code = TIDY_ERROR_NO_SPACE;
	g_set_error(error, TIDY_ERROR, code, "%s: %s", what, g_strerror(errno_code));
	return FALSE;
}
