/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/text.h"
#include "codec/json.h"
#include "codec/schema_node.h"

#define SHOWN_MAX 60
#define TEXT_MAX  1000

void sbx_schema_problems_free(struct sbx_schema_problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		free(problems->v[i].place);
		free(problems->v[i].rule);
		free(problems->v[i].text);
	}
	free(problems->v);
	*problems = (struct sbx_schema_problems)SBX_SCHEMA_PROBLEMS_INIT;
}

/* @text harmless and not too long; whole characters. */
static void put_safe(struct sbx_buf *out, const char *text, size_t max)
{
	size_t size = strlen(text);
	bool cut = size > max;

	if (cut) {
		for (size = max; size > 0 && (text[size] & 0xc0) == 0x80;)
			size--;
	}
	sbx_text_escape(out, text, size, false);
	if (cut)
		sbx_buf_puts(out, "...");
}

/* Escaping makes a byte at most "\u{10FFFF}" long. */
static char *safe(char *text)
{
	struct sbx_buf out = SBX_BUF_INIT(16 * TEXT_MAX);

	if (!text)
		return NULL;
	put_safe(&out, text, TEXT_MAX);
	free(text);
	return out.data ? sbx_buf_take(&out) : sbx_strdup("");
}

void sbx_schema_problems_add(struct sbx_schema_problems *problems, char *place,
			     char *rule, char *text)
{
	size_t size = (problems->n + 1) * sizeof(*problems->v);

	problems->v = sbx_realloc(problems->v, size);
	problems->v[problems->n++] = (struct sbx_schema_problem){
		.place = safe(place),
		.rule = safe(rule),
		.text = safe(text),
	};
}

/* As many as fit; the rest is counted. */
int sbx_schema_problems_error(const struct sbx_schema_problems *problems,
			      enum sbx_outcome outcome, const char *what,
			      struct sbx_error *err)
{
	struct sbx_buf all = SBX_BUF_INIT(sizeof(err->message) - 160);
	size_t shown = 0;

	for (; shown < problems->n; shown++) {
		const struct sbx_schema_problem *problem = &problems->v[shown];
		size_t before = all.len;

		if (!sbx_buf_printf(&all, "%s%s%s%s", shown ? "; " : "",
				    problem->place, *problem->place ? ": " : "",
				    problem->text) &&
		    shown > 0) {
			all.len = before;
			all.data[before] = '\0';
			break;
		}
	}
	shown = problems->n + problems->dropped - shown;
	if (shown > 0)
		sbx_error_set(err, outcome, "%s: %s (and %zu more)", what,
			      sbx_buf_text(&all), shown);
	else
		sbx_error_set(err, outcome, "%s: %s", what, sbx_buf_text(&all));
	sbx_buf_free(&all);
	return -1;
}

void sbx_schema_put_value(struct sbx_buf *out, const json_t *value)
{
	cleanup_free char *line = NULL;

	switch (json_typeof(value)) {
	case JSON_ARRAY:
		sbx_buf_printf(out, "a list of %zu", json_array_size(value));
		break;
	case JSON_OBJECT:
		sbx_buf_puts(out, "an object");
		break;
	case JSON_STRING:
		sbx_buf_puts(out, "\"");
		put_safe(out, json_string_value(value), SHOWN_MAX);
		sbx_buf_puts(out, "\"");
		break;
	default:
		line = sbx_json_line(value);
		sbx_buf_puts(out, line);
	}
}

/* --- pointers -------------------------------------------------------------- */

void sbx_schema_put_token(struct sbx_buf *out, const char *token)
{
	sbx_buf_puts(out, "/");
	for (; *token; token++) {
		if (*token == '~')
			sbx_buf_puts(out, "~0");
		else if (*token == '/')
			sbx_buf_puts(out, "~1");
		else
			sbx_buf_append(out, token, 1);
	}
}

void sbx_schema_put_node(struct sbx_buf *out,
			 const struct sbx_schema_node *node)
{
	if (!node->up)
		return;
	sbx_schema_put_node(out, node->up);
	sbx_schema_put_token(out, node->keyword);
	if (node->name)
		sbx_schema_put_token(out, node->name);
	else if (node->is_element)
		sbx_buf_printf(out, "/%zu", node->index);
}
