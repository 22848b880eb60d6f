/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kills a program at its nth tree-changing system call. I/O. */
#include "tests/support/kill-at.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child exits with when it cannot be traced. */
#define EXIT_NOT_TRACED 97

/* Every call that can change a tree. Opening counts only when it creates or truncates. */
static const struct {
	int number;
	const char *name;
} calls[] = {
	{ SYS_renameat2, "renameat2" }, { SYS_renameat, "renameat" },
	{ SYS_unlinkat, "unlinkat" },	{ SYS_mkdirat, "mkdirat" },
	{ SYS_mknodat, "mknodat" },	{ SYS_linkat, "linkat" },
	{ SYS_symlinkat, "symlinkat" }, { SYS_pwrite64, "pwrite64" },
	{ SYS_ftruncate, "ftruncate" }, { SYS_fchmod, "fchmod" },
	{ SYS_fchmodat, "fchmodat" },	{ SYS_fchown, "fchown" },
	{ SYS_fchownat, "fchownat" },	{ SYS_utimensat, "utimensat" },
	{ SYS_fsetxattr, "fsetxattr" }, { SYS_copy_file_range, "copy_file_range" },
	{ SYS_openat, "openat" },	{ SYS_openat2, "openat2" },
#ifdef SYS_rename
	{ SYS_rename, "rename" },	{ SYS_unlink, "unlink" },
	{ SYS_rmdir, "rmdir" },		{ SYS_mkdir, "mkdir" },
	{ SYS_link, "link" },		{ SYS_symlink, "symlink" },
	{ SYS_chmod, "chmod" },		{ SYS_open, "open" },
#endif
};

#define N_CALLS G_N_ELEMENTS(calls)

/* --- the child --- */

static gboolean
install_filter(void)
{
	struct sock_filter filter[N_CALLS + 3];
	struct sock_fprog program = { .len = G_N_ELEMENTS(filter), .filter = filter };
	guint n = 0;

	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						   offsetof(struct seccomp_data, nr));
	for (guint i = 0; i < N_CALLS; i++)
		filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							   (guint32)calls[i].number,
							   (guint8)(N_CALLS - i), 0);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void
be_traced(const char *const *argv, const char *const *envp)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(EXIT_NOT_TRACED);
	raise(SIGSTOP); /* until the tracer has set its options */
	if (!install_filter())
		_exit(EXIT_NOT_TRACED);
	execve(argv[0], (char *const *)argv, (char *const *)envp);
	_exit(EXIT_NOT_TRACED);
}

/* --- the tracer --- */

typedef struct {
	pid_t leader;
	const KillAt *at;
	KillRun *run;
	GArray *tasks; /* every thread and child: pid_t */
} Tracer;

static const char *
call_name(guint64 number)
{
	for (guint i = 0; i < N_CALLS; i++) {
		if ((guint64)calls[i].number == number)
			return calls[i].name;
	}
	return "?";
}

/* Whether the open at which @task has stopped can change anything. */
static gboolean
is_changing(pid_t task, guint64 number, const guint64 *args)
{
	guint64 flags = args[2];

	if (number == SYS_openat2) {
		errno = 0;
		flags = (guint64)ptrace(PTRACE_PEEKDATA, task,
					(void *)(guintptr)(args[2] +
							   offsetof(struct open_how, flags)),
					NULL);
		return errno != 0 || (flags & (O_CREAT | O_TRUNC)) != 0;
	}
#ifdef SYS_open
	if (number == SYS_open)
		flags = args[1];
#endif
	return (flags & (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))) != 0;
}

static gboolean
is_open(guint64 number)
{
#ifdef SYS_open
	if (number == SYS_open)
		return TRUE;
#endif
	return number == SYS_openat || number == SYS_openat2;
}

/* Answers the request with which to go on, or -1 when it is time to die. */
static int
at_call(Tracer *tracer, pid_t task)
{
	struct __ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, task, (void *)sizeof info, &info) < 0)
		return PTRACE_CONT; /* killed meanwhile */
	if (is_open(info.seccomp.nr) &&
	    !is_changing(task, info.seccomp.nr, (const guint64 *)info.seccomp.args))
		return PTRACE_CONT;
	tracer->run->seen++;
	g_strlcpy(tracer->run->last, call_name(info.seccomp.nr), sizeof tracer->run->last);
	if (tracer->run->seen != tracer->at->n)
		return PTRACE_CONT;
	return tracer->at->is_after ? PTRACE_SYSCALL : -1;
}

static void
kill_all(Tracer *tracer)
{
	tracer->run->is_killed = TRUE;
	for (guint i = 0; i < tracer->tasks->len; i++)
		kill(g_array_index(tracer->tasks, pid_t, i), SIGKILL);
}

static void
add_task(Tracer *tracer, pid_t task)
{
	for (guint i = 0; i < tracer->tasks->len; i++) {
		if (g_array_index(tracer->tasks, pid_t, i) == task)
			return;
	}
	g_array_append_val(tracer->tasks, task);
	if (tracer->run->is_killed)
		kill(task, SIGKILL);
}

static void
drop_task(Tracer *tracer, pid_t task)
{
	for (guint i = 0; i < tracer->tasks->len; i++) {
		if (g_array_index(tracer->tasks, pid_t, i) == task)
			g_array_remove_index_fast(tracer->tasks, i--);
	}
}

static void
at_stop(Tracer *tracer, pid_t task, int status)
{
	int request = PTRACE_CONT;
	int signal = WSTOPSIG(status);
	int event = status >> 16;

	add_task(tracer, task);
	if (event == PTRACE_EVENT_SECCOMP) {
		request = at_call(tracer, task);
		signal = 0;
	} else if (signal == (SIGTRAP | 0x80)) { /* the end of the call to die after */
		request = -1;
	} else if (event != 0 || signal == SIGSTOP || signal == SIGTRAP) {
		signal = 0;
	}
	if (request < 0)
		kill_all(tracer);
	else if (ptrace(request, task, NULL, (void *)(gintptr)signal) < 0)
		g_assert_cmpint(errno, ==, ESRCH);
}

gboolean
kill_at_run(const char *const *argv, const char *const *envp, const KillAt *at, KillRun *run)
{
	const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
			     PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC |
			     PTRACE_O_EXITKILL;
	g_autoptr(GArray) tasks = g_array_new(FALSE, FALSE, sizeof(pid_t));
	Tracer tracer = { .at = at, .run = run, .tasks = tasks };
	int status;
	pid_t task;

	*run = (KillRun){ 0 };
	tracer.leader = fork();
	g_assert_cmpint(tracer.leader, >=, 0);
	if (tracer.leader == 0)
		be_traced(argv, envp);
	g_assert_cmpint(waitpid(tracer.leader, &status, 0), ==, tracer.leader);
	if (WIFEXITED(status))
		return FALSE;
	if (ptrace(PTRACE_SETOPTIONS, tracer.leader, NULL, (void *)options) < 0) {
		kill(tracer.leader, SIGKILL);
		waitpid(tracer.leader, &status, 0);
		return FALSE;
	}
	at_stop(&tracer, tracer.leader, SIGSTOP << 8 | 0x7f);
	while (tasks->len > 0 && (task = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			at_stop(&tracer, task, status);
			continue;
		}
		drop_task(&tracer, task);
		if (task == tracer.leader && WIFEXITED(status))
			run->exit_status = WEXITSTATUS(status);
	}
	return run->is_killed || run->exit_status != EXIT_NOT_TRACED;
}
