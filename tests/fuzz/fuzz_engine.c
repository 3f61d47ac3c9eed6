/* SPDX-License-Identifier: MIT */
/*
 * Answers of an engine, over a connection that is played here: every kind of
 * request gets these bytes, in pieces of whatever size.  The first byte says
 * which request ('a' + index) or, in capitals, that the engine's /_ping is
 * answered by the input as well, and then the connection closes or, with a
 * second byte '-', goes silent, or with '!' closes when it is used again.
 */
#include <fcntl.h>
#include <poll.h>

#include "fuzz.h"

#include "engine/connection.h"
#include "engine/container.h"
#include "engine/image.h"
#include "engine/stream.h"
#include "engine/volume.h"

static const char ping[] = "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\n"
			   "Ostype: linux\r\nContent-Length: 0\r\n\r\n";

/* --- the connection -------------------------------------------------------- */

struct sbx_connection {
	const char *in;
	size_t left;
	struct fuzz_pieces pieces;
	bool closed;
};

/*
 * @reply	what any request but a first /_ping is answered by
 * @pinged	the handshake is over
 * @silent	behind the reply comes nothing, not even an end
 * @hasty	closes a kept connection just when there is another request
 */
static struct {
	const char *reply;
	size_t size;
	unsigned int kind;
	bool pinged;
	bool silent;
	bool hasty;
	unsigned int connections;
} engine_side;

int sbx_connection_open(struct sbx_connection **out,
			const struct sbx_transport *transport, int cancel_fd,
			double timeout_ms, struct sbx_error *err)
{
	(void)transport;
	(void)cancel_fd;
	(void)timeout_ms;
	(void)err;
	/* A request is sent on a kept connection and a new one at most. */
	must(++engine_side.connections < 20);
	*out = sbx_calloc(1, sizeof(**out));
	(*out)->pieces = fuzz_pieces(engine_side.kind);
	return 0;
}

void sbx_connection_close(struct sbx_connection **connection)
{
	free(*connection);
	*connection = NULL;
}

/* Behind the reply the connection ends, unless it is silent. */
static bool has_something(const struct sbx_connection *connection)
{
	return connection->left > 0 || connection->closed ||
	       (connection->in && !engine_side.silent && !engine_side.hasty);
}

/* For poll(2): one that is readable, or none. */
int sbx_connection_fd(const struct sbx_connection *connection)
{
	static int readable = -1;

	if (readable < 0)
		readable = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return has_something(connection) ? readable : -1;
}

/* Each request, not each piece of it, is answered. */
ssize_t sbx_connection_send(struct sbx_connection *connection, const void *data,
			    size_t size)
{
	if (!memmem(data, size, " HTTP/1.1\r\n", 11))
		return (ssize_t)size;
	if (connection->in && engine_side.hasty) {
		connection->left = 0;
		connection->closed = true;
	} else {
		connection->in = engine_side.pinged ? engine_side.reply : ping;
		connection->left = engine_side.pinged ? engine_side.size
						      : strlen(ping);
		engine_side.pinged = true;
	}
	return (ssize_t)size;
}

ssize_t sbx_connection_recv(struct sbx_connection *connection, void *data,
			    size_t size)
{
	if (connection->left == 0)
		return has_something(connection) ? SBX_CONNECTION_CLOSED : 0;
	if (size > connection->left)
		size = connection->left;
	size = fuzz_piece(&connection->pieces, size);
	memcpy(data, connection->in, size);
	connection->in += size;
	connection->left -= size;
	return (ssize_t)size;
}

int sbx_connection_wait(const struct sbx_connection *connection, short events,
			int cancel_fd, double timeout_ms, struct sbx_error *err)
{
	(void)cancel_fd;
	(void)err;
	(void)timeout_ms;
	return has_something(connection) || events & POLLOUT;
}

/* --- the requests ---------------------------------------------------------- */

/* @json, @text: what came of it, to be compared. */
struct answer {
	int result;
	json_t *json;
	struct sbx_buf text;
};

typedef int (*request)(struct sbx_engine *engine, struct answer *answer,
		       struct sbx_error *err);

static int create(struct sbx_engine *engine, struct answer *answer,
		  struct sbx_error *err)
{
	char id[SBX_CONTAINER_ID_SIZE] = "";
	json_t *body = json_object();
	int result = sbx_container_create(engine, "name", body, id, err);

	must(memchr(id, '\0', sizeof(id)));
	must(result < 0 || id[0]);
	sbx_buf_puts(&answer->text, id);
	json_decref(body);
	return result;
}

static int start(struct sbx_engine *engine, struct answer *answer,
		 struct sbx_error *err)
{
	int result = sbx_container_start(engine, "id", err);

	(void)answer;
	/* The one positive result that comes with words. */
	if (result == SBX_CONTAINER_NO_COMMAND) {
		must(!fuzz_is_untouched(err));
		*err = fuzz_error();
	}
	return result;
}

static int inspect(struct sbx_engine *engine, struct answer *answer,
		   struct sbx_error *err)
{
	return sbx_container_inspect(engine, "id", &answer->json, err);
}

static int kill_it(struct sbx_engine *engine, struct answer *answer,
		   struct sbx_error *err)
{
	(void)answer;
	return sbx_container_kill(engine, "id", err);
}

static int remove_it(struct sbx_engine *engine, struct answer *answer,
		     struct sbx_error *err)
{
	(void)answer;
	return sbx_container_remove(engine, "id", SBX_TURN_URGENT, err);
}

static int list(struct sbx_engine *engine, struct answer *answer,
		struct sbx_error *err)
{
	int result = sbx_container_list(engine, "label", &answer->json, err);

	must(result < 0 || json_is_array(answer->json));
	return result;
}

static int upload(struct sbx_engine *engine, struct answer *answer,
		  struct sbx_error *err)
{
	(void)answer;
	return sbx_container_put_archive(engine, "id", "/", "tar", 3, err);
}

static int image(struct sbx_engine *engine, struct answer *answer,
		 struct sbx_error *err)
{
	int result = sbx_image_inspect(engine, "a:b", &answer->json, err);

	must(result != 0 || json_is_object(answer->json));
	return result;
}

static int images(struct sbx_engine *engine, struct answer *answer,
		  struct sbx_error *err)
{
	return sbx_image_list(engine, "label", &answer->json, err);
}

static int untag(struct sbx_engine *engine, struct answer *answer,
		 struct sbx_error *err)
{
	(void)answer;
	return sbx_image_remove(engine, "a:b", err);
}

static int volumes(struct sbx_engine *engine, struct answer *answer,
		   struct sbx_error *err)
{
	return sbx_volume_list(engine, "label", &answer->json, err);
}

static int import(struct sbx_engine *engine, struct answer *answer,
		  struct sbx_error *err)
{
	(void)answer;
	return sbx_image_import(engine, "a", "b", "tar", 3, NULL, err);
}

static void on_line(void *ctx, const char *line)
{
	must(fuzz_is_utf8(line));
	sbx_buf_puts(ctx, line);
}

static int build(struct sbx_engine *engine, struct answer *answer,
		 struct sbx_error *err)
{
	struct sbx_http_bytes tar = { .data = "tar", .size = 3 };
	struct sbx_image_build what = {
		.tag = "a:b",
		.dockerfile = "Dockerfile",
		.context = sbx_http_bytes_source,
		.context_ctx = &tar,
		.progress = { on_line, &answer->text },
	};

	return sbx_image_build(engine, &what, err);
}

static int pull(struct sbx_engine *engine, struct answer *answer,
		struct sbx_error *err)
{
	struct sbx_progress progress = { on_line, &answer->text };
	struct sbx_image_limit limit = { .ms = 0 };

	return sbx_image_pull(engine, "a@sha256:0", &limit, &progress, err);
}

static int attach(struct sbx_engine *engine, struct answer *answer,
		  struct sbx_error *err)
{
	struct sbx_stream *stream = NULL;
	int result = sbx_stream_attach(&stream, engine, "id", err);
	char data[100];
	ssize_t got;

	must((result == 0) == (stream != NULL));
	if (!stream)
		return result;
	while ((got = sbx_stream_recv(stream, data, sizeof(data), err)) > 0)
		sbx_buf_append(&answer->text, data, (size_t)got);
	must(got == SBX_STREAM_CLOSED || got == 0);
	sbx_stream_free(&stream);
	return result;
}

static int info(struct sbx_engine *engine, struct answer *answer,
		struct sbx_error *err)
{
	return sbx_engine_info(engine, &answer->json, err);
}

static const request requests[] = { create,    start, inspect, kill_it,
				    remove_it, list,  upload,  image,
				    images,    untag, volumes, import,
				    build,     pull,  attach,  info };

static void ask(struct answer *answer, char which, unsigned int kind)
{
	struct sbx_engine *engine = NULL;
	struct sbx_error err = fuzz_error();
	bool is_capital = which >= 'A' && which <= 'Z';
	unsigned int index = (unsigned int)(which - (is_capital ? 'A' : 'a'));

	engine_side.kind = kind;
	engine_side.pinged = is_capital;
	engine_side.connections = 0;
	*answer = (struct answer){ .text = SBX_BUF_INIT((size_t)32 << 20) };
	must(sbx_engine_new(&engine, "unix:///nowhere", &err) == 0);
	answer->result = requests[index](engine, answer, &err);
	must_fit(answer->result, &err);
	if (answer->json)
		must_be_json(answer->json);
	must(answer->result >= 0 || !answer->json);
	sbx_buf_puts(&answer->text, err.message);
	sbx_engine_free(&engine);
}

static void answer_free(struct answer *answer)
{
	json_decref(answer->json);
	sbx_buf_free(&answer->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer first;
	char which;

	if (size < 2)
		return 0;
	which = (char)data[0];
	if ((unsigned int)((which | 0x20) - 'a') >= SBX_ARRAY_SIZE(requests))
		return 0;
	engine_side.silent = data[1] == '-';
	engine_side.hasty = data[1] == '!';
	engine_side.reply = (const char *)data + 2;
	engine_side.size = size - 2;
	ask(&first, which, 0);
	for (unsigned int kind = 1; kind < FUZZ_PIECES; kind++) {
		struct answer answer;

		ask(&answer, which, kind);
		must(answer.result == first.result);
		must(!first.json == !answer.json);
		must(!first.json || json_equal(first.json, answer.json));
		must(strcmp(sbx_buf_text(&first.text),
			    sbx_buf_text(&answer.text)) == 0);
		answer_free(&answer);
	}
	answer_free(&first);
	return 0;
}
