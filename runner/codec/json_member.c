/* SPDX-License-Identifier: MIT */
#include "codec/json_member.h"

#include <stdbool.h>
#include <string.h>

#include <jansson.h>

/* What is walked over is known to be valid. */
struct walk {
	const char *at;
	const char *end;
};

static void skip_blanks(struct walk *walk)
{
	while (walk->at < walk->end && strchr(" \t\r\n", *walk->at))
		walk->at++;
}

static void skip_string(struct walk *walk)
{
	for (walk->at++; walk->at < walk->end && *walk->at != '"'; walk->at++) {
		if (*walk->at == '\\')
			walk->at++;
	}
	walk->at++;
}

/* To the comma or bracket behind the value. */
static void skip_value(struct walk *walk)
{
	size_t depth = 0;

	while (walk->at < walk->end) {
		char c = *walk->at;

		if (c == '"') {
			skip_string(walk);
			continue;
		}
		if (depth == 0 && (c == ',' || c == '}' || c == ']'))
			return;
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		walk->at++;
	}
}

/* A key may be written with escapes. */
static bool is_key(const char *text, size_t size, const char *name)
{
	json_auto_t *key = json_loadb(text, size, JSON_DECODE_ANY, NULL);

	return json_is_string(key) && strcmp(json_string_value(key), name) == 0;
}

const char *sbx_json_member(const char *text, size_t size, const char *name,
			    size_t *member_size)
{
	struct walk walk = { text, text + size };

	skip_blanks(&walk);
	while (walk.at < walk.end && *walk.at != '}') {
		const char *key;
		const char *value;
		bool is_it;

		walk.at++; /* the brace, or a comma */
		skip_blanks(&walk);
		key = walk.at;
		if (walk.at >= walk.end || *key != '"')
			break;
		skip_string(&walk);
		is_it = is_key(key, (size_t)(walk.at - key), name);
		skip_blanks(&walk);
		walk.at++; /* the colon */
		skip_blanks(&walk);
		value = walk.at;
		skip_value(&walk);
		if (is_it) {
			while (walk.at > value &&
			       strchr(" \t\r\n", walk.at[-1]))
				walk.at--;
			*member_size = (size_t)(walk.at - value);
			return value;
		}
	}
	return NULL;
}
