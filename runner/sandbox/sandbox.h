/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_SANDBOX_H
#define SBX_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"
#include "engine/engine.h"
#include "init/wire.h"
#include "sandbox/channel.h"
#include "sandbox/artifacts.h"
#include "sandbox/direct.h"
#include "sandbox/events.h"
#include "sandbox/files.h"
#include "sandbox/spec.h"

/*
 * One sandbox: a container in which init waits, has been checked from both
 * sides, and will run one program.
 */
struct sbx_sandbox;

/*
 * Creates the container, checks it from the outside, attaches, starts it,
 * hears init's HELLO and checks that.  Installs init on the engine, and makes
 * named volumes writable for the action's user, where that was not done yet.
 * *@start_ms is what of all that was the start, up to the last fact checked;
 * negative where it did not come to that.
 * When this fails nothing is left behind and nothing has run.  Every string
 * of @spec is needed only during the call.
 *
 * DENIED (a restriction is not in force), NOT_FOUND (image), SANDBOX_FAILED,
 * UNAVAILABLE, CANCELLED.
 */
int sbx_sandbox_start(struct sbx_sandbox **out, struct sbx_engine *engine,
		      const struct sbx_spec *spec, int cancel_fd,
		      double *start_ms, struct sbx_error *err);

/*
 * The engine that is called from now on, for it: one of whoever has taken it
 * over.
 */
void sbx_sandbox_use(struct sbx_sandbox *sandbox, struct sbx_engine *engine);

/*
 * What to run in it, and how long and how much it may.
 *
 * @working_dir	entered by init, as the action's user
 * @input	bytes for stdin, borrowed until sbx_sandbox_free
 * @output_file	path whose content to collect at the end, or NULL
 * @files, @files_in	what it finds in that directory, before any input;
 *		borrowed until sbx_sandbox_free; or NULL
 * @files_out, @files_limit	directory whose files to collect at the end, or
 *		NULL, and how much of them
 * @redacted	what none of its bytes may show, borrowed until
 *		sbx_sandbox_free; or NULL
 * @reset	the sandbox is to be used again, see sbx_sandbox_reset_done()
 * @flags	enum sbx_wire_run_flags, in a session
 * @cancel_fd	readable when the caller wants the end, or -1
 * @events	who hears of its output and progress as they come, borrowed
 *		until sbx_sandbox_free; or NULL
 */
struct sbx_sandbox_program {
	const struct sbx_strv *argv;
	const struct sbx_strv *env;
	const struct sbx_channel_secret *secrets;
	size_t n_secrets;
	const struct sbx_secrets *redacted;
	const char *working_dir;
	const void *input;
	size_t input_size;
	const char *output_file;
	const struct sbx_files *files;
	const char *files_in;
	const char *files_out;
	int64_t files_limit;
	int64_t timeout_ms;
	int64_t stop_grace_period_ms;
	int64_t output_limit;
	bool reset;
	uint32_t flags;
	int cancel_fd;
	const struct sbx_run_events *events;
};

/*
 * Starts the program ahead of its request: of @program that is @argv, @env,
 * @secrets, @working_dir, @output_file, @output_limit, @files_out and
 * @files_limit, which are needed
 * during the call only.  It runs, and finds nothing on its stdin until
 * sbx_sandbox_run(); its time does not count until then.  Does not block.  0,
 * or -1 as sbx_sandbox_run() and as sbx_sandbox_tend().
 */
int sbx_sandbox_spawn(struct sbx_sandbox *sandbox,
		      const struct sbx_sandbox_program *program,
		      struct sbx_error *err);

/*
 * Looks after a sandbox that waits, with or without a program: to be called at
 * least every SBX_SANDBOX_TEND_MS, or init believes that nobody is there.
 * Sends the heartbeat when that is due and hears what there is.  Does not
 * block and asks nothing of the engine.
 *
 * 0: it is there and waits.  SBX_SANDBOX_EXITED: its program did not wait for
 * input but ended, or wrote more than can be kept (16 KiB); @err says which.
 * -1: it is gone (SANDBOX_FAILED, UNAVAILABLE).  Unless it is 0 there is
 * nothing left to do but sbx_sandbox_free().
 */
#define SBX_SANDBOX_EXITED  1
#define SBX_SANDBOX_TEND_MS 2000
int sbx_sandbox_tend(struct sbx_sandbox *sandbox, struct sbx_error *err);

/*
 * How the program ended.  The buffers belong to the sandbox.
 *
 * @started	the program may have had an effect: bytes of RUN left the
 *		runner, or where it had been spawned, bytes of its input
 */
struct sbx_sandbox_result {
	bool started;
	bool timed_out;
	bool cancelled;
	bool out_truncated;
	bool err_truncated;
	struct sbx_wire_exit exit;
	const struct sbx_buf *out;
	const struct sbx_buf *err;
	const struct sbx_buf *file;
	const struct sbx_artifacts *artifacts;
};

/*
 * Runs the program, or gives the one that was spawned its input, and sees it
 * to its end, whichever way that comes: exit, signal, time-out
 * (SIGTERM, after the grace period SIGKILL), too much output (SIGKILL),
 * cancel (as time-out).  Returns at init's EXIT.  -1 when that never came:
 * OOM (the memory limit took init along), SANDBOX_FAILED, UNAVAILABLE,
 * INVALID (arguments and environment too large, or files that cannot be given);
 * @result is filled as far as it is known also then.
 */
int sbx_sandbox_run(struct sbx_sandbox *sandbox,
		    const struct sbx_sandbox_program *program,
		    struct sbx_sandbox_result *result, struct sbx_error *err);

/*
 * Whether a sandbox whose last program had @reset, and came to its end by
 * itself, can be used again: init kills whoever is left, empties what is not a
 * volume, and reports what it found; anything odd, and the sandbox is not to be
 * used again.  Does not block and asks nothing of the engine.
 *
 * 0: it is as it was when it was started, for sbx_sandbox_run() or
 * sbx_sandbox_spawn(); what sbx_sandbox_run() had given as result is gone.
 * SBX_SANDBOX_RESETTING: that is not decided yet.  -1: it never will be,
 * SANDBOX_FAILED, and @err says what differed; sbx_sandbox_free() is all that
 * is left to do.
 */
#define SBX_SANDBOX_RESETTING 1
int sbx_sandbox_reset_done(struct sbx_sandbox *sandbox, struct sbx_error *err);

/* --- sessions -------------------------------------------------------------- */

/*
 * A sandbox that was started with a session in its spec outlives its runner
 * once sbx_sandbox_keep() was called: sbx_sandbox_free() hangs up, then, and
 * leaves it to the next.  Programs run in it one after the other; what they
 * leave running with SBX_WIRE_RUN_DETACH goes on.
 */

/*
 * Who a session's init is, and how it is met.
 *
 * @pid		of it
 * @uid, @gid	of its programs
 * @sync	it is met over the attached streams, by what it has learned; or
 *		"": in the session's directory
 */
struct sbx_sandbox_init {
	pid_t pid;
	uint32_t uid;
	uint32_t gid;
	char sync[SBX_WIRE_SYNC_RANDOM + 1];
};

/*
 * Meets the init of container @id again.  Takes *@direct.  UNAVAILABLE, when it
 * does not come within @ms; CANCELLED; SANDBOX_FAILED, among others when it is
 * of another version.
 */
int sbx_sandbox_reopen(struct sbx_sandbox **out, struct sbx_engine *engine,
		       const char *id, const struct sbx_sandbox_init *init,
		       struct sbx_direct **direct, double ms, int cancel_fd,
		       struct sbx_error *err);

/*
 * Of one that is met over the attached streams: has init learn what those say
 * who come later, SBX_WIRE_SYNC_RANDOM bytes.
 */
bool sbx_sandbox_is_attached(const struct sbx_sandbox *sandbox);
int sbx_sandbox_learn(struct sbx_sandbox *sandbox, const char *random,
		      struct sbx_error *err);

/*
 * Has init keep @data for the runners to come, and from then on the sandbox
 * too.  INVALID: too much.
 */
int sbx_sandbox_keep(struct sbx_sandbox *sandbox, const void *data, size_t size,
		     struct sbx_error *err);

/*
 * What init says of itself, what it keeps (secret memory of *@size bytes, the
 * caller's), and the last SBX_WIRE_LOG_MAX bytes that detached programs wrote.
 */
int sbx_sandbox_state(struct sbx_sandbox *sandbox, struct sbx_wire_state *out,
		      struct sbx_error *err);
int sbx_sandbox_kept(struct sbx_sandbox *sandbox, unsigned char **out,
		     size_t *size, struct sbx_error *err);
int sbx_sandbox_log(struct sbx_sandbox *sandbox, struct sbx_buf *out,
		    struct sbx_error *err);

/* A signal for all detached programs. */
int sbx_sandbox_signal(struct sbx_sandbox *sandbox, int signal,
		       struct sbx_error *err);

/*
 * *@out is a socket by which init is asked for connections to ports in the
 * sandbox (init/wire.h, FORWARD), as long as the session lives; the caller's.
 */
int sbx_sandbox_forward(struct sbx_sandbox *sandbox, int *out,
			struct sbx_error *err);

/* The directory that it is met by; borrowed. */
const struct sbx_direct *sbx_sandbox_direct(const struct sbx_sandbox *sandbox);

/*
 * Ends it.  After init's EXIT there is nothing to do but to hang up: init
 * exits and the engine removes the container.  Otherwise removes by force.
 */
void sbx_sandbox_free(struct sbx_sandbox **sandbox);

#endif
