/* SPDX-License-Identifier: MIT */
#include "base/words.h"

#include <string.h>

#define BLANKS " \t\n\r"

/* What is between single quotes; NULL when the second one is missing. */
static const char *take_single(const char *text, char **to)
{
	const char *end = strchr(text, '\'');

	if (!end)
		return NULL;
	memcpy(*to, text, (size_t)(end - text));
	*to += end - text;
	return end + 1;
}

/* What is between double quotes, where a backslash escapes only \ " $ ` */
static const char *take_double(const char *text, char **to)
{
	for (; *text != '"'; text++) {
		if (*text == '\\' && text[1] != '\0' &&
		    strchr("\\\"$`", text[1]))
			text++;
		if (*text == '\0')
			return NULL;
		*(*to)++ = *text;
	}
	return text + 1;
}

/* One word, unquoted, to @to; what follows it, or NULL. */
static const char *take_word(const char *text, char *to)
{
	while (text && *text != '\0' && !strchr(BLANKS, *text)) {
		if (*text == '\'') {
			text = take_single(text + 1, &to);
		} else if (*text == '"') {
			text = take_double(text + 1, &to);
		} else {
			if (*text == '\\' && *++text == '\0')
				return NULL;
			*to++ = *text++;
		}
	}
	*to = '\0';
	return text;
}

bool sbx_words_split(const char *text, struct sbx_strv *out)
{
	cleanup_free char *word = sbx_malloc(strlen(text) + 1);

	while (*(text += strspn(text, BLANKS)) != '\0') {
		text = take_word(text, word);
		if (!text)
			return false;
		sbx_strv_push(out, word);
	}
	return true;
}
