/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_YAML_SCALAR_H
#define SBX_CODEC_YAML_SCALAR_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/*
 * What a scalar means by the core schema, YAML 1.2.2 section 10.3.2.
 *
 * @tag		full tag ("tag:yaml.org,2002:int") or NULL
 * @plain	not quoted, no block scalar
 * Result	new reference; NULL when it cannot be, with the reason in @why
 *		(static text)
 */
json_t *sbx_yaml_scalar(const char *text, size_t size, const char *tag,
			bool plain, const char **why);

#define SBX_YAML_TAG_PREFIX "tag:yaml.org,2002:"

#endif
