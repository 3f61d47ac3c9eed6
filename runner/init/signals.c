/* SPDX-License-Identifier: MIT */
#include "init/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "init/detached.h"

#define SIGNAL_MAX 64

/*
 * What init listens to.  All else the kernel does not even keep for the first
 * process of a PID namespace, as long as it is not blocked, see
 * pid_namespaces(7): blocked, real-time signals would pile up (child.c).
 */
static const int heard[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT };

static void fill(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++)
		sigaddset(set, heard[i]);
}

void sbx_signals_block(void)
{
	sigset_t set;

	fill(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	/* Ignored, it would reap children before we learn how they ended. */
	signal(SIGCHLD, SIG_DFL);
	/* The kernel spares the first process; valgrind 3.19 does not. */
	signal(SIGPIPE, SIG_IGN);
}

int sbx_signals_open(struct sbx_init *init)
{
	sigset_t set;

	fill(&set);
	init->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (init->signal_fd < 0)
		return sbx_abort(init, "signalfd", errno);
	return 0;
}

/* To the action and whoever stayed in its process group. */
static void forward(struct sbx_init *init, int number)
{
	if (init->pid == 0)
		return;
	/* A child so young that it leads no group yet gets it by itself. */
	if (kill(-init->pid, number) < 0)
		kill(init->pid, number);
}

/*
 * A process of the sandbox can queue a signal with a forged sender, but not
 * with SI_USER (rt_sigqueueinfo(2) has it only for itself); pid 0 is a sender
 * outside of this PID namespace, or none that the kernel remembers (child.c).
 */
static bool is_from_outside(const struct signalfd_siginfo *info)
{
	return info->ssi_code == SI_USER && info->ssi_pid == 0;
}

static int handle(struct sbx_init *init, const struct signalfd_siginfo *info)
{
	switch (info->ssi_signo) {
	case SIGCHLD:
		init->reap_again = true;
		return 0;
	case SIGTERM:
	case SIGINT:
	case SIGHUP:
	case SIGQUIT:
		if (!is_from_outside(info))
			return 0;
		if (init->phase == SBX_WAITING)
			return SBX_GONE;
		forward(init, (int)info->ssi_signo);
		return 0;
	default:
		return 0;
	}
}

int sbx_signals_read(struct sbx_init *init)
{
	struct signalfd_siginfo info;
	int result = 0;

	/* Bounded, lest somebody who sends them without end starve us. */
	for (int i = 0; i < 2 * SIGNAL_MAX && result == 0; i++) {
		if (read(init->signal_fd, &info, sizeof(info)) != sizeof(info))
			break;
		result = handle(init, &info);
	}
	return result;
}

int sbx_signals_send(struct sbx_init *init, int number)
{
	if (number < 1 || number > SIGNAL_MAX)
		return sbx_abort(init, "SIGNAL without a signal", 0);
	if (number == SIGKILL && init->phase == SBX_RUNNING) {
		sbx_kill_others();
		forward(init, SIGKILL);
	} else {
		forward(init, number);
	}
	return 0;
}
