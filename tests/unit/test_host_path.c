/* SPDX-License-Identifier: MIT */
/*
 * What a host path is identified by: the file itself, never one that a
 * symbolic link on the way leads to.
 */
#include "sandbox/host_path.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

/* The path of @name in the scratch directory, which has no link in it. */
static const char *at(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", scratch_path, name);
	return path;
}

static void assert_found(const char *name)
{
	struct sbx_host_path found = { .ino = 0 };
	struct sbx_error err = SBX_ERROR_INIT;
	struct stat st;

	/* Whatever an earlier call has left there. */
	errno = ELOOP;
	assert_int_equal(sbx_host_path_find(at(name), &found, &err), 0);
	assert_int_equal(lstat(name, &st), 0);
	assert_int_equal(found.dev, st.st_dev);
	assert_int_equal(found.ino, st.st_ino);
}

/* Found, not opened: a FIFO would hang, and a socket cannot be opened. */
static void test_whatever_stands_there_is_found(void **state)
{
	(void)state;
	put("file", "");
	assert_int_equal(mkdir("directory", 0700), 0);
	assert_int_equal(mknod("socket", S_IFSOCK | 0600, 0), 0);
	assert_found("file");
	assert_found("directory");
	assert_found("socket");
}

static void assert_refused(const char *name, enum sbx_outcome outcome,
			   const char *message)
{
	struct sbx_host_path found = { .ino = 7 };
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_host_path_find(at(name), &found, &err), -1);
	assert_int_equal(err.outcome, outcome);
	assert_non_null(strstr(err.message, message));
	assert_int_equal(found.ino, 7);
}

/* Somebody else may own the link, and lead it elsewhere at any time. */
static void test_no_link_is_followed(void **state)
{
	(void)state;
	assert_int_equal(mkdir("directory", 0700), 0);
	put("directory/file", "");
	assert_int_equal(symlink("directory", "link"), 0);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_refused("link", SBX_OUTCOME_DENIED, "volumes.host_path");
	assert_refused("link/file", SBX_OUTCOME_DENIED, "volumes.host_path");
	assert_refused("link/.", SBX_OUTCOME_DENIED, "volumes.host_path");
	assert_refused("dangling", SBX_OUTCOME_DENIED, "volumes.host_path");
}

static void test_what_is_not_there_is_invalid(void **state)
{
	(void)state;
	put("file", "");
	assert_refused("nothing", SBX_OUTCOME_INVALID, "volume source");
	assert_refused("file/below", SBX_OUTCOME_INVALID, "volume source");
}

static void assert_no_device(const char *path, enum sbx_outcome outcome,
			     const char *message)
{
	struct sbx_host_device found = { 77, 77 };
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_host_device_find(path, &found, &err), -1);
	assert_int_equal(err.outcome, outcome);
	if (!strstr(err.message, message))
		assert_string_equal(err.message, message);
}

/* By what it is, whatever it is called. */
static void test_devices(void **state)
{
	struct sbx_host_device found = { 77, 77 };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_host_device_find("/dev/zero", &found, &err), 0);
	assert_int_equal(found.major, 1);
	assert_int_equal(found.minor, 5);
	put("file", "");
	assert_int_equal(symlink("/dev/zero", "link"), 0);
	assert_no_device(at("file"), SBX_OUTCOME_INVALID, "is no device");
	assert_no_device("/dev", SBX_OUTCOME_INVALID, "is no device");
	assert_no_device(at("link"), SBX_OUTCOME_DENIED,
			 "devices.host_path: a symbolic link is in ");
	assert_no_device(at("nothing"), SBX_OUTCOME_INVALID, "device /");
	assert_no_device("/dev/ptmx", SBX_OUTCOME_DENIED,
			 "devices.never: /dev/ptmx would hand over terminals "
			 "of other users");
}

/* Nodes of somebody's own; only root can make them. */
static void test_devices_by_another_name(void **state)
{
	(void)state;
	if (mknod("disk", S_IFBLK | 0600, makedev(7, 0)) < 0) {
		assert_int_equal(errno, EPERM);
		return;
	}
	assert_int_equal(mknod("memory", S_IFCHR | 0600, makedev(1, 1)), 0);
	assert_no_device(at("disk"), SBX_OUTCOME_DENIED, "it is a block");
	assert_no_device(at("memory"), SBX_OUTCOME_DENIED,
			 "would hand over the memory of the machine");
}

#define SCRATCH_TEST(name)                                                     \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(test_whatever_stands_there_is_found),
		SCRATCH_TEST(test_no_link_is_followed),
		SCRATCH_TEST(test_what_is_not_there_is_invalid),
		SCRATCH_TEST(test_devices),
		SCRATCH_TEST(test_devices_by_another_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
