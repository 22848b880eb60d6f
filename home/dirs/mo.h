/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads compiled gettext catalogs (.mo files). Pure. */
#pragma once

#include <glib.h>

/* Both strings end with a zero byte and are valid during the call. */
typedef void (*TidyMoFunc)(const char *msgid, const char *msgstr, gpointer data);

/**
 * tidy_mo_foreach - calls @func for each message of a .mo file
 * @bytes: any content
 *
 * Checks the whole file first, so that @func is not called for a damaged one. Both byte orders;
 * major revisions 0 and 1 (GNU gettext manual, "The Format of GNU MO Files"). The header (msgid "")
 * is a message too; of plural forms the first is given, and a context stays in front of the msgid.
 * Returns: FALSE with TIDY_ERROR_CONFIG when a table or a string lies outside the file or is not
 * ended by a zero.
 */
gboolean tidy_mo_foreach(const char *bytes, gsize size, TidyMoFunc func, gpointer data,
			 GError **error);
