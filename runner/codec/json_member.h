/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_JSON_MEMBER_H
#define SBX_CODEC_JSON_MEMBER_H

#include <stddef.h>

/*
 * The text of member @name of the object @text (known to be valid JSON): where
 * it begins, and its size; NULL when there is none.  Whoever passes on a part
 * of a document so passes on the bytes that were written.
 */
const char *sbx_json_member(const char *text, size_t size, const char *name,
			    size_t *member_size);

#endif
