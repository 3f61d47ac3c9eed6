/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_SANDBOX_STATE_H
#define SBX_SANDBOX_SANDBOX_STATE_H

#include "sandbox/sandbox.h"

#include "engine/container.h"
#include "engine/stream.h"
#include "sandbox/collect.h"
#include "sandbox/direct.h"
#include "sandbox/pipes.h"

/* What the parts of a sandbox share, and nobody else includes. */

/* How far it has come.  STARTING, RUNNING and all below end at a deadline. */
enum sbx_sandbox_phase {
	SBX_SANDBOX_STARTING, /* until HELLO was heard */
	SBX_SANDBOX_CLEANING, /* behind EXIT, until RESET was heard */
	SBX_SANDBOX_READY,    /* nothing runs in it */
	SBX_SANDBOX_EARLY,    /* a program runs, and waits for its input */
	SBX_SANDBOX_RUNNING,  /* from the input to EXIT */
	SBX_SANDBOX_ENDING,   /* SIGTERM was sent */
	SBX_SANDBOX_KILLING,  /* SIGKILL was sent */
	SBX_SANDBOX_GONE,     /* the engine was told to kill it, and did */
};

/* Of what an early program prints before its input comes, so much is kept. */
#define SBX_SANDBOX_EARLY_MAX (16 * 1024)

/* Of the path at which a direct channel's directory is mounted. */
#define SBX_SANDBOX_TARGET_SIZE (sizeof(SBX_SPEC_INIT_PREFIX) + 12)

/* See init/wire.h; @why is "" where nothing differs. */
struct sbx_sandbox_reset {
	uint32_t processes;
	uint32_t emptied;
	uint32_t objects;
	char why[SBX_WIRE_RESET_MAX - SBX_WIRE_RESET_FIXED + 1];
};

/*
 * What an early program wrote to one of its streams: it may have secrets in
 * it, and goes where all else goes once there is a request.
 */
struct sbx_sandbox_early {
	unsigned char *data;
	size_t size;
};

/*
 * @name	once the container may be there, whether or not we know its id
 * @uid, @gid	the action's
 * @stream, @channel	the attached one, until there is a better one
 * @direct	where init may connect, until HELLO was heard
 * @pid		of init, as the engine has it
 * @own		the direct channel, until it is the channel
 * @hears_own	that is what is being heard
 * @is_direct	@channel is a direct one, and @pipes the action's streams
 * @deadline	of the phase, on the monotonic clock
 * @looked_at	when this process last had a turn
 * @slept	its longest pause, if init can have noticed
 * @no_engine	it does not answer: no use in asking again
 * @hello, @own_hello	HELLO as it came over each
 * @note	what the stream's stderr said
 * @early	of stdout and stderr
 * @talkative	more than can be kept was written early
 * @exit	what EXIT said, once @has_exit
 * @tmpfs	what is emptied where it is used again
 * @reset	what RESET said, once @has_reset
 * @files_error	what FILES_DONE said, once @has_files
 * @is_session, @is_kept	it is one, and outlives us; then @direct stays
 * @state	what STATE said, once @has_state
 * @answer, @answered	what KEPT or LOG brings, secret memory, and how much of
 *		it is there; @has_answer: all is
 * @program, @result	of sbx_sandbox_run(), while it is under way
 */
struct sbx_sandbox {
	struct sbx_engine *engine;
	char *name;
	char id[SBX_CONTAINER_ID_SIZE];
	struct sbx_stream *stream;
	struct sbx_channel *channel;
	uint32_t uid;
	uint32_t gid;

	struct sbx_direct *direct;
	char channel_target[SBX_SANDBOX_TARGET_SIZE];
	pid_t pid;
	struct sbx_channel *own;
	bool hears_own;
	bool is_direct;
	struct sbx_pipes pipes;

	enum sbx_sandbox_phase phase;
	double deadline;
	bool has_exit;
	double looked_at;
	double slept;
	bool no_engine;

	struct sbx_buf hello;
	struct sbx_buf own_hello;
	struct sbx_buf note;
	struct sbx_sandbox_early early[2];
	bool talkative;
	struct sbx_wire_exit exit;
	struct sbx_strv tmpfs;
	bool has_reset;
	struct sbx_sandbox_reset reset;
	struct sbx_collect collect;
	struct sbx_artifacts artifacts;
	bool has_files;
	int files_error;

	bool is_session;
	bool is_kept;
	bool has_state;
	struct sbx_wire_state state;
	unsigned char *answer;
	size_t answered;
	bool has_answer;

	const struct sbx_sandbox_program *program;
	struct sbx_sandbox_result *result;
};

/* --- sandbox_talk.c: what init says, and waiting for it -------------------- */

/* The handler of its channel; @ctx is the sandbox. */
int sbx_sandbox_on_event(void *ctx, enum sbx_channel_event event,
			 const void *data, size_t size, struct sbx_error *err);

void sbx_sandbox_enter(struct sbx_sandbox *sandbox,
		       enum sbx_sandbox_phase phase, double ms);
bool sbx_sandbox_is_over(const struct sbx_sandbox *sandbox);

/* Whether what the program writes is welcome now. */
bool sbx_sandbox_wants_output(const struct sbx_sandbox *sandbox);

/* SIGKILL for all but init, once. */
void sbx_sandbox_kill_all(struct sbx_sandbox *sandbox);

/*
 * Waits until there is something to do or @cancel_fd is readable, progress has
 * had its time or the phase is over, at most until the next heartbeat.  True
 * when the caller wants the end.
 */
bool sbx_sandbox_wait(struct sbx_sandbox *sandbox, int cancel_fd);

/* A runner that was stopped, starved or kept waiting sent no heartbeat. */
void sbx_sandbox_notice_sleep(struct sbx_sandbox *sandbox);

/* The channel closed before its time: -1 with the best reason there is. */
int sbx_sandbox_lost(struct sbx_sandbox *sandbox, struct sbx_error *err);

/* -1; the heartbeat is left to end what is in the container. */
int sbx_sandbox_engine_failed(struct sbx_sandbox *sandbox,
			      const struct sbx_error *why,
			      struct sbx_error *err);

/* Some of what the program wrote; one byte too many ends it. */
int sbx_sandbox_take(struct sbx_sandbox *sandbox,
		     enum sbx_collect_stream stream, const void *data,
		     size_t size, struct sbx_error *err);

/*
 * Hears HELLO, over whichever channel will be the sandbox's, within the
 * engine's time.  0, SBX_SANDBOX_NEEDS_INIT with @err set, or -1.
 */
#define SBX_SANDBOX_NEEDS_INIT 1 /* no init of ours is there */
int sbx_sandbox_hear_hello(struct sbx_sandbox *sandbox, int cancel_fd,
			   struct sbx_error *err);

/*
 * Behind that: has the way that HELLO came for the only one, and tells init,
 * to which from now on somebody has to see.
 */
void sbx_sandbox_choose(struct sbx_sandbox *sandbox);

/*
 * Gives the program's files, if there are any, before it runs or gets its
 * input.  0, or -1 as sbx_sandbox_run().
 */
int sbx_sandbox_give(struct sbx_sandbox *sandbox,
		     const struct sbx_sandbox_program *program,
		     struct sbx_error *err);

/* Some of what KEPT or LOG brings; none: that was all. */
void sbx_sandbox_take_answer(struct sbx_sandbox *sandbox, const void *data,
			     size_t size);

/* A session whose last program has ended is ready for the next. */
void sbx_sandbox_again(struct sbx_sandbox *sandbox);

/* Its buffers, of what an early program wrote. */
void sbx_sandbox_forget_early(struct sbx_sandbox *sandbox);

#endif
