/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Only "xdgtidy keys", for tests that need nothing else of xdgtidy. I/O. */
#include <locale.h>

#include "cli/cmd-keys.h"

int
main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	return tidy_cmd_keys(argc, argv);
}
