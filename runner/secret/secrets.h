/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_SECRETS_H
#define SBX_SECRET_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"

/* Secrets in the clear: values by name. */

/* A value's bytes at most: of a certificate chain, or a service's key file. */
#define SBX_SECRET_SIZE_MAX (64 * 1024)

/* Shorter ones cannot be told from other text in what an action prints. */
#define SBX_SECRET_SHORT	 8

#define SBX_SECRET_NAME_MAX	 64
#define SBX_SECRET_NAME_EXPECTED "[A-Za-z_][A-Za-z0-9_]*, at most 64 characters"

/* Whether @name can be that of a secret: SBX_SECRET_NAME_EXPECTED. */
bool sbx_secret_is_name(const char *name);

/*
 * @value	@size bytes of secret memory (secret/memory.h), any bytes
 */
struct sbx_secret {
	char *name;
	unsigned char *value;
	size_t size;
};

struct sbx_secrets {
	struct sbx_secret *v;
	size_t n;
};

/* Takes *@value, of @size bytes; what was called @name before is replaced. */
void sbx_secrets_set(struct sbx_secrets *secrets, const char *name,
		     unsigned char **value, size_t size);

/* By name; NULL when there is none. */
const struct sbx_secret *sbx_secrets_find(const struct sbx_secrets *secrets,
					  const char *name);

/* Wipes and frees all. */
void sbx_secrets_clear(struct sbx_secrets *secrets);
#define cleanup_secrets SBX_CLEANUP(sbx_secrets_clear)

/*
 * Reads a value to the end of @fd, straight into secret memory.  @what names
 * it in messages.  One line loses its newline, which is echo's or an editor's
 * and no part of a token; a text of more lines stays as it is.  INVALID when it
 * is empty, larger than SBX_SECRET_SIZE_MAX, or cannot be read; CANCELLED when
 * a signal came (no SA_RESTART).
 */
int sbx_secret_read(int fd, const char *what, unsigned char **value,
		    size_t *size, struct sbx_error *err);

#endif
