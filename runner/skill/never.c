/* SPDX-License-Identifier: MIT */
#include "skill/never.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

static const char *const places[] = {
	"/proc",
	"/sys",
	"/dev",
	"/etc",
	"/run/docker.sock",
	"/run/docker",
	"/run/containerd",
	"/run/podman",
	"/run/crio",
	"/run/buildkit",
	"/run/user",
	"/run/systemd",
	"/run/dbus",
	"/run/skillbox",
	"/run/skillbox.sock",
	"/var/run", /* the same once more: it is a link to /run */
	"/var/lib/docker",
	"/var/lib/containerd",
	"/var/lib/containers",
};

/* Sockets of engines, wherever they are. */
static const char *const sockets[] = {
	"docker.sock", "podman.sock",	 "containerd.sock",
	"crio.sock",   "buildkitd.sock", "docker-cli.sock",
};

static bool is_socket(const char *path, const char **what)
{
	const char *name = strrchr(path, '/') + 1;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(sockets); i++) {
		if (strcmp(name, sockets[i]) == 0) {
			*what = "the engine";
			return true;
		}
	}
	return false;
}

bool sbx_never_mounted(const char *path, const char **what)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(places); i++) {
		if (sbx_path_overlaps(path, places[i])) {
			*what = places[i];
			return true;
		}
	}
	return is_socket(path, what);
}

bool sbx_never_below(const char *path, const char **what)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(places); i++) {
		if (sbx_path_is_within(path, places[i])) {
			*what = places[i];
			return true;
		}
	}
	return is_socket(path, what);
}

bool sbx_never_volume(const char *name)
{
	return sbx_text_has_prefix(name, "skillbox-");
}
