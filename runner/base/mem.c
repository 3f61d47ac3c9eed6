/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *or_abort(void *pointer)
{
	static const char message[] = "skillbox: out of memory\n";

	if (pointer)
		return pointer;
	if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0) {
		/* Nothing is left that could be told. */
	}
	abort();
}

void *sbx_malloc(size_t size)
{
	return or_abort(malloc(size ? size : 1));
}

void *sbx_calloc(size_t count, size_t size)
{
	return or_abort(calloc(count ? count : 1, size ? size : 1));
}

void *sbx_realloc(void *old, size_t size)
{
	return or_abort(realloc(old, size ? size : 1));
}

char *sbx_strdup(const char *text)
{
	return or_abort(strdup(text));
}

char *sbx_strndup(const char *text, size_t size)
{
	return or_abort(strndup(text, size));
}

char *sbx_asprintf(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return or_abort(text);
}

void sbx_strset(char **slot, const char *text)
{
	char *copy = text ? sbx_strdup(text) : NULL;

	free(*slot);
	*slot = copy;
}

void sbx_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}
