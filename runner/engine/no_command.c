/* SPDX-License-Identifier: MIT */
#include "engine/no_command.h"

#include <string.h>

/*
 * What the OCI runtimes say when the entrypoint itself is the trouble: runc
 * 1.1 and before ('exec: "x": executable file not found in $PATH', 'exec:
 * "x": permission denied', 'exec format error'), crun 1.8 ('executable file
 * `x` not found', 'open executable: Permission denied') and 1.21 ('the path
 * `x` exists but it is not executable'), Podman's own
 * words, and runsc.  A mount or a profile that fails says "no such file"
 * too, so that these words alone decide nothing.
 */
bool sbx_no_command(const struct sbx_http_response *response)
{
	static const char *const phrases[] = {
		"exec: \"",
		"exec format error",
		"executable file",
		"open executable",
		"but it is not executable",
		"` is not a regular file",
		"command that was not found",
		"command was not found",
		"finding executable",
	};

	/* Docker; Podman's attach; anybody's start. */
	if (response->status != 400 && response->status != 409 &&
	    response->status != 500)
		return false;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(phrases); i++) {
		if (strcasestr(response->message, phrases[i]))
			return true;
	}
	return false;
}
