/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <unistd.h>

#include "cli/mcp_bridge.h"
#include "cli/terminal.h"
#include "serve/daemon.h"
#include "serve/image_builder.h"
#include "serve/mcp_stdio.h"

/* Sandboxes that wait for one client. */
#define WAITING_MAX 8

struct values {
	const char *socket;
	bool no_daemon;
	bool sessions;
};

static const struct sbx_option options[] = {
	{ "socket", 0, SBX_OPTION_TEXT, "PATH", SBX_CLI_SOCKET_HELP,
	  offsetof(struct values, socket) },
	{ "no-daemon", 0, SBX_OPTION_FLAG, NULL,
	  "run actions in this process, also where a daemon would",
	  offsetof(struct values, no_daemon) },
	{ "sessions", 0, SBX_OPTION_FLAG, NULL,
	  "offer tools of sessions too: sandboxes that stay, in which one "
	  "thing after the other is run",
	  offsetof(struct values, sessions) },
	{ .name = NULL },
};

static void say(const char *line)
{
	sbx_term_error("%s", line);
}

/* As sbx_mcp_bridge(). */
static int by_daemon(const struct sbx_cli *cli, const struct values *values,
		     struct sbx_error *err)
{
	cleanup_free char *socket = sbx_cli_socket(values->socket);
	struct sbx_error ignored = SBX_ERROR_INIT;
	struct sbx_catalog catalog;
	char expect[SBX_HASH_HEX_SIZE];
	int result = SBX_MCP_BRIDGE_REFUSED;

	if (values->no_daemon || sbx_cli_catalog(cli, &catalog, &ignored) < 0)
		return result;
	if (sbx_cli_fingerprint(cli, &catalog, expect, &ignored) == 0)
		result = sbx_mcp_bridge(socket, expect, values->sessions, err);
	sbx_catalog_close(&catalog);
	return result;
}

static int serve(const struct sbx_cli *cli, const struct values *values)
{
	struct sbx_service_options service = {
		.skills = cli->globals->skills,
		.policy = cli->globals->policy,
		.keys = cli->globals->keyring.place,
		.runs = SBX_DAEMON_RUNS,
		.queue = SBX_DAEMON_QUEUE,
		.waiting_max = WAITING_MAX,
		.image_wait_ms = SBX_IMAGE_WAIT_MS,
		.has_sessions = values->sessions,
		.log_fd = -1,
		.say = say,
	};
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_engine *engine = NULL;
	int result;

	if (sbx_cli_engine(cli, &engine, &err) < 0)
		return sbx_cli_fail(&err);
	service.engine = sbx_engine_url(engine);
	result = sbx_mcp_stdio_serve(&service, &err);
	sbx_engine_free(&engine);
	return result < 0 ? sbx_cli_fail(&err) : 0;
}

static int cmd_mcp(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .socket = NULL };
	struct sbx_error err = SBX_ERROR_INIT;
	int status;
	int result;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	if (isatty(STDIN_FILENO))
		sbx_term_error("this speaks the Model Context Protocol on "
			       "standard input and output, to a program: see "
			       "'skillbox mcp --help'");
	result = by_daemon(cli, &values, &err);
	if (result < 0)
		return sbx_cli_fail(&err);
	return result == SBX_MCP_BRIDGE_REFUSED ? serve(cli, &values) : 0;
}

const struct sbx_command sbx_cmd_mcp = {
	.name = "mcp",
	.summary = "offer the skills as tools to a client of the Model Context "
		   "Protocol",
	.arguments = "",
	.details =
		"Speaks the protocol on standard input and output, so that an "
		"assistant can start it: revisions 2025-06-18, 2025-11-25 and "
		"2026-07-28. Each action is a tool called SKILL_ACTION, or by "
		"its tool_name. Runs are the daemon's where 'skillbox serve' "
		"serves the same skills, engine and policy, else this "
		"process's, which keeps up to eight sandboxes waiting. Images "
		"are built in the background; a call waits for one at most 45 "
		"seconds. The daemon speaks the same over HTTP, at /mcp.",
	.examples = "  skillbox --skills ~/skills mcp\n"
		    "  claude mcp add skillbox -- skillbox --skills "
		    "~/skills mcp\n",
	.options = options,
	.run = cmd_mcp,
};
