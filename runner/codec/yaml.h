/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_YAML_H
#define SBX_CODEC_YAML_H

#include <stddef.h>

#include <jansson.h>

#include "base/error.h"
#include "base/strv.h"

/*
 * YAML to JSON, with the place of every value.  Scalars are resolved by the
 * YAML 1.2 core schema (so "no" is a string and 0o17 is fifteen), and only
 * what JSON can express is accepted: string keys, one document, no tags but
 * the core schema's, no NaN or infinity.  Duplicate keys are errors.  Aliases
 * are followed; what they expand to counts against the limits.  The merge key
 * "<<" of YAML 1.1 is a key like any other.
 */
struct sbx_yaml;

#define SBX_YAML_DEPTH_MAX  64
#define SBX_YAML_NODES_MAX  100000
#define SBX_YAML_TEXT_MAX   (16 * 1024 * 1024) /* bytes in all scalars */
#define SBX_YAML_FAULTS_MAX 100

struct sbx_yaml_place {
	unsigned int line;   /* from 1 */
	unsigned int column; /* from 1, in characters */
};

/*
 * Parses @data.  0, or -1 with INVALID, the message starting "LINE:COLUMN: ".
 *
 * SBX_YAML_FAULTY: it can be read but for faults in single places, such as a
 * duplicate key.  *@out is what the rest says, sbx_yaml_faults() has them all,
 * and @err the first of them.
 */
#define SBX_YAML_FAULTY 1
int sbx_yaml_parse(const char *data, size_t size, struct sbx_yaml **out,
		   struct sbx_error *err);
void sbx_yaml_free(struct sbx_yaml **yaml);

/* Lines "LINE:COLUMN: ...", in order, at most SBX_YAML_FAULTS_MAX. */
const struct sbx_strv *sbx_yaml_faults(const struct sbx_yaml *yaml);

/*
 * The document as JSON: borrowed, lives as long as @yaml.  What is aliased is
 * the same value in each place: not to be changed.
 */
json_t *sbx_yaml_root(const struct sbx_yaml *yaml);

/*
 * Where the value at JSON Pointer @pointer stands ("" is the document), or
 * where its key stands.  A pointer that is not there: the nearest parent.
 */
struct sbx_yaml_place sbx_yaml_value_place(const struct sbx_yaml *yaml,
					   const char *pointer);
struct sbx_yaml_place sbx_yaml_key_place(const struct sbx_yaml *yaml,
					 const char *pointer);

#endif
