// SPDX-License-Identifier: GPL-3.0-or-later
/* The helper's sandbox from inside: a child enters it and tries what it must not be able to do. I/O. */
#include "keys/helper/priority.h"
#include "keys/helper/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <linux/input.h>
#include <linux/uinput.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *devices, *home, *secret, *uinput;
static int pair[2];

/* Ends: 0 it worked, or the errno. */
static int
answer(long result)
{
	return result < 0 ? errno : 0;
}

static int
read_devices(void)
{
	g_autofree char *node = g_build_filename(devices, "event0", NULL);

	return answer(open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC));
}

static int
read_uinput(void)
{
	return answer(open(uinput, O_RDWR | O_NONBLOCK | O_CLOEXEC));
}

static int
list_devices(void)
{
	return answer(open(devices, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int
make_device(void)
{
	g_autofree char *node = g_build_filename(devices, "mine", NULL);

	return answer(open(node, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

static int
read_home(void)
{
	return answer(open(secret, O_RDONLY | O_CLOEXEC));
}

static int
write_home(void)
{
	return answer(open(secret, O_WRONLY | O_CLOEXEC));
}

static int
list_home(void)
{
	return answer(open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int
read_passwd(void)
{
	return answer(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int
read_seats(void)
{
	int result = answer(open("/run/systemd/seats", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	/* Where there is no logind there is nothing to read. */
	return result == ENOENT ? 0 : result;
}

static int
unlink_home(void)
{
	return answer(unlink(secret));
}

static int
use_socket(void)
{
	return answer(socket(AF_INET, SOCK_STREAM, 0));
}

static int
use_unix_socket(void)
{
	return answer(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
exec_shell(void)
{
	return answer(execl("/bin/sh", "sh", "-c", "exit 0", NULL));
}

static int
trace_parent(void)
{
	return answer(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int
make_process(void)
{
	return answer(fork());
}

static int
signal_parent(void)
{
	return answer(kill(1, 0));
}

static int
load_program(void)
{
	return answer(syscall(SYS_bpf, 0, NULL, 0));
}

static int
map_code(void)
{
	return answer(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
				      MAP_FAILED
			      ? -1
			      : 0);
}

static int
make_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return 255;
	return answer(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int
map_memory(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return answer(page == MAP_FAILED ? -1 : mprotect(page, 4096, PROT_READ));
}

static int
raise_limit(void)
{
	struct rlimit limit = { 1, 1 };

	return answer(setrlimit(RLIMIT_CORE, &limit));
}

static int
talk(void)
{
	char byte = 1;

	return answer(send(pair[0], &byte, 1, 0) < 0 || recv(pair[1], &byte, 1, 0) < 0 ? -1 : 0);
}

/* On a socket, which knows none of these: ENOTTY from the filter and from the kernel. FIONREAD it does know. */
static int
other_ioctl(void)
{
	int count;

	return answer(ioctl(pair[0], FIONREAD, &count));
}

static int
set_keycode(void)
{
	unsigned codes[2] = { 1, 2 };

	return answer(ioctl(pair[0], EVIOCSKEYCODE, codes));
}

static int
set_policy(pid_t pid, int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	return answer(sched_setscheduler(pid, policy, &param));
}

static int
lower_priority(void)
{
	return -remap_priority_lower();
}

static int
raise_priority(void)
{
	return set_policy(0, SCHED_FIFO | SCHED_RESET_ON_FORK, 1);
}

static int
lower_priority_of_parent(void)
{
	return set_policy(getppid(), SCHED_OTHER | SCHED_RESET_ON_FORK, 0);
}

static const struct {
	const char *name;
	int (*try)(void);
	int expected; /* an errno; -SIGSYS: killed */
	bool needs_landlock;
} cases[] = {
	{ "open-device", read_devices, 0, false },
	{ "open-uinput", read_uinput, 0, false },
	{ "list-devices", list_devices, 0, false },
	{ "map-memory", map_memory, 0, false },
	{ "talk", talk, 0, false },
	{ "read-seats", read_seats, 0, false },
	{ "lower-priority", lower_priority, 0, false },
	{ "make-device", make_device, EACCES, true },
	{ "read-home", read_home, EACCES, true },
	{ "write-home", write_home, EACCES, true },
	{ "list-home", list_home, EACCES, true },
	{ "read-passwd", read_passwd, EACCES, true },
	{ "unlink", unlink_home, ENOSYS, false },
	{ "limit", raise_limit, ENOSYS, false },
	{ "raise-priority", raise_priority, EPERM, false },
	{ "lower-priority-of-parent", lower_priority_of_parent, EPERM, false },
	{ "map-code", map_code, EACCES, false },
	{ "make-code", make_code, EACCES, false },
	{ "other-ioctl", other_ioctl, ENOTTY, false },
	{ "set-keycode", set_keycode, ENOTTY, false },
	{ "socket", use_socket, -SIGSYS, false },
	{ "unix-socket", use_unix_socket, -SIGSYS, false },
	{ "exec", exec_shell, -SIGSYS, false },
	{ "ptrace", trace_parent, -SIGSYS, false },
	{ "fork", make_process, -SIGSYS, false },
	{ "signal", signal_parent, -SIGSYS, false },
	{ "bpf", load_program, -SIGSYS, false },
};

enum { NO_LANDLOCK = 254, NO_SANDBOX = 253, NO_PRIORITY = 252 };

/* @is_inside: in the sandbox, or as we are */
static int
try_in_child(int (*try)(void), bool needs_landlock, bool is_inside)
{
	int status;
	pid_t child = fork();

	g_assert_cmpint(child, >=, 0);
	if (child == 0) {
		bool has_landlock = true;

		if (is_inside && remap_sandbox_enter(devices, uinput, &has_landlock) < 0)
			_exit(NO_SANDBOX);
		_exit(needs_landlock && !has_landlock ? NO_LANDLOCK : try());
	}
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void
test_case(gconstpointer data)
{
	size_t i = GPOINTER_TO_SIZE(data);
	int result = try_in_child(cases[i].try, cases[i].needs_landlock, true);

	if (result == NO_LANDLOCK)
		g_test_skip("this kernel has no Landlock");
	else
		g_assert_cmpint(result, ==, cases[i].expected);
}

/* The same without a sandbox works: what is refused above is refused by it. */
static void
test_outside(void)
{
	static int (*const all[])(void) = { read_home,	write_home,	 list_home,  read_passwd,
					    use_socket, use_unix_socket, exec_shell, make_process,
					    map_code,	make_code,	 other_ioctl };

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		g_assert_cmpint(try_in_child(all[i], false, false), ==, 0);
}

/* A kernel without Landlock: the rest still holds. */
static int
enter_without_landlock(void)
{
	return remap_sandbox_drop() < 0 || remap_seccomp_enter() < 0 ? 255 : use_socket();
}

static void
test_no_landlock(void)
{
	g_assert_cmpint(try_in_child(enter_without_landlock, false, false), ==, -SIGSYS);
}

/* As the service is without LimitRTPRIO=: no more than that it is refused. */
static int
raise_without_right(void)
{
	const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_RTPRIO, &none) < 0 || remap_sandbox_drop() < 0
		       ? 255
		       : -remap_priority_raise();
}

static void
test_no_right(void)
{
	g_assert_cmpint(try_in_child(raise_without_right, false, false), ==, EPERM);
}

static int
loop_for_ever(void)
{
	/* Were it not killed, it would be ended by this, later: that is told from the time it had. */
	const struct rlimit seconds = { 10, 10 };
	bool has_landlock;

	if (setrlimit(RLIMIT_CPU, &seconds) < 0)
		return 255;
	if (remap_priority_raise() < 0)
		return NO_PRIORITY;
	if (remap_sandbox_enter(devices, uinput, &has_landlock) < 0)
		return NO_SANDBOX;
	for (;;)
		;
}

static double
children_seconds(void)
{
	struct rusage usage;

	g_assert_cmpint(getrusage(RUSAGE_CHILDREN, &usage), ==, 0);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / G_USEC_PER_SEC;
}

/* A helper that hangs at real-time priority does not hang the machine: after a second of processor it is dead. */
static void
test_endless_loop(void)
{
	double before = children_seconds();
	int result = try_in_child(loop_for_ever, false, false);

	if (result == NO_PRIORITY) {
		g_test_skip("no right to real-time priority");
		return;
	}
	g_assert_cmpint(result, ==, -SIGKILL);
	g_assert_cmpfloat(children_seconds() - before, <, 5);
}

static void
make_file(const char *path)
{
	g_assert_true(g_file_set_contents(path, "secret", -1, NULL));
}

int
main(int argc, char **argv)
{
	g_autofree char *node = NULL;
	int result;

	g_test_init(&argc, &argv, NULL);
	devices = g_dir_make_tmp("xdgtidy-dev-XXXXXX", NULL);
	home = g_dir_make_tmp("xdgtidy-home-XXXXXX", NULL);
	node = g_build_filename(devices, "event0", NULL);
	uinput = g_build_filename(home, "uinput", NULL);
	secret = g_build_filename(home, "secret", NULL);
	make_file(node);
	make_file(uinput);
	make_file(secret);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
#ifndef __SANITIZE_ADDRESS__
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = g_strconcat("/keys/sandbox/", cases[i].name, NULL);

		g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_case);
	}
	g_test_add_func("/keys/sandbox/no-landlock", test_no_landlock);
#endif
	g_test_add_func("/keys/sandbox/outside", test_outside);
	g_test_add_func("/keys/sandbox/no-right-to-priority", test_no_right);
	g_test_add_func("/keys/sandbox/endless-loop", test_endless_loop);
	result = g_test_run();
	g_unlink(node);
	g_unlink(uinput);
	g_unlink(secret);
	g_rmdir(devices);
	g_rmdir(home);
	return result;
}
