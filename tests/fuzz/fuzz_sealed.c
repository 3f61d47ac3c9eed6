/* SPDX-License-Identifier: MIT */
/*
 * What the secrets of a run are read from, by its first line: "keys", a text
 * with private keys; "box", what somebody has sealed for us; anything else, a
 * sealed file, of which that line is a part.  Nothing of a key or of what was
 * in a box is ever in a message.
 */
#include "fuzz.h"

#include <sodium.h>

#include "secret/memory.h"
#include "secret/seal.h"
#include "secret/sealed.h"
#include "secret/secrets.h"

#define SKILL "fuzz"
#define NAME  "TOKEN"

/* The private key of RFC 7748, section 6.1, that the seeds are sealed for. */
static const char own_key[] =
	"skillbox-key-1:dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n";

static struct sbx_keys own_keys(void)
{
	struct sbx_keys keys = { .v = NULL };
	struct sbx_error err = SBX_ERROR_INIT;

	must(sbx_keys_parse(&keys, own_key, strlen(own_key), "own", 0, &err) ==
	     0);
	return keys;
}

/* --- a file --------------------------------------------------------------- */

static void must_be_secret(const struct sbx_sealed *sealed,
			   const struct sbx_sealed_secret *secret)
{
	must(sbx_secret_is_name(secret->name));
	must(secret->n_boxes > 0);
	for (size_t i = 0; i < secret->n_boxes; i++) {
		const struct sbx_sealed_box *box = &secret->boxes[i];

		must(sbx_sealed_recipient(sealed, box->id));
		must(box->size > SBX_SEALED_BOX_MIN &&
		     box->size <= SBX_SEALED_BOX_MAX);
		must(i == 0 || strcmp(box[-1].id, box->id) < 0);
	}
}

static void must_be_sealed(const struct sbx_sealed *sealed)
{
	must(sealed->n_recipients > 0 &&
	     sealed->n_recipients <= SBX_SEALED_RECIPIENTS_MAX);
	must(sealed->n_secrets <= SBX_SEALED_SECRETS_MAX);
	for (size_t i = 0; i < sealed->n_recipients; i++) {
		char id[SBX_KEY_ID_SIZE];

		sbx_key_id(sealed->recipients[i].public_key, id);
		must(strcmp(id, sealed->recipients[i].id) == 0);
		must(i == 0 || strcmp(sealed->recipients[i - 1].id, id) < 0);
	}
	for (size_t i = 0; i < sealed->n_secrets; i++) {
		must_be_secret(sealed, &sealed->secrets[i]);
		must(i == 0 || strcmp(sealed->secrets[i - 1].name,
				      sealed->secrets[i].name) < 0);
	}
}

static int parse(const char *text, size_t size, struct sbx_sealed *out)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = fuzz_error();
	int result = sbx_sealed_parse(text, size, "secrets.yaml", out,
				      &problems, &err);

	must_fit(result, &err);
	must((result == 0) == (problems.errors.n == 0));
	must(result == 0 || (err.outcome == SBX_OUTCOME_MISCONFIGURED &&
			     fuzz_is_harmless(err.message)));
	sbx_problems_free(&problems);
	return result;
}

/* Written and read again it is the same, and writing it changes no more. */
static void must_come_again(const struct sbx_sealed *sealed)
{
	struct sbx_sealed again = { .n_secrets = 0 };
	struct sbx_buf first = SBX_BUF_INIT(SBX_DOCUMENT_SIZE_MAX);
	struct sbx_buf second = SBX_BUF_INIT(SBX_DOCUMENT_SIZE_MAX);
	struct sbx_error err = SBX_ERROR_INIT;

	/* What has many aliases may be too large when it is written out. */
	if (sbx_sealed_format(sealed, &first, &err) == 0) {
		must(parse(first.data, first.len, &again) == 0);
		must_be_sealed(&again);
		must(sbx_sealed_format(&again, &second, &err) == 0);
		must(first.len == second.len &&
		     memcmp(first.data, second.data, first.len) == 0);
	}
	sbx_sealed_clear(&again);
	sbx_buf_free(&first);
	sbx_buf_free(&second);
}

static void try_to_open(const struct sbx_sealed_secret *secret,
			const struct sbx_keys *keys)
{
	struct sbx_error err = fuzz_error();
	unsigned char *value = NULL;
	size_t size = 0;
	int result = sbx_seal_open(secret, SKILL, keys, &value, &size, &err);

	must_fit(result, &err);
	must((result == 0) == (value != NULL));
	must(result < 0 || (size > 0 && size <= SBX_SECRET_SIZE_MAX));
	must(result == 0 || err.outcome == SBX_OUTCOME_MISCONFIGURED);
	sbx_secret_free(&value);
}

static void read_file(const char *text, size_t size)
{
	struct sbx_sealed sealed = { .n_secrets = 0 };
	struct sbx_keys keys;

	if (parse(text, size, &sealed) < 0)
		return;
	must_be_sealed(&sealed);
	must_come_again(&sealed);
	keys = own_keys();
	for (size_t i = 0; i < sealed.n_secrets; i++)
		try_to_open(&sealed.secrets[i], &keys);
	sbx_keys_clear(&keys);
	sbx_sealed_clear(&sealed);
}

/* --- keys ----------------------------------------------------------------- */

static void read_keys(const char *text, size_t size)
{
	struct sbx_keys keys = { .v = NULL };
	struct sbx_error err = fuzz_error();
	int result = sbx_keys_parse(&keys, text, size, "HERE", 7, &err);

	must_fit(result, &err);
	must(result < 0 || (keys.n > 0 && keys.n <= SBX_KEYS_MAX));
	must(result == 0 || (err.outcome == SBX_OUTCOME_MISCONFIGURED &&
			     strncmp(err.message, "HERE: ", 6) == 0));
	for (size_t i = 1; i < keys.n; i++) {
		must(keys.v[i - 1].created_ms >= keys.v[i].created_ms);
		must(strcmp(keys.v[i - 1].id, keys.v[i].id) != 0);
	}
	if (result == 0) {
		struct sbx_keys again = { .v = NULL };
		unsigned char *same = NULL;

		must(sbx_key_format(&keys.v[0], &same, &err) == 0);
		must(sbx_keys_parse(&again, (char *)same, strlen((char *)same),
				    "HERE", 8, &err) == 0);
		must(again.n == 1 && strcmp(again.v[0].id, keys.v[0].id) == 0);
		must(again.v[0].created_ms == keys.v[0].created_ms);
		sbx_secret_free(&same);
		sbx_keys_clear(&again);
	}
	sbx_keys_clear(&keys);
}

/* --- a box ---------------------------------------------------------------- */

#define HEAD SBX_SEAL_MARK SKILL "\n" NAME "\n"

/* It opens when it has the names in front, and only then. */
static void open_box(const char *plaintext, size_t size)
{
	struct sbx_keys keys = own_keys();
	struct sbx_sealed_secret secret = { .name = sbx_strdup(NAME) };
	size_t box_size = size + crypto_box_SEALBYTES;
	unsigned char *box = sbx_malloc(box_size);
	struct sbx_error err = fuzz_error();
	unsigned char *value = NULL;
	size_t value_size = 0;
	bool fits = size > strlen(HEAD) &&
		    size <= strlen(HEAD) + SBX_SECRET_SIZE_MAX &&
		    memcmp(plaintext, HEAD, strlen(HEAD)) == 0;

	must(crypto_box_seal(box, (const unsigned char *)plaintext, size,
			     keys.v[0].public_key) == 0);
	sbx_sealed_set_box(&secret, keys.v[0].id, &box, box_size);
	must(sbx_seal_open(&secret, SKILL, &keys, &value, &value_size, &err) ==
	     (fits ? 0 : -1));
	must_fit(fits ? 0 : -1, &err);
	must(!fits ||
	     (value_size == size - strlen(HEAD) &&
	      memcmp(value, plaintext + strlen(HEAD), value_size) == 0));
	must(fuzz_is_harmless(err.message));
	sbx_secret_free(&value);
	free(secret.boxes[0].data);
	free(secret.boxes);
	free(secret.name);
	sbx_keys_clear(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .at = (const char *)data, .size = size };
	char kind[8];
	char *text;

	fuzz_line(&input, kind, sizeof(kind));
	if (strcmp(kind, "keys") != 0 && strcmp(kind, "box") != 0)
		input = (struct fuzz_input){ .at = (const char *)data,
					     .size = size };
	text = fuzz_exact(input.at, input.size);
	if (strcmp(kind, "keys") == 0)
		read_keys(text, input.size);
	else if (strcmp(kind, "box") == 0)
		open_box(text, input.size);
	else
		read_file(text, input.size);
	free(text);
	return 0;
}
