/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TIDY_ERROR on the bus. Pure. */
#include "home/service/dbus-errors.h"

const char *
tidy_dbus_error_word(TidyError code)
{
	switch (code) {
	case TIDY_ERROR_IO:
		return "IO";
	case TIDY_ERROR_NAME_SPACE:
		return "NameSpace";
	case TIDY_ERROR_CONFIG:
		return "Config";
	case TIDY_ERROR_REFUSED:
		return "Refused";
	case TIDY_ERROR_LOCKED:
		return "Locked";
	case TIDY_ERROR_JOURNAL:
		return "Journal";
	case TIDY_ERROR_NOT_FOUND:
		return "NotFound";
	case TIDY_ERROR_CANCELLED:
		return "Cancelled";
	case TIDY_ERROR_NO_SPACE:
		return "NoSpace";
	case TIDY_ERROR_USAGE:
		return "Usage";
	}
	return "IO";
}

void
tidy_dbus_errors_register(void)
{
	/* From the first to the last member; tidy_dbus_error_word() would not compile without a new one. */
	for (int code = TIDY_ERROR_IO; code <= TIDY_ERROR_USAGE; code++) {
		g_autofree char *name = g_strconcat(TIDY_DBUS_ERROR_PREFIX,
						    tidy_dbus_error_word((TidyError)code), NULL);

		g_dbus_error_register_error(TIDY_ERROR, code, name);
	}
}
