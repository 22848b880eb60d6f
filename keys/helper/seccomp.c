// SPDX-License-Identifier: GPL-3.0-or-later
/* System calls: only those of the loop, and of ioctl(2) only those that read a device, grab it, set its clock or make
 * a virtual one. Written as classic BPF (seccomp(2)); the table is the list.
 * I/O. */
#include "keys/helper/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/input.h>
#include <linux/seccomp.h>
#include <linux/uinput.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__i386__)
#define ARCH AUDIT_ARCH_I386
#elif defined(__arm__)
#define ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#elif defined(__loongarch64)
#define ARCH AUDIT_ARCH_LOONGARCH64
#endif

static const int allowed[] = {
	/* the path of a key */
	SYS_read,
	SYS_write,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
	SYS_epoll_pwait,
	SYS_epoll_create1,
	SYS_epoll_ctl,
	SYS_timerfd_settime,
#ifdef SYS_timerfd_settime64
	SYS_timerfd_settime64,
#endif
	SYS_clock_gettime, /* where the vDSO has none */
#ifdef SYS_clock_gettime64
	SYS_clock_gettime64,
#endif
#ifdef SYS_recvfrom
	SYS_recvfrom,
	SYS_sendto,
#endif
#ifdef SYS_recv
	SYS_recv,
	SYS_send,
#endif
#ifdef SYS_socketcall
	SYS_socketcall,
#endif
	/* devices and seats come and go */
	SYS_openat,
	SYS_close,
	SYS_fcntl,
#ifdef SYS_fcntl64
	SYS_fcntl64,
#endif
	SYS_getdents64,
	SYS_lseek,
#ifdef SYS_fstat
	SYS_fstat,
#endif
#ifdef SYS_fstat64
	SYS_fstat64,
#endif
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
#ifdef SYS_fstatat64
	SYS_fstatat64,
#endif
	SYS_statx,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
#ifdef SYS_ppoll_time64
	SYS_ppoll_time64,
#endif
	/* libc */
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_futex,
	SYS_getrandom,
	SYS_restart_syscall,
	SYS_rt_sigreturn,
	SYS_rt_sigprocmask,
	SYS_exit,
	SYS_exit_group,
};

/* Nothing of ours comes near these: somebody else is at the wheel. */
static const int deadly[] = {
	SYS_execve,  SYS_execveat,	   SYS_clone,
	SYS_clone3,
#ifdef SYS_fork
	SYS_fork,
#endif
#ifdef SYS_vfork
	SYS_vfork,
#endif
	SYS_ptrace,  SYS_process_vm_readv, SYS_process_vm_writev,
#ifdef SYS_socket
	SYS_socket,
#endif
#ifdef SYS_connect
	SYS_connect,
#endif
#ifdef SYS_bind
	SYS_bind,
#endif
	SYS_bpf,     SYS_keyctl,	   SYS_mount,
	SYS_setns,   SYS_unshare,	   SYS_kill,
};

/* Beside every request that only reads from an input device. */
static const uint32_t requests[] = {
	(uint32_t)EVIOCGRAB,	  (uint32_t)EVIOCSCLOCKID, (uint32_t)UI_SET_EVBIT,
	(uint32_t)UI_SET_KEYBIT,  (uint32_t)UI_SET_RELBIT, (uint32_t)UI_SET_ABSBIT,
	(uint32_t)UI_SET_MSCBIT,  (uint32_t)UI_SET_LEDBIT, (uint32_t)UI_SET_SNDBIT,
	(uint32_t)UI_SET_PROPBIT, (uint32_t)UI_SET_PHYS,   (uint32_t)UI_DEV_SETUP,
	(uint32_t)UI_ABS_SETUP,	  (uint32_t)UI_DEV_CREATE, (uint32_t)UI_DEV_DESTROY,
};

enum { PROGRAM_MAX = 512 };

typedef struct Program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short length;
} Program;

static void
add(Program *program, uint16_t code, uint32_t value, uint8_t if_true, uint8_t if_false)
{
	if (program->length < PROGRAM_MAX)
		program->code[program->length++] =
			(struct sock_filter){ code, if_true, if_false, value };
}

static void
load(Program *program, size_t offset)
{
	add(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void
answer(Program *program, uint32_t what)
{
	add(program, BPF_RET | BPF_K, what, 0, 0);
}

/* When the loaded word is @value, the answer is @what. */
static void
answer_if(Program *program, uint32_t value, uint32_t what)
{
	add(program, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	answer(program, what);
}

/* The lower half of an argument; the kernel takes no more of an ioctl's request or mmap's protection. */
static size_t
argument(unsigned n)
{
	size_t offset = offsetof(struct seccomp_data, args) + n * sizeof(uint64_t);

	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? offset : offset + 4;
}

static void
add_ioctl(Program *program)
{
	Program inner = { .length = 0 };
	uint32_t read_mask = (uint32_t)_IOC_DIRMASK << _IOC_DIRSHIFT | (uint32_t)_IOC_TYPEMASK
									       << _IOC_TYPESHIFT;
	uint32_t read_input = (uint32_t)_IOC_READ << _IOC_DIRSHIFT | 'E' << _IOC_TYPESHIFT;

	load(&inner, argument(1));
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
		answer_if(&inner, requests[i], SECCOMP_RET_ALLOW);
	add(&inner, BPF_ALU | BPF_AND | BPF_K, read_mask, 0, 0);
	answer_if(&inner, read_input, SECCOMP_RET_ALLOW);
	answer(&inner, SECCOMP_RET_ERRNO | ENOTTY);
	add(program, BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, (uint8_t)inner.length);
	for (unsigned i = 0; i < inner.length; i++)
		add(program, inner.code[i].code, inner.code[i].k, inner.code[i].jt,
		    inner.code[i].jf);
}

/* Memory, but none that can be run. */
static void
add_memory(Program *program, uint32_t call)
{
	add(program, BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
	load(program, argument(2));
	add(program, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0);
	answer(program, SECCOMP_RET_ALLOW);
	answer(program, SECCOMP_RET_ERRNO | EACCES);
}

/* Real-time priority may be given up, by ourselves for ourselves; none is taken. */
static void
add_step_down(Program *program)
{
	add(program, BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setscheduler, 0, 6);
	load(program, argument(0));
	add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3);
	load(program, argument(1));
	answer_if(program, SCHED_OTHER | SCHED_RESET_ON_FORK, SECCOMP_RET_ALLOW);
	answer(program, SECCOMP_RET_ERRNO | EPERM);
}

static void
build(Program *program)
{
#ifdef ARCH
	load(program, offsetof(struct seccomp_data, arch));
	add(program, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	answer(program, SECCOMP_RET_KILL_PROCESS);
#endif
	load(program, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		answer_if(program, (uint32_t)allowed[i], SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(*deadly); i++)
		answer_if(program, (uint32_t)deadly[i], SECCOMP_RET_KILL_PROCESS);
#ifdef SYS_mmap2
	add_memory(program, SYS_mmap2);
#endif
#ifdef SYS_mmap
	add_memory(program, SYS_mmap);
#endif
	add_memory(program, SYS_mprotect);
	add_step_down(program);
	add_ioctl(program);
	answer(program, SECCOMP_RET_ERRNO | ENOSYS);
}

int
remap_seccomp_enter(void)
{
	Program program = { .length = 0 };
	struct sock_fprog filter = { .filter = program.code };

#ifdef __SANITIZE_ADDRESS__
	/* The leak check at the end starts a thread that traces us: a build for tests goes without. */
	return 0;
#endif
	build(&program);
	if (program.length >= PROGRAM_MAX)
		return -E2BIG;
	filter.len = program.length;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		return -errno;
	return 0;
}
