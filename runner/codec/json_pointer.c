/* SPDX-License-Identifier: MIT */
#include "codec/json_pointer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool sbx_json_pointer_is(const char *pointer)
{
	if (*pointer != '/' && *pointer != '\0')
		return false;
	for (const char *at = pointer; (at = strchr(at, '~')); at += 2) {
		if (at[1] != '0' && at[1] != '1')
			return false;
	}
	return true;
}

/* The token at the start of *@pointer, behind its "/"; owned by the caller. */
static char *next_token(const char **pointer)
{
	size_t size = strcspn(*pointer + 1, "/");
	char *token = sbx_strndup(*pointer + 1, size);
	char *to = token;

	for (const char *from = token; *from; from++) {
		*to = *from;
		if (*from == '~') {
			from++;
			*to = *from == '1' ? '/' : '~';
		}
		to++;
	}
	*to = '\0';
	*pointer += 1 + size;
	return token;
}

/* "0", "12"; no signs and no leading zeros. */
static json_t *element(const json_t *list, const char *token)
{
	size_t size = strlen(token);

	if (size == 0 || size > 9 || token[strspn(token, "0123456789")] ||
	    (token[0] == '0' && size > 1))
		return NULL;
	return json_array_get(list, strtoul(token, NULL, 10));
}

json_t *sbx_json_pointer_get(const json_t *value, const char *pointer)
{
	const json_t *at = value;

	while (at && *pointer) {
		cleanup_free char *token = next_token(&pointer);

		at = json_is_array(at) ? element(at, token)
				       : json_object_get(at, token);
	}
	return (json_t *)at;
}
