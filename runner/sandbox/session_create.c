/* SPDX-License-Identifier: MIT */
/*
 * A name is given once to each owner.  The engine does not see to that, for a
 * container's name is random (spec.h); so whoever has made one looks whether
 * there is another, and gives way: of two that come at once both may, and try
 * again.
 */
#include "sandbox/session.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "codec/json.h"
#include "engine/container.h"
#include "sandbox/direct.h"
#include "sandbox/session_hook.h"
#include "sandbox/session_keep.h"
#include "sandbox/session_parts.h"
#include "secret/memory.h"
#include "skill/grant_session.h"
#include "skill/names.h"

#define TRIES 4

/* --- the name --------------------------------------------------------------- */

/* How many containers of an owner there are, and how many say one name. */
struct tally {
	int64_t all;
	int same;
};

static int count(struct sbx_engine *engine, const char *owner, const char *name,
		 struct tally *out, struct sbx_error *err)
{
	json_auto_t *list = NULL;
	json_t *about;
	size_t i;

	*out = (struct tally){ .all = 0 };
	if (sbx_session_list(engine, owner, &list, err) < 0)
		return -1;
	out->all = (int64_t)json_array_size(list);
	json_array_foreach (list, i, about)
		out->same += strcmp(sbx_json_text_at(about, "name", NULL),
				    name) == 0;
	return 0;
}

static int exists(const char *name, struct sbx_error *err)
{
	sbx_error_set(err, SBX_OUTCOME_INVALID,
		      "there is a session \"%s\" already", name);
	return SBX_SESSION_EXISTS;
}

/* So that two do not meet again. */
static void pause_a_little(void)
{
	char random[3];
	unsigned int ms = 0;

	sbx_random_hex(random, sizeof(random));
	sscanf(random, "%x", &ms);
	poll(NULL, 0, (int)ms);
}

/* --- starting it ------------------------------------------------------------ */

static int check(const struct sbx_session_create *create, struct sbx_error *err)
{
	if (!sbx_name_is_session(create->name))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "\"%.100s\" cannot be the name of a "
				     "session: 1 to 64 of a-z, 0-9, \".\", "
				     "\"_\" and \"-\" can, the first a letter "
				     "or digit",
				     create->name);
	if (create->ttl_ms < SBX_SESSION_TTL_MS_MIN ||
	    create->ttl_ms > SBX_SESSION_TTL_MS_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the time to live must be from 1s to 24h");
	return 0;
}

/* The skill's first, unless one is named. */
static int choose_action(struct sbx_plan_request *request, char **action,
			 struct sbx_error *err)
{
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	cleanup_free const char **names = NULL;

	if (request->action)
		return 0;
	if (sbx_catalog_load(request->catalog, request->skill, &skill, err) < 0)
		return -1;
	names = sbx_manifest_action_names(skill.manifest);
	*action = sbx_strdup(names[0]);
	request->action = *action;
	return 0;
}

/* 0, SBX_SESSION_UNFORWARDED, or -1. */
static int check_ports(const struct sbx_grant *grant, bool forwards,
		       struct sbx_error *err)
{
	if (grant->publish.n == 0 || forwards ||
	    grant->action.network == SBX_NETWORK_BRIDGE)
		return 0;
	sbx_error_set(err, SBX_OUTCOME_INVALID,
		      "ports of a session without a network are published by "
		      "the daemon only: start 'skillbox serve', or ask for the "
		      "network \"bridge\"");
	return SBX_SESSION_UNFORWARDED;
}

/* The same. */
static int make_plan(struct sbx_engine *engine,
		     const struct sbx_plan_request *request, bool forwards,
		     struct sbx_plan **plan, struct sbx_error *err)
{
	int result = sbx_plan_read(plan, request, err);

	if (result == 0)
		result = check_ports(&(*plan)->grant, forwards, err);
	if (result == 0)
		result = sbx_plan_open(*plan, request, engine, err);
	if (result == 0)
		result = sbx_plan_finish(*plan, request, engine, NULL, err);
	return result;
}

/* Whether there may be one more of that name: 0, SBX_SESSION_EXISTS, or -1. */
static int check_room(struct sbx_engine *engine,
		      const struct sbx_session_create *create,
		      struct sbx_error *err)
{
	const char *owner = create->plan.owner;
	struct tally tally;

	if (count(engine, owner, create->name, &tally, err) < 0)
		return -1;
	if (tally.same > 0)
		return exists(create->name, err);
	return sbx_grant_session(create->plan.policy, owner, tally.all, err);
}

/* The same. */
static int start_alone(struct sbx_engine *engine, const struct sbx_plan *plan,
		       const struct sbx_session_create *create,
		       struct sbx_sandbox **out, struct sbx_error *err)
{
	int64_t most = create->plan.policy->sessions.most;
	struct tally tally;

	for (int i = 0; i < TRIES; i++) {
		int result = check_room(engine, create, err);
		double start_ms;
		char id[32 + 1];

		if (result != 0)
			return result;
		sbx_random_hex(id, sizeof(id));
		if (sbx_plan_start(plan, engine, id,
				   sbx_engine_cancel_fd(engine), out, &start_ms,
				   err) < 0)
			return -1;
		result = count(engine, create->plan.owner, create->name, &tally,
			       err);
		if (result == 0 && tally.same == 1 && tally.all <= most)
			return 0;
		sbx_sandbox_free(out);
		if (result < 0)
			return -1;
		pause_a_little();
	}
	if (tally.same > 1)
		return exists(create->name, err);
	return sbx_error_set(err, SBX_OUTCOME_BUSY,
			     "others are creating sessions at this moment; try "
			     "again");
}

/* Nobody in the sandbox may know what its init takes for a runner. */
static int agree_on_sync(struct sbx_sandbox *sandbox, const char *channel,
			 struct sbx_error *err)
{
	char random[SBX_WIRE_SYNC_RANDOM + 1];

	if (!sbx_sandbox_is_attached(sandbox))
		return 0;
	sbx_random_hex(random, sizeof(random));
	if (sbx_direct_set_note(channel, SBX_DIRECT_SYNC, random, err) < 0)
		return -1;
	return sbx_sandbox_learn(sandbox, random, err);
}

/* From here on it outlives us. */
static int hand_over(struct sbx_engine *engine, struct sbx_sandbox *sandbox,
		     const struct sbx_plan_request *request,
		     struct sbx_error *err)
{
	static const struct sbx_secrets none;
	const char *channel = sbx_direct_name(sbx_sandbox_direct(sandbox));
	cleanup_secret unsigned char *data = NULL;
	char identity[17];
	size_t size;

	snprintf(identity, sizeof(identity), "%016" PRIx64,
		 sbx_engine_identity(engine));
	if (sbx_direct_set_note(channel, SBX_DIRECT_ENGINE, identity, err) <
		    0 ||
	    agree_on_sync(sandbox, channel, err) < 0 ||
	    sbx_session_keep_encode(&request->overrides->environment,
				    request->secrets ? request->secrets : &none,
				    &data, &size, err) < 0)
		return -1;
	return sbx_sandbox_keep(sandbox, data, size, err);
}

static int64_t grant_ttl(const struct sbx_session_create *create)
{
	cleanup_free char *line = NULL;
	int64_t ttl_ms = sbx_grant_session_ttl(create->plan.policy,
					       create->ttl_ms, &line);

	if (line)
		sbx_progress_say(&create->plan.lines, line);
	return ttl_ms;
}

static int start(struct sbx_engine *engine,
		 const struct sbx_session_create *create, struct sbx_error *err)
{
	const struct sbx_spec_session about = {
		.name = create->name,
		.ttl_ms = grant_ttl(create),
	};
	struct sbx_plan_request request = create->plan;
	cleanup_plan struct sbx_plan *plan = NULL;
	cleanup_free char *action = NULL;
	struct sbx_sandbox *sandbox = NULL;
	int result;

	request.session = &about;
	result = choose_action(&request, &action, err);
	if (result == 0)
		result = make_plan(engine, &request, create->forwards, &plan,
				   err);
	if (result == 0)
		result = start_alone(engine, plan, create, &sandbox, err);
	if (result == 0)
		result = hand_over(engine, sandbox, &request, err);
	sbx_sandbox_free(&sandbox);
	return result;
}

/* --- hooks ------------------------------------------------------------------ */

static int note_hook(const struct sbx_session *session, const char *command,
		     struct sbx_error *err)
{
	json_auto_t *note = json_pack("{s:s, s:o}", "command", command,
				      "session", sbx_session_json(session));
	cleanup_free char *text = sbx_json_line(note);

	return sbx_direct_set_note(session->channel, SBX_DIRECT_HOOK, text,
				   err);
}

static int run_hooks(const struct sbx_session_create *create,
		     const struct sbx_session *session, struct sbx_error *err)
{
	json_auto_t *about = sbx_session_json(session);

	if (create->on_start &&
	    sbx_session_hook(create->on_start, about, err) < 0)
		return -1;
	return create->on_stop ? note_hook(session, create->on_stop, err) : 0;
}

int sbx_session_create(struct sbx_engine *engine,
		       const struct sbx_session_create *create,
		       struct sbx_session *out, struct sbx_error *err)
{
	const char *owner = create->plan.owner;
	struct sbx_error ignored = SBX_ERROR_INIT;
	int result = check(create, err);

	if (result == 0)
		result = start(engine, create, err);
	if (result != 0)
		return result;
	if (sbx_session_find(engine, owner, create->name, out, err) < 0)
		return -1;
	if (run_hooks(create, out, err) == 0)
		return 0;
	sbx_session_stop(engine, owner, create->name, &create->plan.lines,
			 &ignored);
	sbx_session_clear(out);
	return -1;
}
