/* SPDX-License-Identifier: MIT */
/*
 * A session is met, used and left by whoever has something to do in it; between
 * times nobody holds it, and nobody has to.  Who has its directory locked is
 * the only one who speaks with its init, so that two that come at once are
 * served one after the other.
 */
#include "sandbox/session.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "codec/json.h"
#include "engine/container.h"
#include "engine/turn.h"
#include "sandbox/direct.h"
#include "sandbox/session_hook.h"
#include "sandbox/session_keep.h"
#include "sandbox/session_parts.h"
#include "secret/memory.h"
#include "secret/redact.h"

/* Between SIGTERM and the end, for what is detached. */
#define GRACE_MS 2000
#define STEP_MS	 20

/* --- meeting it ------------------------------------------------------------- */

static int check_state(const struct sbx_session *session, struct sbx_error *err)
{
	switch (session->state) {
	case SBX_SESSION_ACTIVE:
		return 0;
	case SBX_SESSION_PAUSED:
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the session \"%s\" is paused: resume it",
				     session->name);
	default:
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the session \"%s\" is %s", session->name,
				     sbx_session_state_name(session->state));
	}
}

/* Its first argument is where it finds runners (sandbox/spec.c). */
static bool is_attached(const json_t *inspect)
{
	const json_t *cmd = sbx_json_at(inspect, "Config", "Cmd", NULL);
	const char *where = json_string_value(json_array_get(cmd, 0));

	return where && where[0] == '\0';
}

/* Nothing of it is known inside, nor to the engine. */
static int read_sync(const struct sbx_session *session,
		     struct sbx_sandbox_init *out, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf note = SBX_BUF_INIT(SBX_WIRE_SYNC_RANDOM);

	if (sbx_direct_get_note(session->channel, SBX_DIRECT_SYNC, &note) < 0 ||
	    note.len != SBX_WIRE_SYNC_RANDOM)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "how the session \"%s\" is met is not "
				     "noted here: stop it, and make a new one",
				     session->name);
	snprintf(out->sync, sizeof(out->sync), "%s", sbx_buf_text(&note));
	return 0;
}

int sbx_session_locate(struct sbx_engine *engine,
		       const struct sbx_session *session,
		       struct sbx_sandbox_init *out, struct sbx_error *err)
{
	json_auto_t *inspect = NULL;
	const char *user;
	int result = check_state(session, err);

	if (result == 0)
		result = sbx_container_inspect(engine, session->id, &inspect,
					       err);
	if (result < 0)
		return -1;
	/* It may have ended since it was found. */
	if (result == SBX_CONTAINER_GONE ||
	    !sbx_json_true_at(inspect, "State", "Running", NULL))
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "the session \"%s\" has ended",
				     session->name);
	if (is_attached(inspect) && read_sync(session, out, err) < 0)
		return -1;
	user = sbx_json_text_at(inspect, "Config", "User", NULL);
	out->pid = (pid_t)sbx_json_int_at(0, inspect, "State", "Pid", NULL);
	if (user && sscanf(user, "%u:%u", &out->uid, &out->gid) == 2 &&
	    out->pid > 0)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
			     "the engine does not say which process the "
			     "session \"%s\" is",
			     session->name);
}

int sbx_session_meet(struct sbx_engine *engine,
		     const struct sbx_session *session,
		     const struct sbx_sandbox_init *init, double wait_ms,
		     double meet_ms, struct sbx_sandbox **out,
		     struct sbx_error *err)
{
	int cancel_fd = sbx_engine_cancel_fd(engine);
	struct sbx_direct *direct = NULL;

	if (sbx_direct_open(&direct, session->channel, wait_ms, cancel_fd,
			    err) < 0)
		return -1;
	return sbx_sandbox_reopen(out, engine, session->id, init, &direct,
				  meet_ms, cancel_fd, err);
}

int sbx_session_open(struct sbx_engine *engine,
		     const struct sbx_session *session, double wait_ms,
		     struct sbx_sandbox **out, struct sbx_error *err)
{
	struct sbx_sandbox_init init = { .pid = 0 };

	if (sbx_session_locate(engine, session, &init, err) < 0)
		return -1;
	return sbx_session_meet(engine, session, &init, wait_ms,
				SBX_SESSION_MEET_MS, out, err);
}

static int find_and_open(struct sbx_engine *engine, const char *owner,
			 const char *name, double wait_ms,
			 struct sbx_session *session,
			 struct sbx_sandbox **sandbox, struct sbx_error *err)
{
	if (sbx_session_find(engine, owner, name, session, err) < 0)
		return -1;
	return sbx_session_open(engine, session, wait_ms, sandbox, err);
}

int sbx_session_kept(struct sbx_sandbox *sandbox, struct sbx_strv *environment,
		     struct sbx_secrets *secrets, struct sbx_error *err)
{
	cleanup_secret unsigned char *data = NULL;
	size_t size;

	if (sbx_sandbox_kept(sandbox, &data, &size, err) < 0)
		return -1;
	return sbx_session_keep_decode(data, size, environment, secrets, err);
}

/* --- what it is like -------------------------------------------------------- */

static void add_time(json_t *json, const char *name, int64_t from_now)
{
	char text[SBX_CLOCK_RFC3339_SIZE];

	sbx_clock_format(sbx_clock_wall_ms() + from_now, text);
	json_object_set_new(json, name, json_string(text));
}

static void add_state(json_t *json, const struct sbx_wire_state *state)
{
	json_object_set_new(json, "busy", json_false());
	json_object_set_new(json, "uptime_ms",
			    json_integer((json_int_t)state->uptime_ms));
	json_object_set_new(json, "idle_ms",
			    json_integer((json_int_t)state->idle_ms));
	add_time(json, "last_active_at", -(int64_t)state->idle_ms);
	add_time(json, "expires_at", (int64_t)state->left_ms);
	json_object_set_new(json, "detached", json_integer(state->detached));
	json_object_set_new(json, "usage",
			    json_pack("{s:f, s:I, s:I}", "cpu_ms",
				      (double)state->cpu_us / 1000,
				      "memory_bytes", (json_int_t)state->memory,
				      "processes",
				      (json_int_t)state->processes));
}

static int ask_state(struct sbx_engine *engine,
		     const struct sbx_session *session,
		     struct sbx_wire_state *out, struct sbx_error *err)
{
	struct sbx_sandbox *sandbox = NULL;
	int result = sbx_session_open(engine, session, 0, &sandbox, err);

	if (result == 0)
		result = sbx_sandbox_state(sandbox, out, err);
	sbx_sandbox_free(&sandbox);
	return result;
}

int sbx_session_status(struct sbx_engine *engine, const char *owner,
		       const char *name, json_t **out, struct sbx_error *err)
{
	cleanup_session struct sbx_session session = { .id = NULL };
	struct sbx_wire_state state;
	json_auto_t *json = NULL;

	if (sbx_session_find(engine, owner, name, &session, err) < 0)
		return -1;
	json = sbx_session_json(&session);
	if (session.state == SBX_SESSION_ACTIVE) {
		if (ask_state(engine, &session, &state, err) == 0)
			add_state(json, &state);
		else if (err->outcome == SBX_OUTCOME_BUSY)
			json_object_set_new(json, "busy", json_true());
		else
			return -1;
	}
	*out = json_incref(json);
	return 0;
}

/* --- logs ------------------------------------------------------------------- */

static void keep(void *ctx, const void *data, size_t size)
{
	sbx_buf_append(ctx, data, size);
}

static int redact(const struct sbx_buf *raw, const struct sbx_secrets *secrets,
		  struct sbx_buf *out, struct sbx_error *err)
{
	cleanup_redactor struct sbx_redactor *redactor = NULL;
	cleanup_redaction struct sbx_redaction *redaction = NULL;

	if (sbx_redactor_new(&redactor, secrets, err) < 0 ||
	    sbx_redaction_new(&redaction, redactor, err) < 0)
		return -1;
	if (!redaction) {
		sbx_buf_append(out, raw->data, raw->len);
		return 0;
	}
	if (raw->len > 0 && sbx_redaction_feed(redaction, raw->data, raw->len,
					       keep, out, err) < 0)
		return -1;
	/* It may begin and end in the middle of anything. */
	sbx_redaction_end(redaction, true, keep, out);
	return 0;
}

/* All that a program in it may have been given. */
static int plan_secrets(struct sbx_engine *engine,
			const struct sbx_plan_request *given,
			const struct sbx_session *session,
			const struct sbx_secrets *secrets,
			struct sbx_plan **out, struct sbx_error *err)
{
	static const struct sbx_overrides none = SBX_OVERRIDES_INIT;
	const struct sbx_spec_session about = { .name = session->name };
	struct sbx_plan_request request = *given;

	request.skill = session->skill;
	request.action = session->action;
	request.overrides = &none;
	request.secrets = secrets;
	request.session = &about;
	request.is_open = true;
	if (sbx_plan_read(out, &request, err) < 0)
		return -1;
	return sbx_plan_open(*out, &request, engine, err);
}

int sbx_session_logs(struct sbx_engine *engine,
		     const struct sbx_plan_request *plan, const char *name,
		     struct sbx_buf *out, struct sbx_error *err)
{
	cleanup_session struct sbx_session session = { .id = NULL };
	cleanup_strv struct sbx_strv environment = SBX_STRV_INIT;
	cleanup_secrets struct sbx_secrets secrets = { .n = 0 };
	cleanup_buf struct sbx_buf raw = SBX_BUF_INIT(SBX_WIRE_LOG_MAX);
	cleanup_plan struct sbx_plan *own = NULL;
	struct sbx_sandbox *sandbox = NULL;
	int result = find_and_open(engine, plan->owner, name,
				   SBX_SESSION_WAIT_MS, &session, &sandbox,
				   err);

	if (result == 0)
		result = sbx_session_kept(sandbox, &environment, &secrets, err);
	if (result == 0)
		result = sbx_sandbox_log(sandbox, &raw, err);
	sbx_sandbox_free(&sandbox);
	if (result == 0)
		result = plan_secrets(engine, plan, &session, &secrets, &own,
				      err);
	return result < 0 ? -1 : redact(&raw, &own->secrets.opened, out, err);
}

/* --- pausing ---------------------------------------------------------------- */

/* When it ends is for its init to say, as long as that can. */
static int note_expiry(const struct sbx_session *session,
		       const struct sbx_wire_state *state,
		       struct sbx_error *err)
{
	cleanup_free char *text =
		sbx_asprintf("%lld\n", (long long)sbx_clock_wall_ms() +
					       (long long)state->left_ms);

	return sbx_direct_set_note(session->channel, SBX_DIRECT_EXPIRY, text,
				   err);
}

/* Nobody else may come to it until the engine has done it. */
int sbx_session_pause(struct sbx_engine *engine, const char *owner,
		      const char *name, struct sbx_error *err)
{
	cleanup_session struct sbx_session session = { .id = NULL };
	struct sbx_wire_state state = { .left_ms = 0 };
	struct sbx_sandbox *sandbox = NULL;
	int result = find_and_open(engine, owner, name, SBX_SESSION_WAIT_MS,
				   &session, &sandbox, err);

	if (result == 0)
		result = sbx_sandbox_state(sandbox, &state, err);
	if (result == 0)
		result = note_expiry(&session, &state, err);
	if (result == 0)
		result = sbx_container_pause(engine, session.id, err);
	sbx_sandbox_free(&sandbox);
	return result;
}

int sbx_session_resume(struct sbx_engine *engine, const char *owner,
		       const char *name, struct sbx_error *err)
{
	cleanup_session struct sbx_session session = { .id = NULL };

	if (sbx_session_find(engine, owner, name, &session, err) < 0)
		return -1;
	if (session.state != SBX_SESSION_PAUSED)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the session \"%s\" is not paused", name);
	if (sbx_container_unpause(engine, session.id, err) < 0)
		return -1;
	return sbx_direct_set_note(session.channel, SBX_DIRECT_EXPIRY, NULL,
				   err);
}

/* --- the end ---------------------------------------------------------------- */

void sbx_session_bury(const char *channel, const struct sbx_progress *lines)
{
	cleanup_buf struct sbx_buf note = SBX_BUF_INIT(64 * 1024);
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *hook = NULL;
	bool has_hook = sbx_direct_take_note(channel, SBX_DIRECT_HOOK, &note) ==
			0;

	sbx_direct_remove(channel);
	if (!has_hook)
		return;
	if (sbx_json_parse(sbx_buf_text(&note), note.len, &hook, &err) < 0 ||
	    sbx_session_hook(sbx_json_text_at(hook, "command", NULL),
			     json_object_get(hook, "session"), &err) < 0)
		sbx_progress_say(lines, err.message);
}

/* What is detached may want to put something in order. */
static void end_detached(struct sbx_sandbox *sandbox)
{
	double until = sbx_clock_ms() + GRACE_MS;
	struct sbx_error ignored = SBX_ERROR_INIT;
	struct sbx_wire_state state;

	if (sbx_sandbox_state(sandbox, &state, &ignored) < 0 ||
	    state.detached == 0 ||
	    sbx_sandbox_signal(sandbox, SIGTERM, &ignored) < 0)
		return;
	while (sbx_clock_ms() < until &&
	       sbx_sandbox_state(sandbox, &state, &ignored) == 0 &&
	       state.detached > 0)
		poll(NULL, 0, STEP_MS);
}

int sbx_session_stop(struct sbx_engine *engine, const char *owner,
		     const char *name, const struct sbx_progress *lines,
		     struct sbx_error *err)
{
	cleanup_session struct sbx_session session = { .id = NULL };
	struct sbx_error ignored = SBX_ERROR_INIT;
	struct sbx_sandbox *sandbox = NULL;

	if (sbx_session_find(engine, owner, name, &session, err) < 0)
		return -1;
	if (session.state == SBX_SESSION_ACTIVE &&
	    sbx_session_open(engine, &session, 0, &sandbox, &ignored) == 0)
		end_detached(sandbox);
	sbx_sandbox_free(&sandbox);
	if (sbx_container_remove(engine, session.id, SBX_TURN_URGENT, err) < 0)
		return -1;
	sbx_session_bury(session.channel, lines);
	return 0;
}
