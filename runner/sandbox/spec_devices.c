/* SPDX-License-Identifier: MIT */
/*
 * Devices and GPUs: as the engine is told of them, as it says that it gave
 * them, and as init must find them.
 */
#include "sandbox/spec_devices.h"

#include <string.h>

#include "base/mem.h"
#include "codec/json.h"

json_t *sbx_spec_devices_json(const struct sbx_spec *spec)
{
	const struct sbx_action *action = &spec->grant->action;
	json_t *all = json_array();

	for (size_t i = 0; i < action->n_devices; i++) {
		const struct sbx_device *device = &action->devices[i];
		char access[SBX_DEVICE_ACCESS_SIZE];

		sbx_device_access_text(device->access, access);
		json_array_append_new(
			all,
			json_pack("{s:s, s:s, s:s}", "PathOnHost",
				  device->source, "PathInContainer",
				  device->target, "CgroupPermissions", access));
	}
	return all;
}

/* Whichever of its drivers has GPUs, as `docker run --gpus` asks. */
json_t *sbx_spec_gpus_json(const struct sbx_spec *spec)
{
	int64_t gpus = spec->grant->action.gpus;

	if (gpus == 0)
		return json_array();
	return json_pack("[{s:s, s:I, s:[[s]]}]", "Driver", "", "Count",
			 (json_int_t)gpus, "Capabilities", "gpu");
}

int sbx_spec_gpus_check(const struct sbx_spec *spec, struct sbx_error *err)
{
	if (spec->grant->action.gpus == 0 || !spec->traits->no_gpus)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "sandbox.DeviceRequests: %s gives no GPUs by "
			     "their number; name them under \"devices:\"",
			     spec->traits->name);
}

/* --- what was made --------------------------------------------------------- */

static bool same_text(const json_t *want, const json_t *have, const char *key)
{
	return json_equal(json_object_get(want, key),
			  json_object_get(have, key));
}

/*
 * Podman keeps neither the path nor the permissions: it names whichever node of
 * the host has the number, and leaves the permissions empty.
 */
static bool same_device(const json_t *want, const json_t *have)
{
	const char *access = sbx_json_text_at(have, "CgroupPermissions", NULL);

	return same_text(want, have, "PathInContainer") &&
	       ((access && *access == '\0') ||
		(same_text(want, have, "PathOnHost") &&
		 same_text(want, have, "CgroupPermissions")));
}

/* Engines may reorder them; no two have the same place. */
bool sbx_spec_same_devices(const json_t *asked, const json_t *made)
{
	size_t i, j;
	json_t *want, *have;

	if (json_array_size(asked) != json_array_size(made))
		return false;
	json_array_foreach (asked, i, want) {
		bool found = false;

		json_array_foreach (made, j, have)
			found = found || same_device(want, have);
		if (!found)
			return false;
	}
	return true;
}

/* What may stand beside it, and is not asked for. */
static bool has_nothing_else(const json_t *request)
{
	const json_t *ids = json_object_get(request, "DeviceIDs");
	const json_t *options = json_object_get(request, "Options");

	return json_array_size(ids) == 0 && json_object_size(options) == 0;
}

bool sbx_spec_same_gpus(const json_t *asked, const json_t *made)
{
	size_t i;
	json_t *want;

	if (json_array_size(asked) != json_array_size(made))
		return false;
	json_array_foreach (asked, i, want) {
		const json_t *have = json_array_get(made, i);

		if (!same_text(want, have, "Driver") ||
		    !same_text(want, have, "Count") ||
		    !same_text(want, have, "Capabilities") ||
		    !has_nothing_else(have))
			return false;
	}
	return true;
}

/* --- what init must find --------------------------------------------------- */

struct sbx_hello_device *sbx_spec_devices(const struct sbx_spec *spec,
					  size_t *count)
{
	static const struct sbx_host_device none;
	const struct sbx_action *action = &spec->grant->action;
	struct sbx_hello_device *list =
		sbx_calloc(action->n_devices, sizeof(*list));

	for (size_t i = 0; i < action->n_devices; i++) {
		const struct sbx_host_device *found =
			spec->host_devices ? &spec->host_devices[i] : &none;

		list[i] = (struct sbx_hello_device){
			.path = action->devices[i].target,
			.major = found->major,
			.minor = found->minor,
		};
	}
	*count = action->n_devices;
	return list;
}
