/* SPDX-License-Identifier: MIT */
#include "skill/fingerprint.h"

#include <stdlib.h>

#include "base/mem.h"
#include "secret/sealed_file.h"

/* By what they are called really; what is not there has no skills. */
static void hash_directories(struct sbx_hash *hash, const struct sbx_strv *list)
{
	for (size_t i = 0; i < list->n; i++) {
		cleanup_free char *real = realpath(list->v[i], NULL);

		if (real)
			sbx_hash_field(hash, real);
	}
}

void sbx_fingerprint(const struct sbx_fingerprint *of,
		     char out[static SBX_HASH_HEX_SIZE])
{
	cleanup_free char *keys = sbx_keyring_describe(of->keys);
	cleanup_free char *store = sbx_sealed_store_path();
	struct sbx_hash *hash = NULL;

	sbx_hash_new(&hash);
	sbx_hash_field(hash, "skillbox " SBX_VERSION);
	sbx_hash_field(hash, of->policy_hash);
	sbx_hash_field(hash, of->engine_url);
	sbx_hash_field(hash, keys);
	sbx_hash_field(hash, store ? store : "");
	/* Last, for there may be any number of them. */
	hash_directories(hash, &of->catalog->directories);
	sbx_hash_finish(hash, out);
	sbx_hash_free(&hash);
}
