/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/terminal.h"
#include "skill/policy_file.h"

#define HELP_SIZE_MAX (64 * 1024)

const struct sbx_option sbx_global_options[] = {
	{ "skills", 0, SBX_OPTION_TEXT, "DIR[:DIR]",
	  "where skills are; the first directory that has one wins "
	  "(default: $SKILLBOX_SKILLS, then ./skills)",
	  offsetof(struct sbx_globals, skills) },
	{ "engine", 0, SBX_OPTION_TEXT, "URL",
	  "the container engine, such as unix:///var/run/docker.sock "
	  "(default: $DOCKER_HOST, then the Docker CLI's current context)",
	  offsetof(struct sbx_globals, engine) },
	{ "policy", 0, SBX_OPTION_TEXT, "FILE",
	  "what skills may have on this host (default: $SKILLBOX_POLICY, then "
	  "/etc/skillbox/policy.yaml, then a strict one that is built in)",
	  offsetof(struct sbx_globals, policy) },
	{ "keys", 0, SBX_OPTION_TEXT, "DIR|fd:N",
	  "where private keys are that open sealed secrets (default: "
	  "$SKILLBOX_KEYS, then skillbox/keys in $XDG_CONFIG_HOME or "
	  "~/.config)",
	  offsetof(struct sbx_globals, keyring.place) },
	{ "help", 'h', SBX_OPTION_FLAG, NULL, "show this text",
	  offsetof(struct sbx_globals, help) },
	{ .name = NULL },
};

void sbx_cli_describe(const struct sbx_command *command, struct sbx_buf *out)
{
	sbx_buf_printf(out, "usage: skillbox %s%s%s%s\n\n", command->name,
		       command->options ? " [OPTION...]" : "",
		       *command->arguments ? " " : "", command->arguments);
	sbx_options_paragraph(out, command->details);
	if (command->options) {
		sbx_buf_puts(out, "\noptions:\n");
		sbx_options_describe(command->options, out);
	}
	sbx_buf_puts(out, "\noptions of every command:\n");
	sbx_options_describe(sbx_global_options, out);
	if (command->notes)
		sbx_buf_printf(out, "\n%s", command->notes);
	sbx_buf_printf(out, "\nexamples:\n%s", command->examples);
}

static int help(const struct sbx_command *command)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(HELP_SIZE_MAX);

	sbx_cli_describe(command, &text);
	fputs(sbx_buf_text(&text), stdout);
	return 0;
}

bool sbx_cli_parse(const struct sbx_cli *cli, void *values, int argc,
		   char **argv, int *first, int *status)
{
	const struct sbx_option_group groups[] = {
		{ cli->command->options, values },
		{ sbx_global_options, cli->globals },
	};
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_options_parse(groups, SBX_ARRAY_SIZE(groups), true, argc, argv,
			      first, &err)) {
		*status = sbx_cli_usage(cli, "%s", err.message);
		return false;
	}
	if (cli->globals->help) {
		*status = help(cli->command);
		return false;
	}
	if (!*cli->command->arguments && *first < argc) {
		*status = sbx_cli_usage(cli, "unexpected argument '%s'",
					argv[*first]);
		return false;
	}
	return true;
}

int sbx_cli_usage(const struct sbx_cli *cli, const char *format, ...)
{
	const char *name = cli->command ? cli->command->name : NULL;
	cleanup_free char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	sbx_term_error("%s%s%s", name ? name : "", name ? ": " : "", text);
	fprintf(stderr, "Try 'skillbox%s%s --help'.\n", name ? " " : "",
		name ? name : "");
	return EX_USAGE;
}

int sbx_cli_fail(const struct sbx_error *err)
{
	sbx_term_error("%s", err->message);
	return sbx_outcome_status(err->outcome);
}

int sbx_cli_engine(const struct sbx_cli *cli, struct sbx_engine **out,
		   struct sbx_error *err)
{
	cleanup_free char *url = NULL;
	const char *given = cli->globals->engine;

	if (!given && sbx_engine_default_url(&url, err))
		return -1;
	if (sbx_engine_new(out, given ? given : url, err) == 0)
		return 0;
	/* Neither the manifest's fault nor the input's. */
	if (err->outcome == SBX_OUTCOME_INVALID)
		err->outcome = SBX_OUTCOME_MISCONFIGURED;
	return -1;
}

int sbx_cli_catalog(const struct sbx_cli *cli, struct sbx_catalog *out,
		    struct sbx_error *err)
{
	return sbx_catalog_open(out, cli->globals->skills, err);
}

int sbx_cli_policy(const struct sbx_cli *cli, struct sbx_policy *out,
		   struct sbx_error *err)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;

	return sbx_policy_open(cli->globals->policy, out, &problems, err);
}

/*
 * The user's own, or NULL.  Programs that start others for a model hand little
 * of their environment on; pam_systemd(8) says where it would be.
 */
static char *runtime_dir(void)
{
	const char *named = getenv("XDG_RUNTIME_DIR");
	cleanup_free char *usual = sbx_asprintf("/run/user/%u", geteuid());

	if (named && named[0] == '/')
		return sbx_strdup(named);
	return access(usual, X_OK) == 0 ? sbx_take(usual) : NULL;
}

char *sbx_cli_socket(const char *given)
{
	cleanup_free char *runtime = NULL;

	if (!given)
		given = getenv("SKILLBOX_SOCKET");
	if (given)
		return sbx_strdup(given);
	if (geteuid() != 0)
		runtime = runtime_dir();
	if (runtime)
		return sbx_asprintf("%s/skillbox.sock", runtime);
	return sbx_strdup("/run/skillbox.sock");
}

int sbx_cli_fingerprint(const struct sbx_cli *cli,
			const struct sbx_catalog *catalog,
			char out[static SBX_HASH_HEX_SIZE],
			struct sbx_error *err)
{
	const char *engine = cli->globals->engine;
	cleanup_free char *url = NULL;
	char policy[SBX_HASH_HEX_SIZE];
	struct sbx_fingerprint of = {
		.catalog = catalog,
		.policy_hash = policy,
		.engine_url = engine,
		.keys = &cli->globals->keyring,
	};

	if (!engine && sbx_engine_default_url(&url, err) < 0)
		return -1;
	if (!engine)
		of.engine_url = url;
	if (sbx_policy_hash(cli->globals->policy, policy, err) < 0)
		return -1;
	sbx_fingerprint(&of, out);
	return 0;
}

int sbx_cli_names(const struct sbx_catalog *catalog, struct sbx_strv *names,
		  struct sbx_strv *shadowed, struct sbx_error *err)
{
	if (catalog->directories.n == 0)
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "there is no directory ./skills here, "
				     "name one with --skills DIR");
	if (sbx_catalog_names(catalog, names, shadowed, err))
		return -1;
	for (size_t i = 0; names->n == 0 && i < catalog->directories.n; i++)
		sbx_term_error("no skill in %s (--skills DIR looks elsewhere)",
			       catalog->directories.v[i]);
	return 0;
}
