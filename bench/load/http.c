/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "load.h"

/* As long as the slowest answer may take. */
#define PATIENCE_S 120

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		die("%s: too long for a socket's path", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
	return fd;
}

static int write_all(int fd, const char *data)
{
	size_t left = strlen(data);

	while (left > 0) {
		ssize_t sent = send(fd, data, left, MSG_NOSIGNAL);

		if (sent < 0)
			return -1;
		data += sent;
		left -= (size_t)sent;
	}
	return 0;
}

/* The value of a header line in the head, or NULL. */
static const char *header(const char *head, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line;
	     line = strstr(line + 2, "\r\n")) {
		if (!strncasecmp(line + 2, name, length) &&
		    line[2 + length] == ':')
			return line + 3 + length;
	}
	return NULL;
}

/* The head's size with its empty line, once it is all there; else 0. */
static size_t head_size(const struct client *client)
{
	const char *end = client->size ? strstr(client->answer, "\r\n\r\n")
				       : NULL;

	return end ? (size_t)(end - client->answer) + 4 : 0;
}

static char *read_answer(struct client *client)
{
	size_t whole = 0;

	do {
		ssize_t got = client_read(client, client->fd);
		size_t head = whole ? 0 : head_size(client);

		if (got < 0)
			return must_printf("reading: %s", strerror(errno));
		if (got == 0)
			return must_printf("the answer ends after %zu bytes",
					   client->size);
		if (head) {
			const char *length =
				header(client->answer, "Content-Length");

			if (!length)
				return must_printf("no Content-Length");
			whole = head + strtoul(length, NULL, 10);
		}
	} while (!whole || client->size < whole);
	return NULL;
}

char *http_ask(struct client *client)
{
	char *problem;

	client->size = 0;
	if (client->fd < 0)
		client->fd = dial(client->target->socket);
	if (client->fd < 0 || write_all(client->fd, client->target->request))
		problem = must_printf("%s: %s", client->target->socket,
				      strerror(errno));
	else
		problem = read_answer(client);
	if (problem && client->fd >= 0) {
		close(client->fd);
		client->fd = -1;
	}
	return problem;
}

static void count_start(struct target *target, const char *start)
{
	json_int_t before =
		json_integer_value(json_object_get(target->starts, start));

	json_object_set_new(target->starts, start, json_integer(before + 1));
}

char *http_check(const struct client *client)
{
	struct target *target = client->target;
	const char *body = client->answer + head_size(client);
	json_t *record = json_loads(body, 0, NULL);
	const char *outcome =
		json_string_value(json_object_get(record, "outcome"));
	const char *start = json_string_value(json_object_get(record, "start"));
	char *problem = NULL;

	if (!outcome || strcmp(outcome, "ok") != 0 ||
	    !is_expected(json_object_get(record, "output"), target->expect))
		problem = must_printf("answered: %.1000s", client->answer);
	pthread_mutex_lock(&target->lock);
	count_start(target, start ? start : "none");
	pthread_mutex_unlock(&target->lock);
	json_decref(record);
	return problem;
}
