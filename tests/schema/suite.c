/* SPDX-License-Identifier: MIT */
/*
 * usage: suite FILE...
 *
 * Runs files of the public JSON-Schema-Test-Suite: each a list of groups, a
 * schema with values that fit it or do not.  Left out, and said so, is what
 * the library says it does not support: schemas that need another document,
 * and "$dynamicRef".  Ends with "N passed, N failed".
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "codec/json.h"
#include "codec/schema.h"

/* Where the suite serves its remote documents, and what it uses of others. */
static const char *const remote[] = {
	"http://localhost:1234/",
	"https://json-schema.org/draft/2020-12/schema",
};

static struct {
	unsigned int passed;
	unsigned int failed;
	unsigned int left_out;
} tally;

/* --- what is left out ------------------------------------------------------ */

/* A name, perhaps a relative one, that @uri without its fragment ends with. */
static bool ends_with(const char *uri, const char *id)
{
	size_t size = strcspn(uri, "#");
	size_t end = strlen(id);

	return end <= size && memcmp(uri + size - end, id, end) == 0 &&
	       (end == size || uri[size - end - 1] == '/');
}

/* Whether some schema in the document says that it has this name. */
static bool has_id(const json_t *schema, const char *uri)
{
	const char *id = sbx_json_text_at(schema, "$id", NULL);
	const char *key;
	json_t *value;
	size_t index;

	if (id && *id && ends_with(uri, id))
		return true;
	json_array_foreach (schema, index, value) {
		if (has_id(value, uri))
			return true;
	}
	json_object_foreach ((json_t *)schema, key, value) {
		if (has_id(value, uri))
			return true;
	}
	return false;
}

static bool is_remote(const json_t *uri)
{
	const char *text = json_string_value(uri);

	for (size_t i = 0; text && i < SBX_ARRAY_SIZE(remote); i++) {
		if (strncmp(text, remote[i], strlen(remote[i])) == 0)
			return true;
	}
	return false;
}

/* Why @schema, a part of @root, cannot be had; or NULL. */
static const char *needs(const json_t *root, const json_t *schema)
{
	const json_t *reference = json_object_get(schema, "$ref");
	const char *reason = NULL;
	const char *key;
	json_t *value;
	size_t index;

	json_array_foreach (schema, index, value) {
		if (!reason)
			reason = needs(root, value);
	}
	if (!json_is_object(schema))
		return reason;
	if (json_object_get(schema, "$dynamicRef"))
		return "$dynamicRef";
	if (is_remote(json_object_get(schema, "$schema")) &&
	    strcmp(json_string_value(json_object_get(schema, "$schema")),
		   remote[1]) != 0)
		return "a remote metaschema";
	if (is_remote(reference) && !has_id(root, json_string_value(reference)))
		reason = "a remote schema";
	json_object_foreach ((json_t *)schema, key, value) {
		if (!reason && strcmp(key, "const") != 0 &&
		    strcmp(key, "enum") != 0)
			reason = needs(root, value);
	}
	return reason;
}

/* --- groups ---------------------------------------------------------------- */

static const char *text_of(const json_t *object)
{
	const char *text = sbx_json_text_at(object, "description", NULL);

	return text ? text : "?";
}

static void count(bool passed, const char *file, const json_t *group,
		  const json_t *test, const char *why)
{
	if (passed) {
		tally.passed++;
		return;
	}
	tally.failed++;
	printf("FAILED %s: %s: %s: %s\n", file, text_of(group), text_of(test),
	       why);
}

static void run_test(const struct sbx_schema *schema, const char *file,
		     const json_t *group, const json_t *test)
{
	cleanup_schema_problems struct sbx_schema_problems problems =
		SBX_SCHEMA_PROBLEMS_INIT;
	bool valid = sbx_json_true_at(test, "valid", NULL);
	struct sbx_error err = SBX_ERROR_INIT;
	int result = sbx_schema_check(schema, json_object_get(test, "data"),
				      &problems, &err);

	if (result == SBX_SCHEMA_MISFIT)
		sbx_schema_problems_error(&problems, SBX_OUTCOME_INVALID,
					  "misfit", &err);
	else if (result == 0)
		sbx_error_set(&err, SBX_OUTCOME_OK, "it fits");
	count(result >= 0 && (result == 0) == valid &&
		      (result == 0) == (problems.n == 0),
	      file, group, test, err.message);
	if (getenv("VERBOSE"))
		printf("%s: %s: %s: %s\n", file, text_of(group), text_of(test),
		       err.message);
}

static void run_group(const char *file, const json_t *group)
{
	cleanup_schema_problems struct sbx_schema_problems problems =
		SBX_SCHEMA_PROBLEMS_INIT;
	const json_t *document = json_object_get(group, "schema");
	const json_t *tests = json_object_get(group, "tests");
	const char *reason = needs(document, document);
	cleanup_schema struct sbx_schema *schema = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	size_t index;
	json_t *test;
	int result;

	if (reason) {
		tally.left_out += (unsigned int)json_array_size(tests);
		printf("left out %s: %s: needs %s\n", file, text_of(group),
		       reason);
		return;
	}
	result = sbx_schema_compile(document, &schema, &problems, &err);
	json_array_foreach (tests, index, test) {
		if (result < 0)
			count(false, file, group, test, err.message);
		else
			run_test(schema, file, group, test);
	}
}

static bool run_file(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *file = slash ? slash + 1 : path;
	json_error_t error;
	json_auto_t *groups = json_load_file(path, JSON_ALLOW_NUL, &error);
	size_t index;
	json_t *group;

	if (!json_is_array(groups)) {
		printf("FAILED %s: no list of groups: %s\n", path, error.text);
		return false;
	}
	if (strcmp(file, "refRemote.json") == 0 ||
	    strcmp(file, "dynamicRef.json") == 0) {
		json_array_foreach (groups, index, group)
			tally.left_out += (unsigned int)json_array_size(
				json_object_get(group, "tests"));
		printf("left out %s\n", file);
		return true;
	}
	json_array_foreach (groups, index, group)
		run_group(file, group);
	return true;
}

int main(int argc, char **argv)
{
	bool readable = argc > 1;

	for (int i = 1; i < argc; i++)
		readable = run_file(argv[i]) && readable;
	printf("%u left out: remote references and $dynamicRef\n",
	       tally.left_out);
	printf("%u passed, %u failed\n", tally.passed, tally.failed);
	return readable && tally.passed > 0 && tally.failed == 0 ? 0 : 1;
}
