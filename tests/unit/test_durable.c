/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/lock.h"
#include "base/mem.h"
#include "base/runtime_dir.h"
#include "scratch.h"
#include "secret/durable.h"

static bool is_there(const char *name)
{
	struct sbx_error err = SBX_ERROR_INIT;
	cleanup_fd int directory = sbx_runtime_dir_open(NULL, &err);
	struct stat st;

	assert_true(directory >= 0);
	return fstatat(directory, name, &st, 0) == 0;
}

/* One directory has one lock, whatever it is called, and no file for ever. */
static void test_lock(void **state)
{
	struct sbx_durable_lock lock = SBX_DURABLE_LOCK_INIT;
	struct sbx_durable_lock again = SBX_DURABLE_LOCK_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	cleanup_fd int other = -1;

	(void)state;
	assert_int_equal(mkdir("a", 0700), 0);
	assert_int_equal(symlink("a", "link"), 0);
	assert_int_equal(sbx_durable_lock_take(&lock, "a", &err), 0);
	assert_true(is_there(lock.name));
	other = sbx_lock_open(lock.name, &err);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	sbx_durable_lock_drop(&lock);
	assert_int_equal(lock.fd, -1);
	assert_false(is_there(lock.name));
	sbx_durable_lock_drop(&lock);
	assert_int_equal(sbx_durable_lock_take(&again, "link", &err), 0);
	assert_string_equal(again.name, lock.name);
	sbx_durable_lock_drop(&again);
}

static void test_no_directory(void **state)
{
	struct sbx_durable_lock lock = SBX_DURABLE_LOCK_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_durable_lock_take(&lock, "none", &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	sbx_durable_lock_drop(&lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lock, scratch_enter,
						scratch_leave),
		cmocka_unit_test_setup_teardown(test_no_directory,
						scratch_enter, scratch_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
