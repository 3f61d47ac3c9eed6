/* SPDX-License-Identifier: MIT */
#include "skill/skill_test.h"

#include <string.h>

#include "base/text.h"
#include "codec/json.h"

/* Of what an action wrote, in a line that says it was not as expected. */
#define SHOWN_MAX 2048

static void differ(struct sbx_buf *why, const char *member,
		   const json_t *expected, const json_t *actual)
{
	cleanup_free char *want = sbx_json_line(expected);
	cleanup_free char *got = actual ? sbx_json_line(actual)
					: sbx_strdup("nothing");

	sbx_buf_printf(why, "%s: expected %s, got %s\n", member, want, got);
}

/* "status" and "outcome": equal, or one line. */
static bool check_equal(const char *member, const json_t *expected,
			const json_t *actual, struct sbx_buf *why)
{
	if (json_equal(expected, actual))
		return true;
	differ(why, member, expected, actual);
	return false;
}

static bool check_output(const json_t *expected, const json_t *actual,
			 bool subset, struct sbx_buf *why)
{
	cleanup_buf struct sbx_buf diff = SBX_BUF_INIT(why->max);
	const char *line;

	if (sbx_json_diff(&diff, expected, actual, subset))
		return true;
	line = sbx_buf_text(&diff);
	while (*line) {
		size_t size = strcspn(line, "\n");

		sbx_buf_puts(why, "output ");
		sbx_buf_append(why, line, size);
		sbx_buf_puts(why, "\n");
		line += size;
		line += *line == '\n';
	}
	return false;
}

static bool check_contains(const char *member, const json_t *expected,
			   const json_t *actual, struct sbx_buf *why)
{
	cleanup_buf struct sbx_buf shown = SBX_BUF_INIT(SHOWN_MAX);
	const char *part = json_string_value(expected);
	const char *text = json_string_value(actual);
	cleanup_free char *want = NULL;

	if (!text)
		text = "";
	if (part && strstr(text, part))
		return true;
	want = sbx_json_line(expected);
	sbx_text_escape(&shown, text, strlen(text), false);
	if (*text)
		sbx_buf_printf(why, "%s: expected %s somewhere in: %s\n",
			       member, want, sbx_buf_text(&shown));
	else
		sbx_buf_printf(why, "%s: expected %s in it, but it is empty\n",
			       member, want);
	return false;
}

static bool check_member(const char *name, const json_t *expected,
			 const json_t *record, struct sbx_buf *why)
{
	const json_t *output = json_object_get(record, "output");

	if (strcmp(name, "output") == 0)
		return check_output(expected, output, false, why);
	if (strcmp(name, "output_subset") == 0)
		return check_output(expected, output, true, why);
	if (strcmp(name, "error_contains") == 0)
		return check_contains("error", expected,
				      json_object_get(record, "error"), why);
	if (strcmp(name, "stderr_contains") == 0)
		return check_contains("stderr", expected,
				      json_object_get(record, "stderr"), why);
	return check_equal(name, expected, json_object_get(record, name), why);
}

static bool says_how_it_ends(const json_t *expect)
{
	return json_object_get(expect, "status") ||
	       json_object_get(expect, "outcome") ||
	       json_object_get(expect, "error_contains");
}

bool sbx_skill_test_check(const struct sbx_skill_test *test,
			  const json_t *record, struct sbx_buf *why)
{
	const json_t *expected;
	const char *name;
	bool good = true;

	if (!says_how_it_ends(test->expect)) {
		json_auto_t *ok = json_string("ok");

		good = check_equal("outcome", ok,
				   json_object_get(record, "outcome"), why);
	}
	json_object_foreach ((json_t *)test->expect, name, expected)
		good = check_member(name, expected, record, why) && good;
	return good;
}
