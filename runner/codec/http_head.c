/* SPDX-License-Identifier: MIT */
#include "codec/http_head.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static int not_http(struct sbx_error *err, const char *what)
{
	return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
			     "the answer is not HTTP/1.1: %s", what);
}

/*
 * The bytes up to and with the empty line that ends a head, or 0.  Lines may
 * end with a bare LF (RFC 9112, section 2.2).
 */
static size_t head_size(const char *data, size_t size)
{
	const char *end = data + size;
	const char *line = data;
	const char *newline;

	while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
		size_t length = (size_t)(newline - line);

		if (length == 0 || (length == 1 && line[0] == '\r'))
			return line == data ? 0 : (size_t)(newline + 1 - data);
		line = newline + 1;
	}
	return 0;
}

/* What has come must be how an answer begins, be it a part of that only. */
static bool may_begin(const char *data, size_t size)
{
	static const char begin[] = "HTTP/1.";
	size_t known = strlen(begin);

	return memcmp(data, begin, size < known ? size : known) == 0;
}

/* "HTTP/1.1 101 UPGRADED"; the reason may be missing. */
static int parse_status(const char *line, size_t size,
			struct sbx_http_head *head, struct sbx_error *err)
{
	const char *at = line + strlen("HTTP/1.x");

	if (size < strlen("HTTP/1.x 101") || !isdigit((unsigned char)at[-1]) ||
	    at[0] != ' ' || !isdigit((unsigned char)at[1]) ||
	    !isdigit((unsigned char)at[2]) || !isdigit((unsigned char)at[3]))
		return not_http(err, "malformed status line");
	if (size > strlen("HTTP/1.x 101") && at[4] != ' ')
		return not_http(err, "malformed status line");
	/* HTTP/1.0 closes, and knows no other way to end a body. */
	head->close = at[-1] == '0';
	head->status = (at[1] - '0') * 100 + (at[2] - '0') * 10 + at[3] - '0';
	if (head->status < 100 || head->status > 599)
		return not_http(err, "malformed status line");
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

const char *sbx_http_head_field(const char *line, size_t size, const char *name,
				size_t *value_size)
{
	size_t skip = strlen(name);
	const char *end = line + size;

	if (size <= skip || strncasecmp(line, name, skip) != 0 ||
	    line[skip] != ':')
		return NULL;
	line += skip + 1;
	while (line < end && is_blank(*line))
		line++;
	while (line < end && is_blank(end[-1]))
		end--;
	*value_size = (size_t)(end - line);
	return line;
}

static int parse_length(const char *value, size_t size,
			struct sbx_http_head *head, struct sbx_error *err)
{
	int64_t length = 0;

	if (size == 0 || size > 18)
		return not_http(err, "malformed Content-Length");
	for (size_t i = 0; i < size; i++) {
		if (!isdigit((unsigned char)value[i]))
			return not_http(err, "malformed Content-Length");
		length = length * 10 + (value[i] - '0');
	}
	/* Two that differ are how answers are smuggled (RFC 9112, 6.3). */
	if (head->content_length >= 0 && head->content_length != length)
		return not_http(err, "two Content-Lengths");
	head->content_length = length;
	return 0;
}

static bool is_word(const char *value, size_t size, const char *word)
{
	return size == strlen(word) && strncasecmp(value, word, size) == 0;
}

static int parse_field(const char *line, size_t size,
		       struct sbx_http_head *head, struct sbx_error *err)
{
	const char *colon = memchr(line, ':', size);
	const char *value;
	size_t length;

	if (!colon || colon == line)
		return not_http(err, "malformed header field");
	value = sbx_http_head_field(line, size, "Content-Length", &length);
	if (value)
		return parse_length(value, length, head, err);
	value = sbx_http_head_field(line, size, "Transfer-Encoding", &length);
	if (value && !is_word(value, length, "chunked"))
		return not_http(err, "unknown Transfer-Encoding");
	if (value)
		head->chunked = true;
	value = sbx_http_head_field(line, size, "Connection", &length);
	if (value && is_word(value, length, "close"))
		head->close = true;
	return 0;
}

static int parse_lines(const char *data, size_t size,
		       struct sbx_http_head *head, struct sbx_error *err)
{
	const char *line = data;
	const char *end = data + size;

	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)(newline - line);
		int ret;

		if (length > 0 && line[length - 1] == '\r')
			length--;
		if (length == 0)
			return 0;
		if (line == data)
			ret = parse_status(line, length, head, err);
		else
			ret = parse_field(line, length, head, err);
		if (ret < 0)
			return -1;
		line = newline + 1;
	}
	return 0;
}

ssize_t sbx_http_head_parse(const char *data, size_t size,
			    struct sbx_http_head *head, struct sbx_error *err)
{
	struct sbx_http_head parsed = { .content_length = -1 };
	size_t seen = size < SBX_HTTP_HEAD_MAX ? size : SBX_HTTP_HEAD_MAX;
	size_t used = head_size(data, seen);

	if (!may_begin(data, seen))
		return not_http(err, "it does not begin with HTTP/1");
	if (used == 0 && size >= SBX_HTTP_HEAD_MAX)
		return not_http(err, "its head has no end");
	if (used == 0)
		return 0;
	if (parse_lines(data, used, &parsed, err) < 0)
		return -1;
	*head = parsed;
	return (ssize_t)used;
}
