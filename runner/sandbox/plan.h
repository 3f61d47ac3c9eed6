/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_PLAN_H
#define SBX_SANDBOX_PLAN_H

#include <jansson.h>

#include "base/error.h"
#include "base/progress.h"
#include "base/strv.h"
#include "codec/hash.h"
#include "codec/schema.h"
#include "engine/engine.h"
#include "sandbox/host_path.h"
#include "sandbox/plan_secrets.h"
#include "sandbox/sandbox.h"
#include "secret/keyring.h"
#include "secret/secrets.h"
#include "skill/catalog.h"
#include "skill/grant.h"
#include "skill/skill_image.h"

/*
 * All of a run that does not depend on its input and its id.
 *
 * It is made in three steps, so that what is cheap and likely to be wrong is
 * looked at first, and the caller's input between them: read, open, finish.
 * A plan that is finished does not change any more, and any number of threads
 * may use it; whoever has a reference may read all of it.
 */

/*
 * Who makes images in the background.
 *
 * @await	has the image of @action of @skill made, tells @lines how that
 *		goes, and waits for it: 0; BUSY, when it is still being made at
 *		the time @until (base/clock.h); CANCELLED when @cancel_fd
 *		becomes readable; or why there is none
 * @wait_ms	how long whoever asks can wait
 */
struct sbx_plan_images {
	int (*await)(void *ctx, const char *skill, const char *action,
		     const struct sbx_progress *lines, double until,
		     int cancel_fd, struct sbx_error *err);
	double wait_ms;
	void *ctx;
};

/*
 * What is asked for, and where to look.  All borrowed, until the plan is
 * finished.
 *
 * @requester	whose @overrides they are
 * @overrides	SBX_OVERRIDES_INIT: none
 * @secrets	the caller's, in place of sealed ones; or NULL
 * @keys	what sealed secrets are opened with, by whoever has its lock;
 *		or NULL
 * @lines	of what takes long, and of what was lowered
 * @images	who makes an image that is missing; NULL: that is done here
 * @cancel_fd	of that; or -1
 * @session	the sandbox is, or is to be, that session; or NULL
 * @is_open	it is there already: nothing of it is made any more
 * @environment	that it was created with; or NULL
 * @image	what it runs in, in place of the skill's own; or NULL
 * @is_command	something else runs in place of the action's command, which
 *		the plan does not know: its output is text, and nothing is
 *		expected of its input
 */
struct sbx_plan_request {
	const struct sbx_catalog *catalog;
	const struct sbx_policy *policy;
	enum sbx_requester requester;
	const char *skill;
	const char *action;
	const char *owner;
	const struct sbx_overrides *overrides;
	const struct sbx_secrets *secrets;
	struct sbx_keyring *keys;
	struct sbx_progress lines;
	const struct sbx_plan_images *images;
	int cancel_fd;
	const struct sbx_spec_session *session;
	bool is_open;
	const struct sbx_strv *environment;
	const char *image;
	bool is_command;
};

/*
 * @refs	of those that hold it
 * @like	the plan that @image belongs to, where that is another's
 * @skill, @grant, @input_schema, @output_schema	once it was read; a
 *		schema is NULL where the action has none
 * @secrets, @host_paths, @host_devices	once it was opened
 * @build_ms	what it took to have the image; negative: not that far
 * @image	once that was looked for; NULL when it was not found
 * @is_session, @session	as in the request; @session_name is its name
 * @argv, @env, @working_dir	what runs; without the input and SKILL_RUN_ID.
 *		@argv is empty where the request had @is_command
 * @sandbox_key	the same for two plans whose sandboxes are interchangeable as
 *		long as nothing has run in them
 * @key		the same when also what runs in them is.  Both cover the owner
 *		and mean nothing outside of this process.
 */
struct sbx_plan {
	unsigned int refs;
	struct sbx_plan *like;
	struct sbx_skill skill;
	struct sbx_grant grant;
	struct sbx_schema *input_schema;
	struct sbx_schema *output_schema;
	struct sbx_plan_secrets secrets;
	struct sbx_host_path *host_paths;
	struct sbx_host_device *host_devices;
	double build_ms;
	struct sbx_skill_image own_image;
	const struct sbx_skill_image *image;
	bool is_session;
	struct sbx_spec_session session;
	char *session_name;
	struct sbx_strv argv;
	struct sbx_strv env;
	const char *working_dir;
	char sandbox_key[SBX_HASH_HEX_SIZE];
	char key[SBX_HASH_HEX_SIZE];
};

/*
 * Reads the manifest and decides what is granted.  NOT_FOUND, INVALID, DENIED.
 * *@out is set also when this fails after the manifest was read, so that the
 * caller knows of what version it was; else it is NULL.
 */
int sbx_plan_read(struct sbx_plan **out, const struct sbx_plan_request *request,
		  struct sbx_error *err);

/*
 * Opens the secrets, and finds the host paths and devices.  Asks nothing of the
 * engine. MISCONFIGURED, INVALID, DENIED.
 */
int sbx_plan_open(struct sbx_plan *plan, const struct sbx_plan_request *request,
		  struct sbx_engine *engine, struct sbx_error *err);

/*
 * Makes sure of the image and of what only the engine knows, and works out
 * what runs.  @like is another plan, or NULL: of the same action, as it is now,
 * whose image is as good.  Fails as sbx_skill_image_ensure() and
 * sbx_sources_check() do.
 */
int sbx_plan_finish(struct sbx_plan *plan,
		    const struct sbx_plan_request *request,
		    struct sbx_engine *engine, struct sbx_plan *like,
		    struct sbx_error *err);

/* Another reference; and the end of one.  From any thread. */
struct sbx_plan *sbx_plan_ref(struct sbx_plan *plan);
void sbx_plan_unref(struct sbx_plan **plan);
#define cleanup_plan SBX_CLEANUP(sbx_plan_unref)

/*
 * The environment of the run @run_id.  With `input: env` also @input, whose
 * text is @text; INVALID when it cannot be expressed so.
 */
int sbx_plan_environment(const struct sbx_plan *plan, const char *run_id,
			 const json_t *input, const void *text, size_t size,
			 struct sbx_strv *env, struct sbx_error *err);

/* What has to fit, or to be JSON, is looked at as a whole. */
bool sbx_plan_checks_output(const struct sbx_plan *plan);

/*
 * What init has to be told; the rest of @program is for the caller.  Borrowed
 * from the plan.
 */
void sbx_plan_program(const struct sbx_plan *plan,
		      struct sbx_sandbox_program *program);

/* As sbx_sandbox_start().  @run_id goes into the container's labels. */
int sbx_plan_start(const struct sbx_plan *plan, struct sbx_engine *engine,
		   const char *run_id, int cancel_fd, struct sbx_sandbox **out,
		   double *start_ms, struct sbx_error *err);

/* Names for one sandbox, each random. */
struct sbx_sandbox_names {
	char nonce[12 + 1];
	char init_dir[sizeof(SBX_SPEC_INIT_PREFIX) + 12];
};
void sbx_sandbox_names(struct sbx_sandbox_names *out);

#endif
