/* SPDX-License-Identifier: MIT */
/*
 * The other end is a child of init's (init/copy_in.h, init/copy_out.h), a run
 * like any other: its input is the archive, or its output is, which goes to
 * the file as it comes.  What it says on its standard error is for people.
 */
#include "sandbox/session_copy.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/strv.h"
#include "codec/frames.h"
#include "codec/lines.h"
#include "sandbox/sandbox.h"
#include "sandbox/session.h"
#include "sandbox/session_parts.h"
#include "skill/grant.h"

/* Of headers, names and targets. */
#define ENTRY_MAX 4096
#define ARCHIVE_MAX                                                            \
	(SBX_SESSION_COPY_BYTES + SBX_SESSION_COPY_ENTRIES * ENTRY_MAX)

#define GRACE_MS 2000

const struct sbx_copy_limits sbx_session_copy_max = {
	.bytes = SBX_SESSION_COPY_BYTES,
	.entries = SBX_SESSION_COPY_ENTRIES,
};

/* --- what comes out -------------------------------------------------------- */

/* @errnum is why no more can be written. */
struct sink {
	int fd;
	int errnum;
};

static void take(void *ctx, int stream, const void *data, size_t size)
{
	struct sink *sink = ctx;

	if (stream == SBX_FRAMES_STDOUT && sink->errnum == 0 &&
	    sbx_fd_write_all(sink->fd, data, size) < 0)
		sink->errnum = errno;
}

static void push_line(void *ctx, const char *line)
{
	sbx_strv_push(ctx, line);
}

/* All but the last is told; that is for @err where it did not go well. */
static int tell(const struct sbx_session_copy *copy,
		const struct sbx_buf *written, bool failed,
		struct sbx_error *err)
{
	cleanup_strv struct sbx_strv all = SBX_STRV_INIT;
	struct sbx_lines lines = SBX_LINES_INIT;

	sbx_lines_feed(&lines, sbx_buf_text(written), written->len, push_line,
		       &all);
	sbx_lines_flush(&lines, push_line, &all);
	sbx_lines_free(&lines);
	for (size_t i = 0; i + failed < all.n; i++)
		sbx_progress_say(copy->lines, all.v[i]);
	if (!failed)
		return 0;
	sbx_error_set(err, SBX_OUTCOME_INVALID, "%s",
		      all.n > 0 ? all.v[all.n - 1] : "not all was copied");
	return SBX_SESSION_COPY_PARTLY;
}

static int ended(const struct sbx_session_copy *copy,
		 const struct sbx_sandbox_result *result, struct sbx_error *err)
{
	const struct sbx_wire_exit *exit = &result->exit;

	if (result->cancelled)
		return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
				     "cancelled by the caller");
	if (result->timed_out)
		return sbx_error_set(err, SBX_OUTCOME_TIMEOUT,
				     "not all was copied in %lld s",
				     (long long)copy->timeout_ms / 1000);
	if (result->out_truncated || result->err_truncated)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s is more than can be copied at once, "
				     "%lld MiB and %d entries",
				     copy->path, SBX_SESSION_COPY_BYTES >> 20,
				     SBX_SESSION_COPY_ENTRIES);
	if (exit->oom_kills > 0)
		return sbx_error_set(err, SBX_OUTCOME_OOM,
				     "the session's memory is full, and what "
				     "is in %s counts",
				     SBX_WORKSPACE);
	if (exit->kind == SBX_WIRE_EXITED && exit->code <= 1)
		return tell(copy, result->err, exit->code == 1, err);
	return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
			     "the copying process ended with %s %u",
			     exit->kind == SBX_WIRE_SIGNALED ? "signal"
							     : "error",
			     exit->code);
}

/* --- the run --------------------------------------------------------------- */

/* @way has what differs: the flag, the input and who hears of the output. */
static int check(const struct sbx_session_copy *copy, struct sbx_error *err)
{
	if (*copy->path)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "a path in the session is missing");
}

static int run_in(struct sbx_sandbox *sandbox,
		  const struct sbx_session_copy *copy,
		  const struct sbx_sandbox_program *way, struct sbx_error *err)
{
	cleanup_strv struct sbx_strv argv = SBX_STRV_INIT;
	static const struct sbx_strv none = SBX_STRV_INIT;
	struct sbx_sandbox_program program = *way;
	struct sbx_sandbox_result result;

	sbx_strv_push(&argv, copy->path);
	program.argv = &argv;
	program.env = &none;
	program.working_dir = SBX_WORKSPACE;
	program.timeout_ms = copy->timeout_ms;
	program.stop_grace_period_ms = GRACE_MS;
	program.output_limit = ARCHIVE_MAX;
	if (sbx_sandbox_run(sandbox, &program, &result, err) < 0)
		return -1;
	return ended(copy, &result, err);
}

static int run(struct sbx_engine *engine, const struct sbx_session_copy *copy,
	       struct sbx_sandbox_program *way, struct sbx_error *err)
{
	cleanup_session struct sbx_session session = { .id = NULL };
	struct sbx_sandbox *sandbox = NULL;
	int result = -1;

	way->cancel_fd = sbx_engine_cancel_fd(engine);
	if (check(copy, err) == 0 &&
	    sbx_session_find(engine, copy->owner, copy->name, &session, err) ==
		    0 &&
	    sbx_session_open(engine, &session, copy->wait_ms, &sandbox, err) ==
		    0)
		result = run_in(sandbox, copy, way, err);
	sbx_sandbox_free(&sandbox);
	return result;
}

int sbx_session_copy_in(struct sbx_engine *engine,
			const struct sbx_session_copy *copy,
			struct sbx_error *err)
{
	struct sbx_sandbox_program program = { .flags = SBX_WIRE_RUN_COPY_IN };
	struct stat about;
	size_t size;
	void *data;
	int result;

	if (fstat(copy->fd, &about) < 0 || about.st_size == 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "there is no archive to copy");
	size = (size_t)about.st_size;
	data = mmap(NULL, size, PROT_READ, MAP_SHARED, copy->fd, 0);
	if (data == MAP_FAILED)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "the archive cannot be mapped");
	program.input = data;
	program.input_size = size;
	result = run(engine, copy, &program, err);
	munmap(data, size);
	return result;
}

int sbx_session_copy_out(struct sbx_engine *engine,
			 const struct sbx_session_copy *copy,
			 struct sbx_error *err)
{
	struct sink sink = { .fd = copy->fd };
	const struct sbx_run_events events = {
		.output = take,
		.has_stdout = true,
		.ctx = &sink,
	};
	struct sbx_sandbox_program program = {
		.flags = SBX_WIRE_RUN_COPY_OUT,
		.events = &events,
	};
	int result = run(engine, copy, &program, err);

	if (result < 0 || sink.errnum == 0)
		return result;
	return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, sink.errnum,
			       "the archive cannot be written");
}
