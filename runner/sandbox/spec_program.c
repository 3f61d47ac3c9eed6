/* SPDX-License-Identifier: MIT */
/* What init is told: the command and the environment of the program. */
#include "sandbox/spec.h"

#include <ctype.h>
#include <string.h>

#include "base/path.h"
#include "codec/json.h"

#define DEFAULT_PATH                                                           \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void sbx_spec_argv(const struct sbx_spec *spec, struct sbx_strv *argv)
{
	const struct sbx_action *action = &spec->grant->action;

	if (action->has_entrypoint) {
		/* As in Compose, this also forgets the image's CMD. */
		sbx_strv_extend(argv, &action->entrypoint);
		sbx_strv_extend(argv, &action->command);
	} else {
		sbx_strv_extend(argv, &spec->image->entrypoint);
		sbx_strv_extend(argv, action->has_command ? &action->command
							  : &spec->image->cmd);
	}
	if (!action->has_entrypoint && !action->has_command)
		sbx_strv_push(argv, action->name);
}

static bool is_writable(const struct sbx_action *action, const char *path)
{
	for (size_t i = 0; i < action->n_tmpfs; i++) {
		if (sbx_path_is_within(path, action->tmpfs[i].target))
			return true;
	}
	if ((action->files_in && sbx_path_is_within(path, action->files_in)) ||
	    (action->files_out && sbx_path_is_within(path, action->files_out)))
		return true;
	for (size_t i = 0; i < action->n_volumes; i++) {
		if (!action->volumes[i].read_only &&
		    sbx_path_is_within(path, action->volumes[i].target))
			return true;
	}
	return false;
}

static void set_home(const struct sbx_action *action, struct sbx_strv *env)
{
	const char *home = sbx_strv_getenv(env, "HOME");

	if (!home || !is_writable(action, home))
		sbx_strv_setenv(env, "HOME", "/tmp");
}

/* A string as it is, anything else as JSON; NULL when it has a NUL in it. */
static char *input_value(const json_t *value)
{
	const char *text = sbx_json_plain_text(value);

	if (!json_is_string(value))
		return sbx_json_line(value);
	return text ? sbx_strdup(text) : NULL;
}

/* INPUT_<NAME>: actions/toolkit, core.getInput(). */
static int add_input(struct sbx_strv *inputs, const char *key,
		     const json_t *value, struct sbx_error *err)
{
	cleanup_free char *name = sbx_asprintf("INPUT_%s", key);
	cleanup_free char *text = input_value(value);

	for (char *c = name; *c; c++)
		*c = *c == ' ' ? '_' : (char)toupper((unsigned char)*c);
	if (strchr(name, '=') || !text)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "input: member \"%s\" cannot be an "
				     "environment variable: \"=\" in its name "
				     "or U+0000 in its value",
				     key);
	if (sbx_strv_getenv(inputs, name))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "input: member \"%s\" would be a second "
				     "%s in the environment",
				     key, name);
	sbx_strv_setenv(inputs, name, text);
	return 0;
}

static int set_inputs(struct sbx_strv *env, const json_t *input,
		      const char *input_text, struct sbx_error *err)
{
	cleanup_strv struct sbx_strv inputs = SBX_STRV_INIT;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)input, key, value) {
		if (add_input(&inputs, key, value, err) < 0)
			return -1;
	}
	sbx_strv_extend_env(env, &inputs);
	sbx_strv_setenv(env, "SKILL_ARGS", input_text);
	return 0;
}

/*
 * In a session what one step installs the next one has: whatever installs
 * packages for a user puts them into the workspace.
 */
static void set_session(const struct sbx_spec_session *session,
			struct sbx_strv *env)
{
	static const char *const variables[][2] = {
		{ "HOME", SBX_WORKSPACE },
		{ "XDG_CACHE_HOME", SBX_WORKSPACE "/.cache" },
		{ "PYTHONUSERBASE", SBX_WORKSPACE "/.local" },
		{ "PIP_USER", "1" },
		{ "PIP_BREAK_SYSTEM_PACKAGES", "1" }, /* PEP 668 */
		{ "NPM_CONFIG_PREFIX", SBX_WORKSPACE "/.local" },
		{ "NODE_PATH", SBX_WORKSPACE "/.local/lib/node_modules" },
		{ "GOPATH", SBX_WORKSPACE "/go" },
	};
	cleanup_free char *path = sbx_asprintf(
		SBX_WORKSPACE "/.local/bin:" SBX_WORKSPACE "/go/bin:%s",
		sbx_strv_getenv(env, "PATH"));

	for (size_t i = 0; i < SBX_ARRAY_SIZE(variables); i++)
		sbx_strv_setenv(env, variables[i][0], variables[i][1]);
	sbx_strv_setenv(env, "PATH", path);
	sbx_strv_setenv(env, "SKILL_SESSION", session->name);
}

int sbx_spec_environment(const struct sbx_spec *spec, const json_t *input,
			 const char *input_text, struct sbx_strv *env,
			 struct sbx_error *err)
{
	const struct sbx_action *action = &spec->grant->action;

	sbx_strv_setenv(env, "PATH", DEFAULT_PATH);
	sbx_strv_extend_env(env, &spec->image->env);
	if (spec->session)
		set_session(spec->session, env);
	sbx_strv_extend_env(env, &action->environment);
	set_home(action, env);
	if (input && set_inputs(env, input, input_text, err) < 0)
		return -1;
	if (action->output == SBX_OUTPUT_FILE)
		sbx_strv_setenv(env, "SKILL_OUTPUT", SBX_SPEC_OUTPUT_PATH);
	sbx_strv_setenv(env, "SKILL_ACTION", action->name);
	if (spec->run_id)
		sbx_strv_setenv(env, "SKILL_RUN_ID", spec->run_id);
	return 0;
}
