/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cli/session_target.h"
#include "cli/terminal.h"
#include "codec/json.h"
#include "sandbox/session.h"

/* skillbox session stop, pause, resume: what is done to whole sessions. */

struct values {
	bool all;
	enum sbx_cli_format format;
};

static const struct sbx_option stop_options[] = {
	{ "all", 0, SBX_OPTION_FLAG, NULL, "every session of ours",
	  offsetof(struct values, all) },
	{ "format", 0, SBX_OPTION_WORD, SBX_CLI_FORMATS,
	  "form of what is printed (default: text)",
	  offsetof(struct values, format) },
	{ .name = NULL },
};

static const struct sbx_option options[] = {
	{ "format", 0, SBX_OPTION_WORD, SBX_CLI_FORMATS,
	  "form of what is printed (default: text)",
	  offsetof(struct values, format) },
	{ .name = NULL },
};

/* One of the three; and the word for what it has done. */
struct verb {
	int (*act)(struct sbx_engine *engine, const char *owner,
		   const char *name, struct sbx_error *err);
	const char *done;
};

static int stop(struct sbx_engine *engine, const char *owner, const char *name,
		struct sbx_error *err)
{
	static const struct sbx_progress lines = { .line = sbx_term_progress };

	return sbx_session_stop(engine, owner, name, &lines, err);
}

static void report(const struct verb *verb, const struct values *values,
		   const char *name)
{
	json_auto_t *json =
		json_pack("{s:s, s:s}", "name", name, "state", verb->done);

	if (values->format == SBX_CLI_JSON)
		sbx_term_json(json);
	else
		printf("%s\n", name);
}

/* 0, or the status of the first that failed. */
static int act_on(struct sbx_session_target *target, const struct verb *verb,
		  const struct values *values, const char *name)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (verb->act(target->engine, target->owner, name, &err) < 0)
		return sbx_cli_fail(&err);
	report(verb, values, name);
	return 0;
}

static int act_on_all(struct sbx_session_target *target,
		      const struct verb *verb, const struct values *values)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *list = NULL;
	json_t *session;
	int status = 0;
	size_t i;

	if (sbx_session_list(target->engine, target->owner, &list, &err) < 0)
		return sbx_cli_fail(&err);
	json_array_foreach (list, i, session) {
		int result = act_on(target, verb, values,
				    sbx_json_text_at(session, "name", NULL));

		status = status ? status : result;
	}
	return status;
}

static int act(const struct sbx_cli *cli, const struct verb *verb, int argc,
	       char **argv)
{
	struct values values = { .format = SBX_CLI_TEXT };
	struct sbx_session_target target;
	struct sbx_error err = SBX_ERROR_INIT;
	int status;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	if (values.all ? first < argc : first == argc)
		return sbx_cli_usage(cli, values.all ? "--all takes no names"
						     : "which session?");
	if (sbx_session_target_open(cli, &target, &err) < 0)
		return sbx_cli_fail(&err);
	status = values.all ? act_on_all(&target, verb, &values) : 0;
	for (int i = first; i < argc; i++) {
		int result = act_on(&target, verb, &values, argv[i]);

		status = status ? status : result;
	}
	sbx_session_target_close(&target);
	return status;
}

static int cmd_stop(const struct sbx_cli *cli, int argc, char **argv)
{
	static const struct verb verb = { stop, "stopped" };

	return act(cli, &verb, argc, argv);
}

static int cmd_pause(const struct sbx_cli *cli, int argc, char **argv)
{
	static const struct verb verb = { sbx_session_pause, "paused" };

	return act(cli, &verb, argc, argv);
}

static int cmd_resume(const struct sbx_cli *cli, int argc, char **argv)
{
	static const struct verb verb = { sbx_session_resume, "active" };

	return act(cli, &verb, argc, argv);
}

const struct sbx_command sbx_cmd_session_stop = {
	.name = "session stop",
	.summary = "end sessions, with all that is in them",
	.arguments = "{NAME... | --all}",
	.details = "What was started with --detach gets SIGTERM and two "
		   "seconds; then everything is gone, /workspace with it.",
	.examples = "  skillbox session stop demo\n"
		    "  skillbox session stop --all\n",
	.options = stop_options,
	.run = cmd_stop,
};

const struct sbx_command sbx_cmd_session_pause = {
	.name = "session pause",
	.summary = "freeze sessions",
	.arguments = "NAME...",
	.details = "Freezes every process of a session, which keeps its memory "
		   "and takes no CPU. Its time goes on: as it cannot end by "
		   "itself while it is frozen, one whose time is over is ended "
		   "by the daemon, or by the next command.",
	.examples = "  skillbox session pause demo\n",
	.options = options,
	.run = cmd_pause,
};

const struct sbx_command sbx_cmd_session_resume = {
	.name = "session resume",
	.summary = "let paused sessions go on",
	.arguments = "NAME...",
	.details = "What was frozen goes on where it was.",
	.examples = "  skillbox session resume demo\n",
	.options = options,
	.run = cmd_resume,
};
