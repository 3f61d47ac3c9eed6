/* SPDX-License-Identifier: MIT */
/* What fits a JSON Schema, keyword by keyword. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "json_schema.h"

/* Values, as a JSON list each. */
struct sample {
	const char *schema;
	const char *fit;
	const char *misfit;
};

static void check_all(const struct sbx_schema *schema, const char *text,
		      const char *list, int expected)
{
	json_auto_t *values = parse(list);
	size_t index;
	json_t *value;

	json_array_foreach (values, index, value) {
		cleanup_schema_problems struct sbx_schema_problems problems =
			SBX_SCHEMA_PROBLEMS_INIT;
		cleanup_free char *line = sbx_json_line(value);
		struct sbx_error err = SBX_ERROR_INIT;
		int result = sbx_schema_check(schema, value, &problems, &err);

		if (result != expected)
			fail_msg("%s: %s: %d %s", text, line, result,
				 err.message);
		assert_int_equal(problems.n > 0, expected != 0);
	}
}

static void check_samples(const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct sample *sample = &samples[i];
		cleanup_schema struct sbx_schema *schema =
			compile(sample->schema);

		check_all(schema, sample->schema, sample->fit, 0);
		check_all(schema, sample->schema, sample->misfit,
			  SBX_SCHEMA_MISFIT);
	}
}

#define CHECK(samples) check_samples(samples, SBX_ARRAY_SIZE(samples))

static void test_types_and_values(void **state)
{
	static const struct sample samples[] = {
		{ "true", "[null, 1, {}]", "[]" },
		{ "{}", "[null, 1, {}]", "[]" },
		{ "false", "[]", "[null, 1, {}]" },
		{ "{\"type\": \"integer\"}", "[1, 1.0, -3, 1e300]",
		  "[1.5, \"1\", true, null]" },
		{ "{\"type\": \"number\"}", "[1, 1.5]", "[\"1\", []]" },
		{ "{\"type\": [\"string\", \"null\"]}", "[\"\", null]",
		  "[0, false, {}]" },
		{ "{\"type\": \"boolean\"}", "[true, false]", "[0, 1, null]" },
		{ "{\"const\": 1}", "[1, 1.0]", "[true, \"1\", [1]]" },
		{ "{\"const\": false}", "[false]", "[0, null]" },
		{ "{\"const\": {\"a\": [1.0], \"b\": 2}}",
		  "[{\"b\": 2.0, \"a\": [1]}]",
		  "[{\"a\": [1]}, {\"a\": [1], \"b\": 2, \"c\": 3}, "
		  "{\"a\": [1, 1], \"b\": 2}]" },
		{ "{\"const\": 9007199254740993}", "[9007199254740993]",
		  "[9007199254740992.0, 9007199254740992]" },
		{ "{\"const\": \"a\\u0000b\"}", "[\"a\\u0000b\"]",
		  "[\"a\", \"a\\u0000c\"]" },
		{ "{\"enum\": [1, \"a\", null]}", "[1.0, \"a\", null]",
		  "[2, \"b\", false]" },
		{ "{\"enum\": []}", "[]", "[1]" },
	};

	(void)state;
	CHECK(samples);
}

static void test_numbers(void **state)
{
	static const struct sample samples[] = {
		{ "{\"minimum\": 1.5, \"maximum\": 3}",
		  "[1.5, 2, 3, 3.0, \"x\"]", "[1, 1.4999, 3.0001, 4]" },
		{ "{\"exclusiveMinimum\": 1, \"exclusiveMaximum\": 3}",
		  "[1.0001, 2]", "[1, 1.0, 3, 3.5]" },
		/* As doubles these would be the same. */
		{ "{\"maximum\": 9007199254740992}", "[9007199254740992.0]",
		  "[9007199254740993]" },
		{ "{\"maximum\": 9007199254740992.0}", "[9007199254740992]",
		  "[9007199254740993]" },
		{ "{\"maximum\": 9223372036854775807}",
		  "[9223372036854775807, -1e300]",
		  "[9223372036854775808.0, 1e300]" },
		{ "{\"minimum\": -9223372036854775808}",
		  "[-9223372036854775808, -9223372036854775808.0]", "[-1e19]" },
		/* By decimal digits, not by binary fractions. */
		{ "{\"multipleOf\": 0.01}", "[19.99, 0, 1, 1e300, -4.02]",
		  "[19.999, 0.001]" },
		{ "{\"multipleOf\": 1e-8}", "[12391239123, 1e-7]", "[1e-9]" },
		{ "{\"multipleOf\": 0.123456789}", "[0.123456789]", "[1e308]" },
		{ "{\"multipleOf\": 3}", "[9, -9, 9.0, 3e20]", "[10, 9.5]" },
		{ "{\"multipleOf\": 1e300}", "[1e301, 0]", "[1, 1e299]" },
		{ "{\"multipleOf\": 9223372036854775807}",
		  "[9223372036854775807, 0]", "[9223372036854775806, 1e19]" },
	};

	(void)state;
	CHECK(samples);
}

static void test_texts(void **state)
{
	static const struct sample samples[] = {
		/* Characters, not bytes, and not UTF-16. */
		{ "{\"minLength\": 2, \"maxLength\": 3.0}",
		  "[\"ab\", \"\xc3\xa4\xc3\xb6\xc3\xbc\", "
		  "\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\", 7]",
		  "[\"a\", \"abcd\", \"\xf0\x9f\x98\x80\"]" },
		/* Anywhere, unless it says where. */
		{ "{\"pattern\": \"b+\"}", "[\"abc\", 7]", "[\"ac\"]" },
		{ "{\"pattern\": \"^a$\"}", "[\"a\"]",
		  "[\"a\\n\", \"\\na\", \"ba\"]" },
		{ "{\"pattern\": \"^\\\\d\\\\w$\"}", "[\"1a\"]",
		  "[\"\xd9\xa1"
		  "a\", \"1\xc3\xa4\"]" },
		{ "{\"pattern\": \"^.$\"}", "[\"\xf0\x9f\x98\x80\"]",
		  "[\"\\n\", \"\\r\", \"ab\"]" },
		{ "{\"pattern\": \"^\\\\u{1f600}\\\\u0061$\"}",
		  "[\"\xf0\x9f\x98\x80"
		  "a\"]",
		  "[\"u{1f600}a\"]" },
		{ "{\"pattern\": \"^\\\\p{Letter}\\\\P{gc=Letter}\\\\\\\\p$\"}",
		  "[\"\xc3\xa4"
		  "1\\\\p\"]",
		  "[\"aa\\\\p\", \"11\\\\p\"]" },
		{ "{\"pattern\": \"^\\\\p{Lowercase_Letter}$\"}", "[\"a\"]",
		  "[\"A\", \"1\"]" },
		{ "{\"pattern\": \"a\\u0000b\"}", "[\"a\\u0000b\"]",
		  "[\"ab\", \"a\"]" },
		{ "{\"pattern\": \"^(?=a)(a|b)\\\\1$\"}", "[\"aa\"]",
		  "[\"bb\", \"ab\"]" },
		/* An annotation. */
		{ "{\"format\": \"email\"}", "[\"nobody\", 7]", "[]" },
	};

	(void)state;
	CHECK(samples);
}

static void test_lists(void **state)
{
	static const struct sample samples[] = {
		{ "{\"minItems\": 1, \"maxItems\": 2}", "[[1], [1, 2], \"\"]",
		  "[[], [1, 2, 3]]" },
		{ "{\"items\": {\"type\": \"string\"}}",
		  "[[], [\"a\"], {\"a\": 1}]", "[[1], [\"a\", 1]]" },
		{ "{\"prefixItems\": [{\"const\": 1}, {\"const\": 2}]}",
		  "[[], [1], [1, 2], [1, 2, 3]]", "[[2], [1, 1]]" },
		{ "{\"prefixItems\": [true], \"items\": {\"const\": 2}}",
		  "[[1], [1, 2, 2]]", "[[1, 1], [1, 2, 3]]" },
		{ "{\"prefixItems\": [true], \"items\": false}", "[[], [1]]",
		  "[[1, 2]]" },
		{ "{\"uniqueItems\": true}",
		  "[[], [1, true, \"1\", [1], [true], null], "
		  "[{\"a\": 1}, {\"a\": 2}], [[1, 2], [2, 1]]]",
		  "[[1, 2, 1.0], [{\"a\": 1, \"b\": 2}, {\"b\": 2, \"a\": 1.0}"
		  "], [\"a\", \"a\"], [0, -0.0], [[], []]]" },
		{ "{\"uniqueItems\": false}", "[[1, 1]]", "[]" },
		{ "{\"contains\": {\"const\": 1}}", "[[2, 1], \"x\"]",
		  "[[], [2]]" },
		{ "{\"contains\": {\"const\": 1}, \"minContains\": 0}",
		  "[[], [2]]", "[]" },
		{ "{\"contains\": {\"const\": 1}, \"minContains\": 2, "
		  "\"maxContains\": 3}",
		  "[[1, 1], [1, 2, 1, 1]]", "[[1, 2], [1, 1, 1, 1]]" },
		{ "{\"minContains\": 2, \"maxContains\": 0}", "[[], [1]]",
		  "[]" },
	};

	(void)state;
	CHECK(samples);
}

static void test_objects(void **state)
{
	static const struct sample samples[] = {
		{ "{\"minProperties\": 1, \"maxProperties\": 2}",
		  "[{\"a\": 1}, []]", "[{}, {\"a\": 1, \"b\": 2, \"c\": 3}]" },
		{ "{\"required\": [\"a\", \"b\"]}",
		  "[{\"a\": null, \"b\": 1}, []]", "[{\"a\": 1}, {}]" },
		{ "{\"dependentRequired\": {\"a\": [\"b\"]}}",
		  "[{}, {\"b\": 1}, {\"a\": 1, \"b\": 1}]", "[{\"a\": 1}]" },
		{ "{\"dependentSchemas\": {\"a\": {\"maxProperties\": 1}}}",
		  "[{\"a\": 1}, {\"b\": 1, \"c\": 1}]",
		  "[{\"a\": 1, \"b\": 1}]" },
		{ "{\"properties\": {\"a\": {\"type\": \"string\"}}, "
		  "\"patternProperties\": {\"^x\": {\"type\": \"integer\"}}, "
		  "\"additionalProperties\": {\"type\": \"null\"}}",
		  "[{\"a\": \"b\", \"x1\": 2, \"z\": null}, {}]",
		  "[{\"a\": 1}, {\"x1\": null}, {\"z\": 1}, "
		  "{\"ax\": 1}]" },
		{ "{\"patternProperties\": {\"a\": true, \"b\": false}}",
		  "[{\"a\": 1}]", "[{\"ab\": 1}]" },
		{ "{\"propertyNames\": {\"maxLength\": 2}}",
		  "[{\"ab\": 1}, {}]", "[{\"abc\": 1}]" },
		/* Only what stands beside it counts, not what is inside. */
		{ "{\"allOf\": [{\"properties\": {\"a\": true}}], "
		  "\"additionalProperties\": false}",
		  "[{}]", "[{\"a\": 1}]" },
	};

	(void)state;
	CHECK(samples);
}

static void test_combinations(void **state)
{
	static const struct sample samples[] = {
		{ "{\"allOf\": [{\"minimum\": 1}, {\"maximum\": 2}]}",
		  "[1, 2, \"x\"]", "[0, 3]" },
		{ "{\"anyOf\": [{\"type\": \"string\"}, {\"minimum\": 2}]}",
		  "[\"x\", 2, null]", "[1]" },
		{ "{\"oneOf\": [{\"type\": \"integer\"}, {\"minimum\": 2}]}",
		  "[1, 2.5]", "[1.5, 3]" },
		{ "{\"not\": {\"type\": \"integer\"}}", "[1.5]", "[1]" },
		{ "{\"not\": {\"not\": {\"type\": \"integer\"}}}", "[1]",
		  "[1.5]" },
		{ "{\"if\": {\"minimum\": 5}, \"then\": {\"multipleOf\": 5}, "
		  "\"else\": {\"multipleOf\": 2}}",
		  "[5, 10, 4, 2]", "[6, 3]" },
		{ "{\"then\": false, \"else\": false}", "[1]", "[]" },
		{ "{\"if\": true, \"else\": false}", "[1]", "[]" },
	};

	(void)state;
	CHECK(samples);
}

static void test_unevaluated(void **state)
{
	static const struct sample samples[] = {
		/* What is inside does count here. */
		{ "{\"allOf\": [{\"properties\": {\"a\": true}}], "
		  "\"unevaluatedProperties\": false}",
		  "[{\"a\": 1}]", "[{\"b\": 1}, {\"a\": 1, \"b\": 1}]" },
		/* Of those alternatives that fit, all of them. */
		{ "{\"anyOf\": [{\"properties\": {\"a\": {\"const\": 1}}, "
		  "\"required\": [\"a\"]}, {\"properties\": {\"b\": {\"const\":"
		  " 2}}, \"required\": [\"b\"]}], "
		  "\"unevaluatedProperties\": false}",
		  "[{\"a\": 1}, {\"b\": 2}, {\"a\": 1, \"b\": 2}]",
		  "[{\"a\": 1, \"b\": 3}, {\"a\": 1, \"c\": 1}]" },
		/* Not what "not" has seen. */
		{ "{\"not\": {\"not\": {\"properties\": {\"a\": true}}}, "
		  "\"unevaluatedProperties\": false}",
		  "[{}]", "[{\"a\": 1}]" },
		/* Nor a cousin. */
		{ "{\"allOf\": [{\"properties\": {\"a\": true}}, "
		  "{\"unevaluatedProperties\": false}]}",
		  "[{}]", "[{\"a\": 1}]" },
		{ "{\"if\": {\"required\": [\"a\"], \"properties\": {\"a\": "
		  "true}}, \"then\": {\"properties\": {\"b\": true}}, \"else\":"
		  " {\"properties\": {\"c\": true}}, "
		  "\"unevaluatedProperties\": false}",
		  "[{\"a\": 1, \"b\": 1}, {\"c\": 1}]",
		  "[{\"a\": 1, \"c\": 1}, {\"b\": 1}]" },
		{ "{\"$ref\": \"#/$defs/a\", \"$defs\": {\"a\": "
		  "{\"patternProperties\": {\"^a\": true}}}, "
		  "\"dependentSchemas\": {\"ab\": {\"properties\": "
		  "{\"z\": true}}}, "
		  "\"unevaluatedProperties\": {\"type\": \"null\"}}",
		  "[{\"ab\": 1, \"z\": 1, \"n\": null}]",
		  "[{\"aa\": 1, \"z\": 1}, {\"n\": 1}]" },
		{ "{\"prefixItems\": [true], \"contains\": {\"const\": 7}, "
		  "\"unevaluatedItems\": {\"type\": \"string\"}}",
		  "[[1, 7, \"a\"], [7, 7]]", "[[1, 7, 8], [1]]" },
		{ "{\"oneOf\": [{\"prefixItems\": [{\"const\": 1}, true]}, "
		  "{\"prefixItems\": [{\"const\": 2}]}], "
		  "\"unevaluatedItems\": false}",
		  "[[1, 5], [2]]", "[[1, 5, 6], [2, 5], [3]]" },
		{ "{\"allOf\": [{\"items\": true}], "
		  "\"unevaluatedItems\": false}",
		  "[[1, 2]]", "[]" },
		{ "{\"additionalProperties\": true, "
		  "\"unevaluatedProperties\": false}",
		  "[{\"a\": 1}]", "[]" },
	};

	(void)state;
	CHECK(samples);
}

static void test_references(void **state)
{
	static const struct sample samples[] = {
		{ "{\"$ref\": \"#/$defs/a%25b~1c\", \"$defs\": "
		  "{\"a%b/c\": {\"type\": \"null\"}}}",
		  "[null]", "[1]" },
		{ "{\"properties\": {\"a\": {\"type\": \"null\"}}, \"items\": "
		  "{\"$ref\": \"#/properties/a\"}}",
		  "[[null]]", "[[1]]" },
		{ "{\"prefixItems\": [true, {\"$ref\": \"#/allOf/1\"}], "
		  "\"allOf\": [true, {\"minItems\": 1}]}",
		  "[[1], [1, [2]]]", "[[1, []], []]" },
		/* A tree. */
		{ "{\"type\": \"array\", \"items\": {\"$ref\": \"#\"}}",
		  "[[], [[], [[[]]]]]", "[[1], [[[[null]]]]]" },
		{ "{\"$ref\": \"#x\", \"minimum\": 3, \"$defs\": {\"a\": "
		  "{\"$anchor\": \"x\", \"maximum\": 5}}}",
		  "[3, 5]", "[2, 6]" },
		{ "{\"$ref\": \"#x\", \"definitions\": {\"a\": "
		  "{\"$dynamicAnchor\": \"x\", \"maximum\": 5}}}",
		  "[5]", "[6]" },
		{ "{\"$id\": \"https://example.org/a/b?c\", \"$ref\": "
		  "\"../d/./e/../item\", \"$defs\": {\"a\": {\"$id\": "
		  "\"/d/item\", \"type\": \"null\", \"$defs\": {\"x\": {"
		  "\"$anchor\": \"deep\"}}}, \"b\": {\"$ref\": \"d\"}, \"c\": "
		  "{\"$id\": \"d\", \"$ref\": \"//example.org/d/item#deep\"}}}",
		  "[null]", "[1]" },
		/* Inside of an $id, "#" is that. */
		{ "{\"properties\": {\"a\": {\"$id\": \"x\", \"type\": "
		  "[\"array\", \"null\"], \"items\": {\"$ref\": \"#\"}}}}",
		  "[{\"a\": [null, [null]]}]", "[{\"a\": [{}]}]" },
		{ "{\"$id\": \"urn:example:one\", \"$ref\": "
		  "\"urn:example:one#/$defs/n\", \"$defs\": {\"n\": "
		  "{\"type\": \"null\"}}}",
		  "[null]", "[1]" },
		/* No references, but data. */
		{ "{\"enum\": [{\"$ref\": \"#/nowhere\"}]}",
		  "[{\"$ref\": \"#/nowhere\"}]", "[1]" },
		{ "{\"properties\": {\"$ref\": {\"type\": \"string\"}}}",
		  "[{\"$ref\": \"a\"}]", "[{\"$ref\": 1}]" },
	};

	(void)state;
	CHECK(samples);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types_and_values),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_combinations),
		cmocka_unit_test(test_unevaluated),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
