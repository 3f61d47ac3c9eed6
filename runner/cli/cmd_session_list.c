/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/session_target.h"
#include "cli/terminal.h"
#include "codec/json.h"
#include "codec/units.h"
#include "sandbox/session.h"

/* skillbox session list, status, logs: what there is to be known. */

struct values {
	enum sbx_cli_format format;
};

static const struct sbx_option options[] = {
	{ "format", 0, SBX_OPTION_WORD, SBX_CLI_FORMATS,
	  "form of what is printed (default: text)",
	  offsetof(struct values, format) },
	{ .name = NULL },
};

static const char *text_at(const json_t *object, const char *name)
{
	const char *text = sbx_json_text_at(object, name, NULL);

	return text ? text : "-";
}

static char *ports_text(const json_t *session)
{
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(1024);
	const json_t *port;
	size_t i;

	json_array_foreach (json_object_get(session, "ports"), i, port)
		sbx_buf_printf(
			&out, "%s%lld->%s:%lld", i ? ", " : "",
			(long long)sbx_json_int_at(0, port, "target", NULL),
			text_at(port, "host_ip"),
			(long long)sbx_json_int_at(0, port, "published", NULL));
	return sbx_buf_take(&out);
}

/* --- list ------------------------------------------------------------------- */

static void print_list(const json_t *list)
{
	const json_t *session;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	printf("%-24s %-9s %-32s %-24s %s\n", "NAME", "STATE", "SKILL ACTION",
	       "CREATED", "PORTS");
	json_array_foreach (list, i, session) {
		cleanup_free char *ports = ports_text(session);
		cleanup_free char *what =
			sbx_asprintf("%s %s", text_at(session, "skill"),
				     text_at(session, "action"));

		printf("%-24s %-9s %-32s %-24s %s\n", text_at(session, "name"),
		       text_at(session, "state"), what,
		       text_at(session, "created_at"), ports ? ports : "");
	}
}

static int cmd_list(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .format = SBX_CLI_TEXT };
	struct sbx_session_target target;
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *list = NULL;
	int status;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	if (sbx_session_target_open(cli, &target, &err) < 0)
		return sbx_cli_fail(&err);
	status = sbx_session_list(target.engine, target.owner, &list, &err);
	if (status == 0 && values.format == SBX_CLI_JSON)
		sbx_term_json(list);
	else if (status == 0)
		print_list(list);
	sbx_session_target_close(&target);
	return status == 0 ? 0 : sbx_cli_fail(&err);
}

/* --- status ----------------------------------------------------------------- */

static void print_line(const json_t *status, const char *label,
		       const char *name)
{
	if (json_object_get(status, name))
		printf("%-14s %s\n", label, text_at(status, name));
}

static void print_usage(const json_t *usage)
{
	cleanup_free char *memory = NULL;

	if (!usage)
		return;
	memory = sbx_units_format_size(
		sbx_json_int_at(0, usage, "memory_bytes", NULL));
	printf("%-14s %.1f s of CPU, %s, %lld processes\n", "usage",
	       json_number_value(json_object_get(usage, "cpu_ms")) / 1000,
	       memory, (long long)sbx_json_int_at(0, usage, "processes", NULL));
}

static void print_status(const json_t *status)
{
	cleanup_free char *ports = ports_text(status);
	cleanup_free char *uptime = sbx_units_format_duration(
		sbx_json_int_at(0, status, "uptime_ms", NULL));

	print_line(status, "name", "name");
	printf("%-14s %s%s\n", "state", text_at(status, "state"),
	       sbx_json_true_at(status, "busy", NULL) ? ", busy" : "");
	print_line(status, "skill", "skill");
	print_line(status, "action", "action");
	print_line(status, "created", "created_at");
	if (json_object_get(status, "uptime_ms"))
		printf("%-14s %s\n", "uptime", uptime);
	print_line(status, "last active", "last_active_at");
	print_line(status, "expires", "expires_at");
	if (ports && *ports)
		printf("%-14s %s\n", "ports", ports);
	if (json_object_get(status, "detached"))
		printf("%-14s %lld\n", "detached",
		       (long long)sbx_json_int_at(0, status, "detached", NULL));
	print_usage(json_object_get(status, "usage"));
}

static int cmd_status(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .format = SBX_CLI_TEXT };
	struct sbx_session_target target;
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *about = NULL;
	int status;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	if (argc - first != 1)
		return sbx_cli_usage(cli, "expected one name");
	if (sbx_session_target_open(cli, &target, &err) < 0)
		return sbx_cli_fail(&err);
	status = sbx_session_status(target.engine, target.owner, argv[first],
				    &about, &err);
	if (status == 0 && values.format == SBX_CLI_JSON)
		sbx_term_json(about);
	else if (status == 0)
		print_status(about);
	sbx_session_target_close(&target);
	return status == 0 ? 0 : sbx_cli_fail(&err);
}

/* --- logs ------------------------------------------------------------------- */

static int print_logs(const struct sbx_cli *cli, const struct values *values,
		      const char *name, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(4 * SBX_WIRE_LOG_MAX);
	cleanup_policy struct sbx_policy policy = { .file = NULL };
	struct sbx_catalog catalog = { .directories = SBX_STRV_INIT };
	struct sbx_session_target target = { .engine = NULL };
	struct sbx_plan_request plan = { .catalog = &catalog,
					 .policy = &policy,
					 .requester = SBX_REQUESTER_OPERATOR,
					 .owner = target.owner,
					 .keys = &cli->globals->keyring,
					 .cancel_fd = -1 };
	int result = -1;

	if (sbx_cli_policy(cli, &policy, err) == 0 &&
	    sbx_cli_catalog(cli, &catalog, err) == 0 &&
	    sbx_session_target_open(cli, &target, err) == 0)
		result =
			sbx_session_logs(target.engine, &plan, name, &out, err);
	if (result == 0 && values->format == SBX_CLI_JSON) {
		cleanup_buf struct sbx_buf valid =
			SBX_BUF_INIT(4 * SBX_WIRE_LOG_MAX);
		json_auto_t *json = NULL;

		sbx_text_to_utf8(&valid, out.data, out.len);
		json = json_pack("{s:s, s:s%}", "name", name, "log",
				 sbx_buf_text(&valid), valid.len);
		sbx_term_json(json);
	} else if (result == 0) {
		struct sbx_term_stream stream;

		sbx_term_stream_init(&stream, STDOUT_FILENO);
		sbx_term_stream_write(&stream, out.data, out.len);
		sbx_term_stream_end(&stream);
	}
	sbx_session_target_close(&target);
	sbx_catalog_close(&catalog);
	return result;
}

static int cmd_logs(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .format = SBX_CLI_TEXT };
	struct sbx_error err = SBX_ERROR_INIT;
	int status;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	if (argc - first != 1)
		return sbx_cli_usage(cli, "expected one name");
	return print_logs(cli, &values, argv[first], &err) < 0
		       ? sbx_cli_fail(&err)
		       : 0;
}

const struct sbx_command sbx_cmd_session_list = {
	.name = "session list",
	.summary = "show all sessions",
	.arguments = "",
	.details = "Shows our user's sessions on the engine.",
	.examples = "  skillbox session list\n",
	.options = options,
	.run = cmd_list,
};

const struct sbx_command sbx_cmd_session_status = {
	.name = "session status",
	.summary = "show one session: its time, ports and usage",
	.arguments = "NAME",
	.details = "Shows what the engine and the session itself say.",
	.examples = "  skillbox session status demo --format json\n",
	.options = options,
	.run = cmd_status,
};

const struct sbx_command sbx_cmd_session_logs = {
	.name = "session logs",
	.summary = "show what detached programs have written",
	.arguments = "NAME",
	.details = "Shows the last 256 KiB of what programs wrote that were "
		   "started with --detach, to both their streams.",
	.examples = "  skillbox session logs demo\n",
	.options = options,
	.run = cmd_logs,
};
