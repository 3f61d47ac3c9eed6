/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "scratch.h"
#include "skill/rootfs.h"

static void put_script(const char *text)
{
	cleanup_free char *script = sbx_asprintf("#!/bin/sh\n%s", text);

	put_mode("rootfs", script, 0755);
}

static void add_line(void *ctx, const char *line)
{
	sbx_buf_printf(ctx, "%s\n", line);
}

static int run_with(int cancel_fd, struct sbx_buf *progress,
		    struct sbx_error *err)
{
	cleanup_fd int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	const struct sbx_progress lines = { .line = add_line, .ctx = progress };

	return sbx_rootfs_make(here, "base", cancel_fd, &lines, err);
}

static void check_fails(const char *script, enum sbx_outcome outcome,
			const char *message)
{
	cleanup_buf struct sbx_buf progress = SBX_BUF_INIT(4096);
	struct sbx_error err = SBX_ERROR_INIT;

	if (script)
		put_script(script);
	assert_int_equal(run_with(-1, &progress, &err), -1);
	assert_int_equal(err.outcome, outcome);
	assert_string_equal(err.message, message);
}

/* Its output comes back, its standard error as lines. */
static void test_output(void **state)
{
	cleanup_buf struct sbx_buf progress = SBX_BUF_INIT(4096);
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(1 << 22);
	struct sbx_error err = SBX_ERROR_INIT;
	cleanup_fd int fd = -1;
	struct stat st;

	(void)state;
	put_script("echo one >&2; printf two >&2\n"
		   "head -c 3000000 /dev/zero; printf end\n");
	fd = run_with(-1, &progress, &err);
	assert_true(fd >= 0);
	assert_string_equal(sbx_buf_text(&progress), "one\ntwo\n");
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 3000003);
	assert_int_equal(st.st_nlink, 0);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(sbx_fd_read_all(fd, &text, &err), 0);
	assert_string_equal(text.data + 3000000, "end");
}

/* It sees its own directory and nothing of the caller's environment. */
static void test_surroundings(void **state)
{
	cleanup_buf struct sbx_buf progress = SBX_BUF_INIT(65536);
	struct sbx_error err = SBX_ERROR_INIT;
	cleanup_fd int fd = -1;
	cleanup_fd int leak = open("/", O_RDONLY);
	cleanup_free char *expected = NULL;

	(void)state;
	setenv("SECRET", "x", 1);
	setenv("http_proxy", "p", 1);
	put_script("pwd -P >&2; echo $PATH $SECRET $http_proxy >&2; umask >&2\n"
		   "read line || echo no input >&2; ls /proc/self/fd >&2\n");
	assert_true(leak >= 0);
	fd = run_with(-1, &progress, &err);
	assert_true(fd >= 0);
	expected = sbx_asprintf("%s\n/usr/local/sbin:/usr/local/bin:/usr/sbin:"
				"/usr/bin:/sbin:/bin p\n0022\nno input\n"
				"0\n1\n2\n3\n",
				scratch_path);
	assert_string_equal(sbx_buf_text(&progress), expected);
}

static void test_failure(void **state)
{
	(void)state;
	check_fails("echo 1 >&2; echo 2 >&2; exit 3", SBX_OUTCOME_BUILD_FAILED,
		    "rootfs ended with status 3: 1 | 2");
	check_fails("kill -9 $$", SBX_OUTCOME_BUILD_FAILED,
		    "rootfs ended by signal 9");
	/* the last lines are those that say why */
	check_fails("for i in 1 2 3 4 5 6 7; do echo $i >&2; done; exit 1",
		    SBX_OUTCOME_BUILD_FAILED,
		    "rootfs ended with status 1: 3 | 4 | 5 | 6 | 7");
	put_script("exit 0");
	assert_int_equal(chmod("rootfs", 0600), 0);
	check_fails(NULL, SBX_OUTCOME_BUILD_FAILED,
		    "rootfs ended with status 127: ./rootfs: Permission "
		    "denied");
}

/* What others could have written is not run. */
static void test_trust(void **state)
{
#define WOULD                                                                  \
	"image.rootfs: the script images/base/rootfs would run on "            \
	"this host, but "
	(void)state;
	put_script("touch ran");
	chmod("rootfs", 0757);
	check_fails(NULL, SBX_OUTCOME_DENIED,
		    WOULD "it can be written by anybody");
	chmod("rootfs", 0755);
	chmod(".", 0777);
	check_fails(NULL, SBX_OUTCOME_DENIED,
		    WOULD "its directory can be written by anybody");
	chmod(".", 0755);
	assert_int_equal(access("ran", F_OK), -1);
}

/* The same for groups and owners; only root can set the scene. */
static void test_trust_of_others(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return;
	put_script("touch ran");
	unsetenv("SUDO_UID");
	assert_int_equal(chown("rootfs", 0, 12345), 0);
	chmod("rootfs", 0775);
	check_fails(NULL, SBX_OUTCOME_DENIED,
		    WOULD "it can be written by a group");
	chmod("rootfs", 0755);
	assert_int_equal(chown("rootfs", 12345, 0), 0);
	check_fails(NULL, SBX_OUTCOME_DENIED,
		    WOULD "it belongs to another user");
	setenv("SUDO_UID", "12346", 1);
	check_fails(NULL, SBX_OUTCOME_DENIED,
		    WOULD "it belongs to another user");
	assert_int_equal(access("ran", F_OK), -1);
}

/* "sudo make run" in one's own checkout. */
static void test_sudo(void **state)
{
	cleanup_buf struct sbx_buf progress = SBX_BUF_INIT(4096);
	struct sbx_error err = SBX_ERROR_INIT;
	cleanup_fd int fd = -1;

	(void)state;
	if (geteuid() != 0)
		return;
	put_script("exit 0");
	assert_int_equal(chown("rootfs", 12345, 12345), 0);
	assert_int_equal(chown(".", 12345, 12345), 0);
	setenv("SUDO_UID", "12345", 1);
	fd = run_with(-1, &progress, &err);
	assert_true(fd >= 0);
	unsetenv("SUDO_UID");
}

/* Whoever wants out need not wait, and leaves nothing running. */
static void test_cancel(void **state)
{
	cleanup_buf struct sbx_buf progress = SBX_BUF_INIT(4096);
	struct sbx_error err = SBX_ERROR_INIT;
	double began = sbx_clock_ms();
	int fds[2];

	(void)state;
	put_script("trap 'touch ended; exit 1' TERM\n"
		   "sleep 60 & echo $! >pid; wait");
	assert_int_equal(pipe(fds), 0);
	if (fork() == 0) {
		while (access("pid", F_OK) < 0)
			usleep(10000);
		usleep(50000);
		assert_int_equal(write(fds[1], "x", 1), 1);
		_exit(0);
	}
	assert_int_equal(run_with(fds[0], &progress, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_CANCELLED);
	assert_true(sbx_clock_ms() - began < 4000);
	assert_int_equal(access("ended", F_OK), 0);
	/* What nobody has waited for yet has no command line any more. */
	assert_int_equal(system("for i in $(seq 20); do "
				"grep -qs sleep /proc/$(cat pid)/cmdline || "
				"exit 0; sleep 0.1; done; exit 1"),
			 0);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)
	const struct CMUnitTest tests[] = {
		TEST(test_output),	    TEST(test_surroundings),
		TEST(test_failure),	    TEST(test_trust),
		TEST(test_trust_of_others), TEST(test_sudo),
		TEST(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
