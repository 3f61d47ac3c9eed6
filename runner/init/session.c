/* SPDX-License-Identifier: MIT */
/*
 * No runner has to be alive for a session to end in time, and none is believed
 * about it: the clock is init's.  A channel that is lost is looked for again
 * where the first one was: the directory of the socket is a mount of the
 * host's, read-only in here, so that whoever listens there is a runner.
 */
#include "init/session.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "init/detached.h"
#include "init/direct.h"
#include "init/given.h"
#include "init/log.h"
#include "init/out.h"
#include "init/usage.h"

/* Of a name in inotify(7), with its header. */
#define EVENT_MAX (sizeof(struct inotify_event) + NAME_MAX + 1)

/* How often to look for a runner: for one whom nobody told us of, and for one
 * whose queue others in here keep full. */
#define KNOCK_MS   1000
#define CROWDED_MS 5

static const char *address;
static bool is_crowded;

/* What runners come with over the attached streams; "" where they do not. */
static char sync_bytes[SBX_WIRE_SYNC_SIZE + 1];
/* How much of that has come. */
static uint32_t matched;

static int watch = -1;
static int64_t began_at;
static int64_t active_at;

static unsigned char kept[SBX_WIRE_KEPT_MAX];
static uint32_t n_kept;

/* What is being told, a type of frame or 0, how far that is, and of the log how
 * far it goes: what is written meanwhile is for the next who asks. */
static struct {
	uint8_t type;
	uint64_t at;
	uint64_t end;
} telling;

/* --- time ------------------------------------------------------------------ */

static int64_t parse(const char *text)
{
	int64_t ms = 0;

	for (; *text >= '0' && *text <= '9' && ms < INT_MAX; text++)
		ms = ms * 10 + (*text - '0');
	return *text == '\0' ? ms : 0;
}

/* Where this cannot be had, sbx_session_knock() is called now and then. */
static void watch_directory(const char *socket)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(socket, '/');
	size_t size = slash ? (size_t)(slash - socket) : sizeof(dir);

	if (size >= sizeof(dir))
		return;
	memcpy(dir, socket, size);
	dir[size] = '\0';
	watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	(void)inotify_add_watch(watch, dir, IN_MOVED_TO);
}

bool sbx_session_is_attached(void)
{
	return sync_bytes[0] != '\0';
}

/* Its time starts anew. */
static void touch(struct sbx_init *init)
{
	active_at = sbx_now();
	init->expires_at = active_at + init->session;
}

int sbx_session_open(struct sbx_init *init, const char *ms, const char *socket)
{
	init->session = parse(ms);
	if (init->session <= 0)
		return sbx_abort(init, "a session of no time", 0);
	address = socket;
	began_at = sbx_now();
	touch(init);
	watch_directory(socket);
	return 0;
}

int64_t sbx_session_left(const struct sbx_init *init)
{
	int64_t left = init->expires_at - sbx_now();

	if (init->session == 0 ||
	    (init->phase != SBX_WAITING && !init->is_alone))
		return INT_MAX;
	return left < INT_MAX ? left : INT_MAX;
}

/* --- without a runner, and with the next ----------------------------------- */

static void forget_files(struct sbx_init *init)
{
	init->has_files = false;
	sbx_given_forget();
}

int sbx_session_lost(struct sbx_init *init)
{
	if (init->session == 0)
		return SBX_GONE;
	init->is_alone = true;
	init->wants_sync = false;
	telling.type = 0;
	forget_files(init);
	for (int i = 0; i < 3; i++)
		sbx_close(&init->given[i]);
	sbx_close(&init->forward_given);
	if (init->phase == SBX_WAITING)
		return 0;
	touch(init);
	/* Also one that is to be detached, and has not come that far. */
	if (init->phase == SBX_RUNNING) {
		kill(init->pid, SIGKILL);
		sbx_kill_others();
	}
	return 0;
}

int sbx_session_fd(const struct sbx_init *init)
{
	return init->is_alone && init->phase == SBX_WAITING ? watch : -1;
}

static void drop_events(void)
{
	char events[4 * EVENT_MAX];

	while (read(watch, events, sizeof(events)) > 0)
		;
}

static void say_state(const struct sbx_init *init)
{
	unsigned char payload[SBX_WIRE_STATE_SIZE];
	struct sbx_usage usage = sbx_usage_now();
	int64_t now = sbx_now();

	sbx_wire_put32(payload, SBX_WIRE_VERSION);
	sbx_wire_put32(payload + 4, sbx_detached_count());
	sbx_wire_put64(payload + 8, (uint64_t)(now - began_at));
	sbx_wire_put64(payload + 16, (uint64_t)(now - active_at));
	sbx_wire_put64(payload + 24, (uint64_t)(init->expires_at - now));
	sbx_wire_put64(payload + 32, usage.cpu_us);
	sbx_wire_put64(payload + 40, usage.memory);
	sbx_wire_put32(payload + 48, usage.processes);
	sbx_wire_put32(payload + 52, n_kept);
	sbx_out_frame(SBX_WIRE_STATE, payload, sizeof(payload));
}

int64_t sbx_session_patience(void)
{
	return is_crowded ? CROWDED_MS : KNOCK_MS;
}

int sbx_session_knock(struct sbx_init *init)
{
	int result;

	is_crowded = false;
	if (init->phase != SBX_WAITING)
		return 0;
	if (init->wants_sync) {
		init->wants_sync = false;
		sbx_out_raw(sync_bytes, SBX_WIRE_SYNC_SIZE);
		say_state(init);
		return 0;
	}
	if (address[0] == '\0')
		return 0;
	drop_events();
	sbx_direct_open(init, address);
	if (init->direct < 0) {
		is_crowded = errno == EAGAIN;
		return 0;
	}
	result = sbx_direct_instead(init);
	init->is_alone = false;
	say_state(init);
	return result;
}

void sbx_session_again(struct sbx_init *init)
{
	init->phase = SBX_WAITING;
	init->input_ended = false;
	init->input.len = 0;
	init->owed = 0;
	memset(&init->exit, 0, sizeof(init->exit));
	forget_files(init);
	touch(init);
}

uint32_t sbx_session_filter(struct sbx_init *init, const unsigned char *from,
			    uint32_t size, unsigned char *to, bool *is_new)
{
	uint32_t n = 0;

	*is_new = false;
	for (uint32_t i = 0; i < size; i++) {
		uint32_t held = matched;

		matched = sbx_wire_sync(sync_bytes, matched, from[i]);
		if (matched > held) {
			if (matched < SBX_WIRE_SYNC_SIZE)
				continue;
			matched = 0;
			n = 0;
			*is_new = true;
			continue;
		}
		/* It looked like one: those were commands. */
		memcpy(to + n, sync_bytes, held);
		n += held;
		if (matched == 0)
			to[n++] = from[i];
	}
	if (*is_new) {
		sbx_session_lost(init);
		init->is_alone = false;
		init->wants_sync = true;
	}
	return init->is_alone ? 0 : n;
}

/* --- what is asked --------------------------------------------------------- */

int sbx_session_learn(struct sbx_init *init,
		      const unsigned char random[SBX_WIRE_SYNC_RANDOM])
{
	if (address[0] != '\0' || sbx_session_is_attached())
		return sbx_abort(init, "LEARN out of turn", 0);
	memcpy(sync_bytes, SBX_WIRE_SYNC, sizeof(SBX_WIRE_SYNC) - 1);
	memcpy(sync_bytes + sizeof(SBX_WIRE_SYNC) - 1, random,
	       SBX_WIRE_SYNC_RANDOM);
	return 0;
}

int sbx_session_keep(struct sbx_init *init, const unsigned char *data,
		     uint32_t size)
{
	if (size == 0) {
		explicit_bzero(kept, n_kept);
		n_kept = 0;
		return 0;
	}
	if (size > sizeof(kept) - n_kept)
		return sbx_abort(init, "more than can be kept", 0);
	memcpy(kept + n_kept, data, size);
	n_kept += size;
	return 0;
}

int sbx_session_ask(struct sbx_init *init, uint32_t question)
{
	if (telling.type != 0)
		return sbx_abort(init, "ASK out of turn", 0);
	telling.at = 0;
	switch (question) {
	case SBX_WIRE_ASK_STATE:
		say_state(init);
		return 0;
	case SBX_WIRE_ASK_KEPT:
		telling.type = SBX_WIRE_KEPT;
		return 0;
	case SBX_WIRE_ASK_LOG:
		telling.type = SBX_WIRE_LOG;
		telling.end = sbx_log_end();
		return 0;
	default:
		return sbx_abort(init, "unknown question", 0);
	}
}

/* The next piece of what is told. */
static uint32_t next(const unsigned char **data)
{
	uint32_t size;

	if (telling.type == SBX_WIRE_LOG)
		return sbx_log_read(&telling.at, telling.end, data,
				    SBX_WIRE_DATA_MAX);
	size = n_kept - (uint32_t)telling.at;
	if (size > SBX_WIRE_DATA_MAX)
		size = SBX_WIRE_DATA_MAX;
	*data = kept + telling.at;
	telling.at += size;
	return size;
}

void sbx_session_tell(void)
{
	while (telling.type != 0 && sbx_out_has_room()) {
		const unsigned char *data;
		uint32_t size = next(&data);

		sbx_out_frame(telling.type, data, size);
		if (size == 0)
			telling.type = 0;
	}
}
