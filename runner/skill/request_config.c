/* SPDX-License-Identifier: MIT */
#include "skill/request_config.h"

#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "codec/json.h"
#include "codec/json_members.h"
#include "codec/units.h"
#include "secret/memory.h"
#include "skill/names.h"

/* Where the members go. */
struct target {
	struct sbx_overrides *overrides;
	struct sbx_secrets *secrets;
};

static int read_timeout(const char *name, json_t *value, void *ctx,
			struct sbx_error *err)
{
	struct target *config = ctx;
	const char *text = sbx_json_plain_text(value);

	if (text && sbx_units_duration(text, &config->overrides->timeout_ms))
		return 0;
	return sbx_json_expected(name, "a duration such as \"30s\"", err);
}

/* "512m", or a number of bytes. */
static int read_memory(const char *name, json_t *value, void *ctx,
		       struct sbx_error *err)
{
	struct target *config = ctx;
	const char *text = sbx_json_plain_text(value);

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		config->overrides->mem_limit = json_integer_value(value);
		return 0;
	}
	if (text && sbx_units_size(text, &config->overrides->mem_limit))
		return 0;
	return sbx_json_expected(name, "a size such as \"256m\"", err);
}

/* "0.5", or that number. */
static int read_cpus(const char *name, json_t *value, void *ctx,
		     struct sbx_error *err)
{
	struct target *config = ctx;
	cleanup_free char *number = NULL;
	const char *text = sbx_json_plain_text(value);

	if (json_is_number(value)) {
		number = sbx_json_line(value);
		text = number;
	}
	if (text && sbx_units_cpus(text, &config->overrides->nano_cpus))
		return 0;
	return sbx_json_expected(name, "a number of CPUs such as 0.5", err);
}

static int read_pids(const char *name, json_t *value, void *ctx,
		     struct sbx_error *err)
{
	struct target *config = ctx;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return sbx_json_expected(name, "a number of processes", err);
	config->overrides->pids_limit = json_integer_value(value);
	return 0;
}

static int read_network(const char *name, json_t *value, void *ctx,
			struct sbx_error *err)
{
	struct target *config = ctx;
	const char *text = sbx_json_plain_text(value);

	if (!text || !sbx_network_parse(text, &config->overrides->network))
		return sbx_json_expected(name, "one of none, bridge, host",
					 err);
	config->overrides->has_network = true;
	return 0;
}

static int read_env(const char *name, json_t *value, void *ctx,
		    struct sbx_error *err)
{
	struct target *config = ctx;
	const char *key;
	json_t *item;

	if (!json_is_object(value))
		return sbx_json_expected(name, "an object of texts", err);
	json_object_foreach (value, key, item) {
		const char *text = sbx_json_plain_text(item);

		if (!sbx_name_is_variable(key) || !text)
			return sbx_json_expected(
				name,
				"names of variables with texts as "
				"their values",
				err);
		sbx_strv_setenv(&config->overrides->environment, key, text);
	}
	return 0;
}

static int read_volumes(const char *name, json_t *value, void *ctx,
			struct sbx_error *err)
{
	struct sbx_overrides *overrides = ((struct target *)ctx)->overrides;
	size_t n = json_array_size(value);

	if (!json_is_array(value) || n > SBX_MOUNTS_MAX)
		return sbx_json_expected(
			name, "a list of \"SOURCE:TARGET[:ro|rw[,rslave]]\"",
			err);
	overrides->volumes = sbx_calloc(n + 1, sizeof(*overrides->volumes));
	for (size_t i = 0; i < n; i++) {
		const char *text =
			sbx_json_plain_text(json_array_get(value, i));
		const char *why = "expected \"SOURCE:TARGET[:ro|rw[,rslave]]\"";

		if (!text ||
		    !sbx_mount_parse(text, &overrides->volumes[i], &why))
			return sbx_error_set(err, SBX_OUTCOME_INVALID,
					     "%s: entry %zu: %s", name, i + 1,
					     why);
		overrides->n_volumes++;
	}
	return 0;
}

/* The text is overwritten where jansson has it as well. */
static int read_secret(const char *name, json_t *value, void *ctx,
		       struct sbx_error *err)
{
	struct target *config = ctx;
	size_t size = json_string_length(value);
	cleanup_secret unsigned char *memory = NULL;

	if (!sbx_secret_is_name(name) || !json_is_string(value) || size == 0 ||
	    size > SBX_SECRET_SIZE_MAX)
		return sbx_json_expected(
			"secrets",
			"names of secrets with texts of 1 to 65536 "
			"bytes as their values",
			err);
	if (sbx_secret_alloc(&memory, size, err) < 0)
		return -1;
	memcpy(memory, json_string_value(value), size);
	sbx_secrets_set(config->secrets, name, &memory, size);
	return 0;
}

static int read_secrets(const char *name, json_t *value, void *ctx,
			struct sbx_error *err)
{
	const char *key;
	json_t *item;

	if (!json_is_object(value) || json_object_size(value) > SBX_SECRETS_MAX)
		return sbx_json_expected(name, "an object of at most 64 texts",
					 err);
	json_object_foreach (value, key, item) {
		if (read_secret(key, item, ctx, err) < 0)
			return -1;
	}
	return 0;
}

static const struct sbx_json_reader members[] = {
	{ "timeout", read_timeout },
	{ "memory", read_memory },
	{ "cpus", read_cpus },
	{ "pids_limit", read_pids },
	{ "network", read_network },
	{ "env", read_env },
	{ "volumes", read_volumes },
	{ "secrets", read_secrets },
	{ .name = NULL },
};

int sbx_request_config_decode(json_t *config, struct sbx_overrides *overrides,
			      struct sbx_secrets *secrets,
			      struct sbx_error *err)
{
	struct target target = { .overrides = overrides, .secrets = secrets };

	if (!json_is_object(config))
		return sbx_json_expected("config", "an object", err);
	if (sbx_json_read_members(config, members, &target, err) < 0)
		return sbx_error_wrap(err, "config");
	return 0;
}

/* What jansson has of secrets is freed without being overwritten. */
void sbx_request_config_wipe(json_t *config)
{
	json_t *secrets = json_object_get(config, "secrets");
	const char *key;
	json_t *item;

	json_object_foreach (secrets, key, item) {
		if (json_is_string(item))
			sodium_memzero((char *)json_string_value(item),
				       json_string_length(item));
	}
}
