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

/* Line by line, all bytes at hand: the objects in front of a mistake. */
static int read_plainly(json_t *values, const char *data, size_t size)
{
	while (size > 0) {
		const char *end = memchr(data, '\n', size);
		size_t length = end ? (size_t)(end - data) : size;
		char *line = sbx_strndup(data, length);
		json_t *value = json_loadb(data, length, JSON_ALLOW_NUL, NULL);
		bool blank = !memchr(data, '\0', length) &&
			     strspn(line, " \t\r") == length;

		free(line);
		if (!blank && !json_is_object(value)) {
			json_decref(value);
			return -1;
		}
		if (!blank)
			json_array_append(values, value);
		json_decref(value);
		data += length + (end ? 1 : 0);
		size -= length + (end ? 1 : 0);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole;
	int result = feed(&whole, (const char *)data, size, 0);
	json_t *plain = json_array();

	must(read_plainly(plain, (const char *)data, size) == result);
	must(json_equal(plain, whole.values));
	json_decref(plain);
	for (unsigned int kind = 1; kind < FUZZ_PIECES; kind++) {
		struct heard heard;

		must(feed(&heard, (const char *)data, size, kind) == result);
		must(json_equal(heard.values, whole.values));
		json_decref(heard.values);
	}
	json_decref(whole.values);
	return 0;
}
