/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "load.h"

#define OPEN_CLIENTS 64

static void sleep_until(double ms)
{
	struct timespec until = {
		.tv_sec = (time_t)(ms / 1e3),
	};

	until.tv_nsec = (long)((ms - (double)until.tv_sec * 1e3) * 1e6);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL))
		;
}

/* --- paced ----------------------------------------------------------------- */

/*
 * One request at a time, in rounds that begin at a steady rate, or when the
 * last one is over.  Each round begins with another target, so that what one
 * leaves behind meets all others alike.
 */
void run_paced(struct target *targets, size_t n, const json_t *plan)
{
	size_t rounds = (size_t)plan_number(plan, "requests", 0);
	size_t warm_ups = (size_t)plan_number(plan, "warm_ups", 1);
	double period = 1e3 / plan_number(plan, "rate", 0);
	struct client *clients = must_realloc(NULL, n * sizeof(*clients));
	double next = now_ms();

	for (size_t i = 0; i < n; i++)
		clients[i] = (struct client)CLIENT_INIT(&targets[i]);
	for (size_t round = 0; round < warm_ups + rounds; round++) {
		sleep_until(next);
		for (size_t i = 0; i < n; i++) {
			size_t which = (round + i) % n;
			bool counted = round >= warm_ups;

			if ((round - warm_ups) % targets[which].every == 0 ||
			    !counted)
				client_ask(&clients[which], -1, counted);
		}
		next += period;
		if (next < now_ms())
			next = now_ms();
	}
	for (size_t i = 0; i < n; i++)
		client_clear(&clients[i]);
	free(clients);
}

/* --- many clients ---------------------------------------------------------- */

/* What the clients of one target share. */
struct crowd {
	struct target *target;
	double began;
	double ends;   /* closed: nobody begins a request after this */
	double period; /* open: between two requests */
	size_t requests;
	atomic_size_t next;
	pthread_t *threads;
	size_t n;
};

static void crowd_begin(struct crowd *crowd, struct target *target,
			size_t clients, void *(*be_client)(void *))
{
	crowd->target = target;
	crowd->n = clients;
	crowd->threads = must_realloc(NULL, clients * sizeof(pthread_t));
	for (size_t i = 0; i < clients; i++)
		if (pthread_create(&crowd->threads[i], NULL, be_client, crowd))
			die("cannot start a thread");
}

static void crowd_end(struct crowd *crowd)
{
	for (size_t i = 0; i < crowd->n; i++)
		pthread_join(crowd->threads[i], NULL);
	crowd->target->seconds += (now_ms() - crowd->began) / 1e3;
	free(crowd->threads);
}

static void *closed_client(void *arg)
{
	struct crowd *crowd = arg;
	struct client client = CLIENT_INIT(crowd->target);

	sleep_until(crowd->began);
	while (now_ms() < crowd->ends)
		client_ask(&client, -1, true);
	client_clear(&client);
	return NULL;
}

/*
 * So many clients, each of which asks again when it has its answer.  The
 * targets take turns; the time of a turn ends with its last answer.
 */
void run_closed(struct target *targets, size_t n, const json_t *plan)
{
	size_t clients = (size_t)plan_number(plan, "clients", 0);
	size_t turns = (size_t)plan_number(plan, "turns", 1);
	double ms = plan_number(plan, "seconds", 0) * 1e3 / (double)turns;

	for (size_t i = 0; i < n * turns; i++) {
		struct crowd crowd = { .began = now_ms() + 10 };

		crowd.ends = crowd.began + ms;
		crowd_begin(&crowd, &targets[i % n], clients, closed_client);
		crowd_end(&crowd);
	}
}

/* Takes the next request that is due, whoever is free. */
static void *open_client(void *arg)
{
	struct crowd *crowd = arg;
	struct client client = CLIENT_INIT(crowd->target);
	size_t i;

	while ((i = atomic_fetch_add(&crowd->next, 1)) < crowd->requests) {
		double due = crowd->began + (double)i * crowd->period;

		sleep_until(due);
		client_ask(&client, due, true);
	}
	client_clear(&client);
	return NULL;
}

/*
 * Requests are due at a steady rate, whatever becomes of those before them,
 * and their time runs from when they were due, not from when somebody got
 * around to send them.  A load generator that waits for an answer before it
 * asks again leaves out just those requests that would have found the target
 * busy ("coordinated omission").
 *
 * All targets at the same time, each with its own rate, out of step.
 */
void run_open(struct target *targets, size_t n, const json_t *plan)
{
	double seconds = plan_number(plan, "seconds", 0);
	struct crowd *crowds = calloc(n, sizeof(*crowds));
	double began = now_ms() + 100;

	if (!crowds)
		die("out of memory");
	for (size_t i = 0; i < n; i++) {
		struct crowd *crowd = &crowds[i];

		crowd->period = 1e3 / targets[i].rate;
		crowd->began = began + crowd->period * (double)i / (double)n;
		crowd->requests = (size_t)(seconds * targets[i].rate);
		crowd_begin(crowd, &targets[i], OPEN_CLIENTS, open_client);
	}
	for (size_t i = 0; i < n; i++)
		crowd_end(&crowds[i]);
	free(crowds);
}
