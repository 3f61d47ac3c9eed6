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

static struct sbx_manifest *parse(const char *text)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_manifest *manifest = NULL;

	if (sbx_manifest_parse(text, strlen(text), "example", "skill.yaml",
			       &manifest, &problems, &err) != 0)
		fail_msg("%s", err.message);
	assert_int_equal(problems.errors.n, 0);
	assert_int_equal(err.outcome, SBX_OUTCOME_OK);
	sbx_problems_free(&problems);
	return manifest;
}

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

static void check_list(const struct sbx_strv *list, const char *expected)
{
	json_auto_t *array = sbx_json_strings(list->v);
	cleanup_free char *line = sbx_json_line(array);

	assert_string_equal(line, expected);
}

/* --- what is there when nothing is said ----------------------------------- */

static void test_defaults(void **state)
{
	struct sbx_manifest *m = parse(HEAD "actions: {run: {}}\n");
	const struct sbx_action *a = sbx_manifest_action(m, "run");

	(void)state;
	assert_string_equal(m->name, "example");
	assert_string_equal(m->version, "0.1.0");
	assert_null(m->description);
	assert_null(m->image);
	assert_string_equal(m->dockerfile, "Dockerfile");
	assert_null(m->target);
	assert_null(m->build_args);
	assert_int_equal(m->n_tests, 0);
	assert_non_null(a);
	assert_string_equal(a->name, "run");
	assert_false(a->has_entrypoint || a->has_command || a->has_user);
	assert_null(a->working_dir);
	assert_null(a->runtime);
	assert_int_equal(a->input, SBX_INPUT_STDIN);
	assert_int_equal(a->output, SBX_OUTPUT_AUTO);
	assert_int_equal(a->network, SBX_NETWORK_NONE);
	assert_int_equal(a->timeout_ms, 30000);
	assert_int_equal(a->stop_grace_period_ms, 2000);
	assert_int_equal(a->nano_cpus, 1000000000);
	assert_int_equal(a->mem_limit, 256 << 20);
	assert_int_equal(a->pids_limit, 64);
	assert_int_equal(a->input_limit, 16 << 20);
	assert_int_equal(a->output_limit, 1 << 20);
	assert_int_equal(a->n_volumes, 0);
	assert_int_equal(a->environment.n, 0);
	assert_int_equal(a->n_tmpfs, 1);
	assert_string_equal(a->tmpfs[0].target, "/tmp");
	assert_int_equal(a->tmpfs[0].size, 64 << 20);
	assert_false(a->tmpfs[0].exec);
	assert_int_equal(a->n_ulimits, 2);
	assert_string_equal(a->ulimits[0].name, "nofile");
	assert_int_equal(a->ulimits[0].hard, 1024);
	assert_string_equal(a->ulimits[1].name, "core");
	assert_int_equal(a->ulimits[1].soft, 1);
	sbx_manifest_free(&m);
	assert_null(m);
}

/* --- what is said --------------------------------------------------------- */

static const char full[] = HEAD
	"description: An example.\n"
	"build:\n"
	"  dockerfile: ./docker//Dockerfile\n"
	"  target: final\n"
	"  args: {A: '1', B: 2, C: true, D: 0.5, E: 010}\n"
	"actions:\n"
	"  full:\n"
	"    description: All of it.\n"
	"    entrypoint: [/bin/sh, -c]\n"
	"    command: echo 'a b' \"c\"\n"
	"    working_dir: /app//x/\n"
	"    input: env\n"
	"    output: file\n"
	"    network: bridge\n"
	"    volumes:\n"
	"      - cache:/app/cache/\n"
	"      - {type: volume, source: b, target: /b, read_only: true}\n"
	"      - /srv//data:/data:ro\n"
	"    environment: {A: x=y, B: 1, C: true, D: 0.5}\n"
	"    timeout: 1m30s\n"
	"    stop_grace_period: 0s\n"
	"    cpus: 0.25\n"
	"    mem_limit: 64m\n"
	"    pids_limit: 2\n"
	"    tmpfs: ['/tmp:size=1m,exec', /run]\n"
	"    ulimits: {nproc: 7, nofile: {soft: 1, hard: 2}}\n"
	"    input_limit: 1k\n"
	"    output_limit: 5\n"
	"    reuse: never\n"
	"    runtime: crun\n"
	"    user: 1000:2000\n"
	"  other: {entrypoint: [], command: ''}\n"
	"tests:\n"
	"  - {action: full, input: [1], expect: {output: null}}\n"
	"  - name: named\n"
	"    action: other\n"
	"    expect: {status: 3, x-note: 1}\n";

static void check_full_action(const struct sbx_action *a)
{
	assert_string_equal(a->description, "All of it.");
	assert_true(a->has_entrypoint && a->has_command && a->has_user);
	check_list(&a->entrypoint, "[\"/bin/sh\", \"-c\"]");
	check_list(&a->command, "[\"echo\", \"a b\", \"c\"]");
	check_list(&a->environment,
		   "[\"A=x=y\", \"B=1\", \"C=true\", \"D=0.5\"]");
	assert_string_equal(a->working_dir, "/app/x");
	assert_int_equal(a->input, SBX_INPUT_ENV);
	assert_int_equal(a->output, SBX_OUTPUT_FILE);
	assert_int_equal(a->network, SBX_NETWORK_BRIDGE);
	assert_int_equal(a->timeout_ms, 90000);
	assert_int_equal(a->stop_grace_period_ms, 0);
	assert_int_equal(a->nano_cpus, 250000000);
	assert_int_equal(a->mem_limit, 64 << 20);
	assert_int_equal(a->pids_limit, 2);
	assert_int_equal(a->input_limit, 1024);
	assert_int_equal(a->output_limit, 5);
	assert_string_equal(a->runtime, "crun");
	assert_int_equal(a->uid, 1000);
	assert_int_equal(a->gid, 2000);
}

static void check_full_mounts(const struct sbx_action *a)
{
	assert_int_equal(a->n_volumes, 3);
	assert_string_equal(a->volumes[0].source, "cache");
	assert_string_equal(a->volumes[0].target, "/app/cache");
	assert_false(a->volumes[0].read_only);
	assert_string_equal(a->volumes[1].source, "b");
	assert_true(a->volumes[1].read_only);
	assert_string_equal(a->volumes[2].source, "/srv/data");
	assert_true(a->volumes[2].read_only);
	assert_int_equal(a->n_tmpfs, 2);
	assert_int_equal(a->tmpfs[0].size, 1 << 20);
	assert_true(a->tmpfs[0].exec);
	assert_string_equal(a->tmpfs[1].target, "/run");
	assert_int_equal(a->tmpfs[1].size, 64 << 20);
	assert_false(a->tmpfs[1].exec);
	assert_int_equal(a->n_ulimits, 3);
	assert_int_equal(a->ulimits[0].soft, 1);
	assert_int_equal(a->ulimits[0].hard, 2);
	assert_string_equal(a->ulimits[2].name, "nproc");
	assert_int_equal(a->ulimits[2].soft, 7);
}

static void test_full(void **state)
{
	struct sbx_manifest *m = parse(full);
	cleanup_free char *args = sbx_json_line(m->build_args);
	cleanup_free char *input = sbx_json_line(m->tests[0].input);
	cleanup_free char *expect = sbx_json_line(m->tests[1].expect);
	cleanup_free const char **names = sbx_manifest_action_names(m);

	(void)state;
	assert_string_equal(m->description, "An example.");
	assert_string_equal(m->dockerfile, "docker/Dockerfile");
	assert_string_equal(m->target, "final");
	assert_string_equal(args, "{\"A\": \"1\", \"B\": \"2\", "
				  "\"C\": \"true\", \"D\": \"0.5\", "
				  "\"E\": \"10\"}");
	assert_string_equal(names[0], "full");
	assert_string_equal(names[1], "other");
	assert_null(names[2]);
	assert_null(sbx_manifest_action(m, "ful"));
	check_full_action(&m->actions[0]);
	check_full_mounts(&m->actions[0]);
	assert_true(m->actions[1].has_entrypoint);
	assert_true(m->actions[1].has_command);
	assert_int_equal(m->actions[1].entrypoint.n, 0);
	assert_int_equal(m->actions[1].command.n, 0);
	assert_int_equal(m->n_tests, 2);
	assert_string_equal(m->tests[0].name, "full #1");
	assert_string_equal(m->tests[0].action, "full");
	assert_string_equal(input, "[1]");
	assert_true(
		json_is_null(json_object_get(m->tests[0].expect, "output")));
	assert_int_equal(m->tests[0].line, 37);
	assert_string_equal(m->tests[1].name, "named");
	assert_true(json_is_object(m->tests[1].input));
	assert_string_equal(expect, "{\"status\": 3}");
	sbx_manifest_free(&m);
}

static void test_image(void **state)
{
	struct sbx_manifest *m = parse(
		HEAD "image: a@sha256:0123456789abcdef0123456789abcdef0123456"
		     "789abcdef0123456789abcdef\nactions: {run: {}}\n");

	(void)state;
	assert_true(sbx_text_has_prefix(m->image, "a@sha256:0123"));
	assert_null(m->dockerfile);
	sbx_manifest_free(&m);
}

/* Mappings merge by name, all else replaces; wherever defaults stand. */
static void test_merging(void **state)
{
	struct sbx_manifest *m = parse(HEAD "actions:\n"
					    "  same: {}\n"
					    "  other:\n"
					    "    timeout: 2s\n"
					    "    environment: [B=mine, C=new]\n"
					    "    volumes: [b:/b]\n"
					    "    tmpfs: []\n"
					    "    ulimits: {nofile: 5}\n"
					    "    command: [x]\n"
					    "defaults:\n"
					    "  timeout: 1s\n"
					    "  environment: {A: a, B: b}\n"
					    "  volumes: [a:/a]\n"
					    "  ulimits: {nofile: 4, nproc: 3}\n"
					    "  command: [a, b]\n");
	const struct sbx_action *same = &m->actions[0];
	const struct sbx_action *other = &m->actions[1];

	(void)state;
	assert_int_equal(same->timeout_ms, 1000);
	check_list(&same->environment, "[\"A=a\", \"B=b\"]");
	check_list(&same->command, "[\"a\", \"b\"]");
	assert_string_equal(same->volumes[0].source, "a");
	assert_int_equal(same->n_tmpfs, 1);
	assert_int_equal(other->timeout_ms, 2000);
	check_list(&other->environment, "[\"A=a\", \"B=mine\", \"C=new\"]");
	check_list(&other->command, "[\"x\"]");
	assert_int_equal(other->n_volumes, 1);
	assert_string_equal(other->volumes[0].source, "b");
	assert_int_equal(other->n_tmpfs, 0);
	assert_int_equal(other->n_ulimits, 3);
	assert_int_equal(other->ulimits[0].hard, 5);
	assert_int_equal(other->ulimits[1].hard, 1);
	assert_int_equal(other->ulimits[2].hard, 3);
	sbx_manifest_free(&m);
}

/* The effective manifest, read again, is the same manifest. */
static void test_round_trip(void **state)
{
	static const char *const texts[] = {
		full,
		HEAD "actions: {run: {}}\n",
		HEAD "defaults: {timeout: 1500ms, cpus: 1.123456789}\n"
		     "actions: {run: {mem_limit: 6291457, tmpfs: []}}\n",
		HEAD "image: a@sha256:0123456789abcdef0123456789abcdef0123456"
		     "789abcdef0123456789abcdef\nactions: {run: {}}\n",
		HEAD "actions: {run: {environment: {A: \"\\e\\\"\\n\xc3\xa9"
		     "\\u202e\\L\"}, command: ['', '~', 'null', '1', '#']}}\n",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(texts); i++) {
		struct sbx_manifest *once = parse(texts[i]);
		json_auto_t *json = sbx_manifest_json(once);
		cleanup_free char *text = sbx_json_pretty(json);
		struct sbx_manifest *twice = parse(text);
		json_auto_t *again = sbx_manifest_json(twice);
		cleanup_buf struct sbx_buf diff = SBX_BUF_INIT(4096);

		if (!sbx_json_diff(&diff, json, again, false))
			fail_msg("%s", sbx_buf_text(&diff));
		sbx_manifest_free(&once);
		sbx_manifest_free(&twice);
	}
}

/* A copy shares nothing with what it is of. */
static void test_copy(void **state)
{
	struct sbx_manifest *m = parse(full);
	struct sbx_action copy;

	(void)state;
	sbx_action_copy(&copy, &m->actions[0]);
	sbx_manifest_free(&m);
	check_full_action(&copy);
	check_full_mounts(&copy);
	sbx_action_add_volume(&copy, "new", "/new", true);
	assert_int_equal(copy.n_volumes, 4);
	assert_string_equal(copy.volumes[3].target, "/new");
	sbx_action_clear(&copy);
	assert_null(copy.name);
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
				   "    input_schema: {}\n"
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
		"10:5: actions.run.input_schema: not supported yet, remove "
		"it",
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
		  "description, entrypoint" },
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
		{ HEAD "actions: {run: {network: {allow: [a]}}}\n",
		  "4:27: actions.run.network.allow: not supported yet" },
		{ HEAD "actions: {run: {reuse: reset}}\n",
		  "4:24: actions.run.reuse: \"reset\" is not supported yet" },
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
		"5:16: actions.a.network: the policy denies",
		"5:28: actions.a.user: the policy denies",
		"5:45: actions.a.volumes[0]: the policy denies",
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
		sbx_buf_printf(&text,
			       "  a%d: {volumes: [/a:/a, /b:/b, /c:/c]}\n", i);
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

/* --- parts that others use ------------------------------------------------ */

static void test_volume_parse(void **state)
{
	static const struct {
		const char *text, *source, *target;
		bool read_only;
	} good[] = {
		{ "a:/b", "a", "/b", false },
		{ "a:/b:rw", "a", "/b", false },
		{ "a:/b:ro", "a", "/b", true },
		{ "/a/./b//:/c/", "/a/b", "/c", false },
		{ "/:/c", "/", "/c", false },
		{ "a:/processes", "a", "/processes", false },
	};
	static const char *const bad[] = {
		"",	      "a",	    ":",
		"a:",	      ":/b",	    "a:b",
		"a:/b:",      "a:/b:x",	    "a:/b:ro:",
		"a:/",	      "a:/b/../c",  "./a:/b",
		"../a:/b",    "~:/b",	    "a/b:/b",
		"/a/../b:/c", "A:/b",	    "a:/proc",
		"a:/sys/x",   "a:/dev",	    "a:/.skillbox/x",
		"a:/b,c",     "a:/dev/shm",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(good); i++) {
		struct sbx_mount mount = { .source = NULL };
		const char *why = NULL;

		if (!sbx_mount_parse(good[i].text, &mount, &why))
			fail_msg("%s: %s", good[i].text, why);
		assert_string_equal(mount.source, good[i].source);
		assert_string_equal(mount.target, good[i].target);
		assert_int_equal(mount.read_only, good[i].read_only);
		sbx_mount_clear(&mount);
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(bad); i++) {
		struct sbx_mount mount = { .source = NULL };
		const char *why = NULL;

		if (sbx_mount_parse(bad[i], &mount, &why))
			fail_msg("%s was taken", bad[i]);
		assert_non_null(why);
		assert_null(mount.source);
		assert_null(mount.target);
	}
}

static void test_network_names(void **state)
{
	enum sbx_network network = SBX_NETWORK_NONE;

	(void)state;
	assert_true(sbx_network_parse("host", &network));
	assert_int_equal(network, SBX_NETWORK_HOST);
	assert_string_equal(sbx_network_name(SBX_NETWORK_BRIDGE), "bridge");
	assert_false(sbx_network_parse("", &network));
	assert_false(sbx_network_parse("Host", &network));
	assert_int_equal(network, SBX_NETWORK_HOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_merging),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_every_error),
		cmocka_unit_test(test_single_errors),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_many_errors),
		cmocka_unit_test(test_large_defaults),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_many_warnings),
		cmocka_unit_test(test_volume_parse),
		cmocka_unit_test(test_network_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
