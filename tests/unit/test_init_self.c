/* SPDX-License-Identifier: MIT */
/*
 * What init is like: all that is noted is compared, and what cannot be noted is
 * not taken for what it was.  Who relies on it: init/reset.c.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "faulty_calls.h"

#define getrlimit(...) FAULTY(getrlimit, __VA_ARGS__)
#define stat(...)      FAULTY(stat, __VA_ARGS__)
#define syscall(...)   FAULTY(syscall, __VA_ARGS__)

#include "../../runner/init/self.c"

/* Each thing that is noted is compared. */
static void test_differences(void **state)
{
	struct sbx_self was, is;

	(void)state;
	assert_int_equal(sbx_self_note(&was), 0);
	assert_int_equal(sbx_self_note(&is), 0);
	assert_null(sbx_self_compare(&was, &is));
#define DIFFERS(field)                                                         \
	do {                                                                   \
		is = was;                                                      \
		is.field ^= 1;                                                 \
		if (!sbx_self_compare(&was, &is))                              \
			fail_msg("%s is not compared", #field);                \
	} while (0)
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		DIFFERS(limits[i].rlim_cur);
		DIFFERS(limits[i].rlim_max);
	}
	DIFFERS(nice);
	DIFFERS(scheduler);
	DIFFERS(priority);
	DIFFERS(io_priority);
	DIFFERS(affinity_size);
	DIFFERS(affinity[0]);
	DIFFERS(mask);
	DIFFERS(cwd_dev);
	DIFFERS(cwd_ino);
	DIFFERS(signals);
	DIFFERS(dumpable);
}

/* One call after the other. */
static void test_what_cannot_be_noted(void **state)
{
	static const struct {
		const char *call;
		int times;
	} calls[] = {
		{ "getrlimit", RLIM_NLIMITS },
		{ "syscall", 6 },
		{ "stat", 1 },
	};
	struct sbx_self self;

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		for (int skip = 0; skip < calls[i].times; skip++) {
			faulty_once(calls[i].call, EINVAL, skip);
			if (sbx_self_note(&self) != -1)
				fail_msg("%s, no. %d", calls[i].call, skip);
			assert_int_equal(errno, EINVAL);
		}
		faulty(calls[i].call, EINVAL, calls[i].times);
		assert_int_equal(sbx_self_note(&self), 0);
		assert_int_equal(faulty_calls, calls[i].times);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_what_cannot_be_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
