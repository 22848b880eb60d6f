/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking the one at the terminal. I/O. */
#include "cli/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

gboolean
tidy_can_ask(const TidyInvocation *call)
{
	return !call->is_json && !call->is_quiet && isatty(STDIN_FILENO) == 1 &&
	       isatty(STDOUT_FILENO) == 1;
}

gboolean
tidy_ask(const char *question)
{
	g_autofree char *line = NULL;
	size_t size = 0;
	ssize_t length;

	fprintf(stdout, "%s ", question);
	fflush(stdout);
	/* getline allocates with malloc, which is what g_free frees (GLib 2.46 and later). */
	length = getline(&line, &size, stdin);
	if (length < 0) {
		fputc('\n', stdout);
		return FALSE;
	}
	return rpmatch(g_strstrip(line)) == 1;
}
