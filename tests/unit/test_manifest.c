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
	assert_null(m->license);
	assert_null(m->image);
	assert_string_equal(m->build->dockerfile, "Dockerfile");
	assert_null(m->build->target);
	assert_null(m->build->args);
	assert_int_equal(m->n_tests, 0);
	assert_non_null(a);
	assert_string_equal(a->name, "run");
	assert_false(a->has_entrypoint || a->has_command || a->has_user);
	assert_null(a->working_dir);
	assert_null(a->runtime);
	assert_null(a->tool_name);
	assert_null(a->title);
	assert_null(a->annotations);
	assert_null(a->media_type);
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
	assert_int_equal(a->reuse, SBX_REUSE_NEVER);
	assert_int_equal(a->warm_pool.min, 0);
	assert_int_equal(a->warm_pool.max, 2);
	assert_int_equal(a->warm_pool.start, SBX_WARM_SANDBOX);
	assert_int_equal(a->concurrency, 0);
	assert_int_equal(a->gpus, 0);
	assert_int_equal(a->n_devices, 0);
	assert_int_equal(a->n_volumes, 0);
	assert_int_equal(a->environment.n, 0);
	assert_int_equal(a->n_secrets, 0);
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
	"license: MIT\n"
	"build:\n"
	"  dockerfile: ./docker//Dockerfile\n"
	"  target: final\n"
	"  args: {A: '1', B: 2, C: true, D: 0.5, E: 010}\n"
	"actions:\n"
	"  full:\n"
	"    description: All of it.\n"
	"    tool_name: All-of_it\n"
	"    title: All of it, once\n"
	"    annotations: {readOnlyHint: true, openWorldHint: false}\n"
	"    entrypoint: [/bin/sh, -c]\n"
	"    command: echo 'a b' \"c\"\n"
	"    working_dir: /app//x/\n"
	"    input: env\n"
	"    output: file\n"
	"    media_type: image/png\n"
	"    network: bridge\n"
	"    volumes:\n"
	"      - cache:/app/cache/\n"
	"      - {type: volume, source: b, target: /b, read_only: true}\n"
	"      - /srv//data:/data:ro\n"
	"    environment: {A: x=y, B: 1, C: true, D: 0.5}\n"
	"    secrets: [{name: K}, {name: K, file: k, required: false}]\n"
	"    timeout: 1m30s\n"
	"    stop_grace_period: 0s\n"
	"    cpus: 0.25\n"
	"    mem_limit: 64m\n"
	"    pids_limit: 2\n"
	"    tmpfs: ['/tmp:size=1m,exec', /run]\n"
	"    ulimits: {nproc: 7, nofile: {soft: 1, hard: 2}}\n"
	"    input_limit: 1k\n"
	"    output_limit: 5\n"
	"    reuse: reset\n"
	"    warm_pool: {min: 3, max: 5, start: sandbox}\n"
	"    concurrency: 6\n"
	"    gpus: 2\n"
	"    devices: [/dev//kvm, '/dev/dri/card0:/dev/dri/card1:r']\n"
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
	assert_string_equal(a->tool_name, "All-of_it");
	assert_string_equal(a->title, "All of it, once");
	assert_string_equal(a->media_type, "image/png");
	assert_int_equal(json_object_size(a->annotations), 2);
	assert_true(
		json_is_true(json_object_get(a->annotations, "readOnlyHint")));
	assert_true(json_is_false(
		json_object_get(a->annotations, "openWorldHint")));
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
	assert_int_equal(a->reuse, SBX_REUSE_RESET);
	assert_int_equal(a->warm_pool.min, 3);
	assert_int_equal(a->warm_pool.max, 5);
	assert_int_equal(a->concurrency, 6);
	assert_string_equal(a->runtime, "crun");
	assert_int_equal(a->uid, 1000);
	assert_int_equal(a->gid, 2000);
}

static void check_full_secrets(const struct sbx_action *a)
{
	assert_int_equal(a->n_secrets, 2);
	assert_string_equal(a->secrets[0].name, "K");
	assert_string_equal(a->secrets[0].env, "K");
	assert_null(a->secrets[0].file);
	assert_true(a->secrets[0].required);
	assert_string_equal(a->secrets[1].name, "K");
	assert_null(a->secrets[1].env);
	assert_string_equal(a->secrets[1].file, "k");
	assert_false(a->secrets[1].required);
	assert_true(sbx_action_wants_secret_files(a));
}

static void check_full_devices(const struct sbx_action *a)
{
	assert_int_equal(a->gpus, 2);
	assert_int_equal(a->n_devices, 2);
	assert_string_equal(a->devices[0].source, "/dev/kvm");
	assert_string_equal(a->devices[0].target, "/dev/kvm");
	assert_int_equal(a->devices[0].access,
			 SBX_DEVICE_READ | SBX_DEVICE_WRITE);
	assert_string_equal(a->devices[1].source, "/dev/dri/card0");
	assert_string_equal(a->devices[1].target, "/dev/dri/card1");
	assert_int_equal(a->devices[1].access, SBX_DEVICE_READ);
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
	cleanup_free char *args = sbx_json_line(m->build->args);
	cleanup_free char *input = sbx_json_line(m->tests[0].input);
	cleanup_free char *expect = sbx_json_line(m->tests[1].expect);
	cleanup_free const char **names = sbx_manifest_action_names(m);

	(void)state;
	assert_string_equal(m->description, "An example.");
	assert_string_equal(m->license, "MIT");
	assert_string_equal(m->build->dockerfile, "docker/Dockerfile");
	assert_string_equal(m->build->target, "final");
	assert_string_equal(args, "{\"A\": \"1\", \"B\": \"2\", "
				  "\"C\": \"true\", \"D\": \"0.5\", "
				  "\"E\": \"10\"}");
	assert_string_equal(names[0], "full");
	assert_string_equal(names[1], "other");
	assert_null(names[2]);
	assert_null(sbx_manifest_action(m, "ful"));
	check_full_action(&m->actions[0]);
	check_full_secrets(&m->actions[0]);
	check_full_mounts(&m->actions[0]);
	check_full_devices(&m->actions[0]);
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
	assert_int_equal(m->tests[0].line, 47);
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
	assert_null(m->build);
	sbx_manifest_free(&m);
}

/* Mappings merge by name, all else replaces; wherever defaults stand. */
/* An image for each build that there is, however many actions have it. */
static void test_own_images(void **state)
{
	struct sbx_manifest *m = parse(
		HEAD "build: {args: {A: 1}}\n"
		     "actions:\n"
		     "  a: {build: {target: t}}\n"
		     "  b: {}\n"
		     "  c: {build: {dockerfile: ./Dockerfile, target: t}}\n"
		     "  d: {build: {args: {A: '1'}}}\n"
		     "  e: {build: {args: {A: 2}}}\n"
		     "  f: {}\n");
	cleanup_free const struct sbx_action **images = sbx_manifest_images(m);
	struct sbx_action copy;

	(void)state;
	assert_string_equal(images[0]->name, "a");
	assert_string_equal(images[1]->name, "b");
	assert_string_equal(images[2]->name, "e");
	assert_null(images[3]);
	assert_string_equal(sbx_manifest_shares_image(m)->name, "b");
	assert_ptr_equal(sbx_manifest_build(m, &m->actions[1]), m->build);
	sbx_action_copy(&copy, &m->actions[0]);
	sbx_manifest_free(&m);
	assert_string_equal(copy.build->target, "t");
	assert_string_equal(copy.build->dockerfile, "Dockerfile");
	sbx_action_clear(&copy);
}

/* The skill's own is made only where something runs in it. */
static void test_no_shared_image(void **state)
{
	static const char text[] = HEAD
		"image: a@sha256:0123456789abcdef0123456789abcdef0123456"
		"789abcdef0123456789abcdef\n"
		"actions: {a: {build: {}}}\n";
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_manifest *m = NULL;
	cleanup_free const struct sbx_action **images = NULL;

	(void)state;
	assert_int_equal(sbx_manifest_parse(text, strlen(text), "example",
					    "skill.yaml", &m, &problems, &err),
			 0);
	images = sbx_manifest_images(m);
	assert_string_equal(images[0]->name, "a");
	assert_null(images[1]);
	assert_null(sbx_manifest_shares_image(m));
	assert_non_null(sbx_manifest_build(m, images[0]));
	assert_int_equal(problems.warnings.n, 1);
	assert_string_equal(problems.warnings.v[0],
			    "4:8: image: nothing runs in this image: each "
			    "action has a build of its own");
	sbx_problems_free(&problems);
	sbx_manifest_free(&m);
}

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
					    "    gpus: 3\n"
					    "    devices: [/dev/b]\n"
					    "defaults:\n"
					    "  gpus: all\n"
					    "  devices: [/dev/a, /dev/c]\n"
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
	assert_int_equal(same->gpus, SBX_GPUS_ALL);
	assert_int_equal(same->n_devices, 2);
	assert_int_equal(other->gpus, 3);
	assert_int_equal(other->n_devices, 1);
	assert_string_equal(other->devices[0].source, "/dev/b");
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
		HEAD "actions: {run: {build: {target: x, args: {A: 1}}}}\n",
		HEAD "defaults: {limits_from: {timeout: /t, cpus: /c}}\n"
		     "actions: {run: {limits_from: {cpus: {from: /d, unit: "
		     "millicores}}}}\n",
		HEAD "build: {template: node}\nactions: {run: {}}\n",
		HEAD "actions: {run: {gpus: all, devices: ['/dev/a:/dev/b:wr', "
		     "'/dev/x:/dev/y:rwm']}}\n",
		HEAD "actions: {run: {title: '1', tool_name: '2', output: "
		     "binary, media_type: a/b, annotations: {x-a: 1}}}\n",
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
	check_full_secrets(&copy);
	check_full_mounts(&copy);
	check_full_devices(&copy);
	sbx_action_add_volume(&copy, "new", "/new", true);
	assert_int_equal(copy.n_volumes, 4);
	assert_string_equal(copy.volumes[3].target, "/new");
	sbx_action_clear(&copy);
	assert_null(copy.name);
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
		cmocka_unit_test(test_own_images),
		cmocka_unit_test(test_no_shared_image),
		cmocka_unit_test(test_merging),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_volume_parse),
		cmocka_unit_test(test_network_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
