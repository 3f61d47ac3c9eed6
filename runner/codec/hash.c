/* SPDX-License-Identifier: MIT */
#include "codec/hash.h"

#include <stdint.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"

/* libsodium wants its state aligned to more than malloc() promises. */
#define STATE_ALIGN 64

struct sbx_hash {
	crypto_generichash_state *state;
	unsigned char room[sizeof(crypto_generichash_state) + STATE_ALIGN - 1];
};

void sbx_hash_new(struct sbx_hash **out)
{
	struct sbx_hash *hash = sbx_calloc(1, sizeof(*hash));
	uintptr_t at = (uintptr_t)hash->room;

	/* Chooses the fastest code for this CPU; may be called again. */
	if (sodium_init() < 0)
		abort();
	at = (at + STATE_ALIGN - 1) & ~(uintptr_t)(STATE_ALIGN - 1);
	hash->state = (crypto_generichash_state *)at;
	crypto_generichash_init(hash->state, NULL, 0, SBX_HASH_SIZE);
	*out = hash;
}

void sbx_hash_free(struct sbx_hash **hash)
{
	free(*hash);
	*hash = NULL;
}

void sbx_hash_bytes(struct sbx_hash *hash, const void *data, size_t size)
{
	crypto_generichash_update(hash->state, data, size);
}

void sbx_hash_field(struct sbx_hash *hash, const char *text)
{
	uint64_t size = strlen(text);
	unsigned char prefix[8];

	for (size_t i = 0; i < sizeof(prefix); i++)
		prefix[i] = (unsigned char)(size >> (8 * i));
	sbx_hash_bytes(hash, prefix, sizeof(prefix));
	sbx_hash_bytes(hash, text, size);
}

void sbx_hash_finish(struct sbx_hash *hash, char out[static SBX_HASH_HEX_SIZE])
{
	unsigned char digest[SBX_HASH_SIZE];

	crypto_generichash_final(hash->state, digest, sizeof(digest));
	sodium_bin2hex(out, SBX_HASH_HEX_SIZE, digest, sizeof(digest));
}

void sbx_hash_of(const void *data, size_t size,
		 char out[static SBX_HASH_HEX_SIZE])
{
	struct sbx_hash *hash = NULL;

	sbx_hash_new(&hash);
	sbx_hash_bytes(hash, data, size);
	sbx_hash_finish(hash, out);
	sbx_hash_free(&hash);
}
