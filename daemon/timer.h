/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A timer of the main loop that runs once. I/O: the clock. */
#pragma once

#include <glib.h>

/**
 * tidy_timer_set - starts a timer anew, or ends it
 * @slot: NULL while there is none; @func should clear it by a call of this
 * @func: NULL: ends it
 */
static inline void
tidy_timer_set(GSource **slot, gint64 delay_usec, GSourceFunc func, gpointer data)
{
	if (*slot != NULL) {
		g_source_destroy(*slot);
		g_clear_pointer(slot, g_source_unref);
	}
	if (func == NULL)
		return;
	*slot = g_timeout_source_new((guint)(MAX(delay_usec, 0) / 1000));
	g_source_set_callback(*slot, func, data, NULL);
	g_source_attach(*slot, g_main_context_get_thread_default());
}
