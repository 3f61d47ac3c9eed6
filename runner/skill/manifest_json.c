/* SPDX-License-Identifier: MIT */
#include "skill/manifest.h"

#include <string.h>

#include "base/mem.h"
#include "codec/json.h"
#include "codec/units.h"
#include "skill/manifest_parts.h"

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void set_text(json_t *object, const char *key, const char *text)
{
	if (text)
		set(object, key, json_string(text));
}

static void set_duration(json_t *object, const char *key, int64_t ms)
{
	cleanup_free char *text = sbx_units_format_duration(ms);

	set_text(object, key, text);
}

static void set_size(json_t *object, const char *key, int64_t bytes)
{
	cleanup_free char *text = sbx_units_format_size(bytes);

	set_text(object, key, text);
}

static json_t *volumes_json(const struct sbx_action *action)
{
	json_t *list = json_array();

	for (size_t i = 0; i < action->n_volumes; i++) {
		const struct sbx_mount *mount = &action->volumes[i];
		bool host = mount->source[0] == '/';
		json_t *volume = json_object();

		set_text(volume, "type", host ? "bind" : "volume");
		set_text(volume, "source", mount->source);
		set_text(volume, "target", mount->target);
		set(volume, "read_only", json_boolean(mount->read_only));
		if (mount->rslave)
			set(volume, "bind",
			    json_pack("{s:s}", "propagation", "rslave"));
		json_array_append_new(list, volume);
	}
	return list;
}

static json_t *tmpfs_json(const struct sbx_action *action)
{
	json_t *list = json_array();

	for (size_t i = 0; i < action->n_tmpfs; i++) {
		const struct sbx_tmpfs *tmpfs = &action->tmpfs[i];
		cleanup_free char *size = sbx_units_format_size(tmpfs->size);
		cleanup_free char *text =
			sbx_asprintf("%s:size=%s%s", tmpfs->target, size,
				     tmpfs->exec ? ",exec" : "");

		json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *devices_json(const struct sbx_action *action)
{
	json_t *list = json_array();

	for (size_t i = 0; i < action->n_devices; i++) {
		const struct sbx_device *device = &action->devices[i];
		char access[SBX_DEVICE_ACCESS_SIZE];

		sbx_device_access_text(device->access, access);
		json_array_append_new(list,
				      json_sprintf("%s:%s:%s", device->source,
						   device->target, access));
	}
	return list;
}

static json_t *files_json(const struct sbx_action *action)
{
	json_t *files = json_object();

	set_text(files, "in", action->files_in);
	set_text(files, "out", action->files_out);
	set_size(files, "limit", action->files_limit);
	return files;
}

static json_t *secrets_json(const struct sbx_action *action)
{
	json_t *list = json_array();

	for (size_t i = 0; i < action->n_secrets; i++) {
		const struct sbx_secret_use *use = &action->secrets[i];
		json_t *object = json_object();

		set_text(object, "name", use->name);
		set_text(object, "env", use->env);
		set_text(object, "file", use->file);
		set(object, "required", json_boolean(use->required));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *ulimits_json(const struct sbx_action *action)
{
	json_t *limits = json_object();

	for (size_t i = 0; i < action->n_ulimits; i++) {
		const struct sbx_ulimit *limit = &action->ulimits[i];
		json_t *value = json_integer(limit->soft);

		if (limit->soft != limit->hard) {
			json_t *both = json_object();

			set(both, "soft", value);
			set(both, "hard", json_integer(limit->hard));
			value = both;
		}
		set(limits, limit->name, value);
	}
	return limits;
}

static void set_limits(json_t *object, const struct sbx_action *action)
{
	set_duration(object, "timeout", action->timeout_ms);
	set_duration(object, "stop_grace_period", action->stop_grace_period_ms);
	set(object, "cpus", json_real((double)action->nano_cpus / 1e9));
	set_size(object, "mem_limit", action->mem_limit);
	set(object, "pids_limit", json_integer(action->pids_limit));
	set(object, "limits_from", sbx_limits_from_json(action));
	set(object, "tmpfs", tmpfs_json(action));
	if (action->files_in || action->files_out)
		set(object, "files", files_json(action));
	set(object, "ulimits", ulimits_json(action));
	set_size(object, "input_limit", action->input_limit);
	set_size(object, "output_limit", action->output_limit);
}

static json_t *warm_pool_json(const struct sbx_warm_pool *warm)
{
	json_t *object = json_object();

	set(object, "min", json_integer(warm->min));
	set(object, "max", json_integer(warm->max));
	set_text(object, "start", sbx_warm_start_words[warm->start]);
	return object;
}

static void set_schemas(json_t *object, const struct sbx_action *action)
{
	if (action->input_schema)
		set(object, "input_schema", json_incref(action->input_schema));
	if (action->output_schema)
		set(object, "output_schema",
		    json_incref(action->output_schema));
}

static void set_tool(json_t *object, const struct sbx_action *action)
{
	set_text(object, "description", action->description);
	set_text(object, "tool_name", action->tool_name);
	set_text(object, "title", action->title);
	if (action->annotations)
		set(object, "annotations", json_incref(action->annotations));
}

static json_t *action_json(const struct sbx_action *action)
{
	json_t *object = json_object();

	set_tool(object, action);
	if (action->build)
		set(object, "build", sbx_build_json(action->build));
	if (action->has_entrypoint)
		set(object, "entrypoint",
		    sbx_json_strings(action->entrypoint.v));
	if (action->has_command)
		set(object, "command", sbx_json_strings(action->command.v));
	set_text(object, "working_dir", action->working_dir);
	set_text(object, "input", sbx_input_words[action->input]);
	set_text(object, "output", sbx_output_words[action->output]);
	set_text(object, "media_type", action->media_type);
	set_schemas(object, action);
	set_text(object, "network", sbx_network_words[action->network]);
	set(object, "volumes", volumes_json(action));
	set(object, "environment", sbx_json_variables(action->environment.v));
	set(object, "secrets", secrets_json(action));
	set_limits(object, action);
	set_text(object, "reuse", sbx_reuse_words[action->reuse]);
	set(object, "warm_pool", warm_pool_json(&action->warm_pool));
	set(object, "concurrency", json_integer(action->concurrency));
	if (action->gpus)
		set(object, "gpus", sbx_gpus_json(action->gpus));
	set(object, "devices", devices_json(action));
	set_text(object, "runtime", action->runtime);
	if (action->has_user) {
		cleanup_free char *user =
			sbx_asprintf("%u:%u", action->uid, action->gid);

		set_text(object, "user", user);
	}
	return object;
}

static json_t *tests_json(const struct sbx_manifest *manifest)
{
	json_t *list = json_array();

	for (size_t i = 0; i < manifest->n_tests; i++) {
		const struct sbx_skill_test *test = &manifest->tests[i];
		json_t *object = json_object();

		set_text(object, "name", test->name);
		set_text(object, "action", test->action);
		set(object, "input", json_incref(test->input));
		if (test->secrets)
			set(object, "secrets", json_incref(test->secrets));
		set(object, "expect", json_incref(test->expect));
		json_array_append_new(list, object);
	}
	return list;
}

json_t *sbx_manifest_json(const struct sbx_manifest *manifest)
{
	json_t *object = json_object();
	json_t *actions = json_object();

	set(object, "schema_version", json_integer(1));
	set_text(object, "name", manifest->name);
	set_text(object, "version", manifest->version);
	set_text(object, "description", manifest->description);
	set_text(object, "license", manifest->license);
	if (manifest->image)
		set_text(object, "image", manifest->image);
	else
		set(object, "build", sbx_build_json(manifest->build));
	if (manifest->volumes)
		set(object, "volumes", json_incref(manifest->volumes));
	for (size_t i = 0; i < manifest->n_actions; i++)
		set(actions, manifest->actions[i].name,
		    action_json(&manifest->actions[i]));
	set(object, "actions", actions);
	set(object, "tests", tests_json(manifest));
	return object;
}

const char *sbx_network_name(enum sbx_network network)
{
	return sbx_network_words[network];
}

bool sbx_network_parse(const char *text, enum sbx_network *out)
{
	for (unsigned int i = 0; sbx_network_words[i]; i++) {
		if (strcmp(text, sbx_network_words[i]) == 0) {
			*out = (enum sbx_network)i;
			return true;
		}
	}
	return false;
}
