/* SPDX-License-Identifier: MIT */
/*
 * Ports of a session.  Where it has a network they are the engine's; else some
 * process of this host forwards them, which leaves a note of that beside the
 * session's directory: who it is, and where it listens.
 */
#include "sandbox/session.h"

#include <string.h>

#include "codec/json.h"
#include "sandbox/direct.h"
#include "sandbox/runner.h"
#include "sandbox/session_parts.h"

#define NOTE_MAX 8192

static void parse(const char *text, json_t **out)
{
	struct sbx_error ignored = SBX_ERROR_INIT;

	if (sbx_json_parse(text, strlen(text), out, &ignored) < 0)
		*out = NULL;
}

/* None where whoever wrote that is no more. */
static void read_note(struct sbx_session *session)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(NOTE_MAX);
	struct sbx_error ignored = SBX_ERROR_INIT;
	json_auto_t *note = NULL;
	const char *runner;

	if (sbx_direct_get_note(session->channel, SBX_DIRECT_PORTS, &text) < 0)
		return;
	parse(sbx_buf_text(&text), &note);
	runner = sbx_json_text_at(note, "runner", NULL);
	if (runner && sbx_runner_state(runner) != SBX_RUNNER_DEAD)
		sbx_publish_from_json(json_object_get(note, "ports"),
				      &session->forwarded, &ignored);
}

void sbx_session_read_ports(const char *label, struct sbx_session *out)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	json_auto_t *ports = NULL;

	parse(label, &ports);
	if (sbx_publish_from_json(ports, &out->publish, &ignored) == 0)
		read_note(out);
}

int sbx_session_note_ports(const struct sbx_session *session,
			   const struct sbx_publish_list *ports,
			   struct sbx_error *err)
{
	cleanup_free char *text = NULL;
	json_auto_t *note = NULL;

	if (!ports)
		return sbx_direct_set_note(session->channel, SBX_DIRECT_PORTS,
					   NULL, err);
	note = json_pack("{s:s, s:o}", "runner", sbx_runner_identity(), "ports",
			 sbx_publish_to_json(ports));
	text = sbx_json_line(note);
	return sbx_direct_set_note(session->channel, SBX_DIRECT_PORTS, text,
				   err);
}

int sbx_session_forward(struct sbx_engine *engine,
			const struct sbx_session *session, int *out,
			struct sbx_error *err)
{
	struct sbx_sandbox *sandbox = NULL;
	int result = sbx_session_open(engine, session, SBX_SESSION_WAIT_MS,
				      &sandbox, err);

	if (result == 0)
		result = sbx_sandbox_forward(sandbox, out, err);
	sbx_sandbox_free(&sandbox);
	return result;
}

/* --- for people, and programs ----------------------------------------------- */

static void add_engine_ports(json_t *all, const json_t *ports)
{
	const json_t *port;
	size_t i;

	json_array_foreach (ports, i, port) {
		const char *ip = sbx_json_text_at(port, "IP", NULL);
		json_int_t published =
			sbx_json_int_at(0, port, "PublicPort", NULL);

		if (published > 0)
			json_array_append_new(
				all,
				json_pack("{s:I, s:I, s:s}", "target",
					  sbx_json_int_at(0, port,
							  "PrivatePort", NULL),
					  "published", published, "host_ip",
					  ip ? ip : ""));
	}
}

/* The one of that target, or NULL. */
static const struct sbx_publish *find(const struct sbx_publish_list *list,
				      uint16_t target)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].target == target)
			return &list->v[i];
	}
	return NULL;
}

json_t *sbx_session_ports_json(const struct sbx_session *session)
{
	json_t *all = json_array();

	add_engine_ports(all, session->ports);
	for (size_t i = 0; i < session->publish.n; i++) {
		const struct sbx_publish *wish = &session->publish.v[i];
		const struct sbx_publish *real =
			find(&session->forwarded, wish->target);
		const struct sbx_publish *port = real ? real : wish;

		json_array_append_new(
			all,
			json_pack("{s:i, s:i, s:s, s:b}", "target",
				  (int)port->target, "published",
				  (int)port->published, "host_ip",
				  port->host_ip, "forwarded", real != NULL));
	}
	return all;
}
