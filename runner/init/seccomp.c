/* SPDX-License-Identifier: MIT */
/*
 * The filter every action runs under, on top of the engine's own.
 *
 * It keeps an action from init and from other processes of its uid where the
 * kernel asks for no more than the same uid (a process that is not dumpable is
 * no exception there): limits, priorities and scheduling may be changed for
 * the caller itself only, which to a filter means the pid 0.  It closes three
 * doors that namespaces do not: AF_VSOCK belongs to no network namespace,
 * keyrings to no container, and io_uring goes round filters like this one.
 */
#include "init/seccomp.h"

#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
/* The x32 ABI has the same arch and this bit, asm/unistd.h. */
#define FOREIGN_BIT 0x40000000
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "no seccomp filter for this architecture"
#endif

/* linux/ioprio.h, IOPRIO_WHO_PROCESS */
#define WHO_PROCESS 1

#define LOAD(field)                                                            \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* The low half; the kernel looks at no more of an int, either. */
#define LOAD_INT(index) LOAD(args[index])
/* Goes on behind the next @skip instructions unless the value is @value. */
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define ALLOW		    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE(error)	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))

#define NEVER(call, error)  UNLESS(call, 1), REFUSE(error)
/* Argument @index names a process: only the caller, as 0. */
#define ONLY_SELF(call, index)                                                 \
	UNLESS(call, 4), LOAD_INT(index), UNLESS(0, 1), ALLOW, REFUSE(EPERM)
/* (which, who, ...): only a process, and that the caller. */
#define ONLY_SELF_OF(call, which)                                              \
	UNLESS(call, 6), LOAD_INT(0), UNLESS(which, 3), LOAD_INT(1),           \
		UNLESS(0, 1), ALLOW, REFUSE(EPERM)
#define NO_FAMILY(call, family)                                                \
	UNLESS(call, 4), LOAD_INT(0), UNLESS(family, 1), REFUSE(EAFNOSUPPORT), \
		ALLOW

static struct sock_filter filter[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
	REFUSE(ENOSYS),
	LOAD(nr),
#ifdef FOREIGN_BIT
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FOREIGN_BIT, 0, 1),
	REFUSE(ENOSYS),
#endif
	ONLY_SELF(SYS_prlimit64, 0),
	ONLY_SELF(SYS_sched_setparam, 0),
	ONLY_SELF(SYS_sched_setscheduler, 0),
	ONLY_SELF(SYS_sched_setattr, 0),
	ONLY_SELF(SYS_sched_setaffinity, 0),
	ONLY_SELF_OF(SYS_setpriority, PRIO_PROCESS),
	ONLY_SELF_OF(SYS_ioprio_set, WHO_PROCESS),
	NO_FAMILY(SYS_socket, AF_VSOCK),
	NO_FAMILY(SYS_socketpair, AF_VSOCK),
	NEVER(SYS_io_uring_setup, ENOSYS),
	NEVER(SYS_io_uring_enter, ENOSYS),
	NEVER(SYS_io_uring_register, ENOSYS),
	NEVER(SYS_add_key, EPERM),
	NEVER(SYS_request_key, EPERM),
	NEVER(SYS_keyctl, EPERM),
	ALLOW,
};

int sbx_seccomp_install(void)
{
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
