/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_RUN_H
#define SBX_SANDBOX_RUN_H

#include <stddef.h>

#include "engine/engine.h"
#include "sandbox/files.h"
#include "sandbox/pool.h"
#include "sandbox/record.h"
#include "sandbox/events.h"
#include "sandbox/plan.h"
#include "sandbox/sandbox.h"
#include "secret/keyring.h"
#include "secret/secrets.h"
#include "skill/catalog.h"
#include "skill/grant.h"

/*
 * The session that a run is in.
 *
 * @sandbox	open, and stays so
 * @about	what it was started as
 * @image	that it was started from
 * @environment	that it was created with
 * @plan	where there is a plan of such a run, or NULL, and then a
 *		reference to the one that was made is put; or NULL
 * @command	what runs in place of the action's, whose input may then be any
 *		bytes; or NULL
 * @working_dir	where, in place of the action's; or NULL
 * @detach	it goes on behind the end of the run; what it writes is in the
 *		session's log, and its input is empty
 */
struct sbx_run_session {
	struct sbx_sandbox *sandbox;
	struct sbx_spec_session about;
	const char *image;
	const struct sbx_strv *environment;
	struct sbx_plan **plan;
	const struct sbx_strv *command;
	const char *working_dir;
	bool detach;
};

/*
 * One run of one action, from its names to its record.
 *
 * @engine	its cancel descriptor should be @cancel_fd
 * @policy	what is granted
 * @requester	whose @overrides they are
 * @input	the caller's bytes; must be one JSON value of at most the
 *		action's input_limit
 * @files	for the action's files.in; borrowed, may be NULL
 * @owner	whose volumes, secrets and uid
 * @secrets	what the caller gives for this run in place of sealed ones;
 *		borrowed, may be NULL
 * @keys	what sealed secrets are opened with; NULL opens none
 * @run_id	or NULL for a new random one
 * @traceparent	of W3C Trace Context, for the record and the action; or NULL
 * @queued_ms	what the run has waited for its turn already: a part of what it
 *		takes, and of the stage "wait"
 * @cancel_fd	readable when the caller wants the run to end, or -1
 * @events	who wants to know what goes on
 * @images	who makes an image that is missing; NULL: the run itself
 * @pool	whose sandboxes to use; then @policy and @keys are the pool's
 *		and need not be given.  NULL: a sandbox is started for this run
 * @session	that it is in, and then without a pool; or NULL
 */
struct sbx_run {
	struct sbx_engine *engine;
	const struct sbx_catalog *catalog;
	const struct sbx_policy *policy;
	enum sbx_requester requester;
	const char *skill;
	const char *action;
	const void *input;
	size_t input_size;
	const struct sbx_files *files;
	const struct sbx_overrides *overrides;
	const char *owner;
	const struct sbx_secrets *secrets;
	struct sbx_keyring *keys;
	const char *run_id;
	const char *traceparent;
	double queued_ms;
	int cancel_fd;
	struct sbx_run_events events;
	const struct sbx_plan_images *images;
	struct sbx_pool *pool;
	const struct sbx_run_session *session;
};

/*
 * Runs it.  Never fails: whatever goes wrong is in @record (initialised by
 * this function, cleared by the caller).  When it returns the container is
 * gone or on its way (init has exited and the engine removes it); whatever
 * was left by a failure has been removed by force.
 */
void sbx_run_action(const struct sbx_run *run, struct sbx_record *record);

/*
 * Starts a sandbox in which nothing runs, has init check it from the inside,
 * and ends it: does this engine give what every run depends on?  0, or -1
 * with what a run would fail with.
 */
int sbx_run_probe(struct sbx_engine *engine, const struct sbx_policy *policy,
		  struct sbx_error *err);

#endif
