/* SPDX-License-Identifier: MIT */
/*
 * usage: load <PLAN >RESULTS
 *
 * A load generator for skills over HTTP and for commands alike.  A target's
 * time is that of the whole request: from before it is sent (for a command:
 * before fork and exec) until its last byte of answer is there (its process
 * has ended).  Every answer must be the expected one; what is not counts as a
 * failure and has no time.
 *
 * PLAN is JSON:
 *
 *	mode	 "paced": one request at a time, in rounds over all targets.
 *		     rate (rounds a second), requests, warm_ups
 *		 "closed": clients that ask again as soon as they are answered.
 *		     clients, seconds, turns
 *		 "open": a steady rate, whatever the answers take.
 *		     seconds
 *	targets	 [{name, input (text), expect (JSON; of an object, members
 *		   that it must have; "" is also a command's no output),
 *		   socket and path, or command: [...],
 *		   every (paced: in one round of so many), rate (open)}]
 *	stderr	 a file to which the commands' standard error is appended
 *
 * RESULTS is [{name, ms: [...], seconds, failed, first_failure,
 * starts: {cold: 1, warm: 499}}], and the exit status 1 if anything failed.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "load.h"

double plan_number(const json_t *plan, const char *name, double fallback)
{
	const json_t *value = json_object_get(plan, name);

	if (value ? json_number_value(value) <= 0 : fallback <= 0)
		die("the plan: %s must be a number above 0", name);
	return value ? json_number_value(value) : fallback;
}

static const char *plan_text(const json_t *plan, const char *name)
{
	const char *text = json_string_value(json_object_get(plan, name));

	if (!text)
		die("the plan: %s must be text", name);
	return text;
}

static char **strings(const json_t *array)
{
	size_t n = json_array_size(array);
	char **all = must_realloc(NULL, (n + 1) * sizeof(*all));

	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(array, i));

		all[i] = must_printf("%s", text ? text : "");
	}
	all[n] = NULL;
	return all;
}

static void read_target(const json_t *plan, int complaints,
			struct target *target)
{
	*target = (struct target){
		.name = plan_text(plan, "name"),
		.input = plan_text(plan, "input"),
		.complaints = complaints,
		.expect = json_object_get(plan, "expect"),
		.every = (unsigned int)plan_number(plan, "every", 1),
		.rate = plan_number(plan, "rate", 1),
		.starts = json_object(),
	};
	pthread_mutex_init(&target->lock, NULL);
	target->argv = strings(json_object_get(plan, "command"));
	if (target->argv[0])
		return;
	target->socket = plan_text(plan, "socket");
	target->request = must_printf("POST %s HTTP/1.1\r\n"
				      "Host: localhost\r\n"
				      "Content-Type: application/json\r\n"
				      "Content-Length: %zu\r\n"
				      "\r\n"
				      "%s",
				      plan_text(plan, "path"),
				      strlen(target->input), target->input);
}

static json_t *result_of(const struct target *target)
{
	json_t *ms = json_array();

	for (size_t i = 0; i < target->n; i++)
		json_array_append_new(ms, json_real(target->ms[i]));
	return json_pack("{s:s, s:o, s:f, s:I, s:s?, s:O}", "name",
			 target->name, "ms", ms, "seconds", target->seconds,
			 "failed", (json_int_t)target->failed, "first_failure",
			 target->first_failure, "starts", target->starts);
}

static void free_target(struct target *target)
{
	for (char **arg = target->argv; *arg; arg++)
		free(*arg);
	free(target->argv);
	free(target->request);
	free(target->ms);
	free(target->first_failure);
	json_decref(target->starts);
}

static int open_complaints(const json_t *plan)
{
	const char *path = plan_text(plan, "stderr");
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		die("%s: cannot be written", path);
	return fd;
}

static void run(struct target *targets, size_t n, const json_t *plan)
{
	const char *mode = plan_text(plan, "mode");

	if (!strcmp(mode, "paced"))
		run_paced(targets, n, plan);
	else if (!strcmp(mode, "closed"))
		run_closed(targets, n, plan);
	else if (!strcmp(mode, "open"))
		run_open(targets, n, plan);
	else
		die("the plan: no mode %s", mode);
}

int main(void)
{
	json_error_t problem;
	json_t *plan = json_loadf(stdin, 0, &problem);
	json_t *all = json_object_get(plan, "targets");
	size_t n = json_array_size(all);
	struct target *targets = must_realloc(NULL, (n + 1) * sizeof(*targets));
	json_t *results = json_array();
	int complaints;
	size_t failed = 0;

	if (!plan || n == 0)
		die("the plan: %s", plan ? "no targets" : problem.text);
	signal(SIGPIPE, SIG_IGN);
	/* Threads have it from this one: sleeps end 50 us late otherwise. */
	prctl(PR_SET_TIMERSLACK, 1);
	complaints = open_complaints(plan);
	for (size_t i = 0; i < n; i++)
		read_target(json_array_get(all, i), complaints, &targets[i]);
	run(targets, n, plan);
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(results, result_of(&targets[i]));
		failed += targets[i].failed;
		free_target(&targets[i]);
	}
	json_dumpf(results, stdout, JSON_REAL_PRECISION(7));
	json_decref(results);
	json_decref(plan);
	free(targets);
	close(complaints);
	return failed ? 1 : 0;
}
