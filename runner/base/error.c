/* SPDX-License-Identifier: MIT */
#define SBX_BASE_ERROR_C
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sbx_error_set(struct sbx_error *err, enum sbx_outcome outcome,
		  const char *format, ...)
{
	va_list args;

	err->outcome = outcome;
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return -1;
}

int sbx_error_errno(struct sbx_error *err, enum sbx_outcome outcome, int errnum,
		    const char *format, ...)
{
	char context[sizeof(err->message) / 2];
	va_list args;

	va_start(args, format);
	vsnprintf(context, sizeof(context), format, args);
	va_end(args);
	return sbx_error_set(err, outcome, "%s: %s", context, strerror(errnum));
}

int sbx_error_wrap(struct sbx_error *err, const char *format, ...)
{
	char old[sizeof(err->message)];
	char context[sizeof(err->message) / 2];
	va_list args;

	memcpy(old, err->message, sizeof(old));
	va_start(args, format);
	vsnprintf(context, sizeof(context), format, args);
	va_end(args);
	return sbx_error_set(err, err->outcome, "%s: %s", context, old);
}
