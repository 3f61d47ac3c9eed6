/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_KEYS_H
#define SBX_SECRET_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"

/*
 * Keys that secrets are sealed for: X25519 pairs, as crypto_box_keypair() of
 * libsodium makes them.  Pure but for sbx_key_make(): secret/keyring.h knows
 * where they are kept.
 *
 * A private key is a text: comments, which begin with "#", and one line
 * "skillbox-key-1:" with the 32 bytes in base64 behind it.  Comments in front
 * of a key may have "created: TIME" and "public key: BASE64" in them.  One text
 * can have several keys.
 */

#define SBX_KEY_SIZE	32
#define SBX_KEY_ID_SIZE 17 /* with the NUL */

/* The first 16 hexadecimal digits of the public key's BLAKE2b-256. */
void sbx_key_id(const unsigned char public_key[static SBX_KEY_SIZE],
		char out[static SBX_KEY_ID_SIZE]);

/* Standard base64 with padding, of which there is but one form. */
#define SBX_KEY_TEXT_SIZE 45 /* with the NUL */
void sbx_key_encode(const unsigned char key[static SBX_KEY_SIZE],
		    char out[static SBX_KEY_TEXT_SIZE]);

/* The other way round; false when @text (@size bytes) is anything else. */
bool sbx_key_decode(const char *text, size_t size,
		    unsigned char out[static SBX_KEY_SIZE]);

/*
 * @private_key	in secret memory (secret/memory.h)
 * @created_ms	of the clock on the wall; 0 where nobody knows
 * @source	where it was read, for messages
 */
struct sbx_key {
	char id[SBX_KEY_ID_SIZE];
	unsigned char public_key[SBX_KEY_SIZE];
	unsigned char *private_key;
	int64_t created_ms;
	char *source;
};

/* Newest first: v[0] is the current one.  No two have the same id. */
struct sbx_keys {
	struct sbx_key *v;
	size_t n;
};

#define SBX_KEYS_MAX 64

/* By id; NULL when there is none. */
const struct sbx_key *sbx_keys_find(const struct sbx_keys *keys,
				    const char *id);

/* Wipes and frees all. */
void sbx_keys_clear(struct sbx_keys *keys);
#define cleanup_keys SBX_CLEANUP(sbx_keys_clear)

/*
 * Adds the keys in @text, which had better be in secret memory.  @source names
 * it, @created_ms is for keys that do not say it themselves.  MISCONFIGURED,
 * with nothing of the text in the message: no key, a line that is none, a key
 * that does not go with the public key beside it, more than SBX_KEYS_MAX.
 */
int sbx_keys_parse(struct sbx_keys *keys, const char *text, size_t size,
		   const char *source, int64_t created_ms,
		   struct sbx_error *err);

/* Adds a new one; its place in the list is that of @created_ms. */
int sbx_key_make(struct sbx_keys *keys, const char *source, int64_t created_ms,
		 struct sbx_error *err);

/*
 * The text of @key in secret memory, NUL-terminated.  MISCONFIGURED when there
 * is no such memory.
 */
int sbx_key_format(const struct sbx_key *key, unsigned char **text,
		   struct sbx_error *err);

#endif
