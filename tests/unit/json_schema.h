/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_JSON_SCHEMA_H
#define SBX_TESTS_JSON_SCHEMA_H

/* What the tests of JSON Schema have in common: texts in, texts out. */

#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/json.h"
#include "codec/schema.h"

static json_t *parse(const char *text)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *value = NULL;

	if (sbx_json_parse(text, strlen(text), &value, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	return value;
}

static struct sbx_schema *compile_value(const json_t *document)
{
	cleanup_schema_problems struct sbx_schema_problems problems =
		SBX_SCHEMA_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_schema *schema = NULL;

	if (sbx_schema_compile(document, &schema, &problems, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(problems.n, 0);
	assert_int_equal(err.outcome, SBX_OUTCOME_OK);
	return schema;
}

static struct sbx_schema *compile(const char *text)
{
	json_auto_t *document = parse(text);

	return compile_value(document);
}

#endif
