/* SPDX-License-Identifier: MIT */
/* What the engine says of sessions. */
#include "sandbox/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/json.h"
#include "engine/container.h"
#include "sandbox/session_parts.h"
#include "sandbox/spec.h"
#include "skill/names.h"

static const char *const state_names[] = {
	[SBX_SESSION_CREATING] = "creating",
	[SBX_SESSION_ACTIVE] = "active",
	[SBX_SESSION_PAUSED] = "paused",
	[SBX_SESSION_STOPPED] = "stopped",
};

const char *sbx_session_state_name(enum sbx_session_state state)
{
	return state_names[state];
}

void sbx_session_clear(struct sbx_session *session)
{
	free(session->id);
	free(session->image);
	free(session->name);
	free(session->owner);
	free(session->skill);
	free(session->action);
	free(session->channel);
	json_decref(session->ports);
	*session = (struct sbx_session){ .id = NULL };
}

/* The engine's words for states. */
static enum sbx_session_state state_of(const char *state)
{
	static const struct {
		const char *name;
		enum sbx_session_state state;
	} states[] = {
		{ "created", SBX_SESSION_CREATING },
		{ "initialized", SBX_SESSION_CREATING }, /* Podman */
		{ "running", SBX_SESSION_ACTIVE },
		{ "paused", SBX_SESSION_PAUSED },
	};

	for (size_t i = 0; state && i < SBX_ARRAY_SIZE(states); i++) {
		if (strcmp(states[i].name, state) == 0)
			return states[i].state;
	}
	return SBX_SESSION_STOPPED;
}

static char *label(const json_t *container, const char *name)
{
	const char *text = sbx_json_text_at(container, "Labels", name, NULL);

	return sbx_strdup(text ? text : "");
}

void sbx_session_read(const json_t *container, struct sbx_session *out)
{
	cleanup_free char *ttl = label(container, SBX_LABEL_TTL);
	const char *ports =
		sbx_json_text_at(container, "Labels", SBX_LABEL_PUBLISH, NULL);
	const char *id = sbx_json_text_at(container, "Id", NULL);
	const char *image = sbx_json_text_at(container, "ImageID", NULL);

	*out = (struct sbx_session){
		.id = sbx_strdup(id ? id : ""),
		.image = sbx_strdup(image ? image : ""),
		.name = label(container, SBX_LABEL_SESSION),
		.owner = label(container, SBX_LABEL_OWNER),
		.skill = label(container, SBX_LABEL_SKILL),
		.action = label(container, SBX_LABEL_ACTION),
		.channel = label(container, SBX_LABEL_CHANNEL),
		.ttl_ms = strtoll(ttl, NULL, 10),
		.created = sbx_json_int_at(0, container, "Created", NULL),
		.state = state_of(sbx_json_text_at(container, "State", NULL)),
		.ports = json_incref(sbx_json_at(container, "Ports", NULL)),
	};
	if (ports)
		sbx_session_read_ports(ports, out);
}

/* What is not ours to ask for, or no name at all, is not there. */
int sbx_session_find(struct sbx_engine *engine, const char *owner,
		     const char *name, struct sbx_session *out,
		     struct sbx_error *err)
{
	cleanup_free char *wanted =
		sbx_asprintf("%s=%s", SBX_LABEL_SESSION, name);
	json_auto_t *list = NULL;
	const json_t *container;
	size_t i;

	if (!sbx_name_is_session(name))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "\"%.100s\" is no name of a session: 1 to "
				     "64 of a-z, 0-9, \".\", \"_\" and \"-\" "
				     "are, the first a letter or digit",
				     name);
	if (sbx_container_list(engine, wanted, &list, err) < 0)
		return -1;
	json_array_foreach (list, i, container) {
		const char *whose = sbx_json_text_at(container, "Labels",
						     SBX_LABEL_OWNER, NULL);
		const char *state = sbx_json_text_at(container, "State", NULL);

		if (!whose || strcmp(whose, owner) != 0 ||
		    state_of(state) == SBX_SESSION_STOPPED)
			continue;
		sbx_session_read(container, out);
		return 0;
	}
	return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
			     "there is no session \"%s\" (any more)", name);
}

/* --- for people, and programs ----------------------------------------------- */

json_t *sbx_session_json(const struct sbx_session *session)
{
	char created[SBX_CLOCK_RFC3339_SIZE];

	sbx_clock_format(session->created * 1000, created);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o}",
			 "name", session->name, "state",
			 state_names[session->state], "skill", session->skill,
			 "action", session->action, "owner", session->owner,
			 "image", session->image, "container", session->id,
			 "created_at", created, "ttl_ms",
			 (json_int_t)session->ttl_ms, "ports",
			 sbx_session_ports_json(session));
}

static int by_name(const void *a, const void *b)
{
	const char *x = sbx_json_text_at(*(json_t *const *)a, "name", NULL);
	const char *y = sbx_json_text_at(*(json_t *const *)b, "name", NULL);

	return strcmp(x, y);
}

static json_t *sorted(json_t *all)
{
	size_t n = json_array_size(all);
	cleanup_free json_t **list = sbx_calloc(n + 1, sizeof(json_t *));
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		list[i] = json_array_get(all, i);
	qsort(list, n, sizeof(json_t *), by_name);
	for (size_t i = 0; i < n; i++)
		json_array_append(out, list[i]);
	return out;
}

int sbx_session_each(struct sbx_engine *engine,
		     void (*each)(void *ctx, const struct sbx_session *session),
		     void *ctx, struct sbx_error *err)
{
	json_auto_t *list = NULL;
	const json_t *container;
	size_t i;

	if (sbx_container_list(engine, SBX_LABEL_SESSION, &list, err) < 0)
		return -1;
	json_array_foreach (list, i, container) {
		cleanup_session struct sbx_session session;

		sbx_session_read(container, &session);
		if (session.state != SBX_SESSION_STOPPED)
			each(ctx, &session);
	}
	return 0;
}

/* Those of @owner, or of everybody. */
struct listing {
	const char *owner;
	json_t *all;
};

static void add_to_list(void *ctx, const struct sbx_session *session)
{
	struct listing *listing = ctx;

	if (!listing->owner || strcmp(session->owner, listing->owner) == 0)
		json_array_append_new(listing->all, sbx_session_json(session));
}

int sbx_session_list(struct sbx_engine *engine, const char *owner, json_t **out,
		     struct sbx_error *err)
{
	json_auto_t *all = json_array();
	struct listing listing = { .owner = owner, .all = all };

	if (sbx_session_each(engine, add_to_list, &listing, err) < 0)
		return -1;
	*out = sorted(all);
	return 0;
}
