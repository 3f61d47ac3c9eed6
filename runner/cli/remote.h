/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_REMOTE_H
#define SBX_CLI_REMOTE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/error.h"
#include "sandbox/events.h"

/*
 * The client's end of `skillbox serve` (manifests/openapi.yaml) on its Unix
 * socket.  Nothing is said to a daemon that is neither our own user's nor
 * root's: whoever else made that socket would get the input.
 */

/* The other end of a connected socket is ours or root's; else DENIED. */
int sbx_remote_check_peer(int fd, struct sbx_error *err);

/* There is a socket at that path; whether anybody listens, nobody knows. */
bool sbx_remote_is_there(const char *socket);

/*
 * A run that the daemon is asked for.
 *
 * @socket	path
 * @expect	our fingerprint (skill/fingerprint.h)
 * @run_id	what it is to be called
 * @events	of the run, as in this process
 * @cancel_fd	readable when the run is to end: the daemon ends it when we
 *		hang up
 */
struct sbx_remote_run {
	const char *socket;
	const char *expect;
	const char *skill;
	const char *action;
	const void *input;
	size_t input_size;
	const char *run_id;
	const struct sbx_run_events *events;
	int cancel_fd;
};

/*
 * Has the daemon do it: 0 with its record, a new reference.
 *
 * SBX_REMOTE_ELSEWHERE, with @err filled, when it is certain that it did not
 * begin and never will: nobody is there, it is not one of ours, it serves
 * something else or is about to end.  The caller does it himself then.
 *
 * -1 when there is no record and it must not be run again: CANCELLED, or
 * UNAVAILABLE when the daemon took it and was lost.  *@was_sent tells then that
 * the input left, so that nobody knows what the action did.
 */
#define SBX_REMOTE_ELSEWHERE 1
int sbx_remote_run(const struct sbx_remote_run *run, json_t **record,
		   bool *was_sent, struct sbx_error *err);

/*
 * Any other request; @body may be NULL.  0 with the JSON of a 2xx answer.  -1:
 * UNAVAILABLE (nobody answers, saying how to start one), DENIED, CANCELLED, or
 * what the daemon says is wrong.
 */
int sbx_remote_call(const char *socket, const char *method, const char *target,
		    const json_t *body, int cancel_fd, json_t **answer,
		    struct sbx_error *err);

#endif
