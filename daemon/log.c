/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's log. I/O. */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static gboolean is_verbose;
static gboolean is_journald;

static const char *
find_message(const GLogField *fields, gsize n_fields)
{
	for (gsize i = 0; i < n_fields; i++) {
		if (g_str_equal(fields[i].key, "MESSAGE"))
			return fields[i].value;
	}
	return "";
}

static GLogWriterOutput
write_log(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
	if (level & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO) && !is_verbose)
		return G_LOG_WRITER_HANDLED;
	if (is_journald &&
	    g_log_writer_journald(level, fields, n_fields, data) == G_LOG_WRITER_HANDLED)
		return G_LOG_WRITER_HANDLED;
	fprintf(stderr, "xdgtidyd: %s\n", find_message(fields, n_fields));
	return G_LOG_WRITER_HANDLED;
}

void
tidy_log_init(gboolean verbose)
{
	is_verbose = verbose || g_getenv("G_MESSAGES_DEBUG") != NULL;
	is_journald = g_log_writer_is_journald(STDERR_FILENO);
	g_log_set_writer_func(write_log, NULL, NULL);
}

/* syslog(3) priorities, which journald wants. */
static const char *
priority(GLogLevelFlags level)
{
	if (level & G_LOG_LEVEL_WARNING)
		return "4";
	if (level & G_LOG_LEVEL_MESSAGE)
		return "5";
	return level & G_LOG_LEVEL_INFO ? "6" : "7";
}

void
tidy_log(GLogLevelFlags level, const char *id, guint64 operation, const char *reason,
	 const char *format, ...)
{
	g_autofree char *message = NULL, *number = NULL;
	GLogField fields[6] = { { "PRIORITY", priority(level), -1 },
				{ "SYSLOG_IDENTIFIER", "xdgtidyd", -1 } };
	gsize n_fields = 2;
	va_list args;

	va_start(args, format);
	message = g_strdup_vprintf(format, args);
	va_end(args);
	fields[n_fields++] = (GLogField){ "MESSAGE", message, -1 };
	if (id != NULL)
		fields[n_fields++] = (GLogField){ "MESSAGE_ID", id, -1 };
	if (reason != NULL)
		fields[n_fields++] = (GLogField){ "XDGTIDY_REASON", reason, -1 };
	if (operation != 0) {
		number = g_strdup_printf("%" G_GUINT64_FORMAT, operation);
		fields[n_fields++] = (GLogField){ "XDGTIDY_OP", number, -1 };
	}
	g_log_structured_array(level, fields, n_fields);
}
