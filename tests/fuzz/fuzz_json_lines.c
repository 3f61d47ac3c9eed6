/* SPDX-License-Identifier: MIT */
/*
 * A stream of JSON objects: in pieces of whatever size it has the same
 * objects up to the same mistake.
 */
#include "fuzz.h"

#include "codec/json_lines.h"

struct heard {
	json_t *values;
};

static int on_value(void *ctx, const json_t *value, struct sbx_error *err)
{
	struct heard *heard = ctx;

	(void)err;
	must(json_is_object(value));
	must_be_json(value);
	json_array_append_new(heard->values, json_deep_copy(value));
	return 0;
}

static int feed(struct heard *heard, const char *data, size_t size,
		unsigned int kind)
{
	struct sbx_json_lines lines = SBX_JSON_LINES_INIT;
	struct fuzz_pieces pieces = fuzz_pieces(kind);
	struct sbx_error err = fuzz_error();
	int result = 0;

	heard->values = json_array();
	while (size > 0 && result == 0) {
		size_t piece = fuzz_piece(&pieces, size);
		char *exact = fuzz_exact(data, piece);

		result = sbx_json_lines_feed(&lines, exact, piece, on_value,
					     heard, &err);
		free(exact);
		data += piece;
		size -= piece;
	}
	if (result == 0)
		result = sbx_json_lines_flush(&lines, on_value, heard, &err);
	must_fit(result, &err);
	must(result == 0 || err.outcome == SBX_OUTCOME_UNAVAILABLE);
	sbx_json_lines_free(&lines);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole;
	int result = feed(&whole, (const char *)data, size, 0);

	for (unsigned int kind = 1; kind < FUZZ_PIECES; kind++) {
		struct heard heard;

		must(feed(&heard, (const char *)data, size, kind) == result);
		must(json_equal(heard.values, whole.values));
		json_decref(heard.values);
	}
	json_decref(whole.values);
	return 0;
}
