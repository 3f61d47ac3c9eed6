/* SPDX-License-Identifier: MIT */
/*
 * A caller's tar for a sandbox, and a sandbox's archive as a tar, held against
 * the tar that everybody has.
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
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "codec/tar.h"
#include "copy_host.h"
#include "sandbox/copy_reader.h"
#include "sandbox/copy_tar.h"
#include "sandbox/copy_unpack.h"

static int convert(int (*how)(int in, int out, const struct sbx_copy_limits *,
			      const struct sbx_progress *, struct sbx_error *),
		   const struct sbx_copy_limits *max)
{
	cleanup_fd int in = file_of(archive.data, archive.len);
	cleanup_fd int out = file_of("", 0);
	int result = how(in, out, max, &warn_to, &err);

	if (result == 0)
		archive_from(out);
	return result;
}

static void unpack(const char *path)
{
	cleanup_fd int fd = file_of(archive.data, archive.len);

	if (sbx_copy_unpack(fd, path, &plenty, &warn_to, &err) < 0)
		fail_msg("%s", err.message);
}

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

/* The archive is what tar makes of it. */
static void tar_of(const char *arguments)
{
	cleanup_free char *command = sbx_asprintf("tar cf a.tar %s", arguments);
	cleanup_fd int fd = -1;

	run(command);
	fd = open("a.tar", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	archive_from(fd);
}

static void assert_converts(void)
{
	if (convert(sbx_copy_from_tar, &plenty) < 0)
		fail_msg("%s", err.message);
}

static void make_tree(void)
{
	mkdir("s", 0755);
	mkdir("s/t", 0750);
	put_mode("s/t/f", "text", 0640);
	mkdir("s/t/e", 0700);
	put_mode("s/t/e/x", "program", 04755);
	assert_int_equal(symlink("../f", "s/t/e/l"), 0);
	put("s/t/\xc3\xa4", "umlaut");
	run("touch -h -d @1000000000 s/t/e/l s/t/e/x s/t/e s/t");
}

/* --- from a tar ------------------------------------------------------------ */

static void test_from_tar(void **state)
{
	static const char *const formats[] = { "ustar", "gnu", "pax" };

	(void)state;
	make_tree();
	for (size_t i = 0; i < SBX_ARRAY_SIZE(formats); i++) {
		cleanup_free char *arguments =
			sbx_asprintf("--format=%s -C s t", formats[i]);

		tar_of(arguments);
		assert_converts();
		mkdir("d", 0755);
		unpack("d");
		run("diff -r --no-dereference s/t d/t");
		assert_int_equal(about("d/t/e/x").st_mode, S_IFREG | 0755);
		assert_int_equal(about("d/t/e/x").st_mtime, LONG_AGO);
		assert_int_equal(about("d/t/e/l").st_mtime, LONG_AGO);
		assert_int_equal(about("d/t/e").st_mtime, LONG_AGO);
		assert_warnings("");
		run("rm -r d");
	}
}

/* Its root is where it goes, so links may lead to its other files. */
static void test_root(void **state)
{
	(void)state;
	mkdir("d", 0755);
	put("f", "text");
	assert_int_equal(symlink("f", "l"), 0);
	tar_of("f l");
	assert_converts();
	unpack("d");
	assert_true(S_ISLNK(about("d/l").st_mode));
	assert_text("d/f", "text");
	make_tree();
	tar_of("-C s/t .");
	assert_converts();
	unpack("new");
	assert_text("new/e/x", "program");
	assert_warnings("");
}

static void test_sparse(void **state)
{
	(void)state;
	put("f", "begin");
	assert_int_equal(truncate("f", 1 << 20), 0);
	put("g", "");
	assert_int_equal(truncate("g", 1 << 18), 0);
	mkdir("d", 0755);
	tar_of("--sparse f g");
	assert_true(archive.len < 1 << 18);
	assert_converts();
	unpack("d");
	run("cmp f d/f && cmp g d/g");
}

static void test_left_out(void **state)
{
	(void)state;
	put("f", "text");
	assert_int_equal(link("f", "h"), 0);
	assert_int_equal(symlink("/etc/passwd", "l"), 0);
	assert_int_equal(symlink("../x", "m"), 0);
	mkfifo("p", 0644);
	tar_of("f h l m p");
	assert_converts();
	assert_warnings("./h: left out: a hard link; pack it as a file\n"
			"./l: left out: a link that leads out of the tree\n"
			"./m: left out: a link that leads out of the tree\n"
			"./p: left out: no file, directory or link\n");
	unpack("new");
	assert_text("new/f", "text");
	assert_missing("new/h");
}

static void test_hostile_names(void **state)
{
	static const char *const names[] = {
		"/etc/passwd", "../x", "a/../../x", "a//b",
		"./../x",      "..",   "a\nb",	    "\xff",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		const struct sbx_tar_entry entry = { .type = SBX_TAR_FILE,
						     .path = names[i],
						     .mode = 0644 };

		archive_clear();
		assert_int_equal(sbx_tar_write(&archive, &entry, 1, &err), 0);
		assert_int_equal(convert(sbx_copy_from_tar, &plenty), -1);
		if (!strstr(err.message, "can be no file's name"))
			fail_msg("%s: %s", names[i], err.message);
		err = (struct sbx_error)SBX_ERROR_INIT;
	}
}

static void test_no_tar(void **state)
{
	(void)state;
	put("f", "text");
	tar_of("-z f");
	assert_int_equal(convert(sbx_copy_from_tar, &plenty), -1);
	assert_error(SBX_OUTCOME_INVALID,
		     "the archive cannot be read (expected tar, not "
		     "compressed): Unrecognized archive format");
	add_file("f", "");
	assert_int_equal(convert(sbx_copy_from_tar, &plenty), -1);
	err = (struct sbx_error)SBX_ERROR_INIT;
	tar_of("f");
	archive.len = 514;
	assert_int_equal(convert(sbx_copy_from_tar, &plenty), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
}

static void test_limits(void **state)
{
	const struct sbx_copy_limits bytes = { .bytes = 3, .entries = 9 };
	const struct sbx_copy_limits entries = { .bytes = 9, .entries = 1 };
	const struct sbx_copy_limits more = { .bytes = UINT64_MAX,
					      .entries = 9 };

	(void)state;
	put("f", "text");
	put("g", "");
	tar_of("f g");
	assert_int_equal(convert(sbx_copy_from_tar, &bytes), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	err = (struct sbx_error)SBX_ERROR_INIT;
	assert_int_equal(convert(sbx_copy_from_tar, &entries), -1);
	err = (struct sbx_error)SBX_ERROR_INIT;
	assert_int_equal(truncate("f", (off_t)1 << 32), 0);
	tar_of("--sparse f");
	assert_int_equal(convert(sbx_copy_from_tar, &plenty), -1);
	err = (struct sbx_error)SBX_ERROR_INIT;
	assert_int_equal(convert(sbx_copy_from_tar, &more), -1);
	assert_error(SBX_OUTCOME_INVALID, "./f: is larger than 4 GiB, the "
					  "most that can be copied");
}

/* --- to a tar -------------------------------------------------------------- */

static void extract(void)
{
	cleanup_fd int fd =
		open("b.tar", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(sbx_fd_write_all(fd, archive.data, archive.len), 0);
	run("mkdir x && tar xpf b.tar -C x");
}

static void test_to_tar(void **state)
{
	static char data[200001];
	char long_name[256];

	(void)state;
	memset(data, 'x', sizeof(data) - 1);
	memset(long_name, 'n', 255);
	memcpy(long_name, "t/", 2);
	long_name[255] = '\0';
	add("t", S_IFDIR | 0750, "");
	add("t/f", S_IFREG | 06640, data);
	add_link("t/l", "f");
	add_file("t/\xc3\xa4", "umlaut");
	add_file(long_name, "long");
	add_file("t/empty", "");
	add_end();
	if (convert(sbx_copy_to_tar, &plenty) < 0)
		fail_msg("%s", err.message);
	extract();
	assert_text("x/t/f", data);
	assert_text("x/t/\xc3\xa4", "umlaut");
	assert_true(S_ISLNK(about("x/t/l").st_mode));
	assert_int_equal(about("x/t").st_mode, S_IFDIR | 0750);
	assert_int_equal(about("x/t/f").st_mode, S_IFREG | 0640);
	assert_int_equal(about("x/t/f").st_mtime, LONG_AGO);
	assert_int_equal(about("x/t/f").st_uid, geteuid());
	assert_int_equal(about("x/t/empty").st_size, 0);
	run("cd x/t && test $(ls | wc -l) = 5 && cat n*n | grep -qx long");
}

static void test_to_tar_of_dot(void **state)
{
	(void)state;
	add_dir(".");
	add_file("./f", "text");
	add_end();
	assert_int_equal(convert(sbx_copy_to_tar, &plenty), 0);
	extract();
	assert_text("x/f", "text");
}

/* What a sandbox says is no more true because it becomes a tar. */
static void test_to_tar_hostile(void **state)
{
	(void)state;
	add_file("../f", "");
	add_end();
	assert_int_equal(convert(sbx_copy_to_tar, &plenty), -1);
	assert_non_null(strstr(err.message, "can be no file's name"));
	err = (struct sbx_error)SBX_ERROR_INIT;
	archive_clear();
	add_link("t/l", "/etc/passwd");
	add("t/p", S_IFIFO | 0644, "");
	add_end();
	assert_int_equal(convert(sbx_copy_to_tar, &plenty), 0);
	assert_warnings("t/l: left out: a link that leads out of the tree\n"
			"t/p: left out: no file, directory or link\n");
	assert_null(memmem(archive.data, archive.len, "passwd", 6));
	archive_clear();
	add_file("t/f", "text");
	archive.len -= 4;
	assert_int_equal(convert(sbx_copy_to_tar, &plenty), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	err = (struct sbx_error)SBX_ERROR_INIT;
}

static void test_write_fails(void **state)
{
	cleanup_fd int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	cleanup_fd int in = -1;

	(void)state;
	add_file("t/f", "text");
	add_end();
	in = file_of(archive.data, archive.len);
	assert_int_equal(sbx_copy_to_tar(in, full, &plenty, &warn_to, &err),
			 -1);
	assert_error(SBX_OUTCOME_INTERNAL,
		     "cannot write the tar: No space left on device");
}

/* --- how much it is -------------------------------------------------------- */

static void test_measure(void **state)
{
	struct sbx_copy_limits few = { .bytes = 10, .entries = 10 };
	struct sbx_copy_size size;
	cleanup_fd int fd = -1;
	int ends[2];

	(void)state;
	make_tree();
	tar_of("s");
	assert_converts();
	fd = file_of(archive.data, archive.len);
	lseek(fd, 3, SEEK_SET);
	assert_int_equal(sbx_copy_measure(fd, &plenty, &size, &err), 0);
	assert_int_equal(size.files, 3);
	assert_int_equal(size.bytes, strlen("text"
					    "program"
					    "umlaut"));
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	assert_int_equal(sbx_copy_measure(fd, &few, &size, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	err = (struct sbx_error)SBX_ERROR_INIT;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(sbx_copy_measure(ends[0], &plenty, &size, &err), -1);
	assert_error(SBX_OUTCOME_INTERNAL,
		     "the archive is no file: Illegal seek");
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, copy_set_up, copy_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_from_tar),	  TEST(test_root),
		TEST(test_sparse),	  TEST(test_left_out),
		TEST(test_hostile_names), TEST(test_no_tar),
		TEST(test_limits),	  TEST(test_to_tar),
		TEST(test_to_tar_of_dot), TEST(test_to_tar_hostile),
		TEST(test_write_fails),	  TEST(test_measure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
