/* SPDX-License-Identifier: MIT */
#include "secret/sealed.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "secret/secrets.h"

static const char default_head[] =
	"# Sealed secrets; safe to commit.  See: skillbox secret --help";

/* --- lists ---------------------------------------------------------------- */

static void clear_boxes(struct sbx_sealed_secret *secret)
{
	for (size_t i = 0; i < secret->n_boxes; i++)
		free(secret->boxes[i].data);
	free(secret->boxes);
	secret->boxes = NULL;
	secret->n_boxes = 0;
}

static void clear_secret(struct sbx_sealed_secret *secret)
{
	clear_boxes(secret);
	free(secret->name);
}

void sbx_sealed_clear(struct sbx_sealed *sealed)
{
	for (size_t i = 0; i < sealed->n_secrets; i++)
		clear_secret(&sealed->secrets[i]);
	free(sealed->secrets);
	free(sealed->recipients);
	sbx_strv_free(&sealed->head);
	*sealed = (struct sbx_sealed){ .head = SBX_STRV_INIT };
}

const struct sbx_recipient *
sbx_sealed_recipient(const struct sbx_sealed *sealed, const char *id)
{
	for (size_t i = 0; i < sealed->n_recipients; i++) {
		if (strcmp(sealed->recipients[i].id, id) == 0)
			return &sealed->recipients[i];
	}
	return NULL;
}

struct sbx_sealed_secret *sbx_sealed_find(const struct sbx_sealed *sealed,
					  const char *name)
{
	for (size_t i = 0; i < sealed->n_secrets; i++) {
		if (strcmp(sealed->secrets[i].name, name) == 0)
			return &sealed->secrets[i];
	}
	return NULL;
}

const struct sbx_sealed_box *
sbx_sealed_box(const struct sbx_sealed_secret *secret, const char *id)
{
	for (size_t i = 0; i < secret->n_boxes; i++) {
		if (strcmp(secret->boxes[i].id, id) == 0)
			return &secret->boxes[i];
	}
	return NULL;
}

int sbx_sealed_add_recipient(struct sbx_sealed *sealed,
			     const unsigned char key[static SBX_KEY_SIZE],
			     struct sbx_error *err)
{
	struct sbx_recipient *list;
	struct sbx_recipient added;
	size_t at = sealed->n_recipients;

	sbx_key_id(key, added.id);
	memcpy(added.public_key, key, SBX_KEY_SIZE);
	if (sbx_sealed_recipient(sealed, added.id))
		return 0;
	if (at == SBX_SEALED_RECIPIENTS_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "more than %d recipients",
				     SBX_SEALED_RECIPIENTS_MAX);
	list = sbx_realloc(sealed->recipients, (at + 1) * sizeof(added));
	for (; at > 0 && strcmp(added.id, list[at - 1].id) < 0; at--)
		list[at] = list[at - 1];
	list[at] = added;
	sealed->recipients = list;
	sealed->n_recipients++;
	return 0;
}

static void drop_box(struct sbx_sealed_secret *secret, const char *id)
{
	const struct sbx_sealed_box *box = sbx_sealed_box(secret, id);
	size_t at;

	if (!box)
		return;
	at = (size_t)(box - secret->boxes);
	free(secret->boxes[at].data);
	secret->n_boxes--;
	for (; at < secret->n_boxes; at++)
		secret->boxes[at] = secret->boxes[at + 1];
}

void sbx_sealed_drop_recipient(struct sbx_sealed *sealed, const char *id)
{
	const struct sbx_recipient *dropped = sbx_sealed_recipient(sealed, id);
	size_t at;

	if (!dropped)
		return;
	for (size_t i = 0; i < sealed->n_secrets; i++)
		drop_box(&sealed->secrets[i], id);
	at = (size_t)(dropped - sealed->recipients);
	sealed->n_recipients--;
	for (; at < sealed->n_recipients; at++)
		sealed->recipients[at] = sealed->recipients[at + 1];
}

struct sbx_sealed_secret *sbx_sealed_renew(struct sbx_sealed *sealed,
					   const char *name,
					   struct sbx_error *err)
{
	struct sbx_sealed_secret *old = sbx_sealed_find(sealed, name);
	struct sbx_sealed_secret *list;
	size_t at = sealed->n_secrets;

	if (old) {
		clear_boxes(old);
		return old;
	}
	if (at == SBX_SEALED_SECRETS_MAX) {
		sbx_error_set(err, SBX_OUTCOME_INVALID, "more than %d secrets",
			      SBX_SEALED_SECRETS_MAX);
		return NULL;
	}
	list = sbx_realloc(sealed->secrets, (at + 1) * sizeof(*list));
	for (; at > 0 && strcmp(name, list[at - 1].name) < 0; at--)
		list[at] = list[at - 1];
	list[at] = (struct sbx_sealed_secret){ .name = sbx_strdup(name) };
	sealed->secrets = list;
	sealed->n_secrets++;
	return &list[at];
}

void sbx_sealed_set_box(struct sbx_sealed_secret *secret, const char *id,
			unsigned char **data, size_t size)
{
	struct sbx_sealed_box *list;
	size_t at;

	drop_box(secret, id);
	at = secret->n_boxes;
	list = sbx_realloc(secret->boxes, (at + 1) * sizeof(*list));
	for (; at > 0 && strcmp(id, list[at - 1].id) < 0; at--)
		list[at] = list[at - 1];
	memcpy(list[at].id, id, SBX_KEY_ID_SIZE);
	list[at].data = sbx_take(*data);
	list[at].size = size;
	secret->boxes = list;
	secret->n_boxes++;
}

bool sbx_sealed_remove(struct sbx_sealed *sealed, const char *name)
{
	struct sbx_sealed_secret *secret = sbx_sealed_find(sealed, name);
	size_t at;

	if (!secret)
		return false;
	clear_secret(secret);
	sealed->n_secrets--;
	for (at = (size_t)(secret - sealed->secrets); at < sealed->n_secrets;
	     at++)
		sealed->secrets[at] = sealed->secrets[at + 1];
	return true;
}

/* --- reading -------------------------------------------------------------- */

#define ID_EXPECTED                                                            \
	"the id of a recipient in quotes: 16 hexadecimal digits, such as "     \
	"\"1f0c5a2b3c4d5e6f\""

static void read_recipient(const struct sbx_at *at, struct sbx_sealed *sealed)
{
	const char *text = sbx_reader_text(at, "a public key in base64");
	unsigned char key[SBX_KEY_SIZE];
	struct sbx_error ignored = SBX_ERROR_INIT;
	char id[SBX_KEY_ID_SIZE];

	if (!text)
		return;
	if (!sbx_key_decode(text, strlen(text), key)) {
		sbx_reader_expected(at, "a public key: 32 bytes in standard "
					"base64 with its padding");
		return;
	}
	sbx_key_id(key, id);
	if (strcmp(id, at->key) != 0)
		sbx_reader_key_error(at,
				     "this is not the id of the public key "
				     "beside it, which is \"%s\": one of the "
				     "two was changed",
				     id);
	else
		sbx_sealed_add_recipient(sealed, key, &ignored);
}

static void read_recipients(const struct sbx_at *at,
			    const struct sbx_field *field, void *object)
{
	const char *id;
	json_t *item;

	if (!sbx_reader_is_mapping(at, SBX_SEALED_RECIPIENTS_MAX,
				   field->expected))
		return;
	/* Of a key that has a fault nothing is left. */
	if (json_object_size(at->value) == 0 && at->reader->n_faults == 0)
		sbx_reader_error(at, "found nobody, expected at least one "
				     "recipient");
	json_object_foreach ((json_t *)at->value, id, item) {
		struct sbx_at inner = sbx_at_member(at, id);

		read_recipient(&inner, object);
	}
}

/* In whole seconds: "2026-01-31T12:00:00Z". */
static void read_time(const struct sbx_at *at, const struct sbx_field *field,
		      void *object)
{
	const char *text = sbx_reader_text(at, field->expected);
	struct sbx_sealed_secret *secret = object;

	if (text &&
	    (strlen(text) != 20 || !sbx_clock_parse(text, &secret->sealed_ms)))
		sbx_reader_expected(at, field->expected);
}

static void read_box(const struct sbx_at *at, struct sbx_sealed_secret *secret)
{
	const char *text = sbx_reader_text(at, "a box in base64");
	size_t room = text ? strlen(text) / 4 * 3 : 0;
	cleanup_free unsigned char *data = NULL;
	char id[SBX_KEY_ID_SIZE];
	size_t size = 0;

	if (!text)
		return;
	data = sbx_malloc(room + 1);
	if (sodium_base642bin(data, room, text, strlen(text), NULL, &size, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0)
		sbx_reader_expected(at, "standard base64 with its padding "
					"(libsodium's variant ORIGINAL)");
	else if (size <= SBX_SEALED_BOX_MIN || size > SBX_SEALED_BOX_MAX)
		sbx_reader_error(at,
				 "found a box of %zu bytes, expected more "
				 "than %d and at most %d",
				 size, SBX_SEALED_BOX_MIN, SBX_SEALED_BOX_MAX);
	else if (strlen(at->key) == SBX_KEY_ID_SIZE - 1) {
		memcpy(id, at->key, SBX_KEY_ID_SIZE);
		sbx_sealed_set_box(secret, id, &data, size);
	}
}

static void read_boxes(const struct sbx_at *at, const struct sbx_field *field,
		       void *object)
{
	const char *id;
	json_t *item;

	if (!sbx_reader_is_mapping(at, SBX_SEALED_RECIPIENTS_MAX,
				   field->expected))
		return;
	if (json_object_size(at->value) == 0 && at->reader->n_faults == 0)
		sbx_reader_error(at, "found no box, expected at least one");
	json_object_foreach ((json_t *)at->value, id, item) {
		struct sbx_at inner = sbx_at_member(at, id);

		read_box(&inner, object);
	}
}

static const struct sbx_field secret_fields[] = {
	{ .name = "sealed_at",
	  .read = read_time,
	  .flags = SBX_FIELD_REQUIRED,
	  .expected = "a time in UTC such as \"2026-01-31T12:00:00Z\"" },
	{ .name = "boxes",
	  .read = read_boxes,
	  .flags = SBX_FIELD_REQUIRED,
	  .expected = "a mapping of recipients to boxes" },
	{ .name = NULL },
};

static void read_secrets(const struct sbx_at *at, const struct sbx_field *field,
			 void *object)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	const char *name;
	json_t *item;

	if (!sbx_reader_is_mapping(at, SBX_SEALED_SECRETS_MAX, field->expected))
		return;
	json_object_foreach ((json_t *)at->value, name, item) {
		struct sbx_at inner = sbx_at_member(at, name);

		if (!sbx_secret_is_name(name))
			sbx_reader_key_error(&inner,
					     "this can be no secret's name, "
					     "which are " //
					     SBX_SECRET_NAME_EXPECTED);
		else
			sbx_read_mapping(
				&inner, secret_fields, 0,
				sbx_sealed_renew(object, name, &ignored));
	}
}

/* This one is no secret: what version it is helps. */
static void read_version(const struct sbx_at *at, const struct sbx_field *field,
			 void *object)
{
	at->reader->hides_values = false;
	sbx_read_schema_version(at, field, object);
	at->reader->hides_values = true;
}

static const struct sbx_field document_fields[] = {
	{ .name = "schema_version",
	  .read = read_version,
	  .flags = SBX_FIELD_REQUIRED,
	  .expected = SBX_SCHEMA_VERSION_EXPECTED },
	{ .name = "recipients",
	  .read = read_recipients,
	  .flags = SBX_FIELD_REQUIRED,
	  .expected = "a mapping of ids to public keys" },
	{ .name = "secrets",
	  .read = read_secrets,
	  .flags = SBX_FIELD_REQUIRED,
	  .expected = "a mapping of names to what is sealed" },
	{ .name = NULL },
};

/* Each box has to be for somebody that the document knows. */
static void check_ids(const struct sbx_at *boxes,
		      const struct sbx_at *recipients)
{
	const char *id;
	json_t *item;

	json_object_foreach ((json_t *)boxes->value, id, item) {
		struct sbx_at box = sbx_at_member(boxes, id);

		if (!json_object_get(recipients->value, id))
			sbx_reader_key_error(&box,
					     "there is no such recipient under "
					     "\"recipients\", expected " //
					     ID_EXPECTED);
	}
}

static void read_document(const struct sbx_at *root, void *object)
{
	struct sbx_at recipients = sbx_at_member(root, "recipients");
	struct sbx_at secrets = sbx_at_member(root, "secrets");
	const char *name;
	json_t *item;

	/* Somebody may have written a value there in the clear. */
	root->reader->hides_values = true;
	if (!sbx_read_mapping(root, document_fields, 0, object))
		return;
	json_object_foreach ((json_t *)secrets.value, name, item) {
		struct sbx_at secret = sbx_at_member(&secrets, name);
		struct sbx_at boxes = sbx_at_member(&secret, "boxes");

		check_ids(&boxes, &recipients);
	}
}

/* The YAML reader does not show comments. */
static void read_head(struct sbx_sealed *sealed, const char *data, size_t size)
{
	const char *end = data + size;

	while (data < end && *data == '#') {
		const char *stop = memchr(data, '\n', (size_t)(end - data));
		size_t line = (size_t)((stop ? stop : end) - data);

		sbx_strv_push_take(&sealed->head, sbx_strndup(data, line));
		data += line + (stop ? 1 : 0);
	}
}

int sbx_sealed_parse(const char *data, size_t size, const char *file,
		     struct sbx_sealed *out, struct sbx_problems *problems,
		     struct sbx_error *err)
{
	struct sbx_sealed sealed = { .head = SBX_STRV_INIT };

	if (sbx_read_document(data, size, "file", read_document, &sealed,
			      problems) < 0) {
		sbx_sealed_clear(&sealed);
		return sbx_problems_error(problems, SBX_OUTCOME_MISCONFIGURED,
					  file, err);
	}
	read_head(&sealed, data, size);
	*out = sealed;
	return 0;
}

json_t *sbx_sealed_keys(void)
{
	return json_pack("{s:o, s:o}", "",
			 sbx_reader_field_names(document_fields, 0),
			 "secrets.*", sbx_reader_field_names(secret_fields, 0));
}

/* --- writing -------------------------------------------------------------- */

/* What YAML, 1.2 or 1.1, takes for something else when it is not quoted. */
static bool must_be_quoted(const char *name)
{
	static const char *const words[] = { "true", "false", "null",
					     "yes",  "no",    "on",
					     "off",  "y",     "n" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(words); i++) {
		if (strcasecmp(name, words[i]) == 0)
			return true;
	}
	return false;
}

static void put_base64(struct sbx_buf *out, const unsigned char *data,
		       size_t size)
{
	size_t room =
		sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
	cleanup_free char *text = sbx_malloc(room);

	sodium_bin2base64(text, room, data, size,
			  sodium_base64_VARIANT_ORIGINAL);
	sbx_buf_puts(out, text);
	sbx_buf_puts(out, "\n");
}

static void put_secret(struct sbx_buf *out,
		       const struct sbx_sealed_secret *secret)
{
	const char *quote = must_be_quoted(secret->name) ? "\"" : "";
	char time[SBX_CLOCK_RFC3339_SIZE];

	sbx_clock_format(secret->sealed_ms, time);
	sbx_buf_printf(out,
		       "  %s%s%s:\n    sealed_at: \"%.19sZ\"\n"
		       "    boxes:\n",
		       quote, secret->name, quote, time);
	for (size_t i = 0; i < secret->n_boxes; i++) {
		const struct sbx_sealed_box *box = &secret->boxes[i];

		sbx_buf_printf(out, "      \"%s\": ", box->id);
		put_base64(out, box->data, box->size);
	}
}

static void put_all(struct sbx_buf *out, const struct sbx_sealed *sealed)
{
	for (size_t i = 0; i < sealed->head.n; i++)
		sbx_buf_printf(out, "%s\n", sealed->head.v[i]);
	if (sealed->head.n == 0)
		sbx_buf_printf(out, "%s\n", default_head);
	sbx_buf_puts(out, "schema_version: 1\nrecipients:\n");
	for (size_t i = 0; i < sealed->n_recipients; i++) {
		const struct sbx_recipient *to = &sealed->recipients[i];

		sbx_buf_printf(out, "  \"%s\": ", to->id);
		put_base64(out, to->public_key, SBX_KEY_SIZE);
	}
	sbx_buf_puts(out, sealed->n_secrets ? "secrets:\n" : "secrets: {}\n");
	for (size_t i = 0; i < sealed->n_secrets; i++)
		put_secret(out, &sealed->secrets[i]);
}

/* One byte more than there may be tells what does not fit. */
int sbx_sealed_format(const struct sbx_sealed *sealed, struct sbx_buf *out,
		      struct sbx_error *err)
{
	cleanup_buf struct sbx_buf text =
		SBX_BUF_INIT(SBX_DOCUMENT_SIZE_MAX + 1);

	put_all(&text, sealed);
	if (text.len <= SBX_DOCUMENT_SIZE_MAX &&
	    sbx_buf_append(out, text.data, text.len) == text.len)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "with all its boxes the file would be larger "
			     "than 1 MiB, the most it may be");
}
