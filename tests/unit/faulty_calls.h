/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_FAULTY_CALLS_H
#define SBX_TESTS_FAULTY_CALLS_H

/*
 * Calls of the system that fail when they are told to, for tests that include
 * a source of init's: what the kernel refuses only in need, or never.
 *
 * @faulty_call	the one that fails, by its name; or NULL
 * @faulty_errno	with what
 * @faulty_skip	how often it goes well before
 * @faulty_times	how often it fails, and then goes well again
 * @faulty_calls	how often it was called since faulty()
 */

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

static const char *faulty_call;
static int faulty_errno;
static int faulty_skip;
static int faulty_times;
static int faulty_calls;

static inline void faulty(const char *call, int errnum, int skip)
{
	faulty_call = call;
	faulty_errno = errnum;
	faulty_skip = skip;
	faulty_times = INT_MAX;
	faulty_calls = 0;
	errno = 0;
}

/* What comes later must not be what notices. */
static inline void faulty_once(const char *call, int errnum, int skip)
{
	faulty(call, errnum, skip);
	faulty_times = 1;
}

static inline bool is_faulty(const char *call)
{
	int before = faulty_calls - faulty_skip;

	if (!faulty_call || strcmp(call, faulty_call) != 0)
		return false;
	faulty_calls++;
	if (before < 0 || before >= faulty_times)
		return false;
	errno = faulty_errno;
	return true;
}

#define FAULTY(name, ...) (is_faulty(#name) ? -1 : name(__VA_ARGS__))

#endif
