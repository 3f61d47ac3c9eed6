/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cancel.h"
#include "cli/remote.h"
#include "cli/terminal.h"
#include "codec/json.h"

/* skillbox pool: the daemon's waiting sandboxes, seen and asked for. */

#define TARGET "/v1/pool"
#define MIB    (1024.0 * 1024)
/* More than any policy has; the daemon takes what its own allows. */
#define WARM_MAX 100000

struct values {
	const char *socket;
	enum sbx_cli_format format;
};

static const struct sbx_option options[] = {
	{ "socket", 0, SBX_OPTION_TEXT, "PATH", SBX_CLI_SOCKET_HELP,
	  offsetof(struct values, socket) },
	{ "format", 0, SBX_OPTION_WORD, SBX_CLI_FORMATS,
	  "form of what is printed (default: text)",
	  offsetof(struct values, format) },
	{ .name = NULL },
};

/* --- what is printed ------------------------------------------------------- */

static int number(const json_t *object, const char *name)
{
	return (int)sbx_json_int_at(0, object, name, NULL);
}

static double real(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static const char *text_at(const json_t *object, const char *name)
{
	const char *text = sbx_json_text_at(object, name, NULL);

	return text ? text : "-";
}

/* "LABEL TEXT", escaped, where there is such a text. */
static void print_note(const json_t *object, const char *name,
		       const char *label)
{
	const char *text = sbx_json_text_at(object, name, NULL);
	cleanup_free char *safe = text ? sbx_term_escape(text) : NULL;

	if (safe)
		printf("%s%s\n", label, safe);
}

static void print_pool(const json_t *pool)
{
	const json_t *takes = json_object_get(pool, "takes");
	cleanup_free char *name = sbx_asprintf("%s %s", text_at(pool, "skill"),
					       text_at(pool, "action"));
	cleanup_free char *safe = sbx_term_escape(name);
	cleanup_free char *owner = sbx_term_escape(text_at(pool, "owner"));

	printf("%-32s %-10s %-8s %-6s %7d %8d %4d %6d %3d %8.1f %8d %8d %6d\n",
	       safe, owner, text_at(pool, "start"), text_at(pool, "reuse"),
	       number(pool, "waiting"), number(pool, "starting"),
	       number(pool, "busy"), number(pool, "target"),
	       number(pool, "max"), real(pool, "arrivals_per_s"),
	       number(takes, "warm") + number(takes, "reused"),
	       number(takes, "cold"), number(takes, "dead"));
	print_note(pool, "late", "  not started early: ");
	print_note(pool, "last_error", "  last error: ");
}

static void print_status(const json_t *status)
{
	const json_t *limits = json_object_get(status, "limits");
	const json_t *pools = json_object_get(status, "pools");
	const json_t *pool;
	size_t i;

	printf("%d waiting of at most %d, %d starting, %d busy, "
	       "%.0f of %.0f MiB%s\n",
	       number(status, "waiting"), number(limits, "waiting"),
	       number(status, "starting"), number(status, "busy"),
	       real(status, "memory_bytes") / MIB,
	       real(limits, "memory_bytes") / MIB,
	       sbx_json_true_at(status, "draining", NULL) ? ", draining" : "");
	print_note(status, "pressure", "nothing is started: ");
	if (json_array_size(pools) == 0)
		return;
	printf("\n%-32s %-10s %-8s %-6s %7s %8s %4s %6s %3s %8s %8s %8s %6s\n",
	       "SKILL ACTION", "OWNER", "START", "REUSE", "WAITING", "STARTING",
	       "BUSY", "TARGET", "MAX", "PER SEC", "WARM", "COLD", "DEAD");
	json_array_foreach (pools, i, pool)
		print_pool(pool);
}

/* --- what is asked --------------------------------------------------------- */

static int ask(const struct values *values, const char *method,
	       const json_t *body)
{
	cleanup_free char *socket = sbx_cli_socket(values->socket);
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *answer = NULL;

	if (sbx_remote_call(socket, method, TARGET, body, sbx_cancel_setup(),
			    &answer, &err) < 0)
		return sbx_cli_fail(&err);
	if (values->format == SBX_CLI_JSON)
		sbx_term_json(answer);
	else
		print_status(answer);
	return 0;
}

static bool parse_number(const char *text, long *out)
{
	char *end;

	*out = strtol(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && *out <= WARM_MAX;
}

/* {"skill", "action", "warm": N} or {..., "shrink": N} */
static int change(const struct sbx_cli *cli, const struct values *values,
		  char **words)
{
	json_auto_t *body = NULL;
	long n;

	if (!parse_number(words[3], &n))
		return sbx_cli_usage(cli,
				     "'%s' is not a number of sandboxes, 0 to "
				     "%d",
				     words[3], WARM_MAX);
	body = json_pack("{s:s, s:s, s:I}", "skill", words[1], "action",
			 words[2], words[0], (json_int_t)n);
	if (!body)
		return sbx_cli_usage(cli, "the names are no UTF-8");
	return ask(values, "POST", body);
}

static int dispatch(const struct sbx_cli *cli, const struct values *values,
		    int n, char **words)
{
	if (n == 0 || (n == 1 && strcmp(words[0], "status") == 0))
		return ask(values, "GET", NULL);
	if (strcmp(words[0], "warm") == 0 || strcmp(words[0], "shrink") == 0)
		return n == 4 ? change(cli, values, words)
			      : sbx_cli_usage(cli, "%s takes SKILL ACTION N",
					      words[0]);
	return sbx_cli_usage(cli, "expected status, warm or shrink, not '%s'",
			     words[0]);
}

static int cmd_pool(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .format = SBX_CLI_TEXT };
	int status;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	return dispatch(cli, &values, argc - first, argv + first);
}

const struct sbx_command sbx_cmd_pool = {
	.name = "pool",
	.summary = "the daemon's sandboxes that wait for a request",
	.arguments = "[status | warm SKILL ACTION N | shrink SKILL ACTION N]",
	.details = "Shows what waits in the daemon ('skillbox serve') and "
		   "where requests got their sandboxes from. 'warm' has N "
		   "sandboxes waiting for an action, more than it would have "
		   "by itself, as far as the policy allows; 'shrink' ends what "
		   "waits beyond N and lets the daemon decide again.",
	.examples = "  skillbox pool\n"
		    "  skillbox pool warm text word_count 4\n"
		    "  skillbox pool shrink text word_count 0\n"
		    "  skillbox pool --format json | jq .takes\n",
	.options = options,
	.run = cmd_pool,
};
