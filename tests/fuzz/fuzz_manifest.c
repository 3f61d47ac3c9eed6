/* SPDX-License-Identifier: MIT */
/*
 * A manifest by somebody we do not trust: it is refused with the place of each
 * mistake, or what was read keeps every limit, can be written in full and read
 * as the same again.
 */
#include "fuzz.h"

#include "skill/manifest.h"
#include "skill/names.h"
#include "skill/tool_name.h"

#define NAME "fuzz"

static void must_be_problem(const char *line)
{
	unsigned int row;
	unsigned int column;

	must(sscanf(line, "%u:%u: ", &row, &column) == 2);
	must(fuzz_is_harmless(line));
}

static void must_be_list(const struct sbx_strv *list)
{
	size_t total = 0;

	must(list->n <= SBX_STRINGS_MAX);
	for (size_t i = 0; i < list->n; i++) {
		must(strlen(list->v[i]) <= SBX_STRING_SIZE_MAX);
		must(fuzz_is_utf8(list->v[i]));
		total += strlen(list->v[i]);
	}
	must(total <= SBX_STRINGS_SIZE_MAX);
}

static void must_be_mounts(const struct sbx_action *action)
{
	const char *a;
	const char *b;

	must(action->n_volumes <= SBX_MOUNTS_MAX);
	must(action->n_tmpfs <= SBX_MOUNTS_MAX);
	for (size_t i = 0; i < action->n_volumes; i++) {
		const struct sbx_mount *mount = &action->volumes[i];

		must(mount->target[0] == '/' && mount->target[1] != '\0');
		must(mount->source[0] == '/' ||
		     sbx_name_is_volume(mount->source));
		must(!strstr(mount->target, "/../"));
	}
	for (size_t i = 0; i < action->n_tmpfs; i++) {
		must(action->tmpfs[i].target[0] == '/');
		must(action->tmpfs[i].size > 0);
	}
	must(!sbx_action_overlap(action, &a, &b));
}

static void must_be_devices(const struct sbx_action *action)
{
	must(action->gpus >= SBX_GPUS_ALL && action->gpus <= SBX_GPUS_MAX);
	must(action->n_devices <= SBX_DEVICES_MAX);
	for (size_t i = 0; i < action->n_devices; i++) {
		const struct sbx_device *device = &action->devices[i];

		must(strncmp(device->source, "/dev/", 5) == 0);
		must(strncmp(device->target, "/dev/", 5) == 0);
		must(!strstr(device->target, "/../"));
		must(device->access > 0 && device->access < 8);
	}
}

static void must_be_tool(const struct sbx_action *action)
{
	const char *key;
	json_t *hint;

	must(!action->tool_name || sbx_name_is_tool(action->tool_name));
	must(!action->title || fuzz_is_harmless(action->title));
	must(!action->title || strlen(action->title) <= SBX_TITLE_SIZE_MAX);
	must(!action->media_type || action->output == SBX_OUTPUT_BINARY ||
	     action->output == SBX_OUTPUT_FILE);
	must(!action->annotations || json_object_size(action->annotations) > 0);
	json_object_foreach (action->annotations, key, hint)
		must(json_is_boolean(hint));
}

static void must_be_action(const struct sbx_action *action)
{
	must(sbx_name_is_action(action->name));
	must(action->timeout_ms > 0 &&
	     action->timeout_ms <= SBX_TIMEOUT_MS_MAX);
	must(action->stop_grace_period_ms >= 0 &&
	     action->stop_grace_period_ms <= SBX_TIMEOUT_MS_MAX);
	must(action->mem_limit >= SBX_MEM_LIMIT_MIN &&
	     action->mem_limit <= SBX_MEM_LIMIT_MAX);
	must(action->pids_limit >= SBX_PIDS_LIMIT_MIN &&
	     action->pids_limit <= SBX_PIDS_LIMIT_MAX);
	must(action->nano_cpus >= SBX_NANO_CPUS_MIN &&
	     action->nano_cpus <= SBX_NANO_CPUS_MAX);
	must(action->input_limit >= 0 &&
	     action->input_limit <= SBX_STREAM_LIMIT_MAX);
	must(action->output_limit >= 0 &&
	     action->output_limit <= SBX_STREAM_LIMIT_MAX);
	must(action->uid <= SBX_ID_MAX && action->gid <= SBX_ID_MAX);
	must(!action->working_dir || action->working_dir[0] == '/');
	must_be_list(&action->entrypoint);
	must_be_list(&action->command);
	must_be_list(&action->environment);
	must_be_mounts(action);
	must_be_devices(action);
	must_be_tool(action);
}

static void must_have_own_names(const struct sbx_manifest *manifest)
{
	char name[SBX_TOOL_NAME_SIZE];
	char other[SBX_TOOL_NAME_SIZE];

	for (size_t i = 0; i < manifest->n_actions; i++) {
		if (!sbx_action_tool_name(manifest, &manifest->actions[i],
					  name))
			continue;
		must(sbx_name_is_tool(name));
		for (size_t j = 0; j < i; j++) {
			sbx_action_tool_name(manifest, &manifest->actions[j],
					     other);
			must(strcmp(name, other) != 0);
		}
	}
}

static void must_survive_writing(const struct sbx_manifest *manifest)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = fuzz_error();
	json_t *json = sbx_manifest_json(manifest);
	char *text = json_dumps(json, JSON_INDENT(1));
	struct sbx_manifest *again = NULL;
	json_t *json_again;

	must(text);
	if (sbx_manifest_parse(text, strlen(text), NAME, "again", &again,
			       &problems, &err) < 0) {
		fprintf(stderr, "%s\n%s\n", err.message, text);
		must(!"what was written can be read");
	}
	json_again = sbx_manifest_json(again);
	must(json_equal(json, json_again));
	json_decref(json);
	json_decref(json_again);
	free(text);
	sbx_manifest_free(&again);
	sbx_problems_free(&problems);
}

/* JSON that YAML 1.1's reader takes: no control characters, short keys. */
static bool can_be_written(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] >= 0x7f || data[i] == '\\')
			return false;
	}
	return size < 1024;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = fuzz_error();
	struct sbx_manifest *manifest = NULL;
	char *text = fuzz_exact(data, size);
	int result = sbx_manifest_parse(text, size, NAME, "skill.yaml",
					&manifest, &problems, &err);

	must_fit(result, &err);
	must((result == 0) == (manifest != NULL));
	must((result == 0) == (problems.errors.n == 0));
	for (size_t i = 0; i < problems.errors.n; i++)
		must_be_problem(problems.errors.v[i]);
	for (size_t i = 0; i < problems.warnings.n; i++)
		must_be_problem(problems.warnings.v[i]);
	if (manifest) {
		must(strcmp(manifest->name, NAME) == 0);
		must(manifest->n_actions > 0 &&
		     manifest->n_actions <= SBX_ACTIONS_MAX);
		must(manifest->n_tests <= SBX_TESTS_MAX);
		for (size_t i = 0; i < manifest->n_actions; i++)
			must_be_action(&manifest->actions[i]);
		must_have_own_names(manifest);
		if (can_be_written(data, size))
			must_survive_writing(manifest);
	} else {
		must(err.outcome == SBX_OUTCOME_INVALID);
		must(strncmp(err.message, "skill.yaml:", 11) == 0);
	}
	sbx_manifest_free(&manifest);
	sbx_problems_free(&problems);
	free(text);
	return 0;
}
