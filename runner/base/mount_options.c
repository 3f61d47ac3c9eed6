/* SPDX-License-Identifier: MIT */
#include "base/mount_options.h"

#include <string.h>
#include <strings.h>

size_t sbx_mount_option_next(const char **rest, const char **option)
{
	size_t length;

	*option = *rest + strspn(*rest, ", ");
	length = strcspn(*option, ",");
	*rest = *option + length;
	return length;
}

bool sbx_mount_option_is(const char *option, size_t length, const char *name)
{
	return strlen(name) == length && strncasecmp(option, name, length) == 0;
}

bool sbx_mount_option_in(const char *options, const char *name)
{
	const char *option;
	size_t length;

	while ((length = sbx_mount_option_next(&options, &option)) > 0) {
		if (sbx_mount_option_is(option, length, name))
			return true;
	}
	return false;
}
