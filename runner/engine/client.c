/* SPDX-License-Identifier: MIT */
#include "engine/client.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/*
 * One easy handle serves all plain requests, so that its connection is kept.
 * It is driven through a multi handle, because only that can wait for the
 * caller's cancel descriptor at the same time.
 *
 * libcurl sends a request again when a kept connection turns out to be closed
 * before a byte of the answer came, although the engine may have acted on the
 * request.  That is harmless for all methods but POST; POST therefore always
 * gets a connection of its own, which is never taken from, and never given to,
 * the pool.
 */

/* More than any engine sends; an endless header must not fill the memory. */
#define HEADERS_MAX (1 << 20)

struct sbx_client {
	const struct sbx_transport *transport;
	CURL *easy;
	CURLM *multi;
	int cancel_fd;
};

/*
 * What the callbacks of one transfer know.
 *
 * @failed	a callback has put the reason into @err
 * @moved_at	when a byte moved last
 * @has_head	the empty line behind the answer's header fields has come
 */
struct transfer {
	struct sbx_client_exchange *exchange;
	CURL *easy;
	struct sbx_error *err;
	bool failed;
	bool has_head;
	double moved_at;
	size_t headers;
	curl_off_t sent;
	curl_off_t received;
};

/* --- set-up ----------------------------------------------------------- */

static CURLcode global_code;

static void global_init(void)
{
	global_code = curl_global_init(CURL_GLOBAL_NOTHING);
}

int sbx_client_new(struct sbx_client **out,
		   const struct sbx_transport *transport, struct sbx_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sbx_client *client;

	pthread_once(&once, global_init);
	if (global_code != CURLE_OK)
		return sbx_error_set(err, SBX_OUTCOME_INTERNAL, "libcurl: %s",
				     curl_easy_strerror(global_code));
	client = sbx_calloc(1, sizeof(*client));
	client->transport = transport;
	client->cancel_fd = -1;
	client->easy = curl_easy_init();
	client->multi = curl_multi_init();
	if (!client->easy || !client->multi) {
		sbx_client_free(&client);
		return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
				     "libcurl cannot be initialised");
	}
	*out = client;
	return 0;
}

void sbx_client_free(struct sbx_client **client)
{
	if (!*client)
		return;
	curl_easy_cleanup((*client)->easy);
	curl_multi_cleanup((*client)->multi);
	free(*client);
	*client = NULL;
}

void sbx_client_set_cancel_fd(struct sbx_client *client, int fd)
{
	client->cancel_fd = fd;
}

int sbx_client_cancel_fd(const struct sbx_client *client)
{
	return client->cancel_fd;
}

/* --- waiting ---------------------------------------------------------- */

static int check_cancel(const struct sbx_client *client, struct sbx_error *err)
{
	struct pollfd cancel = { .fd = client->cancel_fd, .events = POLLIN };

	if (cancel.fd < 0 || poll(&cancel, 1, 0) <= 0)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_CANCELLED, "cancelled");
}

int sbx_client_wait(const struct sbx_client *client, int fd, short events,
		    int timeout_ms, struct sbx_error *err)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = events },
		{ .fd = client->cancel_fd, .events = POLLIN },
	};
	double until = sbx_clock_ms() + timeout_ms;

	for (;;) {
		double left = until - sbx_clock_ms();
		int ready = poll(fds, 2, left > 0 ? (int)left + 1 : 0);

		if (ready > 0 && fds[1].revents)
			return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
					     "cancelled");
		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
					       "poll");
		if (ready == 0 && left <= 0)
			return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
					     "engine at %s: no answer for "
					     "%.1f s",
					     client->transport->url,
					     timeout_ms / 1e3);
	}
}

/* --- what went wrong -------------------------------------------------- */

static int connect_error(const struct sbx_client *client, CURL *easy,
			 CURLcode code, struct sbx_error *err)
{
	const struct sbx_transport *transport = client->transport;
	const char *advice;
	long errnum = 0;

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &errnum);
	if (code == CURLE_OPERATION_TIMEDOUT || errnum <= 0)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "cannot connect to the engine at %s: %s",
				     transport->url, curl_easy_strerror(code));
	advice = transport->ops->advice(transport, (int)errnum);
	return sbx_error_errno(err, SBX_OUTCOME_UNAVAILABLE, (int)errnum,
			       "cannot connect to the engine at %s%s%s%s",
			       transport->url, advice ? " (" : "",
			       advice ? advice : "", advice ? ")" : "");
}

/* A clause for what libcurl found; it has no stable texts of its own. */
static const char *describe(CURLcode code)
{
	switch (code) {
	case CURLE_GOT_NOTHING:
		return "it closed the connection without an answer";
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
		return "the connection broke in the middle of the answer";
	case CURLE_SEND_ERROR:
		return "the connection broke while the request was sent";
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_HTTP2:
		return "what it answers is not HTTP/1.1";
	default:
		return curl_easy_strerror(code);
	}
}

static int transfer_error(const struct sbx_client *client, CURL *easy,
			  CURLcode code, struct sbx_error *err)
{
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT)
		return connect_error(client, easy, code, err);
	return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE, "engine at %s: %s",
			     client->transport->url, describe(code));
}

/* --- callbacks -------------------------------------------------------- */

static size_t on_read(char *data, size_t one, size_t size, void *ctx)
{
	struct transfer *transfer = ctx;
	struct sbx_client_exchange *exchange = transfer->exchange;
	size_t got = 0;

	if (transfer->failed)
		return CURL_READFUNC_ABORT;
	if (exchange->read(exchange->ctx, data, one * size, &got,
			   transfer->err) < 0) {
		transfer->failed = true;
		return CURL_READFUNC_ABORT;
	}
	transfer->moved_at = sbx_clock_ms();
	return got;
}

static size_t on_write(char *data, size_t one, size_t size, void *ctx)
{
	struct transfer *transfer = ctx;
	struct sbx_client_exchange *exchange = transfer->exchange;

	size *= one;
	transfer->moved_at = sbx_clock_ms();
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE,
			  &exchange->status);
	if (exchange->write(exchange->ctx, data, size, transfer->err) < 0) {
		transfer->failed = true;
		return size ? 0 : 1;
	}
	return size;
}

static size_t on_header(char *data, size_t one, size_t size, void *ctx)
{
	struct transfer *transfer = ctx;
	struct sbx_client_exchange *exchange = transfer->exchange;
	size_t line;

	size *= one;
	line = size;
	transfer->moved_at = sbx_clock_ms();
	transfer->headers += size;
	if (transfer->headers > HEADERS_MAX) {
		transfer->failed = true;
		sbx_error_set(transfer->err, SBX_OUTCOME_UNAVAILABLE,
			      "the engine's answer has more than %d bytes of "
			      "headers",
			      HEADERS_MAX);
		return 0;
	}
	while (line > 0 && (data[line - 1] == '\r' || data[line - 1] == '\n'))
		line--;
	transfer->has_head = line == 0;
	if (exchange->header)
		exchange->header(exchange->ctx, data, line);
	return size;
}

/* Bytes that move without a callback: a large body on its way out. */
static int on_progress(void *ctx, curl_off_t to_receive, curl_off_t received,
		       curl_off_t to_send, curl_off_t sent)
{
	struct transfer *transfer = ctx;

	(void)to_receive;
	(void)to_send;
	if (sent != transfer->sent || received != transfer->received)
		transfer->moved_at = sbx_clock_ms();
	transfer->sent = sent;
	transfer->received = received;
	return 0;
}

/* --- one transfer ----------------------------------------------------- */

/* What holds for every use of a handle. */
static int set_common(const struct sbx_client *client, CURL *easy,
		      struct sbx_error *err)
{
	const struct sbx_transport *transport = client->transport;

	curl_easy_reset(easy);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
			 (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)SBX_CLIENT_CONNECT_MS);
	return transport->ops->configure(transport, easy, err);
}

static void set_body(CURL *easy, const struct sbx_client_exchange *exchange)
{
	if (exchange->read) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)-1);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
		return;
	}
	if (!exchange->body && strcmp(exchange->method, "POST") != 0)
		return;
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
			 (curl_off_t)exchange->body_size);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
			 exchange->body ? exchange->body : "");
}

static void set_method(CURL *easy, const struct sbx_client_exchange *exchange)
{
	bool post = strcmp(exchange->method, "POST") == 0;

	if (strcmp(exchange->method, "HEAD") == 0)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->method);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, post ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, post ? 1L : 0L);
}

static struct curl_slist *
make_headers(const struct sbx_client_exchange *exchange)
{
	struct curl_slist *list = NULL;
	cleanup_free char *type = sbx_asprintf(
		"Content-Type:%s%s", exchange->content_type ? " " : "",
		exchange->content_type ? exchange->content_type : "");

	/* "Name:" keeps libcurl from sending one of its own. */
	list = curl_slist_append(list, type);
	list = curl_slist_append(list, "Expect:");
	list = curl_slist_append(list, "Accept:");
	list = curl_slist_append(list, "User-Agent: skillbox/" SBX_VERSION);
	if (exchange->read)
		list = curl_slist_append(list, "Transfer-Encoding: chunked");
	return list;
}

static void set_callbacks(CURL *easy, struct transfer *transfer)
{
	curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

static bool finished(CURLM *multi, CURLcode *code)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		*code = message->data.result;
		return true;
	}
	return false;
}

/*
 * Drives what is in @multi to its end: 0 with its result in *@code, or -1
 * when it was cancelled or nothing moved for @idle_ms.
 */
static int drive(const struct sbx_client *client, CURLM *multi,
		 const struct transfer *transfer, int idle_ms, CURLcode *code,
		 struct sbx_error *err)
{
	struct curl_waitfd cancel = { .fd = client->cancel_fd,
				      .events = CURL_WAIT_POLLIN };
	unsigned int extra = client->cancel_fd >= 0 ? 1 : 0;

	for (;;) {
		double left;
		int running;

		if (check_cancel(client, err) < 0)
			return -1;
		curl_multi_perform(multi, &running);
		if (finished(multi, code))
			return 0;
		left = transfer->moved_at + idle_ms - sbx_clock_ms();
		if (left <= 0)
			return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
					     "engine at %s: nothing moved for "
					     "%.1f s",
					     client->transport->url,
					     idle_ms / 1e3);
		curl_multi_poll(multi, &cancel, extra, (int)left + 1, NULL);
	}
}

static int run(const struct sbx_client *client, struct transfer *transfer,
	       struct sbx_error *err)
{
	struct sbx_client_exchange *exchange = transfer->exchange;
	int idle_ms = exchange->idle_ms;
	CURLcode code = CURLE_OK;
	int ret;

	if (idle_ms <= 0)
		idle_ms = SBX_CLIENT_IDLE_MS;
	transfer->moved_at = sbx_clock_ms();
	curl_multi_add_handle(client->multi, client->easy);
	ret = drive(client, client->multi, transfer, idle_ms, &code, err);
	curl_multi_remove_handle(client->multi, client->easy);
	if (ret < 0 || transfer->failed)
		return -1;
	/* libcurl 7.88 takes a head that was cut for a whole one. */
	if (code == CURLE_OK && !transfer->has_head)
		code = CURLE_PARTIAL_FILE;
	if (code != CURLE_OK)
		return transfer_error(client, client->easy, code, err);
	curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE,
			  &exchange->status);
	if (exchange->status < 200 || exchange->status > 599)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "engine at %s: its answer has the status "
				     "%ld",
				     client->transport->url, exchange->status);
	return 0;
}

int sbx_client_perform(struct sbx_client *client,
		       struct sbx_client_exchange *exchange,
		       struct sbx_error *err)
{
	struct transfer transfer = {
		.exchange = exchange,
		.easy = client->easy,
		.err = err,
	};
	struct curl_slist *headers = NULL;
	cleanup_free char *url = NULL;
	int ret;

	if (set_common(client, client->easy, err) < 0)
		return -1;
	url = sbx_asprintf("%s%s", client->transport->origin, exchange->target);
	headers = make_headers(exchange);
	curl_easy_setopt(client->easy, CURLOPT_URL, url);
	curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, headers);
	set_body(client->easy, exchange);
	set_method(client->easy, exchange);
	set_callbacks(client->easy, &transfer);
	ret = run(client, &transfer, err);
	/* Nothing of this frame may be left in a handle that lives on. */
	curl_easy_reset(client->easy);
	curl_slist_free_all(headers);
	return ret;
}

/* --- bare connections ------------------------------------------------- */

int sbx_client_connect(struct sbx_client *client,
		       struct sbx_client_connection *out, struct sbx_error *err)
{
	struct sbx_client_connection made = { .easy = curl_easy_init(),
					      .multi = curl_multi_init(),
					      .fd = -1 };
	struct transfer transfer = { .moved_at = sbx_clock_ms() };
	curl_socket_t fd = CURL_SOCKET_BAD;
	CURLcode code = CURLE_OK;
	int ret = -1;

	if (set_common(client, made.easy, err) < 0)
		goto out;
	curl_easy_setopt(made.easy, CURLOPT_URL, client->transport->origin);
	/* CONNECT_ONLY = 2 (websockets) hangs with libcurl 7.88. */
	curl_easy_setopt(made.easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_multi_add_handle(made.multi, made.easy);
	if (drive(client, made.multi, &transfer, SBX_CLIENT_CONNECT_MS, &code,
		  err) < 0)
		goto out;
	if (code == CURLE_OK)
		code = curl_easy_getinfo(made.easy, CURLINFO_ACTIVESOCKET, &fd);
	if (code != CURLE_OK || fd == CURL_SOCKET_BAD) {
		transfer_error(client, made.easy, code, err);
		goto out;
	}
	made.fd = fd;
	*out = made;
	return 0;
out:
	sbx_client_disconnect(&made);
	return ret;
}

void sbx_client_disconnect(struct sbx_client_connection *connection)
{
	if (connection->easy && connection->multi)
		curl_multi_remove_handle(connection->multi, connection->easy);
	curl_easy_cleanup(connection->easy);
	curl_multi_cleanup(connection->multi);
	*connection = (struct sbx_client_connection){ .fd = -1 };
}
