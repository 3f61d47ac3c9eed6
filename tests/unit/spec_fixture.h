/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_SPEC_FIXTURE_H
#define SBX_TESTS_SPEC_FIXTURE_H

#include <stdlib.h>

#include "sandbox/spec.h"

/* An action that was granted a little of everything, and what it runs in. */
#define MARKER	 "s3cr3t-marker"
#define INIT_DIR SBX_SPEC_INIT_PREFIX "0d0e0f"

static const struct sbx_engine_traits spec_docker = { .name = "Docker" };

/* For the grant of those who want some. */
static const struct sbx_publish_list spec_ports __attribute__((unused)) = {
	.v = { { .target = 8080, .published = 80, .host_ip = "127.0.0.1" },
	       { .target = 65535, .host_ip = "::1" } },
	.n = 2,
};

struct spec_fixture {
	struct sbx_grant grant;
	struct sbx_skill_image image;
	struct sbx_spec spec;
	struct sbx_strv list;
};

static inline int spec_setup(void **state)
{
	struct spec_fixture *f = calloc(1, sizeof(*f));
	struct sbx_action *action = &f->grant.action;

	f->grant.owner = sbx_strdup("1000");
	f->grant.skill = sbx_strdup("webpage");
	action->name = sbx_strdup("download");
	action->nano_cpus = 500000000;
	action->mem_limit = 64 << 20;
	action->pids_limit = 32;
	action->output_limit = 1000;
	action->uid = 200123;
	action->gid = 200123;
	action->network = SBX_NETWORK_BRIDGE;
	sbx_action_add_tmpfs(action, "/tmp", 1 << 26, false);
	sbx_action_set_ulimit(action, "nofile", 1024, 1024);
	sbx_action_set_ulimit(action, "core", 1, 1);
	sbx_action_add_volume(action, "cache", "/app/cache", false);
	sbx_action_add_volume(action, "/srv/data", "/data", true);
	sbx_strv_push(&action->environment, "TOKEN=" MARKER);
	sbx_strv_push(&f->image.entrypoint, "/bin/run");
	sbx_strv_push(&f->image.cmd, "default");
	sbx_strv_push(&f->image.env, "PATH=/image/bin");
	sbx_strv_push(&f->image.env, "LANG=C");
	sbx_strv_push(&f->image.volumes, "/declared");
	f->spec = (struct sbx_spec){ .grant = &f->grant,
				     .image = &f->image,
				     .image_id = "sha256:1",
				     .run_id = "run-1",
				     .nonce = "0a0b0c",
				     .init_dir = INIT_DIR,
				     .runner = "runner-1",
				     .traits = &spec_docker,
				     .init_volume = "skillbox-init-x",
				     .init_hash = "x" };
	*state = f;
	return 0;
}

static inline int spec_teardown(void **state)
{
	struct spec_fixture *f = *state;

	sbx_grant_clear(&f->grant);
	sbx_skill_image_clear(&f->image);
	sbx_strv_free(&f->list);
	free(f);
	return 0;
}

static inline json_t *host(const json_t *body)
{
	return json_object_get(body, "HostConfig");
}

#define SPEC_TEST(name)                                                        \
	cmocka_unit_test_setup_teardown(name, spec_setup, spec_teardown)

#endif
