/* SPDX-License-Identifier: MIT */
/*
 * The first process of every sandbox.
 *
 * The engine starts it in place of what the image would start, as the action's
 * own user and without any capability, its standard streams attached to the
 * runner.  Where the runner can be reached without the engine, init's argument
 * is the path of a socket to do so.  It tells the runner what the sandbox looks
 * like from the inside (HELLO), waits to be told what to run, runs it as its
 * child, passes bytes both ways, reaps every orphan, and when the action ends
 * it kills whoever is left, sends what they wrote, and says how it ended
 * (EXIT).  Over a direct connection the action's streams are the runner's own
 * pipes and no byte passes through init.
 *
 * Descriptors: 0 commands from the runner; 1 frames to the runner; 2 a last
 * word.  A signalfd.  The direct connection, which once the runner is heard on
 * it takes the places of 0 and 1.  While there is an action, a pipe by which
 * its child reports a failed exec, and unless it has pipes of the runner's the
 * write end of its stdin and the read ends of its stdout and stderr.  The
 * action has the other ends and nothing else.
 *
 * Once the runner is gone, init is, unless this is a session (session.h): when
 * its channel ends, or nothing came for SBX_WIRE_BEAT_TIMEOUT_MS.  As it is the
 * first process of its PID namespace the kernel then kills all others,
 * pid_namespaces(7).
 *
 * The action has the same uid.  It cannot look into init, which is not
 * dumpable; init believes no signal of it; and child.c's filter keeps it from
 * init's limits and priorities.  init allocates no memory and keeps no secret
 * after the action has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "init/child.h"
#include "init/direct.h"
#include "init/hello.h"
#include "init/loop.h"
#include "init/out.h"
#include "init/session.h"
#include "init/signals.h"
#include "init/text.h"

/* How long a reader may take for init's last word. */
#define ABORT_MS 1000

static unsigned char input[SBX_WIRE_WINDOW];

static struct sbx_init state = {
	.signal_fd = -1,
	.direct = -1,
	.forward_fd = -1,
	.forward_given = -1,
	.given = { -1, -1, -1 },
	.action_in = -1,
	.action_out = -1,
	.action_err = -1,
	.exec_status = -1,
	.file_fd = -1,
	.input = SBX_RING_INIT(input),
};

int64_t sbx_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sbx_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

/* Without O_NONBLOCK a reader that stalls would stall init. */
static int set_up_streams(struct sbx_init *init)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
			return sbx_abort(init, "standard streams", errno);
	}
	/* Whatever the runtime left open is none of the action's business. */
	if (sbx_child_close_from(STDERR_FILENO + 1) < 0)
		return sbx_abort(init, "inherited descriptors", errno);
	return 0;
}

/*
 * @direct	where the runner listens, or NULL
 * @session	for how many milliseconds this is a session, or NULL
 */
static int set_up(struct sbx_init *init, const char *direct,
		  const char *session)
{
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return sbx_abort(init, "prctl", errno);
	if (getpid() != 1)
		return sbx_abort(init, "not the first process of a sandbox", 0);
	if (set_up_streams(init) < 0 || sbx_signals_open(init) < 0)
		return SBX_ABORT;
	init->heard_at = sbx_now();
	if (session && sbx_session_open(init, session, direct) < 0)
		return SBX_ABORT;
	if (direct && direct[0] != '\0')
		sbx_direct_open(init, direct);
	return sbx_hello_say(init);
}

/* "why (errno N)", to the runner and, in case, to stderr. */
static void say_why(const struct sbx_init *init)
{
	char data[SBX_WIRE_ABORT_MAX];
	struct sbx_text text = { .data = data, .size = sizeof(data) - 1 };

	sbx_text_puts(&text, init->why);
	if (init->why_errno) {
		sbx_text_puts(&text, " (errno ");
		sbx_text_number(&text, (uint64_t)init->why_errno, 10);
		sbx_text_puts(&text, ")");
	}
	sbx_out_frame(SBX_WIRE_ABORT, data, text.len);
	sbx_out_finish(ABORT_MS);
	sbx_text_puts(&text, "\n");
	(void)!write(STDERR_FILENO, data, text.len);
}

int main(int argc, char **argv)
{
	int result;

	sbx_signals_block();
	result = set_up(&state, argc > 1 ? argv[1] : NULL,
			argc > 2 ? argv[2] : NULL);
	if (result == 0)
		result = sbx_loop(&state);
	if (result == SBX_ABORT)
		say_why(&state);
	return result == 0 ? 0 : 1;
}
