/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_SEALED_H
#define SBX_SECRET_SEALED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/strv.h"
#include "codec/problems.h"
#include "codec/reader.h"
#include "secret/keys.h"

/*
 * The document secrets.yaml (manifests/secrets.schema.json): whom secrets are
 * sealed for, and one box per secret and recipient.  Pure; secret/seal.h makes
 * and opens what is in the boxes.
 */

#define SBX_SEALED_SECRETS_MAX	  256
#define SBX_SEALED_RECIPIENTS_MAX 64

/* Bytes of a box: more than what crypto_box_seal() adds, at most those. */
#define SBX_SEALED_BOX_MIN 48
#define SBX_SEALED_BOX_MAX (48 + 256 + 64 * 1024)

struct sbx_recipient {
	char id[SBX_KEY_ID_SIZE];
	unsigned char public_key[SBX_KEY_SIZE];
};

/* crypto_box_seal() of a plaintext (secret/seal.h), for the recipient @id. */
struct sbx_sealed_box {
	char id[SBX_KEY_ID_SIZE];
	unsigned char *data;
	size_t size;
};

/*
 * @sealed_ms	of the clock on the wall, whole seconds
 * @boxes	by id; at least one
 */
struct sbx_sealed_secret {
	char *name;
	int64_t sealed_ms;
	struct sbx_sealed_box *boxes;
	size_t n_boxes;
};

/*
 * @head	the lines of comment that it begins with
 * @recipients	by id; each box is for one of them, but not each of them needs
 *		to have all boxes: who adds a secret may be unable to open others
 * @secrets	by name
 */
struct sbx_sealed {
	struct sbx_strv head;
	struct sbx_recipient *recipients;
	size_t n_recipients;
	struct sbx_sealed_secret *secrets;
	size_t n_secrets;
};

void sbx_sealed_clear(struct sbx_sealed *sealed);
#define cleanup_sealed SBX_CLEANUP(sbx_sealed_clear)

/*
 * MISCONFIGURED, with all errors in @problems, when it is no such document:
 * "@file:LINE:COLUMN: ...".  @out is left alone then.
 */
int sbx_sealed_parse(const char *data, size_t size, const char *file,
		     struct sbx_sealed *out, struct sbx_problems *problems,
		     struct sbx_error *err);

/*
 * The one text of @sealed: a secret that is changed changes its own lines.
 * Comments that do not stand at the beginning, and notes of others (x-...), are
 * not in it.  INVALID when it would be larger than a document may be.
 */
int sbx_sealed_format(const struct sbx_sealed *sealed, struct sbx_buf *out,
		      struct sbx_error *err);

/* NULL when there is none. */
const struct sbx_recipient *
sbx_sealed_recipient(const struct sbx_sealed *sealed, const char *id);
struct sbx_sealed_secret *sbx_sealed_find(const struct sbx_sealed *sealed,
					  const char *name);
const struct sbx_sealed_box *
sbx_sealed_box(const struct sbx_sealed_secret *secret, const char *id);

/* Nothing where it is there already; INVALID when there are too many. */
int sbx_sealed_add_recipient(struct sbx_sealed *sealed,
			     const unsigned char key[static SBX_KEY_SIZE],
			     struct sbx_error *err);

/* And all boxes for it. */
void sbx_sealed_drop_recipient(struct sbx_sealed *sealed, const char *id);

/*
 * The secret @name, to be filled: a new one without boxes, or what was called
 * so, its boxes gone.  NULL when there are too many (INVALID).
 */
struct sbx_sealed_secret *sbx_sealed_renew(struct sbx_sealed *sealed,
					   const char *name,
					   struct sbx_error *err);

/* Takes *@data, in place of what is there for @id. */
void sbx_sealed_set_box(struct sbx_sealed_secret *secret, const char *id,
			unsigned char **data, size_t size);

/* False when there is none. */
bool sbx_sealed_remove(struct sbx_sealed *sealed, const char *name);

/* For the test that holds the schema against this. */
json_t *sbx_sealed_keys(void);

#endif
