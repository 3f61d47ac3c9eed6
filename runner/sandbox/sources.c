/* SPDX-License-Identifier: MIT */
#include "sandbox/sources.h"

#include <string.h>

#include "base/mem.h"
#include "codec/json.h"
#include "engine/volume.h"
#include "sandbox/guarded.h"
#include "sandbox/spec_mounts.h"
#include "skill/engine_data.h"

static bool is_host_path(const struct sbx_mount *mount)
{
	return mount->source[0] == '/';
}

static int find(struct sbx_engine *engine, const struct sbx_policy *policy,
		const char *path, struct sbx_host_path *out,
		struct sbx_error *err)
{
	if (sbx_host_path_find(path, out, err) < 0)
		return -1;
	return sbx_guarded_check(path, sbx_engine_url(engine), policy->file,
				 err);
}

int sbx_sources_find(struct sbx_engine *engine, const struct sbx_policy *policy,
		     const struct sbx_grant *grant, struct sbx_host_path **out,
		     struct sbx_error *err)
{
	const struct sbx_action *action = &grant->action;

	*out = sbx_calloc(action->n_volumes, sizeof(**out));
	for (size_t i = 0; i < action->n_volumes; i++) {
		const struct sbx_mount *mount = &action->volumes[i];

		if (is_host_path(mount) &&
		    find(engine, policy, mount->source, &(*out)[i], err) < 0)
			return -1;
	}
	return 0;
}

/* --- volumes that are something else -------------------------------------- */

/* Options as mount(8) has them: "rbind,ro" has "rbind". */
static bool has_option(const char *options, const char *name)
{
	size_t size = strlen(name);

	while (*options != '\0') {
		size_t length = strcspn(options, ",");

		if (length == size && memcmp(options, name, size) == 0)
			return true;
		options += length + (options[length] == ',');
	}
	return false;
}

static bool is_elsewhere(const char *type)
{
	static const char *const types[] = { "nfs", "nfs4", "cifs", "tmpfs" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(types); i++) {
		if (strcmp(type, types[i]) == 0)
			return true;
	}
	return false;
}

int sbx_sources_device(const json_t *inspect, const char **device,
		       struct sbx_error *err)
{
	const json_t *all = json_object_get(inspect, "Options");
	const char *type = sbx_json_text_at(all, "type", NULL);
	const char *options = sbx_json_text_at(all, "o", NULL);
	const char *path = sbx_json_text_at(all, "device", NULL);

	*device = NULL;
	if (!type && !options && !path)
		return 0;
	if (options &&
	    (has_option(options, "bind") || has_option(options, "rbind"))) {
		if (path) {
			*device = path;
			return 0;
		}
	} else if (type && is_elsewhere(type)) {
		return 0;
	}
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "volumes.never: the volume %.200s was made with "
			     "options that may hand over anything (type "
			     "%.100s, device %.200s); remove it",
			     sbx_json_text_at(inspect, "Name", NULL),
			     type ? type : "none", path ? path : "none");
}

/* One that is not there yet has no options, and will be an ordinary one. */
static int check_volume(struct sbx_engine *engine,
			const struct sbx_policy *policy,
			const struct sbx_grant *grant,
			const struct sbx_mount *mount, const char *root,
			struct sbx_host_path *out, struct sbx_error *err)
{
	cleanup_free char *name = sbx_spec_volume_name(grant, mount->source);
	json_auto_t *inspect = NULL;
	const char *device;

	if (sbx_volume_inspect(engine, name, &inspect, err) < 0 ||
	    sbx_sources_device(inspect, &device, err) < 0)
		return -1;
	if (!device)
		return 0;
	if (sbx_grant_device(policy, grant->skill, device, mount->read_only,
			     err) < 0 ||
	    find(engine, policy, device, out, err) < 0 ||
	    sbx_guarded_data(device, root, err) < 0)
		return sbx_error_wrap(err, "volume %s", name);
	return 0;
}

int sbx_sources_check(struct sbx_engine *engine,
		      const struct sbx_policy *policy,
		      const struct sbx_grant *grant, const char *storage,
		      struct sbx_host_path *paths, struct sbx_error *err)
{
	const struct sbx_action *action = &grant->action;
	cleanup_free char *root = NULL;

	if (action->n_volumes == 0 && policy->disk_free == 0)
		return 0;
	if (sbx_engine_data_root(engine, storage, &root, err) < 0)
		return -1;
	for (size_t i = 0; i < action->n_volumes; i++) {
		const struct sbx_mount *mount = &action->volumes[i];

		if (sbx_guarded_data(mount->source, root, err) < 0)
			return -1;
		if (!is_host_path(mount) &&
		    check_volume(engine, policy, grant, mount, root, &paths[i],
				 err) < 0)
			return -1;
	}
	return sbx_engine_data_free(root, policy->disk_free, err);
}
