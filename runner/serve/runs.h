/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_RUNS_H
#define SBX_SERVE_RUNS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/error.h"
#include "serve/hangup.h"

/*
 * What runs, for whom, and for a while what it came to.  Runs are found by
 * owner and id, so nobody reaches those of another.  For any number of
 * threads.
 */
struct sbx_runs;

/*
 * @records, @bytes	of records, how many and how much is kept at most; the
 *			oldest go first
 * @keep_ms		how long
 */
struct sbx_runs_limits {
	size_t records;
	size_t bytes;
	double keep_ms;
};

void sbx_runs_new(struct sbx_runs **out, const struct sbx_runs_limits *limits);
void sbx_runs_free(struct sbx_runs **runs);

/* A run, as long as somebody holds it. */
struct sbx_live;

#define SBX_DIGEST_SIZE 32

/*
 * @skill, @action, @session	or NULL: in a session the first may not be
 *		known, and the second need not be
 * @digest	of all that was asked for, when the caller chose @run_id; or NULL
 * @is_kept	that its record is asked for later
 */
struct sbx_live_name {
	const char *owner;
	const char *run_id;
	const char *skill;
	const char *action;
	const char *session;
	const unsigned char *digest;
	bool is_kept;
};

/*
 * Begins a run: 0, and *@out is the caller's to hold and to end.  SAME when
 * the owner has one of that id and digest, which *@out is then; it is no longer
 * ended by its client going away, as others wait for it.  OTHER when he has
 * one of that id which is another.  A run that ended before it got a byte of
 * its input does not count: it may be begun again.  -1: INTERNAL.
 */
#define SBX_RUNS_SAME  1
#define SBX_RUNS_OTHER 2
int sbx_runs_begin(struct sbx_runs *runs, const struct sbx_live_name *name,
		   struct sbx_live **out, struct sbx_error *err);

/* The owner's run of that id, held; NULL when there is none. */
struct sbx_live *sbx_runs_find(struct sbx_runs *runs, const char *owner,
			       const char *run_id);

/* All of the owner's, oldest first: text of an array; free with free(). */
char *sbx_runs_list(struct sbx_runs *runs, const char *owner);

/* Ends all, as sbx_live_cancel(). */
void sbx_runs_cancel_all(struct sbx_runs *runs);

struct sbx_live *sbx_live_hold(struct sbx_live *live);
void sbx_live_release(struct sbx_live **live);

/* Its client: that one going away ends it. */
void sbx_live_watch(struct sbx_live *live, int connection, bool is_local);

/* Readable when it is to end. */
int sbx_live_cancel_fd(const struct sbx_live *live);
void sbx_live_cancel(struct sbx_live *live);

const char *sbx_live_id(const struct sbx_live *live);

/* It has left the queue. */
void sbx_live_started(struct sbx_live *live);

/*
 * It has ended.  @record is the text of its record, which is taken;
 * @was_delivered tells that a byte of input was.
 */
void sbx_live_end(struct sbx_live *live, char *record, enum sbx_outcome outcome,
		  bool was_delivered);

/*
 * Waits at most @ms (negative: for ever) for its end, and no longer than the
 * peer of @connection does.
 */
enum sbx_live_wait { SBX_LIVE_OVER, SBX_LIVE_RUNS, SBX_LIVE_ALONE };
enum sbx_live_wait sbx_live_wait(struct sbx_live *live, double ms,
				 int connection, bool is_local);

/* Of a run that is over: its record, while it is held. */
const char *sbx_live_record(const struct sbx_live *live);
enum sbx_outcome sbx_live_outcome(const struct sbx_live *live);

/*
 * {"run_id", "state": "queued" | "running" | "done", "skill", "action",
 * "owner", "created_at", "waiting": clients that wait for its end}, and
 * "session" where it is in one, and "outcome" when it is over; new reference.
 */
json_t *sbx_live_json(struct sbx_live *live);

#endif
