/* SPDX-License-Identifier: MIT */
/*
 * One thread, one poll.  Nothing in here waits for anything else: the runner's
 * commands and the heartbeat are looked at in every turn, whether or not the
 * action reads its input and the runner our output.  The action is slowed
 * down, by not reading its pipes, while the queue to the runner is full.
 */
#include "init/loop.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "init/artifacts.h"
#include "init/command.h"
#include "init/detached.h"
#include "init/direct.h"
#include "init/file.h"
#include "init/forward.h"
#include "init/out.h"
#include "init/reap.h"
#include "init/reset.h"
#include "init/run.h"
#include "init/session.h"
#include "init/signals.h"

/* CREDIT is given in pieces of at least so much. */
#define CREDIT_MIN (SBX_WIRE_WINDOW / 4)

/* How often to look again while killed processes take their time. */
#define KILL_AGAIN_MS 10

enum {
	IN,
	OUT,
	SIGNALS,
	DIRECT,
	ACTION_IN,
	ACTION_OUT,
	ACTION_ERR,
	STARTING,
	RUNNERS,
	FORWARD,
	DETACHED,
	COUNT = DETACHED + SBX_WIRE_DETACHED_MAX
};

/* Milliseconds in which the runner has to say something. */
static int64_t patience(const struct sbx_init *init)
{
	int64_t most = init->is_heard ? SBX_WIRE_BEAT_TIMEOUT_MS
				      : SBX_WIRE_FIRST_TIMEOUT_MS;

	return init->is_alone ? sbx_session_patience()
			      : init->heard_at + most - sbx_now();
}

static int timeout(const struct sbx_init *init)
{
	int64_t left = patience(init);

	if (left > sbx_session_left(init))
		left = sbx_session_left(init);
	if (init->reap_again || left < 0)
		return 0;
	/* A runner has come, and all of the one before has ended. */
	if (init->wants_sync && init->phase == SBX_WAITING)
		return 0;
	/* A socket may have taken all there was, and there is more. */
	if (init->phase == SBX_SENDING && sbx_out_has_room())
		return 0;
	if (init->phase == SBX_KILLING && left > KILL_AGAIN_MS)
		return KILL_AGAIN_MS;
	return (int)left;
}

/*
 * Where it is told that what is to go on behind EXIT has become a program. When
 * its runner has gone it was killed, which looks the same.
 */
static int starting(const struct sbx_init *init)
{
	bool detaches = init->flags & SBX_WIRE_RUN_DETACH;

	return detaches && init->phase == SBX_RUNNING && !init->is_alone
		       ? init->exec_status
		       : -1;
}

/* Somebody speaks on standard input, or may come to. */
static bool hears(const struct sbx_init *init)
{
	if (init->is_alone)
		return sbx_session_is_attached() && !init->is_deaf;
	return true;
}

/*
 * poll(2) skips negative descriptors, but takes no more entries than there may
 * be descriptors: how many those are.
 */
static uint32_t want(struct pollfd fds[COUNT], const struct sbx_init *init)
{
	bool room = sbx_out_has_room();

	fds[IN] = (struct pollfd){ hears(init) ? STDIN_FILENO : -1, POLLIN, 0 };
	fds[OUT] = (struct pollfd){ sbx_out_is_empty() ? -1 : STDOUT_FILENO,
				    POLLOUT, 0 };
	fds[SIGNALS] = (struct pollfd){ init->signal_fd, POLLIN, 0 };
	fds[DIRECT] = (struct pollfd){ init->direct, POLLIN, 0 };
	fds[ACTION_IN] = (struct pollfd){ init->action_in, 0, 0 };
	if (init->input.len > 0)
		fds[ACTION_IN].events = POLLOUT;
	fds[ACTION_OUT] =
		(struct pollfd){ room ? init->action_out : -1, POLLIN, 0 };
	fds[ACTION_ERR] =
		(struct pollfd){ room ? init->action_err : -1, POLLIN, 0 };
	fds[STARTING] = (struct pollfd){ starting(init), POLLIN, 0 };
	fds[RUNNERS] = (struct pollfd){ sbx_session_fd(init), POLLIN, 0 };
	fds[FORWARD] = (struct pollfd){ init->forward_fd, POLLIN, 0 };
	if (init->session == 0)
		return STARTING;
	return DETACHED + sbx_detached_want(fds + DETACHED);
}

/* The action will take no more: what is there, and to come, is dropped. */
static void drop_input(struct sbx_init *init)
{
	sbx_close(&init->action_in);
	init->owed += init->input.len;
	init->input.len = 0;
}

static void give_input(struct sbx_init *init)
{
	while (init->action_in >= 0 && init->input.len > 0) {
		ssize_t given = sbx_ring_write(&init->input, init->action_in);

		if (given >= 0)
			init->owed += (uint32_t)given;
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			drop_input(init);
	}
	if (init->input_ended)
		sbx_close(&init->action_in);
}

static void give_credit(struct sbx_init *init)
{
	unsigned char credit[4];

	if (init->owed < CREDIT_MIN || init->phase != SBX_RUNNING)
		return;
	sbx_wire_put32(credit, init->owed);
	if (sbx_out_frame(SBX_WIRE_CREDIT, credit, sizeof(credit)))
		init->owed = 0;
}

/* One read of what the action wrote. */
static void take_output(uint8_t type, int *fd)
{
	ssize_t got = sbx_out_copy(type, *fd, SBX_WIRE_DATA_MAX);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		sbx_close(fd);
}

/* What was there at the end, *@left bytes: others may keep it open, and write.
 */
static void drain(uint8_t type, int *fd, int *left)
{
	while (*left > 0 && sbx_out_has_room()) {
		ssize_t got = sbx_out_copy(type, *fd, (uint32_t)*left);

		*left -= got > 0 ? (int)got : *left;
	}
	if (*left == 0)
		sbx_close(fd);
}

static bool queue_exit(const struct sbx_wire_exit *exit)
{
	unsigned char payload[SBX_WIRE_EXIT_SIZE];

	sbx_wire_put32(payload, exit->kind);
	sbx_wire_put32(payload + 4, exit->code);
	sbx_wire_put64(payload + 8, exit->oom_kills);
	sbx_wire_put64(payload + 16, exit->cpu_us);
	sbx_wire_put64(payload + 24, exit->max_rss_bytes);
	sbx_wire_put32(payload + 32, exit->leftover);
	sbx_wire_put32(payload + 36, exit->flags);
	sbx_wire_put64(payload + 40, exit->reserved);
	return sbx_out_frame(SBX_WIRE_EXIT, payload, sizeof(payload));
}

/* What follows when nobody is left in the sandbox, as far as it goes now. */
static void wind_up(struct sbx_init *init)
{
	if (init->phase == SBX_DRAINING) {
		drain(SBX_WIRE_STDOUT, &init->action_out, &init->out_left);
		drain(SBX_WIRE_STDERR, &init->action_err, &init->err_left);
		if (init->action_out >= 0 || init->action_err >= 0)
			return;
		sbx_file_open(init);
		sbx_artifacts_open(init);
		init->phase = SBX_SENDING;
	}
	if (init->phase == SBX_SENDING && sbx_file_send(init) &&
	    sbx_artifacts_send(init) && queue_exit(&init->exit))
		init->phase = SBX_ENDED;
}

/* What only sessions have. */
static void work_for_session(struct sbx_init *init,
			     const struct pollfd fds[COUNT], uint32_t n)
{
	/* With POLLIN it says why not; reaping tells. */
	if (fds[STARTING].revents == POLLHUP && starting(init) >= 0)
		sbx_run_detached(init);
	if (fds[FORWARD].revents)
		sbx_forward_heard(init);
	sbx_detached_take(fds + DETACHED, n - DETACHED);
	sbx_session_tell();
}

/* Everything that does not come from standard input. */
static int work(struct sbx_init *init, const struct pollfd fds[COUNT],
		uint32_t n)
{
	int result = 0;

	if (fds[ACTION_OUT].revents && sbx_out_has_room())
		take_output(SBX_WIRE_STDOUT, &init->action_out);
	if (fds[ACTION_ERR].revents && sbx_out_has_room())
		take_output(SBX_WIRE_STDERR, &init->action_err);
	if (fds[SIGNALS].revents)
		result = sbx_signals_read(init);
	if (result == 0 && (init->reap_again || init->phase == SBX_KILLING))
		result = sbx_reap(init);
	if (result < 0)
		return result;
	if (fds[ACTION_IN].revents & POLLERR)
		drop_input(init);
	give_input(init);
	give_credit(init);
	if (init->session != 0 && n >= DETACHED)
		work_for_session(init, fds, n);
	wind_up(init);
	if (init->is_alone)
		sbx_out_forget();
	return sbx_out_flush() < 0 ? sbx_direct_instead(init) : 0;
}

static bool is_over(const struct sbx_init *init)
{
	return init->phase == SBX_ENDED && sbx_out_is_empty();
}

/*
 * EXIT has left, but is not there yet.  An engine that cannot hand on a byte
 * of INPUT, because its reader is gone, drops what it has of the other way too
 * (Podman 4.3).  So INPUT is taken, for nobody, until the runner has
 * closed.
 */
static void await_goodbye(void)
{
	int64_t until = sbx_now() + SBX_WIRE_GOODBYE_MS;
	ssize_t got;

	do {
		struct pollfd in = { STDIN_FILENO, POLLIN, 0 };
		int64_t left = until - sbx_now();
		unsigned char dropped[4096];

		if (left <= 0 || poll(&in, 1, (int)left) <= 0)
			return;
		got = read(STDIN_FILENO, dropped, sizeof(dropped));
	} while (got > 0 || (got < 0 && errno == EAGAIN));
}

/* Behind EXIT; false when that was the end. */
static bool begin_again(struct sbx_init *init)
{
	if (init->session != 0)
		sbx_session_again(init);
	else if (init->wants_reset)
		sbx_reset(init);
	else
		return false;
	return true;
}

/* The runner, if it speaks, or has not for too long. */
static int hear(struct sbx_init *init, const struct pollfd fds[COUNT])
{
	int result = 0;

	if (fds[DIRECT].revents)
		return sbx_direct_heard(init);
	if (fds[IN].revents)
		result = sbx_command_read(init);
	if (result == 0 && (init->is_alone || init->wants_sync))
		return sbx_session_knock(init);
	if (result != 0 || fds[IN].revents)
		return result;
	return patience(init) < 0 ? SBX_GONE : 0;
}

int sbx_loop(struct sbx_init *init)
{
	struct pollfd fds[COUNT];
	uint32_t n;
	int result = 0;

	while (result == 0) {
		if (is_over(init) && !begin_again(init))
			break;
		n = want(fds, init);
		if (poll(fds, n, timeout(init)) < 0)
			return sbx_abort(init, "poll", errno);
		result = hear(init, fds);
		if (result == 0)
			result = work(init, fds, n);
		if (result == SBX_GONE) {
			sbx_command_forget();
			result = sbx_session_lost(init);
		}
		if (sbx_session_left(init) < 0)
			return SBX_GONE;
	}
	if (result == 0)
		await_goodbye();
	return result;
}
