/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_SESSION_PARTS_H
#define SBX_SANDBOX_SESSION_PARTS_H

#include "sandbox/session.h"

/* What the parts of sessions share, and nobody else includes. */

/* One of what the engine lists containers as. */
void sbx_session_read(const json_t *container, struct sbx_session *out);

/*
 * Of a session that has @label for ports to be forwarded: what is to be, and
 * what is; its channel is known.
 */
void sbx_session_read_ports(const char *label, struct sbx_session *out);

/* "ports" of sbx_session_json(); new reference. */
json_t *sbx_session_ports_json(const struct sbx_session *session);

/* INVALID where it is not active; NOT_FOUND where it is no more. */
int sbx_session_locate(struct sbx_engine *engine,
		       const struct sbx_session *session,
		       struct sbx_sandbox_init *out, struct sbx_error *err);

/*
 * Meets that init, without asking the engine for anything; fails as
 * sbx_direct_open() and sbx_sandbox_reopen(), which has @meet_ms.
 */
int sbx_session_meet(struct sbx_engine *engine,
		     const struct sbx_session *session,
		     const struct sbx_sandbox_init *init, double wait_ms,
		     double meet_ms, struct sbx_sandbox **out,
		     struct sbx_error *err);

/*
 * Meets its init, which nobody else does meanwhile; who does already is waited
 * for, at most @wait_ms.  BUSY, INVALID (it is not active), SANDBOX_FAILED.
 */
int sbx_session_open(struct sbx_engine *engine,
		     const struct sbx_session *session, double wait_ms,
		     struct sbx_sandbox **out, struct sbx_error *err);

/* What it was created with. */
int sbx_session_kept(struct sbx_sandbox *sandbox, struct sbx_strv *environment,
		     struct sbx_secrets *secrets, struct sbx_error *err);

/*
 * Of one that has ended: removes the directory of that name and its notes, and
 * does what was to be done, once.
 */
void sbx_session_bury(const char *channel, const struct sbx_progress *lines);

/* Runners that end another's call are not waited for longer than that. */
#define SBX_SESSION_WAIT_MS 2000

/* init looks for a runner as soon as one listens. */
#define SBX_SESSION_MEET_MS 5000

#endif
