/* SPDX-License-Identifier: MIT */
/*
 * A sandbox's archive on the host: nothing outside of the target is touched,
 * whatever the archive says and whatever stands there.  Who relies on it:
 * whoever copies out of a sandbox that is not trusted.
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
#include <unistd.h>

#include <cmocka.h>

#include "copy_host.h"
#include "sandbox/copy_unpack.h"

static int unpack_some(const char *path, size_t size,
		       const struct sbx_copy_limits *max)
{
	cleanup_fd int fd = file_of(archive.data, size);

	return sbx_copy_unpack(fd, path, max, &warn_to, &err);
}

static void assert_unpacks(const char *path)
{
	add_end();
	if (unpack_some(path, archive.len, &plenty) < 0)
		fail_msg("%s", err.message);
	archive_clear();
}

static void assert_fails(const char *path, enum sbx_outcome outcome,
			 const char *message)
{
	add_end();
	assert_int_equal(unpack_some(path, archive.len, &plenty), -1);
	assert_error(outcome, message);
	archive_clear();
}

static void add_tree(void)
{
	add_dir("t");
	add_file("t/f", "text");
	add("t/e", S_IFDIR | 0700, "");
	add("t/e/x", S_IFREG | 0755, "program");
	add_link("t/e/l", "../f");
}

static void assert_tree(const char *root)
{
	cleanup_free char *file = sbx_asprintf("%s/f", root);
	cleanup_free char *program = sbx_asprintf("%s/e/x", root);
	cleanup_free char *link_ = sbx_asprintf("%s/e/l", root);

	assert_text(file, "text");
	assert_text(program, "program");
	assert_true(S_ISLNK(about(link_).st_mode));
	assert_int_equal(about(program).st_mode, S_IFREG | 0755);
	assert_warnings("");
}

/* --- the target ------------------------------------------------------------ */

static void test_into_directory(void **state)
{
	(void)state;
	mkdir("d", 0755);
	assert_int_equal(symlink("d", "l"), 0);
	add_tree();
	assert_unpacks("d");
	assert_tree("d/t");
	add_file("g", "one");
	assert_unpacks("l/");
	assert_text("d/g", "one");
	add_dir(".");
	add_file("./h", "two");
	assert_unpacks("d/.");
	assert_text("d/h", "two");
}

static void test_under_a_new_name(void **state)
{
	(void)state;
	add_tree();
	assert_unpacks("new");
	assert_tree("new");
	add_tree();
	assert_unpacks("other/");
	assert_tree("other");
	add_dir(".");
	add_file("./h", "two");
	assert_unpacks("third");
	assert_text("third/h", "two");
	put("file", "old");
	add_file("f", "new");
	assert_unpacks("file");
	assert_text("file", "new");
	assert_missing("t");
}

/* A link in place of the target is replaced, wherever it leads. */
static void test_target_is_a_link(void **state)
{
	(void)state;
	put("outside", "safe");
	mkdir("d", 0755);
	assert_int_equal(symlink("../outside", "d/l"), 0);
	assert_int_equal(symlink("../nowhere", "d/m"), 0);
	add_file("f", "new");
	assert_unpacks("d/l");
	assert_text("d/l", "new");
	assert_text("outside", "safe");
	add_file("f", "newer");
	assert_unpacks("d/m");
	assert_text("d/m", "newer");
	assert_missing("nowhere");
	assert_int_equal(symlink("../nowhere", "d/n"), 0);
	add_tree();
	assert_fails("d/n", SBX_OUTCOME_INVALID,
		     "t: a link or a file is in the way: Not a directory");
	assert_missing("nowhere");
}

static void test_no_such_target(void **state)
{
	(void)state;
	put("file", "old");
	add_file("f", "");
	assert_fails("no/f", SBX_OUTCOME_NOT_FOUND,
		     "no/f: there is no directory for it: No such file or "
		     "directory");
	add_file("f", "");
	assert_fails("no/.", SBX_OUTCOME_NOT_FOUND,
		     "no/.: there is no such directory");
	add_file("f", "");
	assert_fails("", SBX_OUTCOME_NOT_FOUND, ": there is no such directory");
	add_file("f", "");
	assert_fails("new/", SBX_OUTCOME_INVALID,
		     "f: is to be a directory there, and is none");
	add_tree();
	assert_fails("file", SBX_OUTCOME_INVALID,
		     "t: a link or a file is in the way: Not a directory");
	add_file("a", "x");
	add_file("b", "");
	assert_fails("new", SBX_OUTCOME_INVALID,
		     "new: is no directory, and several files are to go "
		     "there; make it one");
	add_dir("ab");
	add_dir("a");
	add_end();
	assert_int_equal(unpack_some("new2", archive.len, &plenty), -1);
	assert_text("file", "old");
}

/* --- what is made ---------------------------------------------------------- */

static void test_modes_and_times(void **state)
{
	(void)state;
	umask(027);
	mkdir("was", 0700);
	add("t", S_IFDIR | 07555, "");
	add("t/f", S_IFREG | 06777, "x");
	add("t/locked", S_IFREG | 0, "");
	add("t/e", S_IFDIR | 0, "");
	add_file("t/e/g", "");
	add_link("t/l", "f");
	add("was", S_IFDIR | 0755, "");
	assert_unpacks(".");
	assert_int_equal(about("t").st_mode, S_IFDIR | 0550);
	assert_int_equal(about("t/f").st_mode, S_IFREG | 0750);
	assert_int_equal(about("t/locked").st_mode, S_IFREG | 0);
	assert_int_equal(about("t/e").st_mode, S_IFDIR | 0);
	assert_int_equal(about("was").st_mode, S_IFDIR | 0700);
	assert_int_equal(about("t").st_mtime, LONG_AGO);
	assert_int_equal(about("t/f").st_mtime, LONG_AGO);
	assert_int_equal(about("t/e").st_mtime, LONG_AGO);
	assert_int_equal(about("t/l").st_mtime, LONG_AGO);
	assert_int_equal(about("t/f").st_uid, geteuid());
}

static void test_merge(void **state)
{
	(void)state;
	mkdir("t", 0700);
	put("t/keep", "keep");
	put("t/f", "old");
	put("outside", "safe");
	assert_int_equal(symlink("../outside", "t/l"), 0);
	assert_int_equal(link("outside", "t/h"), 0);
	add_dir("t");
	add_file("t/f", "new");
	add_file("t/l", "file now");
	add_file("t/h", "other");
	assert_unpacks(".");
	assert_text("t/keep", "keep");
	assert_text("t/f", "new");
	assert_text("t/l", "file now");
	assert_text("t/h", "other");
	assert_text("outside", "safe");
}

/* What is cut off leaves what was there, and nothing else. */
static void test_truncated(void **state)
{
	(void)state;
	mkdir("t", 0755);
	put("t/f", "old");
	add_dir("t");
	add_file("t/f", "some more text");
	for (size_t i = 0; i <= archive.len; i++) {
		assert_int_equal(unpack_some(".", i, &plenty), -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
		assert_non_null(strstr(err.message, "the archive cannot be "
						    "read (expected cpio"));
		err = (struct sbx_error)SBX_ERROR_INIT;
		if (i < archive.len - 4)
			assert_text("t/f", "old");
	}
	assert_int_equal(system("test -z \"$(find . -name '.skillbox*')\""), 0);
}

/* --- attacks --------------------------------------------------------------- */

static void test_names(void **state)
{
	static const char *const names[] = {
		"/tmp/skillbox-bad",
		"..",
		"../x",
		"a/../../x",
		"a/..",
		"a//b",
		"a/./b",
		"./../x",
		"\xff",
		"a\nb",
	};

	(void)state;
	mkdir("d", 0755);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		add_file(names[i], "bad");
		add_end();
		assert_int_equal(unpack_some("d", archive.len, &plenty), -1);
		if (!strstr(err.message, "can be no file's name"))
			fail_msg("%s: %s", names[i], err.message);
		assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
		err = (struct sbx_error)SBX_ERROR_INIT;
		archive_clear();
		assert_int_equal(rmdir("d"), 0);
		mkdir("d", 0755);
	}
	assert_missing("x");
	assert_missing("/tmp/skillbox-bad");
}

static void test_through_links(void **state)
{
	(void)state;
	mkdir("d", 0755);
	mkdir("outside", 0755);
	put("outside/f", "safe");
	assert_int_equal(symlink("../outside", "d/planted"), 0);
	add_file("planted/f", "bad");
	assert_fails("d", SBX_OUTCOME_INVALID,
		     "planted/f: a link or a file is in the way: Not a "
		     "directory");
	add("planted", S_IFDIR | 0777, "");
	assert_fails("d", SBX_OUTCOME_INVALID,
		     "planted: a link or a file is in the way: Not a "
		     "directory");
	add_dir("t");
	add_dir("t/in");
	add_link("t/l", "in");
	add_file("t/l/f", "bad");
	assert_fails("d", SBX_OUTCOME_INVALID,
		     "t/l/f: a link or a file is in the way: Not a directory");
	/* Not even the mode and time that come later. */
	add("u", S_IFDIR | 0700, "");
	add_link("u", "../outside");
	add_file("u/f", "fine");
	assert_unpacks("d");
	assert_warnings("u: left out: a link that leads out of the tree\n");
	assert_text("outside/f", "safe");
	assert_missing("d/t/in/f");
	assert_int_equal(about("outside").st_mode, S_IFDIR | 0755);
}

/* One that takes the place of a directory that is still to get its mode. */
static void test_link_for_directory(void **state)
{
	(void)state;
	add_dir("t");
	add("t/a", S_IFDIR | 0711, "");
	add_dir("t/b");
	add_link("t/a", "b");
	assert_fails(".", SBX_OUTCOME_INVALID,
		     "t/a: cannot be put there: Is a directory");
	assert_int_equal(about("t/a").st_mode, S_IFDIR | 0711);
}

static void test_links_that_leave(void **state)
{
	static const char *const targets[] = {
		"/etc/passwd", "../../..", "../../x",  "f/../../x",
		"f/../x",      "a//b",	   "../../t2",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(targets); i++) {
		add_link("t/u/l", targets[i]);
		assert_unpacks(".");
		assert_warnings("t/u/l: left out: a link that leads out of the "
				"tree\n");
		assert_missing("t/u/l");
	}
	add_link("l", "f");
	assert_unpacks(".");
	assert_warnings("l: left out: a link that leads out of the tree\n");
}

/* Longer than whatever is there for them. */
static void test_long(void **state)
{
	static char much[100000];

	(void)state;
	memset(much, 'a', sizeof(much) - 1);
	add_link("t/l", much);
	assert_unpacks(".");
	assert_warnings("t/l: left out: a link that leads out of the tree\n");
	add_file(much, "");
	add_end();
	assert_int_equal(unpack_some(".", archive.len, &plenty), -1);
	assert_non_null(strstr(err.message, "can be no file's name"));
}

static void test_types(void **state)
{
	(void)state;
	mkdir("d", 0755);
	mkdir("d/dir", 0755);
	add("p", S_IFIFO | 0644, "");
	add("c", S_IFCHR | 0644, "");
	add("b", S_IFBLK | 0644, "");
	add("s", S_IFSOCK | 0644, "");
	assert_unpacks("d");
	assert_warnings("p: left out: no file, directory or link\n"
			"c: left out: no file, directory or link\n"
			"b: left out: no file, directory or link\n"
			"s: left out: no file, directory or link\n");
	add_file("dir", "x");
	assert_fails("d", SBX_OUTCOME_INVALID,
		     "dir: cannot be put there: Is a directory");
	add_file(".", "x");
	assert_fails("d", SBX_OUTCOME_INVALID,
		     ".: is to be a directory there, and is none");
	assert_int_equal(system("rmdir d/dir d"), 0);
}

/* Two of one inode, by what the header says. */
static void test_hard_links(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		size_t begin = archive.len;

		add_file(i ? "b" : "a", i ? "" : "text");
		memcpy(archive.data + begin + 6, "00000007", 8);
		memcpy(archive.data + begin + 6 + 8 * SBX_CPIO_LINKS,
		       "00000002", 8);
	}
	assert_unpacks(".");
	assert_text("a", "text");
	assert_missing("b");
	assert_warnings("b: left out: a hard link; pack it as a file\n");
}

static void test_garbage(void **state)
{
	(void)state;
	sbx_buf_puts(&archive, "garbage before it");
	add_file("a", "x");
	add_end();
	assert_int_equal(unpack_some(".", archive.len, &plenty), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	archive_clear();
	/* What libarchive would pass over. */
	add_file("a", "x");
	sbx_buf_puts(&archive, "garbage, 12!");
	add_file("b", "x");
	add_end();
	assert_int_equal(unpack_some(".", archive.len, &plenty), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_non_null(strstr(err.message, "Skipped 12 bytes"));
	assert_missing("b");
}

static void test_depth(void **state)
{
	char nested[2 * SBX_CPIO_DEPTH_MAX + 8] = "d";

	(void)state;
	for (int i = 1; i < SBX_CPIO_DEPTH_MAX; i++)
		strcat(nested, "/d");
	add_dir(nested);
	assert_unpacks(".");
	strcat(nested, "/d");
	add_dir(nested);
	add_end();
	assert_int_equal(unpack_some(".", archive.len, &plenty), -1);
	assert_non_null(strstr(err.message, "is in more than 56 directories"));
}

/* --- limits ---------------------------------------------------------------- */

static void test_limits(void **state)
{
	const struct sbx_copy_limits bytes = { .bytes = 11, .entries = 100 };
	const struct sbx_copy_limits entries = { .bytes = 100, .entries = 5 };

	(void)state;
	add_tree();
	add_end();
	assert_int_equal(unpack_some(".", archive.len, &bytes), 0);
	assert_int_equal(unpack_some(".", archive.len, &entries), 0);
	archive_clear();
	add_tree();
	add_file("t/more", "x");
	add_end();
	assert_int_equal(unpack_some(".", archive.len, &bytes), -1);
	assert_error(SBX_OUTCOME_INVALID,
		     "the files have more than 11 bytes, the most that can be "
		     "copied at once");
	assert_int_equal(unpack_some(".", archive.len, &entries), -1);
	assert_error(SBX_OUTCOME_INVALID,
		     "there are more than 5 files, directories and links, the "
		     "most that can be copied at once");
	assert_missing("t/more");
	/* What is left out counts. */
	archive_clear();
	for (int i = 0; i < 6; i++)
		add("p", S_IFIFO | 0644, "");
	add_end();
	assert_int_equal(unpack_some(".", archive.len, &entries), -1);
}

static void test_large_file(void **state)
{
	static char data[300001];

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(data); i++)
		data[i] = (char)('a' + i % 23);
	add_file("f", data);
	assert_unpacks(".");
	assert_text("f", data);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, copy_set_up, copy_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_into_directory),
		TEST(test_under_a_new_name),
		TEST(test_target_is_a_link),
		TEST(test_no_such_target),
		TEST(test_modes_and_times),
		TEST(test_merge),
		TEST(test_truncated),
		TEST(test_names),
		TEST(test_through_links),
		TEST(test_link_for_directory),
		TEST(test_links_that_leave),
		TEST(test_types),
		TEST(test_long),
		TEST(test_hard_links),
		TEST(test_garbage),
		TEST(test_depth),
		TEST(test_limits),
		TEST(test_large_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
