// SPDX-License-Identifier: GPL-3.0-or-later
/* The process xdgtidy-keys: remaps the keyboards for the daemon that is at the other end of its standard input.
 * I/O. */
#include "keys/helper/helper.h"
#include "keys/helper/priority.h"
#include "keys/helper/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

static const char usage[] =
	"usage: xdgtidy-keys [--direct]\n"
	"Remaps keyboards for xdgtidyd, over the socket that is its standard input. Started by the "
	"system, or\n"
	"with --direct by the daemon itself; of no use on its own. See xdgtidy-keys(8).\n";

static int
fail(const char *what, int error)
{
	fprintf(stderr, "xdgtidy-keys: %s: %s\n", what, strerror(error));
	return 1;
}

/* Datagrams that keep their borders and come from a process of this machine. */
static bool
is_link(int fd)
{
	int type = 0, domain = 0;
	socklen_t length = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0)
		return false;
	length = sizeof(domain);
	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
	       type == SOCK_SEQPACKET && domain == AF_UNIX;
}

static int
open_signals(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t signals;

	sigaction(SIGPIPE, &ignore, NULL);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -1;
	return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int
run(const RemapHelperSetup *setup)
{
	RemapHelper *helper = remap_helper_new(setup);
	int result;

	if (!helper)
		return fail("cannot start", errno);
	do {
		result = remap_helper_step(helper, -1);
		if (result == REMAP_HELPER_FLOODED && remap_priority_lower() == 0)
			fputs("xdgtidy-keys: a device floods; other programs get the "
			      "processor too\n",
			      stderr);
	} while (result > 0);
	if (remap_helper_fault(helper))
		fprintf(stderr, "xdgtidy-keys: uid %u: %s\n", setup->uid,
			remap_helper_fault(helper));
	remap_helper_free(helper);
	return result < 0 ? fail("cannot go on", -result) : 0;
}

/* Started by the daemon, the rights are the user's own. The session matters when there is one: nobody types for
 * another user. Without logind, or for root in a test machine, there is nothing to ask. */
static bool
is_session_needed(RemapLinkHow how, const RemapKernel *kernel, unsigned uid)
{
	char seat[64];

	return how == REMAP_LINK_SERVICE || kernel->session(kernel->data, uid, seat) != -ENOENT;
}

/* Before other programs that want the processor or memory. What is refused it does without; a helper that is not the
 * system's asks for no memory, because under a lower limit a great keymap would be refused for it. */
static void
go_first(RemapLinkHow how)
{
	int result = remap_priority_raise();

	if (how != REMAP_LINK_SERVICE)
		return;
	if (result < 0)
		fprintf(stderr, "xdgtidy-keys: no real-time priority: %s\n", strerror(-result));
	mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

static int
start(RemapLinkHow how)
{
	RemapHelperSetup setup = { .socket = STDIN_FILENO, .how = how };
	struct ucred peer;
	socklen_t length = sizeof(peer);
	RemapKernel kernel;
	RemapLinux *linux_side;
	bool has_landlock;
	int result;

	if (!is_link(STDIN_FILENO) ||
	    getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	setup.uid = peer.uid;
	setup.signals = open_signals();
	if (setup.signals < 0)
		return fail("signals", errno);
	result = remap_linux_new("/dev/input", "/dev/uinput", &kernel, &linux_side);
	if (result < 0)
		return fail("/dev/input", -result);
	setup.kernel = &kernel;
	setup.is_session_needed = is_session_needed(how, &kernel, setup.uid);
	remap_linux_trim();
	go_first(how);
	result = remap_sandbox_enter("/dev/input", "/dev/uinput", &has_landlock);
	if (result < 0)
		return fail("sandbox", -result);
	if (!has_landlock)
		fputs("xdgtidy-keys: kernel: no Landlock; files are kept away by the unit alone\n",
		      stderr);
	setup.has_no_landlock = !has_landlock;
	result = run(&setup);
	remap_linux_free(linux_side);
	return result;
}

int
main(int argc, char **argv)
{
	if (argc == 1)
		return start(REMAP_LINK_SERVICE);
	if (argc == 2 && strcmp(argv[1], "--direct") == 0)
		return start(REMAP_LINK_DIRECT);
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("xdgtidy-keys " TIDY_VERSION);
		return 0;
	}
	fputs(usage, argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
	return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
}
