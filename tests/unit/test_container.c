/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/slots.h"
#include "engine/container.h"
#include "engine/volume.h"
#include "fault_server.h"

struct fixture {
	struct fault_server server;
	struct sbx_engine *engine;
	char reply[4096];
	struct sbx_error err;
};

static int setup(void **state)
{
	struct fixture *f = sbx_calloc(1, sizeof(*f));
	struct sbx_error err = SBX_ERROR_INIT;

	fault_start(&f->server);
	*state = f;
	return sbx_engine_new(&f->engine, f->server.url, &err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sbx_engine_free(&f->engine);
	fault_stop(&f->server);
	free(f);
	return 0;
}

/* What the engine says next: a status, and its message or other JSON. */
static void answer_json(struct fixture *f, int status, const char *json)
{
	f->err = (struct sbx_error)SBX_ERROR_INIT;
	snprintf(f->reply, sizeof(f->reply),
		 "HTTP/1.1 %d x\r\nContent-Type: application/json\r\n"
		 "Content-Length: %zu\r\n\r\n%s",
		 status, strlen(json), json);
	f->server.reply = f->reply;
}

static void answer(struct fixture *f, int status, const char *message)
{
	json_auto_t *json = json_pack("{s:s}", "message", message);
	char *text = json_dumps(json, 0);

	answer_json(f, status, text);
	free(text);
}

/* Only what the entrypoint itself is at fault for is NO_COMMAND. */
static void test_start(void **state)
{
	static const struct {
		int status;
		const char *message;
		int expected;
	} cases[] = {
		/* Docker 20.10 with runc 1.1 */
		{ 400,
		  "failed to create shim task: OCI runtime create failed: "
		  "runc create failed: unable to start container process: "
		  "exec: \"nope\": executable file not found in $PATH: "
		  "unknown",
		  SBX_CONTAINER_NO_COMMAND },
		{ 400,
		  "failed to create shim task: OCI runtime create failed: "
		  "runc create failed: unable to start container process: "
		  "exec: \"/etc\": permission denied: unknown",
		  SBX_CONTAINER_NO_COMMAND },
		/* Podman 4.3 with crun 1.8 */
		{ 500,
		  "crun: executable file `nope` not found in $PATH: No such "
		  "file or directory: OCI runtime attempted to invoke a "
		  "command that was not found",
		  SBX_CONTAINER_NO_COMMAND },
		{ 500,
		  "crun: open executable: Permission denied: OCI permission "
		  "denied",
		  SBX_CONTAINER_NO_COMMAND },
		/* Podman 5.4 with crun 1.21 */
		{ 500,
		  "crun: the path `/etc` is not a regular file: Operation not "
		  "permitted: OCI permission denied",
		  SBX_CONTAINER_NO_COMMAND },
		{ 500,
		  "crun: the path `/noexec` exists but it is not executable: "
		  "Operation not permitted: OCI permission denied",
		  SBX_CONTAINER_NO_COMMAND },
		{ 500,
		  "workdir \"/x\" exists on container c, but is not a "
		  "directory",
		  -1 },
		{ 400,
		  "error while creating mount source path '/x': mkdir /x: "
		  "permission denied",
		  -1 },
		{ 400,
		  "container init caused: rootfs_linux.go:76: mounting \"/a\" "
		  "to rootfs at \"/b\": no such file or directory: unknown",
		  -1 },
		{ 500,
		  "container init caused: apply apparmor profile: write "
		  "/proc/self/attr/exec: no such file or directory: unknown",
		  -1 },
		{ 404, "No such container: exec: \"x\"", -1 },
		{ 409, "container is marked for removal", -1 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(cases); i++) {
		answer(f, cases[i].status, cases[i].message);
		if (sbx_container_start(f->engine, "c", &f->err) !=
		    cases[i].expected)
			fail_msg("%s", cases[i].message);
		assert_int_equal(f->err.outcome, SBX_OUTCOME_UNAVAILABLE);
		assert_non_null(strstr(f->err.message, cases[i].message));
	}
	f->server.reply = "HTTP/1.1 204 No Content\r\n\r\n";
	assert_int_equal(sbx_container_start(f->engine, "c", &f->err), 0);
	assert_ptr_equal(
		strstr(f->server.seen, "POST /v1.41/containers/c/start HTTP"),
		f->server.seen);
	f->server.reply = "HTTP/1.1 304 Not Modified\r\n\r\n";
	assert_int_equal(sbx_container_start(f->engine, "c", &f->err), 0);
}

/* To try again would be no use. */
static void test_start_without_gpus(void **state)
{
	static const char *const messages[] = {
		"could not select device driver \"\" with capabilities: "
		"[[gpu]]",
		"failed to discover GPU vendor from CDI: no known GPU vendor "
		"found",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(messages); i++) {
		answer(f, 500, messages[i]);
		assert_int_equal(sbx_container_start(f->engine, "c", &f->err),
				 -1);
		assert_int_equal(f->err.outcome, SBX_OUTCOME_DENIED);
		assert_non_null(strstr(f->err.message,
				       "the engine has no driver for GPUs: "));
		assert_non_null(strstr(f->err.message, messages[i]));
	}
}

/* What does not run needs no killing. */
static void test_kill(void **state)
{
	struct fixture *f = *state;

	answer(f, 404, "No such container: c");
	assert_int_equal(sbx_container_kill(f->engine, "c", &f->err), 0);
	answer(f, 409, "Container c is not running");
	assert_int_equal(sbx_container_kill(f->engine, "c", &f->err), 0);
	answer(f, 500,
	       "can only kill running containers. c is in state exited: "
	       "container state improper");
	assert_int_equal(sbx_container_kill(f->engine, "c", &f->err), 0);
	answer(f, 500, "no space left on device");
	assert_int_equal(sbx_container_kill(f->engine, "c", &f->err), -1);
	assert_string_equal(f->err.message,
			    "kill container: engine refused (500): no space "
			    "left on device");
}

static void test_remove(void **state)
{
	struct fixture *f = *state;

	answer(f, 404, "No such container: c");
	assert_int_equal(
		sbx_container_remove(f->engine, "c", SBX_TURN_NORMAL, &f->err),
		SBX_CONTAINER_GONE);
	assert_ptr_equal(strstr(f->server.seen,
				"DELETE /v1.41/containers/c?force=1&v=1 HTTP"),
			 f->server.seen);
	answer(f, 409, "removal of container c is already in progress");
	assert_int_equal(
		sbx_container_remove(f->engine, "c", SBX_TURN_NORMAL, &f->err),
		0);
	answer(f, 409, "c has dependent containers");
	assert_int_equal(
		sbx_container_remove(f->engine, "c", SBX_TURN_NORMAL, &f->err),
		-1);
}

static void test_create(void **state)
{
	char id[SBX_CONTAINER_ID_SIZE] = "untouched";
	json_auto_t *body = json_pack("{s:s}", "Image", "i");
	struct fixture *f = *state;

	answer(f, 404, "No such image: i");
	assert_int_equal(
		sbx_container_create(f->engine, "n", body, id, &f->err), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_NOT_FOUND);
	answer(f, 409, "name is in use");
	assert_int_equal(
		sbx_container_create(f->engine, "n", body, id, &f->err), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_UNAVAILABLE);
	answer_json(f, 201, "{\"Id\":\"\"}");
	assert_int_equal(
		sbx_container_create(f->engine, "n", body, id, &f->err), -1);
	answer_json(f, 201,
		    "{\"Id\":\"0123456789012345678901234567890123456789"
		    "0123456789012345678901234567890123456789\"}");
	assert_int_equal(
		sbx_container_create(f->engine, "n", body, id, &f->err), -1);
	assert_string_equal(id, "untouched");
	answer_json(f, 201, "{\"Id\":\"abc\",\"Warnings\":null}");
	assert_int_equal(
		sbx_container_create(f->engine, "n", body, id, &f->err), 0);
	assert_string_equal(id, "abc");
}

static void test_inspect(void **state)
{
	json_t *out = NULL;
	struct fixture *f = *state;

	answer(f, 404, "No such container: c");
	assert_int_equal(sbx_container_inspect(f->engine, "c", &out, &f->err),
			 SBX_CONTAINER_GONE);
	answer_json(f, 200, "[]");
	assert_int_equal(sbx_container_inspect(f->engine, "c", &out, &f->err),
			 -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_UNAVAILABLE);
	assert_null(out);
	answer_json(f, 200, "{\"Id\":\"c\"}");
	assert_int_equal(
		sbx_container_inspect(f->engine, "../c", &out, &f->err), 0);
	assert_true(json_is_object(out));
	json_decref(out);
	/* An id is one path segment, whatever is in it. */
	assert_non_null(strstr(f->server.seen, "/containers/..%2Fc/json "));
}

/* An engine that is Podman, from now on. */
static void be_podman(struct fixture *f)
{
	sbx_engine_free(&f->engine);
	f->server.ping = "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\n"
			 "Libpod-Api-Version: 5.4.2\r\n"
			 "Content-Length: 0\r\n\r\n";
	assert_int_equal(sbx_engine_new(&f->engine, f->server.url, &f->err), 0);
}

/* How often an archive that is refused is sent. */
static int sent(struct fixture *f, int status)
{
	int before = f->server.requests;

	answer(f, status, "file exists");
	assert_int_equal(sbx_container_put_archive(f->engine, "c", "/", "tar",
						   3, &f->err),
			 -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_UNAVAILABLE);
	return f->server.requests - before;
}

/* Podman may stumble over what is unpacked there at the same time. */
static void test_archive(void **state)
{
	struct fixture *f = *state;

	answer_json(f, 200, "{}");
	assert_int_equal(sbx_container_put_archive(f->engine, "c", "/a b",
						   "tar", 3, &f->err),
			 0);
	assert_non_null(strstr(f->server.seen, "/archive?path=%2Fa%20b "));
	assert_int_equal(sent(f, 500), 1);
	be_podman(f);
	assert_int_equal(sent(f, 500), 5);
	assert_int_equal(sent(f, 404), 1);
}

/* Podman says of one that goes just then that something broke. */
static void test_gone_at_last(void **state)
{
	static const char went[] = "no container with ID c found in database: "
				   "no such container";
	json_t *out = NULL;
	struct fixture *f = *state;

	answer(f, 500, went);
	assert_int_equal(sbx_container_inspect(f->engine, "c", &out, &f->err),
			 -1);
	be_podman(f);
	assert_int_equal(sbx_container_inspect(f->engine, "c", &out, &f->err),
			 SBX_CONTAINER_GONE);
	assert_non_null(strstr(f->server.seen, "/libpod/containers/c/json "));
	assert_int_equal(
		sbx_container_remove(f->engine, "c", SBX_TURN_NORMAL, &f->err),
		SBX_CONTAINER_GONE);
	/* It is not asked to end first. */
	assert_non_null(strstr(f->server.seen, "timeout=0 "));
	/* Nor a volume that goes. */
	answer(f, 500, "volume v: no such volume");
	assert_int_equal(sbx_volume_remove(f->engine, "v", &f->err),
			 SBX_VOLUME_GONE);
	answer(f, 500, "v: volume has already been removed");
	assert_int_equal(sbx_volume_remove(f->engine, "v", &f->err),
			 SBX_VOLUME_GONE);
	answer(f, 500, "no such container: is what it cannot say");
	assert_int_equal(sbx_container_inspect(f->engine, "c", &out, &f->err),
			 -1);
}

static void test_volumes(void **state)
{
	json_t *out = NULL;
	struct fixture *f = *state;

	answer_json(f, 200, "{\"Volumes\":null,\"Warnings\":null}");
	assert_int_equal(sbx_volume_list(f->engine, "k=v", &out, &f->err), 0);
	assert_int_equal(json_array_size(out), 0);
	assert_true(json_is_array(out));
	json_decref(out);
	assert_non_null(strstr(f->server.seen,
			       "/volumes?filters=%7B%22label%22%3A%20%5B%22"
			       "k%3Dv%22%5D%7D HTTP"));
	answer(f, 409, "volume is in use");
	assert_int_equal(sbx_volume_remove(f->engine, "v", &f->err),
			 SBX_VOLUME_IN_USE);
	answer(f, 404, "no such volume");
	assert_int_equal(sbx_volume_remove(f->engine, "v", &f->err),
			 SBX_VOLUME_GONE);
	answer(f, 500, "broken");
	assert_int_equal(sbx_volume_remove(f->engine, "v", &f->err), -1);
}

/* What the engine remembers of a container that is gone. */
static void test_had_oom(void **state)
{
	struct fixture *f = *state;
	bool oom = false;

	answer_json(f, 200, "{\"Action\":\"oom\"}\n");
	assert_int_equal(sbx_container_had_oom(f->engine, "c", &oom, &f->err),
			 0);
	assert_true(oom);
	answer_json(f, 200, "");
	assert_int_equal(sbx_container_had_oom(f->engine, "c", &oom, &f->err),
			 0);
	assert_false(oom);
	answer(f, 500, "no");
	oom = true;
	assert_int_equal(sbx_container_had_oom(f->engine, "c", &oom, &f->err),
			 -1);
	assert_false(oom);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_UNAVAILABLE);
}

/*
 * When all places are taken, what ends a sandbox goes on after a while all the
 * same; with all of its waiting it takes no longer than it may.
 */
static void test_urgent_calls(void **state)
{
	struct fixture *f = *state;
	struct sbx_slots others[2 * CPU_SETSIZE];
	unsigned int n;
	cpu_set_t cores;
	double began;
	int slot;

	answer(f, 204, "");
	assert_int_equal(sbx_container_kill(f->engine, "c", &f->err), 0);
	assert_int_equal(sched_getaffinity(0, sizeof(cores), &cores), 0);
	n = 2 * (unsigned int)CPU_COUNT(&cores);
	for (unsigned int i = 0; i < n; i++) {
		sbx_slots_init(&others[i], sbx_engine_identity(f->engine), n);
		assert_int_equal(
			sbx_slots_take(&others[i], n, 0, -1, &slot, &f->err),
			0);
	}
	sbx_engine_set_patience(f->engine, 2000);
	began = sbx_clock_ms();
	assert_int_equal(sbx_container_kill(f->engine, "c", &f->err), 0);
	assert_true(sbx_clock_ms() - began >= 500);
	assert_true(sbx_engine_patience(f->engine) <= 1500);
	for (unsigned int i = 0; i < n; i++)
		sbx_slots_close(&others[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_start),
		TEST(test_kill),
		TEST(test_remove),
		TEST(test_create),
		TEST(test_inspect),
		TEST(test_gone_at_last),
		TEST(test_archive),
		TEST(test_volumes),
		TEST(test_had_oom),
		TEST(test_urgent_calls),
		TEST(test_start_without_gpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
