/* SPDX-License-Identifier: MIT */
/* JSON from outside: read whole or refused, and writing it changes nothing. */
#include "fuzz.h"

#include "codec/json.h"

static void must_agree(const json_t *value)
{
	struct sbx_buf diff = SBX_BUF_INIT(65536);
	char *line = sbx_json_line(value);
	char *pretty = sbx_json_pretty(value);
	struct sbx_error err = fuzz_error();
	json_t *again = NULL;

	must(line && pretty && !strchr(line, '\n'));
	must(fuzz_is_utf8(line));
	must(sbx_json_parse(line, strlen(line), &again, &err) == 0);
	must(json_equal(value, again));
	must(sbx_json_diff(&diff, value, again, false));
	must(sbx_json_diff(&diff, value, again, true));
	must(diff.len == 0);
	json_decref(again);
	again = NULL;
	must(sbx_json_parse(pretty, strlen(pretty), &again, &err) == 0);
	must(json_equal(value, again));
	json_decref(again);
	sbx_buf_free(&diff);
	free(line);
	free(pretty);
}

/* Equal or not, as jansson sees it, unless numbers are of two types. */
static void must_differ(const json_t *a, const json_t *b)
{
	struct sbx_buf diff = SBX_BUF_INIT(65536);
	bool same = sbx_json_diff(&diff, a, b, false);

	must(same == (diff.len == 0));
	must(!json_equal(a, b) || same);
	must(fuzz_is_utf8(sbx_buf_text(&diff)) || diff.len == diff.max);
	must(!same || sbx_json_diff(&diff, a, b, true));
	sbx_buf_free(&diff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Two values, with a NUL between them. */
	const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
	size_t first = nul ? (size_t)(nul - data) : size;
	char *text = fuzz_exact(data, first);
	struct sbx_error err = fuzz_error();
	json_t *value = NULL;
	json_t *other = NULL;
	int result = sbx_json_parse(text, first, &value, &err);

	must_fit(result, &err);
	must((result == 0) == (value != NULL));
	if (result == 0) {
		must_agree(value);
	} else {
		must(err.outcome == SBX_OUTCOME_INVALID);
		must(strncmp(err.message, "line ", 5) == 0);
		must(fuzz_is_harmless(err.message));
	}
	if (nul && value) {
		struct sbx_error ignored = fuzz_error();

		if (sbx_json_parse((const char *)nul + 1, size - first - 1,
				   &other, &ignored) == 0) {
			must_differ(value, other);
			must_differ(other, value);
		}
	}
	json_decref(value);
	json_decref(other);
	free(text);
	return 0;
}
