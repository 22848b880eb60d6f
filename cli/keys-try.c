/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy keys try: a configuration for a moment, as display settings are tried. I/O: the session bus, the terminal. */
#include <errno.h>
#include <glib/gi18n.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cmd-keys.h"
#include "cli/commands.h"
#include "cli/keys-ask.h"

#define SECONDS_DEFAULT 15
#define SECONDS_MAX	3600

typedef enum { ANSWER_YES, ANSWER_NO, ANSWER_NONE } Answer;

static volatile sig_atomic_t is_interrupted;

static void
on_interrupt(int number)
{
	is_interrupted = 1;
}

/* The keys of the trial answer, so that a keyboard that cannot type Enter any more says no. */
static Answer
read_answer(gint64 until)
{
	char line[16] = "";
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	while (!is_interrupted) {
		gint64 left_msec = (until - g_get_monotonic_time()) / 1000;
		int ready;

		if (left_msec <= 0)
			return ANSWER_NONE;
		printf(_("\rKeep it? [Y/n] %2d s "), (int)(left_msec / 1000));
		fflush(stdout);
		ready = poll(&input, 1, (int)MIN(left_msec, 1000));
		if (ready < 0 && errno != EINTR)
			return ANSWER_NONE;
		if (ready <= 0)
			continue;
		if (read(STDIN_FILENO, line, sizeof line - 1) <= 0)
			return ANSWER_NO;
		return line[0] == '\n' || line[0] == 'y' || line[0] == 'Y' ? ANSWER_YES : ANSWER_NO;
	}
	return ANSWER_NO;
}

static int
call(GDBusConnection *bus, const char *method)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) report = tidy_keys_call(bus, method, NULL, &error);

	return report != NULL ? TIDY_EXIT_DONE : tidy_keys_fail(error);
}

static int
keep(GDBusConnection *bus)
{
	int status = call(bus, "KeysConfirm");

	if (status == TIDY_EXIT_DONE)
		puts(_("It stays until keyremap.conf changes or the daemon ends. To keep it, make "
		       "it "
		       "your keyremap.conf."));
	return status;
}

static int
ask(GDBusConnection *bus, gint64 until)
{
	const struct sigaction interrupt = { .sa_handler = on_interrupt };
	Answer answer;

	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGTERM, &interrupt, NULL);
	/* What was typed before is no answer. */
	tcflush(STDIN_FILENO, TCIFLUSH);
	answer = read_answer(until);
	putchar('\n');
	if (answer == ANSWER_YES)
		return keep(bus);
	/* When the time is over the helper goes back by itself, whether or not anybody asks. */
	if (answer == ANSWER_NO && call(bus, "KeysRevert") != TIDY_EXIT_DONE)
		return TIDY_EXIT_PROBLEMS;
	puts(_("What was before is in use again."));
	return TIDY_EXIT_PROBLEMS;
}

static int
try_file(GDBusConnection *bus, const char *file, int seconds)
{
	g_autofree char *path = g_canonicalize_filename(file, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) report =
		tidy_keys_call(bus, "KeysTry",
			       g_variant_new("(@ayu)", g_variant_new_bytestring(path),
					     (guint32)seconds),
			       &error);
	gint64 until = g_get_monotonic_time() + seconds * G_TIME_SPAN_SECOND;

	if (report == NULL)
		return tidy_keys_fail(error);
	printf(_("%s is in use for %d s.\n"), file, seconds);
	if (isatty(STDIN_FILENO) == 1)
		return ask(bus, until);
	puts(_("Keep it with: xdgtidy keys try --confirm"));
	return TIDY_EXIT_DONE;
}

int
tidy_keys_try(int argc, char **argv, const char *synopsis)
{
	gboolean is_confirm = FALSE, is_revert = FALSE;
	int seconds = SECONDS_DEFAULT;
	const GOptionEntry options[] = {
		{ "seconds", 's', 0, G_OPTION_ARG_INT, &seconds, "how long (default: 15)", "N" },
		{ "confirm", 0, 0, G_OPTION_ARG_NONE, &is_confirm, "what is on trial stays", NULL },
		{ "revert", 0, 0, G_OPTION_ARG_NONE, &is_revert, "what is on trial goes", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GDBusConnection) bus = NULL;

	if (!tidy_keys_parse(&argc, &argv, synopsis, options, NULL))
		return TIDY_EXIT_USAGE;
	if (argc + is_confirm + is_revert != 2 || seconds < 1 || seconds > SECONDS_MAX) {
		fprintf(stderr,
			"usage: xdgtidy keys try [--seconds N] FILE | --confirm | --revert\n");
		return TIDY_EXIT_USAGE;
	}
	bus = tidy_keys_daemon();
	if (bus == NULL)
		return tidy_keys_fail_no_daemon();
	if (is_confirm)
		return keep(bus);
	return is_revert ? call(bus, "KeysRevert") : try_file(bus, argv[1], seconds);
}
