/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_SESSION_KNOWN_H
#define SBX_SANDBOX_SESSION_KNOWN_H

#include <stdbool.h>

#include "base/strv.h"
#include "sandbox/plan.h"
#include "sandbox/session_parts.h"
#include "secret/secrets.h"

/*
 * What somebody who runs many things in sessions knows of them already, so that
 * the engine is not asked each time: a daemon has one of these, for all its
 * threads.
 */
struct sbx_sessions;

/* Never fails. */
void sbx_sessions_new(struct sbx_sessions **out);
void sbx_sessions_free(struct sbx_sessions **sessions);

/*
 * One of them, as it was when it was met.  Never changes, but for plans.
 *
 * @environment, @secrets	that it was created with
 */
struct sbx_known_session {
	unsigned int refs;
	struct sbx_session session;
	struct sbx_sandbox_init init;
	struct sbx_strv environment;
	struct sbx_secrets secrets;
	struct sbx_known_plans *plans;
};

/* A reference of the caller's; NULL when nothing is known. */
struct sbx_known_session *sbx_sessions_get(struct sbx_sessions *sessions,
					   const char *owner, const char *name);

/* Adds @known in place of what was known; @sessions may be NULL. */
void sbx_sessions_put(struct sbx_sessions *sessions,
		      struct sbx_known_session *known);

/* It is not so any more; @sessions may be NULL. */
void sbx_sessions_forget(struct sbx_sessions *sessions,
			 const struct sbx_known_session *known);

/* With one reference, and nothing in it. */
struct sbx_known_session *sbx_known_session_new(void);
void sbx_known_session_unref(struct sbx_known_session **known);
#define cleanup_known_session SBX_CLEANUP(sbx_known_session_unref)

/*
 * The plan of a plain run of @action, or with @is_command of a command: a
 * reference of the caller's.  NULL when there is none, or it was made more than
 * a second ago: so long a manifest, a policy or a sealed secret may be another
 * before that is noticed.
 */
struct sbx_plan *sbx_known_plan_get(struct sbx_known_session *known,
				    const char *action, bool is_command);
void sbx_known_plan_put(struct sbx_known_session *known, const char *action,
			bool is_command, struct sbx_plan *plan);

#endif
