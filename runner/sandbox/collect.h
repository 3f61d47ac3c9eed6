/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_COLLECT_H
#define SBX_SANDBOX_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "sandbox/events.h"
#include "sandbox/pace.h"
#include "sandbox/progress_lines.h"
#include "secret/redact.h"

/*
 * What an action writes: searched for secrets as it comes, before anybody sees
 * it, then kept and handed on, up to a limit.  Lines of progress on stderr are
 * not kept but told as what they are (sandbox/progress_lines.h), though not
 * all of them (sandbox/pace.h).
 */

enum sbx_collect_stream {
	SBX_COLLECT_OUT,
	SBX_COLLECT_ERR,
	SBX_COLLECT_FILE,
	SBX_COLLECT_STREAMS,
};

/*
 * @left	bytes that the action may still write
 * @kept	without secrets
 * @is_cut	there was more than the limit allows
 */
struct sbx_collected {
	struct sbx_redaction *redaction;
	size_t left;
	struct sbx_buf kept;
	bool is_cut;
};

/* All zeros before sbx_collect_begin(). */
struct sbx_collect {
	struct sbx_collected streams[SBX_COLLECT_STREAMS];
	struct sbx_redactor *redactor;
	struct sbx_progress_lines lines;
	struct sbx_pace pace;
	const struct sbx_run_events *events;
};

/*
 * @secrets are borrowed until the end; NULL is as good as none.  @limit is
 * each stream's.  @events, borrowed too, hear what is kept of stdout and stderr
 * as it comes; NULL: nobody does.  MISCONFIGURED: no secret memory.
 */
int sbx_collect_begin(struct sbx_collect *collect,
		      const struct sbx_secrets *secrets, size_t limit,
		      const struct sbx_run_events *events,
		      struct sbx_error *err);

/*
 * More of a stream.  What is over the limit is dropped: the limit counts what
 * the action writes, and what is kept never is more than that either.  -1,
 * MISCONFIGURED: it cannot be searched for secrets, so it is lost.
 */
int sbx_collect_take(struct sbx_collect *collect,
		     enum sbx_collect_stream stream, const void *data,
		     size_t size, struct sbx_error *err);

/*
 * Progress waits so that there is not too much of it: sbx_collect_tick() tells
 * what had its time, which is sbx_collect_wait() milliseconds away; INFINITY
 * when nothing waits.
 */
double sbx_collect_wait(struct sbx_collect *collect);
void sbx_collect_tick(struct sbx_collect *collect);

/*
 * No more will come, and what might have been the beginning of a secret is
 * let go; not so where the stream may have been cut in the middle of one:
 * at its limit, or because the action did not get to its end (@is_cut).
 */
void sbx_collect_end(struct sbx_collect *collect, bool is_cut);

void sbx_collect_clear(struct sbx_collect *collect);

#endif
