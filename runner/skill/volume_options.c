/* SPDX-License-Identifier: MIT */
#include "skill/volume_options.h"

#include <string.h>

#include "base/mem.h"
#include "base/mount_options.h"
#include "codec/json.h"

bool sbx_volume_is_type(const char *text)
{
	static const char *const types[] = { "nfs", "nfs4", "cifs", "tmpfs" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(types); i++) {
		if (strcmp(text, types[i]) == 0)
			return true;
	}
	return false;
}

int sbx_volume_options_judge(const char *name, const json_t *options,
			     const char **device, const char **type,
			     struct sbx_error *err)
{
	const char *fstype = sbx_json_text_at(options, "type", NULL);
	const char *o = sbx_json_text_at(options, "o", NULL);
	const char *path = sbx_json_text_at(options, "device", NULL);

	*device = NULL;
	*type = NULL;
	if (!fstype && !o && !path)
		return 0;
	if (o && (sbx_mount_option_in(o, "bind") ||
		  sbx_mount_option_in(o, "rbind"))) {
		if (path) {
			*device = path;
			return 0;
		}
	} else if (fstype && sbx_volume_is_type(fstype)) {
		*type = fstype;
		return 0;
	}
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "volumes.never: the volume %.200s has options "
			     "that may hand over anything (type %.100s, device "
			     "%.200s)",
			     name, fstype ? fstype : "none",
			     path ? path : "none");
}

bool sbx_volume_options_same(const json_t *a, const json_t *b)
{
	if (json_object_size(a) == 0)
		return json_object_size(b) == 0;
	return json_equal(a, b);
}

const char *sbx_volume_options_secret(const char *o)
{
	static const struct {
		const char *name;
		const char *why;
	} secrets[] = {
#define PASSWORD                                                               \
	"a manifest is no place for a password: have the operator make this "  \
	"volume with the engine's own command, and leave it out here"
#define FILE_OF_ONE                                                            \
	"that is a file of the host: have the operator make this volume with " \
	"the engine's own command, and leave it out here"
		{ "pass", PASSWORD },		{ "pass2", PASSWORD },
		{ "passwd", PASSWORD },		{ "password", PASSWORD },
		{ "password2", PASSWORD },	{ "cred", FILE_OF_ONE },
		{ "credentials", FILE_OF_ONE },
	};
	const char *option;
	size_t length;

	while ((length = sbx_mount_option_next(&o, &option)) > 0) {
		const char *end = memchr(option, '=', length);
		size_t size = end ? (size_t)(end - option) : length;

		for (size_t i = 0; i < SBX_ARRAY_SIZE(secrets); i++) {
			if (sbx_mount_option_is(option, size, secrets[i].name))
				return secrets[i].why;
		}
		/* mount.cifs(8): user=NAME%PASSWORD */
		if (memchr(option, '%', length) && option[0] == 'u')
			return PASSWORD;
	}
	return NULL;
}

const json_t *sbx_volume_options_of(const json_t *volumes, const char *name)
{
	return sbx_json_at(volumes, name, "driver_opts", NULL);
}
