/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* What is asked, again and again: a skill over HTTP, or a command. */
struct target {
	const char *name;

	/* HTTP on a Unix socket; NULL for a command. */
	const char *socket;
	char *request;

	/* A command, its input, and where it complains. */
	char **argv;
	const char *input;
	int complaints;

	/* The output each answer must have; of an object some members. */
	json_t *expect;

	/* paced: asked in one round of so many; open: requests a second. */
	unsigned int every;
	double rate;

	/* The results, under the lock. */
	pthread_mutex_t lock;
	double *ms;
	size_t n;
	size_t room;
	size_t failed;
	char *first_failure;
	json_t *starts;
	double seconds;
};

/* One client of one target; begins as CLIENT_INIT. */
struct client {
	struct target *target;
	int fd; /* the connection that is kept, or -1 */
	char *answer;
	size_t size;
	size_t room;
};

#define CLIENT_INIT(whose)                                                     \
	{                                                                      \
		.target = (whose), .fd = -1                                    \
	}

double now_ms(void);

/* Ends the program: what is wrong is no result. */
_Noreturn void die(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

void *must_realloc(void *old, size_t size);
char *must_printf(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Reads once into client's answer: bytes read, 0 at the end, -1 with errno. */
ssize_t client_read(struct client *client, int fd);
void client_clear(struct client *client);

/*
 * One request and its whole answer, left in client->answer.  NULL, or what
 * went wrong (the caller frees it).
 */
char *http_ask(struct client *client);
char *command_ask(struct client *client);

/* Of an object the expected one may have but some members. */
bool is_expected(const json_t *output, const json_t *expect);

/* What is wrong with the answer (the caller frees it), or NULL. */
char *http_check(const struct client *client);
char *command_check(const struct client *client);

/*
 * Asks once, checks, and adds the time since since_ms, or since the start if
 * that is negative, to the target's results.  Nothing is added if !counted,
 * except failures.
 */
void client_ask(struct client *client, double since_ms, bool counted);

/* targets as many as n; the plan's own members are described in main.c. */
void run_paced(struct target *targets, size_t n, const json_t *plan);
void run_closed(struct target *targets, size_t n, const json_t *plan);
void run_open(struct target *targets, size_t n, const json_t *plan);

/* A member of the plan that must be a number above 0, unless there is a
 * fallback. */
double plan_number(const json_t *plan, const char *name, double fallback);

#endif
