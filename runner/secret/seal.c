/* SPDX-License-Identifier: MIT */
#include "secret/seal.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "secret/memory.h"
#include "secret/secrets.h"

static_assert(SBX_SEALED_BOX_MIN == crypto_box_SEALBYTES,
	      "boxes of another kind");
static_assert(SBX_SEALED_BOX_MAX >= crypto_box_SEALBYTES + SBX_SECRET_SIZE_MAX +
					    sizeof(SBX_SEAL_MARK) + 64 +
					    SBX_SECRET_NAME_MAX + 2,
	      "values that fit no box");

/* --- sealing -------------------------------------------------------------- */

static int make_plaintext(const char *skill, const char *name,
			  const unsigned char *value, size_t size,
			  unsigned char **out, size_t *out_size,
			  struct sbx_error *err)
{
	cleanup_free char *head =
		sbx_asprintf(SBX_SEAL_MARK "%s\n%s\n", skill, name);
	size_t head_size = strlen(head);

	if (sbx_secret_alloc(out, head_size + size, err) < 0)
		return -1;
	memcpy(*out, head, head_size);
	memcpy(*out + head_size, value, size);
	*out_size = head_size + size;
	return 0;
}

int sbx_seal_for(struct sbx_sealed_secret *secret,
		 const struct sbx_recipient *to, const char *skill,
		 const unsigned char *value, size_t size, struct sbx_error *err)
{
	cleanup_secret unsigned char *plaintext = NULL;
	cleanup_free unsigned char *box = NULL;
	size_t plain_size;
	size_t box_size;

	if (make_plaintext(skill, secret->name, value, size, &plaintext,
			   &plain_size, err) < 0)
		return -1;
	box_size = plain_size + crypto_box_SEALBYTES;
	box = sbx_malloc(box_size);
	if (crypto_box_seal(box, plaintext, plain_size, to->public_key) != 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "nothing can be sealed for the public key "
				     "%s",
				     to->id);
	sbx_sealed_set_box(secret, to->id, &box, box_size);
	return 0;
}

static int check_value(size_t size, struct sbx_error *err)
{
	if (size == 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the value is empty");
	if (size > SBX_SECRET_SIZE_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the value has more than %d bytes",
				     SBX_SECRET_SIZE_MAX);
	return 0;
}

int sbx_seal(struct sbx_sealed *sealed, const char *skill, const char *name,
	     const unsigned char *value, size_t size, struct sbx_error *err)
{
	struct sbx_sealed_secret *secret;

	if (check_value(size, err) < 0)
		return -1;
	secret = sbx_sealed_renew(sealed, name, err);
	if (!secret)
		return -1;
	for (size_t i = 0; i < sealed->n_recipients; i++) {
		if (sbx_seal_for(secret, &sealed->recipients[i], skill, value,
				 size, err) < 0)
			return -1;
	}
	secret->sealed_ms = sbx_clock_wall_ms() / 1000 * 1000;
	return 0;
}

/* --- opening -------------------------------------------------------------- */

/* What the box says it is for. */
struct claim {
	const char *skill;
	size_t skill_size;
	const char *name;
	size_t name_size;
};

static bool consists_of(const char *text, size_t size, const char *letters,
			size_t max)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\0' || !strchr(letters, text[i]))
			return false;
	}
	return size > 0 && size <= max;
}

/*
 * Whoever has left the names out has the value where they belong: it is shown
 * only where both look like names.
 */
static bool may_be_shown(const struct claim *claim)
{
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	static const char any[] = "abcdefghijklmnopqrstuvwxyz0123456789_"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return consists_of(claim->skill, claim->skill_size, lower, 63) &&
	       consists_of(claim->name, claim->name_size, any,
			   SBX_SECRET_NAME_MAX);
}

static int check_claim(const struct claim *claim, const char *skill,
		       const char *name, struct sbx_error *err)
{
	if (claim->skill_size == strlen(skill) &&
	    memcmp(claim->skill, skill, claim->skill_size) == 0 &&
	    claim->name_size == strlen(name) &&
	    memcmp(claim->name, name, claim->name_size) == 0)
		return 0;
	if (!may_be_shown(claim))
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "the box was sealed for something else "
				     "than %s of %s",
				     name, skill);
	return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
			     "the box was sealed for %.*s of %.*s, and serves "
			     "nobody else than that",
			     (int)claim->name_size, claim->name,
			     (int)claim->skill_size, claim->skill);
}

/* The line at *@at, which moves behind it; false when there is none. */
static bool take_line(const char **at, const char *end, const char **line,
		      size_t *size)
{
	const char *stop = memchr(*at, '\n', (size_t)(end - *at));

	if (!stop)
		return false;
	*line = *at;
	*size = (size_t)(stop - *at);
	*at = stop + 1;
	return true;
}

/* Where the value begins in the plaintext; NULL when that is something else. */
static const char *take_apart(const char *plaintext, size_t size,
			      const char *skill, const char *name,
			      struct sbx_error *err)
{
	const char *end = plaintext + size;
	struct claim claim;

	if (size < strlen(SBX_SEAL_MARK) ||
	    memcmp(plaintext, SBX_SEAL_MARK, strlen(SBX_SEAL_MARK)) != 0)
		goto no_names;
	plaintext += strlen(SBX_SEAL_MARK);
	if (!take_line(&plaintext, end, &claim.skill, &claim.skill_size) ||
	    !take_line(&plaintext, end, &claim.name, &claim.name_size))
		goto no_names;
	return check_claim(&claim, skill, name, err) < 0 ? NULL : plaintext;
no_names:
	sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
		      "what is in the box does not begin with "
		      "skillbox-secret-1, the skill and the secret, a line "
		      "each");
	return NULL;
}

static int open_box(const struct sbx_sealed_box *box, const struct sbx_key *key,
		    unsigned char **plaintext, size_t *size,
		    struct sbx_error *err)
{
	*size = box->size - crypto_box_SEALBYTES;
	if (sbx_secret_alloc(plaintext, *size, err) < 0)
		return -1;
	if (crypto_box_seal_open(*plaintext, box->data, box->size,
				 key->public_key, key->private_key) == 0)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
			     "the box for the key %s does not open: it was "
			     "changed, or sealed for another key",
			     key->id);
}

/* "1f0c5a2b3c4d5e6f, ..." */
static void put_ids(struct sbx_buf *out, const struct sbx_sealed_secret *secret)
{
	for (size_t i = 0; i < secret->n_boxes; i++)
		sbx_buf_printf(out, "%s%s", i ? ", " : "", secret->boxes[i].id);
}

static int no_key(const struct sbx_sealed_secret *secret,
		  const struct sbx_keys *keys, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf ids = SBX_BUF_INIT(256);

	put_ids(&ids, secret);
	if (keys->n == 0)
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "there is no private key here, and it is "
				     "sealed for %s",
				     sbx_buf_text(&ids));
	return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
			     "it is sealed for %s, and that private key is not "
			     "here (%s is): whoever has it can seal it for "
			     "yours, with 'skillbox secret rekey'",
			     sbx_buf_text(&ids), keys->v[0].id);
}

/* A copy of what is at @found, if that can be a value. */
static int copy_value(const char *found, size_t size, unsigned char **value,
		      struct sbx_error *err)
{
	if (check_value(size, err) < 0) {
		err->outcome = SBX_OUTCOME_MISCONFIGURED;
		return -1;
	}
	if (sbx_secret_alloc(value, size, err) < 0)
		return -1;
	memcpy(*value, found, size);
	return 0;
}

int sbx_seal_open(const struct sbx_sealed_secret *secret, const char *skill,
		  const struct sbx_keys *keys, unsigned char **value,
		  size_t *size, struct sbx_error *err)
{
	cleanup_secret unsigned char *plaintext = NULL;
	const struct sbx_sealed_box *box = NULL;
	const char *found;
	size_t plain_size;
	size_t i;

	for (i = 0; !box && i < keys->n; i++)
		box = sbx_sealed_box(secret, keys->v[i].id);
	if (!box)
		return no_key(secret, keys, err);
	if (open_box(box, &keys->v[i - 1], &plaintext, &plain_size, err) < 0)
		return -1;
	found = take_apart((const char *)plaintext, plain_size, skill,
			   secret->name, err);
	if (!found)
		return -1;
	plain_size -= (size_t)(found - (const char *)plaintext);
	if (copy_value(found, plain_size, value, err) < 0)
		return -1;
	*size = plain_size;
	return 0;
}
