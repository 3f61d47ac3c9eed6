/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"
#include "skill/manifest.h"

#define HEAD "schema_version: 1\nname: example\nversion: 0.1.0\n"

/* Has to be refused; @problems gets what is wrong. */
static void parse_bad(const char *text, size_t size,
		      struct sbx_problems *problems, struct sbx_error *err)
{
	struct sbx_manifest *manifest = NULL;

	assert_int_equal(sbx_manifest_parse(text, size, "example", "skill.yaml",
					    &manifest, problems, err),
			 -1);
	assert_null(manifest);
	assert_int_equal(err->outcome, SBX_OUTCOME_INVALID);
	assert_true(problems->errors.n > 0);
}

/* --- what is wrong -------------------------------------------------------- */

/* All of a file at once, in its order, with where, what and what to do. */
static void test_every_error(void **state)
{
	static const char text[] = "schema_version: 2\n"
				   "nam: example\n"
				   "name: other\n"
				   "version: 0.1\n"
				   "actions:\n"
				   "  run:\n"
				   "    timeout: abc\n"
				   "    tiemout: 3s\n"
				   "    timeout: 3s\n"
				   "    files: {}\n"
				   "    network: hots\n"
				   "    cpus: .inf\n"
				   "    volumes: [a:/x, \"./b:/b\"]\n"
				   "    environment: {B: }\n"
				   "    <<: {}\n"
				   "    ulimits: {nofiles: 1}\n"
				   "tests:\n"
				   "  - {action: ran, expect: {}}\n";
	static const char *const expected[] = {
		"1:17: schema_version: found 2, expected 1, the version of "
		"this format",
		"2:1: nam: unknown key, did you mean \"name\"?",
		"3:7: name: found \"other\", expected \"example\": it must be "
		"the name of the directory",
		"4:10: version: found 0.1, expected a semantic version such "
		"as 0.1.0",
		"7:14: actions.run.timeout: found \"abc\", expected a "
		"duration such as 30s, 1m30s or 500ms, at most 24h",
		"8:5: actions.run.tiemout: unknown key, did you mean "
		"\"timeout\"?",
		"9:5: duplicate key \"timeout\": it is at 7:5 already; "
		"remove one",
		"10:12: actions.run.files: neither \"in\" nor \"out\" is "
		"given: expected at least one",
		"11:14: actions.run.network: found \"hots\", expected none, "
		"bridge or host; did you mean \"host\"?",
		"12:11: infinity and NaN are not supported; quote it if it "
		"is a text",
		"13:21: actions.run.volumes[1]: found \"./b:/b\": relative "
		"paths and ~ are not supported: give a volume a name, such "
		"as \"cache:/app/cache\"",
		"14:22: actions.run.environment.B: found nothing, expected a "
		"text, number or boolean (nothing is taken from the host)",
		"15:5: actions.run.<<: merge keys are not part of YAML 1.2: "
		"what all actions share goes under \"defaults\"",
		"16:15: actions.run.ulimits.nofiles: unknown limit, did you "
		"mean \"nofile\"?",
		"18:14: tests[0].action: there is no such action, did you "
		"mean \"run\"?",
		"18:27: tests[0].expect: nothing is expected: add at least "
		"one of status, outcome, output, output_subset, "
		"error_contains, stderr_contains",
	};
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	parse_bad(text, strlen(text), &problems, &err);
	for (size_t i = 0;
	     i < SBX_ARRAY_SIZE(expected) && i < problems.errors.n; i++)
		assert_string_equal(problems.errors.v[i], expected[i]);
	assert_int_equal(problems.errors.n, SBX_ARRAY_SIZE(expected));
	assert_string_equal(err.message,
			    "skill.yaml:1:17: schema_version: found 2, "
			    "expected 1, the version of this format (and 15 "
			    "more)");
	sbx_problems_free(&problems);
}

/* A single error, and how its message starts. */
static void test_single_errors(void **state)
{
	static const char *const samples[][2] = {
		{ "", "1:1: there is nothing in this manifest" },
		{ "- a\n", "1:1: found a list, expected a mapping" },
		{ "name: [\n", "2:1: did not find expected node content" },
		{ HEAD "actions: {run: {}}\n---\n",
		  "5:1: found a second document" },
		{ HEAD, "1:1: \"actions\" is missing: add a mapping" },
		{ HEAD "actions: {Run: {}}\n",
		  "4:11: actions.Run: an action's name" },
		{ HEAD "actions: {run: {ports: []}}\n",
		  "4:17: actions.run.ports: unknown key, expected one of "
		  "description, tool_name" },
		{ HEAD "actions: {run: }\n",
		  "4:16: actions.run: found nothing, expected a mapping" },
		{ HEAD "defaults: {description: x}\nactions: {run: {}}\n",
		  "4:12: defaults.description: this cannot stand here" },
		{ HEAD "actions: {run: {volumes: [a:/x, b:/x]}}\n",
		  "4:26: actions.run.volumes: two mounts have the target /x" },
		{ HEAD "actions: {run: {volumes: [a:/tmp/x]}}\n",
		  "4:26: actions.run.volumes: the mounts at /tmp/x and /tmp" },
		{ HEAD "actions: {run: {command: [\"\\e[2J\", 5]}}\n",
		  "4:36: actions.run.command[1]: found 5, expected a text" },
		{ HEAD "actions: {run: {\"a\\e\": 5}}\n",
		  "4:17: actions.run.a\\x1b: unknown key" },
		{ HEAD "actions: {run: {volumes: [\"a:/\\e\", \"b:/\\e\"]}}\n",
		  "4:26: actions.run.volumes: two mounts have the target "
		  "/\\x1b: change one" },
		{ HEAD "actions: {run: {user: 1000:-1}}\n",
		  "4:23: actions.run.user: found \"1000:-1\", expected" },
		{ HEAD "actions: {run: {gpus: 0}}\n",
		  "4:23: actions.run.gpus: found 0, expected all, or a number "
		  "of GPUs from 1 to 64" },
		{ HEAD "actions: {run: {devices: [kvm]}}\n",
		  "4:27: actions.run.devices[0]: found \"kvm\": a device is "
		  "an absolute path, such as /dev/kvm" },
		{ HEAD "actions: {run: {devices: [/dev/a, '/dev/b:/dev/a']}}"
		       "\n",
		  "4:35: actions.run.devices[1]: the devices at /dev/a and "
		  "/dev/a hide one another: change a target" },
		{ HEAD "actions: {run: {devices: ['/dev/a:/dev/a:rx']}}\n",
		  "4:27: actions.run.devices[0]: found \"/dev/a:/dev/a:rx\": "
		  "behind the second \":\" are permissions" },
		{ HEAD "devices: [/dev/kvm]\nactions: {run: {}}\n",
		  "4:1: devices: unknown key, expected one of " },
		{ HEAD "actions: {run: {network: {allow: [a]}}}\n",
		  "4:27: actions.run.network.allow: not supported yet" },
		{ HEAD "actions: {run: {input_schema: {type: [string, null]}}}"
		       "\n",
		  "4:38: actions.run.input_schema.type: found null, expected "
		  "\"null\", in quotes" },
		{ HEAD "actions: {run: {output_schema: {allOf: [true, {\"a~/\""
		       ": 1, properties: {\"a~/\": {minLength: a}}}]}}}\n",
		  "4:90: actions.run.output_schema.allOf[1].properties.a~/."
		  "minLength: found \"a\", expected a whole number" },
		{ HEAD "actions: {run: {input_schema: }}\n",
		  "4:31: actions.run.input_schema: expected a schema" },
		{ HEAD "actions: {run: {input_schema: {$ref: \"#/a\"}}}\n",
		  "4:38: actions.run.input_schema.$ref: there is no schema "
		  "\"#/a\" in this document, and nothing is fetched" },
		{ HEAD "actions: {run: {output: text, output_schema: {}}}\n",
		  "4:31: actions.run.output_schema: the output is no JSON "
		  "value: give output as auto, json or file" },
		{ HEAD "actions: {run: {reuse: always}}\n",
		  "4:24: actions.run.reuse: found \"always\", expected never "
		  "or reset" },
		{ HEAD "actions: {run: {warm_pool: {min: 3}}}\n",
		  "4:28: actions.run.warm_pool: warm_pool.min is 3, more than "
		  "its max, which is 2: raise max" },
		{ HEAD "actions: {run: {input: env, warm_pool: {start: "
		       "program}}}\n",
		  "4:40: actions.run.warm_pool: \"start: program\" needs "
		  "\"input: stdin\": a program that was started early cannot "
		  "get its input in the environment" },
		{ HEAD "actions: {run: {input: env}}\n"
		       "defaults: {warm_pool: {start: program}}\n",
		  "4:16: actions.run: \"start: program\" needs \"input: "
		  "stdin\"" },
		{ HEAD "build: {args: {buildkit_Syntax: x}}\n"
		       "actions: {run: {}}\n",
		  "4:16: build.args.buildkit_Syntax: names that begin with "
		  "BUILDKIT_ are options of the builder: choose another" },
		{ HEAD "actions: {run: {build: {args: {TARGETARCH: x}}}}\n",
		  "4:32: actions.run.build.args.TARGETARCH: the builder sets "
		  "that from the platform: choose another" },
		{ HEAD "actions: {run: {tool_name: a.b}}\n",
		  "4:28: actions.run.tool_name: found \"a.b\", expected a "
		  "name of 1 to 64 of a-z, A-Z, 0-9, \"_\" and \"-\"" },
		{ HEAD "actions: {a: {tool_name: x}, b: {}, c: {tool_name: x}}"
		       "\n",
		  "4:52: actions.c.tool_name: \"x\" is what the action a is "
		  "called as a tool: choose another" },
		{ HEAD "actions: {a: {tool_name: example_b}, b: {}}\n",
		  "4:26: actions.a.tool_name: \"example_b\" is what the action "
		  "b is called as a tool: choose another" },
		{ HEAD "actions: {a: {}, b: {tool_name: example_a}}\n",
		  "4:33: actions.b.tool_name: \"example_a\" is what the action "
		  "a is called as a tool: choose another" },
		{ HEAD "actions: {run: {title: \"a\\nb\"}}\n",
		  "4:24: actions.run.title: found \"a\\x0ab\", expected one "
		  "line of text, at most 200 bytes" },
		{ HEAD "defaults: {title: x}\nactions: {run: {}}\n",
		  "4:12: defaults.title: this cannot stand here, give it in "
		  "each action" },
		{ HEAD "actions: {run: {annotations: {readOnly: true}}}\n",
		  "4:31: actions.run.annotations.readOnly: unknown key, "
		  "expected one of readOnlyHint, destructiveHint, " },
		{ HEAD "actions: {run: {annotations: {readonlyhint: 1}}}\n",
		  "4:31: actions.run.annotations.readonlyhint: unknown key, "
		  "did you mean \"readOnlyHint\"?" },
		{ HEAD "actions: {run: {annotations: {readOnlyHint: 1}}}\n",
		  "4:45: actions.run.annotations.readOnlyHint: found 1, "
		  "expected true or false" },
		{ HEAD "actions: {run: {output: file, media_type: png}}\n",
		  "4:43: actions.run.media_type: found \"png\", expected a "
		  "media type such as image/png, without parameters" },
		{ HEAD "actions: {run: {media_type: image/png}}\n",
		  "4:17: actions.run.media_type: the output is auto: give "
		  "output as binary or file, or remove this" },
		{ HEAD "license: \"a\\nb\"\nactions: {run: {}}\n",
		  "4:10: license: found \"a\\x0ab\", expected one line such "
		  "as MIT, at most 1000 bytes" },
		{ HEAD "title: Example\nactions: {run: {}}\n",
		  "4:1: title: unknown key, expected one of schema_version" },
		{ HEAD "actions: {run: {concurrency: 1025}}\n",
		  "4:30: actions.run.concurrency: found 1025, expected how "
		  "many runs" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_problems problems = SBX_PROBLEMS_INIT;
		struct sbx_error err = SBX_ERROR_INIT;

		parse_bad(samples[i][0], strlen(samples[i][0]), &problems,
			  &err);
		assert_int_equal(problems.errors.n, 1);
		if (!sbx_text_has_prefix(problems.errors.v[0], samples[i][1]))
			assert_string_equal(problems.errors.v[0],
					    samples[i][1]);
		assert_true(sbx_text_has_prefix(err.message, "skill.yaml:"));
		assert_string_equal(err.message + strlen("skill.yaml:"),
				    problems.errors.v[0]);
		sbx_problems_free(&problems);
	}
}

static char *repeat(const char *text, size_t times)
{
	struct sbx_buf out = SBX_BUF_INIT(64 * 1024 * 1024);

	for (size_t i = 0; i < times; i++)
		sbx_buf_puts(&out, text);
	return sbx_buf_take(&out);
}

/* What no honest file has: one clear line each. */
static void test_hostile(void **state)
{
	cleanup_free char *huge = repeat("a: 1\n", 10 * 1024 * 1024);
	cleanup_free char *deep = repeat("[", 100000);
	cleanup_free char *nodes = repeat("- 1\n", 200000);
	const struct {
		const char *data;
		size_t size;
		const char *start;
	} samples[] = {
		{ "\x7f"
		  "ELF\2\1\1\0\0",
		  9,
		  "1:1: found the byte 0x7f, and NUL bytes: this is a binary "
		  "file" },
		{ "\x89PNG\r\n", 6,
		  "1:1: found the byte 0x89, which is not "
		  "UTF-8" },
		{ "a: \0", 4,
		  "1:4: found the byte 0x00, and NUL bytes: this is a binary "
		  "file" },
		{ huge, strlen(huge),
		  "1:1: the manifest is larger than 1 "
		  "MiB" },
		{ deep, strlen(deep), "1:65: this is nested too deeply" },
		{ nodes, strlen(nodes), "100000:3: there is too much here" },
		{ "a: &a [*a]\n", 11, "1:8: this alias stands inside" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_problems problems = SBX_PROBLEMS_INIT;
		struct sbx_error err = SBX_ERROR_INIT;

		parse_bad(samples[i].data, samples[i].size, &problems, &err);
		assert_int_equal(problems.errors.n, 1);
		if (!sbx_text_has_prefix(problems.errors.v[0],
					 samples[i].start))
			assert_string_equal(problems.errors.v[0],
					    samples[i].start);
		sbx_problems_free(&problems);
	}
}

/* Thousands of errors: the first are told, the rest are counted. */
static void test_many_errors(void **state)
{
	struct sbx_buf text = SBX_BUF_INIT(1024 * 1024);
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	for (int i = 0; i < 40000; i++)
		sbx_buf_printf(&text, "unknown_%d: 1\n", i);
	parse_bad(text.data, text.len, &problems, &err);
	assert_int_equal(problems.errors.n, 201);
	assert_string_equal(problems.errors.v[200],
			    "1:1: and 39804 more problems");
	sbx_problems_free(&problems);
	sbx_buf_free(&text);
}

/* What each of many actions would copy is bounded. */
static void test_large_defaults(void **state)
{
	cleanup_free char *word = repeat("x", 100000);
	cleanup_free char *aliases = repeat("*w, ", 100);
	cleanup_free char *text = sbx_asprintf(HEAD
					       "x-w: &w %s\n"
					       "defaults: {command: [%s]}\n"
					       "actions: {a: {}, b: {}}\n",
					       word, aliases);
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	parse_bad(text, strlen(text), &problems, &err);
	assert_int_equal(problems.errors.n, 1);
	assert_true(sbx_text_has_prefix(problems.errors.v[0],
					"5:11: defaults: entrypoint, command "
					"and environment together"));
	sbx_problems_free(&problems);
}

/* --- what is doubtful ----------------------------------------------------- */

static void test_warnings(void **state)
{
	static const char text[] = HEAD
		"actions:\n"
		"  a: {network: host, user: '0:5', volumes: [/srv:/x]}\n"
		"  b: {volumes: [c:/c], network: bridge}\n"
		"  c: {volumes: [c:/c]}\n"
		"  d: {volumes: [c:/c]}\n"
		"  e: {volumes: [c:/c, s:/s], network: bridge}\n"
		"  f: {volumes: [s:/s]}\n"
		"  g: {environment: {A: 3, B: '3.10', C: 3.10}}\n";
	static const char *const starts[] = {
		"5:28: actions.a.user: no policy grants",
		("7:16: actions.c.volumes: b shares the volume c but not the "
		 "network (none here, bridge there)"),
		"10:16: actions.f.volumes: e shares the volume s",
		("11:41: actions.g.environment.C: the number is given as "
		 "\"3.1\""),
	};
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_manifest *m = NULL;

	(void)state;
	assert_int_equal(sbx_manifest_parse(text, strlen(text), "example",
					    "skill.yaml", &m, &problems, &err),
			 0);
	assert_int_equal(problems.errors.n, 0);
	assert_int_equal(problems.warnings.n, SBX_ARRAY_SIZE(starts));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(starts); i++) {
		if (!sbx_text_has_prefix(problems.warnings.v[i], starts[i]))
			assert_string_equal(problems.warnings.v[i], starts[i]);
	}
	assert_true(m->actions[0].has_user);
	assert_int_equal(m->actions[0].uid, 0);
	sbx_manifest_free(&m);
	sbx_problems_free(&problems);
}

/* However many warnings: the manifest is good. */
static void test_many_warnings(void **state)
{
	struct sbx_buf text = SBX_BUF_INIT(1024 * 1024);
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_manifest *m = NULL;

	(void)state;
	sbx_buf_puts(&text, HEAD "actions:\n");
	for (int i = 0; i < SBX_ACTIONS_MAX; i++)
		sbx_buf_printf(&text, "  a%d: {user: '0:1'}\n", i);
	assert_int_equal(sbx_manifest_parse(text.data, text.len, "example",
					    "skill.yaml", &m, &problems, &err),
			 0);
	assert_int_equal(problems.errors.n, 0);
	assert_int_equal(problems.warnings.n, 50);
	assert_int_equal(m->n_actions, SBX_ACTIONS_MAX);
	sbx_manifest_free(&m);
	sbx_problems_free(&problems);
	sbx_buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_error),
		cmocka_unit_test(test_single_errors),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_many_errors),
		cmocka_unit_test(test_large_defaults),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_many_warnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
