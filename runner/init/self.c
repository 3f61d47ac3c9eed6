/* SPDX-License-Identifier: MIT */
#include "init/self.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/ioprio.h, IOPRIO_WHO_PROCESS */
#define WHO_PROCESS 1

static int note_scheduling(struct sbx_self *self)
{
	struct sched_param param;

	/* Straight: what libc gives for getpriority is no error by itself. */
	self->nice = (int)syscall(SYS_getpriority, PRIO_PROCESS, 0);
	self->scheduler = (int)syscall(SYS_sched_getscheduler, 0);
	self->io_priority = (int)syscall(SYS_ioprio_get, WHO_PROCESS, 0);
	self->affinity_size = syscall(SYS_sched_getaffinity, 0,
				      sizeof(self->affinity), self->affinity);
	if (self->nice < 0 || self->scheduler < 0 || self->io_priority < 0 ||
	    self->affinity_size < 0 ||
	    syscall(SYS_sched_getparam, 0, &param) < 0)
		return -1;
	self->priority = param.sched_priority;
	return 0;
}

int sbx_self_note(struct sbx_self *self)
{
	struct stat cwd;

	memset(self, 0, sizeof(*self));
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		if (getrlimit(i, &self->limits[i]) < 0)
			return -1;
	}
	if (note_scheduling(self) < 0 || stat(".", &cwd) < 0 ||
	    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &self->signals,
		    sizeof(self->signals)) < 0)
		return -1;
	self->cwd_dev = cwd.st_dev;
	self->cwd_ino = cwd.st_ino;
	self->mask = umask(0);
	umask(self->mask);
	self->dumpable = prctl(PR_GET_DUMPABLE);
	return 0;
}

const char *sbx_self_compare(const struct sbx_self *was,
			     const struct sbx_self *is)
{
	if (memcmp(is->limits, was->limits, sizeof(is->limits)) != 0)
		return "a limit of init";
	if (is->nice != was->nice || is->priority != was->priority ||
	    is->scheduler != was->scheduler)
		return "the priority of init";
	if (is->io_priority != was->io_priority)
		return "the I/O priority of init";
	if (is->affinity_size != was->affinity_size ||
	    memcmp(is->affinity, was->affinity, sizeof(is->affinity)) != 0)
		return "the affinity of init";
	if (is->mask != was->mask || is->cwd_dev != was->cwd_dev ||
	    is->cwd_ino != was->cwd_ino)
		return "the umask or directory of init";
	if (is->signals != was->signals || is->dumpable != was->dumpable)
		return "the signals of init";
	return NULL;
}
