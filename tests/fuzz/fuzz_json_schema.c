/* SPDX-License-Identifier: MIT */
/*
 * A schema, and behind a NUL a value: whatever they are, it is told whether
 * the one fits the other, in words that can be shown, or why it cannot be.
 */
#include "fuzz.h"

#include "codec/json.h"
#include "codec/schema.h"

/* So that an input takes no longer than a moment. */
#define STEPS 100000

static void must_be_words(const struct sbx_schema_problems *problems,
			  bool have_rules)
{
	must(problems->n <= SBX_SCHEMA_PROBLEMS_MAX);
	must(problems->n == SBX_SCHEMA_PROBLEMS_MAX || problems->dropped == 0);
	for (size_t i = 0; i < problems->n; i++) {
		const struct sbx_schema_problem *problem = &problems->v[i];

		must(fuzz_is_harmless(problem->place));
		must(fuzz_is_utf8(problem->place));
		must(problem->text[0] && fuzz_is_harmless(problem->text));
		must(fuzz_is_utf8(problem->text));
		must(have_rules == (problem->rule != NULL));
		must(!have_rules || fuzz_is_harmless(problem->rule));
	}
}

static void check(const struct sbx_schema *schema, const json_t *value)
{
	struct sbx_schema_problems problems = SBX_SCHEMA_PROBLEMS_INIT;
	struct sbx_schema_problems again = SBX_SCHEMA_PROBLEMS_INIT;
	struct sbx_error err = fuzz_error();
	int result =
		sbx_schema_check_within(schema, value, STEPS, &problems, &err);

	must_fit(result, &err);
	must((result == SBX_SCHEMA_MISFIT) == (problems.n > 0));
	must_be_words(&problems, true);
	/* The same for the same. */
	err = fuzz_error();
	must(result < 0 || sbx_schema_check_within(schema, value, STEPS, &again,
						   &err) == result);
	must(result < 0 || again.n == problems.n);
	sbx_schema_problems_free(&problems);
	sbx_schema_problems_free(&again);
}

static void compile(const json_t *document, const json_t *value)
{
	struct sbx_schema_problems faults = SBX_SCHEMA_PROBLEMS_INIT;
	struct sbx_error err = fuzz_error();
	struct sbx_schema *schema = NULL;
	int result = sbx_schema_compile(document, &schema, &faults, &err);

	must_fit(result, &err);
	must((result == 0) == (schema != NULL));
	must((result == 0) == (faults.n == 0));
	must_be_words(&faults, false);
	if (result == 0 && value)
		check(schema, value);
	sbx_schema_free(&schema);
	sbx_schema_problems_free(&faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
	size_t first = nul ? (size_t)(nul - data) : size;
	struct sbx_error ignored = SBX_ERROR_INIT;
	char *text = fuzz_exact(data, first);
	json_t *document = NULL;
	json_t *value = NULL;

	if (sbx_json_parse(text, first, &document, &ignored) == 0) {
		if (nul)
			sbx_json_parse((const char *)nul + 1, size - first - 1,
				       &value, &ignored);
		compile(document, value);
	}
	json_decref(document);
	json_decref(value);
	free(text);
	return 0;
}
