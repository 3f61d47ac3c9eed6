/* SPDX-License-Identifier: MIT */
/*
 * "volumes:" of the document: how the engine is to make those of the skill's
 * volumes that are no ordinary ones, in Compose's words.
 */
#include "skill/manifest_parts.h"

#include <string.h>

#include "base/mem.h"
#include "skill/names.h"
#include "skill/volume_options.h"

struct named {
	char *driver;
	char *type;
	char *o;
	char *device;
};

#define AT(member) .offset = offsetof(struct named, member)

const struct sbx_field sbx_driver_opts_fields[] = {
	{ .name = "type",
	  .read = sbx_read_text,
	  .flags = SBX_FIELD_REQUIRED,
	  AT(type),
	  .expected = "a file system, such as nfs, cifs or tmpfs" },
	{ .name = "o",
	  .read = sbx_read_text,
	  AT(o),
	  .expected = "the options of the mount, such as \"addr=192.0.2.1\"" },
	{ .name = "device",
	  .read = sbx_read_text,
	  .flags = SBX_FIELD_REQUIRED,
	  AT(device),
	  .expected = "what is mounted, such as \":/export\"; tmpfs for a "
		      "tmpfs" },
	{ .name = NULL },
};

static void read_driver_opts(const struct sbx_at *at,
			     const struct sbx_field *field, void *object)
{
	struct named *named = object;
	struct sbx_at o = sbx_at_member(at, "o");
	const char *why;

	(void)field;
	sbx_read_mapping(at, sbx_driver_opts_fields, 0, named);
	why = named->o ? sbx_volume_options_secret(named->o) : NULL;
	if (why)
		sbx_reader_error(&o, "%s", why);
}

const struct sbx_field sbx_named_volume_fields[] = {
	{ .name = "driver",
	  .read = sbx_read_text,
	  AT(driver),
	  .fits = sbx_name_is_identifier,
	  .expected = "the name of a driver, such as local" },
	{ .name = "driver_opts", .read = read_driver_opts },
	{ .name = NULL },
};

#undef AT

/* Compose takes "cache:" without a value for an ordinary one. */
static json_t *read_one(const struct sbx_at *at)
{
	struct named named = { .driver = NULL };
	json_t *volume;

	if (!json_is_null(at->value))
		sbx_read_mapping(at, sbx_named_volume_fields, 0, &named);
	volume = json_pack("{s:s}", "driver",
			   named.driver ? named.driver : "local");
	if (named.type || named.o || named.device)
		json_object_set_new(volume, "driver_opts",
				    json_pack("{s:s*, s:s*, s:s*}", "type",
					      named.type, "o", named.o,
					      "device", named.device));
	free(named.driver);
	free(named.type);
	free(named.o);
	free(named.device);
	return volume;
}

static bool is_mounted(const struct sbx_manifest *manifest, const char *name)
{
	for (size_t i = 0; i < manifest->n_actions; i++) {
		const struct sbx_action *action = &manifest->actions[i];

		for (size_t j = 0; j < action->n_volumes; j++) {
			if (strcmp(action->volumes[j].source, name) == 0)
				return true;
		}
	}
	return false;
}

void sbx_manifest_read_named_volumes(const struct sbx_at *root,
				     struct sbx_manifest *manifest)
{
	struct sbx_at at = sbx_at_member(root, "volumes");
	const char *name;
	json_t *item;

	if (!at.value ||
	    !sbx_reader_is_mapping(&at, SBX_MOUNTS_MAX,
				   "a mapping of volumes to how they are "
				   "made"))
		return;
	manifest->volumes = json_object();
	json_object_foreach ((json_t *)at.value, name, item) {
		struct sbx_at inner = sbx_at_member(&at, name);

		if (!sbx_name_is_volume(name)) {
			sbx_reader_key_error(&inner,
					     "this can be no volume's name: 1 "
					     "to 64 of a-z, 0-9, \"_\", \".\" "
					     "and \"-\", the first a letter or "
					     "digit, are");
			continue;
		}
		json_object_set_new(manifest->volumes, name, read_one(&inner));
		if (!is_mounted(manifest, name))
			sbx_reader_warn(&inner,
					"no action mounts the volume "
					"%s",
					name);
	}
}
