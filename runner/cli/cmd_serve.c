/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/terminal.h"
#include "codec/units.h"
#include "serve/daemon.h"
#include "serve/image_builder.h"

#define RUNS_MAX  4096
#define QUEUE_MAX 65536

struct values {
	const char *socket;
	struct sbx_strv listen;
	struct sbx_strv hosts;
	const char *token_file;
	const char *record_dir;
	const char *runs;
	const char *queue;
	const char *body;
	const char *patience;
	const char *image_wait;
	bool sessions;
};

static const struct sbx_option options[] = {
	{ "socket", 0, SBX_OPTION_TEXT, "PATH",
	  "the Unix socket to listen at (default: what systemd gives, then "
	  "$SKILLBOX_SOCKET, then skillbox.sock in $XDG_RUNTIME_DIR, for root "
	  "in /run)",
	  offsetof(struct values, socket) },
	{ "listen", 0, SBX_OPTION_LIST, "ADDRESS:PORT",
	  "listen over TCP as well, at a numeric address; takes --token-file",
	  offsetof(struct values, listen) },
	{ "token-file", 0, SBX_OPTION_TEXT, "FILE",
	  "what is in it has to come with each request over TCP, as a bearer "
	  "token",
	  offsetof(struct values, token_file) },
	{ "allow-host", 0, SBX_OPTION_LIST, "NAME[:PORT]",
	  "over TCP it may be called so as well",
	  offsetof(struct values, hosts) },
	{ "record-dir", 0, SBX_OPTION_TEXT, "DIR",
	  "keep the records of runs there, the last 10000 of them and at most "
	  "1 GiB, for 'skillbox logs'",
	  offsetof(struct values, record_dir) },
	{ "concurrency", 0, SBX_OPTION_TEXT, "N",
	  "runs at once, of all skills (default: 64)",
	  offsetof(struct values, runs) },
	{ "queue", 0, SBX_OPTION_TEXT, "N",
	  "runs that may wait for their turn (default: 256)",
	  offsetof(struct values, queue) },
	{ "max-body", 0, SBX_OPTION_TEXT, "SIZE",
	  "of one request (default: 66m)", offsetof(struct values, body) },
	{ "request-timeout", 0, SBX_OPTION_TEXT, "DURATION",
	  "how long a client may take to send a request (default: 1m)",
	  offsetof(struct values, patience) },
	{ "image-wait", 0, SBX_OPTION_TEXT, "DURATION",
	  "how long a call of a tool waits for an image that is being built, "
	  "before its client is told to try again (default: 45s)",
	  offsetof(struct values, image_wait) },
	{ "sessions", 0, SBX_OPTION_FLAG, NULL,
	  "offer tools of sessions too, at /mcp: sandboxes that stay, in which "
	  "one thing after the other is run",
	  offsetof(struct values, sessions) },
	{ .name = NULL },
};

static void say(const char *line)
{
	sbx_term_error("%s", line);
}

static bool parse_number(const char *text, unsigned long min, unsigned long max,
			 unsigned int *out)
{
	unsigned long value;
	char *end;

	if (!text)
		return true;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || value < min ||
	    value > max)
		return false;
	*out = (unsigned int)value;
	return true;
}

static bool parse_body(const char *text, size_t *out)
{
	int64_t size;

	if (!text)
		return true;
	if (!sbx_units_size(text, &size) || size < 1 ||
	    size > 2 * (int64_t)SBX_STREAM_LIMIT_MAX)
		return false;
	*out = (size_t)size;
	return true;
}

/* What is wrong with the usage, or NULL. */
static const char *fill(const struct values *values,
			struct sbx_daemon_options *out)
{
	out->socket = values->socket;
	out->listen = values->listen;
	out->hosts = values->hosts;
	out->token_file = values->token_file;
	out->record_dir = values->record_dir;
	out->has_sessions = values->sessions;
	if (!parse_number(values->runs, 1, RUNS_MAX, &out->runs))
		return "--concurrency takes a number from 1 to 4096";
	if (!parse_number(values->queue, 0, QUEUE_MAX, &out->queue))
		return "--queue takes a number from 0 to 65536";
	if (!parse_body(values->body, &out->body_max))
		return "--max-body takes a size such as 66m, at most 2g";
	if (values->patience &&
	    (!sbx_units_duration(values->patience, &out->request_ms) ||
	     out->request_ms < 1))
		return "--request-timeout takes a duration such as 1m";
	if (values->image_wait &&
	    !sbx_units_duration(values->image_wait, &out->image_wait_ms))
		return "--image-wait takes a duration such as 45s";
	if (values->listen.n && !values->token_file)
		return "--listen takes --token-file: whoever reaches it over "
		       "TCP has to know a token";
	return NULL;
}

static int serve(const struct sbx_cli *cli, const struct values *values)
{
	struct sbx_daemon_options daemon = {
		.skills = cli->globals->skills,
		.policy = cli->globals->policy,
		.keys = cli->globals->keyring.place,
		.runs = SBX_DAEMON_RUNS,
		.queue = SBX_DAEMON_QUEUE,
		.body_max = SBX_DAEMON_BODY_MAX,
		.request_ms = SBX_DAEMON_REQUEST_MS,
		.image_wait_ms = SBX_IMAGE_WAIT_MS,
		.say = say,
	};
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_engine *engine = NULL;
	const char *wrong = fill(values, &daemon);
	cleanup_free char *socket = sbx_cli_socket(NULL);
	int result;

	if (wrong)
		return sbx_cli_usage(cli, "%s", wrong);
	if (sbx_cli_engine(cli, &engine, &err) < 0)
		return sbx_cli_fail(&err);
	daemon.default_socket = socket;
	daemon.engine = sbx_engine_url(engine);
	result = sbx_daemon_run(&daemon, &err);
	sbx_engine_free(&engine);
	return result < 0 ? sbx_cli_fail(&err) : 0;
}

static int cmd_serve(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .socket = NULL };
	int status;
	int first;

	if (sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		status = serve(cli, &values);
	sbx_strv_free(&values.listen);
	sbx_strv_free(&values.hosts);
	return status;
}

const struct sbx_command sbx_cmd_serve = {
	.name = "serve",
	.summary = "run actions for whoever asks over HTTP",
	.arguments = "",
	.details = "Listens on a Unix socket that only this user and root can "
		   "use, and runs actions for those who ask: POST "
		   "/v1/skills/SKILL/actions/ACTION with the input as its body "
		   "is answered with the record. SIGTERM ends it when all that "
		   "runs has ended, a second one cancels that; SIGHUP has the "
		   "skills and the policy read again. For each run it writes a "
		   "line of JSON to standard error, without input and output.",
	.examples = "  skillbox serve\n"
		    "  skillbox serve --socket /tmp/s &\n"
		    "  curl --unix-socket /tmp/s -d '{\"text\": \"a b\"}' "
		    "http://localhost/v1/skills/text/actions/word_count\n"
		    "  skillbox serve --listen 127.0.0.1:8080 --token-file "
		    "token\n",
	.options = options,
	.run = cmd_serve,
};
