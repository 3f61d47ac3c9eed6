/* SPDX-License-Identifier: MIT */
#include "cli/cancel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "base/mem.h"

/* The self-pipe; nobody ever reads from it, so it stays readable. */
static int pipe_fds[2] = { -1, -1 };
static volatile sig_atomic_t asked;

void sbx_cancel_now(void)
{
	int saved = errno;

	if (!asked && write(pipe_fds[1], "", 1) < 0) {
		/* Without a pipe "asked" is all there is. */
	}
	asked = 1;
	errno = saved;
}

int sbx_cancel_asked(void)
{
	return asked;
}

static void on_signal(int number)
{
	static volatile sig_atomic_t signals;

	if (signals++) {
		signal(number, SIG_DFL);
		raise(number);
		return;
	}
	sbx_cancel_now();
}

int sbx_cancel_setup(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };

	if (pipe_fds[0] >= 0)
		return pipe_fds[0];
	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK))
		return -1;
	/* No SA_RESTART: a blocking open(2) or read(2) has to notice. */
	for (size_t i = 0; i < SBX_ARRAY_SIZE(signals); i++) {
		struct sigaction old;

		if (sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
	return pipe_fds[0];
}
