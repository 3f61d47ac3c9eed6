/* SPDX-License-Identifier: MIT */
#include "codec/json_lines.h"

#include <string.h>

int sbx_json_lines_flush(struct sbx_json_lines *lines, sbx_json_lines_sink sink,
			 void *ctx, struct sbx_error *err)
{
	struct sbx_buf *line = &lines->line;
	json_auto_t *value = NULL;
	json_error_t why;

	if (strspn(sbx_buf_text(line), " \t\r") == line->len) {
		sbx_buf_consume(line, line->len);
		return 0;
	}
	value = json_loadb(line->data, line->len, JSON_ALLOW_NUL, &why);
	sbx_buf_consume(line, line->len);
	if (json_is_object(value))
		return sink(ctx, value, err);
	return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
			     "a line of the stream is no JSON object%s%s",
			     value ? "" : ": ", value ? "" : why.text);
}

int sbx_json_lines_feed(struct sbx_json_lines *lines, const char *data,
			size_t size, sbx_json_lines_sink sink, void *ctx,
			struct sbx_error *err)
{
	while (size > 0) {
		const char *newline = memchr(data, '\n', size);
		size_t part = newline ? (size_t)(newline - data) : size;

		if (sbx_buf_append(&lines->line, data, part) < part)
			return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
					     "a line of the stream is longer "
					     "than %zu bytes",
					     lines->line.max);
		if (!newline)
			return 0;
		if (sbx_json_lines_flush(lines, sink, ctx, err) < 0)
			return -1;
		data += part + 1;
		size -= part + 1;
	}
	return 0;
}

void sbx_json_lines_free(struct sbx_json_lines *lines)
{
	sbx_buf_free(&lines->line);
}
