/* SPDX-License-Identifier: MIT */
#include "sandbox/record.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/buf.h"
#include "codec/json.h"

/*
 * The table of outcomes is what callers program against: each way an action
 * can end gives exactly one outcome, with the status that belongs to it.
 */

struct fixture {
	struct sbx_record record;
	struct sbx_action action;
	struct sbx_buf out;
	struct sbx_buf err;
	struct sbx_buf file;
	struct sbx_ending ending;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sbx_record_init(&f->record);
	f->action.output = SBX_OUTPUT_AUTO;
	f->action.output_limit = 1024;
	f->action.mem_limit = 6 * 1024 * 1024;
	f->action.timeout_ms = 1500;
	f->out.max = f->err.max = f->file.max = 4096;
	f->ending.out = &f->out;
	f->ending.err = &f->err;
	f->ending.file = &f->file;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sbx_record_clear(&f->record);
	sbx_buf_free(&f->out);
	sbx_buf_free(&f->err);
	sbx_buf_free(&f->file);
	free(f);
	return 0;
}

static void finish(struct fixture *f)
{
	sbx_record_end(&f->record, &f->action, &f->ending);
}

static void assert_outcome(const struct fixture *f, const char *name,
			   int status)
{
	assert_string_equal(sbx_outcome_name(f->record.outcome), name);
	assert_int_equal(f->record.status, status);
}

static void add_artifact(struct sbx_artifacts *artifacts, const char *name,
			 const char *text)
{
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_artifacts_next(artifacts, name, strlen(name),
					    strlen(text), &err),
			 0);
	assert_int_equal(
		sbx_artifacts_take(artifacts, text, strlen(text), &err), 0);
}

static void test_artifacts(void **state)
{
	struct fixture *f = *state;
	struct sbx_artifacts artifacts = { .v = NULL };
	json_auto_t *all = NULL;
	const json_t *list, *first;

	sbx_artifacts_begin(&artifacts, NULL, 1000);
	add_artifact(&artifacts, "b", "");
	add_artifact(&artifacts, "a/c", "abc");
	sbx_artifacts_end(&artifacts);
	f->ending.artifacts = &artifacts;
	f->ending.exit.code = 3;
	finish(f);
	assert_outcome(f, "failed", 3);
	all = sbx_record_json(&f->record);
	list = json_object_get(all, "artifacts");
	assert_int_equal(json_array_size(list), 2);
	first = json_array_get(list, 0);
	assert_string_equal(sbx_json_text_at(first, "name", NULL), "a/c");
	assert_int_equal(sbx_json_int_at(0, first, "size", NULL), 3);
	assert_string_equal(sbx_json_text_at(first, "data", NULL), "YWJj");
	assert_string_equal(sbx_json_text_at(first, "sha256", NULL),
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb4"
			    "10ff61f20015ad");
	sbx_artifacts_clear(&artifacts);
}

static void test_too_many_artifacts(void **state)
{
	struct fixture *f = *state;
	char out[] = "/out";

	f->action.files_out = out;
	f->action.files_limit = 4096;
	f->ending.exit.flags = SBX_WIRE_OUT_TRUNCATED;
	sbx_buf_puts(&f->out, "text");
	finish(f);
	assert_outcome(f, "output_limit", 125);
	assert_non_null(strstr(f->record.error, "/out"));
	assert_string_equal(json_string_value(f->record.output), "text");
	assert_false(f->record.output_truncated);
}

static void test_ok(void **state)
{
	struct fixture *f = *state;

	sbx_buf_puts(&f->out, "{\"a\": 1}\n");
	finish(f);
	assert_outcome(f, "ok", 0);
	assert_int_equal(sbx_json_int_at(0, f->record.output, "a", NULL), 1);
	assert_null(f->record.error);
	assert_int_equal(f->record.exit_code, 0);
}

/* auto: only objects and arrays become JSON; "1" and "true" are text. */
static void test_auto_text(void **state)
{
	static const char *const texts[] = { "1",	"true", "\"x\"",
					     "{broken", "",	"{} {}" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(texts); i++) {
		struct fixture *f;

		teardown(state);
		setup(state);
		f = *state;
		sbx_buf_puts(&f->out, texts[i]);
		finish(f);
		assert_outcome(f, "ok", 0);
		assert_string_equal(json_string_value(f->record.output),
				    texts[i]);
	}
}

static void test_output_json(void **state)
{
	struct fixture *f = *state;

	f->action.output = SBX_OUTPUT_JSON;
	sbx_buf_puts(&f->out, "12");
	finish(f);
	assert_outcome(f, "ok", 0);
	assert_int_equal(json_integer_value(f->record.output), 12);
}

static void test_bad_output(void **state)
{
	struct fixture *f = *state;

	f->action.output = SBX_OUTPUT_JSON;
	sbx_buf_puts(&f->out, "{\"a\": ");
	finish(f);
	assert_outcome(f, "bad_output", 65);
	assert_non_null(strstr(f->record.error, "line 1"));
	/* What came is not lost. */
	assert_string_equal(json_string_value(f->record.output), "{\"a\": ");
}

static struct sbx_schema *compile(const char *text)
{
	struct sbx_schema_problems problems = SBX_SCHEMA_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_schema *schema = NULL;
	json_auto_t *document = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_int_equal(sbx_schema_compile(document, &schema, &problems, &err),
			 0);
	return schema;
}

/* With a schema any JSON value will do, if it fits; what does not is kept. */
static void test_output_schema(void **state)
{
	static const struct {
		enum sbx_output kind;
		const char *text, *outcome, *error;
	} samples[] = {
		{ SBX_OUTPUT_AUTO, "3\n", "ok", NULL },
		{ SBX_OUTPUT_AUTO, "[3]", "ok", NULL },
		{ SBX_OUTPUT_JSON, "3", "ok", NULL },
		{ SBX_OUTPUT_FILE, "[3]", "ok", NULL },
		{ SBX_OUTPUT_AUTO, "\"x\"", "bad_output",
		  "found \"x\", expected a list or a whole number" },
		{ SBX_OUTPUT_JSON, "[3, null]", "bad_output",
		  "/1: found null, expected a whole number" },
		{ SBX_OUTPUT_FILE, "{}", "bad_output", "found an object" },
		{ SBX_OUTPUT_AUTO, "words", "bad_output",
		  "output is not one JSON value" },
		{ SBX_OUTPUT_AUTO, "", "bad_output",
		  "output is not one JSON value" },
	};
	cleanup_schema struct sbx_schema *schema =
		compile("{\"type\": [\"integer\", \"array\"], "
			"\"items\": {\"type\": \"integer\"}}");

	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		bool ok = !samples[i].error;
		struct fixture *f;

		teardown(state);
		setup(state);
		f = *state;
		f->action.output = samples[i].kind;
		f->ending.output_schema = schema;
		sbx_buf_puts(samples[i].kind == SBX_OUTPUT_FILE ? &f->file
								: &f->out,
			     samples[i].text);
		finish(f);
		assert_outcome(f, samples[i].outcome, ok ? 0 : 65);
		assert_non_null(f->record.output);
		assert_true(ok ||
			    strstr(f->record.error, samples[i].error) != NULL);
	}
}

/* An action that failed has failed, whatever it printed. */
static void test_failed_output_schema(void **state)
{
	cleanup_schema struct sbx_schema *schema = compile("false");
	struct fixture *f = *state;

	f->ending.output_schema = schema;
	f->ending.exit.code = 3;
	sbx_buf_puts(&f->out, "{\"error\": {\"message\": \"no\"}}");
	finish(f);
	assert_outcome(f, "failed", 3);
	assert_string_equal(f->record.error, "no");
}

static void test_output_binary(void **state)
{
	struct fixture *f = *state;

	f->action.output = SBX_OUTPUT_BINARY;
	sbx_buf_append(&f->out, "\0\xff\x10", 3);
	finish(f);
	assert_string_equal(json_string_value(f->record.output), "AP8Q");
}

static void test_text_invalid_utf8(void **state)
{
	struct fixture *f = *state;

	f->action.output = SBX_OUTPUT_TEXT;
	sbx_buf_append(&f->out,
		       "a\xff"
		       "b",
		       3);
	finish(f);
	assert_string_equal(json_string_value(f->record.output), "a\xef\xbf\xbd"
								 "b");
}

static void test_output_file(void **state)
{
	struct fixture *f = *state;

	f->action.output = SBX_OUTPUT_FILE;
	sbx_buf_puts(&f->file, "[1]");
	sbx_buf_puts(&f->out, "log\n");
	finish(f);
	assert_outcome(f, "ok", 0);
	assert_int_equal(json_array_size(f->record.output), 1);
	assert_string_equal(f->record.stderr_text, "log\n");
}

static void test_output_file_missing(void **state)
{
	struct fixture *f = *state;

	f->action.output = SBX_OUTPUT_FILE;
	f->ending.exit.flags = SBX_WIRE_FILE_MISSING;
	finish(f);
	assert_outcome(f, "bad_output", 65);
	assert_non_null(strstr(f->record.error, "SKILL_OUTPUT"));
}

static void test_output_file_truncated(void **state)
{
	struct fixture *f = *state;

	f->action.output = SBX_OUTPUT_FILE;
	f->ending.exit.flags = SBX_WIRE_FILE_TRUNCATED;
	finish(f);
	assert_outcome(f, "output_limit", 125);
	assert_true(f->record.output_truncated);
}

static void test_failed_stderr(void **state)
{
	struct fixture *f = *state;

	f->ending.exit.code = 3;
	sbx_buf_puts(&f->err, "first\nlast \x1b[31mline\n\n");
	finish(f);
	assert_outcome(f, "failed", 3);
	assert_int_equal(f->record.exit_code, 3);
	/* Nothing reaches a terminal unescaped. */
	assert_null(strchr(f->record.error, '\x1b'));
	assert_non_null(strstr(f->record.error, "last "));
	assert_null(strstr(f->record.error, "first"));
}

static void test_failed_json_error(void **state)
{
	struct fixture *f = *state;

	f->ending.exit.code = 1;
	sbx_buf_puts(&f->out, "{\"error\": {\"message\": \"no such page\"}}");
	sbx_buf_puts(&f->err, "noise\n");
	finish(f);
	assert_string_equal(f->record.error, "no such page");
}

static void test_failed_silent(void **state)
{
	struct fixture *f = *state;

	f->ending.exit.code = 7;
	finish(f);
	assert_outcome(f, "failed", 7);
	assert_string_equal(f->record.error, "exited with status 7");
}

static void test_failed_error_is_short(void **state)
{
	struct fixture *f = *state;

	f->ending.exit.code = 1;
	for (int i = 0; i < 1000; i++)
		sbx_buf_puts(&f->err, "x");
	finish(f);
	assert_in_range(strlen(f->record.error), 1, 512);
}

static void test_signaled(void **state)
{
	struct fixture *f = *state;

	f->ending.exit.kind = SBX_WIRE_SIGNALED;
	f->ending.exit.code = SIGTERM;
	finish(f);
	assert_outcome(f, "signaled", 143);
	assert_int_equal(f->record.signal, SIGTERM);
	assert_int_equal(f->record.exit_code, -1);
}

static void test_oom(void **state)
{
	struct fixture *f = *state;

	f->ending.exit.kind = SBX_WIRE_SIGNALED;
	f->ending.exit.code = SIGKILL;
	f->ending.exit.oom_kills = 1;
	finish(f);
	assert_outcome(f, "oom", 137);
}

/* SIGKILL without the memory limit is a signal like any other. */
static void test_killed_is_not_oom(void **state)
{
	struct fixture *f = *state;

	f->ending.exit.kind = SBX_WIRE_SIGNALED;
	f->ending.exit.code = SIGKILL;
	finish(f);
	assert_outcome(f, "signaled", 137);
}

/* A program that went on after a child was killed has failed itself. */
static void test_child_oom_is_failed(void **state)
{
	struct fixture *f = *state;

	f->ending.exit.code = 1;
	f->ending.exit.oom_kills = 1;
	finish(f);
	assert_outcome(f, "failed", 1);
	assert_non_null(strstr(f->record.error, "memory limit"));
}

/* Whatever the action did with its SIGTERM, its time was up. */
static void test_timeout(void **state)
{
	struct fixture *f = *state;

	f->ending.timed_out = true;
	sbx_buf_puts(&f->out, "partial");
	finish(f);
	assert_outcome(f, "timeout", 124);
	assert_string_equal(f->record.error, "not done after 1.5 s");
	assert_string_equal(json_string_value(f->record.output), "partial");
}

static void test_cancelled(void **state)
{
	struct fixture *f = *state;

	f->ending.cancelled = true;
	f->ending.timed_out = true;
	finish(f);
	assert_outcome(f, "cancelled", 130);
}

static void test_output_limit(void **state)
{
	struct fixture *f = *state;

	f->ending.exit.kind = SBX_WIRE_SIGNALED;
	f->ending.exit.code = SIGKILL;
	f->ending.err_truncated = true;
	sbx_buf_puts(&f->err, "kept");
	finish(f);
	assert_outcome(f, "output_limit", 125);
	assert_true(f->record.stderr_truncated);
	assert_false(f->record.output_truncated);
	assert_string_equal(f->record.stderr_text, "kept");
}

static void test_exec_failed(void **state)
{
	static const struct {
		int errnum;
		int status;
	} cases[] = { { ENOENT, 127 },
		      { ENOTDIR, 127 },
		      { EACCES, 126 },
		      { ENOEXEC, 126 } };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(cases); i++) {
		struct fixture *f;

		teardown(state);
		setup(state);
		f = *state;
		f->ending.exit.kind = SBX_WIRE_EXEC_FAILED;
		f->ending.exit.code = (uint32_t)cases[i].errnum;
		f->ending.program = "/no/such";
		finish(f);
		assert_outcome(f, "exec_failed", cases[i].status);
		assert_non_null(
			strstr(f->record.error, strerror(cases[i].errnum)));
		assert_non_null(strstr(f->record.error, "/no/such"));
	}
}

static void test_directory_that_cannot_be_entered(void **state)
{
	struct fixture *f = *state;

	f->ending.exit.kind = SBX_WIRE_CHDIR_FAILED;
	f->ending.exit.code = ENOENT;
	f->ending.program = "/bin/true";
	f->ending.working_dir = "/no\033";
	finish(f);
	assert_outcome(f, "exec_failed", 127);
	assert_string_equal(f->record.error,
			    "the working directory /no\\x1b cannot be entered: "
			    "No such file or directory");
}

/* The first three keys are always there and first, whatever went wrong. */
static void test_json_of_nothing(void **state)
{
	struct fixture *f = *state;
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *json = NULL;
	char *line;

	sbx_error_set(&err, SBX_OUTCOME_UNAVAILABLE, "no \x1b engine");
	sbx_record_fail(&f->record, &err);
	json = sbx_record_json(&f->record);
	line = sbx_json_line(json);
	assert_memory_equal(line, "{\"status\":", 10);
	assert_null(strchr(line, '\x1b'));
	assert_non_null(strstr(line, "\"started_at\""));
	assert_true(json_is_null(json_object_get(json, "started_at")));
	assert_true(json_is_null(json_object_get(json, "exit_code")));
	assert_int_equal(sbx_json_int_at(0, json, "status", NULL), 69);
	free(line);
}

/* Whatever was asked for, no member is missing and all of it is UTF-8. */
static void test_json_of_odd_names(void **state)
{
	struct fixture *f = *state;
	json_auto_t *json = NULL;

	sbx_strset(&f->record.skill, "a\xff");
	sbx_strset(&f->record.action, "\xc3");
	json = sbx_record_json(&f->record);
	assert_string_equal(sbx_json_text_at(json, "skill", NULL),
			    "a\xef\xbf\xbd");
	assert_string_equal(sbx_json_text_at(json, "action", NULL),
			    "\xef\xbf\xbd");
	assert_true(json_is_null(json_object_get(json, "owner")));
}

static void test_json_members_in_order(void **state)
{
	static const char *const order[] = {
		"status",    "output",	      "error",	    "outcome",
		"skill",     "skill_version", "action",	    "run_id",
		"owner",     "exit_code",     "signal",	    "stderr",
		"truncated", "artifacts",     "started_at", "duration_ms",
		"stages_ms", "usage",	      "image",	    "start",
	};
	struct fixture *f = *state;
	json_auto_t *json = sbx_record_json(&f->record);
	const char *key;
	json_t *value;
	size_t i = 0;

	json_object_foreach (json, key, value)
		assert_string_equal(key, order[i++]);
	assert_int_equal(i, SBX_ARRAY_SIZE(order));
}

/* Those that were not reached are not there. */
static void test_json_stages(void **state)
{
	struct fixture *f = *state;
	json_auto_t *json = NULL;
	cleanup_free char *text = NULL;

	f->record.build_ms = 0;
	f->record.wait_ms = 54000.5;
	f->record.create_ms = 2;
	f->record.start_ms = -1;
	f->record.action_ms = -1;
	json = sbx_record_json(&f->record);
	text = json_dumps(json_object_get(json, "stages_ms"), JSON_COMPACT);
	assert_string_equal(text,
			    "{\"build\":0.0,\"wait\":54000.5,\"create\":2.0}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_artifacts),
		TEST(test_too_many_artifacts),
		TEST(test_ok),
		TEST(test_auto_text),
		TEST(test_output_json),
		TEST(test_bad_output),
		TEST(test_output_schema),
		TEST(test_failed_output_schema),
		TEST(test_output_binary),
		TEST(test_text_invalid_utf8),
		TEST(test_output_file),
		TEST(test_output_file_missing),
		TEST(test_output_file_truncated),
		TEST(test_failed_stderr),
		TEST(test_failed_json_error),
		TEST(test_failed_silent),
		TEST(test_failed_error_is_short),
		TEST(test_signaled),
		TEST(test_oom),
		TEST(test_killed_is_not_oom),
		TEST(test_child_oom_is_failed),
		TEST(test_timeout),
		TEST(test_cancelled),
		TEST(test_output_limit),
		TEST(test_exec_failed),
		TEST(test_directory_that_cannot_be_entered),
		TEST(test_json_of_nothing),
		TEST(test_json_of_odd_names),
		TEST(test_json_members_in_order),
		TEST(test_json_stages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
