/* SPDX-License-Identifier: MIT */
#include "sandbox/guarded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "secret/durable.h"
#include "secret/sealed_file.h"

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

/*
 * The configuration as a whole: what is not in it yet might be put there.  And
 * each place, for it may be a link that leads out of it.
 */
static int keep_keys(const char *path, const struct sbx_keyring *keys,
		     struct sbx_error *err)
{
	cleanup_strv struct sbx_strv places = SBX_STRV_INIT;
	cleanup_free char *config = sbx_durable_config_directory();

	sbx_keyring_places(keys, &places);
	for (size_t i = 0; i < places.n; i++) {
		if (keep(path, places.v[i], "skillbox's keys, which are in",
			 err) < 0)
			return -1;
	}
	return keep(path, config, "skillbox's keys and secrets, which are in",
		    err);
}

static int keep_store(const char *path, struct sbx_error *err)
{
	cleanup_free char *store = sbx_sealed_store_path();

	return keep(path, store, "skillbox's secrets, which are in", err);
}

int sbx_guarded_check(const char *path, const char *engine_url,
		      const char *policy_file, const struct sbx_keyring *keys,
		      struct sbx_error *err)
{
	if (keep_engine(path, engine_url, err) < 0 ||
	    keep_keys(path, keys, err) < 0 || keep_store(path, err) < 0)
		return -1;
	return keep(path, policy_file, "the policy, which is", err);
}

int sbx_guarded_data(const char *path, const char *root, struct sbx_error *err)
{
	if (path[0] != '/')
		return 0;
	return keep(path, root, "the engine's data, which are in", err);
}
