/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command xdgtidy: see cli/commands.h. I/O. */
#include <glib/gi18n.h>
#include <locale.h>

#include "cli/commands.h"

int
main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	bindtextdomain("xdgtidy", TIDY_LOCALEDIR);
	bind_textdomain_codeset("xdgtidy", "UTF-8");
	textdomain("xdgtidy");
	return tidy_commands_main(argc, argv);
}
