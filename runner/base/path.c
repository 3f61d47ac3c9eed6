/* SPDX-License-Identifier: MIT */
#include "base/path.h"

#include <string.h>

#include "base/mem.h"

char *sbx_path_normalize(const char *path)
{
	cleanup_free char *out = sbx_malloc(strlen(path) + 2);
	char *to = out;

	if (*path != '/')
		return NULL;
	while (*(path += strspn(path, "/")) != '\0') {
		size_t size = strcspn(path, "/");

		if (size == 2 && memcmp(path, "..", 2) == 0)
			return NULL;
		if (size != 1 || *path != '.') {
			*to++ = '/';
			memcpy(to, path, size);
			to += size;
		}
		path += size;
	}
	if (to == out)
		*to++ = '/';
	*to = '\0';
	return sbx_take(out);
}

bool sbx_path_is_within(const char *path, const char *directory)
{
	size_t size = strlen(directory);

	if (size == 1)
		return true;
	return strncmp(path, directory, size) == 0 &&
	       (path[size] == '\0' || path[size] == '/');
}

bool sbx_path_overlaps(const char *a, const char *b)
{
	return sbx_path_is_within(a, b) || sbx_path_is_within(b, a);
}
