/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * The thread that serves a stream reads its messages, and answers all that
 * takes no time.  Each call of a tool has a thread of its own, which writes its
 * answer when it is over; a lock keeps what is written apart.  A client that
 * takes nothing any more is gone, by a hang-up or a time: then all calls are
 * cancelled, and their answers go nowhere.
 */
#include "serve/mcp_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "codec/json.h"
#include "serve/mcp_calls.h"
#include "serve/mcp_run.h"

#define READ_SIZE 65536

/*
 * @calls	under way
 * @lock	held while a message is written
 * @is_deaf	nobody hears what is written; guarded by that
 * @n_threads	of calls; the same
 * @wake_fd	written to when one of these changes
 * @line	a message that is not there whole
 * @is_skipping	of a message that is too large, up to its end
 */
struct stream {
	const struct sbx_mcp_stream *options;
	struct sbx_mcp_client client;
	struct sbx_mcp_calls calls;
	pthread_mutex_t lock;
	bool is_deaf;
	unsigned int n_threads;
	int wake_fd;
	struct sbx_buf line;
	bool is_skipping;
};

/* --- writing --------------------------------------------------------------- */

/* Leaves out the first @size bytes. */
static void advance(struct iovec **parts, size_t *n, size_t size)
{
	while (*n && size >= (*parts)->iov_len) {
		size -= (*parts)->iov_len;
		(*parts)++;
		(*n)--;
	}
	if (*n) {
		(*parts)->iov_base = (char *)(*parts)->iov_base + size;
		(*parts)->iov_len -= size;
	}
}

/* False when nobody takes it. */
static bool write_all(const struct sbx_mcp_stream *options, struct iovec *parts,
		      size_t n)
{
	int fd = options->out_fd;

	while (n > 0) {
		struct pollfd out = { .fd = fd, .events = POLLOUT };
		ssize_t written = writev(fd, parts, (int)n);

		if (written >= 0) {
			advance(&parts, &n, (size_t)written);
		} else if (errno == EAGAIN) {
			if (poll(&out, 1, options->stall_ms) <= 0)
				return false;
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

static void go_deaf(struct stream *stream)
{
	stream->is_deaf = true;
	sbx_mcp_calls_cancel_all(&stream->calls);
	eventfd_write(stream->wake_fd, 1);
}

/* At once: a client that reads lines is not woken for half of one. */
static void say(struct stream *stream, const char *message)
{
	static char newline[] = "\n";
	struct iovec parts[] = {
		{ .iov_base = (char *)message, .iov_len = strlen(message) },
		{ .iov_base = newline, .iov_len = strlen(newline) },
	};

	pthread_mutex_lock(&stream->lock);
	if (!stream->is_deaf &&
	    !write_all(stream->options, parts, SBX_ARRAY_SIZE(parts)))
		go_deaf(stream);
	pthread_mutex_unlock(&stream->lock);
}

static void tell(void *ctx, const char *message)
{
	say(ctx, message);
}

/* --- calls ----------------------------------------------------------------- */

/* One call, in its thread.  @message is what its input is borrowed from. */
struct work {
	struct stream *stream;
	struct sbx_buf message;
	struct sbx_mcp_call call;
	struct sbx_mcp_run run;
};

static void free_work(struct work *work)
{
	sbx_live_release(&work->run.live);
	sbx_mcp_call_clear(&work->call);
	sbx_buf_free(&work->message);
	free(work);
}

static void leave(struct stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	if (--stream->n_threads == 0)
		eventfd_write(stream->wake_fd, 1);
	pthread_mutex_unlock(&stream->lock);
}

/* A client that hears that a call is over may use its id again. */
static void *perform(void *ctx)
{
	struct work *work = ctx;
	struct stream *stream = work->stream;
	cleanup_free char *answer = sbx_mcp_run_perform(&work->run);

	if (sbx_mcp_calls_end(&stream->calls, work->call.id))
		say(stream, answer);
	free_work(work);
	leave(stream);
	return NULL;
}

static void refuse(struct stream *stream, json_t *id, int code,
		   const char *text)
{
	json_auto_t *error = sbx_mcp_error(id, code, text, NULL);
	cleanup_free char *line = sbx_json_line(error);

	say(stream, line);
}

/* A thread for the call; false, with the reason, when there is none. */
static bool spawn(struct stream *stream, struct work *work)
{
	pthread_attr_t attributes;
	pthread_t thread;
	bool is_there;

	pthread_mutex_lock(&stream->lock);
	stream->n_threads++;
	pthread_mutex_unlock(&stream->lock);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	is_there = pthread_create(&thread, &attributes, perform, work) == 0;
	pthread_attr_destroy(&attributes);
	if (!is_there)
		leave(stream);
	return is_there;
}

/* Takes @call and @message. */
static void begin_call(struct stream *stream, struct sbx_mcp_call *call,
		       struct sbx_buf *message)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct work *work = sbx_calloc(1, sizeof(*work));

	work->stream = stream;
	work->message = *message;
	*message = (struct sbx_buf)SBX_BUF_INIT(message->max);
	work->call = *call;
	*call = (struct sbx_mcp_call)SBX_MCP_CALL_INIT;
	work->run = (struct sbx_mcp_run){
		.service = stream->options->service,
		.owner = stream->options->owner,
		.call = &work->call,
		.tell = tell,
		.ctx = stream,
	};
	if (sbx_mcp_run_begin(&work->run, &err) < 0) {
		refuse(stream, work->call.id, SBX_MCP_INTERNAL_ERROR,
		       err.message);
	} else if (!sbx_mcp_calls_begin(&stream->calls, work->call.id,
					work->run.live)) {
		/* Whose answer an error with that id would be, who knows. */
		sbx_mcp_run_drop(&work->run);
		refuse(stream, NULL, SBX_MCP_INVALID_REQUEST,
		       "id: a request of that id is under way");
	} else if (!spawn(stream, work)) {
		sbx_mcp_calls_end(&stream->calls, work->call.id);
		sbx_mcp_run_drop(&work->run);
		refuse(stream, work->call.id, SBX_MCP_INTERNAL_ERROR,
		       "there is no thread for the call");
	} else {
		return;
	}
	free_work(work);
}

/* --- reading --------------------------------------------------------------- */

static void take_step(struct stream *stream, struct sbx_mcp_step *step,
		      struct sbx_buf *message)
{
	switch (step->verdict) {
	case SBX_MCP_ANSWER:
	case SBX_MCP_SESSION:
		say(stream, step->answer);
		break;
	case SBX_MCP_CALL:
		begin_call(stream, &step->call, message);
		break;
	case SBX_MCP_CANCEL:
		sbx_mcp_calls_cancel(&stream->calls, step->cancelled);
		break;
	default:
		break;
	}
}

/* Takes @text, which is one message. */
static void take_message(struct stream *stream, struct sbx_buf *text)
{
	struct sbx_service *service = stream->options->service;
	cleanup_mcp_message struct sbx_mcp_message message =
		SBX_MCP_MESSAGE_INIT;
	cleanup_mcp_step struct sbx_mcp_step step = SBX_MCP_STEP_INIT;
	json_t *refusal = NULL;

	if (sbx_mcp_message_parse(sbx_buf_text(text), text->len, &message,
				  &refusal) < 0)
		sbx_mcp_step_refuse(&step, refusal);
	else
		sbx_mcp_step(service->tools, &stream->client, &message,
			     sbx_buf_text(text), text->len, &step);
	take_step(stream, &step, text);
	/* Not before: it would only keep the answer waiting. */
	if (sbx_mcp_is_of_tools(&message))
		sbx_image_builder_begin(service->builder);
	sbx_buf_free(text);
}

static bool is_blank(const struct sbx_buf *line)
{
	const char *text = sbx_buf_text(line);

	return strspn(text, " \t\r") == line->len;
}

/* The end of a line is there. */
static void end_line(struct stream *stream)
{
	struct sbx_buf line = stream->line;

	stream->line = (struct sbx_buf)SBX_BUF_INIT(line.max);
	if (stream->is_skipping)
		refuse(stream, NULL, SBX_MCP_INVALID_REQUEST,
		       "the message is too large");
	else if (!is_blank(&line))
		take_message(stream, &line);
	sbx_buf_free(&line);
	stream->is_skipping = false;
}

static void feed(struct stream *stream, const char *data, size_t size)
{
	while (size > 0) {
		const char *newline = memchr(data, '\n', size);
		size_t part = newline ? (size_t)(newline - data) : size;

		if (!stream->is_skipping &&
		    sbx_buf_append(&stream->line, data, part) < part) {
			stream->is_skipping = true;
			sbx_buf_free(&stream->line);
		}
		if (newline) {
			end_line(stream);
			part++;
		}
		data += part;
		size -= part;
	}
}

/* False at the end of what the client says. */
static bool read_some(struct stream *stream)
{
	char data[READ_SIZE];
	ssize_t got = read(stream->options->in_fd, data, sizeof(data));

	if (got > 0)
		feed(stream, data, (size_t)got);
	else if (got == 0)
		end_line(stream);
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* --- the whole ------------------------------------------------------------- */

static bool is_busy(struct stream *stream)
{
	bool is;

	pthread_mutex_lock(&stream->lock);
	is = stream->n_threads > 0;
	pthread_mutex_unlock(&stream->lock);
	return is;
}

static bool is_deaf(struct stream *stream)
{
	bool is;

	pthread_mutex_lock(&stream->lock);
	is = stream->is_deaf;
	pthread_mutex_unlock(&stream->lock);
	return is;
}

static void hear_nothing_more(struct stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	if (!stream->is_deaf)
		go_deaf(stream);
	pthread_mutex_unlock(&stream->lock);
}

enum { IN, OUT, END, WAKE, COUNT };

/* A hang-up is told unasked, and again and again: then it is not asked for. */
static void serve(struct stream *stream)
{
	const struct sbx_mcp_stream *options = stream->options;
	struct pollfd fds[COUNT] = {
		[IN] = { .fd = options->in_fd, .events = POLLIN },
		[OUT] = { .fd = options->out_fd },
		[END] = { .fd = options->end_fd, .events = POLLIN },
		[WAKE] = { .fd = stream->wake_fd, .events = POLLIN },
	};
	eventfd_t ignored;

	while (fds[IN].fd >= 0 || is_busy(stream)) {
		if (poll(fds, COUNT, -1) < 0 && errno != EINTR)
			break;
		if (fds[OUT].revents & (POLLERR | POLLHUP | POLLNVAL)) {
			hear_nothing_more(stream);
			fds[OUT].fd = -1;
			fds[IN].fd = -1;
		}
		if (fds[END].revents) {
			fds[END].fd = -1;
			fds[IN].fd = -1;
		}
		if (fds[WAKE].revents)
			eventfd_read(stream->wake_fd, &ignored);
		if (is_deaf(stream))
			fds[IN].fd = -1;
		if (fds[IN].fd >= 0 && fds[IN].revents && !read_some(stream))
			fds[IN].fd = -1;
	}
	hear_nothing_more(stream);
}

/*
 * A reader that stalls must not stall us in write(2) for longer than that.  A
 * terminal is whoever's else, too, and would stay so.
 */
static void make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && !isatty(fd))
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void sbx_mcp_stream_serve(const struct sbx_mcp_stream *options)
{
	struct stream stream = {
		.options = options,
		.line = SBX_BUF_INIT(options->message_max),
		.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};

	pthread_mutex_init(&stream.lock, NULL);
	sbx_mcp_calls_init(&stream.calls);
	make_nonblocking(options->out_fd);
	serve(&stream);
	while (is_busy(&stream))
		usleep(1000);
	sbx_mcp_calls_clear(&stream.calls);
	pthread_mutex_destroy(&stream.lock);
	sbx_buf_free(&stream.line);
	sbx_close(&stream.wake_fd);
}
