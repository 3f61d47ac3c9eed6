/* SPDX-License-Identifier: MIT */
/*
 * BuildKit's trace, a record in base64 on each line; a line that starts with
 * '%' is the record itself.  Whatever is in it, what comes out are lines for
 * people.
 */
#include "fuzz.h"

#include <sodium.h>

#include "codec/buildkit_trace.h"

static void on_line(void *ctx, enum sbx_buildkit_kind kind, unsigned int step,
		    const char *line)
{
	size_t *lines = ctx;

	(void)step;
	must(kind == SBX_BUILDKIT_STEP || kind == SBX_BUILDKIT_LOG);
	must(fuzz_is_utf8(line));
	must(!strchr(line, '\n'));
	(*lines)++;
}

static char *encode(const char *data, size_t size)
{
	size_t room =
		sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
	char *text = sbx_malloc(room);

	return sodium_bin2base64(text, room, (const unsigned char *)data, size,
				 sodium_base64_VARIANT_ORIGINAL);
}

static void feed(struct sbx_buildkit_trace *trace, const char *line,
		 size_t size, size_t *lines)
{
	struct sbx_error err = fuzz_error();
	char *text = NULL;
	char *exact;
	int result;

	if (size > 0 && line[0] == '%') {
		text = encode(line + 1, size - 1);
		line = text;
		size = strlen(text);
	}
	exact = fuzz_exact(line, size);
	result = sbx_buildkit_trace_feed(trace, exact, size, on_line, lines,
					 &err);
	must_fit(result, &err);
	must(result == 0 || err.outcome == SBX_OUTCOME_UNAVAILABLE);
	free(exact);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbx_buildkit_trace *trace = NULL;
	const char *at = (const char *)data;
	size_t left = size;
	size_t lines = 0;

	sbx_buildkit_trace_new(&trace);
	while (left > 0) {
		const char *end = memchr(at, '\n', left);
		size_t length = end ? (size_t)(end - at) : left;

		feed(trace, at, length, &lines);
		at += length + (end ? 1 : 0);
		left -= length + (end ? 1 : 0);
	}
	sbx_buildkit_trace_flush(trace, on_line, &lines);
	/* A byte or two make no more than one line. */
	must(lines <= size + 1);
	sbx_buildkit_trace_free(&trace);
	must(!trace);
	return 0;
}
