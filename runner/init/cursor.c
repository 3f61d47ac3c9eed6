/* SPDX-License-Identifier: MIT */
#include "init/cursor.h"

#include <stddef.h>
#include <string.h>

char *sbx_cursor_string(struct sbx_cursor *cursor)
{
	size_t left = (size_t)(cursor->end - cursor->at);
	char *string = (char *)cursor->at;
	size_t size = strnlen(string, left);

	if (size == left)
		return NULL;
	cursor->at += size + 1;
	return string;
}

bool sbx_cursor_strings(struct sbx_cursor *cursor, char **list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		list[i] = sbx_cursor_string(cursor);
		if (!list[i])
			return false;
	}
	list[count] = NULL;
	return true;
}
