/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_MCP_SERVICE_H
#define SBX_TESTS_MCP_SERVICE_H

#include <sys/socket.h>

#include "codec/json.h"
#include "mcp_skills.h"
#include "serve/service.h"

/*
 * The daemon's service on the skills of the scratch directory, where callers
 * may say whose they are, for an engine that is not there: a call of a tool
 * comes as far as asking for that, when it gets the one place that there is.
 */
static struct sbx_service *service;

/* The one place; who has it keeps all calls waiting. */
static struct sbx_ticket place;

static inline void service_say(const char *line)
{
	print_message("%s\n", line);
}

static inline int service_enter(void **state)
{
	const struct sbx_service_options options = {
		.skills = "skills",
		.policy = "policy.yaml",
		.engine = "unix:///nowhere/engine.sock",
		.runs = 1,
		.queue = 2,
		.log_fd = -1,
		.say = service_say,
	};
	struct sbx_error err = SBX_ERROR_INIT;

	if (skills_enter(state) < 0)
		return -1;
	put("policy.yaml", "schema_version: 1\ncallers: {owner: true}\n");
	skill_put("a", "  b: {}\n");
	if (sbx_service_open(&service, &options, &err) == 0)
		return 0;
	print_message("%s\n", err.message);
	return -1;
}

static inline int service_leave(void **state)
{
	sbx_service_close(&service);
	return skills_leave(state);
}

static inline void take_place(void)
{
	struct sbx_error err = SBX_ERROR_INIT;

	place = (struct sbx_ticket)SBX_TICKET_INIT;
	assert_int_equal(sbx_gate_enter(service->gate, &place, &err), 0);
}

static inline size_t count_runs(const char *owner)
{
	cleanup_free char *text = sbx_runs_list(service->runs, owner);
	json_auto_t *runs = json_loads(text, 0, NULL);

	return json_array_size(runs);
}

/* Until there are as many; there is nothing else to wait for. */
static inline void await_runs(const char *owner, size_t n)
{
	for (int i = 0; count_runs(owner) != n; i++) {
		if (i == 5000)
			fail_msg("%zu runs, expected %zu", count_runs(owner),
				 n);
		usleep(1000);
	}
}

#endif
