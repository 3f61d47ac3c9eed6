/* SPDX-License-Identifier: MIT */
#include "sandbox/plan_secrets.h"

#include <string.h>

#include "base/mem.h"

/* A name that was mistyped would else leave the sealed value in force. */
static int check_given(const struct sbx_secrets *given,
		       const struct sbx_action *action, struct sbx_error *err)
{
	for (size_t i = 0; given && i < given->n; i++) {
		if (!sbx_action_names_secret(action, given->v[i].name))
			return sbx_error_set(err, SBX_OUTCOME_INVALID,
					     "action %s has no secret %s under "
					     "\"secrets:\" in its manifest",
					     action->name, given->v[i].name);
	}
	return 0;
}

static int not_found(const struct sbx_secret_lookup *lookup, const char *name,
		     struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
			     "secret %s is nowhere to be found: seal it with "
			     "\"skillbox secret set %s %s\", or give it for "
			     "one run with --secret %s=@FILE",
			     name, lookup->skill, name, name);
}

static void send(struct sbx_plan_secrets *secrets,
		 const struct sbx_secret_use *use)
{
	const struct sbx_secret *secret =
		sbx_secrets_find(&secrets->opened, use->name);

	secrets->sent[secrets->n_sent++] = (struct sbx_channel_secret){
		.env = use->env,
		.file = use->file,
		.value = secret->value,
		.size = secret->size,
	};
}

int sbx_plan_secrets_open(struct sbx_plan_secrets *out,
			  struct sbx_secret_lookup *lookup,
			  const struct sbx_action *action,
			  struct sbx_error *err)
{
	if (check_given(lookup->given, action, err) < 0)
		return -1;
	out->sent = sbx_calloc(action->n_secrets + 1, sizeof(*out->sent));
	for (size_t i = 0; i < action->n_secrets; i++) {
		const struct sbx_secret_use *use = &action->secrets[i];
		int found = 1;

		if (!sbx_secrets_find(&out->opened, use->name))
			found = sbx_secret_find(lookup, use->name, &out->opened,
						err);
		if (found < 0)
			return -1;
		if (found == 0 && use->required)
			return not_found(lookup, use->name, err);
		if (found > 0)
			send(out, use);
	}
	return 0;
}

void sbx_plan_secrets_clear(struct sbx_plan_secrets *secrets)
{
	free(secrets->sent);
	sbx_secrets_clear(&secrets->opened);
	*secrets = (struct sbx_plan_secrets){ .sent = NULL };
}
