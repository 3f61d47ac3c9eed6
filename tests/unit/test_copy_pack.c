/* SPDX-License-Identifier: MIT */
/*
 * A file or a tree of the host as an archive for a sandbox: nothing that its
 * owner did not name goes in, and nothing that the other end would refuse.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What somebody else does right before something is opened. */
static void (*before)(void);

static int then_openat(int dir, const char *name, int flags)
{
	if (before && strcmp(name, "f") == 0) {
		before();
		before = NULL;
	}
	return openat(dir, name, flags);
}

#define openat then_openat
#include "../../runner/sandbox/copy_pack.c"
#undef openat

#include "copy_host.h"
#include "sandbox/copy_unpack.h"

/* The archive is what came of it. */
static int pack_to(const char *path, const char *name,
		   const struct sbx_copy_limits *max,
		   const struct sbx_progress *lines)
{
	cleanup_fd int fd = file_of("", 0);
	int result = sbx_copy_pack(fd, path, name, max, lines, &err);

	if (result == 0)
		archive_from(fd);
	return result;
}

static void assert_packs(const char *path)
{
	cleanup_free char *name = sbx_copy_name(path);

	if (pack_to(path, name, &plenty, &warn_to) < 0)
		fail_msg("%s", err.message);
}

static void assert_fails(const char *path, enum sbx_outcome outcome,
			 const char *message)
{
	cleanup_free char *name = sbx_copy_name(path);

	assert_int_equal(pack_to(path, name, &plenty, &warn_to), -1);
	assert_error(outcome, message);
}

/* What was packed, unpacked below @path. */
static void unpack(const char *path)
{
	cleanup_fd int fd = file_of(archive.data, archive.len);

	if (sbx_copy_unpack(fd, path, &plenty, &warn_to, &err) < 0)
		fail_msg("%s", err.message);
}

static void make_tree(void)
{
	mkdir("s", 0755);
	mkdir("s/t", 0750);
	put_mode("s/t/f", "text", 0640);
	mkdir("s/t/e", 0700);
	put_mode("s/t/e/x", "program", 0755);
	assert_int_equal(symlink("../f", "s/t/e/l"), 0);
}

static void assert_tree(const char *root)
{
	cleanup_free char *command =
		sbx_asprintf("diff -r --no-dereference s/t %s && cd s/t && "
			     "find . ! -type l -printf '%%P %%m %%T@\\n' | "
			     "cut -d. -f1 | sort >../../want && cd ../../%s && "
			     "find . ! -type l -printf '%%P %%m %%T@\\n' | "
			     "cut -d. -f1 | sort | diff - $OLDPWD/../../want",
			     root, root);

	assert_int_equal(system(command), 0);
	assert_warnings("");
}

static void test_round_trip(void **state)
{
	(void)state;
	make_tree();
	mkdir("d", 0755);
	assert_packs("s/t");
	unpack("d");
	assert_tree("d/t");
	assert_packs("s/t/.");
	unpack("new");
	assert_tree("new");
	assert_packs("s/t/f");
	unpack("d/g");
	assert_text("d/g", "text");
}

static void test_nothing_there(void **state)
{
	(void)state;
	mkfifo("p", 0644);
	put("f", "");
	assert_int_equal(symlink("f", "l"), 0);
	assert_int_equal(symlink(".", "here"), 0);
	assert_fails("no", SBX_OUTCOME_NOT_FOUND,
		     "no: No such file or directory");
	assert_fails("f/x", SBX_OUTCOME_INVALID, "f/x: Not a directory");
	assert_fails("p", SBX_OUTCOME_INVALID,
		     "p: expected a file or a directory");
	assert_fails("/dev/null", SBX_OUTCOME_INVALID,
		     "/dev/null: expected a file or a directory");
	assert_fails("l", SBX_OUTCOME_INVALID,
		     "l: a symbolic link alone cannot be copied; name what it "
		     "leads to");
	assert_packs("here/");
	assert_non_null(memmem(archive.data, archive.len, "here/f", 7));
}

static void test_left_out(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX,
				       .sun_path = "d/a/s" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	put("outside", "secret");
	mkdir("d", 0755);
	mkdir("d/a", 0755);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	close(fd);
	assert_packs("d");
	assert_warnings("d/a/s: left out: no file, directory or link\n");
	unlink("d/a/s");
	mkfifo("d/a/p", 0644);
	assert_packs("d");
	assert_warnings("d/a/p: left out: no file, directory or link\n");
	unlink("d/a/p");
	assert_int_equal(symlink("../../outside", "d/a/l"), 0);
	assert_packs("d");
	assert_warnings("d/a/l: left out: a link that leads out of what is "
			"copied\n");
	assert_null(memmem(archive.data, archive.len, "secret", 6));
	assert_null(memmem(archive.data, archive.len, "outside", 7));
}

static void test_names(void **state)
{
	(void)state;
	mkdir("d", 0755);
	put("d/a\nb", "");
	assert_fails("d", SBX_OUTCOME_INVALID,
		     "d/a\\x0ab: its name cannot be sent: expected a path of "
		     "at most 1024 bytes in UTF-8, without control characters; "
		     "rename it");
	unlink("d/a\nb");
	put("d/\xff", "");
	assert_fails("d", SBX_OUTCOME_INVALID,
		     "d/\\xff: its name cannot be sent: expected a path of at "
		     "most 1024 bytes in UTF-8, without control characters; "
		     "rename it");
	unlink("d/\xff");
	put("d/\xc3\xa4", "");
	assert_packs("d");
	assert_int_equal(pack_to("d", SBX_CPIO_TRAILER, &plenty, &warn_to), -1);
	assert_error(SBX_OUTCOME_INVALID,
		     "TRAILER!!!: this name cannot be sent");
	assert_int_equal(pack_to("d", "../x", &plenty, &warn_to), -1);
	assert_error(SBX_OUTCOME_INVALID, "../x: this name cannot be sent");
}

static void make_nested(int levels)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY);

	for (int i = 0; i < levels; i++) {
		int next;

		assert_int_equal(mkdirat(dir, "d", 0755), 0);
		next = openat(dir, "d", O_RDONLY | O_DIRECTORY);
		close(dir);
		dir = next;
	}
	close(dir);
}

static void test_depth(void **state)
{
	(void)state;
	make_nested(SBX_CPIO_DEPTH_MAX);
	assert_packs("d");
	assert_int_equal(system("rm -r d"), 0);
	make_nested(SBX_CPIO_DEPTH_MAX + 1);
	assert_int_equal(pack_to("d", "d", &plenty, &warn_to), -1);
	assert_non_null(
		strstr(err.message, "d/d: is in more than 56 directories"));
}

static void test_long_path(void **state)
{
	char name[201];
	int dir = open(".", O_RDONLY | O_DIRECTORY);

	(void)state;
	memset(name, 'n', 200);
	name[200] = '\0';
	for (int i = 0; i < 7; i++) {
		int next;

		assert_int_equal(mkdirat(dir, name, 0755), 0);
		next = openat(dir, name, O_RDONLY | O_DIRECTORY);
		close(dir);
		dir = next;
	}
	close(dir);
	assert_int_equal(pack_to(".", ".", &plenty, &warn_to), -1);
	assert_non_null(strstr(err.message, "its name cannot be sent"));
}

static void test_limits(void **state)
{
	const struct sbx_copy_limits just = { .bytes = 11, .entries = 5 };
	const struct sbx_copy_limits bytes = { .bytes = 10, .entries = 5 };
	const struct sbx_copy_limits entries = { .bytes = 11, .entries = 4 };

	(void)state;
	make_tree();
	assert_int_equal(pack_to("s/t", "t", &just, &warn_to), 0);
	assert_int_equal(pack_to("s/t", "t", &bytes, &warn_to), -1);
	assert_error(SBX_OUTCOME_INVALID,
		     "the files have more than 10 bytes, the most that can be "
		     "copied at once");
	assert_int_equal(pack_to("s/t", "t", &entries, &warn_to), -1);
	assert_error(SBX_OUTCOME_INVALID,
		     "there are more than 4 files, directories and links, the "
		     "most that can be copied at once");
}

static void test_too_large(void **state)
{
	const struct sbx_copy_limits more = { .bytes = UINT64_MAX,
					      .entries = 5 };

	(void)state;
	put("f", "");
	assert_int_equal(truncate("f", (off_t)1 << 32), 0);
	assert_int_equal(pack_to("f", "f", &more, &warn_to), -1);
	assert_error(SBX_OUTCOME_INVALID, "f: is larger than 4 GiB, the most "
					  "that can be copied");
}

/* --- what changes meanwhile ------------------------------------------------ */

static void test_unreadable(void **state)
{
	(void)state;
	make_tree();
	chmod("s/t/e", 0);
	if (geteuid() == 0)
		return;
	assert_fails("s/t", SBX_OUTCOME_INVALID,
		     "t/e: cannot be read: Permission denied");
}

static void exchange(void)
{
	assert_int_equal(unlink("d/f"), 0);
	assert_int_equal(symlink("../outside", "d/f"), 0);
}

static void make_fifo(void)
{
	assert_int_equal(unlink("d/f"), 0);
	assert_int_equal(mkfifo("d/f", 0644), 0);
}

/* What it was when it was looked at is not what is opened. */
static void test_exchanges(void **state)
{
	(void)state;
	put("outside", "secret");
	mkdir("d", 0755);
	put("d/f", "text");
	before = exchange;
	assert_fails("d", SBX_OUTCOME_INVALID,
		     "d/f: cannot be read: Too many levels of symbolic links");
	unlink("d/f");
	put("d/f", "text");
	before = make_fifo;
	assert_fails("d", SBX_OUTCOME_INVALID,
		     "d/f: changed while it was packed; try again");
}

/* A file that is written while it is sent: the pipe holds it up. */
static void test_changes(void **state)
{
	static char data[1 << 20];
	int fds[2];
	pid_t pid;
	int status;

	(void)state;
	for (int longer = 0; longer < 2; longer++) {
		cleanup_fd int out = file_of("", 0);
		char byte;

		memset(data, 'x', sizeof(data) - 1);
		put("f", data);
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		pid = fork();
		if (pid == 0) {
			close(fds[0]);
			_exit(sbx_copy_pack(fds[1], "f", "f", &plenty, &warn_to,
					    &err) < 0 ||
			      strcmp(sbx_buf_text(&warnings),
				     longer ? "f: became longer, the rest is "
					      "left out\n"
					    : "f: became shorter, zeros are in "
					      "place of the rest\n") != 0);
		}
		close(fds[1]);
		/* Something has come, so it has been examined. */
		assert_int_equal(read(fds[0], &byte, 1), 1);
		assert_int_equal(write(out, &byte, 1), 1);
		assert_int_equal(truncate("f", longer ? 2 << 20 : 1 << 19), 0);
		archive_clear();
		assert_int_equal(sbx_fd_read_all(fds[0], &archive, &err), 0);
		close(fds[0]);
		assert_int_equal(
			sbx_fd_write_all(out, archive.data, archive.len), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		archive_from(out);
		unpack("g");
		assert_int_equal(about("g").st_size, sizeof(data) - 1);
	}
}

static void test_write_fails(void **state)
{
	cleanup_fd int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	put("f", "x");
	assert_int_equal(sbx_copy_pack(fd, "f", "f", &plenty, &warn_to, &err),
			 -1);
	assert_error(SBX_OUTCOME_INTERNAL,
		     "cannot write the archive: No space left on device");
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, copy_set_up, copy_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip), TEST(test_nothing_there),
		TEST(test_left_out),   TEST(test_names),
		TEST(test_depth),      TEST(test_long_path),
		TEST(test_limits),     TEST(test_too_large),
		TEST(test_unreadable), TEST(test_changes),
		TEST(test_exchanges),  TEST(test_write_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
