/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

void *must_realloc(void *old, size_t size)
{
	void *new = realloc(old, size);

	if (!new)
		die("out of memory");
	return new;
}

char *must_printf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		die("out of memory");
	va_end(args);
	return text;
}

/* What was read is a string, too. */
ssize_t client_read(struct client *client, int fd)
{
	ssize_t got;

	if (client->room - client->size < 4096) {
		client->room = client->room ? 2 * client->room : 65536;
		client->answer = must_realloc(client->answer, client->room);
	}
	do
		got = read(fd, client->answer + client->size,
			   client->room - client->size - 1);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		client->size += (size_t)got;
	client->answer[client->size] = '\0';
	return got;
}

void client_clear(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	free(client->answer);
}

bool is_expected(const json_t *output, const json_t *expect)
{
	const char *name;
	json_t *value;

	if (!json_is_object(expect))
		return json_equal(output, expect);
	json_object_foreach ((json_t *)expect, name, value) {
		if (!json_equal(json_object_get(output, name), value))
			return false;
	}
	return json_is_object(output);
}

static void add(struct target *target, double ms)
{
	if (target->n == target->room) {
		target->room = target->room ? 2 * target->room : 1024;
		target->ms = must_realloc(target->ms,
					  target->room * sizeof(*target->ms));
	}
	target->ms[target->n++] = ms;
}

static void add_failure(struct target *target, char *problem)
{
	target->failed++;
	if (target->first_failure)
		free(problem);
	else
		target->first_failure = problem;
}

void client_ask(struct client *client, double since_ms, bool counted)
{
	struct target *target = client->target;
	double began = since_ms < 0 ? now_ms() : since_ms;
	char *problem = target->socket ? http_ask(client) : command_ask(client);
	double took = now_ms() - began;

	/* Off the clock: a user's program would want the output, too, but each
	 * in its own way. */
	if (!problem)
		problem = target->socket ? http_check(client)
					 : command_check(client);
	pthread_mutex_lock(&target->lock);
	if (problem)
		add_failure(target, problem);
	else if (counted)
		add(target, took);
	pthread_mutex_unlock(&target->lock);
}
