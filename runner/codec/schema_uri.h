/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_SCHEMA_URI_H
#define SBX_CODEC_SCHEMA_URI_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What @reference means where @base is what it is relative to (RFC 3986,
 * section 5.2), without its fragment, which goes to *@fragment (after the "#",
 * "" for none; a part of @reference).  @base may be relative itself, or "".
 * free().
 */
char *sbx_schema_uri_resolve(const char *base, const char *reference,
			     const char **fragment);

/*
 * The bytes that @text stands for ("%25" is "%"); free().  NULL where an escape
 * is none, or stands for a NUL.
 */
char *sbx_schema_uri_decode(const char *text);

#endif
