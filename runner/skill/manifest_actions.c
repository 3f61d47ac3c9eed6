/* SPDX-License-Identifier: MIT */
#include "skill/manifest_parts.h"

#include <string.h>

#include "base/mem.h"
#include "skill/names.h"

static size_t text_size(const struct sbx_strv *list)
{
	size_t size = 0;

	for (size_t i = 0; i < list->n; i++)
		size += strlen(list->v[i]) + 1;
	return size;
}

/*
 * What is handed to a program has a limit, and so has what each action copies
 * from the defaults.
 */
static void check_size(const struct sbx_at *at, struct sbx_action *action)
{
	size_t strings = action->entrypoint.n + action->command.n +
			 action->environment.n;
	size_t size = text_size(&action->entrypoint) +
		      text_size(&action->command) +
		      text_size(&action->environment);

	if (strings <= SBX_STRINGS_MAX && size <= SBX_STRINGS_SIZE_MAX)
		return;
	sbx_reader_error(at,
			 "entrypoint, command and environment together have "
			 "%zu strings of %zu bytes: 512 of 512 KiB are "
			 "allowed",
			 strings, size);
	sbx_strv_free(&action->entrypoint);
	sbx_strv_free(&action->command);
	sbx_strv_free(&action->environment);
}

static void read_defaults(const struct sbx_at *root,
			  struct sbx_action *defaults)
{
	struct sbx_at at = sbx_at_member(root, "defaults");

	sbx_action_init(defaults);
	if (!at.value)
		return;
	sbx_read_mapping(&at, sbx_action_fields, SBX_FIELD_DEFAULT, defaults);
	check_size(&at, defaults);
}

static void read_action(const struct sbx_at *at,
			const struct sbx_action *defaults,
			struct sbx_manifest *manifest)
{
	struct sbx_action *action = &manifest->actions[manifest->n_actions++];
	size_t size = strnlen(at->key, SBX_NAME_SIZE_MAX);

	sbx_action_copy(action, defaults);
	action->name = sbx_strndup(at->key, size);
	if (!sbx_name_is_action(at->key))
		sbx_reader_key_error(at, "an action's name has 1 to 63 of a-z, "
					 "0-9 and \"_\", the first a letter");
	sbx_read_mapping(at, sbx_action_fields, 0, action);
	check_size(at, action);
	sbx_manifest_check_mounts(at, action);
	sbx_manifest_check_schemas(at, action);
	sbx_manifest_check_media_type(at, action);
	sbx_manifest_check_warm_pool(at, action);
}

/* Each is a copy of @defaults with what it says itself. */
static void read_each(const struct sbx_at *at,
		      const struct sbx_action *defaults,
		      struct sbx_manifest *manifest)
{
	size_t n = json_object_size(at->value);
	const char *name;
	json_t *value;

	if (!sbx_reader_is_mapping(at, SBX_ACTIONS_MAX, "a mapping of actions"))
		return;
	if (n == 0)
		sbx_reader_error(at, "there is no action: add one");
	manifest->actions = sbx_calloc(n, sizeof(*manifest->actions));
	json_object_foreach ((json_t *)at->value, name, value) {
		struct sbx_at inner = sbx_at_member(at, name);

		read_action(&inner, defaults, manifest);
	}
}

static bool has_volume(const struct sbx_action *action, const char *source)
{
	for (size_t i = 0; i < action->n_volumes; i++) {
		if (strcmp(action->volumes[i].source, source) == 0)
			return true;
	}
	return false;
}

/*
 * The first of the actions before @action whose network differs and that has
 * the volume too; NULL when one with the same network has it, which this was
 * said of.
 */
static const struct sbx_action *joined_to(const struct sbx_manifest *manifest,
					  const struct sbx_action *action,
					  const char *source)
{
	const struct sbx_action *found = NULL;

	for (const struct sbx_action *other = manifest->actions; other < action;
	     other++) {
		if (!has_volume(other, source))
			continue;
		if (other->network == action->network)
			return NULL;
		if (!found)
			found = other;
	}
	return found;
}

/* A Unix socket in the volume would join them, also where it is read-only. */
static void check_shared_volumes(const struct sbx_at *actions,
				 const struct sbx_manifest *manifest,
				 const struct sbx_action *action)
{
	struct sbx_at at = sbx_at_member(actions, action->name);
	struct sbx_at volumes = sbx_at_member(&at, "volumes");

	for (size_t i = 0; i < action->n_volumes; i++) {
		const char *source = action->volumes[i].source;
		const struct sbx_action *other =
			joined_to(manifest, action, source);

		if (other)
			sbx_reader_warn(&volumes,
					"%s shares the volume %s but not the "
					"network (%s here, %s there): a Unix "
					"socket in it would join the two",
					other->name, source,
					sbx_network_name(action->network),
					sbx_network_name(other->network));
	}
}

void sbx_manifest_read_actions(const struct sbx_at *root,
			       struct sbx_manifest *manifest)
{
	struct sbx_at actions = sbx_at_member(root, "actions");
	struct sbx_action template;

	read_defaults(root, &template);
	if (actions.value)
		read_each(&actions, &template, manifest);
	sbx_action_clear(&template);
	for (size_t i = 0; i < manifest->n_actions; i++)
		check_shared_volumes(&actions, manifest, &manifest->actions[i]);
	sbx_manifest_check_tool_names(&actions, manifest);
}
