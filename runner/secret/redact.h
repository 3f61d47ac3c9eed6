/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_REDACT_H
#define SBX_SECRET_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "secret/secrets.h"

/*
 * Keeps values of secrets out of what an action prints: wherever one is found,
 * as it is or encoded (secret/redact_match.h says how), SBX_REDACTED takes its
 * place, one for values that overlap or touch.  All else comes out byte for
 * byte, in whatever pieces it came in.
 *
 * Where JSON is printed, and a value in a string of it, it stays JSON: of an
 * escape all goes or nothing.  A value that is no string but a number goes all
 * the same, and what is left is no JSON.
 *
 * This is against mishaps.  An action that wants to give its secret away finds
 * a form that is not looked for.
 */

#define SBX_REDACTED "***"

/* What of a value is printed when the stream is cut short is redacted as well
 * if it has so many bytes. */
#define SBX_REDACT_PART 4

/* What to look for; never changes, so that streams and threads may share it. */
struct sbx_redactor;

/*
 * Borrows @secrets, which must not change.  *@out is NULL where there is
 * nothing to look for.  MISCONFIGURED: no secret memory.
 */
int sbx_redactor_new(struct sbx_redactor **out,
		     const struct sbx_secrets *secrets, struct sbx_error *err);
void sbx_redactor_free(struct sbx_redactor **redactor);
#define cleanup_redactor SBX_CLEANUP(sbx_redactor_free)

/* One stream. */
struct sbx_redaction;

/*
 * Borrows @redactor; without one (NULL) *@out is NULL as well, and bytes pass.
 * MISCONFIGURED: no secret memory.
 */
int sbx_redaction_new(struct sbx_redaction **out,
		      const struct sbx_redactor *redactor,
		      struct sbx_error *err);
void sbx_redaction_free(struct sbx_redaction **redaction);
#define cleanup_redaction SBX_CLEANUP(sbx_redaction_free)

/* Gets what is passed on, in order; @size is never 0. */
typedef void sbx_redact_sink(void *ctx, const void *data, size_t size);

/*
 * The next bytes.  What can be the beginning of a value is held back until
 * that is decided.  -1, MISCONFIGURED: there was no secret memory to hold it;
 * from then on nothing is passed on.
 */
int sbx_redaction_feed(struct sbx_redaction *redaction, const void *data,
		       size_t size, sbx_redact_sink *sink, void *ctx,
		       struct sbx_error *err);

/*
 * No more will come: passes on what was held back.  @is_cut: more was there,
 * or would have been, but is lost.
 */
void sbx_redaction_end(struct sbx_redaction *redaction, bool is_cut,
		       sbx_redact_sink *sink, void *ctx);

#endif
