/* SPDX-License-Identifier: MIT */
/*
 * The rules of manifests, policies and sealed secrets exist twice, in tables of
 * C and in manifests/X.schema.json for editors.  Here both judge the samples of
 * tests/fixtures, and the keys they know are compared; the schema's part is
 * done by schema_step.py with python3-jsonschema.
 *
 * Run from the top of the source tree.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "secret/sealed.h"
#include "skill/manifest.h"
#include "skill/manifest_keys.h"
#include "skill/policy_file.h"

#define STEP "/usr/bin/python3 tests/unit/schema_step.py"
#define MARK "=== "

/*
 * One of the formats.
 *
 * @part	the kind of sample that is only a part
 * @frame	what stands before a part, indented by @indent
 * @parse	as sbx_manifest_parse(), but that the result is thrown away
 */
struct format {
	const char *schema;
	const char *samples;
	const char *part;
	const char *frame;
	const char *indent;
	json_t *(*keys)(void);
	int (*parse)(const char *data, size_t size,
		     struct sbx_problems *problems, struct sbx_error *err);
};

/* "=== VERDICT KIND: NAME\n" taken apart; @body is what follows. */
struct sample {
	char verdict[16];
	char kind[16];
	char name[100];
	struct sbx_buf body;
};

static void put_indented(struct sbx_buf *out, const struct format *format,
			 const char *text)
{
	sbx_buf_puts(out, format->frame);
	while (*text != '\0') {
		size_t size = strcspn(text, "\n");

		sbx_buf_puts(out, format->indent);
		sbx_buf_append(out, text, size);
		sbx_buf_puts(out, "\n");
		text += size + (text[size] == '\n');
	}
}

/* Takes the sample at *@text, which is at a mark; false at the end. */
static bool take_sample(const struct format *format, const char **text,
			struct sample *out)
{
	const char *start = *text;
	const char *end;
	cleanup_free char *body = NULL;
	int used = 0;

	if (!start)
		return false;
	assert_int_equal(sscanf(start, MARK "%15[a-z] %15[a-z]: %99[^\n]%n",
				out->verdict, out->kind, out->name, &used),
			 3);
	start += used + 1;
	end = strstr(start - 1, "\n" MARK);
	body = sbx_strndup(start,
			   end ? (size_t)(end + 1 - start) : strlen(start));
	out->body = (struct sbx_buf)SBX_BUF_INIT(65536);
	if (strcmp(out->kind, format->part) == 0)
		put_indented(&out->body, format, body);
	else
		sbx_buf_puts(&out->body, body);
	*text = end ? end + 1 : NULL;
	return true;
}

/* What the program says, and the case for the schema. */
static json_t *judge(const struct format *format, const struct sample *sample)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_yaml *yaml = NULL;
	bool valid = strcmp(sample->verdict, "valid") == 0;
	json_t *result;

	if (format->parse(sbx_buf_text(&sample->body), sample->body.len,
			  &problems, &err) != (valid ? 0 : -1))
		fail_msg("%s: %s", sample->name,
			 valid ? err.message : "was taken");
	assert_int_equal(problems.errors.n == 0, valid);
	assert_int_not_equal(sbx_yaml_parse(sbx_buf_text(&sample->body),
					    sample->body.len, &yaml, &err),
			     -1);
	result = json_pack("{s:s, s:b, s:O}", "name", sample->name, "expected",
			   strcmp(sample->verdict, "invalid") != 0, "document",
			   sbx_yaml_root(yaml));
	assert_non_null(result);
	sbx_yaml_free(&yaml);
	sbx_problems_free(&problems);
	return result;
}

static json_t *judge_all(const struct format *format)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(1024 * 1024);
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *cases = json_array();
	struct sample sample;
	const char *next;

	if (sbx_file_read(AT_FDCWD, format->samples, &text, &err) < 0)
		fail_msg("%s", err.message);
	next = strstr(text.data, "\n" MARK) + 1;
	while (take_sample(format, &next, &sample)) {
		json_array_append_new(cases, judge(format, &sample));
		sbx_buf_free(&sample.body);
	}
	return cases;
}

/* The program's verdicts are as written down, and the schema's are too. */
static void check_in_step(const struct format *format)
{
	char path[] = "/tmp/test_schema.XXXXXX";
	cleanup_fd int fd = mkstemp(path);
	cleanup_free char *command =
		sbx_asprintf(STEP " %s <%s >&2", format->schema, path);
	cleanup_free char *report = NULL;
	json_auto_t *root = json_pack("{s:o, s:o}", "keys", format->keys(),
				      "cases", judge_all(format));
	int status;

	assert_true(fd >= 0);
	report = sbx_json_line(root);
	assert_int_equal(sbx_fd_write_all(fd, report, strlen(report)), 0);
	status = system(command);
	unlink(path);
	assert_int_equal(status, 0);
}

static int parse_manifest(const char *data, size_t size,
			  struct sbx_problems *problems, struct sbx_error *err)
{
	struct sbx_manifest *manifest = NULL;
	int result = sbx_manifest_parse(data, size, "example", "skill.yaml",
					&manifest, problems, err);

	sbx_manifest_free(&manifest);
	return result;
}

static void test_manifest(void **state)
{
	static const struct format format = {
		.schema = "manifests/skill.schema.json",
		.samples = "tests/fixtures/manifests.txt",
		.part = "action",
		.frame = "schema_version: 1\n"
			 "name: example\n"
			 "version: 0.1.0\n"
			 "actions:\n"
			 "  run:\n",
		.indent = "    ",
		.keys = sbx_manifest_keys,
		.parse = parse_manifest,
	};

	(void)state;
	check_in_step(&format);
}

static int parse_policy(const char *data, size_t size,
			struct sbx_problems *problems, struct sbx_error *err)
{
	struct sbx_policy policy;
	int result = sbx_policy_parse(data, size, "policy.yaml", &policy,
				      problems, err);

	if (result == 0)
		sbx_policy_clear(&policy);
	return result;
}

static void test_policy(void **state)
{
	static const struct format format = {
		.schema = "manifests/policy.schema.json",
		.samples = "tests/fixtures/policies.txt",
		.part = "skills",
		.frame = "schema_version: 1\n"
			 "skills:\n",
		.indent = "  ",
		.keys = sbx_policy_keys,
		.parse = parse_policy,
	};

	(void)state;
	check_in_step(&format);
}

static int parse_sealed(const char *data, size_t size,
			struct sbx_problems *problems, struct sbx_error *err)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };

	return sbx_sealed_parse(data, size, "secrets.yaml", &sealed, problems,
				err);
}

static void test_secrets(void **state)
{
	static const struct format format = {
		.schema = "manifests/secrets.schema.json",
		.samples = "tests/fixtures/secrets.txt",
		.part = "secret",
		.frame = "schema_version: 1\n"
			 "recipients:\n"
			 "  7a91869e4c114964: "
			 "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n"
			 "secrets:\n",
		.indent = "  ",
		.keys = sbx_sealed_keys,
		.parse = parse_sealed,
	};

	(void)state;
	check_in_step(&format);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
