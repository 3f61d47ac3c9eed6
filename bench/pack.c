/* SPDX-License-Identifier: MIT */
/*
 * usage: pack DIRECTORY
 *
 * Writes the build context in DIRECTORY to standard output, as it would go
 * to the engine: what the bench compares with tar.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "skill/context.h"

static int pack(struct sbx_context *context, struct sbx_error *err)
{
	static char data[64 * 1024];
	size_t got;

	do {
		if (sbx_context_read(context, data, sizeof(data), &got, err))
			return -1;
		if (sbx_fd_write_all(STDOUT_FILENO, data, got))
			return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
					     "cannot write");
	} while (got > 0);
	return 0;
}

int main(int argc, char **argv)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_context *context = NULL;
	int result;

	if (argc != 2) {
		fprintf(stderr, "usage: pack DIRECTORY\n");
		return 64;
	}
	result = sbx_context_open(&context, argv[1], "Dockerfile", &err);
	if (result == 0)
		result = pack(context, &err);
	sbx_context_free(&context);
	if (result)
		fprintf(stderr, "pack: %s\n", err.message);
	return result ? 1 : 0;
}
