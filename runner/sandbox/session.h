/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_SESSION_H
#define SBX_SANDBOX_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "engine/engine.h"
#include "sandbox/plan.h"
#include "sandbox/record.h"
#include "sandbox/run.h"
#include "skill/publish.h"

/*
 * Sessions: sandboxes with a name, in which one thing after the other is run
 * until they are stopped or their time is over.  What there is to know of one
 * is on the engine, as labels, and with its init; whoever has the same runtime
 * directory as the runner that made it can go on with it.
 *
 * All of these ask the engine, with its patience, and end with CANCELLED when
 * its cancel descriptor becomes readable; UNAVAILABLE besides what they say.
 */

enum sbx_session_state {
	SBX_SESSION_CREATING,
	SBX_SESSION_ACTIVE,
	SBX_SESSION_PAUSED,
	SBX_SESSION_STOPPED, /* on its way out */
};
const char *sbx_session_state_name(enum sbx_session_state state);

/*
 * One that was found.
 *
 * @id		of its container
 * @image	that it was started from
 * @action	whose sandbox it has
 * @channel	see sbx_direct_open()
 * @created	seconds since 1970
 * @ports	"Ports" as the engine lists containers; or NULL
 * @publish	of one without a network, what is to be forwarded to it
 * @forwarded	and where somebody does, at this moment; or none
 */
struct sbx_session {
	char *id;
	char *image;
	char *name;
	char *owner;
	char *skill;
	char *action;
	char *channel;
	int64_t ttl_ms;
	int64_t created;
	enum sbx_session_state state;
	json_t *ports;
	struct sbx_publish_list publish;
	struct sbx_publish_list forwarded;
};

void sbx_session_clear(struct sbx_session *session);
#define cleanup_session SBX_CLEANUP(sbx_session_clear)

/* NOT_FOUND, INVALID (what is no name). */
int sbx_session_find(struct sbx_engine *engine, const char *owner,
		     const char *name, struct sbx_session *out,
		     struct sbx_error *err);

/*
 * All of @owner, or with NULL of everybody, by name: an array of what
 * sbx_session_json() says; new reference.
 */
int sbx_session_list(struct sbx_engine *engine, const char *owner, json_t **out,
		     struct sbx_error *err);

/*
 * {"name", "state", "skill", "action", "owner", "image", "container",
 * "created_at", "ttl_ms", "ports": [{"target", "published", "host_ip"}]}, and
 * of ports without a network also "forwarded": while it is true, @published is
 * where, else what was asked for; new reference.
 */
json_t *sbx_session_json(const struct sbx_session *session);

/* Each of everybody's that has not ended, in no order. */
int sbx_session_each(struct sbx_engine *engine,
		     void (*each)(void *ctx, const struct sbx_session *session),
		     void *ctx, struct sbx_error *err);

/* --- the beginning ---------------------------------------------------------- */

/* Time to live: default, least and most, in milliseconds. */
#define SBX_SESSION_TTL_MS     (10LL * 60 * 1000)
#define SBX_SESSION_TTL_MS_MIN 1000
#define SBX_SESSION_TTL_MS_MAX (24LL * 60 * 60 * 1000)

/*
 * @plan	skill, action (NULL: the skill's first), owner, overrides and
 *		secrets, and @image in place of the skill's; its @session is
 *		ours to set
 * @on_start, @on_stop	commands for the shell of this host, by the operator's
 *		word only: the first when it is there, and should it fail there
 *		is no session; the other when it has ended; or NULL
 * @forwards	the caller publishes ports of a session without a network, which
 *		the engine does not (sandbox/forward.h)
 */
struct sbx_session_create {
	struct sbx_plan_request plan;
	const char *name;
	int64_t ttl_ms;
	const char *on_start;
	const char *on_stop;
	bool forwards;
};

/*
 * SBX_SESSION_EXISTS, with @err filled: @owner has one of that name.
 * SBX_SESSION_UNFORWARDED, the same: nobody would publish its ports, as it is
 * granted no network, and the caller does not forward.  Else fails as a run
 * does before its action begins: DENIED also where the policy lets nobody have
 * as many.  In all of these cases nothing is left.  One that is to live longer
 * than the policy lets any is lowered, with a line.
 */
#define SBX_SESSION_EXISTS	1
#define SBX_SESSION_UNFORWARDED 2
int sbx_session_create(struct sbx_engine *engine,
		       const struct sbx_session_create *create,
		       struct sbx_session *out, struct sbx_error *err);

struct sbx_sessions;

/* --- meanwhile -------------------------------------------------------------- */

/*
 * A run in the session @name of @run's owner: of @run's action, or with
 * @command of that.  @run's skill is the session's, and need not be given; nor
 * an action, with @command.  Of its overrides it may have the environment and
 * the time-out.  @known is what is known of sessions already
 * (session_known.h), or NULL.  Who has to wait for another run does so for at
 * most @wait_ms, then BUSY.  Never fails: whatever goes wrong is in @record,
 * which is initialised by this function and cleared by the caller.
 */
struct sbx_session_run {
	const struct sbx_run *run;
	struct sbx_sessions *known;
	const char *name;
	const struct sbx_strv *command;
	const char *working_dir;
	bool detach;
	double wait_ms;
};
void sbx_session_run(const struct sbx_session_run *run,
		     struct sbx_record *record);

/*
 * sbx_session_json(), and of one that is active {"uptime_ms", "idle_ms",
 * "last_active_at", "expires_at", "detached", "usage": {"cpu_ms",
 * "memory_bytes", "processes"}}; while something runs in it these are not to be
 * had, and "busy" is true.  New reference.
 */
int sbx_session_status(struct sbx_engine *engine, const char *owner,
		       const char *name, json_t **out, struct sbx_error *err);

/*
 * What detached programs wrote, the last of it.  Secrets are redacted, which is
 * what @plan's catalog, policy and keys are for; its owner's session it is.
 */
int sbx_session_logs(struct sbx_engine *engine,
		     const struct sbx_plan_request *plan, const char *name,
		     struct sbx_buf *out, struct sbx_error *err);

/*
 * Freezes it, and lets it go on.  Its time goes on as well: one whose time is
 * over while it is paused is ended by the next sweep.  BUSY while something
 * runs in it; INVALID where it is not active, or not paused.
 */
int sbx_session_pause(struct sbx_engine *engine, const char *owner,
		      const char *name, struct sbx_error *err);
int sbx_session_resume(struct sbx_engine *engine, const char *owner,
		       const char *name, struct sbx_error *err);

/*
 * *@out is a socket by which connections to ports of @session are asked for
 * (forward_socket.h), as long as it lives, or until somebody asks for another.
 * BUSY, INVALID (it is not active).
 */
int sbx_session_forward(struct sbx_engine *engine,
			const struct sbx_session *session, int *out,
			struct sbx_error *err);

/*
 * Notes, for all who look at it, that this process forwards @ports to
 * @session; NULL: no more.  INTERNAL.
 */
int sbx_session_note_ports(const struct sbx_session *session,
			   const struct sbx_publish_list *ports,
			   struct sbx_error *err);

/* --- the end ---------------------------------------------------------------- */

/*
 * Ends it, and whatever runs in it: SIGTERM for what is detached, and a moment
 * later all is gone.  Says of its hook, where that fails, in @lines.
 */
int sbx_session_stop(struct sbx_engine *engine, const char *owner,
		     const char *name, const struct sbx_progress *lines,
		     struct sbx_error *err);

/*
 * Ends those that are paused and whose time is over, removes what is left of
 * any that has ended, and does what was to be done then.
 */
int sbx_session_sweep(struct sbx_engine *engine, struct sbx_error *err);

#endif
