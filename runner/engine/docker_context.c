/* SPDX-License-Identifier: MIT */
#include "engine/docker_context.h"

#include <fcntl.h>
#include <string.h>

#include <sodium.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "codec/json.h"

/*
 * Layout of the Docker CLI's files (docker/cli, cli/context/store): the
 * metadata of a context is in contexts/meta/<SHA-256 of its name>/meta.json.
 */

#define FILE_MAX	((size_t)1 << 20)
#define DIGEST_HEX_SIZE (2 * crypto_hash_sha256_BYTES + 1)

static char *config_directory(void)
{
	const char *directory = getenv("DOCKER_CONFIG");
	const char *home = getenv("HOME");

	if (directory && *directory)
		return sbx_strdup(directory);
	return sbx_asprintf("%s/.docker", home ? home : "");
}

static int read_json(const char *path, json_t **out, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(FILE_MAX);

	if (sbx_file_read(AT_FDCWD, path, &text, err) < 0)
		return -1;
	if (sbx_json_parse(sbx_buf_text(&text), text.len, out, err) < 0)
		return sbx_error_wrap(err, "%s", path);
	return 0;
}

/* The name of the current context; "default" when nothing says otherwise. */
static int current_context(const char *directory, char **out,
			   struct sbx_error *err)
{
	cleanup_free char *path = sbx_asprintf("%s/config.json", directory);
	const char *name = getenv("DOCKER_CONTEXT");
	json_auto_t *config = NULL;
	struct sbx_error why = SBX_ERROR_INIT;

	if ((!name || !*name) && read_json(path, &config, &why) < 0 &&
	    why.outcome != SBX_OUTCOME_NOT_FOUND) {
		sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED, "%s",
			      why.message);
		return -1;
	}
	if (config)
		name = sbx_json_text_at(config, "currentContext", NULL);
	*out = sbx_strdup(name && *name ? name : "default");
	return 0;
}

static int context_url(const char *directory, const char *name, char **out,
		       struct sbx_error *err)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[DIGEST_HEX_SIZE];
	cleanup_free char *path = NULL;
	json_auto_t *meta = NULL;
	const char *host;

	crypto_hash_sha256(digest, (const unsigned char *)name, strlen(name));
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	path = sbx_asprintf("%s/contexts/meta/%s/meta.json", directory, hex);
	if (read_json(path, &meta, err) < 0) {
		err->outcome = SBX_OUTCOME_MISCONFIGURED;
		return sbx_error_wrap(err, "docker context \"%s\"", name);
	}
	host = sbx_json_text_at(meta, "Endpoints", "docker", "Host", NULL);
	if (!host || !*host)
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "docker context \"%s\": %s names no "
				     "docker endpoint",
				     name, path);
	*out = sbx_strdup(host);
	return 0;
}

int sbx_docker_context_url(char **out, struct sbx_error *err)
{
	cleanup_free char *directory = config_directory();
	cleanup_free char *name = NULL;

	if (current_context(directory, &name, err) < 0)
		return -1;
	if (strcmp(name, "default") == 0) {
		*out = NULL;
		return 0;
	}
	return context_url(directory, name, out, err);
}
