/* SPDX-License-Identifier: MIT */
#include "engine/container.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"
#include "engine/handle.h"
#include "engine/http.h"
#include "engine/no_command.h"
#include "engine/podman.h"

/* A start pulls in the runtime and may have to wait for the disk. */
#define START_IDLE_MS 120000
/* Somebody waits for the end of it. */
#define KILL_IDLE_MS 10000
/* Of what happened already. */
#define EVENTS_IDLE_MS 2000
#define UNPACK_TRIES   5
/* Ends a process and unmounts a file system. */
#define REMOVE_IDLE_MS 30000

/* "/containers/ID/verb?query" with @id encoded; free() it. */
static char *container_path(const char *id, const char *rest)
{
	cleanup_free char *escaped = sbx_http_escape(id);

	return sbx_asprintf("/containers/%s%s", escaped, rest);
}

/* Of one that goes while it is looked at Podman says so with 500 (5.4). */
static bool is_gone(const char *message)
{
	return sbx_text_has_suffix(message, ": no such container");
}

static int perform(struct sbx_engine *engine,
		   const struct sbx_http_request *request,
		   struct sbx_http_response *response, struct sbx_error *err)
{
	if (sbx_http_perform(engine, request, response, err) < 0)
		return -1;
	if (engine->podman && is_gone(response->message))
		response->status = 404;
	return 0;
}

/* What is asked about the container @id, but for its path, which is @rest. */
static int ask(struct sbx_engine *engine, const char *id, const char *rest,
	       struct sbx_http_request request,
	       struct sbx_http_response *response, struct sbx_error *err)
{
	cleanup_free char *path = container_path(id, rest);

	request.path = path;
	return perform(engine, &request, response, err);
}

/* Podman 4.3 has no code of its own for it. */
static bool is_no_image(const struct sbx_http_response *response)
{
	return response->status == 404 ||
	       (response->status == 500 &&
		strcasestr(response->message, "image not known"));
}

/*
 * "Unknown runtime specified kata" (20.10), "unknown or invalid runtime name:
 * kata" (26, 28).  Podman takes its default one instead, without a word.
 */
static bool is_no_runtime(const struct sbx_http_response *response,
			  const json_t *body)
{
	return sbx_json_text_at(body, "HostConfig", "Runtime", NULL) &&
	       response->status == 400 &&
	       strcasestr(response->message, "unknown") &&
	       strcasestr(response->message, "runtime");
}

/*
 * 'could not select device driver "" with capabilities: [[gpu]]'; with CDI (29)
 * "failed to discover GPU vendor from CDI".
 */
static bool is_no_gpu(const struct sbx_http_response *response)
{
	return strcasestr(response->message, "select device driver") ||
	       strcasestr(response->message, "GPU vendor");
}

/* @body and *@path in the words of the engine; *@own_body: new reference. */
static int prepare_create(struct sbx_engine *engine, const char *name,
			  json_t *body, char **path, json_t **own_body,
			  struct sbx_error *err)
{
	cleanup_free char *escaped = sbx_http_escape(name);
	json_auto_t *host = NULL;

	if (sbx_handle_negotiate(engine, err) < 0)
		return -1;
	if (!engine->podman) {
		*path = sbx_asprintf("/containers/create?name=%s", escaped);
		*own_body = json_incref(body);
		return 0;
	}
	*path = sbx_strdup("/libpod/containers/create");
	if ((!engine->cgroup && sbx_podman_info(engine, &host, err) < 0) ||
	    sbx_podman_create_body(own_body, name, body, engine->cgroup, err) <
		    0)
		return -1;
	return sbx_podman_make_volumes(engine, body, err);
}

int sbx_container_create(struct sbx_engine *engine, const char *name,
			 json_t *body, char id[static SBX_CONTAINER_ID_SIZE],
			 struct sbx_error *err)
{
	cleanup_free char *path = NULL;
	json_auto_t *own_body = NULL;
	struct sbx_http_request request = {
		.method = "POST",
		.idle_ms = START_IDLE_MS,
	};
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;
	const char *made;

	if (prepare_create(engine, name, body, &path, &own_body, err) < 0)
		return sbx_error_wrap(err, "create container");
	request.path = path;
	request.json = own_body;
	if (sbx_http_perform(engine, &request, &response, err) < 0)
		return sbx_error_wrap(err, "create container");
	if (response.status != 201) {
		sbx_http_refused(&response, err);
		if (is_no_image(&response))
			err->outcome = SBX_OUTCOME_NOT_FOUND;
		else if (is_no_runtime(&response, body))
			err->outcome = SBX_OUTCOME_DENIED;
		return sbx_error_wrap(err, "create container");
	}
	made = sbx_json_text_at(response.json, "Id", NULL);
	if (!made || !*made || strlen(made) >= SBX_CONTAINER_ID_SIZE)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "create container: the engine's answer "
				     "has no usable Id");
	snprintf(id, SBX_CONTAINER_ID_SIZE, "%s", made);
	return 0;
}

int sbx_container_start(struct sbx_engine *engine, const char *id,
			struct sbx_error *err)
{
	const struct sbx_http_request request = {
		.method = "POST",
		.idle_ms = START_IDLE_MS,
	};
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;

	if (ask(engine, id, "/start", request, &response, err) < 0)
		return sbx_error_wrap(err, "start container");
	/* 304: it runs already. */
	if (response.status == 204 || response.status == 304)
		return 0;
	sbx_http_refused(&response, err);
	sbx_error_wrap(err, "start container");
	if (is_no_gpu(&response)) {
		err->outcome = SBX_OUTCOME_DENIED;
		return sbx_error_wrap(err, "the engine has no driver for GPUs");
	}
	return sbx_no_command(&response) ? SBX_CONTAINER_NO_COMMAND : -1;
}

int sbx_container_inspect(struct sbx_engine *engine, const char *id,
			  json_t **out, struct sbx_error *err)
{
	cleanup_free char *path = container_path(id, "/json");
	cleanup_free char *own = sbx_asprintf("/libpod%s", path);
	int ret = sbx_handle_negotiate(engine, err);

	if (ret == 0)
		ret = sbx_http_get(engine, engine->podman ? own : path,
				   JSON_OBJECT, out, err);
	if (ret == SBX_HTTP_NOT_THERE ||
	    (ret < 0 && engine->podman && is_gone(err->message)))
		return SBX_CONTAINER_GONE;
	if (ret < 0)
		return sbx_error_wrap(err, "inspect container");
	if (engine->podman)
		sbx_podman_translate(*out, engine->podman);
	return 0;
}

/* Any event at all is one that was asked for. */
static int note_event(void *ctx, const void *data, size_t size,
		      struct sbx_error *err)
{
	(void)err;
	if (memchr(data, '{', size))
		*(bool *)ctx = true;
	return 0;
}

/* Without "until" the engine would go on telling what happens next. */
int sbx_container_had_oom(struct sbx_engine *engine, const char *id, bool *out,
			  struct sbx_error *err)
{
	json_auto_t *filters =
		json_pack("{s:[s], s:[s]}", "container", id, "event", "oom");
	cleanup_free char *text = sbx_json_line(filters);
	cleanup_free char *escaped = sbx_http_escape(text);
	cleanup_free char *path = NULL;
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;
	struct sbx_http_request request = { .method = "GET",
					    .sink = note_event,
					    .sink_ctx = out,
					    .idle_ms = EVENTS_IDLE_MS };
	struct timespec now;

	*out = false;
	if (sbx_handle_negotiate(engine, err) < 0)
		return -1;
	if (engine->podman)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	path = sbx_asprintf("/events?since=1&until=%lld.%09ld&filters=%s",
			    (long long)now.tv_sec, now.tv_nsec, escaped);
	request.path = path;
	if (sbx_http_perform(engine, &request, &response, err) < 0)
		return sbx_error_wrap(err, "ask for events");
	if (response.status == 200)
		return 0;
	sbx_http_refused(&response, err);
	return sbx_error_wrap(err, "ask for events");
}

/* Docker: 409.  Podman 4.3: 500 with one of these texts. */
static bool is_not_running(const struct sbx_http_response *response)
{
	if (response->status == 404 || response->status == 409)
		return true;
	return response->status == 500 &&
	       (strcasestr(response->message, "not running") ||
		strcasestr(response->message, "container state improper") ||
		strcasestr(response->message, "can only kill running"));
}

static const struct sbx_http_request kill_request = {
	.method = "POST",
	.kind = SBX_TURN_URGENT,
	.idle_ms = KILL_IDLE_MS,
};

/*
 * Podman tries to kill what is paused as it is, which on cgroup v1 comes to
 * nothing; Docker lets it go on by itself.  It may well not be paused.
 */
static void unpause(struct sbx_engine *engine, const char *id)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;

	if (engine->podman)
		ask(engine, id, "/unpause", kill_request, &response, &ignored);
}

int sbx_container_kill(struct sbx_engine *engine, const char *id,
		       struct sbx_error *err)
{
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;

	unpause(engine, id);
	if (ask(engine, id, "/kill?signal=SIGKILL", kill_request, &response,
		err) < 0)
		return sbx_error_wrap(err, "kill container");
	if (response.status == 204 || is_not_running(&response))
		return 0;
	sbx_http_refused(&response, err);
	return sbx_error_wrap(err, "kill container");
}

static int set_frozen(struct sbx_engine *engine, const char *id,
		      const char *verb, struct sbx_error *err)
{
	const struct sbx_http_request request = {
		.method = "POST",
		.idle_ms = KILL_IDLE_MS,
	};
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;
	cleanup_free char *rest = sbx_asprintf("/%s", verb);
	int result = ask(engine, id, rest, request, &response, err);

	if (result == 0 && response.status != 204)
		result = sbx_http_refused(&response, err);
	return result == 0 ? 0 : sbx_error_wrap(err, "%s container", verb);
}

int sbx_container_pause(struct sbx_engine *engine, const char *id,
			struct sbx_error *err)
{
	return set_frozen(engine, id, "pause", err);
}

int sbx_container_unpause(struct sbx_engine *engine, const char *id,
			  struct sbx_error *err)
{
	return set_frozen(engine, id, "unpause", err);
}

/*
 * By Docker's words Podman would ask the first process to end, init, which
 * takes no notice, and wait for ten seconds.
 */
static int ask_to_remove(struct sbx_engine *engine, const char *id,
			 enum sbx_turn_kind kind,
			 struct sbx_http_response *response,
			 struct sbx_error *err)
{
	cleanup_free char *path = container_path(id, "?force=1&v=1");
	cleanup_free char *own =
		sbx_asprintf("/libpod%s&volumes=1&timeout=0", path);
	struct sbx_http_request request = {
		.method = "DELETE",
		.kind = kind,
		.idle_ms = REMOVE_IDLE_MS,
	};

	if (sbx_handle_negotiate(engine, err) < 0)
		return -1;
	request.path = engine->podman ? own : path;
	return perform(engine, &request, response, err);
}

int sbx_container_remove(struct sbx_engine *engine, const char *id,
			 enum sbx_turn_kind kind, struct sbx_error *err)
{
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;

	if (ask_to_remove(engine, id, kind, &response, err) < 0)
		return sbx_error_wrap(err, "remove container");
	switch (response.status) {
	case 204:
	case 200: /* Podman */
		return 0;
	case 404:
		return SBX_CONTAINER_GONE;
	case 409:
		if (strcasestr(response.message, "in progress"))
			return 0;
		break;
	default:
		break;
	}
	sbx_http_refused(&response, err);
	return sbx_error_wrap(err, "remove container");
}

/*
 * Podman that is interrupted while it makes or removes a container may leave
 * one without its storage, and then answers Docker's question for any with an
 * error (4.3.1, 5.4.2).  Its own list has them all; what it lacks are the names
 * of the volumes.
 */
static int list_broken(struct sbx_engine *engine, const char *filters,
		       json_t **out, struct sbx_error *err)
{
	cleanup_free char *path = sbx_asprintf(
		"/libpod/containers/json?all=true&filters=%s", filters);

	if (sbx_http_get(engine, path, JSON_ARRAY, out, err))
		return sbx_error_wrap(err, "list containers");
	sbx_podman_translate_list(*out);
	return 0;
}

int sbx_container_list(struct sbx_engine *engine, const char *label,
		       json_t **out, struct sbx_error *err)
{
	cleanup_free char *filters = sbx_http_label_filter(label);
	cleanup_free char *path =
		sbx_asprintf("/containers/json?all=1&filters=%s", filters);

	struct sbx_error why = SBX_ERROR_INIT;

	if (sbx_http_get(engine, path, JSON_ARRAY, out, &why) == 0)
		return 0;
	if (engine->podman && strstr(why.message, "container not known"))
		return list_broken(engine, filters, out, err);
	*err = why;
	return sbx_error_wrap(err, "list containers");
}

/* A status that the engine has for it, or -1. */
static long put_archive(struct sbx_engine *engine, const char *target,
			const void *data, size_t size, struct sbx_error *err)
{
	struct sbx_http_bytes bytes = { .data = data, .size = size };
	struct sbx_http_request request = {
		.method = "PUT",
		.path = target,
		.source = sbx_http_bytes_source,
		.source_ctx = &bytes,
		.content_type = "application/x-tar",
	};
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;

	if (sbx_http_perform(engine, &request, &response, err) < 0)
		return -1;
	if (response.status != 200)
		sbx_http_refused(&response, err);
	return response.status;
}

int sbx_container_put_archive(struct sbx_engine *engine, const char *id,
			      const char *path, const void *data, size_t size,
			      struct sbx_error *err)
{
	cleanup_free char *where = sbx_http_escape(path);
	cleanup_free char *rest = sbx_asprintf("/archive?path=%s", where);
	cleanup_free char *target = container_path(id, rest);
	long status = put_archive(engine, target, data, size, err);

	/* Podman stumbles over what somebody else unpacks there just then. */
	for (int i = 1; i < UNPACK_TRIES && status == 500 && engine->podman;
	     i++)
		status = put_archive(engine, target, data, size, err);
	return status == 200 ? 0 : sbx_error_wrap(err, "unpack into %s", path);
}
