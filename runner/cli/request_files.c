/* SPDX-License-Identifier: MIT */
#include "cli/request.h"

#include <string.h>

#include "base/mem.h"

/* More than any action's files.limit. */
#define FILE_SIZE_MAX ((size_t)1 << 30)

static int add_file(const char *option, int cancel_fd, struct sbx_files *out,
		    struct sbx_error *err)
{
	cleanup_buf struct sbx_buf data = SBX_BUF_INIT(FILE_SIZE_MAX);
	cleanup_free char *name = sbx_strndup(option, strcspn(option, "="));
	cleanup_free unsigned char *bytes = NULL;
	const char *path = option + strlen(name);
	size_t size;

	if (!*name || *path != '=' || !path[1])
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "--file: '%s' is not NAME=PATH", option);
	if (sbx_request_read_file(path + 1, cancel_fd, &data, err) < 0)
		return sbx_error_wrap(err, "--file %s", name);
	size = data.len;
	bytes = (unsigned char *)sbx_buf_take(&data);
	return sbx_files_add(out, name, &bytes, size, err);
}

int sbx_request_files(const struct sbx_strv *options, int cancel_fd,
		      struct sbx_files *out, struct sbx_error *err)
{
	for (size_t i = 0; i < options->n; i++) {
		if (add_file(options->v[i], cancel_fd, out, err) < 0)
			return -1;
	}
	return 0;
}
