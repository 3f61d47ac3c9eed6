/* SPDX-License-Identifier: MIT */
#include "skill/manifest_parts.h"

#include "base/mem.h"
#include "base/text.h"

/* What a test's mapping is read into; the JSON is borrowed. */
struct test {
	char *name;
	char *action;
	const json_t *input;
	const json_t *expect;
};

const struct sbx_field sbx_test_fields[] = {
	{ .name = "name",
	  .read = sbx_read_text,
	  .offset = offsetof(struct test, name),
	  .expected = "a text" },
	{ .name = "action",
	  .read = sbx_read_text,
	  .flags = SBX_FIELD_REQUIRED,
	  .offset = offsetof(struct test, action),
	  .expected = "the name of an action" },
	{ .name = "input",
	  .read = sbx_read_json,
	  .offset = offsetof(struct test, input) },
	{ .name = "expect",
	  .read = sbx_read_json,
	  .flags = SBX_FIELD_REQUIRED,
	  .offset = offsetof(struct test, expect),
	  .expected = "what is expected, such as {status: 0}" },
	{ .name = NULL },
};

static void expect_status(struct sbx_reader *reader, const struct sbx_at *at,
			  const struct sbx_field *field, const json_t *value,
			  void *object)
{
	json_int_t status = json_integer_value(value);

	(void)object;
	if (!json_is_integer(value) || status < 0 || status > 255)
		sbx_reader_expected(reader, at, value, field->expected);
}

static void expect_outcome(struct sbx_reader *reader, const struct sbx_at *at,
			   const struct sbx_field *field, const json_t *value,
			   void *object)
{
	const char *words[SBX_OUTCOME_COUNT + 1] = { NULL };
	struct sbx_field named = *field;
	unsigned int outcome;

	(void)object;
	for (size_t i = 0; i < SBX_OUTCOME_COUNT; i++)
		words[i] = sbx_outcome_name((enum sbx_outcome)i);
	named.words = words;
	named.offset = 0;
	sbx_read_word(reader, at, &named, value, &outcome);
}

static void expect_any(struct sbx_reader *reader, const struct sbx_at *at,
		       const struct sbx_field *field, const json_t *value,
		       void *object)
{
	(void)reader;
	(void)at;
	(void)field;
	(void)value;
	(void)object;
}

static void expect_text(struct sbx_reader *reader, const struct sbx_at *at,
			const struct sbx_field *field, const json_t *value,
			void *object)
{
	(void)object;
	sbx_reader_text(reader, at, value, field->expected);
}

const struct sbx_field sbx_expect_fields[] = {
	{ .name = "status",
	  .read = expect_status,
	  .expected = "a status from 0 to 255" },
	{ .name = "outcome", .read = expect_outcome },
	{ .name = "output", .read = expect_any },
	{ .name = "output_subset", .read = expect_any },
	{ .name = "error_contains",
	  .read = expect_text,
	  .expected = "a part of the error" },
	{ .name = "stderr_contains",
	  .read = expect_text,
	  .expected = "a part of stderr" },
	{ .name = NULL },
};

/* The members that are expectations, without notes. */
static json_t *read_expect(struct sbx_reader *reader, const struct sbx_at *at,
			   const json_t *value)
{
	json_t *expect = json_object();

	if (!sbx_read_mapping(reader, at, sbx_expect_fields, 0, value, NULL))
		return expect;
	for (const struct sbx_field *f = sbx_expect_fields; f->name; f++) {
		json_t *member = json_object_get(value, f->name);

		if (member)
			json_object_set_new(expect, f->name,
					    json_deep_copy(member));
	}
	if (json_object_size(expect) == 0)
		sbx_reader_error(reader, at,
				 "nothing is expected: add at least one of "
				 "status, outcome, output, output_subset, "
				 "error_contains, stderr_contains");
	return expect;
}

static void check_test_action(struct sbx_reader *reader,
			      const struct sbx_at *at, const char *name,
			      const struct sbx_manifest *manifest)
{
	cleanup_free const char **names = sbx_manifest_action_names(manifest);
	const char *nearest = sbx_text_nearest(name, names);
	struct sbx_at action = { .up = at, .key = "action" };

	if (sbx_manifest_action(manifest, name))
		return;
	if (nearest)
		sbx_reader_error(reader, &action,
				 "there is no such action, did you mean "
				 "\"%s\"?",
				 nearest);
	else
		sbx_reader_error(reader, &action,
				 "there is no such action in this skill");
}

static void read_test(struct sbx_reader *reader, const struct sbx_at *at,
		      const json_t *value, struct sbx_manifest *manifest)
{
	struct sbx_skill_test *out = &manifest->tests[manifest->n_tests++];
	struct sbx_at expect = { .up = at, .key = "expect" };
	struct test test = { .name = NULL };

	sbx_read_mapping(reader, at, sbx_test_fields, 0, value, &test);
	if (test.action)
		check_test_action(reader, at, test.action, manifest);
	out->action = test.action ? test.action : sbx_strdup("");
	out->name =
		test.name ? test.name
			  : sbx_asprintf("%s #%zu", out->action, at->index + 1);
	out->input = test.input ? json_deep_copy(test.input) : json_object();
	out->expect = test.expect ? read_expect(reader, &expect, test.expect)
				  : json_object();
	out->line = sbx_reader_place(reader, at).line;
}

void sbx_read_tests(struct sbx_reader *reader, const json_t *tests,
		    struct sbx_manifest *manifest)
{
	struct sbx_at at = { .key = "tests" };
	size_t index;
	json_t *value;

	if (!tests || !sbx_reader_is_list(reader, &at, tests, SBX_TESTS_MAX,
					  "a list of tests"))
		return;
	manifest->tests =
		sbx_calloc(json_array_size(tests), sizeof(*manifest->tests));
	json_array_foreach (tests, index, value) {
		struct sbx_at inner = { .up = &at, .index = index };

		read_test(reader, &inner, value, manifest);
	}
}
