/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_MANIFEST_PARTS_H
#define SBX_SKILL_MANIFEST_PARTS_H

#include "codec/reader.h"
#include "skill/manifest.h"

/*
 * What the modules that together read a manifest share, and policy_file.c,
 * which has some of the same words.
 */

/* The keys of an action, into struct sbx_action. */
extern const struct sbx_field sbx_action_fields[];
/* Of "build:", into struct sbx_build. */
extern const struct sbx_field sbx_build_fields[];
extern const struct sbx_field sbx_limits_from_fields[];
extern const struct sbx_field sbx_limit_from_fields[];
extern const struct sbx_field sbx_mount_fields[];
extern const struct sbx_field sbx_bind_fields[];
extern const struct sbx_field sbx_named_volume_fields[];
extern const struct sbx_field sbx_driver_opts_fields[];
extern const struct sbx_field sbx_secret_fields[];
extern const struct sbx_field sbx_files_fields[];
extern const struct sbx_field sbx_ulimit_fields[];
extern const struct sbx_field sbx_warm_pool_fields[];
extern const struct sbx_field sbx_annotation_fields[];
extern const struct sbx_field sbx_test_fields[];
extern const struct sbx_field sbx_expect_fields[];

/* The words of enum sbx_input, sbx_output and sbx_network, in their order. */
extern const char *const sbx_input_words[];
extern const char *const sbx_output_words[];
extern const char *const sbx_network_words[];

/* The same of enum sbx_reuse and sbx_warm_start. */
extern const char *const sbx_reuse_words[];
extern const char *const sbx_warm_start_words[];

/*
 * "defaults:" and "actions:", and then "tests:", of the document @root, as far
 * as they are there.
 */
void sbx_manifest_read_actions(const struct sbx_at *root,
			       struct sbx_manifest *manifest);
void sbx_manifest_read_tests(const struct sbx_at *root,
			     struct sbx_manifest *manifest);

/*
 * "volumes:" of the document, once there are actions to use them.
 */
void sbx_manifest_read_named_volumes(const struct sbx_at *root,
				     struct sbx_manifest *manifest);

/* "build:" and "image:" of the document @root. */
void sbx_manifest_read_origin(const struct sbx_at *root,
			      struct sbx_manifest *manifest);

/* Notes what no action runs in, once all have been read. */
void sbx_manifest_check_origin(const struct sbx_at *root,
			       const struct sbx_manifest *manifest);

/* "build:" of an action. */
void sbx_manifest_read_build(const struct sbx_at *at,
			     const struct sbx_field *field, void *object);

/* In the manifest's own words; new reference. */
json_t *sbx_build_json(const struct sbx_build *build);

/* "limits_from:", on top of what was there. */
void sbx_manifest_read_limits_from(const struct sbx_at *at,
				   const struct sbx_field *field, void *object);

/* The limits' names, by enum sbx_limit_from_name. */
extern const char *const sbx_limit_from_words[];

/* In the manifest's own words; new reference. */
json_t *sbx_limits_from_json(const struct sbx_action *action);

/* Whether @at, a member of "ulimits", is one there is; else that is noted. */
bool sbx_manifest_is_ulimit(const struct sbx_at *at);

/* An action of which nothing is said but what is always so. */
void sbx_action_init(struct sbx_action *action);

/* "secrets:", which replaces what was there. */
void sbx_manifest_read_secrets(const struct sbx_at *at,
			       const struct sbx_field *field, void *object);

/* "volumes:" and "tmpfs:", which replace what was there. */
void sbx_manifest_read_volumes(const struct sbx_at *at,
			       const struct sbx_field *field, void *object);
void sbx_manifest_read_tmpfs(const struct sbx_at *at,
			     const struct sbx_field *field, void *object);

/* "gpus:", into an int64_t; @field's range is that of a number. */
void sbx_manifest_read_gpus(const struct sbx_at *at,
			    const struct sbx_field *field, void *object);

/* The number in the manifest's words; new reference. */
json_t *sbx_gpus_json(int64_t gpus);

/* "devices:", which replaces what was there. */
void sbx_manifest_read_devices(const struct sbx_at *at,
			       const struct sbx_field *field, void *object);

/* "files:", on top of what was there. */
void sbx_manifest_read_files(const struct sbx_at *at,
			     const struct sbx_field *field, void *object);

/* "warm_pool:", on top of what was there. */
void sbx_manifest_read_warm_pool(const struct sbx_at *at,
				 const struct sbx_field *field, void *object);

/* Notes what cannot be kept waiting so; @at is the action. */
void sbx_manifest_check_warm_pool(const struct sbx_at *at,
				  const struct sbx_action *action);

/* "input_schema:" and "output_schema:", into a json_t *. */
void sbx_manifest_read_schema(const struct sbx_at *at,
			      const struct sbx_field *field, void *object);

/* Notes a schema of what is no JSON; @at is the action. */
void sbx_manifest_check_schemas(const struct sbx_at *at,
				const struct sbx_action *action);

/* "annotations:", into a json_t *. */
void sbx_manifest_read_annotations(const struct sbx_at *at,
				   const struct sbx_field *field, void *object);

/* Notes a media type of what is no bytes; @at is the action. */
void sbx_manifest_check_media_type(const struct sbx_at *at,
				   const struct sbx_action *action);

/* Notes tools without a name, and with one name; @actions is "actions:". */
void sbx_manifest_check_tool_names(const struct sbx_at *actions,
				   const struct sbx_manifest *manifest);

/* Notes mounts that hide one another; @at is the action. */
void sbx_manifest_check_mounts(const struct sbx_at *at,
			       const struct sbx_action *action);

/*
 * Reads a mapping of NAME to value, or a list of "NAME=value", and sets each
 * in @out.  @refuse gives the reason why a name must not be used, or NULL.
 */
void sbx_manifest_read_variables(const struct sbx_at *at,
				 const char *(*refuse)(const char *name),
				 struct sbx_strv *out);

#endif
