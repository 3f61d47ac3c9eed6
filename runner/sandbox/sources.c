/* SPDX-License-Identifier: MIT */
#include "sandbox/sources.h"

#include "base/mem.h"
#include "codec/json.h"
#include "engine/volume.h"
#include "sandbox/guarded.h"
#include "sandbox/spec_mounts.h"
#include "skill/engine_data.h"
#include "skill/volume_options.h"

static bool is_host_path(const struct sbx_mount *mount)
{
	return mount->source[0] == '/';
}

static int find(const struct sbx_sources *of, const char *path,
		struct sbx_host_path *out, struct sbx_error *err)
{
	if (sbx_host_path_find(path, out, err) < 0)
		return -1;
	return sbx_guarded_check(path, sbx_engine_url(of->engine),
				 of->policy->file, of->keys, err);
}

int sbx_sources_find(const struct sbx_sources *of, struct sbx_host_path **out,
		     struct sbx_error *err)
{
	const struct sbx_action *action = &of->grant->action;

	*out = sbx_calloc(action->n_volumes, sizeof(**out));
	for (size_t i = 0; i < action->n_volumes; i++) {
		const struct sbx_mount *mount = &action->volumes[i];

		if (is_host_path(mount) &&
		    find(of, mount->source, &(*out)[i], err) < 0)
			return -1;
	}
	return 0;
}

int sbx_sources_find_devices(const struct sbx_grant *grant,
			     struct sbx_host_device **out,
			     struct sbx_error *err)
{
	const struct sbx_action *action = &grant->action;

	*out = sbx_calloc(action->n_devices, sizeof(**out));
	for (size_t i = 0; i < action->n_devices; i++) {
		if (sbx_host_device_find(action->devices[i].source, &(*out)[i],
					 err) < 0)
			return -1;
	}
	return 0;
}

/* --- volumes that are something else -------------------------------------- */

/*
 * One that skillbox made, or that the manifest says the making of, has the
 * manifest's options.  One of the operator's that the manifest says nothing of
 * has whatever he gave it.
 */
static int check_same(const char *name, const json_t *asked,
		      const json_t *inspect, struct sbx_error *err)
{
	const json_t *made = json_object_get(inspect, "Options");
	bool is_ours = sbx_json_at(inspect, "Labels", SBX_LABEL_VOLUME, NULL);

	if ((!asked && !is_ours) || sbx_volume_options_same(asked, made))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "volume %s: it was made with other options than "
			     "the manifest has now; \"docker volume rm\" "
			     "removes it, with what is in it, and the next "
			     "run makes it anew",
			     name);
}

/* *@device: the path of the host that the volume is, or will be; or NULL. */
static int find_device(struct sbx_engine *engine, const char *name,
		       const json_t *asked, json_t **inspect,
		       const char **device, struct sbx_error *err)
{
	int result = sbx_volume_inspect(engine, name, inspect, err);
	const char *type;

	if (result < 0)
		return -1;
	if (result == SBX_VOLUME_GONE)
		return sbx_volume_options_judge(name, asked, device, &type,
						err);
	if (check_same(name, asked, *inspect, err) < 0)
		return -1;
	return sbx_volume_options_judge(
		name, json_object_get(*inspect, "Options"), device, &type, err);
}

/* Read-only or not, nobody said that the action may own it. */
static int check_owner(const json_t *inspect, const char *device,
		       struct sbx_error *err)
{
	if (!sbx_json_true_at(inspect, "NeedsChown", NULL))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "volumes.never: the engine would give %.200s of "
			     "the host to the action's user; make the volume "
			     "anew, with \"o=bind,uid=0\"",
			     device);
}

static int check_volume(const struct sbx_sources *of,
			const struct sbx_mount *mount, const char *root,
			struct sbx_host_path *out, struct sbx_error *err)
{
	cleanup_free char *name =
		sbx_spec_volume_name(of->grant, mount->source);
	const json_t *asked =
		sbx_volume_options_of(of->grant->volumes, mount->source);
	json_auto_t *inspect = NULL;
	const char *device;

	if (find_device(of->engine, name, asked, &inspect, &device, err) < 0)
		return -1;
	if (!device)
		return 0;
	if (sbx_grant_device(of->policy, of->grant->skill, device,
			     mount->read_only, err) < 0 ||
	    find(of, device, out, err) < 0 ||
	    sbx_guarded_data(device, root, err) < 0 ||
	    check_owner(inspect, device, err) < 0)
		return sbx_error_wrap(err, "volume %s", name);
	return 0;
}

int sbx_sources_check(const struct sbx_sources *of, const char *storage,
		      struct sbx_host_path *paths, struct sbx_error *err)
{
	const struct sbx_action *action = &of->grant->action;
	const struct sbx_policy *policy = of->policy;
	cleanup_free char *root = NULL;

	if (action->n_volumes == 0 && policy->disk_free == 0)
		return 0;
	if (sbx_engine_data_root(of->engine, storage, &root, err) < 0)
		return -1;
	for (size_t i = 0; i < action->n_volumes; i++) {
		const struct sbx_mount *mount = &action->volumes[i];

		if (sbx_guarded_data(mount->source, root, err) < 0)
			return -1;
		if (!is_host_path(mount) &&
		    check_volume(of, mount, root, &paths[i], err) < 0)
			return -1;
	}
	return sbx_engine_data_free(root, policy->disk_free, err);
}
