/* SPDX-License-Identifier: MIT */
/*
 * The filter every action runs under, on top of the engine's own.
 *
 * It keeps an action from init where the kernel asks for no more than the same
 * uid (a process that is not dumpable is no exception there): limits, priority
 * and scheduling.  init is the process 1, has one thread, and no other number
 * means it; all others in the sandbox are the action's own, and programs do
 * set the affinity of their threads by number.  It closes three
 * doors that namespaces do not: AF_VSOCK belongs to no network namespace,
 * keyrings to no container, and io_uring goes round filters like this one.
 * And it keeps an action from two things that the kernel counts for the whole
 * machine, so that one sandbox could take them all: contexts of asynchronous
 * I/O (fs.aio-max-nr) and huge pages, which no engine puts a limit on.
 *
 * Namespaces it makes none, as Docker's filter has it too: in a user namespace
 * of its own a program has every capability, and with it the parts of the
 * kernel that are for root.  Podman's filter lets it.
 */
#include "init/seccomp.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
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

/* In clone CLONE_NEWTIME would be a part of the signal at the end. */
#define NAMESPACES                                                             \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |         \
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

#define LOAD(field)                                                            \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* The low half; the kernel looks at no more of an int, either. */
#define LOAD_INT(index) LOAD(args[index])
/* Goes on behind the next @skip instructions unless the value is @value. */
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define ALLOW		    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE(error)	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))

#define NEVER(call, error)  UNLESS(call, 1), REFUSE(error)
/* Argument @index names a process: any but init. */
#define NOT_INIT(call, index)                                                  \
	UNLESS(call, 4), LOAD_INT(index), UNLESS(1, 1), REFUSE(EPERM), ALLOW
/* (which, who, ...): only a process, groups and users may have init in them. */
#define NOT_INIT_OF(call, which)                                               \
	UNLESS(call, 6), LOAD_INT(0), UNLESS(which, 2), LOAD_INT(1),           \
		UNLESS(1, 1), REFUSE(EPERM), ALLOW
/* Argument @index is made of flags: not with this one. */
#define NO_FLAG(call, index, flag, error)                                      \
	UNLESS(call, 4), LOAD_INT(index),                                      \
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flag, 0, 1),              \
		REFUSE(error), ALLOW
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
	NOT_INIT(SYS_prlimit64, 0),
	NOT_INIT(SYS_sched_setparam, 0),
	NOT_INIT(SYS_sched_setscheduler, 0),
	NOT_INIT(SYS_sched_setattr, 0),
	NOT_INIT(SYS_sched_setaffinity, 0),
	NOT_INIT_OF(SYS_setpriority, PRIO_PROCESS),
	NOT_INIT_OF(SYS_ioprio_set, WHO_PROCESS),
	NO_FLAG(SYS_clone, 0, NAMESPACES, EPERM),
	NO_FLAG(SYS_unshare, 0, NAMESPACES | CLONE_NEWTIME, EPERM),
	/* Its flags are out of a filter's sight; C libraries go on to clone. */
	NEVER(SYS_clone3, ENOSYS),
	NEVER(SYS_setns, EPERM),
	NO_FAMILY(SYS_socket, AF_VSOCK),
	NO_FAMILY(SYS_socketpair, AF_VSOCK),
	NEVER(SYS_io_uring_setup, ENOSYS),
	NEVER(SYS_io_uring_enter, ENOSYS),
	NEVER(SYS_io_uring_register, ENOSYS),
	NEVER(SYS_io_setup, ENOSYS),
	NO_FLAG(SYS_mmap, 3, MAP_HUGETLB, EPERM),
	NO_FLAG(SYS_memfd_create, 1, MFD_HUGETLB, EPERM),
	NO_FLAG(SYS_shmget, 2, SHM_HUGETLB, EPERM),
	NEVER(SYS_add_key, EPERM),
	NEVER(SYS_request_key, EPERM),
	NEVER(SYS_keyctl, EPERM),
	ALLOW,
};

/*
 * Where a sandbox is used again: objects that outlive processes and are in no
 * file system that could be emptied.  Of two filters the stricter counts, so
 * what the other one sees to is no matter here.
 */
static struct sock_filter ipc_filter[] = {
	LOAD(nr),
	NEVER(SYS_shmget, ENOSYS),
	NEVER(SYS_semget, ENOSYS),
	NEVER(SYS_msgget, ENOSYS),
	NEVER(SYS_mq_open, ENOSYS),
	ALLOW,
};

static int install(struct sock_filter *instructions, size_t n)
{
	struct sock_fprog program = { .len = (unsigned short)n,
				      .filter = instructions };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int sbx_seccomp_install(bool without_ipc)
{
	if (without_ipc &&
	    install(ipc_filter, sizeof(ipc_filter) / sizeof(*ipc_filter)) < 0)
		return -1;
	return install(filter, sizeof(filter) / sizeof(filter[0]));
}
