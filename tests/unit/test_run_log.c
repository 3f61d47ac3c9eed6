/* SPDX-License-Identifier: MIT */
/* A log says who ran what and how that ended, never what was in it. */
#include "serve/run_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sandbox/record.h"

/* A record in which everything is set. */
static json_t *full_record(void)
{
	struct sbx_record record;
	json_t *json;

	sbx_record_init(&record);
	record.outcome = SBX_OUTCOME_FAILED;
	record.status = 3;
	record.output = json_string("OUTPUT");
	sbx_strset(&record.error, "ERROR");
	sbx_strset(&record.stderr_text, "STDERR");
	sbx_strset(&record.skill, "text");
	sbx_strset(&record.action, "sort");
	sbx_strset(&record.run_id, "id-1");
	sbx_strset(&record.owner, "1000");
	sbx_strset(&record.image, "sha256:1");
	record.start = "warm";
	record.duration_ms = 2.5;
	record.build_ms = 0.5;
	record.wait_ms = record.create_ms = record.start_ms = record.action_ms =
		-1;
	json = sbx_record_json(&record);
	sbx_record_clear(&record);
	return json;
}

static void test_line(void **state)
{
	json_auto_t *record = full_record();
	cleanup_free char *line =
		sbx_run_log_line(record, "2026-01-31T12:00:00.123Z");

	(void)state;
	assert_string_equal(
		line, "{\"time\":\"2026-01-31T12:00:00.123Z\","
		      "\"run_id\":\"id-1\",\"skill\":\"text\","
		      "\"action\":\"sort\",\"owner\":\"1000\","
		      "\"image\":\"sha256:1\",\"outcome\":\"failed\","
		      "\"status\":3,\"start\":\"warm\",\"duration_ms\":2.5,"
		      "\"stages_ms\":{\"build\":0.5}}");
}

/* Names that were asked for may be anything. */
static void test_harmless(void **state)
{
	json_auto_t *record = json_pack("{s:s, s:n}", "skill",
					"a\n\033[31m\xc2\x9b\xe2\x80\xae",
					"image");
	cleanup_free char *line = sbx_run_log_line(record, "now");

	(void)state;
	assert_string_equal(line,
			    "{\"time\":\"now\",\"skill\":\"a\\n\\u001B[31m"
			    "\\u009B\\u202E\",\"image\":null}");
}

static void test_write(void **state)
{
	json_auto_t *record = full_record();
	json_auto_t *line = NULL;
	char text[1024] = "";
	int64_t time;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	sbx_run_log_write(fds[1], record);
	assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_null(strchr(text, '\n')[1] ? text : NULL);
	line = json_loads(text, 0, NULL);
	assert_true(sbx_clock_parse(
		json_string_value(json_object_get(line, "time")), &time));
	close(fds[0]);
	close(fds[1]);
	sbx_run_log_write(-1, record);
}

/* A journal that stands still holds up no run. */
static void test_nobody_reads(void **state)
{
	json_auto_t *record = full_record();
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	for (int i = 0; i < 2000; i++) /* far more than a pipe holds */
		sbx_run_log_write(fds[1], record);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_nobody_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
