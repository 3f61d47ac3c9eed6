/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * A run is in the table from its beginning on, and so can be found and ended.
 * When it has ended it stays there if somebody may ask for its record: because
 * he was told to (Prefer: respond-async), or because he chose its id and may
 * not have heard the answer.  All others are forgotten at once, or a busy hour
 * would push out what is asked for.
 *
 * One lock guards the table and what changes in a run.  A run is counted: by
 * the table, by whoever runs it, by whoever waits for it.
 */
#include "serve/runs.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "codec/json.h"

#define BUCKETS 1024

enum state { QUEUED, RUNNING, OVER };

static const char *const state_names[] = {
	[QUEUED] = "queued",
	[RUNNING] = "running",
	[OVER] = "done",
};

/*
 * @in_bucket, @older, @newer	places in the table and in the list of all
 * @watched	its client's connection, or -1
 * @over_fd	becomes readable at its end; -1 until somebody waits
 * @n_waiting	who waits for that, besides its client
 * @expires	when its record is forgotten
 */
struct sbx_live {
	struct sbx_runs *runs;
	unsigned int references;
	bool is_listed;
	struct sbx_live *in_bucket;
	struct sbx_live *older;
	struct sbx_live *newer;

	char *owner;
	char *run_id;
	char *skill;
	char *action;
	char *session;
	unsigned char digest[SBX_DIGEST_SIZE];
	bool has_digest;
	bool is_kept;
	char created_at[SBX_CLOCK_RFC3339_SIZE];

	enum state state;
	struct sbx_hangup hangup;
	int watched;
	int over_fd;
	unsigned int n_waiting;

	char *record;
	size_t size;
	enum sbx_outcome outcome;
	bool was_delivered;
	double expires;
};

struct sbx_runs {
	pthread_mutex_t lock;
	struct sbx_runs_limits limits;
	struct sbx_live *buckets[BUCKETS];
	struct sbx_live *oldest;
	struct sbx_live *newest;
	size_t n_records;
	size_t n_bytes;
};

void sbx_runs_new(struct sbx_runs **out, const struct sbx_runs_limits *limits)
{
	struct sbx_runs *runs = sbx_calloc(1, sizeof(*runs));

	pthread_mutex_init(&runs->lock, NULL);
	runs->limits = *limits;
	*out = runs;
}

/* --- the table; its lock is held ------------------------------------------- */

/* FNV-1a. */
static struct sbx_live **bucket_of(struct sbx_runs *runs, const char *owner,
				   const char *run_id)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	const char *const parts[] = { owner, run_id };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(parts); i++) {
		for (const char *at = parts[i]; *at; at++)
			hash = (hash ^ (unsigned char)*at) *
			       UINT64_C(1099511628211);
	}
	return &runs->buckets[hash % BUCKETS];
}

static struct sbx_live *look_up(struct sbx_runs *runs, const char *owner,
				const char *run_id)
{
	struct sbx_live *live = *bucket_of(runs, owner, run_id);

	while (live && (strcmp(live->owner, owner) != 0 ||
			strcmp(live->run_id, run_id) != 0))
		live = live->in_bucket;
	return live;
}

static void list(struct sbx_runs *runs, struct sbx_live *live)
{
	struct sbx_live **bucket = bucket_of(runs, live->owner, live->run_id);

	live->in_bucket = *bucket;
	*bucket = live;
	live->older = runs->newest;
	if (runs->newest)
		runs->newest->newer = live;
	else
		runs->oldest = live;
	runs->newest = live;
	live->is_listed = true;
	live->references++;
}

static void destroy(struct sbx_live *live)
{
	sbx_hangup_close(&live->hangup);
	sbx_close(&live->over_fd);
	free(live->owner);
	free(live->run_id);
	free(live->skill);
	free(live->action);
	free(live->session);
	free(live->record);
	free(live);
}

static void drop(struct sbx_live *live)
{
	if (--live->references == 0)
		destroy(live);
}

static void unlist(struct sbx_runs *runs, struct sbx_live *live)
{
	struct sbx_live **at = bucket_of(runs, live->owner, live->run_id);

	if (!live->is_listed)
		return;
	while (*at != live)
		at = &(*at)->in_bucket;
	*at = live->in_bucket;
	*(live->older ? &live->older->newer : &runs->oldest) = live->newer;
	*(live->newer ? &live->newer->older : &runs->newest) = live->older;
	if (live->state == OVER) {
		runs->n_records--;
		runs->n_bytes -= live->size;
	}
	live->is_listed = false;
	drop(live);
}

/* Forgets what is too old or too much; the list is nearly in order of age. */
static void expire(struct sbx_runs *runs)
{
	double now = sbx_clock_ms();
	struct sbx_live *next;

	for (struct sbx_live *live = runs->oldest; live; live = next) {
		bool is_too_much = runs->n_records > runs->limits.records ||
				   runs->n_bytes > runs->limits.bytes;

		next = live->newer;
		if (live->state != OVER)
			continue;
		if (!is_too_much && live->expires > now)
			break;
		unlist(runs, live);
	}
}

static struct sbx_live *hold(struct sbx_live *live)
{
	live->references++;
	return live;
}

void sbx_runs_free(struct sbx_runs **runs)
{
	if (!*runs)
		return;
	while ((*runs)->oldest)
		unlist(*runs, (*runs)->oldest);
	pthread_mutex_destroy(&(*runs)->lock);
	free(sbx_take(*runs));
}

/* --- beginning ------------------------------------------------------------- */

static int make(struct sbx_runs *runs, const struct sbx_live_name *name,
		struct sbx_live **out, struct sbx_error *err)
{
	struct sbx_hangup hangup = SBX_HANGUP_INIT;
	struct sbx_live *live;

	if (sbx_hangup_open(&hangup, err) < 0)
		return -1;
	live = sbx_calloc(1, sizeof(*live));
	live->runs = runs;
	live->hangup = hangup;
	live->watched = -1;
	live->over_fd = -1;
	live->owner = sbx_strdup(name->owner);
	live->run_id = sbx_strdup(name->run_id);
	sbx_strset(&live->skill, name->skill);
	sbx_strset(&live->action, name->action);
	sbx_strset(&live->session, name->session);
	live->has_digest = name->digest != NULL;
	if (name->digest)
		memcpy(live->digest, name->digest, SBX_DIGEST_SIZE);
	live->is_kept = name->is_kept;
	sbx_clock_rfc3339(live->created_at);
	list(runs, live);
	*out = hold(live);
	return 0;
}

static bool is_same(const struct sbx_live *live,
		    const struct sbx_live_name *name)
{
	return live->has_digest && name->digest &&
	       memcmp(live->digest, name->digest, SBX_DIGEST_SIZE) == 0;
}

static void share(struct sbx_live *live, const struct sbx_live_name *name)
{
	live->is_kept |= name->is_kept;
	if (live->state != OVER && live->watched >= 0)
		sbx_hangup_ignore(&live->hangup, live->watched);
	live->watched = -1;
}

int sbx_runs_begin(struct sbx_runs *runs, const struct sbx_live_name *name,
		   struct sbx_live **out, struct sbx_error *err)
{
	struct sbx_live *there;
	int result;

	pthread_mutex_lock(&runs->lock);
	expire(runs);
	there = look_up(runs, name->owner, name->run_id);
	if (there && there->state == OVER && !there->was_delivered) {
		unlist(runs, there);
		there = NULL;
	}
	if (!there) {
		result = make(runs, name, out, err);
	} else if (is_same(there, name)) {
		share(there, name);
		*out = hold(there);
		result = SBX_RUNS_SAME;
	} else {
		result = SBX_RUNS_OTHER;
	}
	pthread_mutex_unlock(&runs->lock);
	return result;
}

/* --- looking --------------------------------------------------------------- */

struct sbx_live *sbx_runs_find(struct sbx_runs *runs, const char *owner,
			       const char *run_id)
{
	struct sbx_live *live;

	pthread_mutex_lock(&runs->lock);
	expire(runs);
	live = look_up(runs, owner, run_id);
	if (live)
		hold(live);
	pthread_mutex_unlock(&runs->lock);
	return live;
}

static json_t *describe(const struct sbx_live *live)
{
	json_t *value = json_pack(
		"{s:s, s:s, s:s?, s:s?, s:s*, s:s, s:s, s:i}", "run_id",
		live->run_id, "state", state_names[live->state], "skill",
		live->skill, "action", live->action, "session", live->session,
		"owner", live->owner, "created_at", live->created_at, "waiting",
		(int)live->n_waiting);

	if (live->state == OVER)
		json_object_set_new(
			value, "outcome",
			json_string(sbx_outcome_name(live->outcome)));
	return value;
}

json_t *sbx_live_json(struct sbx_live *live)
{
	json_t *value;

	pthread_mutex_lock(&live->runs->lock);
	value = describe(live);
	pthread_mutex_unlock(&live->runs->lock);
	return value;
}

/* The owner's, held, oldest first; the array is the caller's to free. */
static struct sbx_live **hold_all(struct sbx_runs *runs, const char *owner,
				  size_t *n)
{
	struct sbx_live **all;
	size_t n_listed = 0;

	pthread_mutex_lock(&runs->lock);
	expire(runs);
	for (struct sbx_live *live = runs->oldest; live; live = live->newer)
		n_listed++;
	all = sbx_calloc(n_listed + 1, sizeof(struct sbx_live *));
	*n = 0;
	for (struct sbx_live *live = runs->oldest; live; live = live->newer) {
		if (strcmp(live->owner, owner) == 0)
			all[(*n)++] = hold(live);
	}
	pthread_mutex_unlock(&runs->lock);
	return all;
}

static void put_json(struct sbx_buf *out, struct sbx_live *live)
{
	json_auto_t *value = sbx_live_json(live);
	cleanup_free char *text = sbx_json_line(value);

	sbx_buf_puts(out, text);
}

/*
 * One value at a time: as one tree, thousands of runs took seven times as much
 * as their text, in small blocks that stay with each thread that had them.
 */
char *sbx_runs_list(struct sbx_runs *runs, const char *owner)
{
	struct sbx_buf out = SBX_BUF_INIT(SIZE_MAX / 4);
	size_t n;
	cleanup_free struct sbx_live **all = hold_all(runs, owner, &n);

	sbx_buf_puts(&out, "[");
	for (size_t i = 0; i < n; i++) {
		sbx_buf_puts(&out, i > 0 ? ", " : "");
		put_json(&out, all[i]);
		sbx_live_release(&all[i]);
	}
	sbx_buf_puts(&out, "]");
	return sbx_buf_take(&out);
}

void sbx_runs_cancel_all(struct sbx_runs *runs)
{
	pthread_mutex_lock(&runs->lock);
	for (struct sbx_live *live = runs->oldest; live; live = live->newer) {
		if (live->state != OVER)
			sbx_hangup_ask(&live->hangup);
	}
	pthread_mutex_unlock(&runs->lock);
}

/* --- one run --------------------------------------------------------------- */

struct sbx_live *sbx_live_hold(struct sbx_live *live)
{
	pthread_mutex_lock(&live->runs->lock);
	hold(live);
	pthread_mutex_unlock(&live->runs->lock);
	return live;
}

void sbx_live_release(struct sbx_live **live)
{
	struct sbx_runs *runs;

	if (!*live)
		return;
	runs = (*live)->runs;
	pthread_mutex_lock(&runs->lock);
	drop(*live);
	pthread_mutex_unlock(&runs->lock);
	*live = NULL;
}

void sbx_live_watch(struct sbx_live *live, int connection, bool is_local)
{
	pthread_mutex_lock(&live->runs->lock);
	live->watched = connection;
	sbx_hangup_watch(&live->hangup, connection, is_local);
	pthread_mutex_unlock(&live->runs->lock);
}

int sbx_live_cancel_fd(const struct sbx_live *live)
{
	return live->hangup.fd;
}

void sbx_live_cancel(struct sbx_live *live)
{
	pthread_mutex_lock(&live->runs->lock);
	if (live->state != OVER)
		sbx_hangup_ask(&live->hangup);
	pthread_mutex_unlock(&live->runs->lock);
}

const char *sbx_live_id(const struct sbx_live *live)
{
	return live->run_id;
}

void sbx_live_started(struct sbx_live *live)
{
	pthread_mutex_lock(&live->runs->lock);
	live->state = RUNNING;
	pthread_mutex_unlock(&live->runs->lock);
}

void sbx_live_end(struct sbx_live *live, char *record, enum sbx_outcome outcome,
		  bool was_delivered)
{
	struct sbx_runs *runs = live->runs;

	pthread_mutex_lock(&runs->lock);
	live->size = strlen(record);
	/* What is kept for minutes takes no more room than is counted. */
	live->record = live->is_kept ? sbx_realloc(record, live->size + 1)
				     : record;
	live->outcome = outcome;
	live->was_delivered = was_delivered;
	live->expires = sbx_clock_ms() + runs->limits.keep_ms;
	live->state = OVER;
	runs->n_records++;
	runs->n_bytes += live->size;
	sbx_hangup_close(&live->hangup);
	if (live->over_fd >= 0)
		eventfd_write(live->over_fd, 1);
	if (!live->is_kept)
		unlist(runs, live);
	expire(runs);
	pthread_mutex_unlock(&runs->lock);
}

/* Begins to wait; what becomes readable, -1 when that cannot be. */
static int begin_wait(struct sbx_live *live, bool *is_over)
{
	int fd;

	pthread_mutex_lock(&live->runs->lock);
	*is_over = live->state == OVER;
	if (!*is_over && live->over_fd < 0)
		live->over_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fd = live->over_fd;
	live->n_waiting++;
	pthread_mutex_unlock(&live->runs->lock);
	return fd;
}

static bool end_wait(struct sbx_live *live)
{
	bool is_over;

	pthread_mutex_lock(&live->runs->lock);
	is_over = live->state == OVER;
	live->n_waiting--;
	/* What is kept for minutes keeps no descriptor. */
	if (live->n_waiting == 0)
		sbx_close(&live->over_fd);
	pthread_mutex_unlock(&live->runs->lock);
	return is_over;
}

static void wait_for_one(struct pollfd *fds, nfds_t n, double ms)
{
	double until = sbx_clock_ms() + ms;
	double left = ms;

	while (poll(fds, n, ms < 0 ? -1 : (int)left + 1) < 0 &&
	       errno == EINTR) {
		left = until - sbx_clock_ms();
		if (ms >= 0 && left <= 0)
			return;
	}
}

enum sbx_live_wait sbx_live_wait(struct sbx_live *live, double ms,
				 int connection, bool is_local)
{
	bool is_over;
	struct pollfd fds[] = {
		{ .fd = begin_wait(live, &is_over), .events = POLLIN },
		{ .fd = connection, .events = sbx_hangup_events(is_local) },
	};

	if (!is_over && fds[0].fd >= 0 && ms != 0)
		wait_for_one(fds, SBX_ARRAY_SIZE(fds), ms);
	if (end_wait(live))
		return SBX_LIVE_OVER;
	return fds[1].revents ? SBX_LIVE_ALONE : SBX_LIVE_RUNS;
}

const char *sbx_live_record(const struct sbx_live *live)
{
	return live->record;
}

enum sbx_outcome sbx_live_outcome(const struct sbx_live *live)
{
	return live->outcome;
}
