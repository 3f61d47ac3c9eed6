/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_JSON_H
#define SBX_CODEC_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"

/* Helpers over jansson, which is used as it is everywhere else. */

/*
 * Parses one JSON value of any type.  Duplicate keys, trailing bytes, invalid
 * UTF-8 and U+0000 in a key are errors: INVALID, "line 1, column 5: ...".
 * New reference.
 */
int sbx_json_parse(const char *data, size_t size, json_t **out,
		   struct sbx_error *err);

/*
 * Follows member names from @value, up to a NULL: borrowed reference, or
 * NULL where a member is missing or its parent is no object.
 */
json_t *sbx_json_at(const json_t *value, ...) __attribute__((sentinel));

/* The string at such a path, or NULL when it is not there or no string. */
const char *sbx_json_text_at(const json_t *value, ...)
	__attribute__((sentinel));

/* The text of a string without U+0000; NULL for anything else. */
const char *sbx_json_plain_text(const json_t *value);

/* The integer at such a path, or @missing. */
json_int_t sbx_json_int_at(json_int_t missing, const json_t *value, ...)
	__attribute__((sentinel));

/* True only when there is a true at such a path. */
bool sbx_json_true_at(const json_t *value, ...) __attribute__((sentinel));

/* null, or an object of nothing: what is given when nothing is. */
bool sbx_json_says_nothing(const json_t *value);

/* An array of strings as JSON, in order; new reference. */
json_t *sbx_json_strings(char *const *list);

/* A list of "NAME=value" as an object, in order; new reference. */
json_t *sbx_json_variables(char *const *list);

/* One line, members in their order; free with free(). */
char *sbx_json_line(const json_t *value);

/* Indented by two, for people; free with free(). */
char *sbx_json_pretty(const json_t *value);

/*
 * Describes how @actual differs from @expected, a line per difference, each
 * with its JSON Pointer (RFC 6901), expected and actual value.  With @subset,
 * members of objects that are only in @actual do not count (array elements
 * do).  Numbers compare by value: 1 equals 1.0.  True when they are equal.
 */
bool sbx_json_diff(struct sbx_buf *out, const json_t *expected,
		   const json_t *actual, bool subset);

#endif
