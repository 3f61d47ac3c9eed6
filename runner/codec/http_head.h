/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_HTTP_HEAD_H
#define SBX_CODEC_HTTP_HEAD_H

#include <stdbool.h>
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
 * @chunked		Transfer-Encoding: chunked, the only one that is known
 * @close		the connection will be closed behind the answer
 */
struct sbx_http_head {
	int status;
	int64_t content_length;
	bool chunked;
	bool close;
};

#define SBX_HTTP_HEAD_MAX 65536

/*
 * Parses what has come so far.  How many bytes the head takes, 0 when it is
 * not complete yet, or -1 with UNAVAILABLE when it never will be: not
 * HTTP/1.x, a malformed line, or more than SBX_HTTP_HEAD_MAX bytes.
 */
ssize_t sbx_http_head_parse(const char *data, size_t size,
			    struct sbx_http_head *head, struct sbx_error *err);

/*
 * The value of @line, a header field without its end of line, when the field
 * is called @name: points into @line, without blanks around it, its size in
 * *@value_size.  NULL when it is another field.
 */
const char *sbx_http_head_field(const char *line, size_t size, const char *name,
				size_t *value_size);

#endif
