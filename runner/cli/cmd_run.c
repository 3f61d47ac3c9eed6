/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "base/text.h"
#include "cli/cancel.h"
#include "cli/remote.h"
#include "cli/request.h"
#include "cli/run_artifacts.h"
#include "cli/run_output.h"
#include "cli/terminal.h"
#include "codec/json.h"
#include "sandbox/reap.h"
#include "sandbox/run.h"
#include "skill/names.h"

/*
 * skillbox run.  Once the command line parses, a record is printed whatever
 * happens: what fails before sbx_run_action() becomes a record here.  A daemon
 * that serves the same does the run, if there is one (cli/remote.c).
 */

/* How long a call may hold us up when the record is out already. */
#define SWEEP_MS 2000

/* In hexadecimal, with the NUL. */
#define RUN_ID_SIZE (32 + 1)

struct values {
	struct sbx_request_options request;
	enum sbx_run_format format;
	bool no_daemon;
	const char *socket;
	const char *out;
};

static const struct sbx_option options[] = {
	{ "env", 'e', SBX_OPTION_LIST, "NAME[=VALUE]",
	  "set a variable for the action; without a value, the one it has "
	  "here",
	  offsetof(struct values, request.env) },
	{ "env-file", 0, SBX_OPTION_LIST, "FILE",
	  "the same from a file of NAME=VALUE lines, as docker reads it",
	  offsetof(struct values, request.env_files) },
	{ "secret", 0, SBX_OPTION_LIST, "NAME=@FILE|NAME=fd:N",
	  "give a secret that the action names, in place of a sealed one; one "
	  "line loses its newline",
	  offsetof(struct values, request.secrets) },
	{ "volume", 'v', SBX_OPTION_LIST, "SRC:DST[:ro|rw[,rslave]]",
	  "mount a volume of the skill (a name) or an absolute host path, in "
	  "place of what the manifest mounts at DST",
	  offsetof(struct values, request.volumes) },
	{ "network", 0, SBX_OPTION_TEXT, "MODE",
	  "none, bridge or host, in place of the manifest's",
	  offsetof(struct values, request.network) },
	{ "timeout", 0, SBX_OPTION_TEXT, "DURATION",
	  "end the action after so long: 30s, 1m30s, 500ms",
	  offsetof(struct values, request.timeout) },
	{ "memory", 'm', SBX_OPTION_TEXT, "SIZE", "memory limit: 256m, 1g",
	  offsetof(struct values, request.memory) },
	{ "cpus", 0, SBX_OPTION_TEXT, "N", "CPU limit: 0.5, 2",
	  offsetof(struct values, request.cpus) },
	{ "pids-limit", 0, SBX_OPTION_TEXT, "N", "process limit",
	  offsetof(struct values, request.pids_limit) },
	{ "format", 0, SBX_OPTION_WORD, SBX_RUN_FORMATS,
	  "json: the record (default); text: only the action's output; "
	  "stream: what the action writes, as it comes",
	  offsetof(struct values, format) },
	{ "no-daemon", 0, SBX_OPTION_FLAG, NULL,
	  "run it in this process, also where a daemon serves the same skills "
	  "(see 'skillbox serve --help')",
	  offsetof(struct values, no_daemon) },
	{ "socket", 0, SBX_OPTION_TEXT, "PATH", SBX_CLI_SOCKET_HELP,
	  offsetof(struct values, socket) },
	{ "file", 0, SBX_OPTION_LIST, "NAME=PATH",
	  "give the action a file: NAME is its path below the manifest's "
	  "files.in",
	  offsetof(struct values, request.files) },
	{ "out", 0, SBX_OPTION_TEXT, "DIR",
	  "write the files that the action leaves (artifacts) below DIR, not "
	  "into the record",
	  offsetof(struct values, out) },
	{ .name = NULL },
};

/*
 * One run.
 *
 * @argument	INPUT as written, or NULL
 * @output	what is shown of it
 * @out_fd	where its files go, or -1
 * @input	what it gets, once @has_input
 * @asked_at	when the daemon got it, "" when it did not
 * @engine	where it ran, NULL when it did not come to that
 * @has_made	there was a container, and the engine is well
 */
struct run {
	const struct sbx_cli *cli;
	const struct values *values;
	const char *skill;
	const char *action;
	const char *argument;
	char owner[32];
	char run_id[RUN_ID_SIZE];
	int out_fd;
	struct sbx_overrides *overrides;
	struct sbx_secrets secrets;
	struct sbx_files files;
	struct sbx_run_output output;
	bool has_input;
	struct sbx_buf input;
	char asked_at[SBX_CLOCK_RFC3339_SIZE];
	struct sbx_engine *engine;
	bool has_made;
};

/* How the action gives its output; of no matter when it cannot be told. */
static void find_output(struct run *run, const struct sbx_catalog *catalog)
{
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	struct sbx_error ignored = SBX_ERROR_INIT;
	const struct sbx_action *action;

	if (run->output.format != SBX_RUN_TEXT ||
	    sbx_catalog_load(catalog, run->skill, &skill, &ignored) < 0)
		return;
	action = sbx_manifest_action(skill.manifest, run->action);
	if (action)
		run->output.kind = action->output;
}

/* --- by the daemon --------------------------------------------------------- */

/*
 * Who has wishes of his own is not a daemon's caller but the operator, and
 * what only this process can read it cannot give away.
 */
static bool is_for_daemon(const struct run *run, const char *socket)
{
	const char *keys = run->cli->globals->keyring.place;

	return !run->values->no_daemon && sbx_remote_is_there(socket) &&
	       sbx_request_is_plain(&run->values->request) &&
	       !(keys && sbx_text_has_prefix(keys, "fd:")) &&
	       sbx_name_is_skill(run->skill) && sbx_name_is_action(run->action);
}

static int read_input(struct run *run, int cancel_fd, struct sbx_error *err)
{
	if (run->has_input)
		return 0;
	run->has_input = true;
	return sbx_request_input(run->argument, cancel_fd, &run->input, err);
}

/* 0 with its record, SBX_REMOTE_ELSEWHERE, or -1. */
static int ask_daemon(struct run *run, const char *socket, const char *expect,
		      int cancel_fd, json_t **record, struct sbx_error *err)
{
	const struct sbx_run_events events =
		sbx_run_output_events(&run->output);
	const struct sbx_remote_run request = {
		.socket = socket,
		.expect = expect,
		.skill = run->skill,
		.action = run->action,
		.input = sbx_buf_text(&run->input),
		.input_size = run->input.len,
		.run_id = run->run_id,
		.events = &events,
		.cancel_fd = cancel_fd,
	};
	bool was_sent = false;
	int result;

	sbx_clock_rfc3339(run->asked_at);
	result = sbx_remote_run(&request, record, &was_sent, err);
	if (!was_sent)
		run->asked_at[0] = '\0';
	sbx_run_output_end(&run->output);
	return result;
}

/* As ask_daemon(); what is wrong here is said by who does it himself. */
static int try_daemon(struct run *run, int cancel_fd, json_t **record,
		      struct sbx_error *err)
{
	cleanup_free char *socket = sbx_cli_socket(run->values->socket);
	struct sbx_catalog catalog = { .directories = SBX_STRV_INIT };
	struct sbx_error ignored = SBX_ERROR_INIT;
	char expect[SBX_HASH_HEX_SIZE];
	int result = SBX_REMOTE_ELSEWHERE;

	if (!is_for_daemon(run, socket) ||
	    sbx_cli_catalog(run->cli, &catalog, &ignored) < 0)
		return result;
	if (sbx_cli_fingerprint(run->cli, &catalog, expect, &ignored) == 0) {
		result = read_input(run, cancel_fd, err);
		/* To a daemon no input is "{}", and here it is none. */
		if (result == 0 && run->input.len == 0) {
			result = SBX_REMOTE_ELSEWHERE;
		} else if (result == 0) {
			find_output(run, &catalog);
			result = ask_daemon(run, socket, expect, cancel_fd,
					    record, err);
		}
	}
	sbx_catalog_close(&catalog);
	return result;
}

/* --- by ourselves ---------------------------------------------------------- */

static json_t *run_action(struct run *run, const struct sbx_catalog *catalog,
			  const struct sbx_policy *policy, int cancel_fd)
{
	const struct sbx_run request = {
		.engine = run->engine,
		.catalog = catalog,
		.policy = policy,
		.requester = SBX_REQUESTER_OPERATOR,
		.skill = run->skill,
		.action = run->action,
		.input = sbx_buf_text(&run->input),
		.input_size = run->input.len,
		.files = &run->files,
		.overrides = run->overrides,
		.owner = run->owner,
		.secrets = &run->secrets,
		.keys = &run->cli->globals->keyring,
		.run_id = run->run_id,
		.cancel_fd = cancel_fd,
		.events = sbx_run_output_events(&run->output),
	};
	struct sbx_record record;
	json_t *json;

	find_output(run, catalog);
	sbx_engine_set_cancel_fd(run->engine, cancel_fd);
	sbx_run_action(&request, &record);
	sbx_run_output_end(&run->output);
	run->has_made = record.start_ms >= 0 &&
			record.outcome != SBX_OUTCOME_UNAVAILABLE;
	json = sbx_record_json(&record);
	sbx_record_clear(&record);
	return json;
}

/* As `secret set` has it, but who gives it for one run may have his reasons. */
static int take_secrets(struct run *run, struct sbx_error *err)
{
	if (sbx_request_secrets(&run->values->request.secrets, &run->secrets,
				err) < 0)
		return -1;
	for (size_t i = 0; i < run->secrets.n; i++) {
		if (run->secrets.v[i].size < SBX_SECRET_SHORT)
			sbx_term_error("--secret %s has under %d bytes: what "
				       "the action prints may lose words that "
				       "only look like it",
				       run->secrets.v[i].name,
				       SBX_SECRET_SHORT);
	}
	return 0;
}

static int run_here(struct run *run, int cancel_fd, json_t **record,
		    struct sbx_error *err)
{
	struct sbx_catalog catalog = { .directories = SBX_STRV_INIT };
	struct sbx_policy policy = { .file = NULL };
	int result = -1;

	if (sbx_cli_policy(run->cli, &policy, err) == 0 &&
	    sbx_cli_catalog(run->cli, &catalog, err) == 0 &&
	    sbx_cli_engine(run->cli, &run->engine, err) == 0 &&
	    read_input(run, cancel_fd, err) == 0) {
		*record = run_action(run, &catalog, &policy, cancel_fd);
		result = 0;
	}
	sbx_policy_clear(&policy);
	sbx_catalog_close(&catalog);
	return result;
}

/* 0 with the record of a run; -1 when it did not come to that. */
static int perform(struct run *run, json_t **record, struct sbx_error *err)
{
	int cancel_fd = sbx_cancel_setup();
	int result;

	if (sbx_run_artifacts_open(run->values->out, &run->out_fd, err) ||
	    sbx_request_environment(&run->values->request,
				    &run->overrides->environment, err) ||
	    take_secrets(run, err) ||
	    sbx_request_files(&run->values->request.files, cancel_fd,
			      &run->files, err))
		return -1;
	result = try_daemon(run, cancel_fd, record, err);
	if (result == SBX_REMOTE_ELSEWHERE)
		result = run_here(run, cancel_fd, record, err);
	return result;
}

/* --- what is printed ------------------------------------------------------- */

/* The likeliest mistake: a file's name without its "@". */
static void hint(const struct run *run, const json_t *record)
{
	const char *outcome = sbx_json_text_at(record, "outcome", NULL);

	if (outcome &&
	    strcmp(outcome, sbx_outcome_name(SBX_OUTCOME_INVALID)) == 0 &&
	    run->argument && run->argument[0] != '@' &&
	    access(run->argument, R_OK) == 0)
		sbx_term_error("the input is the text '%s' itself; for the "
			       "file of that name, write '@%s'",
			       run->argument, run->argument);
}

/*
 * A runner that was killed between create and start leaves a container that
 * no init ends.  The caller has its record by now; whatever goes wrong here
 * is left to the next run.
 */
static void sweep(struct run *run)
{
	fflush(stdout);
	/* An engine that failed once may take as long to fail again. */
	if (!run->has_made || sbx_cancel_asked())
		return;
	sbx_engine_set_cancel_fd(run->engine, sbx_cancel_setup());
	sbx_reap_sweep(run->engine, SWEEP_MS);
}

/* Of what never came to be a run, or came to nobody knows what. */
static json_t *record_of(const struct run *run, const struct sbx_error *err)
{
	struct sbx_record record;
	json_t *json;

	sbx_record_init(&record);
	sbx_strset(&record.skill, run->skill);
	sbx_strset(&record.action, run->action);
	sbx_strset(&record.owner, run->owner);
	sbx_strset(&record.run_id, run->run_id);
	memcpy(record.started_at, run->asked_at, sizeof(run->asked_at));
	sbx_record_fail(&record, err);
	json = sbx_record_json(&record);
	sbx_record_clear(&record);
	return json;
}

static int run_and_report(struct run *run)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *record = NULL;
	int status;

	snprintf(run->owner, sizeof(run->owner), "%u", getuid());
	sbx_random_hex(run->run_id, sizeof(run->run_id));
	if (perform(run, &record, &err) < 0)
		record = record_of(run, &err);
	status = sbx_run_artifacts_write(record, run->out_fd, run->values->out);
	sbx_run_output_record(&run->output, record);
	hint(run, record);
	sweep(run);
	sbx_engine_free(&run->engine);
	return status;
}

/* --- the command line ------------------------------------------------------ */

static int usage(const struct sbx_cli *cli, int argc, char **argv, int first)
{
	if (argc == first)
		return sbx_cli_usage(cli, "which skill, and which action?");
	if (argc == first + 1)
		return sbx_cli_usage(cli, "which action of '%s'?", argv[first]);
	return sbx_cli_usage(cli,
			     "unexpected argument '%s' (the input is one "
			     "argument: put it in quotes)",
			     argv[first + 3]);
}

static int run_with(const struct sbx_cli *cli, const struct values *values,
		    char **argv, struct sbx_overrides *overrides)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct run run = {
		.cli = cli,
		.values = values,
		.skill = argv[0],
		.action = argv[1],
		.argument = argv[2],
		.out_fd = -1,
		.overrides = overrides,
		.input = SBX_BUF_INIT(SBX_REQUEST_INPUT_MAX),
	};
	int status;

	if (sbx_request_overrides(&values->request, overrides, &err))
		return sbx_cli_usage(cli, "%s", err.message);
	sbx_run_output_init(&run.output, values->format);
	status = run_and_report(&run);
	sbx_close(&run.out_fd);
	sbx_buf_free(&run.input);
	sbx_run_output_clear(&run.output);
	sbx_secrets_clear(&run.secrets);
	sbx_files_clear(&run.files);
	return status;
}

static int cmd_run(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .format = SBX_RUN_JSON };
	struct sbx_overrides overrides = SBX_OVERRIDES_INIT;
	int status;
	int first;

	/* From the first moment on there is a record to be had. */
	sbx_cancel_setup();
	if (sbx_cli_parse(cli, &values, argc, argv, &first, &status)) {
		if (argc - first == 2 || argc - first == 3)
			status = run_with(cli, &values, argv + first,
					  &overrides);
		else
			status = usage(cli, argc, argv, first);
	}
	sbx_overrides_clear(&overrides);
	sbx_strv_free(&values.request.env);
	sbx_strv_free(&values.request.env_files);
	sbx_strv_free(&values.request.volumes);
	sbx_strv_free(&values.request.secrets);
	sbx_strv_free(&values.request.files);
	return status;
}

const struct sbx_command sbx_cmd_run = {
	.name = "run",
	.summary = "run an action of a skill",
	.arguments = "SKILL ACTION [INPUT | @FILE | -]",
	.details = "Runs one action in a sandbox of its own and prints its "
		   "record, one JSON object. The exit status is the record's "
		   "\"status\". INPUT is one JSON value, {} when there is "
		   "none; @FILE reads it from a file and - from standard "
		   "input. Options replace what the skill's manifest asks "
		   "for, as far as the policy allows. A daemon ('skillbox "
		   "serve') that serves the same is left to do it, unless "
		   "there is such an option.",
	.notes =
		"outcomes, and the statuses they have:\n"
		"  ok              0        exit 0, and the output is what the "
		"manifest says\n"
		"  failed          its own  the action exited with something "
		"else\n"
		"  signaled        128+n    it was killed by signal n\n"
		"  oom             137      by its memory limit\n"
		"  timeout         124      its deadline passed\n"
		"  output_limit    125      a stream passed its limit; what "
		"came before is kept\n"
		"  exec_failed     126 127  its command cannot be executed, or "
		"is not there\n"
		"  cancelled       130      the caller went away or asked for "
		"its end\n"
		"  invalid         65       manifest or input do not fit; "
		"nothing ran\n"
		"  bad_output      65       it ran, and its output does not "
		"fit\n"
		"  not_found       66       no such skill, action or base "
		"image\n"
		"  denied          77       a rule forbids it; \"error\" "
		"names the rule\n"
		"  busy            75       a limit is reached, the policy's, "
		"the daemon's or\n"
		"                           that of the engine's calls\n"
		"  misconfigured   78       a secret is missing, or a key or "
		"the policy is wrong\n"
		"  build_failed    125      its image did not build\n"
		"  sandbox_failed  70       the sandbox ended by itself\n"
		"  unavailable     69       the engine could not be reached, "
		"or failed\n"
		"  internal        70       our own fault\n",
	.examples =
		"  skillbox run text word_count '{\"text\": \"a b\"}'\n"
		"  echo '{\"text\": \"a b\"}' | skillbox run text word_count "
		"-\n"
		"  skillbox run webpage parse_html @page.json --format text\n"
		"  skillbox run text sort @big.json --timeout 2m --memory 1g\n"
		"  skillbox run text search @in.json -v /srv/data:/data:ro\n"
		"  skillbox run telegram send_message @m.json --secret "
		"BOT_TOKEN=@token\n"
		"  skillbox run images resize @in.json --file a.png=a.png "
		"--out .\n",
	.options = options,
	.run = cmd_run,
};
