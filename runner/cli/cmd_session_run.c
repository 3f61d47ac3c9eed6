/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "cli/cancel.h"
#include "cli/request.h"
#include "cli/run_artifacts.h"
#include "cli/run_output.h"
#include "cli/session_target.h"
#include "codec/json.h"
#include "sandbox/session.h"

/* How long another run in the session is waited for. */
#define WAIT_MS (10 * 60 * 1000.0)

/* The action that runs code: the shipped skill "code" has it. */
#define CODE_ACTION "execute_code"

/* In hexadecimal, with the NUL. */
#define RUN_ID_SIZE (32 + 1)

struct values {
	struct sbx_request_options request;
	enum sbx_run_format format;
	const char *code;
	const char *file;
	const char *language;
	const char *standard_input;
	const char *working_dir;
	const char *out;
	bool detach;
};

static const struct sbx_option options[] = {
	{ "code", 'c', SBX_OPTION_TEXT, "CODE",
	  "run this code, with the skill's action " CODE_ACTION,
	  offsetof(struct values, code) },
	{ "code-file", 'f', SBX_OPTION_TEXT, "FILE",
	  "the same of a file's content; - is standard input",
	  offsetof(struct values, file) },
	{ "language", 'l', SBX_OPTION_TEXT, "LANG",
	  "of the code: what the action has, such as python, nodejs, go, bash",
	  offsetof(struct values, language) },
	{ "stdin", 0, SBX_OPTION_TEXT, "FILE",
	  "what a command or code finds on its standard input; - is ours "
	  "(default: nothing)",
	  offsetof(struct values, standard_input) },
	{ "workdir", 'w', SBX_OPTION_TEXT, "DIR",
	  "where it runs (default: the action's, or /workspace)",
	  offsetof(struct values, working_dir) },
	{ "detach", 'd', SBX_OPTION_FLAG, NULL,
	  "let it go on behind the end of this command, until the session "
	  "ends; 'session logs' shows what it writes",
	  offsetof(struct values, detach) },
	{ "env", 'e', SBX_OPTION_LIST, "NAME[=VALUE]",
	  "set a variable; without a value, the one it has here",
	  offsetof(struct values, request.env) },
	{ "env-file", 0, SBX_OPTION_LIST, "FILE",
	  "the same from a file of NAME=VALUE lines, as docker reads it",
	  offsetof(struct values, request.env_files) },
	{ "timeout", 0, SBX_OPTION_TEXT, "DURATION",
	  "end it after so long: 30s, 1m30s, 500ms",
	  offsetof(struct values, request.timeout) },
	{ "file", 0, SBX_OPTION_LIST, "NAME=PATH",
	  "give the action a file: NAME is its path below the manifest's "
	  "files.in",
	  offsetof(struct values, request.files) },
	{ "out", 0, SBX_OPTION_TEXT, "DIR",
	  "write the files that the action leaves (artifacts) below DIR, not "
	  "into the record",
	  offsetof(struct values, out) },
	{ "format", 0, SBX_OPTION_WORD, SBX_RUN_FORMATS,
	  "json: the record (default); text: only the output; stream: what it "
	  "writes, as it comes",
	  offsetof(struct values, format) },
	{ .name = NULL },
};

/*
 * One run.
 *
 * @action	its name; NULL with a command
 * @argument	INPUT as written, or NULL
 * @command	what stood behind "--"
 * @out_fd	where its files go, or -1
 */
struct run {
	const struct sbx_cli *cli;
	const struct values *values;
	const char *name;
	const char *action;
	const char *argument;
	struct sbx_strv command;
	char run_id[RUN_ID_SIZE];
	int out_fd;
	struct sbx_session_target target;
	struct sbx_catalog catalog;
	struct sbx_policy policy;
	struct sbx_overrides overrides;
	struct sbx_files files;
	struct sbx_buf input;
	struct sbx_run_output output;
};

static bool is_code(const struct values *values)
{
	return values->code || values->file;
}

/* --- its input -------------------------------------------------------------- */

/* All of a file, or with "-" of standard input. */
static int read_file(const struct run *run, const char *path,
		     struct sbx_buf *out, struct sbx_error *err)
{
	if (strcmp(path, "-") == 0)
		return sbx_request_input("-", run->target.cancel_fd, out, err);
	return sbx_request_read_file(path, run->target.cancel_fd, out, err);
}

static int add_text(json_t *input, const char *member,
		    const struct sbx_buf *text, struct sbx_error *err)
{
	json_t *string = json_stringn(sbx_buf_text(text), text->len);

	if (!string)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s: it is no text in UTF-8", member);
	json_object_set_new(input, member, string);
	return 0;
}

/* What the action that runs code takes. */
static int make_code_input(struct run *run, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf code = SBX_BUF_INIT(SBX_REQUEST_INPUT_MAX);
	cleanup_buf struct sbx_buf given = SBX_BUF_INIT(SBX_REQUEST_INPUT_MAX);
	const struct values *values = run->values;
	json_auto_t *input = json_object();
	cleanup_free char *line = NULL;

	json_object_set_new(input, "language", json_string(values->language));
	if (values->code)
		sbx_buf_puts(&code, values->code);
	else if (read_file(run, values->file, &code, err) < 0)
		return -1;
	if (add_text(input, "code", &code, err) < 0)
		return -1;
	if (values->standard_input &&
	    (read_file(run, values->standard_input, &given, err) < 0 ||
	     add_text(input, "stdin", &given, err) < 0))
		return -1;
	line = sbx_json_line(input);
	sbx_buf_puts(&run->input, line);
	return 0;
}

static int read_input(struct run *run, struct sbx_error *err)
{
	if (is_code(run->values))
		return make_code_input(run, err);
	if (run->command.n == 0)
		return sbx_request_input(run->argument, run->target.cancel_fd,
					 &run->input, err);
	if (!run->values->standard_input)
		return 0;
	return read_file(run, run->values->standard_input, &run->input, err);
}

/* --- the run ---------------------------------------------------------------- */

static int prepare(struct run *run, struct sbx_error *err)
{
	const struct sbx_request_options *request = &run->values->request;

	if (sbx_request_environment(request, &run->overrides.environment, err) <
		    0 ||
	    sbx_cli_policy(run->cli, &run->policy, err) < 0 ||
	    sbx_cli_catalog(run->cli, &run->catalog, err) < 0 ||
	    sbx_session_target_open(run->cli, &run->target, err) < 0 ||
	    sbx_request_files(&request->files, run->target.cancel_fd,
			      &run->files, err) < 0)
		return -1;
	return read_input(run, err);
}

static void perform(struct run *run, struct sbx_record *record)
{
	const struct sbx_run inner = {
		.engine = run->target.engine,
		.catalog = &run->catalog,
		.policy = &run->policy,
		.requester = SBX_REQUESTER_OPERATOR,
		.action = is_code(run->values) ? CODE_ACTION : run->action,
		.input = sbx_buf_text(&run->input),
		.input_size = run->input.len,
		.files = &run->files,
		.overrides = &run->overrides,
		.owner = run->target.owner,
		.keys = &run->cli->globals->keyring,
		.run_id = run->run_id,
		.cancel_fd = run->target.cancel_fd,
		.events = sbx_run_output_events(&run->output),
	};
	const struct sbx_session_run request = {
		.run = &inner,
		.name = run->name,
		.command = run->command.n > 0 ? &run->command : NULL,
		.working_dir = run->values->working_dir,
		.detach = run->values->detach,
		.wait_ms = WAIT_MS,
	};

	sbx_session_run(&request, record);
	sbx_run_output_end(&run->output);
}

static int run_and_report(struct run *run)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *json = NULL;
	struct sbx_record record;
	int status;

	sbx_random_hex(run->run_id, sizeof(run->run_id));
	if (sbx_run_artifacts_open(run->values->out, &run->out_fd, &err) == 0 &&
	    prepare(run, &err) == 0) {
		perform(run, &record);
	} else {
		sbx_record_init(&record);
		sbx_strset(&record.run_id, run->run_id);
		sbx_record_fail(&record, &err);
	}
	json = sbx_record_json(&record);
	sbx_record_clear(&record);
	status = sbx_run_artifacts_write(json, run->out_fd, run->values->out);
	sbx_run_output_record(&run->output, json);
	return status;
}

/* --- the command line ------------------------------------------------------- */

/* What stands behind "--", of which argv[n] is the first then. */
static int split(int argc, char **argv, struct sbx_strv *command)
{
	int n = 0;

	while (n < argc && strcmp(argv[n], "--") != 0)
		n++;
	for (int i = n + 1; i < argc; i++)
		sbx_strv_push(command, argv[i]);
	return n;
}

/* NULL, or what is wrong with them all together. */
static const char *check(const struct values *values, int n_arguments,
			 bool has_command)
{
	bool code = is_code(values);

	if (n_arguments < 1)
		return "which session?";
	if (values->code && values->file)
		return "--code and --code-file: expected one of them";
	if ((n_arguments > 1) + has_command + code != 1)
		return "expected an action, or --code, or a command behind "
		       "\"--\"";
	if (n_arguments > 3)
		return "too many arguments (the input is one argument: put it "
		       "in quotes)";
	if (code != (values->language != NULL))
		return "--code and --language go together";
	if (values->standard_input && !code && !has_command)
		return "--stdin is for code and commands; an action has its "
		       "input as an argument";
	return NULL;
}

static int run_with(const struct sbx_cli *cli, const struct values *values,
		    struct sbx_strv *command, int n, char **arguments)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct run run = {
		.cli = cli,
		.values = values,
		.name = arguments[0],
		.action = n > 1 ? arguments[1] : NULL,
		.argument = n > 2 ? arguments[2] : NULL,
		.command = *command,
		.out_fd = -1,
		.overrides = SBX_OVERRIDES_INIT,
		.input = SBX_BUF_INIT(SBX_REQUEST_INPUT_MAX),
	};
	int status;

	if (sbx_request_overrides(&values->request, &run.overrides, &err) < 0)
		return sbx_cli_usage(cli, "%s", err.message);
	sbx_run_output_init(&run.output, values->format);
	run.output.kind = SBX_OUTPUT_TEXT;
	status = run_and_report(&run);
	sbx_close(&run.out_fd);
	sbx_session_target_close(&run.target);
	sbx_run_output_clear(&run.output);
	sbx_policy_clear(&run.policy);
	sbx_catalog_close(&run.catalog);
	sbx_overrides_clear(&run.overrides);
	sbx_files_clear(&run.files);
	sbx_buf_free(&run.input);
	return status;
}

static int cmd_run(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .format = SBX_RUN_JSON };
	cleanup_strv struct sbx_strv command = SBX_STRV_INIT;
	int n = split(argc, argv, &command);
	const char *wrong;
	int status;
	int first;

	sbx_cancel_setup();
	if (sbx_cli_parse(cli, &values, n, argv, &first, &status)) {
		wrong = check(&values, n - first, command.n > 0);
		status = wrong ? sbx_cli_usage(cli, "%s", wrong)
			       : run_with(cli, &values, &command, n - first,
					  argv + first);
	}
	sbx_strv_free(&values.request.env);
	sbx_strv_free(&values.request.env_files);
	sbx_strv_free(&values.request.files);
	return status;
}

const struct sbx_command sbx_cmd_session_run = {
	.name = "session run",
	.summary = "run an action, code or a command in a session",
	.arguments = "NAME {ACTION [INPUT] | -l LANG -c CODE | -- COMMAND...}",
	.details = "Runs one thing in the session and prints its record, as "
		   "'skillbox run' does; the exit status is the record's. Who "
		   "comes while another run is under way waits for it. Behind "
		   "its end only what was started with --detach goes on.",
	.examples =
		"  skillbox session run demo word_count '{\"text\": \"a b\"}'\n"
		"  skillbox session run demo -l python -c 'print(6 * 7)'\n"
		"  skillbox session run demo --detach -- python3 -m "
		"http.server 8080\n",
	.options = options,
	.run = cmd_run,
};
