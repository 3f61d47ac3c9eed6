/* SPDX-License-Identifier: MIT */
#include "skill/manifest_parts.h"

#include "base/mem.h"
#include "base/text.h"

struct test {
	char *name;
	char *action;
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
	{ .name = "input", .read = sbx_read_nothing },
	{ .name = "secrets", .read = sbx_read_nothing },
	{ .name = "expect",
	  .read = sbx_read_nothing,
	  .flags = SBX_FIELD_REQUIRED,
	  .expected = "what is expected, such as {status: 0}" },
	{ .name = NULL },
};

static void expect_status(const struct sbx_at *at,
			  const struct sbx_field *field, void *object)
{
	json_int_t status = json_integer_value(at->value);

	(void)object;
	if (!json_is_integer(at->value) || status < 0 || status > 255)
		sbx_reader_expected(at, field->expected);
}

static void expect_outcome(const struct sbx_at *at,
			   const struct sbx_field *field, void *object)
{
	const char *words[SBX_OUTCOME_COUNT + 1] = { NULL };
	struct sbx_field named = *field;
	unsigned int outcome;

	(void)object;
	for (size_t i = 0; i < SBX_OUTCOME_COUNT; i++)
		words[i] = sbx_outcome_name((enum sbx_outcome)i);
	named.words = words;
	named.offset = 0;
	sbx_read_word(at, &named, &outcome);
}

static void expect_text(const struct sbx_at *at, const struct sbx_field *field,
			void *object)
{
	(void)object;
	sbx_reader_text(at, field->expected);
}

const struct sbx_field sbx_expect_fields[] = {
	{ .name = "status",
	  .read = expect_status,
	  .expected = "a status from 0 to 255" },
	{ .name = "outcome", .read = expect_outcome },
	{ .name = "output", .read = sbx_read_nothing },
	{ .name = "output_subset", .read = sbx_read_nothing },
	{ .name = "error_contains",
	  .read = expect_text,
	  .expected = "a part of the error" },
	{ .name = "stderr_contains",
	  .read = expect_text,
	  .expected = "a part of stderr" },
	{ .name = NULL },
};

/* The members that are expectations, without notes. */
static json_t *read_expect(const struct sbx_at *at)
{
	json_t *expect = json_object();

	if (!sbx_read_mapping(at, sbx_expect_fields, 0, NULL))
		return expect;
	for (const struct sbx_field *f = sbx_expect_fields; f->name; f++) {
		json_t *member = json_object_get(at->value, f->name);

		if (member)
			json_object_set_new(expect, f->name,
					    json_deep_copy(member));
	}
	if (json_object_size(expect) == 0)
		sbx_reader_error(at, "nothing is expected: add at least one of "
				     "status, outcome, output, output_subset, "
				     "error_contains, stderr_contains");
	return expect;
}

static void check_test_action(const struct sbx_at *at, const char *name,
			      const struct sbx_manifest *manifest)
{
	cleanup_free const char **names = sbx_manifest_action_names(manifest);
	const char *nearest = sbx_text_nearest(name, names);
	struct sbx_at action = sbx_at_member(at, "action");

	if (sbx_manifest_action(manifest, name))
		return;
	if (nearest)
		sbx_reader_error(&action,
				 "there is no such action, did you mean "
				 "\"%s\"?",
				 nearest);
	else
		sbx_reader_error(&action,
				 "there is no such action in this skill");
}

/* Values that are made up, by the names that the action has; or NULL. */
static json_t *read_secrets(const struct sbx_at *at,
			    const struct sbx_action *action)
{
	json_t *secrets;
	const char *name;
	json_t *value;

	if (!at->value ||
	    !sbx_reader_is_mapping(at, SBX_SECRETS_MAX,
				   "a mapping such as {API_TOKEN: not-real}"))
		return NULL;
	secrets = json_object();
	json_object_foreach ((json_t *)at->value, name, value) {
		struct sbx_at inner = sbx_at_member(at, name);
		const char *text = sbx_reader_text(&inner, "a text");

		if (action && !sbx_action_names_secret(action, name))
			sbx_reader_key_error(&inner, "the action has no such "
						     "secret");
		else if (text && *text == '\0')
			sbx_reader_error(&inner, "a secret is never empty");
		else if (text)
			json_object_set(secrets, name, value);
	}
	return secrets;
}

static void read_test(const struct sbx_at *at, struct sbx_manifest *manifest)
{
	struct sbx_skill_test *out = &manifest->tests[manifest->n_tests++];
	struct sbx_at input = sbx_at_member(at, "input");
	struct sbx_at expect = sbx_at_member(at, "expect");
	struct sbx_at secrets = sbx_at_member(at, "secrets");
	struct test test = { .name = NULL };

	sbx_read_mapping(at, sbx_test_fields, 0, &test);
	if (test.action)
		check_test_action(at, test.action, manifest);
	out->action = test.action ? test.action : sbx_strdup("");
	out->name =
		test.name ? test.name
			  : sbx_asprintf("%s #%zu", out->action, at->index + 1);
	out->input = input.value ? json_deep_copy(input.value) : json_object();
	out->secrets = read_secrets(&secrets,
				    sbx_manifest_action(manifest, out->action));
	out->expect = expect.value ? read_expect(&expect) : json_object();
	out->line = sbx_reader_place(at).line;
}

void sbx_manifest_read_tests(const struct sbx_at *root,
			     struct sbx_manifest *manifest)
{
	struct sbx_at at = sbx_at_member(root, "tests");
	size_t n = json_array_size(at.value);

	if (!at.value ||
	    !sbx_reader_is_list(&at, SBX_TESTS_MAX, "a list of tests"))
		return;
	manifest->tests = sbx_calloc(n, sizeof(*manifest->tests));
	for (size_t i = 0; i < n; i++) {
		struct sbx_at inner = sbx_at_element(&at, i);

		read_test(&inner, manifest);
	}
}
