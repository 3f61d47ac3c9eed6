/* SPDX-License-Identifier: MIT */
/* From FILES to FILES_DONE, see sandbox.c. */
#include "sandbox/sandbox_state.h"

#include <math.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"

/* All of it goes to memory; a stream of an engine's is what takes its time. */
#define GIVE_TIMEOUT_MS 30000

/* Until there is something to do; true when the caller wants the end. */
static bool wait_for(struct sbx_sandbox *sandbox, int cancel_fd, double until)
{
	struct pollfd fds[] = {
		{ .fd = sbx_channel_fd(sandbox->channel),
		  .events = sbx_channel_events(sandbox->channel) },
		{ .fd = cancel_fd, .events = POLLIN },
	};
	double left = fmin(until - sbx_clock_ms(), SBX_WIRE_BEAT_INTERVAL_MS);

	if (poll(fds, SBX_ARRAY_SIZE(fds), (int)fmax(left, 0) + 1) < 0)
		return false;
	return fds[1].revents != 0;
}

static int await_done(struct sbx_sandbox *sandbox, int cancel_fd,
		      struct sbx_error *err)
{
	double until = sbx_clock_ms() + GIVE_TIMEOUT_MS;

	for (;;) {
		int result;

		sbx_sandbox_notice_sleep(sandbox);
		result = sbx_channel_pump(sandbox->channel, err);
		if (sandbox->has_files)
			return 0;
		if (sandbox->has_exit)
			return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
					     "the program was started early "
					     "and ended before there was any "
					     "input");
		if (result == SBX_CHANNEL_CLOSED)
			return sbx_sandbox_lost(sandbox, err);
		if (result < 0)
			return -1;
		if (sbx_clock_ms() >= until)
			return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
					     "init did not take the files in "
					     "%d s",
					     GIVE_TIMEOUT_MS / 1000);
		if (wait_for(sandbox, cancel_fd, until))
			return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
					     "cancelled by the caller");
	}
}

int sbx_sandbox_give(struct sbx_sandbox *sandbox,
		     const struct sbx_sandbox_program *program,
		     struct sbx_error *err)
{
	const struct sbx_strv *tmpfs =
		program->reset && sandbox->is_direct ? &sandbox->tmpfs : NULL;

	if (!program->files || program->files->n == 0)
		return 0;
	if (sbx_channel_send_files(sandbox->channel, program->files,
				   program->files_in, tmpfs, err) < 0 ||
	    await_done(sandbox, program->cancel_fd, err) < 0)
		return -1;
	if (sandbox->files_error == 0)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "the files cannot be put into %s: %s",
			     program->files_in, strerror(sandbox->files_error));
}
