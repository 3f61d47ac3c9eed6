/* SPDX-License-Identifier: MIT */
#include "sandbox/guarded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

/*
 * @what: "the engine, whose socket is".  What is not there is no danger; what
 * we may not look at is where it is said to be.
 */
static int keep(const char *path, const char *guarded, const char *what,
		struct sbx_error *err)
{
	cleanup_free char *real = guarded ? realpath(guarded, NULL) : NULL;

	if (guarded && !real && errno != ENOENT)
		real = sbx_path_normalize(guarded);
	if (!real || !sbx_path_overlaps(real, path))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "volumes.never: %s would hand over %s %s", path,
			     what, real);
}

static int keep_engine(const char *path, const char *url, struct sbx_error *err)
{
	static const char scheme[] = "unix://";

	if (!sbx_text_has_prefix(url, scheme))
		return 0;
	return keep(path, url + strlen(scheme), "the engine, whose socket is",
		    err);
}

static char *config_directory(void)
{
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (config && config[0] == '/')
		return sbx_asprintf("%s/skillbox", config);
	if (home && home[0] == '/')
		return sbx_asprintf("%s/.config/skillbox", home);
	return NULL;
}

static int keep_keys(const char *path, struct sbx_error *err)
{
	static const char what[] = "skillbox's keys, which are in";
	cleanup_free char *config = config_directory();

	if (keep(path, getenv("SKILLBOX_KEYS"), what, err) < 0)
		return -1;
	return keep(path, config, what, err);
}

int sbx_guarded_check(const char *path, const char *engine_url,
		      const char *policy_file, struct sbx_error *err)
{
	if (keep_engine(path, engine_url, err) < 0 || keep_keys(path, err) < 0)
		return -1;
	return keep(path, policy_file, "the policy, which is", err);
}

int sbx_guarded_data(const char *path, const char *root, struct sbx_error *err)
{
	if (path[0] != '/')
		return 0;
	return keep(path, root, "the engine's data, which are in", err);
}
