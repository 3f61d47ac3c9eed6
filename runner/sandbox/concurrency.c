/* SPDX-License-Identifier: MIT */
#include "sandbox/concurrency.h"

#include <stdlib.h>
#include <string.h>

#include "codec/hash.h"

/* Apart from what else is counted in the same file: engines' calls. */
static uint64_t key_of(const char *skill)
{
	struct sbx_hash *hash = NULL;
	char hex[SBX_HASH_HEX_SIZE];

	sbx_hash_new(&hash);
	sbx_hash_field(hash, "concurrency");
	sbx_hash_field(hash, skill);
	sbx_hash_finish(hash, hex);
	sbx_hash_free(&hash);
	hex[16] = '\0'; /* 64 bits */
	return strtoull(hex, NULL, 16);
}

int sbx_concurrency_begin(struct sbx_slots *slots, const char *skill,
			  int64_t most, struct sbx_error *err)
{
	int slot;
	int result;

	sbx_slots_init(slots, key_of(skill), (unsigned int)most);
	if (most == 0)
		return 0;
	result = sbx_slots_take(slots, (unsigned int)most, 0, -1, &slot, err);
	if (slot != SBX_SLOTS_NONE)
		return 0;
	if (result == SBX_SLOTS_BUSY)
		return sbx_error_set(err, SBX_OUTCOME_BUSY,
				     "skills.concurrency: %s runs %lld times "
				     "already, and the policy allows no more",
				     skill, (long long)most);
	return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
			     "skills.concurrency: the runs of %s cannot be "
			     "counted, as there is no directory for locks",
			     skill);
}

void sbx_concurrency_end(struct sbx_slots *slots)
{
	sbx_slots_close(slots);
}
