/* SPDX-License-Identifier: MIT */
#include "sandbox/concurrency.h"

#include <stdlib.h>
#include <string.h>

#include "codec/hash.h"

/* Apart from what else is counted in the same file: engines' calls. */
static uint64_t key_of(const char *skill, const char *action)
{
	struct sbx_hash *hash = NULL;
	char hex[SBX_HASH_HEX_SIZE];

	sbx_hash_new(&hash);
	sbx_hash_field(hash, "concurrency");
	sbx_hash_field(hash, skill);
	if (action)
		sbx_hash_field(hash, action);
	sbx_hash_finish(hash, hex);
	sbx_hash_free(&hash);
	hex[16] = '\0'; /* 64 bits */
	return strtoull(hex, NULL, 16);
}

int sbx_concurrency_begin(struct sbx_slots *slots, const char *skill,
			  const char *action, int64_t most,
			  struct sbx_error *err)
{
	int slot;
	int result;

	*slots = (struct sbx_slots){ .fd = -1 };
	if (most == 0)
		return 0;
	sbx_slots_init(slots, key_of(skill, action), (unsigned int)most);
	result = sbx_slots_take(slots, (unsigned int)most, 0, -1, &slot, err);
	if (slot != SBX_SLOTS_NONE)
		return 0;
	if (result == SBX_SLOTS_BUSY && action)
		return sbx_error_set(err, SBX_OUTCOME_BUSY,
				     "concurrency: %s of %s runs %lld times "
				     "already, and its manifest allows no more",
				     action, skill, (long long)most);
	if (result == SBX_SLOTS_BUSY)
		return sbx_error_set(err, SBX_OUTCOME_BUSY,
				     "skills.concurrency: %s runs %lld times "
				     "already, and the policy allows no more",
				     skill, (long long)most);
	return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
			     "%s: the runs of %s cannot be counted, as there "
			     "is no directory for locks",
			     action ? "concurrency" : "skills.concurrency",
			     skill);
}

void sbx_concurrency_end(struct sbx_slots *slots)
{
	sbx_slots_close(slots);
}
