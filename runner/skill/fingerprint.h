/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_FINGERPRINT_H
#define SBX_SKILL_FINGERPRINT_H

#include "codec/hash.h"
#include "secret/keyring.h"
#include "skill/catalog.h"

/*
 * In one word all that a run depends on but its request.  Two processes of one
 * user that have the same would come to the same record, so `skillbox run` may
 * leave a run to a daemon: it sends its own as the header SBX_EXPECT_HEADER,
 * and a daemon whose own is another answers 412.
 *
 * @catalog	the directories count, in their order
 * @policy_hash	of the policy's text: sbx_policy.hash or sbx_policy_hash()
 * @engine_url	as the engine's client has it
 * @keys	the places count, not what is there
 */
struct sbx_fingerprint {
	const struct sbx_catalog *catalog;
	const char *policy_hash;
	const char *engine_url;
	const struct sbx_keyring *keys;
};

#define SBX_EXPECT_HEADER "Skillbox-Expect"

/* Of this version of the program, in lower-case hexadecimal. */
void sbx_fingerprint(const struct sbx_fingerprint *of,
		     char out[static SBX_HASH_HEX_SIZE]);

#endif
