/* SPDX-License-Identifier: MIT */
#include "serve/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Who relies on it: whoever watches a daemon; serve-later.bats parses all. */

static void count(struct sbx_metrics *metrics, const char *skill,
		  const char *version, enum sbx_outcome outcome, double ms)
{
	struct sbx_record record;

	sbx_record_init(&record);
	sbx_strset(&record.skill, skill);
	sbx_strset(&record.skill_version, version);
	sbx_strset(&record.action, "a");
	sbx_strset(&record.owner, "somebody");
	record.outcome = outcome;
	record.duration_ms = ms;
	record.action_ms = outcome == SBX_OUTCOME_OK ? ms / 2 : -1;
	record.start = outcome == SBX_OUTCOME_OK ? "warm" : NULL;
	sbx_metrics_run(metrics, &record);
	sbx_record_clear(&record);
}

static void has(const struct sbx_buf *text, const char *line)
{
	const char *at = strstr(sbx_buf_text(text), line);

	if (!at || (at != text->data && at[-1] != '\n') ||
	    at[strlen(line)] != '\n')
		fail_msg("no line \"%s\" in:\n%s", line, sbx_buf_text(text));
}

static void write_all(struct sbx_metrics *metrics, struct sbx_buf *out)
{
	json_auto_t *pool = json_pack("{s:i, s:i, s:i, s:{s:i}}", "waiting", 3,
				      "starting", 1, "busy", 2, "takes", "warm",
				      9);
	const struct sbx_metrics_now now = {
		.pool = pool,
		.engine_calls = 7,
		.engine_seconds = 1.5,
		.builds_ok = 2,
		.builds_failed = 1,
		.active = 4,
	};

	sbx_metrics_write(metrics, &now, out);
}

static void test_text(void **state)
{
	struct sbx_buf text = SBX_BUF_INIT(SBX_METRICS_SIZE_MAX);
	struct sbx_metrics *metrics = NULL;

	(void)state;
	sbx_metrics_new(&metrics);
	count(metrics, "s", "1.0.0", SBX_OUTCOME_OK, 4);
	count(metrics, "s", "1.0.0", SBX_OUTCOME_OK, 400000);
	count(metrics, "s", "1.0.0", SBX_OUTCOME_BUSY, 0);
	write_all(metrics, &text);
#define RUNS  "skillbox_runs_total{skill=\"s\",action=\"a\",outcome="
#define STAGE "skillbox_stage_seconds"
	has(&text, RUNS "\"ok\",start=\"warm\"} 2");
	has(&text, RUNS "\"busy\",start=\"none\"} 1");
	has(&text, STAGE "_bucket{stage=\"total\",le=\"0.0025\"} 1");
	has(&text, STAGE "_bucket{stage=\"total\",le=\"0.005\"} 2");
	has(&text, STAGE "_bucket{stage=\"total\",le=\"120\"} 2");
	has(&text, STAGE "_bucket{stage=\"total\",le=\"+Inf\"} 3");
	has(&text, STAGE "_count{stage=\"total\"} 3");
	has(&text, STAGE "_sum{stage=\"total\"} 400.004");
	has(&text, STAGE "_bucket{stage=\"overhead\",le=\"0.0025\"} 1");
	has(&text, STAGE "_count{stage=\"action\"} 2");
	has(&text, STAGE "_count{stage=\"build\"} 0");
	has(&text, "skillbox_sandboxes{state=\"waiting\"} 3");
	has(&text, "skillbox_pool_takes_total{result=\"warm\"} 9");
	has(&text, "skillbox_pool_takes_total{result=\"dead\"} 0");
	has(&text, "skillbox_builds_total{outcome=\"failed\"} 1");
	has(&text, "skillbox_engine_calls_total 7");
	has(&text, "skillbox_requests_active 4");
	assert_null(strstr(sbx_buf_text(&text), "somebody"));
	sbx_buf_free(&text);
	sbx_metrics_free(&metrics);
}

/* Names that callers make up are no series of their own. */
static void test_made_up(void **state)
{
	struct sbx_buf text = SBX_BUF_INIT(SBX_METRICS_SIZE_MAX);
	struct sbx_metrics *metrics = NULL;

	(void)state;
	sbx_metrics_new(&metrics);
	count(metrics, "none1", NULL, SBX_OUTCOME_NOT_FOUND, 1);
	count(metrics, "none2", NULL, SBX_OUTCOME_NOT_FOUND, 1);
	count(metrics, "s", "1.0.0", SBX_OUTCOME_NOT_FOUND, 1);
	write_all(metrics, &text);
	has(&text, "skillbox_runs_total{skill=\"\",action=\"\",outcome="
		   "\"not_found\",start=\"none\"} 3");
	sbx_buf_free(&text);
	sbx_metrics_free(&metrics);
}

static void test_process(void **state)
{
	struct sbx_buf text = SBX_BUF_INIT(SBX_METRICS_SIZE_MAX);

	(void)state;
	sbx_metrics_write_process(&text);
	has(&text, "# TYPE process_resident_memory_bytes gauge");
	has(&text, "process_threads 1");
	assert_non_null(strstr(sbx_buf_text(&text), "\nprocess_open_fds "));
	assert_null(strstr(sbx_buf_text(&text), "process_open_fds 0"));
	sbx_buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_made_up),
		cmocka_unit_test(test_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
