/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_RUNNER_H
#define SBX_SANDBOX_RUNNER_H

/* Who made what is on the engine, and whether that process still lives. */

/* Label on every container, and on temporary volumes: who runs it. */
#define SBX_LABEL_RUNNER "io.skillbox.runner"

/*
 * This process, as no other process is or was called: boot id, namespaces,
 * pid and start time, joined by ':'.  Static, one per thread.
 */
const char *sbx_runner_identity(void);

/*
 * What can be said of the runner that @identity names.  ELSEWHERE: it was on
 * another machine, on another boot of this one, in another pid or time
 * namespace, or this is no identity.
 */
enum sbx_runner_state {
	SBX_RUNNER_ALIVE,
	SBX_RUNNER_DEAD,
	SBX_RUNNER_ELSEWHERE,
};

enum sbx_runner_state sbx_runner_state(const char *identity);

#endif
