/* SPDX-License-Identifier: MIT */
#include "skill/manifest.h"

#include <string.h>

#include "base/mem.h"

/* --- actions -------------------------------------------------------------- */

void sbx_mount_clear(struct sbx_mount *mount)
{
	free(mount->source);
	free(mount->target);
	*mount = (struct sbx_mount){ .source = NULL };
}

void sbx_action_add_volume(struct sbx_action *action, const char *source,
			   const char *target, bool read_only)
{
	action->volumes =
		sbx_realloc(action->volumes,
			    (action->n_volumes + 1) * sizeof(*action->volumes));
	action->volumes[action->n_volumes++] = (struct sbx_mount){
		.source = sbx_strdup(source),
		.target = sbx_strdup(target),
		.read_only = read_only,
	};
}

void sbx_action_copy_volume(struct sbx_action *action,
			    const struct sbx_mount *mount)
{
	sbx_action_add_volume(action, mount->source, mount->target,
			      mount->read_only);
	action->volumes[action->n_volumes - 1].rslave = mount->rslave;
}

void sbx_action_clear_volumes(struct sbx_action *action)
{
	for (size_t i = 0; i < action->n_volumes; i++)
		sbx_mount_clear(&action->volumes[i]);
	free(action->volumes);
	action->volumes = NULL;
	action->n_volumes = 0;
}

void sbx_action_add_tmpfs(struct sbx_action *action, const char *target,
			  int64_t size, bool exec)
{
	action->tmpfs = sbx_realloc(
		action->tmpfs, (action->n_tmpfs + 1) * sizeof(*action->tmpfs));
	action->tmpfs[action->n_tmpfs++] = (struct sbx_tmpfs){
		.target = sbx_strdup(target),
		.size = size,
		.exec = exec,
	};
}

void sbx_action_clear_tmpfs(struct sbx_action *action)
{
	for (size_t i = 0; i < action->n_tmpfs; i++)
		free(action->tmpfs[i].target);
	free(action->tmpfs);
	action->tmpfs = NULL;
	action->n_tmpfs = 0;
}

void sbx_action_add_device(struct sbx_action *action, const char *source,
			   const char *target, unsigned int access)
{
	action->devices =
		sbx_realloc(action->devices,
			    (action->n_devices + 1) * sizeof(*action->devices));
	action->devices[action->n_devices++] = (struct sbx_device){
		.source = sbx_strdup(source),
		.target = sbx_strdup(target),
		.access = access,
	};
}

void sbx_action_clear_devices(struct sbx_action *action)
{
	for (size_t i = 0; i < action->n_devices; i++) {
		free(action->devices[i].source);
		free(action->devices[i].target);
	}
	free(action->devices);
	action->devices = NULL;
	action->n_devices = 0;
}

struct sbx_ulimit *sbx_ulimits_find(struct sbx_ulimit *ulimits, size_t n,
				    const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(ulimits[i].name, name) == 0)
			return &ulimits[i];
	}
	return NULL;
}

void sbx_ulimits_set(struct sbx_ulimit **ulimits, size_t *n, const char *name,
		     int64_t soft, int64_t hard)
{
	struct sbx_ulimit *ulimit = sbx_ulimits_find(*ulimits, *n, name);

	if (!ulimit) {
		*ulimits = sbx_realloc(*ulimits, (*n + 1) * sizeof(*ulimit));
		ulimit = &(*ulimits)[(*n)++];
		ulimit->name = sbx_strdup(name);
	}
	ulimit->soft = soft;
	ulimit->hard = hard;
}

void sbx_ulimits_clear(struct sbx_ulimit **ulimits, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		free((*ulimits)[i].name);
	free(*ulimits);
	*ulimits = NULL;
	*n = 0;
}

void sbx_action_set_ulimit(struct sbx_action *action, const char *name,
			   int64_t soft, int64_t hard)
{
	sbx_ulimits_set(&action->ulimits, &action->n_ulimits, name, soft, hard);
}

static char *copy_text(const char *text)
{
	return text ? sbx_strdup(text) : NULL;
}

static void copy_mounts(struct sbx_action *to, const struct sbx_action *from)
{
	to->volumes = NULL;
	to->n_volumes = 0;
	for (size_t i = 0; i < from->n_volumes; i++)
		sbx_action_copy_volume(to, &from->volumes[i]);
	to->tmpfs = NULL;
	to->n_tmpfs = 0;
	for (size_t i = 0; i < from->n_tmpfs; i++)
		sbx_action_add_tmpfs(to, from->tmpfs[i].target,
				     from->tmpfs[i].size, from->tmpfs[i].exec);
}

static void copy_devices(struct sbx_action *to, const struct sbx_action *from)
{
	to->devices = NULL;
	to->n_devices = 0;
	for (size_t i = 0; i < from->n_devices; i++)
		sbx_action_add_device(to, from->devices[i].source,
				      from->devices[i].target,
				      from->devices[i].access);
}

static void copy_ulimits(struct sbx_action *to, const struct sbx_action *from)
{
	to->ulimits = NULL;
	to->n_ulimits = 0;
	for (size_t i = 0; i < from->n_ulimits; i++)
		sbx_action_set_ulimit(to, from->ulimits[i].name,
				      from->ulimits[i].soft,
				      from->ulimits[i].hard);
}

static struct sbx_strv copy_strings(const struct sbx_strv *from)
{
	struct sbx_strv to = SBX_STRV_INIT;

	sbx_strv_copy(&to, from);
	return to;
}

void sbx_action_copy(struct sbx_action *to, const struct sbx_action *from)
{
	*to = *from;
	to->name = copy_text(from->name);
	to->description = copy_text(from->description);
	to->tool_name = copy_text(from->tool_name);
	to->title = copy_text(from->title);
	to->annotations = json_incref(from->annotations);
	to->media_type = copy_text(from->media_type);
	to->entrypoint = copy_strings(&from->entrypoint);
	to->command = copy_strings(&from->command);
	to->working_dir = copy_text(from->working_dir);
	to->environment = copy_strings(&from->environment);
	to->files_in = copy_text(from->files_in);
	to->files_out = copy_text(from->files_out);
	to->runtime = copy_text(from->runtime);
	to->input_schema = json_incref(from->input_schema);
	to->output_schema = json_incref(from->output_schema);
	for (size_t i = 0; i < SBX_LIMIT_FROM_COUNT; i++)
		to->limits_from[i].from = copy_text(from->limits_from[i].from);
	to->build = sbx_build_copy(from->build);
	to->secrets = NULL;
	to->n_secrets = 0;
	for (size_t i = 0; i < from->n_secrets; i++)
		sbx_action_add_secret(to, &from->secrets[i]);
	copy_mounts(to, from);
	copy_devices(to, from);
	copy_ulimits(to, from);
}

void sbx_action_clear(struct sbx_action *action)
{
	free(action->name);
	free(action->description);
	free(action->tool_name);
	free(action->title);
	json_decref(action->annotations);
	free(action->media_type);
	sbx_strv_free(&action->entrypoint);
	sbx_strv_free(&action->command);
	free(action->working_dir);
	sbx_strv_free(&action->environment);
	free(action->files_in);
	free(action->files_out);
	free(action->runtime);
	json_decref(action->input_schema);
	json_decref(action->output_schema);
	sbx_build_free(&action->build);
	for (size_t i = 0; i < SBX_LIMIT_FROM_COUNT; i++)
		free(action->limits_from[i].from);
	sbx_action_clear_secrets(action);
	sbx_action_clear_volumes(action);
	sbx_action_clear_tmpfs(action);
	sbx_action_clear_devices(action);
	sbx_ulimits_clear(&action->ulimits, &action->n_ulimits);
	*action = (struct sbx_action){ .name = NULL };
}

/* --- manifests ------------------------------------------------------------ */

static void clear_test(struct sbx_skill_test *test)
{
	free(test->name);
	free(test->action);
	json_decref(test->input);
	json_decref(test->secrets);
	json_decref(test->expect);
}

void sbx_manifest_free(struct sbx_manifest **manifest)
{
	struct sbx_manifest *m = *manifest;

	if (!m)
		return;
	for (size_t i = 0; i < m->n_actions; i++)
		sbx_action_clear(&m->actions[i]);
	free(m->actions);
	for (size_t i = 0; i < m->n_tests; i++)
		clear_test(&m->tests[i]);
	free(m->tests);
	free(m->name);
	free(m->version);
	free(m->description);
	free(m->license);
	free(m->image);
	sbx_build_free(&m->build);
	json_decref(m->volumes);
	free(m);
	*manifest = NULL;
}

const struct sbx_action *
sbx_manifest_action(const struct sbx_manifest *manifest, const char *name)
{
	for (size_t i = 0; i < manifest->n_actions; i++) {
		if (strcmp(manifest->actions[i].name, name) == 0)
			return &manifest->actions[i];
	}
	return NULL;
}

const char **sbx_manifest_action_names(const struct sbx_manifest *manifest)
{
	const char **names =
		sbx_calloc(manifest->n_actions + 1, sizeof(*names));

	for (size_t i = 0; i < manifest->n_actions; i++)
		names[i] = manifest->actions[i].name;
	return names;
}
