/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_STATE_H
#define SBX_INIT_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/ring.h"
#include "init/wire.h"

/* How far a run has come: only ever forward, and for the next one all over. */
enum sbx_phase {
	SBX_WAITING,  /* for RUN */
	SBX_RUNNING,  /* the action */
	SBX_KILLING,  /* whoever the action left behind */
	SBX_DRAINING, /* what they left in the pipes */
	SBX_SENDING,  /* the output file, and what is in a directory */
	SBX_ENDED,    /* EXIT is queued; all that is left is to send it */
};

/*
 * What functions that can fail return besides 0.
 *
 * @SBX_ABORT	init cannot go on; sbx_init.why says why
 * @SBX_GONE	nobody is there to be told: end at once
 */
#define SBX_ABORT (-1)
#define SBX_GONE  (-2)

/*
 * Everything init knows.  Descriptors are -1 while there is none.
 *
 * @why, @why_errno	set by sbx_abort(): static text, errno or 0
 * @direct	a connection to the runner that is not the channel yet
 * @is_direct	it has become the channel, as standard input and output
 * @wants_reset	RUN asked for it
 * @can_reset	what to compare with has been noted
 * @given	stdin, stdout and stderr of an action that is about to start
 * @heard_at		when the runner last sent something, clock ms
 * @is_heard		it has chosen how, or has nothing left to choose from
 * @kill_until		when KILLING gives up
 * @pid			of the action, 0 when there is none (any more)
 * @action_in		write end of the action's stdin
 * @action_out, @action_err	read ends of its outputs
 * @out_left, @err_left	bytes in these that are still to be sent, when it is over
 * @exec_status		read end of the pipe the child reports failure by
 * @input		INPUT the action has not taken yet
 * @owed		bytes taken but not given CREDIT for yet
 * @input_ended		INPUT_END came
 * @reap_again		there may be more to reap without another SIGCHLD
 * @has_files		FILES came
 * @session		how long it lives when nothing runs, ms; 0: it is none
 * @expires_at		when it ends, while nothing runs
 * @is_alone		no runner is there
 * @is_deaf		nor can one come over the attached streams
 * @wants_sync		one has, and is to hear SYNC and STATE
 * @flags		of RUN
 * @forward_fd		by which connections are asked for
 * @forward_given	will be, once FORWARD has come
 * @file_fd, @file_left	the output file, and how much of it may be sent
 * @oom_before		the cgroup's counter when the action started
 */
struct sbx_init {
	enum sbx_phase phase;
	const char *why;
	int why_errno;
	int signal_fd;
	int direct;
	bool is_direct;
	bool wants_reset;
	bool can_reset;
	int given[3];
	int64_t heard_at;
	bool is_heard;
	int64_t kill_until;
	pid_t pid;
	int action_in;
	int action_out;
	int action_err;
	int out_left;
	int err_left;
	int exec_status;
	struct sbx_ring input;
	uint32_t owed;
	bool input_ended;
	bool reap_again;
	bool has_files;
	int64_t session;
	int64_t expires_at;
	bool is_alone;
	bool is_deaf;
	bool wants_sync;
	uint32_t flags;
	int forward_fd;
	int forward_given;
	int file_fd;
	uint32_t file_left;
	uint64_t oom_before;
	struct sbx_wire_exit exit;
};

/* Remembers why and returns SBX_ABORT. */
static inline int sbx_abort(struct sbx_init *init, const char *why, int errnum)
{
	init->why = why;
	init->why_errno = errnum;
	return SBX_ABORT;
}

/* Milliseconds of the monotonic clock. */
int64_t sbx_now(void);

/* The runner is there: its next word is due in SBX_WIRE_BEAT_TIMEOUT_MS. */
static inline void sbx_heard(struct sbx_init *init)
{
	init->heard_at = sbx_now();
	init->is_heard = true;
}

/* Closes *fd unless it is -1, and leaves -1 behind. */
void sbx_close(int *fd);

#endif
