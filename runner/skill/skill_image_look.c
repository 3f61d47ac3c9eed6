/* SPDX-License-Identifier: MIT */
#include "skill/skill_image_look.h"

#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "codec/json.h"

int sbx_skill_image_check_labels(const json_t *inspect, const char *ref,
				 const json_t *expected, struct sbx_error *err)
{
	json_t *labels = sbx_json_at(inspect, "Config", "Labels", NULL);
	const char *key;
	json_t *value;

	json_object_foreach (labels, key, value) {
		if (sbx_text_has_prefix(key, SBX_LABEL_PREFIX) &&
		    !json_equal(value, json_object_get(expected, key)))
			return sbx_error_set(
				err, SBX_OUTCOME_DENIED,
				"image.labels: %s has a label %s that skillbox "
				"did not set; labels under " SBX_LABEL_PREFIX
				" are not for Dockerfiles",
				ref, key);
	}
	json_object_foreach ((json_t *)expected, key, value) {
		if (!json_object_get(labels, key))
			return sbx_error_set(
				err, SBX_OUTCOME_DENIED,
				"image.labels: %s was not built by skillbox: "
				"it has no label %s; remove it (docker image "
				"rm %s)",
				ref, key, ref);
	}
	return 0;
}

static void copy_strings(struct sbx_strv *out, const json_t *list)
{
	size_t i;
	json_t *value;

	json_array_foreach (list, i, value) {
		if (json_is_string(value))
			sbx_strv_push(out, json_string_value(value));
	}
}

/* Cleaned, as the engine does it, and once; sbx_spec_check sees to the rest. */
static void add_volume(struct sbx_strv *volumes, const char *declared)
{
	cleanup_free char *clean = sbx_path_normalize(declared);
	const char *path = clean ? clean : declared;

	for (size_t i = 0; i < volumes->n; i++) {
		if (strcmp(volumes->v[i], path) == 0)
			return;
	}
	sbx_strv_push(volumes, path);
}

void sbx_skill_image_describe(const json_t *inspect, const char *ref,
			      struct sbx_skill_image *out)
{
	json_t *config = json_object_get(inspect, "Config");
	const char *id = sbx_json_text_at(inspect, "Id", NULL);
	const char *directory = sbx_json_text_at(config, "WorkingDir", NULL);
	const char *path;
	json_t *value;

	sbx_strset(&out->tag, ref);
	sbx_strset(&out->id, id ? id : "");
	/* Docker's overlay2 and Podman; engines on containerd leave it out. */
	sbx_strset(&out->storage, sbx_json_text_at(inspect, "GraphDriver",
						   "Data", "UpperDir", NULL));
	if (directory && *directory)
		sbx_strset(&out->working_dir, directory);
	copy_strings(&out->env, json_object_get(config, "Env"));
	copy_strings(&out->entrypoint, json_object_get(config, "Entrypoint"));
	copy_strings(&out->cmd, json_object_get(config, "Cmd"));
	json_object_foreach (json_object_get(config, "Volumes"), path, value)
		add_volume(&out->volumes, path);
}

void sbx_skill_image_clear(struct sbx_skill_image *image)
{
	free(image->tag);
	free(image->id);
	sbx_strv_free(&image->env);
	sbx_strv_free(&image->entrypoint);
	sbx_strv_free(&image->cmd);
	free(image->working_dir);
	sbx_strv_free(&image->volumes);
	free(image->storage);
	*image = (struct sbx_skill_image){ .tag = NULL };
}
