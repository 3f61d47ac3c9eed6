/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_POLICY_FILE_H
#define SBX_SKILL_POLICY_FILE_H

#include <stddef.h>

#include <jansson.h>

#include "base/error.h"
#include "codec/problems.h"
#include "skill/policy.h"

/*
 * Parses a policy.  Pure.  All errors are collected in @problems; with at
 * least one the result is -1, MISCONFIGURED, and *@out is untouched.  @file is
 * what the error's message calls it, and what is kept in @out (NULL: the
 * built-in one).
 */
int sbx_policy_parse(const char *data, size_t size, const char *file,
		     struct sbx_policy *out, struct sbx_problems *problems,
		     struct sbx_error *err);

/*
 * Reads the policy of this host: @path, or $SKILLBOX_POLICY when that is NULL,
 * or /etc/skillbox/policy.yaml if it is there, or the built-in one, which is
 * manifests/policy.yaml.  @problems gets all errors, the file in front of each.
 * MISCONFIGURED when it cannot be read, belongs to
 * somebody else than root and us, can be written by others, or has an error:
 * a policy that fails never falls back on another.
 */
int sbx_policy_open(const char *path, struct sbx_policy *out,
		    struct sbx_problems *problems, struct sbx_error *err);

/*
 * What sbx_policy_open() would have as "hash", without a look at what the text
 * says.  MISCONFIGURED as there.
 */
int sbx_policy_hash(const char *path, char out[static SBX_HASH_HEX_SIZE],
		    struct sbx_error *err);

/*
 * The file that both read: @path, or $SKILLBOX_POLICY; NULL where neither names
 * one.  Then it is this one, if it is there.
 */
const char *sbx_policy_named(const char *path);
#define SBX_POLICY_SYSTEM "/etc/skillbox/policy.yaml"

/* manifests/policy.yaml as it was built in; static. */
const char *sbx_policy_builtin(size_t *size);

/*
 * The keys a policy may have, by where: {"": [...], "skills": [...], ...}; new
 * reference.  For the test that holds manifests/policy.schema.json against it.
 */
json_t *sbx_policy_keys(void);

#endif
