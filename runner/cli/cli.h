/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_CLI_H
#define SBX_CLI_CLI_H

#include <stdbool.h>
#include <sysexits.h>

#include "base/error.h"
#include "cli/options.h"
#include "engine/engine.h"
#include "secret/keyring.h"
#include "skill/catalog.h"
#include "skill/fingerprint.h"
#include "skill/policy.h"

/* What the commands share. */

struct sbx_cli;

/*
 * A command, as main's table and --help see it.
 *
 * @arguments	what stands behind the options in the usage line; "" for none
 * @details	what it does, one paragraph; wrapped to the page
 * @notes	lines that stand in front of the examples, each ending in a
 *		newline; NULL for none
 * @examples	lines, each ending in a newline
 * @options	of its own; NULL for none
 * @run		argv[0] is the command's name; returns the exit status; NULL
 *		for a command that is not supported yet
 */
struct sbx_command {
	const char *name;
	const char *summary;
	const char *arguments;
	const char *details;
	const char *notes;
	const char *examples;
	const struct sbx_option *options;
	int (*run)(const struct sbx_cli *cli, int argc, char **argv);
};

extern const struct sbx_command sbx_cmd_build;
extern const struct sbx_command sbx_cmd_check;
extern const struct sbx_command sbx_cmd_doctor;
extern const struct sbx_command sbx_cmd_inspect;
extern const struct sbx_command sbx_cmd_list;
extern const struct sbx_command sbx_cmd_logs;
extern const struct sbx_command sbx_cmd_mcp;
extern const struct sbx_command sbx_cmd_pool;
extern const struct sbx_command sbx_cmd_prune;
extern const struct sbx_command sbx_cmd_run;
extern const struct sbx_command sbx_cmd_secret;
extern const struct sbx_command sbx_cmd_serve;
extern const struct sbx_command sbx_cmd_session;
extern const struct sbx_command sbx_cmd_test;
extern const struct sbx_command sbx_cmd_version;

/* The words of --format where there are just these two. */
enum sbx_cli_format { SBX_CLI_TEXT, SBX_CLI_JSON };
#define SBX_CLI_FORMATS "text|json"

/*
 * Options of every command, before or after its name.
 *
 * @keyring	of the place that --keys names; loaded when it is needed
 */
struct sbx_globals {
	const char *skills;
	const char *engine;
	const char *policy;
	struct sbx_keyring keyring;
	bool help;
	bool version;
};

/*
 * @command	the one that runs, NULL before it is known
 * @globals	what stood before the command's name, then also behind it
 */
struct sbx_cli {
	const struct sbx_command *command;
	struct sbx_globals *globals;
};

extern const struct sbx_option sbx_global_options[];

/*
 * Parses a command's line into @values (of its own options) and the globals.
 * Arguments are argv[*first] to argv[argc - 1] then.  False when the command
 * is to end at once with *@status: --help was asked for and given, or the
 * usage is wrong (arguments to a command that takes none, too), which has been
 * said.
 */
bool sbx_cli_parse(const struct sbx_cli *cli, void *values, int argc,
		   char **argv, int *first, int *status);

/* The text of "skillbox COMMAND --help". */
void sbx_cli_describe(const struct sbx_command *command, struct sbx_buf *out);

/* Says what is wrong with the usage and where to look; returns EX_USAGE. */
int sbx_cli_usage(const struct sbx_cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Says "skillbox: MESSAGE"; returns the status of its outcome. */
int sbx_cli_fail(const struct sbx_error *err);

/* A client of the engine that --engine or the environment names. */
int sbx_cli_engine(const struct sbx_cli *cli, struct sbx_engine **out,
		   struct sbx_error *err);

/* The catalog that --skills or the environment names. */
int sbx_cli_catalog(const struct sbx_cli *cli, struct sbx_catalog *out,
		    struct sbx_error *err);

/* The policy that --policy or the environment names, or this host's. */
int sbx_cli_policy(const struct sbx_cli *cli, struct sbx_policy *out,
		   struct sbx_error *err);

/*
 * Where the daemon's socket is: @given, or what the environment names, or the
 * usual place; free().
 */
#define SBX_CLI_SOCKET_HELP                                                    \
	"the daemon's socket (default: $SKILLBOX_SOCKET, then "                \
	"$XDG_RUNTIME_DIR/skillbox.sock, or /run/skillbox.sock for root)"
char *sbx_cli_socket(const char *given);

/* What a run with these options depends on (skill/fingerprint.h). */
int sbx_cli_fingerprint(const struct sbx_cli *cli,
			const struct sbx_catalog *catalog,
			char out[static SBX_HASH_HEX_SIZE],
			struct sbx_error *err);

/*
 * sbx_catalog_names() for a command that goes through all skills: says so on
 * stderr when there is none; NOT_FOUND when there is not even a place to look.
 */
int sbx_cli_names(const struct sbx_catalog *catalog, struct sbx_strv *names,
		  struct sbx_strv *shadowed, struct sbx_error *err);

#endif
