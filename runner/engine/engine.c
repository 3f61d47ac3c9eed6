/* SPDX-License-Identifier: MIT */
#include "engine/engine.h"

#include "base/mem.h"
#include "engine/client.h"
#include "engine/docker_context.h"
#include "engine/handle.h"
#include "engine/http.h"
#include "engine/podman.h"
#include "engine/transport.h"

#define DEFAULT_URL "unix:///var/run/docker.sock"

int sbx_engine_new(struct sbx_engine **out, const char *url,
		   struct sbx_error *err)
{
	struct sbx_engine *engine = sbx_calloc(1, sizeof(*engine));

	if (sbx_transport_new(&engine->transport, url, err) < 0) {
		sbx_engine_free(&engine);
		return -1;
	}
	sbx_client_new(&engine->client, engine->transport);
	*out = engine;
	return 0;
}

void sbx_engine_free(struct sbx_engine **engine)
{
	if (!*engine)
		return;
	sbx_client_free(&(*engine)->client);
	sbx_transport_free(&(*engine)->transport);
	free(*engine);
	*engine = NULL;
}

int sbx_engine_default_url(char **out, struct sbx_error *err)
{
	const char *host = getenv("DOCKER_HOST");
	char *url = NULL;

	if (host && *host) {
		*out = sbx_strdup(host);
		return 0;
	}
	if (sbx_docker_context_url(&url, err) < 0)
		return -1;
	*out = url ? url : sbx_strdup(DEFAULT_URL);
	return 0;
}

const char *sbx_engine_url(const struct sbx_engine *engine)
{
	return engine->transport->url;
}

void sbx_engine_set_cancel_fd(struct sbx_engine *engine, int fd)
{
	sbx_client_set_cancel_fd(engine->client, fd);
}

int sbx_engine_cancel_fd(const struct sbx_engine *engine)
{
	return sbx_client_cancel_fd(engine->client);
}

void sbx_engine_set_patience(struct sbx_engine *engine, double ms)
{
	sbx_client_turn(engine->client)->patience = ms;
}

double sbx_engine_patience(const struct sbx_engine *engine)
{
	return sbx_client_turn(engine->client)->patience;
}

uint64_t sbx_engine_identity(const struct sbx_engine *engine)
{
	return sbx_client_identity(engine->client);
}

unsigned int sbx_engine_silences(const struct sbx_engine *engine)
{
	return sbx_client_turn(engine->client)->silences;
}

const char *sbx_engine_platform(struct sbx_engine *engine)
{
	return engine->transport->ops->platform(engine->transport);
}

int sbx_engine_ping(struct sbx_engine *engine, const char **api_version,
		    struct sbx_error *err)
{
	if (sbx_handle_negotiate(engine, err) < 0)
		return -1;
	*api_version = engine->api_version;
	return 0;
}

int sbx_engine_info(struct sbx_engine *engine, json_t **out,
		    struct sbx_error *err)
{
	json_auto_t *own = NULL;

	if (sbx_http_get(engine, "/info", JSON_OBJECT, out, err))
		return -1;
	if (!engine->podman)
		return 0;
	if (sbx_podman_info(engine, &own, err) < 0)
		return -1;
	sbx_podman_translate_info(*out, own);
	return 0;
}

int sbx_engine_version(struct sbx_engine *engine, json_t **out,
		       struct sbx_error *err)
{
	return sbx_http_get(engine, "/version", JSON_OBJECT, out, err) ? -1 : 0;
}
