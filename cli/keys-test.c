/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy keys test: what a pressed key becomes for a program in this terminal. I/O: the terminal. */
#include <errno.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cmd-keys.h"
#include "cli/commands.h"
#include "cli/keys-ask.h"

#define CTRL_C 3
#define CTRL_D 4
#define ESCAPE 27
#define DELETE 127

/* Sequences of xterm and of what calls itself so; the modifiers of "1;5A" are told as numbers are. */
static const struct {
	const char *bytes; /* behind ESC */
	const char *name;
} sequences[] = {
	{ "[A", "up" },	     { "[B", "down" },	    { "[C", "right" },	   { "[D", "left" },
	{ "[H", "home" },    { "[F", "end" },	    { "[2~", "insert" },   { "[3~", "delete" },
	{ "[5~", "pageup" }, { "[6~", "pagedown" }, { "OP", "f1" },	   { "OQ", "f2" },
	{ "OR", "f3" },	     { "OS", "f4" },	    { "[15~", "f5" },	   { "[17~", "f6" },
	{ "[18~", "f7" },    { "[19~", "f8" },	    { "[20~", "f9" },	   { "[21~", "f10" },
	{ "[23~", "f11" },   { "[24~", "f12" },	    { "[Z", "shift tab" }, { "OA", "up" },
	{ "OB", "down" },    { "OC", "right" },	    { "OD", "left" },
};

static char *
name_of(const char *bytes, gsize length)
{
	unsigned char first = (unsigned char)bytes[0];

	for (guint i = 0; first == ESCAPE && i < G_N_ELEMENTS(sequences); i++)
		if (length == 1 + strlen(sequences[i].bytes) &&
		    memcmp(bytes + 1, sequences[i].bytes, length - 1) == 0)
			return g_strdup(sequences[i].name);
	if (length == 1 && first == '\r')
		return g_strdup("enter");
	if (length == 1 && first == '\t')
		return g_strdup("tab");
	if (length == 1 && first == ' ')
		return g_strdup("space");
	if (length == 1 && first == ESCAPE)
		return g_strdup("escape");
	if (length == 1 && (first == DELETE || first == '\b'))
		return g_strdup("backspace");
	if (length == 1 && first < ' ')
		return g_strdup_printf("control %c", g_ascii_tolower((gchar)(first + '@')));
	if (first == ESCAPE && length > 1 && g_utf8_validate(bytes + 1, (gssize)length - 1, NULL) &&
	    g_utf8_strlen(bytes + 1, (gssize)length - 1) == 1 && (guchar)bytes[1] > ' ')
		return g_strdup_printf("alt %.*s", (int)length - 1, bytes + 1);
	if (first > ' ' && g_utf8_validate(bytes, (gssize)length, NULL))
		return g_strndup(bytes, length);
	return g_strdup("?");
}

/* One read(2) is one key, or what was pasted or typed by a macro. */
static void
show(const char *bytes, gsize length)
{
	g_autofree char *name = name_of(bytes, length);

	printf("%s%*s", name, MAX(0, 16 - (int)tidy_output_text_width(name)), "");
	for (gsize i = 0; i < length; i++)
		printf(" %02x", (unsigned char)bytes[i]);
	printf("\r\n");
	fflush(stdout);
}

static volatile sig_atomic_t is_over;

/* The terminal must not stay raw. */
static void
on_terminate(int number)
{
	is_over = 1;
}

int
tidy_keys_test(int argc, char **argv, const char *synopsis)
{
	const struct sigaction terminate = { .sa_handler = on_terminate };
	struct termios before, raw;
	char bytes[64];
	ssize_t length;

	if (!tidy_keys_parse(&argc, &argv, synopsis, NULL, NULL) || argc > 1)
		return TIDY_EXIT_USAGE;
	if (tcgetattr(STDIN_FILENO, &before) < 0) {
		fprintf(stderr, "%s: %s\n", g_get_prgname(), _("standard input is no terminal"));
		return TIDY_EXIT_USAGE;
	}
	sigaction(SIGTERM, &terminate, NULL);
	sigaction(SIGHUP, &terminate, NULL);
	raw = before;
	cfmakeraw(&raw);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
	printf("%s\r\n", _("Press keys; Ctrl-C ends it. Each line: what arrived, and its bytes."));
	fflush(stdout);
	do {
		length = read(STDIN_FILENO, bytes, sizeof bytes);
		if (length > 0)
			show(bytes, (gsize)length);
	} while (!is_over && ((length > 0 && bytes[0] != CTRL_C && bytes[0] != CTRL_D) ||
			      (length < 0 && errno == EINTR)));
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	return TIDY_EXIT_DONE;
}
