/* SPDX-License-Identifier: MIT */
#include "secret/keys.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "codec/hash.h"
#include "secret/memory.h"

#define MARK	"skillbox-key-1:"
#define CREATED "# created: "
#define PUBLIC	"# public key: "

/* Of a private key and its comments. */
#define TEXT_SIZE_MAX 1024

static_assert(SBX_KEY_SIZE == crypto_box_PUBLICKEYBYTES &&
		      SBX_KEY_SIZE == crypto_box_SECRETKEYBYTES,
	      "keys of another kind");
static_assert(SBX_KEY_TEXT_SIZE ==
		      sodium_base64_ENCODED_LEN(SBX_KEY_SIZE,
						sodium_base64_VARIANT_ORIGINAL),
	      "base64 of another length");

void sbx_key_id(const unsigned char public_key[static SBX_KEY_SIZE],
		char out[static SBX_KEY_ID_SIZE])
{
	char digest[SBX_HASH_HEX_SIZE];
	struct sbx_hash *hash;

	sbx_hash_new(&hash);
	sbx_hash_bytes(hash, public_key, SBX_KEY_SIZE);
	sbx_hash_finish(hash, digest);
	sbx_hash_free(&hash);
	memcpy(out, digest, SBX_KEY_ID_SIZE - 1);
	out[SBX_KEY_ID_SIZE - 1] = '\0';
}

void sbx_key_encode(const unsigned char key[static SBX_KEY_SIZE],
		    char out[static SBX_KEY_TEXT_SIZE])
{
	sodium_bin2base64(out, SBX_KEY_TEXT_SIZE, key, SBX_KEY_SIZE,
			  sodium_base64_VARIANT_ORIGINAL);
}

bool sbx_key_decode(const char *text, size_t size,
		    unsigned char out[static SBX_KEY_SIZE])
{
	size_t got = 0;

	return sodium_base642bin(out, SBX_KEY_SIZE, text, size, NULL, &got,
				 NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       got == SBX_KEY_SIZE;
}

/* --- lists ---------------------------------------------------------------- */

const struct sbx_key *sbx_keys_find(const struct sbx_keys *keys, const char *id)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (strcmp(keys->v[i].id, id) == 0)
			return &keys->v[i];
	}
	return NULL;
}

static void clear_key(struct sbx_key *key)
{
	sbx_secret_free(&key->private_key);
	free(key->source);
}

void sbx_keys_clear(struct sbx_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		clear_key(&keys->v[i]);
	free(keys->v);
	*keys = (struct sbx_keys){ .v = NULL };
}

static bool is_newer(const struct sbx_key *a, const struct sbx_key *b)
{
	if (a->created_ms != b->created_ms)
		return a->created_ms > b->created_ms;
	return strcmp(a->id, b->id) > 0;
}

/*
 * Takes *@private_key.  Of a key that is there twice the first stays: in two
 * files it is one key.
 */
static int add(struct sbx_keys *keys, unsigned char **private_key,
	       const char *source, int64_t created_ms, struct sbx_error *err)
{
	struct sbx_key key = { .created_ms = created_ms };
	size_t at;

	crypto_scalarmult_base(key.public_key, *private_key);
	sbx_key_id(key.public_key, key.id);
	if (sbx_keys_find(keys, key.id)) {
		sbx_secret_free(private_key);
		return 0;
	}
	if (keys->n == SBX_KEYS_MAX)
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "%s: more than %d keys", source,
				     SBX_KEYS_MAX);
	key.private_key = sbx_take(*private_key);
	key.source = sbx_strdup(source);
	keys->v = sbx_realloc(keys->v, (keys->n + 1) * sizeof(key));
	for (at = keys->n; at > 0 && is_newer(&key, &keys->v[at - 1]); at--)
		keys->v[at] = keys->v[at - 1];
	keys->v[at] = key;
	keys->n++;
	return 0;
}

/* --- texts ---------------------------------------------------------------- */

/*
 * What the comments in front of a key have said.
 *
 * @public_key	its text, in the file's; NULL when there was none
 */
struct comments {
	int64_t created_ms;
	const char *public_key;
	size_t public_size;
};

static bool begins(const char *line, size_t size, const char *with)
{
	return size >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static void read_comment(struct comments *said, const char *line, size_t size)
{
	char time[SBX_CLOCK_RFC3339_SIZE];

	if (begins(line, size, PUBLIC)) {
		said->public_key = line + strlen(PUBLIC);
		said->public_size = size - strlen(PUBLIC);
	} else if (begins(line, size, CREATED)) {
		snprintf(time, sizeof(time), "%.*s",
			 (int)(size - strlen(CREATED)), line + strlen(CREATED));
		sbx_clock_parse(time, &said->created_ms);
	}
}

/* A private key with one wrong bit is another one, that fits nothing. */
static bool is_as_said(const struct comments *said,
		       const unsigned char *private_key)
{
	unsigned char public_key[SBX_KEY_SIZE];
	char text[SBX_KEY_TEXT_SIZE];

	if (!said->public_key)
		return true;
	crypto_scalarmult_base(public_key, private_key);
	sbx_key_encode(public_key, text);
	return said->public_size == strlen(text) &&
	       memcmp(text, said->public_key, strlen(text)) == 0;
}

static int read_key(struct sbx_keys *keys, const char *line, size_t size,
		    const struct comments *said, const char *source,
		    struct sbx_error *err)
{
	cleanup_secret unsigned char *private_key = NULL;

	if (sbx_secret_alloc(&private_key, SBX_KEY_SIZE, err) < 0)
		return -1;
	if (!begins(line, size, MARK) ||
	    !sbx_key_decode(line + strlen(MARK), size - strlen(MARK),
			    private_key))
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "%s: there is a line that is neither a "
				     "comment (#) nor a key as 'skillbox "
				     "secret keygen' makes them",
				     source);
	if (!is_as_said(said, private_key))
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "%s: the key is not that of the public "
				     "key beside it: the file is damaged",
				     source);
	return add(keys, &private_key, source, said->created_ms, err);
}

int sbx_keys_parse(struct sbx_keys *keys, const char *text, size_t size,
		   const char *source, int64_t created_ms,
		   struct sbx_error *err)
{
	struct comments said = { .created_ms = created_ms };
	const char *end = text + size;
	bool has_key = false;

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t line = (size_t)((stop ? stop : end) - text);

		if (*text == '#') {
			read_comment(&said, text, line);
		} else if (line > 0) {
			if (read_key(keys, text, line, &said, source, err) < 0)
				return -1;
			has_key = true;
			said = (struct comments){ .created_ms = created_ms };
		}
		text += line + (stop ? 1 : 0);
	}
	if (!has_key)
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "%s: there is no key in it", source);
	return 0;
}

int sbx_key_make(struct sbx_keys *keys, const char *source, int64_t created_ms,
		 struct sbx_error *err)
{
	cleanup_secret unsigned char *private_key = NULL;

	if (sbx_secret_alloc(&private_key, SBX_KEY_SIZE, err) < 0)
		return -1;
	randombytes_buf(private_key, SBX_KEY_SIZE);
	return add(keys, &private_key, source, created_ms, err);
}

int sbx_key_format(const struct sbx_key *key, unsigned char **text,
		   struct sbx_error *err)
{
	cleanup_secret unsigned char *memory = NULL;
	char created[SBX_CLOCK_RFC3339_SIZE];
	char public_key[SBX_KEY_TEXT_SIZE];
	size_t used;

	if (sbx_secret_alloc(&memory, TEXT_SIZE_MAX, err) < 0)
		return -1;
	sbx_clock_format(key->created_ms, created);
	sbx_key_encode(key->public_key, public_key);
	used = (size_t)snprintf((char *)memory, TEXT_SIZE_MAX,
				"# A private key of skillbox: whoever has it "
				"can open what is sealed for %s.\n" CREATED
				"%s\n" PUBLIC "%s\n" MARK,
				key->id, created, public_key);
	/* Not through printf's own buffers. */
	sbx_key_encode(key->private_key, (char *)memory + used);
	memcpy(memory + used + SBX_KEY_TEXT_SIZE - 1, "\n", 2);
	*text = sbx_take(memory);
	return 0;
}
