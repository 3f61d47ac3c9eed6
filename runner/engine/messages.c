/* SPDX-License-Identifier: MIT */
#include "engine/messages.h"

#include <ctype.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/buildkit_trace.h"
#include "codec/json.h"
#include "codec/json_lines.h"
#include "codec/lines.h"

/* The last lines of output that are kept for a failure. */
#define TAIL_MAX 20
/* Of one error message, the failure itself takes at most this. */
#define FAILURE_MAX 400

/* What the layers above put in front must not push out the last line. */
#define CONTEXT_MAX 160

struct sbx_messages {
	struct sbx_progress progress;
	struct sbx_json_lines json;
	struct sbx_lines text;
	struct sbx_buildkit_trace *trace;
	char *tail[TAIL_MAX];
	size_t lines; /* that came; the last TAIL_MAX of them are in @tail */
	char *failure;
	bool has_image;
};

void sbx_messages_new(struct sbx_messages **out,
		      const struct sbx_progress *progress)
{
	struct sbx_messages *messages = sbx_calloc(1, sizeof(*messages));

	messages->progress = *progress;
	messages->json = (struct sbx_json_lines)SBX_JSON_LINES_INIT;
	messages->text = (struct sbx_lines)SBX_LINES_INIT;
	sbx_buildkit_trace_new(&messages->trace);
	*out = messages;
}

void sbx_messages_free(struct sbx_messages **messages)
{
	if (!*messages)
		return;
	for (size_t i = 0; i < TAIL_MAX; i++)
		free((*messages)->tail[i]);
	sbx_json_lines_free(&(*messages)->json);
	sbx_lines_free(&(*messages)->text);
	sbx_buildkit_trace_free(&(*messages)->trace);
	free((*messages)->failure);
	free(*messages);
	*messages = NULL;
}

/* --- one message ------------------------------------------------------ */

static void tell(struct sbx_messages *messages, const char *line)
{
	sbx_progress_say(&messages->progress, line);
}

static void keep(struct sbx_messages *messages, const char *line)
{
	if (*line == '\0')
		return;
	sbx_strset(&messages->tail[messages->lines % TAIL_MAX], line);
	messages->lines++;
}

/*
 * The classic builder's words and the output of its steps are one stream; its
 * bookkeeping (and that of Podman's) explains no failure.
 */
static bool is_bookkeeping(const char *line)
{
	return sbx_text_has_prefix(line, " ---> ") ||
	       sbx_text_has_prefix(line, "--> ") ||
	       sbx_text_has_prefix(line, "Removing intermediate container ");
}

static void on_text(void *ctx, const char *line)
{
	struct sbx_messages *messages = ctx;

	if (*line == '\0' || is_bookkeeping(line))
		return;
	keep(messages, line);
	tell(messages, line);
	if (sbx_text_has_prefix(line, "Successfully built "))
		messages->has_image = true;
}

static void on_trace(void *ctx, enum sbx_buildkit_kind kind, unsigned int step,
		     const char *line)
{
	struct sbx_messages *messages = ctx;
	cleanup_free char *numbered = NULL;

	if (kind == SBX_BUILDKIT_STEP) {
		tell(messages, line);
		return;
	}
	keep(messages, line);
	numbered = sbx_asprintf("#%u %s", step, line);
	tell(messages, numbered);
}

/* A pull's "Downloading" comes many times a second: only what is new in kind. */
static void on_status(struct sbx_messages *messages, const json_t *message)
{
	const char *status = sbx_json_text_at(message, "status", NULL);
	const char *id = sbx_json_text_at(message, "id", NULL);
	json_t *detail = sbx_json_at(message, "progressDetail", NULL);
	cleanup_free char *line = NULL;

	if (!status || json_object_size(detail) > 0)
		return;
	line = sbx_asprintf("%s%s%s", id ? id : "", id ? ": " : "", status);
	tell(messages, line);
}

static void on_failure(struct sbx_messages *messages, const json_t *message)
{
	const char *text =
		sbx_json_text_at(message, "errorDetail", "message", NULL);
	size_t size;

	if (!text)
		text = sbx_json_text_at(message, "error", NULL);
	if (!text || messages->failure)
		return;
	size = strlen(text);
	/* Podman's ends with a newline. */
	while (size > 0 && isspace((unsigned char)text[size - 1]))
		size--;
	messages->failure = size ? sbx_strndup(text, size)
				 : sbx_strdup("no reason");
}

static int on_message(void *ctx, const json_t *message, struct sbx_error *err)
{
	struct sbx_messages *messages = ctx;
	const char *id = sbx_json_text_at(message, "id", NULL);
	json_t *aux = sbx_json_at(message, "aux", NULL);
	json_t *stream = sbx_json_at(message, "stream", NULL);

	on_failure(messages, message);
	if (json_is_string(sbx_json_at(aux, "ID", NULL)))
		messages->has_image = true;
	if (json_is_string(stream))
		sbx_lines_feed(&messages->text, json_string_value(stream),
			       json_string_length(stream), on_text, messages);
	if (id && strcmp(id, "moby.buildkit.trace") == 0 && json_is_string(aux))
		return sbx_buildkit_trace_feed(
			messages->trace, json_string_value(aux),
			json_string_length(aux), on_trace, messages, err);
	on_status(messages, message);
	return 0;
}

int sbx_messages_feed(void *ctx, const void *data, size_t size,
		      struct sbx_error *err)
{
	struct sbx_messages *messages = ctx;

	return sbx_json_lines_feed(&messages->json, data, size, on_message,
				   messages, err);
}

/* --- the end ---------------------------------------------------------- */

int sbx_messages_finish(struct sbx_messages *messages, struct sbx_error *err)
{
	int ret = sbx_json_lines_flush(&messages->json, on_message, messages,
				       err);

	sbx_lines_flush(&messages->text, on_text, messages);
	sbx_buildkit_trace_flush(messages->trace, on_trace, messages);
	return ret;
}

const char *sbx_messages_failure(const struct sbx_messages *messages)
{
	return messages->failure;
}

bool sbx_messages_has_image(const struct sbx_messages *messages)
{
	return messages->has_image;
}

/* The kept line that came @back lines before the end. */
static const char *tail_line(const struct sbx_messages *messages, size_t back)
{
	return messages->tail[(messages->lines - 1 - back) % TAIL_MAX];
}

/* How many of the last lines fit into @room, each with a newline. */
static size_t tail_fits(const struct sbx_messages *messages, size_t room)
{
	size_t have = messages->lines < TAIL_MAX ? messages->lines : TAIL_MAX;
	size_t n = 0;

	while (n < have) {
		size_t need = strlen(tail_line(messages, n)) + 1;

		if (need > room)
			break;
		room -= need;
		n++;
	}
	return n;
}

int sbx_messages_build_failed(const struct sbx_messages *messages,
			      const char *what, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf text =
		SBX_BUF_INIT(sizeof(err->message) - CONTEXT_MAX);
	cleanup_buf struct sbx_buf head = SBX_BUF_INIT(FAILURE_MAX);
	size_t n;

	sbx_text_to_utf8(&head, what, strlen(what));
	sbx_buf_puts(&text, sbx_buf_text(&head));
	n = tail_fits(messages, text.max - text.len);
	if (n == 0 && messages->lines > 0) {
		/* One line that is too long for a message: its beginning. */
		cleanup_buf struct sbx_buf part =
			SBX_BUF_INIT(text.max - text.len - 1);
		const char *line = tail_line(messages, 0);

		sbx_text_to_utf8(&part, line, strlen(line));
		sbx_buf_printf(&text, "\n%s", sbx_buf_text(&part));
	}
	while (n > 0)
		sbx_buf_printf(&text, "\n%s", tail_line(messages, --n));
	return sbx_error_set(err, SBX_OUTCOME_BUILD_FAILED, "%s",
			     sbx_buf_text(&text));
}
