/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_REDACT_INDEX_H
#define SBX_SECRET_REDACT_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "secret/redact_match.h"
#include "secret/secrets.h"

/*
 * Where in a stream anything can begin, and what.  Most bytes of most streams
 * are dealt with by two bitmaps of pairs of bytes: whether something can begin
 * with these two, and whether they can be the second and third.  An escape is
 * read, and what it means is looked up.  The maps are made by asking the
 * matchers, so that the two cannot disagree.
 *
 * @raw		by byte: something begins with it, as it is
 * @escaped	by byte: something begins with an escape that means it
 */
struct sbx_redact_index {
	uint8_t pairs[65536 / 8];
	uint8_t nexts[65536 / 8];
	bool raw[256];
	bool escaped[256];
	uint32_t first[256 + 1]; /* in @starters, by what begins with a byte */
	size_t n_matchers;
	struct sbx_redact_matcher *matchers;
	uint32_t *starters; /* places in @matchers */
};

/* One for all values of @secrets that are not empty, in secret memory. */
int sbx_redact_index_new(struct sbx_redact_index **out,
			 const struct sbx_secrets *secrets,
			 struct sbx_error *err);

void sbx_redact_index_free(struct sbx_redact_index **index);

/* The first place from @at on where something can begin, else @size. */
size_t sbx_redact_index_next(const struct sbx_redact_index *index,
			     const unsigned char *data, size_t size, size_t at);

#endif
