/* SPDX-License-Identifier: MIT */
#include "cli/session_remote.h"

#include <string.h>

#include "base/mem.h"
#include "cli/remote.h"

#define TARGET "/v1/sessions"

static void set_text(json_t *object, const char *name, const char *text)
{
	if (text)
		json_object_set_new(object, name, json_string(text));
}

static int set_environment(json_t *config, const struct sbx_strv *list,
			   struct sbx_error *err)
{
	json_t *all = json_object();

	json_object_set_new(config, "env", all);
	for (size_t i = 0; i < list->n; i++) {
		size_t size = strcspn(list->v[i], "=");
		cleanup_free char *name = sbx_strndup(list->v[i], size);

		if (json_object_set_new(all, name,
					json_string(list->v[i] + size + 1)) < 0)
			return sbx_error_set(err, SBX_OUTCOME_INVALID,
					     "the variable %s is no text in "
					     "UTF-8, and so cannot be sent to "
					     "the daemon",
					     name);
	}
	return 0;
}

static int set_volumes(json_t *config, const struct sbx_strv *list,
		       struct sbx_error *err)
{
	json_t *all = json_array();

	json_object_set_new(config, "volumes", all);
	for (size_t i = 0; i < list->n; i++) {
		if (json_array_append_new(all, json_string(list->v[i])) < 0)
			return sbx_error_set(err, SBX_OUTCOME_INVALID,
					     "--volume: entry %zu is no text "
					     "in UTF-8, and so cannot be sent "
					     "to the daemon",
					     i + 1);
	}
	return 0;
}

/* As a run's, see manifests/openapi.yaml. */
static int set_config(json_t *body, const struct sbx_session_remote *remote,
		      struct sbx_error *err)
{
	const struct sbx_request_options *request = remote->request;
	const struct sbx_overrides *overrides = remote->overrides;
	json_t *config = json_object();

	json_object_set_new(body, "config", config);
	set_text(config, "network", request->network);
	set_text(config, "memory", request->memory);
	set_text(config, "cpus", request->cpus);
	if (overrides->pids_limit >= 0)
		json_object_set_new(config, "pids_limit",
				    json_integer(overrides->pids_limit));
	if (set_volumes(config, &request->volumes, err) < 0)
		return -1;
	return set_environment(config, &overrides->environment, err);
}

int sbx_session_remote_create(const struct sbx_session_remote *remote,
			      json_t **out, struct sbx_error *err)
{
	json_auto_t *body = json_object();

	set_text(body, "name", remote->name);
	set_text(body, "skill", remote->skill);
	json_object_set_new(body, "publish",
			    sbx_publish_to_json(&remote->overrides->publish));
	if (set_config(body, remote, err) < 0)
		return -1;
	set_text(body, "action", remote->action);
	set_text(body, "ttl", remote->ttl);
	set_text(body, "image", remote->image);
	return sbx_remote_call(remote->socket, "POST", TARGET, body,
			       remote->cancel_fd, out, err);
}
