/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_HTTP_HEAD_H
#define SBX_CODEC_HTTP_HEAD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * The head of an HTTP/1.1 answer (RFC 9112): status line and header fields,
 * up to and with the empty line.
 *
 * @status		100 to 599
 * @content_length	-1 when there is no such field
 */
struct sbx_http_head {
	int status;
	int64_t content_length;
};

#define SBX_HTTP_HEAD_MAX 65536

/*
 * Parses what has come so far.  How many bytes the head takes, 0 when it is
 * not complete yet, or -1 with UNAVAILABLE when it never will be: not
 * HTTP/1.x, a malformed line, or more than SBX_HTTP_HEAD_MAX bytes.
 */
ssize_t sbx_http_head_parse(const char *data, size_t size,
			    struct sbx_http_head *head, struct sbx_error *err);

#endif
