/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_SETTINGS_H
#define SBX_SERVE_SETTINGS_H

#include <stdbool.h>

#include "base/error.h"
#include "codec/hash.h"
#include "secret/keyring.h"
#include "skill/catalog.h"
#include "skill/policy.h"

/*
 * The skills and the policy that requests are served with.  A request takes
 * what there is when it begins, and keeps it until it ends; the next one may
 * have others.  For any number of threads.
 */
struct sbx_settings;

/*
 * @skills, @policy, @keys	as on the command line, borrowed; or NULL
 * @engine			its URL, borrowed
 */
struct sbx_settings_places {
	const char *skills;
	const char *policy;
	const char *keys;
	const char *engine;
};

/*
 * Whoever has it may read it until sbx_ground_release().
 *
 * @fingerprint	of all that a run depends on (skill/fingerprint.h)
 */
struct sbx_ground {
	struct sbx_catalog catalog;
	struct sbx_policy policy;
	char fingerprint[SBX_HASH_HEX_SIZE];
};

/* NOT_FOUND (no such skills directory), MISCONFIGURED (policy, keys). */
int sbx_settings_new(struct sbx_settings **out,
		     const struct sbx_settings_places *places,
		     struct sbx_error *err);
void sbx_settings_free(struct sbx_settings **settings);

/*
 * What holds now.  When the policy's file has changed it is read again first;
 * MISCONFIGURED while that fails, for no other is fallen back on.
 */
int sbx_settings_take(struct sbx_settings *settings,
		      const struct sbx_ground **out, struct sbx_error *err);
void sbx_ground_release(const struct sbx_ground **ground);

/* Reads everything again for the requests to come.  As sbx_settings_new(). */
int sbx_settings_reload(struct sbx_settings *settings, struct sbx_error *err);

/*
 * Where a run's keys are: @own, filled in, which the caller clears; or those
 * of a descriptor, which could be read once only, for all.
 */
struct sbx_keyring *sbx_settings_keys(struct sbx_settings *settings,
				      struct sbx_keyring *own);

#endif
