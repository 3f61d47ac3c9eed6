/* SPDX-License-Identifier: MIT */
#include "engine/handle.h"

#include <stdio.h>
#include <string.h>

#include "codec/http_head.h"

/*
 * The API versions that are spoken: 1.41 is what Docker 20.10 and Podman 4.3
 * have, 1.44 the lowest that Docker 29.0 accepts.
 */
#define ENGINE_API_MAJOR 1
#define ENGINE_API_MIN	 41
#define ENGINE_API_MAX	 44

/* An engine answers at once; one that does not is not to hold us up. */
#define PING_IDLE_MS 10000

/* The headers of the answer to /_ping that matter. */
struct ping {
	char api_version[16];
	char builder[16];
	char os[16];
	int podman;
};

/* Copies the value of @line into @out when it is the header @name. */
static bool header_value(const char *line, size_t size, const char *name,
			 char *out, size_t out_size)
{
	size_t length;
	const char *value = sbx_http_head_field(line, size, name, &length);

	if (value)
		snprintf(out, out_size, "%.*s", (int)length, value);
	return value;
}

/* Podman began to say it with 1.0; what is no number is still Podman. */
static int podman_major(const char *version)
{
	unsigned int major;

	return sscanf(version, "%4u", &major) == 1 && major > 0 ? (int)major
								: 1;
}

static void on_header(void *ctx, const char *line, size_t size)
{
	struct ping *ping = ctx;
	char podman[16];

	header_value(line, size, "Api-Version", ping->api_version,
		     sizeof(ping->api_version));
	header_value(line, size, "Builder-Version", ping->builder,
		     sizeof(ping->builder));
	header_value(line, size, "Ostype", ping->os, sizeof(ping->os));
	if (header_value(line, size, "Libpod-Api-Version", podman,
			 sizeof(podman)))
		ping->podman = podman_major(podman);
}

static int on_write(void *ctx, const void *data, size_t size,
		    struct sbx_error *err)
{
	(void)ctx;
	(void)data;
	(void)size;
	(void)err;
	return 0;
}

static int ask(struct sbx_engine *engine, const char *method, struct ping *ping,
	       struct sbx_error *err)
{
	struct sbx_client_exchange exchange = {
		.method = method,
		.target = "/_ping",
		.header = on_header,
		.write = on_write,
		.ctx = ping,
		.idle_ms = PING_IDLE_MS,
	};

	*ping = (struct ping){ .podman = 0 };
	if (sbx_client_perform(engine->client, &exchange, err) < 0)
		return -1;
	if (exchange.status != 200)
		ping->api_version[0] = '\0';
	return 0;
}

static int choose_version(struct sbx_engine *engine, const struct ping *ping,
			  struct sbx_error *err)
{
	unsigned int major;
	unsigned int minor;
	char rest;

	if (sscanf(ping->api_version, "%3u.%4u%c", &major, &minor, &rest) != 2)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "what answers at %s is no container "
				     "engine",
				     engine->transport->url);
	if (major != ENGINE_API_MAJOR || minor < ENGINE_API_MIN)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "the engine at %s speaks API %u.%u; "
				     "%d.%d is needed (Docker 20.10, Podman "
				     "4.3 or later)",
				     engine->transport->url, major, minor,
				     ENGINE_API_MAJOR, ENGINE_API_MIN);
	if (minor > ENGINE_API_MAX)
		minor = ENGINE_API_MAX;
	snprintf(engine->api_version, sizeof(engine->api_version), "%u.%u",
		 major, minor);
	return 0;
}

/*
 * "Builder-Version: 2" is BuildKit and "1" the classic builder.  Docker 20.10
 * has BuildKit but sends the header only when its daemon.json speaks of
 * features.buildkit; Podman sends it empty, and Docker for Windows containers
 * has none.
 */
static bool has_buildkit(const struct ping *ping)
{
	if (ping->builder[0])
		return strcmp(ping->builder, "2") == 0;
	return !ping->podman && strcmp(ping->os, "linux") == 0;
}

int sbx_handle_negotiate(struct sbx_engine *engine, struct sbx_error *err)
{
	struct ping ping;

	if (engine->api_version[0])
		return 0;
	if (ask(engine, "HEAD", &ping, err) < 0)
		return -1;
	if (!ping.api_version[0] && ask(engine, "GET", &ping, err) < 0)
		return -1;
	if (choose_version(engine, &ping, err) < 0)
		return -1;
	engine->buildkit = has_buildkit(&ping);
	engine->podman = ping.podman;
	return 0;
}
