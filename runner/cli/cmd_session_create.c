/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cli/cancel.h"
#include "cli/remote.h"
#include "cli/request.h"
#include "cli/session_remote.h"
#include "cli/session_target.h"
#include "cli/terminal.h"
#include "codec/units.h"
#include "sandbox/session.h"

struct values {
	struct sbx_request_options request;
	const char *skill;
	const char *action;
	const char *ttl;
	const char *image;
	const char *on_start;
	const char *on_stop;
	enum sbx_cli_format format;
};

static const struct sbx_option options[] = {
	{ "skill", 0, SBX_OPTION_TEXT, "SKILL", "whose sandbox it is",
	  offsetof(struct values, skill) },
	{ "action", 0, SBX_OPTION_TEXT, "ACTION",
	  "of which action (default: the skill's first)",
	  offsetof(struct values, action) },
	{ "ttl", 0, SBX_OPTION_TEXT, "DURATION",
	  "it ends when nothing was run for so long: 10m (default), 1s to 24h",
	  offsetof(struct values, ttl) },
	{ "image", 0, SBX_OPTION_TEXT, "IMAGE",
	  "in place of the skill's own; the policy has to grant it (build: "
	  "from)",
	  offsetof(struct values, image) },
	{ "env", 'e', SBX_OPTION_LIST, "NAME[=VALUE]",
	  "set a variable for all that runs in it; without a value, the one it "
	  "has here",
	  offsetof(struct values, request.env) },
	{ "env-file", 0, SBX_OPTION_LIST, "FILE",
	  "the same from a file of NAME=VALUE lines, as docker reads it",
	  offsetof(struct values, request.env_files) },
	{ "secret", 0, SBX_OPTION_LIST, "NAME=@FILE|NAME=fd:N",
	  "give a secret that the action names, in place of a sealed one",
	  offsetof(struct values, request.secrets) },
	{ "volume", 'v', SBX_OPTION_LIST, "SRC:DST[:ro|rw[,rslave]]",
	  "mount a volume of the skill (a name) or an absolute host path",
	  offsetof(struct values, request.volumes) },
	{ "network", 0, SBX_OPTION_TEXT, "MODE",
	  "none, bridge or host, in place of the manifest's",
	  offsetof(struct values, request.network) },
	{ "publish", 'p', SBX_OPTION_LIST, "PORT[:[ADDRESS:]HOST]",
	  "make a port of it one of this host, at ADDRESS (default: "
	  "127.0.0.1); "
	  "without HOST any that is free. Without a network that is the "
	  "daemon's to do, which has to run",
	  offsetof(struct values, request.publish) },
	{ "memory", 'm', SBX_OPTION_TEXT, "SIZE",
	  "memory limit, with what is in /workspace: 256m, 1g",
	  offsetof(struct values, request.memory) },
	{ "cpus", 0, SBX_OPTION_TEXT, "N", "CPU limit: 0.5, 2",
	  offsetof(struct values, request.cpus) },
	{ "pids-limit", 0, SBX_OPTION_TEXT, "N", "process limit",
	  offsetof(struct values, request.pids_limit) },
	{ "on-start", 0, SBX_OPTION_TEXT, "COMMAND",
	  "have the shell of this host run it when the session is there; "
	  "should it fail there is no session. It finds SKILLBOX_SESSION, "
	  "_OWNER, _SKILL, _ACTION, _CONTAINER, _IMAGE and _PORTS in its "
	  "environment",
	  offsetof(struct values, on_start) },
	{ "on-stop", 0, SBX_OPTION_TEXT, "COMMAND",
	  "the same when the session has ended: at once when it is stopped, "
	  "else with the next command",
	  offsetof(struct values, on_stop) },
	{ "format", 0, SBX_OPTION_WORD, SBX_CLI_FORMATS,
	  "form of what is printed (default: text)",
	  offsetof(struct values, format) },
	{ .name = NULL },
};

/* All that has to live as long as the session is being made. */
struct work {
	struct sbx_session_target target;
	struct sbx_catalog catalog;
	struct sbx_policy policy;
	struct sbx_overrides overrides;
	struct sbx_secrets secrets;
};

static int read_ttl(const struct values *values, int64_t *ttl,
		    struct sbx_error *err)
{
	*ttl = SBX_SESSION_TTL_MS;
	if (!values->ttl || sbx_units_duration(values->ttl, ttl))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "--ttl: '%s' is not a duration such as 10m",
			     values->ttl);
}

static int create(const struct sbx_cli *cli, const struct values *values,
		  const char *name, struct work *work, struct sbx_session *out,
		  struct sbx_error *err)
{
	struct sbx_session_create create = {
		.plan = { .catalog = &work->catalog,
			  .policy = &work->policy,
			  .requester = SBX_REQUESTER_OPERATOR,
			  .skill = values->skill,
			  .action = values->action,
			  .owner = work->target.owner,
			  .overrides = &work->overrides,
			  .secrets = &work->secrets,
			  .keys = &cli->globals->keyring,
			  .lines = { .line = sbx_term_progress },
			  .cancel_fd = work->target.cancel_fd,
			  .image = values->image },
		.name = name,
		.on_start = values->on_start,
		.on_stop = values->on_stop,
	};

	if (read_ttl(values, &create.ttl_ms, err) < 0 ||
	    sbx_request_environment(&values->request,
				    &work->overrides.environment, err) < 0 ||
	    sbx_request_secrets(&values->request.secrets, &work->secrets, err) <
		    0 ||
	    sbx_cli_policy(cli, &work->policy, err) < 0 ||
	    sbx_cli_catalog(cli, &work->catalog, err) < 0 ||
	    sbx_session_target_open(cli, &work->target, err) < 0)
		return -1;
	return sbx_session_create(work->target.engine, &create, out, err);
}

/*
 * What only a daemon can make, where there seems to be one: 0 and what it says
 * of the session, or -1.
 */
static int create_there(const struct values *values, const char *name,
			const struct work *work, json_t **out,
			struct sbx_error *err)
{
	cleanup_free char *socket = sbx_cli_socket(NULL);
	const struct sbx_session_remote remote = {
		.socket = socket,
		.name = name,
		.skill = values->skill,
		.action = values->action,
		.ttl = values->ttl,
		.image = values->image,
		.request = &values->request,
		.overrides = &work->overrides,
		.cancel_fd = work->target.cancel_fd,
	};

	if (!sbx_remote_is_there(socket))
		return -1;
	if (values->on_start || values->on_stop || work->secrets.n > 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "a session that the daemon makes, as it "
				     "has to publish ports without a network, "
				     "can have no hooks and no --secret: leave "
				     "them out, or ask for --network bridge");
	return sbx_session_remote_create(&remote, out, err);
}

static int create_somewhere(const struct sbx_cli *cli,
			    const struct values *values, const char *name,
			    struct work *work, json_t **out,
			    struct sbx_error *err)
{
	cleanup_session struct sbx_session session = { .id = NULL };
	int result = create(cli, values, name, work, &session, err);

	if (result == SBX_SESSION_UNFORWARDED)
		return create_there(values, name, work, out, err);
	if (result == 0)
		*out = sbx_session_json(&session);
	return result;
}

static int create_and_report(const struct sbx_cli *cli,
			     const struct values *values, const char *name)
{
	struct work work = { .overrides = SBX_OVERRIDES_INIT };
	json_auto_t *json = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	int result =
		sbx_request_overrides(&values->request, &work.overrides, &err);

	if (result < 0)
		return sbx_cli_usage(cli, "%s", err.message);
	result = create_somewhere(cli, values, name, &work, &json, &err);
	if (result == 0 && values->format == SBX_CLI_JSON)
		sbx_term_json(json);
	else if (result == 0)
		printf("%s\n", name);
	sbx_session_target_close(&work.target);
	sbx_policy_clear(&work.policy);
	sbx_catalog_close(&work.catalog);
	sbx_overrides_clear(&work.overrides);
	sbx_secrets_clear(&work.secrets);
	return result == 0 ? 0 : sbx_cli_fail(&err);
}

static int cmd_create(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .format = SBX_CLI_TEXT };
	int status;
	int first;

	sbx_cancel_setup();
	if (sbx_cli_parse(cli, &values, argc, argv, &first, &status)) {
		if (argc - first != 1)
			status = sbx_cli_usage(cli, "expected one name");
		else if (!values.skill)
			status = sbx_cli_usage(cli, "--skill is missing");
		else
			status = create_and_report(cli, &values, argv[first]);
	}
	sbx_strv_free(&values.request.env);
	sbx_strv_free(&values.request.env_files);
	sbx_strv_free(&values.request.volumes);
	sbx_strv_free(&values.request.secrets);
	sbx_strv_free(&values.request.publish);
	return status;
}

const struct sbx_command sbx_cmd_session_create = {
	.name = "session create",
	.summary = "start a session",
	.arguments = "NAME --skill SKILL",
	.details = "Starts the sandbox of a skill and leaves it waiting. "
		   "/workspace in it is writable and stays; it is where what "
		   "runs begins, and where pip, npm and go install what they "
		   "install for a user.",
	.examples = "  skillbox session create demo --skill code\n"
		    "  skillbox session create web --skill code --network "
		    "bridge --publish 8080 --ttl 1h\n",
	.options = options,
	.run = cmd_create,
};
