/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs in the guest, as root: makes another process make one system call, as someone would who has got into it. I/O. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

static const char usage[] = "usage: intruder PID read PATH     opens the file for reading\n"
			    "       intruder PID exec PATH     becomes that program\n"
			    "       intruder PID socket        makes an internet socket\n"
			    "PID must be waiting in a system call. Prints what came of it: done, a "
			    "name as EACCES, or killed: SIGSYS.\n";

/* The bytes of the instruction syscall, which the process has just executed; x86-64. */
enum { SYSCALL = 0x050f, SYSCALL_SIZE = 2 };
/* Below the stack, and below what its function may use there (the ABI's red zone is 128 bytes). */
enum { FAR_BELOW = 4096 };

static int
fail(const char *what)
{
	fprintf(stderr, "intruder: %s: %s\n", what, strerror(errno));
	return 2;
}

/* The word of the command line as a call, its arguments but for @path, which is where the path lies in the process. */
static bool
choose(struct user_regs_struct *registers, const char *verb, unsigned long long path)
{
	if (strcmp(verb, "read") == 0) {
		registers->rax = SYS_openat;
		registers->rdi = (unsigned long long)AT_FDCWD;
		registers->rsi = path;
		registers->rdx = O_RDONLY;
	} else if (strcmp(verb, "exec") == 0) {
		registers->rax = SYS_execve;
		registers->rdi = path;
		registers->rsi = registers->rdx = 0;
	} else if (strcmp(verb, "socket") == 0) {
		registers->rax = SYS_socket;
		registers->rdi = AF_INET;
		registers->rsi = SOCK_STREAM;
		registers->rdx = 0;
	} else {
		return false;
	}
	return true;
}

static bool
write_text(pid_t pid, unsigned long long at, const char *text)
{
	size_t size = strlen(text) + 1;

	for (size_t done = 0; done < size; done += sizeof(long)) {
		long word = 0;
		size_t left = size - done;

		memcpy(&word, text + done, left < sizeof word ? left : sizeof word);
		if (ptrace(PTRACE_POKEDATA, pid, at + done, word) < 0)
			return false;
	}
	return true;
}

static void
report(long long result)
{
	puts(result < 0 ? strerrorname_np((int)-result) : "done");
}

static int
intrude(pid_t pid, const char *verb, const char *path)
{
	struct user_regs_struct before, registers;
	int status;

	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) < 0)
		return fail("attach");
	if (ptrace(PTRACE_GETREGS, pid, NULL, &before) < 0)
		return fail("registers");
	registers = before;
	registers.rip -= SYSCALL_SIZE;
	registers.orig_rax =
		(unsigned long long)-1; /* what was interrupted is not begun again now */
	errno = 0;
	if ((ptrace(PTRACE_PEEKTEXT, pid, registers.rip, NULL) & 0xffff) != SYSCALL) {
		fputs("intruder: it is not in a system call\n", stderr);
		return 2;
	}
	if (!choose(&registers, verb, before.rsp - FAR_BELOW)) {
		fputs(usage, stderr);
		return 2;
	}
	if (!write_text(pid, before.rsp - FAR_BELOW, path))
		return fail("its stack");
	if (ptrace(PTRACE_SETREGS, pid, NULL, &registers) < 0 ||
	    ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) < 0)
		return fail("step");
	if (WIFSIGNALED(status)) {
		printf("killed: SIG%s\n", sigabbrev_np(WTERMSIG(status)));
		return 0;
	}
	if (ptrace(PTRACE_GETREGS, pid, NULL, &registers) < 0)
		return fail("registers");
	report((long long)registers.rax);
	if (ptrace(PTRACE_SETREGS, pid, NULL, &before) < 0 ||
	    ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0)
		return fail("detach");
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc < 3 || argc > 4) {
		fputs(usage, stderr);
		return 2;
	}
	return intrude((pid_t)strtol(argv[1], NULL, 10), argv[2], argc == 4 ? argv[3] : "");
}
