/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.  A run must not be done twice, and must be done when
 * the daemon did not do it, so there has to be an instant from which on it may
 * have begun.  That is when the input leaves: the head of the request goes
 * first and asks whether the input is wanted ("Expect: 100-continue").
 *
 *	connect, check the peer, send the head
 *			fails, is refused, or nothing is heard for TAKE_MS:
 *			nothing has begun, and nothing will without the input
 *	100		the daemon takes it, the input is sent
 *	412, 503	it serves something else, or is about to end
 *	events		one JSON object a line, the last one is the record
 *	end		without a record the daemon was lost
 */
#include "cli/remote.h"

#include <limits.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "codec/frames.h"
#include "codec/http_head.h"
#include "codec/json.h"
#include "codec/json_lines.h"
#include "engine/client.h"
#include "skill/fingerprint.h"

/* How long a daemon may take to say whether it takes a run. */
#define TAKE_MS	   2000

#define EVENTS	   "application/x-ndjson"
#define ANSWER_MAX ((size_t)64 << 20)
/* A record has the output in it, and more, for an event is one line. */
#define EVENT_MAX ((size_t)1 << 30)

/*
 * One request.
 *
 * @events	who listens, or NULL: the answer is no stream of them
 * @is_stream	it is one
 * @body	of any other answer
 * @record	that came at the end
 */
struct talk {
	const struct sbx_run_events *events;
	struct sbx_client_exchange exchange;
	bool is_stream;
	struct sbx_json_lines lines;
	struct sbx_buf body;
	json_t *record;
};

int sbx_remote_check_peer(int fd, struct sbx_error *err)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "nobody can tell whose daemon it is");
	if (peer.uid == 0 || peer.uid == geteuid())
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "the daemon belongs to user %u, expected root or "
			     "yourself",
			     peer.uid);
}

bool sbx_remote_is_there(const char *socket)
{
	struct stat about;

	return stat(socket, &about) == 0 && S_ISSOCK(about.st_mode);
}

/* --- events ---------------------------------------------------------------- */

static void on_build(const struct sbx_run_events *events, const json_t *data)
{
	const char *line = sbx_json_text_at(data, "line", NULL);

	if (line && events->line)
		events->line(events->ctx, line);
}

static void on_started(const struct sbx_run_events *events, const json_t *data)
{
	const char *start = sbx_json_text_at(data, "start", NULL);

	if (start && events->started)
		events->started(events->ctx, start);
}

static void give_base64(const struct sbx_run_events *events, int stream,
			const json_t *value)
{
	const char *text = json_string_value(value);
	size_t size = json_string_length(value);
	size_t room = size / 4 * 3 + 3;
	cleanup_free unsigned char *bytes = sbx_malloc(room);
	size_t got;

	if (sodium_base642bin(bytes, room, text, size, NULL, &got, NULL,
			      sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    got > 0)
		events->output(events->ctx, stream, bytes, got);
}

/* {"text": "..."}, or {"base64": "..."} of what is no UTF-8. */
static void on_output(const struct sbx_run_events *events, int stream,
		      const json_t *data)
{
	const json_t *text = json_object_get(data, "text");
	const json_t *base64 = json_object_get(data, "base64");

	if (!events->output)
		return;
	if (json_string_length(text) > 0)
		events->output(events->ctx, stream, json_string_value(text),
			       json_string_length(text));
	else if (json_is_string(base64))
		give_base64(events, stream, base64);
}

static void on_progress(const struct sbx_run_events *events, const json_t *data)
{
	const json_t *done = json_object_get(data, "progress");
	const json_t *total = json_object_get(data, "total");
	const struct sbx_run_progress progress = {
		.done = json_number_value(done),
		.total = json_is_number(total) ? json_number_value(total) : -1,
		.message =
			sbx_json_plain_text(json_object_get(data, "message")),
	};

	if (events->progress && json_is_number(done))
		events->progress(events->ctx, &progress);
}

/* An event of a name that is not known yet does not matter. */
static int on_event(void *ctx, const json_t *event, struct sbx_error *err)
{
	struct talk *talk = ctx;
	const struct sbx_run_events *events = talk->events;
	const char *name = sbx_json_text_at(event, "event", NULL);
	json_t *data = json_object_get(event, "data");

	(void)err;
	if (!name)
		name = "";
	if (strcmp(name, "build") == 0)
		on_build(events, data);
	else if (strcmp(name, "started") == 0)
		on_started(events, data);
	else if (strcmp(name, "stdout") == 0)
		on_output(events, SBX_FRAMES_STDOUT, data);
	else if (strcmp(name, "stderr") == 0)
		on_output(events, SBX_FRAMES_STDERR, data);
	else if (strcmp(name, "progress") == 0)
		on_progress(events, data);
	else if (strcmp(name, "record") == 0 && json_is_object(data))
		talk->record = json_incref(data);
	return 0;
}

/* --- one request ----------------------------------------------------------- */

static int on_connected(void *ctx, int fd, struct sbx_error *err)
{
	(void)ctx;
	return sbx_remote_check_peer(fd, err);
}

static void on_header(void *ctx, const char *line, size_t size)
{
	struct talk *talk = ctx;
	size_t length;
	const char *type =
		sbx_http_head_field(line, size, "Content-Type", &length);

	if (type && talk->events)
		talk->is_stream = length == strlen(EVENTS) &&
				  memcmp(type, EVENTS, length) == 0;
}

static int on_write(void *ctx, const void *data, size_t size,
		    struct sbx_error *err)
{
	struct talk *talk = ctx;

	if (talk->is_stream)
		return sbx_json_lines_feed(&talk->lines, data, size, on_event,
					   talk, err);
	if (sbx_buf_append(&talk->body, data, size) == size)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
			     "the daemon's answer is larger than %zu bytes",
			     talk->body.max);
}

/* As sbx_client_perform(). */
static int perform(struct talk *talk, const char *socket, int cancel_fd,
		   struct sbx_error *err)
{
	cleanup_free char *url = sbx_asprintf("unix://%s", socket);
	struct sbx_transport *transport = NULL;
	struct sbx_client *client = NULL;
	int result;

	if (sbx_transport_new(&transport, url, err) < 0)
		return -1;
	transport->peer = "daemon";
	sbx_client_new(&client, transport);
	sbx_client_set_cancel_fd(client, cancel_fd);
	talk->exchange.kind = SBX_TURN_FREE;
	talk->exchange.connected = on_connected;
	talk->exchange.header = on_header;
	talk->exchange.write = on_write;
	talk->exchange.ctx = talk;
	talk->lines.line.max = EVENT_MAX;
	talk->body.max = ANSWER_MAX;
	result = sbx_client_perform(client, &talk->exchange, err);
	sbx_client_free(&client);
	sbx_transport_free(&transport);
	return result;
}

static void talk_clear(struct talk *talk)
{
	sbx_json_lines_free(&talk->lines);
	sbx_buf_free(&talk->body);
	json_decref(talk->record);
}

/* --- a run ----------------------------------------------------------------- */

/* What comes before anything is done: somebody else has to do it. */
static bool is_elsewhere(long status)
{
	return status == 401 || status == 403 || status == 412 || status == 503;
}

static bool is_record(const json_t *value)
{
	return json_is_integer(json_object_get(value, "status")) &&
	       json_object_get(value, "output") &&
	       json_object_get(value, "error");
}

/* The one that came as an event, or the whole answer. */
static int take_record(struct talk *talk, json_t **record,
		       struct sbx_error *err)
{
	struct sbx_error ignored = SBX_ERROR_INIT;

	if (!talk->is_stream &&
	    sbx_json_parse(sbx_buf_text(&talk->body), talk->body.len,
			   &talk->record, &ignored) < 0)
		talk->record = NULL;
	if (!is_record(talk->record))
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "the daemon's answer (%ld) has no record, "
				     "and the action may have run",
				     talk->exchange.status);
	*record = sbx_take(talk->record);
	return 0;
}

/* After a run that it took: the answer, or what became of that. */
static int conclude(struct talk *talk, int performed, json_t **record,
		    struct sbx_error *err)
{
	if (performed == 0 && is_elsewhere(talk->exchange.status)) {
		sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
			      "the daemon refused (%ld)",
			      talk->exchange.status);
		return SBX_REMOTE_ELSEWHERE;
	}
	/* The record is what counts, not how the connection ended. */
	if (performed == 0 || is_record(talk->record))
		return take_record(talk, record, err);
	if (err->outcome == SBX_OUTCOME_CANCELLED)
		return -1;
	if (!talk->exchange.was_sent)
		return SBX_REMOTE_ELSEWHERE;
	err->outcome = SBX_OUTCOME_UNAVAILABLE;
	return sbx_error_wrap(err, "the daemon was lost and the action may "
				   "have run");
}

int sbx_remote_run(const struct sbx_remote_run *run, json_t **record,
		   bool *was_sent, struct sbx_error *err)
{
	cleanup_free char *target = sbx_asprintf("/v1/skills/%s/actions/%s",
						 run->skill, run->action);
	cleanup_free char *headers = sbx_asprintf(
		"Accept: " EVENTS "\r\n" SBX_EXPECT_HEADER ": %s\r\n"
		"Idempotency-Key: %s\r\n%s",
		run->expect, run->run_id,
		/* Nobody wants to have it twice. */
		run->events->output ? "" : "Prefer: output=none\r\n");
	struct talk talk = {
		.events = run->events,
		.exchange = {
			.method = "POST",
			.target = target,
			.headers = headers,
			.content_type = "application/json",
			.body = run->input,
			.body_size = run->input_size,
			.asks_first = true,
			.answer_ms = TAKE_MS,
			.idle_ms = INT_MAX,
		},
	};
	int result = perform(&talk, run->socket, run->cancel_fd, err);

	result = conclude(&talk, result, record, err);
	*was_sent = result != SBX_REMOTE_ELSEWHERE && talk.exchange.was_sent;
	talk_clear(&talk);
	return result;
}

/* --- other requests -------------------------------------------------------- */

static enum sbx_outcome outcome_of(const char *name)
{
	for (int i = 0; name && i < SBX_OUTCOME_COUNT; i++) {
		if (strcmp(name, sbx_outcome_name((enum sbx_outcome)i)) == 0)
			return (enum sbx_outcome)i;
	}
	return SBX_OUTCOME_UNAVAILABLE;
}

/* A refusal has the members of a record. */
static int refused(const struct talk *talk, const json_t *answer,
		   struct sbx_error *err)
{
	const char *why = sbx_json_text_at(answer, "error", NULL);
	const char *name = sbx_json_text_at(answer, "outcome", NULL);

	return sbx_error_set(
		err, outcome_of(name), "the daemon refused (%ld)%s%s",
		talk->exchange.status, why ? ": " : "", why ? why : "");
}

static int take_answer(const struct talk *talk, json_t **answer,
		       struct sbx_error *err)
{
	long status = talk->exchange.status;
	json_auto_t *value = NULL;

	if (sbx_json_parse(sbx_buf_text(&talk->body), talk->body.len, &value,
			   err) < 0) {
		err->outcome = SBX_OUTCOME_UNAVAILABLE;
		return sbx_error_wrap(err, "the daemon's answer (%ld)", status);
	}
	if (status >= 300)
		return refused(talk, value, err);
	*answer = sbx_take(value);
	return 0;
}

int sbx_remote_call(const char *socket, const char *method, const char *target,
		    const json_t *body, int cancel_fd, json_t **answer,
		    struct sbx_error *err)
{
	cleanup_free char *text = body ? sbx_json_line(body) : NULL;
	struct talk talk = {
		.exchange = {
			.method = method,
			.target = target,
			.content_type = text ? "application/json" : NULL,
			.body = text,
			.body_size = text ? strlen(text) : 0,
			.idle_ms = INT_MAX,
		},
	};
	int result = -1;

	if (!sbx_remote_is_there(socket))
		sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
			      "no daemon runs at %s; 'skillbox serve' starts "
			      "one",
			      socket);
	else if (perform(&talk, socket, cancel_fd, err) == 0)
		result = take_answer(&talk, answer, err);
	talk_clear(&talk);
	return result;
}
