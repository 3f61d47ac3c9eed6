/* SPDX-License-Identifier: MIT */
/*
 * Two counts, u32; then strings "NAME=value", each with a NUL behind it; then
 * of each secret its name, with a NUL, its size, u32, and so many bytes.
 */
#include "sandbox/session_keep.h"

#include <string.h>

#include "init/wire.h"
#include "secret/memory.h"

#define COUNTS_SIZE 8

int sbx_session_keep_encode(const struct sbx_strv *environment,
			    const struct sbx_secrets *secrets,
			    unsigned char **out, size_t *size,
			    struct sbx_error *err)
{
	unsigned char *at;

	*size = COUNTS_SIZE;
	for (size_t i = 0; i < environment->n; i++)
		*size += strlen(environment->v[i]) + 1;
	for (size_t i = 0; i < secrets->n; i++)
		*size +=
			strlen(secrets->v[i].name) + 1 + 4 + secrets->v[i].size;
	if (sbx_secret_alloc(out, *size, err) < 0)
		return -1;
	at = *out;
	sbx_wire_put32(at, (uint32_t)environment->n);
	sbx_wire_put32(at + 4, (uint32_t)secrets->n);
	at += COUNTS_SIZE;
	for (size_t i = 0; i < environment->n; i++)
		at = (unsigned char *)stpcpy((char *)at, environment->v[i]) + 1;
	for (size_t i = 0; i < secrets->n; i++) {
		const struct sbx_secret *secret = &secrets->v[i];

		at = (unsigned char *)stpcpy((char *)at, secret->name) + 1;
		sbx_wire_put32(at, (uint32_t)secret->size);
		memcpy(at + 4, secret->value, secret->size);
		at += 4 + secret->size;
	}
	return 0;
}

/* What is left to be read. */
struct cursor {
	const unsigned char *at;
	size_t left;
};

static const char *next_string(struct cursor *cursor)
{
	const char *string = (const char *)cursor->at;
	size_t size = strnlen(string, cursor->left) + 1;

	if (size > cursor->left)
		return NULL;
	cursor->at += size;
	cursor->left -= size;
	return string;
}

static int malformed(struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
			     "the session's init did not give back what it "
			     "was given");
}

static int next_secret(struct cursor *cursor, struct sbx_secrets *secrets,
		       struct sbx_error *err)
{
	const char *name = next_string(cursor);
	cleanup_secret unsigned char *value = NULL;
	uint32_t size;

	if (!name || !sbx_secret_is_name(name) || cursor->left < 4)
		return malformed(err);
	size = sbx_wire_get32(cursor->at);
	if (size == 0 || size > SBX_SECRET_SIZE_MAX || size > cursor->left - 4)
		return malformed(err);
	if (sbx_secret_alloc(&value, size, err) < 0)
		return -1;
	memcpy(value, cursor->at + 4, size);
	sbx_secrets_set(secrets, name, &value, size);
	cursor->at += 4 + size;
	cursor->left -= 4 + size;
	return 0;
}

int sbx_session_keep_decode(const unsigned char *data, size_t size,
			    struct sbx_strv *environment,
			    struct sbx_secrets *secrets, struct sbx_error *err)
{
	struct cursor cursor;
	uint32_t n_variables, n_secrets;

	if (size < COUNTS_SIZE)
		return malformed(err);
	n_variables = sbx_wire_get32(data);
	n_secrets = sbx_wire_get32(data + 4);
	cursor = (struct cursor){ data + COUNTS_SIZE, size - COUNTS_SIZE };
	for (uint32_t i = 0; i < n_variables; i++) {
		const char *entry = next_string(&cursor);

		if (!entry || !strchr(entry, '='))
			return malformed(err);
		sbx_strv_push(environment, entry);
	}
	for (uint32_t i = 0; i < n_secrets; i++) {
		if (next_secret(&cursor, secrets, err) < 0)
			return -1;
	}
	return cursor.left == 0 ? 0 : malformed(err);
}
