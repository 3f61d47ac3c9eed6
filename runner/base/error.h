/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_ERROR_H
#define SBX_BASE_ERROR_H

#include "base/outcome.h"

/*
 * An error, owned by the caller of a fallible function, no heap behind it.
 * Every fallible function takes one as its last parameter, leaves it alone on
 * success and fills it on failure.  Initialise with SBX_ERROR_INIT.
 *
 * @outcome	what a run that ends on this error is reported as
 * @message	one sentence without a full stop, outermost context first:
 *		"run webpage: create container: engine refused: ..."
 */
struct sbx_error {
	enum sbx_outcome outcome;
	char message[1024];
};

#define SBX_ERROR_INIT                                                         \
	{                                                                      \
		.outcome = SBX_OUTCOME_OK, .message = ""                       \
	}

/* Fills @err; the message is cut to what fits.  Always returns -1. */
int sbx_error_set(struct sbx_error *err, enum sbx_outcome outcome,
		  const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, with ": " and strerror of @errnum (positive) at the end. */
int sbx_error_errno(struct sbx_error *err, enum sbx_outcome outcome, int errnum,
		    const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Puts context in front of a message that is already set: "context: old".
 * Keeps the outcome.  Always returns -1.
 */
int sbx_error_wrap(struct sbx_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#if defined(__clang_analyzer__) && !defined(SBX_BASE_ERROR_C)
/* It sees one file at a time and would doubt the -1. */
#define sbx_error_set(...)   (sbx_error_set(__VA_ARGS__), -1)
#define sbx_error_errno(...) (sbx_error_errno(__VA_ARGS__), -1)
#define sbx_error_wrap(...)  (sbx_error_wrap(__VA_ARGS__), -1)
#endif

#endif
