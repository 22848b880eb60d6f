/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints what documents the settings: `config-docs sample|man`. Runs at build time only. I/O. */
#include "home/config/config.h"

#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (argc == 2 && strcmp(argv[1], "sample") == 0) {
		tidy_config_write_sample(out);
	} else if (argc == 2 && strcmp(argv[1], "man") == 0) {
		tidy_config_write_man_options(out);
	} else {
		fputs("usage: config-docs sample|man\n", stderr);
		return 2;
	}
	return fputs(out->str, stdout) < 0 || fflush(stdout) != 0 ? 1 : 0;
}
