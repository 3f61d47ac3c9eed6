/* SPDX-License-Identifier: MIT */
#include "skill/manifest_parts.h"

#include <string.h>

#include "base/mem.h"
#include "secret/secrets.h"
#include "skill/names.h"

static void clear_use(struct sbx_secret_use *use)
{
	free(use->name);
	free(use->env);
	free(use->file);
}

void sbx_action_clear_secrets(struct sbx_action *action)
{
	for (size_t i = 0; i < action->n_secrets; i++)
		clear_use(&action->secrets[i]);
	free(action->secrets);
	action->secrets = NULL;
	action->n_secrets = 0;
}

static char *copy_text(const char *text)
{
	return text ? sbx_strdup(text) : NULL;
}

void sbx_action_add_secret(struct sbx_action *action,
			   const struct sbx_secret_use *use)
{
	action->secrets =
		sbx_realloc(action->secrets,
			    (action->n_secrets + 1) * sizeof(*action->secrets));
	action->secrets[action->n_secrets++] = (struct sbx_secret_use){
		.name = copy_text(use->name),
		.env = copy_text(use->env),
		.file = copy_text(use->file),
		.required = use->required,
	};
}

bool sbx_action_names_secret(const struct sbx_action *action, const char *name)
{
	for (size_t i = 0; i < action->n_secrets; i++) {
		if (strcmp(action->secrets[i].name, name) == 0)
			return true;
	}
	return false;
}

bool sbx_action_wants_secret_files(const struct sbx_action *action)
{
	for (size_t i = 0; i < action->n_secrets; i++) {
		if (action->secrets[i].file)
			return true;
	}
	return false;
}

static bool is_variable(const char *text)
{
	return sbx_name_is_variable(text) && strncmp(text, "SKILL_", 6) != 0;
}

const struct sbx_field sbx_secret_fields[] = {
	{ .name = "name",
	  .read = sbx_read_text,
	  .flags = SBX_FIELD_REQUIRED,
	  .offset = offsetof(struct sbx_secret_use, name),
	  .fits = sbx_secret_is_name,
	  .expected = "a secret's name: " SBX_SECRET_NAME_EXPECTED },
	{ .name = "env",
	  .read = sbx_read_text,
	  .offset = offsetof(struct sbx_secret_use, env),
	  .fits = is_variable,
	  .expected = "the name of a variable, not beginning with SKILL_" },
	{ .name = "file",
	  .read = sbx_read_text,
	  .offset = offsetof(struct sbx_secret_use, file),
	  .fits = sbx_name_is_identifier,
	  .expected = "the name of a file in /run/secrets, such as token" },
	{ .name = "required",
	  .read = sbx_read_bool,
	  .offset = offsetof(struct sbx_secret_use, required),
	  .expected = "true or false" },
	{ .name = NULL },
};

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Why @use cannot be added to those of @action; NULL when it can. */
static const char *refuse(const struct sbx_action *action,
			  const struct sbx_secret_use *use)
{
	if (use->env && use->file)
		return "env and file cannot both be given: list the secret "
		       "twice";
	for (size_t i = 0; i < action->n_secrets; i++) {
		if (same(action->secrets[i].env, use->env))
			return "two secrets would be in one variable: give one "
			       "another env";
		if (same(action->secrets[i].file, use->file))
			return "two secrets would be in one file: give one "
			       "another file";
	}
	return NULL;
}

/* By default it is in a variable of its own name. */
static void set_place(struct sbx_secret_use *use)
{
	if (use->name && !use->env && !use->file && is_variable(use->name))
		use->env = sbx_strdup(use->name);
}

static void read_use(const struct sbx_at *at, struct sbx_action *action)
{
	struct sbx_secret_use use = { .required = true };
	const char *why = NULL;

	if (sbx_read_mapping(at, sbx_secret_fields, 0, &use) && use.name) {
		set_place(&use);
		why = use.env || use.file
			      ? refuse(action, &use)
			      : "the variable cannot begin with SKILL_: say "
				"env: NAME";
		if (why)
			sbx_reader_error(at, "%s", why);
		else
			sbx_action_add_secret(action, &use);
	}
	clear_use(&use);
}

void sbx_manifest_read_secrets(const struct sbx_at *at,
			       const struct sbx_field *field, void *object)
{
	if (!sbx_reader_is_list(at, SBX_SECRETS_MAX, field->expected))
		return;
	sbx_action_clear_secrets(object);
	for (size_t i = 0; i < json_array_size(at->value); i++) {
		struct sbx_at inner = sbx_at_element(at, i);

		read_use(&inner, object);
	}
}
