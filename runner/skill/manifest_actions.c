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
static void check_size(struct sbx_reader *reader, const struct sbx_at *at,
		       struct sbx_action *action)
{
	size_t strings = action->entrypoint.n + action->command.n +
			 action->environment.n;
	size_t size = text_size(&action->entrypoint) +
		      text_size(&action->command) +
		      text_size(&action->environment);

	if (strings <= SBX_STRINGS_MAX && size <= SBX_STRINGS_SIZE_MAX)
		return;
	sbx_reader_error(reader, at,
			 "entrypoint, command and environment together have "
			 "%zu strings of %zu bytes: 512 of 512 KiB are "
			 "allowed",
			 strings, size);
	sbx_strv_free(&action->entrypoint);
	sbx_strv_free(&action->command);
	sbx_strv_free(&action->environment);
}

static void read_defaults(struct sbx_reader *reader, const json_t *value,
			  struct sbx_action *defaults)
{
	struct sbx_at at = { .key = "defaults" };

	sbx_action_init(defaults);
	if (!value)
		return;
	sbx_read_mapping(reader, &at, sbx_action_fields, SBX_FIELD_DEFAULT,
			 value, defaults);
	check_size(reader, &at, defaults);
}

static void read_action(struct sbx_reader *reader, const struct sbx_at *at,
			const json_t *value, const struct sbx_action *defaults,
			struct sbx_manifest *manifest)
{
	struct sbx_action *action = &manifest->actions[manifest->n_actions++];
	size_t size = strnlen(at->key, SBX_NAME_SIZE_MAX);

	sbx_action_copy(action, defaults);
	action->name = sbx_strndup(at->key, size);
	if (!sbx_name_is_action(at->key))
		sbx_reader_key_error(reader, at,
				     "an action's name has 1 to 63 of a-z, "
				     "0-9 and \"_\", the first a letter");
	sbx_read_mapping(reader, at, sbx_action_fields, 0, value, action);
	check_size(reader, at, action);
	sbx_check_mounts(reader, at, action);
}

/* Each is a copy of @defaults with what it says itself. */
static void read_each(struct sbx_reader *reader, const json_t *actions,
		      const struct sbx_action *defaults,
		      struct sbx_manifest *manifest)
{
	struct sbx_at at = { .key = "actions" };
	const char *name;
	json_t *value;

	if (!sbx_reader_is_mapping(reader, &at, actions, SBX_ACTIONS_MAX,
				   "a mapping of actions"))
		return;
	if (json_object_size(actions) == 0)
		sbx_reader_error(reader, &at, "there is no action: add one");
	manifest->actions = sbx_calloc(json_object_size(actions),
				       sizeof(*manifest->actions));
	json_object_foreach ((json_t *)actions, name, value) {
		struct sbx_at inner = { .up = &at, .key = name };

		read_action(reader, &inner, value, defaults, manifest);
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
static void check_shared_volumes(struct sbx_reader *reader,
				 const struct sbx_manifest *manifest,
				 const struct sbx_action *action)
{
	struct sbx_at actions = { .key = "actions" };
	struct sbx_at at = { .up = &actions, .key = action->name };
	struct sbx_at volumes = { .up = &at, .key = "volumes" };

	for (size_t i = 0; i < action->n_volumes; i++) {
		const char *source = action->volumes[i].source;
		const struct sbx_action *other =
			joined_to(manifest, action, source);

		if (other)
			sbx_reader_warn(reader, &volumes,
					"%s shares the volume %s but not the "
					"network (%s here, %s there): a Unix "
					"socket in it would join the two",
					other->name, source,
					sbx_network_name(action->network),
					sbx_network_name(other->network));
	}
}

void sbx_read_actions(struct sbx_reader *reader, const json_t *defaults,
		      const json_t *actions, struct sbx_manifest *manifest)
{
	struct sbx_action template;

	read_defaults(reader, defaults, &template);
	if (actions)
		read_each(reader, actions, &template, manifest);
	sbx_action_clear(&template);
	for (size_t i = 0; i < manifest->n_actions; i++)
		check_shared_volumes(reader, manifest, &manifest->actions[i]);
}
