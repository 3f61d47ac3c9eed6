/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_FAULT_SERVER_H
#define SBX_TESTS_FAULT_SERVER_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * An engine that misbehaves: a thread behind a Unix socket.  It answers
 * /_ping with @ping (after @ping_cut bytes of it, it hangs up) and anything
 * else with @reply, of which it sends @cut bytes, and then does what @then
 * says. Each connection has a thread of its own, but only one at a time may say
 * something.
 *
 * @connections	accepted so far
 * @requests	heads received but for /_ping
 * @seen	the last request other than /_ping, with its body
 */
enum fault_then {
	FAULT_KEEP,   /* wait for the next request */
	FAULT_CLOSE,  /* close the connection */
	FAULT_LINGER, /* close it as Go does: its own side first */
	FAULT_STALL,  /* say nothing more, but stay */
};

#define FAULT_CONNECTIONS 1024

struct fault_server {
	char directory[32];
	char url[64];
	int listener;
	int stop[2];
	pthread_t thread;
	pthread_t threads[FAULT_CONNECTIONS];
	const char *ping;
	size_t ping_cut;
	const char *reply;
	size_t cut;
	enum fault_then then;
	const char *endless; /* sent again and again after the reply */
	bool deaf;	     /* does not read bodies */
	int connections;
	int requests;
	char seen[65536];
	size_t seen_size;
};

#define FAULT_PING                                                             \
	"HTTP/1.1 200 OK\r\n"                                                  \
	"Api-Version: 1.41\r\nOstype: linux\r\n"                               \
	"Content-Length: 0\r\n\r\n"

static bool fault_readable(struct fault_server *server, int fd)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = server->stop[0], .events = POLLIN },
	};

	return poll(fds, 2, -1) > 0 && !fds[1].revents;
}

static bool fault_body_complete(const struct fault_server *server,
				const char *body)
{
	const char *length = strstr(server->seen, "Content-Length: ");

	if (strstr(server->seen, "Transfer-Encoding: chunked"))
		return strstr(body, "0\r\n\r\n");
	return !length || strlen(body) >= strtoul(length + 16, NULL, 10);
}

/* One request with its body into @seen; false when there is none. */
static bool fault_receive(struct fault_server *server, int fd)
{
	server->seen_size = 0;
	for (;;) {
		size_t room = sizeof(server->seen) - server->seen_size - 1;
		const char *head;
		ssize_t got;

		if (!room || !fault_readable(server, fd))
			return false;
		got = recv(fd, server->seen + server->seen_size, room, 0);
		if (got <= 0)
			return false;
		server->seen_size += (size_t)got;
		server->seen[server->seen_size] = '\0';
		head = strstr(server->seen, "\r\n\r\n");
		if (head &&
		    (server->deaf || fault_body_complete(server, head + 4)))
			return true;
	}
}

static void fault_send(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		data += sent;
		size -= (size_t)sent;
	}
}

static void fault_flood(struct fault_server *server, int fd)
{
	size_t size = strlen(server->endless);

	while (send(fd, server->endless, size, MSG_NOSIGNAL) > 0) {
	}
}

/* One request and its answer; what becomes of the connection then. */
static enum fault_then fault_answer(struct fault_server *server, int fd)
{
	size_t size;

	if (!fault_receive(server, fd))
		return FAULT_CLOSE;
	if (strstr(server->seen, " /_ping ")) {
		size = strlen(server->ping);
		if (server->ping_cut < size)
			size = server->ping_cut;
		fault_send(fd, server->ping, size);
		return size == server->ping_cut ? FAULT_CLOSE : FAULT_KEEP;
	}
	size = strlen(server->reply);
	server->requests++;
	fault_send(fd, server->reply, server->cut < size ? server->cut : size);
	if (server->endless)
		fault_flood(server, fd);
	return server->then;
}

/* One request at a time, of all connections: what was seen is the server's. */
static void fault_serve(struct fault_server *server, int fd)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	enum fault_then then = FAULT_KEEP;

	while (then == FAULT_KEEP && fault_readable(server, fd)) {
		pthread_mutex_lock(&lock);
		then = fault_answer(server, fd);
		pthread_mutex_unlock(&lock);
	}
	if (then == FAULT_LINGER) {
		shutdown(fd, SHUT_WR);
		usleep(200 * 1000);
	} else if (then == FAULT_STALL) {
		fault_readable(server, -1);
	}
}

struct fault_connection {
	struct fault_server *server;
	int fd;
};

static void *fault_connection_main(void *ctx)
{
	struct fault_connection *connection = ctx;

	fault_serve(connection->server, connection->fd);
	close(connection->fd);
	free(connection);
	return NULL;
}

static void *fault_main(void *ctx)
{
	struct fault_server *server = ctx;

	while (fault_readable(server, server->listener)) {
		struct fault_connection *connection =
			malloc(sizeof(*connection));

		connection->server = server;
		connection->fd =
			accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
		if (connection->fd < 0 ||
		    server->connections == FAULT_CONNECTIONS ||
		    pthread_create(&server->threads[server->connections], NULL,
				   fault_connection_main, connection) != 0)
			abort();
		server->connections++;
	}
	for (int i = 0; i < server->connections; i++)
		pthread_join(server->threads[i], NULL);
	return NULL;
}

static inline void fault_start(struct fault_server *server)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*server = (struct fault_server){ .ping = FAULT_PING,
					 .ping_cut = (size_t)-1,
					 .reply = "",
					 .cut = (size_t)-1 };
	snprintf(server->directory, sizeof(server->directory), "%s",
		 "/tmp/skillbox-unit.XXXXXX");
	if (!mkdtemp(server->directory) || pipe(server->stop) < 0)
		abort();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s",
		 server->directory);
	snprintf(server->url, sizeof(server->url), "unix://%s/s",
		 server->directory);
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server->listener, (struct sockaddr *)&address,
		 sizeof(address)) < 0 ||
	    listen(server->listener, 16) < 0 ||
	    pthread_create(&server->thread, NULL, fault_main, server) != 0)
		abort();
}

/* The counters may be read once this has returned. */
static inline void fault_stop(struct fault_server *server)
{
	char path[64];

	close(server->stop[1]);
	pthread_join(server->thread, NULL);
	close(server->stop[0]);
	close(server->listener);
	snprintf(path, sizeof(path), "%s/s", server->directory);
	unlink(path);
	rmdir(server->directory);
}

/* A thread that writes to the descriptor *@ctx once a request is under way. */
static inline void *fault_cancel_later(void *ctx)
{
	int *fd = ctx;

	usleep(50 * 1000);
	if (write(*fd, "x", 1) != 1)
		abort();
	return NULL;
}

#endif
