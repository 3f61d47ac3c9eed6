/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cancel.h"
#include "cli/session_target.h"
#include "cli/terminal.h"
#include "codec/units.h"
#include "sandbox/copy_pack.h"
#include "sandbox/copy_reader.h"
#include "sandbox/copy_tar.h"
#include "sandbox/copy_unpack.h"
#include "sandbox/session_copy.h"

/* How long another run in the session is waited for. */
#define WAIT_MS (10 * 60 * 1000.0)

struct values {
	const char *timeout;
	enum sbx_cli_format format;
};

static const struct sbx_option options[] = {
	{ "timeout", 0, SBX_OPTION_TEXT, "DURATION",
	  "end it after so long: 30s, 1m30s (default: 10m)",
	  offsetof(struct values, timeout) },
	{ "format", 0, SBX_OPTION_WORD, SBX_CLI_FORMATS,
	  "form of what is printed (default: text)",
	  offsetof(struct values, format) },
	{ .name = NULL },
};

/*
 * One copy.
 *
 * @host	the path here, or "-"
 * @archive	a file, for what is under way
 */
struct cp {
	const char *host;
	bool is_in;
	int archive;
	struct sbx_session_copy copy;
	struct sbx_session_target target;
};

static const struct sbx_progress lines = { .line = sbx_term_progress };

/* --- both ways ------------------------------------------------------------- */

static bool is_stream(const struct cp *cp)
{
	return strcmp(cp->host, "-") == 0;
}

static int pack(const struct cp *cp, struct sbx_error *err)
{
	cleanup_free char *name = NULL;

	if (is_stream(cp))
		return sbx_copy_from_tar(STDIN_FILENO, cp->archive,
					 &sbx_session_copy_max, &lines, err);
	name = sbx_copy_name(cp->host);
	return sbx_copy_pack(cp->archive, cp->host, name, &sbx_session_copy_max,
			     &lines, err);
}

static int unpack(const struct cp *cp, struct sbx_error *err)
{
	if (is_stream(cp))
		return sbx_copy_to_tar(cp->archive, STDOUT_FILENO,
				       &sbx_session_copy_max, &lines, err);
	return sbx_copy_unpack(cp->archive, cp->host, &sbx_session_copy_max,
			       &lines, err);
}

static int copy_in(const struct cp *cp, struct sbx_copy_size *size,
		   struct sbx_error *err)
{
	if (pack(cp, err) < 0 ||
	    sbx_copy_measure(cp->archive, &sbx_session_copy_max, size, err) < 0)
		return -1;
	return sbx_session_copy_in(cp->target.engine, &cp->copy, err);
}

/* What came is laid out also where it is not all; why it is not is said. */
static int copy_out(const struct cp *cp, struct sbx_copy_size *size,
		    struct sbx_error *err)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	int result = sbx_session_copy_out(cp->target.engine, &cp->copy, err);
	struct sbx_error *second = result == 0 ? err : &ignored;

	if (result < 0)
		return -1;
	if (sbx_copy_measure(cp->archive, &sbx_session_copy_max, size, second) <
		    0 ||
	    unpack(cp, second) < 0)
		return -1;
	return result;
}

static void report(const struct cp *cp, const struct values *values,
		   const struct sbx_copy_size *size)
{
	cleanup_free char *bytes = sbx_units_format_size((int64_t)size->bytes);
	json_auto_t *json = json_pack("{s:I, s:I}", "files",
				      (json_int_t)size->files, "bytes",
				      (json_int_t)size->bytes);

	if (values->format == SBX_CLI_JSON)
		sbx_term_json(json);
	else if (cp->is_in || !is_stream(cp))
		printf("%" PRIu64 " file%s, %s\n", size->files,
		       size->files == 1 ? "" : "s", bytes);
}

static int copy(const struct sbx_cli *cli, struct cp *cp,
		struct sbx_copy_size *size, struct sbx_error *err)
{
	int result = sbx_session_target_open(cli, &cp->target, err);

	if (result == 0) {
		cp->archive = sbx_file_unnamed(err);
		result = cp->archive < 0 ? -1 : 0;
	}
	cp->copy.owner = cp->target.owner;
	cp->copy.fd = cp->archive;
	if (result == 0)
		result = cp->is_in ? copy_in(cp, size, err)
				   : copy_out(cp, size, err);
	sbx_close(&cp->archive);
	return result;
}

static int copy_and_report(const struct sbx_cli *cli,
			   const struct values *values, struct cp *cp)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_copy_size size = { .files = 0 };
	int result = copy(cli, cp, &size, &err);

	if (result == 0)
		report(cp, values, &size);
	sbx_session_target_close(&cp->target);
	return result == 0 ? 0 : sbx_cli_fail(&err);
}

/* --- the command line ------------------------------------------------------ */

/*
 * Splits "NAME:PATH", of which @text is to keep the name only, and returns the
 * path.  NULL for a path of this host: as with docker cp, one that has a colon
 * begins with "/" or ".".
 */
static char *split(char *text)
{
	char *colon = strchr(text, ':');

	if (!colon || colon == text || *text == '/' || *text == '.')
		return NULL;
	*colon = '\0';
	return colon + 1;
}

/* NULL, or what is wrong. */
static const char *read_paths(const struct values *values, char **arguments,
			      struct cp *cp)
{
	char *from = split(arguments[0]);
	char *to = split(arguments[1]);

	if (!from == !to)
		return "expected one path here and one NAME:PATH in a session; "
		       "a path with a colon in it begins with \"./\"";
	cp->is_in = to != NULL;
	cp->host = arguments[cp->is_in ? 0 : 1];
	cp->copy.name = arguments[cp->is_in ? 1 : 0];
	cp->copy.path = cp->is_in ? to : from;
	if (!*cp->copy.path || !*cp->host)
		return "a path is missing";
	if (!cp->is_in && is_stream(cp) && values->format == SBX_CLI_JSON)
		return "--format json and a tar on standard output do not go "
		       "together";
	return NULL;
}

static int cp_with(const struct sbx_cli *cli, const struct values *values,
		   char **arguments)
{
	struct cp cp = {
		.archive = -1,
		.copy = { .timeout_ms = SBX_SESSION_COPY_TIMEOUT_MS,
			  .wait_ms = WAIT_MS,
			  .lines = &lines },
	};
	const char *wrong = read_paths(values, arguments, &cp);

	if (wrong)
		return sbx_cli_usage(cli, "%s", wrong);
	if (values->timeout &&
	    !sbx_units_duration(values->timeout, &cp.copy.timeout_ms))
		return sbx_cli_usage(cli,
				     "--timeout: '%s' is not a duration such "
				     "as 30s, 1m30s or 500ms",
				     values->timeout);
	return copy_and_report(cli, values, &cp);
}

static int cmd_cp(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .format = SBX_CLI_TEXT };
	int status;
	int first;

	sbx_cancel_setup();
	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	if (argc - first != 2)
		return sbx_cli_usage(cli, "expected SRC and DST");
	return cp_with(cli, &values, argv + first);
}

const struct sbx_command sbx_cmd_session_cp = {
	.name = "session cp",
	.summary = "copy files into or out of a session",
	.arguments = "{SRC NAME:PATH | NAME:PATH DST}",
	.details = "Copies a file or a tree, as 'docker cp' does: into the "
		   "target where that is a directory, else in its place; "
		   "'DIR/.' is what DIR has in it. A relative PATH is below "
		   "/workspace. Here '-' is a tar on standard input or output. "
		   "Links that lead out of the tree, and what is neither file, "
		   "directory nor link, are left out, with a line that says "
		   "so.",
	.examples = "  skillbox session cp data.csv demo:in/\n"
		    "  skillbox session cp demo:results .\n"
		    "  skillbox session cp demo:results - | tar -tf -\n",
	.options = options,
	.run = cmd_cp,
};
