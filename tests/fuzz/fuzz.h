/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_FUZZ_H
#define SBX_TESTS_FUZZ_H

/*
 * What the fuzz targets have in common.  A target takes any bytes and says by
 * must() what has to be true whatever they are; libFuzzer, ASan and UBSan see
 * to the rest.  Included by one target at a time.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An invariant: where it does not hold, this input has found a defect. */
#define must(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,       \
				__LINE__, #condition);                         \
			abort();                                               \
		}                                                              \
	} while (0)

/* --- errors ---------------------------------------------------------------- */

#define UNTOUCHED "nobody has written here"

/* An error as it has to be after success. */
static inline struct sbx_error fuzz_error(void)
{
	struct sbx_error err = SBX_ERROR_INIT;

	snprintf(err.message, sizeof(err.message), "%s", UNTOUCHED);
	return err;
}

static inline bool fuzz_is_untouched(const struct sbx_error *err)
{
	return err->outcome == SBX_OUTCOME_OK &&
	       strcmp(err->message, UNTOUCHED) == 0;
}

/* Base's promise: alone on success, filled on failure (@result is -1). */
static inline void must_fit(int result, const struct sbx_error *err)
{
	if (result >= 0) {
		must(fuzz_is_untouched(err));
		return;
	}
	must(result == -1);
	must(err->outcome != SBX_OUTCOME_OK &&
	     err->outcome < SBX_OUTCOME_COUNT);
	must(err->message[0] != '\0' && strcmp(err->message, UNTOUCHED) != 0);
	must(memchr(err->message, '\0', sizeof(err->message)));
}

/* --- input ----------------------------------------------------------------- */

/* The input of a target, from which what decides anything else is taken. */
struct fuzz_input {
	const char *at;
	size_t size;
};

/* A copy with nothing behind it, so that ASan sees every overrun. */
static inline char *fuzz_exact(const void *data, size_t size)
{
	char *copy = sbx_malloc(size ? size : 1);

	if (size)
		memcpy(copy, data, size);
	return copy;
}

/*
 * The first line, for what is decided by a word or two; the rest stays.  Cut
 * to @out_size.  "" when there is no line.
 */
static inline void fuzz_line(struct fuzz_input *input, char *out,
			     size_t out_size)
{
	const char *end = memchr(input->at, '\n', input->size);
	size_t size = end ? (size_t)(end - input->at) : input->size;
	size_t kept = size < out_size ? size : out_size - 1;

	if (kept)
		memcpy(out, input->at, kept);
	out[kept] = '\0';
	input->at += size + (end ? 1 : 0);
	input->size -= size + (end ? 1 : 0);
}

/*
 * Sizes of pieces that a stream comes in: all at once for 0, single bytes for
 * 1, else something irregular that depends on nothing else.
 */
struct fuzz_pieces {
	unsigned int kind;
	uint32_t state;
};

#define FUZZ_PIECES 4

static inline struct fuzz_pieces fuzz_pieces(unsigned int kind)
{
	return (struct fuzz_pieces){ .kind = kind, .state = kind + 1 };
}

/* The next one's size, at least 1 and at most @left. */
static inline size_t fuzz_piece(struct fuzz_pieces *pieces, size_t left)
{
	size_t size = left;

	pieces->state = pieces->state * 1664525 + 1013904223;
	if (pieces->kind == 1)
		size = 1;
	else if (pieces->kind > 1)
		size = 1 + (pieces->state >> 16) % (pieces->kind * 7);
	return size < left ? size : left;
}

/* --- output ---------------------------------------------------------------- */

static inline bool fuzz_is_utf8(const char *text)
{
	return sbx_text_is_utf8(text, strlen(text));
}

/* Nothing in it that a terminal would obey, but for tab and newline. */
static inline bool fuzz_is_harmless(const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		uint32_t code;
		size_t size = sbx_text_next(text, left, &code);

		if (code != '\n' && code != '\t' && sbx_text_is_unsafe(code))
			return false;
		text += size;
		left -= size;
	}
	return true;
}

/* Whatever it is, it can be written, and means the same when read again. */
static inline void must_be_json(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	json_t *again;

	must(text);
	must(fuzz_is_utf8(text));
	again = json_loads(
		text, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES,
		NULL);
	must(again);
	must(json_equal(again, value));
	json_decref(again);
	free(text);
}

#endif
