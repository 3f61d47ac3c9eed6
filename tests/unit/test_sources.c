/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"
#include "fault_server.h"
#include "sandbox/sources.h"
#include "scratch.h"

/* --- an action's mounts, and an engine that knows volumes ----------------- */

struct fixture {
	struct fault_server server;
	struct sbx_engine *engine;
	struct sbx_policy policy;
	struct sbx_keyring keys;
	struct sbx_grant grant;
	struct sbx_host_path *paths;
	char storage[128];
	char reply[2048];
	struct sbx_error err;
};

static int setup(void **state)
{
	struct fixture *f = sbx_calloc(1, sizeof(*f));
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(scratch_enter(state), 0);
	*state = f;
	fault_start(&f->server);
	sbx_policy_init(&f->policy);
	f->policy.disk_free = 0;
	f->grant.owner = sbx_strdup("me");
	f->grant.skill = sbx_strdup("example");
	/* The engine's data are in ROOT, its images below overlay2. */
	assert_int_equal(mkdir("root", 0700), 0);
	assert_int_equal(mkdir("data", 0700), 0);
	snprintf(f->storage, sizeof(f->storage), "%s/root/overlay2/x/diff",
		 scratch_path);
	return sbx_engine_new(&f->engine, f->server.url, &err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sbx_engine_free(&f->engine);
	fault_stop(&f->server);
	sbx_policy_clear(&f->policy);
	sbx_grant_clear(&f->grant);
	free(f->paths);
	free(f);
	*state = NULL;
	return scratch_leave(state);
}

static char *in(const char *name)
{
	return sbx_asprintf("%s%s%s", scratch_path, *name ? "/" : "", name);
}

/* The one mount of the action, on /m. */
static void mount(struct fixture *f, const char *source, bool read_only)
{
	cleanup_free char *path = in(source);
	bool is_name = strcmp(source, "name") == 0;

	sbx_action_clear_volumes(&f->grant.action);
	sbx_action_add_volume(&f->grant.action, is_name ? source : path, "/m",
			      read_only);
	free(f->paths);
	f->paths = sbx_calloc(1, sizeof(*f->paths));
}

static void answer(struct fixture *f, int status, const char *json)
{
	snprintf(f->reply, sizeof(f->reply),
		 "HTTP/1.1 %d x\r\nContent-Type: application/json\r\n"
		 "Content-Length: %zu\r\n\r\n%s",
		 status, strlen(json), json);
	f->server.reply = f->reply;
}

/* The volume is a bind of @name, and @more. */
static void answer_bind(struct fixture *f, const char *name, const char *more)
{
	cleanup_free char *path = in(name);
	cleanup_free char *json = sbx_asprintf(
		"{\"Name\": \"v\", \"Options\": {\"type\": \"none\", "
		"\"o\": \"bind\", \"device\": \"%s\"}%s}",
		path, more);

	answer(f, 200, json);
}

static struct sbx_sources sources(const struct fixture *f)
{
	return (struct sbx_sources){ .engine = f->engine,
				     .policy = &f->policy,
				     .keys = &f->keys,
				     .grant = &f->grant };
}

static int find_sources(struct fixture *f)
{
	const struct sbx_sources of = sources(f);

	free(f->paths);
	f->paths = NULL;
	f->err = (struct sbx_error)SBX_ERROR_INIT;
	return sbx_sources_find(&of, &f->paths, &f->err);
}

static int check_sources(struct fixture *f)
{
	const struct sbx_sources of = sources(f);

	f->err = (struct sbx_error)SBX_ERROR_INIT;
	return sbx_sources_check(&of, f->storage, f->paths, &f->err);
}

static void assert_denied(const struct fixture *f, const char *rule)
{
	assert_int_equal(f->err.outcome, SBX_OUTCOME_DENIED);
	if (!strstr(f->err.message, rule))
		assert_string_equal(f->err.message, rule);
}

static ino_t inode(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	return st.st_ino;
}

/* A path is what it is; a name is nothing yet. */
static void test_find(void **state)
{
	struct fixture *f = *state;

	mount(f, "data", true);
	assert_int_equal(find_sources(f), 0);
	assert_int_equal(f->paths[0].ino, inode("data"));
	mount(f, "name", true);
	assert_int_equal(find_sources(f), 0);
	assert_int_equal(f->paths[0].ino, 0);
	assert_int_equal(f->server.requests, 0);
}

static void test_find_refuses(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(symlink("data", "link"), 0);
	mount(f, "link", true);
	assert_int_equal(find_sources(f), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_DENIED);
	mount(f, "absent", true);
	assert_int_equal(find_sources(f), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_INVALID);
	/* The directory of the engine's socket. */
	sbx_action_clear_volumes(&f->grant.action);
	sbx_action_add_volume(&f->grant.action, f->server.directory, "/m",
			      true);
	assert_int_equal(find_sources(f), -1);
	assert_denied(f, "volumes.never: ");
	/* Keys that only this keyring knows the place of. */
	f->keys.place = scratch_path;
	mount(f, "data", true);
	assert_int_equal(find_sources(f), -1);
	assert_denied(f, "skillbox's keys");
}

/* Each device is looked at, and one that is none ends it. */
static void test_find_devices(void **state)
{
	struct fixture *f = *state;
	struct sbx_action *action = &f->grant.action;
	struct sbx_host_device *list = NULL;

	assert_int_equal(sbx_sources_find_devices(&f->grant, &list, &f->err),
			 0);
	free(list);
	list = NULL;
	sbx_action_add_device(action, "/dev/zero", "/dev/a", SBX_DEVICE_READ);
	sbx_action_add_device(action, "/dev/full", "/dev/b", SBX_DEVICE_READ);
	assert_int_equal(sbx_sources_find_devices(&f->grant, &list, &f->err),
			 0);
	assert_int_equal(list[0].minor, 5);
	assert_int_equal(list[1].minor, 7);
	free(list);
	list = NULL;
	sbx_action_add_device(action, "/dev/ptmx", "/dev/c", SBX_DEVICE_READ);
	assert_int_equal(sbx_sources_find_devices(&f->grant, &list, &f->err),
			 -1);
	assert_denied(f, "devices.never: ");
	free(list);
}

/* Where there is nothing to judge, nobody is asked. */
static void test_nothing(void **state)
{
	struct fixture *f = *state;

	f->storage[0] = '\0';
	assert_int_equal(check_sources(f), 0);
	assert_int_equal(f->server.requests, 0);
}

static void test_disk(void **state)
{
	struct fixture *f = *state;

	f->policy.disk_free = 1;
	assert_int_equal(check_sources(f), 0);
	f->policy.disk_free = INT64_C(1) << 60;
	assert_int_equal(check_sources(f), -1);
	assert_denied(f, "engine.disk_free: ");
	/* An engine that does not tell where its data are is no excuse. */
	f->storage[0] = '\0';
	answer(f, 500, "{}");
	assert_int_equal(check_sources(f), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_UNAVAILABLE);
}

static void test_engine_data(void **state)
{
	struct fixture *f = *state;

	mount(f, "data", true);
	assert_int_equal(check_sources(f), 0);
	mount(f, "root", true);
	assert_int_equal(check_sources(f), -1);
	assert_denied(f, "volumes.never: ");
	mount(f, "", true);
	assert_int_equal(check_sources(f), -1);
	assert_denied(f, "volumes.never: ");
	assert_int_equal(f->server.requests, 0);
}

/* A volume of the skill, by what the engine says of it. */
static void test_volume(void **state)
{
	struct fixture *f = *state;

	mount(f, "name", true);
	answer(f, 404, "{\"message\": \"no such volume\"}");
	assert_int_equal(check_sources(f), 0);
	assert_non_null(
		strstr(f->server.seen, "/volumes/skillbox-me-example-name"));
	answer(f, 200, "{\"Name\": \"v\", \"Options\": null}");
	assert_int_equal(check_sources(f), 0);
	assert_int_equal(f->paths[0].ino, 0);
	answer(f, 200,
	       "{\"Name\": \"v\", \"Options\": {\"type\": \"ext4\", "
	       "\"device\": \"/dev/sda1\"}}");
	assert_int_equal(check_sources(f), -1);
	assert_denied(f, "volumes.never: ");
	answer(f, 500, "{\"message\": \"no\"}");
	assert_int_equal(check_sources(f), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_UNAVAILABLE);
}

/* One that is a path of the host is judged, found and compared as one. */
static void test_bound_volume(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *top = in("");

	mount(f, "name", true);
	answer_bind(f, "data", "");
	assert_int_equal(check_sources(f), -1);
	assert_denied(f, "skills.volumes: ");
	sbx_rights_add_volume(&f->policy.skills.rights, top, false);
	assert_int_equal(check_sources(f), 0);
	assert_int_equal(f->paths[0].ino, inode("data"));
	/* Podman would give it away. */
	answer_bind(f, "data", ", \"NeedsChown\": true");
	assert_int_equal(check_sources(f), -1);
	assert_denied(f, "volumes.never: ");
	answer_bind(f, "data", ", \"NeedsChown\": false");
	assert_int_equal(check_sources(f), 0);
	mount(f, "name", false);
	assert_int_equal(check_sources(f), -1);
	assert_denied(f, "skills.volumes: ");
	mount(f, "name", true);
	answer_bind(f, "root", "");
	assert_int_equal(check_sources(f), -1);
	assert_denied(f, "volumes.never: ");
	answer_bind(f, "absent", "");
	assert_int_equal(check_sources(f), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_INVALID);
}

/* What "volumes:" of the manifest says of the one volume. */
static void declare(struct fixture *f, const char *options)
{
	cleanup_free char *text = sbx_asprintf(
		"{\"name\": {\"driver\": \"local\", \"driver_opts\": %s}}",
		options);
	struct sbx_error err = SBX_ERROR_INIT;

	json_decref(f->grant.volumes);
	f->grant.volumes = NULL;
	assert_int_equal(
		sbx_json_parse(text, strlen(text), &f->grant.volumes, &err), 0);
}

#define NFS                                                                    \
	"{\"type\": \"nfs\", \"o\": \"addr=192.0.2.1\", "                      \
	"\"device\": \":/export\"}"
#define OTHER                                                                  \
	"{\"type\": \"nfs\", \"o\": \"addr=192.0.2.2\", "                      \
	"\"device\": \":/export\"}"
#define OURS "\"Labels\": {\"io.skillbox.volume\": \"name\"}"

/* A volume has the options of the manifest, or the operator's own. */
static void test_other_options(void **state)
{
	static const struct {
		const char *asked; /* or NULL */
		const char *there;
		bool refused;
	} samples[] = {
		{ NFS, "\"Options\": " NFS, false },
		{ NFS, "\"Options\": " NFS ", " OURS, false },
		{ NFS, "\"Options\": " OTHER, true },
		{ NFS, "\"Options\": null", true },
		{ NULL, "\"Options\": " NFS, false },
		{ NULL, "\"Options\": " NFS ", " OURS, true },
		{ NULL, "\"Options\": {}, " OURS, false },
	};
	struct fixture *f = *state;

	mount(f, "name", true);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_free char *json =
			sbx_asprintf("{\"Name\": \"v\", %s}", samples[i].there);

		json_decref(f->grant.volumes);
		f->grant.volumes = NULL;
		if (samples[i].asked)
			declare(f, samples[i].asked);
		answer(f, 200, json);
		if (check_sources(f) != (samples[i].refused ? -1 : 0))
			fail_msg("%zu: %s", i, f->err.message);
		if (!samples[i].refused)
			continue;
		assert_int_equal(f->err.outcome, SBX_OUTCOME_INVALID);
		assert_non_null(strstr(f->err.message, "docker volume rm"));
	}
}

/* One that is not there yet is judged by what it will be. */
static void test_future_volume(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *top = in("");
	cleanup_free char *path = in("data");
	cleanup_free char *options =
		sbx_asprintf("{\"type\": \"none\", \"o\": \"bind\", "
			     "\"device\": \"%s\"}",
			     path);

	mount(f, "name", true);
	answer(f, 404, "{\"message\": \"no such volume\"}");
	declare(f, NFS);
	assert_int_equal(check_sources(f), 0);
	assert_int_equal(f->paths[0].ino, 0);
	declare(f, options);
	assert_int_equal(check_sources(f), -1);
	assert_denied(f, "skills.volumes: ");
	sbx_rights_add_volume(&f->policy.skills.rights, top, false);
	assert_int_equal(check_sources(f), 0);
	assert_int_equal(f->paths[0].ino, inode("data"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_find),	  TEST(test_find_refuses),
		TEST(test_nothing),	  TEST(test_disk),
		TEST(test_engine_data),	  TEST(test_volume),
		TEST(test_bound_volume),  TEST(test_other_options),
		TEST(test_future_volume), TEST(test_find_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
