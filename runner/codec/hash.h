/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_HASH_H
#define SBX_CODEC_HASH_H

#include <stddef.h>

/*
 * BLAKE2b-256 (RFC 7693) over parts, as libsodium has it.  Fields are hashed
 * with their length, so that no two different lists of fields collide.
 */
struct sbx_hash;

#define SBX_HASH_SIZE	  32
#define SBX_HASH_HEX_SIZE (2 * SBX_HASH_SIZE + 1)

void sbx_hash_new(struct sbx_hash **out);
void sbx_hash_free(struct sbx_hash **hash);

/* Raw bytes, without a length. */
void sbx_hash_bytes(struct sbx_hash *hash, const void *data, size_t size);

/* A field: its length as 8 bytes little endian, then its bytes. */
void sbx_hash_field(struct sbx_hash *hash, const char *text);

/* Lower-case hexadecimal digest; the hash cannot be fed after that. */
void sbx_hash_finish(struct sbx_hash *hash, char out[static SBX_HASH_HEX_SIZE]);

/* The digest of these bytes and nothing else. */
void sbx_hash_of(const void *data, size_t size,
		 char out[static SBX_HASH_HEX_SIZE]);

#endif
