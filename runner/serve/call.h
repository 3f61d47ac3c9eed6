/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_CALL_H
#define SBX_SERVE_CALL_H

#include <stddef.h>

#include "base/error.h"
#include "sandbox/files.h"
#include "secret/secrets.h"
#include "skill/grant.h"

/*
 * What a client asks to be run: the body of POST /v1/runs in C.
 *
 * @skill, @action	valid names
 * @input		the bytes of the member "input" as they stand in the
 *			body, borrowed from there; "{}" without it
 * @overrides		of the member "config"
 * @secrets		the same
 * @files		of the member "files"
 * @run_id, @owner	valid ones, or NULL
 */
struct sbx_call {
	char *skill;
	char *action;
	const char *input;
	size_t input_size;
	struct sbx_overrides overrides;
	struct sbx_secrets secrets;
	struct sbx_files files;
	char *run_id;
	char *owner;
};

#define SBX_CALL_INIT                                                          \
	{                                                                      \
		.overrides = SBX_OVERRIDES_INIT                                \
	}
void sbx_call_clear(struct sbx_call *call);

/*
 * Decodes @body.  INVALID for what is no JSON or has a member that is unknown,
 * missing or of another shape; MISCONFIGURED when there is no memory for
 * secrets.  No value of a secret is in a message.
 */
int sbx_call_decode(const char *body, size_t size, struct sbx_call *out,
		    struct sbx_error *err);

#endif
