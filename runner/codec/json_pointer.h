/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_JSON_POINTER_H
#define SBX_CODEC_JSON_POINTER_H

#include <stdbool.h>

#include <jansson.h>

/* JSON Pointer, RFC 6901, in its plain form (not that of a URI). */

bool sbx_json_pointer_is(const char *pointer);

/*
 * What @pointer, which is one, points to in @value: borrowed, or NULL where
 * there is nothing.
 */
json_t *sbx_json_pointer_get(const json_t *value, const char *pointer);

#endif
