/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_FILE_JSON_H
#define SBX_SERVE_FILE_JSON_H

#include <stddef.h>

#include <jansson.h>

/*
 * The bytes of a file in JSON: {"text": "..."} or {"base64": "..."} (RFC 4648,
 * section 4).
 */

/*
 * What @value has, of which it is the only member; *@size bytes, free().  NULL
 * for anything else.
 */
unsigned char *sbx_file_json_decode(const json_t *value, size_t *size);

/* Sets the one of them that fits in @object. */
void sbx_file_json_set(json_t *object, const void *data, size_t size);

#endif
