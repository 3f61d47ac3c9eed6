/* SPDX-License-Identifier: MIT */
#include "cli/secret_target.h"

#include <stdio.h>

#include "base/clock.h"
#include "cli/terminal.h"

struct values {
	enum sbx_cli_format format;
};

static const struct sbx_option options[] = {
	{ "format", 0, SBX_OPTION_WORD, SBX_CLI_FORMATS,
	  "form of what is printed (default: text)",
	  offsetof(struct values, format) },
	{ .name = NULL },
};

static json_t *describe(const struct sbx_key *key, bool is_current)
{
	char public_key[SBX_KEY_TEXT_SIZE];
	char created[SBX_CLOCK_RFC3339_SIZE];

	sbx_key_encode(key->public_key, public_key);
	sbx_clock_format(key->created_ms, created);
	return json_pack("{s:s, s:s, s:s?, s:s, s:b}", "id", key->id,
			 "public_key", public_key, "created_at",
			 key->created_ms > 0 ? created : NULL, "source",
			 key->source, "current", is_current);
}

static void print_text(const struct sbx_key *key, bool is_current)
{
	cleanup_free char *source = sbx_term_escape(key->source);
	char public_key[SBX_KEY_TEXT_SIZE];
	char created[SBX_CLOCK_RFC3339_SIZE];

	sbx_key_encode(key->public_key, public_key);
	sbx_clock_format(key->created_ms, created);
	printf("%s  %s  %.10s  %s%s\n", key->id, public_key,
	       key->created_ms > 0 ? created : "-         ", source,
	       is_current ? "  (current)" : "");
}

static int cmd_keys(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .format = SBX_CLI_TEXT };
	const struct sbx_keys *keys = &cli->globals->keyring.keys;
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *list = json_array();
	int status;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	if (sbx_keyring_load(&cli->globals->keyring, &err) < 0 ||
	    (values.format == SBX_CLI_TEXT &&
	     sbx_secret_need_keys(cli, &err) < 0))
		return sbx_cli_fail(&err);
	for (size_t i = 0; i < keys->n; i++) {
		json_array_append_new(list, describe(&keys->v[i], i == 0));
		if (values.format == SBX_CLI_TEXT)
			print_text(&keys->v[i], i == 0);
	}
	if (values.format == SBX_CLI_JSON)
		sbx_term_json(list);
	return 0;
}

const struct sbx_command sbx_cmd_secret_keys = {
	.name = "secret keys",
	.summary = "list the keys that are here",
	.arguments = "",
	.details = "Lists the keys whose private half is here: id, public key, "
		   "when it was made, and the file. The newest is the current "
		   "one, which new files are sealed for. No private key is "
		   "ever shown.",
	.examples = "  skillbox secret keys\n"
		    "  skillbox secret keys --format json | jq -r "
		    "'.[0].public_key'\n",
	.options = options,
	.run = cmd_keys,
};
