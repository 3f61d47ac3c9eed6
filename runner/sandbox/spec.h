/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_SPEC_H
#define SBX_SANDBOX_SPEC_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "base/strv.h"
#include "engine/traits.h"
#include "sandbox/hello.h"
#include "sandbox/host_path.h"
#include "skill/grant.h"
#include "skill/skill_image.h"

/*
 * What the engine and init are told, worked out from what was granted.  Pure:
 * the same grant gives the same bytes.  No secret, no input and nothing of
 * the request's environment is in what goes to the engine, because the engine
 * keeps that on disk even after the container is gone.
 */

/*
 * init's volume is mounted at this and the nonce.  At a path that an image
 * could know, its symbolic links would decide what runs as init: a link there
 * to /proc/self/cwd (followed once by the engine, once by the kernel), or one
 * that leads a volume's mount on top of it.
 */
#define SBX_SPEC_INIT_PREFIX "/.skillbox-"

/* Where `output: file` goes. */
#define SBX_SPEC_OUTPUT_DIR  "/run/skillbox-output"
#define SBX_SPEC_OUTPUT_PATH SBX_SPEC_OUTPUT_DIR "/output"

/* Labels on containers and volumes, beside SBX_LABEL_RUNNER. */
#define SBX_LABEL_SKILL	 "io.skillbox.skill"
#define SBX_LABEL_ACTION "io.skillbox.action"
#define SBX_LABEL_RUN_ID "io.skillbox.run_id"
#define SBX_LABEL_OWNER	 "io.skillbox.owner"
#define SBX_LABEL_VOLUME "io.skillbox.volume"
#define SBX_LABEL_INIT	 "io.skillbox.init"

/*
 * Of sessions: name, time to live in milliseconds, sbx_direct_name(), and the
 * ports that are to be forwarded (skill/publish.h, JSON), for which there has
 * to be no network.
 */
#define SBX_LABEL_SESSION "io.skillbox.session"
#define SBX_LABEL_TTL	  "io.skillbox.ttl"
#define SBX_LABEL_CHANNEL "io.skillbox.channel"
#define SBX_LABEL_PUBLISH "io.skillbox.publish"

/* A sandbox that outlives its runners (init/wire.h). */
struct sbx_spec_session {
	const char *name;
	int64_t ttl_ms;
};

/* Owners that begin so are those of `skillbox test`: theirs is temporary. */
#define SBX_SPEC_TEST_OWNER "test-"

/*
 * @grant	what was granted
 * @image	the image it runs in; a sandbox of nothing but init: NULL
 * @image_id	of the image to create from
 * @run_id	[A-Za-z0-9._-]{1,64}
 * @nonce	random, for the container's name: a create call whose answer
 *		was lost is undone by name, which must be nobody else's
 * @init_dir	SBX_SPEC_INIT_PREFIX and something random: where init is
 * @runner	sbx_runner_identity()
 * @host_paths	for each of the action's volumes what the runner found at its
 *		source; all zero for one that is no host path
 * @host_devices	the same for each of the action's devices
 * @traits	of the engine
 * @channel_source	a directory that is mounted, read-only, at
 *@channel_target, SBX_SPEC_INIT_PREFIX and something random, and was found to be
 *		@channel_path: init is told of the socket in it; or NULL
 * @channel_name	of that directory, where @session is set
 * @session	it is one; or NULL
 * @init_volume	name of the volume that holds init
 * @init_hash	of the init program
 */
struct sbx_spec {
	const struct sbx_grant *grant;
	const struct sbx_skill_image *image;
	const char *image_id;
	const char *run_id;
	const char *nonce;
	const char *init_dir;
	const char *runner;
	const struct sbx_host_path *host_paths;
	const struct sbx_host_device *host_devices;
	const struct sbx_engine_traits *traits;
	const char *channel_source;
	const char *channel_target;
	struct sbx_host_path channel_path;
	const char *channel_name;
	const struct sbx_spec_session *session;
	const char *init_volume;
	const char *init_hash;
};

/*
 * Whether such a sandbox can be made of the image at all: DENIED when it
 * declares a volume where none can be masked, or the engine gives no GPUs.
 */
int sbx_spec_check(const struct sbx_spec *spec, struct sbx_error *err);

/* The body of POST /containers/create; new reference. */
json_t *sbx_spec_body(const struct sbx_spec *spec);

/* The container's name, "skillbox-SKILL-NONCE"; owned by the caller. */
char *sbx_spec_name(const struct sbx_spec *spec);

/*
 * Compares what the engine made (GET /containers/{id}/json) with the body
 * that it was given: an engine that drops or weakens a restriction is found
 * before anything starts.  DENIED, naming the first field that differs.
 */
int sbx_spec_verify(const json_t *body, const json_t *inspected,
		    struct sbx_error *err);

/*
 * The mounts that init must find, for sbx_hello_check; strings point into
 * @spec's grant and image.  free() the array.
 */
struct sbx_hello_mount *sbx_spec_mounts(const struct sbx_spec *spec,
					size_t *count);

/* The same of the devices that were granted. */
struct sbx_hello_device *sbx_spec_devices(const struct sbx_spec *spec,
					  size_t *count);

/* The hard limit on descriptors that init must find; 0: none. */
uint64_t sbx_spec_nofile(const struct sbx_spec *spec);

/*
 * The command: Compose's rules for entrypoint and command over the image's
 * own; where the manifest gives neither, the image's with the action's name
 * behind it.  Never empty.
 */
void sbx_spec_argv(const struct sbx_spec *spec, struct sbx_strv *argv);

/* Where the command runs: what the manifest says, the image, or "/". */
const char *sbx_spec_working_dir(const struct sbx_spec *spec);

/*
 * The whole environment: image, manifest and request (merged in the grant),
 * then SKILL_*.  With `input: env` also the input: SKILL_ARGS as it came,
 * INPUT_<NAME> per top-level member (GitHub Actions' rule: upper case, blanks
 * to '_'; what is no string as JSON).  INVALID when the input cannot be
 * expressed so.  @input may be NULL when it does not go by environment, and so
 * may the run id, which the environment then does not have.
 */
int sbx_spec_environment(const struct sbx_spec *spec, const json_t *input,
			 const char *input_text, struct sbx_strv *env,
			 struct sbx_error *err);

/*
 * Name of the engine volume of a mount that names one, "skillbox-OWNER-SKILL-
 * NAME" with dashes in OWNER and SKILL doubled, so that no two of them are one;
 * owned by the caller.
 */
char *sbx_spec_volume_name(const struct sbx_grant *grant, const char *source);

#endif
