/* SPDX-License-Identifier: MIT */
/*
 * The manifest's rules exist twice, in the tables of manifest_*.c and in
 * manifests/skill.schema.json for editors.  Here both judge the manifests of
 * tests/fixtures/manifests.txt, and the keys they know are compared; the
 * schema's part is done by schema_step.py with python3-jsonschema.
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
#include "skill/manifest.h"
#include "skill/manifest_keys.h"

#define CASES "tests/fixtures/manifests.txt"
#define STEP                                                                   \
	"/usr/bin/python3 tests/unit/schema_step.py "                          \
	"manifests/skill.schema.json"
#define MARK "=== "

/* "=== VERDICT KIND: NAME\n" taken apart; @body is what follows. */
struct sample {
	char verdict[16];
	char kind[16];
	char name[100];
	struct sbx_buf body;
};

static void indent(struct sbx_buf *out, const char *text)
{
	static const char frame[] = "schema_version: 1\n"
				    "name: example\n"
				    "version: 0.1.0\n"
				    "actions:\n"
				    "  run:\n";

	sbx_buf_puts(out, frame);
	while (*text != '\0') {
		size_t size = strcspn(text, "\n");

		sbx_buf_puts(out, "    ");
		sbx_buf_append(out, text, size);
		sbx_buf_puts(out, "\n");
		text += size + (text[size] == '\n');
	}
}

/* Takes the sample at *@text, which is at a mark; false at the end. */
static bool take_sample(const char **text, struct sample *out)
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
	if (strcmp(out->kind, "action") == 0)
		indent(&out->body, body);
	else
		sbx_buf_puts(&out->body, body);
	*text = end ? end + 1 : NULL;
	return true;
}

/* What the program says, and the case for the schema. */
static json_t *judge(const struct sample *sample)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_manifest *manifest = NULL;
	struct sbx_yaml *yaml = NULL;
	bool valid = strcmp(sample->verdict, "valid") == 0;
	json_t *result;

	if (sbx_manifest_parse(sbx_buf_text(&sample->body), sample->body.len,
			       "example", "skill.yaml", &manifest, &problems,
			       &err) != (valid ? 0 : -1))
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
	sbx_manifest_free(&manifest);
	return result;
}

static json_t *judge_all(void)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(1024 * 1024);
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *cases = json_array();
	struct sample sample;
	const char *next;

	if (sbx_file_read(AT_FDCWD, CASES, &text, &err) < 0)
		fail_msg("%s", err.message);
	next = strstr(text.data, "\n" MARK) + 1;
	while (take_sample(&next, &sample)) {
		json_array_append_new(cases, judge(&sample));
		sbx_buf_free(&sample.body);
	}
	return cases;
}

/* The program's verdicts are as written down, and the schema's are too. */
static void test_schema_in_step(void **state)
{
	char path[] = "/tmp/test_schema.XXXXXX";
	cleanup_fd int fd = mkstemp(path);
	cleanup_free char *command = sbx_asprintf(STEP " <%s >&2", path);
	cleanup_free char *report = NULL;
	json_auto_t *root = json_pack("{s:o, s:o}", "keys", sbx_manifest_keys(),
				      "cases", judge_all());
	int status;

	(void)state;
	assert_true(fd >= 0);
	report = sbx_json_line(root);
	assert_int_equal(sbx_fd_write_all(fd, report, strlen(report)), 0);
	status = system(command);
	unlink(path);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema_in_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
