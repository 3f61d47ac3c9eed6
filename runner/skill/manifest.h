/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_MANIFEST_H
#define SBX_SKILL_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "base/strv.h"
#include "codec/problems.h"

/*
 * skill.yaml as C structures.  Parsing is pure: text in, structures or a list
 * of problems out.  The words are those of manifests/skill.schema.json.
 */

enum sbx_input { SBX_INPUT_STDIN, SBX_INPUT_ENV };

enum sbx_output {
	SBX_OUTPUT_AUTO,
	SBX_OUTPUT_JSON,
	SBX_OUTPUT_TEXT,
	SBX_OUTPUT_BINARY,
	SBX_OUTPUT_FILE,
};

/* From the tightest to the loosest. */
enum sbx_network {
	SBX_NETWORK_NONE,
	SBX_NETWORK_BRIDGE,
	SBX_NETWORK_HOST,
	SBX_NETWORK_COUNT,
};

/* What becomes of a sandbox after a run. */
enum sbx_reuse { SBX_REUSE_NEVER, SBX_REUSE_RESET };

/* How far a waiting sandbox has got: it is there, or its program runs too. */
enum sbx_warm_start { SBX_WARM_SANDBOX, SBX_WARM_PROGRAM };

/* How many sandboxes `skillbox serve` keeps waiting: @min <= @max. */
struct sbx_warm_pool {
	int64_t min;
	int64_t max;
	enum sbx_warm_start start;
};

/*
 * @source	name of a skill's volume, or an absolute path of the host
 * @target	absolute, normalised path in the sandbox
 * @rslave	what the host mounts below @source later is seen in the sandbox
 */
struct sbx_mount {
	char *source;
	char *target;
	bool read_only;
	bool rslave;
};

/* @size in bytes, always set; nosuid and nodev are not for the asking. */
struct sbx_tmpfs {
	char *target;
	int64_t size;
	bool exec;
};

/* What a device may be used for, as the engine's cgroup has it. */
#define SBX_DEVICE_READ	 0x1
#define SBX_DEVICE_WRITE 0x2
#define SBX_DEVICE_MKNOD 0x4

/* "rwm", and the NUL. */
#define SBX_DEVICE_ACCESS_SIZE 4

/*
 * @source	absolute, normalised path of the host, in /dev
 * @target	the same in the sandbox
 * @access	one or more of SBX_DEVICE_*
 */
struct sbx_device {
	char *source;
	char *target;
	unsigned int access;
};

/* "r", "rw", "rwm": each of the letters once.  False for anything else. */
bool sbx_device_access_parse(const char *text, unsigned int *out);
void sbx_device_access_text(unsigned int access,
			    char out[static SBX_DEVICE_ACCESS_SIZE]);

/*
 * What is wrong with @text as the path of a device, also one with "*" in it
 * where @is_pattern, static; or NULL, and *@out is it, normalized.
 */
const char *sbx_device_path_parse(const char *text, bool is_pattern,
				  char **out);

struct sbx_ulimit {
	char *name;
	int64_t soft;
	int64_t hard;
};

/*
 * A secret that an action gets, in one place: exactly one of @env and @file is
 * set.
 *
 * @name	what it is looked up by
 * @env		the variable that it is in
 * @file	its file in SBX_SECRETS_DIR
 * @required	without it nothing runs
 */
struct sbx_secret_use {
	char *name;
	char *env;
	char *file;
	bool required;
};

/* In a list of *@n: finds one (or NULL), sets one, frees all. */
struct sbx_ulimit *sbx_ulimits_find(struct sbx_ulimit *ulimits, size_t n,
				    const char *name);
void sbx_ulimits_set(struct sbx_ulimit **ulimits, size_t *n, const char *name,
		     int64_t soft, int64_t hard);
void sbx_ulimits_clear(struct sbx_ulimit **ulimits, size_t *n);

/*
 * How an image is built.
 *
 * @template	what stands in place of a Dockerfile (build_template.h), or NULL
 * @dockerfile	relative path; "Dockerfile" by default
 * @target	stage, or NULL
 * @args	build arguments, object of strings, or NULL
 */
struct sbx_build {
	char *template;
	char *dockerfile;
	char *target;
	json_t *args;
};

/* A deep copy (NULL of NULL); and the end of one. */
struct sbx_build *sbx_build_copy(const struct sbx_build *build);
void sbx_build_free(struct sbx_build **build);

/* The limits that a run's input may tighten (limits_from.h). */
enum sbx_limit_from_name {
	SBX_TIMEOUT_FROM,
	SBX_CPUS_FROM,
	SBX_MEM_LIMIT_FROM,
	SBX_LIMIT_FROM_COUNT,
};

/* What a number in the input is multiplied with to be ms, 1e-9 CPUs, bytes. */
struct sbx_limit_unit {
	enum sbx_limit_from_name limit;
	const char *name;
	double factor;
};

/* NULL when @limit has no such unit; static. */
const struct sbx_limit_unit *sbx_limit_unit_find(enum sbx_limit_from_name limit,
						 const char *name);

/*
 * @from	a JSON Pointer into the input, or NULL
 * @unit	of the number there; NULL: it is what the manifest's own key is
 */
struct sbx_limit_from {
	char *from;
	const struct sbx_limit_unit *unit;
};

/*
 * One action, every default filled in.
 *
 * @entrypoint, @command	has_* tells "not given" from "given as []"
 * @working_dir			absolute, or NULL for the image's own
 * @environment			"NAME=value"
 * @tool_name	what it is called as an MCP tool, NULL for SKILL_ACTION
 * @title	the same for people, or NULL
 * @annotations	MCP's hints about it: object of booleans, or NULL
 * @media_type	of an output that is bytes, or NULL
 * @input_schema, @output_schema	JSON Schemas that have been compiled
 *once, or NULL
 * @build			of an image of its own; NULL: the skill's
 * @files_in, @files_out	where files of the request are, and where those
 *are that come back; absolute, or NULL
 * @files_limit		bytes of each
 * @concurrency			runs at once; 0 for any number
 * @gpus			how many, or SBX_GPUS_ALL
 * @has_user			false: @uid and @gid are for the policy to
 *choose
 */
struct sbx_action {
	char *name;
	char *description;
	char *tool_name;
	char *title;
	json_t *annotations;
	bool has_entrypoint;
	bool has_command;
	struct sbx_strv entrypoint;
	struct sbx_strv command;
	char *working_dir;
	enum sbx_input input;
	enum sbx_output output;
	char *media_type;
	json_t *input_schema;
	json_t *output_schema;
	struct sbx_build *build;
	enum sbx_network network;
	struct sbx_mount *volumes;
	size_t n_volumes;
	struct sbx_strv environment;
	struct sbx_secret_use *secrets;
	size_t n_secrets;
	int64_t timeout_ms;
	int64_t stop_grace_period_ms;
	int64_t nano_cpus;
	int64_t mem_limit;
	int64_t pids_limit;
	struct sbx_limit_from limits_from[SBX_LIMIT_FROM_COUNT];
	struct sbx_tmpfs *tmpfs;
	size_t n_tmpfs;
	char *files_in;
	char *files_out;
	int64_t files_limit;
	struct sbx_ulimit *ulimits;
	size_t n_ulimits;
	int64_t input_limit;
	int64_t output_limit;
	enum sbx_reuse reuse;
	struct sbx_warm_pool warm_pool;
	int64_t concurrency;
	int64_t gpus;
	struct sbx_device *devices;
	size_t n_devices;
	char *runtime;
	bool has_user;
	uint32_t uid;
	uint32_t gid;
};

/* What the numbers may be; the same for overrides. */
#define SBX_TIMEOUT_MS_MAX   (24 * 3600 * INT64_C(1000))
#define SBX_MEM_LIMIT_MIN    (6 * INT64_C(1024) * 1024)
#define SBX_MEM_LIMIT_MAX    (INT64_C(1) << 50)
#define SBX_PIDS_LIMIT_MIN   2
#define SBX_PIDS_LIMIT_MAX   4194304 /* PID_MAX_LIMIT of the kernel */
#define SBX_NANO_CPUS_MIN    INT64_C(10000000)
#define SBX_NANO_CPUS_MAX    (4096 * INT64_C(1000000000))
#define SBX_STREAM_LIMIT_MAX (INT64_C(1) << 30)
#define SBX_CONCURRENCY_MAX  1024
#define SBX_WAITING_MAX	     4096	/* sandboxes */
#define SBX_ID_MAX	     2147483647 /* what engines take as uid or gid */
#define SBX_GPUS_MAX	     64
#define SBX_GPUS_ALL	     (-1) /* what engines call all of them */

/* How many there may be: of actions, tests; of entries in an action's. */
#define SBX_ACTIONS_MAX 128
#define SBX_TESTS_MAX	1000
#define SBX_MOUNTS_MAX	64
#define SBX_DEVICES_MAX 32
#define SBX_SECRETS_MAX 64
#define SBX_STRINGS_MAX 512
/* Bytes: of one string to a program (MAX_ARG_STRLEN of Linux), of all. */
#define SBX_STRING_SIZE_MAX  (128 * 1024 - 1)
#define SBX_STRINGS_SIZE_MAX (512 * 1024)

/*
 * One entry of "tests:".
 *
 * @action	as written; known to exist
 * @input	JSON, never NULL ({} when not given)
 * @secrets	object of texts, what the action gets for its secrets; or NULL
 * @expect	object with any of: status, outcome, output (exact),
 *		output_subset, error_contains, stderr_contains
 * @line	where it stands
 */
struct sbx_skill_test {
	char *name; /* "name:" or "ACTION #N" */
	char *action;
	json_t *input;
	json_t *secrets;
	json_t *expect;
	unsigned int line;
};

/*
 * @license	an SPDX expression or a sentence, one line; or NULL
 * @image, @build	exactly one is set: "name@sha256:...", or how it is built
 * @volumes	how some of the skill's volumes are made: {NAME: {"driver",
 *		"driver_opts": {"type", "o", "device"}}}, or NULL
 */
struct sbx_manifest {
	char *name;
	char *version;
	char *description;
	char *license;
	char *image;
	struct sbx_build *build;
	json_t *volumes;
	struct sbx_action *actions; /* in the file's order */
	size_t n_actions;
	struct sbx_skill_test *tests;
	size_t n_tests;
};

/*
 * Parses skill.yaml.  @name is the directory's name, which the manifest's
 * must equal.  All errors of the file are collected in @problems; with at
 * least one the result is -1, INVALID, and *@out is untouched.  @file is what
 * the error's message calls the file: "FILE:LINE:COLUMN: first problem (and
 * N more)".
 */
int sbx_manifest_parse(const char *data, size_t size, const char *name,
		       const char *file, struct sbx_manifest **out,
		       struct sbx_problems *problems, struct sbx_error *err);
void sbx_manifest_free(struct sbx_manifest **manifest);

/* By name; NULL when there is none. */
const struct sbx_action *
sbx_manifest_action(const struct sbx_manifest *manifest, const char *name);

/* NULL-terminated names of all actions, borrowed strings; free() the list. */
const char **sbx_manifest_action_names(const struct sbx_manifest *manifest);

/* How the image that @action runs in is built; NULL: it is @image. */
const struct sbx_build *sbx_manifest_build(const struct sbx_manifest *manifest,
					   const struct sbx_action *action);

/*
 * One action for each image that there has to be, the first that runs in it,
 * NULL-terminated; free() the list.
 */
const struct sbx_action **
sbx_manifest_images(const struct sbx_manifest *manifest);

/* The first action without a build of its own, or NULL. */
const struct sbx_action *
sbx_manifest_shares_image(const struct sbx_manifest *manifest);

/*
 * The manifest with all defaults filled in, in the manifest's own words and a
 * fixed order; new reference.  Parsing it again gives the same manifest.
 */
json_t *sbx_manifest_json(const struct sbx_manifest *manifest);

/* Deep copy, and what frees its members (not the struct itself). */
void sbx_action_copy(struct sbx_action *to, const struct sbx_action *from);
void sbx_action_clear(struct sbx_action *action);

/* Appends a copy of a mount; @source and @target are copied. */
void sbx_action_add_volume(struct sbx_action *action, const char *source,
			   const char *target, bool read_only);

/* The same of one that is there already. */
void sbx_action_copy_volume(struct sbx_action *action,
			    const struct sbx_mount *mount);

void sbx_action_clear_volumes(struct sbx_action *action);

void sbx_action_add_tmpfs(struct sbx_action *action, const char *target,
			  int64_t size, bool exec);
void sbx_action_clear_tmpfs(struct sbx_action *action);

/* Appends a copy. */
void sbx_action_add_secret(struct sbx_action *action,
			   const struct sbx_secret_use *use);
void sbx_action_clear_secrets(struct sbx_action *action);

/* Whether one of them is called @name. */
bool sbx_action_names_secret(const struct sbx_action *action, const char *name);

/* Where the files are; whether there are any. */
#define SBX_SECRETS_DIR "/run/secrets"
bool sbx_action_wants_secret_files(const struct sbx_action *action);

/* Appends a copy. */
void sbx_action_add_device(struct sbx_action *action, const char *source,
			   const char *target, unsigned int access);
void sbx_action_clear_devices(struct sbx_action *action);

/* Sets the limit @name, which may be there already. */
void sbx_action_set_ulimit(struct sbx_action *action, const char *name,
			   int64_t soft, int64_t hard);

/*
 * True when two mounts (volumes, tmpfs, directories of files) of @action have
 * the same target or one is inside the other; *@a and *@b are their targets
 * then, borrowed.
 */
bool sbx_action_overlap(const struct sbx_action *action, const char **a,
			const char **b);

/*
 * "SOURCE:TARGET[:ro|rw[,rslave]]" as on the command line and in "volumes:".
 * False with the reason in @why (static text).
 */
bool sbx_mount_parse(const char *text, struct sbx_mount *out, const char **why);

/* The same from its parts, which are checked, normalized and copied. */
bool sbx_mount_fill(struct sbx_mount *out, const char *source,
		    const char *target, bool read_only, const char **why);
void sbx_mount_clear(struct sbx_mount *mount);

/* The words: "none", "bridge", "host"; "stdin"; "auto"... */
const char *sbx_network_name(enum sbx_network network);
bool sbx_network_parse(const char *text, enum sbx_network *out);

#endif
