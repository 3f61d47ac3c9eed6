/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * libmicrohttpd accepts connections and gives each a thread, which reads a
 * request, calls back with it and sends the answer, again and again; the run of
 * an action blocks that thread.  What libmicrohttpd calls "inactivity" is
 * turned off meanwhile, for the client has nothing to do but to wait.
 *
 * It knows no limit for a client that sends a byte now and then.  So each
 * connection has a deadline for its next request, and sbx_server_tend() shuts
 * the sockets down of those that miss it.  While a request is answered there
 * is none, but for a stream, of which each piece has to be taken in time: for
 * when that has ended nobody else notices that its client takes nothing.
 */
#include "serve/server.h"

#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "serve/admission.h"
#include "serve/answer.h"
#include "serve/dispatch.h"
#include "serve/mcp_stream.h"
#include "serve/microhttpd.h"

/* Between two requests. */
#define IDLE_MS 300000.0

/* How long the client may keep an answer waiting, in seconds. */
#define SEND_S 60

/* Of a stream, what is sent at once, as much as a run reads at once. */
#define STREAM_BLOCK (256 * 1024)

/*
 * For a request's head, as the buffer for its body, and for what is sent at
 * once.  What is not used of it takes no memory.
 */
#define MEMORY (STREAM_BLOCK + 64 * 1024)

/* One listener, and what libmicrohttpd runs for it. */
struct port {
	struct sbx_server *server;
	const struct sbx_listener *listener;
	struct MHD_Daemon *daemon;
};

struct sbx_server {
	const struct sbx_microhttpd *mhd;
	struct sbx_service *service;
	const struct sbx_server_options *options;
	pthread_mutex_t lock;
	struct connection *connections;
	struct port *ports;
};

/*
 * @deadline	for the request that is awaited or being read, or the piece of a
 *		stream that is being sent; guarded, as is the list, by the
 *		server's lock
 */
struct connection {
	struct sbx_server *server;
	struct connection *next;
	struct connection **at;
	struct sbx_caller client;
	double deadline;
};

/*
 * @is_known	its head is there, and so it counts as under way
 * @is_upgraded	its connection is no longer one of HTTP
 */
struct request {
	struct connection *connection;
	struct MHD_Connection *http;
	struct sbx_exchange exchange;
	struct sbx_buf body;
	bool is_known;
	bool is_too_large;
	bool is_upgraded;
};

/* --- connections ----------------------------------------------------------- */

static void set_deadline(struct connection *connection, double ms)
{
	pthread_mutex_lock(&connection->server->lock);
	connection->deadline = sbx_clock_ms() + ms;
	pthread_mutex_unlock(&connection->server->lock);
}

void sbx_server_tend(struct sbx_server *server)
{
	double now = sbx_clock_ms();

	pthread_mutex_lock(&server->lock);
	for (struct connection *at = server->connections; at; at = at->next) {
		if (at->deadline < now)
			shutdown(at->client.fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&server->lock);
}

/* A peer that vanished without a word is found out within two minutes. */
static void keep_alive(int fd)
{
	const int on = 1;
	const int idle_s = 30;
	const int timeout_ms = 120000;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
		   sizeof(timeout_ms));
}

static struct connection *meet(const struct port *port,
			       struct MHD_Connection *http)
{
	struct sbx_server *server = port->server;
	const union MHD_ConnectionInfo *info =
		server->mhd->MHD_get_connection_info(
			http, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct connection *connection = sbx_calloc(1, sizeof(*connection));

	connection->server = server;
	sbx_caller_identify(&connection->client, info->connect_fd,
			    port->listener->is_local);
	if (!port->listener->is_local)
		keep_alive(info->connect_fd);
	pthread_mutex_lock(&server->lock);
	connection->deadline = sbx_clock_ms() + server->options->request_ms;
	connection->next = server->connections;
	connection->at = &server->connections;
	if (connection->next)
		connection->next->at = &connection->next;
	server->connections = connection;
	pthread_mutex_unlock(&server->lock);
	return connection;
}

/* Before libmicrohttpd closes the socket. */
static void part(struct connection *connection)
{
	pthread_mutex_lock(&connection->server->lock);
	*connection->at = connection->next;
	if (connection->next)
		connection->next->at = connection->at;
	pthread_mutex_unlock(&connection->server->lock);
	free(connection);
}

static void on_connection(void *ctx, struct MHD_Connection *http,
			  void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*context = meet(ctx, http);
	else if (*context)
		part(sbx_take(*context));
}

/* --- requests -------------------------------------------------------------- */

static const char *header_of(void *ctx, const char *name)
{
	struct request *request = ctx;

	return request->connection->server->mhd->MHD_lookup_connection_value(
		request->http, MHD_HEADER_KIND, name);
}

static const char *query_of(void *ctx, const char *name)
{
	struct request *request = ctx;

	return request->connection->server->mhd->MHD_lookup_connection_value(
		request->http, MHD_GET_ARGUMENT_KIND, name);
}

static const char *other_query_of(void *ctx, const char *known)
{
	struct request *request = ctx;

	return sbx_microhttpd_other_query(request->connection->server->mhd,
					  request->http, known);
}

/* The first line of a request is there. */
static void *on_line(void *ctx, const char *uri, struct MHD_Connection *http)
{
	const struct port *port = ctx;
	struct sbx_server *server = port->server;
	struct request *request = sbx_calloc(1, sizeof(*request));

	(void)uri;
	request->connection =
		server->mhd
			->MHD_get_connection_info(
				http, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
			->socket_context;
	request->http = http;
	request->body = (struct sbx_buf)SBX_BUF_INIT(server->options->body_max);
	request->exchange = (struct sbx_exchange){
		.owner = request->connection->client.owner,
		.body = &request->body,
		.connection = request->connection->client.fd,
		.is_local = request->connection->client.is_local,
		.header = header_of,
		.query = query_of,
		.other_query = other_query_of,
		.ctx = request,
	};
	set_deadline(request->connection, server->options->request_ms);
	return request;
}

static void set_patience(const struct request *request, unsigned int seconds)
{
	request->connection->server->mhd->MHD_set_connection_option(
		request->http, MHD_CONNECTION_OPTION_TIMEOUT, seconds);
}

static void on_completed(void *ctx, struct MHD_Connection *http, void **context,
			 enum MHD_RequestTerminationCode code)
{
	struct request *request = sbx_take(*context);

	(void)ctx;
	(void)http;
	(void)code;
	if (!request)
		return;
	if (!request->is_upgraded) {
		set_deadline(request->connection, IDLE_MS);
		set_patience(request, SEND_S);
	}
	if (request->is_known)
		sbx_service_end(request->connection->server->service);
	sbx_buf_free(&request->body);
	free(request);
}

/* Who sends a stream. */
struct reader {
	struct connection *connection;
	struct sbx_stream *stream;
};

/* What it gets now has to be sent before it comes for more, or for the end. */
static ssize_t read_stream(void *ctx, uint64_t at, char *data, size_t size)
{
	const struct reader *reader = ctx;
	struct connection *connection = reader->connection;
	ssize_t got;

	(void)at;
	set_deadline(connection, INFINITY);
	got = sbx_stream_read(reader->stream, data, size);
	set_deadline(connection, connection->server->options->request_ms);
	if (got < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	return got ? got : MHD_CONTENT_READER_END_OF_STREAM;
}

static void close_stream(void *ctx)
{
	struct reader *reader = ctx;

	sbx_stream_close(reader->stream);
	free(reader);
}

static struct MHD_Response *make_stream(const struct request *request,
					struct sbx_stream *stream)
{
	const struct sbx_microhttpd *mhd = request->connection->server->mhd;
	struct reader *reader = sbx_calloc(1, sizeof(*reader));
	struct MHD_Response *response;

	reader->connection = request->connection;
	reader->stream = stream;
	response = mhd->MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, reader,
		close_stream);
	if (!response)
		free(reader);
	return response;
}

/* --- streams of messages --------------------------------------------------- */

/* A connection that is one, in a thread of its own. */
struct upgraded {
	struct sbx_server *server;
	struct MHD_UpgradeResponseHandle *handle;
	char owner[SBX_OWNER_SIZE];
	int fd;
};

static void *serve_upgraded(void *ctx)
{
	const char farewell = SBX_MCP_FAREWELL;
	struct upgraded *upgraded = ctx;
	struct sbx_server *server = upgraded->server;
	struct sbx_service *service = server->service;

	sbx_mcp_stream_serve(&(struct sbx_mcp_stream){
		.service = service,
		.owner = upgraded->owner,
		.in_fd = upgraded->fd,
		.out_fd = upgraded->fd,
		.end_fd = service->drain_fd,
		.message_max = server->options->body_max,
		.stall_ms = SBX_MCP_STALL_MS,
	});
	send(upgraded->fd, &farewell, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	server->mhd->MHD_upgrade_action(upgraded->handle,
					MHD_UPGRADE_ACTION_CLOSE);
	free(upgraded);
	sbx_service_end(service);
	return NULL;
}

/* A client that says something before it has heard that it may is none. */
static void on_upgrade(void *ctx, struct MHD_Connection *http, void *context,
		       const char *extra, size_t extra_size, MHD_socket fd,
		       struct MHD_UpgradeResponseHandle *handle)
{
	struct sbx_server *server = ctx;
	const union MHD_ConnectionInfo *info =
		server->mhd->MHD_get_connection_info(
			http, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	const struct connection *connection = info->socket_context;
	struct upgraded *upgraded = sbx_calloc(1, sizeof(*upgraded));
	pthread_t thread;

	(void)context;
	(void)extra;
	upgraded->server = server;
	upgraded->handle = handle;
	upgraded->fd = fd;
	memcpy(upgraded->owner, connection->client.owner,
	       sizeof(upgraded->owner));
	sbx_service_begin(server->service);
	if (extra_size == 0 &&
	    pthread_create(&thread, NULL, serve_upgraded, upgraded) == 0) {
		pthread_detach(thread);
		return;
	}
	server->mhd->MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
	free(upgraded);
	sbx_service_end(server->service);
}

static enum MHD_Result upgrade(struct request *request)
{
	struct sbx_server *server = request->connection->server;
	struct MHD_Response *response =
		server->mhd->MHD_create_response_for_upgrade(on_upgrade,
							     server);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	request->is_upgraded = true;
	server->mhd->MHD_add_response_header(response, "Upgrade", "mcp");
	result = server->mhd->MHD_queue_response(
		request->http, MHD_HTTP_SWITCHING_PROTOCOLS, response);
	server->mhd->MHD_destroy_response(response);
	return result;
}

/* --- answers --------------------------------------------------------------- */

/* What it is made of is the response's then. */
static struct MHD_Response *make_body(const struct request *request,
				      struct sbx_answer *answer)
{
	const struct sbx_microhttpd *mhd = request->connection->server->mhd;
	struct MHD_Response *response;

	if (answer->stream)
		response = make_stream(request, answer->stream);
	else
		response =
			mhd->MHD_create_response_from_buffer_with_free_callback_cls(
				answer->size, (void *)answer->body,
				answer->release, answer->ctx);
	if (response) {
		answer->release = NULL;
		answer->stream = NULL;
	}
	return response;
}

static struct MHD_Response *make_response(const struct request *request,
					  struct sbx_answer *answer)
{
	const struct sbx_microhttpd *mhd = request->connection->server->mhd;
	struct MHD_Response *response = make_body(request, answer);

	if (!response)
		return NULL;
	if (answer->type)
		mhd->MHD_add_response_header(response, "Content-Type",
					     answer->type);
	mhd->MHD_add_response_header(response, "Cache-Control", "no-store");
	for (size_t i = 0; i + 1 < answer->headers.n; i += 2)
		mhd->MHD_add_response_header(response, answer->headers.v[i],
					     answer->headers.v[i + 1]);
	return response;
}

static enum MHD_Result send_answer(const struct request *request,
				   struct sbx_answer *answer)
{
	const struct sbx_microhttpd *mhd = request->connection->server->mhd;
	struct MHD_Response *response = make_response(request, answer);
	enum MHD_Result result = MHD_NO;

	if (response) {
		result = mhd->MHD_queue_response(request->http, answer->status,
						 response);
		mhd->MHD_destroy_response(response);
	}
	sbx_answer_clear(answer);
	return result;
}

/* The head is there: answers what needs no body to be refused. */
static bool refuse(struct request *request, const char *method,
		   const char *path, struct sbx_answer *answer)
{
	struct connection *connection = request->connection;
	const struct sbx_server_options *options = connection->server->options;
	const struct sbx_admission admission = {
		.service = connection->server->service,
		.token = options->token,
		.hosts = &options->hosts,
		.body_max = options->body_max,
	};

	return !sbx_admission_decide(&admission, &connection->client,
				     &request->exchange, method, path, answer);
}

/* All of it is there. */
static enum MHD_Result answer_request(struct request *request)
{
	struct connection *connection = request->connection;
	struct sbx_answer answer = { .status = 0 };

	set_deadline(connection, INFINITY);
	set_patience(request, 0);
	if (request->is_too_large)
		sbx_admission_too_large(&answer,
					connection->server->options->body_max);
	else
		sbx_dispatch(connection->server->service, &request->exchange,
			     &answer);
	if (answer.is_upgrade)
		return upgrade(request);
	/* Who reads a stream may have nothing to read for long. */
	if (!answer.stream)
		set_patience(request, SEND_S);
	return send_answer(request, &answer);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *http,
				  const char *path, const char *method,
				  const char *version, const char *data,
				  size_t *size, void **context)
{
	struct request *request = *context;
	struct sbx_answer answer = { .status = 0 };

	(void)ctx;
	(void)http;
	(void)version;
	if (!request->is_known) {
		request->is_known = true;
		/* First, so that who drains sees it, or it sees him. */
		sbx_service_begin(request->connection->server->service);
		if (refuse(request, method, path, &answer)) {
			set_deadline(request->connection, INFINITY);
			return send_answer(request, &answer);
		}
		return MHD_YES;
	}
	if (*size == 0)
		return answer_request(request);
	if (sbx_buf_append(&request->body, data, *size) < *size)
		request->is_too_large = true;
	*size = 0;
	return MHD_YES;
}

/* No path that we have has anything to decode in it, see route.h. */
static size_t leave_encoded(void *ctx, struct MHD_Connection *http, char *text)
{
	(void)ctx;
	(void)http;
	return strlen(text);
}

/* --- the server ------------------------------------------------------------ */

/* libmicrohttpd closes what it is given. */
static struct MHD_Daemon *listen_to(const struct sbx_server *server,
				    struct port *port)
{
	int fd = fcntl(port->listener->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return NULL;
	return server->mhd->MHD_start_daemon(
		MHD_USE_THREAD_PER_CONNECTION |
			MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
			MHD_USE_ITC | MHD_ALLOW_UPGRADE,
		0, NULL, NULL, on_request, port, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, server->options->connections_max,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, port,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, port,
		MHD_OPTION_URI_LOG_CALLBACK, on_line, port,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, port,
		MHD_OPTION_END);
}

int sbx_server_start(struct sbx_server **out, struct sbx_service *service,
		     const struct sbx_server_options *options,
		     struct sbx_error *err)
{
	const struct sbx_microhttpd *mhd = sbx_microhttpd_load(err);
	struct sbx_server *server;

	if (!mhd)
		return -1;
	server = sbx_calloc(1, sizeof(*server));
	server->mhd = mhd;
	server->service = service;
	server->options = options;
	pthread_mutex_init(&server->lock, NULL);
	server->ports = sbx_calloc(options->n, sizeof(*server->ports));
	for (size_t i = 0; i < options->n; i++) {
		struct port *port = &server->ports[i];

		port->server = server;
		port->listener = &options->listeners[i];
		port->daemon = listen_to(server, port);
		if (port->daemon)
			continue;
		sbx_server_stop(&server);
		return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
				     "the HTTP server cannot be started");
	}
	*out = server;
	return 0;
}

void sbx_server_stop(struct sbx_server **server)
{
	if (!*server)
		return;
	for (size_t i = 0; i < (*server)->options->n; i++) {
		if ((*server)->ports[i].daemon)
			(*server)->mhd->MHD_stop_daemon(
				(*server)->ports[i].daemon);
	}
	pthread_mutex_destroy(&(*server)->lock);
	free((*server)->ports);
	free(sbx_take(*server));
}
