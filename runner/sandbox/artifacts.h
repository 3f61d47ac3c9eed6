/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_ARTIFACTS_H
#define SBX_SANDBOX_ARTIFACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "secret/redact.h"

/* Files that an action left to be returned, as init sends them. */

struct sbx_artifact {
	char *name;
	struct sbx_buf data;
};

/*
 * All zeros before sbx_artifacts_begin().
 *
 * @left	bytes of the last one that may still come
 * @is_cut	something of them was lost
 */
struct sbx_artifacts {
	struct sbx_artifact *v;
	size_t n;
	bool is_cut;
	size_t max;
	uint64_t left;
	const struct sbx_redactor *redactor;
	struct sbx_redaction *redaction;
};

/* Borrows @redactor (or NULL) until the end; @max bytes of one are kept. */
void sbx_artifacts_begin(struct sbx_artifacts *artifacts,
			 const struct sbx_redactor *redactor, size_t max);

/*
 * Another one, of @size bytes, and bytes of it, without secrets, as its name
 * is.  MISCONFIGURED: no secret memory.
 */
int sbx_artifacts_next(struct sbx_artifacts *artifacts, const void *name,
		       size_t name_size, uint64_t size, struct sbx_error *err);
int sbx_artifacts_take(struct sbx_artifacts *artifacts, const void *data,
		       size_t size, struct sbx_error *err);

/* That were all: they are sorted by name. */
void sbx_artifacts_end(struct sbx_artifacts *artifacts);

void sbx_artifacts_clear(struct sbx_artifacts *artifacts);

#endif
